//! The numbers of a worker that works: what was read, how far behind it is, in which states tasks are, under the names of all
//! families at once; and that they end with what they are about.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use adx_emulator::Operation;
use adx_emulator::faults::{Effect, Rule};

use crate::support::{Kafka, Scrape, Stage, TestWorker, Worker, free_port, unique, wait_for};

const MINUTE: Duration = Duration::from_mins(1);
const RECORDS: u32 = 1_000;
const PARTITIONS: i32 = 4;

fn same(found: f64, wanted: impl Into<f64>) -> bool {
    (found - wanted.into()).abs() < 1e-9
}

/// A worker that serves all families on a listener of their own, with a connector that has read everything.
async fn working(kafka: &Kafka) -> (Stage, String) {
    let address = format!("127.0.0.1:{}", free_port());
    let listener = format!("http://{address}");
    let settings = [
        ("metrics.listeners", listener.as_str()),
        ("metrics.clients.interval.ms", "500"),
        ("metrics.names", "strimzi,confluent,exporter,reporter,kusto-board"),
    ];
    let stage = Stage::around(kafka, PARTITIONS, Worker::with(kafka, &settings).await).await;
    stage.create().await;
    let sent = stage.send(kafka, RECORDS).await;
    stage.adx.wait_for_all(&sent, MINUTE).await;
    (stage, format!("{listener}/metrics"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_flows_is_counted_under_the_names_of_all_families_until_the_connector_is_gone() {
    let kafka = Kafka::shared().await;
    let (stage, url) = working(kafka).await;
    let own = format!("connector=\"{}\"", stage.connector);
    let client = format!("clientid=\"connector-consumer-{}-", stage.connector);
    let lag = "kafka_consumer_fetch_manager_records_lag";
    let scrape = wait_for("a lag of nothing for all partitions", MINUTE, async || {
        let scrape = Scrape::of(&url).await;
        let lags = scrape.all(lag, &client);
        let committed = scrape.sum("kafka_connect_sink_task_offset_commit_completion_total", &own) > 0.0;
        let is_so = lags.len() == usize::try_from(PARTITIONS).unwrap() && same(lags.iter().sum(), 0);
        let told = scrape.sum("kafka_consumer_connection_count", &stage.connector) > 0.0
            && scrape.sum("kafka_consumer_incoming_byte_total", &stage.connector) > f64::from(RECORDS);
        (is_so && committed && told).then_some(scrape)
    })
    .await;
    for (name, wanted) in [
        ("kafka_connect_sink_task_sink_record_read_total", f64::from(RECORDS)),
        ("kafka_connect_sink_task_sink_record_send_total", f64::from(RECORDS)),
        ("kafka_connect_sink_task_sink_record_active_count", 0.0),
        ("kafka_connect_sink_task_partition_count", f64::from(PARTITIONS)),
        ("kafka_connect_worker_connector_total_task_count", 2.0),
        ("kafka_connect_worker_connector_running_task_count", 2.0),
        ("kafka_connect_worker_connector_failed_task_count", 0.0),
        ("kafka_connect_sink_task_metrics_sink_record_read", f64::from(RECORDS)),
        ("kafka_connect_sink_task_sink_record_read", f64::from(RECORDS)),
        ("kusto_records_delivered_total", f64::from(RECORDS)),
        ("kusto_records_sealed_total", f64::from(RECORDS)),
        ("kusto_table_records_total", f64::from(RECORDS)),
        ("kusto_batches_in_flight", 0.0),
    ] {
        let found = scrape.sum(name, &own);
        assert!(same(found, wanted), "{name} is {found}, not {wanted}");
    }
    for (name, labels, wanted) in [
        ("kafka_connect_worker_connector_count", "", 1.0),
        ("kafka_connect_worker_task_count", "", 2.0),
        ("kafka_connect_worker_task_startup_success_total", "", 2.0),
        ("kafka_connect_coordinator_assigned_tasks", "clientid=\"connect-1\"", 2.0),
        ("kafka_connect_connector_status", "status=\"running\"", 3.0),
        ("kafka_connect_connector_metrics", "connector_version=\"5.3.1\"", 1.0),
        ("kafka_connect_connector_metrics_connector_type_info", "connector_type=\"sink\"", 1.0),
        ("kafka_connect_connect_worker_metrics_task_count", "connector=\"aggregate\"", 2.0),
        ("kusto_sink_recordswritten_total", "", f64::from(RECORDS)),
        ("kafka_consumer_fetch_manager_records_consumed_total", client.as_str(), f64::from(RECORDS)),
        ("kafka_consumer_consumer_fetch_manager_metrics_records_lag_max", "client_type=\"consumer\"", 0.0),
        ("kusto_memory_limit_bytes", "", 268_435_456.0),
    ] {
        let found = scrape.sum(name, labels);
        assert!(same(found, wanted), "{name}{{{labels}}} is {found}, not {wanted}");
    }
    steps_are_counted(&stage, &scrape);
    what_is_lent_is_renewed_in_time(kafka, &stage, &url).await;
    ends_with_the_connector(&stage, &url).await;
}

/// Each batch is seen at each of its steps.
fn steps_are_counted(stage: &Stage, scrape: &Scrape) {
    let own = format!("connector=\"{}\"", stage.connector);
    for name in
        ["kusto_upload_seconds_count", "kusto_queue_message_seconds_count", "kusto_delivery_seconds_count"]
    {
        assert!(same(scrape.sum(name, &own), scrape.sum("kusto_batches_sealed_total", &own)), "{name}");
    }
    let written = stage.adx.requests(adx_emulator::Operation::PutBlob);
    assert!(
        same(scrape.sum("kusto_batches_sealed_total", &own), u32::try_from(written).unwrap()),
        "{written}"
    );
    assert!(scrape.sum("kafka_connect_connector_task_running_ratio", &own) > 1.0);
    assert!(scrape.sum("process_resident_memory_bytes", "") > 1e6);
    let (raw, packed) = (
        scrape.sum("kusto_batch_raw_bytes_total", &own),
        scrape.sum("kusto_batch_compressed_bytes_total", &own),
    );
    assert!(raw > packed && packed > 0.0, "{raw} {packed}");
}

/// Signatures end later; when they are refused, others are got, and the refusal is seen to grow from nothing.
async fn what_is_lent_is_renewed_in_time(kafka: &Kafka, stage: &Stage, url: &str) {
    let own = format!("connector=\"{}\"", stage.connector);
    let refused = format!("{own},operation=\"put blob\",status=\"403\",retried=\"true\"");
    let (ends, got) =
        ("kusto_credentials_expiry_timestamp_seconds", "kusto_resources_refreshed_timestamp_seconds");
    let before = Scrape::of(url).await;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
    for lent in ["containers", "queues"] {
        let labels = format!("{own},credential=\"{lent}\",renewed=\"true\"");
        let [end] = <[_; 1]>::try_from(before.all(ends, &labels)).expect("one end");
        assert!(end > now + 60.0 && end < 1e11, "{lent} end at {end}");
    }
    let first = before.sum(got, &own);
    assert!(first > now - 600.0 && first <= now, "{first} {now}");
    assert_eq!(before.all("kusto_request_failures_total", &refused), [0.0]);
    stage.adx.faults().add(Rule::new(Operation::PutBlob, Effect::ExpiredSas).times(1));
    // Its row looks like one that is there already, so the row says nothing.
    stage.send(kafka, 1).await;
    let after = wait_for("the refusal and what was got after it", MINUTE, async || {
        let after = Scrape::of(url).await;
        (after.sum("kusto_request_failures_total", &refused) > 0.5 && after.sum(got, &own) > first)
            .then_some(after)
    })
    .await;
    assert_eq!(after.all("kusto_request_failures_total", &refused), [1.0]);
}

/// It pauses, and is deleted.
async fn ends_with_the_connector(stage: &Stage, url: &str) {
    let own = format!("connector=\"{}\"", stage.connector);
    let rest = stage.worker.rest();
    rest.put(&format!("/connectors/{}/pause", stage.connector)).await;
    wait_for("paused tasks", MINUTE, async || {
        let scrape = Scrape::of(url).await;
        let is_so = same(scrape.sum("kafka_connect_worker_connector_paused_task_count", &own), 2)
            && scrape.sum("kafka_connect_connector_task_pause_ratio", &own) > 0.0
            && same(scrape.sum("kafka_connect_connector_task_status", "status=\"paused\""), 2);
        is_so.then_some(())
    })
    .await;
    rest.delete(&format!("/connectors/{}", stage.connector)).await;
    wait_for("the end of the connector's series", MINUTE, async || {
        let scrape = Scrape::of(url).await;
        (scrape.count(&stage.connector) == 0 && same(scrape.sum("kafka_connect_worker_task_count", ""), 0))
            .then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listener_for_metrics_serves_them_to_anyone_and_nothing_else() {
    let kafka = Kafka::shared().await;
    let users = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(users.path(), "me=secret\n").expect("written");
    let path = users.path().display().to_string();
    let basic = "org.apache.kafka.connect.rest.basic.auth.extension.BasicAuthSecurityRestExtension";
    let settings = [
        ("CONNECT_METRICS_LISTENERS", "http://127.0.0.1:0,http://127.0.0.1:0"),
        ("CONNECT_REST_EXTENSION_CLASSES", basic),
        ("CONNECT_REST_BASIC_AUTH_USERS_FILE", &path),
    ];
    let worker = TestWorker::start(kafka.bootstrap(), &unique("metrics"), &settings).await;
    let refused = worker.request("GET", "/metrics").send().await.expect("an answer").status();
    assert_eq!(refused, 401, "REST asks who it is");
    let addresses = worker.metrics_addresses();
    assert_eq!(addresses.len(), 2);
    for address in addresses {
        let scrape = Scrape::of(&format!("http://{address}/metrics")).await;
        assert!(same(scrape.sum("kusto_build_info", "version"), 1));
        assert!(same(scrape.sum("kafka_connect_worker_connector_count", ""), 0));
        let client = reqwest::Client::new();
        for (method, path, status) in [
            ("GET", "/connectors", 404),
            ("GET", "/", 404),
            ("GET", "/admin/loggers", 404),
            ("POST", "/metrics", 405),
        ] {
            let method = reqwest::Method::from_bytes(method.as_bytes()).expect("a method");
            let answer =
                client.request(method, format!("http://{address}{path}")).send().await.expect("an answer");
            assert_eq!(answer.status(), status, "{path}");
        }
    }
    worker.stop().await;
}
