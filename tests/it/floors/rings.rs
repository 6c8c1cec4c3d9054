//! No circle of files: not between rooms, not inside a room, not in any crate of the workspace.
//!
//! What counts is said in `graph`. A circle is undone by moving a type or a function to the file where it belongs.

use super::{Source, graph, root, sources};
use std::fs;
use std::path::{Path, PathBuf};

/// Rooms whose circles are still being undone: the start of a crate's folder, or a path below `src`.
const OPEN: [&str; 0] = [];

/// The crates of the workspace and of `fuzz`: their folder, and what their library is called in code.
fn crates() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut open = vec![root()];
    while let Some(folder) = open.pop() {
        if let Ok(manifest) = fs::read_to_string(folder.join("Cargo.toml")) {
            let name = manifest.lines().find_map(|line| line.strip_prefix("name = "));
            found.push((folder.clone(), name.expect("a name").trim_matches('"').replace('-', "_")));
        }
        for entry in fs::read_dir(&folder).expect("a readable folder") {
            let path = entry.expect("a readable entry").path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if path.is_dir() && !name.starts_with('.') && !["target", "src", "tests"].contains(&name) {
                open.push(path);
            }
        }
    }
    found
}

/// True when all files of a circle lie in one room that is open.
fn is_open(folder: &str, circle: &str) -> bool {
    let files: Vec<&str> = circle.lines().skip(1).filter_map(|line| line.split_whitespace().next()).collect();
    let holds = |room: &&str| match folder {
        "" => files.iter().all(|file| Path::new(file).starts_with(room)),
        folder => folder.starts_with(*room),
    };
    OPEN.iter().any(holds)
}

