//! The command line: which worker to start, from where its settings come, and what the process ends with.
//!
//! No argument starts the distributed worker from the environment, as a container does. Exit codes: 0 a good end, 1 a
//! wrong command line, tasks that were cut or a takeover that is blocked, 2 wrong settings (all of them are named), 3 a worker that cannot start
//! or go on, or a connector of the command line that cannot be created (`connect-runtime.md` §8.4).

use crate::app::{App, Error, RunningApp};
use crate::config::{ConnectorFile, Mode, WorkerConfig};
use crate::limits;
use crate::migrate;
use crate::telemetry::{self, Filter};
use clap::{Parser, Subcommand};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use tokio::signal::unix::{Signal, SignalKind, signal};

const BAD_USAGE: u8 = 1;
const TASKS_CUT: u8 = 1;
const BLOCKED: u8 = 1;
const BAD_SETTINGS: u8 = 2;
const CANNOT_RUN: u8 = 3;

const AFTER_HELP: &str = "\
Without a command the distributed worker is started from the environment: BOOTSTRAP_SERVERS, GROUP_ID,
CONFIG_STORAGE_TOPIC, OFFSET_STORAGE_TOPIC, STATUS_STORAGE_TOPIC, and any worker property as CONNECT_*
(CONNECT_LISTENERS is `listeners`).
LOG_LEVEL sets the level of log lines, RUST_LOG a filter for them, LOG_FORMAT=json their form.
Exit codes: 0 a good end, 1 wrong usage, tasks cut or a takeover that is blocked, 2 wrong settings, 3 the worker cannot run, or a connector of
the command line cannot be created.";

/// A native Kafka Connect worker with the Azure Data Explorer (Kusto) sink built in.
#[derive(Debug, Parser)]
#[command(name = "kusto-connect", version, after_help = AFTER_HELP)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start a worker of a Connect cluster, with its settings from a properties file (environment variables win)
    Distributed {
        /// The worker's properties, as for connect-distributed.sh
        file: Option<PathBuf>,
    },
    /// Start one worker that keeps nothing but offsets: connectors come from files and, until it ends, from REST
    Standalone {
        /// The worker's properties, as for connect-standalone.sh (environment variables win)
        worker: PathBuf,
        /// Connectors to create: properties, JSON objects of settings, or JSON bodies of create requests
        connectors: Vec<PathBuf>,
    },
    /// Say what would happen to an existing Connect cluster's connectors if this worker took over; changes nothing
    Migrate {
        /// Only look (there is nothing else to do: a worker that is started takes over by itself)
        #[arg(long, required = true)]
        check: bool,
        /// Answer in JSON
        #[arg(long)]
        json: bool,
        /// The worker's properties, as for `distributed`
        file: Option<PathBuf>,
    },
}

/// Runs the process: reads `args` and `env`, starts the worker, waits for its end.
pub async fn run(args: impl IntoIterator<Item = OsString>, env: BTreeMap<String, String>) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            // Nothing can be done when even this cannot be printed.
            drop(error.print());
            return if error.use_stderr() { ExitCode::from(BAD_USAGE) } else { ExitCode::SUCCESS };
        }
    };
    let (mode, file, connectors) = match cli.command {
        None => (Mode::Distributed, None, Vec::new()),
        Some(Command::Distributed { file }) => (Mode::Distributed, file, Vec::new()),
        Some(Command::Standalone { worker, connectors }) => (Mode::Standalone, Some(worker), connectors),
        Some(Command::Migrate { json, file, .. }) => return check(file.as_deref(), env, json).await,
    };
    let started = settings(mode, file.as_deref(), env)
        .and_then(|(config, lines)| Ok((config, lines, read(&connectors)?)));
    match started {
        Ok((config, lines, connectors)) => work(config, lines, connectors).await,
        Err(code) => code,
    }
}

/// Says what a takeover would bring. The answer alone goes to the output; there are no log lines.
async fn check(file: Option<&Path>, env: BTreeMap<String, String>, json: bool) -> ExitCode {
    let config = match WorkerConfig::load_for(Mode::Distributed, file, env) {
        Ok(config) => config,
        Err(errors) => {
            eprintln!("kusto-connect: the worker's settings are wrong:\n{errors}");
            return ExitCode::from(BAD_SETTINGS);
        }
    };
    match migrate::check(Arc::new(config)).await {
        Ok(report) => {
            let text = if json { format!("{:#}\n", report.to_json()) } else { report.to_text() };
            print!("{text}");
            if report.is_blocked() { ExitCode::from(BLOCKED) } else { ExitCode::SUCCESS }
        }
        Err(error) => {
            eprintln!("kusto-connect: {error}");
            ExitCode::from(CANNOT_RUN)
        }
    }
}

