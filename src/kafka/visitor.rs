//! A connector's consumer, for a look before it runs: signs in as the tasks' consumers do, sees their topics, asks what the
//! group has committed, reads records. It joins no group, commits nothing and makes no topic.

use super::blocking::blocking;
use super::create::create;
use super::dead_letters::DeadLetterTopic;
use super::error::advice;
use super::matching::{Found, Matching};
use super::native::rights::operations;
use super::oauth::{self, Keeper};
use super::refusal::Refusal;
use super::rights::{AclSubject, REQUEST_TIMEOUT, Right, missing_of};
use super::{Error, GivenRecord, settings, unreachable};
use crate::config::WorkerConfig;
use crate::configdef::Properties;
use crate::data::java_regex::JavaRegex;
use crate::id::TopicPartition;
use futures::FutureExt;
use rdkafka::client::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode as Code};
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// One question, before it is looked what the library has heard meanwhile.
const SLICE: Duration = Duration::from_secs(2);
/// So long the first answer is waited for.
const PATIENCE: Duration = Duration::from_secs(8);
/// How long a record is waited for.
const READING: Duration = Duration::from_secs(5);

/// Keeps what the client says.
#[derive(Default)]
pub(super) struct Listener(Mutex<Vec<(Code, String)>>);

impl Listener {
    fn heard(&self) -> Vec<(Code, String)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ClientContext for Listener {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        settings::log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        if let Some(code) = error.rdkafka_error_code() {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push((code, reason.to_owned()));
        }
    }
}

impl ConsumerContext for Listener {}

/// Such a consumer.
pub struct Visitor {
    _tokens: Keeper,
    pub(super) consumer: Arc<BaseConsumer<Listener>>,
    group: String,
    bootstrap: String,
}

impl Visitor {
    /// With the settings of the consumers of `connector`; `overrides` are its `consumer.override.*` without that prefix.
    pub fn new(worker: &WorkerConfig, connector: &str, overrides: &Properties) -> Result<Self, Error> {
        Self::with(settings::consumer(worker, connector, overrides)?)
    }

    /// With the settings of those who write the dead letters of `topic`: it is then in their cluster.
    pub fn of_letters(worker: &WorkerConfig, topic: &DeadLetterTopic) -> Result<Self, Error> {
        let mut config = topic.reader(worker)?;
        // It joins no group, but the library gives out nothing without the name of one.
        config.set("group.id", format!("connect-{}", topic.connector)).set("auto.offset.reset", "earliest");
        config.set("enable.auto.commit", "false").set("enable.auto.offset.store", "false");
        Self::with(config)
    }

    fn with(mut config: ClientConfig) -> Result<Self, Error> {
        config.set("allow.auto.create.topics", "false").set("enable.partition.eof", "true");
        let of = |key: &str| config.get(key).unwrap_or_default().to_owned();
        let (group, bootstrap) = (of("group.id"), of("bootstrap.servers"));
        let source = oauth::take(&mut config);
        let consumer: BaseConsumer<Listener> = create(&config, Listener::default())
            .map_err(|source| Error::Client { bootstrap: bootstrap.clone(), source })?;
        let consumer = Arc::new(consumer);
        let tokens = Keeper::start(source, &consumer);
        Ok(Self { _tokens: tokens, consumer, group, bootstrap })
    }

    /// The consumer group.
    pub fn group(&self) -> &str {
        &self.group
    }

    /// Do the brokers let us in?
    pub async fn reach(&self) -> Result<(), Error> {
        let (consumer, begin) = (Arc::clone(&self.consumer), Instant::now());
        let asked = blocking(move || {
            loop {
                let answer = consumer.fetch_metadata(Some("__consumer_offsets"), SLICE).map(drop);
                listen(&consumer);
                let refused =
                    consumer.context().heard().iter().any(|(code, text)| refusal(*code, text).is_some());
                if answer.is_ok() || refused || begin.elapsed() > PATIENCE {
                    return answer;
                }
            }
        });
        asked.await.map_err(|source| self.explained("sign in", source))
    }

