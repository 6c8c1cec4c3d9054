//! Connectors whose deletion was read lately: a state that somebody still writes of one of these is one too many. Of others
//! the config may not have been read yet.
//!
//! It owns nothing but when each was deleted. Pure: time comes from outside.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How late a worker may still report a connector that was deleted. What comes later is forgotten by the next leader.
const LATEST_WORD: Duration = Duration::from_mins(30);

#[derive(Debug, Default)]
pub(super) struct Deleted(BTreeMap<Arc<str>, Instant>);

impl Deleted {
    /// It was deleted. Those of long ago go, so that there are never more than what is deleted in that time.
    pub(super) fn add(&mut self, name: Arc<str>, now: Instant) {
        self.0.retain(|_, at| is_lately(*at, now));
        self.0.insert(name, now);
    }

    /// There is one of that name again.
    pub(super) fn remove(&mut self, name: &Arc<str>) {
        self.0.remove(name);
    }

    /// True when it was deleted lately, and none of its name came since.
    pub(super) fn contains(&self, name: &Arc<str>, now: Instant) -> bool {
        self.0.get(name).is_some_and(|at| is_lately(*at, now))
    }
}

fn is_lately(at: Instant, now: Instant) -> bool {
    now.duration_since(at) < LATEST_WORD
}

#[cfg(test)]
mod tests {
    use super::{Deleted, LATEST_WORD};
    use crate::herder::test_rig::{rig, sink};
    use crate::status::State;
    use crate::storage::MemoryStores;
    use std::sync::Arc;
    use std::time::Duration;
    use tokio::time::{Instant, advance};

    #[tokio::test(start_paused = true)]
    async fn what_was_deleted_long_ago_is_not_kept() {
        let mut deleted = Deleted::default();
        let start = Instant::now();
        for minute in 0..100_u64 {
            deleted.add(format!("c{minute}").into(), start + Duration::from_mins(minute));
        }
        assert_eq!(deleted.0.len(), 30, "as many as were deleted in half an hour");
        let last: Arc<str> = "c99".into();
        let at = start + Duration::from_mins(99);
        assert!(deleted.contains(&last, at + Duration::from_mins(29)));
        assert!(!deleted.contains(&last, at + LATEST_WORD), "also when nothing was deleted since");
        deleted.add(last.clone(), at + LATEST_WORD);
        assert!(deleted.contains(&last, at + LATEST_WORD), "again");
        deleted.remove(&last);
        assert!(!deleted.contains(&last, at + LATEST_WORD));
    }

    #[tokio::test(start_paused = true)]
    async fn a_late_word_about_a_deleted_connector_is_forgotten_for_half_an_hour() {
        let stores = MemoryStores::default();
        let rig = rig(&stores);
        for name in ["a", "witness"] {
            rig.herder.create(name, sink("1"), None).await.unwrap();
            rig.wait_state(name, State::Running, 1).await;
        }
        rig.herder.delete("a").await.unwrap();
        for (number, (pause, is_kept)) in
            [(Duration::ZERO, false), (Duration::from_mins(29), false), (LATEST_WORD, true)]
                .into_iter()
                .enumerate()
        {
            advance(pause).await;
            let word = |worker: &str| {
                Some(format!(
                    r#"{{"state":"PAUSED","trace":null,"worker_id":"{worker}","generation":{number}}}"#
                ))
            };
            stores.status.append("status-connector-a", word("late:8083"));
            // Read behind it, and shown when the word before it was dealt with.
            let behind = format!("other{number}:8083");
            stores.status.append("status-task-witness-0", word(&behind));
            rig.wait("witness", |status| *status.tasks[0].state.worker_id == *behind).await;
            let last = stores.status.records().into_iter().rfind(|(key, _)| key == "status-connector-a");
            assert_eq!(last.unwrap().1.is_some(), is_kept, "after {pause:?} more");
        }
        assert!(rig.stop().await);
    }
}
