//! Values of a Protobuf message. Pure.

use super::error::bad_message;
use super::options::Options;
use super::plan::{Node, Part, Plan};
use crate::data::room::Room;
use crate::data::{Error, Schema, SchemaAndValue, Struct, Value as Connect, java_number};
use prost_reflect::{DynamicMessage, FieldDescriptor, MapKey, Value};
use std::sync::Arc;

const DAY: i64 = 86_400_000;
/// A message that is missing may be made with its defaults, and so may one in it; not without end.
const MOST_DEPTH: usize = 100;

/// Reads a whole message, which had so many bytes.
pub(super) fn root(
    plan: &Plan,
    options: Options,
    (message, bytes): (&DynamicMessage, usize),
) -> Result<SchemaAndValue, Error> {
    let mut reader = Reader { plan, options, depth: 0, room: Room::for_values(bytes) };
    let value = match &plan.root {
        Node::Wrapper(node, field) => reader.value(node, &message.get_field(field))?,
        Node::Message(place, _) => reader.message(*place, &plan.schema, message)?,
        node => reader.value(node, &Value::Message(message.clone()))?,
    };
    Ok(SchemaAndValue { schema: Some(Arc::clone(&plan.schema)), value })
}

struct Reader<'a> {
    plan: &'a Plan,
    options: Options,
    depth: usize,
    room: Room,
}

impl Reader<'_> {
    fn message(
        &mut self,
        place: usize,
        schema: &Arc<Schema>,
        message: &DynamicMessage,
    ) -> Result<Connect, Error> {
        let plan = self.plan;
        let of = plan.messages.get(place).and_then(Option::as_ref);
        let of = of.ok_or_else(|| bad_message("a message has no schema"))?;
        if self.depth >= MOST_DEPTH {
            return Err(bad_message(format!("it is nested deeper than {MOST_DEPTH} levels")));
        }
        self.room.take(of.parts.len())?;
        self.depth += 1;
        let mut values = Vec::with_capacity(of.parts.len());
        for part in &of.parts {
            values.push(match part {
                Part::Field { field, node, always } => self.field(field, node, *always, message)?,
                Part::Oneof(fields, schema) => self.oneof(fields, schema, message)?,
            });
        }
        self.depth -= 1;
        Ok(Connect::Struct(Struct { schema: Arc::clone(schema), values }))
    }

    fn field(
        &mut self,
        field: &FieldDescriptor,
        node: &Node,
        always: bool,
        message: &DynamicMessage,
    ) -> Result<Connect, Error> {
        let of_nothing = self.options.struct_for_nulls && field.containing_oneof().is_none();
        if always || of_nothing || message.has_field(field) {
            return self.value(node, &message.get_field(field));
        }
        Ok(Connect::Null)
    }

    fn oneof(
        &mut self,
        fields: &[(FieldDescriptor, Node)],
        schema: &Arc<Schema>,
        message: &DynamicMessage,
    ) -> Result<Connect, Error> {
        let Some(place) = fields.iter().position(|(field, _)| message.has_field(field)) else {
            return Ok(Connect::Null);
        };
        self.room.take(fields.len())?;
        let mut values = vec![Connect::Null; fields.len()];
        if let (Some(slot), Some((field, node))) = (values.get_mut(place), fields.get(place)) {
            *slot = self.value(node, &message.get_field(field))?;
        }
        Ok(Connect::Struct(Struct { schema: Arc::clone(schema), values }))
    }

    fn value(&mut self, node: &Node, value: &Value) -> Result<Connect, Error> {
        Ok(match (node, value) {
            (Node::Plain, value) => plain(value)?,
            #[expect(clippy::cast_possible_truncation, reason = "as the converter of the JVM does it")]
            (Node::Int8, Value::I32(number)) => Connect::Int8(*number as i8),
            #[expect(clippy::cast_possible_truncation, reason = "as the converter of the JVM does it")]
            (Node::Int16, Value::I32(number)) => Connect::Int16(*number as i16),
            (Node::Enum(of), Value::EnumNumber(number)) => {
                let name = of.get_value(*number).map(|value| value.name().to_owned());
                let unknown = || format!("UNKNOWN_ENUM_VALUE_{}_{number}", of.name());
                let name = name.unwrap_or_else(unknown);
                self.room.take_text(name.len())?;
                Connect::String(name.into())
            }
            (Node::List(of), Value::List(items)) => {
                Connect::Array(items.iter().map(|item| self.value(of, item)).collect::<Result<_, _>>()?)
            }
            (Node::Map(of), Value::Map(entries)) => {
                let mut sorted: Vec<_> = entries.iter().collect();
                // Kafka's own order is that of a hash, which nobody can rely on.
                sorted.sort_by_key(|(key, _)| *key);
                let entry = |(key, item): (&MapKey, &Value)| {
                    Ok((plain(&Value::from(key.clone()))?, self.value(of, item)?))
                };
                Connect::Map(sorted.into_iter().map(entry).collect::<Result<_, Error>>()?)
            }
            (Node::Wrapper(of, field), Value::Message(message)) => {
                self.value(of, &message.get_field(field))?
            }
            (Node::Message(place, schema), Value::Message(message)) => {
                let plan = self.plan;
                let own = plan.messages.get(*place).and_then(Option::as_ref).map(|of| &of.schema);
                let schema = schema.as_ref().or(own).ok_or_else(|| bad_message("a message has no schema"))?;
                self.message(*place, schema, message)?
            }
            (Node::Decimal(scale), Value::Message(message)) => decimal(*scale, message)?,
            (Node::Date, Value::Message(message)) => date(message)?,
            (Node::Time, Value::Message(message)) => {
                let [hours, minutes, seconds, nanos] = [1, 2, 3, 4].map(|field| number(message, field));
                Connect::Date(((hours * 60 + minutes) * 60 + seconds) * 1000 + nanos / 1_000_000)
            }
            (Node::Timestamp, Value::Message(message)) => {
                let (seconds, nanos) = (number(message, 1), number(message, 2));
                Connect::Date(seconds.saturating_mul(1000).saturating_add(nanos / 1_000_000))
            }
            _ => return Err(bad_message("a value is not of its schema's type")),
        })
    }
}

