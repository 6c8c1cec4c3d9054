//! Text to tokens, for commands and queries alike.
//!
//! Pure and total: any text gives tokens or Kusto's syntax error, never a panic. In a command the reading stops at the
//! first `|` or `<|`, because what follows is a query or data with rules of its own.

use crate::datetime;
use crate::error::KustoError;
use crate::value::KustoType;

/// What a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// A management command.
    Command,
    /// A query.
    Query,
}

/// One token and the bytes it covers.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Token {
    pub kind: TokenKind,
    pub start: usize,
    pub end: usize,
}

/// The kinds of token.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum TokenKind {
    /// A name or keyword.
    Word(String),
    /// A string literal, with its escapes resolved.
    Text(String),
    /// A whole number.
    Long(i64),
    /// A number with a fraction or exponent.
    Real(f64),
    /// A number with a unit of time, in ticks.
    TimeSpan(i64),
    /// `type(…)` with the text between the parentheses (queries only).
    Literal(KustoType, String),
    /// An operator or bracket.
    Mark(&'static str),
}

/// Longest first, so that a prefix never wins.
const MARKS: [&str; 30] = [
    "<|", "==", "!=", "<=", ">=", "=~", "!~", "..", "|", "(", ")", "[", "]", "{", "}", ",", ";", ":", ".",
    "=", "<", ">", "+", "-", "*", "/", "%", "!", "?", "~",
];

/// All tokens of `text`.
pub(crate) fn tokens(text: &str, mode: Mode) -> Result<Vec<Token>, KustoError> {
    let mut lexer = Lexer { text, mode, position: 0 };
    let mut tokens = Vec::new();
    while let Some(token) = lexer.next()? {
        let stop = mode == Mode::Command && matches!(token.kind, TokenKind::Mark("|" | "<|"));
        tokens.push(token);
        if stop {
            break;
        }
    }
    Ok(tokens)
}

/// Line and column of a byte, from 1, as error texts write them.
pub(crate) fn place(text: &str, position: usize) -> String {
    let before = &text[..text.floor_char_boundary(position)];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
    format!("[line:position={line}:{column}]")
}

struct Lexer<'t> {
    text: &'t str,
    mode: Mode,
    position: usize,
}

