//! Records of the formats that have types of their own (avro, parquet, orc, w3clogfile), as JSON trees.
//!
//! Pure. Each reader of such a format turns a record into one tree: moments and lengths of time become Kusto's texts,
//! decimals their digits, raw bytes an array of numbers. Owns the way from a tree's node to a cell; never reads a file.

use std::panic::{AssertUnwindSafe, catch_unwind};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::mapping::Step;
use crate::datetime;
use crate::error::IngestFailure;
use crate::value::{Cell, KustoType};

/// What is done with each record.
pub(crate) type Each<'a> = dyn FnMut(&Value) -> Result<(), IngestFailure> + 'a;

/// The node at `path`; none when a step leads nowhere.
pub(crate) fn at<'v>(record: &'v Value, path: &[Step]) -> Option<&'v Value> {
    path.iter().try_fold(record, |node, step| match step {
        Step::Member(name) => node.as_object()?.get(name),
        Step::Index(position) => node.as_array()?.get(*position),
    })
}

/// The value of a node; what does not fit the type is null. A text in a dynamic column is read as JSON if it is JSON.
pub(crate) fn cell(kind: KustoType, node: &Value) -> Cell<'_> {
    match (node, kind) {
        (Value::Null, _) => Cell::missing(kind),
        (Value::String(text), _) => Cell::from_text(kind, text),
        // A bare number in a time column says nothing of its unit: a mapping's transform does.
        (Value::Number(_), KustoType::DateTime | KustoType::TimeSpan) => Cell::Null,
        (Value::Array(_) | Value::Object(_), KustoType::String | KustoType::Dynamic)
        | (Value::Number(_) | Value::Bool(_), _) => Cell::from_text(kind, &node.to_string()).into_owned(),
        (Value::Array(_) | Value::Object(_), _) => Cell::Null,
    }
}

/// The base64 text of an array of numbers from 0 to 255; null for anything else (transform `BytesAsBase64`).
pub(crate) fn base64_cell(kind: KustoType, node: &Value) -> Cell<'static> {
    let byte = |item: &Value| item.as_u64().and_then(|number| u8::try_from(number).ok());
    let bytes: Option<Vec<u8>> = node.as_array().and_then(|items| items.iter().map(byte).collect());
    bytes.map_or(Cell::missing(kind), |bytes| Cell::from_text(kind, &STANDARD.encode(bytes)).into_owned())
}

/// Raw bytes: an array of numbers, as the transform `BytesAsBase64` expects them.
pub(crate) fn bytes(bytes: &[u8]) -> Value {
    bytes.iter().map(|byte| Value::from(*byte)).collect()
}

/// A floating point number; what JSON cannot say is a text that a `real` column reads.
pub(crate) fn real(number: f64) -> Value {
    match number {
        _ if number.is_nan() => Value::from("NaN"),
        _ if number.is_infinite() => Value::from(if number > 0.0 { "Infinity" } else { "-Infinity" }),
        _ => Value::from(number),
    }
}

/// The moment `ticks` of 100 ns after 1970-01-01; null outside years 1 to 9999.
pub(crate) fn moment(ticks: i128) -> Value {
    datetime::from_unix(ticks).map_or(Value::Null, |ticks| Value::from(datetime::format(ticks)))
}

/// The day `days` after 1970-01-01.
pub(crate) fn day(days: i32) -> Value {
    moment(i128::from(days) * 864_000_000_000)
}

/// A length of time, in ticks of 100 ns.
pub(crate) fn length(ticks: i64) -> Value {
    Value::from(datetime::format_timespan(ticks))
}

/// The digits of a decimal given as a big-endian two's complement; null when it is longer than 16 bytes or has a
/// scale below 0 (no decimal of Kusto's holds it).
pub(crate) fn decimal(bytes: &[u8], scale: usize) -> Value {
    let sign = if bytes.first().is_some_and(|byte| *byte >= 0x80) { 0xff } else { 0 };
    let mut wide = [sign; 16];
    let Some(start) = wide.len().checked_sub(bytes.len()) else { return Value::Null };
    wide[start..].copy_from_slice(bytes);
    let number = i128::from_be_bytes(wide);
    if scale > 64 {
        return Value::Null;
    }
    let digits = format!("{:0>width$}", number.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let sign = if number < 0 { "-" } else { "" };
    let dot = if scale == 0 { "" } else { "." };
    Value::from(format!("{sign}{whole}{dot}{fraction}"))
}

/// The blob cannot be read as `format`.
pub(crate) fn invalid(format: &str, details: impl std::fmt::Display) -> IngestFailure {
    IngestFailure::permanent("BadRequest_InvalidBlob", format!("Invalid {format} data: {details}"))
}

/// Calls a library that reads `format`. Some of them panic on damaged files and on types they do not know; for us that
/// is an unreadable blob, and nothing they left half done is used again.
pub(crate) fn guarded<T, E: std::fmt::Display>(
    format: &str,
    read: impl FnOnce() -> Result<T, E>,
) -> Result<T, IngestFailure> {
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(result) => result.map_err(|error| invalid(format, error)),
        Err(_) => Err(invalid(format, "it is damaged or has a type that the reader does not know")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn decimals_keep_their_scale_and_sign() {
        assert_eq!(decimal(&[0x04, 0xd2], 2), json!("12.34"));
        assert_eq!(decimal(&[0xff], 2), json!("-0.01"));
        assert_eq!(decimal(&[0x05], 0), json!("5"));
        assert_eq!(decimal(&[], 3), json!("0.000"));
        assert_eq!(decimal(&[0; 17], 0), Value::Null);
        assert_eq!(
            decimal(&[0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 0),
            json!(i128::MIN.to_string())
        );
    }

    #[test]
    fn nodes_become_cells_of_their_column() {
        let text = |node: &Value, kind| match cell(kind, node).into_owned() {
            Cell::Text(text) => text.into_owned(),
            other => panic!("{other:?}"),
        };
        assert_eq!(text(&json!({"a": [1]}), KustoType::String), r#"{"a":[1]}"#);
        assert_eq!(text(&json!({"a": [1]}), KustoType::Dynamic), r#"{"a":[1]}"#);
        assert_eq!(text(&json!("x"), KustoType::Dynamic), r#""x""#);
        assert_eq!(text(&json!("NaN"), KustoType::Real), "NaN");
        assert_eq!(text(&Value::Null, KustoType::String), "");
        assert_eq!(cell(KustoType::Long, &json!(7)), Cell::Integer(7));
        assert_eq!(cell(KustoType::Bool, &json!(true)), Cell::Integer(1));
        assert_eq!(cell(KustoType::Long, &json!([7])), Cell::Null);
        assert_eq!(cell(KustoType::DateTime, &json!(7)), Cell::Null);
    }

    #[test]
    fn only_arrays_of_bytes_become_base64() {
        assert_eq!(
            base64_cell(KustoType::String, &bytes(b"\x00\xff!")).into_owned(),
            Cell::Text("AP8h".into())
        );
        for node in [json!([256]), json!([-1]), json!(["a"]), json!("a"), Value::Null] {
            assert_eq!(base64_cell(KustoType::Dynamic, &node), Cell::Null, "{node}");
        }
    }

    #[test]
    fn a_panic_of_a_library_is_an_unreadable_blob() {
        let failure = guarded("parquet", || -> Result<(), String> { panic!("on purpose") }).unwrap_err();
        assert_eq!(failure.code, "BadRequest_InvalidBlob");
    }
}
