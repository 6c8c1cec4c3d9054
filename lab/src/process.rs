//! Child processes that end when they are told to: SIGTERM, a time to finish, then SIGKILL.
//!
//! A [`Process`] owns its child. Dropping it kills the child, so that no path, not even a panic, leaves one behind.

use std::{
    ffi::OsStr,
    fs::File,
    io,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, ChildStdout, Command};

/// What went wrong with a child.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It did not start.
    #[error("{program}: {source} (`make build` makes it)")]
    Start {
        /// The program file.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Its log file could not be made.
    #[error("{path}: {source}")]
    Log {
        /// The log file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// A running child and the file its messages go to.
#[derive(Debug)]
pub struct Process {
    /// What it is called in messages.
    pub name: &'static str,
    /// Where standard error goes, and standard output unless it is read by us.
    pub log: PathBuf,
    child: Child,
}

/// What to start.
#[derive(Debug)]
pub struct Spec {
    name: &'static str,
    program: PathBuf,
    command: Command,
}

impl Spec {
    /// `program` by the name it has in messages.
    pub fn new(name: &'static str, program: &Path) -> Self {
        Self { name, program: program.to_owned(), command: Command::new(program) }
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.command.args(args);
        self
    }

    /// Sets a variable of its environment.
    #[must_use]
    pub fn env(mut self, key: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(key, value);
        self
    }

    /// Starts it with all output in `folder/NAME.log`.
    pub fn start(self, folder: &Path) -> Result<Process, Error> {
        self.spawn(folder, false).map(|(process, _)| process)
    }

    /// Starts it with standard output for us to read and standard error in `folder/NAME.log`.
    pub fn start_reading(self, folder: &Path) -> Result<(Process, Option<ChildStdout>), Error> {
        self.spawn(folder, true)
    }

    fn spawn(mut self, folder: &Path, read: bool) -> Result<(Process, Option<ChildStdout>), Error> {
        let log = folder.join(format!("{}.log", self.name));
        let file = File::create(&log).and_then(|file| Ok((file.try_clone()?, file)));
        let (out, err) = file.map_err(|source| Error::Log { path: log.clone(), source })?;
        self.command
            .stdin(Stdio::null())
            .stdout(if read { Stdio::piped() } else { out.into() })
            .stderr(err)
            .kill_on_drop(true)
            // Its own group: Ctrl-C reaches us alone, and we end the parts in their order.
            .process_group(0);
        let mut child =
            self.command.spawn().map_err(|source| Error::Start { program: self.program, source })?;
        let stdout = child.stdout.take();
        Ok((Process { name: self.name, log, child }, stdout))
    }
}

impl Process {
    /// The process id, `None` once it has ended.
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Waits for its end. May be dropped and called again.
    pub async fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Sends SIGTERM; nothing happens when it has ended.
    pub fn terminate(&self) {
        if let Some(pid) = self.child.id().and_then(|id| Pid::from_raw(id.cast_signed())) {
            let _fails_only_when_it_has_ended_already = kill_process(pid, Signal::TERM);
        }
    }

    /// SIGTERM, up to `grace` to end in good order, then SIGKILL. The status tells which it was.
    pub async fn stop(&mut self, grace: Duration) -> io::Result<ExitStatus> {
        self.terminate();
        if let Ok(status) = tokio::time::timeout(grace, self.child.wait()).await {
            return status;
        }
        self.child.kill().await?;
        self.child.wait().await
    }

    /// The last lines of its log, for the message that explains a failure.
    pub fn last_lines(&self, count: usize) -> String {
        let text = std::fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(count)..].join("\n")
    }
}

/// The folder of the running program: its siblings are the programs built with it.
pub fn sibling(name: &str) -> io::Result<PathBuf> {
    Ok(std::env::current_exe()?.with_file_name(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;

    fn shell(script: &str) -> Spec {
        Spec::new("shell", Path::new("/bin/sh")).args(["-c", script])
    }

    async fn wait_for_line(process: &Process, line: &str) {
        while !process.last_lines(1).contains(line) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    #[tokio::test]
    async fn a_child_that_listens_ends_in_good_order() {
        let folder = tempfile::tempdir().unwrap();
        let script = "trap 'echo bye; exit 7' TERM; echo up; while :; do sleep 0.05; done";
        let mut child = shell(script).start(folder.path()).unwrap();
        wait_for_line(&child, "up").await;
        assert_eq!(child.stop(Duration::from_secs(10)).await.unwrap().code(), Some(7));
        assert_eq!(child.last_lines(1), "bye");
        assert_eq!(child.id(), None);
    }

    #[tokio::test]
    async fn a_child_that_does_not_listen_is_killed() {
        let folder = tempfile::tempdir().unwrap();
        let mut child =
            shell("trap '' TERM; echo up; while :; do sleep 0.05; done").start(folder.path()).unwrap();
        wait_for_line(&child, "up").await;
        assert_eq!(child.stop(Duration::from_millis(300)).await.unwrap().signal(), Some(9));
    }

    #[tokio::test]
    async fn a_missing_program_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error =
            Spec::new("worker", Path::new("/nowhere/kusto-connect")).start(folder.path()).unwrap_err();
        assert!(error.to_string().contains("/nowhere/kusto-connect"), "{error}");
        assert!(error.to_string().contains("make build"), "{error}");
    }
}
