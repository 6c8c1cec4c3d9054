//! JSON text, read once into a tree that borrows from it, and the one bound on how deep JSON of others may be.
//!
//! Reading is a loop, not a recursion, and takes time in proportion to the text whatever its shape. Numbers keep their
//! text, so that no digit is lost; members keep their order, equal names included. Who goes through the tree afterwards may
//! recurse: it is no deeper than [`MOST_DEPTH`]. Pure.

use std::borrow::Cow;

use super::json_error::Reason;
pub use super::json_error::{MOST_DEPTH, MOST_DIGITS, NoJson};

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Json<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Boolean(bool),
    /// A number as it was written.
    Number(&'a str),
    /// A text.
    String(Cow<'a, str>),
    /// Its elements.
    Array(Vec<Json<'a>>),
    /// Its members, in order.
    Object(Members<'a>),
}

/// Members of an object.
pub type Members<'a> = Vec<(Cow<'a, str>, Json<'a>)>;

/// Reads one document, which lies in `outer` arrays and objects already.
pub fn parse(bytes: &[u8], outer: usize) -> Result<Json<'_>, NoJson> {
    let text = utf8(bytes)?;
    let mut reader = Reader { text, at: 0, room: MOST_DEPTH.saturating_sub(outer), open: Vec::new() };
    let value = reader.document()?;
    reader.blanks();
    if reader.at < text.len() { Err(reader.expected("the end of the document")) } else { Ok(value) }
}

/// Reads one document of settings or schemas, whose numbers need no more than 64 bits.
pub fn parse_value(bytes: &[u8]) -> Result<serde_json::Value, NoJson> {
    parse(bytes, 0).map(to_value)
}

/// The beginning of a document, for a message: it may be of megabytes.
pub fn brief(json: &serde_json::Value) -> String {
    const MOST: usize = 200;
    let text = json.to_string();
    if text.len() <= MOST {
        return text;
    }
    text.chars().take(MOST).chain("…".chars()).collect()
}

fn to_value(json: Json<'_>) -> serde_json::Value {
    match json {
        Json::Array(items) => {
            let mut array = Vec::with_capacity(items.len());
            for item in items {
                array.push(to_value(item));
            }
            array.into()
        }
        Json::Object(members) => {
            let mut object = serde_json::Map::with_capacity(members.len());
            for (name, json) in members {
                object.insert(name.into_owned(), to_value(json));
            }
            object.into()
        }
        scalar => to_scalar(scalar),
    }
}

fn to_scalar(json: Json<'_>) -> serde_json::Value {
    match json {
        Json::Boolean(truth) => truth.into(),
        Json::Number(text) => to_number(text),
        Json::String(text) => text.into_owned().into(),
        Json::Null | Json::Array(_) | Json::Object(_) => serde_json::Value::Null,
    }
}

/// Beyond all floating numbers there are none.
fn to_number(text: &str) -> serde_json::Value {
    let integer = text.parse::<i64>().map(Into::into).or_else(|_| text.parse::<u64>().map(Into::into));
    integer.unwrap_or_else(|_| text.parse::<f64>().map_or(serde_json::Value::Null, Into::into))
}

fn utf8(bytes: &[u8]) -> Result<&str, NoJson> {
    std::str::from_utf8(bytes).map_err(|error| NoJson::new(Reason::Utf8, bytes, error.valid_up_to()))
}

/// An error when the document, known to be JSON, is deeper than anything that is read. What is short, or has few brackets,
/// costs next to nothing.
pub fn check_depth(document: &[u8], outer: usize) -> Result<(), NoJson> {
    let room = MOST_DEPTH.saturating_sub(outer);
    // The bit between them is all that `[` and `{` have different.
    let opens = |bytes: &[u8]| bytes.iter().filter(|byte| **byte | 0x20 == b'{').count();
    if document.len() <= room || opens(document) <= room {
        return Ok(());
    }
    let (mut depth, mut in_text, mut is_escaped) = (0_usize, false, false);
    for (at, byte) in document.iter().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_text => is_escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => {
                depth += 1;
                if depth > room {
                    return Err(NoJson::new(Reason::Depth, document, at));
                }
            }
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(())
}

/// An array or object whose end was not read yet.
enum Open<'a> {
    Array(Vec<Json<'a>>),
    /// With the name of the member that is being read.
    Object(Members<'a>, Cow<'a, str>),
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// How many levels there may be.
    room: usize,
    open: Vec<Open<'a>>,
}

impl<'a> Reader<'a> {
    fn document(&mut self) -> Result<Json<'a>, NoJson> {
        loop {
            let Some(mut value) = self.begin()? else { continue };
            // A value ends as many arrays and objects as close behind it.
            loop {
                let Some(open) = self.open.pop() else { return Ok(value) };
                match self.end(open, value)? {
                    Some(whole) => value = whole,
                    None => break,
                }
            }
        }
    }

    /// Reads a scalar or an empty container; none when an array or object was opened that holds something.
    fn begin(&mut self) -> Result<Option<Json<'a>>, NoJson> {
        self.blanks();
        let value = match self.peek() {
            Some(b'{') => {
                self.deeper()?;
                self.blanks();
                if self.take(b'}') {
                    return Ok(Some(Json::Object(Vec::new())));
                }
                let name = self.name()?;
                self.open.push(Open::Object(Vec::new(), name));
                return Ok(None);
            }
            Some(b'[') => {
                self.deeper()?;
                self.blanks();
                if self.take(b']') {
                    return Ok(Some(Json::Array(Vec::new())));
                }
                self.open.push(Open::Array(Vec::new()));
                return Ok(None);
            }
            Some(b'"') => Json::String(self.string()?),
            Some(b'-' | b'0'..=b'9') => Json::Number(self.number()?),
            Some(b't') => self.word("true", Json::Boolean(true))?,
            Some(b'f') => self.word("false", Json::Boolean(false))?,
            Some(b'n') => self.word("null", Json::Null)?,
            _ => return Err(self.expected("a value")),
        };
        Ok(Some(value))
    }

    /// Puts a value into what holds it; gives that back when it ends here.
    fn end(&mut self, open: Open<'a>, value: Json<'a>) -> Result<Option<Json<'a>>, NoJson> {
        self.blanks();
        match open {
            Open::Array(mut items) => {
                items.push(value);
                if self.take(b']') {
                    return Ok(Some(Json::Array(items)));
                }
                self.want(b',', "a comma or the end of an array")?;
                self.open.push(Open::Array(items));
            }
            Open::Object(mut members, name) => {
                members.push((name, value));
                if self.take(b'}') {
                    return Ok(Some(Json::Object(members)));
                }
                self.want(b',', "a comma or the end of an object")?;
                let name = self.name()?;
                self.open.push(Open::Object(members, name));
            }
        }
        Ok(None)
    }

    fn deeper(&mut self) -> Result<(), NoJson> {
        if self.open.len() >= self.room {
            return Err(self.error(Reason::Depth));
        }
        self.at += 1;
        Ok(())
    }

    /// A member's name and the colon behind it.
    fn name(&mut self) -> Result<Cow<'a, str>, NoJson> {
        self.blanks();
        if self.peek() != Some(b'"') {
            return Err(self.expected("a member's name"));
        }
        let name = self.string()?;
        self.blanks();
        self.want(b':', "a colon")?;
        Ok(name)
    }

    fn string(&mut self) -> Result<Cow<'a, str>, NoJson> {
        self.at += 1;
        let start = self.plain()?;
        if self.take(b'"') {
            return Ok(Cow::Borrowed(start));
        }
        let mut text = start.to_owned();
        while !self.take(b'"') {
            self.at += 1;
            let escaped = self.escape()?;
            text.push(escaped);
            text.push_str(self.plain()?);
        }
        Ok(Cow::Owned(text))
    }

    /// What stands before the next quote or backslash.
    fn plain(&mut self) -> Result<&'a str, NoJson> {
        let rest = self.rest();
        let length = rest.bytes().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20));
        self.at += length.unwrap_or(rest.len());
        match self.peek() {
            Some(b'"' | b'\\') => Ok(rest.get(..length.unwrap_or(rest.len())).unwrap_or(rest)),
            None => Err(self.expected("the end of a text")),
            Some(_) => Err(self.expected("no control character inside a text")),
        }
    }

    /// What a backslash and the sign behind it stand for.
    fn escape(&mut self) -> Result<char, NoJson> {
        let sign = self.peek();
        self.at += 1;
        Ok(match sign {
            Some(plain @ (b'"' | b'\\' | b'/')) => char::from(plain),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                let unit = self.unit()?;
                match char::decode_utf16([unit]).next() {
                    Some(Ok(c)) => return Ok(c),
                    _ if self.rest().starts_with("\\u") => self.at += 2,
                    _ => return Err(self.expected("the other half of a surrogate pair")),
                }
                let low = self.unit()?;
                match char::decode_utf16([unit, low]).next() {
                    Some(Ok(c)) => c,
                    _ => return Err(self.expected("the other half of a surrogate pair")),
                }
            }
            _ => return Err(self.expected("an escaped character")),
        })
    }

    fn unit(&mut self) -> Result<u16, NoJson> {
        let digits = self.rest().get(..4).filter(|digits| digits.bytes().all(|c| c.is_ascii_hexdigit()));
        let unit = digits.and_then(|digits| u16::from_str_radix(digits, 16).ok());
        let unit = unit.ok_or_else(|| self.expected("four hexadecimal digits"))?;
        self.at += 4;
        Ok(unit)
    }

    fn number(&mut self) -> Result<&'a str, NoJson> {
        let start = self.at;
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            let _signed = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        if self.at - start > MOST_DIGITS {
            return Err(self.error(Reason::Digits));
        }
        Ok(self.text.get(start..self.at).unwrap_or_default())
    }

    fn digits(&mut self) -> Result<(), NoJson> {
        let count = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        self.at += count;
        if count == 0 { Err(self.expected("a digit")) } else { Ok(()) }
    }

    fn word(&mut self, word: &str, value: Json<'a>) -> Result<Json<'a>, NoJson> {
        if !self.rest().starts_with(word) {
            return Err(self.expected("a value"));
        }
        self.at += word.len();
        Ok(value)
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Takes a sign if it stands here.
    fn take(&mut self, sign: u8) -> bool {
        let is_there = self.peek() == Some(sign);
        self.at += usize::from(is_there);
        is_there
    }

    fn want(&mut self, sign: u8, what: &'static str) -> Result<(), NoJson> {
        if self.take(sign) { Ok(()) } else { Err(self.expected(what)) }
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn expected(&self, what: &'static str) -> NoJson {
        self.error(Reason::Expected(what))
    }

    fn error(&self, reason: Reason) -> NoJson {
        NoJson::new(reason, self.text.as_bytes(), self.at)
    }
}

#[cfg(test)]
#[path = "json_text_tests.rs"]
mod tests;
