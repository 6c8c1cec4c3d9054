//! Which settings each kind of client gets (`connect-runtime.md` §2.2, §4.1).
//!
//! The one place that knows Connect's rules of inheritance: clients of the worker itself have its top-level keys;
//! consumers of tasks have `consumer.*` and `consumer.override.*` and nothing of the top level, admin clients of
//! connectors have the top level, `admin.*` and `admin.override.*`, producers `producer.*` and `producer.override.*`.

use std::time::Duration;

use rdkafka::ClientConfig;

use super::kerberos::{JAAS, KINIT, Login, RELOGIN};
use super::{Assembled, Layer, PROTOCOL, assemble, merged, protocol, sasl, setting};
use crate::config::{ClientKind, Mode, WorkerConfig, custody};
use crate::configdef::{ConnectorProperties, Properties};
use crate::kafka::Error;

/// How often topics are looked at, and the longest pause between that librdkafka takes.
const REFRESH: &str = "topic.metadata.refresh.interval.ms";
const LONGEST_REFRESH: u64 = 3_600_000;
const GROUP: &str = "group.id";

/// What one record of a producer may take when the user does not say: what a request may hold (`socket.request.max.bytes`
/// of brokers is 100 MiB, and a larger request costs the connection) with room for headers. Which records are too large is
/// the topic's to say.
const MESSAGE: &str = "100000000";

/// Makes the broker alone decide how large a record of this producer may be, unless the user said otherwise.
pub fn limit_by_the_broker(config: &mut ClientConfig) {
    if config.get("message.max.bytes").is_none() {
        config.set("message.max.bytes", MESSAGE);
    }
}

/// A client of the worker itself: storage topics, membership. `purpose` ends its client id (`configs`).
pub fn storage(worker: &WorkerConfig, purpose: &str) -> Result<ClientConfig, Error> {
    assembled_storage(worker, purpose).finish()
}

pub(super) fn assembled_storage(worker: &WorkerConfig, purpose: &str) -> Assembled {
    let middle = worker.client.get("client.id").filter(|id| !id.is_empty());
    let client_id = match middle {
        Some(id) => format!("{}-{id}-{purpose}", worker.group_id),
        None => format!("{}-{purpose}", worker.group_id),
    };
    let defaults = [("bootstrap.servers", worker.bootstrap_servers.as_str())];
    let layers = [Layer { prefix: "", properties: &worker.client }];
    let mut assembled = assemble(ClientKind::Admin, &defaults, &layers);
    assembled.config.set("client.id", client_id);
    assembled
}

/// The consumer of a connector's tasks, with Connect's defaults.
pub fn consumer(
    worker: &WorkerConfig,
    connector: &str,
    overrides: &Properties,
) -> Result<ClientConfig, Error> {
    assembled_consumer(worker, connector, overrides).finish()
}

pub(super) fn assembled_consumer(
    worker: &WorkerConfig,
    connector: &str,
    overrides: &Properties,
) -> Assembled {
    let group = format!("connect-{connector}");
    let client = format!("connector-consumer-{connector}");
    let defaults = [
        ("bootstrap.servers", worker.bootstrap_servers.as_str()),
        ("group.id", &group),
        ("client.id", &client),
        ("auto.offset.reset", "earliest"),
        ("isolation.level", "read_uncommitted"),
        ("allow.auto.create.topics", "true"),
        ("partition.assignment.strategy", "cooperative-sticky"),
        // With queues of their own the limit holds for each partition; a pipeline that cannot keep up is paused.
        ("queued.max.messages.kbytes", "1024"),
        ("fetch.queue.backoff.ms", "5"),
    ];
    let layers = [
        Layer { prefix: "consumer.", properties: &worker.consumer },
        Layer { prefix: "consumer.override.", properties: overrides },
    ];
    let mut assembled = assemble(ClientKind::Consumer, &defaults, &layers);
    assembled.errors.extend(keep(worker, &layers).err());
    let login = match one_login(worker, &layers) {
        Ok(login) => login,
        Err(error) => return assembled.reject(error),
    };
    let keeps_tickets = login.is_some() && keeps_tickets(worker).unwrap_or(false);
    let config = &mut assembled.config;
    if keeps_tickets {
        config.set(RELOGIN, "0");
    }
    // What Java's clients do by one key: how old may metadata be, and so how late is a new topic seen.
    let age = config.get("metadata.max.age.ms").and_then(|age| age.parse::<u64>().ok());
    if let (Some(age), None) = (age, config.get(REFRESH)) {
        config.set(REFRESH, age.min(LONGEST_REFRESH).to_string());
    }
    // Not the user's to change: an offset is committed only after its record was handed over.
    config.set("enable.auto.commit", "false").set("enable.auto.offset.store", "false");
    if same_group(config.get(GROUP), worker) {
        let written = merged(&layers);
        let is_written = written.get(GROUP).is_some();
        let key = if is_written { written.name(GROUP) } else { "name".to_owned() };
        return assembled.reject(conflict(&key, worker));
    }
    assembled
}

