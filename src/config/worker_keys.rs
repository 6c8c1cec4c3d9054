//! The table of a worker's keys (`connect-runtime.md` §8.1 and §8.2) and the lists of keys that are treated alike.

use crate::config::Mode;
use crate::configdef::PluginKind::{Converter, HeaderConverter};
use crate::configdef::def::Check::{
    Any, AtLeast, Between, BrokerDefaultOrPositive, NonEmpty, OneOf, OneOfAnyCase, Port,
};
use crate::configdef::def::Importance::{High, Low, Medium as Mid};
use crate::configdef::def::KeyType::{Boolean, Class, Int, List, Long, Short, String as Text};
use crate::configdef::def::Row;
use crate::configdef::def::RowDefault::{Is, Null, Required};
use crate::configdef::def::Width::{Long as Wide, Medium, Short as Narrow};

const KAFKA: (&str, i32) = ("Kafka", -1);
const GROUP: (&str, i32) = ("Group", -1);
const STORAGE: (&str, i32) = ("Storage", -1);
const OFFSETS: (&str, i32) = ("Offsets", -1);
const REST: (&str, i32) = ("REST", -1);
const TASKS: (&str, i32) = ("Tasks", -1);
const LOG: (&str, i32) = ("Log", -1);
const METRICS: (&str, i32) = ("Metrics", -1);
const SECURITY: (&str, i32) = ("Security", -1);

/// The groups of keys that only a worker with others has: a standalone one neither reads nor checks them.
const DISTRIBUTED: [&str; 2] = [GROUP.0, STORAGE.0];

/// The keys of a worker in `mode`.
pub fn rows(mode: Mode) -> impl Iterator<Item = &'static Row> {
    let (left_out, own): (&[&str], &[Row]) = match mode {
        Mode::Distributed => (&[], &[]),
        Mode::Standalone => (&DISTRIBUTED, STANDALONE),
    };
    WORKER.iter().filter(move |Row(.., (group, _), _, _, _)| !left_out.contains(group)).chain(own)
}

/// The keys that only a standalone worker has.
#[rustfmt::skip] // a table: one row is one key
pub const STANDALONE: &[Row] = &[
    Row("offset.storage.file.filename", Text, Required, NonEmpty, High, OFFSETS, Medium, "Offset file",
        "Required for compatibility, as the file of offsets of sources; never opened, since the offsets of sinks are \
         in Kafka."),
];

