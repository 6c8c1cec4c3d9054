//! Values of Avro's binary form.
//!
//! Bytes may be anything: lengths are checked against what is left before anything is allocated, depth and the number of
//! values that take no bytes are bounded. Pure.

use super::super::json_payload::unique;
use super::plan::{Node, Record};
use super::{bad_value, default};
use crate::data::{self, Error, Schema, Struct, Value, json_text};
use bigdecimal::BigDecimal;
use bigdecimal::num_bigint::BigInt;
use bytes::Bytes;
use std::sync::Arc;

/// A record inside itself may be nested without end.
const MOST_DEPTH: usize = json_text::MOST_DEPTH;
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
            _ => return Err(bad_value("it is no plain value")),
        })
    }

    /// A value in another one.
    fn nested(&mut self, node: &Node) -> Result<Value, Error> {
        self.deeper()?;
        let value = self.value(node);
        self.depth -= 1;
        value
    }

    fn deeper(&mut self) -> Result<(), Error> {
        self.left =
            self.left.checked_sub(1).ok_or_else(|| bad_value("it has too many values of no bytes"))?;
        if self.depth >= MOST_DEPTH {
            return Err(bad_value(format!("it is nested deeper than {MOST_DEPTH} levels")));
        }
        self.depth += 1;
        Ok(())
    }

    fn nullable(&mut self, null: i64, of: &Node) -> Result<Value, Error> {
        match self.long()? {
            place @ (0 | 1) if place == null => Ok(Value::Null),
            0 | 1 => self.value(of),
            _ => Err(no_branch()),
        }
    }

    fn single(&mut self, of: &Node) -> Result<Value, Error> {
        match self.long()? {
            0 => self.value(of),
            _ => Err(no_branch()),
        }
    }

    fn union(&mut self, branches: &[(Node, Option<usize>)], schema: &Arc<Schema>) -> Result<Value, Error> {
        let place = usize::try_from(self.long()?).ok();
        match place.and_then(|place| branches.get(place)) {
            None => Err(no_branch()),
            Some((_, None)) => Ok(Value::Null),
            Some((node, Some(place))) => Ok(branch(schema, *place, self.nested(node)?)),
        }
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
        while self.is_item(&mut block)? {
            let key = Value::String(self.text()?);
            entries.push((key, self.nested(of)?));
        }
        Ok(Value::Map(unique(entries)))
    }

    fn entries(&mut self, of: &Node) -> Result<Value, Error> {
        let mut entries = Vec::new();
        let mut block = 0;
        while self.is_item(&mut block)? {
            entries.push(as_entry(self.nested(of)?)?);
        }
        Ok(Value::Map(entries))
    }

    fn items(&mut self, of: &Node) -> Result<Value, Error> {
        let mut items = Vec::new();
        let mut block = 0;
        while self.is_item(&mut block)? {
            items.push(self.nested(of)?);
        }
        Ok(Value::Array(items))
    }

    /// True when an item of an array or a map follows. They come in blocks; `left` of them belong to the one that is being
    /// read.
    fn is_item(&mut self, left: &mut i64) -> Result<bool, Error> {
        if *left == 0 {
            *left = self.long()?;
            if *left < 0 {
                // The block's size in bytes follows, for who wants to skip it.
                self.long()?;
                *left = left.checked_neg().ok_or_else(|| bad_value("a block has too many items"))?;
            }
            if *left == 0 {
                return Ok(false);
            }
        }
        // Items take bytes or are counted: this ends whatever the number is.
        *left -= 1;
        Ok(true)
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

fn as_entry(value: Value) -> Result<(Value, Value), Error> {
    let Value::Struct(entry) = value else { return Err(bad_value("an entry of a map is no record")) };
    let part = |name: &str| entry.get(name).cloned().unwrap_or(Value::Null);
    Ok((part("key"), part("value")))
}

fn no_branch() -> Error {
    bad_value("a union has no such branch")
}
