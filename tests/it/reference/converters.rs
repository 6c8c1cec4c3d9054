//! Our converters against Kafka's own, on the same corpus.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bigdecimal::BigDecimal;
use kusto_connect::configdef::ConfigError;
use kusto_connect::convert::{Converter, Made};
use kusto_connect::data::json::DecimalFormat;
use kusto_connect::data::{self, SchemaAndValue, Struct, Value};
use serde_json::{Value as Json, json};

use super::{Decision, Ours, compare, failed, validated};
use crate::support::reference::{Case, read_both, write_both};

const SURROGATES: &str = "half a surrogate pair in UTF-8 is one wrong character for Java and three for Rust";

/// The differences of converters.
pub(super) const DECIDED: &[Decision] = &[
    Decision {
        kind: "converter",
        cases: &["json/*"],
        ours: Ours::Is(|_, got| refuses(got, "Invalid type for ")),
        why: "Java takes a value of another type than its schema's for 0, false or null, and cuts what does not fit",
    },
    Decision { kind: "header", cases: &["String/header/10"], ours: Ours::Is(replaces), why: SURROGATES },
    Decision { kind: "header", cases: &["Simple/encoded/10"], ours: Ours::Is(replaces), why: SURROGATES },
    Decision { kind: "converter", cases: &["String/default/10"], ours: Ours::Is(replaces), why: SURROGATES },
    Decision { kind: "converter", cases: &["String/UTF-8/10"], ours: Ours::Is(replaces), why: SURROGATES },
    Decision { kind: "converter", cases: &["String/utf8/10"], ours: Ours::Is(replaces), why: SURROGATES },
    Decision {
        kind: "converter",
        cases: &["String/encoding/*"],
        ours: Ours::Is(|_, got| refuses(got, "Invalid value ")),
        why: "a wrong setting is found before the first record",
    },
    Decision {
        kind: "converter",
        cases: &["json/struct/*"],
        ours: Ours::Is(|_, got| refuses(got, "Invalid null value for required STRUCT field")),
        why: "Java refuses the default of the struct before",
    },
    Decision {
        kind: "converter",
        cases: &["json/decimal/*"],
        ours: Ours::Is(rescales),
        why: "the same number with the scale of its schema, which Java lets differ and cannot write then",
    },
    Decision {
        kind: "converter",
        cases: &["json/decimal/*"],
        ours: Ours::Is(|_, got| refuses(got, "Decimal ")),
        why: "a number with more digits than its schema has",
    },
    Decision {
        kind: "converter",
        cases: &["json/struct/*"],
        ours: Ours::Is(reads),
        why: "Java compares the default of a struct with a schema that is not finished yet, and refuses it",
    },
    Decision {
        kind: "converter",
        cases: &["json/envelope/*"],
        ours: Ours::Is(|_, got| refuses(got, "Converting byte[] to Kafka Connect data failed")),
        why: "text behind the document; Java forgets it",
    },
    Decision {
        kind: "converter",
        cases: &["json/envelope/*"],
        ours: Ours::Is(|_, got| refuses(got, "JsonConverter with schemas.enable requires")),
        why: "two schemas in one envelope; Java takes the last",
    },
    Decision {
        kind: "converter",
        cases: &["json/plain/*"],
        ours: Ours::Is(|_, got| refuses(got, "Converting byte[] to Kafka Connect data failed")),
        why: "leading zeros, half surrogate pairs, text behind the document: no JSON, and Java changes or forgets it",
    },
    Decision {
        kind: "converter",
        cases: &["json/encoded/*"],
        ours: Ours::Is(|_, got| refuses(got, "Converting byte[] to Kafka Connect data failed")),
        why: "JSON in UTF-16",
    },
    Decision {
        kind: "converter",
        cases: &["json/plain/*", "json/long/*"],
        ours: Ours::Is(exact),
        why: "an integer beyond 64 bits, which Java wraps around",
    },
    Decision {
        kind: "converter",
        cases: &["json/plain/*"],
        ours: Ours::Is(stays),
        why: "a number beyond all of double precision, which Java takes for an infinite one",
    },
    Decision {
        kind: "converter",
        cases: &["json/content/*"],
        ours: Ours::Is(|_, got| refuses(got, "Converting byte[] to Kafka Connect data failed")),
        why: "an empty record where a struct is wanted",
    },
    Decision {
        kind: "converter",
        cases: &["json/config/*"],
        ours: Ours::Is(|_, got| refuses(got, "value.converter.")),
        why: "a wrong setting is found before the first record; the table of settings says it in Connect's words",
    },
    Decision {
        kind: "write_json",
        cases: &["write/decimal/*"],
        ours: Ours::Is(writes_number),
        why: "numbers without an exponent; the same number",
    },
    Decision {
        kind: "write_json",
        cases: &["write/date/7"],
        ours: Ours::Is(|_, got| got["text"] == "2147483648"),
        why: "Java lets days wrap around",
    },
    Decision {
        kind: "write_json",
        cases: &["write/schemaless-int-map"],
        ours: Ours::Is(|_, got| got["text"] == "{\"1\":2}"),
        why: "the sink writes maps without a schema by Jackson: an object",
    },
    Decision {
        kind: "write_json",
        cases: &["write/schemaless-null-key"],
        ours: Ours::Is(|_, got| got["text"] == "{\"null\":2}"),
        why: "the sink writes maps without a schema by Jackson: an object",
    },
    Decision {
        kind: "write_json",
        cases: &["write/schemaless-null"],
        ours: Ours::Is(|_, got| got["text"] == "null"),
        why: "a null never gets so far: it is a tombstone",
    },
    Decision {
        kind: "write_json",
        cases: &["write/*"],
        ours: Ours::Is(writes),
        why: "the sink writes maps without a schema by Jackson, which knows Java's dates and decimals",
    },
];

