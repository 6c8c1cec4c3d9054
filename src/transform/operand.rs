//! What the transformations share: the key or the value that they work on, the checks that Connect has for it, and
//! schemas made from other schemas.

use super::settings::Side;
use crate::data::{Error, Field, Kind, Record, Schema, SchemaAndValue, Struct, Value, entry};
use std::collections::{HashMap, HashSet};
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

impl Side {
    pub(super) fn of(self, record: &Record) -> &SchemaAndValue {
        match self {
            Self::Key => &record.key,
            Self::Value => &record.value,
        }
    }

    pub(super) fn of_mut(self, record: &mut Record) -> &mut SchemaAndValue {
        match self {
            Self::Key => &mut record.key,
            Self::Value => &mut record.value,
        }
    }

    /// Takes the operand out of the record, which has null there until it is put back.
    pub(super) fn take(self, record: &mut Record) -> SchemaAndValue {
        mem::replace(self.of_mut(record), SchemaAndValue::NULL)
    }
}

/// Entries of a map without a schema.
pub(super) type Entries = Vec<(Value, Value)>;

pub(super) fn require_map(value: Value, purpose: &str) -> Result<Entries, Error> {
    match value {
        Value::Map(entries) => Ok(entries),
        other => Err(no_map(&other, purpose)),
    }
}

pub(super) fn require_struct(value: Value, purpose: &str) -> Result<Struct, Error> {
    match value {
        Value::Struct(of) => Ok(of),
        other => Err(no_struct(&other, purpose)),
    }
}

pub(super) fn no_map(value: &Value, purpose: &str) -> Error {
    Error::new(format!(
        "Only Map objects supported in absence of schema for [{purpose}], found: {}",
        value.java_class()
    ))
}

pub(super) fn no_struct(value: &Value, purpose: &str) -> Error {
    Error::new(format!("Only Struct objects supported for [{purpose}], found: {}", value.java_class()))
}

/// Connect's error for a schema that has no fields to list.
pub(super) fn require_fields(schema: &Schema) -> Result<&[Field], Error> {
    match &schema.kind {
        Kind::Struct(fields) => Ok(fields),
        _ => Err(Error::new("Cannot list fields on non-struct type")),
    }
}

/// A field's schema; none when there is no such field.
pub(super) fn look_up<'a>(schema: &'a Schema, name: &str) -> Result<Option<&'a Field>, Error> {
    match &schema.kind {
        Kind::Struct(_) => Ok(schema.field(name).map(|(_, field)| field)),
        _ => Err(Error::new("Cannot look up fields on non-struct type")),
    }
}

/// A field's value as it is read: the default for null, unless nulls are to stay.
pub(super) fn read(value: Value, schema: &Schema, replace_null: bool) -> Value {
    match (value, &schema.default) {
        (Value::Null, Some(default)) if replace_null => default.clone(),
        (value, _) => value,
    }
}

/// The fields of a struct with their values as they are read.
pub(super) fn read_all(of: Struct, replace_null: bool) -> Vec<(Field, Value)> {
    let Struct { schema, values } = of;
    let read = |(field, value): (&Field, Value)| (field.clone(), read(value, &field.schema, replace_null));
    schema.fields().iter().zip(values).map(read).collect()
}

/// A schema of another kind with the name, version, doc and parameters of this one.
pub(super) fn with_basics(source: &Schema, kind: Kind) -> Schema {
    Schema {
        name: source.name.clone(),
        version: source.version,
        doc: source.doc.clone(),
        parameters: source.parameters.clone(),
        ..Schema::new(kind)
    }
}

/// The kind of a struct of these fields, which must have names of their own.
pub(super) fn struct_kind(fields: Vec<Field>) -> Result<Kind, Error> {
    let wrong = |message: String| {
        Err(Error::of_class("org.apache.kafka.connect.errors.SchemaBuilderException", message))
    };
    let mut names = HashSet::with_capacity(fields.len());
    for field in &fields {
        if field.name.is_empty() {
            return wrong("fieldName cannot be null.".to_owned());
        }
        if !names.insert(&*field.name) {
            return wrong(format!("Cannot create field because of field name duplication {}", field.name));
        }
    }
    Ok(Kind::Struct(fields.into()))
}

