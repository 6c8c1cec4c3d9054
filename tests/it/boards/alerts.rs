//! The alerts: what each watches, how long it waits, and what somebody who is woken by it does.

use std::fmt::Write;

/// Where somebody who is woken reads on, in the repository.
pub const PAGE: &str = "docs/operations.md";

/// An alert.
#[derive(Debug)]
pub struct Alert {
    /// Its name.
    pub name: &'static str,
    /// Whom it wakes.
    pub severity: Severity,
    /// How long it must be so, in minutes.
    pub minutes: u32,
    /// What it watches, as an expression of Prometheus.
    pub expression: String,
    /// What happened to whom, as a template of Prometheus.
    pub summary: &'static str,
    /// When it fires.
    pub when: &'static str,
    /// What is to be done.
    pub remedy: &'static str,
}

/// Whom an alert wakes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Records stand still or are lost; now.
    Critical,
    /// It will not go well for long; on a working day.
    Warning,
}

impl Severity {
    fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Warning => "warning",
        }
    }
}

/// Records that were not read, by connector: consumers have client ids only.
fn lag(offset: &str) -> String {
    format!(
        "sum by (job, connector) (label_replace(kafka_consumer_fetch_manager_records_lag{offset}, \"connector\", \"$1\", \"clientid\", \"connector-consumer-(.*)-[0-9]+\"))"
    )
}

/// Partitions that neither read nor rest.
pub const WAITING: &str = "kusto_partitions{state!~\"in_step|catching_up|paused|failed\"}";

const PAUSED: &str = "sum by (job, connector) (kafka_connect_worker_connector_paused_task_count) > 0";

/// All of them.
pub fn alerts() -> Vec<Alert> {
    [workers(), states(), progress(), credentials(), fates(), refusals(), limits()]
        .into_iter()
        .flatten()
        .collect()
}

use Severity::{Critical, Warning};

fn workers() -> Vec<Alert> {
    vec![
        Alert {
            name: "KustoConnectNoWorker",
            severity: Critical,
            minutes: 5,
            expression: "absent(kusto_build_info)".to_owned(),
            summary: "Prometheus reaches no worker at all",
            when: "No target of Prometheus answers as a worker.",
            remedy: "Look at `up` and the targets of Prometheus first: the address, the port of `metrics.listeners`, a firewall. Then at the \
                     workers: how they ended (exit codes) and the last lines of their logs.",
        },
        Alert {
            name: "KustoConnectWorkerGone",
            severity: Critical,
            minutes: 2,
            expression: "up == 0\nand on (job, instance) max_over_time(kusto_build_info[1h])".to_owned(),
            summary: "Worker {{ $labels.instance }} of {{ $labels.job }} is gone",
            when: "A target that was a worker within the last hour answers no more.",
            remedy: "Start it again, or see why it ended (exit codes, log). Its tasks wait for it for `scheduled.rebalance.max.delay.ms` and \
                     move then; partitions move at once to other workers that have tasks of the same connector. Nothing is lost.",
        },
        Alert {
            name: "KustoConnectRebalancing",
            severity: Warning,
            minutes: 10,
            expression: "max by (job, instance) (kafka_connect_worker_rebalance_rebalancing) == 1".to_owned(),
            summary: "Worker {{ $labels.instance }} of {{ $labels.job }} does not get into its cluster",
            when: "A worker is outside its cluster: it cannot join, or does not get away.",
            remedy: "`GET /health` of that worker says what it waits for: Kafka, the storage topics, or somebody who is no worker and holds the \
                     group of `group.id`. `kusto-connect doctor worker.properties` tries each of them.",
        },
    ]
}

fn states() -> Vec<Alert> {
    vec![
        Alert {
            name: "KustoConnectConnectorFailed",
            severity: Critical,
            minutes: 2,
            expression: "max by (job, connector) (kafka_connect_connector_status{status=\"failed\"}) == 1".to_owned(),
            summary: "Connector {{ $labels.connector }} of {{ $labels.job }} has failed",
            when: "A connector has a configuration that cannot be used: a class or a key that this worker does not know, a variable that leads nowhere.",
            remedy: "The first line of its trace says why and which setting mends it (`GET /connectors/NAME/status`, `/ui`). A new configuration \
                     mends it; `kusto-connect validate connector.json` tries one before.",
        },
        Alert {
            name: "KustoConnectTaskFailed",
            severity: Critical,
            minutes: 7,
            // The longest pause before a failed task starts again is five minutes: the window is longer, the wait too.
            expression: "sum by (job, connector) (max_over_time(kafka_connect_worker_connector_failed_task_count[6m])) > 0".to_owned(),
            summary: "{{ $value }} task(s) of connector {{ $labels.connector }} of {{ $labels.job }} fail again and again",
            when: "Tasks have failed, and did not stay well when they were started again by themselves.",
            remedy: "The first line of the task's trace says what happened, where, and which setting or command mends it. It starts again by \
                     itself within `task.restart.backoff.max.ms`; a restart over REST is quicker. Nothing is lost as long as the topic keeps \
                     its records.",
        },
        Alert {
            name: "KustoConnectTaskUnassigned",
            severity: Warning,
            minutes: 15,
            expression: "sum by (job, connector) (kafka_connect_worker_connector_unassigned_task_count) > 0".to_owned(),
            summary: "{{ $value }} task(s) of connector {{ $labels.connector }} of {{ $labels.job }} do not start",
            when: "Tasks were given to a worker that has not started them.",
            remedy: "The worker's log says what it is at; `/health` whether its loop still answers. Restart the connector, then the worker.",
        },
    ]
}

