//! Structs as Avro: the bytes of one, and the container file around those of one batch (`kusto-sink-connector.md` §3.2).
//!
//! A file has one schema, that of its records. The same records give the same file, byte for byte: the mark between its
//! blocks is made from the schema and not at random, because a batch's blob is known by its content. Pure.

mod read;
mod schema;

use crate::batch::Batch;
pub(super) use crate::convert::AVRO_MAGIC as MAGIC;
use crate::data::json::unscaled_bytes;
use crate::data::room::check_written;
use crate::data::schema::{DATE, TIME};
use crate::data::{self, Kind, Schema, Struct, Value};
use crate::sink::Error;
use bigdecimal::BigDecimal;
pub(super) use read::file_objects;
use uuid::Uuid;

/// A block is closed when it has this many bytes, as the JVM connector does.
const BLOCK: usize = 64_000;
/// Room for a file's header.
const HEADER: usize = 4096;
/// A block's numbers and mark.
const BLOCK_FRAME: usize = 36;
/// Milliseconds of a day.
const DAY: i64 = 86_400_000;

/// An open container file: the block that is not yet in the batch.
#[derive(Debug, Default)]
pub(super) struct Container {
    /// Between blocks; none before the first record.
    mark: Option<[u8; 16]>,
    block: Vec<u8>,
    records: i64,
}

impl Container {
    /// Appends a record's bytes, which are of `schema` as all others in the batch.
    pub(super) fn push(
        &mut self,
        batch: &mut Batch,
        (offset, datum): (i64, &[u8]),
        schema: &Schema,
    ) -> Result<(), Error> {
        if self.mark.is_none() {
            let text = schema::to_avro(schema)?;
            let mark = *Uuid::new_v5(&Uuid::NAMESPACE_OID, text.as_bytes()).as_bytes();
            batch.write(&header(&text, &mark))?;
            self.mark = Some(mark);
        }
        self.block.extend_from_slice(datum);
        self.records += 1;
        batch.count(offset);
        if self.block.len() >= BLOCK { self.close_block(batch) } else { Ok(()) }
    }

    /// Ends the file.
    pub(super) fn finish(&mut self, batch: &mut Batch) -> Result<(), Error> {
        self.close_block(batch)?;
        *self = Self::default();
        Ok(())
    }

    fn close_block(&mut self, batch: &mut Batch) -> Result<(), Error> {
        let (Some(mark), 1..) = (self.mark, self.records) else { return Ok(()) };
        let mut frame = Vec::with_capacity(16);
        long(self.records, &mut frame);
        length(self.block.len(), &mut frame);
        batch.write(&frame)?;
        batch.write(&self.block)?;
        batch.write(&mark)?;
        self.block.clear();
        self.records = 0;
        Ok(())
    }

    /// Bytes that are not yet in the batch.
    pub(super) fn waiting(&self) -> usize {
        self.block.len()
    }

    /// What stands around the records in the batch at most, about: the file's header, unless its schema is very long.
    pub(super) fn frame(&self) -> usize {
        if self.records == 0 && self.mark.is_none() { HEADER } else { BLOCK_FRAME }
    }

    /// Memory held, in bytes.
    pub(super) fn memory(&self) -> usize {
        self.block.capacity()
    }

    /// Memory that may be held after a record of `len` bytes more.
    pub(super) fn memory_with(&self, len: usize) -> usize {
        self.block.capacity().max(2 * (self.block.len() + len))
    }
}

fn header(schema: &str, mark: &[u8; 16]) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    long(1, &mut out);
    bytes(b"avro.schema", &mut out);
    bytes(schema.as_bytes(), &mut out);
    long(0, &mut out);
    out.extend_from_slice(mark);
    out
}

/// The bytes of a struct.
pub(super) fn datum(fields: &Struct) -> Result<Vec<u8>, data::Error> {
    let mut out = Vec::new();
    record(fields, &mut out)?;
    Ok(out)
}

fn record(fields: &Struct, out: &mut Vec<u8>) -> Result<(), data::Error> {
    let all = fields.schema.fields().iter().zip(&fields.values);
    all.into_iter().try_for_each(|(field, value)| write(&field.schema, value, out))
}