/// How long the group of a connector keeps a member that does not show any sign of life.
pub fn session_timeout(worker: &WorkerConfig, config: &ConnectorProperties) -> Result<Duration, Error> {
    const KEY: &str = "session.timeout.ms";
    let prefix = "consumer.override.";
    let own = config.get(&format!("{prefix}{KEY}")).cloned().flatten();
    let own = own.map(|text| (KEY.to_owned(), text)).into_iter().collect();
    let layers =
        [Layer { prefix: "consumer.", properties: &worker.consumer }, Layer { prefix, properties: &own }];
    let settings = merged(&layers);
    // Java's default, and librdkafka's.
    let text = settings.get(KEY).unwrap_or("45000");
    let millis = text.trim().parse().map_err(|_| setting(&settings.name(KEY), "must be a whole number"))?;
    Ok(Duration::from_millis(millis))
}

/// An admin client that works for a connector; `overrides` are its `admin.override.*` without that prefix.
pub fn admin(worker: &WorkerConfig, client_id: &str, overrides: &Properties) -> Result<ClientConfig, Error> {
    assembled_admin(worker, client_id, overrides).finish()
}

pub(super) fn assembled_admin(worker: &WorkerConfig, client_id: &str, overrides: &Properties) -> Assembled {
    let defaults = [("bootstrap.servers", worker.bootstrap_servers.as_str()), ("client.id", client_id)];
    let layers = [
        Layer { prefix: "", properties: &worker.client },
        Layer { prefix: "admin.", properties: &worker.admin },
        Layer { prefix: "admin.override.", properties: overrides },
    ];
    with_one_login(worker, ClientKind::Admin, &defaults, &layers)
}

/// What a producer of dead letters has unless somebody wants it otherwise, as in Connect; and a letter is never given up.
const LETTERS: [(&str, &str); 6] = [
    ("acks", "all"),
    ("partitioner", "murmur2_random"),
    ("max.in.flight.requests.per.connection", "1"),
    ("enable.idempotence", "false"),
    ("delivery.timeout.ms", "0"),
    // How many may wait is bounded by the pipelines: a few takes of records for each partition.
    ("queue.buffering.max.messages", "0"),
];

/// A producer of dead letters that works for a connector; `overrides` are its `producer.override.*` without that prefix.
pub fn producer(
    worker: &WorkerConfig,
    client_id: &str,
    overrides: &Properties,
) -> Result<ClientConfig, Error> {
    assembled_producer(worker, client_id, overrides).finish()
}

pub(super) fn assembled_producer(
    worker: &WorkerConfig,
    client_id: &str,
    overrides: &Properties,
) -> Assembled {
    let own = [("bootstrap.servers", worker.bootstrap_servers.as_str()), ("client.id", client_id)];
    let layers = [
        Layer { prefix: "producer.", properties: &worker.producer },
        Layer { prefix: "producer.override.", properties: overrides },
    ];
    with_one_login(worker, ClientKind::Producer, &[&own[..], &LETTERS].concat(), &layers)
}

/// A client of which everything is said by `properties`, which stand below `prefix`, `bootstrap.servers` among them. They
/// are a producer's; another kind of client that has them ignores what it does not know.
pub fn own(
    worker: &WorkerConfig,
    client_id: &str,
    prefix: &str,
    properties: &Properties,
) -> Result<ClientConfig, Error> {
    assembled_own(worker, client_id, prefix, properties).finish()
}

pub(super) fn assembled_own(
    worker: &WorkerConfig,
    client_id: &str,
    prefix: &str,
    properties: &Properties,
) -> Assembled {
    let defaults = [&[("client.id", client_id)][..], &LETTERS].concat();
    with_one_login(worker, ClientKind::Producer, &defaults, &[Layer { prefix, properties }])
}

