//! The floors of the code, as a test: a module imports only from lower floors, siblings never import each other.
//!
//! The list below is the picture in `src/lib.rs`; a module that is not on it fails the test too. The same test keeps
//! files small and opened by a `//!`. It reads text, not syntax trees: enough for `use crate::…` and `crate::…` paths.
//! `rings` looks at single files: they need each other in no circle, in no crate. `words` looks for what the framework
//! must not know, `same_names` for public types that are called alike.

mod graph;
mod names;
mod rings;
mod same_names;
mod text;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Top-level modules of `kusto_connect`, from the ground up. Modules on one floor do not know each other.
const FLOORS: [&[&str]; 12] = [
    &[
        "id",
        "status",
        "secret",
        "cluster_key",
        "retry",
        "words",
        "causes",
        "data",
        "bounded",
        "brief",
        "product",
        "own_process",
    ],
    &["configdef", "telemetry", "metrics", "limits", "client_credentials", "checkup", "ranges"],
    &["config"],
    &["kafka", "registry", "transform", "batch", "sink", "otlp"],
    &["convert"],
    &["kusto", "filestream"],
    &["plugins"],
    &["task"],
    &["worker", "storage", "membership"],
    &["herder"],
    &["rest", "migrate", "doctor", "explain", "dry_run", "audit"],
    &["app", "cli"],
];

/// `app` is wired by the command line, both on the top floor: the one import that goes sideways.
const SIDEWAYS: [(&str, &str); 1] = [("cli", "app")];

/// Lines of code a file may have (tests at its end not counted). Above that, ask which noun is hiding.
const MAX_CODE_LINES: usize = 400;

/// Files that may be longer, each with the reason.
const LONG_FILES: [(&str, &str); 0] = [];

/// What one source file says about its place.
struct Source {
    path: PathBuf,
    text: String,
}

impl Source {
    /// The top-level module the file belongs to; none for `lib.rs` and `main.rs`, which stand above all floors.
    fn module(&self) -> Option<String> {
        let first = self.path.components().next()?.as_os_str().to_str()?;
        let name = first.trim_end_matches(".rs");
        (!matches!(name, "lib" | "main")).then(|| name.to_owned())
    }

    /// The text without comments, string contents and tests; nothing for a file of tests.
    fn code(&self) -> String {
        self.code_and_test_modules().0
    }

    /// That, and the modules of a file of their own that only tests have.
    fn code_and_test_modules(&self) -> (String, Vec<String>) {
        let name = self.path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        if name == "tests" || name.ends_with("_tests") {
            return (String::new(), Vec::new());
        }
        text::without_tests(&text::strip(&self.text))
    }
}

/// The top-level modules named by `crate::x`, `use crate::{x, y::z}` in `code`.
fn imports(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let in_word = code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$');
        if in_word {
            continue;
        }
        let path = code[at + "crate::".len()..].trim_start();
        if let Some(group) = path.strip_prefix('{') {
            found.extend(group_heads(group));
        } else {
            found.insert(head(path));
        }
    }
    found.remove("");
    found
}

/// The first words of the members of a `{…}` import list, `group` starting behind its brace.
fn group_heads(group: &str) -> Vec<String> {
    let mut depth = 1;
    let mut heads = vec![head(group.trim_start())];
    for (index, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => heads.push(head(group[index + 1..].trim_start())),
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    heads
}

/// The identifier at the start of `text`.
fn head(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

fn floor_of(module: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&module))
}

