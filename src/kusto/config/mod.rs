//! The settings of the Kusto sinks, typed: their keys, and what is checked beyond the tables of keys.

mod connection_string;
mod endpoint;
pub mod fabric;
mod format;
mod keys;
mod mapping;
mod proxy;
pub mod sink;

pub use format::{DataFormat, MappingKind, Shape};
pub use mapping::{Column, ColumnSource, RowLayout, TopicMapping, TopicMappings};
pub use sink::{
    BehaviorOnError, HeaderChoice, IngestionProtocol, KustoSinkConfig, OutcomeSettings, QueueUse,
    SinkDeadLetters, TargetCheck,
};
