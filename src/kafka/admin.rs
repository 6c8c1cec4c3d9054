//! Storage topics: made when they are missing, checked when they are not (`connect-runtime.md` §2.3).
//!
//! The topic is looked up before it is created, and looked up by a client that never makes topics by asking, so a
//! broker with automatic creation does not give us one that is not compacted. Brokers that cannot create or describe
//! topics, or will not let us, are taken at their word: the topic is then assumed to be right, as Connect does.

use super::advertised;
use super::blocking::blocking;
use super::create::create;
use super::groups::GroupDescription;
use super::log_context::LogContext;
use super::native::errors;
use super::oauth::{self, Keeper};
use super::refusal::Refusal;
use super::storage_topic::usable_partitions;
use super::{Error, settings, unreachable};
use crate::config::WorkerConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::config::ClientConfig;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::metadata::MetadataBroker;
use rdkafka::producer::{BaseProducer, DefaultProducerContext, Producer};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

pub use super::storage_topic::StorageTopicSpec;

/// One question to the brokers.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// So long one question waits before it is looked what the library has heard meanwhile.
const SLICE: Duration = Duration::from_millis(2_500);
/// How long a new topic may take to get its leaders (§2.3).
const METADATA_TIMEOUT: Duration = Duration::from_secs(30);
/// Between two looks at a topic that is not ready.
const METADATA_PAUSE: Duration = Duration::from_millis(100);

/// A client for storage topics, for the time of a start.
pub struct Admin {
    client: Arc<AdminClient<LogContext>>,
    _tokens: Keeper,
    config: ClientConfig,
    bootstrap: String,
}

/// What the brokers say about a topic, and one of them to ask further.
struct Answer {
    broker: i32,
    topic: Topic,
}

enum Topic {
    Missing,
    Partitions(usize),
    NotReady,
}

impl Admin {
    /// A client with the worker's top-level Kafka settings.
    pub fn new(worker: &WorkerConfig) -> Result<Self, Error> {
        Self::with(settings::storage(worker, "shared-admin")?, worker)
    }

    /// A client with these settings.
    pub(super) fn with(mut config: ClientConfig, worker: &WorkerConfig) -> Result<Self, Error> {
        config.set("allow.auto.create.topics", "false");
        let mut own = config.clone();
        let source = oauth::take(&mut own);
        let bootstrap = config.get("bootstrap.servers").unwrap_or(&worker.bootstrap_servers).to_owned();
        let client: AdminClient<_> = create(&own, LogContext::new(&config))
            .map_err(|source| Error::Client { bootstrap: bootstrap.clone(), source })?;
        let client = Arc::new(client);
        let tokens = Keeper::start(source, &client);
        Ok(Self { client, _tokens: tokens, config, bootstrap })
    }

    /// The library's client, for questions that are no business of storage.
    pub(super) fn client(&self) -> &Arc<AdminClient<LogContext>> {
        &self.client
    }

    /// The host and port of each broker, as the cluster says.
    pub async fn brokers(&self) -> Result<Vec<(String, u16)>, Error> {
        let client = Arc::clone(&self.client);
        let found = blocking(move || advertised::brokers(client.inner(), REQUEST_TIMEOUT));
        found.await.map_err(|source| self.error("the brokers", "cannot list them", source))
    }

    /// Makes sure that the topic exists and is fit for storage. Returns how many of its partitions are to be used.
    pub async fn ensure(&self, spec: StorageTopicSpec<'_>) -> Result<i32, Error> {
        let name = &spec.topic.name;
        // No way to make or describe topics: none of our own making can be right, so what there is must do.
        let mut assumed = false;
        let found = self.look_up(name).await?;
        if matches!(found.topic, Topic::Missing) {
            match self.create(spec, found.broker, false).await? {
                Created::Yes => {
                    tracing::info!(topic = name, property = spec.property, "created the storage topic");
                }
                Created::Exists => assumed = !self.check_policy(spec, found.broker).await?,
                Created::NotAllowed(code) => {
                    tracing::warn!(topic = name, property = spec.property, reason = %code,
                        "cannot create the storage topic; going on as if it existed");
                    assumed = true;
                }
            }
        } else {
            assumed = !self.check_policy(spec, found.broker).await?;
        }
        usable_partitions(spec, self.await_partitions(name, assumed).await?, assumed)
    }

