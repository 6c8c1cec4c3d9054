//! The producer of a connector's dead-letter topic (`connect-runtime.md` §4.1, §5): makes the topic when it is missing,
//! and sends records, each of which says when it is safely there.
//!
//! What is sent, and why, is the caller's business. A letter is tried again until Kafka takes it or refuses it for good;
//! one that is too large goes in parts (`post`).

mod letter;
mod post;

use super::admin::Admin;
use super::{Error, settings, statistics};
use crate::config::{WorkerConfig, files};
use crate::configdef::Properties;
use crate::metrics::{ClientRole, Metrics};
use futures::FutureExt;
use futures::future::BoxFuture;
pub use letter::{DeadLetter, DeadLetterQueue};
use post::Post;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminOptions, NewTopic, TopicReplication};
use rdkafka::error::RDKafkaErrorCode;
use std::sync::Arc;

/// Where dead letters go, and by which clients.
pub struct DeadLetterTopic {
    /// The connector.
    pub connector: Arc<str>,
    /// The topic.
    pub topic: String,
    /// Who sends them.
    pub clients: DeadLetterClients,
}

/// The clients of a dead-letter topic.
pub enum DeadLetterClients {
    /// Connect's: in the worker's cluster. The topic must be there, or be made.
    OfWorker {
        /// `producer.override.*` without the prefix.
        producer: Properties,
        /// `admin.override.*` without the prefix.
        admin: Properties,
    },
    /// The sink's: all of it is said by keys of its own. The topic is made if that can be done; if not, the brokers may
    /// do so when it is written to.
    Own {
        /// What stands before these keys.
        prefix: &'static str,
        /// `bootstrap.servers` and whatever else a producer takes.
        properties: Properties,
    },
}

impl DeadLetterClients {
    /// Only these are told of: the sink's own may be called alike, and write to another cluster.
    fn is_of_worker(&self) -> bool {
        matches!(self, Self::OfWorker { .. })
    }
}

/// The settings of both clients.
struct Clients {
    admin: ClientConfig,
    producer: ClientConfig,
}

impl DeadLetterTopic {
    /// Reads key stores, and so belongs on a thread that may wait for the disk.
    fn clients(&self, worker: &WorkerConfig) -> Result<Clients, Error> {
        let admin_id = format!("connector-dlq-adminclient-{}", self.connector);
        let producer_id = format!("connector-dlq-producer-{}", self.connector);
        Ok(match &self.clients {
            DeadLetterClients::OfWorker { producer, admin } => Clients {
                admin: settings::admin(worker, &admin_id, admin)?,
                producer: settings::producer(worker, &producer_id, producer)?,
            },
            DeadLetterClients::Own { prefix, properties } => Clients {
                admin: settings::own(worker, &admin_id, prefix, properties)?,
                producer: settings::own(worker, &producer_id, prefix, properties)?,
            },
        })
    }

    /// Who makes the topic, and who writes to it, for a look before a start.
    pub async fn look(self, worker: &Arc<WorkerConfig>) -> Result<(Admin, Admin), Error> {
        let worker = Arc::clone(worker);
        files::beside(move || {
            let Clients { admin, producer } = self.clients(&worker)?;
            Ok((Admin::with(admin, &worker)?, Admin::with(producer, &worker)?))
        })
        .await
    }

    /// The settings of a client that reads what its producer has written.
    pub(super) fn reader(&self, worker: &WorkerConfig) -> Result<ClientConfig, Error> {
        Ok(self.clients(worker)?.producer)
    }

    /// The setting that names the topic.
    fn key(&self) -> String {
        match &self.clients {
            DeadLetterClients::OfWorker { .. } => "errors.deadletterqueue.topic.name".to_owned(),
            DeadLetterClients::Own { prefix, .. } => format!("{prefix}topic.name"),
        }
    }

    /// The settings that make the clients and the topic, for messages.
    fn settings(&self) -> String {
        match &self.clients {
            DeadLetterClients::OfWorker { .. } => {
                "errors.deadletterqueue.topic.name and producer.override.*".to_owned()
            }
            DeadLetterClients::Own { prefix, .. } => format!("{prefix}*"),
        }
    }
}

/// The producer.
pub struct DeadLetterProducer {
    post: Arc<Post>,
}

