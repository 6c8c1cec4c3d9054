//! Parquet files, read row by row.
//!
//! Pure: bytes in, trees out. Nanoseconds and UUIDs are understood in columns at the top level; below it they stay what
//! they are stored as. Binary columns are texts: writers without a string type use them so. Compression: none, snappy,
//! gzip, lz4, zstd.

use bytes::Bytes;
use parquet::basic::{LogicalType, TimeUnit};
use parquet::data_type::Decimal;
use parquet::errors::ParquetError;
use parquet::file::reader::FileReader;
use parquet::file::serialized_reader::SerializedFileReader;
use parquet::record::{Field, Row};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::tree::{self, Each};
use crate::error::IngestFailure;

/// What a top-level column's logical type says beyond what the row reader knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hint {
    None,
    NanosecondMoment,
    NanosecondLength,
    Uuid,
}

/// Reads a file, row by row.
pub(crate) fn read(data: &[u8], each: &mut Each<'_>) -> Result<(), IngestFailure> {
    let data = Bytes::copy_from_slice(data);
    let reader = guarded(|| SerializedFileReader::new(data))?;
    let hints = hints(&reader);
    let mut rows = guarded(|| reader.get_row_iter(None))?;
    while let Some(row) = guarded(|| rows.next().transpose())? {
        each(&record(row, &hints))?;
    }
    Ok(())
}

fn guarded<T>(read: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, IngestFailure> {
    tree::guarded("parquet", read)
}

fn hints(reader: &SerializedFileReader<Bytes>) -> Vec<Hint> {
    let fields = reader.metadata().file_metadata().schema().get_fields();
    let hint = |logical: Option<&LogicalType>| match logical {
        Some(LogicalType::Timestamp(kind)) if kind.unit == TimeUnit::NANOS => Hint::NanosecondMoment,
        Some(LogicalType::Time(kind)) if kind.unit == TimeUnit::NANOS => Hint::NanosecondLength,
        Some(LogicalType::Uuid) => Hint::Uuid,
        _ => Hint::None,
    };
    fields.iter().map(|field| hint(field.get_basic_info().logical_type_ref())).collect()
}

fn record(row: Row, hints: &[Hint]) -> Value {
    let columns = row.into_columns().into_iter().enumerate();
    let member = |(position, (name, field)): (usize, (String, Field))| {
        let hint = hints.get(position).copied().unwrap_or(Hint::None);
        (name, hinted(hint, &field).unwrap_or_else(|| node(&field)))
    };
    Value::Object(columns.map(member).collect::<Map<_, _>>())
}

fn hinted(hint: Hint, field: &Field) -> Option<Value> {
    match (hint, field) {
        (Hint::NanosecondMoment, Field::Long(nanos)) => {
            Some(tree::moment(i128::from(*nanos).div_euclid(100)))
        }
        (Hint::NanosecondLength, Field::Long(nanos)) => Some(tree::length(nanos.div_euclid(100))),
        (Hint::Uuid, Field::Bytes(bytes)) => {
            Uuid::from_slice(bytes.data()).ok().map(|id| Value::from(id.to_string()))
        }
        _ => None,
    }
}

fn node(field: &Field) -> Value {
    match field {
        Field::Null => Value::Null,
        Field::Bool(flag) => Value::from(*flag),
        Field::Byte(number) => Value::from(*number),
        Field::Short(number) => Value::from(*number),
        Field::Int(number) => Value::from(*number),
        Field::Long(number) => Value::from(*number),
        Field::UByte(number) => Value::from(*number),
        Field::UShort(number) => Value::from(*number),
        Field::UInt(number) => Value::from(*number),
        Field::ULong(number) => Value::from(*number),
        Field::Float16(number) => tree::real(f64::from(*number)),
        Field::Float(number) => tree::real(f64::from(*number)),
        Field::Double(number) => tree::real(*number),
        Field::Decimal(number) => decimal(number),
        Field::Str(text) => Value::from(text.as_str()),
        Field::Bytes(bytes) => Value::from(String::from_utf8_lossy(bytes.data())),
        Field::Date(days) => tree::day(*days),
        Field::TimeMillis(units) => tree::length(i64::from(*units) * 10_000),
        Field::TimeMicros(units) => units.checked_mul(10).map_or(Value::Null, tree::length),
        Field::TimestampMillis(units) => tree::moment(i128::from(*units) * 10_000),
        Field::TimestampMicros(units) => tree::moment(i128::from(*units) * 10),
        Field::Group(row) => {
            let members = row.get_column_iter().map(|(name, field)| (name.clone(), node(field)));
            Value::Object(members.collect::<Map<_, _>>())
        }
        Field::ListInternal(list) => list.elements().iter().map(node).collect(),
        Field::MapInternal(map) => {
            let members = map.entries().iter().map(|(key, value)| (key_text(&node(key)), node(value)));
            Value::Object(members.collect::<Map<_, _>>())
        }
    }
}

fn key_text(key: &Value) -> String {
    key.as_str().map_or_else(|| key.to_string(), str::to_owned)
}

fn decimal(number: &Decimal) -> Value {
    usize::try_from(number.scale()).map_or(Value::Null, |scale| tree::decimal(number.data(), scale))
}

#[cfg(test)]
#[path = "parquet_tests.rs"]
mod tests;
