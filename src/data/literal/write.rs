//! Values as literals.

use crate::data::java_number::scalar;
use crate::data::{Value, java_time};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Writes a value so that it can be read again: a text as it is, bytes in base64, the parts of arrays, maps and structs
/// with quotes around texts.
pub fn write(value: &Value) -> String {
    let mut out = String::new();
    append(&mut out, value, false);
    out
}

fn append(out: &mut String, value: &Value, is_embedded: bool) {
    match value {
        Value::String(text) if is_embedded => quoted(out, text),
        Value::String(text) => out.push_str(text),
        Value::Bytes(bytes) if is_embedded => quoted(out, &STANDARD.encode(bytes)),
        Value::Bytes(bytes) => out.push_str(&STANDARD.encode(bytes)),
        Value::Date(ms) => out.push_str(&java_time::iso(*ms)),
        Value::Array(values) => {
            out.push('[');
            for (index, value) in values.iter().enumerate() {
                separate(out, index);
                append(out, value, true);
            }
            out.push(']');
        }
        Value::Map(entries) => {
            out.push('{');
            for (index, (key, value)) in entries.iter().enumerate() {
                separate(out, index);
                append(out, key, true);
                out.push(':');
                append(out, value, true);
            }
            out.push('}');
        }
        Value::Struct(of) => {
            out.push('{');
            for (index, field) in of.schema.fields().iter().enumerate() {
                separate(out, index);
                quoted(out, &field.name);
                out.push(':');
                append(out, of.get_or_default_near(index, &field.name).unwrap_or(&Value::Null), true);
            }
            out.push('}');
        }
        plain => out.push_str(&scalar(plain).unwrap_or_default()),
    }
}

fn separate(out: &mut String, index: usize) {
    if index > 0 {
        out.push(',');
    }
}

fn quoted(out: &mut String, text: &str) {
    out.push('"');
    out.push_str(&text.replace('\\', "\\\\").replace('"', "\\\""));
    out.push('"');
}
