//! The Kusto sinks: their classes, and what they do with records.

mod apart;
mod avro;
mod classes;
mod columns;
#[cfg(test)]
mod doubling_tests;
mod encode;
mod fabric;
mod kusto;
mod lines;
mod refusal;
mod unread;

pub use classes::{FABRIC, KUSTO, KustoConnector};
pub use kusto::KustoSink;
