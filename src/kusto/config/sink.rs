//! The Kusto sink's own settings, typed (`kusto-sink-connector.md` §1).
//!
//! Takes values that the table of keys has read already, and checks what a table cannot say: URLs, the mapping, that the
//! credentials are complete, and that nothing is asked for which we cannot do yet.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::keys;
use crate::config::{Custody, SINK_DEAD_LETTERS, WorkerConfig, is_loopback};
use crate::configdef::def::ConfigKey;
use crate::configdef::{Problems, Properties, Redacted, Values};
use crate::kusto::config::endpoint::Service;
use crate::kusto::config::mapping::MappingSyntax;
use crate::kusto::config::{TopicMappings, endpoint, proxy};
use crate::kusto::signin::{Reading, SignIn, rows};
use crate::sink::{OnFailedBatch, SinkSettings, Topics};

/// What happens to what the sink cannot write or the service refuses for good. Whatever it is, an offset moves over a
/// record only when it was handed over, is in a dead-letter topic, or was counted as dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BehaviorOnError {
    /// The task fails.
    #[default]
    Fail,
    /// Logged as an error, and skipped.
    Log,
    /// The same, logged at a lower level.
    Ignore,
}

/// The sink's own dead-letter topic.
#[derive(Clone, PartialEq, Eq)]
pub struct SinkDeadLetters {
    /// `misc.deadletterqueue.topic.name`.
    pub topic: String,
    /// What its producer takes, `bootstrap.servers` among it, without the prefix.
    pub client: Properties,
}

impl fmt::Debug for SinkDeadLetters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let client = Redacted(&self.client);
        f.debug_struct("SinkDeadLetters").field("topic", &self.topic).field("client", &client).finish()
    }
}

/// Which headers are written (`headers.to.project`, `headers.to.drop`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HeaderChoice {
    /// Only these; all when there are none.
    pub project: Vec<String>,
    /// Not these, whatever the others say.
    pub drop: Vec<String>,
}

impl HeaderChoice {
    /// True when the header of this name is written.
    pub fn has(&self, name: &str) -> bool {
        let is_in = |names: &[String]| names.iter().any(|known| known == name);
        (self.project.is_empty() || is_in(&self.project)) && !is_in(&self.drop)
    }
}

/// How the service's failure queue is used, which all clients of a cluster share (`kusto.outcome.queue`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum QueueUse {
    /// Others read it too, so messages are hidden for as short as possible.
    Shared,
    /// Nobody else waits for its messages. Those of others are not deleted either.
    Exclusive,
}

/// How batches are followed after they were handed over (`kusto.outcome.*`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutcomeSettings {
    /// Between two looks at what failed.
    pub interval: Duration,
    /// How long a batch is followed beyond its table's batching time.
    pub margin: Duration,
    /// Whether the failure queue is read too, and how.
    pub queue: Option<QueueUse>,
    /// What a batch does that failed.
    pub on_failure: OnFailedBatch,
}

impl OutcomeSettings {
    /// None when batches are not followed.
    fn read(values: &Values<'_>) -> Option<Self> {
        let time = |key: &str| values.unsigned(key).map(Duration::from_millis);
        let followed = values.flag("kusto.outcome.enable").filter(|is_enabled| *is_enabled);
        let queue = match values.text("kusto.outcome.queue") {
            Some("shared") => Some(QueueUse::Shared),
            Some("exclusive") => Some(QueueUse::Exclusive),
            _ => None,
        };
        let on_failure = match values.text("kusto.outcome.on.failure") {
            Some("fail") => OnFailedBatch::Fail,
            _ => OnFailedBatch::Report,
        };
        followed.and_then(|_| {
            let (interval, margin) = (time("kusto.outcome.interval.ms")?, time("kusto.outcome.margin.ms")?);
            Some(Self { interval, margin, queue, on_failure })
        })
    }
}

const VALIDATION: &str = "kusto.validation.table.enable";

/// How much is asked about tables before the first record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetCheck {
    /// Nothing: `kusto.validation.table.enable=false` was written explicitly.
    Off,
    /// Whether tables and mappings exist; only a definite no counts.
    Existence,
    /// `kusto.validation.table.enable=true`: also whether we may ingest and whether tables that are to be streamed to take it; no
    /// answer counts as a no.
    Thorough,
}

/// The way a batch's blob is told to the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IngestionProtocol {
    /// By a message in a queue.
    #[default]
    Queued,
    /// By REST.
    V2,
    /// By REST where the cluster offers and prefers it, else by a message.
    Auto,
}

