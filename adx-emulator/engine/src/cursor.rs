//! A reader of tokens, for the parsers of commands and queries.
//!
//! Every expectation that fails becomes Kusto's syntax error with line and column.

use crate::error::KustoError;
use crate::lexer::{Mode, Token, TokenKind, place, tokens};

/// A position in the tokens of a text.
pub(crate) struct Cursor<'t> {
    text: &'t str,
    tokens: Vec<Token>,
    position: usize,
}

impl<'t> Cursor<'t> {
    /// Starts at the first token of `text`.
    pub(crate) fn new(text: &'t str, mode: Mode) -> Result<Self, KustoError> {
        Ok(Self { text, tokens: tokens(text, mode)?, position: 0 })
    }

    /// The token to come.
    pub(crate) fn peek(&self) -> Option<&TokenKind> {
        self.peek_at(0)
    }

    /// The token `ahead` places after the one to come.
    pub(crate) fn peek_at(&self, ahead: usize) -> Option<&TokenKind> {
        self.tokens.get(self.position + ahead).map(|token| &token.kind)
    }

    /// True when the next two tokens touch.
    pub(crate) fn touches_next(&self) -> bool {
        match (self.tokens.get(self.position), self.tokens.get(self.position + 1)) {
            (Some(token), Some(next)) => token.end == next.start,
            _ => false,
        }
    }

    /// Passes one token.
    pub(crate) fn advance(&mut self) {
        self.position += 1;
    }

    /// True after the last token.
    pub(crate) fn is_done(&self) -> bool {
        self.position >= self.tokens.len()
    }

    /// Refuses anything that is left.
    pub(crate) fn end(&self) -> Result<(), KustoError> {
        if self.is_done() { Ok(()) } else { Err(self.unexpected("the end")) }
    }

    /// The text after the token passed last, untouched.
    pub(crate) fn rest_of_text(&self) -> &'t str {
        let passed = self.position.checked_sub(1).and_then(|last| self.tokens.get(last));
        &self.text[passed.map_or(0, |token| token.end)..]
    }

    /// The text between the token passed last and the next one.
    pub(crate) fn is_mark(&self, mark: &str) -> bool {
        matches!(self.peek(), Some(TokenKind::Mark(next)) if *next == mark)
    }

    /// Passes the mark when it is next.
    pub(crate) fn eat_mark(&mut self, mark: &str) -> bool {
        let found = self.is_mark(mark);
        self.position += usize::from(found);
        found
    }

    /// Passes the mark or fails.
    pub(crate) fn expect_mark(&mut self, mark: &str) -> Result<(), KustoError> {
        if self.eat_mark(mark) { Ok(()) } else { Err(self.unexpected(&format!("'{mark}'"))) }
    }

    /// True when the next token is this word; case counts.
    pub(crate) fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Some(TokenKind::Word(next)) if next == word)
    }

    /// Passes the word when it is next.
    pub(crate) fn eat_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        self.position += usize::from(found);
        found
    }

    /// Passes the word or fails.
    pub(crate) fn expect_word(&mut self, word: &str) -> Result<(), KustoError> {
        if self.eat_word(word) { Ok(()) } else { Err(self.unexpected(&format!("'{word}'"))) }
    }

    /// A keyword that may have hyphens inside (`create-merge`, `project-away`); empty when no word is next.
    pub(crate) fn keyword(&mut self) -> String {
        let Some(TokenKind::Word(word)) = self.peek() else { return String::new() };
        let mut keyword = word.clone();
        while self.touches_next() && matches!(self.peek_at(1), Some(TokenKind::Mark("-"))) {
            let second = self.tokens.get(self.position + 1).zip(self.tokens.get(self.position + 2));
            let Some((hyphen, Token { kind: TokenKind::Word(word), start, .. })) = second else { break };
            if hyphen.end != *start {
                break;
            }
            keyword = format!("{keyword}-{word}");
            self.position += 2;
        }
        self.position += 1;
        keyword
    }

    /// True when a name is next: a word, or a string in brackets.
    pub(crate) fn is_name(&self) -> bool {
        matches!(self.peek(), Some(TokenKind::Word(_))) || self.is_quoted_name()
    }

    fn is_quoted_name(&self) -> bool {
        self.is_mark("[")
            && matches!(self.peek_at(1), Some(TokenKind::Text(_)))
            && matches!(self.peek_at(2), Some(TokenKind::Mark("]")))
    }

    /// A name of a database, table or column: plain, `['x']` or `["x"]`.
    pub(crate) fn name(&mut self, what: &str) -> Result<String, KustoError> {
        match (self.peek(), self.peek_at(1)) {
            (Some(TokenKind::Word(word)), _) => {
                let word = word.clone();
                self.position += 1;
                Ok(word)
            }
            (_, Some(TokenKind::Text(text))) if self.is_quoted_name() => {
                let text = text.clone();
                self.position += 3;
                Ok(text)
            }
            _ => Err(self.unexpected(what)),
        }
    }

    /// A string literal; several in a row are one.
    pub(crate) fn string(&mut self, what: &str) -> Result<String, KustoError> {
        let Some(TokenKind::Text(first)) = self.peek() else { return Err(self.unexpected(what)) };
        let mut text = first.clone();
        self.position += 1;
        while let Some(TokenKind::Text(more)) = self.peek() {
            text.push_str(more);
            self.position += 1;
        }
        Ok(text)
    }

    /// The error for a token that should have been `wanted`.
    pub(crate) fn unexpected(&self, wanted: &str) -> KustoError {
        match self.tokens.get(self.position) {
            Some(token) => {
                let found = &self.text[token.start..token.end];
                let place = place(self.text, token.start);
                KustoError::syntax(format!("Expected {wanted} but found '{found}'. {place}"))
            }
            None => KustoError::syntax(format!(
                "Expected {wanted} but the text ends. {}",
                place(self.text, self.text.len())
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_have_hyphens_that_touch() {
        let mut cursor = Cursor::new("create-or-alter table - x", Mode::Command).unwrap();
        assert_eq!(cursor.keyword(), "create-or-alter");
        assert_eq!(cursor.keyword(), "table");
        assert!(cursor.eat_mark("-"));
        assert_eq!(cursor.name("a name").unwrap(), "x");
        assert!(cursor.end().is_ok());
        assert!(cursor.name("a name").unwrap_err().message.contains("but the text ends"));
    }

    #[test]
    fn names_may_be_quoted_and_strings_joined() {
        let mut cursor = Cursor::new("['a b'] [\"c\"] 'x' \"y\"", Mode::Command).unwrap();
        assert_eq!(cursor.name("a name").unwrap(), "a b");
        assert_eq!(cursor.name("a name").unwrap(), "c");
        assert_eq!(cursor.string("text").unwrap(), "xy");
    }
}
