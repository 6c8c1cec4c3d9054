//! Avro: a writer's schema becomes a Connect schema and a plan by which values are decoded, straight from the bytes
//! (`connect-runtime.md` §6.4).
//!
//! Rooms: `parse` reads the schema, `plan` makes Connect's of it (`logical` what types say beside
//! themselves) and the `node`s by which `decode` reads values (`cursor` their bytes), `default` reads defaults. `file` is apart: container files,
//! without Connect's types. Pure.

mod cursor;
mod decode;
mod default;
mod error;
pub(super) mod file;
mod logical;
mod node;
mod options;
mod parse;
mod plan;
mod row;
mod values;

use crate::data::registered::Registered;
use crate::data::{Error, SchemaAndValue};
use node::{Node, Plan};
use options::Options;
pub use row::{APICURIO, CONFLUENT};

/// Decodes values of one schema.
#[derive(Debug)]
struct Reader {
    plan: Plan,
    bare_bytes: bool,
}

impl Reader {
    /// Reads a writer's schema.
    fn new(registered: &Registered, options: Options) -> Result<Self, Error> {
        let mut names = parse::Names::new();
        for reference in &registered.references {
            names.read(&reference.text)?;
        }
        let root = names.read(&registered.text)?;
        Ok(Self { plan: plan::make(&names, &root, options)?, bare_bytes: options.bare_bytes })
    }

    /// Decodes one value.
    fn decode(&self, bytes: &[u8]) -> Result<SchemaAndValue, Error> {
        let value = match &self.plan.root {
            Node::Bytes(scale) if self.bare_bytes => values::bytes_or_decimal(bytes, *scale)?,
            root => decode::value(root, &self.plan.records, bytes)?,
        };
        Ok(SchemaAndValue { schema: self.plan.schema.clone(), value })
    }
}

#[cfg(test)]
mod tests;
