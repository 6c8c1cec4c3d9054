//! Limits of the machine: one connector too many is refused with a sentence, and the worker goes on.

use std::time::Duration;

use adx_emulator::Operation;
use adx_emulator::faults::{Effect, Rule};
use serde_json::Value;

use crate::support::sentences::NO_ROOM;
use crate::support::{Kafka, Stage, Worker, free_user, wait_for};

/// More than any of the limits below leaves room for.
const MANY: usize = 40;

/// Creates connectors until one finds no room; the names of those that run, and the name and the trace of that one.
async fn fill(stage: &Stage) -> (Vec<String>, String, String) {
    let rest = stage.worker.rest();
    let mut running = Vec::new();
    for number in 0..MANY {
        let name = format!("{}-{number}", stage.connector);
        let mut config = stage.config();
        config["tasks.max"] = "1".into();
        assert_eq!(rest.create(&name, &config).await.status, 201);
        let task = wait_for(format!("{name} to run or to fail"), Duration::from_mins(1), async || {
            let answer = rest.get(&format!("/connectors/{name}/status")).await;
            let task = answer.body["tasks"].get(0)?.clone();
            (task["state"] == "RUNNING" || task["state"] == "FAILED").then_some(task)
        });
        let task: Value = task.await;
        if task["state"] == "FAILED" {
            return (running, name, task["trace"].as_str().unwrap_or_default().to_owned());
        }
        running.push(name);
    }
    panic!("{MANY} connectors found room");
}

/// Fills the worker; then REST answers, records arrive, and room that one connector leaves is the next one's.
async fn one_too_many(mut stage: Stage, kafka: &Kafka, words: &[&str]) {
    let (mut running, refused, trace) = fill(&stage).await;
    assert!(running.len() > 1, "{trace}");
    NO_ROOM.assert_said(&trace, &[]);
    for word in words {
        assert!(trace.contains(word), "{word}: {trace}");
    }
    let rest = stage.worker.rest();
    assert_eq!(rest.get("/health").await.status, 200);
    let sent = stage.send(kafka, 100).await;
    let all = sent.total() * running.len() as u64;
    wait_for("the rows of all that run", Duration::from_mins(1), async || {
        (stage.adx.count("Numbers").await == all).then_some(())
    })
    .await;
    let gone = running.pop().expect("one that runs");
    assert_eq!(rest.delete(&format!("/connectors/{gone}")).await.status, 204);
    // Its threads and sockets end in the background.
    wait_for("room for the refused one", Duration::from_mins(1), async || {
        let path = format!("/connectors/{refused}/restart?includeTasks=true&onlyFailed=true");
        rest.post(&path).await;
        let answer = rest.get(&format!("/connectors/{refused}/tasks/0/status")).await;
        (answer.body["state"] == "RUNNING").then_some(())
    })
    .await;
    // What is in the config topic finds no room at the next start either: the worker starts all the same.
    assert!(stage.worker.terminate().await.success());
    stage.worker.start_again().await;
    let rest = stage.worker.rest();
    for name in running.iter().chain([&refused]) {
        rest.wait_for_states(name, "RUNNING", &["RUNNING", "FAILED"]).await;
    }
    assert_eq!(rest.get("/health").await.status, 200);
    assert!(stage.worker.terminate().await.success());
}

async fn stage(kafka: &Kafka, launcher: &[&str]) -> Stage {
    let mut worker = Worker::stopped(kafka.bootstrap(), &[]);
    worker.under(launcher);
    worker.start_again().await;
    Stage::around(kafka, 1, worker).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn descriptors() {
    let kafka = Kafka::shared().await;
    let stage = stage(kafka, &["prlimit", "--nofile=100:256"]).await;
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", stage.worker.pid())).expect("its limits");
    let files = limits.lines().find(|line| line.starts_with("Max open files")).expect("that limit");
    let numbers: Vec<&str> = files.split_whitespace().filter(|word| word.parse::<u64>().is_ok()).collect();
    assert_eq!(numbers, ["256", "256"], "the soft limit is raised to the hard one");
    one_too_many(stage, kafka, &["descriptors", "256", "RLIMIT_NOFILE", "fewer connectors"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uploads_at_once_are_as_many_as_descriptors_allow() {
    const PARTITIONS: i32 = 24;
    let kafka = Kafka::shared().await;
    let mut worker = Worker::stopped(kafka.bootstrap(), &[]);
    worker.under(&["prlimit", "--nofile=100:256"]);
    worker.start_again().await;
    let stage = Stage::around(kafka, PARTITIONS, worker).await;
    // Each partition could have four on their way, ninety-six in all.
    let slow = Effect::Delay { milliseconds: 500 };
    stage.adx.faults().add(Rule::new(Operation::PutBlob, slow));
    let mut config = stage.config();
    config["flush.size.bytes"] = "100".into();
    stage.worker.rest().create_running(&stage.connector, &config).await;
    let sent = stage.send(kafka, 480).await;
    let verdict = stage.adx.wait_for_all(&sent, Duration::from_mins(2)).await;
    assert_eq!((verdict.missing, verdict.duplicates, verdict.strange), (0, 0, 0), "{verdict:?}");
    // Sixteen are the worker's, of which a connector leaves a fifth to the others.
    assert_eq!(stage.adx.most_at_once(Operation::PutBlob), 13);
    stage.assert_running().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn threads() {
    let kafka = Kafka::shared().await;
    // Root is not held to it, and other processes of the user count too: so a user of its own, if that can be had.
    let (mut launcher, threads) = free_user();
    let limit = format!("--nproc={}", threads + 100);
    launcher.extend(["prlimit".to_owned(), limit]);
    let launcher: Vec<&str> = launcher.iter().map(String::as_str).collect();
    let stage = stage(kafka, &launcher).await;
    one_too_many(stage, kafka, &["threads", "RLIMIT_NPROC", "fewer connectors"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn address_space() {
    let kafka = Kafka::shared().await;
    let stage = stage(kafka, &["prlimit", "--as=2500000000"]).await;
    one_too_many(stage, kafka, &["address space", "RLIMIT_AS", "fewer connectors"]).await;
}
