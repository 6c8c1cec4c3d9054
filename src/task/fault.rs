//! What is wrong with a record that gets no further, and at which stage of its way that was.

use crate::data;
use std::sync::Arc;

/// The class that runs in the last stage.
const SINK_TASK: &str = "org.apache.kafka.connect.sink.SinkTask";

/// A stage of a record's way, as dead letters name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The key's converter.
    KeyConverter,
    /// The value's converter.
    ValueConverter,
    /// The headers' converter.
    HeaderConverter,
    /// A transformation or its predicate.
    Transformation,
    /// The sink.
    TaskPut,
}

impl Stage {
    /// Connect's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::KeyConverter => "KEY_CONVERTER",
            Self::ValueConverter => "VALUE_CONVERTER",
            Self::HeaderConverter => "HEADER_CONVERTER",
            Self::Transformation => "TRANSFORMATION",
            Self::TaskPut => "TASK_PUT",
        }
    }

    /// The setting to check; `of_sink` is the sink's own.
    pub fn setting(self, of_sink: &'static str) -> &'static str {
        match self {
            Self::KeyConverter => "key.converter",
            Self::ValueConverter => "value.converter",
            Self::HeaderConverter => "header.converter",
            Self::Transformation => "transforms",
            Self::TaskPut => of_sink,
        }
    }
}

/// What is wrong with a record.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordFault {
    /// Where it failed.
    pub stage: Stage,
    /// The full name of the class that ran.
    pub class: Arc<str>,
    /// What that said.
    pub source: data::Error,
}

impl RecordFault {
    pub(super) fn new(stage: Stage, class: &str, source: data::Error) -> Self {
        Self { stage, class: class.into(), source }
    }

    /// The sink does not take it.
    pub(super) fn of_sink(source: data::Error) -> Self {
        Self::new(Stage::TaskPut, SINK_TASK, source)
    }
}
