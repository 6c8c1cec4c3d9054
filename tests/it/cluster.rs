//! Several workers, one cluster: they share the work, carry out each other's requests, and whatever happens to one of
//! them loses nothing.

mod held;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use crate::support::{Adx, Cluster, DATABASE, Kafka, Numbers, Random, Rest, Sent, signal, unique, wait_for};

/// A topic, a table, a cluster, and a connector between them.
struct Story {
    adx: Adx,
    cluster: Cluster,
    topic: String,
    connector: String,
}

const PARTITIONS: i32 = 6;

impl Story {
    async fn running(kafka: &Kafka, workers: usize, settings: &[(&str, &str)]) -> Self {
        let topic = unique("numbers");
        kafka.create_topic(&topic, PARTITIONS).await;
        let adx = Adx::start().await;
        adx.create_numbers().await;
        let cluster = Cluster::of(kafka, workers, settings).await;
        let story = Self { adx, cluster, topic, connector: unique("sink") };
        story.cluster.rest(workers - 1).create_running(&story.connector, &story.config()).await;
        let all: Vec<usize> = (0..workers).collect();
        story.cluster.balanced(0, 3, &all).await;
        story
    }

    fn config(&self) -> Value {
        json!({
            "connector.class": "com.microsoft.azure.kusto.kafka.connect.sink.KustoSinkConnector",
            "topics": self.topic, "tasks.max": "3", "flush.size.bytes": "20000", "flush.interval.ms": "300",
            "errors.retry.backoff.time.ms": "200",
            "kusto.ingestion.url": self.adx.url(), "kusto.query.url": self.adx.url(),
            "kusto.tables.topics.mapping":
                format!("[{{'topic': '{}', 'db': '{DATABASE}', 'table': 'Numbers', 'format': 'csv'}}]", self.topic),
        })
    }

    fn load(&self, kafka: &Kafka) -> Numbers {
        Numbers::start(kafka, &self.topic, PARTITIONS, 1_000)
    }

    async fn assert_nothing_lost(&self, sent: &Sent) {
        let verdict = self.adx.wait_for_all(sent, Duration::from_mins(2)).await;
        println!("{verdict:?}");
        assert_eq!((verdict.missing, verdict.strange), (0, 0), "{verdict:?}");
    }

