//! Values of Avro's binary form.
//!
//! Bytes may be anything: lengths are checked against what is left before anything is allocated, depth and the number of
//! values that take no bytes are bounded. Pure.

use super::super::json_payload::unique;
use super::plan::{Node, Record};
use super::{bad_value, default};
use crate::data::{self, Error, Schema, Struct, Value};
use bigdecimal::BigDecimal;
use bigdecimal::num_bigint::BigInt;
use bytes::Bytes;
use std::sync::Arc;

/// No value of a table is nested deeper; a record inside itself could be.
const MOST_DEPTH: usize = 128;
/// Values that take no bytes (nulls, empty records) in one record, besides one for each of its bytes.
const MOST_EMPTY: usize = 65_536;

/// Decodes one value. What stands behind it is passed over, as in Java.
pub(super) fn value(root: &Node, records: &[Record], bytes: &[u8]) -> Result<Value, Error> {
    let left = MOST_EMPTY.saturating_add(bytes.len());
    Decoder { records, bytes, depth: 0, left }.value(root)
}

/// Bytes, or the decimal of this scale that they are.
pub(super) fn bytes_or_decimal(bytes: &[u8], scale: Option<i32>) -> Value {
    match scale {
        None => Value::Bytes(Bytes::copy_from_slice(bytes)),
        Some(scale) => Value::Decimal(BigDecimal::new(BigInt::from_signed_bytes_be(bytes), i64::from(scale))),
    }
}

/// A union's struct with one field set.
pub(super) fn branch(schema: &Arc<Schema>, place: usize, value: Value) -> Value {
    let mut values = vec![Value::Null; schema.fields().len()];
    if let Some(field) = values.get_mut(place) {
        *field = value;
    }
    Value::Struct(Struct { schema: Arc::clone(schema), values })
}

struct Decoder<'a> {
    records: &'a [Record],
    bytes: &'a [u8],
    depth: usize,
    /// How many more values there may be.
    left: usize,
}

impl<'a> Decoder<'a> {
    fn value(&mut self, node: &Node) -> Result<Value, Error> {
        self.left =
            self.left.checked_sub(1).ok_or_else(|| bad_value("it has too many values of no bytes"))?;
        Ok(match node {
            Node::Null => Value::Null,
            Node::Boolean => match self.take(1)? {
                [0] => Value::Boolean(false),
                [1] => Value::Boolean(true),
                _ => return Err(bad_value("a boolean is neither 0 nor 1")),
            },
            Node::Int(as_what) => {
                let number = i32::try_from(self.long()?);
                default::int(*as_what, number.map_err(|_| bad_value("Invalid int encoding"))?)
            }
            Node::Long { timestamp: true } => Value::Date(self.long()?),
            Node::Long { timestamp: false } => Value::Int64(self.long()?),
            Node::Float => Value::Float32(f32::from_le_bytes(self.array()?)),
            Node::Double => Value::Float64(f64::from_le_bytes(self.array()?)),
            Node::Bytes(scale) => bytes_or_decimal(self.counted()?, *scale),
            Node::Fixed(size, scale) => bytes_or_decimal(self.take(*size)?, *scale),
            Node::String => Value::String(self.text()?),
            Node::Enum(symbols) => {
                let place = usize::try_from(self.long()?).ok();
                let symbol = place.and_then(|place| symbols.get(place));
                Value::String(Arc::clone(symbol.ok_or_else(|| bad_value("an enum has no such symbol"))?))
            }
            Node::Nullable(null, of) => match self.long()? {
                place @ (0 | 1) if place == *null => Value::Null,
                0 | 1 => self.nested(of)?,
                _ => return Err(no_branch()),
            },
            Node::Single(of) => match self.long()? {
                0 => self.nested(of)?,
                _ => return Err(no_branch()),
            },
            Node::Union(branches, schema) => {
                let place = usize::try_from(self.long()?).ok();
                match place.and_then(|place| branches.get(place)) {
                    None => return Err(no_branch()),
                    Some((_, None)) => Value::Null,
                    Some((node, Some(place))) => branch(schema, *place, self.nested(node)?),
                }
            }
            Node::Array(_) | Node::Map(_) | Node::Entries(_) | Node::Record(..) => self.container(node)?,
        })
    }

