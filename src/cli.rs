//! The command line: which worker to start, from where its settings come, and what the process ends with.
//!
//! No argument starts the distributed worker from the environment, as a container does. Exit codes: 0 a good end, 1 a
//! wrong command line, tasks that were cut or a takeover that is blocked, 2 wrong settings (all of them are named), 3 a worker that cannot start
//! or go on, or a connector of the command line that cannot be created (`connect-runtime.md` §8.4).

use crate::app::{App, Error, RunningApp};
use crate::config::{ConnectorFile, Mode, WorkerConfig, environment_defaults, short_variables};
use crate::kafka::settings as clients;
use crate::limits;
use crate::migrate;
use crate::plugins::BUILT_IN;
use crate::telemetry::{self, Filter, Level, WeakLoggers};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Parser, Subcommand};
use out::answer;
pub use out::say;
use signals::Signals;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use tools::Tool;

mod out;
mod signals;
mod tools;

const BAD_USAGE: u8 = 1;
const TASKS_CUT: u8 = 1;
const BLOCKED: u8 = 1;
const BAD_SETTINGS: u8 = 2;
const CANNOT_RUN: u8 = 3;

/// What stands below the options. The variables are those that `config` reads.
fn after_help() -> String {
    let line = |(name, key): (&str, &str)| format!("  {name:<26}{key}");
    let short = short_variables().map(line).collect::<Vec<_>>().join("\n");
    let defaults = environment_defaults().iter().copied();
    let defaults = defaults.map(|(key, value)| format!("  {key}={value}")).collect::<Vec<_>>().join("\n");
    format!(
        "\
Without a command the distributed worker is started from the environment. Any worker property may be given as CONNECT_*
(CONNECT_LISTENERS is `listeners`), and some by short names, which win over these and over a file:
{short}

HOST_NAME counts only where nothing else says it. A start from the environment alone uses, unless it is told otherwise:
{defaults}

LOG_LEVEL (or CONNECT_LOG4J_ROOT_LOGLEVEL) sets the level of log lines, RUST_LOG a filter for them, LOG_FORMAT=json their
form. KAFKA_OPTS may name a JAAS file (-Djava.security.auth.login.config=…).
Exit codes: 0 a good end, 1 wrong usage, tasks cut or a takeover that is blocked, 2 wrong settings, 3 the worker cannot run, or a
connector of the command line cannot be created. Of validate,
doctor, explain, dry-run and audit: 0 nothing is wrong, 1 something is, 2 nothing was checked."
    )
}

/// A native Kafka Connect worker with the Azure Data Explorer (Kusto) sink built in.
#[derive(Debug, Parser)]
#[command(name = "kusto-connect", version, after_help = after_help())]
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
    #[command(flatten)]
    Tool(Tool),
}

/// What is to be started, and from where its settings come.
#[derive(Debug, Clone)]
struct Start {
    mode: Mode,
    file: Option<PathBuf>,
    connectors: Vec<PathBuf>,
    env: BTreeMap<String, String>,
}

/// What was read for a start.
type Read = (WorkerConfig, Filter, Vec<ConnectorFile>);

/// Runs the process: reads `args` and `env`, starts the worker, waits for its end.
pub async fn run(args: impl IntoIterator<Item = OsString>, env: BTreeMap<String, String>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    let bad_usage = tools::bad_usage(&args).unwrap_or(BAD_USAGE);
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            match file_as_command(&error) {
                Some(text) => say(&text),
                // Nothing can be done when even this cannot be printed.
                None => drop(error.print()),
            }
            return if error.use_stderr() { ExitCode::from(bad_usage) } else { ExitCode::SUCCESS };
        }
    };
    let (mode, file, connectors) = match cli.command {
        None => (Mode::Distributed, None, Vec::new()),
        Some(Command::Distributed { file }) => (Mode::Distributed, file, Vec::new()),
        Some(Command::Standalone { worker, connectors }) => (Mode::Standalone, Some(worker), connectors),
        Some(Command::Migrate { json, file, .. }) => return check(file.as_deref(), env, json).await,
        Some(Command::Tool(tool)) => return tool.run(Cli::command(), env).await,
    };
    let mut signals = match Signals::take() {
        Ok(signals) => signals,
        Err(error) => {
            say(&format!("cannot take signals: {error}"));
            return ExitCode::from(CANNOT_RUN);
        }
    };
    let start = Start { mode, file, connectors, env };
    // A file may be slow, or none at all: a signal must not wait for it.
    let reading = start.clone();
    let reading = tokio::task::spawn_blocking(move || reading.read());
    tokio::select! {
        read = reading => match read {
            Ok(Ok(read)) => work(start, read, signals).await,
            Ok(Err(code)) => code,
            Err(_) => ExitCode::from(CANNOT_RUN),
        },
        name = signals.end(async || {}) => ended_before_its_start(name),
    }
}

/// What to say to who gave a file where a command belongs.
fn file_as_command(error: &clap::Error) -> Option<String> {
    if error.kind() != ErrorKind::InvalidSubcommand {
        return None;
    }
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand) else { return None };
    let path = Path::new(word);
    (path.extension().is_some() || path.exists()).then(|| {
        format!(
            "{word} is a file, and a command stands before it: `kusto-connect distributed {word}` for a worker of a \
             cluster, `kusto-connect standalone {word} CONNECTOR…` for one alone; --help says more"
        )
    })
}

