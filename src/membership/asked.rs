//! What a worker does about its membership without the group: joins it, waits for orders, says what is wrong, answers who asked.
//!
//! Owns nothing; the state it says things to is the loop's (`group`).

use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use super::{Joining, Leadership, MemberState, Request, proof};
use crate::cluster_key::ClusterKeys;
use crate::kafka::cluster::ClusterMember;

/// Joins under a client id that proves who this is.
pub(super) fn join(joining: &mut Joining, life: &str) -> Result<(ClusterMember, String), String> {
    let (config, url) = (&joining.config, &joining.url);
    let client_id = proof::client_id(&joining.keys.borrow_and_update(), &config.group_id, url, life);
    let client_id = client_id.ok_or("the cluster has no key in the config topic yet")?;
    let member = ClusterMember::join(config, &client_id).map_err(|error| error.to_string())?;
    Ok((member, client_id))
}

/// Waits without a group: nobody leads meanwhile. Some when it is to end.
pub(super) async fn wait(
    pause: Duration,
    requests: &mut mpsc::Receiver<Request>,
) -> Option<Option<oneshot::Sender<()>>> {
    let end = Instant::now() + pause;
    loop {
        tokio::select! {
            () = tokio::time::sleep_until(end) => return None,
            request = requests.recv() => match request {
                None => return Some(None),
                Some(Request::Leave(done)) => return Some(Some(done)),
                Some(Request::Confirm(reply)) => answer(reply, Leadership::Lost),
            },
        }
    }
}

/// Says what is wrong, or that nothing is. A worker that is in keeps its view through trouble.
pub(super) fn say(state: &watch::Sender<MemberState>, words: Option<String>) {
    state.send_if_modified(|state| match (state, words) {
        (MemberState::Joining(said), Some(words)) if *said != words => {
            *said = words;
            true
        }
        (MemberState::In { trouble, .. }, words) if trouble.as_deref() != words.as_deref() => {
            *trouble = words.map(Arc::from);
            true
        }
        _ => false,
    });
}

/// Waits for a key that this worker did not prove itself with.
pub(super) async fn rekeyed(keys: &mut watch::Receiver<Arc<ClusterKeys>>) {
    if keys.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}

pub(super) fn answer<T>(reply: oneshot::Sender<T>, value: T) {
    if reply.send(value).is_err() {
        tracing::debug!("who asked the membership did not wait for its answer");
    }
}

pub(super) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

pub(super) fn millis_now() -> i64 {
    i64::try_from(OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)
}
