//! Each setting of Java's clients with edge values, and the settings that have rules between them with each other: either
//! the key is named as wrong, or a client is really made of it. What nobody thought of fails here.

use crate::plugins::BUILT_IN;
use std::collections::HashSet;

use rdkafka::ClientConfig;
use rdkafka::admin::AdminClient;
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, DefaultConsumerContext};
use rdkafka::producer::{BaseProducer, DefaultProducerContext};

use super::Assembled;
use super::clients::{assembled_admin, assembled_consumer, assembled_producer};
use crate::config::{ClientKind, JavaType, WorkerConfig, java_keys};
use crate::configdef::Properties;

fn worker() -> WorkerConfig {
    let env = [
        ("BOOTSTRAP_SERVERS", "127.0.0.1:1"),
        ("CONFIG_STORAGE_TOPIC", "c"),
        ("OFFSET_STORAGE_TOPIC", "o"),
        ("GROUP_ID", "g"),
    ];
    WorkerConfig::load(&BUILT_IN, None, env.map(|(key, value)| (key.to_owned(), value.to_owned()))).unwrap()
}

fn assembled(worker: &WorkerConfig, kind: ClientKind, settings: &[(&str, String)]) -> Assembled {
    let settings: Properties =
        settings.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    match kind {
        ClientKind::Consumer => assembled_consumer(worker, "x", &settings),
        ClientKind::Producer => assembled_producer(worker, "x", &settings),
        ClientKind::Admin => assembled_admin(worker, "x", &settings),
    }
}

fn made(kind: ClientKind, config: &ClientConfig) -> Result<(), String> {
    let made = match kind {
        ClientKind::Consumer => config.create::<BaseConsumer<DefaultConsumerContext>>().map(drop),
        ClientKind::Producer => config.create::<BaseProducer<DefaultProducerContext>>().map(drop),
        ClientKind::Admin => config.create::<AdminClient<DefaultClientContext>>().map(drop),
    };
    made.map_err(|error| error.to_string())
}

/// The configurations that clients were made of: most values come to the same.
type Made = HashSet<String>;

/// What is wrong with the promise, if anything.
fn broken(
    worker: &WorkerConfig,
    kind: ClientKind,
    settings: &[(&str, String)],
    seen: &mut Made,
) -> Option<String> {
    let Assembled { config, errors, .. } = assembled(worker, kind, settings);
    if errors.is_empty() {
        let is_new = seen.insert(format!("{kind:?} {:?}", config.config_map()));
        let made = if is_new { made(kind, &config) } else { Ok(()) };
        return made.err().map(|reason| format!("{kind:?} {settings:?}: {reason}"));
    }
    let named = |error: &crate::kafka::Error| {
        error.wrong_settings().iter().all(|(key, _)| {
            // Without Kerberos the mechanism must be said.
            let named = |(written, _): &(&str, String)| {
                key.ends_with(&format!(".override.{written}"))
                    || (*written == "security.protocol" && key.ends_with("sasl.mechanism"))
            };
            settings.iter().any(named)
        })
    };
    let unnamed: Vec<_> = errors.iter().filter(|error| !named(error)).map(ToString::to_string).collect();
    (!unnamed.is_empty()).then(|| format!("{kind:?} {settings:?}: {unnamed:?}"))
}

fn values(key: &str, of: JavaType) -> Vec<String> {
    let integers = |least: i64, most: i64| -> Vec<String> {
        let all = [least, most, least.saturating_sub(1), -1, 0, 1, 999, 30_000, 100_000, i64::from(i32::MAX)];
        let odd = ["", "x", "010", "+7", " 5 "].map(str::to_owned);
        all.iter().map(ToString::to_string).chain(odd).collect()
    };
    match of {
        JavaType::Short(least, most) | JavaType::Int(least, most) | JavaType::Long(least, most) => {
            integers(least, most)
        }
        JavaType::GzipLevel => integers(-1, 9),
        JavaType::Double(..) => ["0.5", "0", "-1", "x", ""].map(str::to_owned).to_vec(),
        JavaType::Flag => ["true", "false", " TRUE ", "1", "yes", ""].map(str::to_owned).to_vec(),
        JavaType::OneOf(names) => {
            let upper = names.iter().map(|name| name.to_ascii_uppercase());
            let odd = ["", "x"].map(str::to_owned);
            names.iter().map(|name| (*name).to_owned()).chain(upper).chain(odd).collect()
        }
        JavaType::Text | JavaType::Password | JavaType::Filled => {
            let own: &[&str] = match key {
                "bootstrap.servers" => &["127.0.0.1:1", "PLAINTEXT://127.0.0.1:1", "nohost", ":1", "h:x"],
                "partition.assignment.strategy" => &[
                    "org.apache.kafka.clients.consumer.RangeAssignor",
                    "org.apache.kafka.clients.consumer.RangeAssignor,org.apache.kafka.clients.consumer.CooperativeStickyAssignor",
                    "org.apache.kafka.clients.consumer.StickyAssignor",
                    ",",
                ],
                "auto.offset.reset" => &["latest", "earliest", "none", "EARLIEST", "by_duration:PT1H"],
                "group.remote.assignor" => &["uniform"],
                _ => &[],
            };
            own.iter().chain(&["", " ", "x", "ü", "a b"]).map(|value| (*value).to_owned()).collect()
        }
    }
}

