//! Avro object container files: `avro` (the service's older reader) and `apacheavro` (which knows logical types).
//!
//! Pure: bytes in, trees out one by one. The older reader gives what lies below a logical type (a timestamp is a long,
//! a decimal its bytes); the newer one gives the value. Codecs: null, deflate, snappy, zstandard. A file whose records
//! take no bytes is refused, because its count alone would say how many there are.

use apache_avro::schema::{NamesRef, NamespaceRef, ResolvedSchema, Schema};
use apache_avro::types::Value as Avro;
use apache_avro::{Decimal, Duration, Reader};
use serde_json::{Map, Value};

use super::tree::{self, Each};
use crate::error::IngestFailure;

/// How the file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Logical types are not applied (`avro`).
    Plain,
    /// Logical types are applied (`apacheavro`).
    Logical,
}

impl Dialect {
    fn name(self) -> &'static str {
        match self {
            Self::Plain => "avro",
            Self::Logical => "apacheavro",
        }
    }
}

/// Reads a container file, record by record.
pub(crate) fn read(data: &[u8], dialect: Dialect, each: &mut Each<'_>) -> Result<(), IngestFailure> {
    let name = dialect.name();
    let mut reader = tree::guarded(name, || Reader::new(data))?;
    let schema = reader.writer_schema().clone();
    let Schema::Record(record) = &schema else {
        return Err(tree::invalid(name, "its schema is not a record's"));
    };
    if record.fields.iter().all(|field| takes_no_bytes(&field.schema)) {
        return Err(tree::invalid(name, "its records have no fields that hold anything"));
    }
    let resolved = tree::guarded(name, || ResolvedSchema::new(&schema))?;
    let writer = TreeWriter { names: resolved.get_names(), dialect };
    while let Some(value) = tree::guarded(name, || reader.next().transpose())? {
        each(&writer.node(value, &schema, None))?;
    }
    Ok(())
}

/// True when each value of `schema` is written as nothing.
fn takes_no_bytes(schema: &Schema) -> bool {
    match schema {
        Schema::Null => true,
        Schema::Fixed(fixed) => fixed.size == 0,
        Schema::Record(record) => record.fields.iter().all(|field| takes_no_bytes(&field.schema)),
        _ => false,
    }
}

struct TreeWriter<'s> {
    names: &'s NamesRef<'s>,
    dialect: Dialect,
}

impl TreeWriter<'_> {
    fn node(&self, value: Avro, schema: &Schema, space: NamespaceRef<'_>) -> Value {
        let schema = match schema {
            Schema::Ref { name } => match self.names.get(name.fully_qualified_name(space).as_ref()) {
                Some(schema) => schema,
                None => return Value::Null,
            },
            schema => schema,
        };
        match (value, schema) {
            (Avro::Null, _) => Value::Null,
            (Avro::Boolean(flag), _) => Value::from(flag),
            (Avro::Int(number), _) => Value::from(number),
            (Avro::Long(number), _) => Value::from(number),
            (Avro::Float(number), _) => tree::real(f64::from(number)),
            (Avro::Double(number), _) => tree::real(number),
            (Avro::String(text) | Avro::Enum(_, text), _) => Value::from(text),
            (Avro::Bytes(bytes) | Avro::Fixed(_, bytes), _) => tree::bytes(&bytes),
            (Avro::Union(position, inner), Schema::Union(union)) => {
                let variant = usize::try_from(position).ok().and_then(|at| union.variants().get(at));
                variant.map_or(Value::Null, |variant| self.node(*inner, variant, space))
            }
            (Avro::Array(items), Schema::Array(array)) => {
                items.into_iter().map(|item| self.node(item, &array.items, space)).collect()
            }
            (Avro::Map(members), Schema::Map(map)) => {
                let mut members: Vec<_> = members.into_iter().collect();
                members.sort_unstable_by(|(left, _), (right, _)| left.cmp(right));
                let members =
                    members.into_iter().map(|(key, value)| (key, self.node(value, &map.types, space)));
                Value::Object(members.collect())
            }
            (Avro::Record(values), Schema::Record(record)) => {
                let name = record.name.fully_qualified_name(space);
                let fields = values.into_iter().zip(&record.fields);
                let members = fields
                    .map(|((key, value), field)| (key, self.node(value, &field.schema, name.namespace())));
                Value::Object(members.collect::<Map<_, _>>())
            }
            (value, schema) if self.dialect == Dialect::Logical => logical(value, schema),
            (value, _) => underlying(value),
        }
    }
}

/// The value of a logical type.
fn logical(value: Avro, schema: &Schema) -> Value {
    match (value, schema) {
        (Avro::Decimal(decimal), Schema::Decimal(schema)) => tree::decimal(&digits(&decimal), schema.scale),
        (Avro::BigDecimal(number), _) => Value::from(number.to_plain_string()),
        (Avro::Uuid(id), _) => Value::from(id.to_string()),
        (Avro::Date(days), _) => tree::day(days),
        (Avro::TimeMillis(units), _) => tree::length(i64::from(units) * 10_000),
        (Avro::TimeMicros(units), _) => units.checked_mul(10).map_or(Value::Null, tree::length),
        (Avro::TimestampMillis(units) | Avro::LocalTimestampMillis(units), _) => {
            tree::moment(i128::from(units) * 10_000)
        }
        (Avro::TimestampMicros(units) | Avro::LocalTimestampMicros(units), _) => {
            tree::moment(i128::from(units) * 10)
        }
        (Avro::TimestampNanos(units) | Avro::LocalTimestampNanos(units), _) => {
            tree::moment(i128::from(units).div_euclid(100))
        }
        (Avro::Duration(duration), _) => duration_length(&duration),
        _ => Value::Null,
    }
}

/// What lies below a logical type.
fn underlying(value: Avro) -> Value {
    match value {
        Avro::Decimal(decimal) => tree::bytes(&digits(&decimal)),
        Avro::BigDecimal(number) => Value::from(number.to_plain_string()),
        Avro::Uuid(id) => Value::from(id.to_string()),
        Avro::Date(units) | Avro::TimeMillis(units) => Value::from(units),
        Avro::TimeMicros(units)
        | Avro::TimestampMillis(units)
        | Avro::TimestampMicros(units)
        | Avro::TimestampNanos(units)
        | Avro::LocalTimestampMillis(units)
        | Avro::LocalTimestampMicros(units)
        | Avro::LocalTimestampNanos(units) => Value::from(units),
        Avro::Duration(duration) => tree::bytes(&<[u8; 12]>::from(&duration)),
        _ => Value::Null,
    }
}

fn digits(decimal: &Decimal) -> Vec<u8> {
    // It fails only for a decimal that was made longer than its field, which no reader does.
    Vec::try_from(decimal).unwrap_or_default()
}

/// Months have no length, so only a duration without them is a timespan.
fn duration_length(duration: &Duration) -> Value {
    let (months, days): (u32, u32) = (duration.months().into(), duration.days().into());
    let millis: u32 = duration.millis().into();
    if months > 0 {
        return Value::Null;
    }
    // A count of days near 2³² is longer than any timespan.
    let days = i64::from(days).checked_mul(864_000_000_000);
    days.and_then(|days| days.checked_add(i64::from(millis) * 10_000)).map_or(Value::Null, tree::length)
}

#[cfg(test)]
#[path = "avro_tests.rs"]
mod tests;
