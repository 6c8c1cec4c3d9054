//! `make demo`: the lab from the first command to the last query, in one process tree, checked row by row.
//!
//! Owns all parts it starts (Kafka, emulator, worker, producer) and ends them in order on every path: the producer first, so that
//! nothing new comes; then the worker, which drains; then the services it drains into.

mod config;
mod kafka;
mod parts;
mod show;
mod watch;

use std::{future::Future, path::PathBuf, time::Duration};

use clap::{Parser, builder::FalseyValueParser};
use tokio::time::Instant;

use crate::{
    compare,
    connect::Connect,
    events::{Options, StormEvent},
    kusto::{self, Kusto},
    pace::Rate,
    ports, process,
    source::{self, Source},
};
use config::SinkConfig;
use kafka::Kafka;
use parts::Parts;

/// The table of the lab.
const TABLE: &str = "Storms";

/// The article's commands, word by word, one per line; lines that begin with `//` are for the reader.
const COMMANDS: &str = include_str!("../../commands.kql");

/// The article's queries, word by word.
const QUERIES: [&str; 5] = [
    "Storms | count",
    "Storms | take 10",
    "Storms | where EventType == 'Drought' and State == 'TEXAS' | project StartTime, EndTime, Source, EventId",
    "Storms | summarize event_count=count() by State | where event_count > 10 | project State, event_count | render columnchart",
    ".show ingestion failures",
];

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
    #[arg(long, default_value = config::DEFAULT_FILE)]
    pub config: PathBuf,
    /// The worker's program (default: kusto-connect beside this one)
    #[arg(long)]
    pub worker: Option<PathBuf>,
}

/// The port the connector's sample configuration names.
pub const DEFAULT_ADX_PORT: u16 = 8080;

/// Why the demo did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A port is taken.
    #[error(transparent)]
    Port(#[from] ports::Busy),
    /// Kafka.
    #[error(transparent)]
    Kafka(#[from] crate::kafka::Error),
    /// The embedded Kafka is too small for so many events.
    #[error(
        "the embedded Kafka keeps 5 MiB per partition: at most {limit} events; a real one (BOOTSTRAP_SERVERS=host:port) takes more"
    )]
    TooMany {
        /// How many it takes.
        limit: usize,
    },
    /// The connector's configuration file.
    #[error(transparent)]
    Config(#[from] config::Error),
    /// A child process.
    #[error(transparent)]
    Process(#[from] process::Error),
    /// The emulator did not start.
    #[error("ADX emulator: {0}")]
    Emulator(String),
    /// A command or query.
    #[error(transparent)]
    Kusto(#[from] kusto::Error),
    /// The worker's REST.
    #[error(transparent)]
    Connect(#[from] crate::connect::Error),
    /// The events.
    #[error(transparent)]
    Source(#[from] source::Error),
    /// HTTP client or files.
    #[error("{0}")]
    Io(String),
    /// A part ended or did not do its work; the text has the reason and the last lines of its log.
    #[error("{0}")]
    Part(String),
    /// The table is not what was produced.
    #[error("the table {TABLE} is not what was produced: {0}")]
    Wrong(compare::Difference),
    /// Rows did not come in time.
    #[error("{have} of {want} events had arrived when the time was up ({state})")]
    Late {
        /// Rows in the table.
        have: u64,
        /// Events produced.
        want: usize,
        /// The connector's state, with a trace when there is one.
        state: String,
    },
    /// Ctrl-C.
    #[error("stopped by a signal")]
    Stopped,
}

/// Runs the lab; whatever happens, nothing is left running.
pub async fn run(args: &Args, stop: impl Future<Output = ()>) -> Result<(), Error> {
    tokio::pin!(stop);
    ports::check(args.rest_port, "the worker's REST interface", "REST_PORT")?;
    ports::check(args.adx_port, "the Azure Data Explorer emulator", "ADX_PORT")?;
    let mut parts = Parts::new()?;
    let outcome = tokio::select! {
        outcome = lab(args, &mut parts) => outcome,
        () = &mut stop => Err(Error::Stopped),
    };
    if outcome.is_ok() && args.keep {
        show::addresses(args, &parts);
        stop.await;
    }
    if let Err(error) = &outcome {
        parts.keep_logs(error);
    }
    parts.stop().await;
    outcome
}

async fn lab(args: &Args, parts: &mut Parts) -> Result<(), Error> {
    let events = events(args)?;
    let http = kusto::loopback_client().map_err(|error| Error::Io(error.to_string()))?;

    show::step("Starting the parts");
    let kafka = Kafka::start(args).await?;
    show::done(&kafka.description);
    let config = SinkConfig::read(args, kafka.topic().as_deref(), parts.folder())?;
    let adx = Kusto::new(http.clone(), &parts.start_emulator(args).await?, &config.database);
    let began = Instant::now();
    parts.start_worker(args, kafka)?;
    let connect = Connect::new(http, &format!("http://localhost:{}", args.rest_port));
    parts.unless_worker_ends(watch::ready(&connect)).await??;
    show::done(&format!(
        "kusto-connect  http://localhost:{}  (ready after {} ms)",
        args.rest_port,
        began.elapsed().as_millis()
    ));

    show::step("Table, mapping and batching policy, as in the lab");
    for command in COMMANDS.lines().filter(|line| !line.starts_with("//")) {
        show::command(command);
        adx.run(command).await?;
    }

    show::step("The connector");
    show::command(&config.curl_line(args.rest_port));
    show::text(&connect.create(&config.body).await?);

    show::step(&format!("{} storm events", events.len()));
    let lines = parts.start_producer(args, &config.topic)?;
    let watch = watch::Watch { connect: &connect, adx: &adx, connector: &config.name, want: events.len() };
    parts.unless_worker_ends(watch.until_all_arrived(lines)).await??;
    parts.producer_ended_well().await?;

    results(&connect, &adx, &config.name).await?;
    let table = adx.run(TABLE).await?;
    if let Some(difference) = compare::difference(&events, &table) {
        return Err(Error::Wrong(difference));
    }
    show::verdict(events.len());
    Ok(())
}

/// The events the producer will send: the same source, read a second time.
fn events(args: &Args) -> Result<Vec<StormEvent>, Error> {
    let options = Options { tricky: args.tricky, ..Options::seeded(args.seed) };
    Ok(Source::open(args.source_file.as_deref(), options)?.take(args.events).collect::<Result<_, _>>()?)
}

async fn results(connect: &Connect, adx: &Kusto, connector: &str) -> Result<(), Error> {
    let path = format!("/connectors/{connector}/status");
    show::step("Results");
    show::command(&format!("curl {}{path}", connect.url()));
    show::text(&connect.get(&path).await?);
    for query in QUERIES {
        show::command(query);
        show::text(&adx.run(query).await?.to_string());
    }
    Ok(())
}

/// How long parts may take to start, to deliver what is produced and to end.
const PATIENCE: Patience = Patience {
    start: Duration::from_mins(1),
    deliver: Duration::from_secs(90),
    end: Duration::from_secs(30),
};

struct Patience {
    start: Duration,
    /// Counted from the last record produced or the last row that came: the lab's own delays are 10 s in the connector and 15 s in ADX.
    deliver: Duration,
    end: Duration,
}