fn write(schema: &Schema, value: &Value, out: &mut Vec<u8>) -> Result<(), data::Error> {
    check_written(out.len())?;
    let value = match (value, &schema.default) {
        (Value::Null, Some(default)) => default,
        (Value::Null, None) if schema.optional => {
            long(0, out);
            return Ok(());
        }
        _ => value,
    };
    if schema.optional {
        long(1, out);
    }
    match (&schema.kind, value) {
        (_, Value::Decimal(decimal)) => bytes(&unscaled(schema, decimal)?, out),
        (_, Value::Date(ms)) => long(date(schema, *ms), out),
        (_, Value::Int8(number)) => long((*number).into(), out),
        (_, Value::Int16(number)) => long((*number).into(), out),
        (_, Value::Int32(number)) => long((*number).into(), out),
        (_, Value::Int64(number)) => long(*number, out),
        (_, Value::Float32(number)) => out.extend_from_slice(&number.to_le_bytes()),
        (_, Value::Float64(number)) => out.extend_from_slice(&number.to_le_bytes()),
        (_, Value::Boolean(flag)) => out.push(u8::from(*flag)),
        (_, Value::String(text)) => bytes(text.as_bytes(), out),
        (_, Value::Bytes(content)) => bytes(content, out),
        (Kind::Array(Some(of)), Value::Array(elements)) => {
            blocks(elements, out, |element, out| write(of, element, out))?;
        }
        (Kind::Map(Some(keys), Some(values)), Value::Map(entries)) => {
            blocks(entries, out, |(key, value), out| {
                write(keys, key, out)?;
                write(values, value, out)
            })?;
        }
        (Kind::Struct(_), Value::Struct(fields)) => record(fields, out)?,
        (_, Value::Null) => {
            return Err(data::Error::new(
                "Conversion error: null value for field that is required and has no default value",
            ));
        }
        (kind, _) => {
            let class = value.java_class();
            return Err(data::Error::new(format!("a {class} cannot be written as Avro of {kind}")));
        }
    }
    Ok(())
}

/// An array or a map: one block, and the empty one that ends it.
fn blocks<T>(
    items: &[T],
    out: &mut Vec<u8>,
    mut item: impl FnMut(&T, &mut Vec<u8>) -> Result<(), data::Error>,
) -> Result<(), data::Error> {
    if !items.is_empty() {
        length(items.len(), out);
        for one in items {
            item(one, out)?;
        }
    }
    long(0, out);
    Ok(())
}

/// The unscaled number, at the scale that the file's schema says.
fn unscaled(schema: &Schema, decimal: &BigDecimal) -> Result<Vec<u8>, data::Error> {
    let scale = schema.scale()?;
    if decimal.fractional_digit_count() == i64::from(scale) {
        return Ok(unscaled_bytes(decimal));
    }
    Err(data::Error::new(format!(
        "Decimal value has mismatching scale for given Decimal schema: {} instead of {scale}",
        decimal.fractional_digit_count()
    )))
}

fn date(schema: &Schema, ms: i64) -> i64 {
    match schema.logical_name() {
        Some(DATE) => ms.div_euclid(DAY),
        Some(TIME) => ms.rem_euclid(DAY),
        _ => ms,
    }
}

fn bytes(content: &[u8], out: &mut Vec<u8>) {
    length(content.len(), out);
    out.extend_from_slice(content);
}

/// Memory ends long before 63 bits do.
fn length(len: usize, out: &mut Vec<u8>) {
    long(i64::try_from(len).unwrap_or(i64::MAX), out);
}