impl<'t> Lexer<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.position..]
    }

    fn fail(&self, message: &str) -> KustoError {
        KustoError::syntax(format!("{message}. {}", place(self.text, self.position)))
    }

    fn next(&mut self) -> Result<Option<Token>, KustoError> {
        self.skip_blanks();
        let start = self.position;
        let Some(first) = self.rest().chars().next() else { return Ok(None) };
        let kind = if let Some(kind) = self.string()? {
            kind
        } else if first.is_alphabetic() || matches!(first, '_' | '$') {
            self.word()?
        } else if first.is_ascii_digit() {
            self.number()?
        } else {
            let mark = MARKS.iter().find(|mark| self.rest().starts_with(**mark));
            let mark = mark.ok_or_else(|| self.fail(&format!("Unexpected character '{first}'")))?;
            self.position += mark.len();
            TokenKind::Mark(mark)
        };
        Ok(Some(Token { kind, start, end: self.position }))
    }

    fn skip_blanks(&mut self) {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start();
            self.position += rest.len() - trimmed.len();
            if !trimmed.starts_with("//") {
                return;
            }
            self.position += trimmed.find('\n').unwrap_or(trimmed.len());
        }
    }

    /// A string literal if one begins here: quotes, `@` for verbatim, `h` for hidden, three backticks for many lines.
    fn string(&mut self) -> Result<Option<TokenKind>, KustoError> {
        let rest = self.rest();
        let bare = rest.strip_prefix(['h', 'H']).unwrap_or(rest);
        let (verbatim, body) = bare.strip_prefix('@').map_or((false, bare), |body| (true, body));
        let prefix = rest.len() - body.len();
        if let (false, Some(inside)) = (verbatim, body.strip_prefix("```")) {
            let end = inside.find("```").ok_or_else(|| self.fail("The string has no end"))?;
            self.position += prefix + 6 + end;
            return Ok(Some(TokenKind::Text(inside[..end].to_owned())));
        }
        let Some(quote) = body.chars().next().filter(|c| matches!(c, '\'' | '"')) else { return Ok(None) };
        let inside = &body[1..];
        let found = if verbatim { verbatim_text(inside, quote) } else { escaped_text(inside, quote) };
        let (text, used) = found.ok_or_else(|| self.fail("The string has no end, or a bad escape"))?;
        self.position += prefix + 1 + used;
        Ok(Some(TokenKind::Text(text)))
    }

    fn word(&mut self) -> Result<TokenKind, KustoError> {
        let rest = self.rest();
        let end = rest.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '$'))).unwrap_or(rest.len());
        let word = &rest[..end];
        self.position += end;
        let opens = self.rest().trim_start().starts_with('(');
        match literal_type(word).filter(|_| self.mode == Mode::Query && opens) {
            Some(kind) => self.literal(kind),
            None => Ok(TokenKind::Word(word.to_owned())),
        }
    }

    /// The text between the parentheses of `type(…)`; strings inside may hold parentheses.
    fn literal(&mut self, kind: KustoType) -> Result<TokenKind, KustoError> {
        let rest = self.rest();
        let open = rest.len() - rest.trim_start().len() + 1;
        let (mut depth, mut quote, mut escaped) = (1_usize, None, false);
        for (offset, c) in rest[open..].char_indices() {
            match (quote, c) {
                (Some(_), _) if escaped => escaped = false,
                (Some(_), '\\') => escaped = true,
                (Some(open_quote), _) if c == open_quote => quote = None,
                (None, '\'' | '"') => quote = Some(c),
                (None, '(') => depth += 1,
                (None, ')') => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                self.position += open + offset + 1;
                return Ok(TokenKind::Literal(kind, rest[open..open + offset].to_owned()));
            }
        }
        Err(self.fail(&format!("The literal {}(…) has no end", kind.as_str())))
    }

    fn number(&mut self) -> Result<TokenKind, KustoError> {
        let rest = self.rest();
        if let Some(hex) = rest.strip_prefix("0x").or_else(|| rest.strip_prefix("0X")) {
            let end = hex.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(hex.len());
            let value =
                i64::from_str_radix(&hex[..end], 16).map_err(|_| self.fail("Bad hexadecimal number"))?;
            self.position += 2 + end;
            return self.no_letters_follow(TokenKind::Long(value));
        }
        let digits = |from: usize| from + rest[from..].bytes().take_while(u8::is_ascii_digit).count();
        let whole = digits(0);
        let mut end = whole;
        // `1..5` is a range, not the number `1.`.
        if rest[end..].starts_with('.') && digits(end + 1) > end + 1 {
            end = digits(end + 1);
        }
        let exponent = rest[end..].strip_prefix(['e', 'E']).map(|after| {
            let sign = usize::from(after.starts_with(['+', '-']));
            (end + 1 + sign, digits(end + 1 + sign))
        });
        if let Some((_, last)) = exponent.filter(|(first, last)| last > first) {
            end = last;
        }
        self.position += end;
        let text = &rest[..end];
        let unit_end = rest[end..].find(|c: char| !c.is_ascii_alphabetic()).map_or(rest.len(), |n| end + n);
        if unit_end > end {
            let ticks = datetime::parse_timespan(&rest[..unit_end]).ok_or_else(|| self.fail("Bad number"))?;
            self.position += unit_end - end;
            return self.no_letters_follow(TokenKind::TimeSpan(ticks));
        }
        let number = if end == whole {
            text.parse().ok().map(TokenKind::Long)
        } else {
            text.parse().ok().filter(|value: &f64| value.is_finite()).map(TokenKind::Real)
        };
        let number = number.ok_or_else(|| self.fail("The number is too large"))?;
        self.no_letters_follow(number)
    }

    fn no_letters_follow(&self, kind: TokenKind) -> Result<TokenKind, KustoError> {
        if self.rest().starts_with(|c: char| c.is_alphanumeric() || c == '_') {
            return Err(self.fail("Letters after a number"));
        }
        Ok(kind)
    }
}

/// The types that can be written `type(value)`.
fn literal_type(word: &str) -> Option<KustoType> {
    let known = [
        "datetime", "date", "timespan", "time", "guid", "dynamic", "int", "long", "real", "double", "decimal",
    ];
    (known.contains(&word) || matches!(word, "bool" | "boolean")).then(|| KustoType::parse(word))?
}

