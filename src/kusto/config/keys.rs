//! The table of the Kusto sink's keys.
//!
//! Types, defaults, groups, orders and display names are those the JVM connector shows (5.3.1); the documentation is ours
//! and says what *this* worker does.

use crate::configdef::def::Check::{Any, AtLeast, OneOf};
use crate::configdef::def::Importance::{High, Low, Medium as Mid};
use crate::configdef::def::KeyType::{Boolean, Int, List, Long, String as Text};
use crate::configdef::def::RowDefault::{Is, Null, Required};
use crate::configdef::def::Width::{Long as Wide, Medium, Short as Narrow};
use crate::configdef::def::{ConfigKey, Row, RowDefault};
use crate::kusto::signin::{CONNECTION, rows};

/// The group of keys about tables and batches.
pub const WRITES: &str = "Writes";
const RETRIES: &str = "Error Handling and Retries";

/// Names accepted for `behavior.on.error`.
pub const BEHAVIORS: &[&str] = &["FAIL", "LOG", "IGNORE", "fail", "log", "ignore"];

/// Values of `kusto.ingestion.protocol`.
pub const PROTOCOLS: &[&str] = &["queued", "v2", "auto"];

/// Values of `kusto.outcome.queue`.
pub const QUEUE_USES: &[&str] = &["off", "shared", "exclusive"];

/// Values of `kusto.outcome.on.failure`.
pub const ON_FAILURES: &[&str] = &["report", "fail"];

/// The Kusto sink's keys, in the connector's order.
pub fn kusto() -> Vec<ConfigKey> {
    let mut keys: Vec<_> = KUSTO.iter().map(ConfigKey::from).chain(rows::keys()).collect();
    let group = |key: &ConfigKey| {
        [CONNECTION, WRITES, RETRIES].iter().position(|name| key.group.as_deref() == Some(*name))
    };
    keys.sort_by_key(|key| (group(key), key.order));
    keys
}