fn plain(value: &Value) -> Result<Connect, Error> {
    Ok(match value {
        Value::Bool(truth) => Connect::Boolean(*truth),
        Value::I32(number) | Value::EnumNumber(number) => Connect::Int32(*number),
        Value::I64(number) => Connect::Int64(*number),
        Value::U32(number) => Connect::Int64(i64::from(*number)),
        Value::U64(number) => Connect::Int64(number.cast_signed()),
        Value::F32(number) => Connect::Float32(*number),
        Value::F64(number) => Connect::Float64(*number),
        Value::String(text) => Connect::String(text.as_str().into()),
        Value::Bytes(bytes) => Connect::Bytes(bytes.clone()),
        Value::Message(_) | Value::List(_) | Value::Map(_) => {
            return Err(bad_message("a value is not of its schema's type"));
        }
    })
}

fn number(message: &DynamicMessage, field: u32) -> i64 {
    match message.get_field_by_number(field).as_deref() {
        Some(Value::I32(number)) => i64::from(*number),
        Some(Value::I64(number)) => *number,
        _ => 0,
    }
}

fn decimal(scale: i32, message: &DynamicMessage) -> Result<Connect, Error> {
    let bytes = match message.get_field_by_number(1).as_deref() {
        Some(Value::Bytes(bytes)) => bytes.clone(),
        _ => return Err(bad_message("a decimal has no value")),
    };
    let own = number(message, 3);
    if own == i64::from(scale) {
        return Ok(Connect::Decimal(java_number::decimal_of_bytes(&bytes, own)?));
    }
    Err(Error::new(format!(
        "Decimal value has mismatching scale for given Decimal schema. Schema has scale {scale}, value has scale {own}."
    )))
}

fn date(message: &DynamicMessage) -> Result<Connect, Error> {
    let [year, month, day] = [1, 2, 3].map(|field| number(message, field));
    let date = || {
        let month = time::Month::try_from(u8::try_from(month).ok()?).ok()?;
        time::Date::from_calendar_date(i32::try_from(year).ok()?, month, u8::try_from(day).ok()?).ok()
    };
    let date = date().ok_or_else(|| Error::new(format!("{year}-{month}-{day} is no day of a calendar")))?;
    let epoch = time::OffsetDateTime::UNIX_EPOCH.date();
    Ok(Connect::Date((date - epoch).whole_days() * DAY))
}
