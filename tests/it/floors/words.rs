//! The framework says no word of the services that its sinks write to: not in code, not in texts, not in comments.
//!
//! A sink gives what is its own through its traits. So a room of the framework that says "Kusto" has taken something from
//! a sink that is not the framework's.

use super::{Source, graph, root, sources, text};
use std::path::Path;

/// Rooms that run any connector, and those below them that serve any sink.
const FRAMEWORK: [&str; 29] = [
    "audit",
    "batch",
    "brief",
    "causes",
    "checkup",
    "cluster_key",
    "configdef",
    "convert",
    "data",
    "doctor",
    "dry_run",
    "explain",
    "herder",
    "id",
    "kafka",
    "limits",
    "membership",
    "metrics",
    "ranges",
    "registry",
    "rest",
    "retry",
    "secret",
    "sink",
    "status",
    "storage",
    "task",
    "transform",
    "worker",
];

/// Rooms of the framework that still say such words.
const OPEN: [&str; 0] = [];

/// Words of the services that our sinks write to.
const WORDS: [&str; 5] = ["kusto", "adx", "fabric", "eventhouse", "ingest"];

/// What is taken out before words are looked for: the product's own name, which stands in headers, variables and the
/// targets of log lines, a path of REST that was promised, and the names of documents.
const EXCEPTED: [&str; 6] = [
    "kusto-connect",
    "kusto_connect",
    "/ingestion",
    "kusto-protocol.md",
    "kusto-sink-connector.md",
    "fabric-sink-connector.md",
];

/// Lines of `sources` in which a room of `rooms` says one of the words.
fn said(rooms: &[&str], sources: &[Source]) -> Vec<String> {
    let is_of_tests = |path: &Path| {
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        stem.ends_with("tests") || path.components().any(|part| part.as_os_str() == "tests")
    };
    let judged = sources.iter().filter(|source| {
        let room = source.module().unwrap_or_default();
        rooms.contains(&room.as_str()) && !is_of_tests(&source.path)
    });
    let mut found = Vec::new();
    for source in judged {
        for (number, line) in text::lines_without_tests(&source.text) {
            let mut words = line.to_lowercase();
            for name in EXCEPTED {
                words = words.replace(name, "");
            }
            if WORDS.iter().any(|word| words.contains(word)) {
                found.push(format!("{}:{number}: {}", source.path.display(), line.trim()));
            }
        }
    }
    found
}

#[test]
fn the_framework_names_no_service() {
    let rooms: Vec<&str> = FRAMEWORK.into_iter().filter(|room| !OPEN.contains(room)).collect();
    let found = said(&rooms, &graph::without_files_of_tests(sources(&root().join("src"))));
    assert!(found.is_empty(), "the framework names a sink's service:\n{}", found.join("\n"));
}

#[test]
fn a_word_of_a_service_is_found() {
    let source = |path: &str, text: &str| Source { path: path.into(), text: text.into() };
    let found = said(
        &["task", "rest"],
        &[
            source(
                "task/mod.rs",
                "// Adx\nlet s = \"Kusto\";\nuse crate::kusto::ingest;\n#[cfg(test)]\nmod t {\n fn kusto() {}\n}",
            ),
            source(
                "rest/mod.rs",
                "const HEADER: &str = \"x-kusto-connect-request\"; // `kusto-protocol.md` §1",
            ),
            source("rest/tests.rs", "kusto"),
            source("ingest/mod.rs", "kusto"),
        ],
    );
    let lines: Vec<&str> = found.iter().filter_map(|line| line.split(": ").next()).collect();
    assert_eq!(lines, ["task/mod.rs:1", "task/mod.rs:2", "task/mod.rs:3"]);
}
