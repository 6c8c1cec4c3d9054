//! The schema half of Connect's JSON envelope: a JSON object becomes a [`Schema`] (`connect-runtime.md` §6.2).
//!
//! Records repeat their schema, so what was read once is kept by its text, up to `schemas.cache.size`.

use super::json_payload;
use crate::data::schema::Field;
use crate::data::{Error, Kind, Schema, Value};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet, HashMap};
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

    /// The schema of `text`, JSON; none for `null`.
    pub(super) fn get(&self, text: &str) -> Result<Option<Arc<Schema>>, Error> {
        let known =
            |cache: &Self| cache.known.lock().unwrap_or_else(PoisonError::into_inner).get(text).cloned();
        if let Some(schema) = known(self) {
            return Ok(schema);
        }
        let json: Json = serde_json::from_str(text).map_err(super::json::not_json)?;
        let schema = read(&json)?.map(Arc::new);
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
fn read(json: &Json) -> Result<Option<Schema>, Error> {
    if json.is_null() {
        return Ok(None);
    }
    let name = json
        .get("type")
        .and_then(Json::as_str)
        .ok_or_else(|| Error::new("Schema must contain 'type' field"))?;
    let kind = kind(name, json)?;
    let mut schema = Schema::new(kind);
    schema.optional = json.get("optional").and_then(Json::as_bool).unwrap_or(false);
    // What is of another type than it should be is passed over, as in Connect.
    schema.name = text(json, "name");
    schema.version = json.get("version").and_then(Json::as_i64).and_then(|number| i32::try_from(number).ok());
    schema.doc = text(json, "doc");
    schema.parameters = parameters(json)?;
    if let Some(default) = json.get("default") {
        schema.default = read_default(&schema, default)?;
    }
    Ok(Some(schema))
}

fn kind(name: &str, json: &Json) -> Result<Kind, Error> {
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
        "array" => Kind::Array(part(json, "items", "Array schema did not specify the element type")?),
        "map" => Kind::Map(
            part(json, "keys", "Map schema did not specify the key type")?,
            part(json, "values", "Map schema did not specify the value type")?,
        ),
        "struct" => Kind::Struct(fields(json)?),
        other => return Err(Error::new(format!("Unknown schema type: {other}"))),
    })
}

fn part(json: &Json, key: &str, missing: &str) -> Result<Option<Arc<Schema>>, Error> {
    let part = json.get(key).filter(|part| !part.is_null()).ok_or_else(|| Error::new(missing))?;
    Ok(read(part)?.map(Arc::new))
}

fn fields(json: &Json) -> Result<Vec<Field>, Error> {
    let fields = json
        .get("fields")
        .and_then(Json::as_array)
        .ok_or_else(|| Error::new("Struct schema's \"fields\" argument is not an array."))?;
    let field = |json: &Json| {
        let name = json
            .get("field")
            .and_then(Json::as_str)
            .ok_or_else(|| Error::new("Struct schema's field name not specified properly"))?;
        let schema = read(json)?.ok_or_else(|| Error::new("Schema must contain 'type' field"))?;
        Ok(Field { name: name.into(), schema: Arc::new(schema) })
    };
    let fields: Vec<Field> = fields.iter().map(field).collect::<Result<_, _>>()?;
    let mut names = BTreeSet::new();
    if let Some(twice) = fields.iter().find(|field| !names.insert(&field.name)) {
        return Err(Error::of_class(
            "org.apache.kafka.connect.errors.SchemaBuilderException",
            format!("Cannot create field because of field name duplication {}", twice.name),
        ));
    }
    Ok(fields)
}

fn text(json: &Json, key: &str) -> Option<Arc<str>> {
    json.get(key).and_then(Json::as_str).map(Arc::from)
}

fn parameters(json: &Json) -> Result<BTreeMap<Arc<str>, Arc<str>>, Error> {
    let Some(Json::Object(parameters)) = json.get("parameters") else { return Ok(BTreeMap::new()) };
    let pair = |(key, value): (&String, &Json)| match value {
        Json::String(value) => Ok((key.as_str().into(), value.as_str().into())),
        _ => Err(Error::new("Schema parameters must have string values.")),
    };
    parameters.iter().map(pair).collect()
}

fn read_default(schema: &Schema, default: &Json) -> Result<Option<Value>, Error> {
    if default.is_null() && schema.optional {
        return Ok(None);
    }
    let text = default.to_string();
    let raw = serde_json::from_str(&text).map_err(super::json::not_json)?;
    Ok(Some(json_payload::value(&Arc::new(schema.clone()), raw, true)?))
}
