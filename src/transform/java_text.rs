//! Values and records as Java's `toString` shows them, for messages.

use crate::data::java_number::scalar;
use crate::data::java_time::DateFormat;
use crate::data::{Record, Schema, SchemaAndValue, TimestampType, Value};

/// A value; bytes, whose text in Java is an address, are only named.
pub(super) fn of(value: &Value) -> String {
    let mut out = String::new();
    append(&mut out, value);
    out
}

fn append(out: &mut String, value: &Value) {
    match value {
        Value::Array(values) => {
            out.push('[');
            for (index, value) in values.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                append(out, value);
            }
            out.push(']');
        }
        Value::Map(entries) => {
            out.push('{');
            for (index, (key, value)) in entries.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                append(out, key);
                out.push('=');
                append(out, value);
            }
            out.push('}');
        }
        Value::Struct(of) => {
            out.push_str("Struct{");
            let set = of.schema.fields().iter().zip(&of.values).filter(|(_, value)| !value.is_null());
            for (index, (field, value)) in set.enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                out.push_str(&field.name);
                out.push('=');
                append(out, value);
            }
            out.push('}');
        }
        plain => append_plain(out, plain),
    }
}

fn append_plain(out: &mut String, value: &Value) {
    match value {
        Value::String(text) => out.push_str(text),
        Value::Bytes(_) => out.push_str("[B"),
        Value::Date(ms) => {
            let format = DateFormat::new("EEE MMM dd HH:mm:ss zzz yyyy", 0);
            out.push_str(&format.map_or_else(|_| ms.to_string(), |format| format.format(*ms)));
        }
        plain => out.push_str(&scalar(plain).unwrap_or_default()),
    }
}

fn list(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join(", ")
}

/// A schema: its name, if it has one, and its type.
pub(super) fn of_schema(schema: &Schema) -> String {
    match &schema.name {
        Some(name) => format!("Schema{{{name}:{}}}", schema.kind),
        None => format!("Schema{{{}}}", schema.kind),
    }
}

/// A record.
pub(super) fn of_record(record: &Record) -> String {
    let schema = |of: &SchemaAndValue| of.schema.as_deref().map_or_else(|| "null".to_owned(), of_schema);
    let header = |header: &crate::data::Header| {
        let SchemaAndValue { value, .. } = &header.value;
        format!("ConnectHeader(key={}, value={}, schema={})", header.key, of(value), schema(&header.value))
    };
    let headers = match record.headers.as_slice() {
        [] => String::new(),
        some => format!("[{}]", list(some.iter().map(header))),
    };
    let timestamp_type = match record.timestamp_type {
        None => "NoTimestampType",
        Some(TimestampType::CreateTime) => "CreateTime",
        Some(TimestampType::LogAppendTime) => "LogAppendTime",
    };
    let origin = &record.origin;
    format!(
        "SinkRecord{{kafkaOffset={offset}, timestampType={timestamp_type}, originalTopic={}, originalKafkaPartition={partition}, \
         originalKafkaOffset={offset}}} ConnectRecord{{topic='{}', kafkaPartition={partition}, key={}, keySchema={}, value={}, \
         valueSchema={}, timestamp={}, headers=ConnectHeaders(headers={headers})}}",
        origin.topic,
        record.topic,
        of(&record.key.value),
        schema(&record.key),
        of(&record.value.value),
        schema(&record.value),
        record.timestamp.map_or_else(|| "null".to_owned(), |ms| ms.to_string()),
        offset = origin.offset,
        partition = origin.partition,
    )
}