/// It refuses, in words that begin so.
fn refuses(got: &Json, beginning: &str) -> bool {
    let text = got["error"]["message"].as_str().or(got["config_errors"][0].as_str());
    text.is_some_and(|text| text.starts_with(beginning))
}

/// It writes what Java cannot.
fn writes(wanted: &Json, got: &Json) -> bool {
    wanted["error"].is_object() && got["bytes"].is_string()
}

/// It reads on where Java refuses the schema or a setting.
fn reads(wanted: &Json, got: &Json) -> bool {
    wanted["value"].is_null() && got["value"].is_object()
}

/// It makes an integer where Java wraps around.
fn exact(wanted: &Json, got: &Json) -> bool {
    wanted["value"]["value"]["int64"].is_string() && got["value"]["value"]["decimal"][1] == 0
}

/// It makes a decimal where Java makes what is no number.
fn stays(wanted: &Json, got: &Json) -> bool {
    let float = wanted["value"]["value"]["float64"].as_str();
    float.is_some_and(|text| text.ends_with("Infinity")) && got["value"]["value"]["decimal"].is_array()
}

/// It makes the same decimals with other scales.
fn rescales(wanted: &Json, got: &Json) -> bool {
    let numbers = |json: &Json| decimals(&read_both(&json["value"]).value);
    let is_value = wanted["value"].is_object() && got["value"].is_object();
    is_value && !numbers(got).is_empty() && numbers(wanted) == numbers(got)
}

/// It writes the same number of single precision with other digits, alone or as a struct's only field.
fn writes_number(wanted: &Json, got: &Json) -> bool {
    let number = |json: &Json| {
        let text = String::from_utf8(STANDARD.decode(json["bytes"].as_str()?).ok()?).ok()?;
        text.trim_start_matches("{\"f\":").trim_end_matches('}').parse::<f32>().ok()
    };
    number(wanted).zip(number(got)).is_some_and(|(wanted, got)| wanted.to_bits() == got.to_bits())
}

