//! kusto-connect: a native Kafka Connect worker with the Azure Data Explorer (Kusto) sink built in.
//!
//! The floors, from the ground up; a module imports only from lower floors (`tests/it/floors` holds the list):
//! 0 `id` `status` `secret` `cluster_key` `retry` `words` `causes` `data` `bounded` `brief` `product` (`own_process` in tests) ·
//! 1 `configdef` `telemetry` `metrics` `limits` `client_credentials` `checkup` `ranges` · 2 `config` · 3 `kafka` `registry` `transform` `batch` `sink` `otlp` ·
//! 4 `convert` · 5 `kusto` `filestream` · 6 `plugins` · 7 `task` · 8 `worker` `storage` `membership` · 9 `herder` ·
//! 10 `rest` `migrate` `doctor` `explain` `dry_run` `audit` · 11 `app` `cli` and `main.rs`.

pub mod app;
mod audit;
mod batch;
mod bounded;
pub mod brief;
pub mod causes;
mod checkup;
pub mod cli;
mod client_credentials;
mod cluster_key;
pub mod config;
pub mod configdef;
pub mod convert;
pub mod data;
mod doctor;
mod dry_run;
mod explain;
pub mod filestream;
mod herder;
pub mod id;
pub mod kafka;
pub mod kusto;
mod limits;
pub mod membership;
pub mod metrics;
mod migrate;
#[cfg(feature = "otlp")]
mod otlp;
#[cfg(test)]
mod own_process;
pub mod plugins;
mod product;
mod ranges;
mod registry;
pub mod rest;
mod retry;
mod secret;
pub mod sink;
mod status;
mod storage;
mod task;
mod telemetry;
pub mod transform;
mod words;
mod worker;
