//! Storage topics that vanish, or are made anew, while the worker runs: seen, said, made again, and filled from what is
//! known.
//!
//! The leader does that at once, another worker only when the leader does not; who fills them is always who leads. Looking
//! and opening run beside the loop. Connectors go on meanwhile and are not started again: nothing about them has changed.

use super::Service;
use crate::kafka::topic_watch::{TopicIds, TopicWatch};
use crate::membership::Leadership;
use crate::storage::{self, OpenStores, Stores};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

/// Between two looks: one small request.
const LOOK: Duration = Duration::from_secs(5);
/// So many looks in a row a worker that does not lead leaves it to the leader.
const PATIENCE: u32 = 3;

/// Kafka answers at once, or the group is being settled.
const CONFIRM: Duration = Duration::from_secs(2);

/// What came of a look or of opening.
pub(super) enum StorageNews {
    Looked(Result<TopicIds, storage::Error>),
    Opened(Box<Result<Stores, storage::Error>>),
}

/// The watch over the storage topics.
pub(super) struct StorageWatch {
    watch: Option<TopicWatch>,
    stores: Arc<dyn OpenStores>,
    /// As they were when they were opened; none until the first look.
    known: Option<TopicIds>,
    /// The last opening came to nothing.
    again: bool,
    /// Looks in a row at which something was wrong.
    wrong: u32,
    /// Looks in a row at which the config topic did not say all that is known.
    waited: u32,
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

    fn open(&mut self) {
        let stores = self.stores.clone();
        self.work.spawn(async move { StorageNews::Opened(Box::new(stores.open().await)) });
    }

    /// Says what is wrong, once, and its end.
    fn tell(&mut self, trouble: Option<String>) {
        match (&self.trouble, &trouble) {
            (before, Some(now)) if before.as_deref() != Some(now) => tracing::error!("{now}"),
            (Some(_), None) => tracing::info!("the storage topics are in order again"),
            _ => {}
        }
        self.trouble = trouble.map(Arc::from);
    }

    /// Takes in a look; true when the topics are to be opened anew. `full`: the config topic says all that is known.
    fn looked(&mut self, now: &TopicIds, (leads, full): (bool, bool)) -> bool {
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

impl Service {
    pub(super) async fn take_storage_news(&mut self, news: StorageNews) {
        match news {
            StorageNews::Looked(Err(error)) => {
                tracing::debug!(%error, "the storage topics were not looked at");
            }
            StorageNews::Looked(Ok(ids)) => {
                let full = !self.topic.state().has_unwritten();
                if self.storage.looked(&ids, (self.leads(), full)) {
                    self.storage.open();
                } else {
                    self.fill_config_topic().await;
                }
            }
            StorageNews::Opened(opened) => match *opened {
                Ok(stores) => self.adopt(stores).await,
                Err(error) => {
                    let words =
                        format!("The storage topics cannot be made again: {error}. Connectors go on.");
                    self.storage.tell(Some(words));
                    self.storage.again = true;
                }
            },
        }
    }

    /// Goes on with topics that were opened anew.
    async fn adopt(&mut self, stores: Stores) {
        let Stores { config, status, watch, .. } = stores;
        self.storage.watch = watch;
        self.storage.known = None;
        let changes = self.topic.reopen(config).await;
        if !self.taken(changes) {
            return;
        }
        match self.status.reopen(status, self.leads()).await {
            Ok(touched) => self.touched.extend(touched),
            Err(error) => {
                self.taken(Err(error));
                return;
            }
        }
        self.topics = None;
        tracing::warn!("the storage topics were opened anew");
        self.fill_config_topic().await;
    }

    /// Writes what the config topic does not say any more, if Kafka confirms that this worker leads; if not, the next look
    /// asks again. A leader that started after the loss does not know what is missing: then somebody else writes it.
    async fn fill_config_topic(&mut self) {
        if !self.topic.state().has_unwritten() {
            self.storage.waited = 0;
            return;
        }
        self.storage.waited += 1;
        let leads = self.leads() && {
            let confirmed = timeout(CONFIRM, self.membership.leadership().confirm()).await;
            confirmed == Ok(Leadership::Confirmed)
        };
        if leads || self.storage.waited > 2 * PATIENCE {
            let written = self.topic.write_again().await;
            if self.taken(written) {
                tracing::warn!(leads, "wrote into the config topic what this cluster knows");
            }
        }
    }

    /// Takes changes in; false when the topics have to be opened once more, which the next look does.
    fn taken(&mut self, changes: Result<Vec<storage::Change>, storage::Error>) -> bool {
        match changes {
            Ok(changes) => {
                self.take_changes(changes);
                true
            }
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::error!(%error, cause, "the storage topics could not be read or written; trying again");
                self.storage.again = true;
                false
            }
        }
    }
}
