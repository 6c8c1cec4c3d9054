//! Values of a JSON Schema, read from their text. Pure.

use super::super::json_payload::{self, ByName, no_struct, node as found, unique};
use super::node::{Node, Object};
use crate::data::java_number::whole;
use crate::data::json_text::{Json, Members};
use crate::data::room::Room;
use crate::data::schema::Kind;
use crate::data::{Error, Schema, Struct, Value};
use std::sync::Arc;

/// Reads `json` as `node` says.
pub(super) fn value(
    node: &Node,
    objects: &[Option<Object>],
    json: &Json<'_>,
    room: &Room,
) -> Result<Value, Error> {
    Reader { objects, room }.value(node, json)
}

struct Reader<'a> {
    objects: &'a [Option<Object>],
    room: &'a Room,
}

impl Reader<'_> {
    fn value(&self, node: &Node, json: &Json<'_>) -> Result<Value, Error> {
        match (node, json) {
            (Node::Leaf(schema), json) => json_payload::value(schema, json, true, self.room),
            (node, Json::Null) => null(node),
            (Node::Array(of, _), Json::Array(items)) => self.array(of, items),
            (Node::Map(of, _), Json::Object(members)) => self.map(of, members),
            (Node::Entries(both, _), Json::Array(items)) => self.entries(both, items),
            (Node::Object(place, schema, _), json) => self.object(*place, schema.as_ref(), json),
            (Node::Union(nodes, schema), json) => self.union(nodes, schema, json),
            (node, json) => Err(no_container(node, json)),
        }
    }

    fn array(&self, of: &Node, items: &[Json<'_>]) -> Result<Value, Error> {
        let mut values = Vec::with_capacity(items.len());
        for item in items {
            values.push(self.value(of, item)?);
        }
        Ok(Value::Array(values))
    }

    fn map(&self, of: &Node, members: &Members<'_>) -> Result<Value, Error> {
        let mut entries = Vec::with_capacity(members.len());
        for (name, json) in members {
            entries.push((name.as_ref().into(), self.value(of, json)?));
        }
        Ok(Value::Map(unique(entries)))
    }

    fn entries(&self, (keys, values): &(Node, Node), items: &[Json<'_>]) -> Result<Value, Error> {
        let mut entries = Vec::with_capacity(items.len());
        for item in items {
            let (key, value) = as_entry(item)?;
            entries.push((self.value(keys, key)?, self.value(values, value)?));
        }
        Ok(Value::Map(entries))
    }

    fn object(&self, place: usize, schema: Option<&Arc<Schema>>, json: &Json<'_>) -> Result<Value, Error> {
        let object = self.objects.get(place).and_then(Option::as_ref);
        let Object { nodes, schema: own, .. } = object.ok_or_else(|| Error::new("a schema is missing"))?;
        let Json::Object(members) = json else { return Err(no_struct(json)) };
        self.room.take(nodes.len())?;
        let members = ByName::new(members);
        let mut values = Vec::with_capacity(nodes.len());
        for (node, field) in nodes.iter().zip(own.fields()) {
            values.push(match members.get(&field.name) {
                Some(json) => self.value(node, json)?,
                None => missing(node, &field.name)?,
            });
        }
        Ok(Value::Struct(Struct { schema: Arc::clone(schema.unwrap_or(own)), values }))
    }

    fn union(&self, nodes: &[Node], schema: &Arc<Schema>, json: &Json<'_>) -> Result<Value, Error> {
        // Each branch is a value, and is asked about each member.
        let members = if let Json::Object(members) = json { members.len() } else { 0 };
        self.room.take(nodes.len().saturating_mul(1 + members / 8))?;
        let place = self.branch(nodes, json).ok_or_else(no_branch)?;
        let mut values = vec![Value::Null; nodes.len()];
        let node = nodes.get(place).ok_or_else(no_branch)?;
        if let Some(field) = values.get_mut(place) {
            *field = self.value(node, json)?;
        }
        Ok(Value::Struct(Struct { schema: Arc::clone(schema), values }))
    }

    /// The first simple branch that the value is of, or the object that shares most names with it, or the first for
    /// integers if it is one that was written with a point.
    fn branch(&self, nodes: &[Node], json: &Json<'_>) -> Option<usize> {
        if let Some(place) = nodes.iter().position(|node| is_of(node, json)) {
            return Some(place);
        }
        if let Json::Object(members) = json {
            let shared = nodes.iter().enumerate().filter_map(|(place, node)| {
                let Node::Object(object, ..) = node else { return None };
                let names = &self.objects.get(*object).and_then(Option::as_ref)?.names;
                let shared = members.iter().filter(|(name, _)| names.contains(name.as_ref())).count();
                Some((shared, place))
            });
            // Of equals the first.
            let best = shared.max_by_key(|(shared, place)| (*shared, std::cmp::Reverse(*place)));
            return best.map(|(_, place)| place);
        }
        let Json::Number(text) = json else { return None };
        whole(text)?;
        nodes.iter().position(|node| matches!(node, Node::Leaf(schema) if is_integer(&schema.kind)))
    }
}

fn no_branch() -> Error {
    Error::new("Did not find matching oneof field for data")
}

fn no_container(node: &Node, json: &Json<'_>) -> Error {
    let found = found(json);
    Error::new(match node {
        Node::Map(..) => {
            format!("Maps with string fields should be encoded as JSON objects, but found {found}")
        }
        Node::Entries(..) => format!(
            "Maps with non-string fields should be encoded as JSON array of objects, but found {found}"
        ),
        _ => format!("Invalid type for ARRAY: {found}"),
    })
}

fn as_entry<'j, 'a>(json: &'j Json<'a>) -> Result<(&'j Json<'a>, &'j Json<'a>), Error> {
    let Json::Object(members) = json else {
        return Err(Error::new(format!("Found invalid map entry instead of object: {}", found(json))));
    };
    let part = |name: &str| members.iter().find(|(known, _)| known == name).map(|(_, json)| json);
    match (part("key"), part("value")) {
        (Some(key), Some(value)) if members.len() == 2 => Ok((key, value)),
        _ => Err(Error::new(format!(
            "Found invalid map entry, expected length 2 but found :{}",
            members.len()
        ))),
    }
}

fn is_integer(kind: &Kind) -> bool {
    matches!(kind, Kind::Int8 | Kind::Int16 | Kind::Int32 | Kind::Int64)
}

/// True when the value is of the branch's simple type.
fn is_of(node: &Node, json: &Json<'_>) -> bool {
    match node {
        Node::Leaf(schema) => match (&schema.kind, json) {
            (kind, Json::Number(text)) if is_integer(kind) => text.parse::<i64>().is_ok(),
            (Kind::Float32 | Kind::Float64 | Kind::Bytes, Json::Number(_))
            | (Kind::Boolean, Json::Boolean(_))
            | (Kind::String | Kind::Bytes, Json::String(_)) => true,
            _ => false,
        },
        Node::Array(..) | Node::Entries(..) => matches!(json, Json::Array(_)),
        Node::Map(..) => matches!(json, Json::Object(_)),
        Node::Object(..) | Node::Union(..) => false,
    }
}

fn missing(node: &Node, name: &str) -> Result<Value, Error> {
    null(node).map_err(|error| Error::new(format!("Missing field {name}: ")).because(error))
}

/// What a null, or a member that is missing, is read as.
fn null(node: &Node) -> Result<Value, Error> {
    let (kind, optional) = match node {
        Node::Leaf(schema) => match &schema.default {
            Some(default) => return Ok(default.clone()),
            None => (schema.kind.name(), schema.optional),
        },
        Node::Array(_, optional) => ("ARRAY", *optional),
        Node::Map(_, optional) | Node::Entries(_, optional) => ("MAP", *optional),
        Node::Object(_, _, optional) => ("STRUCT", *optional),
        Node::Union(_, schema) => ("STRUCT", schema.optional),
    };
    if optional {
        return Ok(Value::Null);
    }
    Err(Error::new(format!("Invalid null value for required {kind} field")))
}
