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
    /// Accepted without effect, for this reason.
    Ignored(&'static str),
    /// An error when it is set, with this reason.
    Refused(&'static str),
}

use Treatment::{Ignored, Kibibytes, Number, Refused, Renamed};

const JVM: &str = "it only means something to a JVM";
const OURS: &str = "the worker decides it";
const NO_EQUIVALENT: &str = "there is no equivalent in librdkafka";
/// librdkafka's own keys, which anybody who may create a connector could set.
const NO_CODE: &str = "libraries that a setting names are not loaded; leave it out";
const DAY: i64 = 86_400_000;
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
    ("security.providers", Ignored(JVM)),
    ("send.buffer.bytes", Number("socket.send.buffer.bytes", (0, 100_000_000), 0)),
    ("ssl.engine.location", Refused(NO_CODE)),
    ("ssl.providers", Refused(NO_CODE)),
    ("socket.connection.setup.timeout.max.ms", Ignored(NO_EQUIVALENT)),
    ("socket.connection.setup.timeout.ms", Number("socket.connection.setup.timeout.ms", (1_000, INT), 30_000)),
    // Consumers.
    ("auto.commit.interval.ms", Ignored(OURS)),
    ("enable.auto.commit", Ignored(OURS)),
    ("exclude.internal.topics", Ignored("topics.regex never matches topics that are internal to Kafka")),
    ("fetch.max.bytes", Number("fetch.max.bytes", (0, 2_147_483_135), 0)),
    ("fetch.max.wait.ms", Number("fetch.wait.max.ms", (0, 300_000), 0)),
    ("fetch.min.bytes", Number("fetch.min.bytes", (1, 100_000_000), 1)),
    ("key.deserializer", Ignored(OURS)),
    ("max.partition.fetch.bytes", Number("max.partition.fetch.bytes", (1, 1_000_000_000), 1)),
    ("max.poll.interval.ms", Number("max.poll.interval.ms", (1, DAY), DAY)),
    ("max.poll.records", Ignored("the worker reads in batches of its own")),
    ("value.deserializer", Ignored(OURS)),
    // Producers.
    ("buffer.memory", Kibibytes("queue.buffering.max.kbytes")),
    ("key.serializer", Ignored(OURS)),
    ("max.block.ms", Ignored("a full producer waits without a limit")),
    ("max.request.size", Number("message.max.bytes", (1_000, 1_000_000_000), 1_000_000)),
    ("metadata.max.idle.ms", Ignored(NO_EQUIVALENT)),
    ("partitioner.adaptive.partitioning.enable", Ignored(NO_EQUIVALENT)),
    ("partitioner.availability.timeout.ms", Ignored(NO_EQUIVALENT)),
    ("partitioner.class", Refused("partitioners are Java classes, which are not loaded; leave it out")),
    ("partitioner.ignore.keys", Ignored(NO_EQUIVALENT)),
    ("transaction.two.phase.commit.enable", Ignored(OURS)),
    ("value.serializer", Ignored(OURS)),
    ("compression.gzip.level", Renamed("compression.level")),
    ("compression.lz4.level", Renamed("compression.level")),
    ("compression.zstd.level", Renamed("compression.level")),
];

/// What becomes of `key`; none when it is the same in both worlds, or unknown.
pub(super) fn treatment(key: &str) -> Option<Treatment> {
    JAVA.iter().find(|(java, _)| *java == key).map(|(_, treatment)| *treatment)
}