const KINDS: [ClientKind; 3] = [ClientKind::Consumer, ClientKind::Producer, ClientKind::Admin];

#[test]
fn each_setting_is_refused_by_its_name_or_makes_a_client() {
    let worker = worker();
    let (mut all_broken, mut seen) = (Vec::new(), Made::new());
    for kind in KINDS {
        for key in java_keys(kind) {
            for value in values(key.0, key.2) {
                all_broken.extend(broken(&worker, kind, &[(key.0, value)], &mut seen));
            }
        }
    }
    assert!(all_broken.is_empty(), "{} broken:\n{}", all_broken.len(), all_broken.join("\n"));
}

/// Settings with rules between them, librdkafka's own names among them.
type Values = (&'static str, &'static [&'static str]);

const RULES: [(ClientKind, &[Values]); 3] = [
    (
        ClientKind::Consumer,
        &[
            ("session.timeout.ms", &["6000", "60000"]),
            ("heartbeat.interval.ms", &["1000", "6000"]),
            ("max.poll.interval.ms", &["1", "30000"]),
            ("group.protocol", &["consumer", "CLASSIC"]),
            ("partition.assignment.strategy", &["range", "roundrobin,cooperative-sticky"]),
            ("fetch.max.bytes", &["0", "100000", "2147483647"]),
            ("message.max.bytes", &["1000", "1000000000"]),
            ("receive.message.max.bytes", &["1000", "2147483647"]),
            ("max.partition.fetch.bytes", &["0", "2147483647"]),
            ("queued.max.messages.kbytes", &["1", "2097151"]),
            ("reconnect.backoff.ms", &["20000", "0"]),
            ("reconnect.backoff.max.ms", &["0", "30000"]),
        ],
    ),
    (
        ClientKind::Producer,
        &[
            ("enable.idempotence", &["true", "1", "false"]),
            ("acks", &["all", "-1", "0", "1"]),
            ("retries", &["0", "1"]),
            ("max.in.flight.requests.per.connection", &["5", "6"]),
            ("max.in.flight", &["6"]),
            ("linger.ms", &["0", "120000", "900000"]),
            ("delivery.timeout.ms", &["0", "1", "30000"]),
            ("message.timeout.ms", &["100"]),
            ("transactional.id", &["t"]),
            ("transaction.timeout.ms", &["-5"]),
            ("request.timeout.ms", &["0", "2147483647"]),
            ("queue.buffering.backpressure.threshold", &["2"]),
            ("enable.gapless.guarantee", &["true"]),
            ("compression.type", &["zstd", "gzip"]),
            ("compression.zstd.level", &["-131072", "22"]),
            ("reconnect.backoff.max.ms", &["0"]),
        ],
    ),
    (
        ClientKind::Admin,
        &[
            ("reconnect.backoff.ms", &["20000"]),
            ("reconnect.backoff.max.ms", &["0", "30000"]),
            ("request.timeout.ms", &["0"]),
            ("bootstrap.controllers", &["127.0.0.1:1", ""]),
        ],
    ),
];

#[test]
fn settings_with_rules_between_them_are_refused_or_made_to_fit() {
    let worker = worker();
    let (mut all_broken, mut seen) = (Vec::new(), Made::new());
    for (kind, rows) in RULES {
        let all = || rows.iter().flat_map(|(key, values)| values.iter().map(move |value| (*key, *value)));
        for (one, first) in all() {
            for (other, second) in all().filter(|(other, _)| *other >= one) {
                let both = [(one, first.to_owned()), (other, second.to_owned())];
                all_broken.extend(broken(&worker, kind, &both, &mut seen));
            }
        }
    }
    assert!(all_broken.is_empty(), "{} broken:\n{}", all_broken.len(), all_broken.join("\n"));
}

#[test]
fn what_librdkafka_keeps_for_itself_is_refused() {
    let worker = worker();
    for key in [
        "internal.termination.signal",
        "test.mock.num.brokers",
        "enabled_events",
        "metadata.broker.list",
        "offset.store.path",
        "sasl.oauthbearer.config",
        "delivery.report.only.error",
    ] {
        let wrong = assembled(&worker, ClientKind::Consumer, &[(key, "1".to_owned())]).errors;
        let text: String = wrong.iter().map(ToString::to_string).collect();
        assert!(text.contains(&format!("consumer.override.{key}")), "{key}: {text}");
    }
}

#[test]
fn what_is_not_used_as_written_is_said() {
    let worker = worker();
    let notes = |key: &'static str, value: &str| {
        let notes = assembled(&worker, ClientKind::Consumer, &[(key, value.to_owned())]).notes;
        notes.into_iter().map(|note| note.text).collect::<Vec<_>>().join("; ")
    };
    for (key, value, expected) in [
        ("max.pol.records", "5", "is not used; did you mean max.poll.records?"),
        ("batch.size", "5", "has no effect: a consumer does not have it"),
        (
            "max.poll.interval.ms",
            "30000",
            "max.poll.interval.ms=45000 is used, which goes with session.timeout.ms",
        ),
        ("fetch.max.bytes", "0", "1000 is used, the nearest that can be used here"),
        ("max.poll.records", "5", "has no effect here: the worker reads in batches of its own"),
        ("client.rack", "r", ""),
    ] {
        let said = notes(key, value);
        assert!(said.contains(expected) && said.is_empty() == expected.is_empty(), "{key}: {said}");
    }
}
