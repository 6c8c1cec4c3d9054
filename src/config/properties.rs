//! Java properties files: the format of worker settings.
//!
//! A text becomes a flat map and back; nothing is looked up or checked here. The rules are those of
//! `java.util.Properties`: comments with `#` or `!`, `=`, `:` or blanks between key and value, a backslash joins
//! lines, `\t \n \r \f \uXXXX` are escapes and any other escaped character stands for itself; the last of equal keys wins.

use crate::configdef::Properties;

/// Why a properties text cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct ParseError {
    /// Number of the line where the entry starts, from 1.
    pub line: usize,
    /// What is wrong there.
    pub reason: &'static str,
}

/// The text of a file. Java reads ISO-8859-1; files of today are UTF-8, so that is tried first. A byte order mark, as
/// editors of Windows write it, says what it is.
pub fn decode(bytes: Vec<u8>) -> String {
    String::from_utf8(without_mark(bytes))
        .unwrap_or_else(|error| error.as_bytes().iter().map(|byte| char::from(*byte)).collect())
}

/// The same bytes without a byte order mark; what one of UTF-16 begins becomes UTF-8.
pub fn without_mark(bytes: Vec<u8>) -> Vec<u8> {
    let utf16 = |from: fn([u8; 2]) -> u16| {
        let units = bytes[2..].chunks_exact(2).map(|pair| from([pair[0], pair[1]]));
        char::decode_utf16(units)
            .map(|found| found.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect::<String>()
    };
    match bytes.as_slice() {
        [0xEF, 0xBB, 0xBF, rest @ ..] => rest.to_vec(),
        [0xFF, 0xFE, ..] => utf16(u16::from_le_bytes).into_bytes(),
        [0xFE, 0xFF, ..] => utf16(u16::from_be_bytes).into_bytes(),
        _ => bytes,
    }
}

/// Reads all entries of `text`.
pub fn parse(text: &str) -> Result<Properties, ParseError> {
    let mut entries = Properties::new();
    for (line, content) in logical_lines(text) {
        let (key, value) = split(&content);
        let fail = |reason| ParseError { line, reason };
        entries.insert(unescape(key).map_err(fail)?, unescape(value).map_err(fail)?);
    }
    Ok(entries)
}

/// Writes `entries` so that [`parse`] (and Java) gives them back.
pub fn render(entries: &Properties) -> String {
    let mut text = String::new();
    for (key, value) in entries {
        escape(key, true, &mut text);
        text.push('=');
        escape(value, false, &mut text);
        text.push('\n');
    }
    text
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\u{c}')
}

/// Lines with continuations joined, without comments and empty lines, each with the number of its first line.
fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let mut lines = Vec::new();
    let mut open: Option<(usize, String)> = None;
    // A CRLF gives an empty line more, which is skipped; only the line numbers must not count it.
    let unified = text.replace("\r\n", "\n").replace('\r', "\n");
    for (index, natural) in unified.split('\n').enumerate() {
        let natural = natural.trim_start_matches(is_blank);
        if open.is_none() && (natural.is_empty() || natural.starts_with(['#', '!'])) {
            continue;
        }
        let backslashes = natural.len() - natural.trim_end_matches('\\').len();
        let continued = backslashes % 2 == 1;
        let part = if continued { &natural[..natural.len() - 1] } else { natural };
        let (number, mut content) = open.take().unwrap_or((index + 1, String::new()));
        content.push_str(part);
        if continued {
            open = Some((number, content));
        } else {
            lines.push((number, content));
        }
    }
    // A backslash at the very end continues into nothing.
    lines.extend(open);
    lines.retain(|(_, content)| !content.is_empty());
    lines
}

/// Key and value, both still escaped.
fn split(line: &str) -> (&str, &str) {
    let mut escaped = false;
    let end = line
        .char_indices()
        .find(|(_, c)| {
            let stop = !escaped && (is_blank(*c) || matches!(c, '=' | ':'));
            escaped = !escaped && *c == '\\';
            stop
        })
        .map_or(line.len(), |(index, _)| index);
    let rest = line[end..].trim_start_matches(is_blank);
    let rest = rest.strip_prefix(['=', ':']).unwrap_or(rest);
    (&line[..end], rest.trim_start_matches(is_blank))
}

