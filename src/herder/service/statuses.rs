//! The states of connectors and tasks, and the topics that they have read from: written, shown, forgotten
//! (`connect-runtime.md` §1.12).
//!
//! [`Statuses`] owns the status topic and what was made of it for readers. It decides nothing: what is to be written or
//! forgotten is said by the loop.

use crate::herder::classes;
use crate::herder::view::{ActiveTopics, ConnectorStatus, TaskState, kind};
use crate::id::ConnectorTaskId;
use crate::plugins::Plugins;
use crate::status::State;
use crate::storage::{
    self, ClusterConfigState, Status, StatusBackingStore, StatusId, StatusTopic, TopicStatus,
};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;
use time::OffsetDateTime;

/// How long the last states may take on their way to Kafka when the worker ends.
const LAST_STATES: Duration = Duration::from_secs(5);

/// The states of all connectors by their names.
type Shown = BTreeMap<Arc<str>, Arc<ConnectorStatus>>;

/// A state and its trace.
type Reported = (State, Option<String>);

/// The states, as they are in the status topic and as readers see them.
pub(super) struct Statuses {
    plugins: Plugins,
    topic: StatusTopic,
    /// Who writes them.
    worker_id: Arc<str>,
    /// What this worker's connectors said last about each part that runs here.
    reported: HashMap<StatusId, Reported>,
    /// Connectors whose states are to be shown anew.
    touched: BTreeSet<Arc<str>>,
    shown: Shown,
    /// The topics in use as they were shown last; none when that has changed.
    topics: Option<Arc<ActiveTopics>>,
}

impl Statuses {
    /// Nothing is shown yet of what the topic holds.
    pub(super) fn new(plugins: Plugins, topic: StatusTopic, worker_id: Arc<str>) -> Self {
        let touched = topic.names().into_iter().collect();
        Self {
            plugins,
            topic,
            worker_id,
            reported: HashMap::new(),
            touched,
            shown: Shown::new(),
            topics: None,
        }
    }

    /// The connectors of which another worker has written states. Cancel-safe.
    pub(super) async fn next_changes(&mut self) -> Result<BTreeSet<Arc<str>>, storage::Error> {
        // A wave of states is mostly about the tasks of a few connectors, and each look goes over all tasks of one.
        let names: BTreeSet<Arc<str>> = self.topic.next_changes().await?.into_iter().collect();
        self.touched.extend(names.iter().cloned());
        self.topics = None;
        Ok(names)
    }

    /// A connector's states as readers see them; none before its first one.
    pub(super) fn of_connector(
        &self,
        name: &Arc<str>,
        configs: &ClusterConfigState,
    ) -> Option<ConnectorStatus> {
        let config = configs.config(name)?;
        let connector = self.topic.connector(name)?.into();
        let tasks =
            self.topic.tasks(name).into_iter().map(|(id, status)| TaskState { id, state: status.into() });
        Some(ConnectorStatus {
            name: name.clone(),
            connector,
            tasks: tasks.collect(),
            kind: kind(self.plugins, config),
        })
    }

    /// The states of a connector's tasks, whoever wrote them.
    pub(super) fn of_tasks(&self, name: &str) -> impl Iterator<Item = State> {
        self.topic.tasks(name).into_iter().map(|(_, status)| status.state)
    }

    /// What readers see from now on: all states, and all topics in use.
    pub(super) fn show(&mut self, configs: &ClusterConfigState) -> (Shown, Arc<ActiveTopics>) {
        for name in std::mem::take(&mut self.touched) {
            match self.of_connector(&name, configs) {
                Some(status) => drop(self.shown.insert(name, Arc::new(status))),
                None => drop(self.shown.remove(&name)),
            }
        }
        let known = &self.topic;
        let list = |name: Arc<str>| {
            let topics = known.topics(&name).into_iter().map(|known| known.topic.clone()).collect();
            (name, topics)
        };
        let all = || Arc::new(known.names().into_iter().map(list).collect());
        (self.shown.clone(), self.topics.get_or_insert_with(all).clone())
    }

    /// Something about a connector has changed that is shown with its states.
    pub(super) fn touch(&mut self, name: Arc<str>) {
        self.touched.insert(name);
    }

