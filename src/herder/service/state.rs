//! What the loop works with, and the questions about it that all its parts ask. Nothing is done here.

use super::cluster::ClusterPart;
use super::deleted::Deleted;
use super::healing::Healing;
use super::managed::Managed;
use super::operations::Operations;
use super::statuses::Statuses;
use super::storage_watch::StorageWatch;
use crate::cluster_key::ClusterKeys;
use crate::config::WorkerConfig;
use crate::herder::handle::Turn;
use crate::herder::plan::Actual;
use crate::herder::request::Reply;
use crate::herder::runner::Runner;
use crate::herder::view::{ConnectorStatus, View};
use crate::membership::Cluster;
use crate::metrics::Metrics;
use crate::plugins::Plugins;
use crate::status::{State, WorkerEvent};
use crate::storage::{self, ConfigTopic, OpenStores, StatusId};
use crate::telemetry::Loggers;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

/// What a herder is made of.
pub struct HerderOptions {
    /// The classes that connectors may name.
    pub plugins: Plugins,
    /// The worker's settings, for validation.
    pub config: Arc<WorkerConfig>,
    /// `host:port` that this worker writes into states.
    pub worker_id: Arc<str>,
    /// Where the levels of loggers are set.
    pub loggers: Loggers,
    /// Where changes of the cluster are counted.
    pub metrics: Metrics,
    /// Where configs and states are kept.
    pub stores: Arc<dyn OpenStores>,
    /// Who runs connectors.
    pub runner: Arc<dyn Runner>,
    /// What it reports.
    pub events: mpsc::Receiver<WorkerEvent>,
    /// The cluster it belongs to.
    pub cluster: Cluster,
}

/// How the herder's loop ended.
#[derive(Debug)]
pub enum Ended {
    /// It was asked to; true when all tasks were drained in time.
    Stopped {
        /// All was drained and committed.
        drained: bool,
    },
    /// The storage cannot be used, and waiting does not help.
    Failed(storage::Error),
}

/// What the loop tells its handles.
pub(super) struct Publishers {
    pub(super) view: watch::Sender<Arc<View>>,
    pub(super) turns: watch::Sender<Turn>,
    pub(super) keys: watch::Sender<Arc<ClusterKeys>>,
}

/// The state of the loop, which alone changes it.
pub(super) struct Service {
    pub(super) options: HerderOptions,
    pub(super) storage: StorageWatch,
    /// The config topic.
    pub(super) topic: ConfigTopic,
    pub(super) statuses: Statuses,
    pub(super) cluster: ClusterPart,
    pub(super) healing: Healing,
    pub(super) deleted: Deleted,
    pub(super) managed: BTreeMap<Arc<str>, Managed>,
    pub(super) operations: Operations,
    /// Connectors to be looked at by the plan.
    pub(super) dirty: BTreeSet<Arc<str>>,
    /// Looks at consumer groups that may hold dead members.
    pub(super) lookups: JoinSet<()>,
    /// Who waits until a connector is at rest.
    pub(super) settling: Vec<(Arc<str>, Reply<()>)>,
    /// Levels of loggers that were read and are not set yet.
    pub(super) logger_levels: Vec<(Arc<str>, String)>,
    pub(super) publishers: Publishers,
}

impl Service {
    /// Notes that the loop does something now, for `/health`.
    pub(super) fn going_on(&self) {
        self.publishers.turns.send_replace(Some(Instant::now()));
    }

    /// What is wrong with the cluster, for `/health`.
    pub(super) fn trouble(&self) -> Option<Arc<str>> {
        match (self.storage.trouble(), self.cluster.trouble()) {
            (Some(storage), Some(cluster)) => Some(format!("{storage} {cluster}").into()),
            (one, other) => one.or(other).cloned(),
        }
    }

    /// Computes who runs what, and has the plan look at the connectors of which this worker's assignment is another one now.
    pub(super) fn assign(&mut self) {
        self.dirty.extend(self.cluster.assign(self.topic.state()));
    }

    /// A connector's states as readers see them; none before its first one.
    pub(super) fn shown_status(&self, name: &Arc<str>) -> Option<ConnectorStatus> {
        self.statuses.of_connector(name, self.topic.state())
    }

    /// Writes a state.
    pub(super) fn set_state(&mut self, id: StatusId, state: State, trace: Option<String>) {
        let now = (self.topic.state(), self.cluster.generation());
        self.statuses.set(id, (state, trace), now);
    }

    pub(super) fn actual(&mut self, name: &Arc<str>) -> Option<&mut Actual> {
        self.managed.get_mut(name).map(|managed| &mut managed.actual)
    }

    pub(super) fn set_actual(&mut self, name: &Arc<str>, actual: Actual) {
        if let Some(is) = self.actual(name) {
            *is = actual;
        }
    }
}
