//! The worker under measure: ours, started for it, or one that runs already.

use std::path::Path;

use tokio::time::Instant;

use super::args::Args;
use super::error::Error;
use super::waits::{GRACE, PATIENCE};
use crate::{
    connect::Connect,
    process::{Process, Spec, sibling},
};

/// Where a worker of ours runs: two starts at one place are two lives of one worker.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// Kafka.
    pub servers: &'a str,
    /// Its group and storage topics begin so; a worker at a place of its own finds no connector of an earlier run.
    pub cluster: &'a str,
    /// Its REST port.
    pub port: u16,
    /// For its log.
    pub folder: &'a Path,
}

/// A worker; `process` when it is ours.
pub struct Subject {
    /// Its REST.
    pub connect: Connect,
    /// Its process id.
    pub pid: u32,
    process: Option<Process>,
    /// From the start of the process to the first REST answer; `None` for a worker we did not start.
    pub start_to_ready_ms: Option<u128>,
}

impl Subject {
    /// The worker that the command line names by URL and pid, if it does.
    pub fn given(args: &Args, http: &reqwest::Client) -> Option<Self> {
        let (url, pid) = (args.worker_url.as_ref()?, args.worker_pid?);
        let connect = Connect::new(http.clone(), url.trim_end_matches('/'));
        Some(Self { connect, pid, process: None, start_to_ready_ms: None })
    }

    /// Starts the program that the command line names (ours by default) and waits for its REST.
    pub async fn start(args: &Args, http: &reqwest::Client, place: Place<'_>) -> Result<Self, Error> {
        let Place { servers, cluster, port, folder } = place;
        let program = args.worker.clone().map_or_else(|| sibling("kusto-connect"), Ok)?;
        let name = |what: &str| format!("{cluster}-{what}");
        let began = Instant::now();
        let mut process = Spec::new("kusto-connect", &program)
            .env("BOOTSTRAP_SERVERS", servers)
            .env("GROUP_ID", name("group"))
            .env("CONFIG_STORAGE_TOPIC", name("configs"))
            .env("OFFSET_STORAGE_TOPIC", name("offsets"))
            .env("STATUS_STORAGE_TOPIC", name("statuses"))
            .env("CONNECT_LISTENERS", format!("http://127.0.0.1:{port}"))
            .start(folder)?;
        let connect = Connect::new(http.clone(), &format!("http://localhost:{port}"));
        tokio::select! {
            ready = tokio::time::timeout(PATIENCE, connect.wait_until_ready()) => {
                ready.map_err(|_| Error::Part("the worker's REST did not answer".to_owned()))?;
            }
            _ = process.wait() => {
                return Err(Error::Part(format!("the worker ended at its start:\n{}", process.last_lines(20))));
            }
        }
        let start_to_ready_ms = Some(began.elapsed().as_millis());
        let pid = process.id().ok_or_else(|| Error::Part("the worker ended at its start".to_owned()))?;
        Ok(Self { connect, pid, process: Some(process), start_to_ready_ms })
    }

    /// The end of its log, when it is ours.
    pub fn last_lines(&self) -> Option<String> {
        self.process.as_ref().map(|process| process.last_lines(20))
    }

    /// SIGTERM to one that is ours, and the wait for its end.
    pub async fn stop(self) -> Result<(), Error> {
        let Some(mut process) = self.process else { return Ok(()) };
        let status = process.stop(GRACE).await?;
        if !status.success() {
            eprintln!("bench: the worker ended with {status}");
        }
        Ok(())
    }
}
