//! Connect's schemas: what a value is, and what it may be (`connect-runtime.md` §6.1).
//!
//! Schemas are immutable and shared; two are equal when everything in them is (`same`). A logical type is a base kind with
//! a reserved name.

use super::error::Error;
pub use super::model::{Field, Kind, Schema};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

/// The name of a logical decimal: BYTES with the parameter `scale`.
pub const DECIMAL: &str = "org.apache.kafka.connect.data.Decimal";
/// The name of a logical date: INT32, days since the epoch.
pub const DATE: &str = "org.apache.kafka.connect.data.Date";
/// The name of a logical time of day: INT32, ms since midnight.
pub const TIME: &str = "org.apache.kafka.connect.data.Time";
/// The name of a logical timestamp: INT64, ms since the epoch.
pub const TIMESTAMP: &str = "org.apache.kafka.connect.data.Timestamp";
/// The parameter of a decimal's schema.
pub const SCALE: &str = "scale";

impl Kind {
    /// Connect's name of the type, as in messages: `INT8`, `STRUCT`, …
    pub fn name(&self) -> &'static str {
        match self {
            Self::Int8 => "INT8",
            Self::Int16 => "INT16",
            Self::Int32 => "INT32",
            Self::Int64 => "INT64",
            Self::Float32 => "FLOAT32",
            Self::Float64 => "FLOAT64",
            Self::Boolean => "BOOLEAN",
            Self::String => "STRING",
            Self::Bytes => "BYTES",
            Self::Array(_) => "ARRAY",
            Self::Map(..) => "MAP",
            Self::Struct(_) => "STRUCT",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Schema {
    /// A required schema of `kind` and nothing else.
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            optional: false,
            default: None,
            name: None,
            version: None,
            doc: None,
            parameters: BTreeMap::new(),
        }
    }

    /// An optional schema of `kind` and nothing else.
    pub fn optional(kind: Kind) -> Self {
        Self { optional: true, ..Self::new(kind) }
    }

    /// A required logical type, of version 1 as Connect's own are.
    pub fn logical(kind: Kind, name: &str) -> Self {
        Self { name: Some(name.into()), version: Some(1), ..Self::new(kind) }
    }

    /// A required decimal of `scale`.
    pub fn decimal(scale: i32) -> Self {
        let parameters = BTreeMap::from([(SCALE.into(), scale.to_string().into())]);
        Self { parameters, ..Self::logical(Kind::Bytes, DECIMAL) }
    }

    /// The same, optional or not.
    pub fn with_optional(self, optional: bool) -> Self {
        Self { optional, ..self }
    }

    /// A struct without a name.
    pub fn of_fields<N: Into<Arc<str>>>(fields: impl IntoIterator<Item = (N, Arc<Schema>)>) -> Self {
        let fields = fields.into_iter().map(|(name, schema)| Field { name: name.into(), schema });
        Self::new(Kind::Struct(fields.collect()))
    }

    /// The name of a logical type; none for all other names.
    pub fn logical_name(&self) -> Option<&str> {
        self.name.as_deref().filter(|name| matches!(*name, DECIMAL | DATE | TIME | TIMESTAMP))
    }

    /// A struct's fields, in order; nothing for other kinds.
    pub fn fields(&self) -> &[Field] {
        match &self.kind {
            Kind::Struct(fields) => fields,
            _ => &[],
        }
    }

    /// The place and the schema of a struct's field.
    pub fn field(&self, name: &str) -> Option<(usize, &Field)> {
        self.fields().iter().enumerate().find(|(_, field)| &*field.name == name)
    }

    /// The same; quick where the field stands at `place`.
    pub fn field_near(&self, place: usize, name: &str) -> Option<(usize, &Field)> {
        match self.fields().get(place) {
            Some(field) if *field.name == *name => Some((place, field)),
            _ => self.field(name),
        }
    }

    /// The places of the fields of these names, each none when there is no such field.
    pub fn places<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Vec<Option<usize>> {
        let table: HashMap<&str, usize> = self.fields().iter().map(|field| &*field.name).zip(0..).collect();
        names.into_iter().map(|name| table.get(name).copied()).collect()
    }

    /// The scale of a decimal.
    pub fn scale(&self) -> Result<i32, Error> {
        let text = self
            .parameters
            .get(SCALE)
            .ok_or_else(|| Error::new("Invalid Decimal schema: scale parameter not found."))?;
        text.parse().map_err(|_| Error::new("Invalid scale parameter found in Decimal schema: "))
    }
}