fn unescape(text: &str) -> Result<String, &'static str> {
    let mut units: Vec<u16> = Vec::new();
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c == '\\' {
            match chars.next() {
                Some('u') => {
                    // Kept as UTF-16 until something else follows: a pair of escapes may make one character.
                    units.push(hex(&mut chars)?);
                }
                Some(escaped) => {
                    flush(&mut units, &mut out)?;
                    out.push(match escaped {
                        't' => '\t',
                        'n' => '\n',
                        'r' => '\r',
                        'f' => '\u{c}',
                        other => other,
                    });
                }
                None => {}
            }
        } else {
            flush(&mut units, &mut out)?;
            out.push(c);
        }
    }
    flush(&mut units, &mut out)?;
    Ok(out)
}

fn hex(chars: &mut std::str::Chars<'_>) -> Result<u16, &'static str> {
    let mut value = 0_u16;
    for _ in 0..4 {
        let digit = chars.next().and_then(|c| c.to_digit(16)).and_then(|d| u16::try_from(d).ok());
        value = value * 16 + digit.ok_or("\\u must be followed by four hexadecimal digits")?;
    }
    Ok(value)
}

fn flush(units: &mut Vec<u16>, out: &mut String) -> Result<(), &'static str> {
    for unit in char::decode_utf16(units.drain(..)) {
        out.push(unit.map_err(|_| "\\u escapes that are half of a surrogate pair")?);
    }
    Ok(())
}

fn escape(text: &str, is_key: bool, out: &mut String) {
    for (index, c) in text.chars().enumerate() {
        match c {
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\u{c}' => out.push_str("\\f"),
            ' ' if is_key || index == 0 => out.push_str("\\ "),
            '\\' | '=' | ':' | '#' | '!' => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Properties, decode, parse, render};
    use proptest::prelude::*;

    #[test]
    fn a_byte_order_mark_is_ignored() {
        let utf16 = |to: fn(u16) -> [u8; 2], mark: [u8; 2]| {
            let units = "a=\u{e9}\u{1f300}".encode_utf16().flat_map(to);
            mark.into_iter().chain(units).collect::<Vec<u8>>()
        };
        for bytes in [
            "a=\u{e9}\u{1f300}".as_bytes().to_vec(),
            "\u{feff}a=\u{e9}\u{1f300}".as_bytes().to_vec(),
            utf16(u16::to_le_bytes, [0xFF, 0xFE]),
            utf16(u16::to_be_bytes, [0xFE, 0xFF]),
        ] {
            assert_eq!(decode(bytes), "a=\u{e9}\u{1f300}");
        }
        assert_eq!(decode(vec![0xFF, b'a']), "\u{ff}a", "no mark: Java's encoding");
    }

    fn read(text: &str) -> Vec<(String, String)> {
        parse(text).unwrap().into_iter().collect()
    }

    fn pair(key: &str, value: &str) -> (String, String) {
        (key.to_owned(), value.to_owned())
    }

    #[test]
    fn separators_comments_and_blanks() {
        assert_eq!(
            read("# c\n  ! c\\\na=1\nb : 2\r\nc 3\rd\n\n e =\t = x \n"),
            [pair("a", "1"), pair("b", "2"), pair("c", "3"), pair("d", ""), pair("e", "= x ")]
        );
    }

    #[test]
    fn continuations_and_escapes() {
        assert_eq!(
            read("a=1,\\\n   2,\\\n\t3\nb=x\\\\\nc=\\"),
            [pair("a", "1,2,3"), pair("b", "x\\"), pair("c", "")]
        );
        assert_eq!(read("a\\=b\\ c=\\u00e4\\t\\q\\ud83d\\ude00"), [pair("a=b c", "ä\tq😀")]);
        assert_eq!(read("a=1\na=2"), [pair("a", "2")]);
        assert_eq!(read("a=1\\\n# not a comment"), [pair("a", "1# not a comment")]);
    }

    #[test]
    fn broken_escapes_name_the_line() {
        assert_eq!(parse("a=1\r\n\r\nb=\\u12").unwrap_err().line, 3);
        assert_eq!(parse("a=\\\n\\ud83d x").unwrap_err().line, 1);
    }

    #[test]
    fn old_files_are_latin_1() {
        assert_eq!(decode(b"a=\xe4".to_vec()), "a=ä");
        assert_eq!(decode("a=ä".as_bytes().to_vec()), "a=ä");
    }

    proptest! {
        #[test]
        fn what_is_rendered_is_read_back(map in prop::collection::btree_map("(?s).{1,12}", "(?s).{0,20}", 0..6)) {
            let map: Properties = map;
            prop_assert_eq!(parse(&render(&map)).unwrap(), map);
        }

        #[test]
        fn nothing_panics(text in "(?s)[a-c=: \\\\#!u0-9\r\n\t\u{c}ä😀]{0,40}") {
            let _read_or_refused = parse(&text);
        }
    }
}
