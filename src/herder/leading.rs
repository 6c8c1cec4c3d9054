//! Which worker has to carry out a request: the leader, or the owner of what it is about (`connect-runtime.md` §1.3).
//!
//! Decided before a request reaches the loop, so that asking Kafka who leads holds up nobody else. How a request gets to
//! another worker is the business of `rest`.

use super::Error;
use super::published::PublishedView;
use super::request::deadline;
use super::view::Place;
use crate::id::ConnectorTaskId;
use crate::membership::Leadership;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// How long a write waits for the group to settle before it is answered as busy.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(10);

/// Goes on only when this worker leads its cluster, which Kafka is asked for.
pub(super) async fn lead(published: &PublishedView) -> Result<(), Error> {
    let known = place(published).await?;
    if known.view.leader != known.url {
        return Err(Error::Elsewhere(known.view.leader.clone()));
    }
    if let Ok(Leadership::Confirmed) = timeout(SETTLE_TIMEOUT, known.leadership.confirm()).await {
        return Ok(());
    }
    let known = place(published).await?;
    let lost = known.view.leader != known.url;
    Err(if lost { Error::Elsewhere(known.view.leader.clone()) } else { Error::Stale })
}

/// Goes on only when this worker runs the connector itself.
pub(super) async fn own(published: &PublishedView, connector: &str) -> Result<(), Error> {
    let known = place(published).await?;
    owned(&known, known.assignment.owner(connector))
}

/// Goes on only when this worker runs the task.
pub(super) async fn own_task(published: &PublishedView, id: &ConnectorTaskId) -> Result<(), Error> {
    let known = place(published).await?;
    owned(&known, known.assignment.task_owner(id))
}

async fn place(published: &PublishedView) -> Result<Place, Error> {
    published.ready(deadline()).await?.cluster.clone().ok_or(Error::NoLeader)
}

/// What nobody owns does not exist; this worker can say so.
fn owned(place: &Place, owner: Option<&Arc<str>>) -> Result<(), Error> {
    match owner {
        Some(owner) if *owner != place.url && place.view.members.contains(owner) => {
            Err(Error::Elsewhere(owner.clone()))
        }
        // It is held back for a worker that is gone.
        Some(owner) if *owner != place.url => Err(Error::Stale),
        _ => Ok(()),
    }
}
