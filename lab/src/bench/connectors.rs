//! `lab-bench connectors`: what many idle connectors cost one worker, and how that grows with their number.
//!
//! For each number: all are created over REST one after the other, the worker idles, all are listed, the worker is
//! stopped and started again, all are paused and deleted. They share one empty topic, with a partition for each task if nothing
//! else is said.
//! A connector counts as running when its tasks say so, and as joined when its consumer group is stable, which only
//! Kafka knows.

use std::{
    fmt::{self, Write},
    path::Path,
    time::Duration,
};

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    adx::Adx,
    args::{Args, ConnectorsArgs},
    error::Error,
    procfs,
    waits::{LOOK, PATIENCE},
    worker::{Place, Subject},
};
use crate::{
    kafka::{self, client, create_topic},
    kusto::{Kusto, loopback_client},
    ports,
};

const DATABASE: &str = "NetDefaultDB";
const LISTING: &str = "/connectors?expand=status&expand=info";
/// How often each read is sent for the median.
const LISTINGS: usize = 9;

/// The measures of one number of connectors; seconds unless named otherwise.
#[derive(Debug, Clone, Copy, Default)]
struct Row {
    connectors: usize,
    tasks: u32,
    /// Of all connectors together.
    partitions: usize,
    created: f64,
    running: f64,
    joined: f64,
    idle_percent: f64,
    threads: u64,
    resident: u64,
    list_ms: f64,
    health_ms: f64,
    scrape_ms: f64,
    scrape_bytes: usize,
    stopped: f64,
    running_again: f64,
    joined_again: f64,
    paused: f64,
    deleted: f64,
    peak: u64,
}

/// Measures all numbers on the Kafka at `servers`; gives the table.
pub async fn run(args: &Args, many: &ConnectorsArgs, servers: &str, folder: &Path) -> Result<String, Error> {
    let http = loopback_client()?;
    let adx = Adx::start(http.clone(), ports::free()?, folder).await?;
    let outcome = all(args, many, servers, (&http, &adx, folder)).await;
    adx.stop().await?;
    Ok(Table(&outcome?).to_string())
}

async fn all(
    args: &Args,
    many: &ConnectorsArgs,
    servers: &str,
    (http, adx, folder): (&reqwest::Client, &Adx, &Path),
) -> Result<Vec<Row>, Error> {
    Kusto::new(http.clone(), &adx.url, DATABASE).run(".create table Bench (Id: long)").await?;
    let mut rows = Vec::new();
    for &connectors in &many.connectors {
        let port = ports::free()?;
        let cluster = format!("bench-connectors-{connectors}-{port}");
        let partitions = many.partitions_each.unwrap_or(many.tasks_each);
        create_topic(&client(servers, &[]), &cluster, i32::try_from(partitions).unwrap_or(1)).await?;
        let place = Place { servers, cluster: &cluster, port, folder };
        let crowd = Crowd { args, http, adx, place, connectors, tasks: many.tasks_each, partitions };
        rows.push(crowd.measure(Duration::from_secs(many.idle)).await?);
        for left in kafka::delete_topics(servers, &[], &[&cluster]).await? {
            eprintln!("bench: could not delete {left}");
        }
    }
    Ok(rows)
}

/// Some connectors on one worker.
struct Crowd<'a> {
    args: &'a Args,
    http: &'a reqwest::Client,
    adx: &'a Adx,
    place: Place<'a>,
    connectors: usize,
    tasks: u32,
    partitions: u32,
}