    /// Asks any broker for anything: an error says that none answers.
    pub async fn reach(&self) -> Result<(), Error> {
        // The answer to one name is small on every cluster, and the library makes no topic by asking.
        match self.look_up("__consumer_offsets").await {
            // That is an answer, too.
            Err(error) if error.is_about_rights() => Ok(()),
            other => other.map(drop),
        }
    }

    /// How many partitions a topic has; none when it does not exist. It is not made by asking.
    pub async fn find(&self, topic: &str) -> Result<Option<usize>, Error> {
        match self.look_up(topic).await?.topic {
            Topic::Missing => Ok(None),
            Topic::Partitions(_) | Topic::NotReady => self.await_partitions(topic, false).await.map(Some),
        }
    }

    /// May a topic that does not exist be made? False when the brokers do not let us, or cannot; an error when they would not
    /// make this one. Nothing is made.
    pub async fn could_make(&self, spec: StorageTopicSpec<'_>) -> Result<bool, Error> {
        let found = self.look_up(&spec.topic.name).await?;
        Ok(matches!(self.create(spec, found.broker, true).await?, Created::Yes | Created::Exists))
    }

    /// Why a topic that exists cannot be used for storage; none when nothing speaks against it.
    pub async fn objection(&self, spec: StorageTopicSpec<'_>) -> Result<Option<String>, Error> {
        let found = self.look_up(&spec.topic.name).await?;
        let Topic::Partitions(partitions) = found.topic else { return Ok(None) };
        let checked = match self.check_policy(spec, found.broker).await {
            Ok(_) => usable_partitions(spec, partitions, false).map(drop),
            Err(error) => Err(error),
        };
        match checked {
            Err(Error::StorageTopic(reason)) => Ok(Some(reason)),
            other => other.map(|()| None),
        }
    }

    /// Who is in a group.
    pub async fn describe_group(&self, group: &str) -> Result<GroupDescription, Error> {
        let (client, name) = (self.client.clone(), group.to_owned());
        let described = blocking(move || {
            let list = client.inner().fetch_group_list(Some(&name), REQUEST_TIMEOUT)?;
            let group = list.groups().iter().find(|group| group.name() == name);
            Ok(group.map(GroupDescription::from))
        });
        let error = |source| Error::Group {
            group: group.to_owned(),
            operation: "cannot be looked up",
            partition: None,
            source: Box::new(source),
        };
        Ok(described.await.map_err(error)?.unwrap_or_default())
    }

    /// The id the cluster calls itself by.
    pub async fn cluster_id(&self) -> Option<String> {
        let client = self.client.clone();
        let id = tokio::task::spawn_blocking(move || client.inner().fetch_cluster_id(REQUEST_TIMEOUT));
        id.await.ok().flatten()
    }

    async fn look_up(&self, topic: &str) -> Result<Answer, Error> {
        let (mut said, mut waited) = (Vec::new(), Duration::ZERO);
        let (broker, found) = loop {
            let source = match self.ask(topic).await {
                Ok(found) => break found,
                Err(source) => source,
            };
            waited += SLICE;
            said.extend(errors::waiting(self.client.inner()));
            let is_over = waited >= REQUEST_TIMEOUT || !is_silence(&source);
            let all_down = said.iter().any(|(code, _)| *code == RDKafkaErrorCode::AllBrokersDown);
            if is_over || all_down || refusal(&said).is_some() {
                return Err(self.explained(topic, "cannot look it up", source, &said));
            }
            if waited == SLICE {
                let bootstrap = &self.bootstrap;
                tracing::warn!(
                    bootstrap,
                    "no broker has answered yet: {} (bootstrap.servers)",
                    unreachable::SILENT
                );
            }
        };
        let topic = match found {
            None
            | Some((Some(RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic), ..)) => {
                Topic::Missing
            }
            Some((None, partitions, true)) if partitions > 0 => Topic::Partitions(partitions),
            Some((None | Some(RDKafkaErrorCode::LeaderNotAvailable), ..)) => Topic::NotReady,
            Some((Some(code), ..)) => {
                return Err(self.error(topic, "cannot look it up", KafkaError::MetadataFetch(code)));
            }
        };
        Ok(Answer { broker, topic })
    }

