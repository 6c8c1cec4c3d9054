//! Kusto's scalar types: their names, how text and JSON become values of them, and how values are written.
//!
//! A value that does not fit its column is null and never an error (`kusto-protocol.md` §6.4). Nothing here does I/O.

use std::borrow::Cow;

use rusqlite::ToSql;
use rusqlite::types::{ToSqlOutput, ValueRef};
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::{datetime, decimal, plain};

/// A scalar type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KustoType {
    /// UTF-8 text; never null.
    String,
    /// 32-bit signed integer.
    Int,
    /// 64-bit signed integer.
    Long,
    /// 64-bit floating point.
    Real,
    /// True or false.
    Bool,
    /// A moment, in ticks of 100 ns, UTC.
    DateTime,
    /// A length of time, in ticks of 100 ns.
    TimeSpan,
    /// A 128-bit identifier.
    Guid,
    /// A decimal number, exact.
    Decimal,
    /// Any JSON value.
    Dynamic,
}

impl KustoType {
    /// The type's name in Kusto: `string`, `long`…
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Int => "int",
            Self::Long => "long",
            Self::Real => "real",
            Self::Bool => "bool",
            Self::DateTime => "datetime",
            Self::TimeSpan => "timespan",
            Self::Guid => "guid",
            Self::Decimal => "decimal",
            Self::Dynamic => "dynamic",
        }
    }

    /// The .NET name that V1 answers carry in `DataType`.
    pub(crate) fn dotnet(self) -> &'static str {
        match self {
            Self::String => "String",
            Self::Int => "Int32",
            Self::Long => "Int64",
            Self::Real => "Double",
            Self::Bool => "Boolean",
            Self::DateTime => "DateTime",
            Self::TimeSpan => "TimeSpan",
            Self::Guid => "Guid",
            Self::Decimal => "SqlDecimal",
            Self::Dynamic => "Object",
        }
    }

    /// The .NET name with its namespace, as schemas carry it.
    pub(crate) fn dotnet_full(self) -> &'static str {
        match self {
            Self::String => "System.String",
            Self::Int => "System.Int32",
            Self::Long => "System.Int64",
            Self::Real => "System.Double",
            Self::Bool => "System.SByte",
            Self::DateTime => "System.DateTime",
            Self::TimeSpan => "System.TimeSpan",
            Self::Guid => "System.Guid",
            Self::Decimal => "System.Data.SqlTypes.SqlDecimal",
            Self::Dynamic => "System.Object",
        }
    }

    /// The type called `name` in a command, with Kusto's synonyms (`double`, `date`, `boolean`, `time`, `uuid`…).
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "string" => Self::String,
            "int" | "int32" => Self::Int,
            "long" | "int64" => Self::Long,
            "real" | "double" => Self::Real,
            "bool" | "boolean" => Self::Bool,
            "datetime" | "date" => Self::DateTime,
            "timespan" | "time" => Self::TimeSpan,
            "guid" | "uuid" | "uniqueid" => Self::Guid,
            "decimal" => Self::Decimal,
            "dynamic" | "object" => Self::Dynamic,
            _ => return None,
        })
    }

    /// True for the types that add up: int, long, real, decimal.
    pub(crate) fn is_number(self) -> bool {
        matches!(self, Self::Int | Self::Long | Self::Real | Self::Decimal)
    }
}

/// Kusto keeps at most this much of one string or dynamic value (1 MB; `kusto-protocol.md` §6.4).
pub(crate) const MAX_VALUE_BYTES: usize = 1 << 20;

/// How a `real` that is not a number is kept: SQLite's own number column cannot hold it.
pub(crate) const NAN: &str = "NaN";

/// One value on its way into the store. Datetimes and timespans are ticks, booleans 0 and 1, the rest is text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell<'a> {
    /// No value (never in a string column).
    Null,
    /// int, long, bool, datetime, timespan.
    Integer(i64),
    /// real.
    Real(f64),
    /// string, guid, decimal, dynamic (JSON text), and a real that is not a number.
    Text(Cow<'a, str>),
}

impl ToSql for Cell<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(value) => ValueRef::Integer(*value),
            Self::Real(value) => ValueRef::Real(*value),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}

impl<'a> Cell<'a> {
    /// The value of a missing field: the empty string in a string column, null in others.
    pub(crate) fn missing(kind: KustoType) -> Self {
        if kind == KustoType::String { Self::Text(Cow::Borrowed("")) } else { Self::Null }
    }

