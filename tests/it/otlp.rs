//! A collector of OpenTelemetry gets the numbers that `/metrics` shows, under OpenTelemetry's names, in seconds; it is said once when it
//! takes nothing and once when it does again, it gets a last request when the worker ends, and nobody sees what is sent along.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, Value};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::support::{Kafka, Scrape, Stage, Worker, root, wait_for};

const MINUTE: Duration = Duration::from_mins(1);
const RECORDS: u32 = 500;
const SECRET: &str = "canary-of-the-collector";

/// Requests that came, and what is answered.
type Came = (Vec<(HeaderMap, Bytes)>, StatusCode);

/// A collector.
#[derive(Clone)]
struct Collector {
    came: Arc<Mutex<Came>>,
    request: MessageDescriptor,
}

impl Collector {
    async fn start(tasks: &mut JoinSet<()>) -> (Self, String) {
        let folder = root().join("tests/fixtures/otlp");
        let files = protox::compile(["metrics.proto"], [folder]).expect("a good file");
        let pool = DescriptorPool::from_file_descriptor_set(files).expect("descriptors");
        let request = pool.get_message_by_name("otlp.ExportMetricsServiceRequest").expect("its message");
        let this = Self { came: Arc::new(Mutex::new((Vec::new(), StatusCode::OK))), request };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/otlp", listener.local_addr().expect("its address"));
        let routes = Router::new().route("/otlp/v1/metrics", post(take)).with_state(this.clone());
        tasks.spawn(async move { axum::serve(listener, routes).await.expect("it serves") });
        (this, url)
    }

    fn answer(&self, status: StatusCode) {
        self.came.lock().unwrap().1 = status;
    }

    fn count(&self) -> usize {
        self.came.lock().unwrap().0.len()
    }

    /// The last request, decoded.
    fn last(&self) -> Option<(HeaderMap, DynamicMessage)> {
        let (headers, body) = self.came.lock().unwrap().0.last().cloned()?;
        Some((headers, DynamicMessage::decode(self.request.clone(), body).expect("a request of OTLP")))
    }
}

async fn take(State(collector): State<Collector>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let mut came = collector.came.lock().unwrap();
    came.0.push((headers, body));
    came.1
}

fn messages(of: &DynamicMessage, field: &str) -> Vec<DynamicMessage> {
    let list = of.get_field_by_name(field).expect("a field");
    list.as_list().expect("a list").iter().map(|one| one.as_message().expect("a message").clone()).collect()
}

fn message(of: &DynamicMessage, field: &str) -> DynamicMessage {
    of.get_field_by_name(field).expect("a field").as_message().expect("a message").clone()
}

fn text(of: &DynamicMessage, field: &str) -> String {
    of.get_field_by_name(field).expect("a field").as_str().expect("a text").to_owned()
}

fn attributes(of: &DynamicMessage) -> BTreeMap<String, String> {
    let pair = |one: &DynamicMessage| (text(one, "key"), text(&message(one, "value"), "string_value"));
    messages(of, "attributes").iter().map(pair).collect()
}

/// A metric as it came.
struct Metric {
    unit: String,
    kind: &'static str,
    points: Vec<(BTreeMap<String, String>, f64)>,
}

/// The metrics of a request by name; of a histogram, how often something was seen.
fn metrics(request: &DynamicMessage) -> BTreeMap<String, Metric> {
    let mut all = BTreeMap::new();
    let of_resource = messages(request, "resource_metrics").remove(0);
    for metric in messages(&messages(&of_resource, "scope_metrics")[0], "metrics") {
        let kind = ["gauge", "sum", "histogram"].into_iter().find(|kind| metric.has_field_by_name(kind));
        let kind = kind.expect("a kind");
        let data = message(&metric, kind);
        if kind != "gauge" {
            let is_cumulative =
                data.get_field_by_name("aggregation_temporality").unwrap().as_i32() == Some(2);
            assert!(is_cumulative, "{}", text(&metric, "name"));
        }
        let value = |point: &DynamicMessage| {
            let begin = point.get_field_by_name("start_time_unix_nano").unwrap().as_u64().unwrap();
            let end = point.get_field_by_name("time_unix_nano").unwrap().as_u64().unwrap();
            assert!(1_700_000_000_000_000_000 < begin && begin < end, "{begin} {end}");
            if kind != "histogram" {
                return point.get_field_by_name("as_double").unwrap().as_f64().unwrap();
            }
            let counts = point.get_field_by_name("bucket_counts").unwrap();
            let counts: Vec<u64> = counts.as_list().unwrap().iter().filter_map(Value::as_u64).collect();
            let count = point.get_field_by_name("count").unwrap().as_u64().unwrap();
            let bounds = point.get_field_by_name("explicit_bounds").unwrap().as_list().unwrap().len();
            assert_eq!((counts.iter().sum::<u64>(), counts.len()), (count, bounds + 1));
            f64::from(u32::try_from(count).unwrap())
        };
        let points = messages(&data, "data_points");
        let points = points.iter().map(|point| (attributes(point), value(point))).collect();
        let unit = text(&metric, "unit");
        let known = all.insert(text(&metric, "name"), Metric { unit, kind, points });
        assert!(known.is_none(), "{} is there twice", text(&metric, "name"));
    }
    all
}

