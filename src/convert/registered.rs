//! Converters whose schemas are in a registry (`connect-runtime.md` §6.4).
//!
//! Synchronous and pure like the others: a record whose schema is not known yet gives [`Failure::NeedsSchema`]; whoever
//! calls fetches the schema, hands it in by [`RegisteredConverter::learn`] and converts once more. What was learnt is
//! shared by all pipelines of a connector; it is kept up to `schemas.cache.config`, a failure for a time that grows with
//! each further one (`failures`).

use super::failures::Failures;
use super::json_schema::SchemaCache;
use super::wire::{Framed, Wire, serialization};
use super::{avro, json_payload, protobuf, schema_json};
use crate::config::plugins;
use crate::data::json_text;
use crate::data::registered::{Registered, SchemaId};
use crate::data::room::Room;
use crate::data::{self, Schema, SchemaAndValue};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

/// Schemas that are kept unless `schemas.cache.config` says otherwise.
const USUAL_SIZE: usize = 1000;

/// Why a record does not convert.
#[derive(Debug, Clone, PartialEq)]
pub enum Failure {
    /// The record's own fault, or its schema's.
    Data(data::Error),
    /// This schema has to be learnt first.
    NeedsSchema(SchemaId),
}

impl From<data::Error> for Failure {
    fn from(error: data::Error) -> Self {
        Self::Data(error)
    }
}

/// A key or a value, and what belongs to it.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// The bytes; none is Kafka's null.
    pub bytes: Option<&'a [u8]>,
    /// The last header of the name that [`RegisteredConverter::id_header`] gives.
    pub id: Option<&'a [u8]>,
    /// The last header of the name that [`RegisteredConverter::detail_header`] gives.
    pub detail: Option<&'a [u8]>,
    /// The topic, for messages.
    pub topic: &'a str,
}

/// A format's readers.
#[derive(Debug, Clone)]
enum Format {
    Avro(avro::Options),
    /// JSON with a JSON Schema.
    Json(schema_json::Options),
    Protobuf(protobuf::Options),
    /// JSON with a schema of Connect's own.
    Connect,
}

/// What reads the values of one schema.
#[derive(Debug)]
enum Reader {
    Avro(avro::Reader),
    Json(schema_json::Reader),
    Protobuf(protobuf::Reader),
    Connect(Arc<Schema>),
}

impl Reader {
    fn read(&self, framed: &Framed<'_>) -> Result<SchemaAndValue, data::Error> {
        match self {
            // Apicurio's other encoding. Read as the usual one it might even make sense.
            Self::Avro(_) if framed.detail.is_some_and(|encoding| encoding != b"BINARY") => {
                Err(serialization(
                    "Avro's JSON encoding is not read; set apicurio.registry.avro.encoding=BINARY where it is written",
                ))
            }
            Self::Avro(reader) => reader.read(framed.payload),
            Self::Json(reader) => reader.read(framed.payload),
            Self::Protobuf(reader) => reader.read(framed),
            Self::Connect(schema) => {
                let payload = json_text::parse(framed.payload, 0).map_err(json_payload::not_json)?;
                let room = Room::for_values(framed.payload.len());
                let value = json_payload::value(schema, &payload, true, &room)?;
                Ok(SchemaAndValue { schema: Some(Arc::clone(schema)), value })
            }
        }
    }
}

/// What is known of schemas. Those that failed have a place of their own: they must not drive out the others.
#[derive(Debug, Default)]
struct Known {
    readers: HashMap<SchemaId, Arc<Reader>>,
    failures: Failures,
}

/// A converter that needs a schema registry.
#[derive(Debug)]
pub struct RegisteredConverter {
    class: &'static str,
    is_key: bool,
    wire: Wire,
    format: Format,
    size: usize,
    /// Written when something is learnt; readers hold it for a lookup only.
    known: RwLock<Known>,
}

impl RegisteredConverter {
    /// The converter of `class`, by its full name; none when the class needs no registry. `key` is the setting that
    /// named it.
    pub fn new(key: &str, class: &str, settings: &BTreeMap<String, String>) -> Option<Self> {
        let class = plugins::REGISTRY_CONVERTERS.into_iter().find(|known| *known == class)?;
        let is_key = key.starts_with("key.");
        let wire = match class {
            plugins::APICURIO_JSON_CONVERTER => Wire::object(is_key),
            class if plugins::is_apicurio(class) => Wire::apicurio(is_key, settings),
            _ => Wire::confluent(is_key),
        };
        let format = match class {
            plugins::AVRO_CONVERTER | plugins::APICURIO_AVRO_CONVERTER => {
                Format::Avro(avro::Options::new(settings, class == plugins::AVRO_CONVERTER))
            }
            plugins::JSON_SCHEMA_CONVERTER => Format::Json(schema_json::Options::new(settings)),
            plugins::PROTOBUF_CONVERTER | plugins::APICURIO_PROTOBUF_CONVERTER => {
                Format::Protobuf(protobuf::Options::new(settings, class == plugins::PROTOBUF_CONVERTER))
            }
            _ => Format::Connect,
        };
        let size = settings.get("schemas.cache.config").and_then(|size| size.trim().parse().ok());
        Some(Self {
            class,
            is_key,
            wire,
            format,
            size: size.filter(|size| *size > 0).unwrap_or(USUAL_SIZE),
            known: RwLock::default(),
        })
    }

