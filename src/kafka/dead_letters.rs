//! The producer of a connector's dead-letter topic (`connect-runtime.md` §4.1, §5): makes the topic when it is missing,
//! and sends records, each of which says when it is safely there.
//!
//! What is sent, and why, is the caller's business. A letter is tried again until Kafka takes it or refuses it for good;
//! one that is too large goes in parts (`post`).

mod post;

use super::admin::Admin;
use super::{Error, settings};
use crate::config::{Properties, WorkerConfig};
use crate::id::TopicPartition;
use futures::FutureExt;
use futures::future::BoxFuture;
use post::Post;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminOptions, NewTopic, TopicReplication};
use rdkafka::error::RDKafkaErrorCode;
use std::sync::Arc;

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

    /// The setting that names the topic.
    fn topic_key(self) -> String {
        match self {
            Self::OfWorker { .. } => "errors.deadletterqueue.topic.name".to_owned(),
            Self::Own { prefix, .. } => format!("{prefix}topic.name"),
        }
    }

    fn producer(self, worker: &WorkerConfig, connector: &str) -> Result<ClientConfig, Error> {
        let client_id = format!("connector-dlq-producer-{connector}");
        match self {
            Self::OfWorker { producer, .. } => settings::producer(worker, &client_id, producer),
            Self::Own { prefix, properties } => settings::own(worker, &client_id, prefix, properties),
        }
    }

    /// The settings that make these clients and their topic, for messages.
    fn settings(self) -> String {
        match self {
            Self::OfWorker { .. } => "errors.deadletterqueue.topic.name and producer.override.*".to_owned(),
            Self::Own { prefix, .. } => format!("{prefix}*"),
        }
    }
}

/// A record for the topic.
#[derive(Debug, Clone, Copy)]
pub struct Letter<'a> {
    /// The key's bytes.
    pub key: Option<&'a [u8]>,
    /// The value's bytes.
    pub value: Option<&'a [u8]>,
    /// The record's own headers, in order.
    pub headers: &'a [(&'a str, Option<&'a [u8]>)],
    /// Headers that say what happened to it, behind its own.
    pub context: &'a [(&'a str, Option<&'a [u8]>)],
    /// Milliseconds since the epoch.
    pub timestamp: Option<i64>,
    /// Where the record is.
    pub origin: (&'a TopicPartition, i64),
}

/// The producer.
pub struct DeadLetterProducer {
    post: Arc<Post>,
}

impl DeadLetterProducer {
    /// Makes sure that the topic exists, with that replication factor if it has to be made, and opens the producer.
    pub async fn open(
        worker: &WorkerConfig,
        to: DeadLetterTopic<'_>,
        replication_factor: i16,
    ) -> Result<Self, Error> {
        if let Some(reason) = worker.objection_to_letters(to.topic) {
            return Err(Error::Setting { key: to.clients.topic_key(), reason });
        }
        match (make_topic(worker, to, replication_factor).await, to.clients) {
            (Err(error), DeadLetterClients::Own { .. }) => {
                tracing::warn!(connector = to.connector, topic = to.topic, %error, "the dead-letter topic was not looked for");
            }
            (made, _) => made?,
        }
        let mut config = to.clients.producer(worker, to.connector)?;
        settings::limit_by_the_broker(&mut config);
        let post = Post::open(config, to.topic, to.clients.settings())?;
        Ok(Self { post: Arc::new(post) })
    }
}

/// Takes letters for one topic.
pub trait LetterBox: Send + Sync {
    /// Sends a letter; what comes back ends when all replicas in sync have it, or what its topic takes of it.
    fn send(&self, letter: Letter<'_>) -> BoxFuture<'static, Result<(), Error>>;
}

impl LetterBox for DeadLetterProducer {
    fn send(&self, letter: Letter<'_>) -> BoxFuture<'static, Result<(), Error>> {
        self.post.clone().send(letter).boxed()
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

#[cfg(test)]
mod tests {
    use super::{DeadLetterClients, DeadLetterProducer, DeadLetterTopic};
    use crate::config::{Properties, WorkerConfig};
    use crate::kafka::Error;

    #[tokio::test]
    async fn a_topic_that_holds_state_is_refused_before_anybody_is_asked() {
        let env = [("CONFIG_STORAGE_TOPIC", "c"), ("OFFSET_STORAGE_TOPIC", "o"), ("GROUP_ID", "g")];
        let env = env.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let worker = WorkerConfig::load(None, env).unwrap();
        let none = Properties::new();
        let clients = [
            (DeadLetterClients::OfWorker { producer: &none, admin: &none }, "errors.deadletterqueue."),
            (
                DeadLetterClients::Own { prefix: "misc.deadletterqueue.", properties: &none },
                "misc.deadletterqueue.",
            ),
        ];
        for (clients, prefix) in clients {
            for topic in ["c", "o", "__consumer_offsets"] {
                let to = DeadLetterTopic { connector: "x", topic, clients };
                let error = DeadLetterProducer::open(&worker, to, 1).await.err().unwrap();
                let is_said =
                    matches!(&error, Error::Setting { key, .. } if *key == format!("{prefix}topic.name"));
                assert!(is_said, "{topic}: {error}");
            }
        }
    }
}
