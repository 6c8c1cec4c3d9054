//! The promises of this project as one test binary, one file per promise; `support` starts the real parts.
//!
//! `make test` runs it by cargo-nextest, each test in its own process; `cargo test --test it` works too, after
//! `scripts/rigs`.

#![allow(
    clippy::unwrap_used,
    reason = "all of it is test code, of which clippy only sees what is marked #[test]"
)]

mod api_fuzz;
mod at_least_once;
mod audit;
mod bad_input;
mod bad_records;
mod boards;
mod canaries;
mod citations;
mod cluster;
mod deep_answers;
mod depth;
mod doctor;
mod documents;
mod drain;
mod dry_run;
mod error_stages;
mod fabric;
mod fates;
mod floors;
mod formats;
mod fuzz;
mod golden_rest;
mod golden_storage;
mod health;
mod jvm;
mod jvm_metrics;
mod kafka_security;
#[cfg(feature = "gssapi")]
mod kerberos;
mod lab;
mod large_records;
mod limits;
mod memory;
mod metrics;
mod migrate;
mod neighbours;
mod oauth;
mod offsets;
mod otlp;
mod outages;
mod outcome;
mod poison;
mod proxy;
mod reference;
mod refusals;
mod registry;
mod rest_api;
mod rest_ingestion;
mod rest_limits;
mod rest_security;
mod restart;
mod rigs;
mod sdk;
mod secrets;
mod sentences;
mod settings;
mod signals;
mod sink_errors;
mod sources;
mod standalone;
mod start_troubles;
mod storage_topics;
mod strangers;
mod streaming;
mod support;
mod tasks;
mod tools;
mod toys;
mod trouble;
mod ui;
mod wide;