/// The last of `layers` is the connector's.
fn with_one_login(
    worker: &WorkerConfig,
    kind: ClientKind,
    defaults: &[(&str, &str)],
    layers: &[Layer<'_>],
) -> Assembled {
    let mut assembled = assemble(kind, defaults, layers);
    assembled.errors.extend(keep(worker, layers).err());
    assembled.errors.extend(one_login(worker, layers).err());
    if let Some(Layer { prefix, properties }) = layers.last() {
        assembled.errors.extend(outside_the_cluster(prefix, properties, worker).err());
    }
    assembled
}

/// True for the group of the workers' own cluster, whatever blanks stand around its name.
pub fn same_group(group: Option<&str>, worker: &WorkerConfig) -> bool {
    worker.mode == Mode::Distributed && group.is_some_and(|group| group.trim() == worker.group_id.trim())
}

/// A connector's client has no business in the group in which the workers choose their leader.
fn outside_the_cluster(prefix: &str, properties: &Properties, worker: &WorkerConfig) -> Result<(), Error> {
    if same_group(properties.get(GROUP).map(String::as_str), worker) {
        return Err(conflict(&format!("{prefix}{GROUP}"), worker));
    }
    Ok(())
}

fn conflict(key: &str, worker: &WorkerConfig) -> Error {
    setting(key, &format!("this is the group of the workers themselves ({GROUP}={})", worker.group_id))
}

/// Refuses to show what is the worker's to hosts that its operator does not know; the last layer is the connector's.
fn keep(worker: &WorkerConfig, layers: &[Layer<'_>]) -> Result<(), Error> {
    let Some((own, of_worker)) = layers.split_last() else { return Ok(()) };
    let of_worker: Vec<_> = of_worker.iter().map(|layer| (layer.prefix, layer.properties)).collect();
    let layers = custody::Layers { of_worker: &of_worker, of_connector: (own.prefix, own.properties) };
    Ok(custody::check_client(worker, &layers)?)
}

/// The Kerberos login of `layers`, if they have one, which must then be the worker's. Tickets are in the one credential
/// cache of the process: of two logins, the later one would also be everybody else's.
fn one_login(worker: &WorkerConfig, layers: &[Layer<'_>]) -> Result<Option<Login>, Error> {
    let Some(login) = login(layers)? else { return Ok(None) };
    let settings = merged(layers);
    let keys = [JAAS, KINIT, sasl::MECHANISM, PROTOCOL].map(|key| settings.name(key));
    let [jaas, ..] = &keys;
    let key = keys.iter().find(|key| key.contains(".override.")).unwrap_or(jaas);
    let top = Layer { prefix: "", properties: &worker.client };
    let admin = Layer { prefix: "admin.", properties: &worker.admin };
    let consumer = Layer { prefix: "consumer.", properties: &worker.consumer };
    let producer = Layer { prefix: "producer.", properties: &worker.producer };
    for (layers, prefix) in
        [(&[top][..], ""), (&[consumer], "consumer."), (&[producer], "producer."), (&[top, admin], "admin.")]
    {
        match self::login(layers)? {
            Some(first) if first == login => return Ok(Some(login)),
            Some(_) => {
                let reason = format!(
                    "a worker has one Kerberos login, since its tickets belong to the process: give it the principal, \
                     keyTab and {KINIT} of {prefix}{JAAS}"
                );
                return Err(setting(key, &reason));
            }
            None => {}
        }
    }
    let reason = "a connector cannot bring a Kerberos login, since tickets belong to the process: set the same in the \
                  worker's configuration (consumer.sasl.jaas.config)";
    Err(setting(key, reason))
}

fn login(layers: &[Layer<'_>]) -> Result<Option<Login>, Error> {
    let settings = merged(layers);
    if protocol(&settings)?.contains("sasl") { sasl::kerberos(&settings) } else { Ok(None) }
}

/// True when clients that live as long as the worker get the tickets, so that its consumers need not ask for them too.
fn keeps_tickets(worker: &WorkerConfig) -> Result<bool, Error> {
    let storage = login(&[Layer { prefix: "", properties: &worker.client }])?;
    let never = worker
        .client
        .get(RELOGIN)
        .and_then(|period| period.trim().parse().ok())
        .is_some_and(|ms: i64| ms <= 0);
    Ok(worker.mode == Mode::Distributed && storage.is_some() && !never)
}
