//! `kusto-connect doctor`: which files it is given, and how what it finds is told.

use super::exit::{UNCHECKED, WRONG};
use super::files;
use crate::cli::out::{answer, say};
use crate::config::{ConnectorFile, Mode};
use crate::doctor::{self, Patient};
use crate::plugins::BUILT_IN;
use clap::Args;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// What is looked at.
#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct Doctor {
    /// The worker's properties and the connector's file, or one of them; without the first the worker is that of the environment
    #[arg(num_args = 0..=2, value_names = ["WORKER", "CONNECTOR"])]
    files: Vec<PathBuf>,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
    /// Write one row of nulls into this table; without it nothing is written
    #[arg(long, value_name = "DB.TABLE", value_parser = table)]
    ingest: Option<String>,
    /// The worker is a standalone one: it has no storage topics and no group
    #[arg(long)]
    standalone: bool,
}

fn table(text: &str) -> Result<String, String> {
    match text.split_once('.') {
        Some((database, table)) if !database.is_empty() && !table.is_empty() => Ok(text.to_owned()),
        _ => Err("it must be a database, a dot and a table".to_owned()),
    }
}

/// Examines, and says what was found.
pub(super) async fn run(options: Doctor, env: BTreeMap<String, String>) -> ExitCode {
    let read = options.clone();
    let Ok(patient) = tokio::task::spawn_blocking(move || patient(read, env)).await else {
        return ExitCode::from(UNCHECKED);
    };
    if patient.row_into.is_some() && patient.connector.is_none() {
        say(&"--ingest needs a connector's file: it says where the service is, and who signs in");
        return ExitCode::from(UNCHECKED);
    }
    let outcomes = doctor::examine(patient, |outcome| {
        if !options.json {
            answer(&format!("{}\n", doctor::line(outcome)));
        }
    });
    let outcomes = outcomes.await;
    if options.json {
        answer(&format!("{:#}\n", outcomes.to_json()));
    } else {
        answer(&format!("\n{}\n", doctor::summary(&outcomes)));
    }
    if outcomes.are_good() { ExitCode::SUCCESS } else { ExitCode::from(WRONG) }
}

fn patient(options: Doctor, env: BTreeMap<String, String>) -> Patient {
    let Doctor { files: given, ingest, standalone, .. } = options;
    let (worker, connector) = match given.as_slice() {
        [worker, connector] => (Some(worker), Some(ConnectorFile::settings(connector))),
        [one] => match files::connector_in(one) {
            Some(settings) => (None, Some(Ok(settings))),
            None => (Some(one), None),
        },
        _ => (None, None),
    };
    let mode = if standalone { Mode::Standalone } else { Mode::Distributed };
    Patient {
        plugins: BUILT_IN,
        worker: files::read_worker(mode, worker.map(PathBuf::as_path), env).map(Arc::new),
        connector: connector.map(|read| read.map_err(|error| error.to_string())),
        row_into: ingest,
    }
}
