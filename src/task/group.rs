//! Joining a connector's consumer group with Connect's client settings.
//!
//! It owns nothing: the consumer belongs to the connector's loop.

use std::sync::Arc;

use super::error::Error;
use crate::config::{WorkerConfig, files};
use crate::kafka::{GroupConsumer, Subscription, settings, statistics};
use crate::plugins::SinkConnectorConfig;
use crate::sink::Topics;

/// A consumer with Connect's settings; the user's come over ours.
pub(super) async fn join(
    config: &SinkConnectorConfig,
    worker: &Arc<WorkerConfig>,
) -> Result<GroupConsumer, Error> {
    let (name, own, of_worker) =
        (Arc::clone(&config.name), config.consumer_overrides.clone(), Arc::clone(worker));
    // Key stores are read.
    let mut settings = files::beside(move || settings::consumer(&of_worker, &name, &own)).await?;
    statistics::ask(&mut settings, worker.metrics.clients);
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