/// Zigzag, seven bits a byte.
fn long(number: i64, out: &mut Vec<u8>) {
    let mut rest = (number << 1 ^ number >> 63).cast_unsigned();
    while rest > 0x7f {
        out.push((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    out.push((rest & 0x7f) as u8);
}

#[cfg(test)]
mod tests {
    use super::{Container, datum};
    use crate::batch::Batch;
    use crate::data::schema::{DATE, TIME, TIMESTAMP};
    use crate::data::{Kind, Schema, Struct, Value};
    use apache_avro::types::Value as Avro;
    use flate2::read::GzDecoder;
    use proptest::prelude::*;
    use std::io::Read;
    use std::sync::Arc;

    fn file(schema: &Arc<Schema>, records: &[Vec<Value>]) -> Vec<u8> {
        let (mut batch, mut container) = (Batch::new(), Container::default());
        for (offset, values) in (0..).zip(records) {
            let fields = Struct { schema: schema.clone(), values: values.clone() };
            let bytes = datum(&fields).unwrap();
            container.push(&mut batch, (offset, &bytes), schema).unwrap();
        }
        container.finish(&mut batch).unwrap();
        let sealed = batch.seal().unwrap().unwrap();
        assert_eq!(sealed.records, records.len() as u64);
        let mut raw = Vec::new();
        GzDecoder::new(sealed.body.as_ref()).read_to_end(&mut raw).unwrap();
        assert_eq!(sealed.raw_bytes, raw.len() as u64);
        raw
    }

    fn read(file: &[u8]) -> Vec<Avro> {
        apache_avro::Reader::new(file).unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn another_reader_reads_what_was_written() {
        let required = |kind| Arc::new(Schema::new(kind));
        let optional = |kind| Arc::new(Schema::optional(kind));
        let logical = |kind, name| Arc::new(Schema::logical(kind, name));
        let texts = Kind::Map(Some(required(Kind::String)), Some(required(Kind::Int64)));
        let inner = Arc::new(Schema::of_fields([("x", required(Kind::Boolean))]));
        let schema = Arc::new(Schema::of_fields([
            ("small", required(Kind::Int8)),
            ("none", optional(Kind::String)),
            ("some", Arc::new(Schema { default: Some("d".into()), ..Schema::optional(Kind::String) })),
            ("amount", Arc::new(Schema::decimal(2))),
            ("day", logical(Kind::Int32, DATE)),
            ("clock", logical(Kind::Int32, TIME)),
            ("at", logical(Kind::Int64, TIMESTAMP)),
            ("list", required(Kind::Array(Some(optional(Kind::Int32))))),
            ("map", required(texts)),
            ("inner", inner.clone()),
        ]));
        let values = vec![
            Value::Int8(-3),
            Value::Null,
            Value::Null,
            Value::Decimal("-1.50".parse().unwrap()),
            Value::Date(2 * super::DAY),
            Value::Date(61_000),
            Value::Date(1_700_000_000_123),
            Value::Array(vec![Value::Int32(i32::MIN), Value::Null]),
            Value::Map(vec![("k".into(), Value::Int64(i64::MAX))]),
            Value::Struct(Struct { schema: inner, values: vec![Value::Boolean(true)] }),
        ];
        let found = read(&file(&schema, &[values.clone(), values])).pop().unwrap();
        let Avro::Record(fields) = found else { panic!("{found:?}") };
        let of = |name: &str| fields.iter().find(|(field, _)| field == name).unwrap().1.clone();
        assert_eq!(of("small"), Avro::Int(-3));
        assert_eq!(of("none"), Avro::Union(0, Box::new(Avro::Null)));
        assert_eq!(of("some"), Avro::Union(1, Box::new(Avro::String("d".to_owned()))));
        let Avro::Decimal(amount) = of("amount") else { panic!() };
        assert_eq!(Vec::<u8>::try_from(&amount).unwrap(), (-150_i16).to_be_bytes());
        assert_eq!((of("day"), of("clock")), (Avro::Date(2), Avro::TimeMillis(61_000)));
        assert_eq!(of("at"), Avro::TimestampMillis(1_700_000_000_123));
        assert_eq!(
            of("list"),
            Avro::Array(vec![
                Avro::Union(1, Box::new(Avro::Int(i32::MIN))),
                Avro::Union(0, Box::new(Avro::Null))
            ])
        );
        assert_eq!(of("map"), Avro::Map([("k".to_owned(), Avro::Long(i64::MAX))].into()));
        assert_eq!(of("inner"), Avro::Record(vec![("x".to_owned(), Avro::Boolean(true))]));
    }

    #[test]
    fn what_does_not_fit_its_schema_is_an_error() {
        let of = |schema: Schema, value| {
            let schema = Arc::new(Schema::of_fields([("f", Arc::new(schema))]));
            datum(&Struct { schema, values: vec![value] }).unwrap_err().to_string()
        };
        assert!(of(Schema::new(Kind::Int32), Value::Null).contains("required"));
        assert!(of(Schema::decimal(2), Value::Decimal("1.5".parse().unwrap())).contains("mismatching scale"));
        assert!(of(Schema::new(Kind::Boolean), Value::Map(Vec::new())).contains("cannot be written"));
    }

    proptest! {
        #[test]
        fn every_number_and_text_comes_out(
            records in proptest::collection::vec((any::<i64>(), ".{0,300}", any::<f64>()), 1..400)
        ) {
            let schema = Arc::new(Schema::of_fields([
                ("n", Arc::new(Schema::new(Kind::Int64))),
                ("t", Arc::new(Schema::new(Kind::String))),
                ("d", Arc::new(Schema::new(Kind::Float64))),
            ]));
            let values: Vec<_> = records.iter()
                .map(|(n, t, d)| vec![Value::Int64(*n), (&**t).into(), Value::Float64(*d)]).collect();
            let file = file(&schema, &values);
            prop_assert_eq!(&file, &super::tests::file(&schema, &values), "the same records are the same file");
            let found = read(&file);
            prop_assert_eq!(found.len(), records.len());
            for (found, (n, t, d)) in found.into_iter().zip(records) {
                let Avro::Record(fields) = found else { panic!() };
                let [(_, Avro::Long(long)), (_, Avro::String(text)), (_, Avro::Double(double))] = &fields[..] else {
                    panic!("{fields:?}")
                };
                prop_assert_eq!((*long, text, double.to_bits()), (n, &t, d.to_bits()));
            }
        }
    }
}
