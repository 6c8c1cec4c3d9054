//! Connect's types and values as they are, which need each other: a schema has a default value, a struct its schema
//! (`connect-runtime.md` §6.1).
//!
//! What can be done with them is said in `schema` and `value`; when two are equal, in `same`. Shared parts are counted, so
//! that a record is cheap to clone.

use bigdecimal::BigDecimal;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What kind of value a schema describes.
#[derive(Debug, Clone)]
pub enum Kind {
    /// 8 bits.
    Int8,
    /// 16 bits.
    Int16,
    /// 32 bits.
    Int32,
    /// 64 bits.
    Int64,
    /// Single precision.
    Float32,
    /// Double precision.
    Float64,
    /// True or false.
    Boolean,
    /// Text.
    String,
    /// Bytes.
    Bytes,
    /// Elements of one schema; none when they have none in common.
    Array(Option<Arc<Schema>>),
    /// Keys and values of one schema each; none when they have none in common.
    Map(Option<Arc<Schema>>, Option<Arc<Schema>>),
    /// Named fields, in order. Whoever has the same ones shares them.
    Struct(Arc<[Field]>),
}

/// A field of a struct; its index is its place in the list.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// Its name.
    pub name: Arc<str>,
    /// What it holds.
    pub schema: Arc<Schema>,
}

/// A schema.
#[derive(Debug, Clone)]
pub struct Schema {
    /// The kind of its values.
    pub kind: Kind,
    /// Null is allowed.
    pub optional: bool,
    /// What stands for a value that is missing.
    pub default: Option<Value>,
    /// Its name; of a logical type, the reserved one.
    pub name: Option<Arc<str>>,
    /// Its version.
    pub version: Option<i32>,
    /// What it is about.
    pub doc: Option<Arc<str>>,
    /// Further properties; none is not the same as an empty map to Connect, but nothing observes the difference.
    pub parameters: BTreeMap<Arc<str>, Arc<str>>,
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing.
    Null,
    /// INT8.
    Int8(i8),
    /// INT16.
    Int16(i16),
    /// INT32.
    Int32(i32),
    /// INT64.
    Int64(i64),
    /// FLOAT32.
    Float32(f32),
    /// FLOAT64.
    Float64(f64),
    /// BOOLEAN.
    Boolean(bool),
    /// STRING.
    String(Arc<str>),
    /// BYTES.
    Bytes(Bytes),
    /// A logical decimal.
    Decimal(BigDecimal),
    /// A logical date, time or timestamp, in ms since the epoch, as `java.util.Date` has it: the schema says which.
    Date(i64),
    /// ARRAY.
    Array(Vec<Value>),
    /// MAP, and an object without a schema: entries in the order in which they came, keys unique.
    Map(Vec<(Value, Value)>),
    /// STRUCT.
    Struct(Struct),
}

/// A struct's values, each at the place of its field.
#[derive(Debug, Clone)]
pub struct Struct {
    /// Its schema, of kind STRUCT.
    pub schema: Arc<Schema>,
    /// One for each field.
    pub values: Vec<Value>,
}

/// A value and its schema; without one it is what schemaless converters make.
#[derive(Debug, Clone, PartialEq)]
pub struct SchemaAndValue {
    /// Its schema.
    pub schema: Option<Arc<Schema>>,
    /// The value.
    pub value: Value,
}
