//! The herder's loop: one turn takes one thing that happened, does what the plan says, and publishes what is now so.
//!
//! It owns the config topic, the states and the picture of what runs. It never waits for the worker: long operations
//! run beside it (`reconcile`), at most one per connector, and their ends come back as things that happened.

mod cluster;
mod deleted;
mod healing;
mod loggers;
mod reconcile;
mod requests;
mod restart;
mod starting;
mod statuses;
mod storage_watch;
mod takeover;
mod topics;

use super::checking::Checks;
use super::handle::{Herder, Turn, now};
use super::request::{Reply, Request};
use super::runner::Runner;
use super::view::{ActiveTopics, ConnectorStatus, Phase, Place, View};
use crate::cluster_key::ClusterKeys;
use crate::config::WorkerConfig;
use crate::membership::{Assignment, Cluster, ClusterView, Membership};
use crate::status::WorkerEvent;
use crate::storage::{self, Change, ConfigTopic, OpenStores, StatusId, StatusTopic};
use crate::telemetry::Loggers;
use deleted::Deleted;
use healing::Healing;
use reconcile::Managed;
use statuses::Reported;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use storage_watch::StorageWatch;
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

impl Options {
    /// The handle, and the loop to be spawned; it ends when `stop` is cancelled.
    pub fn build(self, stop: CancellationToken) -> (Herder, impl Future<Output = Ended> + Send) {
        let (requests, asked) = mpsc::channel(REQUEST_PLACES);
        let view = View {
            phase: Phase::Starting("starting".to_owned(), now()),
            configs: storage::ClusterConfigState::default(),
            statuses: BTreeMap::new(),
            topics: Arc::default(),
            cluster_id: None,
            trouble: None,
            cluster: None,
        };
        let (publisher, view) = watch::channel(Arc::new(view));
        let (turns, turn) = watch::channel(None);
        let (key_sender, keys) = watch::channel(Arc::default());
        let (config, checks) = (self.config.clone(), Checks::default());
        let herder = Herder { requests, view, config, turn, checks, keys, startup: None };
        let publishers = Publishers { view: publisher, turns, keys: key_sender };
        (herder, run(self, asked, publishers, stop))
    }
}

/// What the loop tells its handles.
struct Publishers {
    view: watch::Sender<Arc<View>>,
    turns: watch::Sender<Turn>,
    keys: watch::Sender<Arc<ClusterKeys>>,
}

async fn run(
    options: Options,
    asked: mpsc::Receiver<Request>,
    publishers: Publishers,
    stop: CancellationToken,
) -> Ended {
    let started = tokio::select! {
        started = starting::start(&options, &publishers) => started,
        () = stop.cancelled() => return Ended::Stopped { drained: options.runner.shutdown().await },
    };
    let starting::Started { opened, membership, view, trouble } = match started {
        Ok(started) => started,
        Err(error) => {
            options.runner.shutdown().await;
            return Ended::Failed(error);
        }
    };
    let starting::Opened { topic, status, watch } = opened;
    let mut service = Service {
        storage: StorageWatch::new(watch, options.stores.clone()),
        dirty: topic.state().connectors().cloned().collect(),
        assignment: Arc::default(),
        membership,
        view,
        cluster_trouble: trouble,
        healing: Healing::new(&options.config),
        deleted: Deleted::default(),
        reported: HashMap::new(),
        touched: status.names().into_iter().collect(),
        managed: BTreeMap::new(),
        statuses: BTreeMap::new(),
        topics: None,
        operations: JoinSet::new(),
        lookups: JoinSet::new(),
        running: HashMap::new(),
        settling: Vec::new(),
        logger_levels: Vec::new(),
        options,
        topic,
        status,
        publishers,
    };
    service.assign_anew();
    service.look_for_the_dead_after_start();
    if service.leads() {
        service.forget_leftovers();
    }
    service.run(asked, stop).await
}

struct Service {
    options: Options,
    storage: StorageWatch,
    topic: ConfigTopic,
    status: StatusTopic,
    membership: Membership,
    view: Arc<ClusterView>,
    /// What is wrong with the cluster's group.
    cluster_trouble: Option<Arc<str>>,
    /// Who runs what, as of the view and the config topic.
    assignment: Arc<Assignment>,
    healing: Healing,
    deleted: Deleted,
    /// What this worker's connectors said last about each part that runs here.
    reported: HashMap<StatusId, Reported>,
    managed: BTreeMap<Arc<str>, Managed>,
    /// Connectors to be looked at by the plan.
    dirty: BTreeSet<Arc<str>>,
    /// Connectors whose states have to be published.
    touched: BTreeSet<Arc<str>>,
    statuses: BTreeMap<Arc<str>, Arc<ConnectorStatus>>,
    /// The topics in use as they were published last; none when that has changed.
    topics: Option<Arc<ActiveTopics>>,
    operations: JoinSet<()>,
    /// Looks at consumer groups that may hold dead members.
    lookups: JoinSet<()>,
    running: HashMap<Id, Arc<str>>,
    /// Who waits until a connector is at rest.
    settling: Vec<(Arc<str>, Reply<()>)>,
    /// Levels of loggers that were read and are not set yet.
    logger_levels: Vec<(Arc<str>, String)>,
    publishers: Publishers,
}