/// Reads the settings and sets up log lines; says everything that is wrong at once.
fn settings(
    mode: Mode,
    file: Option<&Path>,
    env: BTreeMap<String, String>,
) -> Result<(WorkerConfig, Filter), ExitCode> {
    let mut logging =
        telemetry::Options { filter: env.get("RUST_LOG").cloned(), ..telemetry::Options::default() };
    if env.get("LOG_FORMAT").is_some_and(|format| format.eq_ignore_ascii_case("json")) {
        logging.format = telemetry::Format::Json;
    }
    let config = WorkerConfig::load_for(mode, file, env);
    logging.level = config.as_ref().ok().and_then(|config| config.log_level.clone());
    let filter = telemetry::start(&logging).map_err(|error| {
        eprintln!("kusto-connect: {error}");
        ExitCode::from(BAD_SETTINGS)
    })?;
    let config = config.map_err(|errors| {
        tracing::error!("the worker's settings are wrong:\n{errors}");
        ExitCode::from(BAD_SETTINGS)
    })?;
    Ok((config, filter))
}

/// Reads the connectors of the command line; says of all of them what is wrong.
fn read(paths: &[PathBuf]) -> Result<Vec<ConnectorFile>, ExitCode> {
    let (files, errors): (Vec<_>, Vec<_>) =
        paths.iter().map(|path| ConnectorFile::read(path)).partition(Result::is_ok);
    for error in errors.iter().filter_map(|error| error.as_ref().err()) {
        tracing::error!(%error, "the worker is not started");
    }
    if errors.is_empty() {
        Ok(files.into_iter().flatten().collect())
    } else {
        Err(ExitCode::from(CANNOT_RUN))
    }
}

async fn work(config: WorkerConfig, lines: Filter, connectors: Vec<ConnectorFile>) -> ExitCode {
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        bootstrap = config.bootstrap_servers,
        mode = ?config.mode,
        group = config.group_id,
        "starting the worker"
    );
    limits::raise_descriptors();
    let (mut interrupt, mut terminate) = match signals() {
        Ok(signals) => signals,
        Err(error) => {
            tracing::error!(%error, "cannot listen for signals");
            return ExitCode::from(CANNOT_RUN);
        }
    };
    let mut app = match App::build(config).with_log_filter(lines).with_connectors(connectors).start().await {
        Ok(app) => app,
        Err(error) => return cannot_run(&error),
    };
    let created = app.create_connectors();
    let creating = async {
        match created.await {
            Ok(()) => std::future::pending().await,
            Err(error) => error,
        }
    };
    tokio::select! {
        error = app.failed() => {
            let code = cannot_run(&error);
            app.abandon().await;
            return code;
        }
        error = creating => {
            let code = cannot_run(&error);
            app.shutdown().await;
            return code;
        }
        _ = interrupt.recv() => tracing::info!("SIGINT: stopping"),
        _ = terminate.recv() => tracing::info!("SIGTERM: stopping"),
    }
    tokio::select! {
        code = stop(app) => code,
        _ = interrupt.recv() => at_once(),
        _ = terminate.recv() => at_once(),
    }
}

async fn stop(app: RunningApp) -> ExitCode {
    if app.shutdown().await {
        tracing::info!("all tasks were drained; the worker has ended");
        return ExitCode::SUCCESS;
    }
    tracing::warn!(
        "some tasks were cut (task.shutdown.graceful.timeout.ms); their records will be read again"
    );
    ExitCode::from(TASKS_CUT)
}

fn at_once() -> ExitCode {
    tracing::warn!("a second signal: ending at once; records that were not committed will be read again");
    ExitCode::from(TASKS_CUT)
}

fn cannot_run(error: &Error) -> ExitCode {
    tracing::error!(%error, "the worker cannot run");
    ExitCode::from(CANNOT_RUN)
}

fn signals() -> std::io::Result<(Signal, Signal)> {
    Ok((signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?))
}
