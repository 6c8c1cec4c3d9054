//! Protobuf: a schema's text becomes descriptors, a message's descriptor Connect's schema, and bytes values
//! (`connect-runtime.md` §6.4).
//!
//! Rooms: `compile` reads the text, `framing` says which message it is, `plan` makes Connect's schema, `read` the values.
//! Pure; what was made of a message is kept, for there are few and they do not change.

mod compile;
mod error;
mod framing;
mod options;
mod plan;
mod read;
mod row;

use super::wire::Framed;
use crate::data::registered::Registered;
use crate::data::{Error, SchemaAndValue};
use error::bad_message;
use framing::Which;
use options::Options;
use plan::Plan;
use prost_reflect::{DynamicMessage, FileDescriptor};
pub use row::{APICURIO, CONFLUENT};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// Reads messages of one schema.
#[derive(Debug)]
struct Reader {
    file: FileDescriptor,
    options: Options,
    /// Held for a lookup only; a schema has few messages.
    plans: RwLock<Plans>,
}

/// What was made of messages.
#[derive(Debug, Default)]
struct Plans {
    known: HashMap<Which, Arc<Plan>>,
    /// Of all of them.
    parts: usize,
}

/// Fields in all plans of a schema: each message may have all others in it.
const MOST_PARTS: usize = 250_000;

impl Plans {
    fn keep(&mut self, which: Which, plan: &Arc<Plan>) {
        // Whoever sends ever other messages of so many gains nothing from keeping them.
        if self.parts > MOST_PARTS {
            *self = Self::default();
        }
        self.parts += plan.parts();
        self.known.insert(which, Arc::clone(plan));
    }
}

impl Reader {
    /// Compiles a schema.
    fn new(registered: &Registered, options: Options) -> Result<Self, Error> {
        Ok(Self { file: compile::file(registered)?, options, plans: RwLock::default() })
    }

    /// Reads one message.
    fn decode(&self, framed: &Framed<'_>) -> Result<SchemaAndValue, Error> {
        let (which, payload) = framing::read(self.options.indexes, framed)?;
        let plan = self.plan(which)?;
        let message = DynamicMessage::decode(plan.message.clone(), payload)
            .map_err(|error| bad_message(error.to_string()))?;
        read::root(&plan, self.options, (&message, payload.len()))
    }

    fn plan(&self, which: Which) -> Result<Arc<Plan>, Error> {
        let known = self.plans.read().unwrap_or_else(PoisonError::into_inner).known.get(&which).cloned();
        if let Some(plan) = known {
            return Ok(plan);
        }
        let message = which.find(&self.file).ok_or_else(|| bad_message("the schema has no such message"))?;
        let plan = Arc::new(plan::make(message, self.options)?);
        self.plans.write().unwrap_or_else(PoisonError::into_inner).keep(which, &plan);
        Ok(plan)
    }
}

#[cfg(test)]
mod tests;
