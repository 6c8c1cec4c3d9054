//! The dead letters of a connector: of which records there are some, by the headers that say so.

use super::subject::Error;
use crate::config::{self, WorkerConfig};
use crate::id::{OffsetRange, TopicPartition};
use crate::kafka::visitor::Visitor;
use crate::kafka::{DeadLetterClients, DeadLetterTopic};
use crate::plugins::SinkConnectorConfig;
use crate::ranges::OffsetRanges;
use crate::task::{LetterOrigin, origin};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Offsets of a dead-letter topic that are read at once.
const STRETCH: u64 = 10_000;

/// Records that have a dead letter.
#[derive(Debug, Default)]
pub struct Letters {
    by_partition: BTreeMap<TopicPartition, OffsetRanges>,
    nothing: OffsetRanges,
    /// What has to be known about them, a sentence each.
    pub notes: Vec<String>,
}

/// What is read of one partition of a dead-letter topic.
#[derive(Default)]
struct Page {
    found: Vec<(TopicPartition, i64)>,
    unknown: u64,
}

impl Letters {
    /// Reads all dead-letter topics of the connector, from the first letter that Kafka has.
    pub async fn read(config: &SinkConnectorConfig, worker: &Arc<WorkerConfig>) -> Result<Self, Error> {
        let mut letters = Self::default();
        let topics: Vec<DeadLetterTopic> = of_connect(config).into_iter().chain(of_sink(config)).collect();
        let leaves_none = config.errors.tolerate && config.errors.dead_letters.is_none();
        if leaves_none {
            letters.notes.push(
                "errors.tolerance=all without a dead-letter topic: bad records leave no trace; of those without a row it is \
                 tried whether they are bad"
                    .to_owned(),
            );
        }
        for topic in topics {
            letters.read_topic(topic, config, worker).await?;
        }
        Ok(letters)
    }

    /// Those of one partition.
    pub fn of(&self, partition: &TopicPartition) -> &OffsetRanges {
        self.by_partition.get(partition).unwrap_or(&self.nothing)
    }

    /// How many there are of a part of a partition.
    pub fn count(&self, partition: &TopicPartition, range: OffsetRange) -> u64 {
        self.of(partition).within(range).count()
    }

    async fn read_topic(
        &mut self,
        topic: DeadLetterTopic,
        config: &SinkConnectorConfig,
        worker: &Arc<WorkerConfig>,
    ) -> Result<(), Error> {
        let (name, worker) = (topic.topic.clone(), Arc::clone(worker));
        let visitor = config::files::beside(move || Visitor::of_letters(&worker, &topic)).await?;
        visitor.reach().await?;
        let partitions = visitor.partitions(&name).await?.unwrap_or(0);
        let (mut unknown, mut gone) = (0_u64, 0_u64);
        for partition in 0..i32::try_from(partitions).unwrap_or(i32::MAX) {
            let at = TopicPartition::new(name.as_str(), partition);
            let extent = visitor.extent(&at).await?;
            gone = gone.saturating_add(extent.low.max(0).unsigned_abs());
            let mut walk = visitor.walk(&at, extent.low).await?;
            while walk.position() < extent.high {
                let connector = Arc::clone(&config.name);
                let page = walk.go((extent.high, STRETCH), Page::default(), move |page, seen| {
                    match origin(&connector, |header| seen.header(header)) {
                        LetterOrigin::Record(partition, offset) => page.found.push((partition, offset)),
                        LetterOrigin::Unknown => page.unknown += 1,
                        LetterOrigin::OfOther => {}
                    }
                });
                let page = page.await?;
                unknown = unknown.saturating_add(page.unknown);
                for (partition, offset) in page.found {
                    self.by_partition.entry(partition).or_default().add(offset);
                }
            }
        }
        self.note(&name, unknown, gone);
        Ok(())
    }

    fn note(&mut self, topic: &str, unknown: u64, gone: u64) {
        if unknown > 0 {
            self.notes.push(format!(
                "{unknown} dead letters in {topic} do not say of which record they are, and count for none \
                 (errors.deadletterqueue.context.headers.enable=true makes new ones say it)"
            ));
        }
        if gone > 0 {
            self.notes.push(format!(
                "Kafka no longer has the first {gone} offsets of the dead-letter topic {topic}: a record whose letter was \
                 there counts as missing"
            ));
        }
    }
}

fn of_connect(config: &SinkConnectorConfig) -> Option<DeadLetterTopic> {
    let queue = config.errors.dead_letters.as_ref()?;
    let clients = DeadLetterClients::OfWorker {
        producer: config.producer_overrides.clone(),
        admin: config.admin_overrides.clone(),
    };
    Some(DeadLetterTopic { connector: Arc::clone(&config.name), topic: queue.topic.clone(), clients })
}

fn of_sink(config: &SinkConnectorConfig) -> Option<DeadLetterTopic> {
    let own = config.sink.own_dead_letters()?;
    let clients = DeadLetterClients::Own { prefix: own.prefix, properties: own.client };
    Some(DeadLetterTopic { connector: Arc::clone(&config.name), topic: own.topic, clients })
}