/// Names there and on the page, with the same sums of a connector.
const SAME: [(&str, &str); 12] = [
    ("kafka.connect.sink.record.read.count", "kafka_connect_sink_task_sink_record_read_total"),
    ("kafka.connect.sink.record.send.count", "kafka_connect_sink_task_sink_record_send_total"),
    ("kafka.connect.sink.record.active.count", "kafka_connect_sink_task_sink_record_active_count"),
    ("kafka.connect.sink.record.lag.max", "kafka_consumer_fetch_manager_records_lag"),
    ("kafka.connect.sink.partition.count", "kafka_connect_sink_task_partition_count"),
    (
        "kafka.connect.sink.offset.commit.completed.count",
        "kafka_connect_sink_task_offset_commit_completion_total",
    ),
    ("kafka.connect.task.error.record.error.count", "kafka_connect_task_error_total_record_errors"),
    ("kafka.connect.task.status", "kafka_connect_connector_task_status"),
    ("kafka.connect.worker.connector.task.count", "kafka_connect_worker_connector_total_task_count"),
    ("kusto.records.delivered", "kusto_records_delivered_total"),
    ("kusto.delivery", "kusto_delivery_seconds_count"),
    ("kusto.upload", "kusto_upload_seconds_count"),
];

/// How what came differs from the page; nothing when it does not.
fn differences(came: &BTreeMap<String, Metric>, page: &Scrape, connector: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (there, here) in SAME {
        let points = came.get(there).map(|metric| metric.points.as_slice()).unwrap_or_default();
        let is_ours = |attributes: &BTreeMap<String, String>| {
            attributes.get("kafka.connect.connector").is_some_and(|name| name == connector)
        };
        let there_sum: f64 = points.iter().filter(|(of, _)| is_ours(of)).map(|(_, value)| value).sum();
        let here_sum = page.sum(here, connector);
        if points.is_empty() || (there_sum - here_sum).abs() > 1e-9 {
            found.push(format!("{there} {there_sum}, {here} {here_sum}"));
        }
    }
    let read = page.sum(SAME[0].1, connector);
    if (read - f64::from(RECORDS)).abs() > 1e-9 {
        found.push(format!("{read} records were read"));
    }
    found
}

async fn working(kafka: &Kafka, collector: &str) -> (Stage, String) {
    let mut worker = Worker::stopped(kafka.bootstrap(), &[]);
    for (name, value) in [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", collector),
        ("OTEL_EXPORTER_OTLP_HEADERS", &format!("api-key={SECRET}")),
        ("OTEL_METRIC_EXPORT_INTERVAL", "200"),
        ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test"),
    ] {
        worker.environment(name, value);
    }
    worker.start_again().await;
    let url = worker.rest().url("/metrics");
    let stage = Stage::around(kafka, 4, worker).await;
    stage.create().await;
    let sent = stage.send(kafka, RECORDS).await;
    stage.adx.wait_for_all(&sent, MINUTE).await;
    (stage, url)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_gets_what_the_page_shows() {
    let (kafka, mut tasks) = (Kafka::shared().await, JoinSet::new());
    let (collector, url) = Collector::start(&mut tasks).await;
    let (mut stage, page) = working(kafka, &url).await;
    let (headers, request) = wait_for("the same numbers", MINUTE, async || {
        let scrape = Scrape::of(&page).await;
        let (headers, request) = collector.last()?;
        let found = differences(&metrics(&request), &scrape, &stage.connector);
        found.is_empty().then_some((headers, request))
    })
    .await;
    assert_eq!(
        (&headers["content-type"], &headers["api-key"]),
        (&"application/x-protobuf".parse().unwrap(), &SECRET.parse().unwrap())
    );
    let resource = attributes(&message(&messages(&request, "resource_metrics")[0], "resource"));
    assert_eq!(
        (resource["service.name"].as_str(), resource["deployment.environment.name"].as_str()),
        ("kusto-connect", "test")
    );
    let came = metrics(&request);
    let (time, read) =
        (&came["kafka.connect.task.offset.commit.time.max"], &came["kafka.connect.sink.record.read.count"]);
    assert_eq!(
        (time.unit.as_str(), time.kind, read.unit.as_str(), read.kind),
        ("s", "gauge", "{record}", "sum")
    );
    let longest = Scrape::of(&page)
        .await
        .all("kafka_connect_connector_task_offset_commit_max_time_ms", &stage.connector);
    let longest = longest.into_iter().fold(f64::NAN, f64::max) / 1000.0;
    assert!(time.points.iter().all(|(_, seconds)| *seconds <= longest + 1e-9), "{longest}");
    let (status, _) = &came["kafka.connect.connector.status"].points[0];
    assert_eq!(
        (status["kafka.connect.connector.state"].as_str(), status["kafka.connect.connector"].as_str()),
        ("running", stage.connector.as_str())
    );
    ends(&collector, &mut stage).await;
}

/// It takes nothing for a while; then the worker ends.
async fn ends(collector: &Collector, stage: &mut Stage) {
    let said = |log: &str, words: &str| log.matches(words).count();
    collector.answer(StatusCode::SERVICE_UNAVAILABLE);
    let before = collector.count();
    wait_for("several refused requests", MINUTE, async || (collector.count() > before + 4).then_some(()))
        .await;
    collector.answer(StatusCode::OK);
    wait_for("the end of the trouble", MINUTE, async || {
        (said(&stage.worker.log(), "the collector takes metrics again") == 1).then_some(())
    })
    .await;
    assert_eq!(said(&stage.worker.log(), "metrics cannot be sent to the collector"), 1);
    let rest = stage.worker.rest().clone();
    rest.delete(&format!("/connectors/{}", stage.connector)).await;
    assert!(stage.worker.terminate().await.success());
    let (_, request) = collector.last().expect("a last request");
    let left = &metrics(&request)["kafka.connect.worker.task.count"].points;
    assert_eq!(
        left.iter().map(|(_, value)| *value).collect::<Vec<_>>(),
        [0.0],
        "the last request is of the end"
    );
    assert!(!stage.worker.log().contains(SECRET));
}
