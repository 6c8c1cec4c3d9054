//! Why a task failed, with its coordinates.

use super::at::At;
use super::fault::RecordFault;
use crate::brief::{self, Brief};
use crate::causes::chain;
use crate::config::Hidden;
use crate::configdef::ConfigError;
use crate::id::OffsetRange;
use crate::{configdef, convert, kafka, limits, registry, sink};

/// An error that ends a task.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(configdef::ConfigErrors),
    /// The converter cannot be made.
    #[error(transparent)]
    Converter(convert::Error),
    /// The client of a converter's schema registry cannot be made.
    #[error(transparent)]
    Registry(registry::Error),
    /// The target was refused before anything was read.
    #[error(transparent)]
    Start(Box<sink::Error>),
    /// This machine has no room for its Kafka clients.
    #[error(transparent)]
    Room(#[from] limits::Error),
    /// The consumer cannot work.
    #[error(transparent)]
    Kafka(#[from] kafka::Error),
    /// Kafka reported an error in place of a record.
    #[error("{at}: Kafka: {reason}; {advice}")]
    Fetch {
        /// Where.
        at: Box<At>,
        /// What the client says.
        reason: String,
        /// Which setting to look at.
        advice: &'static str,
    },
    /// A transformation or predicate cannot be made.
    #[error("{}", .0.iter().map(|error| error.message.as_str()).collect::<Vec<_>>().join("\n"))]
    Transforms(Vec<configdef::ConfigError>),
    /// A record got no further, and errors are not tolerated.
    #[error(
        "{at}, offset {offset}: {} ({}): {}; check {setting}, or set errors.tolerance=all",
        fault.stage.as_str(), fault.class, chain(&fault.source)
    )]
    BadRecord {
        /// Where.
        at: Box<At>,
        /// The record's offset.
        offset: i64,
        /// What went wrong.
        fault: Box<RecordFault>,
        /// The setting to look at.
        setting: &'static str,
    },
    /// A record could not be added to a batch, or no batch could be opened.
    #[error("{at}: {source}")]
    Sink {
        /// Where.
        at: Box<At>,
        /// What the sink says.
        source: Box<sink::Error>,
    },
    /// A batch was refused for good.
    #[error("{at}, offsets {offsets}: {source}")]
    Deliver {
        /// Where.
        at: Box<At>,
        /// The batch.
        offsets: OffsetRange,
        /// What the service says.
        source: Box<sink::Error>,
    },
    /// A batch that the service had taken is not in its target, and the connector is to end by that.
    #[error("{at}, offsets {offsets}: the service took this batch and did not keep it: {text}")]
    FailedBatch {
        /// Where.
        at: Box<At>,
        /// The batch.
        offsets: OffsetRange,
        /// What the service says.
        text: String,
        /// All in one line.
        brief: Box<Brief>,
    },
    /// A defect: a pipeline or an upload ended by a panic.
    #[error("{at}: internal error: {reason}; please report it")]
    Panic {
        /// Where.
        at: Box<At>,
        /// The panic's text, when it has one.
        reason: String,
    },
}

impl Error {
    /// It in one line: where, what, and what mends it.
    pub fn brief(&self) -> Brief {
        match self {
            Self::Config(errors) => ConfigError::brief(errors.entries()),
            Self::Transforms(errors) => ConfigError::brief(errors),
            Self::Start(error) => error.brief(),
            Self::Fetch { at, reason, advice } => {
                Brief::new(format!("Kafka: {reason}")).at(at.partition.to_string()).mended_by(*advice)
            }
            Self::BadRecord { at, offset, fault, setting } => {
                let remedy = format!("check {setting}, or set errors.tolerance=all");
                fault.brief().at(format!("{}, offset {offset}", at.partition)).or_mended_by(remedy)
            }
            Self::Sink { at, source } => source.brief().at(at.partition.to_string()),
            Self::Deliver { at, offsets, source } => {
                source.brief().at(format!("{}, offsets {offsets}", at.partition))
            }
            Self::FailedBatch { brief, .. } => (**brief).clone(),
            Self::Panic { at, reason } => Brief::new(format!("internal error: {reason}"))
                .at(at.partition.to_string())
                .mended_by("please report it"),
            Self::Room(error) => error.brief(),
            Self::Kafka(error) => error.brief(),
            Self::Converter(_) | Self::Registry(_) => Brief::of(&self.to_string()),
        }
    }

    /// The text of a status's `trace`: what happened in one line, Connect's line, which tools look for, and all that is
    /// known, without what is `hidden`.
    pub fn trace(&self, hidden: &Hidden) -> String {
        let text = self.to_string();
        let error = hidden.redact(&text);
        let brief = self.brief().map(|text| hidden.redact(text).into_owned());
        let first = match self {
            Self::BadRecord { .. } => "Tolerance exceeded in error handler",
            _ => "Exiting WorkerSinkTask due to unrecoverable exception.",
        };
        let details =
            format!("org.apache.kafka.connect.errors.ConnectException: {first}\nCaused by: {error}");
        brief::trace(&brief, &details)
    }
}
