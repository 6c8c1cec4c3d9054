//! How values of a schema are decoded: made by `plan`, followed by `decode` and `default`.

use crate::data::Schema;
use std::sync::Arc;

/// How a value is decoded.
#[derive(Debug, Clone)]
pub(super) enum Node {
    Null,
    Boolean,
    Int(Int),
    Long {
        timestamp: bool,
    },
    Float,
    Double,
    /// With the scale of a decimal.
    Bytes(Option<i32>),
    /// The same of a fixed size.
    Fixed(usize, Option<i32>),
    String,
    Enum(Arc<[Arc<str>]>),
    Array(Box<Node>),
    Map(Box<Node>),
    /// An array of records with key and value.
    Entries(Box<Node>),
    /// The record's place, and its schema here; none inside itself.
    Record(usize, Option<Arc<Schema>>),
    /// A union of null, at this place, and another type.
    Nullable(i64, Box<Node>),
    /// A union of one type.
    Single(Box<Node>),
    /// Any other union: a branch's field in the struct, none for null.
    Union(Vec<(Node, Option<usize>)>, Arc<Schema>),
}

/// What an int stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Int {
    Plain,
    Int8,
    Int16,
    Date,
    Time,
}

/// A record's fields, in order.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) fields: Vec<Node>,
    pub(super) schema: Arc<Schema>,
}

/// Everything that decodes values of one schema.
#[derive(Debug)]
pub(super) struct Plan {
    /// None of a schema that is nothing but null.
    pub(super) schema: Option<Arc<Schema>>,
    pub(super) root: Node,
    pub(super) records: Vec<Record>,
}
