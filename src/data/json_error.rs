//! Why a text is no JSON, with its place; and the bounds of JSON of others.

use std::fmt;

/// Arrays and objects in each other. Jackson, by which the JVM reads, has the same bound.
pub const MOST_DEPTH: usize = 1000;
/// Characters of a number, as Jackson has it: making one of a text takes time with the square of its length.
pub const MOST_DIGITS: usize = 1000;

/// Why a text is no JSON, or none that is read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason} at {place}")]
pub struct NoJson {
    reason: Reason,
    place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    Expected(&'static str),
    Depth,
    Digits,
    Utf8,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expected(what) => write!(f, "expected {what}"),
            Self::Depth => write!(f, "arrays and objects in each other, more than {MOST_DEPTH} levels deep,"),
            Self::Digits => write!(f, "a number of more than {MOST_DIGITS} characters"),
            Self::Utf8 => f.write_str("no UTF-8"),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    line: usize,
    column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} column {}", self.line, self.column)
    }
}

impl NoJson {
    pub(super) fn new(reason: Reason, bytes: &[u8], at: usize) -> Self {
        let before = bytes.get(..at).unwrap_or(bytes);
        let line = before.split(|byte| *byte == b'\n').count();
        let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
        Self { reason, place: Place { line, column } }
    }

    /// True when it is JSON as far as it was read, but deeper than anything that is read.
    pub fn is_too_deep(&self) -> bool {
        self.reason == Reason::Depth
    }
}
