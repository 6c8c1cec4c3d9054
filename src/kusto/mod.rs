//! The Kusto sinks, into Azure Data Explorer and into eventhouses of Fabric: their classes, and what they do with records.
//!
//! `classes` holds the rows, `config` the settings, `sink` writes the batches of a topic-partition, `encode` and its siblings
//! their bytes, `ingest` hands them over, as who `signin` says, `outcome` knows what
//! the service tells of them later, by which `follow` follows each to its end; `metrics` names what is counted, `board` what a board asks for. All that knows Kusto is in this folder.

mod avro;
mod bisect;
pub mod board;
mod classes;
mod columns;
pub mod config;
mod describe;
#[cfg(test)]
mod doubling_tests;
mod encode;
mod fabric;
#[cfg(test)]
mod fates_tests;
mod follow;
pub mod ingest;
mod lines;
pub mod metrics;
pub mod outcome;
mod refusal;
pub mod signin;
mod sink;
mod unread;

pub use classes::{FABRIC, KUSTO, KustoConnector};
pub use sink::KustoSink;
