//! The settings of Java's Kafka clients (4.3): which client has which, and what their values must be.
//!
//! One table for three questions: is this a key, is its value one that Java takes, and which key was meant by one that
//! nobody knows. What becomes of a key here is `kafka::settings`' business; this file knows no library. Names that Java
//! compares by letter case are taken in any.

use JavaType::{Double, Filled, Flag, GzipLevel, Int, Long, OneOf, Password, Short, Text};

/// A kind of Kafka client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientKind {
    /// Reads.
    Consumer,
    /// Writes.
    Producer,
    /// Asks about the cluster and changes it.
    Admin,
}

impl ClientKind {
    /// The kind whose settings a connector writes with this prefix, and a worker with it.
    pub const PREFIXES: [(Self, &str, &str); 3] = [
        (Self::Consumer, "consumer.override.", "consumer."),
        (Self::Producer, "producer.override.", "producer."),
        (Self::Admin, "admin.override.", "admin."),
    ];

    fn bit(self) -> u8 {
        match self {
            Self::Consumer => CONSUMER,
            Self::Producer => PRODUCER,
            Self::Admin => ADMIN,
        }
    }
}

const CONSUMER: u8 = 1;
const PRODUCER: u8 = 2;
const ADMIN: u8 = 4;
const ALL: u8 = CONSUMER | PRODUCER | ADMIN;

/// What Java asks of a value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum JavaType {
    /// Nothing that can be said without the class that reads it.
    Text,
    /// The same, of something that is never shown.
    Password,
    /// Something.
    Filled,
    /// One of these.
    OneOf(&'static [&'static str]),
    /// `true` or `false`.
    Flag,
    /// A 16-bit integer inside these bounds.
    Short(i64, i64),
    /// A 32-bit one.
    Int(i64, i64),
    /// A 64-bit one.
    Long(i64, i64),
    /// A floating number inside these bounds.
    Double(f64, f64),
    /// 1 to 9, or -1.
    GzipLevel,
}

/// A setting: its key, the clients that have it, its type.
#[derive(Debug)]
pub struct ClientKey(pub &'static str, u8, pub JavaType);

impl ClientKey {
    /// True when clients of this kind have it.
    pub fn is_of(&self, kind: ClientKind) -> bool {
        self.1 & kind.bit() != 0
    }

    /// What Java says against `value`, without repeating it.
    pub fn objection(&self, value: &str) -> Option<String> {
        self.2.objection(crate::configdef::trim(value))
    }
}

impl JavaType {
    fn objection(self, value: &str) -> Option<String> {
        let integer = |kind: &str, least: i64, most: i64| match value.parse::<i64>() {
            Ok(found) if (least..=most).contains(&found) => None,
            // One sentence for a wrong type and a wrong range: both name what is right.
            _ if (least, most) == kind_bounds(kind) => Some(format!("must be a whole number ({kind})")),
            _ if most == kind_bounds(kind).1 => {
                Some(format!("must be a whole number ({kind}) of at least {least}"))
            }
            _ => Some(format!("must be a whole number from {least} to {most}")),
        };
        match self {
            Text | Password => None,
            Filled => value.is_empty().then(|| "must not be empty".to_owned()),
            OneOf(names) => {
                let known = names.iter().any(|name| name.eq_ignore_ascii_case(value));
                (!known).then(|| format!("must be one of {}", names.join(", ")))
            }
            Flag => {
                let known = ["true", "false"].iter().any(|word| word.eq_ignore_ascii_case(value));
                (!known).then(|| "must be true or false".to_owned())
            }
            Short(least, most) => integer("SHORT", least, most),
            Int(least, most) => integer("INT", least, most),
            Long(least, most) => integer("LONG", least, most),
            Double(least, most) => match value.parse::<f64>() {
                Ok(found) if (least..=most).contains(&found) => None,
                _ if least < -1.0 => Some("must be a number".to_owned()),
                _ => Some(format!("must be a number from {least} to {most}")),
            },
            GzipLevel => match value.parse::<i32>() {
                Ok(-1 | 1..=9) => None,
                _ => Some("must be -1, or a whole number from 1 to 9".to_owned()),
            },
        }
    }
}

fn kind_bounds(kind: &str) -> (i64, i64) {
    match kind {
        "SHORT" => (LEAST_SHORT, SHORT),
        "INT" => (LEAST_INT, INT),
        _ => (LEAST_LONG, LONG),
    }
}

/// The setting with this name, if clients of this kind have it.
pub fn java_key(kind: ClientKind, key: &str) -> Option<&'static ClientKey> {
    java_keys(kind).find(|known| known.0 == key)
}

