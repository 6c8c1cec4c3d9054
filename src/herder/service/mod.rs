//! The herder's loop: one turn takes one thing that happened, does what the plan says, and publishes what is now so.
//!
//! It owns the config topic, the states and the picture of what runs. It never waits for the worker: long operations
//! run beside it (`reconcile`), at most one per connector, and their ends come back as things that happened.

mod patch;
mod reconcile;
mod requests;
mod restart;
mod starting;

use super::classes;
use super::handle::{Herder, Reply, Request, now};
use super::runner::Runner;
use super::view::{ConnectorStatus, Phase, TaskState, View, kind};
use crate::config::WorkerConfig;
use crate::id::ConnectorTaskId;
use crate::status::{State, StatusEvent};
use crate::storage::{self, Change, ConfigTopic, OpenStores, Status, StatusBackingStore, StatusId};
use reconcile::Managed;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use tokio::sync::{mpsc, watch};
use tokio::task::{Id, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Requests that wait while the loop writes to Kafka.
const REQUEST_PLACES: usize = 64;
/// Status events taken in one turn, so that a wave of them is published once.
const EVENTS_PER_TURN: usize = 256;

/// What a herder is made of.
pub struct Options {
    /// The worker's settings, for validation.
    pub config: Arc<WorkerConfig>,
    /// `host:port` that this worker writes into states.
    pub worker_id: Arc<str>,
    /// Where configs and states are kept.
    pub stores: Arc<dyn OpenStores>,
    /// Who runs connectors.
    pub runner: Arc<dyn Runner>,
    /// What it reports.
    pub events: mpsc::Receiver<StatusEvent>,
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

impl Options {
    /// The handle, and the loop to be spawned; it ends when `stop` is cancelled.
    pub fn build(self, stop: CancellationToken) -> (Herder, impl Future<Output = Ended> + Send) {
        let (requests, asked) = mpsc::channel(REQUEST_PLACES);
        let view = View {
            phase: Phase::Starting("starting".to_owned(), now()),
            configs: storage::ClusterConfigState::default(),
            statuses: BTreeMap::new(),
            cluster_id: None,
        };
        let (publisher, view) = watch::channel(Arc::new(view));
        let herder = Herder { requests, view, config: self.config.clone(), startup: None };
        (herder, run(self, asked, publisher, stop))
    }
}

async fn run(
    options: Options,
    asked: mpsc::Receiver<Request>,
    publisher: watch::Sender<Arc<View>>,
    stop: CancellationToken,
) -> Ended {
    let opened = tokio::select! {
        opened = starting::open(&options, &publisher) => opened,
        () = stop.cancelled() => return Ended::Stopped { drained: options.runner.shutdown().await },
    };
    let (topic, status) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            options.runner.shutdown().await;
            return Ended::Failed(error);
        }
    };
    let mut service = Service {
        dirty: topic.state().connectors().cloned().collect(),
        touched: BTreeSet::new(),
        managed: BTreeMap::new(),
        statuses: BTreeMap::new(),
        operations: JoinSet::new(),
        running: HashMap::new(),
        settling: Vec::new(),
        options,
        topic,
        status,
        publisher,
    };
    service.run(asked, stop).await
}

struct Service {
    options: Options,
    topic: ConfigTopic,
    status: Box<dyn StatusBackingStore>,
    managed: BTreeMap<Arc<str>, Managed>,
    /// Connectors to be looked at by the plan.
    dirty: BTreeSet<Arc<str>>,
    /// Connectors whose states have to be published.
    touched: BTreeSet<Arc<str>>,
    statuses: BTreeMap<Arc<str>, Arc<ConnectorStatus>>,
    operations: JoinSet<()>,
    running: HashMap<Id, Arc<str>>,
    /// Who waits until a connector is at rest.
    settling: Vec<(Arc<str>, Reply<()>)>,
    publisher: watch::Sender<Arc<View>>,
}

