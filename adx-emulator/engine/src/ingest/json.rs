//! The JSON formats: json (one record per line), multijson (records back to back or in one array), singlejson.
//!
//! Pure. Records are handed on as raw text, so that numbers keep all their digits and nothing is built that no column
//! asks for. Rules: `kusto-protocol.md` §6.3.

use std::collections::HashMap;

use serde_json::value::RawValue;

use super::mapping::Step;
use crate::error::IngestFailure;

/// One JSON record with its top level opened once.
pub(crate) struct Record<'a> {
    raw: &'a RawValue,
    members: HashMap<String, &'a RawValue>,
}

impl<'a> Record<'a> {
    fn open(raw: &'a RawValue) -> Result<Self, serde_json::Error> {
        Ok(Self { raw, members: serde_json::from_str(raw.get())? })
    }

    /// The value at `path`; none when a step leads nowhere.
    pub(crate) fn at(&self, path: &[Step]) -> Option<&'a RawValue> {
        match path.split_first() {
            None => Some(self.raw),
            Some((Step::Index(_), _)) => None,
            Some((Step::Member(name), rest)) => rest.iter().try_fold(*self.members.get(name)?, walk),
        }
    }
}

/// One step down from `value`, or none.
fn walk<'a>(value: &'a RawValue, step: &Step) -> Option<&'a RawValue> {
    match step {
        Step::Member(name) => {
            let mut members: HashMap<String, &RawValue> = serde_json::from_str(value.get()).ok()?;
            members.remove(name)
        }
        Step::Index(position) => {
            let items: Vec<&RawValue> = serde_json::from_str(value.get()).ok()?;
            items.get(*position).copied()
        }
    }
}

/// What is done with each record.
pub(crate) type Each<'a> = dyn FnMut(&Record<'_>) -> Result<(), IngestFailure> + 'a;

/// One record per line; lines that are not a JSON object are skipped silently, as by the service.
pub(crate) fn read_lines(text: &str, each: &mut Each<'_>) -> Result<(), IngestFailure> {
    for line in text.lines() {
        let record = serde_json::from_str::<&RawValue>(line).and_then(Record::open);
        if let Ok(record) = record {
            each(&record)?;
        }
    }
    Ok(())
}

/// Records back to back, or in arrays at the top level. Any error fails the whole.
pub(crate) fn read_stream(text: &str, each: &mut Each<'_>) -> Result<(), IngestFailure> {
    for value in serde_json::Deserializer::from_str(text).into_iter::<&RawValue>() {
        let value = value.map_err(|error| invalid(&error))?;
        if value.get().starts_with('[') {
            let items: Vec<&RawValue> = serde_json::from_str(value.get()).map_err(|error| invalid(&error))?;
            for item in items {
                each(&Record::open(item).map_err(|error| invalid(&error))?)?;
            }
        } else {
            each(&Record::open(value).map_err(|error| invalid(&error))?)?;
        }
    }
    Ok(())
}

/// The whole text is one record.
pub(crate) fn read_single(text: &str, each: &mut Each<'_>) -> Result<(), IngestFailure> {
    let record = serde_json::from_str::<&RawValue>(text).and_then(Record::open);
    each(&record.map_err(|error| invalid(&error))?)
}

fn invalid(error: &serde_json::Error) -> IngestFailure {
    IngestFailure::permanent("BadRequest_InvalidBlob", format!("Invalid JSON: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collect(
        read: impl FnOnce(&str, &mut Each<'_>) -> Result<(), IngestFailure>,
        text: &str,
    ) -> Result<Vec<String>, &'static str> {
        let mut seen = Vec::new();
        let path = [Step::Member("a".to_owned())];
        let result = read(text, &mut |record| {
            seen.push(record.at(&path).map_or("-", RawValue::get).to_owned());
            Ok(())
        });
        result.map(|()| seen).map_err(|failure| failure.code)
    }

    #[expect(clippy::unnecessary_wraps, reason = "it stands where a reading is expected")]
    fn seen(values: &[&str]) -> Result<Vec<String>, &'static str> {
        Ok(values.iter().map(|value| (*value).to_owned()).collect())
    }

    #[test]
    fn lines_that_are_no_records_are_skipped() {
        let text = "{\"a\":1}\r\n\nnot json\n{\"b\":1}\n5\n{\"a\":\n2}\n{\"a\":3.10}";
        assert_eq!(collect(read_lines, text), seen(&["1", "-", "3.10"]));
    }

    #[test]
    fn streams_hold_objects_or_arrays_of_objects() {
        assert_eq!(collect(read_stream, "{\"a\":1}{\"a\":2}\n {\n\"a\":\n3}"), seen(&["1", "2", "3"]));
        assert_eq!(collect(read_stream, "[{\"a\":1},{\"a\":2}]"), seen(&["1", "2"]));
        assert_eq!(collect(read_stream, " [] "), seen(&[]));
        for text in ["{\"a\":1} x", "{\"a\":1}{\"a\":", "[{\"a\":1},5]", "5", "{\"a\":1},{\"a\":2}"] {
            assert_eq!(collect(read_stream, text), Err("BadRequest_InvalidBlob"), "{text}");
        }
    }

    #[test]
    fn a_single_value_is_one_record() {
        assert_eq!(collect(read_single, "{\n\"a\": [1, 2]\n}"), seen(&["[1, 2]"]));
        assert_eq!(collect(read_single, "{\"a\":1}{\"a\":2}"), Err("BadRequest_InvalidBlob"));
    }

    #[test]
    fn paths_lead_into_members_and_elements() {
        let text = r#"{"a":{"b c":[10,{"d":"x"}]},"a.b":7}"#;
        let raw: &RawValue = serde_json::from_str(text).unwrap();
        let record = Record::open(raw).unwrap();
        let member = |name: &str| Step::Member(name.to_owned());
        let at = |path: &[Step]| record.at(path).map(RawValue::get);
        assert_eq!(at(&[]), Some(text));
        assert_eq!(at(&[member("a"), member("b c"), Step::Index(0)]), Some("10"));
        assert_eq!(at(&[member("a"), member("b c"), Step::Index(1), member("d")]), Some("\"x\""));
        assert_eq!(at(&[member("a.b")]), Some("7"));
        assert_eq!(at(&[member("A")]), None);
        assert_eq!(at(&[member("a"), member("x"), member("y")]), None);
    }
}
