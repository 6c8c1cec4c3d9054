//! No two public types of one name: who searches for a name finds one thing.

use super::{Source, graph, root, sources};
use std::collections::BTreeMap;

/// Each room has an error of its own, as is usual.
const EXCEPTED: [&str; 1] = ["Error"];

/// Each name that several files give to a public type, with those files.
fn doubled(sources: &[Source]) -> Vec<String> {
    let mut files: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for source in sources {
        for line in source.code().lines() {
            let kinds = ["pub struct ", "pub enum ", "pub trait ", "pub type "];
            let Some(rest) = kinds.iter().find_map(|kind| line.strip_prefix(kind)) else { continue };
            let name: String = rest.chars().take_while(|c| c.is_alphanumeric()).collect();
            files.entry(name).or_default().push(source.path.display().to_string());
        }
    }
    files.retain(|name, files| files.len() > 1 && !EXCEPTED.contains(&name.as_str()));
    files.into_iter().map(|(name, files)| format!("{name}: {}", files.join(", "))).collect()
}

#[test]
fn no_two_public_types_have_one_name() {
    let found = doubled(&graph::without_files_of_tests(sources(&root().join("src"))));
    assert!(found.is_empty(), "public types of one name:\n{}", found.join("\n"));
}

#[test]
fn two_types_of_one_name_are_found() {
    let source = |path: &str, text: &str| Source { path: path.into(), text: text.into() };
    let found = doubled(&[
        source("a.rs", "pub struct Room;\npub enum Error {}\n"),
        source("b.rs", "pub enum Error {}\npub trait Room {}\npub struct Rooms;\nstruct Own;\n"),
        source("c.rs", "struct Room;\nstruct Own;\n"),
    ]);
    assert_eq!(found, ["Room: a.rs, b.rs"]);
}
