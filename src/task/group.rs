//! Joining a connector's consumer group with Connect's client settings.
//!
//! It owns nothing: the consumer belongs to the connector's loop.

use super::Error;
use crate::config::{SinkConnectorConfig, Topics, WorkerConfig};
use crate::kafka::{GroupConsumer, Subscription, settings};

/// A consumer with Connect's settings; the user's come over ours.
pub(super) fn join(config: &SinkConnectorConfig, worker: &WorkerConfig) -> Result<GroupConsumer, Error> {
    let mut settings = settings::consumer(worker, &config.name, &config.consumer_overrides)?;
    let subscription = match &config.topics {
        Topics::List(topics) => Subscription::Topics(topics.clone()),
        Topics::Regex(pattern) => {
            // A topic that is deleted must not come back because we ask for it before we know.
            settings.set("allow.auto.create.topics", "false");
            let never = worker.storage_topics().into_iter().map(str::to_owned).collect();
            Subscription::Pattern { expression: Box::new(pattern.clone()), never }
        }
    };
    Ok(GroupConsumer::join(&settings, &subscription)?)
}
