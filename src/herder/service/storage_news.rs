//! What the watch over the storage topics found: topics are opened anew, and the config topic is filled from what is known.

use super::state::Service;
use super::storage_watch::{PATIENCE, StorageNews};
use crate::membership::Leadership;
use crate::storage::{self, Stores};
use std::time::Duration;
use tokio::time::timeout;

/// Kafka answers at once, or the group is being settled.
const CONFIRM: Duration = Duration::from_secs(2);

impl Service {
    pub(super) async fn take_storage_news(&mut self, news: StorageNews) {
        match news {
            StorageNews::Looked(Err(error)) => {
                tracing::debug!(%error, "the storage topics were not looked at");
            }
            StorageNews::Looked(Ok(ids)) => {
                let full = !self.topic.state().has_unwritten();
                if self.storage.looked(&ids, (self.cluster.leads(), full)) {
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
        if let Err(error) = self.statuses.reopen(status, self.cluster.leads()).await {
            self.taken(Err(error));
            return;
        }
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
        let leads = self.cluster.leads() && {
            let confirmed = timeout(CONFIRM, self.cluster.confirm()).await;
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