/// Sets an entry of a map: in its place if there is one, else at the end.
pub(super) fn put(entries: &mut Entries, name: &str, value: Value) {
    match entries.iter_mut().find(|(key, _)| is_named(key, name)) {
        Some((_, old)) => *old = value,
        None => entries.push((name.into(), value)),
    }
}

pub(super) fn is_named(key: &Value, name: &str) -> bool {
    matches!(key, Value::String(text) if **text == *name)
}

/// Up to so many names are searched for; for more there is a table.
const FEW: usize = 8;

/// The values of these names in a map, each none when there is no such entry.
pub(super) fn in_map<'e>(entries: &'e [(Value, Value)], names: &[String]) -> Vec<Option<&'e Value>> {
    if names.len() <= FEW {
        return names.iter().map(|name| entry(entries, name)).collect();
    }
    let mut table = HashMap::with_capacity(entries.len());
    for (key, value) in entries {
        if let Value::String(key) = key {
            table.entry(&**key).or_insert(value);
        }
    }
    names.iter().map(|name| table.get(name.as_str()).copied()).collect()
}

/// A map in the making, in which many names are looked up.
#[derive(Debug, Default)]
pub(super) struct Draft {
    entries: Entries,
    has_table: bool,
    /// The places of all names among the first `known` entries.
    table: HashMap<Arc<str>, usize>,
    known: usize,
}

impl Draft {
    /// A map to be changed; so many names will be looked up.
    pub(super) fn of(entries: Entries, names: usize) -> Self {
        Self { entries, has_table: names > FEW, ..Self::default() }
    }

    /// A map to be filled with any number of names.
    pub(super) fn new() -> Self {
        Self::of(Entries::new(), usize::MAX)
    }

    pub(super) fn get(&mut self, name: &str) -> Option<&Value> {
        let place = self.place(name)?;
        self.entries.get(place).map(|(_, value)| value)
    }

    /// Sets an entry: in its place if there is one, else at the end.
    pub(super) fn put(&mut self, name: &str, value: Value) {
        match self.place(name).and_then(|place| self.entries.get_mut(place)) {
            Some((_, old)) => *old = value,
            None => self.entries.push((name.into(), value)),
        }
    }

    /// Adds an entry whose key is no text.
    pub(super) fn push(&mut self, key: Value, value: Value) {
        self.entries.push((key, value));
    }

    pub(super) fn into_value(self) -> Value {
        Value::Map(self.entries)
    }

    fn place(&mut self, name: &str) -> Option<usize> {
        if !self.has_table || self.entries.len() <= FEW {
            return self.entries.iter().position(|(key, _)| is_named(key, name));
        }
        for (place, (key, _)) in self.entries.iter().enumerate().skip(self.known) {
            if let Value::String(key) = key {
                self.table.entry(Arc::clone(key)).or_insert(place);
            }
        }
        self.known = self.entries.len();
        self.table.get(name).copied()
    }
}

/// What was made of the last schemas, mostly other schemas. Records come with the same schema over and over; it is recognised
/// by its place in memory, which it keeps as long as it is held here.
#[derive(Debug)]
pub(super) struct SchemaCache<T = Arc<Schema>>(Mutex<Vec<(Arc<Schema>, T)>>);

impl<T> Default for SchemaCache<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

/// As many as Connect keeps.
const CACHED: usize = 16;

impl SchemaCache {
    /// The schema made from `source`, made now if it is not there.
    pub(super) fn get(
        &self,
        source: &Arc<Schema>,
        make: impl FnOnce(&Schema) -> Result<Schema, Error>,
    ) -> Result<Arc<Schema>, Error> {
        self.made(source, |source| make(source).map(Arc::new))
    }
}

impl<T: Clone> SchemaCache<T> {
    /// What is made from `source`, made now if it is not there.
    pub(super) fn made(
        &self,
        source: &Arc<Schema>,
        make: impl FnOnce(&Schema) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = known.iter().position(|(of, _)| Arc::ptr_eq(of, source)) {
            if at > 0 {
                known.swap(at, 0);
            }
            if let Some((_, made)) = known.first() {
                return Ok(made.clone());
            }
        }
        let new = make(source)?;
        known.truncate(CACHED - 1);
        known.insert(0, (source.clone(), new.clone()));
        Ok(new)
    }
}
