//! Avro schemas as they are written: JSON to a tree of types, names resolved (`connect-runtime.md` §6.4).
//!
//! Every property stays, also of types without a name (`connect.type`, `connect.parameters`, …), because Connect's
//! schemas are restored from them; general Avro libraries drop these. Pure.

use super::error::bad_schema;
use crate::data::Error;
use crate::data::json_text::{self, brief};
use crate::data::room::Room;
use serde_json::{Map, Value as Json};
use std::collections::HashMap;
use std::sync::Arc;

/// Properties of a type or a field.
pub(super) type Properties = Map<String, Json>;

/// One place where a type is used.
#[derive(Debug, Clone)]
pub(super) struct Type {
    pub(super) kind: Kind,
    pub(super) properties: Properties,
}

/// What type it is.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    String,
    Array(Box<Type>),
    Map(Box<Type>),
    Union(Vec<Type>),
    /// A record, enum or fixed: its place among [`Names`].
    Named(usize),
}

/// A type with a name.
#[derive(Debug, Clone)]
pub(super) struct Named {
    /// With its namespace.
    pub(super) full_name: String,
    pub(super) properties: Properties,
    pub(super) shape: Shape,
}

impl Named {
    /// The name without the namespace.
    pub(super) fn simple_name(&self) -> &str {
        self.full_name.rsplit('.').next().unwrap_or(&self.full_name)
    }
}

/// What a type with a name is.
#[derive(Debug, Clone)]
pub(super) enum Shape {
    /// Its name is known, its body is being read.
    Open,
    Record(Vec<Field>),
    Enum(Arc<[Arc<str>]>),
    Fixed(usize),
}

/// A record's field.
#[derive(Debug, Clone)]
pub(super) struct Field {
    pub(super) name: Arc<str>,
    pub(super) of: Type,
    pub(super) default: Option<Json>,
    pub(super) doc: Option<String>,
}

/// All types with names that were read so far.
#[derive(Debug)]
pub(super) struct Names {
    pub(super) all: Vec<Named>,
    places: HashMap<String, usize>,
    /// For a namespace with each name in it.
    room: Room,
}

impl Names {
    pub(super) fn new() -> Self {
        Self { all: Vec::new(), places: HashMap::new(), room: Room::for_parts() }
    }

    /// Reads one schema; it may use what was read before.
    pub(super) fn read(&mut self, text: &str) -> Result<Type, Error> {
        // A schema of one type may stand without quotes.
        let json = match json_text::parse_value(text.as_bytes()) {
            Ok(json) => json,
            Err(_) if text.trim().chars().all(|c| c.is_ascii_alphanumeric() || "._".contains(c)) => {
                Json::String(text.trim().to_owned())
            }
            Err(error) => return Err(bad_schema(format!("it is not JSON: {error}"))),
        };
        self.of(&json, "")
    }

    fn of(&mut self, json: &Json, namespace: &str) -> Result<Type, Error> {
        match json {
            Json::String(name) => {
                let kind = self.by_name(name, namespace)?;
                Ok(Type { kind, properties: Properties::new() })
            }
            Json::Array(branches) => self.of_union(branches, namespace),
            Json::Object(object) => self.of_object(object, namespace),
            Json::Null | Json::Bool(_) | Json::Number(_) => {
                Err(bad_schema(format!("{} is no type", brief(json))))
            }
        }
    }

    fn of_union(&mut self, branches: &[Json], namespace: &str) -> Result<Type, Error> {
        let mut types = Vec::with_capacity(branches.len());
        for branch in branches {
            types.push(self.of(branch, namespace)?);
        }
        Ok(Type { kind: Kind::Union(types), properties: Properties::new() })
    }

    fn by_name(&self, name: &str, namespace: &str) -> Result<Kind, Error> {
        Ok(match name {
            "null" => Kind::Null,
            "boolean" => Kind::Boolean,
            "int" => Kind::Int,
            "long" => Kind::Long,
            "float" => Kind::Float,
            "double" => Kind::Double,
            "bytes" => Kind::Bytes,
            "string" => Kind::String,
            _ => {
                self.room.take_text(namespace.len())?;
                let known = |name: &str| self.places.get(name).copied();
                let found = known(&full_name(name, namespace)).or_else(|| known(name));
                Kind::Named(found.ok_or_else(|| bad_schema(format!("there is no type {name}")))?)
            }
        })
    }

