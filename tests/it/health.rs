//! What RUNNING means: `GET /connectors/X/health` tells what each partition does, since when and why, from whichever worker
//! it is asked; the same in short stands in the list and in the numbers.

use std::time::Duration;

use adx_emulator::Operation;
use adx_emulator::faults::{Effect, Rule};
use serde_json::{Value, json};

use crate::memory::noise;
use crate::support::sentences::{NO_MEMORY, NO_TOPIC, THROTTLED};
use crate::support::{Adx, Cluster, DATABASE, Kafka, Random, Rest, Stage, Worker, unique, wait_for};

const MINUTE: Duration = Duration::from_mins(1);
const PARTITIONS: i32 = 3;

async fn health(rest: &Rest, name: &str) -> Value {
    let answer = rest.get(&format!("/connectors/{name}/health")).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body
}

/// Waits until the connector is in `state`; its health.
async fn is(rest: &Rest, name: &str, state: &str) -> Value {
    wait_for(format!("{name} to be {state}"), MINUTE, async || {
        let health = health(rest, name).await;
        (health["state"] == state).then_some(health)
    })
    .await
}

fn partitions(health: &Value) -> Vec<&Value> {
    let tasks = health["tasks"].as_array().expect("tasks");
    tasks.iter().flat_map(|task| task["partitions"].as_array().expect("partitions")).collect()
}

/// How the list has it.
async fn listed(rest: &Rest, name: &str) -> Value {
    rest.get("/connectors?expand=health&expand=status").await.body[name]["health"].clone()
}

