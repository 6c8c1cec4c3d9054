//! What the loop works with, and the questions about it that all its parts ask. Nothing is done here.

use super::deleted::Deleted;
use super::healing::Healing;
use super::managed::Managed;
use super::storage_watch::StorageWatch;
use crate::cluster_key::ClusterKeys;
use crate::config::WorkerConfig;
use crate::herder::handle::Turn;
use crate::herder::plan::Actual;
use crate::herder::request::Reply;
use crate::herder::runner::Runner;
use crate::herder::view::{ActiveTopics, ConnectorStatus, View};
use crate::id::TaskAssignment;
use crate::membership::{Assignment, Cluster, ClusterView, Membership};
use crate::plugins::Plugins;
use crate::status::{State, WorkerEvent};
use crate::storage::{self, ConfigTopic, OpenStores, StatusId, StatusTopic};
use crate::telemetry::Loggers;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use tokio::sync::{mpsc, watch};
use tokio::task::{Id, JoinSet};
use tokio::time::Instant;

/// What a herder is made of.
pub struct Options {
    /// The classes that connectors may name.
    pub plugins: Plugins,
    /// The worker's settings, for validation.
    pub config: Arc<WorkerConfig>,
    /// `host:port` that this worker writes into states.
    pub worker_id: Arc<str>,
    /// Where the levels of loggers are set.
    pub loggers: Loggers,
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

/// A state and its trace.
pub(super) type Reported = (State, Option<String>);

/// The state of the loop, which alone changes it.
pub(super) struct Service {
    pub(super) options: Options,
    pub(super) storage: StorageWatch,
    pub(super) topic: ConfigTopic,
    pub(super) status: StatusTopic,
    pub(super) membership: Membership,
    pub(super) view: Arc<ClusterView>,
    /// What is wrong with the cluster's group.
    pub(super) cluster_trouble: Option<Arc<str>>,
    /// Who runs what, as of the view and the config topic.
    pub(super) assignment: Arc<Assignment>,
    pub(super) healing: Healing,
    pub(super) deleted: Deleted,
    /// What this worker's connectors said last about each part that runs here.
    pub(super) reported: HashMap<StatusId, Reported>,
    pub(super) managed: BTreeMap<Arc<str>, Managed>,
    /// Connectors to be looked at by the plan.
    pub(super) dirty: BTreeSet<Arc<str>>,
    /// Connectors whose states have to be published.
    pub(super) touched: BTreeSet<Arc<str>>,
    pub(super) statuses: BTreeMap<Arc<str>, Arc<ConnectorStatus>>,
    /// The topics in use as they were published last; none when that has changed.
    pub(super) topics: Option<Arc<ActiveTopics>>,
    pub(super) operations: JoinSet<()>,
    /// Looks at consumer groups that may hold dead members.
    pub(super) lookups: JoinSet<()>,
    pub(super) running: HashMap<Id, Arc<str>>,
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

    /// True when this worker writes what only one may.
    pub(super) fn leads(&self) -> bool {
        self.view.leader == *self.membership.url()
    }

    /// What is wrong with the cluster, for `/health`.
    pub(super) fn trouble(&self) -> Option<Arc<str>> {
        match (self.storage.trouble(), &self.cluster_trouble) {
            (Some(storage), Some(cluster)) => Some(format!("{storage} {cluster}").into()),
            (one, other) => one.or(other.as_ref()).cloned(),
        }
    }

    pub(super) fn share(&self, name: &str) -> TaskAssignment {
        self.assignment.share(self.membership.url(), name)
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