/// The Kusto sink's settings.
#[derive(Debug, Clone)]
pub struct KustoSinkConfig {
    /// Data management endpoint, `ingest-` inserted where the rules want it.
    pub ingestion_url: Url,
    /// Engine endpoint, `ingest-` removed.
    pub query_url: Url,
    /// Who we are.
    pub sign_in: Arc<dyn SignIn>,
    /// `http://host:port` of the proxy for all calls to Azure.
    pub proxy: Option<Url>,
    /// Where each topic goes.
    pub mapping: TopicMappings,
    /// A batch is sealed when its raw bytes are more than this.
    pub flush_size_bytes: u64,
    /// A batch is sealed when its first record is this old.
    pub flush_interval: Duration,
    /// `behavior.on.error`.
    pub behavior_on_error: BehaviorOnError,
    /// `misc.deadletterqueue.*`.
    pub dead_letters: Option<SinkDeadLetters>,
    /// Which headers are written, where headers are.
    pub headers: HeaderChoice,
    /// What the sink refuses goes to Connect's dead-letter topic rather than to the sink's own, if there are both.
    pub reporter_first: bool,
    /// `errors.retry.max.time.ms`, only when it was written explicitly; else a batch is retried without an end.
    pub retry_max_time: Option<Duration>,
    /// `errors.retry.backoff.time.ms`, the longest pause between two tries.
    pub retry_backoff: Duration,
    /// The worker's `worker.allow.insecure.http`.
    pub insecure_http: bool,
    /// Where the worker's own identity may go.
    pub custody: Custody,
    /// What is asked of the cluster before the first record.
    pub target_check: TargetCheck,
    /// `kusto.validation.records.enable`: texts and bytes are looked at for what would cost their neighbours in a blob.
    pub check_records: bool,
    /// `kusto.ingestion.protocol`.
    pub protocol: IngestionProtocol,
    /// How batches are followed; none when they are not.
    pub outcome: Option<OutcomeSettings>,
}

impl KustoSinkConfig {
    /// Builds the settings of a class whose mappings are of this dialect; what is wrong goes to `problems`, and the result is
    /// none.
    pub(super) fn build(
        dialect: MappingSyntax,
        settings: &SinkSettings<'_>,
        problems: &mut Problems,
    ) -> Option<Self> {
        let SinkSettings { values, topics, worker } = settings;
        let WorkerConfig { insecure_http, custody, .. } = worker;
        let insecure_http = *insecure_http;
        let before = problems.0.len();
        let ingestion_url = url(values, "kusto.ingestion.url", Service::Ingestion, insecure_http, problems);
        let query_url = url(values, "kusto.query.url", Service::Query, insecure_http, problems);
        let urls = ingestion_url.as_ref().zip(query_url.as_ref());
        // No real cluster is on this machine, and none speaks plain http.
        let is_emulator = |url: &Url| is_loopback(url) || (insecure_http && url.scheme() == "http");
        let emulator = urls.is_some_and(|(one, two)| is_emulator(one) && is_emulator(two));
        let sign_in = rows::read(&Reading { values, emulator, custody }, problems);
        if let Some(sign_in) = &sign_in {
            let urls =
                [("kusto.ingestion.url", ingestion_url.as_ref()), ("kusto.query.url", query_url.as_ref())];
            check_clusters(custody, &**sign_in, urls, problems);
        }
        let plain = urls.is_some_and(|(one, two)| one.scheme() == "http" || two.scheme() == "http");
        let proxy = proxy::read(values, plain && !insecure_http, problems);
        let mapping = mapping(dialect, values, *topics, problems);
        let dead_letters = dead_letters(values, problems);
        let config = Self {
            ingestion_url: ingestion_url?,
            query_url: query_url?,
            sign_in: sign_in?,
            proxy,
            mapping: mapping?,
            flush_size_bytes: values.unsigned("flush.size.bytes")?,
            flush_interval: Duration::from_millis(values.unsigned("flush.interval.ms")?),
            behavior_on_error: match values.text("behavior.on.error")?.to_ascii_uppercase().as_str() {
                "LOG" => BehaviorOnError::Log,
                "IGNORE" => BehaviorOnError::Ignore,
                _ => BehaviorOnError::Fail,
            },
            dead_letters,
            headers: HeaderChoice::default(),
            reporter_first: false,
            // A negative time is no time, as in the JVM connector.
            retry_max_time: values
                .is_written("errors.retry.max.time.ms")
                .then(|| Duration::from_millis(values.unsigned("errors.retry.max.time.ms").unwrap_or(0))),
            retry_backoff: Duration::from_millis(values.unsigned("errors.retry.backoff.time.ms")?),
            insecure_http,
            custody: custody.clone(),
            target_check: match values.flag(VALIDATION) {
                Some(true) => TargetCheck::Thorough,
                Some(false) if values.is_written(VALIDATION) => TargetCheck::Off,
                _ => TargetCheck::Existence,
            },
            check_records: values.flag("kusto.validation.records.enable")?,
            protocol: match values.text("kusto.ingestion.protocol")? {
                "v2" => IngestionProtocol::V2,
                "auto" => IngestionProtocol::Auto,
                _ => IngestionProtocol::Queued,
            },
            outcome: OutcomeSettings::read(values),
        };
        (problems.0.len() == before).then_some(config)
    }
}