    /// Asks for a topic, for a short time: what the library hears meanwhile is only known between two questions.
    async fn ask(&self, topic: &str) -> KafkaResult<(i32, Option<(Option<RDKafkaErrorCode>, usize, bool)>)> {
        let (client, name) = (self.client.clone(), topic.to_owned());
        let found = blocking(move || {
            let metadata = client.inner().fetch_metadata(Some(&name), SLICE)?;
            let found = metadata.topics().iter().find(|found| found.name() == name);
            let found = found.map(|found| {
                let ready = found.partitions().iter().all(|partition| partition.leader() >= 0);
                (found.error().map(RDKafkaErrorCode::from), found.partitions().len(), ready)
            });
            Ok((metadata.brokers().first().map_or(0, MetadataBroker::id), found))
        });
        found.await
    }

    /// Makes the topic; `only_check` it whether that would go well.
    async fn create(
        &self,
        spec: StorageTopicSpec<'_>,
        broker: i32,
        only_check: bool,
    ) -> Result<Created, Error> {
        let topic = spec.topic;
        let replication = TopicReplication::Fixed(i32::from(topic.replication_factor));
        let mut new =
            NewTopic::new(&topic.name, topic.partitions, replication).set("cleanup.policy", "compact");
        for (key, value) in topic.settings.iter().filter(|(key, _)| *key != "cleanup.policy") {
            new = new.set(key, value);
        }
        // Any broker passes it on in a KRaft cluster; the library itself would first wait for a controller, which a
        // mock cluster never has. A broker of the ZooKeeper age says that it is not the controller.
        let options = || options().validate_only(only_check);
        let mut code = self.try_create(&new, &options().broker_id(broker)).await;
        if matches!(code, Ok(Some(RDKafkaErrorCode::NotController))) {
            code = self.try_create(&new, &options()).await;
        }
        let Some(code) = code.map_err(|source| self.error(&topic.name, "cannot create it", source))? else {
            return Ok(Created::Yes);
        };
        match code {
            RDKafkaErrorCode::TopicAlreadyExists => Ok(Created::Exists),
            RDKafkaErrorCode::UnsupportedFeature
            | RDKafkaErrorCode::UnsupportedVersion
            | RDKafkaErrorCode::ClusterAuthorizationFailed
            | RDKafkaErrorCode::TopicAuthorizationFailed => Ok(Created::NotAllowed(code)),
            RDKafkaErrorCode::InvalidReplicationFactor => Err(Error::Replication {
                topic: topic.name.clone(),
                key: spec.property.replace(".topic", ".replication.factor"),
                factor: topic.replication_factor,
                bootstrap: self.bootstrap.clone(),
            }),
            _ => Err(self.error(&topic.name, "cannot create it", KafkaError::AdminOp(code))),
        }
    }

    /// The code of a refusal, or none when the topic was made.
    async fn try_create(
        &self,
        new: &NewTopic<'_>,
        options: &AdminOptions,
    ) -> Result<Option<RDKafkaErrorCode>, KafkaError> {
        match self.client.create_topics([new], options).await {
            Ok(topics) => Ok(topics.into_iter().find_map(Result::err).map(|(_, code)| code)),
            Err(KafkaError::AdminOp(code)) => Ok(Some(code)),
            Err(error) => Err(error),
        }
    }

    /// The policy must be `compact` and nothing else; when it cannot be read that is only logged (§2.3). False when
    /// the broker does not know such questions at all.
    async fn check_policy(&self, spec: StorageTopicSpec<'_>, broker: i32) -> Result<bool, Error> {
        let name = &spec.topic.name;
        let answer = self
            .client
            .describe_configs(&[ResourceSpecifier::Topic(name)], &options().broker_id(broker))
            .await;
        let policy = answer.map(|mut found| {
            let found = found.pop().and_then(Result::ok);
            found.and_then(|found| found.get("cleanup.policy").and_then(|entry| entry.value.clone()))
        });
        match policy {
            Ok(Some(policy)) if policy.trim() == "compact" => Ok(true),
            Ok(Some(policy)) => Err(Error::StorageTopic(format!(
                "Topic '{name}' supplied via the '{}' property is required to have 'cleanup.policy=compact' to \
                 guarantee consistency and durability of {}, but found the topic currently has 'cleanup.policy={policy}'. \
                 Continuing would likely result in eventually losing {} and problems restarting this Connect cluster \
                 in the future. Change the '{}' property in the Connect worker configurations to use a topic with \
                 'cleanup.policy=compact'.",
                spec.property, spec.content, spec.content, spec.property
            ))),
            Ok(None) => {
                tracing::info!(topic = name, "cleanup.policy cannot be read, so it was not checked");
                Ok(true)
            }
            Err(error) => {
                tracing::info!(topic = name, %error, "cleanup.policy cannot be read, so it was not checked");
                Ok(!matches!(error, KafkaError::AdminOp(RDKafkaErrorCode::UnsupportedFeature)))
            }
        }
    }

