//! Values of Avro's binary form, by the plan of their schema. Pure; how bytes are read safely is `cursor`'s.

use super::super::json_payload::unique;
use super::cursor::Cursor;
use super::error::bad_value;
use super::node::{Node, Record};
use super::values::{branch, bytes_or_decimal, int};
use crate::data::{Error, Schema, Struct, Value};
use std::sync::Arc;

/// Decodes one value. What stands behind it is ignored, as in Java.
pub(super) fn value(root: &Node, records: &[Record], bytes: &[u8]) -> Result<Value, Error> {
    Decoder { records, from: Cursor::new(bytes) }.value(root)
}

struct Decoder<'a> {
    records: &'a [Record],
    from: Cursor<'a>,
}

impl Decoder<'_> {
    // What recurses is kept small: a stack has to hold it a thousand times.
    fn value(&mut self, node: &Node) -> Result<Value, Error> {
        match node {
            Node::Array(of) => self.items(of),
            Node::Map(of) => self.map(of),
            Node::Entries(of) => self.entries(of),
            Node::Record(at, schema) => self.record(*at, schema.as_ref()),
            Node::Nullable(null, of) => self.nullable(*null, of),
            Node::Single(of) => self.single(of),
            Node::Union(branches, schema) => self.union(branches, schema),
            plain => self.plain(plain),
        }
    }

    fn plain(&mut self, node: &Node) -> Result<Value, Error> {
        Ok(match node {
            Node::Null => Value::Null,
            Node::Boolean => Value::Boolean(self.from.boolean()?),
            Node::Int(as_what) => int(*as_what, self.from.int()?),
            Node::Long { timestamp: true } => Value::Date(self.from.long()?),
            Node::Long { timestamp: false } => Value::Int64(self.from.long()?),
            Node::Float => Value::Float32(f32::from_le_bytes(self.from.array()?)),
            Node::Double => Value::Float64(f64::from_le_bytes(self.from.array()?)),
            Node::Bytes(scale) => bytes_or_decimal(self.from.counted()?, *scale)?,
            Node::Fixed(size, scale) => bytes_or_decimal(self.from.take(*size)?, *scale)?,
            Node::String => Value::String(self.from.text()?),
            Node::Enum(symbols) => {
                Value::String(Arc::clone(self.from.place(symbols, "a symbol of an enum")?))
            }
            _ => return Err(bad_value("it is no plain value")),
        })
    }

    /// A value in another one.
    fn nested(&mut self, node: &Node) -> Result<Value, Error> {
        self.from.enter()?;
        let value = self.value(node);
        self.from.leave();
        value
    }

    fn nullable(&mut self, null: i64, of: &Node) -> Result<Value, Error> {
        match self.from.long()? {
            place @ (0 | 1) if place == null => Ok(Value::Null),
            0 | 1 => self.value(of),
            _ => Err(no_branch()),
        }
    }

    fn single(&mut self, of: &Node) -> Result<Value, Error> {
        match self.from.long()? {
            0 => self.value(of),
            _ => Err(no_branch()),
        }
    }

    fn union(&mut self, branches: &[(Node, Option<usize>)], schema: &Arc<Schema>) -> Result<Value, Error> {
        let (node, place) = self.from.place(branches, BRANCH)?;
        let Some(place) = place else { return Ok(Value::Null) };
        self.from.room.take(branches.len())?;
        Ok(branch(schema, *place, self.nested(node)?))
    }

    fn record(&mut self, at: usize, schema: Option<&Arc<Schema>>) -> Result<Value, Error> {
        let record = self.records.get(at).ok_or_else(|| bad_value("a record is missing"))?;
        let mut values = Vec::with_capacity(record.fields.len());
        for node in &record.fields {
            values.push(self.nested(node)?);
        }
        Ok(Value::Struct(Struct { schema: Arc::clone(schema.unwrap_or(&record.schema)), values }))
    }

    fn map(&mut self, of: &Node) -> Result<Value, Error> {
        let mut entries = Vec::new();
        let mut block = 0;
        while self.from.is_item(&mut block)? {
            let key = Value::String(self.from.text()?);
            entries.push((key, self.nested(of)?));
        }
        Ok(Value::Map(unique(entries)))
    }

    fn entries(&mut self, of: &Node) -> Result<Value, Error> {
        let mut entries = Vec::new();
        let mut block = 0;
        while self.from.is_item(&mut block)? {
            entries.push(as_entry(self.nested(of)?)?);
        }
        Ok(Value::Map(entries))
    }

    fn items(&mut self, of: &Node) -> Result<Value, Error> {
        let mut items = Vec::new();
        let mut block = 0;
        while self.from.is_item(&mut block)? {
            items.push(self.nested(of)?);
        }
        Ok(Value::Array(items))
    }
}

fn as_entry(value: Value) -> Result<(Value, Value), Error> {
    let Value::Struct(entry) = value else { return Err(bad_value("an entry of a map is no record")) };
    let part = |name: &str| entry.get(name).cloned().unwrap_or(Value::Null);
    Ok((part("key"), part("value")))
}

/// What is missing when a union has no such branch.
const BRANCH: &str = "a branch of a union";

fn no_branch() -> Error {
    bad_value(format!("{BRANCH} is not there"))
}
