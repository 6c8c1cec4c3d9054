//! The table of Java client settings whose name, range or meaning is another one in librdkafka.
//!
//! Keys that are not here are the same in both, or unknown to both. Security has rooms of its own (`sasl`, `ssl`).

/// What becomes of a Java setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Treatment {
    /// A number under this name. Java allows more than librdkafka: what is outside of these bounds becomes the bound;
    /// Java's -1 ("no limit", "the system's own") becomes the last value.
    Number(&'static str, (i64, i64), i64),
    /// Bytes that librdkafka counts in KiB, under this name.
    Kibibytes(&'static str),
    /// The same text under this name.
    Renamed(&'static str),
    /// A level of compression by this codec, and the least that librdkafka takes.
    Level(&'static str, i64),
    /// Accepted without effect, for this reason.
    Ignored(&'static str),
    /// An error when it is set, with this reason.
    Refused(&'static str),
}

use Treatment::{Ignored, Kibibytes, Level, Number, Refused, Renamed};

const JVM: &str = "it only means something to a JVM";
const OURS: &str = "the worker decides it";
const NO_EQUIVALENT: &str = "there is no equivalent in librdkafka";
/// librdkafka's own keys, which anybody who may create a connector could set.
const NO_CODE: &str = "libraries that a setting names are not loaded; leave it out";
/// Likewise: what the code around the client relies on, what writes to this machine, and what librdkafka's own tests use.
const INNER: &str = "it is librdkafka's own business, and the worker relies on it; leave it out";
const ONE_NAME: &str = "use its name among Java's settings, bootstrap.servers";
const JAAS: &str = "use sasl.jaas.config";
const DAY: i64 = 86_400_000;
const HOUR: i64 = 3_600_000;
const INT: i64 = i32::MAX as i64;

/// Java's name and what becomes of it.
#[rustfmt::skip] // a table: one row is one key
pub(super) const JAVA: &[(&str, Treatment)] = &[
    // All clients.
    ("auto.include.jmx.reporter", Ignored(JVM)),
    ("config.providers", Ignored("variables are resolved before")),
    ("connections.max.idle.ms", Number("connections.max.idle.ms", (0, INT), 0)),
    ("default.api.timeout.ms", Ignored("calls have limits of their own")),
    ("interceptor.classes", Ignored(JVM)),
    ("metadata.max.age.ms", Number("metadata.max.age.ms", (1, DAY), 1)),
    ("metric.reporters", Ignored(JVM)),
    ("metrics.num.samples", Ignored(JVM)),
    ("metrics.recording.level", Ignored(JVM)),
    ("metrics.sample.window.ms", Ignored(JVM)),
    ("plugin.library.paths", Refused(NO_CODE)),
    ("receive.buffer.bytes", Number("socket.receive.buffer.bytes", (0, 100_000_000), 0)),
    ("reconnect.backoff.max.ms", Number("reconnect.backoff.max.ms", (0, 3_600_000), 0)),
    ("reconnect.backoff.ms", Number("reconnect.backoff.ms", (0, 3_600_000), 0)),
    ("request.timeout.ms", Number("socket.timeout.ms", (10, 300_000), 300_000)),
    ("retry.backoff.max.ms", Number("retry.backoff.max.ms", (1, 300_000), 1)),
    ("retry.backoff.ms", Number("retry.backoff.ms", (1, 300_000), 1)),
    ("sasl.oauthbearer.metadata.authentication.type", Refused(JAAS)),
    ("security.providers", Ignored(JVM)),
    ("send.buffer.bytes", Number("socket.send.buffer.bytes", (0, 100_000_000), 0)),
    ("ssl.engine.location", Refused(NO_CODE)),
    ("ssl.providers", Refused(NO_CODE)),
    ("socket.connection.setup.timeout.max.ms", Ignored(NO_EQUIVALENT)),
    ("socket.connection.setup.timeout.ms", Number("socket.connection.setup.timeout.ms", (1_000, INT), 30_000)),
    ("metadata.recovery.rebootstrap.trigger.ms", Number("metadata.recovery.rebootstrap.trigger.ms", (0, INT), INT)),
    // Consumers.
    ("auto.commit.interval.ms", Ignored(OURS)),
    ("enable.auto.commit", Ignored(OURS)),
    ("exclude.internal.topics", Ignored("topics.regex never matches topics that are internal to Kafka")),
    // Below 1000, the least for one message, brokers answer with one batch anyway.
    ("fetch.max.bytes", Number("fetch.max.bytes", (1_000, 2_147_483_135), 0)),
    ("fetch.max.wait.ms", Number("fetch.wait.max.ms", (0, 300_000), 0)),
    ("fetch.min.bytes", Number("fetch.min.bytes", (1, 100_000_000), 1)),
    ("heartbeat.interval.ms", Number("heartbeat.interval.ms", (1, HOUR), 1)),
    ("key.deserializer", Ignored(OURS)),
    ("max.partition.fetch.bytes", Number("max.partition.fetch.bytes", (1, 1_000_000_000), 1)),
    ("max.poll.interval.ms", Number("max.poll.interval.ms", (1, DAY), DAY)),
    ("max.poll.records", Ignored("the worker reads in batches of its own")),
    ("session.timeout.ms", Number("session.timeout.ms", (1, HOUR), 1)),
    ("share.acknowledgement.mode", Ignored("it is for share groups")),
    ("share.acquire.mode", Ignored("it is for share groups")),
    ("value.deserializer", Ignored(OURS)),
    // Producers.
    ("batch.size", Number("batch.size", (1, INT), 1)),
    ("buffer.memory", Kibibytes("queue.buffering.max.kbytes")),
    ("compression.gzip.level", Level("gzip", -1)),
    ("compression.lz4.level", Level("lz4", 1)),
    ("compression.zstd.level", Level("zstd", 1)),
    // To librdkafka 0 is no limit.
    ("delivery.timeout.ms", Number("delivery.timeout.ms", (1, INT), INT)),
    ("key.serializer", Ignored(OURS)),
    ("linger.ms", Number("linger.ms", (0, 900_000), 0)),
    ("max.block.ms", Ignored("a full producer waits without a limit")),
    ("max.in.flight.requests.per.connection", Number("max.in.flight.requests.per.connection", (1, 1_000_000), 1)),
    ("max.request.size", Number("message.max.bytes", (1_000, 1_000_000_000), 1_000_000)),
    ("metadata.max.idle.ms", Ignored(NO_EQUIVALENT)),
    ("partitioner.adaptive.partitioning.enable", Ignored(NO_EQUIVALENT)),
    ("partitioner.availability.timeout.ms", Ignored(NO_EQUIVALENT)),
    ("partitioner.class", Refused("partitioners are Java classes, which are not loaded; leave it out")),
    ("partitioner.ignore.keys", Ignored(NO_EQUIVALENT)),
    ("transaction.timeout.ms", Ignored(OURS)),
    ("transaction.two.phase.commit.enable", Ignored(OURS)),
    ("transactional.id", Refused("what the worker writes is not part of a transaction; leave it out")),
    ("value.serializer", Ignored(OURS)),
    // Clients for administration.
    ("bootstrap.controllers", Refused("brokers are asked, not controllers; leave it out")),
    // Other names of librdkafka's for the same: one name, so that a later layer wins.
    ("compression.codec", Renamed("compression.type")),
    ("fetch.message.max.bytes", Renamed("max.partition.fetch.bytes")),
    ("max.in.flight", Renamed("max.in.flight.requests.per.connection")),
    ("message.send.max.retries", Renamed("retries")),
    ("message.timeout.ms", Renamed("delivery.timeout.ms")),
    ("queue.buffering.max.ms", Renamed("linger.ms")),
    ("request.required.acks", Renamed("acks")),
    // librdkafka's own that nobody may set.
    ("auto.commit.enable", Refused(INNER)),
    ("builtin.features", Refused(INNER)),
    ("delivery.report.only.error", Refused(INNER)),
    ("enable.auto.offset.store", Ignored(OURS)),
    ("enable.gapless.guarantee", Refused(INNER)),
    ("enable.partition.eof", Refused(INNER)),
    ("enable.sasl.oauthbearer.unsecure.jwt", Refused(JAAS)),
    ("enabled_events", Refused(INNER)),
    ("group.protocol.type", Refused(INNER)),
    ("internal.termination.signal", Refused(INNER)),
    ("log.queue", Refused(INNER)),
    ("log_level", Ignored("RUST_LOG and LOG_LEVEL decide it")),
    ("metadata.broker.list", Refused(ONE_NAME)),
    ("offset.store.method", Refused(INNER)),
    ("offset.store.path", Refused(INNER)),
    ("offset.store.sync.interval.ms", Refused(INNER)),
    ("sasl.oauthbearer.config", Refused(JAAS)),
    ("sasl.oauthbearer.method", Refused(JAAS)),
    ("ssl.engine.id", Refused(NO_CODE)),
    ("test.mock.broker.rtt", Refused(INNER)),
    ("test.mock.num.brokers", Refused(INNER)),
    ("ut_handle_ProduceResponse", Refused(INNER)),
];

/// What becomes of `key`; none when it is the same in both worlds, or unknown.
pub(super) fn treatment(key: &str) -> Option<Treatment> {
    JAVA.iter().find(|(java, _)| *java == key).map(|(_, treatment)| *treatment)
}
