//! `kusto-connect audit`: which connector it is given, and how what it finds is told.

use super::exit::{UNCHECKED, WRONG};
use super::files;
use crate::audit::{self, Audit as Subject, Span, Told, moment};
use crate::cli::out::{answer, say};
use crate::config::{Mode, WorkerConfig};
use crate::configdef::ConnectorProperties;
use crate::plugins::SinkConnectorConfig;
use crate::sink::AuditColumns;
use clap::Args;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Between two lines about how far it is.
const PROGRESS: Duration = Duration::from_secs(3);

/// What is compared.
#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct Audit {
    /// The worker's properties and the connector's file, or one of them; without the first the worker is that of the
    /// environment, without the second the connector is that of the worker's cluster (--connector)
    #[arg(num_args = 0..=2, value_names = ["WORKER", "CONNECTOR"])]
    files: Vec<PathBuf>,
    /// The connector of the cluster whose settings count, read in its config topic (with a file: its name)
    #[arg(long, value_name = "NAME")]
    connector: Option<String>,
    /// Only this topic (may be repeated)
    #[arg(long = "topic", value_name = "TOPIC")]
    topics: Vec<String>,
    /// From this time on: 2026-08-01T00:00:00Z, 2026-08-01, or an age like 15m, 6h, 7d (default: all that Kafka has)
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Up to this time, in the same forms; an age longer than the table's batching time leaves out what is on its way
    /// (default: all that was handed over)
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// The table's column with the offset, if the connector's settings do not tell; `column.member` of a dynamic one
    #[arg(long, value_name = "COLUMN")]
    offset_column: Option<String>,
    /// The same for the partition
    #[arg(long, value_name = "COLUMN")]
    partition_column: Option<String>,
    /// The same for the topic
    #[arg(long, value_name = "COLUMN")]
    topic_column: Option<String>,
    /// Where rows have no offsets: the column with the record's key, whose values are added up too
    #[arg(long, value_name = "COLUMN")]
    key: Option<String>,
    /// A record may be several rows, so that none is called duplicated
    #[arg(long)]
    several_rows: bool,
    /// How many offsets are compared at once
    #[arg(long, value_name = "OFFSETS", default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    window: u64,
    /// The worker is a standalone one
    #[arg(long)]
    standalone: bool,
    /// Answer in JSON, a line for each event
    #[arg(long)]
    json: bool,
}

/// Compares, and says what was found.
pub(super) async fn run(options: Audit, env: BTreeMap<String, String>) -> ExitCode {
    match compare(options, env).await {
        Ok(code) | Err(code) => code,
    }
}

async fn compare(options: Audit, env: BTreeMap<String, String>) -> Result<ExitCode, ExitCode> {
    let span = span(&options)?;
    let (worker, raw) = read(options.clone(), env).await?;
    let raw = match raw {
        Some(raw) => raw,
        None => stored(&worker, options.connector.as_deref()).await?,
    };
    let checked = Arc::clone(&worker);
    let config = tokio::task::spawn_blocking(move || files::good(&raw, &checked)).await;
    let config = config.unwrap_or(Err(ExitCode::from(UNCHECKED))).map_err(|_| ExitCode::from(UNCHECKED))?;
    let hidden = config.hidden.clone();
    let json = options.json;
    let subject = subject(options, span, config, worker);
    let mut last = Instant::now();
    let mut told = |news: Told| {
        if let Told::Progress { partition, done, all } = &news {
            if last.elapsed() >= PROGRESS {
                last = Instant::now();
                say(&format_args!("{partition}: {done} of {all} offsets"));
            }
            return;
        }
        let line = if json { news.to_json().map(|json| format!("{json}\n")) } else { news.to_text() };
        answer(&hidden.redact(&line.unwrap_or_default()));
    };
    let totals = audit::run(&subject, &mut told).await.map_err(|error| {
        say(&subject.config.hidden.redact(&error.to_string()));
        ExitCode::from(UNCHECKED)
    })?;
    answer(&if json { format!("{}\n", totals.to_json()) } else { format!("\n{}", totals.to_text()) });
    Ok(match (totals.are_good(), totals.are_whole()) {
        (false, _) => ExitCode::from(WRONG),
        (true, true) => ExitCode::SUCCESS,
        (true, false) => ExitCode::from(UNCHECKED),
    })
}

fn subject(options: Audit, span: Span, config: SinkConnectorConfig, worker: Arc<WorkerConfig>) -> Subject {
    Subject {
        config,
        worker,
        topics: options.topics,
        span,
        columns: AuditColumns {
            offset: options.offset_column,
            partition: options.partition_column,
            topic: options.topic_column,
        },
        key: options.key,
        window: options.window,
        several_rows: options.several_rows,
    }
}

fn span(options: &Audit) -> Result<Span, ExitCode> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = i64::try_from(now.as_millis()).unwrap_or(i64::MAX);
    let read = |name: &str, text: &Option<String>| match text {
        None => Ok(None),
        Some(text) => moment(text, now).map(Some).map_err(|reason| {
            say(&format_args!("{name} is '{text}': {reason}"));
            ExitCode::from(UNCHECKED)
        }),
    };
    Ok(Span { from: read("--from", &options.from)?, to: read("--to", &options.to)? })
}

type Found = (Arc<WorkerConfig>, Option<ConnectorProperties>);

/// The worker, and the connector if a file of it was given.
async fn read(options: Audit, env: BTreeMap<String, String>) -> Result<Found, ExitCode> {
    let read = tokio::task::spawn_blocking(move || {
        let Audit { files: given, connector, standalone, .. } = options;
        let (worker, raw) = match given.as_slice() {
            [worker, connector] => (Some(worker), Some(files::connector(connector, UNCHECKED)?)),
            [one] => match files::connector_in(one) {
                Some(settings) => (None, Some(settings)),
                None => (Some(one), None),
            },
            _ => (None, None),
        };
        let raw = raw.map(|mut raw| {
            if let Some(name) = connector {
                raw.insert("name".to_owned(), Some(name));
            }
            raw
        });
        let mode = if standalone { Mode::Standalone } else { Mode::Distributed };
        let worker = files::read_worker(mode, worker.map(PathBuf::as_path), env).map_err(|errors| {
            say(&format_args!("the worker's settings are wrong:\n{errors}"));
            ExitCode::from(UNCHECKED)
        })?;
        Ok((Arc::new(worker), raw))
    });
    read.await.unwrap_or(Err(ExitCode::from(UNCHECKED)))
}

async fn stored(worker: &WorkerConfig, name: Option<&str>) -> Result<ConnectorProperties, ExitCode> {
    let refused = |text: &dyn std::fmt::Display| {
        say(text);
        ExitCode::from(UNCHECKED)
    };
    let Some(name) = name else {
        return Err(refused(&"which connector? Name one of the cluster by --connector, or give its file"));
    };
    audit::settings(worker, name).await.map_err(|error| refused(&error))
}
