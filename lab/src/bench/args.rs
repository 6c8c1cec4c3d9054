//! The command line of the bench.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand};

use super::case::CASES;
use super::floor::FloorArgs;

/// CPU, memory and speed of a Connect worker with the Kusto sink, beside the floor: librdkafka in batches and gzip, nothing else
#[derive(Debug, Clone, Parser)]
#[command(name = "lab-bench", version)]
pub struct Args {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
    /// Kafka, host:port (default: one of our own from scripts/kafka)
    #[arg(long, env = "BOOTSTRAP_SERVERS", default_value = "")]
    pub(super) bootstrap_servers: String,
    /// Raw gigabytes per case
    #[arg(long, default_value_t = 1.0)]
    pub(super) gb: f64,
    /// Cases: csv-200, csv-1k, json-1k, text-1k (JSON by StringConverter), envelope-1k, avro-1k
    #[arg(long, value_delimiter = ',', default_values_t = CASES.map(|case| case.name.to_owned()))]
    pub(super) cases: Vec<String>,
    /// The connector's flush.size.bytes; each value given is measured
    #[arg(long, value_delimiter = ',', default_value = "1048576")]
    pub(super) flush_size_bytes: Vec<u64>,
    /// Partitions of the topics
    #[arg(long, default_value_t = 4)]
    pub(super) partitions: i32,
    /// The connector's tasks.max
    #[arg(long, default_value_t = 4)]
    pub(super) tasks: u32,
    /// A further setting of the connector, KEY=VALUE; may be given several times
    #[arg(long = "connector", value_name = "KEY=VALUE", value_parser = setting)]
    pub(super) connector: Vec<(String, String)>,
    /// The worker's program (default: kusto-connect beside this one)
    #[arg(long)]
    pub(super) worker: Option<PathBuf>,
    /// Measure a worker that runs already: its REST address (needs --worker-pid)
    #[arg(long, requires = "worker_pid")]
    pub(super) worker_url: Option<String>,
    /// Its process id (needs --worker-url)
    #[arg(long, requires = "worker_url")]
    pub(super) worker_pid: Option<u32>,
}

#[derive(Debug, Clone, Subcommand)]
pub(super) enum Command {
    /// The floor alone, as a process of its own; prints what it cost as JSON
    Floor(FloorArgs),
    /// Many idle connectors on one worker: their start, what they cost, their end
    Connectors(ConnectorsArgs),
    /// A backlog in one partition, beside the same spread evenly
    Spread(SpreadArgs),
}

fn setting(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("it must be KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

/// What the command line says.
#[derive(Debug, Clone, ClapArgs)]
pub struct ConnectorsArgs {
    /// How many connectors; each number given is measured
    #[arg(long, value_delimiter = ',', default_values_t = [50, 200])]
    pub(super) connectors: Vec<usize>,
    /// tasks.max of each
    #[arg(long, default_value_t = 5)]
    pub(super) tasks_each: u32,
    /// Partitions of their topic, which each connector reads whole [default: one for each task]
    #[arg(long)]
    pub(super) partitions_each: Option<u32>,
    /// Seconds of idling
    #[arg(long, default_value_t = 30)]
    pub(super) idle: u64,
}

/// What the command line says.
#[derive(Debug, Clone, ClapArgs)]
pub struct SpreadArgs {
    /// Partitions; each number given is measured
    #[arg(long, value_delimiter = ',', default_values_t = [1, 4, 64])]
    pub(super) partitions_each: Vec<i32>,
    /// Raw gigabytes of each backlog
    #[arg(long, default_value_t = 0.3)]
    pub(super) backlog_gb: f64,
    /// The kind of records: csv-200, csv-1k, json-1k, envelope-1k, avro-1k
    #[arg(long, default_value = "csv-1k")]
    pub(super) case: String,
    /// How often all of it is measured
    #[arg(long, default_value_t = 1)]
    pub(super) times: usize,
}