/// Says what a takeover would bring. The answer alone goes to the output; there are no log lines.
async fn check(file: Option<&Path>, env: BTreeMap<String, String>, json: bool) -> ExitCode {
    let config = match WorkerConfig::load_for(&BUILT_IN, Mode::Distributed, file, env) {
        Ok(config) => config,
        Err(errors) => {
            say(&format!("the worker's settings are wrong:\n{errors}"));
            return ExitCode::from(BAD_SETTINGS);
        }
    };
    if let Some(errors) = clients::check_worker(&config).own_errors() {
        say(&format_args!("the worker's settings are wrong:\n{errors}"));
        return ExitCode::from(BAD_SETTINGS);
    }
    match migrate::check(BUILT_IN, Arc::new(config)).await {
        Ok(report) => {
            let text = if json { format!("{:#}\n", report.to_json()) } else { report.to_text() };
            answer(&text);
            if report.is_blocked() { ExitCode::from(BLOCKED) } else { ExitCode::SUCCESS }
        }
        Err(error) => {
            say(&error);
            ExitCode::from(CANNOT_RUN)
        }
    }
}

impl Start {
    fn read(&self) -> Result<Read, ExitCode> {
        let (config, lines) = settings(self.mode, self.file.as_deref(), self.env.clone())?;
        Ok((config, lines, read(&self.connectors)?))
    }

    /// Reads the level of log lines again; levels that were set over REST are forgotten.
    async fn reread(&self, loggers: &WeakLoggers) {
        let Self { mode, file, env, .. } = self.clone();
        let read = move || WorkerConfig::load_for(&BUILT_IN, mode, file.as_deref(), env);
        match tokio::task::spawn_blocking(read).await {
            Ok(Ok(config)) => {
                let level = Level::of_setting(config.log_level.as_deref());
                if let Some(loggers) = loggers.upgrade() {
                    loggers.reset(level).await;
                }
                tracing::info!(
                    level = level.as_str(),
                    "SIGHUP: the levels of loggers are those of the settings again"
                );
            }
            Ok(Err(errors)) => {
                tracing::error!("SIGHUP: the levels of loggers stay, since the worker's settings are wrong:");
                log_each(&errors);
            }
            Err(error) => tracing::error!(%error, "SIGHUP: the settings were not read"),
        }
    }
}

/// Logs errors that stand one below the other; an event is one line.
fn log_each(errors: &dyn Display) {
    for error in errors.to_string().lines() {
        tracing::error!("{error}");
    }
}

/// Reads the settings and sets up log lines; says everything that is wrong at once.
fn settings(
    mode: Mode,
    file: Option<&Path>,
    env: BTreeMap<String, String>,
) -> Result<(WorkerConfig, Filter), ExitCode> {
    let mut logging =
        telemetry::LogOptions { filter: env.get("RUST_LOG").cloned(), ..telemetry::LogOptions::default() };
    if env.get("LOG_FORMAT").is_some_and(|format| format.eq_ignore_ascii_case("json")) {
        logging.format = telemetry::Format::Json;
    }
    let odd_format = env
        .get("LOG_FORMAT")
        .filter(|format| !["", "json", "text"].iter().any(|known| known.eq_ignore_ascii_case(format)));
    let odd_format = odd_format.map(|format| format!("LOG_FORMAT={format} is not known; it is json or text"));
    let config = WorkerConfig::load_for(&BUILT_IN, mode, file, env);
    logging.level = config.as_ref().ok().and_then(|config| config.log_level.clone());
    let filter = telemetry::start(&logging).map_err(|error| {
        say(&error);
        ExitCode::from(BAD_SETTINGS)
    })?;
    let odd_level = Level::objection(logging.level.as_deref()).map(|reason| format!("LOG_LEVEL: {reason}"));
    for warning in odd_level.into_iter().chain(odd_format) {
        tracing::warn!("{warning}");
    }
    let wrong = |errors: &dyn Display| {
        tracing::error!("the worker's settings are wrong:");
        log_each(errors);
        ExitCode::from(BAD_SETTINGS)
    };
    let mut config = config.map_err(|errors| wrong(&errors))?;
    let checked = clients::check_worker(&config);
    if let Some(errors) = checked.own_errors() {
        return Err(wrong(&errors));
    }
    config.warnings.extend(checked.warnings());
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

async fn work(start: Start, (config, lines, connectors): Read, mut signals: Signals) -> ExitCode {
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
    let app = App::build(config).with_log_filter(lines).with_connectors(connectors);
    let mut app = tokio::select! {
        started = app.start() => match started {
            Ok(app) => app,
            Err(error) => return cannot_run(&error),
        },
        name = signals.end(async || {}) => return ended_before_its_start(name),
    };
    let (created, loggers) = (app.create_connectors(), app.loggers().clone());
    let creating = async {
        match created.await {
            Ok(()) => std::future::pending().await,
            Err(error) => error,
        }
    };
    let code = tokio::select! {
        error = app.failed() => {
            let code = cannot_run(&error);
            app.abandon().await;
            return code;
        }
        error = creating => Some(cannot_run(&error)),
        name = signals.end(async || start.reread(&loggers).await) => {
            tracing::info!("{name}: stopping");
            None
        }
    };
    tokio::select! {
        drained = stop(app) => code.unwrap_or(drained),
        name = signals.end(async || {}) => at_once(name),
    }
}

fn ended_before_its_start(name: &str) -> ExitCode {
    tracing::info!("{name}: ending before anything was started");
    ExitCode::SUCCESS
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

fn at_once(name: &str) -> ExitCode {
    tracing::warn!(
        "{name}, a second signal: ending at once; records that were not committed will be read again"
    );
    ExitCode::from(TASKS_CUT)
}

fn cannot_run(error: &Error) -> ExitCode {
    tracing::error!(%error, "the worker cannot run");
    ExitCode::from(CANNOT_RUN)
}