    /// The value of a text field (CSV family, strings of JSON): what does not fit the type is null.
    pub(crate) fn from_text(kind: KustoType, text: &'a str) -> Self {
        if kind == KustoType::String {
            return Self::Text(Cow::Borrowed(cut(text)));
        }
        let text = text.trim();
        if text.is_empty() {
            return Self::Null;
        }
        let integer = match kind {
            KustoType::Int => text.parse::<i32>().ok().map(i64::from),
            KustoType::Long => text.parse().ok(),
            KustoType::Bool => parse_bool(text).map(i64::from),
            KustoType::DateTime => datetime::parse(text),
            KustoType::TimeSpan => datetime::parse_timespan(text),
            KustoType::Real => return parse_real(text).map_or(Self::Null, Self::real),
            KustoType::Guid => return parse_guid(text).map_or(Self::Null, Self::owned),
            KustoType::Decimal => return decimal::parse(text).map_or(Self::Null, Self::owned),
            KustoType::Dynamic | KustoType::String => return Self::dynamic_text(text),
        };
        integer.map_or(Self::Null, Self::Integer)
    }

    /// The value of a JSON member; what does not fit the type is null.
    pub(crate) fn from_json(kind: KustoType, raw: &'a RawValue) -> Self {
        let text = raw.get();
        match (text.as_bytes().first(), kind) {
            (_, KustoType::Dynamic) if text == "null" => Self::Null,
            (_, KustoType::Dynamic) if text.len() > MAX_VALUE_BYTES => Self::Null,
            (_, KustoType::Dynamic) => Self::Text(Cow::Borrowed(text)),
            (Some(b'n'), _) => Self::missing(kind),
            (Some(b'"'), _) => match serde_json::from_str::<String>(text) {
                Ok(string) => Cell::from_text(kind, &string).into_owned(),
                Err(_) => Self::missing(kind),
            },
            (Some(b'{' | b'['), KustoType::String) => Self::Text(Cow::Borrowed(cut(text))),
            // A bare number in a time column says nothing of its unit: a mapping's transform does.
            (Some(b'{' | b'['), _) | (_, KustoType::DateTime | KustoType::TimeSpan) => Self::Null,
            _ => Self::from_text(kind, text),
        }
    }

    /// A copy that borrows nothing.
    pub(crate) fn into_owned(self) -> Cell<'static> {
        match self {
            Self::Null => Cell::Null,
            Self::Integer(value) => Cell::Integer(value),
            Self::Real(value) => Cell::Real(value),
            Self::Text(text) => Cell::Text(Cow::Owned(text.into_owned())),
        }
    }

    fn owned(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }

    fn real(value: f64) -> Self {
        if value.is_nan() { Self::Text(Cow::Borrowed(NAN)) } else { Self::Real(value) }
    }

    /// Text in a dynamic column: JSON as it is, anything else as a JSON string (as `parse_json` does).
    fn dynamic_text(text: &'a str) -> Self {
        if text.len() > MAX_VALUE_BYTES || text == "null" {
            return Self::Null;
        }
        if serde_json::from_str::<IgnoredAny>(text).is_ok() {
            return Self::Text(Cow::Borrowed(text));
        }
        Self::owned(serde_json::Value::from(text).to_string())
    }
}

/// The longest prefix of `text` that a value may hold.
fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_VALUE_BYTES)]
}

/// `true`, `false`, `1`, `0`, in any case.
pub(crate) fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" => Some(true),
        "0" => Some(false),
        _ if text.eq_ignore_ascii_case("true") => Some(true),
        _ if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// A floating point number, also `NaN`, `+inf`, `-Infinity`. A number that is too large is none.
pub(crate) fn parse_real(text: &str) -> Option<f64> {
    let value: f64 = text.parse().ok()?;
    let named = text.contains(['n', 'N']);
    (named || value.is_finite()).then_some(value)
}

/// A GUID in any usual form, written in lower case with hyphens.
pub(crate) fn parse_guid(text: &str) -> Option<String> {
    Uuid::try_parse(text).ok().map(|id| id.to_string())
}

