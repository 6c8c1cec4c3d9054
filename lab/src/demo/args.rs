//! The command line of the demo.

use std::path::PathBuf;

use clap::{Parser, builder::FalseyValueParser};

use crate::pace::Rate;

/// The lab on this machine: Kafka, Azure Data Explorer's emulator, the worker and the storm-events producer
#[derive(Debug, Clone, Parser)]
#[command(name = "lab-demo", version)]
pub struct Args {
    /// A real Kafka: host:port, or several with commas (default: one inside this process)
    #[arg(long, env = "BOOTSTRAP_SERVERS", default_value = "")]
    pub bootstrap_servers: String,
    /// Port of the worker's REST interface
    #[arg(long, env = "REST_PORT", default_value_t = 8083)]
    pub rest_port: u16,
    /// Port of the Azure Data Explorer emulator
    #[arg(long, env = "ADX_PORT", default_value_t = DEFAULT_ADX_PORT)]
    pub adx_port: u16,
    /// How many storm events
    #[arg(long, env = "EVENTS", default_value_t = 300)]
    pub events: usize,
    /// Events per second, or "max"
    #[arg(long, env = "RATE", default_value = "50")]
    pub rate: Rate,
    /// Generate quotes, commas, newlines and non-ASCII text in a quarter of the events
    #[arg(long, env = "TRICKY", value_parser = FalseyValueParser::new())]
    pub tricky: bool,
    /// Seed of the generated events
    #[arg(long, env = "SEED", default_value_t = 2007)]
    pub seed: u64,
    /// A StormEvents.csv to read the events from
    #[arg(long, env = "SOURCE_FILE")]
    pub source_file: Option<PathBuf>,
    /// Leave everything running until Ctrl-C
    #[arg(long, env = "KEEP", value_parser = FalseyValueParser::new())]
    pub keep: bool,
    /// The connector to create
    #[arg(long, default_value = DEFAULT_FILE)]
    pub config: PathBuf,
    /// The worker's program (default: kusto-connect beside this one)
    #[arg(long)]
    pub worker: Option<PathBuf>,
}

/// The port the connector's sample configuration names.
pub const DEFAULT_ADX_PORT: u16 = 8080;

/// The sample configuration of the repository.
pub const DEFAULT_FILE: &str = "config/adx-sink-config.json";
