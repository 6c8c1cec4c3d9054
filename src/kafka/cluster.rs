//! A worker's membership in the group of its cluster: a plain consumer of the config topic that never reads it.
//!
//! Who is given the topic's one partition leads. What the leader publishes is the group's committed offset on that
//! partition (a number) and its metadata (a text): Kafka takes it from a member of the present generation only, so a
//! leader that was replaced without noticing cannot publish. What number and text mean is the caller's business.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::groups::{GroupInfo, GroupMemberInfo};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::blocking::blocking;
use super::consumer_events::Context;
use super::{ConsumerEvent, Error, GroupConsumer, PartitionQueue, Subscription, settings, statistics};
use crate::config::WorkerConfig;
use crate::id::TopicPartition;
use crate::metrics::ClientReading;

/// One question to the group's coordinator.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// The bounds of `session.timeout.ms` and `max.poll.interval.ms`.
const LONGEST_SESSION: Duration = Duration::from_hours(1);
const LONGEST_ROUND: Duration = Duration::from_hours(24);

/// What happened to the member.
#[derive(Debug)]
pub enum MemberEvent {
    /// The group has settled; true when this member leads it.
    Settled(bool),
    /// The group is being settled anew: nobody leads.
    Unsettled,
    /// Kafka has trouble that may pass; for the log.
    Trouble(String),
    /// The broker refuses us; the member is of no more use.
    Refused(Error),
    /// What its client tells of its connections.
    Client(ClientReading),
}

/// What the leader has published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// Its number; 0 when nothing was published.
    pub number: i64,
    /// Its text.
    pub text: String,
}

/// Who is in the group, as its coordinator knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The id that Kafka gave it.
    pub id: String,
    /// What it calls itself.
    pub client_id: String,
    /// Where it is, as the broker sees it.
    pub host: String,
    /// It was given the partition that makes the leader.
    pub leads: bool,
}

/// This worker's place in the group.
pub struct ClusterMember {
    consumer: GroupConsumer,
    partition: TopicPartition,
    /// Never read; held so that the partition's records would go nowhere else.
    queues: Vec<PartitionQueue>,
}

impl ClusterMember {
    /// Joins the group `group.id` on the config topic. `client_id` is what others see of this member.
    pub fn join(worker: &WorkerConfig, client_id: &str) -> Result<Self, Error> {
        let mut config = settings::storage(worker, "cluster")?;
        statistics::ask(&mut config, worker.metrics.clients);
        // librdkafka takes an hour at most, and a day for the rounds; Java has no limit.
        let millis = |duration: Duration| duration.min(LONGEST_SESSION).as_millis().to_string();
        let round = worker.rebalance_timeout.max(worker.session_timeout).min(LONGEST_ROUND);
        config
            .set("client.id", client_id)
            .set("group.id", &worker.group_id)
            .set("session.timeout.ms", millis(worker.session_timeout))
            .set("heartbeat.interval.ms", millis(worker.heartbeat_interval))
            .set("max.poll.interval.ms", round.as_millis().to_string())
            // An eager one: every change of the members reaches every member as a change of its assignment.
            .set("partition.assignment.strategy", "range")
            // A config topic that vanished and is there again is seen by then, and somebody leads again.
            .set("topic.metadata.refresh.interval.ms", "10000")
            .set("auto.offset.reset", "latest")
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false");
        let topic = worker.config_topic.name.clone();
        let consumer = GroupConsumer::join(&config, &Subscription::Topics(vec![topic.clone()]))?;
        Ok(Self { consumer, partition: TopicPartition::new(topic, 0), queues: Vec::new() })
    }

    /// The next event. Cancel-safe; to be awaited again and again, for it keeps the membership alive.
    pub async fn next_event(&mut self) -> MemberEvent {
        loop {
            let changed = match self.consumer.next_event().await {
                ConsumerEvent::Assigned(partitions) => self.assigned(&partitions),
                ConsumerEvent::Revoked(partitions) => {
                    self.queues.clear();
                    self.consumer.unassign(&partitions).map(|()| MemberEvent::Unsettled)
                }
                ConsumerEvent::Refused(error) => return MemberEvent::Refused(error),
                ConsumerEvent::Trouble(reason) | ConsumerEvent::NoTopic(_, reason) => {
                    return MemberEvent::Trouble(reason);
                }
                ConsumerEvent::Client(reading) => return MemberEvent::Client(reading),
                // A member without brokers loses its session, and that is told; the others are not asked for here.
                ConsumerEvent::Unreachable(_)
                | ConsumerEvent::Committed(_)
                | ConsumerEvent::Offsets(_)
                | ConsumerEvent::Stray(..) => continue,
            };
            return changed.unwrap_or_else(|error| MemberEvent::Trouble(error.to_string()));
        }
    }

    fn assigned(&mut self, partitions: &[TopicPartition]) -> Result<MemberEvent, Error> {
        self.queues = self.consumer.assign(partitions)?;
        if !partitions.is_empty() {
            self.consumer.pause(partitions)?;
        }
        Ok(MemberEvent::Settled(partitions.contains(&self.partition)))
    }

