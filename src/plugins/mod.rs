//! The catalogue of classes, and what settings that name them say: the one room that knows all classes.
//!
//! A class is a file of its own elsewhere, with a row that holds its names, its keys and how it is made; here is the list
//! of the rows ([`BUILT_IN`]), the validation of a connector's settings by them, and the typed settings that come out.
//! Pure: no I/O, no state.

mod built_in;
mod catalogue;
mod classes;
mod connector;
mod converter_keys;
mod converters;
mod infos;
mod list;
mod overrides;
mod rules;
mod sinks;
mod sizes;
mod steps;
mod unused;
mod validate;

pub use built_in::BUILT_IN;
pub use catalogue::Plugins;
pub use connector::{DeadLetterConfig, ErrorHandling, ErrorLog, SinkConnectorConfig};
pub use converters::ConverterConfig;
pub use infos::{ConfigInfo, ConfigInfos, ConfigValueInfo};
pub use list::{Plugin, sink_reference};
pub use sinks::ClassError;
