//! All numbers of a worker at one moment, in Connect's terms: what was counted, joined with what should run. Plain values.

use super::client::ClientView;
use super::connector::ConnectorReading;
use super::process::Process;
use super::sinks::SinkReading;
use super::task_reading::TaskReading;
use super::worker_reading::WorkerReading;
use crate::status::State;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What was counted of a connector.
pub(super) struct CountedConnector {
    pub(super) name: Arc<str>,
    pub(super) reading: ConnectorReading,
    pub(super) tasks: Vec<CountedTask>,
}

/// What was counted of a task.
pub(super) struct CountedTask {
    pub(super) task: u32,
    pub(super) reading: TaskReading,
}

/// A worker at one moment.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// What it counts about itself.
    pub worker: WorkerReading,
    /// The cluster; none before the worker is in it.
    pub cluster: Option<KnownCluster>,
    /// What it runs, by name.
    pub connectors: Vec<Connector>,
    /// What the worker's Kafka clients tell of themselves.
    pub clients: Vec<ClientView>,
    /// What sinks count.
    pub sinks: Vec<SinkReading>,
    /// What the process takes of its machine.
    pub process: Process,
}

/// A connector of which this worker runs something.
#[derive(Debug, Clone, Default)]
pub struct Connector {
    /// Its name.
    pub name: Arc<str>,
    /// What should run; none when it was taken away and still ends.
    pub known: Option<KnownConnector>,
    /// What its tasks count together; none when none has run.
    pub reading: Option<ConnectorReading>,
    /// Its tasks on this worker.
    pub tasks: Vec<Task>,
}

/// A task of this worker.
#[derive(Debug, Clone, Default)]
pub struct Task {
    /// Its connector.
    pub connector: Arc<str>,
    /// Its number.
    pub id: u32,
    /// Its state; none when it was taken away and still ends.
    pub state: Option<State>,
    /// What it counts; none when it does not run.
    pub reading: Option<TaskReading>,
}

/// The cluster as this worker sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownCluster {
    /// The advertised URL of the worker that leads it.
    pub leader: Arc<str>,
    /// The number of its present state.
    pub epoch: i64,
    /// The worker is not in it yet, or goes.
    pub rebalancing: bool,
    /// The id of the worker's client.
    pub client_id: Arc<str>,
}

/// What this worker should run of a connector.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownConnector {
    /// Its name.
    pub name: Arc<str>,
    /// This worker tells the state of the connector itself.
    pub is_instance: bool,
    /// That state.
    pub state: Option<State>,
    /// Its class.
    pub class: Option<Arc<str>>,
    /// `sink`, or `unknown`.
    pub kind: &'static str,
    /// The version of its class.
    pub version: Option<Arc<str>>,
    /// The tasks of this worker, with their states.
    pub tasks: Vec<(u32, State)>,
}

impl Snapshot {
    pub(super) fn counted(
        worker: WorkerReading,
        counted: Vec<CountedConnector>,
        (sinks, process): (Vec<SinkReading>, Process),
    ) -> Self {
        let connectors = counted.into_iter().map(|CountedConnector { name, reading, tasks }| Connector {
            known: None,
            reading: Some(reading),
            tasks: tasks
                .into_iter()
                .map(|CountedTask { task: id, reading }| Task {
                    connector: Arc::clone(&name),
                    id,
                    state: None,
                    reading: Some(reading),
                })
                .collect(),
            name,
        });
        let connectors = connectors.collect();
        Self { worker, cluster: None, connectors, clients: Vec::new(), sinks, process }
    }

    /// Joins it with what should run.
    pub fn know(&mut self, cluster: Option<KnownCluster>, known: Vec<KnownConnector>) {
        self.cluster = cluster;
        let mut all: BTreeMap<Arc<str>, Connector> =
            self.connectors.drain(..).map(|connector| (Arc::clone(&connector.name), connector)).collect();
        for known in known {
            let connector = all.entry(Arc::clone(&known.name)).or_default();
            connector.name = Arc::clone(&known.name);
            let mut tasks: BTreeMap<u32, Task> =
                connector.tasks.drain(..).map(|task| (task.id, task)).collect();
            for (id, state) in &known.tasks {
                let found = tasks.entry(*id).or_default();
                (found.connector, found.id, found.state) = (Arc::clone(&known.name), *id, Some(*state));
            }
            connector.tasks = tasks.into_values().collect();
            connector.known = Some(known);
        }
        self.connectors = all.into_values().collect();
    }

    /// All tasks, connector by connector.
    pub(super) fn tasks(&self) -> impl Iterator<Item = &Task> {
        self.connectors.iter().flat_map(|connector| &connector.tasks)
    }

    /// What should run.
    pub(super) fn known(&self) -> impl Iterator<Item = &KnownConnector> {
        self.connectors.iter().filter_map(|connector| connector.known.as_ref())
    }
}
