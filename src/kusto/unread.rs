//! Values that are passed on unread, looked at as far as their neighbours in the blob are at risk: what the service cannot
//! read to its end costs it all the blob. Whatever harms only the value itself is not looked for, and nothing is changed.
//!
//! Pure. `kusto.validation.records.enable=false` spares the look.

use super::lines;
use crate::data::Error;
use crate::kusto::config::{DataFormat, Shape};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// What some producers put before JSON.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Ok when `value` harms no neighbour.
pub(super) fn check(format: DataFormat, value: &[u8]) -> Result<(), Error> {
    let named =
        |error| Error::new(format!("{error} (kusto.validation.records.enable=false would pass it on)"));
    look_at(format, value).map_err(named)
}

fn look_at(format: DataFormat, value: &[u8]) -> Result<(), Error> {
    match format.shape() {
        Shape::Lines { separator: Some(separator) } => match separator.try_into() {
            Ok(separator) => lines::check_end(format, separator, value),
            Err(_) => Ok(()),
        },
        Shape::Documents => check_documents(value),
        Shape::Log => check_log(value),
        // A line is a row whatever is in it, and of raw all of the blob is one value.
        Shape::Lines { separator: None } | Shape::File { .. } => Ok(()),
    }
}

/// The JSON in a value, without what `JsonConverter` ignores too: a byte order mark, final zero bytes. None when there is
/// nothing but blanks, which is null to that converter.
pub(super) fn documents(value: &[u8]) -> Option<&[u8]> {
    let value = value.strip_prefix(BYTE_ORDER_MARK).unwrap_or(value);
    let last = value.iter().rposition(|byte| *byte != 0)?;
    let value = &value[..=last];
    (!value.trim_ascii().is_empty()).then_some(value)
}

/// Ok when `value` is objects, or lists of objects, one behind the other: each is a row, or some.
pub(super) fn check_documents(value: &[u8]) -> Result<(), Error> {
    let mut rest = value;
    loop {
        let blanks = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).count();
        rest = &rest[blanks..];
        let read = match rest.first() {
            None => return Ok(()),
            Some(b'{') => first::<IgnoredAny>(rest)?,
            Some(b'[') => first::<Objects>(rest)?,
            Some(_) => return Err(no_object(rest)),
        };
        rest = &rest[read..];
    }
}

/// Reads one document; where it ends.
fn first<'v, T: Deserialize<'v>>(json: &'v [u8]) -> Result<usize, Error> {
    let mut documents = serde_json::Deserializer::from_slice(json).into_iter::<T>();
    match documents.next() {
        Some(Err(error)) => {
            Err(Error::new(format!("it is no JSON object: {error}; the blob would be refused")))
        }
        Some(Ok(_)) | None => Ok(documents.byte_offset()),
    }
}

/// The error for what is no object, by its first byte.
pub(super) fn no_object(json: &[u8]) -> Error {
    let what = match json.first() {
        Some(b'"') => "a text in quotes",
        Some(b'0'..=b'9' | b'-') => "a number",
        Some(b'[') => "a list of other things than objects",
        _ => "a text that is none",
    };
    Error::new(format!(
        "a table of JSON takes objects, and this is {what}; HoistField can make an object of it"
    ))
}

/// Lines of a log stand alone.
fn check_log(value: &[u8]) -> Result<(), Error> {
    if memchr::memchr(b'"', value).is_none() {
        return Ok(());
    }
    let lines = value.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii_start().starts_with(b"#"));
    lines.into_iter().try_for_each(|line| lines::check_quotes(line, |byte| matches!(byte, b' ' | b'\t')))
}

/// A list of objects only.
struct Objects;

/// An object.
struct Object;

impl<'de> Deserialize<'de> for Objects {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Objects;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of objects")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Objects, A::Error> {
                while elements.next_element::<Object>()?.is_some() {}
                Ok(Objects)
            }
        }
        deserializer.deserialize_seq(Reader)
    }
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Object, A::Error> {
                while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Object)
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

