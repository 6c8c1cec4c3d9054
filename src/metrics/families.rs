//! Families of names: how boards and alerts in the field spell the measures of `table`.
//!
//! A family is a rule, as it is for the exporters of JMX; which rules are in use, and from where, stands in docs/metrics.md.

use super::bean::Bean;
use super::table::{Measure, SeriesType};
use crate::product::PREFIX;

/// How one family spells measures.
#[derive(Debug)]
pub struct Family {
    /// What `metrics.names` calls it.
    pub name: &'static str,
    /// Whose names they are.
    pub about: &'static str,
    /// The names of a measure: none, one, or several.
    pub spell: fn(&Measure) -> Vec<Spelling>,
    /// The label for the id of a client.
    pub client: &'static str,
    /// The label for the broker of a client's connections.
    pub node: &'static str,
    /// The label of clients' series that says what they do, if there is one.
    pub client_type: Option<&'static str>,
    /// Labels of series of `connect-worker-metrics` that are of no connector.
    pub worker: &'static [(&'static str, &'static str)],
    /// Measures that only this family has.
    pub more: &'static [Measure],
    /// It has what sinks count.
    pub sinks: bool,
}

/// A name under which a measure is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spelling {
    /// The name of its series.
    pub name: String,
    /// What Prometheus is told about it.
    pub kind: SeriesType,
}

/// A family without labels and measures of its own.
const fn family(name: &'static str, about: &'static str, spell: fn(&Measure) -> Vec<Spelling>) -> Family {
    let (client, node) = ("clientid", "nodeid");
    Family { name, about, spell, client, node, client_type: None, worker: &[], more: &[], sinks: false }
}

/// The names of Strimzi's `kafka-connect-metrics.yaml`.
pub static STRIMZI: Family = family(
    "strimzi",
    "Strimzi's `kafka-connect-metrics.yaml`, for its Grafana boards and alerts",
    |measure| {
        let kind = if measure.kind == SeriesType::Text { SeriesType::Gauge } else { measure.kind };
        strimzi(measure).map(|name| Spelling { name, kind }).into_iter().collect()
    },
);

/// The names of Confluent's `kafka_connect.yml`.
pub static CONFLUENT: Family = Family {
    client: "client_id",
    node: "node_id",
    client_type: Some("client_type"),
    worker: &[("connector", "aggregate")],
    ..family("confluent", "`kafka_connect.yml` of Confluent's jmx-monitoring-stacks", confluent)
};

/// The names of `jmx_exporter`'s example.
pub static EXPORTER: Family = Family {
    client: "clientId",
    node: "nodeId",
    ..family(
        "exporter",
        "`examples/kafka-connect.yml` of the JMX exporter, which ClickHouse's board uses too",
        |measure| {
            exporter(measure).map(|name| Spelling { name, kind: SeriesType::Untyped }).into_iter().collect()
        },
    )
};

/// The names of Strimzi's reporter.
pub static REPORTER: Family = Family {
    client: "client_id",
    node: "node_id",
    ..family("reporter", "Strimzi's Metrics Reporter 0.4", reporter)
};

/// Ours.
pub static OWN: Family = Family {
    sinks: true,
    client: "client_id",
    ..family(PREFIX, "Ours: what no other worker tells, and the process; always there", |measure| {
        let name = match measure.bean {
            Bean::Own => format!("{PREFIX}_{}", measure.attribute),
            Bean::Process => format!("process_{}", measure.attribute),
            _ => return Vec::new(),
        };
        let kind = if measure.kind == SeriesType::Text { SeriesType::Gauge } else { measure.kind };
        vec![Spelling { name, kind }]
    })
};

fn attribute(measure: &Measure) -> String {
    measure.attribute.replace('-', "_")
}

/// What the board of the JVM's sink and the exporter's example make of it.
fn without_total(name: &str) -> &str {
    name.strip_suffix("_total").unwrap_or(name)
}

/// Attributes that Strimzi's rules do not take up.
const NOT_STRIMZIS: [&str; 9] = [
    "offset-commit-failure-percentage",
    "offset-commit-success-percentage",
    "sink-record-active-count-max",
    "sink-record-active-count-avg",
    "start-time-ms",
    "bytes-consumed-rate",
    "records-consumed-rate",
    "records-lag-max",
    "commit-latency-max",
];

