//! librdkafka's callbacks about a member of a group, as events.
//!
//! [`Context`] is called inside of a poll and sends; nothing is decided here. Who answers an event is `consumer`'s business.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, RebalanceProtocol};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::types::RDKafkaRespErr;
use tokio::sync::mpsc;

use super::outage::Outage;
use super::reach::Reach;
use super::refusal::Refusal;
use super::{Error, settings, statistics};
use crate::id::TopicPartition;
use crate::metrics::{ClientReading, PartitionOffsets};

/// What happened to the group member.
#[derive(Debug)]
pub enum ConsumerEvent {
    /// The group gives us these partitions; to be answered with [`super::consumer::GroupConsumer::assign`].
    Assigned(Vec<TopicPartition>),
    /// The group takes these partitions; to be answered with [`super::consumer::GroupConsumer::unassign`].
    Revoked(Vec<TopicPartition>),
    /// A commit ended: per partition the offset, and the reason where it failed.
    Committed(Vec<(TopicPartition, i64, Option<String>)>),
    /// Where partitions are read is another place than was told before; all of them.
    Offsets(BTreeMap<TopicPartition, PartitionOffsets>),
    /// What the client tells of its connections.
    Client(ClientReading),
    /// Kafka has trouble that may pass; for the log.
    Trouble(String),
    /// A topic that we want does not exist, with the library's words; it is said once.
    NoTopic(String, String),
    /// No broker can be reached, for this reason; or, without one, a broker can be reached again.
    Unreachable(Option<String>),
    /// The broker refuses us: the consumer is of no more use.
    Refused(Error),
    /// A record came outside its partition's queue, so that queue has a hole at this offset.
    Stray(TopicPartition, i64),
}

/// Turns librdkafka's callbacks into events.
pub struct Context {
    pub(super) group: String,
    /// Set by each callback: a poll that calls one leaves no event behind, as an empty queue does.
    pub(super) called: AtomicBool,
    pub(super) outage: Outage,
    pub(super) reach: Reach,
    pub(super) events: mpsc::Sender<ConsumerEvent>,
    pub(super) closing: Arc<AtomicBool>,
}

impl Context {
    fn note_call(&self) {
        self.called.store(true, Ordering::Relaxed);
    }

    fn send(&self, event: ConsumerEvent) {
        if let Err(error) = self.events.try_send(event) {
            tracing::error!(%error, "an event of a Kafka consumer was lost");
        }
    }
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.note_call();
        settings::log(level, facility, message);
    }

    fn stats_raw(&self, text: &[u8]) {
        self.note_call();
        if let Some(reading) = statistics::read(text) {
            self.send(ConsumerEvent::Client(reading));
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        if let Some(refusal) = Refusal::of(error.rdkafka_error_code(), reason) {
            let (group, reason) = (self.group.clone(), reason.to_owned());
            let advice = refusal.consumer_advice();
            return self.send(ConsumerEvent::Refused(Error::Refused { group, reason, advice }));
        }
        self.reach.record_error(&error, reason);
        if !self.outage.record_error(&error) {
            return;
        }
        self.send(match missing_topic(&error, reason) {
            Some(topic) => {
                let words = format!("{reason}; check `topics`: the topic does not exist (yet)");
                ConsumerEvent::NoTopic(topic.to_owned(), words)
            }
            None => ConsumerEvent::Trouble(format!("{error}: {reason}")),
        });
    }
}

impl ConsumerContext for Context {
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        code: RDKafkaRespErr,
        partitions: &mut TopicPartitionList,
    ) {
        if self.closing.load(Ordering::Acquire) {
            // Everything was drained and committed before the close began: let go at once.
            if let Err(error) = leave(consumer, partitions) {
                tracing::debug!(%error, "leaving the group while closing");
            }
            return;
        }
        let partitions = ids(partitions);
        let is_assigned = code == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
        self.reach.hear_of_group(is_assigned);
        self.send(if is_assigned {
            ConsumerEvent::Assigned(partitions)
        } else {
            ConsumerEvent::Revoked(partitions)
        });
    }

    fn commit_callback(&self, result: KafkaResult<()>, offsets: &TopicPartitionList) {
        let whole = result.err().map(|error| error.to_string());
        let elements = offsets.elements();
        let committed = elements.iter().filter_map(|element| {
            let Offset::Offset(offset) = element.offset() else { return None };
            let reason = element.error().err().map(|error| error.to_string()).or_else(|| whole.clone());
            Some((TopicPartition::new(element.topic(), element.partition()), offset, reason))
        });
        self.send(ConsumerEvent::Committed(committed.collect()));
    }
}

/// The topic that does not exist, of `Subscribed topic not available: NAME: Broker: Unknown topic or partition`.
fn missing_topic<'r>(error: &KafkaError, reason: &'r str) -> Option<&'r str> {
    let is_unknown = error.rdkafka_error_code() == Some(RDKafkaErrorCode::UnknownTopicOrPartition);
    // A topic's name has no colon.
    is_unknown.then(|| reason.split(": ").nth(1)).flatten()
}

pub(super) fn leave(consumer: &BaseConsumer<Context>, partitions: &TopicPartitionList) -> KafkaResult<()> {
    match consumer.rebalance_protocol() {
        RebalanceProtocol::Cooperative => consumer.incremental_unassign(partitions),
        _ => consumer.unassign(),
    }
}

fn ids(list: &TopicPartitionList) -> Vec<TopicPartition> {
    list.elements().iter().map(|element| TopicPartition::new(element.topic(), element.partition())).collect()
}
