//! Java's regular expressions: whole matches, and replacements with `$1` and `${name}`.
//!
//! Look-around and back references work. An expression that would backtrack without end fails instead of hanging.

use super::Error;
use fancy_regex::{Captures, Regex, RegexBuilder};

/// Steps of backtracking after which matching fails.
const BACKTRACK_LIMIT: usize = 1_000_000;
/// Bytes of the longest expression. Compiling takes time and memory by its length, and longer lists are mistakes.
const MOST_BYTES: usize = 64 * 1024;
const ILLEGAL_ARGUMENT: &str = "java.lang.IllegalArgumentException";

/// A compiled expression.
#[derive(Debug, Clone)]
pub struct JavaRegex {
    whole: Regex,
    part: Regex,
}

impl JavaRegex {
    /// Compiles an expression; what is wrong with it is said in one line.
    pub fn new(pattern: &str) -> Result<Self, String> {
        if pattern.len() > MOST_BYTES {
            return Err(format!("it is longer than {MOST_BYTES} bytes"));
        }
        let pattern = without_quotation(pattern);
        let compile = |text: &str| {
            RegexBuilder::new(text).backtrack_limit(BACKTRACK_LIMIT).build().map_err(|error| one_line(&error))
        };
        Ok(Self { part: compile(&pattern)?, whole: compile(&format!(r"\A(?:{pattern})\z"))? })
    }

    /// `Matcher.matches`: the whole text fits.
    ///
    /// # Errors
    /// `java.lang.StackOverflowError` is what Java has for too much backtracking; ours is a `DataException`.
    pub fn matches(&self, text: &str) -> Result<bool, Error> {
        self.whole.is_match(text).map_err(|error| too_complex(text, &error))
    }

    /// What each group matched when the whole text fits, by number and by name; a group that took no part is empty. None when
    /// it does not fit.
    ///
    /// # Errors
    /// As [`Self::matches`].
    pub fn groups(&self, text: &str) -> Result<Option<Vec<(String, String)>>, Error> {
        let found = self.whole.captures(text).map_err(|error| too_complex(text, &error))?;
        Ok(found.map(|groups| {
            let names = self.whole.capture_names();
            let each = names.enumerate().flat_map(|(number, name)| {
                let text = groups.get(number).map_or("", |found| found.as_str());
                let names = [Some(number.to_string()), name.map(str::to_owned)];
                names.into_iter().flatten().map(move |name| (name, text.to_owned()))
            });
            each.collect()
        }))
    }

    /// True when it has a group of this number or name; 0 is the whole.
    pub fn has_group(&self, name: &str) -> bool {
        let number = name.parse::<usize>().is_ok_and(|number| number < self.whole.captures_len());
        number || self.whole.capture_names().flatten().any(|group| group == name)
    }

    /// `Matcher.replaceFirst`: the first place that fits is replaced.
    ///
    /// # Errors
    /// In Java's words and classes, when the replacement refers to groups that are not there.
    pub fn replace_first(&self, text: &str, replacement: &str) -> Result<String, Error> {
        let found = self.part.captures(text).map_err(|error| too_complex(text, &error))?;
        let Some((groups, place)) = found.as_ref().and_then(|groups| Some((groups, groups.get(0)?))) else {
            return Ok(text.to_owned());
        };
        let names: Vec<&str> = self.part.capture_names().flatten().collect();
        let mut out = text.get(..place.start()).unwrap_or_default().to_owned();
        expand(&mut out, replacement, groups, &names)?;
        out.push_str(text.get(place.end()..).unwrap_or_default());
        Ok(out)
    }
}

fn too_complex(text: &str, error: &fancy_regex::Error) -> Error {
    Error::new(format!("Regular expression is too complex for {text}: {}", one_line(error)))
}