/// The JSON of a stored value, as answers carry it.
pub(crate) fn to_json(kind: KustoType, value: ValueRef<'_>) -> Value {
    match (kind, value) {
        (KustoType::String, ValueRef::Null) => Value::from(""),
        (_, ValueRef::Null | ValueRef::Blob(_)) => Value::Null,
        (KustoType::Bool, ValueRef::Integer(number)) => Value::from(number != 0),
        (KustoType::DateTime, ValueRef::Integer(ticks)) => Value::from(datetime::format(ticks)),
        (KustoType::TimeSpan, ValueRef::Integer(ticks)) => Value::from(datetime::format_timespan(ticks)),
        #[expect(clippy::cast_precision_loss, reason = "a real column shows a real")]
        (KustoType::Real, ValueRef::Integer(number)) => Value::from(number as f64),
        (_, ValueRef::Integer(number)) => Value::from(number),
        (_, ValueRef::Real(number)) if number.is_infinite() => {
            Value::from(if number > 0.0 { "Infinity" } else { "-Infinity" })
        }
        (_, ValueRef::Real(number)) => Value::from(number),
        (KustoType::Dynamic, ValueRef::Text(text)) => {
            plain::from_slice(text).unwrap_or_else(|_| Value::from(String::from_utf8_lossy(text)))
        }
        (_, ValueRef::Text(text)) => Value::from(String::from_utf8_lossy(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(kind: KustoType, text: &str) -> Cell<'_> {
        Cell::from_text(kind, text)
    }

    fn json(kind: KustoType, text: &str) -> Cell<'static> {
        Cell::from_json(kind, &RawValue::from_string(text.to_owned()).unwrap()).into_owned()
    }

    fn string(text: &str) -> Cell<'_> {
        Cell::Text(Cow::Borrowed(text))
    }

    #[test]
    fn text_that_does_not_fit_is_null() {
        assert_eq!(text(KustoType::Int, "13208"), Cell::Integer(13208));
        assert_eq!(text(KustoType::Int, "2147483648"), Cell::Null);
        assert_eq!(text(KustoType::Int, "1.5"), Cell::Null);
        assert_eq!(text(KustoType::Long, "9223372036854775807"), Cell::Integer(i64::MAX));
        assert_eq!(text(KustoType::Long, "9223372036854775808"), Cell::Null);
        assert_eq!(text(KustoType::Bool, "TRUE"), Cell::Integer(1));
        assert_eq!(text(KustoType::Bool, "yes"), Cell::Null);
        assert_eq!(text(KustoType::Real, "1e-3"), Cell::Real(0.001));
        assert_eq!(text(KustoType::Real, "1e999"), Cell::Null);
        assert_eq!(text(KustoType::Real, "NaN"), string("NaN"));
        assert_eq!(text(KustoType::DateTime, "yesterday"), Cell::Null);
        assert_eq!(text(KustoType::Decimal, "1.50"), string("1.5"));
        let guid = "74be27de-1e4e-49d9-b579-fe0b331d3642";
        assert_eq!(text(KustoType::Guid, "{74BE27DE-1E4E-49D9-B579-FE0B331D3642}"), string(guid));
    }

    #[test]
    fn an_empty_field_is_null_except_in_strings() {
        assert_eq!(text(KustoType::String, ""), string(""));
        assert_eq!(text(KustoType::String, " a "), string(" a "));
        assert_eq!(text(KustoType::Long, ""), Cell::Null);
        assert_eq!(text(KustoType::Dynamic, ""), Cell::Null);
    }

    #[test]
    fn long_strings_are_cut_at_a_character() {
        let long = "é".repeat(MAX_VALUE_BYTES);
        let Cell::Text(kept) = text(KustoType::String, &long) else { panic!("no text") };
        assert_eq!(kept.len(), MAX_VALUE_BYTES);
    }

    #[test]
    fn json_members_become_typed_values() {
        assert_eq!(json(KustoType::String, r#""a\nb""#), string("a\nb"));
        assert_eq!(json(KustoType::String, "5"), string("5"));
        assert_eq!(json(KustoType::String, "null"), string(""));
        assert_eq!(json(KustoType::Long, "5"), Cell::Integer(5));
        assert_eq!(json(KustoType::Long, r#""5""#), Cell::Integer(5));
        assert_eq!(json(KustoType::Long, "{}"), Cell::Null);
        assert_eq!(json(KustoType::Bool, "true"), Cell::Integer(1));
        assert_eq!(json(KustoType::Dynamic, r#"{"a":[1]}"#), string(r#"{"a":[1]}"#));
        assert_eq!(json(KustoType::Dynamic, "null"), Cell::Null);
        assert_eq!(json(KustoType::DateTime, "12345678"), Cell::Null);
    }
}
