//! The worker's settings, typed (`connect-runtime.md` §8).
//!
//! Read once at the start, all errors at once. Of the outside world only the properties file and a JAAS file are read,
//! and the machine's own name or address when none is set.

use super::mode::Mode;
use super::override_policy::OverridePolicy;
use super::providers::{ConfigProviders, Hidden};
use super::rest::{MetricsConfig, RestConfig};
use super::worker_keys::{CLIENT_KEYS, rows};
use super::{Custody, brokers, client_login, env, files, properties, secrets, unused, worker_warnings};
use crate::configdef::def::{Checked, ConfigKey};
use crate::configdef::{
    Classes, ConfigErrors, ConnectorProperties, Problems, Properties, Redacted, Values, check_key,
    with_prefix,
};
use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

/// One of the three storage topics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageTopic {
    /// The topic's name.
    pub name: String,
    /// Partitions when we create it; -1 is the broker's default.
    pub partitions: i32,
    /// Replication factor when we create it; -1 is the broker's default.
    pub replication_factor: i16,
    /// Further topic settings (`config.storage.min.insync.replicas` is `min.insync.replicas`).
    pub settings: Properties,
}

impl StorageTopic {
    /// The topic of a worker that has none.
    fn none() -> Self {
        Self { name: String::new(), partitions: -1, replication_factor: -1, settings: Properties::new() }
    }
}

/// The converter of connectors that name none.
#[derive(Clone)]
pub struct DefaultConverter {
    /// The full class name.
    pub class: String,
    /// The sub-keys, without the prefix (`value.converter.schemas.enable` is `schemas.enable`).
    pub settings: Properties,
}

/// Where settings are read from.
#[derive(Clone, Copy)]
struct Source<'a> {
    mode: Mode,
    /// All keys, variables resolved.
    all: &'a Properties,
    env: &'a BTreeMap<String, String>,
}

/// The worker's settings.
#[derive(Clone)]
pub struct WorkerConfig {
    /// Which keys were read.
    pub mode: Mode,
    /// Comma separated `host:port` of brokers.
    pub bootstrap_servers: String,
    /// The name of the Connect cluster; `connect` in standalone mode, where it only begins client ids.
    pub group_id: String,
    /// Connectors, task configs and target states; always one partition. Nameless in standalone mode, as the others.
    pub config_topic: StorageTopic,
    /// Source offsets: created and left alone by a worker of sinks.
    pub offset_topic: StorageTopic,
    /// States of connectors and tasks.
    pub status_topic: StorageTopic,
    /// Key converter of connectors that name none.
    pub key_converter: DefaultConverter,
    /// Value converter of connectors that name none.
    pub value_converter: DefaultConverter,
    /// `header.converter`.
    pub header_converter: DefaultConverter,
    /// How often offsets are committed.
    pub offset_flush_interval: Duration,
    /// How long one commit may take.
    pub offset_flush_timeout: Duration,
    /// How long tasks may drain when they stop.
    pub task_shutdown_graceful_timeout: Duration,
    /// A worker that is silent for so long is out of its cluster.
    pub session_timeout: Duration,
    /// How often a worker says that it is there.
    pub heartbeat_interval: Duration,
    /// How long workers may take to join anew when the cluster changes.
    pub rebalance_timeout: Duration,
    /// How long the work of a worker that is gone waits for it to return.
    pub scheduled_rebalance_max_delay: Duration,
    /// `task.restart.backoff.ms`: the first pause before a failed task starts again by itself; zero for never.
    pub task_restart_backoff: Duration,
    /// The longest such pause.
    pub task_restart_backoff_max: Duration,
    /// Where REST listens, and how it is protected.
    pub rest: RestConfig,
    /// What is counted, under which names, and where that is read.
    pub metrics: MetricsConfig,
    /// `topic.tracking.enable`: the topics that connectors read are noted.
    pub topic_tracking: bool,
    /// `topic.tracking.allow.reset`: that note may be emptied over REST.
    pub topic_tracking_reset: bool,
    /// What connectors may override in their clients.
    pub override_policy: OverridePolicy,
    /// `worker.buffer.bytes`: bytes of records that all tasks of this worker may hold together.
    pub buffer_bytes: u64,
    /// Top-level keys for Kafka clients.
    pub client: Properties,
    /// `consumer.*` without the prefix.
    pub consumer: Properties,
    /// `producer.*` without the prefix.
    pub producer: Properties,
    /// `admin.*` without the prefix.
    pub admin: Properties,
    /// `worker.allow.insecure.http`: plain http to ADX hosts that are not loopback.
    pub insecure_http: bool,
    /// What its operator lets connectors do with what is the worker's.
    pub custody: Custody,
    /// Root log level when the environment (`LOG_LEVEL`, `CONNECT_LOG4J_ROOT_LOGLEVEL`) or `log.level` names one.
    pub log_level: Option<String>,
    /// Settings that were accepted and have no effect, to be logged once.
    pub warnings: Vec<String>,
    /// Resolves the variables in connectors' settings.
    pub providers: ConfigProviders,
    /// The worker's secrets, and values that came from config providers; they must not be in messages.
    pub hidden: Hidden,
    /// Every key as read, unknown ones too; variables are not resolved.
    pub all: Properties,
}