impl Service {
    async fn run(&mut self, mut asked: mpsc::Receiver<Request>, stop: CancellationToken) -> Ended {
        let mut events = Vec::with_capacity(EVENTS_PER_TURN);
        loop {
            self.going_on();
            self.set_logger_levels().await;
            self.reconcile().await;
            self.publish(Phase::Running);
            self.answer_settled();
            let retry_at = self.managed.values().filter_map(|managed| managed.retry_at).min();
            if stop.is_cancelled() {
                break;
            }
            self.publishers.turns.send_replace(None);
            // Not biased: a wave of states of thousands of tasks must not keep requests waiting until its end.
            tokio::select! {
                () = stop.cancelled() => break,
                Some(ended) = self.operations.join_next_with_id() => self.operation_ended(ended),
                _ = self.options.events.recv_many(&mut events, EVENTS_PER_TURN), if !self.options.events.is_closed() => {
                    self.take_events(&mut events);
                }
                changes = self.topic.next_change() => match changes {
                    Ok(changes) => self.take_changes(changes),
                    Err(error) => return self.fail(error).await,
                },
                changes = self.status.next_changes() => match changes {
                    Ok(names) => self.take_status_changes(names),
                    Err(error) => return self.fail(error).await,
                },
                news = self.storage.next() => {
                    self.going_on();
                    self.take_storage_news(news).await;
                }
                () = self.membership.changed() => {
                    self.going_on();
                    if let Err(error) = self.cluster_changed().await {
                        return self.fail(error).await;
                    }
                }
                Some(request) = asked.recv() => {
                    self.going_on();
                    self.carry_out(request).await;
                }
                () = sleep_until(self.healing.next()) => self.heal(),
                () = sleep_until(retry_at) => self.dirty.extend(self.due()),
            }
        }
        self.shut_down(asked).await
    }

    /// Notes that the loop does something now, for `/health`.
    fn going_on(&self) {
        self.publishers.turns.send_replace(Some(Instant::now()));
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
                    self.take_events(&mut vec![event]);
                    self.publish(Phase::Stopping);
                }
            }
        };
        self.take_waiting_events();
        self.publish(Phase::Stopping);
        self.flush_statuses().await;
        // Only now, so that nobody starts our tasks while they drain.
        self.membership.leave().await;
        Ended::Stopped { drained }
    }

    /// Takes what has been reported until now.
    fn take_waiting_events(&mut self) {
        let mut events = Vec::new();
        while let Ok(event) = self.options.events.try_recv() {
            events.push(event);
        }
        self.take_events(&mut events);
    }

    async fn fail(&mut self, error: storage::Error) -> Ended {
        tracing::error!(%error, "a storage topic can no longer be read; stopping");
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
        let topics = self.shown_topics();
        self.publishers.view.send_modify(|view| {
            *view = Arc::new(View {
                phase,
                configs: self.topic.state().clone(),
                statuses: self.statuses.clone(),
                topics,
                cluster_id: view.cluster_id.clone(),
                trouble: self.trouble(),
                cluster: Some(Place {
                    url: self.membership.url().clone(),
                    view: self.view.clone(),
                    assignment: self.assignment.clone(),
                    leadership: self.membership.leadership(),
                }),
            });
        });
    }

    fn take_changes(&mut self, changes: Vec<Change>) {
        if changes.iter().any(cluster::is_about_work) {
            self.assign_anew();
        }
        for change in changes {
            match change {
                Change::Connector(name) => {
                    if self.topic.state().contains(&name) {
                        self.deleted.remove(&name);
                    } else {
                        self.forget(&name);
                    }
                    // Its state may have been read before it.
                    self.touched.insert(name.clone());
                    self.dirty.insert(name);
                }
                Change::Tasks(name) => {
                    self.forget_tasks_beyond(&name);
                    self.dirty.insert(name);
                }
                Change::TargetState(name) => drop(self.dirty.insert(name)),
                Change::Restart(request) => self.restart(&request),
                Change::LoggerLevel { logger, level } => self.logger_levels.push((logger, level)),
                Change::Keys => {
                    tracing::info!("the cluster has another key");
                    self.publishers.keys.send_replace(Arc::new(self.topic.state().keys().clone()));
                }
            }
        }
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
