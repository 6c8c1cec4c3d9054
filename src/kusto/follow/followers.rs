//! The followers of a worker: one for each ADX cluster and principal, made when the first batch was handed over there.
//!
//! It owns their tokio tasks; when the worker drops it, they end.

use super::follower::Follower;
use super::member::{ClusterIdentity, FollowOrder};
use super::source::OwnLooks;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::Instrument as _;

/// Batches that wait to be entered; when it is full, further ones are not followed.
const ORDER_PLACES: usize = 4096;

/// All followers of a worker.
#[derive(Default)]
pub struct Followers(Mutex<Running>);

#[derive(Default)]
struct Running {
    /// Closed when the follower ends, or is about to.
    orders: HashMap<ClusterIdentity, mpsc::Sender<FollowOrder>>,
    tasks: JoinSet<()>,
}

impl Followers {
    /// Where batches for the cluster `identity` are handed in. Starts its follower if there is none.
    pub(super) fn orders(&self, identity: &ClusterIdentity) -> mpsc::Sender<FollowOrder> {
        let mut running = self.lock();
        if let Some(orders) = running.open(identity) {
            return orders;
        }
        while running.tasks.try_join_next().is_some() {}
        running.orders.retain(|_, orders| !orders.is_closed());
        let (sender, receiver) = mpsc::channel(ORDER_PLACES);
        let now = Instant::now();
        let follower = Follower::new(receiver, Box::new(OwnLooks::new(now)), now);
        // The span of the batch that happens to be the first is not its.
        running.tasks.spawn(follower.run().instrument(tracing::Span::none()));
        running.orders.insert(identity.clone(), sender.clone());
        sender
    }

    /// The same of a follower that is there already.
    pub(super) fn running(&self, identity: &ClusterIdentity) -> Option<mpsc::Sender<FollowOrder>> {
        self.lock().open(identity)
    }

    fn lock(&self) -> MutexGuard<'_, Running> {
        // Nothing panics while the lock is held; if it did, what is in there would still be good.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Running {
    fn open(&self, identity: &ClusterIdentity) -> Option<mpsc::Sender<FollowOrder>> {
        self.orders.get(identity).filter(|orders| !orders.is_closed()).cloned()
    }
}