fn progress() -> Vec<Alert> {
    let (now, before) = (lag(""), lag(" offset 15m"));
    let increase = |series: &str| format!("sum by (job, connector) (increase({series}[15m]))");
    vec![
        Alert {
            name: "KustoConnectLagNotFalling",
            severity: Warning,
            minutes: 15,
            expression: format!(
                "({now} > 10000\n  and {now} >= {before})\nunless on (job, connector) {PAUSED}"
            ),
            summary: "Connector {{ $labels.connector }} of {{ $labels.job }} is {{ $value | humanize }} records behind and does not catch up",
            when: "More than 10,000 records wait in Kafka, and for a quarter of an hour there were never fewer than a quarter of an hour before.",
            remedy: "The board of the connector tells where its time is. One partition alone: its keys. All of them: more tasks (up to one for \
                     each partition) or workers, larger batches (`flush.size.bytes`), more `worker.buffer.bytes`. Retries at the same time: \
                     the service is the brake.",
        },
        Alert {
            name: "KustoConnectWaiting",
            severity: Critical,
            minutes: 10,
            expression: format!("sum by (job, connector, state) ({WAITING}) > 0"),
            summary: "{{ $value }} partition(s) of connector {{ $labels.connector }} of {{ $labels.job }} are {{ $labels.state }}",
            when: "Partitions wait for something that does not come: Kafka, the service, a topic, a schema, memory, dead letters, commits.",
            remedy: "`GET /connectors/NAME/health` and `/ui` say of each partition for what, since when, with the last cause and what mends it. \
                     Nothing is lost, and it goes on by itself when the cause is gone.",
        },
        Alert {
            name: "KustoConnectOldRecords",
            severity: Warning,
            minutes: 5,
            expression: "max by (job, connector) (kusto_oldest_record_age_seconds) > 900".to_owned(),
            summary: "Connector {{ $labels.connector }} of {{ $labels.job }} has had a record for {{ $value | humanizeDuration }} without handing it over",
            when: "A record was read more than 15 minutes ago and is not acknowledged. With a `flush.interval.ms` of that order, raise the limit.",
            remedy: "Something waits: the task's trace (`RUNNING`, with a text) says for what and since when, with the last cause. Nothing is lost, \
                     and it goes on by itself when the cause is gone.",
        },
        Alert {
            name: "KustoConnectNothingCommitted",
            severity: Critical,
            minutes: 10,
            expression: format!(
                "({} == 0\n  and (sum by (job, connector) (kafka_connect_sink_task_sink_record_active_count) > 0\n    or {} > 0\n    or {now} > 1000))\nunless on (job, connector) {PAUSED}",
                increase("kafka_connect_sink_task_offset_commit_completion_total"),
                increase("kafka_connect_sink_task_offset_commit_seq_no"),
            ),
            summary: "Connector {{ $labels.connector }} of {{ $labels.job }} commits nothing, and there are records",
            when: "Records are there (in batches, in Kafka, or acknowledged), and no offset was committed for a quarter of an hour.",
            remedy: "With retries at the same time it is the service (see the trace of the task). Without: Kafka cannot be reached, does not take \
                     commits (ACL `Read` on the group `connect-NAME`), or nothing is read. `kusto-connect doctor` tries all of that.",
        },
    ]
}

/// Refusals for who asks. A login server says 400 too, and what is wrong here (a file, an address) has no number.
fn refused(offset: &str) -> String {
    let of = |labels: &str| format!("increase(kusto_request_failures_total{{{labels}}}[10m]{offset})");
    format!(
        "sum by (job, connector, operation, status) ({} or {}) > 0",
        of("status=~\"401|403\""),
        of("operation=\"sign in\",status=~\"400|other\"")
    )
}

/// What a person must renew.
pub const OF_PERSONS: &str = "kusto_credentials_expiry_timestamp_seconds{renewed=\"false\"}";

