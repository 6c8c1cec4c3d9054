//! From a JSON Schema to Connect's schema, by the rules of Confluent's converter, and to the plan that values are read by
//! (`connect-runtime.md` §6.4).
//!
//! An object inside itself has, as the schema of its field, one without fields; its values have the whole schema. A
//! property that is not required may be missing or null whatever `use.optional.for.nonrequired` says: the JVM's sink
//! fails there. Pure.

use super::documents::{Documents, Place};
use super::error::bad_schema;
use super::node::{Node, Object, Plan};
use super::options::Options;
use super::read;
use crate::data::json_text::{self, brief};
use crate::data::room::Room;
use crate::data::schema::{DECIMAL, Field, Kind};
use crate::data::{Error, Schema};
use serde_json::{Map, Value as Json};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

const UNION: &str = "io.confluent.connect.json.OneOf";
/// Types in types, and references to references; nested deeper a schema is a ring.
const MOST_DEPTH: usize = 100;

/// Makes the plan.
pub(super) fn make(documents: &Documents, options: Options) -> Result<Plan, Error> {
    let room = Room::for_parts();
    let mut maker = Maker { documents, options, objects: Vec::new(), known: HashMap::new(), depth: 0, room };
    let at = Some((0, String::new()));
    let (node, schema) = maker.of(documents.root(), Context { document: 0, optional: false, at })?;
    Ok(Plan { schema, root: node, objects: maker.objects })
}

/// Where a schema stands.
#[derive(Clone)]
struct Context {
    document: usize,
    optional: bool,
    /// The place, when it can be referred to.
    at: Option<Place>,
}

impl Context {
    fn inner(&self, optional: bool) -> Self {
        Self { document: self.document, optional, at: None }
    }
}

struct Maker<'a> {
    documents: &'a Documents,
    options: Options,
    /// None while it is being made.
    objects: Vec<Option<Object>>,
    /// Objects by the places that `$ref`s name.
    known: HashMap<Place, usize>,
    depth: usize,
    room: Room,
}

type Made = (Node, Arc<Schema>);

impl<'a> Maker<'a> {
    fn of(&mut self, json: &'a Json, context: Context) -> Result<Made, Error> {
        if self.depth >= MOST_DEPTH {
            return Err(bad_schema(format!("it is nested deeper than {MOST_DEPTH} levels")));
        }
        self.room.take(1)?;
        self.depth += 1;
        let made = self.of_any(json, context);
        self.depth -= 1;
        made
    }

    fn of_any(&mut self, json: &'a Json, context: Context) -> Result<Made, Error> {
        let object = json.as_object().filter(|object| !object.is_empty());
        let object = object.ok_or_else(|| unsupported(json))?;
        if let Some(reference) = object.get("$ref").and_then(Json::as_str) {
            let (at, target) = self.documents.find(context.document, reference)?;
            self.room.take_text(at.1.len())?;
            if let Some(known) = self.known.get(&at) {
                return Ok(self.again(*known, context.optional));
            }
            return self.of(target, Context { document: at.0, optional: context.optional, at: Some(at) });
        }
        for key in ["oneOf", "anyOf"] {
            if let Some(Json::Array(branches)) = object.get(key)
                && !object.contains_key("properties")
            {
                return self.union(branches, object, &context);
            }
        }
        if let Some(Json::Array(parts)) = object.get("allOf") {
            return self.all_of(parts, object, context);
        }
        match object.get("type") {
            Some(Json::Array(names)) => self.types(names, object, context),
            Some(Json::String(name)) => self.typed(name, object, context),
            Some(_) => Err(bad_schema("a \"type\" is neither a text nor a list")),
            None if object.contains_key("properties") => self.typed("object", object, context),
            None if object.contains_key("items") => self.typed("array", object, context),
            None => match object.get("const").or_else(|| object.get("enum")?.as_array()?.first()) {
                Some(Json::String(_)) => self.typed("string", object, context),
                Some(Json::Bool(_)) => self.typed("boolean", object, context),
                Some(Json::Number(number)) if number.is_f64() => self.typed("number", object, context),
                Some(Json::Number(_)) => self.typed("integer", object, context),
                _ => Err(unsupported(json)),
            },
        }
    }