/// All `.rs` files below `dir`, paths relative to it.
fn sources(dir: &Path) -> Vec<Source> {
    let mut found = Vec::new();
    let mut open = vec![dir.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).expect("a readable folder") {
            let path = entry.expect("a readable entry").path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("a readable file");
                found.push(Source { path: path.strip_prefix(dir).expect("below").to_owned(), text });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(!found.is_empty(), "no sources in {}", dir.display());
    found
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// What is wrong with the imports of `sources`, one line each.
fn violations(sources: &[Source]) -> Vec<String> {
    let mut wrong = Vec::new();
    for source in sources {
        let Some(module) = source.module() else { continue };
        let Some(own) = floor_of(&module) else {
            wrong.push(format!("{}: module `{module}` is on no floor", source.path.display()));
            continue;
        };
        for import in imports(&source.code()) {
            let allowed = import == module
                || SIDEWAYS.contains(&(module.as_str(), import.as_str()))
                || floor_of(&import).is_some_and(|floor| floor < own);
            if !allowed {
                let reason = match floor_of(&import) {
                    Some(floor) => format!("floor {own} may not import floor {floor}"),
                    None => "it is on no floor".to_owned(),
                };
                wrong.push(format!("{}: crate::{import} ({reason})", source.path.display()));
            }
        }
    }
    wrong
}

/// A cycle between top-level modules, if there is one (the floors forbid it; `SIDEWAYS` could let one in).
fn cycle(sources: &[Source]) -> Option<Vec<String>> {
    let mut graph: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for source in sources {
        let Some(module) = source.module() else { continue };
        let mut targets = imports(&source.code());
        targets.remove(&module);
        graph.entry(module).or_default().extend(targets);
    }
    // Leaves are taken off until none is left; what stays hangs in a cycle.
    loop {
        let leaves: Vec<String> = graph
            .iter()
            .filter(|(_, targets)| targets.iter().all(|target| !graph.contains_key(target)))
            .map(|(module, _)| module.clone())
            .collect();
        if leaves.is_empty() {
            break;
        }
        graph.retain(|module, _| !leaves.contains(module));
    }
    (!graph.is_empty()).then(|| graph.into_keys().collect())
}

#[test]
fn modules_import_downward_only() {
    let wrong = violations(&graph::without_files_of_tests(sources(&root().join("src"))));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn modules_form_no_cycle() {
    assert_eq!(cycle(&graph::without_files_of_tests(sources(&root().join("src")))), None);
}

#[test]
fn the_emulator_imports_nothing_of_ours() {
    for folder in ["adx-emulator", "adx-emulator/engine"] {
        let manifest = fs::read_to_string(root().join(folder).join("Cargo.toml")).expect("its manifest");
        assert!(!manifest.contains("path = \"../"), "{folder} depends on a crate of this workspace");
    }
}

#[test]
fn files_say_what_they_are_for_and_stay_small() {
    let mut wrong = Vec::new();
    for dir in
        ["src", "adx-emulator/src", "adx-emulator/engine/src", "lab/src", "fuzz/src", "fuzz/fuzz_targets"]
    {
        for source in sources(&root().join(dir)) {
            let name = format!("{dir}/{}", source.path.display());
            if !source.text.starts_with("//!") {
                wrong.push(format!("{name}: does not open with //!"));
            }
            let lines = source.code().lines().filter(|line| !line.trim().is_empty()).count();
            if lines > MAX_CODE_LINES && !LONG_FILES.iter().any(|(file, _)| *file == name) {
                wrong.push(format!("{name}: {lines} lines of code (at most {MAX_CODE_LINES})"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Ways to open a file by its name.
const OPENERS: [&str; 9] = [
    "fs::read",
    "File::open",
    "fs::File",
    "OpenOptions::",
    "set_certificate_file",
    "set_certificate_chain_file",
    "set_private_key_file",
    "set_ca_file",
    "load_verify_locations",
];

/// What may look at files beside the one place that opens what settings name: where, by what, how often, and why.
const READERS: [(&str, &str, usize, &str); 4] = [
    ("config/providers/source.rs", "fs::read", 1, "it lists the names in a folder"),
    ("config/rest/mod.rs", "fs::read", 1, "the machine's name, at a path that no setting names"),
    ("metrics/process.rs", "fs::read", 3, "the kernel's own numbers, at paths that no setting names"),
    ("limits/machine.rs", "fs::read", usize::MAX, "the kernel's own numbers, at paths that no setting names"),
];

/// Where `sources` open files by themselves, one line each.
fn openers(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    let is_of_tests = |path: &Path| path.components().any(|part| part.as_os_str() == "tests");
    let is_judged = |path: &Path| !path.ends_with("config/files.rs") && !is_of_tests(path);
    for source in sources.iter().filter(|source| is_judged(&source.path)) {
        let code = source.code();
        for opener in OPENERS {
            let known = READERS.iter().find(|known| source.path.ends_with(known.0) && opener == known.1);
            if code.matches(opener).count() > known.map_or(0, |known| known.2) {
                found.push(format!("{}: {opener}", source.path.display()));
            }
        }
    }
    found
}

#[test]
fn files_that_settings_name_are_opened_in_one_place() {
    let found = openers(&sources(&root().join("src")));
    assert!(found.is_empty(), "use config::files:\n{}", found.join("\n"));
    let source = |path: &str, text: &str| Source { path: path.into(), text: text.into() };
    let wrong = [
        source("a.rs", "let x = std::fs::read_to_string(path);"),
        source("b.rs", "builder.set_private_key_file(path, kind)"),
        source("c.rs", "tokio::fs::File::open(path).await"),
        source("config/rest/mod.rs", "std::fs::read(a); std::fs::read(b)"),
    ];
    let names: BTreeSet<_> =
        openers(&wrong).iter().map(|line| line.split(':').next().unwrap().to_owned()).collect();
    assert_eq!(names.len(), wrong.len());
    assert_eq!(openers(&[source("config/files.rs", "File::open(path)")]), Vec::<String>::new());
}

#[test]
fn a_wrong_import_is_found() {
    let source = |path: &str, text: &str| Source { path: path.into(), text: text.into() };
    let wrong = violations(&[
        source(
            "id.rs",
            "//! Uses crate::rest in a comment.\nlet s = \"crate::rest\"; let c = '\"'; use crate::id::X;",
        ),
        source("task/mod.rs", "use crate::{id::Name, kafka::{Consumer, x}, worker};"),
        source("batch.rs", "fn f() -> crate::sink::Error {}"),
        source("rest/a.rs", "#[cfg(test)]\nmod tests { use crate::app; }"),
        source("cli.rs", "use crate::app;"),
        source("rest/tests.rs", "use crate::app;"),
        source("util.rs", ""),
    ]);
    assert_eq!(
        wrong,
        [
            "task/mod.rs: crate::worker (floor 7 may not import floor 8)",
            "batch.rs: crate::sink (floor 3 may not import floor 3)",
            "util.rs: module `util` is on no floor",
        ]
    );
    let ring =
        [source("app.rs", "use crate::cli;"), source("cli.rs", "use crate::app;"), source("id.rs", "")];
    assert_eq!(cycle(&ring), Some(vec!["app".to_owned(), "cli".to_owned()]));
}
