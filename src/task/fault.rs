//! What is wrong with a record that gets no further, and at which stage of its way that was.

use crate::brief::Brief;
use crate::causes::{chain, innermost};
use crate::data;
use std::sync::Arc;

/// A line has room for so much of what a record's fault is; of a longer one the innermost cause says most.
const MOST_OF_A_FAULT: usize = 100;

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

    /// It in one line: at which stage, in a transformation of which class, and why.
    pub(super) fn brief(&self) -> Brief {
        let stage = match self.stage {
            Stage::Transformation => {
                let class = self.class.rsplit('.').next().unwrap_or(&self.class);
                format!("{} ({class})", self.stage.as_str())
            }
            stage => stage.as_str().to_owned(),
        };
        let all = chain(&self.source);
        let short = innermost(&self.source);
        let said = if all.chars().count() > MOST_OF_A_FAULT { short } else { all };
        // Words of Connect and of registries have semicolons, too.
        let brief = match said.rsplit_once("; ") {
            Some((text, remedy)) if ["check ", "set "].iter().any(|begin| remedy.starts_with(begin)) => {
                Brief::new(text).mended_by(remedy)
            }
            _ => Brief::new(said),
        };
        brief.after(&stage)
    }

    /// The sink does not take it.
    pub(super) fn of_sink(source: data::Error) -> Self {
        Self::new(Stage::TaskPut, SINK_TASK, source)
    }
}
