//! The board of one connector: each partition, each step, each refusal.

use super::board::{Board, CLUSTER, CONNECTORS, Row, WORKERS};
use super::panel::Panel;

const CHANGES: &str = "\
| what is seen | what to change |
|---|---|
| one partition is far behind, the others are not | keys that spread better, or more partitions; one partition is read by one pipeline |
| most time is in *upload* or *queue message* | the way to ADX: region, firewall, proxy; capacity of the cluster |
| most time is in *convert* | transformations, or the schema registry; more workers |
| uploads wait, four batches are in flight | `flush.size.bytes` up: fewer and larger batches |
| batches are sealed for `memory` | `worker.buffer.bytes` of the worker up |
| retention is near | more workers and tasks, or a longer `retention.ms` of the topic until it has caught up |";

/// The board.
pub fn board() -> Board {
    Board {
        uid: "kusto-connect-connector",
        title: "Kusto Connect: connector",
        about: "One connector: its tasks, partitions, steps, batches and errors",
        variables: vec![CLUSTER, CONNECTORS.one(), WORKERS],
        scopes: &[
            ("connector", "job=\"$job\",instance=~\"$instance\",connector=\"$connector\""),
            // A regular expression as a raw text, so that a name with dots in it stays what it is.
            (
                "consumer",
                "job=\"$job\",instance=~\"$instance\",clientid=~`connector-consumer-${connector:regex}-[0-9]+`",
            ),
            ("worker", "job=\"$job\",instance=~\"$instance\""),
        ],
        rows: vec![
            Row { question: "Does it run?", panels: runs() },
            Row { question: "How far behind is it?", panels: behind() },
            Row { question: "How much goes through?", panels: through() },
            Row { question: "Where is the time?", panels: steps() },
            Row { question: "Why does it fail?", panels: fails() },
            Row { question: "What do I change?", panels: changes() },
        ],
    }
}

fn runs() -> Vec<Panel> {
    let tasks = |state: &str| format!("sum(kafka_connect_worker_connector_{state}_task_count{{@connector}})");
    vec![
        Panel::words("State", "The connector's state, as REST says it. Why it failed is in its trace.")
            .query("kafka_connect_connector_status{@connector}", "{{status}}"),
        Panel::numbers("Tasks", "none", "Its tasks by state, all workers together.")
            .query(tasks("running"), "running")
            .query(tasks("failed"), "failed")
            .query(tasks("paused"), "paused")
            .query(tasks("unassigned"), "unassigned")
            .coloured("failed", "red")
            .coloured("unassigned", "orange")
            .coloured("paused", "yellow")
            .wide(8),
        Panel::numbers(
            "Last error",
            "dateTimeFromNow",
            "When an attempt failed last, also one that was repeated. Decades ago is never.",
        )
        .query("max(kafka_connect_task_error_last_error_timestamp{@connector})", "last error"),
        Panel::graph(
            "Share of its life in which a task ran",
            "percentunit",
            "The rest it was paused or failed. Begins anew with each start of the task.",
        )
        .query("kafka_connect_connector_task_running_ratio{@connector}", "task {{task}} runs")
        .query("kafka_connect_connector_task_pause_ratio{@connector}", "task {{task}} is paused")
        .wide(8)
        .high(5),
        Panel::graph(
            "Partitions by task",
            "none",
            "Partitions that each task reads. A task without any is one too many.",
        )
        .query("kafka_connect_sink_task_partition_count{@connector}", "task {{task}} on {{instance}}")
        .high(6),
        Panel::graph(
            "Records that are not handed over",
            "short",
            "Records in batches that are open or on their way, by task.",
        )
        .query("kafka_connect_sink_task_sink_record_active_count{@connector}", "task {{task}}")
        .high(6),
    ]
}