#[test]
fn files_need_each_other_in_no_circle() {
    let crates = crates();
    let names: Vec<&str> = crates.iter().map(|(_, name)| name.as_str()).collect();
    for name in ["kusto_connect", "adx_emulator", "adx_engine", "lab"] {
        assert!(names.contains(&name), "{name} is not among {names:?}");
    }
    let mut wrong = Vec::new();
    for (path, library) in &crates {
        let folder = path.strip_prefix(root()).expect("below").display().to_string();
        let circles = graph::circles(library, &sources(&path.join("src")));
        let closed = circles.iter().filter(|circle| !is_open(&folder, circle));
        wrong.extend(closed.map(|circle| format!("{library}: {circle}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Circles in a crate `house` of these files.
fn circles(files: &[(&str, &str)]) -> Vec<String> {
    let source = |(path, text): &(&str, &str)| Source { path: path.into(), text: (*text).into() };
    graph::circles("house", &files.iter().map(source).collect::<Vec<_>>())
}

/// A crate: what is special about it, and its files.
type House = (&'static str, &'static [(&'static str, &'static str)]);

/// One circle each.
const RINGS: [House; 9] = [
    (
        "super and crate",
        &[("a.rs", "use super::b::B; pub struct A(B);"), ("b.rs", "pub struct B; fn f() -> crate::a::A {}")],
    ),
    (
        "a group",
        &[
            ("a.rs", "use crate::{b::{self, B}, c}; pub fn a(_: B) {}"),
            ("b.rs", "pub struct B; use super::a::*; fn f() { a(B) }"),
        ],
    ),
    (
        "a module's function",
        &[("a.rs", "use super::b; pub fn a() { b::b() }"), ("b.rs", "use super::a; pub fn b() { a::a() }")],
    ),
    (
        "a parent that defines and uses",
        &[
            ("r/mod.rs", "mod c; use c::C; pub struct Error; pub struct R(C);"),
            ("r/c.rs", "use super::Error; pub struct C(Error);"),
        ],
    ),
    (
        "the same by paths",
        &[
            ("r.rs", "mod c; pub struct Error; pub struct R(c::C);"),
            ("r/c.rs", "pub struct C(super::Error);"),
        ],
    ),
    (
        "a re-export that is used at home",
        &[
            ("r/mod.rs", "mod c; pub use c::C; pub struct Error; impl C {}"),
            ("r/c.rs", "use super::Error; pub struct C(Error);"),
        ],
    ),
    (
        "through a re-export",
        &[
            ("r/mod.rs", "mod a; mod b; pub use a::A; pub use b::*;"),
            ("r/a.rs", "use super::B; pub struct A(B);"),
            ("r/b.rs", "use crate::r::A; pub struct B(A);"),
        ],
    ),
    (
        "a split impl",
        &[
            ("r/mod.rs", "mod c; pub struct R; impl R { fn f(&self) { self.g() } }"),
            ("r/c.rs", "impl super::R { pub(super) fn g(&self) {} }"),
        ],
    ),
    (
        "a binary",
        &[
            ("lib.rs", "pub mod a; pub mod b;"),
            ("bin/x.rs", "use house::a;"),
            ("a.rs", "pub struct A(house::b::B);"),
            ("b.rs", "pub struct B(house::a::A);"),
        ],
    ),
];

#[test]
fn a_ring_is_found() {
    for (name, files) in RINGS {
        let found = circles(files);
        assert_eq!(found.len(), 1, "{name}: {found:?}");
    }
    let found = circles(RINGS[0].1);
    assert_eq!(
        found,
        ["a circle of 2 files:\n  a.rs needs b.rs: super::b::B\n  b.rs needs a.rs: crate::a::A"]
    );
    let three = [
        ("a.rs", "use super::b::B; pub fn a(_: B) {}"),
        ("b.rs", "use super::c::C; pub struct B(C);"),
        ("c.rs", "pub struct C; fn c() { super::a::a() }"),
    ];
    assert!(circles(&three)[0].starts_with("a circle of 3 files:"));
}

/// No circle.
const NONE: [House; 8] = [
    (
        "a parent that only passes on",
        &[
            ("r/mod.rs", "mod a; mod b; pub use a::A; pub(crate) use b::{B, b};"),
            ("r/a.rs", "use super::B; pub struct A(B);"),
            ("r/b.rs", "pub struct B; pub fn b() {}"),
        ],
    ),
    ("a parent that only uses", &[("r/mod.rs", "mod a; pub fn f() { a::g() }"), ("r/a.rs", "pub fn g() {}")]),
    (
        "another crate's through the parent",
        &[
            ("r/mod.rs", "mod a; use bytes::Bytes; fn f(b: Bytes) { a::g(b) }"),
            ("r/a.rs", "use super::Bytes; pub fn g(_: Bytes) {}"),
        ],
    ),
    (
        "modules that are only named",
        &[
            ("r/mod.rs", "mod a; mod b; pub fn f() { a::g() }"),
            ("r/a.rs", "use super::b; pub fn g() { b::h() }"),
            ("r/b.rs", "use super::a; pub fn h() {}"),
        ],
    ),
    (
        "tests",
        &[
            ("r/mod.rs", "mod a; #[cfg(test)] mod t; pub struct R(a::A);"),
            (
                "r/a.rs",
                "pub struct A; #[cfg(test)] use super::R; #[cfg(test)] mod tests { use super::super::R; }",
            ),
            ("r/t.rs", "use super::R;"),
        ],
    ),
    (
        "comments and texts",
        &[
            ("a.rs", "// crate::b::B\npub fn a() { f(\"crate::b::B\") }"),
            ("b.rs", "use crate::a::a; pub struct B; fn b() { a() }"),
        ],
    ),
    (
        "a function called like a module",
        &[
            ("r/mod.rs", "mod c; pub use c::C; pub fn c() -> C { C }"),
            ("r/c.rs", "pub struct C;"),
            ("r/d.rs", "use super::c::C;"),
        ],
    ),
    (
        "methods of one name",
        &[
            ("a.rs", "pub struct A; impl A { fn f(&self, b: B) { b.g() } }"),
            ("b.rs", "impl super::a::A { fn h(&self) {} } pub struct B; impl B { pub fn g(&self) {} }"),
        ],
    ),
];

#[test]
fn none_is_invented() {
    for (name, files) in NONE {
        assert_eq!(circles(files), Vec::<String>::new(), "{name}");
    }
}