#[cfg(test)]
mod tests {
    use super::{check, documents};
    use crate::kusto::config::DataFormat;
    use proptest::prelude::*;

    #[test]
    fn json_is_objects_or_lists_of_objects() {
        let json =
            |text: &str| check(DataFormat::MultiJson, text.as_bytes()).map_err(|error| error.to_string());
        for good in [
            "{}",
            " {\"a\":1}\n",
            "{\"a\":1}{\"b\":[1,{}]}\r\n\t{\"c\":\"x\\\"y\"}",
            "[{\"a\":1},{}]",
            "[]",
            "[ ]{}",
        ] {
            assert_eq!(json(good), Ok(()), "{good}");
        }
        for (bad, words) in [
            ("\"text\"", "a text in quotes"),
            ("42", "a number"),
            ("-1", "a number"),
            ("text", "a text that is none"),
            ("null", "a text that is none"),
            ("[1,2]", "expected an object"),
            ("[{},[]]", "expected an object"),
            ("{\"a\":1", "EOF"),
            ("{\"a\":}", "expected value"),
            ("{\"a\":1} x", "a text that is none"),
            ("{\"a\":1}}", "a text that is none"),
            ("{\"a\":1},{\"a\":2}", "a text that is none"),
            ("{'a':1}", "key must be a string"),
            ("{\"a\":\"x\ny\"}", "control character"),
            ("{\"a\":NaN}", "expected value"),
        ] {
            let error = json(bad).unwrap_err();
            assert!(error.contains(words), "{bad}: {error}");
        }
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(60_000), "]".repeat(60_000));
        assert!(check(DataFormat::MultiJson, deep.as_bytes()).is_ok(), "no recursion, whatever the depth");
    }

    #[test]
    fn blanks_are_no_document_and_marks_are_ignored() {
        for (value, found) in [
            (&b""[..], None),
            (b" \n", None),
            (b"\xef\xbb\xbf", None),
            (b"\0\0", None),
            (b"\xef\xbb\xbf{} \n\0\0", Some(&b"{} \n"[..])),
        ] {
            assert_eq!(documents(value), found, "{value:?}");
        }
    }

    #[test]
    fn each_format_is_checked_for_what_harms_a_neighbour_in_it() {
        use DataFormat::{Csv, Psv, Raw, Scsv, Sohsv, Tsv, Tsve, Txt, W3cLogFile};
        for (format, value, is_good) in [
            (Csv, "a,\"b", false),
            (Csv, "a;\"b", true),
            (Scsv, "a;\"b", false),
            (Tsv, "a\t\"b", false),
            (Psv, "a|\"b", false),
            (Sohsv, "a\u{1}\"b", false),
            (Tsve, "a\t\"b", true),
            (Tsve, "a\\", false),
            (Tsve, "a\\\\", true),
            (Txt, "\"a\nb\\", true),
            (Raw, "\"", true),
            (W3cLogFile, "#Fields: a \"b\n1 \"x y\"", true),
            (W3cLogFile, "1 \"x\ny\"", false),
            (W3cLogFile, "1 x\"", true),
        ] {
            assert_eq!(check(format, value.as_bytes()).is_ok(), is_good, "{format} {value:?}");
        }
    }

    proptest! {
        /// What passes is read beside its neighbours as if it stood alone.
        #[test]
        fn json_that_passes_leaves_its_neighbours_alone(text in "[\\[\\]{}:,\"a1 \n]{0,14}") {
            let blob = format!("{{\"n\":1}}\n{text}\n{{\"n\":2}}\n");
            let read: Result<Vec<serde_json::Value>, _> =
                serde_json::Deserializer::from_str(&blob).into_iter().collect();
            let of_objects = |value: &serde_json::Value| match value {
                serde_json::Value::Array(all) => all.iter().all(serde_json::Value::is_object),
                other => other.is_object(),
            };
            let harmless = read.is_ok_and(|all| all.iter().all(of_objects));
            prop_assert_eq!(check(DataFormat::MultiJson, text.as_bytes()).is_ok(), harmless, "{}", text);
        }
    }
}