fn behind() -> Vec<Panel> {
    vec![
        Panel::areas("Partitions by what they do", "none", "in step: all was read; catching up: there is a backlog; whatever waits stands still until something comes: /ui and GET /connectors/NAME/health say for what, since when and why.")
            .query("sum by (state) (kusto_partitions{@connector})", "{{state}}")
            .wide(24)
            .high(6),
        Panel::graph("Lag by partition", "short", "Records of the partition that are in Kafka and were not read yet. metrics.partitions=false turns it off.")
            .query("sum by (topic, partition) (kafka_consumer_fetch_manager_records_lag{@consumer})", "{{topic}}-{{partition}}"),
        Panel::graph("Growth of lag", "short", "Records a second by which lag grows. Above zero for long, the connector does not keep up.")
            .query("sum by (topic) (deriv(kafka_consumer_fetch_manager_records_lag{@consumer}[$__rate_interval]))", "{{topic}}"),
        Panel::graph("Oldest record that is not handed over", "s", "By partition, how long ago the oldest record was read that is not acknowledged. No line where there is none.")
            .query("max by (topic, partition) (kusto_oldest_record_age_seconds{@connector})", "{{topic}}-{{partition}}"),
        Panel::graph("Records before the next one", "short", "Records between the first one that Kafka still has and the next one to be read. Near zero while there is lag, retention is about to delete what was not read.")
            .query("min by (topic, partition) (kafka_consumer_fetch_manager_records_lead{@consumer})", "{{topic}}-{{partition}}"),
        quantiles("From a record's timestamp to its acknowledgement", "Of batches, by the timestamp of their first record.", "kusto_record_lateness_seconds")
            .wide(24),
    ]
}

/// The middle and the worst of a histogram.
fn quantiles(title: &'static str, help: &'static str, series: &str) -> Panel {
    let quantile = |share: &str| {
        format!(
            "histogram_quantile({share}, sum by (le) (rate({series}_bucket{{@connector}}[$__rate_interval])))"
        )
    };
    Panel::graph(title, "s", help)
        .query(quantile("0.5"), "half of them within")
        .query(quantile("0.99"), "99 % within")
        .query(
            format!("sum(rate({series}_sum{{@connector}}[$__rate_interval])) / sum(rate({series}_count{{@connector}}[$__rate_interval]))"),
            "on average",
        )
        .wide(6)
}

fn through() -> Vec<Panel> {
    let rate = |series: &str| format!("sum(rate({series}{{@connector}}[$__rate_interval]))");
    vec![
        Panel::graph("Records", "cps", "Records a second: read from Kafka, through converters and transformations, and acknowledged. The gap between the first two is skipped or dead letters.")
            .query(rate("kafka_connect_sink_task_sink_record_read_total"), "read")
            .query(rate("kafka_connect_sink_task_sink_record_send_total"), "converted")
            .query(rate("kusto_records_delivered_total"), "handed over")
            .wide(8),
        Panel::graph("Bytes", "Bps", "Bytes a second: of keys and values read, and of batches before compression and as they were sent.")
            .query("sum(rate(kafka_consumer_fetch_manager_bytes_consumed_total{@consumer}[$__rate_interval]))", "read")
            .query(rate("kusto_batch_raw_bytes_total"), "raw")
            .query(rate("kusto_batch_compressed_bytes_total"), "sent")
            .wide(8),
        Panel::graph("Records by table", "cps", "Records a second that were handed over.")
            .query("sum by (database, table) (rate(kusto_table_records_total{@connector}[$__rate_interval]))", "{{database}}.{{table}}")
            .wide(8),
    ]
}

fn steps() -> Vec<Panel> {
    vec![
        quantiles("Convert", "What one poll brought: converters, transformations, compression.", "kusto_convert_seconds"),
        quantiles("Seal", "The end of a batch's compression.", "kusto_seal_seconds"),
        quantiles("Upload", "A blob's upload, one try each, that succeeded.", "kusto_upload_seconds"),
        quantiles("Queue message", "Telling the service of a blob (a queue message or a REST request), that succeeded.", "kusto_queue_message_seconds"),
        quantiles("Streaming request", "Requests of streaming ingestion that succeeded; nothing is here for a connector that does not stream.", "kusto_streaming_request_seconds"),
        quantiles("Delivery", "From sealing a batch to its acknowledgement, all tries and waits together.", "kusto_delivery_seconds"),
        quantiles("Offset commit", "Of all partitions that moved together.", "kusto_commit_seconds"),
        Panel::graph("Offset commits", "cps", "A second, all tasks together. None for long while records are there: Kafka does not take them, or nothing is acknowledged.")
            .query("sum(rate(kafka_connect_sink_task_offset_commit_completion_total{@connector}[$__rate_interval]))", "succeeded")
            .query("sum(rate(kafka_connect_sink_task_offset_commit_skip_total{@connector}[$__rate_interval]))", "given up")
            .wide(6),
    ]
}

