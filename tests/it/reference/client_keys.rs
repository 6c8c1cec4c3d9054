//! Our table of the settings of Java's clients against Kafka's own: the same names, the same of them secret, and the same verdict on edge values.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Command, Stdio};

use kusto_connect::config::{ClientKind, JavaType, java_key, java_keys};

use crate::support::{rigs, root};

const KINDS: [(&str, ClientKind); 3] =
    [("admin", ClientKind::Admin), ("consumer", ClientKind::Consumer), ("producer", ClientKind::Producer)];

/// Runs `ClientKeys.java` on these lines.
fn java(lines: &[String]) -> Vec<String> {
    let mut child = Command::new("java")
        .arg("-cp")
        .arg(rigs().join("kafka/*"))
        .arg(root().join("tests/reference/ClientKeys.java"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("java runs");
    let mut input = child.stdin.take().expect("its input");
    let text = lines.join("\n");
    let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let output = child.wait_with_output().expect("java ends");
    writer.join().expect("the writer ends").expect("all was taken");
    let text = String::from_utf8(output.stdout).expect("text");
    text.lines().filter(|line| !line.starts_with('[')).map(str::to_owned).collect()
}

fn values(of: JavaType) -> Vec<String> {
    let bounds = |least: i64, most: i64| {
        let around = [least, most, least.saturating_sub(1), most.saturating_add(1), -1, 0, 1];
        let odd = ["", "x", "1.5", " 1 ", "+1", "0x10", "9223372036854775808"].map(str::to_owned);
        around.iter().map(ToString::to_string).chain(odd).collect()
    };
    match of {
        JavaType::Text | JavaType::Password => Vec::new(),
        JavaType::Filled => ["", " ", "x"].map(str::to_owned).to_vec(),
        JavaType::OneOf(names) => names.iter().copied().chain(["", "x", "none"]).map(str::to_owned).collect(),
        JavaType::Flag => ["true", "false", "TRUE", " false ", "1", "yes", ""].map(str::to_owned).to_vec(),
        JavaType::Short(least, most) | JavaType::Int(least, most) | JavaType::Long(least, most) => {
            bounds(least, most)
        }
        JavaType::Double(least, most) => {
            let all = [least.max(-1e9), most.min(1e9), 0.0, 0.6, 2.0];
            all.iter().map(ToString::to_string).chain(["x".to_owned(), String::new()]).collect()
        }
        JavaType::GzipLevel => bounds(-1, 9),
    }
}

#[test]
fn settings_of_clients_are_those_of_kafkas_own() {
    let mut asked = Vec::new();
    for (name, kind) in KINDS {
        for key in java_keys(kind) {
            asked.extend(values(key.2).into_iter().map(|value| (name, kind, key.0, value)));
        }
    }
    let lines: Vec<_> = asked.iter().map(|(name, _, key, value)| format!("{name}\t{key}\t{value}")).collect();
    let answers = java(&lines);
    let (names, verdicts) = answers.split_at(KINDS.len());
    for ((name, kind), line) in KINDS.iter().zip(names) {
        let (of, theirs) = line.split_once('\t').expect("a kind and its names");
        assert_eq!(of, *name);
        let theirs: BTreeSet<String> = theirs.split(',').map(str::to_owned).collect();
        let mark = |of: JavaType| if of == JavaType::Password { "!" } else { "" };
        let ours: BTreeSet<String> =
            java_keys(*kind).map(|key| format!("{}{}", key.0, mark(key.2))).collect();
        assert_eq!(ours, theirs, "{name}");
    }
    assert_eq!(verdicts.len(), asked.len(), "an answer to each");
    let mut different = Vec::new();
    for ((name, kind, key, value), verdict) in asked.iter().zip(verdicts) {
        let ours = java_key(*kind, key).expect("a key of the table").objection(value);
        // Rules between keys, which Java tells here too, are another test's.
        let is_rule = verdict.contains("idempotent") || verdict.contains("default group id");
        // Letters of another case are taken here; the table has them all small.
        let is_case = matches!(java_key(*kind, key), Some(java) if matches!(java.2, JavaType::OneOf(_)))
            && ours.is_none()
            && verdict.starts_with("refused");
        if ours.is_none() != (verdict == "taken") && !is_rule && !is_case {
            different.push(format!("{name} {key}={value:?}: ours {ours:?}, Java {verdict}"));
        }
    }
    assert!(different.is_empty(), "{} of {}:\n{}", different.len(), asked.len(), different.join("\n"));
}
