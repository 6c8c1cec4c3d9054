//! Storage topics that vanish, or are made anew, while the worker runs: seen, said, made again, and filled from what is
//! known.
//!
//! The leader does that at once, another worker only when the leader does not; who fills them is always who leads. Looking
//! and opening run beside the loop. Connectors go on meanwhile and are not started again: nothing about them has changed.

use crate::kafka::topic_watch::{TopicIds, TopicWatch};
use crate::storage::{self, OpenStores, Stores};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Between two looks: one small request.
const LOOK: Duration = Duration::from_secs(5);
/// So many looks in a row a worker that does not lead leaves it to the leader.
pub(super) const PATIENCE: u32 = 3;

/// What came of a look or of opening.
pub(super) enum StorageNews {
    Looked(Result<TopicIds, storage::Error>),
    Opened(Box<Result<Stores, storage::Error>>),
}

/// The watch over the storage topics.
pub(super) struct StorageWatch {
    pub(super) watch: Option<TopicWatch>,
    stores: Arc<dyn OpenStores>,
    /// As they were when they were opened; none until the first look.
    pub(super) known: Option<TopicIds>,
    /// The last opening came to nothing.
    pub(super) again: bool,
    /// Looks in a row at which something was wrong.
    wrong: u32,
    /// Looks in a row at which the config topic did not say all that is known.
    pub(super) waited: u32,
    trouble: Option<Arc<str>>,
    due: Instant,
    work: JoinSet<StorageNews>,
}

impl StorageWatch {
    pub(super) fn new(watch: Option<TopicWatch>, stores: Arc<dyn OpenStores>) -> Self {
        let due = Instant::now();
        Self {
            watch,
            stores,
            known: None,
            again: false,
            wrong: 0,
            waited: 0,
            trouble: None,
            due,
            work: JoinSet::new(),
        }
    }

    /// What is wrong, for `/health`.
    pub(super) fn trouble(&self) -> Option<&Arc<str>> {
        self.trouble.as_ref()
    }

    /// The next news. Cancel-safe: what is under way goes on.
    pub(super) async fn next(&mut self) -> StorageNews {
        loop {
            if self.work.is_empty() {
                let Some(watch) = self.watch.clone() else { return std::future::pending().await };
                tokio::time::sleep_until(self.due).await;
                self.work.spawn(async move { StorageNews::Looked(watch.look().await.map_err(Into::into)) });
            }
            // A look that panicked is made again.
            if let Some(Ok(news)) = self.work.join_next().await {
                self.due = Instant::now() + LOOK;
                return news;
            }
        }
    }

    pub(super) fn open(&mut self) {
        let stores = self.stores.clone();
        self.work.spawn(async move { StorageNews::Opened(Box::new(stores.open().await)) });
    }

    /// Says what is wrong, once, and its end.
    pub(super) fn tell(&mut self, trouble: Option<String>) {
        match (&self.trouble, &trouble) {
            (before, Some(now)) if before.as_deref() != Some(now) => tracing::error!("{now}"),
            (Some(_), None) => tracing::info!("the storage topics are in order again"),
            _ => {}
        }
        self.trouble = trouble.map(Arc::from);
    }

    /// Takes in a look; true when the topics are to be opened anew. `full`: the config topic says all that is known.
    pub(super) fn looked(&mut self, now: &TopicIds, (leads, full): (bool, bool)) -> bool {
        let known = self.known.get_or_insert_with(|| now.clone());
        let (missing, replaced) = (now.missing(), now.replaced(known));
        if std::mem::take(&mut self.again) {
            return true;
        }
        if missing.is_empty() && replaced.is_empty() {
            self.wrong = 0;
            if full {
                self.tell(None);
            }
            return false;
        }
        self.wrong += 1;
        let opens = missing.is_empty() || leads || self.wrong > PATIENCE;
        let what = |names: &[&str], what: &str| {
            if names.is_empty() { String::new() } else { format!("{} {what}. ", names.join(", ")) }
        };
        let trouble = format!(
            "Storage topics are not what they were: {}{}They are made again and filled from what this cluster knows; until then \
             nothing can be configured. Connectors go on.",
            what(&missing, "gone"),
            what(&replaced, "made anew by somebody"),
        );
        self.tell(Some(trouble));
        opens
    }
}
