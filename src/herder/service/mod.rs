//! The herder's loop: one turn takes one thing that happened, does what the plan says, and publishes what is now so.
//!
//! It owns the config topic, the states and the picture of what runs (`state`). It never waits for the worker: long
//! operations run beside it (`reconcile`), at most one per connector, and their ends come back as things that happened.
//! Its state has owners: `statuses`, `cluster`, `operations`, `managed`, `healing`, `deleted`, `storage_watch`, all held by
//! `state`. What is done with them stands in layers above: `takeover`, `restart` · `events`, `changes`, `publishing` ·
//! `cluster_news`, `reconcile`, `loggers`, `storage_news` · `requests` · the loop here.

mod changes;
mod cluster;
mod cluster_news;
mod deleted;
mod events;
mod healing;
mod loggers;
mod managed;
mod operations;
mod publishing;
mod reconcile;
mod requests;
mod restart;
mod starting;
mod state;
mod statuses;
mod storage_news;
mod storage_watch;
mod takeover;

use super::checking::Checks;
use super::handle::{Herder, now};
use super::published::PublishedView;
use super::request::Request;
use super::view::{Phase, View};
use crate::storage;
use cluster::ClusterPart;
use deleted::Deleted;
use healing::Healing;
use managed::Managed;
use operations::Operations;
pub use state::{Ended, HerderOptions};
use state::{Publishers, Service};
use statuses::Statuses;
use std::collections::BTreeMap;
use std::sync::Arc;
use storage_watch::StorageWatch;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Requests that wait while the loop writes to Kafka.
const REQUEST_PLACES: usize = 64;
/// Status events taken in one turn, so that a wave of them is published once.
const EVENTS_PER_TURN: usize = 256;

impl HerderOptions {
    /// The handle, and the loop to be spawned; it ends when `stop` is cancelled.
    pub fn build(self, stop: CancellationToken) -> (Herder, impl Future<Output = Ended> + Send) {
        let (requests, asked) = mpsc::channel(REQUEST_PLACES);
        let plugins = self.plugins;
        let view = View {
            plugins,
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
        let (config, checks) = (self.config.clone(), Checks::new(plugins));
        let herder = Herder {
            requests,
            published: PublishedView::new(view),
            config,
            turn,
            checks,
            plugins,
            keys,
            startup: None,
        };
        let publishers = Publishers { view: publisher, turns, keys: key_sender };
        (herder, run(self, asked, publishers, stop))
    }
}

async fn run(
    options: HerderOptions,
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
        statuses: Statuses::new(options.plugins, status, options.worker_id.clone()),
        cluster: ClusterPart::new(membership, view, trouble),
        healing: Healing::new(&options.config),
        deleted: Deleted::default(),
        managed: BTreeMap::new(),
        operations: Operations::default(),
        lookups: JoinSet::new(),
        settling: Vec::new(),
        logger_levels: Vec::new(),
        options,
        topic,
        publishers,
    };
    service.options.metrics.rebalanced();
    service.assign();
    service.look_for_the_dead_after_start();
    if service.cluster.leads() {
        service.statuses.forget_leftovers(service.topic.state());
    }
    service.run(asked, stop).await
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
                Some(name) = self.operations.ended() => self.operation_ended(name),
                _ = self.options.events.recv_many(&mut events, EVENTS_PER_TURN), if !self.options.events.is_closed() => {
                    self.take_events(&mut events);
                }
                changes = self.topic.next_change() => match changes {
                    Ok(changes) => self.take_changes(changes),
                    Err(error) => return self.fail(error).await,
                },
                changes = self.statuses.next_changes() => match changes {
                    Ok(names) => self.take_status_changes(&names),
                    Err(error) => return self.fail(error).await,
                },
                news = self.storage.next() => {
                    self.going_on();
                    self.take_storage_news(news).await;
                }
                () = self.cluster.changed() => {
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
        self.statuses.flush().await;
        // Only now, so that nobody starts our tasks while they drain.
        self.cluster.leave().await;
        Ended::Stopped { drained }
    }

    async fn fail(&mut self, error: storage::Error) -> Ended {
        tracing::error!(%error, "a storage topic can no longer be read; stopping");
        self.options.runner.shutdown().await;
        Ended::Failed(error)
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
