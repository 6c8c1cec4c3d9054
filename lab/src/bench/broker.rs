//! A Kafka broker for the bench when none is given: `scripts/kafka run`, which ends when its standard input closes.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use tokio::process::{Child, ChildStdin, Command};

use super::error::Error;
use super::waits::PATIENCE;
use crate::kafka::{producer, wait_for_broker};
use crate::ports;

/// Where the broker's start script is, from the repository's top.
const SCRIPT: &str = "scripts/kafka";

/// A Kafka and, when it is ours, its process.
pub struct Broker {
    /// `host:port`.
    pub servers: String,
    own: Option<(Child, ChildStdin)>,
}

impl Broker {
    /// The one given, or a new one with its data in `folder`.
    pub async fn start(given: &str, folder: &Path) -> Result<Self, Error> {
        if !given.is_empty() {
            return Ok(Self { servers: given.to_owned(), own: None });
        }
        let port = ports::free()?;
        let script = PathBuf::from(SCRIPT);
        let data = folder.join("kafka");
        let mut command = Command::new(&script);
        command
            .arg("run")
            .arg(&data)
            .arg(port.to_string())
            .env("CONTROLLER_PORT", ports::free()?.to_string());
        let child = command.stdin(Stdio::piped()).process_group(0).spawn();
        let mut child = child.map_err(|error| {
            Error::Part(format!("{SCRIPT}: {error}; the bench runs in the repository's top folder, or takes BOOTSTRAP_SERVERS=host:port"))
        })?;
        let Some(stdin) = child.stdin.take() else {
            return Err(Error::Part(format!("{SCRIPT}: no standard input")));
        };
        let servers = format!("127.0.0.1:{port}");
        let client = producer(&servers, &[])?;
        tokio::select! {
            answer = wait_for_broker(&client, &servers, Some(PATIENCE), |_| {}) => answer?,
            status = child.wait() => return Err(Error::Part(format!("{SCRIPT} ended: {}", status?))),
        }
        Ok(Self { servers, own: Some((child, stdin)) })
    }

    /// Ends our own and waits for it.
    pub async fn stop(self) -> Result<(), Error> {
        if let Some((mut child, stdin)) = self.own {
            drop(stdin);
            child.wait().await?;
        }
        Ok(())
    }
}