    /// Waits until all partitions have leaders. `make` lets the broker create the topic because it is asked for.
    async fn await_partitions(&self, topic: &str, make: bool) -> Result<usize, Error> {
        let deadline = Instant::now() + METADATA_TIMEOUT;
        if make {
            self.ask_into_being(topic).await?;
        }
        loop {
            if let Topic::Partitions(partitions) = self.look_up(topic).await?.topic {
                return Ok(partitions);
            }
            if Instant::now() >= deadline {
                return Err(Error::StorageTopic(format!(
                    "Could not look up partition metadata for topic '{topic}' in the allotted period. This could \
                     indicate a connectivity issue, unavailable topic partitions, or if this is your first use of the \
                     topic it may have taken too long to create."
                )));
            }
            tokio::time::sleep(METADATA_PAUSE).await;
        }
    }

    async fn ask_into_being(&self, topic: &str) -> Result<(), Error> {
        let mut config = self.config.clone();
        config.set("allow.auto.create.topics", "true");
        let name = topic.to_owned();
        let asked = blocking(move || {
            let source = oauth::take(&mut config);
            let producer: Arc<BaseProducer> = Arc::new(create(&config, DefaultProducerContext)?);
            let _tokens = Keeper::start(source, &producer);
            producer.client().fetch_metadata(Some(&name), REQUEST_TIMEOUT).map(drop)
        });
        asked.await.map_err(|source| self.error(topic, "cannot look it up", source))
    }

    pub(super) fn error(&self, topic: &str, operation: &'static str, source: KafkaError) -> Error {
        self.explained(topic, operation, source, &errors::waiting(self.client.inner()))
    }

    /// The library itself only says that it had no answer in time; `said` is what it told on the way.
    fn explained(
        &self,
        topic: &str,
        operation: &'static str,
        source: KafkaError,
        said: &[(RDKafkaErrorCode, String)],
    ) -> Error {
        let bootstrap = self.bootstrap.clone();
        if let Some((refusal, reason)) = refusal(said) {
            return Error::Denied { bootstrap, reason, advice: refusal.advice() };
        }
        if is_silence(&source) {
            let advised = |(code, reason): &(RDKafkaErrorCode, String)| {
                Some((unreachable::advice(*code, reason)?, reason.clone()))
            };
            let nothing = || (unreachable::SILENT, "no word in time".to_owned());
            let (advice, reason) = said.iter().rev().find_map(advised).unwrap_or_else(nothing);
            return Error::Unreachable { bootstrap, reason, advice };
        }
        Error::Topic { topic: topic.to_owned(), operation, bootstrap, source: Box::new(source) }
    }
}

/// True when the error is only that no broker answered.
fn is_silence(error: &KafkaError) -> bool {
    use RDKafkaErrorCode::{AllBrokersDown, BrokerTransportFailure, OperationTimedOut, Resolve};
    let code = error.rdkafka_error_code();
    matches!(code, Some(AllBrokersDown | BrokerTransportFailure | OperationTimedOut | Resolve))
}

/// The last of these errors that says that we are not let in.
fn refusal(said: &[(RDKafkaErrorCode, String)]) -> Option<(Refusal, String)> {
    said.iter().rev().find_map(|(code, reason)| Some((Refusal::of(Some(*code), reason)?, reason.clone())))
}

enum Created {
    Yes,
    Exists,
    NotAllowed(RDKafkaErrorCode),
}

fn options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(REQUEST_TIMEOUT)).operation_timeout(Some(REQUEST_TIMEOUT))
}
