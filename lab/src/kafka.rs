//! The lab's way into Kafka: client settings, the wait for a broker, topics, and a pipelined sender.
//!
//! Owns one producer per sender. It never blocks the async runtime: librdkafka's blocking calls run on the blocking pool.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use rdkafka::{
    ClientConfig,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    error::{KafkaError, RDKafkaErrorCode},
    producer::{DeliveryFuture, FutureProducer, FutureRecord, Producer, future_producer::Delivery},
    util::Timeout,
};

/// How long one metadata request may take before the broker counts as not there yet.
const METADATA_TIMEOUT: Duration = Duration::from_secs(5);
/// Records under way at once: enough to keep full batches flowing, small beside librdkafka's own queue of 100,000.
const IN_FLIGHT: usize = 20_000;

/// What went wrong between the lab and Kafka.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// librdkafka refused a setting or a call.
    #[error("Kafka: {0}")]
    Kafka(#[from] KafkaError),
    /// A topic could not be created.
    #[error("Kafka: topic {topic}: {reason}")]
    Topic {
        /// The topic.
        topic: String,
        /// What the broker said.
        reason: String,
    },
    /// No broker answered in the time given.
    #[error(
        "no answer from Kafka at {servers} within {seconds} s: {reason}; is KAFKA_BOOTSTRAP_SERVER right?"
    )]
    NoBroker {
        /// The bootstrap servers asked.
        servers: String,
        /// How long.
        seconds: u64,
        /// The last error seen.
        reason: String,
    },
    /// A background call was lost: the runtime is going down.
    #[error("Kafka: {0}")]
    Runtime(#[from] tokio::task::JoinError),
    /// A record got no answer: the producer was closed under it.
    #[error("Kafka: a record was dropped without an answer")]
    Dropped,
}

/// One `key=value` for librdkafka, as kcat's `-X` takes it.
pub type Setting = (String, String);

/// Reads `key=value`.
pub fn parse_setting(text: &str) -> Result<Setting, String> {
    let (key, value) = text.split_once('=').ok_or_else(|| format!("{text} is not key=value"))?;
    Ok((key.trim().to_owned(), value.trim().to_owned()))
}

/// Settings every client of the lab starts from; `settings` win.
pub fn client(servers: &str, settings: &[Setting]) -> ClientConfig {
    let mut config = ClientConfig::new();
    // Errors are reported by the calls that meet them; librdkafka's own lines would only repeat them.
    config.set("bootstrap.servers", servers).set("client.id", "kusto-connect-lab").set("log_level", "0");
    config.set("enable.metrics.push", "false");
    for (key, value) in settings {
        config.set(key, value);
    }
    config
}

/// A producer that neither loses nor doubles a record by its own retries.
pub fn producer(servers: &str, settings: &[Setting]) -> Result<FutureProducer, Error> {
    let mut config = client(servers, &[]);
    config.set("enable.idempotence", "true").set("linger.ms", "5").set("compression.type", "lz4");
    config.set("queue.buffering.max.kbytes", "65536");
    for (key, value) in settings {
        config.set(key, value);
    }
    Ok(config.create()?)
}