impl WorkerConfig {
    /// Reads the settings of a distributed worker: short variables before `CONNECT_*` before the file before defaults.
    pub fn load(
        classes: &dyn Classes,
        file: Option<&Path>,
        env: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigErrors> {
        Self::load_for(classes, Mode::Distributed, file, env)
    }

    /// Reads the settings of a worker in `mode`. A standalone worker's come from a file too, and variables win over it
    /// in the same way.
    pub fn load_for(
        classes: &dyn Classes,
        mode: Mode,
        file: Option<&Path>,
        env: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigErrors> {
        let fail = |key: &str, message: String| {
            let mut problems = Problems::default();
            problems.add(key, message);
            ConfigErrors::new(problems.0)
        };
        let env: BTreeMap<String, String> = env.into_iter().collect();
        let file = file.map(read_file).transpose().map_err(|message| fail("file", message))?;
        let layered = env::layer(file.as_ref(), &env)
            .map_err(|error| fail("settings", format!("settings: {error}")))?;
        let raw = layered.settings;
        let mut problems = Problems::default();
        let providers = ConfigProviders::read(&raw, &env, &mut problems);
        let resolution = providers.resolve(raw.iter().map(|(key, text)| (key.as_str(), text.as_str())));
        let mut all = raw.clone();
        all.extend(resolution.values);
        let mut hidden = resolution.hidden;
        hidden.merge(&secrets::of_environment(&env));
        hidden.merge(&secrets::of(all.iter().map(|(key, text)| (key.as_str(), text.as_str()))));

        let check = |row| {
            let key = ConfigKey::from(row);
            let written = all.get(key.name.as_ref()).into();
            check_key(key, written, classes)
        };
        let mut checked: Vec<Checked> = rows(mode).map(check).collect();
        check_converters(classes, &mut checked, &all, &mut problems);
        let source = Source { mode, all: &all, env: &env };
        let built = Self::build(source, &Values::new(&checked, &all), &mut problems);
        let mut warnings = unused::of_worker(mode, &checked, &raw);
        warnings.extend(worker_warnings::of_collector(&env));

        let mut errors = Problems::default();
        for Checked { key, errors: messages, .. } in checked {
            for message in messages {
                errors.add(key.name.to_string(), message);
            }
        }
        errors.0.extend(problems.0);
        // A text that could not be resolved is wrong in this way only.
        errors.0.retain(|error| resolution.failed.iter().all(|failed| failed.key != error.key));
        errors.0.extend(resolution.failed);
        worker_warnings::say_unresolved(resolution.unresolved, &mut errors, &mut warnings);
        worker_warnings::say_where(&mut errors, &layered.origins, &hidden);
        match built {
            Some(config) if errors.0.is_empty() => {
                let log_level = layered.log_level.or_else(|| config.log_level.clone());
                let warnings = worker_warnings::shown(warnings, &layered.origins, &hidden);
                let mut config = Self { log_level, providers, hidden, all: raw, ..config };
                config.warnings.extend(warnings);
                // Admin clients have the first one's.
                let clients = [&mut config.client, &mut config.consumer, &mut config.producer];
                let warnings = client_login::fill(&env, clients);
                config.warnings.extend(warnings);
                config.hidden.merge(&secrets::of(
                    config.client.iter().map(|(key, text)| (key.as_str(), text.as_str())),
                ));
                Ok(config)
            }
            _ => Err(ConfigErrors::new(errors.0)),
        }
    }

    /// The typed settings from read values; none when one is wrong.
    fn build(source: Source<'_>, values: &Values<'_>, problems: &mut Problems) -> Option<Self> {
        let Source { mode, all, env } = source;
        let rest = RestConfig::read(values, all, env, problems);
        let metrics = MetricsConfig::read(values, all, env, problems);
        let override_policy = OverridePolicy::read(values, problems);
        let custody = Custody::read(values, problems);
        let millis = |key| Some(Duration::from_millis(values.unsigned(key)?));
        let converter = |side: &str| {
            let key = format!("{side}.converter");
            let class = values.text(&key)?.to_owned();
            Some(DefaultConverter { class, settings: with_prefix(all, &format!("{key}.")) })
        };
        let brokers = brokers(values, problems);
        beats_within_session(mode, values, problems);
        let topic = |which| match mode {
            Mode::Distributed => storage_topic(which, values, all),
            Mode::Standalone => Some(StorageTopic::none()),
        };
        // A standalone worker is in no group.
        let of_group = |key| match mode {
            Mode::Distributed => millis(key),
            Mode::Standalone => Some(Duration::ZERO),
        };
        let group_id = if mode == Mode::Distributed { values.text("group.id")? } else { "connect" };
        Some(Self {
            mode,
            bootstrap_servers: brokers?,
            group_id: group_id.to_owned(),
            config_topic: topic("config")?,
            offset_topic: topic("offset")?,
            status_topic: topic("status")?,
            key_converter: converter("key")?,
            value_converter: converter("value")?,
            header_converter: converter("header")?,
            offset_flush_interval: millis("offset.flush.interval.ms")?,
            offset_flush_timeout: millis("offset.flush.timeout.ms")?,
            task_shutdown_graceful_timeout: millis("task.shutdown.graceful.timeout.ms")?,
            session_timeout: of_group("session.timeout.ms")?,
            heartbeat_interval: of_group("heartbeat.interval.ms")?,
            rebalance_timeout: of_group("rebalance.timeout.ms")?,
            scheduled_rebalance_max_delay: of_group("scheduled.rebalance.max.delay.ms")?,
            task_restart_backoff: millis("task.restart.backoff.ms")?,
            task_restart_backoff_max: millis("task.restart.backoff.max.ms")?,
            rest: rest?,
            metrics: metrics?,
            topic_tracking: values.flag("topic.tracking.enable")?,
            topic_tracking_reset: values.flag("topic.tracking.allow.reset")?,
            override_policy: override_policy?,
            buffer_bytes: values.unsigned("worker.buffer.bytes")?,
            client: client_keys(all),
            consumer: with_prefix(all, "consumer."),
            producer: with_prefix(all, "producer."),
            admin: admin_keys(all),
            insecure_http: values.flag("worker.allow.insecure.http")?,
            custody: custody?,
            log_level: values.filled("log.level").map(str::to_owned),
            warnings: worker_warnings::without_effect(all),
            providers: ConfigProviders::default(),
            hidden: Hidden::default(),
            all: Properties::new(),
        })
    }

    /// `host:port` by which other workers and clients reach this one; `bound` is what the listeners got, in their order.
    pub fn worker_id(&self, bound: &[SocketAddr]) -> String {
        self.rest.advertised_address(bound)
    }

    /// The same as a URL, `http://host:port/`.
    pub fn advertised_url(&self, bound: &[SocketAddr]) -> String {
        self.rest.advertised_url(bound)
    }

    /// The names of the storage topics; none in standalone mode.
    pub fn storage_topics(&self) -> Vec<&str> {
        let topics = [&self.config_topic, &self.offset_topic, &self.status_topic];
        topics.map(|topic| topic.name.as_str()).into_iter().filter(|name| !name.is_empty()).collect()
    }
}

/// The addresses of `bootstrap.servers`.
fn brokers(values: &Values<'_>, problems: &mut Problems) -> Option<String> {
    let key = "bootstrap.servers";
    let addresses = brokers::addresses(&values.list(key).join(","));
    addresses.map_err(|reason| problems.add(key, format!("{key}: {reason}"))).ok()
}

/// A member that is not heard of within its session is out; Java refuses it too.
fn beats_within_session(mode: Mode, values: &Values<'_>, problems: &mut Problems) {
    let (session, heartbeat) = ("session.timeout.ms", "heartbeat.interval.ms");
    let both = values.number(session).zip(values.number(heartbeat));
    if mode == Mode::Distributed && both.is_some_and(|(session, beat)| beat >= session) {
        problems.add(heartbeat, format!("{heartbeat} must be less than {session}"));
    }
}

/// A file's name and its entries.
fn read_file(path: &Path) -> Result<(String, Properties), String> {
    let name = path.display().to_string();
    let bytes =
        files::read_by_hand(path).map_err(|reason| format!("file {name} cannot be read: {reason}"))?;
    let text = properties::decode(bytes);
    if text.trim_start().starts_with(['{', '[']) {
        return Err(format!(
            "file {name} is JSON, but a worker's settings are lines of key=value; a connector's JSON goes to REST, or \
             behind the worker's file in standalone mode"
        ));
    }
    let entries = properties::parse(&text).map_err(|error| format!("file {name}, {error}"))?;
    Ok((name, entries))
}

/// Checks the keys of both converters.
fn check_converters(
    classes: &dyn Classes,
    checked: &mut Vec<Checked>,
    all: &Properties,
    problems: &mut Problems,
) {
    let raw: ConnectorProperties =
        all.iter().map(|(key, value)| (key.clone(), Some(value.clone()))).collect();
    for side in ["key", "value"] {
        let key = format!("{side}.converter");
        let Some(class) = Values::new(checked, all).text(&key).map(str::to_owned) else { continue };
        checked.extend(classes.check_converter(side, &class, &raw, problems));
    }
}

fn storage_topic(which: &str, values: &Values<'_>, all: &Properties) -> Option<StorageTopic> {
    let key = |name: &str| format!("{which}.storage.{name}");
    let mut settings = with_prefix(all, &key(""));
    // The policy is always compact; Connect ignores another one with a warning.
    settings.retain(|name, _| {
        !["topic", "partitions", "replication.factor", "cleanup.policy"].contains(&name.as_str())
    });
    let partitions = if which == "config" { 1 } else { values.number(&key("partitions"))? };
    Some(StorageTopic {
        name: values.text(&key("topic"))?.to_owned(),
        partitions: i32::try_from(partitions).ok()?,
        replication_factor: i16::try_from(values.number(&key("replication.factor"))?).ok()?,
        settings,
    })
}

/// The keys of the worker's own Kafka clients.
fn client_keys(all: &Properties) -> Properties {
    let is_client = |key: &str| {
        let listed =
            |known: &&str| if known.ends_with('.') { key.starts_with(*known) } else { key == *known };
        // This one is about REST.
        key != "ssl.client.auth" && CLIENT_KEYS.iter().any(listed)
    };
    let mut client: Properties = all.clone();
    client.retain(|key, _| is_client(key));
    client
}

/// `admin.*`, of which the listeners for administration are no client keys.
fn admin_keys(all: &Properties) -> Properties {
    let mut admin = with_prefix(all, "admin.");
    admin.retain(|key, _| !key.starts_with("listeners"));
    admin
}

impl fmt::Debug for WorkerConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Every typed field is also in `all`.
        f.debug_tuple("WorkerConfig").field(&Redacted(&self.all)).finish()
    }
}
