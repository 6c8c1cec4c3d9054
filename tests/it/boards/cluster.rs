//! The board of a whole cluster: all connectors, those that need somebody first.

use super::board::{Board, CLUSTER, CONNECTORS, Row};
use super::panel::Panel;

/// Lag by partition, with the connector as a label: a consumer has only a client id.
const LAG: &str = "label_replace(kafka_consumer_fetch_manager_records_lag{@consumer}, \"connector\", \"$1\", \"clientid\", \"connector-consumer-(.*)-[0-9]+\")";

const CHANGES: &str = "\
| what is seen | what to change |
|---|---|
| batches are sealed for `memory` | `worker.buffer.bytes` of the worker up, or fewer connectors on it |
| batches are sealed for `time` and are small | `flush.interval.ms` up, if records may be older; else it is well |
| lag grows while the processor is idle | `tasks.max` up (at most a task for each partition), or more partitions |
| lag grows and the processor is busy | one more worker with the same `group.id` |
| requests fail with 401 or 403 | roles and keys: `kusto-connect doctor worker.properties connector.json` says which |
| requests fail with 429 or 503 | capacity of the ADX cluster; nothing here: all of it is tried again |
| dead letters | the records: the headers of a letter say at which stage and why |

`kusto-connect doctor` tries everything that a start needs; the first line of a task's trace (`/ui`, `GET /connectors/NAME/status`) says \
what happened and which setting mends it.";

/// The board.
pub fn board() -> Board {
    Board {
        uid: "kusto-connect-cluster",
        title: "Kusto Connect: cluster",
        about: "All connectors of a cluster: do they run, how far behind are they, why did one fail, what is to be changed",
        variables: vec![CLUSTER, CONNECTORS],
        scopes: &[
            ("connector", "job=\"$job\",connector=~\"$connector\""),
            ("consumer", "job=\"$job\",clientid=~\"connector-consumer-($connector)-[0-9]+\""),
            ("worker", "job=\"$job\""),
        ],
        rows: vec![
            Row { question: "Does it run?", panels: runs() },
            Row { question: "How far behind is it?", panels: behind() },
            Row { question: "How much goes through?", panels: through() },
            Row { question: "Why does it fail?", panels: fails() },
            Row { question: "What do I change?", panels: changes() },
        ],
    }
}

fn runs() -> Vec<Panel> {
    let tasks = |state: &str| format!("sum(kafka_connect_worker_connector_{state}_task_count{{@connector}})");
    vec![
        Panel::numbers("Workers", "none", "Workers that Prometheus reaches. Fewer than you started: see the board of workers.")
            .query("count(kusto_build_info{@worker})", "workers"),
        Panel::numbers("Connectors by state", "none", "Each connector counts on the worker that has it. A failed one has a configuration that cannot be used: its trace says why.")
            .query("count by (status) (kafka_connect_connector_status{@connector})", "{{status}}")
            .coloured("failed", "red")
            .coloured("paused", "yellow")
            .coloured("stopped", "yellow")
            .wide(6),
        Panel::numbers("Tasks by state", "none", "Failed tasks are started again by themselves, after pauses of up to five minutes (task.restart.backoff.max.ms).")
            .query(tasks("running"), "running")
            .query(tasks("failed"), "failed")
            .query(tasks("paused"), "paused")
            .query(tasks("unassigned"), "unassigned")
            .query(tasks("restarting"), "restarting")
            .coloured("failed", "red")
            .coloured("unassigned", "orange")
            .coloured("paused", "yellow")
            .wide(10),
        Panel::numbers("Workers outside their cluster", "none", "Workers that are not in their cluster yet, or leave it. For long: Kafka is away, or somebody else holds the group.")
            .query("sum(kafka_connect_worker_rebalance_rebalancing{@worker})", "workers")
            .red_from(1.0),
        connectors(),
        Panel::graph("Failed tasks", "none", "The twenty connectors with most failed tasks. A saw-tooth is a task that fails again after each start.")
            .query("topk(20, sum by (connector) (kafka_connect_worker_connector_failed_task_count{@connector}))", "{{connector}}")
            .wide(24)
            .high(6),
    ]
}

/// All of them in a table.
fn connectors() -> Panel {
    let increase = |series: &str| format!("sum by (connector) (increase({series}{{@connector}}[$__range]))");
    Panel::table("Connectors", "connector", "One line for each connector; a click on its name shows it alone. Retries and dead letters are those of the chosen time.")
        .query("max by (connector, status) (kafka_connect_connector_status{@connector})", "")
        .column("sum by (connector) (kafka_connect_worker_connector_total_task_count{@connector})", "Tasks", "none")
        .column("sum by (connector) (kafka_connect_worker_connector_failed_task_count{@connector})", "Failed tasks", "none")
        .column(format!("sum by (connector) ({LAG})"), "Lag", "short")
        .column("max by (connector) (kusto_oldest_record_age_seconds{@connector})", "Oldest record", "s")
        .column("sum by (connector) (rate(kusto_records_delivered_total{@connector}[$__rate_interval]))", "Records a second", "short")
        .column(increase("kafka_connect_task_error_total_retries"), "Retries", "short")
        .column(increase("kafka_connect_task_error_deadletterqueue_produce_requests"), "Dead letters", "short")
        .column("max by (connector) (kafka_connect_task_error_last_error_timestamp{@connector})", "Last error", "dateTimeFromNow")
        .linked("/d/kusto-connect-connector?${datasource:queryparam}&${job:queryparam}&var-connector=${__value.raw:percentencode}&${__url_time_range}")
}