impl Service {
    async fn run(&mut self, mut asked: mpsc::Receiver<Request>, stop: CancellationToken) -> Ended {
        let mut events = Vec::with_capacity(EVENTS_PER_TURN);
        loop {
            self.reconcile().await;
            self.publish(Phase::Running);
            self.answer_settled();
            let retry_at = self.managed.values().filter_map(|managed| managed.retry_at).min();
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(ended) = self.operations.join_next_with_id() => self.operation_ended(ended).await,
                _ = self.options.events.recv_many(&mut events, EVENTS_PER_TURN), if !self.options.events.is_closed() => {
                    self.take_events(&mut events).await;
                }
                changes = self.topic.next_change() => match changes {
                    Ok(changes) => self.take_changes(changes).await,
                    Err(error) => return self.fail(error).await,
                },
                Some(request) = asked.recv() => self.carry_out(request).await,
                () = sleep_until(retry_at) => self.dirty.extend(self.due()),
            }
        }
        self.shut_down(asked).await
    }

    fn due(&self) -> Vec<Arc<str>> {
        let now = Instant::now();
        let due = |managed: &Managed| managed.retry_at.is_some_and(|at| at <= now);
        self.managed.iter().filter(|(_, managed)| due(managed)).map(|(name, _)| name.clone()).collect()
    }

    /// Refuses what waits and lets the worker drain, taking its last reports.
    async fn shut_down(&mut self, mut asked: mpsc::Receiver<Request>) -> Ended {
        self.publish(Phase::Stopping);
        asked.close();
        // A dropped request is answered with "Worker is shutting down".
        while asked.try_recv().is_ok() {}
        let runner = self.options.runner.clone();
        let mut shutdown = std::pin::pin!(async move { runner.shutdown().await });
        let drained = loop {
            tokio::select! {
                drained = &mut shutdown => break drained,
                Some(event) = self.options.events.recv() => {
                    self.take_events(&mut vec![event]).await;
                    self.publish(Phase::Stopping);
                }
            }
        };
        self.take_waiting_events().await;
        self.publish(Phase::Stopping);
        Ended::Stopped { drained }
    }

    /// Takes what has been reported until now.
    async fn take_waiting_events(&mut self) {
        let mut events = Vec::new();
        while let Ok(event) = self.options.events.try_recv() {
            events.push(event);
        }
        self.take_events(&mut events).await;
    }

    async fn fail(&mut self, error: storage::Error) -> Ended {
        tracing::error!(%error, "the config topic can no longer be read; stopping");
        self.options.runner.shutdown().await;
        Ended::Failed(error)
    }

    fn publish(&mut self, phase: Phase) {
        for name in std::mem::take(&mut self.touched) {
            match self.shown_status(&name) {
                Some(status) => drop(self.statuses.insert(name, Arc::new(status))),
                None => drop(self.statuses.remove(&name)),
            }
        }
        self.publisher.send_modify(|view| {
            *view = Arc::new(View {
                phase,
                configs: self.topic.state().clone(),
                statuses: self.statuses.clone(),
                cluster_id: view.cluster_id.clone(),
            });
        });
    }

    /// A connector's states as readers see them; none before its first one.
    fn shown_status(&self, name: &Arc<str>) -> Option<ConnectorStatus> {
        let config = self.topic.state().config(name)?;
        let connector = self.status.connector(name)?.into();
        let tasks =
            self.status.tasks(name).into_iter().map(|(id, status)| TaskState { id, state: status.into() });
        Some(ConnectorStatus { name: name.clone(), connector, tasks: tasks.collect(), kind: kind(config) })
    }

    async fn take_changes(&mut self, changes: Vec<Change>) {
        for change in changes {
            match change {
                Change::Connector(name) => {
                    if !self.topic.state().contains(&name) {
                        self.forget(&name).await;
                    }
                    self.dirty.insert(name);
                }
                Change::Tasks(name) => {
                    self.forget_tasks_beyond(&name).await;
                    self.dirty.insert(name);
                }
                Change::TargetState(name) => drop(self.dirty.insert(name)),
                Change::Restart(request) => self.restart(&request).await,
            }
        }
    }

    /// A deleted connector has no states, and what its drain still reports is of no interest.
    async fn forget(&mut self, name: &Arc<str>) {
        if let Some(managed) = self.managed.get_mut(name) {
            managed.deleted = true;
        }
        self.put_status(StatusId::Connector(name.clone()), None).await;
    }

    async fn forget_tasks_beyond(&mut self, name: &Arc<str>) {
        let count = self.topic.state().task_count(name);
        let gone: Vec<u32> =
            self.status.tasks(name).iter().map(|(task, _)| *task).filter(|task| *task >= count).collect();
        for task in gone {
            self.put_status(StatusId::Task(ConnectorTaskId { connector: name.clone(), task }), None).await;
        }
    }

    async fn take_events(&mut self, events: &mut Vec<StatusEvent>) {
        for event in events.drain(..) {
            let name = event.connector;
            let state = self.topic.state();
            let leftover = self.managed.get(&name).is_none_or(|managed| managed.deleted);
            let beyond = event.task.is_some_and(|task| task >= state.task_count(&name));
            if leftover || beyond || !state.contains(&name) {
                continue;
            }
            let id = match event.task {
                None => StatusId::Connector(name),
                Some(task) => StatusId::Task(ConnectorTaskId { connector: name, task }),
            };
            self.set_state(id, event.state, event.trace).await;
        }
    }

    async fn set_state(&mut self, id: StatusId, state: State, trace: Option<String>) {
        let (StatusId::Connector(name) | StatusId::Task(ConnectorTaskId { connector: name, .. })) = &id;
        let config = self.topic.state().config(name);
        let status = Status {
            state,
            trace,
            worker_id: self.options.worker_id.clone(),
            generation: 0,
            version: config.and_then(|config| classes::version(config)),
        };
        self.put_status(id, Some(status)).await;
    }

    async fn put_status(&mut self, id: StatusId, status: Option<Status>) {
        let (StatusId::Connector(name) | StatusId::Task(ConnectorTaskId { connector: name, .. })) = &id;
        self.touched.insert(name.clone());
        if let Err(error) = self.status.put(id, status).await {
            tracing::warn!(%error, "a state could not be kept");
        }
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