/// All but those of signing in.
#[rustfmt::skip] // a table: one row is one key
const KUSTO: &[Row] = &[
    Row("kusto.ingestion.url", Text, Required, Any, High, (CONNECTION, 0), Medium, "Kusto cluster ingestion URL",
        "The data management endpoint, https://ingest-<cluster>.<region>.kusto.windows.net. ingest- is put in when it \
         is missing; https:// too. Plain http only for this machine or with worker.allow.insecure.http."),
    Row("kusto.query.url", Text, Required, Any, Low, (CONNECTION, 1), Medium, "Kusto cluster query URL",
        "The engine endpoint, https://<cluster>.<region>.kusto.windows.net."),
    Row("kusto.validation.table.enable", Boolean, Is("false"), Any, Low, (CONNECTION, 6), Narrow, "Enable table validation",
        "true: before the first record, tables, mappings, the right to ingest and the policies of tables that are streamed to are \
         checked, and each task fails that would not get its records in; the message has the KQL that mends it. When it is not \
         written, only tables and mappings are looked up. false: nothing is."),
    Row("proxy.host", Text, Null, Any, Low, (CONNECTION, 8), Medium, "Proxy host used to connect to Kusto",
        "The name of an HTTP proxy that all calls to Azure take: ingestion, queries, storage and sign-in, but not those to the \
         machine's own identity service. It wins over HTTPS_PROXY and the like."),
    Row("proxy.port", Int, Is("-1"), Any, Low, (CONNECTION, 9), Medium, "Proxy port used to connect to Kusto",
        "Its port; needed with proxy.host."),
    Row("kusto.ingestion.protocol", Text, Is("queued"), OneOf(PROTOCOLS), Low, (CONNECTION, 12), Narrow, "Ingestion protocol",
        "How the service learns of a batch: queued (a message in its queue), v2 (its REST API, a preview: a batch that the \
         service fails later is told in the log), or auto (v2 where the cluster offers and prefers it). Ours; the JVM \
         connector has queued only."),
    Row("kusto.validation.records.enable", Boolean, Is("true"), Any, Low, (CONNECTION, 13), Narrow, "Enable record validation",
        "Whether texts and bytes that are passed on unread are looked at for what would cost the other records of their batch: \
         JSON that is no object, quotes that are never closed. Such a record is a bad one. What ADX takes beyond JSON's \
         standard (comments, single quotes, NaN) needs false. Ours."),
    Row("kusto.tables.topics.mapping", Text, Required, Any, High, (WRITES, 0), Medium, "Kusto Table Topics Mapping",
        "A JSON array, single quotes allowed, with one object per topic: topic (a name, or * for all others) or topicRegex \
         (an expression that whole names match), db, table, format, mapping (the name of an ingestion mapping of the table), \
         columns (what of a record is written beside its value, as ['key', 'offset as off']), streaming (true: batches \
         of up to 4 MB go to the engine directly, which needs the table's streamingingestion policy; when the engine does not \
         take one, it is queued). In db, table and mapping ${topic} is the topic, ${1} or ${name} what a group of topicRegex \
         matched. The Fabric class has dynamicPayload too (true: the value's members stand in the column payload)."),
    Row("tempdir.path", Text, Is("/tmp"), Any, Low, (WRITES, 1), Medium, "Temporary Directory",
        "Accepted for compatibility: nothing is written to local disk."),
    Row("flush.size.bytes", Long, Is("1048576"), AtLeast(100), Mid, (WRITES, 2), Medium, "Maximum Flush Size",
        "A partition's batch is sent when it has more than this many uncompressed bytes."),
    Row("flush.interval.ms", Long, Is("30000"), AtLeast(100), High, (WRITES, 3), Medium, "Maximum Flush Interval",
        "A partition's batch is sent when its first record is this many milliseconds old."),
    Row("behavior.on.error", Text, Is("FAIL"), OneOf(BEHAVIORS), Low, (RETRIES, 0), Wide, "Behavior On Error",
        "What happens to a record that the sink cannot write, and to a batch that is refused for good. FAIL: the task fails. \
         LOG and IGNORE (which differ in the level of the log): it goes to the topic of misc.deadletterqueue.topic.name. \
         Without one, a record goes to errors.deadletterqueue.topic.name or is dropped, a batch is dropped if the service \
         refuses its content, and in all other cases (an outage, a missing right or table) the task fails. What is dropped \
         is counted in the task's status and in /metrics. A streamed batch is taken apart, so that only its bad records are \
         meant."),
    Row("misc.deadletterqueue.bootstrap.servers", List, Is(""), Any, Low, (RETRIES, 1), Medium,
        "Miscellaneous Dead-Letter Queue Bootstrap Servers",
        "The brokers of the topic for what behavior.on.error=LOG or IGNORE skips. Further settings of its producer stand \
         beside it, as misc.deadletterqueue.security.protocol."),
    Row("misc.deadletterqueue.topic.name", Text, Is(""), Any, Low, (RETRIES, 2), Medium,
        "Miscellaneous Dead-Letter Queue Topic Name",
        "That topic. It gets records as they were, with headers that tell where they came from and what went wrong. No offset \
         moves over a record before it is in the topic; until then a batch's records are kept in memory."),
    Row("errors.retry.max.time.ms", Long, RETRY_MAX, Any, Low, (RETRIES, 3), Medium, "Errors Maximum Retry Time",
        "How long a failed batch is tried again, in milliseconds. When it is not written, without an end: an outage \
         never fails a task."),
    Row("errors.retry.backoff.time.ms", Long, Is("10000"), AtLeast(1), Low, (RETRIES, 4), Medium, "Errors Retry BackOff Time",
        "The longest pause between two tries, in milliseconds."),
    Row("kusto.outcome.enable", Boolean, Is("true"), Any, Low, (RETRIES, 5), Narrow, "Follow batches",
        "Whether the worker asks the cluster what became of batches that it took: .show ingestion failures, one command in each \
         kusto.outcome.interval.ms for all connectors that sign in alike, and only while something is on its way. That needs the role \
         Database Monitor; without it, that is said once, and ingestion goes on. Ours."),
    Row("kusto.outcome.interval.ms", Long, Is("60000"), AtLeast(1000), Low, (RETRIES, 6), Narrow, "Interval of looks at what failed",
        "How many milliseconds after one look at what failed the next one comes. Ours."),
    Row("kusto.outcome.margin.ms", Long, Is("300000"), AtLeast(0), Low, (RETRIES, 7), Narrow, "Margin for what fails late",
        "How many milliseconds beyond its table's batching time (ingestionbatching; 5 minutes without a policy) a batch is followed. If no \
         failure was told until then, it counts as unreported, which is no proof that its rows are there. Ours."),
    Row("kusto.outcome.queue", Text, Is("off"), OneOf(QUEUE_USES), Low, (RETRIES, 8), Narrow, "Use of the failure queue",
        "Whether the service's failure queue is read at each look too: it also has what fails before the engine sees it. All clients of the \
         cluster share it: a message that is read is hidden from them, for 30 seconds (shared) or five minutes (exclusive: nobody else \
         waits for messages), and only messages of this worker's own batches are deleted. Ours."),
    Row("kusto.outcome.on.failure", Text, Is("report"), OneOf(ON_FAILURES), Low, (RETRIES, 9), Narrow, "Behavior on batches that fail later",
        "What happens when a batch that was handed over is known to have failed: report (log, status, health and metrics tell of it) or \
         fail (its task fails too). Its offsets are committed in both cases. Ours."),
];

/// The default that the JVM connector shows; it counts for us only when it is written.
const RETRY_MAX: RowDefault = Is("300000");
