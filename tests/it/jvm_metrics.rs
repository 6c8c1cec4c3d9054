//! The same sink on the same topic, on a JVM worker whose beans Prometheus reads by the JMX exporter in Strimzi's spelling, and on
//! ours: a board cannot tell one from the other. The names, types and labels of the two scrapes are equal but for what
//! `metrics::ABSENT` says and why, and so are the numbers once both have read everything.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};

use kusto_connect::filestream;
use kusto_connect::metrics::{ABSENT, covers, is_absent};
use kusto_connect::plugins::{BUILT_IN, Plugins};

use crate::support::{JvmWorker, Kafka, Rest, Scrape, TestWorker, unique, within};

const RECORDS: u32 = 1_000;
/// Of these, so many cannot be read.
const BAD: u32 = 7;
const PARTITIONS: i32 = 4;
const TASKS: u32 = 2;

/// What both workers have beside their names and places.
const SETTINGS: [(&str, &str); 2] =
    [("offset.flush.interval.ms", "500"), ("metrics.sample.window.ms", "300000")];

/// A sink that writes to `file`; records that cannot be read are logged and skipped. Its group is its worker's alone, for both have a
/// connector of this name on one Kafka.
fn sink(topic: &str, group: &str, file: &str) -> Value {
    json!({
        "connector.class": "org.apache.kafka.connect.file.FileStreamSinkConnector",
        "topics": topic, "tasks.max": TASKS.to_string(), "file": file,
        "consumer.override.group.id": group,
        "key.converter": "org.apache.kafka.connect.storage.StringConverter",
        "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        "value.converter.schemas.enable": "false",
        "errors.tolerance": "all", "errors.log.enable": "true",
    })
}

async fn send(kafka: &Kafka, topic: &str) {
    kafka.create_topic(topic, PARTITIONS).await;
    let sender = kafka.producer();
    for number in 0..RECORDS {
        let text = if number < BAD { "{".to_owned() } else { format!("{{\"number\":{number}}}") };
        let partition = i32::try_from(number).expect("a number") % PARTITIONS;
        sender.send(topic, partition, Some(text.as_bytes())).await;
    }
    sender.flush();
}

async fn our_worker(kafka: &Kafka) -> TestWorker {
    const PLUGINS: Plugins = Plugins { sinks: &[&filestream::ROW], ..BUILT_IN };
    let of_environment =
        SETTINGS.map(|(key, value)| (format!("CONNECT_{}", key.replace('.', "_").to_uppercase()), value));
    let mut settings: Vec<(&str, &str)> =
        of_environment.iter().map(|(key, value)| (key.as_str(), *value)).collect();
    settings.push(("CONNECT_METRICS_CLIENTS_INTERVAL_MS", "200"));
    TestWorker::with_plugins(PLUGINS, kafka.bootstrap(), &unique("ours"), &settings).await
}

/// Numbers that are equal when both have read everything: the sums over a connector's tasks, or the worker's.
fn numbers() -> Vec<(&'static str, f64)> {
    let (all, bad) = (f64::from(RECORDS), f64::from(BAD));
    let (tasks, partitions) = (f64::from(TASKS), f64::from(PARTITIONS));
    vec![
        ("kafka_connect_worker_connector_count", 1.0),
        ("kafka_connect_worker_task_count", tasks),
        ("kafka_connect_worker_connector_startup_attempts_total", 1.0),
        ("kafka_connect_worker_connector_startup_success_total", 1.0),
        ("kafka_connect_worker_connector_startup_failure_total", 0.0),
        ("kafka_connect_worker_connector_startup_success_percentage", 1.0),
        ("kafka_connect_worker_task_startup_failure_total", 0.0),
        ("kafka_connect_worker_task_startup_failure_percentage", 0.0),
        ("kafka_connect_worker_connector_total_task_count", tasks),
        ("kafka_connect_worker_connector_running_task_count", tasks),
        ("kafka_connect_worker_connector_paused_task_count", 0.0),
        ("kafka_connect_worker_connector_failed_task_count", 0.0),
        ("kafka_connect_worker_connector_unassigned_task_count", 0.0),
        ("kafka_connect_worker_connector_destroyed_task_count", 0.0),
        ("kafka_connect_worker_connector_restarting_task_count", 0.0),
        ("kafka_connect_worker_rebalance_rebalancing", 0.0),
        ("kafka_connect_coordinator_assigned_connectors", 1.0),
        ("kafka_connect_coordinator_assigned_tasks", tasks),
        ("kafka_connect_connector_task_pause_ratio", 0.0),
        ("kafka_connect_sink_task_sink_record_read_total", all),
        ("kafka_connect_sink_task_sink_record_send_total", all - bad),
        ("kafka_connect_sink_task_sink_record_active_count", 0.0),
        ("kafka_connect_sink_task_partition_count", partitions),
        ("kafka_connect_sink_task_offset_commit_skip_total", 0.0),
        ("kafka_connect_task_error_total_record_failures", bad),
        ("kafka_connect_task_error_total_record_errors", bad),
        ("kafka_connect_task_error_total_records_skipped", bad),
        ("kafka_connect_task_error_total_errors_logged", bad),
        ("kafka_connect_task_error_total_retries", 0.0),
        ("kafka_connect_task_error_deadletterqueue_produce_requests", 0.0),
        ("kafka_connect_task_error_deadletterqueue_produce_failures", 0.0),
        ("kafka_consumer_fetch_manager_records_consumed_total", all),
        ("kafka_consumer_fetch_manager_records_lag", 0.0),
        ("kafka_consumer_fetch_manager_records_lead", all),
    ]
}