    /// Waits until rows arrive that were sent after now.
    async fn flows(&self) {
        let operation = adx_emulator::Operation::PutMessage;
        let before = self.adx.requests(operation);
        wait_for("rows to flow", Duration::from_mins(1), async || {
            (self.adx.requests(operation) > before + 20).then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_worker_takes_any_request_and_all_share_the_work() {
    let kafka = Kafka::shared().await;
    let cluster = Cluster::of(kafka, 3, &[]).await;
    let topic = unique("t");
    kafka.create_topic(&topic, 6).await;
    let leader = cluster.leader();
    let followers: Vec<usize> = (0..3).filter(|index| *index != leader).collect();
    let (one, two) = (cluster.rest(followers[0]), cluster.rest(followers[1]));

    // Created through a follower: the leader writes it, and the follower knows it at once.
    let config = Cluster::idle_connector(&topic, 6);
    let created = one.create("a", &config).await;
    assert_eq!(created.status, 201, "{}", created.body);
    assert_eq!(one.get("/connectors/a").await.body["config"]["name"], "a");
    assert_eq!(one.create("a", &config).await.message(), "Connector a already exists");
    let owners = cluster.balanced(leader, 6, &[0, 1, 2]).await;
    for asked in 0..3 {
        let seen = wait_for("the same states on every worker", Duration::from_secs(30), async || {
            cluster.owners(asked).await.filter(|seen| *seen == owners)
        });
        seen.await;
    }
    // A change of the config, then each of the life-cycle's requests, each through another worker.
    let mut fewer = config.clone();
    fewer["tasks.max"] = json!("3");
    let put = two.send("PUT", "/connectors/a/config", Some(fewer.to_string())).await;
    assert_eq!(put.status, 200, "{}", put.body);
    cluster.balanced(followers[0], 3, &[0, 1, 2]).await;
    for (rest, request, state, tasks) in [
        (one, "pause", "PAUSED", Some("PAUSED")),
        (two, "resume", "RUNNING", Some("RUNNING")),
        (one, "stop", "STOPPED", None),
        (two, "resume", "RUNNING", Some("RUNNING")),
    ] {
        assert!(rest.put(&format!("/connectors/a/{request}")).await.status < 300, "{request}");
        rest.wait_for_states("a", state, tasks.as_slice()).await;
    }
    cluster.balanced(leader, 3, &[0, 1, 2]).await;
    // Restarts: of everything through the leader's record, of one task at whoever runs it.
    let restarted = two.post("/connectors/a/restart?includeTasks=true").await;
    assert_eq!(restarted.status, 202, "{}", restarted.body);
    assert_eq!(restarted.body["tasks"][0]["state"], "RESTARTING");
    cluster.balanced(leader, 3, &[0, 1, 2]).await;
    for task in 0..3 {
        assert_eq!(one.post(&format!("/connectors/a/tasks/{task}/restart")).await.status, 204, "task {task}");
    }
    assert_eq!(one.post("/connectors/a/restart").await.status, 204);
    assert_eq!(one.post("/connectors/a/tasks/9/restart").await.message(), "Unknown task: a-9");
    assert_eq!(one.post("/connectors/b/restart").await.message(), "Unknown connector: b");
    // A request that was passed on twice already goes no further.
    let looped = one.send("DELETE", "/connectors/a?forward=false", None).await;
    assert_eq!(
        (looped.status, looped.message()),
        (409, "Cannot complete request because of a conflicting operation (e.g. worker rebalance)")
    );
    assert_eq!(two.delete("/connectors/a").await.status, 204);
    assert_eq!(two.get("/connectors").await.body, json!([]));
    for asked in 0..3 {
        wait_for("no state left", Duration::from_secs(30), async || {
            (cluster.rest(asked).get("/connectors/a/status").await.status == 404).then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_worker_a_killed_leader_and_a_frozen_one_lose_nothing() {
    let kafka = Kafka::shared().await;
    let mut story = Story::running(kafka, 3, &[]).await;
    let load = story.load(kafka);
    story.flows().await;

    let leader = story.cluster.leader();
    let follower = (leader + 1) % 3;
    let other = (leader + 2) % 3;
    story.cluster.workers[follower].kill();
    story.cluster.balanced(leader, 3, &[leader, other]).await;
    story.flows().await;
    story.cluster.workers[follower].start_again().await;
    story.cluster.balanced(leader, 3, &[0, 1, 2]).await;

    story.cluster.workers[leader].kill();
    story.cluster.balanced(other, 3, &[follower, other]).await;
    story.flows().await;
    // Writes work again, through whomever.
    let answer = story.cluster.rest(other).put(&format!("/connectors/{}/resume", story.connector)).await;
    assert_eq!(answer.status, 202, "{}", answer.body);
    story.cluster.workers[leader].start_again().await;
    story.cluster.balanced(leader, 3, &[0, 1, 2]).await;

    // Frozen for longer than the session: the others take over; back, nothing is lost.
    let frozen = story.cluster.leader();
    signal(story.cluster.workers[frozen].pid(), "STOP");
    let others: Vec<usize> = (0..3).filter(|index| *index != frozen).collect();
    story.cluster.balanced(others[0], 3, &others).await;
    story.flows().await;
    signal(story.cluster.workers[frozen].pid(), "CONT");
    story.cluster.balanced(frozen, 3, &[0, 1, 2]).await;
    story.flows().await;
    let sent = load.stop().await;
    story.assert_nothing_lost(&sent).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_under_load_loses_nothing_and_rest_stays_polite() {
    let kafka = Kafka::shared().await;
    let mut story = Story::running(kafka, 3, &[("scheduled.rebalance.max.delay.ms", "60000")]).await;
    let load = story.load(kafka);
    story.flows().await;
    let stop = Arc::new(AtomicBool::new(false));
    let mut probes = JoinSet::new();
    for index in 0..3 {
        let (rest, stop) = (story.cluster.rest(index).clone(), stop.clone());
        probes.spawn(probe(rest, story.connector.clone(), stop));
    }
    for index in 0..3 {
        let end = story.cluster.workers[index].terminate().await;
        assert!(end.success(), "worker {index}: {end}");
        story.flows().await;
        story.cluster.workers[index].start_again().await;
        story.cluster.balanced(index, 3, &[0, 1, 2]).await;
    }
    stop.store(true, Ordering::Relaxed);
    let mut answers = 0;
    while let Some(counted) = probes.join_next().await {
        answers += counted.expect("only polite answers");
    }
    assert!(answers > 100, "{answers} answers");
    let sent = load.stop().await;
    story.assert_nothing_lost(&sent).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_while_the_group_rebalances_repeat_nothing() {
    const SEED: u64 = 20_240_501;
    let kafka = Kafka::shared().await;
    let story = Story::running(kafka, 3, &[]).await;
    let load = story.load(kafka);
    story.flows().await;
    println!("seed {SEED}");
    let mut random = Random::new(SEED);
    let path = format!("/connectors/{}", story.connector);
    // Each order makes members leave and join, and the next one comes while the group is at it.
    for round in 0..6 {
        for order in 0..4 {
            let rest = story.cluster.rest((round + order) % 3);
            let answer = if order == 2 {
                let mut config = story.config();
                config["tasks.max"] = json!((2 + round % 2).to_string());
                rest.send("PUT", &format!("{path}/config"), Some(config.to_string())).await
            } else {
                rest.post(&format!("{path}/restart?includeTasks=true")).await
            };
            assert!(
                answer.status < 300 || answer.status == 409,
                "{order}: {} {}",
                answer.status,
                answer.body
            );
            load.more(random.between(0, 700)).await;
        }
        story.flows().await;
    }
    let sent = load.stop().await;
    let verdict = story.adx.wait_for_all(&sent, Duration::from_mins(2)).await;
    println!("{verdict:?}");
    assert_eq!((verdict.missing, verdict.duplicates, verdict.strange), (0, 0, 0), "{verdict:?}");
}

/// Reads and writes all the time; whatever a worker that runs says is one of Connect's own answers.
async fn probe(rest: Rest, connector: String, stop: Arc<AtomicBool>) -> usize {
    const BUSY: [&str; 4] = [
        "Cannot complete request momentarily due to no known leader URL",
        "Cannot complete request momentarily due to stale configuration",
        "Cannot complete request because of a conflicting operation",
        "Worker is shutting down",
    ];
    let mut answers = 0;
    let mut looks = interval(Duration::from_millis(50));
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !stop.load(Ordering::Relaxed) {
        for (method, path) in [
            ("GET", "status"),
            ("GET", "config"),
            ("GET", "tasks"),
            ("PUT", "resume"),
            ("POST", "restart?onlyFailed=true"),
        ] {
            let path = format!("/connectors/{connector}/{path}");
            let Ok(answer) = rest.try_send(method, &path, None).await else {
                // A worker that is down says nothing.
                looks.tick().await;
                continue;
            };
            let busy = BUSY.iter().any(|text| answer.message().starts_with(text));
            assert!(answer.status < 300 || busy, "{method} {path}: {} {}", answer.status, answer.body);
            answers += 1;
        }
    }
    answers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_more_takes_its_share_and_stops_nobody_elses_connector() {
    let kafka = Kafka::shared().await;
    let mut cluster = Cluster::of(kafka, 2, &[]).await;
    let topic = unique("t");
    kafka.create_topic(&topic, 2).await;
    let names: Vec<String> = (0..6).map(|number| format!("c{number}")).collect();
    for name in &names {
        assert_eq!(cluster.rest(1).create(name, &Cluster::idle_connector(&topic, 2)).await.status, 201);
    }
    let before = cluster.balanced(0, 12, &[0, 1]).await;
    // Each connector's own group has settled too: one partition on each worker.
    let last_count = |log: &str, name: &str| {
        let line = log.lines().rev().find(|line| line.contains(&format!("connector={name} ")))?;
        line.split("in_all=").nth(1).map(str::to_owned)
    };
    for name in &names {
        wait_for(format!("the group of {name}"), Duration::from_mins(1), async || {
            let one_each =
                cluster.workers.iter().all(|worker| last_count(&worker.log(), name).as_deref() == Some("1"));
            one_each.then_some(())
        })
        .await;
    }
    let logs: Vec<usize> = cluster.workers.iter().map(|worker| worker.log().len()).collect();
    cluster.add().await;
    let after = cluster.balanced(2, 12, &[0, 1, 2]).await;
    for name in &names {
        let stays = before
            .iter()
            .filter(|((connector, _), _)| connector == name)
            .all(|(task, owner)| after[task] == *owner);
        if stays {
            let said = |(worker, from): (&crate::support::Worker, &usize)| {
                worker.log()[*from..].contains(&format!("connector={name} "))
            };
            let disturbed = cluster.workers.iter().zip(&logs).any(said);
            assert!(!disturbed, "{name} keeps its tasks and was disturbed");
        }
    }
    assert!(before.iter().any(|(task, owner)| after[task] != *owner));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_crash_the_log_says_which_groups_hold_the_dead_and_until_when() {
    let kafka = Kafka::shared().await;
    let mut cluster = Cluster::of(kafka, 2, &[("consumer.session.timeout.ms", "60000")]).await;
    let topic = unique("t");
    kafka.create_topic(&topic, 2).await;
    let name = unique("sink");
    assert_eq!(cluster.rest(0).create(&name, &Cluster::idle_connector(&topic, 2)).await.status, 201);
    cluster.balanced(0, 2, &[0, 1]).await;
    for worker in &cluster.workers {
        wait_for("a partition on each", Duration::from_mins(1), async || {
            let log = worker.log();
            let line =
                log.lines().rev().find(|line| line.contains(&format!("connector={name} ")))?.to_owned();
            line.contains("in_all=1").then_some(())
        })
        .await;
    }
    // One that stops well leaves nobody behind.
    let mut left = cluster.leader();
    assert!(cluster.workers[left].terminate().await.success());
    let other = 1 - left;
    cluster.balanced(other, 2, &[other]).await;
    cluster.workers[left].start_again().await;
    cluster.balanced(other, 2, &[0, 1]).await;
    left = 1 - cluster.leader();
    let witness = 1 - left;
    let said = |cluster: &Cluster, worker: usize| {
        let log = cluster.workers[worker].log();
        let is_it = |line: &&str| line.contains("still holds members of a worker that is gone");
        log.lines().find(is_it).map(str::to_owned)
    };
    assert_eq!(said(&cluster, witness), None);
    cluster.workers[left].kill();
    let line =
        wait_for("the group that holds the dead", Duration::from_mins(1), async || said(&cluster, witness))
            .await;
    assert!(line.contains(&format!("connect-{name}")), "{line}");
    assert!(line.contains("members=2") && line.contains("workers=1") && line.contains("until="), "{line}");
    // So does the worker itself when it is back before that.
    cluster.workers[left].start_again().await;
    wait_for("the worker that is back to say so", Duration::from_mins(1), async || said(&cluster, left))
        .await;
}
