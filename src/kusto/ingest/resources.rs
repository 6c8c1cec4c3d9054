//! The containers, queues and identity token that the cluster lends us, kept fresh; by REST the containers alone.
//!
//! [`ResourceManager`] owns them. They are fetched on first use, renewed every hour in the background while the old
//! ones go on serving, and at once when storage refuses a signature; all who wait share one fetch. A failed renewal
//! keeps the old ones and is repeated a minute later. It also owns the accounts' scores (`ranking`).

use super::expiry::{self, Credential};
use super::fetching::fetch;
use super::http::Timings;
use super::kusto::KustoClient;
use super::ranking::Ranking;
use super::{Error, SasUrl};
use crate::kusto::metrics;
use crate::metrics::SinkCounts;
use crate::retry::Random;
use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use time::OffsetDateTime;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::Instrument as _;
use uuid::Uuid;

pub use super::fetching::{Resource, ResourcePolicy, Resources};

type Flight = Shared<BoxFuture<'static, Result<Arc<Resources>, Error>>>;

/// Keeps the resources of one cluster.
pub struct ResourceManager {
    dm: Arc<KustoClient>,
    timings: Arc<Timings>,
    policy: ResourcePolicy,
    counts: SinkCounts,
    started: Instant,
    state: Arc<Mutex<State>>,
    flights: Mutex<Flights>,
}

impl fmt::Debug for ResourceManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResourceManager").field("cluster", &self.dm.url()).finish_non_exhaustive()
    }
}

struct State {
    current: Option<Arc<Resources>>,
    /// No renewal in the background before this moment.
    not_before: Option<Instant>,
    ranking: Ranking,
    random: Random,
}

/// The running fetch. Dropping the manager ends it.
#[derive(Default)]
struct Flights {
    tasks: JoinSet<()>,
    current: Option<Flight>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing panics while these locks are held; if it did, the plain values in them would still be good.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ResourceManager {
    /// Resources of the cluster behind `dm`, which show in `counts` when they were got and end. No I/O.
    pub fn new(
        dm: Arc<KustoClient>,
        timings: Arc<Timings>,
        policy: ResourcePolicy,
        counts: SinkCounts,
    ) -> Self {
        let random = Random::new(Uuid::new_v4().as_u64_pair().0);
        let state = State { current: None, not_before: None, ranking: Ranking::default(), random };
        Self {
            dm,
            timings,
            policy,
            counts,
            started: Instant::now(),
            state: Arc::new(Mutex::new(state)),
            flights: Mutex::default(),
        }
    }

    /// The resources, fetched if there are none, renewed in the background when they are old.
    pub async fn get(&self) -> Result<Arc<Resources>, Error> {
        let Some(current) = self.current() else { return self.fetch().await };
        let life = current.life.unwrap_or(Duration::MAX).max(self.timings.refresh_again);
        if current.fetched.elapsed() >= life.min(self.timings.refresh) {
            let waits = lock(&self.state).not_before.is_some_and(|moment| Instant::now() < moment);
            if !waits {
                drop(self.fetch());
            }
        }
        Ok(current)
    }

    /// Resources newer than `generation`: fetched at once unless somebody did so already.
    pub async fn newer_than(&self, generation: u64) -> Result<Arc<Resources>, Error> {
        match self.current() {
            Some(current) if current.generation > generation => Ok(current),
            _ => self.fetch().await,
        }
    }

    /// What we have, whatever its age.
    pub fn current(&self) -> Option<Arc<Resources>> {
        lock(&self.state).current.clone()
    }

    /// Notes how a resource behaved.
    pub fn report(&self, account: &Arc<str>, success: bool) {
        let now = self.started.elapsed();
        lock(&self.state).ranking.record(account, success, now);
    }

    /// The resource to try next: the best-ranked one that is not `avoid`, or `avoid` itself when there is no other.
    pub fn choose<'a>(&self, resources: &'a [Resource], avoid: Option<&SasUrl>) -> Option<&'a Resource> {
        let accounts: Vec<_> = resources.iter().map(|resource| Arc::clone(&resource.account)).collect();
        let now = self.started.elapsed();
        let order = {
            let mut state = lock(&self.state);
            let State { ranking, random, .. } = &mut *state;
            let order = ranking.order(&accounts, now, |count| random.below(count));
            // Within an account the first resource is as good as the next: spread over them too.
            rotate_accounts(&order, &accounts, random.below(resources.len()))
        };
        let mut candidates = order.iter().filter_map(|index| resources.get(*index));
        let first = candidates.clone().next();
        candidates.find(|resource| avoid.is_none_or(|bad| !bad.same_place(&resource.url))).or(first)
    }

    /// Joins the running fetch or starts one.
    fn fetch(&self) -> Flight {
        let mut flights = lock(&self.flights);
        while flights.tasks.try_join_next().is_some() {}
        // A fetch in the background is awaited by nobody, so whether it runs is asked of its task, not of the flight.
        if let Some(flight) = flights.current.clone().filter(|_| !flights.tasks.is_empty()) {
            return flight;
        }
        let (sender, receiver) = oneshot::channel();
        let (dm, state) = (Arc::clone(&self.dm), Arc::clone(&self.state));
        let (policy, again, counts) = (self.policy, self.timings.refresh_again, self.counts.clone());
        let work = async move {
            let result = fetch(&dm, policy).await;
            if let Ok(resources) = &result {
                tell(&counts, resources);
            }
            // The receiver is gone when nobody waits: a renewal in the background.
            drop(sender.send(store(&state, result, again)));
        };
        flights.tasks.spawn(work.in_current_span());
        let flight = async move {
            receiver.await.unwrap_or_else(|_| Err(Error::Setup("the ingest client was closed".to_owned())))
        };
        let flight = flight.boxed().shared();
        flights.current = Some(flight.clone());
        flight
    }
}

