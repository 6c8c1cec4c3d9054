//! Azurite: blobs and queues by someone else's hand.

use std::path::Path;

use super::process::{Guarded, free_ports, rigs, wait_for_port};

/// One Azurite process, all in memory, with its usual account.
pub struct Azurite {
    blob_port: u16,
    _process: Guarded,
    _dir: tempfile::TempDir,
}

impl Azurite {
    /// Starts one on three neighbouring free ports.
    pub async fn start() -> Self {
        let blob_port = free_ports(3);
        let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
        let program = rigs().join("azurite/node_modules/.bin/azurite");
        let ports = [blob_port, blob_port + 1, blob_port + 2].map(|port| port.to_string());
        let arguments = [
            program.to_str().expect("a path"),
            "--silent",
            "--inMemoryPersistence",
            "--skipApiVersionCheck",
            "--disableTelemetry",
            "--blobPort",
            &ports[0],
            "--queuePort",
            &ports[1],
            "--tablePort",
            &ports[2],
        ];
        let process = Guarded::start("node", &arguments, Path::new(&dir.path().join("azurite.log")));
        wait_for_port("azurite", blob_port).await;
        wait_for_port("azurite", blob_port + 1).await;
        Self { blob_port, _process: process, _dir: dir }
    }

    /// The blob service; queues and tables are on the next two ports.
    pub fn blob_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.blob_port)
    }
}