fn credentials() -> Vec<Alert> {
    vec![
        Alert {
            name: "KustoConnectCredentialEnds",
            severity: Warning,
            minutes: 5,
            expression: format!("min by (job, connector, credential) ({OF_PERSONS}) - time() < 14 * 86400"),
            summary: "The {{ $labels.credential }} of connector {{ $labels.connector }} of {{ $labels.job }} ends in {{ $value | humanizeDuration }}",
            when: "A credential that nobody renews by itself ends within 14 days, or has ended.",
            remedy: "`certificate`: put the next one into the file of `aad.auth.certificate.path`, for the application in Entra too, and restart \
                     the connector, which reads it then. `token`: `aad.auth.accesstoken` is for development; another `aad.auth.strategy` renews \
                     by itself. The end of an `aad.auth.appkey` nobody tells: note it where it was made.",
        },
        Alert {
            name: "KustoConnectCredentialEnded",
            severity: Critical,
            minutes: 10,
            // A token is got when it is asked for, which with queued ingestion is once an hour: it may be over between.
            expression: "time() - min by (job, instance, connector, credential) (kusto_credentials_expiry_timestamp_seconds{renewed=\"true\",credential!=\"token\"}) > 0\nand on (job, instance, connector) sum by (job, instance, connector) (kafka_connect_sink_task_sink_record_active_count) > 0"
                .to_owned(),
            summary: "{{ $labels.credential }} of connector {{ $labels.connector }} on {{ $labels.instance }} of {{ $labels.job }} ended {{ $value | humanizeDuration }} ago and are not renewed",
            when: "What the service lends for ingestion (identity, containers, queues) is renewed every hour by itself. It is over, there are records to \
                   hand over, and no other came.",
            remedy: "The log (`ingestion resources could not be renewed`) and the trace of the task say what the service answers. \
                     `kusto-connect doctor worker.properties connector.json` tries `.get ingestion resources` and the sign-in before it. \
                     If both go well, compare the worker's clock.",
        },
    ]
}

fn fates() -> Vec<Alert> {
    vec![Alert {
        name: "KustoConnectBatchesFailed",
        severity: Critical,
        minutes: 0,
        expression: "sum by (job, connector) (increase(kusto_batch_fates_total{fate=\"failed\"}[15m])) > 0"
            .to_owned(),
        summary: "{{ $value | humanize }} batches of connector {{ $labels.connector }} of {{ $labels.job }} were taken by the service and not kept",
        when: "Batches that were handed over are not in their table: the service refused them later. Their offsets are committed.",
        remedy: "`GET /connectors/NAME/ingestion` names each with its offsets, the code and what mends it, and so does the log. Mend that, stop \
                     the connector, set the partition's offset back (`PATCH /connectors/NAME/offsets`), and resume it.",
    }]
}

fn refusals() -> Vec<Alert> {
    let increase = |series: &str| format!("sum by (job, connector) (increase({series}[15m])) > 0");
    vec![
        Alert {
            name: "KustoConnectRefused",
            severity: Critical,
            minutes: 2,
            expression: format!("{}\nand {}", refused(""), refused(" offset 10m")),
            summary: "ADX refuses {{ $labels.operation }} of connector {{ $labels.connector }} of {{ $labels.job }} with {{ $labels.status }}",
            when: "Requests or sign-ins are refused again and again for who sends them (401, 403; by the login server 400 too), in the last ten \
                   minutes and in the ten before. Once is well: a signature has ended and was renewed.",
            remedy: "A role, a key or a network rule was taken away, or a secret has expired. `kusto-connect doctor worker.properties \
                     connector.json` names it, with the KQL or CLI line.",
        },
        Alert {
            name: "KustoConnectRetries",
            severity: Warning,
            minutes: 15,
            expression: "sum by (job, connector) (rate(kafka_connect_task_error_total_retries[5m])) > 0"
                .to_owned(),
            summary: "Connector {{ $labels.connector }} of {{ $labels.job }} tries the same again and again",
            when: "Attempts have failed and were repeated for a quarter of an hour: an outage, throttling, or a registry that does not answer.",
            remedy: "The trace of the `RUNNING` task says what it waits for; the board which operation fails with which status. 429 and 503 ask for \
                     more capacity in ADX, none for the network. All of it is tried without an end unless `errors.retry.max.time.ms` is written.",
        },
        Alert {
            name: "KustoConnectDeadLetters",
            severity: Warning,
            minutes: 0,
            expression: increase("kafka_connect_task_error_deadletterqueue_produce_requests"),
            summary: "Connector {{ $labels.connector }} of {{ $labels.job }} wrote {{ $value | humanize }} dead letters in a quarter of an hour",
            when: "Records went to a dead-letter topic.",
            remedy: "The headers of a letter say which record it was, at which stage it failed and why (`errors.deadletterqueue.context.headers.enable`). \
                     Mend producer, schema, table or mapping, then send the letters again.",
        },
        Alert {
            name: "KustoConnectDeadLettersNotWritten",
            severity: Critical,
            minutes: 0,
            expression: increase("kafka_connect_task_error_deadletterqueue_produce_failures"),
            summary: "Connector {{ $labels.connector }} of {{ $labels.job }} could not write {{ $value | humanize }} dead letters",
            when: "Kafka did not take a dead letter.",
            remedy: "The dead-letter topic is missing, takes no records of that size (`max.message.bytes`), or refuses who writes (ACL `Write`). The \
                     trace of the task says which; the record is not committed.",
        },
        Alert {
            name: "KustoConnectRecordsDropped",
            severity: Warning,
            minutes: 0,
            expression: increase("kusto_sink_records_dropped"),
            summary: "Connector {{ $labels.connector }} of {{ $labels.job }} dropped {{ $value | humanize }} records in a quarter of an hour",
            when: "Records are in no table and in no dead-letter topic, because `errors.tolerance` or `behavior.on.error` say so.",
            remedy: "The task's status and the log say how many and why. To keep them from now on, set `errors.deadletterqueue.topic.name` or \
                     `misc.deadletterqueue.topic.name`.",
        },
    ]
}

