//! How many uploads run at once in a worker: each has a connection, and a process has only so many descriptors.
//!
//! A place is for one try; who waits to try again has none. A connector leaves a fifth of the places to the others, so that
//! one whose service is slow does not stop those of another service.

use super::machine::Machine;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// More than any worker needs that keeps its network busy.
const MOST: u64 = 1024;
/// Fewer would serve connectors one after the other.
const LEAST: u64 = 4;
/// So many hosts has a service: two endpoints, and accounts of blobs and of queues. Idle connections to all of them together
/// are no more than there are places.
const HOSTS: usize = 16;

/// Uploads at once under a limit of so many descriptors.
pub(super) fn at_once(descriptors: u64) -> u64 {
    (descriptors / 16).clamp(LEAST, MOST)
}

/// The places of a worker.
#[derive(Debug)]
pub struct Uploads {
    places: Arc<Semaphore>,
    count: usize,
}

impl Default for Uploads {
    /// As many as this process has descriptors for.
    fn default() -> Self {
        let limits = Machine::default().descriptors().limits;
        let most = limits.iter().map(|limit| limit.most).min().unwrap_or(u64::MAX);
        Self::of(usize::try_from(at_once(most)).unwrap_or(usize::MAX))
    }
}

impl Uploads {
    /// So many places.
    pub fn of(count: usize) -> Self {
        Self { places: Arc::new(Semaphore::new(count)), count }
    }

    /// The places as one connector may use them.
    pub fn connector(&self) -> ConnectorUploads {
        let count = (self.count - self.count / 5).max(1);
        ConnectorUploads { own: Arc::new(Semaphore::new(count)), count, all: Arc::clone(&self.places) }
    }

    /// How many connections to one host may stay open without work.
    pub fn idle_per_host(&self) -> usize {
        (self.count / HOSTS).max(1)
    }
}

/// What one connector uses of them; its clones are the same.
#[derive(Debug, Clone)]
pub struct ConnectorUploads {
    own: Arc<Semaphore>,
    count: usize,
    all: Arc<Semaphore>,
}

/// Is dropped when the try ends.
#[derive(Debug)]
pub struct Entered {
    _own: Option<OwnedSemaphorePermit>,
    _all: Option<OwnedSemaphorePermit>,
}

impl ConnectorUploads {
    /// Waits for a try's place, or for several when it has several connections. Who came first is served first.
    pub async fn enter(&self, connections: usize) -> Entered {
        let places = u32::try_from(connections.clamp(1, self.count)).unwrap_or(u32::MAX);
        // Nobody closes them. The own ones first: who waits for these keeps nothing from others.
        let own = Arc::clone(&self.own).acquire_many_owned(places).await.ok();
        let all = Arc::clone(&self.all).acquire_many_owned(places).await.ok();
        Entered { _own: own, _all: all }
    }
}

#[cfg(test)]
mod tests {
    use super::{Uploads, at_once};
    use crate::limits::Thing;
    use futures::poll;
    use std::pin::pin;

    #[tokio::test]
    async fn a_connector_leaves_places_to_others_and_all_together_have_no_more_than_there_are() {
        let uploads = Uploads::of(10);
        let (slow, other) = (uploads.connector(), uploads.connector());
        let mut held = Vec::new();
        for _ in 0..8 {
            held.push(slow.enter(1).await);
        }
        let mut ninth = pin!(slow.enter(1));
        assert!(poll!(&mut ninth).is_pending(), "a fifth is for others");
        let others = [other.enter(1).await, other.enter(1).await];
        let mut third = pin!(other.enter(1));
        assert!(poll!(&mut third).is_pending(), "ten are ten");
        drop(others);
        assert!(poll!(&mut third).is_ready());
        assert!(poll!(&mut ninth).is_pending());
        held.pop();
        assert!(poll!(&mut ninth).is_ready());
    }

    #[tokio::test]
    async fn who_needs_more_than_there_are_gets_all_and_who_gives_up_leaves_nothing_taken() {
        let uploads = Uploads::of(2);
        let connector = uploads.connector();
        let all = connector.enter(4).await;
        {
            let mut given_up = pin!(connector.enter(1));
            assert!(poll!(&mut given_up).is_pending());
        }
        drop(all);
        assert!(poll!(pin!(connector.enter(4))).is_ready());
        assert!(poll!(pin!(Uploads::of(1).connector().enter(1))).is_ready(), "one place is a place");
    }

    #[test]
    fn descriptors_are_kept_for_what_may_run_at_once() {
        for (limit, uploads) in [(32, 4), (256, 16), (1024, 64), (1 << 20, 1024), (u64::MAX, 1024)] {
            assert_eq!(at_once(limit), uploads, "{limit}");
        }
        for limit in [256, 1024, 4096, 1 << 20] {
            let without = (limit / 4).clamp(16, 512) + 16;
            assert_eq!(Thing::Descriptors.kept(limit), without + 2 * at_once(limit));
            assert!(Thing::Descriptors.kept(limit) < limit / 2, "{limit}: most of it is for clients");
        }
    }
}
