//! The storm-events lab around the worker: the events, their producer, the demo and the benchmark.
//!
//! Everything here meets the worker from outside: as a child process, over Kafka and over HTTP. It imports the ADX emulator's library,
//! and nothing of the worker's crate.

pub mod bench;
pub mod compare;
pub mod connect;
pub mod demo;
pub mod encode;
pub mod events;
pub mod kafka;
pub mod kusto;
pub mod pace;
pub mod ports;
pub mod process;
pub mod producer;
pub mod signals;
pub mod source;
mod words;
