//! The Kafka of a demo: librdkafka's mock cluster inside this process, or a real one whose topics carry this run's number.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rdkafka::{mocking::MockCluster, producer::DefaultProducerContext};

use super::{args::Args, error::Error};
use crate::kafka::{self, client, create_topic, delete_topics, producer, wait_for_broker};

/// A mock broker drops the oldest records above 5 MiB per partition; an event is about 100 bytes.
const MOST_EVENTS: usize = 40_000;
/// Partitions of the storage topics as Connect makes them.
const STORAGE: [(&str, i32); 3] =
    [("my_connect_configs", 1), ("my_connect_offsets", 25), ("my_connect_statuses", 5)];
const TOPIC: &str = "storm-events";

/// A running or foreign Kafka and the names this run uses in it.
pub struct Kafka {
    /// `host:port[,host:port]`.
    pub servers: String,
    /// For people.
    pub description: String,
    /// Ends every name on a foreign Kafka, so that runs neither meet each other nor the topics of others.
    suffix: String,
    /// Held for its life: the cluster ends when it is dropped.
    embedded: Option<MockCluster<'static, DefaultProducerContext>>,
}

impl Kafka {
    /// Starts the embedded one, or checks that the real one answers.
    pub async fn start(args: &Args) -> Result<Self, Error> {
        if args.bootstrap_servers.is_empty() {
            Self::embedded(args.events)
        } else {
            Self::real(&args.bootstrap_servers).await
        }
    }

    fn embedded(events: usize) -> Result<Self, Error> {
        if events > MOST_EVENTS {
            return Err(Error::TooMany { limit: MOST_EVENTS });
        }
        let cluster = MockCluster::new(1).map_err(kafka::Error::from)?;
        for (topic, partitions) in STORAGE.into_iter().chain([(TOPIC, 1)]) {
            cluster.create_topic(topic, partitions, 1).map_err(kafka::Error::from)?;
        }
        let servers = cluster.bootstrap_servers();
        let description = format!(
            "Kafka          {servers}  (embedded: librdkafka's mock cluster, gone with this process)"
        );
        Ok(Self { servers, description, suffix: String::new(), embedded: Some(cluster) })
    }

    async fn real(servers: &str) -> Result<Self, Error> {
        let producer = producer(servers, &[])?;
        let answer = wait_for_broker(&producer, servers, Some(Duration::from_secs(15)), |_| {}).await;
        answer.map_err(|error| match error {
            kafka::Error::NoBroker { servers, seconds, reason } => Error::Part(format!(
                "no answer from Kafka within {seconds} s: {reason}; BOOTSTRAP_SERVERS is {servers}"
            )),
            other => other.into(),
        })?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let suffix = format!("-demo-{}", now.as_secs());
        create_topic(&client(servers, &[]), &format!("{TOPIC}{suffix}"), 1).await?;
        let description =
            format!("Kafka          {servers}  (yours; this run's topics and group end in {suffix})");
        Ok(Self { servers: servers.to_owned(), description, suffix, embedded: None })
    }

    /// The topic to produce to, when it is not the one of the configuration file.
    pub fn topic(&self) -> Option<String> {
        self.embedded.is_none().then(|| self.name(TOPIC))
    }

    /// A name of the lab as this run uses it.
    pub fn name(&self, name: &str) -> String {
        format!("{name}{}", self.suffix)
    }

    /// Takes this run's topics off a foreign Kafka; what could not be taken off is told, not failed on.
    pub async fn clean_up(&self) -> Option<String> {
        if self.embedded.is_some() {
            return None;
        }
        let names: Vec<String> =
            STORAGE.iter().map(|(topic, _)| self.name(topic)).chain([self.name(TOPIC)]).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        match delete_topics(&self.servers, &[], &names).await {
            Ok(left) if left.is_empty() => None,
            Ok(left) => Some(format!("topics left on {}: {}", self.servers, left.join(", "))),
            Err(error) => {
                Some(format!("topics ending in {} are left on {}: {error}", self.suffix, self.servers))
            }
        }
    }
}