/// The keys that are read, with Connect's types and defaults; those of the groups Group and Storage count only in
/// distributed mode. `rest.basic.auth.users.file`, `log.level`, `metrics.names`, `metrics.listeners`, `metrics.partitions`,
/// `metrics.clients.interval.ms`, `task.restart.*` and
/// `ui.enable` and `worker.*` are ours.
#[rustfmt::skip] // a table: one row is one key
pub const WORKER: &[Row] = &[
    Row("bootstrap.servers", List, Is("localhost:9092"), Any, High, KAFKA, Wide, "Bootstrap servers",
        "Addresses of some brokers, host:port with commas between."),
    Row("group.id", Text, Required, NonEmpty, High, GROUP, Medium, "Group",
        "The name of the Connect cluster; workers with the same name share their connectors."),
    Row("config.storage.topic", Text, Required, NonEmpty, High, STORAGE, Medium, "Config topic",
        "The topic that keeps connectors and their target states."),
    Row("config.storage.replication.factor", Short, Is("3"), BrokerDefaultOrPositive, Low, STORAGE, Narrow, "Config topic replication",
        "Its replication factor when it is created; 1 when the worker is started from the environment."),
    Row("offset.storage.topic", Text, Required, NonEmpty, High, STORAGE, Medium, "Offset topic",
        "The topic for offsets of sources; created for the other workers of the cluster."),
    Row("offset.storage.replication.factor", Short, Is("3"), BrokerDefaultOrPositive, Low, STORAGE, Narrow, "Offset topic replication",
        "Its replication factor when it is created; 1 when the worker is started from the environment."),
    Row("offset.storage.partitions", Int, Is("25"), BrokerDefaultOrPositive, Low, STORAGE, Narrow, "Offset topic partitions",
        "Its partitions when it is created."),
    Row("status.storage.topic", Text, Required, NonEmpty, High, STORAGE, Medium, "Status topic",
        "The topic that keeps the states of connectors and tasks."),
    Row("status.storage.replication.factor", Short, Is("3"), BrokerDefaultOrPositive, Low, STORAGE, Narrow, "Status topic replication",
        "Its replication factor when it is created; 1 when the worker is started from the environment."),
    Row("status.storage.partitions", Int, Is("5"), BrokerDefaultOrPositive, Low, STORAGE, Narrow, "Status topic partitions",
        "Its partitions when it is created."),
    Row("key.converter", Class(Converter), Required, Any, High, TASKS, Wide, "Key converter",
        "How keys are read by connectors that do not say it themselves."),
    Row("value.converter", Class(Converter), Required, Any, High, TASKS, Wide, "Value converter",
        "How values are read by connectors that do not say it themselves."),
    Row("header.converter", Class(HeaderConverter), Is("org.apache.kafka.connect.storage.SimpleHeaderConverter"), Any, Low, TASKS, Wide, "Header converter",
        "Accepted for compatibility: the sink does not read headers."),
    Row("offset.flush.interval.ms", Long, Is("60000"), AtLeast(1), Low, TASKS, Narrow, "Commit interval",
        "How often offsets are committed, in milliseconds."),
    Row("offset.flush.timeout.ms", Long, Is("5000"), AtLeast(1), Low, TASKS, Narrow, "Commit timeout",
        "How long a commit may take, in milliseconds."),
    Row("task.shutdown.graceful.timeout.ms", Long, Is("5000"), AtLeast(0), Low, TASKS, Narrow, "Shutdown timeout",
        "How long tasks may finish their work when they stop, in milliseconds, all together."),
    Row("connector.client.config.override.policy", Text, Is("All"), Any, Mid, SECURITY, Medium, "Override policy",
        "Which Kafka client keys a connector may override: All, None, Principal (security.protocol, sasl.mechanism, \
         sasl.jaas.config) or Allowlist; an alias or a class name."),
    Row("connector.client.config.override.allowlist", List, Is(""), Any, Mid, SECURITY, Wide, "Override allowlist",
        "The keys that a connector may override with the policy Allowlist, without consumer.override. and the like."),
    Row("listeners", List, Is("http://:8083"), Any, Low, REST, Wide, "Listeners",
        "Where REST listens, http://host:port or https://host:port with commas between; no host means all interfaces. \
         Keys and certificates for https come from listeners.https.ssl.*, else from ssl.*."),
    Row("rest.advertised.host.name", Text, Null, Any, Low, REST, Medium, "Advertised host",
        "The host name by which others reach this worker."),
    Row("rest.advertised.port", Int, Null, Port, Low, REST, Narrow, "Advertised port",
        "The port by which others reach this worker."),
    Row("rest.advertised.listener", Text, Null, OneOfAnyCase(&["http", "https"]), Low, REST, Narrow, "Advertised scheme",
        "The scheme by which others reach this worker, http or https; http when there is such a listener."),
    Row("rest.extension.classes", List, Is(""), Any, Low, REST, Wide, "Extensions",
        "org.apache.kafka.connect.rest.basic.auth.extension.BasicAuthSecurityRestExtension turns basic auth on; other \
         classes are refused."),
    Row("rest.basic.auth.users.file", Text, Null, Any, Low, REST, Wide, "Users of basic auth",
        "A properties file of users and passwords; when it is not set, the JAAS file of \
         -Djava.security.auth.login.config in KAFKA_OPTS names it, as in Connect."),
    Row("access.control.allow.origin", Text, Is(""), Any, Low, REST, Wide, "Allowed origins",
        "Pages of these origins may call REST: a list, or * for all; empty means none."),
    Row("access.control.allow.methods", Text, Is(""), Any, Low, REST, Wide, "Allowed methods",
        "The methods that pages of these origins may use; empty means GET, POST and HEAD."),
    Row("response.http.headers.config", Text, Is(""), Any, Low, REST, Wide, "Response headers",
        "Headers for every answer: rules `action name:value` with commas between, where action is set, add, setDate or \
         addDate."),
    Row("ui.enable", Boolean, Is("true"), Any, Low, REST, Narrow, "Page",
        "Whether the page for people is served, at /ui on the listeners of REST. It is protected as REST is."),
    Row("admin.listeners", List, Null, Any, Low, REST, Wide, "Admin listeners",
        "Separate listeners for logger settings, with admin.listeners.https.ssl.* for https; empty turns these settings off."),
    Row("log.level", Text, Null, OneOfAnyCase(&["OFF", "FATAL", "ERROR", "WARN", "INFO", "DEBUG", "TRACE", "ALL"]), Low, LOG, Narrow, "Log level",
        "The level of the worker's own log lines, INFO when nothing says it. The variables LOG_LEVEL and \
         CONNECT_LOG4J_ROOT_LOGLEVEL win. SIGHUP reads it again."),
    Row("config.providers", List, Is(""), Any, Low, SECURITY, Wide, "Config providers",
        "Aliases of the sources of values for variables in settings: ${alias:path:key}. Each has \
         config.providers.<alias>.class (FileConfigProvider, DirectoryConfigProvider, EnvVarConfigProvider) and \
         config.providers.<alias>.param.* (allowed.paths; allowlist.pattern)."),
    Row("topic.tracking.enable", Boolean, Is("true"), Any, Low, TASKS, Narrow, "Topic tracking",
        "Whether the topics that a connector uses are noted."),
    Row("topic.tracking.allow.reset", Boolean, Is("true"), Any, Low, TASKS, Narrow, "Topic tracking reset",
        "Whether that note may be cleared over REST."),
    Row("topic.creation.enable", Boolean, Is("true"), Any, Low, TASKS, Narrow, "Topic creation",
        "Accepted for compatibility: it concerns sources."),
    Row("session.timeout.ms", Int, Is("10000"), AtLeast(1), High, GROUP, Narrow, "Session timeout",
        "How long a worker may be silent before the others take its work, in milliseconds."),
    Row("heartbeat.interval.ms", Int, Is("3000"), AtLeast(1), High, GROUP, Narrow, "Heartbeat interval",
        "How often a worker shows that it lives, in milliseconds."),
    Row("rebalance.timeout.ms", Int, Is("60000"), AtLeast(1), High, GROUP, Narrow, "Rebalance timeout",
        "How long the workers have to join a new round, in milliseconds."),
    Row("scheduled.rebalance.max.delay.ms", Int, Is("300000"), Between(0, i32::MAX as i64), Low, GROUP, Narrow, "Rebalance delay",
        "How long the work of a worker that left waits for its return, in milliseconds."),
    Row("connect.protocol", Text, Is("sessioned"), OneOfAnyCase(&["eager", "compatible", "sessioned"]), Low, GROUP, Medium, "Group protocol",
        "The protocol between workers."),
    Row("worker.sync.timeout.ms", Int, Is("3000"), Any, Mid, GROUP, Narrow, "Sync timeout",
        "How long a worker may catch up before it leaves the group, in milliseconds."),
    Row("worker.unsync.backoff.ms", Int, Is("300000"), Any, Mid, GROUP, Narrow, "Unsync pause",
        "How long it then stays away, in milliseconds."),
    Row("exactly.once.source.support", Text, Is("disabled"), OneOfAnyCase(&["disabled", "preparing", "enabled"]), High, GROUP, Medium, "Exactly-once sources",
        "Accepted for compatibility: there are no sources."),
    Row("inter.worker.key.ttl.ms", Int, Is("3600000"), Between(0, i32::MAX as i64), Low, GROUP, Narrow, "Session key age",
        "How long a key that signs requests between workers lives, in milliseconds."),
    Row("inter.worker.key.size", Int, Null, Any, Low, GROUP, Narrow, "Session key size",
        "The size of that key in bits; the algorithm's own when not set."),
    Row("metrics.names", List, Is("strimzi,kusto"), Any, Mid, METRICS, Wide, "Names of metrics",
        "The families of names that /metrics serves, several at once: strimzi, confluent, exporter, reporter, kusto-board, and \
         kusto, which is always there. docs/metrics.md has all names."),
    Row("metrics.listeners", List, Is(""), Any, Mid, METRICS, Wide, "Metrics listeners",
        "Listeners that serve GET /metrics and nothing else, to anyone: http://host:port or https://host:port with commas \
         between, such as http://0.0.0.0:9404. Keys and certificates for https come from metrics.listeners.https.ssl.*, else \
         from ssl.*. Metrics are on the other listeners too."),
    Row("metrics.partitions", Boolean, Is("true"), Any, Low, METRICS, Narrow, "Metrics of partitions",
        "Whether there are series for each partition: lag, lead, and the age of its oldest record."),
    Row("metrics.clients.interval.ms", Int, Is("0"), Between(0, 86_400_000), Low, METRICS, Narrow, "Metrics of clients",
        "How often Kafka clients (of connectors, dead letters, storage topics and the cluster) tell of their connections, brokers and \
         groups, in milliseconds; 0 is never. It takes memory for each client and a text about each of its partitions."),
    Row("metrics.sample.window.ms", Long, Is("30000"), AtLeast(0), Low, METRICS, Narrow, "Metrics window",
        "How long one sample of a rate, an average or a greatest value lasts, in milliseconds."),
    Row("metrics.num.samples", Int, Is("2"), AtLeast(1), Low, METRICS, Narrow, "Metrics samples",
        "How many samples make a rate, an average or a greatest value."),
    Row("metrics.recording.level", Text, Is("INFO"), OneOf(&["INFO", "DEBUG"]), Low, METRICS, Narrow, "Metrics level",
        "Accepted for compatibility."),
    Row("plugin.discovery", Text, Is("hybrid_warn"), OneOfAnyCase(&["only_scan", "service_load", "hybrid_warn", "hybrid_fail"]), Low, TASKS, Narrow, "Plugin discovery",
        "Accepted for compatibility: Java plugins are not loaded."),
    Row("retry.backoff.ms", Long, Is("100"), AtLeast(0), Low, KAFKA, Narrow, "Retry pause",
        "The first pause before a request is sent again, in milliseconds."),
    Row("reconnect.backoff.ms", Long, Is("50"), AtLeast(0), Low, KAFKA, Narrow, "Reconnect pause",
        "The first pause before a broker is connected again, in milliseconds."),
    Row("reconnect.backoff.max.ms", Long, Is("1000"), AtLeast(0), Low, KAFKA, Narrow, "Longest reconnect pause",
        "The longest such pause, in milliseconds."),
    Row("connections.max.idle.ms", Long, Is("540000"), Any, Low, KAFKA, Narrow, "Idle connections",
        "After how long an unused connection is closed, in milliseconds."),
    Row("security.protocol", Text, Is("PLAINTEXT"), OneOfAnyCase(&["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]), Mid, SECURITY, Medium, "Security protocol",
        "How the brokers are talked to."),
    Row("ssl.client.auth", Text, Is("none"), OneOf(&["required", "requested", "none"]), Low, SECURITY, Narrow, "Client certificates",
        "Whether REST clients must show a certificate."),
    Row("metadata.max.age.ms", Long, Is("300000"), AtLeast(0), Low, KAFKA, Narrow, "Metadata age",
        "How old knowledge of the cluster may become, in milliseconds."),
    Row("request.timeout.ms", Int, Is("40000"), AtLeast(0), Mid, KAFKA, Narrow, "Request timeout",
        "How long a broker may take to answer, in milliseconds."),
    Row("task.restart.backoff.ms", Long, Is("10000"), AtLeast(0), Mid, TASKS, Narrow, "Restart pause",
        "How long a failed task or connector waits before it is started again by itself, in milliseconds; the pause doubles while \
         it goes on failing. 0 leaves it FAILED until somebody restarts it, as a JVM worker does."),
    Row("task.restart.backoff.max.ms", Long, Is("300000"), AtLeast(0), Low, TASKS, Narrow, "Longest restart pause",
        "The longest pause before a failed task is started again by itself, in milliseconds."),
    Row("worker.buffer.bytes", Long, Is(BUFFER_BYTES), AtLeast(1 << 20), High, TASKS, Medium, "Buffer",
        "How many bytes of records and batches the tasks of this worker hold together; when it is used up, partitions \
         pause. At least 1 MiB."),
    Row("worker.allow.insecure.http", Boolean, Is("false"), Any, Low, SECURITY, Narrow, "Insecure http",
        "Lets connectors use plain http and hosts that are no known Kusto hosts, for an emulator outside this machine. \
         A connector's own secrets can then be read on the way; the worker's own identity goes to no such host."),
    Row("worker.allow.identity.hosts", List, Is(""), Any, Low, SECURITY, Wide, "Hosts for the worker's identity",
        "Hosts to which connectors may show what is the worker's own, besides ADX, Event Hubs and the worker's brokers: \
         host, host:port (its Kafka login, its token files, its tokens for ADX) or host:port=scope (a token of its Azure \
         identity for this scope)."),
    Row("worker.allow.paths", List, Is(""), Any, Low, SECURITY, Wide, "Folders for connectors",
        "Absolute paths below which the files lie that connectors may name: key stores, trust stores, certificates, token \
         files. Empty means anywhere, and no token files. Config providers have allowed.paths of their own."),
];

/// 256 MiB: 256 partitions with a full batch of the default 1 MiB each before anything pauses, and still room for the
/// process and librdkafka's queues in a container of 512 MiB, where the JVM worker needs 720 MiB to start with.
const BUFFER_BYTES: &str = "268435456";

/// Keys and beginnings of keys that are Kafka clients' own; passed on to every client.
pub const CLIENT_KEYS: &[&str] = &[
    "bootstrap.servers",
    "client.",
    "connections.max.idle.ms",
    "default.api.timeout.ms",
    "enable.metrics.push",
    "metadata.",
    "receive.buffer.bytes",
    "reconnect.backoff.",
    "request.timeout.ms",
    "retry.backoff.",
    "sasl.",
    "security.",
    "send.buffer.bytes",
    "socket.",
    "ssl.",
];

/// Keys that are accepted and do nothing, with the reason; said in the log.
pub const WITHOUT_EFFECT: &[(&str, &str)] = &[
    ("rest.port", "use listeners"),
    ("rest.host.name", "use listeners"),
    ("plugin.path", "Java plugins are not loaded"),
    ("internal.key.converter", "it is gone since Kafka 3.0"),
    ("internal.value.converter", "it is gone since Kafka 3.0"),
    ("config.storage.partitions", "the config topic always has one partition"),
];
