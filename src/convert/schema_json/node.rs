//! How values of a schema are read: made by `plan`, followed by `read`.

use crate::data::Schema;
use std::collections::HashSet;
use std::sync::Arc;

/// How a value is read.
#[derive(Debug, Clone)]
pub(super) enum Node {
    /// As Connect's own JSON of this schema.
    Leaf(Arc<Schema>),
    Array(Box<Node>, bool),
    /// An object with any members.
    Map(Box<Node>, bool),
    /// A list of objects with key and value.
    Entries(Box<(Node, Node)>, bool),
    /// The object's place, and its schema here; none inside itself.
    Object(usize, Option<Arc<Schema>>, bool),
    /// One of these, each a field of the struct.
    Union(Vec<Node>, Arc<Schema>),
}

/// An object's properties, in the order of its schema's fields.
#[derive(Debug, Clone)]
pub(super) struct Object {
    pub(super) nodes: Vec<Node>,
    pub(super) names: HashSet<Arc<str>>,
    pub(super) schema: Arc<Schema>,
}

/// Everything that reads values of one schema.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) schema: Arc<Schema>,
    pub(super) root: Node,
    pub(super) objects: Vec<Option<Object>>,
}
