//! The Kusto sinks.

pub mod config;
