//! Source text for the floors test: what is left of a file without comments, strings and tests.
//!
//! It reads text, not syntax trees. Line breaks stay, so that lines can still be counted.

use std::ops::Range;

/// Takes out comments and the insides of string literals: what is left can be searched for paths and braces.
pub fn strip(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let skip = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let Some(hashes) = raw_string_hashes(rest, &out) {
            let close = format!("\"{}", "#".repeat(hashes));
            let open = hashes + 2;
            rest[open..].find(&close).map_or(rest.len(), |end| open + end + close.len())
        } else if c == '"' {
            string_length(rest)
        } else {
            char_literal_length(rest).unwrap_or_default()
        };
        if skip == 0 {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        } else {
            out.extend(rest[..skip].chars().filter(|c| *c == '\n'));
            rest = &rest[skip..];
        }
    }
    out
}

/// The number of `#` when a raw string starts here (`r"`, `r#"`, `br"`: the `b` was copied already).
fn raw_string_hashes(rest: &str, before: &str) -> Option<usize> {
    let after = rest.strip_prefix('r')?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    let in_word = before.trim_end_matches('b').ends_with(|c: char| c.is_alphanumeric() || c == '_');
    (after[hashes..].starts_with('"') && !in_word).then_some(hashes)
}

/// The length of the string literal that starts here, both quotes included.
fn string_length(rest: &str) -> usize {
    let mut escaped = false;
    for (index, c) in rest.char_indices().skip(1) {
        match c {
            '\\' if !escaped => escaped = true,
            '"' if !escaped => return index + 1,
            _ => escaped = false,
        }
    }
    rest.len()
}

/// The length of a character literal such as `'"'` or `'\''`; none for a lifetime.
fn char_literal_length(rest: &str) -> Option<usize> {
    let inner = rest.strip_prefix('\'')?;
    if let Some(escape) = inner.strip_prefix('\\') {
        return escape.char_indices().skip(1).find(|(_, c)| *c == '\'').map(|(index, _)| index + 3);
    }
    let c = inner.chars().next()?;
    inner[c.len_utf8()..].starts_with('\'').then(|| c.len_utf8() + 2)
}

/// What only a test build compiles.
const OF_TESTS: &str = "#[cfg(test)]";

/// Where the items under `#[cfg(test)]` are in stripped code, and the modules of a file of their own among them.
fn items_of_tests(stripped: &str) -> (Vec<Range<usize>>, Vec<String>) {
    let mut ranges = Vec::new();
    let mut modules = Vec::new();
    let mut from = 0;
    while let Some(at) = stripped[from..].find(OF_TESTS).map(|at| from + at) {
        let item = without_attributes(&stripped[at + OF_TESTS.len()..]);
        let length = item_length(item);
        modules.extend(module_declared(&item[..length]));
        from = stripped.len() - item.len() + length;
        ranges.push(at..from);
    }
    (ranges, modules)
}

/// Stripped code without the items under `#[cfg(test)]`, and the modules of a file of their own among them.
pub fn without_tests(stripped: &str) -> (String, Vec<String>) {
    let (ranges, modules) = items_of_tests(stripped);
    let mut out = String::with_capacity(stripped.len());
    let mut from = 0;
    for Range { start, end } in ranges {
        out.push_str(&stripped[from..start]);
        out.extend(stripped[start..end].chars().filter(|c| *c == '\n'));
        from = end;
    }
    out.push_str(&stripped[from..]);
    (out, modules)
}

/// The lines of a file with comments and strings, each with its number from 1, without those of tests.
pub fn lines_without_tests(text: &str) -> Vec<(usize, &str)> {
    let stripped = strip(text);
    let line = |at: usize| stripped[..at].matches('\n').count() + 1;
    let (ranges, _) = items_of_tests(&stripped);
    let tests: Vec<_> = ranges.into_iter().map(|range| line(range.start)..=line(range.end)).collect();
    let is_of_tests = |number: &usize| tests.iter().any(|lines| lines.contains(number));
    (1..).zip(text.lines()).filter(|(number, _)| !is_of_tests(number)).collect()
}

/// `text` behind the attributes that it starts with.
fn without_attributes(text: &str) -> &str {
    let mut text = text.trim_start();
    while text.starts_with("#[") {
        let end = text.find(']').map_or(text.len(), |end| end + 1);
        text = text[end..].trim_start();
    }
    text
}

/// The name in `mod name;`, with or without `pub`.
fn module_declared(item: &str) -> Option<String> {
    let (before, name) = item.strip_suffix(';')?.rsplit_once("mod ")?;
    (before.is_empty() || before.starts_with("pub")).then(|| name.trim().to_owned())
}

/// The length of the item, field or statement that starts here.
fn item_length(text: &str) -> usize {
    const ENDS_AT_SEMICOLON: [&str; 5] = ["use", "let", "const", "static", "type"];
    const ENDS_AT_BRACE: [&str; 9] =
        ["fn", "mod", "impl", "struct", "enum", "trait", "async", "unsafe", "extern"];
    let head = text.trim_start_matches("pub");
    let head =
        head.trim_start().strip_prefix('(').and_then(|rest| rest.split_once(')')).map_or(head, |x| x.1);
    let word: String = head.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    let item = ENDS_AT_BRACE.contains(&word.as_str()) || text.contains("const fn") && word == "const";
    let statement = !item && ENDS_AT_SEMICOLON.contains(&word.as_str());
    let mut depth = 0_usize;
    for (index, c) in text.char_indices() {
        match c {
            '(' | '[' | '{' => depth += 1,
            // The end of what the item stands in: a last field, a last expression.
            ')' | ']' | '}' if depth == 0 => return index,
            ')' | ']' | '}' => {
                depth -= 1;
                if c == '}' && depth == 0 && !statement {
                    return index + 1;
                }
            }
            ';' if depth == 0 => return index + 1,
            ',' if depth == 0 && !item && !statement => return index + 1,
            _ => {}
        }
    }
    text.len()
}

#[test]
fn what_only_tests_compile_is_left_out() {
    let text = "mod a;\n#[cfg(test)]\nmod b;\nuse x::{y};\n#[cfg(test)]\npub(crate) mod c;\n\
                #[cfg(test)]\n#[path = \"\"]\nmod d {\n fn f() {}\n}\nstruct S {\n #[cfg(test)]\n e: Vec<u8>,\n g: u8,\n}\n\
                #[cfg(test)]\nimpl S<A, B> where A: C { fn h() {} }\n#[cfg(test)]\nuse q::{r, s};\nfn i() {}\n";
    let (code, modules) = without_tests(text);
    assert_eq!(modules, ["b", "c"]);
    let words: Vec<&str> = code.split_whitespace().collect();
    assert_eq!(words.join(" "), "mod a; use x::{y}; struct S { g: u8, } fn i() {}");
    assert_eq!(code.lines().count(), text.lines().count());
    let lines = lines_without_tests(text);
    assert_eq!(lines.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [1, 4, 12, 15, 16, 21]);
}
