//! Which worker has to carry out a request: the leader, or the owner of what it is about (`connect-runtime.md` §1.3).
//!
//! Decided before a request reaches the loop, so that asking Kafka who leads holds up nobody else. How a request gets to
//! another worker is the business of `rest`.

use super::handle::{Herder, deadline};
use super::view::Place;
use super::{Error, view};
use crate::id::ConnectorTaskId;
use crate::membership::Leadership;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// How long a write waits for the group to settle before it is answered as busy.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(10);

impl Herder {
    /// Goes on only when this worker leads its cluster, which Kafka is asked for.
    pub(super) async fn lead(&self) -> Result<(), Error> {
        let place = self.place().await?;
        if place.view.leader != place.url {
            return Err(Error::Elsewhere(place.view.leader.clone()));
        }
        if let Ok(Leadership::Confirmed) = timeout(SETTLE_TIMEOUT, place.leadership.confirm()).await {
            return Ok(());
        }
        let place = self.place().await?;
        let lost = place.view.leader != place.url;
        Err(if lost { Error::Elsewhere(place.view.leader.clone()) } else { Error::Stale })
    }

    /// Goes on only when this worker runs the connector itself.
    pub(super) async fn own(&self, connector: &str) -> Result<(), Error> {
        let place = self.place().await?;
        let owner = place.assignment.owner(connector).cloned();
        own(&place, owner.as_ref())
    }

    /// Goes on only when this worker runs the task.
    pub(super) async fn own_task(&self, id: &ConnectorTaskId) -> Result<(), Error> {
        let place = self.place().await?;
        let owner = place.assignment.task_owner(id).cloned();
        own(&place, owner.as_ref())
    }

    async fn place(&self) -> Result<Place, Error> {
        self.ready(deadline()).await?.cluster.clone().ok_or(Error::NoLeader)
    }
}

/// What nobody owns does not exist; this worker can say so.
fn own(place: &view::Place, owner: Option<&Arc<str>>) -> Result<(), Error> {
    match owner {
        Some(owner) if *owner != place.url && place.view.members.contains(owner) => {
            Err(Error::Elsewhere(owner.clone()))
        }
        // It is held back for a worker that is gone.
        Some(owner) if *owner != place.url => Err(Error::Stale),
        _ => Ok(()),
    }
}
