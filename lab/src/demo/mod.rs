//! `make demo`: the lab from the first command to the last query, in one process tree, checked row by row.
//!
//! Owns all parts it starts (Kafka, emulator, worker, producer) and ends them in order on every path: the producer first, so that
//! nothing new comes; then the worker, which drains; then the services it drains into.

mod args;
mod config;
mod error;
mod kafka;
mod parts;
mod show;
mod terms;
mod watch;

use std::future::Future;

use tokio::time::Instant;

use crate::{
    compare,
    connect::Connect,
    events::{Options, StormEvent},
    kusto::{self, Kusto},
    ports,
    source::Source,
};
pub use args::{Args, DEFAULT_ADX_PORT};
use config::SinkConfig;
pub use error::Error;
use kafka::Kafka;
use parts::Parts;
use terms::TABLE;

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
        show::addresses(args, parts.kafka_servers(), parts.folder());
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