    /// An object that was made before, or is being made.
    fn again(&self, place: usize, optional: bool) -> Made {
        let whole = self.objects.get(place).and_then(Option::as_ref);
        let schema = match whole {
            Some(object) => Schema { optional, ..(*object.schema).clone() },
            None => Schema::new(Kind::Struct(Arc::default())).with_optional(optional),
        };
        let schema = Arc::new(schema);
        let of_value = whole.is_some().then(|| Arc::clone(&schema));
        (Node::Object(place, of_value, optional), schema)
    }

    /// `"type": ["null", "string"]`.
    fn types(
        &mut self,
        names: &'a [Json],
        object: &'a Map<String, Json>,
        context: Context,
    ) -> Result<Made, Error> {
        let others: Vec<&str> =
            names.iter().filter_map(Json::as_str).filter(|name| *name != "null").collect();
        let optional = context.optional || others.len() < names.len();
        match others.as_slice() {
            [one] => self.typed(one, object, Context { optional, ..context }),
            [] => Err(Error::new("Unsupported schema type null")),
            many => {
                let mut made = Vec::new();
                for name in many {
                    made.push(self.typed(name, object, context.inner(true))?);
                }
                self.sum(made, object, optional)
            }
        }
    }

    fn union(
        &mut self,
        branches: &'a [Json],
        object: &'a Map<String, Json>,
        context: &Context,
    ) -> Result<Made, Error> {
        let is_null = |json: &&Json| json.get("type").and_then(Json::as_str) == Some("null");
        let others: Vec<&'a Json> = branches.iter().filter(|json| !is_null(json)).collect();
        let optional = context.optional || others.len() < branches.len();
        if let ([one], true) = (others.as_slice(), branches.len() > 1) {
            return self.of(one, context.inner(true));
        }
        let mut made = Vec::new();
        for branch in others {
            made.push(self.of(branch, context.inner(true))?);
        }
        self.sum(made, object, optional)
    }

    /// A union as a struct with a field for each branch.
    fn sum(&self, made: Vec<Made>, object: &Map<String, Json>, optional: bool) -> Result<Made, Error> {
        let (name, prefix) = if self.options.generalized {
            ("connect_union", "connect_union_field_".to_owned())
        } else {
            (UNION, format!("{UNION}.field."))
        };
        let (mut nodes, mut fields) = (Vec::new(), Vec::new());
        for (place, (node, schema)) in made.into_iter().enumerate() {
            nodes.push(node);
            fields.push(Field { name: format!("{prefix}{place}").into(), schema });
        }
        let mut schema = Schema { name: Some(name.into()), ..Schema::new(Kind::Struct(fields.into())) };
        schema.optional = optional;
        schema.doc = text(object, "description", &self.room)?;
        let schema = Arc::new(schema);
        Ok((Node::Union(nodes, Arc::clone(&schema)), schema))
    }

