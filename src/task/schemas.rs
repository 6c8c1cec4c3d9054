//! Converters with the registry that their schemas are in, and the fetching of a schema that a record needs.
//!
//! A fetch belongs to one partition's pipeline, which waits for it beside its other work; what it brings is the
//! converter's, for all pipelines. What passes (an outage) is tried again as `errors.retry.timeout` says; the end of a
//! fetch is always that the converter knows the schema, or why there is none.

use super::error::At;
use super::waits::Teller;
use crate::convert::{self, Input, RegisteredConverter};
use crate::data::registered::SchemaId;
use crate::data::{self, SchemaAndValue};
use crate::kafka;
use crate::plugins::{ConverterConfig, ErrorHandling};
use crate::registry::{self, Client};
use crate::retry::Backoff;
use futures::future::BoxFuture;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// The first pause between two tries, as in Connect.
const FIRST_PAUSE: Duration = Duration::from_millis(300);
/// A converter and its registry.
#[derive(Debug)]
pub(super) struct Registered {
    converter: RegisteredConverter,
    client: Client,
    /// What stands behind the topic in the name of its subject; none when subjects are not named by topics.
    subject: Option<&'static str>,
    /// One question at a time: who waits mostly needs the same schema.
    turn: Semaphore,
    /// How long an outage is waited for (none: without end), and the longest pause between two tries.
    retry_for: Option<Duration>,
    longest_pause: Duration,
}

impl Registered {
    /// What `config`, the setting `key`, made: `converter`, with the registry that it needs.
    pub(super) fn new(
        key: &'static str,
        (config, converter): (&ConverterConfig, RegisteredConverter),
        errors: &ErrorHandling,
    ) -> Result<Arc<Self>, registry::Error> {
        let wrong =
            || registry::Error::Setup { key: key.to_owned(), reason: "it names no registry".to_owned() };
        let registry = config.registry().ok_or_else(wrong)?;
        let side = if key == "key.converter" { "key" } else { "value" };
        let by_topic = config
            .settings
            .values()
            .text(&format!("{side}.subject.name.strategy"))
            .is_none_or(|strategy| strategy.ends_with("TopicNameStrategy"));
        Ok(Arc::new(Self {
            converter,
            client: Client::new(registry)?,
            subject: by_topic.then_some(if side == "key" { "-key" } else { "-value" }),
            turn: Semaphore::new(1),
            retry_for: errors.retry_for,
            longest_pause: errors.longest_pause.max(FIRST_PAUSE),
        }))
    }

    /// The full name of its Java class.
    pub(super) fn class(&self) -> &'static str {
        self.converter.class()
    }

    /// Converts a key or a value of `record`.
    pub(super) fn convert(
        self: &Arc<Self>,
        bytes: Option<&[u8]>,
        record: &kafka::Record<'_>,
        topic: &str,
    ) -> Result<SchemaAndValue, Failure> {
        let headers = if bytes.is_some() { record.headers() } else { Vec::new() };
        let last = |name| headers.iter().rev().find(|(key, _)| *key == name).and_then(|(_, value)| *value);
        let id = last(self.converter.id_header());
        let detail = self.converter.detail_header().and_then(last);
        self.converter.convert(Input { bytes, id, detail, topic }).map_err(|failure| match failure {
            convert::Failure::Data(error) => Failure::Data(error),
            convert::Failure::NeedsSchema(id) => Failure::Needs(Needed { of: Arc::clone(self), id }),
        })
    }
}

/// Why a key or a value does not convert.
pub(super) enum Failure {
    Data(data::Error),
    /// Its schema has to be fetched first.
    Needs(Needed),
}

/// A schema that has to be fetched.
pub(super) struct Needed {
    of: Arc<Registered>,
    id: SchemaId,
}

impl fmt::Debug for Needed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Needed").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Needed {
    /// Fetches it for the record at `offset`, and tells of it while it waits. Ends when the converter knows the schema, or
    /// why it has none.
    pub(super) async fn fetch(self, at: At, offset: i64, mut teller: Teller) {
        self.work(at, offset, &mut teller).await;
        teller.ended().await;
    }

    async fn work(self, at: At, offset: i64, teller: &mut Teller) {
        let Self { of, id } = self;
        let subject = of.subject.map(|side| format!("{}{side}", at.partition.topic));
        let deadline = of.retry_for.map(|limit| Instant::now() + limit);
        let mut backoff = Backoff::new(FIRST_PAUSE, of.longest_pause, offset.cast_unsigned());
        loop {
            // The semaphore is never closed; without a turn two ask at once, and that is all.
            let turn = of.turn.acquire().await.ok();
            if of.converter.knows(id) {
                return;
            }
            let asked = Instant::now();
            let error = match of.client.schema(id, subject.as_deref()).await {
                Ok(schema) => return of.converter.learn(id, Ok(schema), None),
                Err(error) => error,
            };
            let pause = backoff.next_pause();
            let in_time = deadline.is_none_or(|deadline| Instant::now() + pause < deadline);
            if !error.is_retriable() || !in_time {
                let took = (!error.is_retriable()).then(|| asked.elapsed());
                return of.converter.learn(id, Err(as_connect_says(&error)), took);
            }
            drop(turn);
            let At { task, partition } = &at;
            tracing::debug!(%task, %partition, offset, %error, "waiting for the schema registry");
            teller.failed(1, error.to_string()).await;
            tokio::time::sleep(pause).await;
        }
    }
}

/// The same error under the name of the exception that the converters of the JVM have for it.
fn as_connect_says(error: &registry::Error) -> data::Error {
    let class = match error {
        registry::Error::Unreachable { .. } => "java.io.IOException",
        error if error.is_denied() => "org.apache.kafka.common.errors.InvalidConfigurationException",
        _ => "io.confluent.kafka.schemaregistry.client.rest.exceptions.RestClientException",
    };
    data::Error::of_class(class, error.to_string())
}

/// Ends when the schema was fetched.
pub(super) async fn fetched(fetching: Option<&mut BoxFuture<'static, ()>>) {
    match fetching {
        Some(fetching) => fetching.await,
        None => std::future::pending().await,
    }
}