/// Up to the closing quote; two quotes stand for one.
fn verbatim_text(inside: &str, quote: char) -> Option<(String, usize)> {
    let mut text = String::new();
    let mut chars = inside.char_indices().peekable();
    while let Some((offset, c)) = chars.next() {
        if c == quote && chars.next_if(|(_, next)| *next == quote).is_none() {
            return Some((text, offset + 1));
        }
        text.push(c);
    }
    None
}

/// Up to the closing quote, with backslash escapes; none also for an escape that Kusto lacks.
fn escaped_text(inside: &str, quote: char) -> Option<(String, usize)> {
    let mut text = String::new();
    let mut chars = inside.char_indices();
    while let Some((offset, c)) = chars.next() {
        match c {
            _ if c == quote => return Some((text, offset + 1)),
            '\n' => return None,
            '\\' => text.push(escape(&mut chars)?),
            _ => text.push(c),
        }
    }
    None
}

fn escape(chars: &mut std::str::CharIndices<'_>) -> Option<char> {
    let (_, c) = chars.next()?;
    let digits = match c {
        'x' => 2,
        'u' => 4,
        'U' => 8,
        '\\' | '\'' | '"' => return Some(c),
        'n' => return Some('\n'),
        't' => return Some('\t'),
        'r' => return Some('\r'),
        '0' => return Some('\0'),
        _ => return None,
    };
    let code = (0..digits).try_fold(0_u32, |code, _| Some(code * 16 + chars.next()?.1.to_digit(16)?))?;
    char::from_u32(code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn kinds(text: &str) -> Vec<TokenKind> {
        tokens(text, Mode::Query).unwrap().into_iter().map(|token| token.kind).collect()
    }

    fn text(value: &str) -> TokenKind {
        TokenKind::Text(value.to_owned())
    }

    #[test]
    fn strings_in_all_their_forms() {
        assert_eq!(
            kinds(r#"'it\'s' "a\tb" @'c:\"x"''y' h'secret' h@"v""#),
            [text("it's"), text("a\tb"), text(r#"c:\"x"'y"#), text("secret"), text("v"),]
        );
        assert_eq!(kinds("```a'\n\"b```"), [text("a'\n\"b")]);
        assert_eq!(kinds(r"'\u00e9'"), [text("é")]);
    }

    #[test]
    fn numbers_units_and_ranges() {
        use TokenKind::{Long, Mark, Real, TimeSpan};
        assert_eq!(
            kinds("1 2.5 1e3 0x1F 1..5 1d 1.5h"),
            [
                Long(1),
                Real(2.5),
                Real(1000.0),
                Long(31),
                Long(1),
                Mark(".."),
                Long(5),
                TimeSpan(datetime::DAY),
                TimeSpan(90 * datetime::MINUTE),
            ]
        );
        for bad in ["1x", "99999999999999999999", "1e999", "0x", "1d2"] {
            assert!(tokens(bad, Mode::Query).is_err(), "{bad}");
        }
    }

    #[test]
    fn typed_literals_keep_their_text() {
        let literal = |kind, text: &str| TokenKind::Literal(kind, text.to_owned());
        assert_eq!(
            kinds("datetime(2007-01-01 00:00) dynamic({\"a\":\")\"})"),
            [literal(KustoType::DateTime, "2007-01-01 00:00"), literal(KustoType::Dynamic, "{\"a\":\")\"}"),]
        );
        assert_eq!(kinds("todatetime (x)").len(), 4);
        let command = tokens("datetime(x)", Mode::Command).unwrap();
        assert_eq!(command.len(), 4);
    }

    #[test]
    fn a_command_ends_at_the_pipe() {
        let command = tokens(".show tables | where 'unended", Mode::Command).unwrap();
        assert_eq!(command.last().map(|token| &token.kind), Some(&TokenKind::Mark("|")));
    }

    #[test]
    fn comments_are_blanks_and_errors_have_a_place() {
        assert_eq!(kinds("a // b\n c").len(), 2);
        let error = tokens("a\n  `", Mode::Query).unwrap_err();
        assert!(error.message.contains("2:3"), "{}", error.message);
        assert_eq!(error.status, 400);
    }

    proptest! {
        #[test]
        fn no_text_is_fatal(text in "\\PC{0,60}", command: bool) {
            let mode = if command { Mode::Command } else { Mode::Query };
            if let Ok(tokens) = tokens(&text, mode) {
                prop_assert!(tokens.iter().all(|token| token.start < token.end && token.end <= text.len()));
            }
        }
    }
}