    /// The full name of its Java class.
    pub fn class(&self) -> &'static str {
        self.class
    }

    /// The header that may hold a schema's id.
    pub fn id_header(&self) -> &'static str {
        self.wire.header
    }

    /// The header that, beside one with an id, says how a value is to be read; none when there is no such.
    pub fn detail_header(&self) -> Option<&'static str> {
        match (self.class, self.is_key) {
            (plugins::APICURIO_AVRO_CONVERTER, true) => Some("apicurio.key.encoding"),
            (plugins::APICURIO_AVRO_CONVERTER, false) => Some("apicurio.value.encoding"),
            (plugins::APICURIO_PROTOBUF_CONVERTER, _) => Some("apicurio.protobuf.type"),
            _ => None,
        }
    }

    /// Converts.
    pub fn convert(&self, input: Input<'_>) -> Result<SchemaAndValue, Failure> {
        let Some(bytes) = input.bytes else { return Ok(SchemaAndValue::NULL) };
        let mut framed = self.wire.read(bytes, input.id).map_err(|cause| self.failed(input.topic, cause))?;
        framed.detail = input.detail.filter(|_| framed.in_header.is_some());
        let (reader, failure) = {
            let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
            let reader = known.readers.get(&framed.id).cloned();
            let failure = if reader.is_none() { known.failures.get(framed.id, Instant::now()) } else { None };
            (reader, failure.cloned())
        };
        match (reader, failure) {
            (Some(reader), _) => reader.read(&framed).map_err(|cause| {
                let name = self.format_name();
                let text = format!("Error deserializing {name} message for id {}: ", framed.id);
                Failure::Data(self.failed(input.topic, serialization(text).because(cause)))
            }),
            (None, Some(cause)) => Err(Failure::Data(self.failed(input.topic, cause))),
            (None, None) => Err(Failure::NeedsSchema(framed.id)),
        }
    }

    /// True when a record of this schema needs no question to the registry now.
    pub fn knows(&self, id: SchemaId) -> bool {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.readers.contains_key(&id) || known.failures.get(id, Instant::now()).is_some()
    }

    /// Takes in what a registry answered: the schema, or why there is none; and how long that took, none for a failure
    /// that passes by itself.
    pub fn learn(&self, id: SchemaId, answer: Result<Registered, data::Error>, took: Option<Duration>) {
        let side = if self.is_key { "key" } else { "value" };
        let name = self.format_name();
        let retrieving = |cause| {
            serialization(format!("Error retrieving {name} {side} schema for id {id}: ")).because(cause)
        };
        // A schema that is of no use will be of none when it is asked for again.
        let took = if answer.is_ok() { Some(Duration::ZERO) } else { took };
        let made = answer.map_err(retrieving).and_then(|registered| {
            self.reader(&registered).map_err(|cause| {
                serialization(format!("The {name} {side} schema with id {id} cannot be used: "))
                    .because(cause)
            })
        });
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        match made {
            Ok(reader) => {
                // Whoever has ever new schemas gains nothing from keeping them; starting again keeps it small.
                if known.readers.len() >= self.size && !known.readers.contains_key(&id) {
                    known.readers.clear();
                }
                known.failures.forget(id);
                known.readers.insert(id, Arc::new(reader));
            }
            Err(error) => {
                known.readers.remove(&id);
                known.failures.add(id, error, took, Instant::now());
            }
        }
    }

    fn reader(&self, registered: &Registered) -> Result<Reader, data::Error> {
        let wanted = match self.format {
            Format::Avro(_) => "AVRO",
            Format::Json(_) | Format::Connect => "JSON",
            Format::Protobuf(_) => "PROTOBUF",
        };
        if let Some(kind) = registered.kind.as_deref().filter(|kind| *kind != wanted) {
            return Err(data::Error::new(format!("it is of type {kind}, which another converter reads")));
        }
        match &self.format {
            Format::Avro(options) => avro::Reader::new(registered, *options).map(Reader::Avro),
            Format::Json(options) => schema_json::Reader::new(registered, *options).map(Reader::Json),
            Format::Protobuf(options) => protobuf::Reader::new(registered, *options).map(Reader::Protobuf),
            Format::Connect => {
                let schema = SchemaCache::new(1).get(&registered.text, 0)?;
                let schema = schema.ok_or_else(|| data::Error::new("it is null"))?;
                Ok(Reader::Connect(schema))
            }
        }
    }

    fn format_name(&self) -> &'static str {
        match self.format {
            Format::Avro(_) => "Avro",
            Format::Json(_) | Format::Connect => "JSON",
            Format::Protobuf(_) => "Protobuf",
        }
    }

    /// In the words of the format's own converter.
    fn failed(&self, topic: &str, cause: data::Error) -> data::Error {
        let mut root = &cause;
        while let Some(deeper) = root.cause() {
            root = deeper;
        }
        let of_class = match root.class() {
            "java.io.IOException" => Some((
                "org.apache.kafka.common.errors.NetworkException",
                format!("I/O error while deserializing data for topic {topic}: "),
            )),
            "org.apache.kafka.common.errors.InvalidConfigurationException" => Some((
                "org.apache.kafka.common.config.ConfigException",
                format!("Failed to access {} data from topic {topic} : ", self.format_name()),
            )),
            _ => None,
        };
        if let Some((class, text)) = of_class {
            return data::Error::of_class(class, text).because(cause);
        }
        let text = match self.format {
            Format::Avro(_) | Format::Protobuf(_) => {
                format!("Failed to deserialize data for topic {topic} to {}: ", self.format_name())
            }
            Format::Json(_) | Format::Connect => format!(
                "Converting byte[] to Kafka Connect data failed due to serialization error of topic {topic}: "
            ),
        };
        data::Error::new(text).because(cause)
    }
}

#[cfg(test)]
#[path = "registered_tests.rs"]
mod tests;