/// All settings of one kind of client.
pub fn java_keys(kind: ClientKind) -> impl Iterator<Item = &'static ClientKey> {
    JAVA.iter().filter(move |key| key.is_of(kind))
}

const SHORT: i64 = i16::MAX as i64;
const INT: i64 = i32::MAX as i64;
const LONG: i64 = i64::MAX;
const LEAST_SHORT: i64 = i16::MIN as i64;
const LEAST_INT: i64 = i32::MIN as i64;
const LEAST_LONG: i64 = i64::MIN;

/// Kafka's own tables (`ConsumerConfig`, `ProducerConfig`, `AdminClientConfig`); a test compares them.
#[rustfmt::skip] // a table: one row is one key
const JAVA: &[ClientKey] = &[
    ClientKey("acks", PRODUCER, OneOf(&["all", "-1", "0", "1"])),
    ClientKey("allow.auto.create.topics", CONSUMER, Flag),
    ClientKey("auto.commit.interval.ms", CONSUMER, Int(0, INT)),
    ClientKey("auto.offset.reset", CONSUMER, Text),
    ClientKey("batch.size", PRODUCER, Int(0, INT)),
    ClientKey("bootstrap.controllers", ADMIN, Text),
    ClientKey("bootstrap.servers", ALL, Text),
    ClientKey("buffer.memory", PRODUCER, Long(0, LONG)),
    ClientKey("check.crcs", CONSUMER, Flag),
    ClientKey("client.dns.lookup", ALL, OneOf(&["use_all_dns_ips", "resolve_canonical_bootstrap_servers_only"])),
    ClientKey("client.id", ALL, Text),
    ClientKey("client.rack", CONSUMER, Text),
    ClientKey("compression.gzip.level", PRODUCER, GzipLevel),
    ClientKey("compression.lz4.level", PRODUCER, Int(1, 17)),
    ClientKey("compression.type", PRODUCER, OneOf(&["none", "gzip", "snappy", "lz4", "zstd"])),
    ClientKey("compression.zstd.level", PRODUCER, Int(-131_072, 22)),
    ClientKey("config.providers", ALL, Text),
    ClientKey("connections.max.idle.ms", ALL, Long(LEAST_LONG, LONG)),
    ClientKey("default.api.timeout.ms", CONSUMER | ADMIN, Int(0, INT)),
    ClientKey("delivery.timeout.ms", PRODUCER, Int(0, INT)),
    ClientKey("enable.auto.commit", CONSUMER, Flag),
    ClientKey("enable.idempotence", PRODUCER, Flag),
    ClientKey("enable.metrics.push", ALL, Flag),
    ClientKey("exclude.internal.topics", CONSUMER, Flag),
    ClientKey("fetch.max.bytes", CONSUMER, Int(0, INT)),
    ClientKey("fetch.max.wait.ms", CONSUMER, Int(0, INT)),
    ClientKey("fetch.min.bytes", CONSUMER, Int(0, INT)),
    ClientKey("group.id", CONSUMER, Text),
    ClientKey("group.instance.id", CONSUMER, Filled),
    ClientKey("group.protocol", CONSUMER, OneOf(&["consumer", "classic"])),
    ClientKey("group.remote.assignor", CONSUMER, Text),
    ClientKey("heartbeat.interval.ms", CONSUMER, Int(LEAST_INT, INT)),
    ClientKey("interceptor.classes", CONSUMER | PRODUCER, Text),
    ClientKey("isolation.level", CONSUMER, OneOf(&["read_committed", "read_uncommitted"])),
    ClientKey("key.deserializer", CONSUMER, Text),
    ClientKey("key.serializer", PRODUCER, Text),
    ClientKey("linger.ms", PRODUCER, Long(0, LONG)),
    ClientKey("max.block.ms", PRODUCER, Long(0, LONG)),
    ClientKey("max.in.flight.requests.per.connection", PRODUCER, Int(1, INT)),
    ClientKey("max.partition.fetch.bytes", CONSUMER, Int(0, INT)),
    ClientKey("max.poll.interval.ms", CONSUMER, Int(1, INT)),
    ClientKey("max.poll.records", CONSUMER, Int(1, INT)),
    ClientKey("max.request.size", PRODUCER, Int(0, INT)),
    ClientKey("metadata.max.age.ms", ALL, Long(0, LONG)),
    ClientKey("metadata.max.idle.ms", PRODUCER, Long(5_000, LONG)),
    ClientKey("metadata.recovery.rebootstrap.trigger.ms", ALL, Long(0, LONG)),
    ClientKey("metadata.recovery.strategy", ALL, OneOf(&["rebootstrap", "none"])),
    ClientKey("metric.reporters", ALL, Text),
    ClientKey("metrics.num.samples", ALL, Int(1, INT)),
    ClientKey("metrics.recording.level", ALL, OneOf(&["info", "debug", "trace"])),
    ClientKey("metrics.sample.window.ms", ALL, Long(0, LONG)),
    ClientKey("partition.assignment.strategy", CONSUMER, Text),
    ClientKey("partitioner.adaptive.partitioning.enable", PRODUCER, Flag),
    ClientKey("partitioner.availability.timeout.ms", PRODUCER, Long(0, LONG)),
    ClientKey("partitioner.class", PRODUCER, Text),
    ClientKey("partitioner.ignore.keys", PRODUCER, Flag),
    ClientKey("receive.buffer.bytes", ALL, Int(-1, INT)),
    ClientKey("reconnect.backoff.max.ms", ALL, Long(0, LONG)),
    ClientKey("reconnect.backoff.ms", ALL, Long(0, LONG)),
    ClientKey("request.timeout.ms", ALL, Int(0, INT)),
    ClientKey("retries", ADMIN | PRODUCER, Int(0, INT)),
    ClientKey("retry.backoff.max.ms", ALL, Long(0, LONG)),
    ClientKey("retry.backoff.ms", ALL, Long(0, LONG)),
    ClientKey("sasl.client.callback.handler.class", ALL, Text),
    ClientKey("sasl.jaas.config", ALL, Password),
    ClientKey("sasl.kerberos.kinit.cmd", ALL, Text),
    ClientKey("sasl.kerberos.min.time.before.relogin", ALL, Long(LEAST_LONG, LONG)),
    ClientKey("sasl.kerberos.service.name", ALL, Text),
    ClientKey("sasl.kerberos.ticket.renew.jitter", ALL, Double(f64::MIN, f64::MAX)),
    ClientKey("sasl.kerberos.ticket.renew.window.factor", ALL, Double(f64::MIN, f64::MAX)),
    ClientKey("sasl.login.callback.handler.class", ALL, Text),
    ClientKey("sasl.login.class", ALL, Text),
    ClientKey("sasl.login.connect.timeout.ms", ALL, Int(LEAST_INT, INT)),
    ClientKey("sasl.login.read.timeout.ms", ALL, Int(LEAST_INT, INT)),
    ClientKey("sasl.login.refresh.buffer.seconds", ALL, Short(0, 3_600)),
    ClientKey("sasl.login.refresh.min.period.seconds", ALL, Short(0, 900)),
    ClientKey("sasl.login.refresh.window.factor", ALL, Double(0.5, 1.0)),
    ClientKey("sasl.login.refresh.window.jitter", ALL, Double(0.0, 0.25)),
    ClientKey("sasl.login.retry.backoff.max.ms", ALL, Long(LEAST_LONG, LONG)),
    ClientKey("sasl.login.retry.backoff.ms", ALL, Long(LEAST_LONG, LONG)),
    ClientKey("sasl.mechanism", ALL, Text),
    ClientKey("sasl.oauthbearer.assertion.algorithm", ALL, OneOf(&["es256", "rs256"])),
    ClientKey("sasl.oauthbearer.assertion.claim.aud", ALL, Text),
    ClientKey("sasl.oauthbearer.assertion.claim.exp.seconds", ALL, Int(0, 86_400)),
    ClientKey("sasl.oauthbearer.assertion.claim.iss", ALL, Text),
    ClientKey("sasl.oauthbearer.assertion.claim.jti.include", ALL, Flag),
    ClientKey("sasl.oauthbearer.assertion.claim.nbf.seconds", ALL, Int(0, 3_600)),
    ClientKey("sasl.oauthbearer.assertion.claim.sub", ALL, Text),
    ClientKey("sasl.oauthbearer.assertion.file", ALL, Text),
    ClientKey("sasl.oauthbearer.assertion.private.key.file", ALL, Text),
    ClientKey("sasl.oauthbearer.assertion.private.key.passphrase", ALL, Password),
    ClientKey("sasl.oauthbearer.assertion.template.file", ALL, Text),
    ClientKey("sasl.oauthbearer.client.credentials.client.id", ALL, Text),
    ClientKey("sasl.oauthbearer.client.credentials.client.secret", ALL, Password),
    ClientKey("sasl.oauthbearer.clock.skew.seconds", ALL, Int(LEAST_INT, INT)),
    ClientKey("sasl.oauthbearer.expected.audience", ALL, Text),
    ClientKey("sasl.oauthbearer.expected.issuer", ALL, Text),
    ClientKey("sasl.oauthbearer.header.urlencode", ALL, Flag),
    ClientKey("sasl.oauthbearer.jwks.endpoint.refresh.ms", ALL, Long(LEAST_LONG, LONG)),
    ClientKey("sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms", ALL, Long(LEAST_LONG, LONG)),
    ClientKey("sasl.oauthbearer.jwks.endpoint.retry.backoff.ms", ALL, Long(LEAST_LONG, LONG)),
    ClientKey("sasl.oauthbearer.jwks.endpoint.url", ALL, Text),
    ClientKey("sasl.oauthbearer.jwt.retriever.class", ALL, Text),
    ClientKey("sasl.oauthbearer.jwt.validator.class", ALL, Text),
    ClientKey("sasl.oauthbearer.scope", ALL, Text),
    ClientKey("sasl.oauthbearer.scope.claim.name", ALL, Text),
    ClientKey("sasl.oauthbearer.sub.claim.name", ALL, Text),
    ClientKey("sasl.oauthbearer.token.endpoint.url", ALL, Text),
    ClientKey("security.protocol", ALL, OneOf(&["sasl_ssl", "plaintext", "ssl", "sasl_plaintext"])),
    ClientKey("security.providers", ALL, Text),
    ClientKey("send.buffer.bytes", ALL, Int(-1, INT)),
    ClientKey("session.timeout.ms", CONSUMER, Int(LEAST_INT, INT)),
    ClientKey("share.acknowledgement.mode", CONSUMER, OneOf(&["implicit", "explicit"])),
    ClientKey("share.acquire.mode", CONSUMER, OneOf(&["batch_optimized", "record_limit"])),
    ClientKey("socket.connection.setup.timeout.max.ms", ALL, Long(LEAST_LONG, LONG)),
    ClientKey("socket.connection.setup.timeout.ms", ALL, Long(LEAST_LONG, LONG)),
    ClientKey("ssl.cipher.suites", ALL, Text),
    ClientKey("ssl.enabled.protocols", ALL, Text),
    ClientKey("ssl.endpoint.identification.algorithm", ALL, Text),
    ClientKey("ssl.engine.factory.class", ALL, Text),
    ClientKey("ssl.key.password", ALL, Password),
    ClientKey("ssl.keymanager.algorithm", ALL, Text),
    ClientKey("ssl.keystore.certificate.chain", ALL, Password),
    ClientKey("ssl.keystore.key", ALL, Password),
    ClientKey("ssl.keystore.location", ALL, Text),
    ClientKey("ssl.keystore.password", ALL, Password),
    ClientKey("ssl.keystore.type", ALL, Text),
    ClientKey("ssl.protocol", ALL, Text),
    ClientKey("ssl.provider", ALL, Text),
    ClientKey("ssl.secure.random.implementation", ALL, Text),
    ClientKey("ssl.trustmanager.algorithm", ALL, Text),
    ClientKey("ssl.truststore.certificates", ALL, Password),
    ClientKey("ssl.truststore.location", ALL, Text),
    ClientKey("ssl.truststore.password", ALL, Password),
    ClientKey("ssl.truststore.type", ALL, Text),
    ClientKey("transaction.timeout.ms", PRODUCER, Int(LEAST_INT, INT)),
    ClientKey("transaction.two.phase.commit.enable", PRODUCER, Flag),
    ClientKey("transactional.id", PRODUCER, Filled),
    ClientKey("value.deserializer", CONSUMER, Text),
    ClientKey("value.serializer", PRODUCER, Text),
];

