//! `kusto-connect explain`: reads a connector, and says what will happen to its records.

use super::exit::WRONG;
use super::files;
use crate::cli::out::answer;
use crate::explain::{Explained, explain};
use crate::herder;
use crate::plugins::BUILT_IN;
use clap::Args;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

/// What is explained.
#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct Explain {
    /// The connector: JSON of settings, the JSON body of a create request, or properties
    connector: PathBuf,
    /// The worker that it is for: its converters, config providers and limits count
    #[arg(long, value_name = "PROPERTIES")]
    worker: Option<PathBuf>,
    /// A topic whose records to follow, for a connector that reads by an expression (may be repeated)
    #[arg(long = "topic", value_name = "TOPIC")]
    topics: Vec<String>,
}

/// Explains.
pub(super) async fn run(options: Explain, env: BTreeMap<String, String>) -> ExitCode {
    match tokio::task::spawn_blocking(move || said(&options, env)).await {
        Ok(Ok(text)) => {
            answer(&text);
            ExitCode::SUCCESS
        }
        Ok(Err(code)) => code,
        Err(_) => ExitCode::from(WRONG),
    }
}

fn said(options: &Explain, env: BTreeMap<String, String>) -> Result<String, ExitCode> {
    let worker = files::worker(options.worker.as_deref(), env)?;
    let raw = files::connector(&options.connector, WRONG)?;
    let config = files::good(&raw, &worker)?;
    let infos = herder::checked(BUILT_IN, &raw, &worker);
    let subject =
        Explained { raw: &raw, infos: &infos, config: &config, worker: &worker, topics: &options.topics };
    Ok(explain(&subject))
}
