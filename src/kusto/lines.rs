//! Rows and fields of a value in a separated format, found as the service finds them (`kusto-protocol.md` §6.2): quotes at the
//! start of a field hold separators and line feeds, in `tsve` backslashes do. Pure.

use crate::data::Error;
use crate::kusto::config::DataFormat;
use memchr::{memchr, memchr3};

/// A row of a value, without its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row<'v> {
    pub(super) bytes: &'v [u8],
    /// How many fields it has.
    pub(super) fields: usize,
}

/// The rows of `value`. Empty lines are none, as to the service. An error when the last row does not end with the value: then
/// what follows would be a part of it.
pub(super) fn rows(format: DataFormat, separator: u8, value: &[u8]) -> Result<Vec<Row<'_>>, Error> {
    let guard = if format == DataFormat::Tsve { b'\\' } else { b'"' };
    let (mut rows, mut start, mut fields, mut at) = (Vec::new(), 0, 1, 0);
    while let Some(found) = memchr3(guard, b'\n', separator, &value[at..]) {
        let place = at + found;
        at = place + 1;
        match value[place] {
            b'\n' => {
                add(&mut rows, &value[start..place], fields);
                (start, fields) = (at, 1);
            }
            b'\\' if guard == b'\\' => {
                // Whatever stands behind it is no end.
                at = Some(at + 1).filter(|next| *next <= value.len()).ok_or_else(ends_in_escape)?;
            }
            b'"' if guard == b'"' => {
                if opens(value, place, |before| before == separator) {
                    at = closing(value, place).ok_or_else(never_closed)?;
                }
            }
            _ => fields += 1,
        }
    }
    add(&mut rows, &value[start..], fields);
    Ok(rows)
}

fn add<'v>(rows: &mut Vec<Row<'v>>, line: &'v [u8], fields: usize) {
    let bytes = line.strip_suffix(b"\r").unwrap_or(line);
    if !bytes.is_empty() {
        rows.push(Row { bytes, fields });
    }
}

/// Ok when the last row of `value` ends with it.
pub(super) fn check_end(format: DataFormat, separator: u8, value: &[u8]) -> Result<(), Error> {
    if format == DataFormat::Tsve {
        let backslashes = value.iter().rev().take_while(|byte| **byte == b'\\').count();
        return if backslashes % 2 == 0 { Ok(()) } else { Err(ends_in_escape()) };
    }
    check_quotes(value, |before| before == separator)
}

/// Ok when each field of `value` that starts with a quote has another at its end. `separates`: a byte between two fields.
pub(super) fn check_quotes(value: &[u8], separates: impl Fn(u8) -> bool + Copy) -> Result<(), Error> {
    let mut at = 0;
    while let Some(found) = memchr(b'"', &value[at..]) {
        let quote = at + found;
        at = if opens(value, quote, separates) {
            closing(value, quote).ok_or_else(never_closed)?
        } else {
            quote + 1
        };
    }
    Ok(())
}

/// True for a quote at the start of a field; in the middle of one it is a letter like any other.
fn opens(value: &[u8], quote: usize, separates: impl Fn(u8) -> bool) -> bool {
    let before = quote.checked_sub(1).map(|before| value[before]);
    before.is_none_or(|before| matches!(before, b'\n' | b'\r') || separates(before))
}

/// The place behind the closing quote; two quotes are one within the text.
fn closing(value: &[u8], open: usize) -> Option<usize> {
    let mut at = open + 1;
    loop {
        let quote = at + memchr(b'"', value.get(at..)?)?;
        at = quote + 2;
        if value.get(quote + 1) != Some(&b'"') {
            return Some(quote + 1);
        }
    }
}

fn never_closed() -> Error {
    Error::new("a field starts with a quote that is never closed, so it would take in the records behind it")
}

fn ends_in_escape() -> Error {
    Error::new("it ends with a backslash, which would make one row of it and the record behind it")
}

#[cfg(test)]
mod tests {
    use super::{Row, check_end, rows};
    use crate::kusto::config::DataFormat;
    use proptest::prelude::*;

    fn found(format: DataFormat, text: &str) -> Option<Vec<(String, usize)>> {
        let separator = u8::try_from(format.field_separator().unwrap()).unwrap();
        let rows = rows(format, separator, text.as_bytes());
        assert_eq!(rows.is_ok(), check_end(format, separator, text.as_bytes()).is_ok(), "{text:?}");
        let text = |Row { bytes, fields }: Row<'_>| (String::from_utf8(bytes.to_vec()).unwrap(), fields);
        rows.ok().map(|rows| rows.into_iter().map(text).collect())
    }

    fn owned(rows: &[(&str, usize)]) -> Vec<(String, usize)> {
        rows.iter().map(|(text, fields)| ((*text).to_owned(), *fields)).collect()
    }

    #[test]
    fn rows_and_fields_are_found_as_the_service_finds_them() {
        use DataFormat::{Csv, Psv, Tsve};
        for (format, text, rows) in [
            (Csv, "a,b", Some(&[("a,b", 2)][..])),
            (Csv, "a,b\r\n\n1,2,3\n", Some(&[("a,b", 2), ("1,2,3", 3)][..])),
            (Csv, "\"a,\nb\",\"say \"\"x\"\"\"\n", Some(&[("\"a,\nb\",\"say \"\"x\"\"\"", 2)][..])),
            (Csv, "5\" disk,\"x\"", Some(&[("5\" disk,\"x\"", 2)][..])),
            (Csv, "\"\"", Some(&[("\"\"", 1)][..])),
            (Csv, "", Some(&[][..])),
            (Csv, "\n", Some(&[][..])),
            (Csv, "\r\n\n", Some(&[][..])),
            (Csv, "a,\"b", None),
            (Csv, "\"", None),
            (Csv, "a\n\"b\"\"", None),
            (Psv, "a,\"b|c", Some(&[("a,\"b|c", 2)][..])),
            (Psv, "a|\"b", None),
            (Tsve, "a\\\tb\\\\\tc\"", Some(&[("a\\\tb\\\\\tc\"", 2)][..])),
            (Tsve, "a\\\nb\nc\\\\", Some(&[("a\\\nb", 1), ("c\\\\", 1)][..])),
            (Tsve, "a\tb\\", None),
        ] {
            assert_eq!(found(format, text), rows.map(owned), "{format} {text:?}");
        }
    }

    proptest! {
        /// What passes costs no neighbour, and what does not would: an independent reader's word.
        #[test]
        fn a_value_that_passes_leaves_its_neighbours_alone(text in "[a\",\n\r]{0,12}", separator in 0..3usize) {
            let format = [DataFormat::Csv, DataFormat::Psv, DataFormat::Tsv][separator];
            let text = text.replace(',', &format.field_separator().unwrap().to_string());
            let own = found(format, &text);
            let behind = found(format, &format!("{text}\nneighbour"));
            match own {
                None => prop_assert_eq!(behind, None),
                Some(mut own) => {
                    own.push(("neighbour".to_owned(), 1));
                    prop_assert_eq!(behind, Some(own));
                }
            }
        }

        #[test]
        fn the_same_with_backslashes(text in "[a\\\\\t\nt]{0,12}") {
            let own = found(DataFormat::Tsve, &text);
            let behind = found(DataFormat::Tsve, &format!("{text}\nneighbour"));
            if let Some(mut own) = own {
                own.push(("neighbour".to_owned(), 1));
                prop_assert_eq!(behind, Some(own));
            } else {
                let last = behind.unwrap().pop().unwrap().0;
                prop_assert!(last.ends_with("\\\nneighbour"), "{}", last);
            }
        }
    }
}