    /// How many partitions a topic has; none when there is no such topic.
    pub async fn partitions(&self, topic: &str) -> Result<Option<usize>, Error> {
        let (consumer, name) = (Arc::clone(&self.consumer), topic.to_owned());
        let found = blocking(move || {
            let metadata = consumer.fetch_metadata(Some(&name), PATIENCE)?;
            let Some(found) = metadata.topics().iter().find(|found| found.name() == name) else {
                return Ok(None);
            };
            match found.error().map(Code::from) {
                None | Some(Code::LeaderNotAvailable) => Ok(Some(found.partitions().len())),
                Some(Code::UnknownTopicOrPartition | Code::UnknownTopic) => Ok(None),
                Some(code) => Err(KafkaError::MetadataFetch(code)),
            }
        });
        found.await.map_err(|source| self.explained("look up its topics", source))
    }

    /// Which of the rights in `wanted` it does not have on its group.
    pub async fn missing_on_group(&self, wanted: &'static [Right]) -> Result<Vec<Right>, Error> {
        let ask = || {
            let (consumer, subject) = (Arc::clone(&self.consumer), AclSubject::Group(self.group.clone()));
            blocking(move || operations(consumer.client(), &subject, REQUEST_TIMEOUT)).boxed()
        };
        let missing = missing_of(ask, wanted).await;
        missing.map_err(|source| self.explained("ask for its rights", source))
    }

    /// The topics that match, without those of `never`; or, in words, why they are not known.
    pub async fn matching(&self, expression: &JavaRegex, never: Vec<String>) -> Result<Vec<String>, String> {
        let mut matching = Matching::new(expression.clone(), never, &ClientConfig::new());
        match matching.next(&self.consumer).await {
            Found::Changed(topics) => Ok(topics),
            Found::Same => Ok(Vec::new()),
            Found::Failed(reason) => Err(reason),
        }
    }

    /// How many partitions of a topic the group has committed something for.
    pub async fn committed(&self, topic: &str, partitions: usize) -> Result<usize, Error> {
        let (consumer, topic) = (Arc::clone(&self.consumer), topic.to_owned());
        let found = blocking(move || {
            let mut list = TopicPartitionList::new();
            for partition in 0..i32::try_from(partitions).unwrap_or(i32::MAX) {
                list.add_partition(&topic, partition);
            }
            let list = consumer.committed_offsets(list, PATIENCE)?;
            let mut count = 0;
            for element in list.elements() {
                element.error()?;
                count += usize::from(matches!(element.offset(), Offset::Offset(_)));
            }
            Ok(count)
        });
        found.await.map_err(|source| self.explained("ask what the group has committed", source))
    }

    /// May it read the topic? True when a record was there to show it.
    pub async fn read(&self, topic: &str) -> Result<bool, Error> {
        let (consumer, topic) = (Arc::clone(&self.consumer), topic.to_owned());
        let read = blocking(move || {
            let mut list = TopicPartitionList::new();
            list.add_partition_offset(&topic, 0, Offset::OffsetTail(1))?;
            consumer.assign(&list)?;
            let read = first_record(&consumer);
            consumer.unassign()?;
            read
        });
        read.await.map_err(|source| self.explained("read", source))
    }

    /// The last records of a topic, `most` of them at most, oldest first in each partition.
    pub async fn last_records(
        &self,
        topic: &str,
        most: usize,
    ) -> Result<Vec<(TopicPartition, GivenRecord)>, Error> {
        let partitions = self.partitions(topic).await?.unwrap_or(0);
        let (consumer, topic) = (Arc::clone(&self.consumer), topic.to_owned());
        let read = blocking(move || {
            let share = most.div_ceil(partitions.max(1));
            let mut list = TopicPartitionList::new();
            for partition in 0..i32::try_from(partitions).unwrap_or(i32::MAX) {
                let tail = i64::try_from(share).unwrap_or(i64::MAX);
                list.add_partition_offset(&topic, partition, Offset::OffsetTail(tail))?;
            }
            consumer.assign(&list)?;
            let read = all_records(&consumer, most, partitions);
            consumer.unassign()?;
            read
        });
        read.await.map_err(|source| self.explained("read", source))
    }