fn behind() -> Vec<Panel> {
    vec![
        Panel::areas("Partitions by what they do", "none", "in step: all was read; catching up: there is a backlog; whatever waits stands still until something comes: /ui and GET /connectors/NAME/health say for what, since when and why.")
            .query("sum by (state) (kusto_partitions{@connector})", "{{state}}")
            .wide(24)
            .high(6),
        Panel::graph("Lag", "short", "Records that are in Kafka and were not read yet; the twenty connectors with most of them. It stands still while a connector is paused or failed.")
            .query(format!("topk(20, sum by (connector) ({LAG}))"), "{{connector}}"),
        Panel::graph("Growth of lag", "short", "Records a second by which lag grows. Above zero for long, the connector does not keep up; below, it catches up.")
            .query(format!("topk(20, sum by (connector) ({}))", LAG.replace("kafka_consumer_fetch_manager_records_lag{@consumer}", "deriv(kafka_consumer_fetch_manager_records_lag{@consumer}[$__rate_interval])")), "{{connector}}"),
        Panel::graph("Oldest record that is not handed over", "s", "How long ago the oldest record was read that is not acknowledged. It goes up to flush.interval.ms when all is well, and on while something waits.")
            .query("topk(20, max by (connector) (kusto_oldest_record_age_seconds{@connector}))", "{{connector}}"),
        Panel::graph("From a record's timestamp to its acknowledgement", "s", "99 of 100 batches were acknowledged within this time of the timestamp of their first record. A backlog is old when it is read, so it shows here too.")
            .query("topk(20, histogram_quantile(0.99, sum by (connector, le) (rate(kusto_record_lateness_seconds_bucket{@connector}[$__rate_interval]))))", "{{connector}}"),
    ]
}

fn through() -> Vec<Panel> {
    let rate = |by: &str, series: &str| {
        format!("topk(20, sum by ({by}) (rate({series}{{@connector}}[$__rate_interval])))")
    };
    vec![
        Panel::graph("Records read", "cps", "Records a second that were read from Kafka.")
            .query(rate("connector", "kafka_connect_sink_task_sink_record_read_total"), "{{connector}}"),
        Panel::graph("Records handed over", "cps", "Records a second that the service acknowledged. What is read and is not here is skipped, a dead letter, or on its way.")
            .query(rate("connector", "kusto_records_delivered_total"), "{{connector}}"),
        Panel::graph("Bytes sent", "Bps", "Bytes a second of batches that were acknowledged, as they were sent (compressed).")
            .query(rate("connector", "kusto_batch_compressed_bytes_total"), "{{connector}}"),
        Panel::graph("Records by table", "cps", "Records a second that were handed over, the twenty tables with most.")
            .query(rate("database, table", "kusto_table_records_total"), "{{database}}.{{table}}"),
    ]
}

fn fails() -> Vec<Panel> {
    let rate = |series: &str| {
        format!("topk(20, sum by (connector) (rate({series}{{@connector}}[$__rate_interval])))")
    };
    vec![
        Panel::graph("Failed requests", "cps", "Requests a second that the service refused or did not answer, by operation and status; there is no series before the first. 401 and 403 are rights or keys, 429 and 503 a service that is busy, none is the network.")
            .query("sum by (operation, status) (rate(kusto_request_failures_total{@connector}[$__rate_interval]))", "{{operation}} {{status}}"),
        Panel::graph("Retries", "cps", "Failed attempts a second that are followed by another. Nothing is lost by them; what they wait for stands in the trace of the RUNNING task.")
            .query(rate("kafka_connect_task_error_total_retries"), "{{connector}}"),
        Panel::graph("Dead letters", "cps", "Records a second that went to a dead-letter topic. The headers of a letter say at which stage and why.")
            .query(rate("kafka_connect_task_error_deadletterqueue_produce_requests"), "{{connector}}"),
        Panel::graph("Dropped records", "cps", "Records a second that are in no table and no dead-letter topic, because errors.tolerance or behavior.on.error say so.")
            .query(rate("kusto_sink_records_dropped"), "{{connector}}"),
    ]
}

fn changes() -> Vec<Panel> {
    vec![
        Panel::text("What to change", "What an operator can do about what the panels show.", CHANGES).high(10),
        Panel::areas("Batches by why they were sealed", "cps", "size and time are well; memory says that worker.buffer.bytes is too little for what the worker reads; drain is a pause, a stop or a rebalance.")
            .query("sum by (reason) (rate(kusto_batches_sealed_total{@connector}[$__rate_interval]))", "{{reason}}")
            .wide(6)
            .high(10),
        Panel::graph("Memory for batches in use", "percentunit", "Share of worker.buffer.bytes that batches and dead letters hold. One connector takes four fifths at most. Where it stands near that, reading waits for the service.")
            .query("kusto_memory_reserved_bytes{@worker} / kusto_memory_limit_bytes{@worker}", "{{instance}}")
            .red_from(0.75)
            .wide(6)
            .high(10),
    ]
}
