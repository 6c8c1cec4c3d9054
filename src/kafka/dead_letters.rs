//! The producer of a connector's dead-letter topic (`connect-runtime.md` §4.1, §5): makes the topic when it is missing,
//! and sends records, each of which says when it is safely there.
//!
//! What is sent, and why, is the caller's business. A letter is tried again until Kafka takes it or refuses it for good.

use super::admin::Admin;
use super::writer::{Outgoing, Writer};
use super::{Error, settings};
use crate::config::{Properties, WorkerConfig};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminOptions, NewTopic, TopicReplication};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::message::{Header, OwnedHeaders};

/// Where dead letters go, and by which clients.
#[derive(Clone, Copy)]
pub struct DeadLetterTopic<'a> {
    /// The connector.
    pub connector: &'a str,
    /// The topic.
    pub topic: &'a str,
    /// Who sends them.
    pub clients: DeadLetterClients<'a>,
}

/// The clients of a dead-letter topic.
#[derive(Clone, Copy)]
pub enum DeadLetterClients<'a> {
    /// Connect's: in the worker's cluster. The topic must be there, or be made.
    OfWorker {
        /// `producer.override.*` without the prefix.
        producer: &'a Properties,
        /// `admin.override.*` without the prefix.
        admin: &'a Properties,
    },
    /// The sink's: all of it is said by keys of its own. The topic is made if that can be done; if not, the brokers may
    /// do so when it is written to.
    Own {
        /// What stands before these keys.
        prefix: &'a str,
        /// `bootstrap.servers` and whatever else a producer takes.
        properties: &'a Properties,
    },
}

impl DeadLetterClients<'_> {
    fn admin(self, worker: &WorkerConfig, connector: &str) -> Result<ClientConfig, Error> {
        let client_id = format!("connector-dlq-adminclient-{connector}");
        match self {
            Self::OfWorker { admin, .. } => settings::admin(worker, &client_id, admin),
            Self::Own { prefix, properties } => settings::own(worker, &client_id, prefix, properties),
        }
    }

    fn producer(self, worker: &WorkerConfig, connector: &str) -> Result<ClientConfig, Error> {
        let client_id = format!("connector-dlq-producer-{connector}");
        let mut config = match self {
            Self::OfWorker { producer, .. } => settings::producer(worker, connector, producer)?,
            Self::Own { prefix, properties } => settings::own(worker, &client_id, prefix, properties)?,
        };
        config.set("client.id", client_id);
        Ok(config)
    }
}

/// A record for the topic.
#[derive(Debug, Clone, Copy)]
pub struct Letter<'a> {
    /// The key's bytes.
    pub key: Option<&'a [u8]>,
    /// The value's bytes.
    pub value: Option<&'a [u8]>,
    /// The headers, in order.
    pub headers: &'a [(&'a str, Option<&'a [u8]>)],
    /// Milliseconds since the epoch.
    pub timestamp: Option<i64>,
}

/// The producer.
pub struct DeadLetterProducer {
    writer: Writer,
    topic: String,
}

impl DeadLetterProducer {
    /// Makes sure that the topic exists, with that replication factor if it has to be made, and opens the producer.
    pub async fn open(
        worker: &WorkerConfig,
        to: DeadLetterTopic<'_>,
        replication_factor: i16,
    ) -> Result<Self, Error> {
        match (make_topic(worker, to, replication_factor).await, to.clients) {
            (Err(error), DeadLetterClients::Own { .. }) => {
                tracing::warn!(connector = to.connector, topic = to.topic, %error, "the dead-letter topic was not looked for");
            }
            (made, _) => made?,
        }
        let mut config = to.clients.producer(worker, to.connector)?;
        // As Connect has it, unless somebody wants it otherwise; and a letter is never given up.
        for (key, value) in [
            ("acks", "all"),
            ("max.in.flight.requests.per.connection", "1"),
            ("enable.idempotence", "false"),
            ("message.timeout.ms", "0"),
            ("partitioner", "murmur2_random"),
            // How many may wait is bounded by the pipelines: a few takes of records for each partition.
            ("queue.buffering.max.messages", "0"),
        ] {
            if config.get(key).is_none() {
                config.set(key, value);
            }
        }
        let bootstrap = config.get("bootstrap.servers").unwrap_or_default().to_owned();
        let writer = Writer::new(&config).map_err(|source| Error::Client { bootstrap, source })?;
        Ok(Self { writer, topic: to.topic.to_owned() })
    }

    /// Sends a letter; what comes back ends when all replicas in sync have it.
    pub fn send(
        &self,
        letter: Letter<'_>,
    ) -> Result<impl Future<Output = Result<(), Error>> + Send + use<>, Error> {
        let topic = self.topic.clone();
        let error = move |source| Error::DeadLetter { topic: topic.clone(), source };
        let headers = OwnedHeaders::new_with_capacity(letter.headers.len());
        let headers = letter
            .headers
            .iter()
            .fold(headers, |all, (key, value)| all.insert(Header { key, value: *value }));
        let sent = self.writer.send(Outgoing {
            topic: &self.topic,
            key: letter.key,
            value: letter.value,
            headers: Some(headers),
            timestamp: letter.timestamp,
            partition: None,
        });
        let delivered = sent.map_err(&error)?;
        Ok(async move { delivered.await.map(drop).map_err(error) })
    }
}

async fn make_topic(
    worker: &WorkerConfig,
    to: DeadLetterTopic<'_>,
    replication_factor: i16,
) -> Result<(), Error> {
    let admin = Admin::with(to.clients.admin(worker, to.connector)?, worker)?;
    if admin.find(to.topic).await?.is_some() {
        return Ok(());
    }
    let refused = |reason: String| {
        Error::StorageTopic(format!(
            "Could not initialize dead letter queue with topic={}: {reason}; check \
             errors.deadletterqueue.topic.replication.factor",
            to.topic
        ))
    };
    let new = NewTopic::new(to.topic, 1, TopicReplication::Fixed(i32::from(replication_factor)));
    let answers = admin.client().create_topics(&[new], &AdminOptions::new()).await;
    match answers.map_err(|error| refused(error.to_string()))?.pop() {
        Some(Err((_, code))) if code != RDKafkaErrorCode::TopicAlreadyExists => {
            Err(refused(code.to_string()))
        }
        _ => {
            tracing::info!(connector = to.connector, topic = to.topic, "created the dead-letter topic");
            Ok(())
        }
    }
}
