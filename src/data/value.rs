//! Connect's values: what a converter makes of bytes and a transformation of other values (`connect-runtime.md` §6.1).
//!
//! A value does not say which schema it is of; [`SchemaAndValue`] keeps the two together.

use super::model::{Kind, Schema, SchemaAndValue, Struct, Value};
use std::sync::Arc;

impl Value {
    /// True for [`Value::Null`].
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// True for values that hold others.
    pub fn is_container(&self) -> bool {
        matches!(self, Self::Array(_) | Self::Map(_) | Self::Struct(_))
    }

    /// The simple name of the Java class that Connect has for it, as in messages.
    pub fn java_class(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Int8(_) => "java.lang.Byte",
            Self::Int16(_) => "java.lang.Short",
            Self::Int32(_) => "java.lang.Integer",
            Self::Int64(_) => "java.lang.Long",
            Self::Float32(_) => "java.lang.Float",
            Self::Float64(_) => "java.lang.Double",
            Self::Boolean(_) => "java.lang.Boolean",
            Self::String(_) => "java.lang.String",
            Self::Bytes(_) => "[B",
            Self::Decimal(_) => "java.math.BigDecimal",
            Self::Date(_) => "java.util.Date",
            Self::Array(_) => "java.util.ArrayList",
            Self::Map(_) => "java.util.HashMap",
            Self::Struct(_) => "org.apache.kafka.connect.data.Struct",
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.into())
    }
}

/// The entry of a map with text keys.
pub fn entry<'a>(entries: &'a [(Value, Value)], name: &str) -> Option<&'a Value> {
    entries
        .iter()
        .find(|(key, _)| matches!(key, Value::String(key) if **key == *name))
        .map(|(_, value)| value)
}

impl Struct {
    /// A field's value as it is stored; none when there is no such field.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.get_near(0, name)
    }

    /// The same, or the field's default when the value is null.
    pub fn get_or_default(&self, name: &str) -> Option<&Value> {
        self.get_or_default_near(0, name)
    }

    /// The same as [`Self::get`]; quick where the field stands at `place`, as for who goes through the fields in order.
    pub fn get_near(&self, place: usize, name: &str) -> Option<&Value> {
        let (index, _) = self.schema.field_near(place, name)?;
        self.values.get(index)
    }

    /// The same as [`Self::get_or_default`], as quick.
    pub fn get_or_default_near(&self, place: usize, name: &str) -> Option<&Value> {
        let (index, field) = self.schema.field_near(place, name)?;
        let value = self.values.get(index)?;
        Some(match (value, &field.schema.default) {
            (Value::Null, Some(default)) => default,
            _ => value,
        })
    }
}

impl SchemaAndValue {
    /// Null without a schema.
    pub const NULL: Self = Self { schema: None, value: Value::Null };

    /// A value without a schema.
    pub fn schemaless(value: Value) -> Self {
        Self { schema: None, value }
    }

    /// A value of a schema.
    pub fn new(schema: Schema, value: Value) -> Self {
        Self { schema: Some(Arc::new(schema)), value }
    }

    /// An optional text.
    pub fn text(text: impl Into<Arc<str>>) -> Self {
        Self::new(Schema::optional(Kind::String), Value::String(text.into()))
    }
}
