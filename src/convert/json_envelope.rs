//! Connect's JSON envelope `{"schema": …, "payload": …}`: checked against its schema and written as the sink writes
//! a Struct: fields in schema order, unknown fields left out, missing ones filled with their default or null, Decimal
//! as base64 of the unscaled number (`connect-runtime.md` §6.2, `kusto-sink-connector.md` §3.2).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value as Json};

use super::Error;
use super::json::not_json;
use crate::data::Converted;

const WANTED: &str = "JsonConverter with schemas.enable requires \"schema\" and \"payload\" fields and may not \
    contain additional fields. If you are trying to deserialize plain JSON data, set schemas.enable=false in your \
    converter configuration.";
const DECIMAL: &str = "org.apache.kafka.connect.data.Decimal";

/// Converts one envelope.
pub(super) fn convert(bytes: &[u8], null_to_default: bool) -> Result<Converted<'static>, Error> {
    let document: Json = serde_json::from_slice(bytes).map_err(not_json)?;
    let (Some(schema), Some(payload)) = (document.get("schema"), document.get("payload")) else {
        return Err(data(WANTED));
    };
    if document.as_object().is_none_or(|fields| fields.len() != 2) {
        return Err(data(WANTED));
    }
    if schema.is_null() {
        return Ok(plain(payload));
    }
    let written = Writer { null_to_default }.write(schema, payload)?;
    Ok(match (schema.get("type").and_then(Json::as_str), written) {
        (_, Json::Null) => Converted::Null,
        (Some("string"), Json::String(text)) => Converted::Text(text.into()),
        (Some("bytes"), Json::String(text)) => {
            let bytes =
                STANDARD.decode(text).map_err(|error| data(&format!("Invalid bytes field: {error}")))?;
            Converted::Bytes(bytes.into())
        }
        (_, written) => plain(&written),
    })
}

/// A value without a schema, as the schemaless converter gives it.
fn plain(value: &Json) -> Converted<'static> {
    match value {
        Json::Null => Converted::Null,
        Json::String(text) => Converted::Text(text.clone().into()),
        Json::Object(_) | Json::Array(_) => Converted::Json(value.to_string().into_bytes().into()),
        scalar => Converted::Text(scalar.to_string().into()),
    }
}

struct Writer {
    null_to_default: bool,
}

impl Writer {
    fn write(&self, schema: &Json, value: &Json) -> Result<Json, Error> {
        let kind = schema
            .get("type")
            .and_then(Json::as_str)
            .ok_or_else(|| data("Schema must contain 'type' field"))?;
        if value.is_null() {
            return self.write_null(schema, kind);
        }
        match kind {
            "boolean" if value.is_boolean() => Ok(value.clone()),
            "int8" | "int16" | "int32" | "int64" if value.is_i64() => Ok(value.clone()),
            "float" | "double" if value.is_number() => Ok(value.clone()),
            "string" if value.is_string() => Ok(value.clone()),
            "bytes" => bytes(schema, value),
            "array" => self.write_array(schema, value),
            "map" => self.write_map(schema, value),
            "struct" => self.write_struct(schema, value),
            "boolean" | "int8" | "int16" | "int32" | "int64" | "float" | "double" | "string" => {
                Err(data(&format!("Invalid type for {}: {}", kind.to_uppercase(), node(value))))
            }
            other => Err(data(&format!("Unknown schema type: {other}"))),
        }
    }

    fn write_null(&self, schema: &Json, kind: &str) -> Result<Json, Error> {
        let default = schema.get("default").filter(|default| !default.is_null());
        let optional = schema.get("optional").and_then(Json::as_bool).unwrap_or(false);
        match default {
            Some(default) if self.null_to_default || !optional => self.write(schema, default),
            _ if optional => Ok(Json::Null),
            _ => Err(data(&format!("Invalid null value for required {} field", kind.to_uppercase()))),
        }
    }

