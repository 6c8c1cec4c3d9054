//! The schema half of Connect's JSON envelope: a JSON object becomes a [`Schema`] (`connect-runtime.md` §6.2).
//!
//! Records repeat their schema, so what was read once is kept by its text, up to `schemas.cache.size`.

use super::json_payload::{self, ByName, not_json};
use crate::data::json_text::{self, Json};
use crate::data::room::Room;
use crate::data::schema::Field;
use crate::data::{Error, Kind, Schema};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

/// Schemas by their text.
#[derive(Debug)]
pub(super) struct SchemaCache {
    size: usize,
    /// Held for a lookup only.
    known: Mutex<HashMap<Box<str>, Option<Arc<Schema>>>>,
}

impl SchemaCache {
    /// An empty cache of at most `size` schemas.
    pub(super) fn new(size: usize) -> Self {
        Self { size, known: Mutex::default() }
    }

    /// The schema of `text`, JSON in `outer` objects; none for `null`.
    pub(super) fn get(&self, text: &str, outer: usize) -> Result<Option<Arc<Schema>>, Error> {
        let known =
            |cache: &Self| cache.known.lock().unwrap_or_else(PoisonError::into_inner).get(text).cloned();
        if let Some(schema) = known(self) {
            return Ok(schema);
        }
        let json = json_text::parse(text.as_bytes(), outer).map_err(not_json)?;
        let schema = read(&json, &Room::for_parts())?.map(Arc::new);
        let mut cache = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever sends ever new schemas gains nothing from a cache; starting again keeps it small.
        if cache.len() >= self.size {
            cache.clear();
        }
        cache.insert(text.into(), schema.clone());
        Ok(schema)
    }
}

/// Reads a schema; none for JSON's null.
fn read(json: &Json<'_>, room: &Room) -> Result<Option<Schema>, Error> {
    let members = match json {
        Json::Null => return Ok(None),
        Json::Object(members) => ByName::new(members),
        _ => return Err(no_type()),
    };
    let name = text_of(&members, "type").ok_or_else(no_type)?;
    let mut schema = Schema::new(kind(name, &members, room)?);
    add_rest(&mut schema, &members, room)?;
    Ok(Some(schema))
}

fn no_type() -> Error {
    Error::new("Schema must contain 'type' field")
}

/// What is of another type than it should be is ignored, as in Connect.
fn add_rest(schema: &mut Schema, members: &ByName<'_, '_>, room: &Room) -> Result<(), Error> {
    schema.optional = members.get("optional") == Some(&Json::Boolean(true));
    schema.name = text_of(members, "name").map(Arc::from);
    schema.version = match members.get("version") {
        Some(Json::Number(number)) => number.parse().ok(),
        _ => None,
    };
    schema.doc = text_of(members, "doc").map(Arc::from);
    schema.parameters = parameters(members)?;
    match members.get("default") {
        None => {}
        Some(Json::Null) if schema.optional => {}
        Some(default) => {
            schema.default = Some(json_payload::value(&Arc::new(schema.clone()), default, true, room)?);
        }
    }
    Ok(())
}

fn kind(name: &str, members: &ByName<'_, '_>, room: &Room) -> Result<Kind, Error> {
    Ok(match name {
        "boolean" => Kind::Boolean,
        "int8" => Kind::Int8,
        "int16" => Kind::Int16,
        "int32" => Kind::Int32,
        "int64" => Kind::Int64,
        "float" => Kind::Float32,
        "double" => Kind::Float64,
        "bytes" => Kind::Bytes,
        "string" => Kind::String,
        "array" => {
            Kind::Array(part(members, "items", room, "Array schema did not specify the element type")?)
        }
        "map" => Kind::Map(
            part(members, "keys", room, "Map schema did not specify the key type")?,
            part(members, "values", room, "Map schema did not specify the value type")?,
        ),
        "struct" => Kind::Struct(fields(members, room)?.into()),
        other => return Err(Error::new(format!("Unknown schema type: {other}"))),
    })
}

fn part(
    members: &ByName<'_, '_>,
    key: &str,
    room: &Room,
    missing: &str,
) -> Result<Option<Arc<Schema>>, Error> {
    match members.get(key) {
        None | Some(Json::Null) => Err(Error::new(missing)),
        Some(part) => Ok(read(part, room)?.map(Arc::new)),
    }
}

fn fields(members: &ByName<'_, '_>, room: &Room) -> Result<Vec<Field>, Error> {
    let Some(Json::Array(all)) = members.get("fields") else {
        return Err(Error::new("Struct schema's \"fields\" argument is not an array."));
    };
    let mut fields = Vec::with_capacity(all.len());
    for json in all {
        let name = field_name(json)?;
        let schema = read(json, room)?.ok_or_else(no_type)?;
        fields.push(Field { name, schema: Arc::new(schema) });
    }
    let mut names = HashSet::with_capacity(fields.len());
    if let Some(twice) = fields.iter().find(|field| !names.insert(&field.name)) {
        return Err(Error::of_class(
            "org.apache.kafka.connect.errors.SchemaBuilderException",
            format!("Cannot create field because of field name duplication {}", twice.name),
        ));
    }
    Ok(fields)
}

fn field_name(json: &Json<'_>) -> Result<Arc<str>, Error> {
    let name = match json {
        Json::Object(members) => text_of(&ByName::new(members), "field"),
        _ => None,
    };
    name.map(Arc::from).ok_or_else(|| Error::new("Struct schema's field name not specified properly"))
}

fn text_of<'m>(members: &ByName<'m, '_>, key: &str) -> Option<&'m str> {
    match members.get(key) {
        Some(Json::String(text)) => Some(text),
        _ => None,
    }
}

fn parameters(members: &ByName<'_, '_>) -> Result<BTreeMap<Arc<str>, Arc<str>>, Error> {
    let Some(Json::Object(parameters)) = members.get("parameters") else { return Ok(BTreeMap::new()) };
    let mut all = BTreeMap::new();
    for (key, value) in parameters {
        let Json::String(value) = value else {
            return Err(Error::new("Schema parameters must have string values."));
        };
        all.insert(key.as_ref().into(), value.as_ref().into());
    }
    Ok(all)
}
