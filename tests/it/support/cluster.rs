//! Several worker processes of one cluster, and what their status topic says all together.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Kafka, Rest, Worker, unique, wait_for};

/// A cluster of workers.
pub struct Cluster {
    bootstrap: String,
    settings: Vec<(String, String)>,
    /// The workers, in the order in which they were started; a killed one stays here, stopped.
    pub workers: Vec<Worker>,
}

/// The log line that tells of a new view.
const VIEW: &str = " the cluster generation=";

/// Which worker (`host:port`) runs which task, by (connector, task).
pub type Owners = BTreeMap<(String, u64), String>;

impl Cluster {
    /// A cluster without workers. `settings` come on top of short time-outs.
    pub fn new(kafka: &Kafka, settings: &[(&str, &str)]) -> Self {
        let name = unique("cluster");
        let mut all = vec![
            ("group.id".to_owned(), name.clone()),
            ("session.timeout.ms".to_owned(), "2000".to_owned()),
            ("heartbeat.interval.ms".to_owned(), "300".to_owned()),
            ("scheduled.rebalance.max.delay.ms".to_owned(), "0".to_owned()),
        ];
        for topic in ["config", "offset", "status"] {
            all.push((format!("{topic}.storage.topic"), format!("{name}-{topic}")));
        }
        let own = settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        all.retain(|(key, _)| !settings.iter().any(|(own, _)| own == key));
        all.extend(own);
        Self { bootstrap: kafka.bootstrap().to_owned(), settings: all, workers: Vec::new() }
    }

    /// The same with `count` workers in it, all of which know of each other.
    pub async fn of(kafka: &Kafka, count: usize, settings: &[(&str, &str)]) -> Self {
        let mut cluster = Self::new(kafka, settings);
        for _ in 0..count {
            cluster.add().await;
        }
        wait_for(format!("{count} workers to know of each other"), Duration::from_mins(1), async || {
            let ids: Vec<String> = (0..count).map(|index| cluster.id(index)).collect();
            let all_known = cluster.workers.iter().all(|worker| {
                let view = last_view(worker).unwrap_or_default();
                ids.iter().all(|id| view.contains(id))
            });
            all_known.then_some(())
        })
        .await;
        cluster
    }

    /// Starts one worker more.
    pub async fn add(&mut self) -> &mut Worker {
        let settings: Vec<(&str, &str)> =
            self.settings.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        let mut worker = Worker::stopped(&self.bootstrap, &settings);
        worker.start_again().await;
        self.workers.push(worker);
        self.workers.last_mut().expect("just added")
    }

    /// A setting that all workers have.
    pub fn setting(&self, key: &str) -> &str {
        let found = self.settings.iter().find(|(known, _)| known == key);
        found.map(|(_, value)| value.as_str()).expect("a setting")
    }

    /// The brokers.
    pub fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// The REST API of the worker `index`.
    pub fn rest(&self, index: usize) -> &Rest {
        self.workers[index].rest()
    }

    /// `host:port` of the worker `index`, as states show it.
    pub fn id(&self, index: usize) -> String {
        self.workers[index].rest().url("").trim_start_matches("http://").to_owned()
    }

    /// The line in which the worker `index` last told of a new view.
    pub fn last_view(&self, index: usize) -> Option<String> {
        last_view(&self.workers[index])
    }

    /// The index of the worker that leads, as their logs tell.
    pub fn leader(&self) -> usize {
        let views = self.workers.iter().enumerate().filter_map(|(index, worker)| {
            let line = last_view(worker)?;
            let generation: u64 = line.split("generation=").nth(1)?.split(' ').next()?.parse().ok()?;
            Some((generation, line.contains("leads=true"), index))
        });
        let newest = views.filter(|(_, leads, _)| *leads).max().expect("a leader");
        newest.2
    }

    /// Who runs which task, asked of the worker `asked`; none while one is not RUNNING.
    pub async fn owners(&self, asked: usize) -> Option<Owners> {
        let answer = self.rest(asked).try_send("GET", "/connectors?expand=status", None).await.ok()?;
        let mut owners = Owners::new();
        for (name, entry) in answer.body.as_object()? {
            for task in entry["status"]["tasks"].as_array()? {
                if task["state"] != "RUNNING" {
                    return None;
                }
                owners.insert((name.clone(), task["id"].as_u64()?), task["worker_id"].as_str()?.to_owned());
            }
        }
        Some(owners)
    }

    /// Waits until `tasks` tasks run, on these workers and on each of them about equally many.
    pub async fn balanced(&self, asked: usize, tasks: usize, on: &[usize]) -> Owners {
        let on: Vec<String> = on.iter().map(|index| self.id(*index)).collect();
        wait_for(format!("{tasks} tasks on {on:?}"), Duration::from_mins(1), async || {
            let owners = self.owners(asked).await?;
            let loads: Vec<usize> =
                on.iter().map(|id| owners.values().filter(|owner| *owner == id).count()).collect();
            let even = loads.iter().max()? - loads.iter().min()? <= 1;
            (owners.len() == tasks && loads.iter().sum::<usize>() == tasks && even).then_some(owners)
        })
        .await
    }

    /// Settings of a connector that reads `topic` and can never deliver, for tests of control alone.
    pub fn idle_connector(topic: &str, tasks: usize) -> Value {
        json!({
            "connector.class": "KustoSinkConnector", "topics": topic, "tasks.max": tasks.to_string(),
            "kusto.tables.topics.mapping":
                format!("[{{'topic':'{topic}','db':'d','table':'T','format':'csv'}}]"),
            "kusto.ingestion.url": "http://localhost:9", "kusto.query.url": "http://localhost:9",
            "kusto.validation.table.enable": "false",
        })
    }
}

fn last_view(worker: &Worker) -> Option<String> {
    worker.log().lines().rev().find(|line| line.contains(VIEW)).map(str::to_owned)
}