impl Crowd<'_> {
    async fn measure(&self, idle: Duration) -> Result<Row, Error> {
        let subject = Subject::start(self.args, self.http, self.place).await?;
        let outcome = self.first_life(&subject, idle).await;
        let mut row = outcome.inspect_err(|_| tell(&subject))?;
        let began = Instant::now();
        subject.stop().await?;
        row.stopped = began.elapsed().as_secs_f64();

        let began = Instant::now();
        let subject = Subject::start(self.args, self.http, self.place).await?;
        let outcome = self.second_life(&subject, began, &mut row).await;
        outcome.inspect_err(|_| tell(&subject))?;
        row.peak = row.peak.max(procfs::peak_memory(subject.pid)?);
        subject.stop().await?;
        Ok(row)
    }

    async fn first_life(&self, subject: &Subject, idle: Duration) -> Result<Row, Error> {
        let mut row = Row {
            connectors: self.connectors,
            tasks: self.tasks,
            partitions: self.connectors * usize::try_from(self.partitions).unwrap_or(0),
            ..Row::default()
        };
        eprintln!("bench: creating {} connectors", self.connectors);
        let began = Instant::now();
        for number in 0..self.connectors {
            subject.connect.create(&self.config(number)).await?;
        }
        row.created = began.elapsed().as_secs_f64();
        self.wait_for(subject, "RUNNING").await?;
        row.running = began.elapsed().as_secs_f64();
        self.wait_until_joined().await?;
        row.joined = began.elapsed().as_secs_f64();

        eprintln!("bench: idling for {} s", idle.as_secs());
        let cpu = procfs::cpu_seconds(subject.pid)?;
        tokio::time::sleep(idle).await;
        row.idle_percent = (procfs::cpu_seconds(subject.pid)? - cpu) / idle.as_secs_f64() * 100.0;
        row.threads = procfs::threads(subject.pid)?;
        row.resident = procfs::memory(subject.pid)?;
        row.list_ms = median_ms(subject, LISTING).await?.0;
        row.health_ms = median_ms(subject, "/connectors?expand=status&expand=health").await?.0;
        (row.scrape_ms, row.scrape_bytes) = median_ms(subject, "/metrics").await?;
        row.peak = procfs::peak_memory(subject.pid)?;
        Ok(row)
    }

    async fn second_life(&self, subject: &Subject, began: Instant, row: &mut Row) -> Result<(), Error> {
        eprintln!("bench: started again");
        self.wait_for(subject, "RUNNING").await?;
        row.running_again = began.elapsed().as_secs_f64();
        self.wait_until_joined().await?;
        row.joined_again = began.elapsed().as_secs_f64();

        eprintln!("bench: pausing and deleting");
        let began = Instant::now();
        for number in 0..self.connectors {
            subject.connect.pause(&self.name(number)).await?;
        }
        self.wait_for(subject, "PAUSED").await?;
        row.paused = began.elapsed().as_secs_f64();
        let began = Instant::now();
        for number in 0..self.connectors {
            subject.connect.delete(&self.name(number)).await?;
        }
        self.wait(async || Ok(subject.connect.get("/connectors").await? == "[]"), "all to be deleted")
            .await?;
        row.deleted = began.elapsed().as_secs_f64();
        Ok(())
    }

    /// Waits until every connector and every one of its tasks is in `state`.
    async fn wait_for(&self, subject: &Subject, state: &str) -> Result<(), Error> {
        let all_are = async || {
            let text = subject.connect.get("/connectors?expand=status").await?;
            let all: Value = serde_json::from_str(&text).unwrap_or_default();
            Ok(all_in(&all, state, self.connectors, usize::try_from(self.tasks).unwrap_or(usize::MAX)))
        };
        self.wait(all_are, &format!("all to be {state}")).await
    }

    /// Waits until all consumer groups are stable.
    async fn wait_until_joined(&self) -> Result<(), Error> {
        let prefix = format!("connect-{}-", self.place.cluster);
        let stable =
            async || Ok(kafka::stable_groups(self.place.servers, prefix.clone()).await? == self.connectors);
        self.wait(stable, "all consumer groups to be stable").await
    }

    async fn wait(
        &self,
        mut is_so: impl AsyncFnMut() -> Result<bool, Error>,
        what: &str,
    ) -> Result<(), Error> {
        let deadline = Instant::now() + PATIENCE * 5;
        while !is_so().await? {
            if Instant::now() > deadline {
                return Err(Error::Part(format!(
                    "{} connectors: waited in vain for {what}",
                    self.connectors
                )));
            }
            tokio::time::sleep(LOOK * 5).await;
        }
        Ok(())
    }

    fn name(&self, number: usize) -> String {
        format!("{}-{number:04}", self.place.cluster)
    }

    fn config(&self, number: usize) -> String {
        let topic = self.place.cluster;
        let mapping = json!([{"topic": topic, "db": DATABASE, "table": "Bench", "format": "csv"}]);
        let config = json!({
            "connector.class": "com.microsoft.azure.kusto.kafka.connect.sink.KustoSinkConnector",
            "tasks.max": self.tasks,
            "topics": topic,
            "kusto.tables.topics.mapping": mapping.to_string(),
            "kusto.ingestion.url": self.adx.url,
            "kusto.query.url": self.adx.url,
            "key.converter": "org.apache.kafka.connect.storage.StringConverter",
            "value.converter": "org.apache.kafka.connect.storage.StringConverter",
        });
        json!({"name": self.name(number), "config": config}).to_string()
    }
}

