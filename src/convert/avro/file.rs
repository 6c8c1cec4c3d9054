//! The records of an Avro container file, without Connect's types and schemas (`fabric-sink-connector.md` §5.3): no logical
//! types, bytes as the text of them in Latin-1, fixed as numbers, unions as what is in them.
//!
//! Others made the file: its blocks are unpacked to a bound, its records read like those of a registry (`cursor`). Pure.

use super::super::json_payload::unique;
use super::cursor::Cursor;
use super::error::bad_value;
use super::parse::{Field, Kind, Names, Shape, Type};
use crate::data::room::Room;
use crate::data::{Error, Value};
use flate2::Crc;
use flate2::read::DeflateDecoder;
use std::borrow::Cow;
use std::io::Read;
use std::sync::Arc;

/// What every file starts with.
pub const MAGIC: &[u8] = b"Obj\x01";
/// Bytes of all blocks, unpacked.
const MOST_BYTES: usize = 256 * 1024 * 1024;

/// Gives each record of a file to `each`, as a map; false when it is a file of other things.
pub fn records(file: &[u8], mut each: impl FnMut(Value) -> Result<(), Error>) -> Result<bool, Error> {
    let mut from = Cursor::new(file);
    if from.take(MAGIC.len())? != MAGIC {
        return Ok(false);
    }
    let (schema, codec) = header(&mut from)?;
    let mark: [u8; 16] = from.array()?;
    let mut names = Names::new();
    let top = names.read(&schema)?;
    let is_record = |at: &usize| names.all.get(*at).is_some_and(|of| matches!(of.shape, Shape::Record(_)));
    if !matches!(&top.kind, Kind::Named(at) if is_record(at)) {
        return Ok(false);
    }
    let (mut left, mut room) = (MOST_BYTES, Room::for_avro(0));
    while !from.is_empty() {
        let (count, block) = (from.long()?, from.counted()?);
        if from.array()? != mark {
            return Err(bad_value("a block does not end with the file's mark"));
        }
        let block = unpacked(&codec, block, left)?;
        left = left.saturating_sub(block.len());
        room.grow(block.len());
        let mut reader = Reader { names: &names, from: Cursor::within(&block, room) };
        // Records take bytes or are counted: this ends whatever the number is.
        for _ in 0..count {
            each(reader.nested(&top)?)?;
        }
        room = reader.from.room;
    }
    Ok(true)
}

/// The schema's text, and how blocks are packed.
fn header(from: &mut Cursor<'_>) -> Result<(String, String), Error> {
    let (mut schema, mut codec, mut block) = (None, "null".to_owned(), 0);
    while from.is_item(&mut block)? {
        let (key, value) = (from.text()?, from.counted()?);
        let value = String::from_utf8_lossy(value).into_owned();
        match &*key {
            "avro.schema" => schema = Some(value),
            "avro.codec" => codec = value,
            _ => {}
        }
    }
    Ok((schema.ok_or_else(|| bad_value("it has no schema"))?, codec))
}

fn unpacked<'b>(codec: &str, block: &'b [u8], most: usize) -> Result<Cow<'b, [u8]>, Error> {
    let broken = || bad_value(format!("a block is not packed by {codec}"));
    let too_long = || bad_value(format!("unpacked it has more than {MOST_BYTES} bytes"));
    let bytes = match codec {
        "null" => return Ok(block.into()),
        "deflate" => {
            let mut out = Vec::new();
            let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
            DeflateDecoder::new(block).take(limit).read_to_end(&mut out).map_err(|_| broken())?;
            out
        }
        "snappy" => {
            let (packed, sum) = block.split_last_chunk::<4>().ok_or_else(broken)?;
            if snap::raw::decompress_len(packed).map_err(|_| broken())? > most {
                return Err(too_long());
            }
            let out = snap::raw::Decoder::new().decompress_vec(packed).map_err(|_| broken())?;
            let mut crc = Crc::new();
            crc.update(&out);
            if crc.sum() != u32::from_be_bytes(*sum) {
                return Err(broken());
            }
            out
        }
        other => {
            return Err(bad_value(format!("its codec {other} is not read; null, deflate and snappy are")));
        }
    };
    if bytes.len() > most { Err(too_long()) } else { Ok(bytes.into()) }
}

struct Reader<'a> {
    names: &'a Names,
    from: Cursor<'a>,
}

impl Reader<'_> {
    fn nested(&mut self, of: &Type) -> Result<Value, Error> {
        self.from.enter()?;
        let value = self.value(&of.kind);
        self.from.leave();
        value
    }

    // What recurses is kept small: a stack has to hold it a thousand times.
    fn value(&mut self, kind: &Kind) -> Result<Value, Error> {
        match kind {
            Kind::Array(of) => self.items(of),
            Kind::Map(of) => self.map(of),
            Kind::Union(branches) => {
                let branch = self.from.place(branches, "a branch of a union")?;
                self.nested(branch)
            }
            Kind::Named(at) => match self.names.all.get(*at).map(|named| &named.shape) {
                Some(Shape::Record(fields)) => self.record(fields),
                Some(shape) => self.named(shape),
                None => Err(bad_value("a type is missing")),
            },
            plain => self.plain(plain),
        }
    }

    fn items(&mut self, of: &Type) -> Result<Value, Error> {
        let (mut items, mut block) = (Vec::new(), 0);
        while self.from.is_item(&mut block)? {
            items.push(self.nested(of)?);
        }
        Ok(Value::Array(items))
    }

    fn map(&mut self, of: &Type) -> Result<Value, Error> {
        let (mut entries, mut block) = (Vec::new(), 0);
        while self.from.is_item(&mut block)? {
            let key = Value::String(self.from.text()?);
            entries.push((key, self.nested(of)?));
        }
        Ok(Value::Map(unique(entries)))
    }

    fn record(&mut self, fields: &[Field]) -> Result<Value, Error> {
        let mut entries = Vec::with_capacity(fields.len());
        for Field { name, of, .. } in fields {
            entries.push((Value::String(name.clone()), self.nested(of)?));
        }
        Ok(Value::Map(entries))
    }

    fn named(&mut self, shape: &Shape) -> Result<Value, Error> {
        match shape {
            Shape::Enum(symbols) => {
                Ok(Value::String(Arc::clone(self.from.place(symbols, "a symbol of an enum")?)))
            }
            Shape::Fixed(size) => {
                let bytes = self.from.take(*size)?.iter();
                self.from.room.take(*size)?;
                Ok(Value::Array(bytes.map(|byte| Value::Int32(i32::from(byte.cast_signed()))).collect()))
            }
            Shape::Open | Shape::Record(_) => Err(bad_value("a type is not whole")),
        }
    }

    fn plain(&mut self, kind: &Kind) -> Result<Value, Error> {
        Ok(match kind {
            Kind::Boolean => Value::Boolean(self.from.boolean()?),
            Kind::Int => Value::Int32(self.from.int()?),
            Kind::Long => Value::Int64(self.from.long()?),
            Kind::Float => Value::Float32(f32::from_le_bytes(self.from.array()?)),
            Kind::Double => Value::Float64(f64::from_le_bytes(self.from.array()?)),
            Kind::String => Value::String(self.from.text()?),
            Kind::Bytes => {
                let text: String = self.from.counted()?.iter().map(|byte| char::from(*byte)).collect();
                Value::String(text.into())
            }
            _ => Value::Null,
        })
    }
}
