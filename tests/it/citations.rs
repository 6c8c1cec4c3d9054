//! A citation leads somewhere: files name only documents of this repository, and of the contracts only sections that they have.
//!
//! How to cite stands in `docs/spec/README.md`. Of Rust only comments are read for sections, because `§` may stand in a text; of
//! all other files everything is. It reads no recordings and no inputs.

use crate::support::root;
use regex::{Captures, Regex};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Where the contracts are.
const FOLDER: &str = "docs/spec";
/// What nobody writes by hand, and this file.
const SKIPPED: [&str; 8] = [
    // Its examples are wrong on purpose.
    "tests/it/citations.rs",
    "target",
    "fuzz/target",
    "fuzz/corpus",
    "fuzz/artifacts",
    "tests/fixtures",
    "proptest-regressions",
    "node_modules",
];
/// Files that people write; those of `scripts` have no ending.
const ENDINGS: [&str; 11] = ["rs", "md", "py", "sh", "java", "mjs", "toml", "yaml", "kql", "properties", ""];

/// The sections of each contract, by its name without `.md`.
type Pages = BTreeMap<String, BTreeSet<String>>;

fn pages() -> Pages {
    let heading = Regex::new(r"(?m)^#{1,3} (\d+(?:\.\d+)*)[. ]").unwrap();
    let files =
        std::fs::read_dir(root().join(FOLDER)).expect("the contracts").map(|file| file.unwrap().path());
    let named = files.map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), path));
    named
        .filter(|(name, _)| name != "README")
        .map(|(name, path)| {
            let text = std::fs::read_to_string(path).unwrap();
            (name, heading.captures_iter(&text).map(|found| found[1].to_owned()).collect())
        })
        .collect()
}

/// All files that may cite something, by their paths from the root.
fn files(dir: &str, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(root().join(dir)).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let path = if dir.is_empty() { name.clone() } else { format!("{dir}/{name}") };
        let kind = entry.file_type().unwrap();
        if name.starts_with('.') || SKIPPED.contains(&path.as_str()) {
            continue;
        }
        if kind.is_dir() {
            files(&path, found);
        } else if kind.is_file()
            && ENDINGS.contains(&Path::new(&name).extension().map_or("", |e| e.to_str().unwrap()))
        {
            found.push(path);
        }
    }
}

/// The comments of Rust's text, those on lines behind each other as one.
fn comments(text: &str) -> String {
    let mut all = String::new();
    for line in text.lines() {
        let own = line.trim_start().strip_prefix("//").map(|rest| rest.trim_start_matches(['/', '!']));
        match own.or_else(|| line.split_once(" // ").map(|(_, rest)| rest)) {
            Some(comment) => all.extend([comment.trim(), " "]),
            None => all.push('\n'),
        }
    }
    all
}

/// What citations look like.
struct Forms {
    /// Any document.
    document: Regex,
    /// A contract's section, written otherwise than `page.md §1.2`.
    other: Regex,
    /// A contract, and what follows.
    page: Regex,
    /// A document, or sections; those of an RFC are not ours.
    token: Regex,
    number: Regex,
}

impl Forms {
    fn new(pages: &Pages) -> Self {
        let names = pages.keys().map(String::as_str).collect::<Vec<_>>().join("|");
        let regex = |text: &str| Regex::new(text).unwrap();
        Self {
            document: regex(r"[0-9A-Za-z_./:-]*[0-9A-Za-z_]\.md\b"),
            other: regex(&format!(r"\b({names})(?:`?,? §?[0-9]|\.md`?,? [0-9])")),
            page: regex(&format!(r"\b({names})\.md`?(.{{0,2}})")),
            token: regex(
                r"(?<rfc>RFC [0-9]+,? §)|(?<page>[0-9A-Za-z_-]+)\.md\b`?|§(?<many>§?) ?(?<first>[0-9]+(?:\.[0-9]+)*)?(?<more>(?:(?:–|, | and )[0-9]+(?:\.[0-9]+)*)*)",
            ),
            number: regex(r"[0-9]+(?:\.[0-9]+)*"),
        }
    }
}