/// The median of the milliseconds in which a read is answered, and how long its last answer was.
async fn median_ms(subject: &Subject, path: &str) -> Result<(f64, usize), Error> {
    let (mut times, mut bytes) = (Vec::with_capacity(LISTINGS), 0);
    for _ in 0..LISTINGS {
        let began = Instant::now();
        bytes = subject.connect.get(path).await?.len();
        times.push(began.elapsed().as_secs_f64() * 1000.0);
    }
    times.sort_by(f64::total_cmp);
    Ok((times[LISTINGS / 2], bytes))
}

fn tell(subject: &Subject) {
    if let Some(log) = subject.last_lines() {
        eprintln!("bench: the worker's last lines:\n{log}");
    }
}

/// True when `all` (an answer with `expand=status`) has this many connectors, all of them with all their tasks in `state`.
fn all_in(all: &Value, state: &str, connectors: usize, tasks: usize) -> bool {
    let is = |part: &Value| part["state"] == state;
    let whole = |entry: &Value| {
        let status = &entry["status"];
        let of_tasks = status["tasks"].as_array().map_or(&[][..], Vec::as_slice);
        is(&status["connector"]) && of_tasks.len() == tasks && of_tasks.iter().all(is)
    };
    all.as_object().is_some_and(|all| all.len() == connectors && all.values().all(whole))
}

struct Table<'a>(&'a [Row]);

const HEAD: &str = "| connectors × tasks | partitions | created s | all RUNNING s | all joined s | idle CPU % | threads | RSS MiB | listed ms \
    | with health ms | scraped ms | scrape KiB | stopped s | started: all RUNNING s | all joined s | all paused s | all deleted s | peak RSS MiB |";

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEAD}\n|{}", "---|".repeat(HEAD.matches('|').count() - 1))?;
        for row in self.0 {
            let mut line = format!("| {} × {} | {} ", row.connectors, row.tasks, row.partitions);
            write!(line, "| {:.2} | {:.2} | {:.2} ", row.created, row.running, row.joined)?;
            write!(line, "| {:.1} | {} | {} ", row.idle_percent, row.threads, row.resident >> 20)?;
            write!(line, "| {:.1} | {:.1} ", row.list_ms, row.health_ms)?;
            write!(line, "| {:.1} | {} | {:.2} ", row.scrape_ms, row.scrape_bytes >> 10, row.stopped)?;
            write!(line, "| {:.2} | {:.2} ", row.running_again, row.joined_again)?;
            writeln!(f, "{line}| {:.2} | {:.2} | {} |", row.paused, row.deleted, row.peak >> 20)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_as_many_cells_as_heads() {
        let text = Table(&[Row {
            connectors: 200,
            tasks: 5,
            partitions: 1000,
            resident: 3 << 20,
            ..Row::default()
        }])
        .to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[2].starts_with("| 200 × 5 | 1000 | 0.00 |"), "{text}");
        assert!(lines.iter().all(|line| line.matches('|').count() == lines[0].matches('|').count()));
    }

    #[test]
    fn one_task_that_lags_is_seen() {
        let entry = |state: &str| json!({"status": {"connector": {"state": "RUNNING"}, "tasks": [{"state": "RUNNING"}, {"state": state}]}});
        let all = json!({"a": entry("RUNNING"), "b": entry("RUNNING")});
        assert!(all_in(&all, "RUNNING", 2, 2));
        assert!(
            !all_in(&all, "RUNNING", 3, 2) && !all_in(&all, "RUNNING", 2, 3) && !all_in(&all, "PAUSED", 2, 2)
        );
        assert!(!all_in(&json!({"a": entry("RUNNING"), "b": entry("FAILED")}), "RUNNING", 2, 2));
        assert!(!all_in(&Value::Null, "RUNNING", 0, 2));
    }
}
