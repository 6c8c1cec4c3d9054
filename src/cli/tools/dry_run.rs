//! `kusto-connect dry-run`: from where records come, and how what would become of them is told.

use super::exit::{UNCHECKED, WRONG};
use super::files;
use crate::cli::out::{answer, say};
use crate::config;
use crate::dry_run::{self, Given, RecordForm};
use crate::plugins::SinkConnectorConfig;
use clap::Args;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// What is rehearsed.
#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct DryRun {
    /// The connector: JSON of settings, the JSON body of a create request, or properties
    connector: PathBuf,
    /// The worker that it is for: its converters, config providers and Kafka settings count
    #[arg(long, value_name = "PROPERTIES")]
    worker: Option<PathBuf>,
    /// Records in a file: each line is a value
    #[arg(long, value_name = "FILE", required_unless_present = "from_topic", conflicts_with = "from_topic")]
    records: Option<PathBuf>,
    /// Each line is a JSON object of `key`, `value`, `headers`, `topic`, `partition`, `offset`, `timestamp`; bytes stand in
    /// `key_base64` and `value_base64`
    #[arg(long, requires = "records")]
    envelope: bool,
    /// The topic of records that do not say theirs (the connector's first, unless it reads by an expression)
    #[arg(long, value_name = "TOPIC", requires = "records")]
    topic: Option<String>,
    /// The last records of this topic
    #[arg(long, value_name = "TOPIC")]
    from_topic: Option<String>,
    /// How many of them
    #[arg(long, value_name = "N", default_value_t = 10, requires = "from_topic", value_parser = clap::value_parser!(u16).range(1..=10_000))]
    max: u16,
    /// Answer in JSON, a line for each record
    #[arg(long)]
    json: bool,
}

/// Rehearses.
pub(super) async fn run(options: DryRun, env: BTreeMap<String, String>) -> ExitCode {
    match rehearse(options, env).await {
        Ok(code) | Err(code) => code,
    }
}

async fn rehearse(options: DryRun, env: BTreeMap<String, String>) -> Result<ExitCode, ExitCode> {
    let read = options.clone();
    let read = tokio::task::spawn_blocking(move || {
        let worker = files::worker(read.worker.as_deref(), env)?;
        let raw = files::connector(&read.connector, WRONG)?;
        let config = files::good(&raw, &worker)?;
        Ok((config, Arc::new(worker)))
    });
    let (config, worker) = read.await.unwrap_or(Err(ExitCode::from(UNCHECKED)))?;
    let records = match &options.from_topic {
        Some(topic) => {
            let found = dry_run::of_topic(&config, &worker, (topic, usize::from(options.max))).await;
            found.map_err(|error| unchecked(&config, &error.to_string()))?
        }
        None => in_file(&options, &config)?,
    };
    let done = dry_run::rehearse(&config, &records, |line| {
        let text = if options.json { format!("{}\n", line.to_json()) } else { line.to_text() };
        answer(&config.hidden.redact(&text));
    });
    let all = done.await.map_err(|error| unchecked(&config, &error.to_string()))?;
    if !options.json {
        answer(&format!("\n{}\n", all.to_text()));
    }
    Ok(if all.bad == 0 { ExitCode::SUCCESS } else { ExitCode::from(WRONG) })
}

fn in_file(options: &DryRun, config: &SinkConnectorConfig) -> Result<Vec<Given>, ExitCode> {
    let path = options.records.as_deref().unwrap_or_else(|| std::path::Path::new(""));
    let topic = options.topic.clone().or_else(|| dry_run::first_topic(config));
    let Some(topic) = topic else {
        return Err(unchecked(
            config,
            "the connector reads by an expression: name the records' topic by --topic",
        ));
    };
    let bytes = config::files::read_by_hand(path)
        .map_err(|reason| unchecked(config, &format!("{} cannot be read: {reason}", path.display())))?;
    let kind = if options.envelope { RecordForm::Envelope } else { RecordForm::Value };
    dry_run::parse(&bytes, kind, &topic)
        .map_err(|reason| unchecked(config, &format!("{}, {reason}", path.display())))
}

fn unchecked(config: &SinkConnectorConfig, text: &str) -> ExitCode {
    say(&config.hidden.redact(text));
    ExitCode::from(UNCHECKED)
}