    pub(super) fn explained(&self, operation: &'static str, source: KafkaError) -> Error {
        let heard = self.consumer.context().heard();
        let group = self.group.clone();
        if let Some((reason, advice)) = heard.iter().rev().find_map(|(code, text)| refusal(*code, text)) {
            return Error::Refused { group, reason, advice };
        }
        let code = code(&source);
        if let Some(advice) = advice(code) {
            return Error::Refused { group, reason: source.to_string(), advice };
        }
        // Who may not see the group never learns its coordinator.
        let forbidden =
            heard.iter().rev().find_map(|(code, text)| Some((text.clone(), advice(Some(*code))?)));
        if let Some((reason, advice)) = forbidden {
            return Error::Refused { group, reason, advice };
        }
        let is_silence = matches!(
            code,
            Some(
                Code::AllBrokersDown | Code::BrokerTransportFailure | Code::OperationTimedOut | Code::Resolve
            )
        );
        if is_silence {
            let said = heard
                .iter()
                .rev()
                .find_map(|(code, text)| Some((text.clone(), unreachable::advice(*code, text)?)));
            let (reason, advice) =
                said.unwrap_or_else(|| ("no word in time".to_owned(), unreachable::SILENT));
            return Error::Unreachable { bootstrap: self.bootstrap.clone(), reason, advice };
        }
        Error::Consumer { group, operation, source }
    }
}

/// Lets the client tell what it has heard.
fn listen(consumer: &BaseConsumer<Listener>) {
    while let Some(told) = consumer.poll(Duration::ZERO) {
        if let Err(error) = told {
            consumer.context().error(error.clone(), &error.to_string());
        }
    }
}

fn first_record(consumer: &BaseConsumer<Listener>) -> KafkaResult<bool> {
    let end = Instant::now() + READING;
    while Instant::now() < end {
        match consumer.poll(Duration::from_millis(200)) {
            Some(Ok(_)) => return Ok(true),
            Some(Err(KafkaError::PartitionEOF(_))) => return Ok(false),
            Some(Err(error)) if advice(code(&error)).is_some() => return Err(error),
            Some(Err(_)) | None => {}
        }
    }
    // An answer that is late says nothing against us.
    Ok(false)
}

/// Reads until all partitions are at their ends.
fn all_records(
    consumer: &BaseConsumer<Listener>,
    most: usize,
    partitions: usize,
) -> KafkaResult<Vec<(TopicPartition, GivenRecord)>> {
    let (mut found, mut ended) = (Vec::new(), BTreeSet::new());
    let mut last = Instant::now();
    while found.len() < most && ended.len() < partitions && last.elapsed() < PATIENCE {
        match consumer.poll(Duration::from_millis(200)) {
            Some(Ok(message)) => {
                found.push(given(&message));
                last = Instant::now();
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => drop(ended.insert(partition)),
            Some(Err(error)) if advice(code(&error)).is_some() => return Err(error),
            Some(Err(_)) | None => {}
        }
    }
    Ok(found)
}

pub(super) fn given(message: &BorrowedMessage<'_>) -> (TopicPartition, GivenRecord) {
    let own = |bytes: Option<&[u8]>| bytes.map(<[u8]>::to_vec);
    let headers = message.headers().into_iter().flat_map(Headers::iter);
    let record = GivenRecord {
        offset: message.offset(),
        key: own(message.key()),
        value: own(message.payload()),
        headers: headers.map(|header| (header.key.to_owned(), own(header.value))).collect(),
        timestamp: message.timestamp().to_millis(),
    };
    (TopicPartition::new(message.topic(), message.partition()), record)
}

fn refusal(code: Code, text: &str) -> Option<(String, &'static str)> {
    Some((text.to_owned(), Refusal::of(Some(code), text)?.consumer_advice()))
}

pub(super) fn code(error: &KafkaError) -> Option<Code> {
    error.rdkafka_error_code()
}