fn limits() -> Vec<Alert> {
    let sealed =
        |labels: &str| format!("sum by (job, connector) (rate(kusto_batches_sealed_total{labels}[30m]))");
    vec![
        Alert {
            name: "KustoConnectMemoryUsedUp",
            severity: Warning,
            minutes: 15,
            expression: "kusto_memory_reserved_bytes / kusto_memory_limit_bytes > 0.75".to_owned(),
            summary: "Worker {{ $labels.instance }} of {{ $labels.job }} uses {{ $value | humanizePercentage }} of its memory for batches",
            when: "Batches and dead letters hold more than three quarters of `worker.buffer.bytes`; one connector gets four fifths at most.",
            remedy: "With retries at the same time the service is slow or away, and memory is only the first thing to be full. Else set \
                     `worker.buffer.bytes` higher (several times the largest record, and some MiB for each partition), or add a worker.",
        },
        Alert {
            name: "KustoConnectBatchesCutForMemory",
            severity: Warning,
            minutes: 30,
            expression: format!("{} / {} > 0.5", sealed("{reason=\"memory\"}"), sealed("")),
            summary: "{{ $value | humanizePercentage }} of the batches of connector {{ $labels.connector }} of {{ $labels.job }} are cut for want of memory",
            when: "More than half of a connector's batches are sealed before their size or time, because others need their memory.",
            remedy: "Small batches cost ADX more than large ones. Set `worker.buffer.bytes` higher, or `flush.size.bytes` lower if there are very \
                     many partitions, or add a worker.",
        },
        Alert {
            name: "KustoConnectDescriptors",
            severity: Warning,
            minutes: 10,
            expression: "process_open_fds / process_max_fds > 0.8\nand on (job, instance) kusto_build_info"
                .to_owned(),
            summary: "Worker {{ $labels.instance }} of {{ $labels.job }} uses {{ $value | humanizePercentage }} of its file descriptors",
            when: "A worker uses more than four fifths of the descriptors that its process may have.",
            remedy: "Raise the hard limit (`ulimit -Hn`, `LimitNOFILE`), or add a worker. Connectors for which there are none left are refused with \
                     a trace that says so; those that run go on.",
        },
    ]
}

/// The file of rules.
pub fn rules(head: &str) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let mut text = format!("{head}groups:\n  - name: kusto-connect\n    rules:\n");
    for alert in alerts() {
        writeln!(text, "      - alert: {}\n        expr: |-", alert.name).expect("text");
        for line in alert.expression.lines() {
            writeln!(text, "          {line}").expect("text");
        }
        if alert.minutes > 0 {
            writeln!(text, "        for: {}m", alert.minutes).expect("text");
        }
        writeln!(
            text,
            "        labels:\n          severity: {}\n        annotations:",
            alert.severity.as_str()
        )
        .expect("text");
        for (key, value) in [
            ("summary", alert.summary.to_owned()),
            ("description", format!("{} {}", alert.when, alert.remedy)),
            ("runbook_url", format!("{PAGE}#{}", alert.name.to_lowercase())),
        ] {
            writeln!(text, "          {key}: {}", quoted(&value)).expect("text");
        }
    }
    text
}

/// What somebody reads who is woken: a section for each.
pub fn sections() -> String {
    let mut text = String::new();
    for alert in alerts() {
        let Alert { name, severity, minutes, when, remedy, .. } = alert;
        let wait = if minutes == 0 { "at once".to_owned() } else { format!("after {minutes} minutes") };
        write!(text, "### {name}\n\n*{}, {wait}.* {when} {remedy}\n\n", severity.as_str()).expect("text");
    }
    text
}