/// Turns the resources of each account by `by` places among themselves; the order of accounts stays.
fn rotate_accounts(order: &[usize], accounts: &[Arc<str>], by: usize) -> Vec<usize> {
    let same = |index: usize| order.iter().copied().filter(move |other| accounts[*other] == accounts[index]);
    order
        .iter()
        .map(|index| {
            let members: Vec<usize> = same(*index).collect();
            let place = members.iter().position(|member| member == index).unwrap_or(0);
            members[(place + by) % members.len()]
        })
        .collect()
}

/// Shows what a fetch brought: the end of what ends first.
fn tell(counts: &SinkCounts, resources: &Resources) {
    let first = |list: &[Resource]| list.iter().filter_map(|one| expiry::of_signature(&one.url)).min();
    expiry::tell(counts, Credential::Containers, first(&resources.containers));
    expiry::tell(counts, Credential::Queues, first(&resources.queues));
    expiry::tell(counts, Credential::Identity, expiry::of_token(resources.identity.expose()));
    counts.set(&metrics::RESOURCES_REFRESHED, &[], expiry::seconds(OffsetDateTime::now_utc()));
}

/// Puts the outcome of a fetch in place.
fn store(
    state: &Mutex<State>,
    result: Result<Resources, Error>,
    again: Duration,
) -> Result<Arc<Resources>, Error> {
    let mut state = lock(state);
    match result {
        Ok(mut resources) => {
            resources.generation = state.current.as_ref().map_or(0, |old| old.generation) + 1;
            let resources = Arc::new(resources);
            let known = |account: &str| {
                resources.containers.iter().chain(&resources.queues).any(|known| &*known.account == account)
            };
            state.ranking.retain(known);
            state.current = Some(Arc::clone(&resources));
            state.not_before = None;
            tracing::debug!(
                containers = resources.containers.len(),
                queues = resources.queues.len(),
                "ingestion resources fetched"
            );
            Ok(resources)
        }
        Err(error) => {
            state.not_before = Some(Instant::now() + again);
            if state.current.is_some() {
                tracing::warn!(%error, "ingestion resources could not be renewed: going on with the old ones");
            }
            Err(error)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::rotate_accounts;
    use std::sync::Arc;

    #[test]
    fn rotation_stays_inside_accounts() {
        let accounts: Vec<Arc<str>> = ["a", "b", "a", "b", "a"].map(Arc::from).to_vec();
        assert_eq!(rotate_accounts(&[0, 1, 2, 3, 4], &accounts, 1), vec![2, 3, 4, 1, 0]);
        assert_eq!(rotate_accounts(&[], &accounts, 3), Vec::<usize>::new());
    }
}