    /// All parts at once: their properties together, or the first that has a type.
    fn all_of(
        &mut self,
        parts: &'a [Json],
        object: &'a Map<String, Json>,
        context: Context,
    ) -> Result<Made, Error> {
        let mut objects = Vec::new();
        let mut first = None;
        let own = object.contains_key("properties").then_some((context.document, object));
        let mut open: Vec<(usize, &'a Json)> =
            parts.iter().rev().map(|part| (context.document, part)).collect();
        while let Some((document, part)) = open.pop() {
            if objects.len() > MOST_DEPTH {
                return Err(bad_schema("an allOf is a ring"));
            }
            if let Some(reference) = part.get("$ref").and_then(Json::as_str) {
                let (at, target) = self.documents.find(document, reference)?;
                objects.push((document, None));
                open.push((at.0, target));
            } else if let Some(Json::Array(parts)) = part.get("allOf") {
                open.extend(parts.iter().rev().map(|part| (document, part)));
                objects.push((document, part.as_object()));
            } else if let Some(object) = part.as_object().filter(|object| object.contains_key("properties")) {
                objects.push((document, Some(object)));
            } else if ["type", "const", "enum", "oneOf", "anyOf"].iter().any(|key| part.get(key).is_some()) {
                first.get_or_insert((document, part));
            }
        }
        let objects: Vec<_> =
            objects.into_iter().filter_map(|(at, object)| Some((at, object?))).chain(own).collect();
        let has_properties = objects.iter().any(|(_, object)| object.contains_key("properties"));
        match (has_properties, first) {
            (true, _) => self.object(&objects, object, context),
            (false, Some((document, part))) => self.of(part, Context { document, ..context }),
            (false, None) => match object.get("type").and_then(Json::as_str) {
                Some(name) => self.typed(name, object, context),
                None => Err(bad_schema("an allOf has no type")),
            },
        }
    }

    fn typed(&mut self, name: &str, object: &'a Map<String, Json>, context: Context) -> Result<Made, Error> {
        let connect = object.get("connect.type").and_then(Json::as_str);
        let optional = context.optional;
        let (node, schema) = match (name, connect) {
            ("object", Some("map")) => {
                let values = object.get("additionalProperties");
                let values = values.ok_or_else(|| bad_schema("a map has no \"additionalProperties\""))?;
                let (node, values) = self.of(values, context.inner(false))?;
                let keys = Some(Arc::new(Schema::new(Kind::String)));
                (Node::Map(Box::new(node), optional), Schema::new(Kind::Map(keys, Some(values))))
            }
            ("object", _) => return self.object(&[(context.document, object)], object, context),
            ("array", _) => self.array(connect == Some("map"), object, &context)?,
            (name, connect) => {
                let schema = self.finish(Schema::new(leaf(name, connect)?), object, optional)?;
                return Ok((Node::Leaf(Arc::clone(&schema)), schema));
            }
        };
        let schema = self.finish(schema, object, optional)?;
        Ok((node, schema))
    }

    fn array(
        &mut self,
        is_map: bool,
        object: &'a Map<String, Json>,
        context: &Context,
    ) -> Result<(Node, Schema), Error> {
        let items =
            object.get("items").ok_or_else(|| Error::new("Array schema did not specify the items type"))?;
        if is_map {
            let part = |name: &str| items.get("properties").and_then(|properties| properties.get(name));
            let (Some(key), Some(value)) = (part("key"), part("value")) else {
                return Err(bad_schema("the entries of a map have no key and value"));
            };
            let (key, keys) = self.of(key, context.inner(false))?;
            let (value, values) = self.of(value, context.inner(false))?;
            let node = Node::Entries(Box::new((key, value)), context.optional);
            return Ok((node, Schema::new(Kind::Map(Some(keys), Some(values)))));
        }
        let (node, of) = self.of(items, context.inner(false))?;
        Ok((Node::Array(Box::new(node), context.optional), Schema::new(Kind::Array(Some(of)))))
    }

    /// The struct of the properties of `parts`; what else there is to say of it is in `object`.
    fn object(
        &mut self,
        parts: &[(usize, &'a Map<String, Json>)],
        object: &'a Map<String, Json>,
        context: Context,
    ) -> Result<Made, Error> {
        let place = self.objects.len();
        self.objects.push(None);
        if let Some(at) = context.at {
            self.known.insert(at, place);
        }
        let lists = parts.iter().filter_map(|(_, part)| part.get("required")?.as_array());
        let required: HashSet<&str> = lists.flatten().filter_map(Json::as_str).collect();
        let (mut nodes, mut fields): (Vec<Node>, Vec<Field>) = (Vec::new(), Vec::new());
        for (document, name, property) in sorted(parts) {
            let inner = Context { document, optional: !required.contains(name), at: None };
            let (node, schema) = self.of(property, inner)?;
            nodes.push(node);
            self.room.take_text(name.len())?;
            fields.push(Field { name: name.into(), schema });
        }
        let schema = self.finish(Schema::new(Kind::Struct(fields.into())), object, context.optional)?;
        let names = schema.fields().iter().map(|field| Arc::clone(&field.name)).collect();
        let whole = Object { nodes, names, schema: Arc::clone(&schema) };
        if let Some(slot) = self.objects.get_mut(place) {
            *slot = Some(whole);
        }
        Ok((Node::Object(place, Some(Arc::clone(&schema)), context.optional), schema))
    }

    /// Adds name, version, doc, parameters and default.
    fn finish(
        &self,
        mut schema: Schema,
        object: &Map<String, Json>,
        optional: bool,
    ) -> Result<Arc<Schema>, Error> {
        schema.optional = optional;
        schema.name = text(object, "title", &self.room)?;
        schema.doc = text(object, "description", &self.room)?;
        let version = object.get("connect.version").and_then(Json::as_i64);
        schema.version = version.and_then(|version| i32::try_from(version).ok());
        if let Some(Json::Object(parameters)) = object.get("connect.parameters") {
            self.room.take(parameters.len())?;
            for (name, value) in parameters {
                let value = value.as_str().ok_or_else(|| bad_schema("a parameter is no text"))?;
                self.room.take_text(name.len() + value.len())?;
                schema.parameters.insert(name.as_str().into(), value.into());
            }
        }
        if schema.name.as_deref() == Some(DECIMAL) {
            schema.scale()?;
        }
        let default = object.get("default").filter(|default| !default.is_null());
        if let (Some(default), false) =
            (default, matches!(schema.kind, Kind::Struct(_) | Kind::Array(_) | Kind::Map(..)))
        {
            let text = default.to_string();
            self.room.take_text(text.len())?;
            let json = json_text::parse(text.as_bytes(), 0).map_err(super::super::json_payload::not_json)?;
            let leaf = Node::Leaf(Arc::new(schema.clone()));
            schema.default = Some(read::value(&leaf, &[], &json, &self.room)?);
        }
        Ok(Arc::new(schema))
    }
}

/// The properties: those with a `connect.index` by it, the others by name.
fn sorted<'a>(parts: &[(usize, &'a Map<String, Json>)]) -> Vec<(usize, &'a str, &'a Json)> {
    let mut by_name: BTreeMap<&'a str, (usize, &'a Json)> = BTreeMap::new();
    for (document, part) in parts {
        if let Some(Json::Object(properties)) = part.get("properties") {
            by_name.extend(properties.iter().map(|(name, json)| (name.as_str(), (*document, json))));
        }
    }
    let index = |json: &Json| json.get("connect.index").and_then(Json::as_i64).unwrap_or(i64::MAX);
    let mut all: Vec<_> = by_name.into_iter().map(|(name, (at, json))| (at, name, json)).collect();
    all.sort_by_key(|(_, _, json)| index(json));
    all
}

fn unsupported(json: &Json) -> Error {
    Error::new(format!("Unsupported schema type {}", brief(json)))
}

fn leaf(name: &str, connect: Option<&str>) -> Result<Kind, Error> {
    Ok(match (name, connect) {
        ("boolean", _) => Kind::Boolean,
        ("integer" | "number", Some("int8")) => Kind::Int8,
        ("integer" | "number", Some("int16")) => Kind::Int16,
        ("integer" | "number", Some("int32")) => Kind::Int32,
        ("integer", _) | ("number", Some("int64")) => Kind::Int64,
        ("number", Some("float32")) => Kind::Float32,
        ("number" | "string", Some("bytes")) => Kind::Bytes,
        ("number", _) => Kind::Float64,
        ("string", _) => Kind::String,
        _ => return Err(Error::new(format!("Unsupported schema type {name}"))),
    })
}

/// A text of a schema, which is there once more with each use.
fn text(object: &Map<String, Json>, key: &str, room: &Room) -> Result<Option<Arc<str>>, Error> {
    let text = object.get(key).and_then(Json::as_str);
    room.take_text(text.map_or(0, str::len))?;
    Ok(text.map(Arc::from))
}
