//! Child processes that do not outlive the test, and ports nobody listens on.

use std::ffi::OsStr;
use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::{Random, wait_for};

/// A server process that ends when this value is dropped, and also when the test process dies in any way: it hangs on
/// our end of a pipe, so statics (never dropped) and SIGKILL leave no orphan.
pub struct Guarded {
    child: Child,
}

/// Runs the server beside a `cat` that ends with the pipe.
const GUARD: &str =
    r#""$@" </dev/null & pid=$!; cat >/dev/null; kill -9 $pid 2>/dev/null; wait $pid 2>/dev/null"#;

impl Guarded {
    /// Starts `program` under guard, its output into the file `log`.
    pub fn start(program: &str, arguments: &[&str], log: &Path) -> Self {
        let mut all = vec!["-c", GUARD, "guard", program];
        all.extend(arguments);
        Self::start_self_guarding("bash", &all, log)
    }

    /// Starts a program that watches its own standard input and ends with it.
    pub fn start_self_guarding<S: AsRef<OsStr>>(
        program: impl AsRef<OsStr>,
        arguments: &[S],
        log: &Path,
    ) -> Self {
        let output = File::create(log).expect("a log file");
        let child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(output.try_clone().expect("the same file"))
            .stderr(output)
            .spawn()
            .expect("the process starts");
        Self { child }
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ended = self.child.wait();
    }
}

/// A port of loopback that was free a moment ago.
pub fn free_port() -> u16 {
    free_ports(1)
}

/// The first of `count` neighbouring ports that were free a moment ago. They lie below the kernel's ephemeral range:
/// an outgoing connection of any test could take a port from there before its server does, or while it restarts.
pub fn free_ports(count: u16) -> u16 {
    let mut random = Random::new(uuid::Uuid::new_v4().as_u64_pair().0);
    loop {
        let port = u16::try_from(random.between(20_000, 32_000)).expect("a port");
        let all: Vec<_> = (0..count).map(|add| TcpListener::bind(("127.0.0.1", port + add))).collect();
        if all.iter().all(Result::is_ok) {
            return port;
        }
    }
}

/// A command that starts another as a user who has no process, where that can be had, and as us otherwise; and how many
/// threads that user has now.
pub fn free_user() -> (Vec<String>, usize) {
    let status = std::fs::read_to_string("/proc/self/status").expect("our state");
    let user = |status: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
        line.split_whitespace().next().map(ToOwned::to_owned)
    };
    let us = user(&status).expect("our user");
    if us == "0" {
        let id = Random::new(uuid::Uuid::new_v4().as_u64_pair().0).between(61_000, 64_000);
        let command = ["setpriv", &format!("--reuid={id}"), &format!("--regid={id}"), "--clear-groups"];
        return (command.map(ToOwned::to_owned).into(), 0);
    }
    let processes = std::fs::read_dir("/proc").expect("processes").flatten();
    let of_us = processes.filter(|process| {
        let status = std::fs::read_to_string(process.path().join("status")).unwrap_or_default();
        user(&status).as_ref() == Some(&us)
    });
    let threads =
        of_us.filter_map(|process| Some(std::fs::read_dir(process.path().join("task")).ok()?.count()));
    (Vec::new(), threads.sum())
}

/// Waits until something accepts connections on `port`.
pub async fn wait_for_port(what: &str, port: u16) {
    wait_for(format!("{what} on port {port}"), Duration::from_mins(1), async || {
        tokio::net::TcpStream::connect(("127.0.0.1", port)).await.ok()
    })
    .await;
}

/// Sends `signal` (`TERM`, `KILL`, `STOP`, …) to one process.
pub fn signal(pid: u32, signal: &str) {
    let status =
        Command::new("kill").args([format!("-{signal}"), pid.to_string()]).status().expect("kill runs");
    assert!(status.success(), "kill -{signal} {pid}");
}

/// The folder with what `scripts/rigs` installed.
pub fn rigs() -> PathBuf {
    let path = root().join(".cache/rigs");
    assert!(path.is_dir(), "the test rigs are missing: run scripts/rigs (make test does)");
    path
}

/// The repository.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