/// Numbers that the JVM leaves at nothing, and what they are here: it does not count starts of tasks (KAFKA-18489).
const NOT_COUNTED_THERE: [(&str, u32); 3] = [
    ("kafka_connect_worker_task_startup_attempts_total", TASKS),
    ("kafka_connect_worker_task_startup_success_total", TASKS),
    ("kafka_connect_worker_task_startup_success_percentage", 1),
];

/// Numbers that depend on the moment, and are there on both sides.
const MORE_THAN_NOTHING: [&str; 29] = [
    "kafka_connect_connector_task_running_ratio",
    "kafka_connect_connector_task_offset_commit_max_time_ms",
    "kafka_connect_connector_task_batch_size_max",
    "kafka_connect_sink_task_sink_record_read_rate",
    "kafka_connect_sink_task_offset_commit_completion_total",
    "kafka_connect_sink_task_offset_commit_seq_no",
    "kafka_connect_task_error_last_error_timestamp",
    "kafka_connect_worker_rebalance_completed_rebalances_total",
    "kafka_connect_start_time_seconds",
    "kafka_consumer_fetch_manager_bytes_consumed_total",
    "kafka_consumer_coordinator_commit_total",
    "kafka_consumer_connection_count",
    "kafka_consumer_incoming_byte_total",
    "kafka_consumer_outgoing_byte_total",
    "kafka_consumer_request_total",
    "kafka_consumer_fetch_manager_fetch_total",
    "kafka_consumer_coordinator_heartbeat_total",
    "kafka_consumer_coordinator_join_total",
    "kafka_consumer_coordinator_rebalance_total",
    "kafka_consumer_node_request_latency_avg",
    "kafka_connect_connection_count",
    "kafka_connect_connection_creation_total",
    "kafka_connect_network_io_total",
    "kafka_connect_request_size_avg",
    "kafka_connect_coordinator_sync_total",
    "kafka_connect_worker_rebalance_rebalance_max_time_ms",
    "kafka_producer_connection_count",
    "kafka_producer_outgoing_byte_total",
    "kafka_producer_record_send_total",
];

/// Labels that have the same values on both sides, where the whole series are compared.
const SAME: [&str; 6] =
    ["connector", "task", "status", "connector_class", "connector_type", "connector_version"];

/// The values of the connector's series, or of the worker's. A worker's own clients read topics too, and are left out.
fn values<'a>(scrape: &'a Scrape, name: &'a str, connector: &'a str) -> impl Iterator<Item = f64> + 'a {
    let is_meant = move |labels: &BTreeMap<String, String>| match labels.get("clientid") {
        Some(client) if name.starts_with("kafka_consumer") => client.contains(connector),
        _ => labels.get("connector").is_none_or(|name| name == connector),
    };
    scrape.named(name).filter(move |series| is_meant(&series.labels)).map(|series| series.value)
}

fn sum(scrape: &Scrape, name: &str, connector: &str) -> f64 {
    values(scrape, name, connector).sum()
}

/// The greatest number; a broker that was not asked lately has none.
fn most(scrape: &Scrape, name: &str, connector: &str) -> f64 {
    values(scrape, name, connector).fold(f64::NAN, f64::max)
}