/// It makes the same text but for the count of replaced characters.
fn replaces(wanted: &Json, got: &Json) -> bool {
    let one = |json: &Json| json.to_string().replace("\u{fffd}\u{fffd}\u{fffd}", "\u{fffd}");
    one(wanted) == one(got)
}

/// All decimals in a value, without trailing zeros.
fn decimals(value: &Value) -> Vec<BigDecimal> {
    match value {
        Value::Decimal(decimal) => vec![decimal.normalized()],
        Value::Array(values) | Value::Struct(Struct { values, .. }) => {
            values.iter().flat_map(decimals).collect()
        }
        Value::Map(entries) => {
            entries.iter().flat_map(|(key, value)| [decimals(key), decimals(value)].concat()).collect()
        }
        _ => Vec::new(),
    }
}

#[test]
fn converters_read_what_kafkas_read() {
    compare("converter", convert);
}

#[test]
fn header_converters_read_what_kafkas_read() {
    compare("header", convert);
}

/// The converter that a connector with the case's settings has.
fn converter(case: &Case) -> Result<Arc<dyn Converter>, Json> {
    let key = if case.given["kind"] == "header" { "header.converter" } else { "value.converter" };
    let prefix = format!("{key}.");
    let mut settings: BTreeMap<_, _> =
        case.config().map(|(name, value)| (format!("{prefix}{name}"), value.to_owned())).collect();
    settings.insert(key.to_owned(), case.text("class").to_owned());
    let refused = |errors: Vec<ConfigError>| {
        // Java's converters do not know the connector's prefixes.
        let own = |error: &ConfigError| error.message.replace(&prefix, "");
        json!({ "config_errors": errors.iter().map(own).collect::<Vec<_>>() })
    };
    let config = validated(&settings).map_err(refused)?;
    let own = if key == "header.converter" { &config.header_converter } else { &config.value_converter };
    match own.make() {
        Ok(Made::Plain(converter)) => Ok(converter),
        Ok(Made::Registered(_)) => panic!("{key} needs a registry"),
        Err(error) => Err(json!({ "config_errors": [error.to_string()] })),
    }
}

fn convert(case: &Case) -> Json {
    let converter = match converter(case) {
        Ok(converter) => converter,
        Err(refused) => return refused,
    };
    let bytes = case.given["bytes"].as_str().map(|text| STANDARD.decode(text).expect("base64"));
    match converter.to_data(bytes.as_deref()) {
        // Java's header converter has nothing at all for null.
        Ok(data) if case.wanted["value"].is_null() && data == SchemaAndValue::NULL => {
            json!({ "value": null })
        }
        Ok(data) => json!({ "value": write_both(&data) }),
        Err(error) => failed(&error),
    }
}

#[test]
fn values_are_written_as_kafkas_json_converter_writes_them() {
    compare("write_json", |case| {
        let data = read_both(&case.given);
        let decimals = case.config().find(|(key, _)| *key == "decimal.format").map(|(_, value)| value);
        let decimals = match decimals {
            Some(format) if format.eq_ignore_ascii_case("NUMERIC") => DecimalFormat::Numeric,
            _ => DecimalFormat::Base64,
        };
        let mut out = Vec::new();
        match data::json::write(data.schema.as_deref(), &data.value, decimals, &mut out) {
            // The same document may be written with other escapes.
            Ok(()) if document(&case.wanted) == serde_json::from_slice(&out).ok() => case.wanted.clone(),
            Ok(()) => json!({ "bytes": STANDARD.encode(&out), "text": String::from_utf8_lossy(&out) }),
            Err(error) => failed(&error),
        }
    });
}

fn document(wanted: &Json) -> Option<Json> {
    serde_json::from_slice(&STANDARD.decode(wanted["bytes"].as_str()?).expect("base64")).ok()
}