impl DeadLetterProducer {
    /// Makes sure that the topic exists, with that replication factor if it has to be made, and opens the producer, which tells
    /// `metrics` of its connections.
    pub async fn open(
        worker: &Arc<WorkerConfig>,
        to: DeadLetterTopic,
        replication_factor: i16,
        metrics: &Metrics,
    ) -> Result<Self, Error> {
        if let Some(reason) = worker.objection_to_letters(&to.topic) {
            return Err(Error::Setting { key: to.key(), reason });
        }
        let of_worker = Arc::clone(worker);
        let (to, clients) = files::beside(move || {
            let clients = to.clients(&of_worker);
            (to, clients)
        })
        .await;
        let Clients { admin, mut producer } = clients?;
        match (make_topic(admin, worker, &to, replication_factor).await, &to.clients) {
            (Err(error), DeadLetterClients::Own { .. }) => {
                tracing::warn!(connector = %to.connector, topic = to.topic, %error, "the dead-letter topic was not looked for");
            }
            (made, _) => made?,
        }
        settings::limit_by_the_broker(&mut producer);
        statistics::ask(&mut producer, worker.metrics.clients);
        let counts = to.clients.is_of_worker().then(|| {
            metrics.client(ClientRole::Producer, producer.get("client.id").unwrap_or(&to.connector))
        });
        let post = Post::open(producer, &to.topic, to.settings(), counts)?;
        Ok(Self { post: Arc::new(post) })
    }
}

impl DeadLetterQueue for DeadLetterProducer {
    fn send(&self, letter: DeadLetter<'_>) -> BoxFuture<'static, Result<(), Error>> {
        self.post.clone().send(letter).boxed()
    }
}

async fn make_topic(
    admin: ClientConfig,
    worker: &WorkerConfig,
    to: &DeadLetterTopic,
    replication_factor: i16,
) -> Result<(), Error> {
    let admin = Admin::with(admin, worker)?;
    if admin.find(&to.topic).await?.is_some() {
        return Ok(());
    }
    let refused = |reason: String| {
        Error::StorageTopic(format!(
            "Could not initialize dead letter queue with topic={}: {reason}; check \
             errors.deadletterqueue.topic.replication.factor",
            to.topic
        ))
    };
    let new = NewTopic::new(&to.topic, 1, TopicReplication::Fixed(i32::from(replication_factor)));
    let answers = admin.client().create_topics(&[new], &AdminOptions::new()).await;
    match answers.map_err(|error| refused(error.to_string()))?.pop() {
        Some(Err((_, code))) if code != RDKafkaErrorCode::TopicAlreadyExists => {
            Err(refused(code.to_string()))
        }
        _ => {
            tracing::info!(connector = %to.connector, topic = to.topic, "created the dead-letter topic");
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{DeadLetterClients, DeadLetterProducer, DeadLetterTopic};
    use crate::config::fixtures;
    use crate::configdef::Properties;
    use crate::kafka::Error;
    use crate::metrics::Metrics;
    use std::sync::Arc;

    /// Both kinds of clients, with these properties, and what their keys begin with.
    fn kinds(properties: &Properties) -> [(DeadLetterClients, &'static str); 2] {
        let properties = || properties.clone();
        let of_worker = DeadLetterClients::OfWorker { producer: properties(), admin: Properties::new() };
        let prefix = "misc.deadletterqueue.";
        let own = DeadLetterClients::Own { prefix, properties: properties() };
        [(of_worker, "errors.deadletterqueue."), (own, prefix)]
    }

    async fn error_of(topic: &str, clients: DeadLetterClients) -> Error {
        let to = DeadLetterTopic { connector: "x".into(), topic: topic.to_owned(), clients };
        let worker = Arc::new(fixtures::worker(&[]));
        DeadLetterProducer::open(&worker, to, 1, &Metrics::default()).await.err().unwrap()
    }

    #[tokio::test]
    async fn a_topic_that_holds_state_is_refused_before_anybody_is_asked() {
        for topic in ["c", "o", "__consumer_offsets"] {
            for (clients, prefix) in kinds(&Properties::new()) {
                let error = error_of(topic, clients).await;
                let is_said =
                    matches!(&error, Error::Setting { key, .. } if *key == format!("{prefix}topic.name"));
                assert!(is_said, "{topic}: {error}");
            }
        }
    }

    /// A key store is a file: a disk that does not answer must not hold up who else is on this thread.
    #[test]
    fn key_stores_are_read_beside_the_async_threads() {
        let store = [
            ("bootstrap.servers", "127.0.0.1:9"),
            ("security.protocol", "SSL"),
            ("ssl.truststore.location", "/nowhere/store.p12"),
            ("ssl.truststore.type", "PKCS12"),
        ];
        let store = store.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_all().max_blocking_threads(1);
        let work = async {
            for (clients, prefix) in kinds(&store) {
                // The only thread for such work is busy until it is let go: what is read before is read on this one.
                let (let_go, busy) = std::sync::mpsc::channel::<()>();
                let holder = tokio::task::spawn_blocking(move || busy.recv());
                let mut opened = Box::pin(error_of("dead", clients));
                assert!(futures::poll!(&mut opened).is_pending(), "{prefix}: read on the thread that polls");
                drop(let_go);
                assert!(holder.await.unwrap().is_err(), "it was let go");
                let error = opened.await.to_string();
                assert!(error.contains("ssl.truststore.location"), "{prefix}: {error}");
            }
        };
        runtime.build().unwrap().block_on(work);
    }
}