    fn write_array(&self, schema: &Json, value: &Json) -> Result<Json, Error> {
        let items =
            schema.get("items").ok_or_else(|| data("Array schema did not specify the element type"))?;
        let elements =
            value.as_array().ok_or_else(|| data(&format!("Invalid type for ARRAY: {}", node(value))))?;
        elements
            .iter()
            .map(|element| self.write(items, element))
            .collect::<Result<Vec<_>, _>>()
            .map(Json::Array)
    }

    fn write_map(&self, schema: &Json, value: &Json) -> Result<Json, Error> {
        let keys = schema.get("keys").ok_or_else(|| data("Map schema did not specify the key type"))?;
        let values = schema.get("values").ok_or_else(|| data("Map schema did not specify the value type"))?;
        if keys.get("type").and_then(Json::as_str) == Some("string") {
            let entries = value.as_object().ok_or_else(|| {
                data(&format!(
                    "Maps with string fields should be encoded as JSON objects, but found {}",
                    node(value)
                ))
            })?;
            let written: Result<Map<_, _>, Error> =
                entries.iter().map(|(key, entry)| Ok((key.clone(), self.write(values, entry)?))).collect();
            return written.map(Json::Object);
        }
        let wanted = || {
            let found = node(value);
            data(&format!(
                "Maps with non-string fields should be encoded as JSON array of tuples, but found {found}"
            ))
        };
        let pairs = value.as_array().ok_or_else(wanted)?.iter().map(|pair| {
            match pair.as_array().map(Vec::as_slice) {
                Some([key, entry]) => {
                    Ok(Json::Array(vec![self.write(keys, key)?, self.write(values, entry)?]))
                }
                _ => Err(wanted()),
            }
        });
        pairs.collect::<Result<Vec<_>, _>>().map(Json::Array)
    }

    fn write_struct(&self, schema: &Json, value: &Json) -> Result<Json, Error> {
        let fields = schema
            .get("fields")
            .and_then(Json::as_array)
            .ok_or_else(|| data("Struct schema's \"fields\" argument is not an array."))?;
        let given = value.as_object().ok_or_else(|| {
            data(&format!("Structs should be encoded as JSON objects, but found {}", node(value)))
        })?;
        let written: Result<Map<_, _>, Error> = fields
            .iter()
            .map(|field| {
                let name = field
                    .get("field")
                    .and_then(Json::as_str)
                    .ok_or_else(|| data("Struct schema's field name not specified properly"))?;
                Ok((name.to_owned(), self.write(field, given.get(name).unwrap_or(&Json::Null))?))
            })
            .collect();
        written.map(Json::Object)
    }
}

/// Bytes stay base64; a Decimal given as a number becomes base64 of its unscaled two's complement.
fn bytes(schema: &Json, value: &Json) -> Result<Json, Error> {
    let decimal = schema.get("name").and_then(Json::as_str) == Some(DECIMAL);
    match value {
        Json::String(text) => {
            STANDARD.decode(text).map_err(|error| data(&format!("Invalid bytes field: {error}")))?;
            Ok(value.clone())
        }
        Json::Number(number) if decimal => {
            let scale = schema
                .pointer("/parameters/scale")
                .and_then(Json::as_str)
                .and_then(|text| text.parse::<u32>().ok())
                .ok_or_else(|| data("Invalid Decimal schema: scale parameter not found."))?;
            let unscaled = unscaled(&number.to_string(), scale)
                .ok_or_else(|| data(&format!("Decimal {number} does not fit scale {scale} and 38 digits")))?;
            Ok(Json::String(STANDARD.encode(twos_complement(unscaled))))
        }
        other => Err(data(&format!("Invalid type for bytes: {}", node(other)))),
    }
}

