//! The board of workers: who is there, who does how much, what each takes of its machine.

use super::board::{Board, CLUSTER, Row, WORKERS};
use super::panel::Panel;

/// The board.
pub fn board() -> Board {
    Board {
        uid: "kusto-connect-workers",
        title: "Kusto Connect: workers",
        about: "The workers of a cluster: who is there, who leads, how work is spread, and what each takes of its machine",
        variables: vec![CLUSTER, WORKERS],
        scopes: &[("worker", "job=\"$job\",instance=~\"$instance\"")],
        rows: vec![
            Row { question: "Does it run?", panels: runs() },
            Row { question: "Who does how much?", panels: shares() },
            Row { question: "What does it take?", panels: takes() },
        ],
    }
}

fn runs() -> Vec<Panel> {
    vec![
        Panel::table("Workers", "instance", "Workers that Prometheus reaches, with what each of them has.")
            .query("max by (instance, version) (kusto_build_info{@worker})", "")
            .column("max by (instance) (time() - process_start_time_seconds{@worker})", "Runs for", "s")
            .column("max by (instance) (kafka_connect_worker_connector_count{@worker})", "Connectors", "none")
            .column("max by (instance) (kafka_connect_worker_task_count{@worker})", "Tasks", "none")
            .column("max by (instance) (kafka_connect_worker_rebalance_epoch{@worker})", "Knows state", "none")
            .column("max by (instance) (kafka_connect_worker_rebalance_time_since_last_rebalance_ms{@worker})", "Since a change", "ms")
            .high(7),
        Panel::words("Leader", "The address of the worker that leads. Two of them for long: workers of two clusters have one job, or do not see each other.")
            .query("max by (leader_name) (kafka_connect_worker_rebalance_leader_name{@worker})", "{{leader_name}}")
            .wide(8),
        Panel::graph("Outside its cluster", "none", "1 while a worker is not in its cluster yet, or leaves it.")
            .query("kafka_connect_worker_rebalance_rebalancing{@worker}", "{{instance}}")
            .wide(8)
            .high(5),
        Panel::graph("Changes of the cluster", "short", "Workers that come and go, connectors that begin and end; as often as each worker saw them.")
            .query("sum by (instance) (increase(kafka_connect_worker_rebalance_completed_rebalances_total{@worker}[$__rate_interval]))", "{{instance}}")
            .wide(8)
            .high(5),
        Panel::graph("Starts of connectors and tasks", "short", "How many began, and how many of them failed. Failed tasks are started again by themselves.")
            .query("sum(increase(kafka_connect_worker_connector_startup_success_total{@worker}[$__rate_interval]))", "connectors")
            .query("sum(increase(kafka_connect_worker_connector_startup_failure_total{@worker}[$__rate_interval]))", "connectors that failed")
            .query("sum(increase(kafka_connect_worker_task_startup_success_total{@worker}[$__rate_interval]))", "tasks")
            .query("sum(increase(kafka_connect_worker_task_startup_failure_total{@worker}[$__rate_interval]))", "tasks that failed")
            .coloured("connectors that failed", "red")
            .coloured("tasks that failed", "red")
            .wide(24)
            .high(6),
    ]
}

fn shares() -> Vec<Panel> {
    let by_worker = |series: &str| format!("sum by (instance) (rate({series}{{@worker}}[$__rate_interval]))");
    vec![
        Panel::areas("Connectors", "none", "Connectors that the cluster gave to each worker.")
            .query("sum by (instance) (kafka_connect_coordinator_assigned_connectors{@worker})", "{{instance}}")
            .wide(6),
        Panel::areas("Tasks", "none", "Tasks that the cluster gave to each worker. Those of a worker that is gone wait for it for scheduled.rebalance.max.delay.ms.")
            .query("sum by (instance) (kafka_connect_coordinator_assigned_tasks{@worker})", "{{instance}}")
            .wide(6),
        Panel::areas("Records handed over", "cps", "A second, by worker.")
            .query(by_worker("kusto_records_delivered_total"), "{{instance}}")
            .wide(6),
        Panel::areas("Bytes sent", "Bps", "A second, by worker, as they were sent.")
            .query(by_worker("kusto_batch_compressed_bytes_total"), "{{instance}}")
            .wide(6),
    ]
}

fn takes() -> Vec<Panel> {
    vec![
        Panel::graph("Processor", "percentunit", "Processors in use; 1 is one of them.")
            .query("rate(process_cpu_seconds_total{@worker}[$__rate_interval])", "{{instance}}")
            .wide(8),
        Panel::graph("Memory of the process", "bytes", "All of it: batches, what consumers fetch ahead (consumer.queued.max.messages.kbytes for each partition), and the rest.")
            .query("process_resident_memory_bytes{@worker}", "{{instance}}")
            .wide(8),
        Panel::graph("Memory for batches in use", "percentunit", "Share of worker.buffer.bytes. One connector takes four fifths at most.")
            .query("kusto_memory_reserved_bytes{@worker} / kusto_memory_limit_bytes{@worker}", "{{instance}}")
            .red_from(0.75)
            .wide(8),
        Panel::graph("Descriptors in use", "percentunit", "Share of what the process may have (ulimit -Hn). Some are kept for REST and uploads: connectors are refused before all are in use.")
            .query("process_open_fds{@worker} / process_max_fds{@worker}", "{{instance}}")
            .red_from(0.8)
            .wide(12),
        Panel::graph("Threads", "none", "About five for each connector, and those of the machine's cores.")
            .query("process_threads{@worker}", "{{instance}}")
            .wide(12),
    ]
}
