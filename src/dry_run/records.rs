//! Records from a file: a line is a value, or a JSON object that says more.

use crate::id::TopicPartition;
use crate::kafka::GivenRecord;
use crate::words;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// A record and where it was, or is said to have been.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// Its partition.
    pub from: TopicPartition,
    /// The record.
    pub record: GivenRecord,
}

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordForm {
    /// The value, byte for byte.
    Value,
    /// A JSON object with the record's parts.
    Envelope,
}

/// A line with the record's parts. Texts are taken as they are, other JSON is written as it stands.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope {
    key: Option<Box<RawValue>>,
    key_base64: Option<String>,
    value: Option<Box<RawValue>>,
    value_base64: Option<String>,
    headers: Option<BTreeMap<String, Option<Box<RawValue>>>>,
    topic: Option<String>,
    partition: Option<i32>,
    offset: Option<i64>,
    timestamp: Option<i64>,
}

/// The records in the lines of `bytes`; empty lines are skipped. Those that do not say otherwise are of `topic`, and
/// count their offsets from 0. The error names the line.
pub fn parse(bytes: &[u8], kind: RecordForm, topic: &str) -> Result<Vec<Given>, String> {
    let mut all = Vec::new();
    let lines = bytes.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    for (number, line) in lines.enumerate().filter(|(_, line)| !line.is_empty()) {
        let offset = i64::try_from(all.len()).unwrap_or(i64::MAX);
        let given = match kind {
            RecordForm::Value => {
                let record = GivenRecord { offset, value: Some(line.to_vec()), ..GivenRecord::default() };
                Ok(Given { from: TopicPartition::new(topic, 0), record })
            }
            RecordForm::Envelope => envelope(line, offset, topic),
        };
        all.push(given.map_err(|reason| format!("line {}: {reason}", number + 1))?);
    }
    Ok(all)
}

fn envelope(line: &[u8], offset: i64, topic: &str) -> Result<Given, String> {
    let read: Envelope = serde_json::from_slice(line).map_err(|error| {
        let fields = "key, value, headers, topic, partition, offset, timestamp, key_base64, value_base64";
        if error.to_string().starts_with("unknown field") {
            format!("a field is unknown; there are {fields}")
        } else {
            words::json(&error)
        }
    })?;
    let headers = read.headers.unwrap_or_default().into_iter().map(|(name, value)| {
        let value = value.map(|value| text(&value)).transpose()?.flatten();
        Ok((name, value))
    });
    let record = GivenRecord {
        offset: read.offset.unwrap_or(offset),
        key: bytes("key", read.key, read.key_base64)?,
        value: bytes("value", read.value, read.value_base64)?,
        headers: headers.collect::<Result<_, String>>()?,
        timestamp: read.timestamp,
    };
    let topic = read.topic.as_deref().unwrap_or(topic);
    Ok(Given { from: TopicPartition::new(topic, read.partition.unwrap_or(0)), record })
}

fn bytes(
    name: &str,
    written: Option<Box<RawValue>>,
    base64: Option<String>,
) -> Result<Option<Vec<u8>>, String> {
    match (written, base64) {
        (Some(_), Some(_)) => Err(format!("{name} and {name}_base64 exclude each other")),
        (Some(written), None) => text(&written),
        (None, Some(text)) => {
            STANDARD.decode(text.trim()).map(Some).map_err(|_| format!("{name}_base64 is no base64"))
        }
        (None, None) => Ok(None),
    }
}

/// The text in a JSON string, other JSON as it is written; none of null.
fn text(raw: &RawValue) -> Result<Option<Vec<u8>>, String> {
    match raw.get() {
        "null" => Ok(None),
        written if written.starts_with('"') => {
            let text: String = serde_json::from_str(written).map_err(|error| words::json(&error))?;
            Ok(Some(text.into_bytes()))
        }
        written => Ok(Some(written.as_bytes().to_vec())),
    }
}

#[cfg(test)]
mod tests {
    use super::{RecordForm, parse};
    use proptest::prelude::*;

    #[test]
    fn a_line_is_a_value() {
        let all = parse(b"a,b\r\n\n\xff\n", RecordForm::Value, "t").unwrap();
        let values: Vec<_> = all.iter().map(|given| given.record.value.clone().unwrap()).collect();
        assert_eq!(values, [b"a,b".to_vec(), vec![0xff]]);
        assert_eq!((all[1].record.offset, all[1].from.to_string()), (1, "t-0".to_owned()));
    }

    #[test]
    fn a_line_may_say_more() {
        let line = br#"{"key": "k", "value": {"a": 1.50}, "headers": {"h": "x", "n": null}, "topic": "u", "partition": 3, "offset": 7, "timestamp": 9}
{"key": null, "value_base64": "AAE="}"#;
        let all = parse(line, RecordForm::Envelope, "t").unwrap();
        let first = &all[0].record;
        assert_eq!(first.value.as_deref(), Some(&br#"{"a": 1.50}"#[..]));
        assert_eq!((first.key.as_deref(), first.offset, first.timestamp), (Some(&b"k"[..]), 7, Some(9)));
        assert_eq!(first.headers, [("h".to_owned(), Some(b"x".to_vec())), ("n".to_owned(), None)]);
        assert_eq!(all[0].from.to_string(), "u-3");
        assert_eq!((all[1].record.value.clone(), all[1].record.key.clone()), (Some(vec![0, 1]), None));
        for (line, words) in [
            ("{\"vlaue\": 1}", "line 1: a field is unknown"),
            ("{}\n{\"value\": 1, \"value_base64\": \"\"}", "line 2: value and value_base64"),
            ("[]", "line 1"),
            ("{\"key_base64\": \"?\"}", "no base64"),
        ] {
            let error = parse(line.as_bytes(), RecordForm::Envelope, "t").unwrap_err();
            assert!(error.contains(words), "{line}: {error}");
        }
    }

    proptest! {
        #[test]
        fn no_line_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..60), text in r#"[{}":,a-z0-9\n]{0,60}"#) {
            let _read_or_refused = (parse(&bytes, RecordForm::Envelope, "t"), parse(text.as_bytes(), RecordForm::Envelope, "t"));
            prop_assert!(parse(&bytes, RecordForm::Value, "t").is_ok());
        }
    }
}
