//! Converters whose schemas are in a registry (`connect-runtime.md` §6.4).
//!
//! Synchronous and pure like the others: a record whose schema is not known yet gives [`ConvertFailure::NeedsSchema`]; whoever
//! calls fetches the schema, hands it in by [`RegisteredConverter::learn`] and converts once more. What was learnt is
//! shared by all pipelines of a connector; it is kept up to `schemas.cache.config`, a failure for a time that grows with
//! each further one (`failures`).

use super::failures::Failures;
use super::wire::{Framed, Wire, is_key, serialization};
use crate::configdef::Values;
use crate::data::registered::{Registered, SchemaId};
use crate::data::{self, SchemaAndValue};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

/// Why a record does not convert.
#[derive(Debug, Clone, PartialEq)]
pub enum ConvertFailure {
    /// The record's own fault, or its schema's.
    Data(data::Error),
    /// This schema has to be learnt first.
    NeedsSchema(SchemaId),
}

impl From<data::Error> for ConvertFailure {
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

/// A format of values whose schemas are in a registry.
pub(super) trait Format: fmt::Debug + Send + Sync {
    /// Its name in messages.
    fn name(&self) -> &'static str;

    /// The registry's name for the kind of its schemas.
    fn kind(&self) -> &'static str;

    /// What reads the values of a schema.
    fn reader(&self, schema: &Registered) -> Result<Box<dyn SchemaReader>, data::Error>;
}

/// Reads the values of one schema.
pub(super) trait SchemaReader: fmt::Debug + Send + Sync {
    /// One value, and what stands around it.
    fn read(&self, framed: &Framed<'_>) -> Result<SchemaAndValue, data::Error>;
}

/// What is known of schemas. Those that failed have a place of their own: they must not drive out the others.
#[derive(Debug, Default)]
struct Known {
    readers: HashMap<SchemaId, Arc<dyn SchemaReader>>,
    failures: Failures,
}

/// A converter that needs a schema registry.
#[derive(Debug)]
pub struct RegisteredConverter {
    class: &'static str,
    is_key: bool,
    wire: Wire,
    format: Box<dyn Format>,
    size: usize,
    /// Written when something is learnt; readers hold it for a lookup only.
    known: RwLock<Known>,
}

impl RegisteredConverter {
    /// The converter of `class` for values of `format`, which say their schema as `wire` does.
    pub(super) fn new(class: &'static str, wire: Wire, format: Box<dyn Format>, values: &Values<'_>) -> Self {
        let size = values.unsigned("schemas.cache.config").unwrap_or(1);
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        Self { class, is_key: is_key(values), wire, format, size, known: RwLock::default() }
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
        self.wire.detail
    }

    /// Converts.
    pub fn convert(&self, input: Input<'_>) -> Result<SchemaAndValue, ConvertFailure> {
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
                let name = self.format.name();
                let text = format!("Error deserializing {name} message for id {}: ", framed.id);
                ConvertFailure::Data(self.failed(input.topic, serialization(text).because(cause)))
            }),
            (None, Some(cause)) => Err(ConvertFailure::Data(self.failed(input.topic, cause))),
            (None, None) => Err(ConvertFailure::NeedsSchema(framed.id)),
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
        let name = self.format.name();
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
                known.readers.insert(id, reader.into());
            }
            Err(error) => {
                known.readers.remove(&id);
                known.failures.add(id, error, took, Instant::now());
            }
        }
    }

    fn reader(&self, registered: &Registered) -> Result<Box<dyn SchemaReader>, data::Error> {
        if let Some(kind) = registered.kind.as_deref().filter(|kind| *kind != self.format.kind()) {
            return Err(data::Error::new(format!("it is of type {kind}, which another converter reads")));
        }
        self.format.reader(registered)
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
                format!("Failed to access {} data from topic {topic} : ", self.format.name()),
            )),
            _ => None,
        };
        if let Some((class, text)) = of_class {
            return data::Error::of_class(class, text).because(cause);
        }
        let text = match self.format.name() {
            "JSON" => format!(
                "Converting byte[] to Kafka Connect data failed due to serialization error of topic {topic}: "
            ),
            name => format!("Failed to deserialize data for topic {topic} to {name}: "),
        };
        data::Error::new(text).because(cause)
    }
}

#[cfg(test)]
#[path = "registered_tests.rs"]
mod tests;
