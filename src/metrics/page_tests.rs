//! One snapshot under the names of each family, text by text; and for any names and numbers: a page can be read, and no series
//! is there twice.

use super::{Page, Snapshot};
use crate::id::TopicPartition;
use crate::metrics::client::{ClientReading, ClientRole, ClientView, GroupReading, NodeView, Traffic};
use crate::metrics::connector::ConnectorReading;
use crate::metrics::families::{CONFLUENT, EXPORTER, Family, OWN, REPORTER, STRIMZI};
use crate::metrics::histogram::{Histogram, STEPS};
use crate::metrics::process::Process;
use crate::metrics::sinks::{SinkKind, SinkMetric, SinkReading, SinkValue};
use crate::metrics::snapshot::{Connector, KnownCluster, KnownConnector, Task};
use crate::metrics::worker_reading::{MemoryReading, StartCounts, WorkerReading};
use crate::metrics::{FateKind, FatesReading, PartitionFates, ToldFates};
use crate::metrics::{PartitionOffsets, PartitionReading, TaskReading, TaskTotals};
use crate::status::State;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

static REFUSALS: SinkMetric =
    SinkMetric { name: "refusals_total", kind: SinkKind::Counter, help: "Refusals", labels: &["status"] };

static END: SinkMetric =
    SinkMetric { name: "end_seconds", kind: SinkKind::Gauge, help: "An end", labels: &[] };

#[test]
fn a_gauge_of_a_sink_is_one_on_our_page() {
    let series =
        SinkReading { metric: &END, connector: "c".into(), labels: Vec::new(), value: SinkValue::Now(1.5) };
    let all = Snapshot { sinks: vec![series], ..snapshot(NAME) };
    let text = Page::new(&[&OWN], true).render(&all);
    let lines: Vec<_> = text.lines().filter(|line| line.contains("kusto_end_seconds")).collect();
    let wanted = [
        "# HELP kusto_end_seconds An end",
        "# TYPE kusto_end_seconds gauge",
        "kusto_end_seconds{connector=\"c\"} 1.5",
    ];
    assert_eq!(lines, wanted);
    assert!(!Page::new(&[&STRIMZI], true).render(&all).contains("end_seconds"));
}

fn task(name: &Arc<str>) -> Task {
    let reading = TaskReading {
        totals: TaskTotals { read: 10, bytes: 1000, sent: 9, commits: 3, completed: 2, skipped: 1 },
        ratios: (0.75, 0.25),
        rates: [0.5, 50.0, 0.45, 0.1, 0.05],
        batch_size: (6.0, 5.0),
        put: (1.5, 1.0),
        commit: (f64::NAN, f64::NAN),
        active: [4.0, 5.0, 4.5],
        in_flight: 2,
        partitions: vec![
            PartitionReading {
                topic: "t".into(),
                partition: 0,
                offsets: PartitionOffsets { position: Some(7), low: Some(2), high: Some(10) },
                oldest: Some(Duration::from_millis(1500)),
                ..PartitionReading::default()
            },
            PartitionReading { topic: "t".into(), partition: 1, ..PartitionReading::default() },
        ],
        ..TaskReading::default()
    };
    Task { connector: Arc::clone(name), id: 0, state: Some(State::Running), reading: Some(reading) }
}

fn reading() -> ConnectorReading {
    let seal = Histogram::new(STEPS);
    seal.observe(Duration::from_millis(2));
    let times = seal.read();
    ConnectorReading {
        sealed: vec![("size", 1, 6), ("time", 2, 3)],
        records: 9,
        raw_bytes: 900,
        body_bytes: 90,
        convert: times.clone(),
        seal: times.clone(),
        deliver: times.clone(),
        commit: times.clone(),
        lateness: times,
        missing: BTreeMap::new(),
        fates: Some(Arc::new(fates())),
        valid_through_age: Some(Duration::from_millis(2500)),
    }
}

fn fates() -> FatesReading {
    let mut told = ToldFates::default();
    told.add(FateKind::Confirmed, 6);
    told.add(FateKind::Failed, 3);
    let partition = PartitionFates {
        partition: TopicPartition::new("t", 0),
        is_read: true,
        offsets: None,
        waiting: 4,
        unreported: 0,
        unknown: 0,
        failed: 1,
        failures: Vec::new(),
        valid_through: None,
    };
    FatesReading { told, partitions: vec![partition] }
}

fn known(name: &Arc<str>) -> KnownConnector {
    KnownConnector {
        name: Arc::clone(name),
        is_instance: true,
        state: Some(State::Running),
        class: Some("a.B".into()),
        kind: "sink",
        version: Some("5.3.1".into()),
        tasks: vec![(0, State::Running), (1, State::Failed)],
    }
}

