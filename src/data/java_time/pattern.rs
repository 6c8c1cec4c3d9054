//! Patterns: their parts, and the names of months and days that they write and read.

pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// From Sunday, which Java counts as 1.
pub(super) const DAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

const LETTERS: &str = "GyMdkHmsSEDFwWahKzZYuXL";

/// A part of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Item {
    /// Text as it is.
    Literal(Vec<char>),
    /// A letter and how often it stands there.
    Field(char, usize),
}

pub(super) fn compile(pattern: &str) -> Result<Vec<Item>, String> {
    let mut items: Vec<Item> = Vec::new();
    let mut chars = pattern.chars().peekable();
    let mut is_quoted = false;
    while let Some(c) = chars.next() {
        if c == '\'' {
            if chars.next_if_eq(&'\'').is_some() {
                push_literal(&mut items, '\'');
            } else {
                is_quoted = !is_quoted;
            }
        } else if is_quoted || !c.is_ascii_alphabetic() {
            push_literal(&mut items, c);
        } else if LETTERS.contains(c) {
            let mut count = 1;
            while chars.next_if_eq(&c).is_some() {
                count += 1;
            }
            if c == 'X' && count > 3 {
                return Err(format!("invalid ISO 8601 format: length={count}"));
            }
            items.push(Item::Field(c, count));
        } else {
            return Err(format!("Illegal pattern character '{c}'"));
        }
    }
    if is_quoted { Err("Unterminated quote".to_owned()) } else { Ok(items) }
}

fn push_literal(items: &mut Vec<Item>, c: char) {
    if let Some(Item::Literal(text)) = items.last_mut() {
        text.push(c);
    } else {
        items.push(Item::Literal(vec![c]));
    }
}
