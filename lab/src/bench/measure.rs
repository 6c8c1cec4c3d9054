//! One worker, one topic, one flush size: from the connector's creation to the last byte's arrival.

use std::{path::Path, time::Duration};

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    adx::{Adx, Counts},
    args::Args,
    case::{Case, Load},
    counting::{Cost, Counted},
    error::Error,
    procfs,
    report::Worker,
    waits::{LOOK, PATIENCE},
    worker::{Place, Subject},
};
use crate::kusto::{Kusto, loopback_client};
use crate::ports;

const DATABASE: &str = "NetDefaultDB";
const TABLE: &str = ".create table Bench (StartTime: datetime, EndTime: datetime, EventId: int, State: string, EventType: string, \
    Source: string, EventNarrative: string)";
/// Short, because the last batch of each partition waits for it.
const FLUSH_INTERVAL_MS: u32 = 2000;

/// Between two looks under load: often enough for a rate, seldom enough not to cost the machine.
const SELDOM: Duration = Duration::from_millis(250);

/// What is measured.
pub struct Setup<'a> {
    /// The command line.
    pub args: &'a Args,
    /// The kind of records.
    pub case: Case,
    /// The topic.
    pub load: &'a Load,
    /// A topic without records, which the connector reads too.
    pub idle: Option<&'a str>,
    /// The connector's flush size.
    pub flush_size_bytes: u64,
    /// Kafka.
    pub servers: &'a str,
    /// The schema registry's address.
    pub registry: &'a str,
    /// For logs.
    pub folder: &'a Path,
}

impl Setup<'_> {
    /// Starts what is needed, measures, and ends it again on every path.
    pub async fn measure(&self) -> Result<Worker, Error> {
        let http = loopback_client()?;
        let adx = Adx::start(http.clone(), ports::free()?, self.folder).await?;
        let outcome = self.with_emulator(&http, &adx).await;
        adx.stop().await?;
        outcome
    }

    async fn with_emulator(&self, http: &reqwest::Client, adx: &Adx) -> Result<Worker, Error> {
        Kusto::new(http.clone(), &adx.url, DATABASE).run(TABLE).await?;
        let subject = self.subject(http).await?;
        let outcome = self.sink(&subject, adx).await;
        let deleted = subject.connect.delete(&self.connector_name()).await;
        if let (Err(_), Some(log)) = (&outcome, subject.last_lines()) {
            eprintln!("bench: the worker's last lines:\n{log}");
        }
        subject.stop().await?;
        let worker = outcome?;
        deleted?;
        Ok(worker)
    }

    async fn subject(&self, http: &reqwest::Client) -> Result<Subject, Error> {
        if let Some(given) = Subject::given(self.args, http) {
            return Ok(given);
        }
        let port = ports::free()?;
        let cluster = format!("{}-{port}", self.load.topic);
        let place = Place { servers: self.servers, cluster: &cluster, port, folder: self.folder };
        Subject::start(self.args, http, place).await
    }

    async fn sink(&self, subject: &Subject, adx: &Adx) -> Result<Worker, Error> {
        let cpu_before = procfs::cpu_seconds(subject.pid)?;
        let began = Instant::now();
        subject.connect.create(&self.connector(&adx.url)).await?;
        self.wait(subject, adx, LOOK, |counts| counts.posted_messages > 0).await?;
        let create_to_message_ms = began.elapsed().as_millis();
        let nine_tenths = self.load.raw_bytes / 10 * 9;
        let most = self.wait(subject, adx, SELDOM, |counts| counts.ingested_raw_bytes >= nine_tenths).await?;
        let seconds = began.elapsed().as_secs_f64();
        let all = self
            .wait(subject, adx, SELDOM, |counts| counts.ingested_raw_bytes >= self.load.raw_bytes)
            .await?;
        if all.ingested_raw_bytes > self.load.raw_bytes {
            eprintln!(
                "bench: {} bytes more arrived than were produced",
                all.ingested_raw_bytes - self.load.raw_bytes
            );
        }
        let cpu_seconds = procfs::cpu_seconds(subject.pid)? - cpu_before;
        // A worker of the JVM has no such page.
        let page = subject.connect.get("/metrics").await.unwrap_or_default();
        let counted = Counted::read(&page, &self.connector_name());
        let counting_seconds = match counted {
            Some(counted) => Some(
                tokio::task::spawn_blocking(Cost::measure).await.map_err(std::io::Error::from)?.of(counted),
            ),
            None => None,
        };
        #[expect(clippy::cast_precision_loss, reason = "for people: three digits")]
        let bytes_per_second = most.ingested_raw_bytes as f64 / seconds;
        Ok(Worker {
            raw_bytes: all.ingested_raw_bytes,
            cpu_seconds,
            counting_seconds,
            bytes_per_second,
            peak_bytes: procfs::peak_memory(subject.pid)?,
            start_to_ready_ms: subject.start_to_ready_ms,
            create_to_message_ms,
            blobs: all.blobs,
            blob_bytes: all.blob_bytes,
        })
    }

    /// Waits for a state of the emulator's counts; ends when nothing has moved for too long, with the connector's own words.
    async fn wait(
        &self,
        subject: &Subject,
        adx: &Adx,
        pause: Duration,
        until: impl Fn(&Counts) -> bool,
    ) -> Result<Counts, Error> {
        let (mut seen, mut moved) = (0, Instant::now());
        loop {
            let counts = adx.counts().await?;
            if until(&counts) {
                return Ok(counts);
            }
            if counts.ingested_raw_bytes != seen {
                (seen, moved) = (counts.ingested_raw_bytes, Instant::now());
            }
            if moved.elapsed() > PATIENCE {
                let state = subject.connect.state(&self.connector_name()).await?;
                let why = state.trace.unwrap_or(state.text);
                let wanted = self.load.raw_bytes;
                return Err(Error::Part(format!(
                    "nothing has arrived for a while ({seen} of {wanted} bytes): {why}"
                )));
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// A name, and with it a consumer group, of its own: a group that has read the topic before would find nothing new.
    fn connector_name(&self) -> String {
        format!("{}-{}", self.load.topic, self.flush_size_bytes)
    }

    fn connector(&self, adx: &str) -> String {
        let topics: Vec<&str> = std::iter::once(&*self.load.topic).chain(self.idle).collect();
        let entry = |topic: &&str| json!({"topic": topic, "db": DATABASE, "table": "Bench", "format": self.case.mapping_format()});
        let mapping = Value::Array(topics.iter().map(entry).collect());
        let mut config = json!({
            "connector.class": "com.microsoft.azure.kusto.kafka.connect.sink.KustoSinkConnector",
            "tasks.max": self.args.tasks,
            "topics": topics.join(","),
            "flush.size.bytes": self.flush_size_bytes,
            "flush.interval.ms": FLUSH_INTERVAL_MS,
            "kusto.tables.topics.mapping": mapping.to_string(),
            "kusto.ingestion.url": adx,
            "kusto.query.url": adx,
            "key.converter": "org.apache.kafka.connect.storage.StringConverter",
        });
        for (key, value) in self.case.connector_settings(self.registry) {
            config[key] = value.into();
        }
        for (key, value) in &self.args.connector {
            config[key] = value.as_str().into();
        }
        json!({"name": self.connector_name(), "config": config}).to_string()
    }
}
