//! Tokens of a literal: delimiters are tokens of their own, what lies between them is one.

/// Java's `trim`.
pub(super) fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c <= ' ')
}

/// A text and how far it is read.
pub(super) struct Tokens<'a> {
    text: &'a str,
    at: usize,
    /// A token that was looked at and not taken.
    ahead: Option<&'a str>,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0, ahead: None }
    }

    pub(super) fn original(&self) -> &'a str {
        self.text
    }

    /// Where the next token starts.
    pub(super) fn mark(&self) -> usize {
        self.at - self.ahead.map_or(0, str::len)
    }

    pub(super) fn rewind(&mut self, mark: usize) {
        self.at = mark;
        self.ahead = None;
    }

    pub(super) fn has_next(&self) -> bool {
        self.ahead.is_some() || self.at < self.text.len()
    }

    /// The next token; empty at the end.
    pub(super) fn next(&mut self) -> &'a str {
        self.ahead.take().unwrap_or_else(|| self.read())
    }

    /// So many tokens as they stand in the text; none, and nothing taken, if there are fewer.
    pub(super) fn next_many(&mut self, count: usize) -> Option<&'a str> {
        let start = self.mark();
        for _ in 0..count {
            if !self.has_next() {
                self.rewind(start);
                return None;
            }
            self.next();
        }
        self.text.get(start..self.at)
    }

    /// Takes the next token if it is this one; blank tokens before it and blanks around it do not count.
    pub(super) fn take(&mut self, expected: &str) -> bool {
        if !self.has_next() {
            return false;
        }
        let mut token = self.next();
        while trim(token).is_empty() && self.at < self.text.len() {
            token = self.read();
        }
        self.ahead = Some(token);
        let is_taken = trim(token) == expected;
        if is_taken {
            self.ahead = None;
        }
        is_taken
    }

    fn read(&mut self) -> &'a str {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let mut is_escaped = false;
        let mut length = rest.len();
        for (index, c) in rest.char_indices() {
            match c {
                '\\' => is_escaped = !is_escaped,
                '"' | ',' | ':' | '[' | ']' | '{' | '}' if !is_escaped => {
                    length = index.max(1);
                    break;
                }
                _ => is_escaped = false,
            }
        }
        self.at += length;
        rest.get(..length).unwrap_or(rest)
    }
}