/// The numbers of partitions by their states.
async fn gauge(stage: &Stage) -> Vec<(String, u64)> {
    let answer = reqwest::get(stage.worker.rest().url("/metrics")).await.expect("an answer");
    let text = answer.text().await.expect("a text");
    let start = format!("kusto_partitions{{connector=\"{}\",state=\"", stage.connector);
    let of = |line: &str| {
        let (word, count) = line.strip_prefix(&start)?.split_once("\"} ")?;
        Some((word.to_owned(), count.parse().ok()?))
    };
    text.lines().filter_map(of).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_in_step_tells_what_was_done_and_a_pause_and_a_stop_are_states() {
    let kafka = Kafka::shared().await;
    let stage = Stage::running(kafka, PARTITIONS).await;
    let (rest, name) = (stage.worker.rest(), stage.connector.as_str());
    stage.send(kafka, 300).await;
    let well = wait_for("all to be handed over", MINUTE, async || {
        let health = is(rest, name, "in_step").await;
        (health["records"] == 300 && health["lag"] == 0 && health["open_records"] == 0).then_some(health)
    })
    .await;
    assert_eq!(
        (&well["partitions"], &well["oldest_seconds"], &well["sentence"]),
        (&json!(3), &json!(null), &json!(null))
    );
    assert_eq!((&well["topics"], &well["unheard"]), (&json!([stage.topic]), &json!([])));
    let sum =
        |of: &str| partitions(&well).iter().map(|one| one[of].as_i64().expect("an offset")).sum::<i64>();
    assert_eq!((sum("end"), sum("position"), sum("first")), (300, 300, 0));
    let counts = well["sink"].as_array().expect("counts");
    let rows = counts.iter().find(|count| count["name"] == "table_records_total").expect("rows");
    assert_eq!(
        (&rows["labels"], &rows["count"]),
        (&json!({ "database": DATABASE, "table": "Numbers" }), &json!(300))
    );
    assert_eq!(gauge(&stage).await, [("in_step".to_owned(), 3)]);
    assert_eq!(rest.put(&format!("/connectors/{name}/pause")).await.status, 202);
    assert_eq!(partitions(&is(rest, name, "paused").await).len(), 3);
    assert_eq!(rest.put(&format!("/connectors/{name}/stop")).await.status, 204);
    assert!(partitions(&is(rest, name, "stopped").await).is_empty());
    assert_eq!(listed(rest, name).await["state"], "stopped");
    assert_eq!(rest.get("/connectors/nobody/health").await.status, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_is_a_state_of_each_partition_with_its_reason_until_it_ends() {
    let kafka = Kafka::shared().await;
    let stage = Stage::running(kafka, PARTITIONS).await;
    let (rest, name) = (stage.worker.rest(), stage.connector.as_str());
    is(rest, name, "in_step").await;
    let away = Effect::Status { status: 503, code: None, retry_after: None };
    stage.adx.faults().add(Rule::new(Operation::PutBlob, away));
    stage.send(kafka, 300).await;
    let ill = wait_for("each partition to wait", MINUTE, async || {
        let health = is(rest, name, "waiting_for_sink").await;
        partitions(&health).iter().all(|one| one["state"] == "waiting_for_sink").then_some(health)
    })
    .await;
    for one in partitions(&ill).into_iter().chain([&ill]) {
        let sentence = one["sentence"].as_str().expect("a reason");
        THROTTLED.assert_said(sentence, &["batch(es) wait since 20", "503", "(table lab.Numbers)"]);
        assert!(
            one["since"].as_str().is_some_and(|since| since.starts_with("20") && since.ends_with('Z')),
            "{one}"
        );
        assert!(one["oldest_seconds"].as_f64().is_some_and(|age| age >= 5.0), "{one}");
        assert!(one["in_flight"].as_u64() > Some(0) && one["open_records"].as_u64() > Some(0), "{one}");
    }
    assert_eq!(ill["open_records"], 300, "{ill}");
    assert!(ill["retries"].as_u64() > Some(0));
    let short = listed(rest, name).await;
    assert_eq!((&short["state"], &short["partitions"]), (&json!("waiting_for_sink"), &json!(3)), "{short}");
    assert_eq!(gauge(&stage).await, [("waiting_for_sink".to_owned(), 3)]);
    stage.assert_running().await;

    stage.adx.faults().clear();
    wait_for("the rows", MINUTE, async || (health(rest, name).await["records"] == 300).then_some(())).await;
    assert_eq!(is(rest, name, "in_step").await["sentence"], json!(null));
}

/// Some partitions have all memory, and the service takes nothing: the others cannot even begin.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partition_without_memory_says_so_and_goes_on() {
    const EACH: u64 = 30;
    let kafka = Kafka::shared().await;
    let worker = Worker::with(kafka, &[("worker.buffer.bytes", "1048576")]).await;
    let stage = Stage::around(kafka, 8, worker).await;
    let (rest, name) = (stage.worker.rest(), stage.connector.as_str());
    stage.adx.command(".create table Giants (Partition: int, Number: long, Text: string)").await;
    let (sender, mut random) = (kafka.producer(), Random::new(11));
    for number in 0..EACH {
        for partition in 0..8 {
            let value = format!("{partition},{number},{}", noise(&mut random, 60_000));
            sender.send(&stage.topic, partition, Some(value.as_bytes())).await;
        }
    }
    sender.flush();
    let away = Effect::Status { status: 503, code: None, retry_after: None };
    stage.adx.faults().add(Rule::new(Operation::PutBlob, away));
    let text = stage.config().to_string().replace("Numbers", "Giants").replace("\"20000\"", "\"400000\"");
    rest.create_running(name, &serde_json::from_str(&text).expect("JSON")).await;
    let starving = wait_for("a partition without memory", MINUTE, async || {
        let health = health(rest, name).await;
        let found = partitions(&health).into_iter().find(|one| one["state"] == "out_of_memory").cloned();
        found.filter(|_| health["state"] == "waiting_for_sink")
    })
    .await;
    let place = format!("{}-{}", stage.topic, starving["partition"]);
    NO_MEMORY.assert_said(starving["sentence"].as_str().expect("a reason"), &[&place, "1048576"]);
    stage.adx.faults().clear();
    wait_for("all rows", MINUTE * 2, async || (stage.adx.count("Giants").await == 8 * EACH).then_some(()))
        .await;
    is(rest, name, "in_step").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_that_is_missing_and_a_task_that_failed_are_told() {
    let kafka = Kafka::shared().await;
    let stage = Stage::set(kafka, 1).await;
    let (rest, name, topic) = (stage.worker.rest(), stage.connector.as_str(), unique("later"));
    let text = stage.config().to_string().replace(&stage.topic, &topic);
    let config: Value = serde_json::from_str(&text).expect("JSON");
    rest.create_running(name, &config).await;
    let missing = is(rest, name, "waiting_for_topic").await;
    assert_eq!(missing["missing_topics"][0]["topic"], topic, "{missing}");
    let sentence = missing["sentence"].as_str().expect("a reason");
    NO_TOPIC.assert_said(sentence, &[&topic]);
    kafka.create_topic(&topic, 1).await;
    assert_eq!(is(rest, name, "in_step").await["missing_topics"], json!([]));

    // No such table, which is looked for only with the first record.
    let failing = unique("failing");
    let text = stage.config().to_string().replace("Numbers", "Nowhere");
    let mut config: Value = serde_json::from_str(&text).expect("JSON");
    config["kusto.validation.table.enable"] = "false".into();
    config["behavior.on.error"] = "FAIL".into();
    config["value.converter"] = "org.apache.kafka.connect.json.JsonConverter".into();
    rest.create_running(&failing, &config).await;
    stage.send(kafka, 1).await;
    let failed = is(rest, &failing, "failed").await;
    let status = rest.wait_for_states(&failing, "RUNNING", &["RUNNING", "FAILED"]).await;
    let trace = status["tasks"].as_array().expect("tasks").iter().find_map(|task| task["trace"].as_str());
    assert_eq!(failed["sentence"].as_str(), trace.expect("a trace").lines().next(), "{failed}");
    assert_eq!(partitions(&is(rest, &failing, "failed").await)[0]["state"], "failed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_worker_tells_of_all_and_says_who_did_not_answer() {
    let kafka = Kafka::shared().await;
    let topic = unique("numbers");
    kafka.create_topic(&topic, 6).await;
    let adx = Adx::start().await;
    adx.create_numbers().await;
    let mut cluster = Cluster::of(kafka, 3, &[]).await;
    let name = unique("sink");
    let config = json!({
        "connector.class": "com.microsoft.azure.kusto.kafka.connect.sink.KustoSinkConnector",
        "topics": topic, "tasks.max": "3", "flush.interval.ms": "300",
        "kusto.ingestion.url": adx.url(), "kusto.query.url": adx.url(),
        "kusto.tables.topics.mapping":
            format!("[{{'topic': '{topic}', 'db': '{DATABASE}', 'table': 'Numbers', 'format': 'csv'}}]"),
    });
    cluster.rest(0).create_running(&name, &config).await;
    cluster.balanced(0, 3, &[0, 1, 2]).await;
    for asked in 0..3 {
        let rest = cluster.rest(asked);
        let whole = wait_for("six partitions on three workers", MINUTE, async || {
            let health = is(rest, &name, "in_step").await;
            let each = health["tasks"]
                .as_array()?
                .iter()
                .all(|task| task["partitions"].as_array().is_some_and(|all| all.len() == 2));
            (partitions(&health).len() == 6 && each).then_some(health)
        })
        .await;
        let workers: std::collections::BTreeSet<_> =
            whole["tasks"].as_array().expect("tasks").iter().map(|task| task["worker_id"].as_str()).collect();
        assert_eq!(workers.len(), 3, "{whole}");
        let own = rest.get(&format!("/connectors/{name}/health?forward=false")).await.body;
        assert_eq!(own["partitions"], 2, "{own}");
        assert_eq!(listed(rest, &name).await["partitions"], 6);
        let told = rest.get("/cluster").await.body;
        let all = told["workers"].as_array().expect("workers");
        let leading = all.iter().filter(|worker| worker["leads"] == true).count();
        assert_eq!((all.len(), leading), (3, 1), "{told}");
        assert_eq!(
            all.iter().map(|worker| worker["tasks"].as_u64()).collect::<Vec<_>>(),
            [Some(1); 3],
            "{told}"
        );
        let processes = all.iter().filter_map(|worker| worker["process"]["resident_bytes"].as_f64());
        assert_eq!(processes.filter(|bytes| *bytes > 1e6).count(), 3, "{told}");
        let this: Vec<_> = all.iter().filter(|worker| worker["is_this"] == true).collect();
        assert!(
            this.len() == 1 && this[0]["url"].as_str().is_some_and(|url| url.contains(&cluster.id(asked))),
            "{told}"
        );
    }

    let gone = cluster.id(2);
    cluster.workers[2].kill();
    let told = wait_for("a word about the worker that is gone", MINUTE, async || {
        let health = health(cluster.rest(0), &name).await;
        let unheard = health["unheard"].as_array()?.first()?.clone();
        Some(unheard)
    })
    .await;
    assert!(told["worker"].as_str().is_some_and(|worker| worker.contains(&gone)), "{told}");
    assert!(told["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{told}");
}