    /// Keeps what a part that runs here says of itself, until it runs here no more.
    pub(super) fn note(&mut self, id: &StatusId, state: State, trace: Option<&String>) {
        if state == State::Unassigned {
            self.reported.remove(id);
        } else {
            self.reported.insert(id.clone(), (state, trace.cloned()));
        }
    }

    /// What a part said last that runs here, although another worker wrote a state of it which `yields` it.
    pub(super) fn contradicted(&self, id: &StatusId, yields: impl Fn(State) -> bool) -> Option<Reported> {
        let written = self.topic.state(id)?;
        let is_let_go = yields(written.state) && written.worker_id != self.worker_id;
        self.reported.get(id).filter(|_| is_let_go).cloned()
    }

    /// Writes a state, in this generation of the cluster.
    pub(super) fn set(
        &mut self,
        id: StatusId,
        (state, trace): (State, Option<String>),
        (configs, generation): (&ClusterConfigState, i64),
    ) {
        let name = id.connector().clone();
        // Nothing runs in these states, so there is no version to tell.
        let versioned = !matches!(state, State::Restarting | State::Unassigned);
        let config = configs.config(&name).filter(|_| versioned);
        let status = Status {
            state,
            trace,
            worker_id: self.worker_id.clone(),
            generation,
            version: config.and_then(|config| classes::version(self.plugins, config)),
        };
        self.topic.put(id, status);
        self.touched.insert(name);
    }

    /// Forgets what the parts of a connector said of themselves.
    pub(super) fn forget_reports(&mut self, name: &Arc<str>) {
        self.reported.retain(|id, _| id.connector() != name);
    }

    /// Forgets a state; a connector's with all its tasks and topics.
    pub(super) fn forget(&mut self, id: &StatusId) {
        self.topic.forget(id);
        self.topics = None;
        self.touched.insert(id.connector().clone());
    }

    /// Forgets the states of tasks that a connector does not have any more.
    pub(super) fn forget_tasks_beyond(&mut self, name: &Arc<str>, count: u32) {
        let gone: Vec<u32> =
            self.topic.tasks(name).iter().map(|(task, _)| *task).filter(|task| *task >= count).collect();
        for task in gone {
            self.forget(&StatusId::Task(ConnectorTaskId { connector: name.clone(), task }));
        }
    }

    /// Forgets states and topics of connectors and tasks that are in no config: left over from a worker that died, or
    /// from another cluster's time.
    pub(super) fn forget_leftovers(&mut self, configs: &ClusterConfigState) {
        let gone = |id: &StatusId| match id {
            StatusId::Connector(name) => !configs.contains(name),
            StatusId::Task(id) => id.task >= configs.task_count(&id.connector),
        };
        let mut leftovers: Vec<StatusId> = self.topic.ids().into_iter().filter(gone).collect();
        let nameless = self.topic.names().into_iter().filter(|name| !configs.contains(name));
        leftovers.extend(nameless.map(StatusId::Connector));
        for id in leftovers {
            self.forget(&id);
        }
    }

    /// A task has read from a topic.
    pub(super) fn topic_read(&mut self, task: ConnectorTaskId, topic: Arc<str>) {
        let discovered = i64::try_from(OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000);
        let discovered = discovered.unwrap_or_default();
        if self.topic.put_topic(TopicStatus { topic, task, discovered }) {
            self.topics = None;
        }
    }

    /// Empties a connector's list of topics.
    pub(super) fn reset_topics(&mut self, connector: &Arc<str>) {
        self.topic.forget_topics(connector);
        self.topics = None;
    }

    /// Goes on with a status topic that was opened anew.
    pub(super) async fn reopen(
        &mut self,
        store: Box<dyn StatusBackingStore>,
        leads: bool,
    ) -> Result<(), storage::Error> {
        let touched = self.topic.reopen(store, leads).await?;
        self.touched.extend(touched);
        self.topics = None;
        Ok(())
    }

    /// Lets the last states reach Kafka, so that others see that nobody runs here.
    pub(super) async fn flush(&mut self) {
        match tokio::time::timeout(LAST_STATES, self.topic.flush()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the last states may not be in the status topic"),
            Err(_) => tracing::warn!("the last states are not in the status topic: Kafka took too long"),
        }
    }
}