/// The digits of `text` (a plain or exponent JSON number) as an integer with `scale` decimals.
fn unscaled(text: &str, scale: u32) -> Option<i128> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
    let shift = i64::from(scale) + exponent - i64::try_from(fraction.len()).ok()?;
    let factor = 10_i128.checked_pow(u32::try_from(shift.unsigned_abs()).ok()?)?;
    if shift >= 0 {
        return digits.checked_mul(factor);
    }
    (digits % factor == 0).then_some(digits / factor)
}

/// The shortest big-endian two's complement, as Java's `BigInteger.toByteArray`.
fn twos_complement(number: i128) -> Vec<u8> {
    let bytes = number.to_be_bytes();
    let sign = if number < 0 { 0xff } else { 0 };
    let spare =
        bytes.windows(2).take_while(|pair| pair[0] == sign && (pair[1] & 0x80) == (sign & 0x80)).count();
    bytes[spare..].to_vec()
}

/// Jackson's name for the kind of a JSON node, as Connect's messages use it.
fn node(value: &Json) -> &'static str {
    match value {
        Json::Null => "NULL",
        Json::Bool(_) => "BOOLEAN",
        Json::Number(_) => "NUMBER",
        Json::String(_) => "STRING",
        Json::Array(_) => "ARRAY",
        Json::Object(_) => "OBJECT",
    }
}

fn data(text: &str) -> Error {
    Error::Data(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{convert, twos_complement, unscaled};
    use crate::data::Converted;

    fn json(text: &str) -> Converted<'static> {
        Converted::Json(text.as_bytes().to_vec().into())
    }

    fn convert_text(text: &str) -> Result<Converted<'static>, String> {
        convert(text.as_bytes(), true).map_err(|error| error.to_string())
    }

    #[test]
    fn a_struct_is_written_in_schema_order() {
        let text = r#"{"schema":{"type":"struct","fields":[
            {"field":"b","type":"int32"},{"field":"a","type":"string","optional":true},
            {"field":"d","type":"string","default":"x"},
            {"field":"n","type":"bytes","name":"org.apache.kafka.connect.data.Decimal","parameters":{"scale":"2"}}]},
            "payload":{"a":"t","b":7,"extra":1,"n":1.5}}"#;
        assert_eq!(convert_text(text), Ok(json(r#"{"b":7,"a":"t","d":"x","n":"AJY="}"#)));
    }

    #[test]
    fn top_values_by_type() {
        let of = |kind: &str, payload: &str| {
            convert_text(&format!(r#"{{"schema":{{"type":"{kind}","optional":true}},"payload":{payload}}}"#))
        };
        assert_eq!(of("string", "\"x\""), Ok(Converted::Text("x".into())));
        assert_eq!(of("bytes", "\"AAE=\""), Ok(Converted::Bytes(vec![0, 1].into())));
        assert_eq!(of("string", "null"), Ok(Converted::Null));
        assert_eq!(convert_text(r#"{"schema":null,"payload":{"a":1}}"#), Ok(json(r#"{"a":1}"#)));
    }

    #[test]
    fn errors_in_connects_words() {
        let wrong = convert_text(r#"{"a":1}"#).unwrap_err();
        assert!(wrong.starts_with("JsonConverter with schemas.enable requires"), "{wrong}");
        let null = convert_text(r#"{"schema":{"type":"string"},"payload":null}"#).unwrap_err();
        assert_eq!(null, "Invalid null value for required STRING field");
        let kind = convert_text(r#"{"schema":{"type":"nope"},"payload":1}"#).unwrap_err();
        assert_eq!(kind, "Unknown schema type: nope");
    }

    #[test]
    fn decimals() {
        assert_eq!(unscaled("1.5", 2), Some(150));
        assert_eq!(unscaled("-1.5e1", 0), Some(-15));
        assert_eq!(unscaled("1.55", 1), None);
        assert_eq!(twos_complement(0), vec![0]);
        assert_eq!(twos_complement(128), vec![0, 128]);
        assert_eq!(twos_complement(-128), vec![128]);
        assert_eq!(twos_complement(-129), vec![255, 127]);
    }
}
