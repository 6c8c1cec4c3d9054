//! Schemas that are kept in a registry: what a record says of its schema, and what a registry answers.
//!
//! The words that converters, which only read, and the registry's client, which only asks, have in common
//! (`connect-runtime.md` §6.4). Pure.

use std::fmt;
use uuid::Uuid;

/// The name of a schema inside a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SchemaId {
    /// Confluent's number of 4 bytes, or Apicurio's global or content id of 4 or 8.
    Number(i64),
    /// Confluent's identifier of 16 bytes.
    Guid(Uuid),
}

impl fmt::Display for SchemaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Guid(guid) => write!(f, "{guid}"),
        }
    }
}

/// A schema as it was registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// Its type as the registry names it: `AVRO`, `JSON` or `PROTOBUF`; none when the registry does not say.
    pub kind: Option<String>,
    /// Its text.
    pub text: String,
    /// The schemas that it refers to, and those that these refer to; each stands after what it needs itself.
    pub references: Vec<Reference>,
}

/// A schema that another one refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The name by which it is referred to: a full name in Avro, a path in Protobuf, a URL in JSON Schema.
    pub name: String,
    /// Its text.
    pub text: String,
}
