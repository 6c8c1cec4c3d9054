//! Converters with the registry that their schemas are in, and the fetching of a schema that a record needs.
//!
//! A fetch belongs to one partition's pipeline, which waits for it beside its other work; what it brings is the
//! converter's, for all pipelines. What passes (an outage) is tried again as `errors.retry.timeout` says; the end of a
//! fetch is always that the converter knows the schema, or why there is none.

use super::at::At;
use super::wait_reporter::WaitReporter;
use crate::convert::{ConvertFailure, Input, RegisteredConverter};
use crate::data::registered::{Registered, SchemaId};
use crate::data::{self, SchemaAndValue};
use crate::kafka;
use crate::plugins::{ConverterConfig, ErrorHandling};
use crate::registry::{self, Client};
use crate::retry::Backoff;
use async_trait::async_trait;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// The first pause between two tries, as in Connect.
const FIRST_PAUSE: Duration = Duration::from_millis(300);

/// Where schemas are asked for: a registry, or a list in tests.
#[async_trait]
pub(super) trait SchemaSource: Send + Sync {
    /// The schema `id`; `subject` is what it is probably registered under.
    async fn schema(&self, id: SchemaId, subject: Option<&str>) -> Result<Registered, registry::Error>;
}

#[async_trait]
impl SchemaSource for Client {
    async fn schema(&self, id: SchemaId, subject: Option<&str>) -> Result<Registered, registry::Error> {
        self.schema(id, subject).await
    }
}

/// A converter and its registry.
pub(super) struct RegistryConverter {
    converter: RegisteredConverter,
    schemas: Box<dyn SchemaSource>,
    /// What stands behind the topic in the name of its subject; none when subjects are not named by topics.
    subject: Option<&'static str>,
    /// One question at a time: who waits mostly needs the same schema.
    turn: Semaphore,
    /// How long an outage is waited for (none: without end), and the longest pause between two tries.
    retry_for: Option<Duration>,
    longest_pause: Duration,
}

impl RegistryConverter {
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
            schemas: Box::new(Client::new(registry)?),
            subject: by_topic.then_some(if side == "key" { "-key" } else { "-value" }),
            turn: Semaphore::new(1),
            retry_for: errors.retry_for,
            longest_pause: errors.longest_pause.max(FIRST_PAUSE),
        }))
    }

    /// The same with schemas of a test.
    #[cfg(test)]
    pub(super) fn set_schemas(&mut self, schemas: impl SchemaSource + 'static) {
        self.schemas = Box::new(schemas);
    }

    /// The full name of its Java class.
    pub(super) fn class(&self) -> &'static str {
        self.converter.class()
    }

    /// Converts a key or a value of `record`.
    pub(super) fn convert(
        &self,
        bytes: Option<&[u8]>,
        record: &kafka::ConsumedRecord<'_>,
        topic: &str,
    ) -> Result<SchemaAndValue, ConvertFailure> {
        let headers = if bytes.is_some() { record.headers() } else { Vec::new() };
        let last = |name| headers.iter().rev().find(|(key, _)| *key == name).and_then(|(_, value)| *value);
        let id = last(self.converter.id_header());
        let detail = self.converter.detail_header().and_then(last);
        self.converter.convert(Input { bytes, id, detail, topic })
    }
}

/// A schema that has to be fetched before a record can be converted.
pub struct MissingSchema {
    of: Arc<RegistryConverter>,
    id: SchemaId,
}

impl fmt::Debug for MissingSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MissingSchema").field("id", &self.id).finish_non_exhaustive()
    }
}

impl MissingSchema {
    pub(super) fn new(of: &Arc<RegistryConverter>, id: SchemaId) -> Self {
        Self { of: Arc::clone(of), id }
    }

    /// Asks for it once, for a record of `topic`. The converter knows the schema then, or why it has none.
    pub(super) async fn fetch_once(self, topic: &str) {
        let Self { of, id } = self;
        let subject = of.subject.map(|side| format!("{topic}{side}"));
        match of.schemas.schema(id, subject.as_deref()).await {
            Ok(schema) => of.converter.learn(id, Ok(schema), None),
            Err(error) => of.converter.learn(id, Err(as_connect_says(&error)), None),
        }
    }

    /// Fetches it for the record at `offset`, and reports while it waits. Ends when the converter knows the schema, or why
    /// it has none.
    pub(super) async fn fetch(self, at: At, offset: i64, mut reporter: WaitReporter) {
        self.work(at, offset, &mut reporter).await;
        reporter.ended().await;
    }

    async fn work(self, at: At, offset: i64, reporter: &mut WaitReporter) {
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
            let error = match of.schemas.schema(id, subject.as_deref()).await {
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
            reporter.failed(1, error.brief(), error.to_string()).await;
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

#[cfg(test)]
#[path = "registry_converter_tests.rs"]
mod tests;
