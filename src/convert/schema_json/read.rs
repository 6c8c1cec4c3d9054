//! Values of a JSON Schema, read from their text. Pure.

use super::super::json_payload::{self, Node as Json, elements, kind_of, members, unique};
use super::plan::{Node, Object};
use crate::data::schema::Kind;
use crate::data::{Error, Schema, Struct, Value};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::sync::Arc;

/// Reads `json` as `node` says.
pub(super) fn value(node: &Node, objects: &[Option<Object>], json: &RawValue) -> Result<Value, Error> {
    Reader { objects }.value(node, json)
}

struct Reader<'a> {
    objects: &'a [Option<Object>],
}

impl Reader<'_> {
    fn value(&self, node: &Node, json: &RawValue) -> Result<Value, Error> {
        let kind = kind_of(json);
        if let Node::Leaf(schema) = node {
            return json_payload::value(schema, json, true);
        }
        if kind == Json::Null {
            return null(node);
        }
        match node {
            Node::Leaf(schema) => json_payload::value(schema, json, true),
            Node::Array(of, _) if kind == Json::Array => {
                let items = elements(json)?.into_iter().map(|json| self.value(of, json));
                Ok(Value::Array(items.collect::<Result<_, _>>()?))
            }
            Node::Array(..) => Err(Error::new(format!("Invalid type for ARRAY: {kind}"))),
            Node::Map(of, _) if kind == Json::Object => {
                let entry = |(key, json): (Cow<'_, str>, &RawValue)| {
                    Ok((Value::String(key.as_ref().into()), self.value(of, json)?))
                };
                let entries = members(json)?.into_iter().map(entry);
                Ok(Value::Map(unique(entries.collect::<Result<_, Error>>()?)))
            }
            Node::Map(..) => Err(Error::new(format!(
                "Maps with string fields should be encoded as JSON objects, but found {kind}"
            ))),
            Node::Entries(both, _) if kind == Json::Array => {
                let entries = elements(json)?.into_iter().map(|json| self.entry(both, json));
                Ok(Value::Map(entries.collect::<Result<_, _>>()?))
            }
            Node::Entries(..) => Err(Error::new(format!(
                "Maps with non-string fields should be encoded as JSON array of objects, but found {kind}"
            ))),
            Node::Object(place, schema, _) => self.object(*place, schema.as_ref(), json),
            Node::Union(nodes, schema) => self.union(nodes, schema, json),
        }
    }

    fn entry(&self, (keys, values): &(Node, Node), json: &RawValue) -> Result<(Value, Value), Error> {
        let kind = kind_of(json);
        if kind != Json::Object {
            return Err(Error::new(format!("Found invalid map entry instead of object: {kind}")));
        }
        let members = members(json)?;
        let part = |name: &str| members.iter().find(|(found, _)| found == name).map(|(_, json)| *json);
        match (part("key"), part("value")) {
            (Some(key), Some(value)) if members.len() == 2 => {
                Ok((self.value(keys, key)?, self.value(values, value)?))
            }
            _ => Err(Error::new(format!(
                "Found invalid map entry, expected length 2 but found :{}",
                members.len()
            ))),
        }
    }

    fn object(&self, place: usize, schema: Option<&Arc<Schema>>, json: &RawValue) -> Result<Value, Error> {
        let object = self.objects.get(place).and_then(Option::as_ref);
        let Object { nodes, schema: own } = object.ok_or_else(|| Error::new("a schema is missing"))?;
        let kind = kind_of(json);
        if kind != Json::Object {
            return Err(Error::new(format!("Structs should be encoded as JSON objects, but found {kind}")));
        }
        let schema = schema.unwrap_or(own);
        let members = members(json)?;
        let mut values = Vec::with_capacity(nodes.len());
        for (node, field) in nodes.iter().zip(own.fields()) {
            let found = members.iter().rev().find(|(name, _)| *name == *field.name);
            values.push(match found {
                Some((_, json)) => self.value(node, json)?,
                None => null(node)
                    .map_err(|error| Error::new(format!("Missing field {}: ", field.name)).because(error))?,
            });
        }
        Ok(Value::Struct(Struct { schema: Arc::clone(schema), values }))
    }

    /// The first simple branch that the value is of, or the object that shares most names with it.
    fn union(&self, nodes: &[Node], schema: &Arc<Schema>, json: &RawValue) -> Result<Value, Error> {
        let mut best: Option<(usize, usize)> = None;
        for (place, node) in nodes.iter().enumerate() {
            if is_of(node, json) {
                best = Some((place, 0));
                break;
            }
            let matching = self.matching(node, json)?;
            if let Some(count) = matching.filter(|count| best.is_none_or(|(_, most)| *count > most)) {
                best = Some((place, count));
            }
        }
        let found = best.and_then(|(place, _)| Some((place, nodes.get(place)?)));
        let (place, node) = found.ok_or_else(|| Error::new("Did not find matching oneof field for data"))?;
        let mut values = vec![Value::Null; nodes.len()];
        if let Some(field) = values.get_mut(place) {
            *field = self.value(node, json)?;
        }
        Ok(Value::Struct(Struct { schema: Arc::clone(schema), values }))
    }

    /// How many of the value's members an object has; none when either is no object.
    fn matching(&self, node: &Node, json: &RawValue) -> Result<Option<usize>, Error> {
        let Node::Object(place, ..) = node else { return Ok(None) };
        let object = self.objects.get(*place).and_then(Option::as_ref);
        let (Some(object), Json::Object) = (object, kind_of(json)) else { return Ok(None) };
        let members = members(json)?;
        Ok(Some(members.iter().filter(|(name, _)| object.schema.field(name).is_some()).count()))
    }
}

/// True when the value is of the branch's simple type.
fn is_of(node: &Node, json: &RawValue) -> bool {
    let kind = kind_of(json);
    match node {
        Node::Leaf(schema) => match schema.kind {
            Kind::Int8 | Kind::Int16 | Kind::Int32 | Kind::Int64 => json.get().parse::<i64>().is_ok(),
            Kind::Float32 | Kind::Float64 => kind == Json::Number,
            Kind::Boolean => kind == Json::Boolean,
            Kind::String => kind == Json::String,
            Kind::Bytes => matches!(kind, Json::String | Json::Number),
            Kind::Array(_) | Kind::Map(..) | Kind::Struct(_) => false,
        },
        Node::Array(..) | Node::Entries(..) => kind == Json::Array,
        Node::Map(..) => kind == Json::Object,
        Node::Object(..) | Node::Union(..) => false,
    }
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