    fn nested(&mut self, node: &Node) -> Result<Value, Error> {
        if self.depth >= MOST_DEPTH {
            return Err(bad_value(format!("it is nested deeper than {MOST_DEPTH} levels")));
        }
        self.depth += 1;
        let value = self.value(node);
        self.depth -= 1;
        value
    }

    fn container(&mut self, node: &Node) -> Result<Value, Error> {
        match node {
            Node::Record(at, schema) => {
                let record = self.records.get(*at).ok_or_else(|| bad_value("a record is missing"))?;
                let values: Result<Vec<_>, _> = record.fields.iter().map(|node| self.nested(node)).collect();
                let schema = Arc::clone(schema.as_ref().unwrap_or(&record.schema));
                Ok(Value::Struct(Struct { schema, values: values? }))
            }
            Node::Map(of) => {
                let mut entries = Vec::new();
                self.blocks(|decoder| {
                    let key = Value::String(decoder.text()?);
                    entries.push((key, decoder.nested(of)?));
                    Ok(())
                })?;
                Ok(Value::Map(unique(entries)))
            }
            Node::Entries(of) => {
                let mut entries = Vec::new();
                self.blocks(|decoder| {
                    let Value::Struct(entry) = decoder.nested(of)? else {
                        return Err(bad_value("an entry of a map is no record"));
                    };
                    let part = |name: &str| entry.get(name).cloned().unwrap_or(Value::Null);
                    entries.push((part("key"), part("value")));
                    Ok(())
                })?;
                Ok(Value::Map(entries))
            }
            Node::Array(of) => {
                let mut items = Vec::new();
                self.blocks(|decoder| {
                    items.push(decoder.nested(of)?);
                    Ok(())
                })?;
                Ok(Value::Array(items))
            }
            _ => Err(bad_value("it is no container")),
        }
    }

    /// Reads the items of an array or a map, which come in blocks.
    fn blocks(&mut self, mut item: impl FnMut(&mut Self) -> Result<(), Error>) -> Result<(), Error> {
        loop {
            let mut count = self.long()?;
            if count == 0 {
                return Ok(());
            }
            if count < 0 {
                // The block's size in bytes follows, for who wants to skip it.
                self.long()?;
                count = count.checked_neg().ok_or_else(|| bad_value("a block has too many items"))?;
            }
            // Items take bytes or are counted: this ends whatever the number is.
            for _ in 0..count {
                item(self)?;
            }
        }
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], Error> {
        let (taken, rest) = self.bytes.split_at_checked(count).ok_or_else(|| {
            bad_value(format!("it ends early: {count} bytes are wanted, {} are left", self.bytes.len()))
        })?;
        self.bytes = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        self.take(N)?.try_into().map_err(|_| bad_value("it ends early"))
    }

    /// As many bytes as the number before them says.
    fn counted(&mut self) -> Result<&'a [u8], Error> {
        let count = usize::try_from(self.long()?);
        self.take(count.map_err(|_| bad_value("a length is negative"))?)
    }

    fn text(&mut self) -> Result<Arc<str>, Error> {
        // As in Java, what is no UTF-8 is replaced.
        Ok(data::utf8(self.counted()?).into())
    }

    /// A variable-length zig-zag number.
    fn long(&mut self) -> Result<i64, Error> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let [byte] = self.array()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok((number >> 1).cast_signed() ^ -((number & 1).cast_signed()));
            }
        }
        Err(bad_value("Invalid long encoding"))
    }
}

fn no_branch() -> Error {
    bad_value("a union has no such branch")
}
