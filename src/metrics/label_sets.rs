//! The labels of what a snapshot has, as text: each is made once for a page, for it stands behind the names of many measures.
//! Pure. All are in the order of the snapshot.

use super::client::{ClientRole, ClientView};
use super::families::Family;
use super::snapshot::{Snapshot, Task};
use super::text::labels;

/// What a worker without a cluster calls its client.
const NO_CLIENT: &str = "connect-1";

/// Labels that all families write alike.
pub(super) struct CommonLabels {
    /// Of each connector.
    pub(super) connectors: Vec<String>,
    /// Of each task.
    pub(super) tasks: Vec<TaskLabels>,
}

/// Of one task.
pub(super) struct TaskLabels {
    /// Connector and task.
    pub(super) own: String,
    /// Topic and partition of each partition; they stand behind those of the task, or of its consumer.
    pub(super) partitions: Vec<String>,
}

/// Labels that are spelled by a family.
pub(super) struct ClientLabels {
    /// Of the worker's own client.
    pub(super) worker: String,
    /// Of the consumer that each task would have on a JVM worker.
    pub(super) consumers: Vec<String>,
    /// Of each Kafka client that tells of itself, and of its connections to each broker, which stand behind the client's.
    pub(super) clients: Vec<(String, Vec<String>)>,
}

impl CommonLabels {
    pub(super) fn new(all: &Snapshot) -> Self {
        let connectors = all.connectors.iter().map(|one| labels([("connector", &*one.name)])).collect();
        let task = |task: &Task| {
            let number = task.id.to_string();
            let own = labels([("connector", &*task.connector), ("task", &*number)]);
            let partitions = task.reading.iter().flat_map(|reading| &reading.partitions);
            let place = |topic: &str, partition: i32| {
                labels([("topic", topic), ("partition", &*partition.to_string())])
            };
            let partitions = partitions.map(|one| place(&one.topic, one.partition)).collect();
            TaskLabels { own, partitions }
        };
        Self { connectors, tasks: all.tasks().map(task).collect() }
    }
}

impl ClientLabels {
    pub(super) fn new(family: &Family, all: &Snapshot) -> Self {
        let own = all.cluster.as_ref().map_or(NO_CLIENT, |cluster| &cluster.client_id);
        let of = |role: ClientRole, id: &str| {
            let what = family.client_type.zip(role.as_type());
            labels(what.into_iter().chain([(family.client, id)]))
        };
        let consumer = |task: &Task| {
            let id = format!("connector-consumer-{}-{}", task.connector, task.id);
            of(ClientRole::Consumer, &id)
        };
        let client = |client: &ClientView| {
            let id = if client.kind == ClientRole::Worker { own } else { &*client.id };
            let nodes = client.nodes.iter().map(|node| labels([(family.node, &*node.node)]));
            (of(client.kind, id), nodes.collect())
        };
        Self {
            worker: of(ClientRole::Worker, own),
            consumers: all.tasks().map(consumer).collect(),
            clients: all.clients.iter().map(client).collect(),
        }
    }
}
