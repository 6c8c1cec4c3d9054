//! How much may be made of a record's bytes, or of a schema's text.
//!
//! A schema makes much of little: fields that are missing in each of a million empty objects, a default for each null, a
//! type that is used ten thousand times, a name of a megabyte in each of them. What is made is counted, and an end of the
//! room is an error of the record. Pure.

use super::{Error, Value};
use std::cell::Cell;

/// Values of a record of no bytes, and the more for each byte: the sparsest messages have some values for each.
const VALUES: usize = 1_000_000;
const VALUES_OF_A_BYTE: usize = 8;
/// Avro writes all fields: only nulls and empty records take no bytes.
const EMPTY_VALUES: usize = 250_000;
/// Parts of a schema: types, and each use of one with the properties, symbols and defaults that are made anew there.
const PARTS: usize = 250_000;
/// Parts of a schema that is written out.
const WRITTEN_PARTS: usize = 25_000;
/// So many bytes of text, where it is there once more, count as one.
const TEXT: usize = 64;
/// No record is written longer.
const WRITTEN: usize = 256 * 1024 * 1024;

/// The room that is left.
#[derive(Debug)]
pub struct Room {
    left: Cell<usize>,
    full: &'static str,
}

impl Room {
    /// For the values of a record of so many bytes.
    pub fn for_values(bytes: usize) -> Self {
        Self::beyond(VALUES, bytes)
    }

    /// For the values of a record in Avro, of so many bytes.
    pub fn for_avro(bytes: usize) -> Self {
        Self::beyond(EMPTY_VALUES, bytes)
    }

    fn beyond(values: usize, bytes: usize) -> Self {
        let full =
            "by its schema it has many more values than bytes: fields that are missing, nulls, defaults";
        let room = Self { left: Cell::new(values), full };
        room.grow(bytes);
        room
    }

    /// So many bytes more.
    pub fn grow(&self, bytes: usize) {
        self.left.set(self.left.get().saturating_add(bytes.saturating_mul(VALUES_OF_A_BYTE)));
    }

    /// For the parts of a schema.
    pub fn for_parts() -> Self {
        let full = "the schema has too many parts, each use of a type and each value of a default counted";
        Self { left: Cell::new(PARTS), full }
    }

    /// For the parts of a schema where types without names are written out with each use.
    pub fn for_written_parts() -> Self {
        Self { left: Cell::new(WRITTEN_PARTS), ..Self::for_parts() }
    }

    /// Takes room for so many.
    pub fn take(&self, count: usize) -> Result<(), Error> {
        let left = self.left.get().checked_sub(count).ok_or_else(|| Error::new(self.full))?;
        self.left.set(left);
        Ok(())
    }

    /// Takes room for a text of so many bytes that is there once more.
    pub fn take_text(&self, bytes: usize) -> Result<(), Error> {
        self.take(bytes / TEXT)
    }

    /// A default where it stands for a value.
    pub fn default(&self, value: &Value) -> Result<Value, Error> {
        self.count(value)?;
        Ok(value.clone())
    }

    fn count(&self, value: &Value) -> Result<(), Error> {
        self.take(1)?;
        match value {
            Value::Array(values) => values.iter().try_for_each(|value| self.count(value)),
            Value::Map(entries) => entries.iter().try_for_each(|(key, value)| {
                self.count(key)?;
                self.count(value)
            }),
            Value::Struct(of) => of.values.iter().try_for_each(|value| self.count(value)),
            _ => Ok(()),
        }
    }
}

/// An error when what is written of a record is longer than any record may be: beyond it are few bytes of which a schema
/// makes many, by long names, symbols and defaults. To be asked for each value.
pub fn check_written(bytes: usize) -> Result<(), Error> {
    if bytes > WRITTEN {
        return Err(Error::new(format!("it would be written in more than {WRITTEN} bytes")));
    }
    Ok(())
}
