//! Many workers, one cluster: who is in it, who leads it, and who runs what.
//!
//! Workers with the same `group.id` are members of the plain consumer group of that name; Kafka tells who leads. The
//! leader publishes the *view* ([`ClusterView`]) through the group itself, so there is one at a time and every worker has
//! the same. Members and views prove themselves with the key in the config topic (`proof`), so who is in the group without
//! it gets nothing to do and nobody's requests. What each worker runs is computed from the view and the config topic ([`assign_view`]) and never sent. A live
//! cluster of JVM workers with the same name is refused by Kafka, which keeps two kinds of leaders apart.
//!
//! `group` owns the membership and makes the view known; nothing here starts or stops a connector.

mod asked;
mod assignor;
mod group;
mod proof;
mod request;
mod role;
mod settling;
mod state;
mod view;

pub use assignor::{Assignment, assign_view};
use request::{Joining, Request};
pub use state::{Leadership, MemberState};
pub use view::ClusterView;

use crate::cluster_key::ClusterKeys;
use crate::config::WorkerConfig;
use crate::metrics::Metrics;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;

/// Requests that wait for the membership's loop.
const PLACES: usize = 64;

/// How a worker belongs to a cluster.
#[derive(Clone)]
pub enum Cluster {
    /// To none: it is alone and always leads, as a standalone worker does.
    Alone {
        /// Its advertised URL.
        url: Arc<str>,
    },
    /// To the group `group.id`.
    Group {
        /// The worker's settings.
        config: Arc<WorkerConfig>,
        /// Its advertised URL.
        url: Arc<str>,
        /// Where it counts how long the group takes to settle.
        metrics: Metrics,
    },
}

/// A worker's membership, to be asked. The membership ends with it.
pub struct Membership {
    url: Arc<str>,
    state: watch::Receiver<MemberState>,
    requests: Option<mpsc::Sender<Request>>,
    /// The loop; it ends with this.
    _tasks: JoinSet<()>,
}

/// A copyable way to ask for leadership.
#[derive(Debug, Clone)]
pub struct LeadershipCheck {
    requests: Option<mpsc::Sender<Request>>,
}

impl Cluster {
    /// The URL by which this worker is known.
    pub fn url(&self) -> &Arc<str> {
        let (Self::Alone { url } | Self::Group { url, .. }) = self;
        url
    }

    /// True when its workers prove themselves to each other, which takes a key.
    pub fn needs_key(&self) -> bool {
        matches!(self, Self::Group { .. })
    }

    /// Joins. `newest` is the greatest generation in any status, if there is one: our own must count more. `keys` are those
    /// of the config topic.
    pub fn join(&self, newest: Option<i64>, keys: watch::Receiver<Arc<ClusterKeys>>) -> Membership {
        match self {
            Self::Alone { url } => {
                // The view never changes; its generation is 0 unless there were others, as in standalone mode.
                let view = ClusterView::alone(url, newest.map_or(0, |newest| view::start(newest) + 1));
                let (sender, state) = watch::channel(MemberState::In { view: Arc::new(view), trouble: None });
                let mut tasks = JoinSet::new();
                tasks.spawn(async move { sender.closed().await });
                Membership { url: url.clone(), state, requests: None, _tasks: tasks }
            }
            Self::Group { config, url, metrics } => {
                let (sender, state) = watch::channel(MemberState::Joining("joining the cluster".to_owned()));
                let (requests, asked) = mpsc::channel(PLACES);
                let mut tasks = JoinSet::new();
                let newest = newest.unwrap_or(0);
                let metrics = metrics.clone();
                let joining = Joining { config: config.clone(), url: url.clone(), keys, metrics };
                tasks.spawn(group::run(joining, newest, asked, sender));
                Membership { url: url.clone(), state, requests: Some(requests), _tasks: tasks }
            }
        }
    }
}

impl Membership {
    /// This worker's advertised URL, as it stands in views.
    pub fn url(&self) -> &Arc<str> {
        &self.url
    }

    /// What is known now.
    pub fn state(&self) -> MemberState {
        self.state.borrow().clone()
    }

    /// Waits for another state. Cancel-safe; never returns when there will be none.
    pub async fn changed(&mut self) {
        if self.state.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// The way to ask for leadership from elsewhere.
    pub fn leadership(&self) -> LeadershipCheck {
        LeadershipCheck { requests: self.requests.clone() }
    }

    /// Leaves the group; returns when Kafka knows.
    pub async fn leave(&mut self) {
        let Some(requests) = self.requests.take() else { return };
        let (done, left) = oneshot::channel();
        if requests.send(Request::Leave(done)).await.is_ok() && left.await.is_err() {
            tracing::warn!("the membership ended before it had left its group");
        }
    }
}

impl LeadershipCheck {
    /// Asks Kafka whether this worker leads its cluster now; waits while the group is being settled.
    pub async fn confirm(&self) -> Leadership {
        let Some(requests) = &self.requests else { return Leadership::Confirmed };
        let (reply, answer) = oneshot::channel();
        if requests.send(Request::Confirm(reply)).await.is_err() {
            return Leadership::Lost;
        }
        answer.await.unwrap_or(Leadership::Lost)
    }
}
