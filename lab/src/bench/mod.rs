//! `make bench`: what the worker costs, beside the floor of the same run.
//!
//! Per case: a topic is filled; the floor reads it; a worker (ours, or any Connect worker by URL and pid) sinks it into an emulator
//! that counts and discards. CPU and memory are the worker process's own, from `/proc`, so that any worker is measured alike.

mod adx;
mod batch_queue;
mod broker;
mod case;
mod connectors;
mod floor;
mod measure;
mod parser;
mod procfs;
mod registry;
mod report;
mod spread;
mod worker;

use std::{
    io,
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use clap::{Parser, Subcommand};

pub use case::Case;
pub use floor::{FloorArgs, run as run_floor};

use crate::{connect, kafka, kusto, process};
use broker::Broker;
use case::{CASES, Load, Spread};
use connectors::ConnectorsArgs;
use floor::Floor;
use report::{Report, Row};
use spread::SpreadArgs;

/// Between two looks at the emulator's counts or a port.
const LOOK: Duration = Duration::from_millis(10);
/// How long parts may take to start, and a run may go without progress.
const PATIENCE: Duration = Duration::from_mins(1);
/// How long a part may take to end.
const GRACE: Duration = Duration::from_secs(30);

/// CPU, memory and speed of a Connect worker with the Kusto sink, beside the floor: librdkafka in batches and gzip, nothing else
#[derive(Debug, Clone, Parser)]
#[command(name = "lab-bench", version)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// Kafka, host:port (default: one of our own from scripts/kafka)
    #[arg(long, env = "BOOTSTRAP_SERVERS", default_value = "")]
    bootstrap_servers: String,
    /// Raw gigabytes per case
    #[arg(long, default_value_t = 1.0)]
    gb: f64,
    /// Cases: csv-200, csv-1k, json-1k, text-1k (JSON by StringConverter), envelope-1k, avro-1k
    #[arg(long, value_delimiter = ',', default_values_t = CASES.map(|case| case.name.to_owned()))]
    cases: Vec<String>,
    /// The connector's flush.size.bytes; each value given is measured
    #[arg(long, value_delimiter = ',', default_value = "1048576")]
    flush_size_bytes: Vec<u64>,
    /// Partitions of the topics
    #[arg(long, default_value_t = 4)]
    partitions: i32,
    /// The connector's tasks.max
    #[arg(long, default_value_t = 4)]
    tasks: u32,
    /// A further setting of the connector, KEY=VALUE; may be given several times
    #[arg(long = "connector", value_name = "KEY=VALUE", value_parser = setting)]
    connector: Vec<(String, String)>,
    /// The worker's program (default: kusto-connect beside this one)
    #[arg(long)]
    worker: Option<PathBuf>,
    /// Measure a worker that runs already: its REST address (needs --worker-pid)
    #[arg(long, requires = "worker_pid")]
    worker_url: Option<String>,
    /// Its process id (needs --worker-url)
    #[arg(long, requires = "worker_url")]
    worker_pid: Option<u32>,
}

#[derive(Debug, Clone, Subcommand)]
enum Command {
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

/// Why a bench ended early.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Kafka.
    #[error(transparent)]
    Kafka(#[from] kafka::Error),
    /// Commands to the emulator.
    #[error(transparent)]
    Kusto(#[from] kusto::Error),
    /// HTTP to the emulator.
    #[error("the emulator: {0}")]
    Http(#[from] reqwest::Error),
    /// The worker's REST.
    #[error(transparent)]
    Connect(#[from] connect::Error),
    /// Processes.
    #[error(transparent)]
    Process(#[from] process::Error),
    /// Measuring.
    #[error(transparent)]
    Procfs(#[from] procfs::Error),
    /// The floor.
    #[error(transparent)]
    Floor(#[from] floor::Error),
    /// Files and the system.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A part did not do its work.
    #[error("{0}")]
    Part(String),
}

/// Runs the bench, or the floor alone.
pub async fn run(args: Args) -> Result<(), Error> {
    if let Some(Command::Floor(floor)) = args.command {
        let floor =
            tokio::task::spawn_blocking(move || run_floor(&floor)).await.map_err(io::Error::from)??;
        println!("{}", serde_json::to_string(&floor).map_err(io::Error::from)?);
        return Ok(());
    }
    let folder = tempfile::Builder::new().prefix("kusto-connect-bench-").tempdir()?;
    let broker = Broker::start(&args.bootstrap_servers, folder.path()).await?;
    let outcome = match &args.command {
        Some(Command::Connectors(many)) => connectors::run(&args, many, &broker.servers, folder.path()).await,
        Some(Command::Spread(spread)) => spread::run(&args, spread, &broker.servers, folder.path()).await,
        _ => all_cases(&args, &broker.servers, folder.path()).await.map(|rows| Report(&rows).to_string()),
    };
    broker.stop().await?;
    let table = outcome.inspect_err(|_| eprintln!("bench: logs are in {}", folder.keep().display()))?;
    println!("\n{table}");
    Ok(())
}

async fn all_cases(args: &Args, servers: &str, folder: &Path) -> Result<Vec<Row>, Error> {
    let cases: Result<Vec<Case>, String> = args.cases.iter().map(|name| name.parse()).collect();
    let run = std::process::id();
    let registry = registry::Registry::start().await?;
    let mut rows = Vec::new();
    for case in cases.map_err(Error::Part)? {
        let topic = format!("bench-{}-{run}", case.name);
        eprintln!("bench: {}: filling {topic} with {} GB", case.name, args.gb);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a size the user typed")]
        let load =
            case.produce(servers, &topic, (args.partitions, Spread::Even), (args.gb * 1e9) as u64).await?;
        let sampled = load.clone();
        let parser = tokio::task::spawn_blocking(move || parser::measure(case, &sampled));
        let parser = parser.await.map_err(io::Error::from)??;
        for &flush_size_bytes in &args.flush_size_bytes {
            eprintln!("bench: {}: the floor, {} records", case.name, load.records);
            let floor = floor_process(args, servers, &load, flush_size_bytes).await?;
            eprintln!("bench: {}: the worker, flush.size.bytes {flush_size_bytes}", case.name);
            let registry = registry.url.as_str();
            let setup = measure::Setup {
                args,
                case,
                load: &load,
                idle: None,
                flush_size_bytes,
                servers,
                registry,
                folder,
            };
            rows.push(Row {
                case: case.name,
                flush_size_bytes,
                worker: setup.measure().await?,
                floor,
                parser,
            });
        }
        for left in kafka::delete_topics(servers, &[], &[&topic]).await? {
            eprintln!("bench: could not delete {left}");
        }
    }
    Ok(rows)
}

/// The floor in a process of its own: its CPU time must not be mixed with ours.
async fn floor_process(
    args: &Args,
    servers: &str,
    load: &Load,
    flush_size_bytes: u64,
) -> Result<Floor, Error> {
    let output = tokio::process::Command::new(std::env::current_exe()?)
        .args(["floor", "--bootstrap-servers", servers, "--topic", &load.topic])
        .args(["--partitions", &args.partitions.to_string(), "--records", &load.records.to_string()])
        .args(["--flush-size-bytes", &flush_size_bytes.to_string()])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .output()
        .await?;
    serde_json::from_slice(&output.stdout)
        .map_err(|_| Error::Part(format!("the floor failed: {}", output.status)))
}

/// A port nobody listens on at this moment.
fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