/// Reads one file's citations.
struct Reader<'a> {
    pages: &'a Pages,
    forms: &'a Forms,
    file: &'a str,
    wrong: Vec<String>,
    /// How many sections were cited.
    cited: usize,
}

impl Reader<'_> {
    fn read(&mut self, text: &str) {
        for name in self.forms.document.find_iter(text).map(|found| found.as_str()) {
            let here = Path::new(self.file).parent().unwrap().join(name);
            let places = [here, Path::new(name).to_owned(), Path::new(FOLDER).join(name)];
            if !name.contains("://") && !places.iter().any(|place| root().join(place).is_file()) {
                self.wrong.push(format!("{}: {name} is not in the repository", self.file));
            }
        }
        let is_rust = Path::new(self.file).extension().is_some_and(|ending| ending == "rs");
        let text =
            if is_rust { comments(text) } else { text.split_whitespace().collect::<Vec<_>>().join(" ") };
        self.check_forms(&text, is_rust);
        self.check_sections(&text);
    }

    /// Citations that are written otherwise than `page.md §1.2`.
    fn check_forms(&mut self, text: &str, is_rust: bool) {
        for found in self.forms.other.captures_iter(text) {
            self.wrong.push(format!(
                "{}: write {}.md § and the section for '{}…'",
                self.file, &found[1], &found[0]
            ));
        }
        for found in self.forms.page.captures_iter(text).filter(|found| is_rust && !found[2].contains('§')) {
            self.wrong.push(format!("{}: {}.md is cited without a section", self.file, &found[1]));
        }
    }

    /// Sections, each of the page that stands before it.
    fn check_sections(&mut self, text: &str) {
        // A contract's own sections are cited without its name.
        let stem = Path::new(self.file).strip_prefix(FOLDER).ok().and_then(|path| path.file_stem()?.to_str());
        let own = stem.filter(|stem| self.pages.contains_key(*stem));
        let (mut page, mut end) = (own.unwrap_or_default().to_owned(), 0);
        for found in self.forms.token.captures_iter(text) {
            let whole = found.get(0).unwrap();
            let between = text[end..whole.start()].trim();
            end = whole.end();
            if found.name("rfc").is_some() {
                continue;
            }
            if let Some(name) = found.name("page") {
                let follows = text[end..].trim_start().starts_with('§');
                if follows || self.pages.contains_key(name.as_str()) {
                    name.as_str().clone_into(&mut page);
                }
                continue;
            }
            if let Some(own) = own.filter(|_| !["", ",", "and"].contains(&between)) {
                own.clone_into(&mut page);
            }
            self.check(&page, &found);
        }
    }

    fn check(&mut self, page: &str, found: &Captures<'_>) {
        let file = self.file;
        let Some(first) = found.name("first") else {
            return self.wrong.push(format!("{file}: a § has no number"));
        };
        let more = self.forms.number.find_iter(&found["more"]).filter(|_| !found["many"].is_empty());
        for section in std::iter::once(first.as_str()).chain(more.map(|section| section.as_str())) {
            self.cited += 1;
            match self.pages.get(page) {
                Some(sections) if sections.contains(section) => {}
                Some(_) => self.wrong.push(format!("{file}: {page}.md has no section {section}")),
                None if page.is_empty() => self.wrong.push(format!("{file}: §{section} names no document")),
                None => {
                    self.wrong.push(format!("{file}: {page}.md has no numbered sections, so no {section}"));
                }
            }
        }
    }
}

fn read(pages: &Pages, forms: &Forms, file: &str, text: &str) -> (Vec<String>, usize) {
    let mut reader = Reader { pages, forms, file, wrong: Vec::new(), cited: 0 };
    reader.read(text);
    (reader.wrong, reader.cited)
}

