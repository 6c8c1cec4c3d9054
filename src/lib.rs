//! kusto-connect: a native Kafka Connect worker with the Azure Data Explorer (Kusto) sink built in.
//!
//! The floors, from the ground up; a module imports only from lower floors (`tests/it/floors.rs` holds the list):
//! 0 `id` `status` `secret` `cluster_key` `retry` `words` `causes` `data` (`own_process` in tests) · 1 `config` `telemetry` `limits` `bounded` `sink` · 2 `kafka` `registry` `convert` `transform` `batch` `ingest` ·
//! 3 `connector` · 4 `task` · 5 `worker` `storage` `membership` · 6 `herder` · 7 `rest` `migrate` · 8 `app` `cli` and `main.rs`.

pub mod app;
pub mod batch;
pub mod bounded;
pub mod causes;
pub mod cli;
pub mod cluster_key;
pub mod config;
pub mod connector;
pub mod convert;
pub mod data;
pub mod herder;
pub mod id;
pub mod ingest;
pub mod kafka;
pub mod limits;
pub mod membership;
pub mod migrate;
#[cfg(test)]
mod own_process;
pub mod registry;
pub mod rest;
pub mod retry;
pub mod secret;
pub mod sink;
pub mod status;
pub mod storage;
pub mod task;
pub mod telemetry;
pub mod transform;
pub mod words;
pub mod worker;