fn snapshot(name: &str) -> Snapshot {
    let name: Arc<str> = name.into();
    let mut all = Snapshot {
        worker: WorkerReading {
            started_ms: 1_700_000_000_500,
            connector_starts: StartCounts {
                attempts: 2,
                successes: 1,
                success_share: 0.5,
                failure_share: 0.5,
            },
            rebalances: 1,
            since_rebalance: Some(Duration::from_secs(2)),
            rebalance: (30.0, 20.0),
            memory: Some(MemoryReading { reserved: 10, limit: 100 }),
            ..WorkerReading::default()
        },
        cluster: None,
        connectors: vec![Connector {
            name: Arc::clone(&name),
            known: None,
            reading: Some(reading()),
            tasks: vec![task(&name)],
        }],
        clients: Vec::new(),
        sinks: vec![SinkReading {
            metric: &REFUSALS,
            connector: Arc::clone(&name),
            labels: vec!["503".into()],
            value: SinkValue::Count(4),
        }],
        process: Process { resident_bytes: Some(4096.0), ..Process::default() },
    };
    let cluster = KnownCluster {
        leader: "http://w:8083/".into(),
        epoch: 7,
        rebalancing: false,
        client_id: "connect-1".into(),
    };
    all.know(Some(cluster), vec![known(&name)]);
    all
}

/// A name with everything that has to be escaped.
const NAME: &str = "a\"b\\c\nd";

fn page(families: &[&'static Family]) -> String {
    // The number of the release is nobody's golden text.
    let text = Page::new(families, true).render(&snapshot(NAME));
    text.replace(concat!("version=\"", env!("CARGO_PKG_VERSION"), "\""), "version=\"0\"")
}

#[test]
fn each_family_spells_the_snapshot_in_its_own_way() {
    let mut others = String::new();
    for family in ALL {
        let file = format!("{}/tests/fixtures/metrics/{}.txt", env!("CARGO_MANIFEST_DIR"), family.name);
        let (page, wanted) = (page(&[family]), std::fs::read_to_string(&file).unwrap());
        if page != wanted {
            others.extend(["==== ", &file, " should say:\n", &page]);
        }
    }
    assert!(others.is_empty(), "{others}");
}

const ALL: [&Family; 5] = [&STRIMZI, &CONFLUENT, &EXPORTER, &REPORTER, &OWN];

#[test]
fn partitions_can_be_left_out() {
    let text = Page::new(&ALL, false).render(&snapshot("c"));
    assert!(!text.contains("partition=") && text.contains("records_lag_max"), "{text}");
}

fn client(kind: ClientRole, id: &str) -> ClientView {
    let traffic = Traffic { requests: 4, bytes_out: 40, responses: 3, bytes_in: 50 };
    let group = GroupReading { heartbeats: 9, since_rebalance: Some(2_500), ..GroupReading::default() };
    let reading =
        ClientReading { connections: 2, traffic, fetches: 3, group: Some(group), ..ClientReading::default() };
    let (rates, request_size) = ([0.5, 5.0, 0.25, 6.0], 10.0);
    let node = NodeView { node: "node-1".to_owned(), traffic, rates, request_size, latency: 1.5 };
    ClientView { kind, id: id.into(), reading, request_size, latency: 1.5, nodes: vec![node] }
}

#[test]
fn what_clients_tell_of_themselves_is_spelled_by_what_they_are_for() {
    let mut all = snapshot("c");
    let consumer = client(ClientRole::Consumer, "connector-consumer-c");
    all.clients = vec![client(ClientRole::Worker, ""), consumer, client(ClientRole::Producer, "p")];
    let text = Page::new(&ALL, true).render(&all);
    for line in [
        "kafka_connect_connection_count{clientid=\"connect-1\"} 2",
        "kafka_connect_node_request_latency_avg{clientid=\"connect-1\",nodeid=\"node-1\"} 1.5",
        "kafka_connect_coordinator_heartbeat_total{clientid=\"connect-1\"} 9",
        "kafka_consumer_connection_count{clientid=\"connector-consumer-c\"} 2",
        "kafka_consumer_incoming_byte_total{clientid=\"connector-consumer-c\"} 50",
        "kafka_consumer_network_io_total{clientid=\"connector-consumer-c\"} 7",
        "kafka_consumer_fetch_manager_fetch_total{clientid=\"connector-consumer-c\"} 3",
        "kafka_consumer_coordinator_last_rebalance_seconds_ago{clientid=\"connector-consumer-c\"} 2",
        "kafka_producer_outgoing_byte_total{clientid=\"p\"} 40",
        "kafka_producer_node_request_rate{clientid=\"p\",nodeid=\"node-1\"} 0.5",
        "kafka_consumer_consumer_metrics_incoming_byte{client_type=\"consumer\",client_id=\"connector-consumer-c\"} 50",
        "kafka_producer_producer_node_metrics_incoming_byte{client_type=\"producer\",client_id=\"p\",node_id=\"node-1\"} 50",
        "kafka_connect_connect_metrics_request_size_avg{client_id=\"connect-1\"} 10",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}:\n{text}");
    }
}