/// Notes URLs of a cluster that may not have a token of the worker's identity.
fn check_clusters(
    custody: &Custody,
    sign_in: &dyn SignIn,
    urls: [(&str, Option<&Url>); 2],
    problems: &mut Problems,
) {
    for (key, url) in urls.into_iter().filter(|_| sign_in.is_of_worker()) {
        if let Some(reason) = url.and_then(|url| custody.objection_to_cluster(url, None)) {
            problems.add(key, format!("Invalid URL for configuration {key}: {reason}"));
        }
    }
}

/// Both keys or neither.
fn dead_letters(values: &Values<'_>, problems: &mut Problems) -> Option<SinkDeadLetters> {
    let (servers, name) = ("misc.deadletterqueue.bootstrap.servers", "misc.deadletterqueue.topic.name");
    let topic = values.filled(name);
    match (values.list(servers), topic) {
        ([], None) => None,
        ([], Some(_)) => {
            problems.add(servers, format!("Missing configuration \"{servers}\", which {name} needs."));
            None
        }
        (_, None) => {
            problems.add(name, format!("Missing configuration \"{name}\", which {servers} needs."));
            None
        }
        (_, Some(topic)) => {
            let mut client = values.below(SINK_DEAD_LETTERS);
            client.remove("topic.name");
            Some(SinkDeadLetters { topic: topic.to_owned(), client })
        }
    }
}

fn url(
    values: &Values<'_>,
    key: &str,
    service: Service,
    insecure: bool,
    problems: &mut Problems,
) -> Option<Url> {
    let text = values.text(key)?;
    let read = endpoint::parse(text, service, insecure);
    // A URL may hold credentials where none belong, so the value is not repeated.
    read.map_err(|error| problems.add(key, format!("Invalid URL for configuration {key}: {error}"))).ok()
}

fn mapping(
    dialect: MappingSyntax,
    values: &Values<'_>,
    topics: Option<&Topics>,
    problems: &mut Problems,
) -> Option<TopicMappings> {
    let key = "kusto.tables.topics.mapping";
    let mappings = TopicMappings::parse(dialect, values.text(key)?);
    let found = mappings.map_err(|errors| {
        for error in errors {
            problems.add(key, format!("Invalid value for configuration {key}: {error}"));
        }
    });
    let mappings = found.ok()?;
    if let Some(Topics::List(topics)) = topics {
        let without: Vec<_> = topics.iter().filter(|topic| mappings.get(topic).is_none()).cloned().collect();
        if !without.is_empty() {
            let detail = format!("no entry, and no entry '*', for the topic(s) {}", without.join(", "));
            problems.add(key, format!("Invalid value for configuration {key}: {detail}"));
        }
    }
    Some(mappings)
}

/// What is probably not meant, beyond what is wrong.
pub fn warnings(written: &Properties) -> Vec<String> {
    let url = |key: &str| written.get(key).map(String::as_str).unwrap_or_default();
    let swapped = endpoint::swapped(url("kusto.ingestion.url"), url("kusto.query.url"));
    swapped.map(str::to_owned).into_iter().collect()
}

/// The keys, in the connector's order.
pub fn keys() -> Vec<ConfigKey> {
    keys::kusto()
}

/// Builds the settings of the Kusto class.
pub fn build(settings: &SinkSettings<'_>, problems: &mut Problems) -> Option<KustoSinkConfig> {
    KustoSinkConfig::build(MappingSyntax::Kusto, settings, problems)
}