    fn of_object(&mut self, object: &Properties, namespace: &str) -> Result<Type, Error> {
        let name = match object.get("type") {
            Some(Json::String(name)) => name.as_str(),
            Some(nested) => return self.of(nested, namespace),
            None => return Err(bad_schema("a type has no \"type\"")),
        };
        let part =
            |key: &str| object.get(key).ok_or_else(|| bad_schema(format!("a type {name} has no \"{key}\"")));
        let kind = match name {
            "array" => Kind::Array(Box::new(self.of(part("items")?, namespace)?)),
            "map" => Kind::Map(Box::new(self.of(part("values")?, namespace)?)),
            "record" | "error" | "enum" | "fixed" => {
                let place = self.named(name, object, namespace)?;
                // Its properties are the named type's own.
                return Ok(Type { kind: Kind::Named(place), properties: Properties::new() });
            }
            _ => self.by_name(name, namespace)?,
        };
        Ok(Type { kind, properties: own_properties(object) })
    }

    fn named(&mut self, kind: &str, object: &Properties, namespace: &str) -> Result<usize, Error> {
        let name =
            text(object, "name").ok_or_else(|| bad_schema(format!("a type {kind} has no \"name\"")))?;
        let namespace = text(object, "namespace").unwrap_or(namespace);
        self.room.take_text(namespace.len())?;
        let full_name = full_name(name, namespace);
        let own_namespace = full_name.rsplit_once('.').map_or("", |(namespace, _)| namespace).to_owned();
        let place = self.all.len();
        self.places.insert(full_name.clone(), place);
        let wrong = |what: &str| bad_schema(format!("the {kind} {full_name} has no {what}"));
        let properties = own_properties(object);
        self.all.push(Named { full_name: full_name.clone(), properties, shape: Shape::Open });
        let shape = match kind {
            "enum" => {
                let symbols = object.get("symbols").and_then(Json::as_array);
                let symbols = symbols.ok_or_else(|| wrong("symbols"))?.iter();
                let symbols: Option<Arc<[_]>> =
                    symbols.map(|symbol| symbol.as_str().map(Arc::from)).collect();
                Shape::Enum(symbols.ok_or_else(|| wrong("symbols"))?)
            }
            "fixed" => {
                let size = object.get("size").and_then(Json::as_u64).and_then(|size| size.try_into().ok());
                Shape::Fixed(size.ok_or_else(|| wrong("size"))?)
            }
            _ => {
                let fields = object.get("fields").and_then(Json::as_array).ok_or_else(|| wrong("fields"))?;
                Shape::Record(fields.iter().map(|f| self.field(f, &own_namespace)).collect::<Result<_, _>>()?)
            }
        };
        if let Some(named) = self.all.get_mut(place) {
            named.shape = shape;
        }
        Ok(place)
    }

    fn field(&mut self, json: &Json, namespace: &str) -> Result<Field, Error> {
        let wrong = || bad_schema("a field has no \"name\" or no \"type\"");
        let object = json.as_object().ok_or_else(wrong)?;
        let of = object.get("type").ok_or_else(wrong)?;
        Ok(Field {
            name: text(object, "name").ok_or_else(wrong)?.into(),
            of: self.of(of, namespace)?,
            default: object.get("default").cloned(),
            doc: text(object, "doc").map(str::to_owned),
        })
    }
}

/// What is said of a type beside the types in it.
fn own_properties(object: &Properties) -> Properties {
    let is_own = |key: &str| !matches!(key, "type" | "items" | "values" | "fields" | "symbols");
    object.iter().filter(|(key, _)| is_own(key)).map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn full_name(name: &str, namespace: &str) -> String {
    if name.contains('.') || namespace.is_empty() { name.to_owned() } else { format!("{namespace}.{name}") }
}

/// A property that is a text.
pub(super) fn text<'a>(properties: &'a Properties, key: &str) -> Option<&'a str> {
    properties.get(key).and_then(Json::as_str)
}
