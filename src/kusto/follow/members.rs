//! The connectors whose batches a follower holds, and the news that wait for them.
//!
//! It owns the news until a connector's loop takes them. A connector that is gone is remembered while a batch of it is open, and what failed of
//! it then goes to the log, because nobody else is there to say it.

use super::member::Member;
use crate::id::BatchId;
use crate::kusto::config::QueueUse;
use crate::kusto::metrics;
use crate::kusto::outcome::matching::Trouble;
use crate::sink::{BatchNews, Fate};
use futures::FutureExt as _;
use futures::future::select_all;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use time::OffsetDateTime;
use tokio::sync::mpsc::error::TrySendError;

/// With more news of one connector waiting, nothing new is learned until its loop has taken some.
const SLOW: usize = 1024;
/// More news than that are not kept for a loop that takes none: the oldest go.
const MOST_WAITING: usize = 16_384;

/// One of them.
struct MemberState {
    member: Arc<Member>,
    open: u64,
    waiting: VecDeque<BatchNews>,
    /// It was told that its batches cannot be followed.
    is_told: bool,
}

/// All of them, by name.
#[derive(Default)]
pub(super) struct Members {
    all: HashMap<Arc<str>, MemberState>,
}

impl Members {
    /// A run of a connector is heard of; it takes the place of an earlier one.
    pub(super) fn heard(&mut self, member: &Arc<Member>) {
        match self.all.get_mut(&member.connector) {
            Some(state) if Arc::ptr_eq(&state.member, member) => {}
            Some(state) => (state.member, state.is_told) = (Arc::clone(member), false),
            None => {
                let member = Arc::clone(member);
                let (open, waiting, is_told) = (0, VecDeque::new(), false);
                let name = Arc::clone(&member.connector);
                self.all.insert(name, MemberState { member, open, waiting, is_told });
            }
        }
    }

    /// One more batch of `connector` is open.
    pub(super) fn opened(&mut self, connector: &str) {
        if let Some(state) = self.all.get_mut(connector) {
            state.open += 1;
        }
    }

    /// One is not any more.
    pub(super) fn closed(&mut self, connector: &str) {
        if let Some(state) = self.all.get_mut(connector) {
            state.open = state.open.saturating_sub(1);
        }
    }

    /// News for `connector`.
    pub(super) fn tell(&mut self, connector: &str, news: BatchNews) {
        let Some(state) = self.all.get_mut(connector) else { return };
        metrics::count_unfollowed(&state.member.counts, &news.fate);
        if state.waiting.len() >= MOST_WAITING {
            state.waiting.pop_front();
        }
        state.waiting.push_back(news);
    }

    /// Hands out what the loops take now.
    pub(super) fn hand_out(&mut self) {
        for state in self.all.values_mut().filter(|state| !state.waiting.is_empty()) {
            state.hand_out();
        }
    }

    /// Ends when one of the loops that let news wait may take some; never when no news wait.
    pub(super) async fn room(&self) {
        let waiting = self.all.values().filter(|state| !state.waiting.is_empty());
        let loops = waiting.filter_map(|state| state.member.listening());
        let rooms: Vec<_> = loops.map(|listener| listener.reserve_owned().map(drop).boxed()).collect();
        if rooms.is_empty() {
            return std::future::pending().await;
        }
        select_all(rooms).await;
    }

    /// News wait for a loop.
    pub(super) fn let_wait(&self) -> bool {
        self.all.values().any(|state| !state.waiting.is_empty())
    }

    /// A loop does not keep up.
    pub(super) fn is_slow(&self) -> bool {
        self.all.values().any(|state| state.waiting.len() > SLOW)
    }

    /// By which connector the cluster is asked: one that runs, if one does.
    pub(super) fn asker(&self) -> Option<Arc<Member>> {
        let state = self.all.values().max_by_key(|state| (state.member.is_live(), state.open))?;
        Some(Arc::clone(&state.member))
    }

    /// The shortest pause between two looks that one of them wants.
    pub(super) fn interval(&self) -> Option<Duration> {
        let shortest = |only_live: bool| {
            let wanted = self.all.values().filter(|state| !only_live || state.member.is_live());
            wanted.map(|state| state.member.settings.interval).min()
        };
        shortest(true).or_else(|| shortest(false))
    }

    /// How the failure queue is read, if one of them wants that.
    pub(super) fn queue(&self) -> Option<QueueUse> {
        let live = self.all.values().filter(|state| state.member.is_live());
        live.filter_map(|state| state.member.settings.queue).max()
    }

    /// How long batches of `connector` are held beyond their table's time.
    pub(super) fn margin(&self, connector: &str) -> Duration {
        self.all.get(connector).map_or(Duration::ZERO, |state| state.member.settings.margin)
    }

    /// True while none was heard of.
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Forgets those that are gone and have nothing open. True when none that runs is left.
    pub(super) fn prune(&mut self) -> bool {
        self.all.retain(|_, state| state.member.is_live() || state.open > 0);
        !self.all.values().any(|state| state.member.is_live())
    }

    /// A look succeeded: it is shown to all, with the ledger's size.
    pub(super) fn looked(&mut self, ledger_bytes: usize) {
        for state in self.all.values_mut() {
            state.is_told = false;
            metrics::show_look(&state.member.counts, OffsetDateTime::now_utc(), ledger_bytes);
        }
    }

    /// The cluster does not let itself be asked: said once for each connector.
    pub(super) fn denied(&mut self, said: &str, advice: &str) {
        for state in self.all.values_mut().filter(|state| !state.is_told) {
            state.is_told = true;
            let Member { connector, cluster, .. } = &*state.member;
            let address = cluster.address();
            tracing::warn!(
                %connector,
                "what becomes of batches after they were handed over cannot be followed: .show ingestion failures at {address} \
                 was refused ({said}); {advice}; ingestion goes on, and it is tried again every 10 minutes"
            );
        }
    }
}

impl MemberState {
    fn hand_out(&mut self) {
        let Some(listener) = self.member.listening() else {
            for news in self.waiting.drain(..) {
                say(&self.member.connector, &news);
            }
            return;
        };
        while let Some(news) = self.waiting.pop_front() {
            match listener.try_send(news) {
                Ok(()) => {}
                // A listener that is gone is seen the next time.
                Err(TrySendError::Full(news) | TrySendError::Closed(news)) => {
                    self.waiting.push_front(news);
                    return;
                }
            }
        }
    }
}

/// A batch is no failure yet; it stays open.
pub(super) fn say_trouble(Trouble { batch, failure }: &Trouble) {
    let (id, partition, offsets) = (batch.id, &batch.route.partition, batch.offsets);
    tracing::warn!(
        connector = %batch.route.connector, %partition, %offsets, %id, code = failure.code,
        "the service failed with a batch for now, and tries again by itself: {}", failure.text
    );
}

/// Nobody listens any more.
fn say(connector: &str, news: &BatchNews) {
    let BatchNews { id: BatchId(id), partition, offsets, records, fate, .. } = news;
    match fate {
        Fate::Failed(failure) => tracing::error!(
            %connector, %partition, %offsets, records, %id, code = failure.code,
            "a batch that was handed over before the connector left this worker failed in the service: {}",
            failure.text
        ),
        fate => tracing::debug!(%connector, %partition, %offsets, %id, ?fate, "nobody listens any more"),
    }
}
