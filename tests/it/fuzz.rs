//! Any bytes: what `fuzz/src/lib.rs` promises holds for the stored corpus and for changes of it.
//!
//! The changes are the same in every run. Searching for new inputs is `make fuzz`; what it finds goes into
//! `fuzz/corpus/<target>`, and from then on is tried here.

#[path = "../../fuzz/src/lib.rs"]
mod targets;

use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::thread;

use kusto_connect::app::STACK_BYTES;
use targets::{TARGETS, Target};

use crate::support::root;

/// Changes of each file of a corpus.
const CHANGES: usize = 400;
/// Bytes that mean something to one of the parsers.
const SIGNS: &[u8] = b"\0\x01\x7f\x80\xff\"'\\{}[]:=,;$^.#-0e9 \n";

/// Numbers that look drawn, the same each time (`SplitMix64`).
struct Draws(u64);

impl Draws {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Below `end`, which is at least 1.
    fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).expect("64 bits");
        usize::try_from(self.next() % end).expect("64 bits")
    }

    /// `bytes` changed in one to four places.
    fn change(&mut self, bytes: &[u8], other: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len() + 1);
            let end = at + self.below(bytes.len() - at + 1);
            match self.below(7) {
                0 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
                1 if at < bytes.len() => bytes[at] = SIGNS[self.below(SIGNS.len())],
                2 => bytes.insert(at, SIGNS[self.below(SIGNS.len())]),
                3 => bytes.truncate(end),
                4 => drop(bytes.drain(at..end)),
                5 => {
                    let again = bytes[at..end].repeat(1 + self.below(8));
                    bytes.splice(at..at, again);
                }
                _ => {
                    let from = self.below(other.len() + 1);
                    bytes.splice(at..end, other[from..].iter().copied());
                }
            }
        }
        bytes
    }
}

/// The files of a target's corpus, by name.
fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = root().join("fuzz/corpus").join(target);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let read = |path: PathBuf| (path.display().to_string(), fs::read(&path).expect("a readable file"));
    let mut files: Vec<_> = entries.map(|entry| read(entry.expect("a readable entry").path())).collect();
    files.sort();
    files
}

/// Tries one input; what is wrong with it.
fn tried(target: Target, bytes: &[u8]) -> Option<String> {
    let panic = catch_unwind(AssertUnwindSafe(|| target(bytes))).err()?;
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic");
    Some(format!("{text}\n  on b\"{}\"", bytes.escape_ascii()))
}

/// Tries the corpus of `name` and its changes; every input that breaks a promise.
fn replay(name: &str) -> Vec<String> {
    let (_, target) = *TARGETS.iter().find(|(known, _)| *known == name).expect("a target");
    let files = corpus(name);
    let mut wrong = Vec::new();
    for (index, (path, bytes)) in files.iter().enumerate() {
        wrong.extend(tried(target, bytes).map(|error| format!("{path}: {error}")));
        let mut draws = Draws(u64::try_from(index).expect("64 bits"));
        for _ in 0..CHANGES {
            let (_, other) = &files[draws.below(files.len())];
            let changed = draws.change(bytes, other);
            wrong.extend(tried(target, &changed).map(|error| format!("{path}, changed: {error}")));
        }
    }
    wrong
}

/// The same on a stack such as converters have.
fn holds(name: &'static str) {
    let thread = thread::Builder::new().stack_size(STACK_BYTES).spawn(|| replay(name));
    let wrong = thread.expect("a thread").join().expect("panics are caught");
    assert!(wrong.is_empty(), "{} inputs; the first:\n{}", wrong.len(), wrong.join("\n"));
}

macro_rules! holds_for {
    ($($test:ident: $target:literal),+ $(,)?) => {$(
        #[test]
        fn $test() {
            holds($target);
        }
    )+

    /// Those that have a test.
    const TESTED: &[&str] = &[$($target),+];
    };
}

holds_for! {
    any_avro_record_is_read_or_refused: "avro",
    any_pattern_of_dates_is_used_or_refused: "date_pattern",
    any_failure_that_the_service_tells_of_is_read_or_left_out: "ingestion_failures",
    any_login_entry_is_read_or_refused: "jaas",
    any_json_with_or_without_an_envelope_is_read_or_refused: "json_envelope",
    any_record_of_a_json_schema_is_read_or_refused: "json_schema",
    any_mapping_is_read_or_refused_by_name: "mapping",
    any_properties_are_read_and_written_again: "properties",
    any_protobuf_record_is_read_or_refused: "protobuf",
    any_schema_of_a_registry_is_used_or_refused: "registered_schemas",
    any_header_is_read: "simple_header",
    any_expression_for_topics_is_used_or_refused_by_name: "topic_regex",
    any_settings_of_transformations_are_used_or_refused: "transforms",
}

#[test]
fn every_target_has_a_test_a_binary_and_a_corpus() {
    let names: BTreeSet<_> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names, TESTED.iter().map(|name| (*name).to_owned()).collect());
    let listed = |folder: &str, extension: &str| -> BTreeSet<String> {
        let entries = fs::read_dir(root().join("fuzz").join(folder)).expect("a readable folder");
        let name = |entry: fs::DirEntry| entry.file_name().into_string().expect("plain text");
        entries
            .map(|entry| name(entry.expect("a readable entry")).trim_end_matches(extension).to_owned())
            .collect()
    };
    assert_eq!(listed("fuzz_targets", ".rs"), names);
    assert_eq!(listed("corpus", ""), names);
    let manifest = fs::read_to_string(root().join("fuzz/Cargo.toml")).expect("its manifest");
    for name in &names {
        let path = format!("path = \"fuzz_targets/{name}.rs\"");
        assert!(manifest.contains(&path), "{name} is no binary of fuzz/Cargo.toml");
        assert!(corpus(name).len() >= 8, "{name} has hardly a corpus");
    }
}

#[test]
fn a_broken_promise_is_found_and_shown() {
    fn no_a_behind_b(bytes: &[u8]) {
        assert!(!bytes.windows(2).any(|pair| pair == b"ba"), "found");
    }
    assert_eq!(tried(no_a_behind_b, b"ab"), None);
    assert_eq!(tried(no_a_behind_b, b"a\nba").as_deref(), Some("found\n  on b\"a\\nba\""));
    let mut draws = Draws(0);
    let found = (0..10_000).any(|_| tried(no_a_behind_b, &draws.change(b"a1b", b"a2b")).is_some());
    assert!(found, "changes put pieces together");
}
