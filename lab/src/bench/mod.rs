//! `make bench`: what the worker costs, beside the floor of the same run.
//!
//! Per case: a topic is filled; the floor reads it; a worker (ours, or any Connect worker by URL and pid) sinks it into an emulator
//! that counts and discards. CPU and memory are the worker process's own, from `/proc`, so that any worker is measured alike.

mod adx;
mod args;
mod batch_queue;
mod broker;
mod case;
mod connectors;
mod counting;
mod error;
mod floor;
mod measure;
mod parser;
mod procfs;
mod registry;
mod report;
mod spread;
mod waits;
mod worker;

use std::{io, path::Path, process::Stdio};

pub use args::Args;
pub use case::Case;
pub use error::Error;
pub use floor::{FloorArgs, run as run_floor};

use crate::kafka;
use args::Command;
use broker::Broker;
use case::{Load, Spread};
use floor::Floor;
use report::{Report, Row};

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
