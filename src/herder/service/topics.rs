//! The topics that connectors have read from: kept in the status topic, shown, and emptied on a user's word
//! (`connect-runtime.md` §1.12).

use super::state::Service;
use crate::herder::view::ActiveTopics;
use crate::id::ConnectorTaskId;
use crate::storage::TopicStatus;
use std::sync::Arc;
use time::OffsetDateTime;

impl Service {
    /// A task has read from a topic.
    pub(super) fn topic_read(&mut self, task: ConnectorTaskId, topic: Arc<str>) {
        // What is read while a deleted connector drains is of no interest.
        if !self.topic.state().contains(&task.connector) {
            return;
        }
        let discovered = i64::try_from(OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000);
        let discovered = discovered.unwrap_or_default();
        if self.status.put_topic(TopicStatus { topic, task, discovered }) {
            self.topics = None;
        }
    }

    /// Empties a connector's list.
    pub(super) fn reset_topics(&mut self, connector: &Arc<str>) {
        self.status.forget_topics(connector);
        self.topics = None;
    }

    /// All lists, to be published.
    pub(super) fn shown_topics(&mut self) -> Arc<ActiveTopics> {
        let status = &self.status;
        let list = |name: Arc<str>| {
            let topics = status.topics(&name).into_iter().map(|known| known.topic.clone()).collect();
            (name, topics)
        };
        let all = || Arc::new(status.names().into_iter().map(list).collect());
        self.topics.get_or_insert_with(all).clone()
    }
}
