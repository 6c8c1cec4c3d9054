//! The emulator of a bench: a process of its own that counts what arrives and keeps nothing.

use std::path::Path;

use serde::Deserialize;

use super::error::Error;
use super::waits::{GRACE, LOOK};
use crate::process::{Process, Spec, sibling};

/// A running emulator in discard mode.
pub struct Adx {
    /// Its address.
    pub url: String,
    http: reqwest::Client,
    process: Process,
}

/// The counts the bench looks at.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Blobs uploaded.
    pub blobs: u64,
    /// Their bytes.
    pub blob_bytes: u64,
    /// Queue messages accepted.
    pub posted_messages: u64,
    /// Uncompressed bytes of what the messages named.
    pub ingested_raw_bytes: u64,
}

impl Adx {
    /// Starts one on `port`.
    pub async fn start(http: reqwest::Client, port: u16, folder: &Path) -> Result<Self, Error> {
        let program = sibling("adx-emulator")?;
        let listen = format!("127.0.0.1:{port}");
        let arguments = ["--listen", &listen, "--discard", "--in-memory"];
        let mut process =
            Spec::new("adx-emulator", &program).args(arguments).env("RUST_LOG", "warn").start(folder)?;
        let url = format!("http://localhost:{port}");
        let ready = async {
            while http.get(format!("{url}/emulator/stats")).send().await.is_err() {
                tokio::time::sleep(LOOK).await;
            }
        };
        tokio::select! {
            () = ready => {}
            _ = process.wait() => {
                return Err(Error::Part(format!("the emulator did not start: {}", process.last_lines(5))));
            }
        }
        Ok(Self { url, http, process })
    }

    /// The counts so far.
    pub async fn counts(&self) -> Result<Counts, Error> {
        Ok(self.http.get(format!("{}/emulator/stats", self.url)).send().await?.json().await?)
    }

    /// Ends it.
    pub async fn stop(mut self) -> Result<(), Error> {
        self.process.stop(GRACE).await?;
        Ok(())
    }
}