/// Waits until a broker answers, telling `progress` what it waits for after each failed try. `limit`: `None` waits for ever.
pub async fn wait_for_broker(
    producer: &FutureProducer,
    servers: &str,
    limit: Option<Duration>,
    mut progress: impl FnMut(&str),
) -> Result<(), Error> {
    let started = tokio::time::Instant::now();
    loop {
        let client = producer.clone();
        let answer = tokio::task::spawn_blocking(move || {
            client.client().fetch_metadata(None, METADATA_TIMEOUT).map(drop)
        })
        .await?;
        let Err(error) = answer else { return Ok(()) };
        let reason = error.rdkafka_error_code().map_or_else(|| error.to_string(), |code| code.to_string());
        if let Some(limit) = limit.filter(|limit| started.elapsed() >= *limit) {
            return Err(Error::NoBroker { servers: servers.to_owned(), seconds: limit.as_secs(), reason });
        }
        progress(&format!("waiting for Kafka at {servers}: {reason}"));
        // A refused connection comes back at once; librdkafka itself tries again behind our back.
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// The number of partitions `topic` has, 0 when it does not exist.
pub async fn partitions(producer: &FutureProducer, topic: &str) -> Result<usize, Error> {
    let (client, topic) = (producer.clone(), topic.to_owned());
    tokio::task::spawn_blocking(move || {
        // All topics are asked for: asking for one by name would make the broker create it.
        let metadata = client.client().fetch_metadata(None, METADATA_TIMEOUT)?;
        Ok(metadata.topics().iter().find(|t| t.name() == topic).map_or(0, |t| t.partitions().len()))
    })
    .await?
}

/// Creates `topic` with the broker's own replication; one that exists is left as it is.
pub async fn create_topic(admin: &ClientConfig, topic: &str, partitions: i32) -> Result<(), Error> {
    let admin: AdminClient<DefaultClientContext> = admin.create()?;
    let new = NewTopic::new(topic, partitions, TopicReplication::Fixed(-1));
    let results = admin
        .create_topics([&new], &AdminOptions::new().operation_timeout(Some(Timeout::After(METADATA_TIMEOUT))))
        .await?;
    match results.into_iter().next() {
        Some(Err((_, code))) if code != RDKafkaErrorCode::TopicAlreadyExists => {
            Err(Error::Topic { topic: topic.to_owned(), reason: code.to_string() })
        }
        _ => Ok(()),
    }
}

/// Deletes those of `topics` that exist and gives back the names that are still there at the end.
///
/// A broker that creates topics by itself may do so once more for the last request of a client that has just ended: hence the second
/// look, and a third.
pub async fn delete_topics(
    servers: &str,
    settings: &[Setting],
    topics: &[&str],
) -> Result<Vec<String>, Error> {
    let admin: AdminClient<DefaultClientContext> = client(servers, settings).create()?;
    let options = AdminOptions::new().operation_timeout(Some(Timeout::After(METADATA_TIMEOUT)));
    let mut left = existing(&admin, topics)?;
    for _ in 0..3 {
        if left.is_empty() {
            break;
        }
        let names: Vec<&str> = left.iter().map(String::as_str).collect();
        admin.delete_topics(&names, &options).await?;
        tokio::time::sleep(Duration::from_millis(500)).await;
        left = existing(&admin, topics)?;
    }
    Ok(left)
}

fn existing(admin: &AdminClient<DefaultClientContext>, topics: &[&str]) -> Result<Vec<String>, Error> {
    let metadata = admin.inner().fetch_metadata(None, METADATA_TIMEOUT)?;
    let names = metadata.topics().iter().map(|topic| topic.name().to_owned());
    Ok(names.filter(|name| topics.contains(&name.as_str())).collect())
}

/// How many consumer groups that begin with `prefix` are stable: all members have joined and know their partitions.
pub async fn stable_groups(servers: &str, prefix: String) -> Result<usize, Error> {
    let admin: AdminClient<DefaultClientContext> = client(servers, &[]).create()?;
    tokio::task::spawn_blocking(move || {
        let groups = admin.inner().fetch_group_list(None, METADATA_TIMEOUT)?;
        let stable = |name: &str, state: &str| name.starts_with(&prefix) && state == "Stable";
        Ok(groups.groups().iter().filter(|group| stable(group.name(), group.state())).count())
    })
    .await?
}

/// Sends values without keys and hands back each broker's answer in the order of sending.
pub struct Sender {
    producer: FutureProducer,
    topic: Arc<str>,
    partition: Option<i32>,
    in_flight: VecDeque<DeliveryFuture>,
}

impl Sender {
    /// A sender to one topic.
    pub fn new(producer: FutureProducer, topic: &str) -> Self {
        Self { producer, topic: topic.into(), partition: None, in_flight: VecDeque::new() }
    }

    /// The same into one partition.
    pub fn only_to(mut self, partition: i32) -> Self {
        self.partition = Some(partition);
        self
    }

    /// Queues one value; false when there is no room before an answer is taken. Never waits.
    pub fn try_send(&mut self, value: &[u8]) -> Result<bool, Error> {
        if self.in_flight.len() >= IN_FLIGHT {
            return Ok(false);
        }
        let mut record = FutureRecord::<(), [u8]>::to(&self.topic).payload(value);
        record.partition = self.partition;
        match self.producer.send_result(record) {
            Ok(delivery) => {
                self.in_flight.push_back(delivery);
                Ok(true)
            }
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _))
                if !self.in_flight.is_empty() =>
            {
                Ok(false)
            }
            Err((error, _)) => Err(error.into()),
        }
    }

    /// Waits for the oldest record still without an answer; `None` when all are answered.
    pub async fn next_answer(&mut self) -> Result<Option<Delivery>, Error> {
        let Some(oldest) = self.in_flight.front_mut() else { return Ok(None) };
        // Taken out only when answered: a caller that stops waiting loses no answer.
        let answer = oldest.await;
        self.in_flight.pop_front();
        match answer {
            Ok(Ok(delivery)) => Ok(Some(delivery)),
            Ok(Err((error, _))) => Err(error.into()),
            Err(_canceled) => Err(Error::Dropped),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_key_equals_value() {
        assert_eq!(parse_setting("sasl.password = a=b"), Ok(("sasl.password".to_owned(), "a=b".to_owned())));
        assert!(parse_setting("nothing").unwrap_err().contains("nothing"));
    }

    #[tokio::test]
    async fn a_broker_that_is_not_there_is_named() {
        let producer = producer("127.0.0.1:1", &[]).unwrap();
        let mut lines = Vec::new();
        let error = wait_for_broker(&producer, "127.0.0.1:1", Some(Duration::ZERO), |line| {
            lines.push(line.to_owned());
        })
        .await
        .unwrap_err();
        assert!(error.to_string().contains("127.0.0.1:1"), "{error}");
        assert!(error.to_string().contains("KAFKA_BOOTSTRAP_SERVER"), "{error}");
        assert!(lines.is_empty());
    }
}
