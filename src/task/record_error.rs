//! Why a record is in no batch.

use super::fault::RecordFault;
use super::registry_converter::MissingSchema;
use crate::sink;

/// Why a record is in no batch.
#[derive(Debug)]
pub enum RecordError {
    /// It is a bad record, and stays one.
    Bad(RecordFault),
    /// It can be tried again once this schema was fetched.
    NeedsSchema(MissingSchema),
    /// The sink cannot take any record.
    Sink(sink::Error),
}

impl From<RecordFault> for RecordError {
    fn from(fault: RecordFault) -> Self {
        Self::Bad(fault)
    }
}

impl From<sink::Error> for RecordError {
    fn from(error: sink::Error) -> Self {
        match error {
            sink::Error::Record(source) => Self::Bad(RecordFault::of_sink(source)),
            other => Self::Sink(other),
        }
    }
}