/// The families of one scrape that are Kafka's: by name, its type and each set of labels.
fn shapes(scrape: &Scrape) -> BTreeMap<&str, (&str, BTreeSet<Vec<&str>>)> {
    let mut all: BTreeMap<&str, (&str, BTreeSet<Vec<&str>>)> = BTreeMap::new();
    for series in scrape.series.iter().filter(|series| series.name.starts_with("kafka_")) {
        let kind = scrape.kinds.get(&series.name).map_or("none", String::as_str);
        let shape = all.entry(&series.name).or_insert_with(|| (kind, BTreeSet::new()));
        shape.1.insert(series.labels.keys().map(String::as_str).collect());
    }
    all
}

/// The series of a name, by what must be the same on both sides.
fn named<'a>(scrape: &'a Scrape, name: &'a str) -> BTreeSet<Vec<(&'a str, &'a str)>> {
    let same = |labels: &'a BTreeMap<String, String>| {
        SAME.iter().filter_map(|label| Some((*label, labels.get(*label)?.as_str()))).collect()
    };
    scrape.named(name).map(|series| same(&series.labels)).collect()
}

/// How the two scrapes differ; nothing when a board cannot tell them apart.
fn differences(jvm: &Scrape, ours: &Scrape, connector: &str) -> Vec<String> {
    let (theirs, own) = (shapes(jvm), shapes(ours));
    let mut found = Vec::new();
    for (name, shape) in &theirs {
        match own.get(name) {
            None if !is_absent(name) => found.push(format!("{name} {shape:?} is only there")),
            Some(_) if is_absent(name) => found.push(format!("{name} is here, and said to be absent")),
            Some(here) if here != shape => found.push(format!("{name}: {shape:?} there, {here:?} here")),
            Some(_) if named(jvm, name) != named(ours, name) => {
                found.push(format!("{name}: {:?} there, {:?} here", named(jvm, name), named(ours, name)));
            }
            _ => {}
        }
    }
    found.extend(
        own.keys().filter(|name| !theirs.contains_key(*name)).map(|name| format!("{name} is only here")),
    );
    for absence in ABSENT {
        let stale = absence.names.iter().filter(|pattern| !theirs.keys().any(|name| covers(pattern, name)));
        found.extend(stale.map(|pattern| format!("nothing there is called {pattern:?}")));
    }
    for (name, wanted) in numbers() {
        let (there, here) = (sum(jvm, name, connector), sum(ours, name, connector));
        if (there - wanted).abs() > 1e-9 || (here - wanted).abs() > 1e-9 {
            found.push(format!("{name}: {there} there, {here} here, and it should be {wanted}"));
        }
    }
    for (name, wanted) in NOT_COUNTED_THERE {
        let (there, here) = (sum(jvm, name, connector), sum(ours, name, connector));
        if there.abs() > 1e-9 || (here - f64::from(wanted)).abs() > 1e-9 {
            found.push(format!("{name}: {there} there, {here} here, and it should be 0 and {wanted}"));
        }
    }
    for name in MORE_THAN_NOTHING {
        let (there, here) = (most(jvm, name, connector), most(ours, name, connector));
        if !(there > 0.0 && here > 0.0) {
            found.push(format!("{name}: {there} there, {here} here, and both should be more than nothing"));
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_board_cannot_tell_our_worker_from_one_of_the_jvm() {
    let kafka = Kafka::shared().await;
    let (topic, connector, cluster) = (unique("lines"), unique("same"), unique("jvm"));
    let (jvm, ours, ()) = tokio::join!(
        JvmWorker::with_exporter(kafka.bootstrap(), &cluster, &SETTINGS),
        our_worker(kafka),
        send(kafka, &topic)
    );
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let url = format!("http://{}", ours.address());
    for (rest, side) in [(jvm.rest().clone(), "jvm"), (Rest::new(&url), "ours")] {
        let file = dir.path().join(side);
        let config = sink(&topic, &format!("{connector}-{side}"), file.to_str().expect("text"));
        rest.create_running(&connector, &config).await;
    }
    let mut last = Vec::new();
    let agreed = within(Duration::from_mins(1), async || {
        let (there, here) =
            (Scrape::of(&jvm.metrics_url()).await, Scrape::of(&format!("{url}/metrics")).await);
        last = differences(&there, &here, &connector);
        last.is_empty().then_some(())
    })
    .await;
    assert!(agreed.is_some(), "the scrapes differ:\n{}", last.join("\n"));
    jvm.stop().await;
    assert!(ours.stop().await);
}
