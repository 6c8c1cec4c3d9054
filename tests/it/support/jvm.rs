//! A JVM Connect worker (`connect-runtime` from the rigs), to be started on the topics of one of ours and back, or beside one of
//! ours with the exporter that shows its JMX beans to Prometheus.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;

use super::process::{Guarded, free_port, rigs, root, signal};
use super::{Rest, wait_for};

/// A running JVM worker. It ends with the test.
pub struct JvmWorker {
    rest: Rest,
    metrics_port: u16,
    _guard: Guarded,
    dir: TempDir,
}

/// The exporter's rules that give Strimzi's names.
const RULES: &str = "tests/rigs/jmx-strimzi.yaml";

/// Writes its pid, then becomes the program.
const WITH_PID: &str = r#"echo $$ >"$0"; exec "$@""#;

impl JvmWorker {
    /// Starts a worker of `cluster` (its group, the beginning of its topics' names); returns when it is ready.
    pub async fn start(bootstrap: &str, cluster: &str) -> Self {
        Self::spawn(bootstrap, cluster, &[], &[]).ready().await
    }

    /// The same with these settings besides, and with the exporter of its beans.
    pub async fn with_exporter(bootstrap: &str, cluster: &str, settings: &[(&str, &str)]) -> Self {
        let folder = std::fs::read_dir(rigs().join("jmx")).expect("the exporter: run scripts/rigs jmx");
        let jar = folder.flatten().next().expect("its jar").path();
        let port = free_port();
        let agent = format!(
            "-javaagent:{}=127.0.0.1:{port}:{}",
            jar.to_str().expect("text"),
            root().join(RULES).to_str().expect("text")
        );
        let mut worker = Self::spawn(bootstrap, cluster, settings, &[&agent]);
        worker.metrics_port = port;
        worker.ready().await
    }

    async fn ready(self) -> Self {
        wait_for("the JVM worker", Duration::from_mins(2), async || {
            let health = self.rest.try_send("GET", "/health", None).await.ok()?;
            (health.status == 200).then_some(())
        })
        .await;
        self
    }

    fn spawn(bootstrap: &str, cluster: &str, more: &[(&str, &str)], agents: &[&str]) -> Self {
        let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
        let port = free_port();
        let mut settings = format!(
            "bootstrap.servers={bootstrap}\ngroup.id={cluster}\nlisteners=http://127.0.0.1:{port}\n\
             rest.advertised.host.name=127.0.0.1\nscheduled.rebalance.max.delay.ms=0\n"
        );
        for side in ["key", "value"] {
            writeln!(settings, "{side}.converter=org.apache.kafka.connect.storage.StringConverter")
                .expect("text");
        }
        for (which, name) in [("config", "configs"), ("offset", "offsets"), ("status", "statuses")] {
            writeln!(settings, "{which}.storage.topic={cluster}-{name}").expect("text");
            writeln!(settings, "{which}.storage.replication.factor=1").expect("text");
        }
        for (key, value) in more {
            writeln!(settings, "{key}={value}").expect("text");
        }
        let file = dir.path().join("worker.properties");
        std::fs::write(&file, settings).expect("a settings file");
        let jars = rigs().join("kafka/*");
        let (pid, log) = (dir.path().join("pid"), dir.path().join("worker.log"));
        let text = |path: &PathBuf| path.to_str().expect("text").to_owned();
        let (pid, jars, file) = (text(&pid), text(&jars), text(&file));
        let mut arguments = vec!["-c", WITH_PID, &pid, "java"];
        arguments.extend(agents);
        arguments.extend(["-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", &jars]);
        arguments.extend(["org.apache.kafka.connect.cli.ConnectDistributed", &file]);
        let guard = Guarded::start("bash", &arguments, &log);
        Self { rest: Rest::new(format!("http://127.0.0.1:{port}")), metrics_port: 0, _guard: guard, dir }
    }

    /// Where its exporter is.
    pub fn metrics_url(&self) -> String {
        format!("http://127.0.0.1:{}/metrics", self.metrics_port)
    }

    /// Its REST.
    pub fn rest(&self) -> &Rest {
        &self.rest
    }

    /// Ends it as an operator does (SIGTERM) and waits for its end.
    pub async fn stop(self) {
        let pid = std::fs::read_to_string(self.dir.path().join("pid")).expect("its pid");
        let pid: u32 = pid.trim().parse().expect("a pid");
        signal(pid, "TERM");
        let proc = PathBuf::from(format!("/proc/{pid}/status"));
        wait_for("the JVM worker's end", Duration::from_mins(1), async || {
            let status = std::fs::read_to_string(&proc).unwrap_or_default();
            (status.is_empty() || status.contains("State:\tZ")).then_some(())
        })
        .await;
    }
}