fn strimzi(measure: &Measure) -> Option<String> {
    let prefix = match measure.bean {
        Bean::Worker => "kafka_connect_worker",
        Bean::Rebalance => "kafka_connect_worker_rebalance",
        Bean::Connector => "kafka_connect_connector",
        Bean::ConnectorTask => "kafka_connect_connector_task",
        Bean::SinkTask => "kafka_connect_sink_task",
        Bean::TaskError => "kafka_connect_task_error",
        Bean::Coordinator => "kafka_connect_coordinator",
        Bean::App | Bean::Client => "kafka_connect",
        Bean::ClientNode => "kafka_connect_node",
        Bean::Consumer => "kafka_consumer",
        Bean::ConsumerNode => "kafka_consumer_node",
        Bean::Producer => "kafka_producer",
        Bean::ProducerNode => "kafka_producer_node",
        Bean::Fetch => "kafka_consumer_fetch_manager",
        Bean::ConsumerCoordinator => "kafka_consumer_coordinator",
        Bean::Own | Bean::Process | Bean::Verbatim => return None,
    };
    (!NOT_STRIMZIS.contains(&measure.attribute)).then(|| format!("{prefix}_{}", attribute(measure)))
}

/// Attributes that the exporter's example does not take up.
const NOT_EXPORTERS: [&str; 7] = [
    "batch-size-max",
    "sink-record-read-rate",
    "sink-record-send-rate",
    "offset-commit-seq-no",
    "connector-class",
    "connector-type",
    "connector-version",
];

/// The name by the exporter's example; none when it has none.
fn exporter(measure: &Measure) -> Option<String> {
    match (measure.bean, measure.attribute) {
        // It tells states of tasks under this name.
        (Bean::Connector, _) => None,
        (Bean::ConnectorTask, "status") => Some("kafka_connect_connector_status".to_owned()),
        (_, attribute) if NOT_EXPORTERS.contains(&attribute) => None,
        _ => strimzi(measure).map(|name| without_total(&name).to_owned()),
    }
}

/// The bean's own name, as both of the other rules keep it.
fn group(bean: Bean) -> Option<&'static str> {
    Some(match bean {
        Bean::Worker => "kafka_connect_connect_worker_metrics",
        Bean::Rebalance => "kafka_connect_connect_worker_rebalance_metrics",
        Bean::Connector => "kafka_connect_connector_metrics",
        Bean::ConnectorTask => "kafka_connect_connector_task_metrics",
        Bean::SinkTask => "kafka_connect_sink_task_metrics",
        Bean::TaskError => "kafka_connect_task_error_metrics",
        Bean::Coordinator => "kafka_connect_connect_coordinator_metrics",
        Bean::App => "kafka_connect_app",
        Bean::Client => "kafka_connect_connect_metrics",
        Bean::ClientNode => "kafka_connect_connect_node_metrics",
        Bean::Consumer => "kafka_consumer_consumer_metrics",
        Bean::ConsumerNode => "kafka_consumer_consumer_node_metrics",
        Bean::Producer => "kafka_producer_producer_metrics",
        Bean::ProducerNode => "kafka_producer_producer_node_metrics",
        Bean::Fetch => "kafka_consumer_consumer_fetch_manager_metrics",
        Bean::ConsumerCoordinator => "kafka_consumer_consumer_coordinator_metrics",
        Bean::Own | Bean::Process | Bean::Verbatim => return None,
    })
}

fn confluent(measure: &Measure) -> Vec<Spelling> {
    let Some(group) = group(measure.bean) else { return Vec::new() };
    let spelling = |name: &str| Spelling { name: name.to_owned(), kind: SeriesType::Untyped };
    match (measure.bean, measure.kind) {
        // Its rules know no text of a task.
        (Bean::ConnectorTask | Bean::Rebalance, SeriesType::Text) => Vec::new(),
        (_, SeriesType::Text) => vec![spelling(group)],
        (Bean::App, _) => Vec::new(),
        _ => {
            let name = format!("{group}_{}", attribute(measure));
            let mut all = vec![spelling(without_total(&name))];
            // Exporters before 1.0 kept the end, and so does Confluent's own board.
            if ["startup-success-total", "startup-failure-total"]
                .iter()
                .any(|end| measure.attribute.ends_with(end))
            {
                all.push(spelling(&name));
            }
            all
        }
    }
}

fn reporter(measure: &Measure) -> Vec<Spelling> {
    let Some(group) = group(measure.bean) else { return Vec::new() };
    if measure.attribute == "start-time-seconds" {
        return Vec::new();
    }
    let name = format!("{group}_{}", attribute(measure));
    let name = if measure.kind == SeriesType::Text {
        format!("{name}_info")
    } else {
        without_total(&name).to_owned()
    };
    vec![Spelling { name, kind: SeriesType::Gauge }]
}