/// The labels of a series, in the order of their names.
type Labels = BTreeMap<String, String>;

/// Reads a page as Prometheus does (its text format 0.0.4): the series, in their order.
fn parse(page: &str) -> Result<Vec<(String, Labels, f64)>, String> {
    let mut known: BTreeSet<String> = BTreeSet::new();
    let mut current = (String::new(), String::new());
    let mut all = Vec::new();
    for line in page.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').ok_or(line)?;
            if !known.insert(name.to_owned()) {
                return Err(format!("{name} has two heads"));
            }
            current = (name.to_owned(), kind.to_owned());
        } else if !line.starts_with("# HELP ") {
            let (name, labels, value) = parse_series(line)?;
            let base = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
            let base = base.filter(|_| current.1 == "histogram").unwrap_or(&name);
            if base != current.0 {
                return Err(format!("{name} stands under {}", current.0));
            }
            all.push((name, labels, value));
        }
    }
    Ok(all)
}

fn parse_series(line: &str) -> Result<(String, Labels, f64), String> {
    let end = line.find(['{', ' ']).ok_or(line)?;
    let name = &line[..end];
    let is_name = |text: &str| {
        let mut chars = text.chars();
        chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
            && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    let (mut labels, mut rest) = (Labels::new(), &line[end..]);
    if let Some(inner) = rest.strip_prefix('{') {
        rest = inner;
        loop {
            let (label, value) = rest.split_once("=\"").ok_or(line)?;
            let mut text = String::new();
            let mut chars = value.char_indices();
            let close = loop {
                match chars.next().ok_or(line)? {
                    (at, '"') => break at,
                    (_, '\\') => match chars.next().ok_or(line)?.1 {
                        'n' => text.push('\n'),
                        c @ ('\\' | '"') => text.push(c),
                        c => return Err(format!("\\{c} in {line}")),
                    },
                    (_, c) => text.push(c),
                }
            };
            if !is_name(label) || labels.insert(label.to_owned(), text).is_some() {
                return Err(format!("the label {label} of {line}"));
            }
            rest = &value[close + 1..];
            match rest.strip_prefix(',') {
                Some(more) => rest = more,
                None => break,
            }
        }
        rest = rest.strip_prefix('}').ok_or(line)?;
    }
    let value = rest.strip_prefix(' ').ok_or(line)?.parse().map_err(|_| line)?;
    if is_name(name) { Ok((name.to_owned(), labels, value)) } else { Err(line.to_owned()) }
}

proptest! {
    #[test]
    fn any_page_can_be_read_and_has_no_series_twice(
        names in proptest::collection::btree_set("\\PC{1,8}|[a\"\\\\\n\r{},=]{1,6}", 1..4),
        chosen in proptest::sample::subsequence(ALL.to_vec(), 1..=5),
    ) {
        let mut all = Snapshot::default();
        for name in &names {
            let mut one = snapshot(name);
            all.connectors.append(&mut one.connectors);
            all.sinks.append(&mut one.sinks);
            (all.worker, all.cluster, all.process) = (one.worker, one.cluster, one.process);
        }
        let page = Page::new(&chosen, true).render(&all);
        let series = parse(&page).map_err(TestCaseError::fail)?;
        let mut seen = BTreeSet::new();
        for (name, labels, _) in &series {
            prop_assert!(seen.insert((name, labels)), "{name} {labels:?} is there twice");
        }
        for name in &names {
            let has_it = |labels: &Labels| labels.get("connector") == Some(name);
            prop_assert!(series.iter().any(|(_, labels, _)| has_it(labels)), "nothing of {name:?}");
        }
    }
}

#[test]
fn the_reader_of_the_tests_refuses_what_is_no_page() {
    for bad in [
        "a 1",
        "# TYPE a gauge\nb 1",
        "# TYPE a gauge\na{x=\"1\",x=\"2\"} 1",
        "# TYPE a gauge\na{x=\"\\t\"} 1",
        "# TYPE a gauge\na{x=\"1\"",
        "# TYPE a gauge\na x",
        "# TYPE a gauge\na 1\n# TYPE a gauge",
    ] {
        assert!(parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn ten_thousand_partitions_are_a_page_of_bounded_size() {
    let mut all = snapshot("c");
    let task = &mut all.connectors[0].tasks[0];
    let reading = task.reading.as_mut().unwrap();
    let one = reading.partitions[0].clone();
    reading.partitions = (0..10_000).map(|partition| PartitionReading { partition, ..one.clone() }).collect();
    let text = Page::new(&[&STRIMZI, &OWN], true).render(&all);
    assert!(text.len() < 4 << 20, "{} bytes", text.len());
    assert_eq!(text.matches("kafka_consumer_fetch_manager_records_lag{").count(), 10_000);
}