fn fails() -> Vec<Panel> {
    let rate = |series: &str| format!("sum(rate({series}{{@connector}}[$__rate_interval]))");
    vec![
        Panel::graph("Failed requests", "cps", "Requests a second that the service refused or did not answer. Usual failures have a series from the start, others from their first on. Those that are not tried again fail the task or become dead letters.")
            .query("sum by (operation, status, retried) (rate(kusto_request_failures_total{@connector}[$__rate_interval]))", "{{operation}} {{status}}, tried again: {{retried}}"),
        Panel::graph("Attempts", "cps", "Failed attempts a second at records and batches, and those of them that were followed by another.")
            .query(rate("kafka_connect_task_error_total_record_failures"), "failed")
            .query(rate("kafka_connect_task_error_total_retries"), "tried again"),
        Panel::graph("Bad records", "cps", "Records a second that failed in the end, that were skipped (errors.tolerance, behavior.on.error), and that are in no table and no dead-letter topic.")
            .query(rate("kafka_connect_task_error_total_record_errors"), "failed")
            .query(rate("kafka_connect_task_error_total_records_skipped"), "skipped")
            .query(rate("kusto_sink_records_dropped"), "dropped")
            .coloured("dropped", "red"),
        Panel::graph("Dead letters", "cps", "Letters a second, and those that could not be written: their topic is missing, or Kafka refuses them.")
            .query(rate("kafka_connect_task_error_deadletterqueue_produce_requests"), "sent")
            .query(rate("kafka_connect_task_error_deadletterqueue_produce_failures"), "not written")
            .coloured("not written", "red"),
        Panel::graph("What became of batches", "cps", "Batches a second that were handed over, by what was learned of them later: confirmed, failed (not in the table; GET /connectors/NAME/ingestion names them), unreported (no failure was told in time), unknown (not followed to the end).")
            .query("sum by (fate) (rate(kusto_batch_fates_total{@connector}[$__rate_interval]))", "{{fate}}")
            .coloured("failed", "red")
            .wide(24)
            .high(6),
        // Grafana's dates are in milliseconds.
        Panel::numbers("Credentials end", "dateTimeFromNow", "What signs in, and what the service lent for ingestion, where it says its end. What is renewed by itself is renewed when it is needed next, so it may be over while there is nothing to do; all else a person renews.")
            .query("min by (credential, renewed) (kusto_credentials_expiry_timestamp_seconds{@connector}) * 1000", "{{credential}}, renewed by itself: {{renewed}}")
            .wide(18),
        Panel::numbers("Ingestion resources were got", "dateTimeFromNow", "Containers and queues, and the identity for messages. They are renewed after an hour, when a batch needs them.")
            .query("min(kusto_resources_refreshed_timestamp_seconds{@connector}) * 1000", "got")
            .wide(6),
    ]
}

fn changes() -> Vec<Panel> {
    let average = |what: &str, series: &str| {
        let of = |series: &str| format!("sum(rate({series}{{@connector}}[$__rate_interval]))");
        (format!("{} / {}", of(series), of("kusto_delivery_seconds_count")), what.to_owned())
    };
    let (raw, raw_name) = average("raw", "kusto_batch_raw_bytes_total");
    let (sent, sent_name) = average("sent", "kusto_batch_compressed_bytes_total");
    vec![
        Panel::text("What to change", "What an operator can do about what the panels show.", CHANGES).high(10),
        Panel::areas("Batches by why they were sealed", "cps", "A second. size (flush.size.bytes) and time (flush.interval.ms) are well; memory asks for a larger worker.buffer.bytes; drain is a pause, a stop or a rebalance.")
            .query("sum by (reason) (rate(kusto_batches_sealed_total{@connector}[$__rate_interval]))", "{{reason}}")
            .high(10),
        Panel::graph("Size of a batch", "bytes", "On average, before compression and as it was sent. Small ones cost ADX more than large ones.")
            .query(raw, &raw_name)
            .query(sent, &sent_name)
            .wide(6),
        Panel::graph("Records of a batch", "short", "On average, by why it was sealed.")
            .query("sum by (reason) (rate(kusto_records_sealed_total{@connector}[$__rate_interval])) / sum by (reason) (rate(kusto_batches_sealed_total{@connector}[$__rate_interval]))", "{{reason}}")
            .wide(6),
        Panel::graph("Batches in flight", "none", "By task: batches and dead letters on their way. Four for each partition are the most; there, reading waits for the service.")
            .query("kusto_batches_in_flight{@connector}", "task {{task}}")
            .wide(6),
        Panel::graph("Memory for batches", "bytes", "Of the workers that are chosen above, all connectors together, and what they may hold (worker.buffer.bytes).")
            .query("kusto_memory_reserved_bytes{@worker}", "{{instance}} holds")
            .query("kusto_memory_limit_bytes{@worker}", "{{instance}} may hold")
            .wide(6),
    ]
}