    /// All members. Librdkafka's mock cluster cannot answer.
    pub async fn members(&mut self) -> Result<Vec<Member>, Error> {
        let (consumer, group) = (self.client(), self.consumer.group().to_owned());
        let partition = self.partition.clone();
        let found = blocking(move || {
            let list = consumer.fetch_group_list(Some(&group), REQUEST_TIMEOUT)?;
            let members =
                list.groups().iter().filter(|found| found.name() == group).flat_map(GroupInfo::members);
            let member = |member: &GroupMemberInfo| Member {
                id: member.id().to_owned(),
                client_id: member.client_id().to_owned(),
                host: member.client_host().to_owned(),
                leads: member.assignment().is_some_and(|bytes| has(bytes, &partition)),
            };
            Ok(members.map(member).collect())
        });
        found.await.map_err(|source| self.error("list the members", source))
    }

    /// Publishes, if this member leads the present generation of the group.
    pub async fn publish(&mut self, published: &Published) -> Result<(), Error> {
        let (consumer, published) = (self.client(), published.clone());
        let partition = self.partition.clone();
        let done = blocking(move || {
            let mut list = TopicPartitionList::new();
            let mut entry = list.add_partition(&partition.topic, partition.partition);
            entry.set_offset(Offset::Offset(published.number))?;
            entry.set_metadata(&published.text);
            consumer.commit(&list, CommitMode::Sync)
        });
        done.await.map_err(|source| self.error("publish the view of the cluster", source))
    }

    /// What was published last.
    pub async fn published(&mut self) -> Result<Published, Error> {
        let (consumer, partition) = (self.client(), self.partition.clone());
        let found = blocking(move || {
            let mut list = TopicPartitionList::new();
            list.add_partition(&partition.topic, partition.partition);
            first(&consumer.committed_offsets(list, REQUEST_TIMEOUT)?)
        });
        found.await.map_err(|source| self.error("read the view of the cluster", source))
    }

    /// Leaves the group.
    pub async fn leave(mut self) {
        self.queues.clear();
        self.consumer.close().await;
    }

    fn client(&self) -> Arc<BaseConsumer<Context>> {
        self.consumer.client()
    }

    fn error(&self, operation: &'static str, source: KafkaError) -> Error {
        Error::Consumer { group: self.consumer.group().to_owned(), operation, source }
    }
}

fn first(list: &TopicPartitionList) -> KafkaResult<Published> {
    let elements = list.elements();
    let Some(entry) = elements.first() else { return Ok(Published { number: 0, text: String::new() }) };
    entry.error()?;
    let number = match entry.offset() {
        Offset::Offset(number) => number,
        _ => 0,
    };
    Ok(Published { number, text: entry.metadata().to_owned() })
}

/// Is the partition in an assignment of Kafka's consumer protocol? What the bytes do not say in full is not in it.
fn has(assignment: &[u8], partition: &TopicPartition) -> bool {
    let mut bytes = Bytes(assignment);
    let mut found = || {
        let _version = bytes.number(2)?;
        for _ in 0..bytes.number(4)? {
            let length = usize::try_from(bytes.number(2)?).ok()?;
            let is_ours = bytes.take(length)? == partition.topic.as_bytes();
            for _ in 0..bytes.number(4)? {
                if bytes.number(4)? == i64::from(partition.partition) && is_ours {
                    return Some(());
                }
            }
        }
        None
    };
    found().is_some()
}

struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    /// A signed number, most significant byte first.
    fn number(&mut self, length: usize) -> Option<i64> {
        let bytes = self.take(length)?;
        let first = if bytes.first()? & 0x80 == 0 { 0 } else { -1 };
        Some(bytes.iter().fold(first, |number, byte| (number << 8) | i64::from(*byte)))
    }
}

#[cfg(test)]
mod tests {
    use super::{TopicPartition, has};
    use proptest::prelude::*;

    fn assignment(topics: &[(&str, &[i32])]) -> Vec<u8> {
        let count = |count: usize| i32::try_from(count).unwrap().to_be_bytes();
        let mut bytes = vec![0, 3];
        bytes.extend(count(topics.len()));
        for (topic, partitions) in topics {
            bytes.extend(i16::try_from(topic.len()).unwrap().to_be_bytes());
            bytes.extend(topic.as_bytes());
            bytes.extend(count(partitions.len()));
            partitions.iter().for_each(|partition| bytes.extend(partition.to_be_bytes()));
        }
        bytes.extend((-1_i32).to_be_bytes());
        bytes
    }

    #[test]
    fn an_assignment_is_read() {
        let lead = TopicPartition::new("configs", 0);
        assert!(has(&assignment(&[("a", &[0, 1]), ("configs", &[0])]), &lead));
        assert!(!has(&assignment(&[("a", &[0]), ("configs", &[1]), ("config", &[0])]), &lead));
        assert!(!has(&assignment(&[]), &lead) && !has(&[], &lead));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic_or_run_on(bytes in prop::collection::vec(any::<u8>(), 0..60), cut in 0_usize..40) {
            let lead = TopicPartition::new("c", 0);
            let _found = has(&bytes, &lead);
            let whole = assignment(&[("c", &[7, 0])]);
            prop_assert_eq!(has(&whole[..cut.min(whole.len())], &lead), cut >= whole.len() - 4);
        }
    }
}