#[cfg(test)]
mod tests {
    use super::{ClientKind, java_key};

    #[test]
    fn values_are_judged_as_java_does() {
        let said = |kind, key, value| java_key(kind, key).expect(key).objection(value).unwrap_or_default();
        for (key, value, expected) in [
            ("max.poll.records", "many", "must be a whole number (INT) of at least 1"),
            ("max.poll.records", "0", "must be a whole number (INT) of at least 1"),
            ("max.poll.records", " 500 ", ""),
            ("session.timeout.ms", "2147483648", "must be a whole number (INT)"),
            ("enable.auto.commit", "yes", "must be true or false"),
            ("enable.auto.commit", "TRUE", ""),
            ("isolation.level", "none", "must be one of read_committed, read_uncommitted"),
            ("group.instance.id", " ", "must not be empty"),
            ("sasl.login.refresh.buffer.seconds", "3601", "must be a whole number from 0 to 3600"),
            ("sasl.login.refresh.window.factor", "0.4", "must be a number from 0.5 to 1"),
        ] {
            assert_eq!(said(ClientKind::Consumer, key, value), expected, "{key}={value}");
        }
        assert_eq!(
            said(ClientKind::Producer, "compression.gzip.level", "0"),
            "must be -1, or a whole number from 1 to 9"
        );
        assert!(java_key(ClientKind::Producer, "max.poll.records").is_none());
    }
}
