//! Commands that help who sets a worker up, and start none.
//!
//! Exit codes of those that check: 0 nothing is wrong, 1 something is, 2 wrong usage or nothing could be checked.

mod audit;
mod doctor;
mod dry_run;
mod exit;
mod explain;
mod files;
mod manual;
mod validate;

use clap::Subcommand;
use clap_complete::Shell;
use exit::UNCHECKED;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

/// The commands whose wrong usage is [`UNCHECKED`].
const CHECKS: [&str; 5] = ["validate", "doctor", "explain", "dry-run", "audit"];

#[derive(Debug, Subcommand)]
pub(super) enum Tool {
    /// Check a connector's file without a worker and without the network: all errors at once, a line each
    Validate {
        /// The connector: JSON of settings, the JSON body of a create request, or properties
        connector: PathBuf,
        /// The worker that it is for: its converters, config providers and limits count
        #[arg(long, value_name = "PROPERTIES")]
        worker: Option<PathBuf>,
        /// Answer as Connect's validation over REST does
        #[arg(long)]
        json: bool,
    },
    /// Try what a start needs, from the settings to the tables, and say what to do about what fails; changes nothing
    Doctor(doctor::Doctor),
    /// Say what will happen to a record, step by step, and each setting with its value and where it is from
    Explain(explain::Explain),
    /// Show the rows that records would become, and why bad ones would become none; writes nothing
    DryRun(dry_run::DryRun),
    /// Compare what Kafka has with the rows in the tables, and say which records are missing, duplicated or dead-lettered; changes
    /// nothing
    Audit(audit::Audit),
    /// Print the completions of a shell, to be put where it looks for them
    Completions {
        /// Which shell
        shell: Shell,
    },
    /// Print the manual page, of the program or of one command (in roff: `kusto-connect man | man -l -`)
    Man {
        /// The command
        command: Option<String>,
    },
}

/// What a wrong command line ends with, when it begins with one of the commands that check.
pub(super) fn bad_usage(args: &[OsString]) -> Option<u8> {
    let command = args.get(1)?.to_str()?;
    CHECKS.contains(&command).then_some(UNCHECKED)
}

impl Tool {
    /// Does what the command says. `program` is the whole command line.
    pub(super) async fn run(self, program: clap::Command, env: BTreeMap<String, String>) -> ExitCode {
        match self {
            Self::Validate { connector, worker, json } => {
                validate::run(&connector, worker.as_deref(), env, json).await
            }
            Self::Doctor(options) => doctor::run(options, env).await,
            Self::Explain(options) => explain::run(options, env).await,
            Self::DryRun(options) => dry_run::run(options, env).await,
            Self::Audit(options) => audit::run(options, env).await,
            Self::Completions { shell } => manual::completions(shell, program),
            Self::Man { command } => manual::page(program, command.as_deref()),
        }
    }
}
