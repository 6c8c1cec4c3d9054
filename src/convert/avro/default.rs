//! Defaults of an Avro schema, which are JSON, as Connect's values. Pure.

use super::error::bad_schema;
use super::node::{Node, Record};
use super::values::{branch, bytes_or_decimal, int};
use crate::data::json_text::brief;
use crate::data::room::Room;
use crate::data::{Error, Struct, Value};
use serde_json::Value as Json;
use std::sync::Arc;

/// Where records are found that a default may be of.
pub(super) trait Records {
    /// The record at this place; none while it is being made.
    fn record(&self, at: usize) -> Option<&Record>;
    /// For the values that are made.
    fn room(&self) -> &Room;
}

/// Reads a default of the type that `node` decodes; a union's is of its first branch, or of the one that is not null.
pub(super) fn value(node: &Node, records: &impl Records, json: &Json) -> Result<Value, Error> {
    let wrong = || bad_schema(format!("the default {} is not of its field's type", brief(json)));
    let part = |node: &Node, json: &Json| value(node, records, json);
    records.room().take(1)?;
    Ok(match (node, json) {
        (Node::Boolean, Json::Bool(truth)) => Value::Boolean(*truth),
        (Node::Int(as_what), json) => {
            let number = json.as_i64().and_then(|number| i32::try_from(number).ok()).ok_or_else(wrong)?;
            int(*as_what, number)
        }
        (Node::Long { timestamp }, json) => {
            let number = json.as_i64().ok_or_else(wrong)?;
            if *timestamp { Value::Date(number) } else { Value::Int64(number) }
        }
        #[expect(clippy::cast_possible_truncation, reason = "the field holds a float: so does its default")]
        (Node::Float, json) => Value::Float32(json.as_f64().ok_or_else(wrong)? as f32),
        (Node::Double, json) => Value::Float64(json.as_f64().ok_or_else(wrong)?),
        (node @ (Node::Bytes(_) | Node::Fixed(..) | Node::String | Node::Enum(_)), Json::String(text)) => {
            records.room().take_text(text.len())?;
            of_text(node, text)?.ok_or_else(wrong)?
        }
        (Node::Array(of), Json::Array(items)) => {
            Value::Array(items.iter().map(|item| part(of, item)).collect::<Result<_, _>>()?)
        }
        (Node::Entries(_), Json::Array(items)) if items.is_empty() => Value::Map(Vec::new()),
        (Node::Map(of), Json::Object(entries)) => {
            let entry = |(key, json): (&String, &Json)| Ok((Value::from(key.as_str()), part(of, json)?));
            Value::Map(entries.iter().map(entry).collect::<Result<_, Error>>()?)
        }
        (Node::Record(at, schema), Json::Object(object)) => {
            let record = records.record(*at).ok_or_else(wrong)?;
            let mut values = Vec::with_capacity(record.fields.len());
            for (node, field) in record.fields.iter().zip(record.schema.fields()) {
                values.push(match (object.get(&*field.name), &field.schema.default) {
                    (Some(json), _) => part(node, json)?,
                    (None, Some(default)) => records.room().default(default)?,
                    (None, None) => {
                        records.room().take(1)?;
                        Value::Null
                    }
                });
            }
            let schema = schema.as_ref().unwrap_or(&record.schema);
            Value::Struct(Struct { schema: Arc::clone(schema), values })
        }
        (Node::Null | Node::Nullable(..), Json::Null) => Value::Null,
        (Node::Nullable(_, of) | Node::Single(of), json) => part(of, json)?,
        (Node::Union(branches, schema), json) => {
            let (node, place) = branches.first().ok_or_else(wrong)?;
            match place {
                None => Value::Null,
                Some(place) => {
                    records.room().take(branches.len())?;
                    branch(schema, *place, part(node, json)?)
                }
            }
        }
        _ => return Err(wrong()),
    })
}

/// What the text of texts and bytes stands for; none when it is none of theirs.
fn of_text(node: &Node, text: &str) -> Result<Option<Value>, Error> {
    Ok(match node {
        Node::Bytes(scale) | Node::Fixed(_, scale) => {
            // Each character stands for the byte of its number.
            let bytes: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
            bytes.map(|bytes| bytes_or_decimal(&bytes, *scale)).transpose()?
        }
        _ => Some(text.into()),
    })
}