fn one_line(error: &fancy_regex::Error) -> String {
    let text = error.to_string();
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Java's `\Q…\E` takes everything between literally, which the crate does not know.
fn without_quotation(pattern: &str) -> String {
    let mut out = String::new();
    let mut rest = pattern;
    while let Some((before, quoted)) = split_at_quotation(rest) {
        out.push_str(before);
        let (literal, after) = quoted.split_once(r"\E").unwrap_or((quoted, ""));
        out.push_str(&fancy_regex::escape(literal));
        rest = after;
    }
    out.push_str(rest);
    out
}

/// The texts before and after the first `\Q` whose backslash is not itself escaped.
fn split_at_quotation(pattern: &str) -> Option<(&str, &str)> {
    let mut chars = pattern.char_indices();
    while let Some((index, c)) = chars.next() {
        if c == '\\'
            && let Some((next, 'Q')) = chars.next()
        {
            return Some((pattern.get(..index)?, pattern.get(next + 1..)?));
        }
    }
    None
}

/// Writes a replacement with its groups filled in.
fn expand(
    out: &mut String,
    replacement: &str,
    groups: &Captures<'_, str>,
    names: &[&str],
) -> Result<(), Error> {
    let illegal = |message: String| Err(Error::of_class(ILLEGAL_ARGUMENT, message));
    let mut rest = replacement;
    while let Some(c) = rest.chars().next() {
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
        if c == '\\' {
            let Some(escaped) = rest.chars().next() else {
                return illegal("character to be escaped is missing".to_owned());
            };
            out.push(escaped);
            rest = rest.get(escaped.len_utf8()..).unwrap_or_default();
        } else if c != '$' {
            out.push(c);
        } else if let Some(named) = rest.strip_prefix('{') {
            let (name, after) = group_name(named)?;
            if !names.contains(&name) {
                return illegal(format!("No group with name {{{name}}}"));
            }
            out.push_str(groups.name(name).map_or("", |found| found.as_str()));
            rest = after;
        } else {
            let (number, after) = group_number(rest, groups.len())?;
            out.push_str(groups.get(number).map_or("", |found| found.as_str()));
            rest = after;
        }
    }
    Ok(())
}

/// The name in `name}…` and what follows.
fn group_name(text: &str) -> Result<(&str, &str), Error> {
    let illegal = |message: String| Err(Error::of_class(ILLEGAL_ARGUMENT, message));
    let length = text.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(text.len());
    let (name, after) = text.split_at(length);
    if name.is_empty() {
        return illegal("named capturing group has 0 length name".to_owned());
    }
    let Some(after) = after.strip_prefix('}') else {
        return illegal("named capturing group is missing trailing '}'".to_owned());
    };
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        return illegal(format!("capturing group name {{{name}}} starts with digit character"));
    }
    Ok((name, after))
}

/// The number at the start and what follows; digits count as long as there is such a group.
fn group_number(text: &str, groups: usize) -> Result<(usize, &str), Error> {
    let illegal = |message: &str| Err(Error::of_class(ILLEGAL_ARGUMENT, message));
    let Some(first) = text.chars().next() else {
        return illegal("Illegal group reference: group index is missing");
    };
    let Some(mut number) = first.to_digit(10).and_then(|digit| usize::try_from(digit).ok()) else {
        return illegal("Illegal group reference");
    };
    if number >= groups {
        return Err(Error::of_class("java.lang.IndexOutOfBoundsException", format!("No group {number}")));
    }
    let mut rest = text.get(1..).unwrap_or_default();
    while let Some(digit) = rest.chars().next().and_then(|c| c.to_digit(10)) {
        let longer = number * 10 + usize::try_from(digit).unwrap_or(0);
        if longer >= groups {
            break;
        }
        number = longer;
        rest = rest.get(1..).unwrap_or_default();
    }
    Ok((number, rest))
}

#[cfg(test)]
mod tests {
    use super::JavaRegex;

    #[test]
    fn a_whole_match_is_the_whole_text() {
        let matches = |pattern: &str, text: &str| JavaRegex::new(pattern).unwrap().matches(text).unwrap();
        assert!(matches("a|ab", "ab"));
        assert!(!matches("a", "ab"));
        assert!(!matches("b", "ab"));
        assert!(matches(r"(?!x)(\w)\1", "aa"));
        assert!(matches(r"\Qa.b\E+", "a.b"));
        assert!(!matches(r"\Qa.b\E", "axb"));
        assert!(matches(r"\\Q", r"\Q"));
        assert!(JavaRegex::new("(").is_err());
    }

    #[test]
    fn replacements_are_filled_in_as_java_does() {
        // What Java 17 answers.
        for (pattern, replacement, expected) in [
            ("(?<x>t)", r"${x}\$1-$1$11$0", Ok("t$1-tt1t")),
            ("(x)?t", "[$1]", Ok("[]")),
            ("t", "$", Err("Illegal group reference: group index is missing")),
            ("t", "$x", Err("Illegal group reference")),
            ("t", r"\", Err("character to be escaped is missing")),
            ("t", "$1", Err("No group 1")),
            ("t", "${}", Err("named capturing group has 0 length name")),
            ("t", "${1}", Err("capturing group name {1} starts with digit character")),
            ("t", "${x", Err("named capturing group is missing trailing '}'")),
            ("t", "${x}", Err("No group with name {x}")),
        ] {
            let found = JavaRegex::new(pattern).unwrap().replace_first("t", replacement);
            let found = found.as_deref().map_err(ToString::to_string);
            assert_eq!(found, expected.map_err(str::to_owned), "{replacement}");
        }
    }

    #[test]
    fn endless_backtracking_is_an_error() {
        let regex = JavaRegex::new(r"(x+x+)+(?=y)y").unwrap();
        assert!(regex.matches(&"x".repeat(60)).is_err());
    }
}