#[test]
fn every_citation_leads_somewhere() {
    let (pages, mut all) = (pages(), Vec::new());
    let forms = Forms::new(&pages);
    files("", &mut all);
    let (mut wrong, mut cited) = (Vec::new(), 0);
    for file in all {
        let text = std::fs::read(root().join(&file)).unwrap();
        // What is no text cites nothing.
        let Ok(text) = String::from_utf8(text) else { continue };
        let (found, count) = read(&pages, &forms, &file, &text);
        wrong.extend(found);
        cited += count;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(cited > 150, "only {cited} sections are cited");
}

#[test]
fn sections_are_numbered_in_order_and_once() {
    let heading = Regex::new(r"(?m)^#{1,3} (\d+(?:\.\d+)*)[. ]").unwrap();
    for name in pages().keys() {
        let text = std::fs::read_to_string(root().join(FOLDER).join(format!("{name}.md"))).unwrap();
        let numbers: Vec<Vec<u32>> = heading
            .captures_iter(&text)
            .map(|found| found[1].split('.').map(|part| part.parse().unwrap()).collect())
            .collect();
        assert!(numbers.is_sorted_by(|one, next| one < next), "{name}: {numbers:?}");
    }
}

#[test]
fn a_wrong_citation_is_found() {
    let pages = pages();
    let forms = Forms::new(&pages);
    for (file, text, words) in [
        ("src/a.rs", "//! As `kusto-protocol.md` §99.1 has it.", "has no section 99.1"),
        ("src/a.rs", "//! It is long (`connect-runtime.md`\n//! §6.33).", "has no section 6.33"),
        ("src/a.rs", "//! `connect-runtime.md` §1.2\nfn f() {}\n/// So is §1.99.", "has no section 1.99"),
        ("src/a.rs", "let x = 1; // `kusto-protocol.md` §§9.2, 9.33", "has no section 9.33"),
        ("src/a.rs", "/// As §1.1 says.", "names no document"),
        ("src/a.rs", "/// `connect-runtime.md` § 1.2, § too", "no number"),
        ("src/a.rs", "// spec: kusto-protocol 4", "write kusto-protocol.md §"),
        ("src/a.rs", "// (`kusto-protocol.md`, 4.1)", "write kusto-protocol.md §"),
        ("src/a.rs", "// `connect-runtime.md` has it", "without a section"),
        ("src/a.rs", "// ARCHITECTURE.md §2", "no numbered sections"),
        ("src/a.rs", "let text = \"see docs/no-such-page.md\";", "not in the repository"),
        ("docs/a.md", "[x](../no-such-page.md#y)", "not in the repository"),
        (
            "docs/spec/kusto-protocol.md",
            "see `connect-runtime.md` §12, and here §99",
            "kusto-protocol.md has no section 99",
        ),
        ("scripts/a", "# connect-runtime.md §1.2\n# and §1.98", "has no section 1.98"),
    ] {
        let (wrong, _) = read(&pages, &forms, file, text);
        assert!(wrong.iter().any(|line| line.contains(words)), "{text}: {wrong:?}");
    }
    for (file, text) in [
        (
            "src/a.rs",
            "//! `connect-runtime.md` §1.14 and §1.15, `kusto-protocol.md` §§9.2–9.3.\nfn f() {}\n/// §5.1",
        ),
        ("src/a.rs", "let text = \"a § without a number\"; // a comment"),
        ("tests/it/a.rs", "// the artifact connect-runtime; https://example.com/page.md"),
        ("src/a.rs", "//! As RFC 6749 §4.4 has it."),
        ("docs/a.md", "[security](security.md#limits), [contracts](spec/README.md)"),
        ("docs/spec/kusto-protocol.md", "`connect-runtime.md` §5, §12; here §9.3"),
    ] {
        let (wrong, _) = read(&pages, &forms, file, text);
        assert!(wrong.is_empty(), "{text}: {wrong:?}");
    }
}
