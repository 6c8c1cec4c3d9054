//! A connector whose batches are followed, as its sink has it: hands in what was taken, and makes the listener.
//!
//! Never waits: what finds no place is told as not followed.

use super::cluster::AskCluster;
use super::fates::{FollowedFates, NEWS_PLACES};
use super::followers::Followers;
use super::member::{ClusterIdentity, FollowOrder, Member, RunNews};
use super::parted::whole_news;
use super::taken::TakenBatch;
use crate::id::BatchId;
use crate::kusto::config::OutcomeSettings;
use crate::kusto::ingest::{ClusterReader, EndListener, PostedEnd};
use crate::kusto::metrics;
use crate::metrics::SinkCounts;
use crate::sink::{BatchNews, Fate, FateTeller, Unfollowed};
use std::fmt;
use std::sync::Arc;
use time::OffsetDateTime;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, watch};
use uuid::Uuid;

/// One run of a connector.
pub struct FollowedConnector {
    followers: Arc<Followers>,
    identity: ClusterIdentity,
    member: Arc<Member>,
    listener: watch::Sender<Option<mpsc::Sender<BatchNews>>>,
}

impl fmt::Debug for FollowedConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FollowedConnector").field(&self.member.connector).finish()
    }
}

impl FollowedConnector {
    /// A run of `connector`, whose batches go to the cluster `identity`, which is asked by `reader`. No I/O.
    pub fn new(
        followers: Arc<Followers>,
        identity: ClusterIdentity,
        connector: &Arc<str>,
        (settings, reader): (OutcomeSettings, ClusterReader),
        counts: SinkCounts,
    ) -> Self {
        Self::asking(followers, identity, connector, (settings, Arc::new(reader)), counts)
    }

    pub(super) fn asking(
        followers: Arc<Followers>,
        identity: ClusterIdentity,
        connector: &Arc<str>,
        (settings, cluster): (OutcomeSettings, Arc<dyn AskCluster>),
        counts: SinkCounts,
    ) -> Self {
        let (listener, receiver) = watch::channel(None);
        let connector = Arc::clone(connector);
        let member = Member { connector, settings, cluster, counts, listener: receiver };
        Self { followers, identity, member: Arc::new(member), listener }
    }

    /// The cluster it is followed at.
    #[cfg(test)]
    pub(super) fn identity(&self) -> &ClusterIdentity {
        &self.identity
    }

    /// The service took `batch`.
    pub fn took(&self, batch: TakenBatch) {
        let mut order = self.order(RunNews::Took(batch));
        let mut why = Unfollowed::Stopped;
        // A follower may end between the two steps; the next one does not.
        for _ in 0..2 {
            match self.followers.orders(&self.identity).try_send(order) {
                Ok(()) => return,
                Err(TrySendError::Full(back)) => {
                    (order, why) = (back, Unfollowed::NoRoom);
                    break;
                }
                Err(TrySendError::Closed(back)) => order = back,
            }
        }
        if let RunNews::Took(batch) = order.what {
            self.leave(&batch, why);
        }
    }

    /// `batch` is not followed.
    fn leave(&self, batch: &TakenBatch, why: Unfollowed) {
        let fate = if batch.queued.is_empty() { Fate::Confirmed } else { Fate::Unknown(why) };
        metrics::count_unfollowed(&self.member.counts, &fate);
        if let Some(listener) = self.member.listening()
            && listener.try_send(whole_news(batch, fate)).is_err()
        {
            tracing::debug!(id = %batch.id, "nobody could be told that a batch is not followed");
        }
    }

    /// Tells what becomes of batches from now on, in the place of whoever listened before.
    pub fn fates(&self) -> Box<dyn FateTeller> {
        let (sender, receiver) = mpsc::channel(NEWS_PLACES);
        self.listener.send_replace(Some(sender));
        // What an earlier run handed over may still be open.
        if let Some(orders) = self.followers.running(&self.identity)
            && orders.try_send(self.order(RunNews::Listens)).is_err()
        {
            tracing::debug!("news of an earlier run wait for the first batch of this one");
        }
        Box::new(FollowedFates(receiver))
    }

    fn order(&self, what: RunNews) -> FollowOrder {
        FollowOrder { member: Arc::clone(&self.member), what, at: OffsetDateTime::now_utc() }
    }
}

impl EndListener for FollowedConnector {
    fn ended(&self, id: Uuid, end: PostedEnd) {
        if let Some(orders) = self.followers.running(&self.identity)
            && orders.try_send(self.order(RunNews::Ended(BatchId(id), end))).is_err()
        {
            tracing::debug!(%id, "what became of a batch is learned by a look");
        }
    }
}

impl Drop for FollowedConnector {
    fn drop(&mut self) {
        // A follower may hold its client for as long as batches are open.
        self.member.counts.end();
    }
}
