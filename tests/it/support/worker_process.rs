//! A worker as its users run it: the real binary in a process of its own, to be killed and started again.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use super::process::{free_port, signal};
use super::{Kafka, Rest, unique, wait_for};

/// One worker process, its settings and its log.
pub struct Worker {
    rest: Rest,
    log: PathBuf,
    mode: &'static str,
    settings: PathBuf,
    config_topic: String,
    connectors: Vec<PathBuf>,
    environment: Vec<(String, String)>,
    /// What starts it, with arguments; none is the system itself.
    launcher: Vec<String>,
    unheard: bool,
    child: Option<Child>,
    dir: TempDir,
}

impl Worker {
    /// A worker of a cluster of its own on `kafka`; returns when REST answers.
    pub async fn start(kafka: &Kafka) -> Self {
        Self::with(kafka, &[]).await
    }

    /// The same with further settings, which win over the usual ones.
    pub async fn with(kafka: &Kafka, settings: &[(&str, &str)]) -> Self {
        let mut worker = Self::stopped(kafka.bootstrap(), settings);
        worker.start_again().await;
        worker
    }

    /// A worker that was not started yet.
    pub fn stopped(bootstrap: &str, settings: &[(&str, &str)]) -> Self {
        let port = free_port();
        let cluster = unique("cluster");
        let mut all: BTreeMap<String, String> = [
            ("bootstrap.servers", bootstrap.to_owned()),
            ("group.id", cluster.clone()),
            ("config.storage.topic", format!("{cluster}-configs")),
            ("offset.storage.topic", format!("{cluster}-offsets")),
            ("status.storage.topic", format!("{cluster}-statuses")),
            ("listeners", format!("http://127.0.0.1:{port}")),
            ("key.converter", "org.apache.kafka.connect.storage.StringConverter".to_owned()),
            ("value.converter", "org.apache.kafka.connect.storage.StringConverter".to_owned()),
            // A killed member's partitions are free after this, instead of 45 s.
            // So is its place in its cluster.
            ("session.timeout.ms", "2000".to_owned()),
            ("heartbeat.interval.ms", "500".to_owned()),
            ("consumer.session.timeout.ms", "2000".to_owned()),
            ("consumer.heartbeat.interval.ms", "500".to_owned()),
        ]
        .map(|(key, value): (&str, String)| (key.to_owned(), value))
        .into();
        for key in ["config", "offset", "status"].map(|topic| format!("{topic}.storage.replication.factor")) {
            all.insert(key, "1".to_owned());
        }
        all.extend(settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
        let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
        let file = dir.path().join("worker.properties");
        let mut text = String::new();
        for (key, value) in &all {
            writeln!(text, "{key}={value}").expect("text");
        }
        std::fs::write(&file, text).expect("a settings file");
        let rest = Rest::new(format!("http://127.0.0.1:{port}"));
        Self {
            rest,
            log: dir.path().join("worker.log"),
            mode: "distributed",
            settings: file,
            config_topic: format!("{cluster}-configs"),
            connectors: Vec::new(),
            environment: Vec::new(),
            launcher: Vec::new(),
            unheard: false,
            child: None,
            dir,
        }
    }

    /// A standalone worker that was not started yet.
    pub fn standalone(bootstrap: &str) -> Self {
        // The keys of a cluster are among the usual ones: such a worker must not mind them.
        let settings = [("offset.storage.file.filename", "/nowhere/offsets"), ("group.id", "")];
        let mut worker = Self::stopped(bootstrap, &settings);
        worker.mode = "standalone";
        worker
    }

    /// Gives a standalone worker a connector file for its next starts.
    pub fn connector_file(&mut self, name: &str, text: &str) {
        let file = self.dir.path().join(name);
        std::fs::write(&file, text).expect("a connector file");
        self.connectors.push(file);
    }

    /// Sets an environment variable for its next starts.
    pub fn environment(&mut self, name: &str, value: &str) {
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// Has its next starts done by this command, which becomes the worker (`prlimit --nofile=256`), also as another user.
    pub fn under(&mut self, launcher: &[&str]) {
        self.launcher = launcher.iter().map(|word| (*word).to_owned()).collect();
        let readable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(self.dir.path(), readable).expect("our own folder");
    }

    /// From its next start on nobody reads what it writes: its outputs are pipes without an end.
    pub fn unheard(mut self) -> Self {
        self.unheard = true;
        self
    }

    /// Its settings file.
    pub fn settings_file(&self) -> &Path {
        &self.settings
    }

    /// Starts the process without waiting for anything.
    pub fn spawn(&mut self) {
        assert!(self.child.is_none(), "it runs already");
        let log = OpenOptions::new().create(true).append(true).open(&self.log).expect("a log file");
        let worker = env!("CARGO_BIN_EXE_kusto-connect").to_owned();
        let command: Vec<String> = self.launcher.iter().cloned().chain([worker]).collect();
        let output = |file: &File| {
            if self.unheard { Stdio::piped() } else { file.try_clone().expect("the same file").into() }
        };
        let mut child = Command::new(&command[0])
            .args(&command[1..])
            .arg(self.mode)
            .arg(&self.settings)
            .args(&self.connectors)
            .envs(self.environment.iter().cloned())
            .stdin(Stdio::null())
            .stdout(output(&log))
            .stderr(output(&log))
            .spawn()
            .expect("the worker starts");
        drop((child.stdout.take(), child.stderr.take()));
        self.child = Some(child);
    }

    /// Starts the process (again, with the same settings and port) and waits until REST answers.
    pub async fn start_again(&mut self) {
        self.spawn();
        let (rest, child) = (&self.rest, self.child.as_mut().expect("just started"));
        let log = &self.log;
        wait_for("the worker's REST", Duration::from_mins(1), async || {
            if let Some(status) = child.try_wait().expect("its state") {
                panic!(
                    "the worker ended with {status}:\n{}",
                    std::fs::read_to_string(log).unwrap_or_default()
                );
            }
            let answer = rest.try_send("GET", "/connectors", None).await.ok()?;
            (answer.status == 200).then_some(())
        })
        .await;
    }

    /// Its REST API.
    pub fn rest(&self) -> &Rest {
        &self.rest
    }

    /// Its status topic.
    pub fn status_topic(&self) -> String {
        self.config_topic.replace("-configs", "-statuses")
    }

    /// Its config topic.
    pub fn config_topic(&self) -> String {
        self.config_topic.clone()
    }

    /// Everything it logged so far, all its lives together.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("it runs").id()
    }

    /// True while the process runs.
    pub fn runs(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| child.try_wait().expect("its state").is_none())
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        let mut child = self.child.take().expect("it runs");
        child.kill().expect("killed");
        child.wait().expect("its end");
    }

    /// SIGTERM; how it ended.
    pub async fn terminate(&mut self) -> ExitStatus {
        signal(self.pid(), "TERM");
        self.ended(Duration::from_mins(1)).await
    }

    /// Waits for its end.
    pub async fn ended(&mut self, deadline: Duration) -> ExitStatus {
        let mut child = self.child.take().expect("it runs");
        wait_for("the worker's end", deadline, async || child.try_wait().expect("its state")).await
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _killed = child.kill();
            let _ended = child.wait();
        }
        if std::thread::panicking() {
            let log = self.log();
            // One line for each batch would leave room for nothing else.
            let lines = log.lines().filter(|line| !line.contains("batch handed over"));
            let tail: Vec<&str> = lines.rev().take(100).collect();
            println!("--- the worker's last lines");
            for line in tail.iter().rev() {
                println!("{line}");
            }
        }
    }
}
