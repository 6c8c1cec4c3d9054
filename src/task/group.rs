//! Joining a connector's consumer group with Connect's client settings.
//!
//! It owns nothing: the consumer belongs to the connector's loop.

use super::Error;
use crate::config::{SinkConnectorConfig, Topics, WorkerConfig};
use crate::kafka::settings::{Layer, client_config};
use crate::kafka::{GroupConsumer, Subscription};

/// A consumer with Connect's settings (`connect-runtime.md` §4.1); the user's come over ours.
pub(super) fn join(config: &SinkConnectorConfig, worker: &WorkerConfig) -> Result<GroupConsumer, Error> {
    let group = format!("connect-{}", config.name);
    let client = format!("connector-consumer-{}", config.name);
    let defaults = [
        ("bootstrap.servers", worker.bootstrap_servers.as_str()),
        ("group.id", &group),
        ("client.id", &client),
        ("auto.offset.reset", "earliest"),
        ("isolation.level", "read_uncommitted"),
        ("allow.auto.create.topics", "true"),
        ("partition.assignment.strategy", "cooperative-sticky"),
        // With queues of their own the limit holds for each partition; a pipeline that cannot keep up is paused.
        ("queued.max.messages.kbytes", "1024"),
        ("fetch.queue.backoff.ms", "20"),
    ];
    let layers = [
        Layer { prefix: "consumer.", properties: &worker.consumer },
        Layer { prefix: "consumer.override.", properties: &config.consumer_overrides },
    ];
    let mut settings = client_config(&defaults, &layers)?;
    // Not the user's to change: an offset is committed only after its record was handed over.
    settings.set("enable.auto.commit", "false").set("enable.auto.offset.store", "false");
    let subscription = match &config.topics {
        Topics::List(topics) => Subscription::Topics(topics.clone()),
        Topics::Regex(pattern) => Subscription::Pattern(pattern.clone()),
    };
    Ok(GroupConsumer::join(&settings, &subscription)?)
}
