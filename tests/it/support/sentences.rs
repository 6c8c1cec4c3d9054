//! The kinds of trouble, each with the sentence that a person reads about it and what that person does: the table in
//! `docs/operations.md`. A test that makes trouble says which kind it is ([`Kind::assert_said`]), so no row is a promise alone.

use super::{Worker, wait_for};
use std::fmt::Write as _;
use std::time::Duration;

/// One kind of trouble.
pub struct Kind {
    /// What is wrong.
    pub what: &'static str,
    /// The first line of the trace: `<…>` stands for a name or a number, `…` for any words. A place may stand before it.
    pub sentence: &'static str,
    /// What to do about it.
    pub to_do: &'static str,
}

const fn kind(what: &'static str, sentence: &'static str, to_do: &'static str) -> Kind {
    Kind { what, sentence, to_do }
}

/// A list that has all its members: one that is made and not listed would be in no documentation.
macro_rules! kinds {
    ($($name:ident: $what:literal, $sentence:literal, $to_do:literal;)*) => {
        $(
            #[doc = $what]
            pub const $name: Kind = kind($what, $sentence, $to_do);
        )*
        /// All of them, in the order of the documentation.
        pub const ALL: &[&Kind] = &[$(&$name),*];
        /// Their names in the code.
        pub const NAMES: &[&str] = &[$(stringify!($name)),*];
    };
}

#[rustfmt::skip] // a table: one row is one kind
kinds! {
    WRONG_SETTING: "a setting that cannot be used", "…<key>…; correct <key>", "correct that key; `kusto-connect validate` shows all of them";
    UNKNOWN_CLASS: "a class that is not here", "no sink of this worker has the class <class>; correct connector.class…", "name a class of `GET /connector-plugins`";
    NO_CLASS: "a config without a class", "the config contains no connector type; correct connector.class…", "set `connector.class`";
    NO_ROOM: "no threads, descriptors or address space left", "no room for its Kafka clients: <n> of <n> <things> in use…; raise …, or run fewer connectors on this worker", "raise the limit that is named, or start another worker";
    WRONG_SECRET: "a wrong or expired secret", "no token for <host>: AADSTS<number>…; check aad.auth.<key>", "put the right secret into that key; it is read again with each sign-in";
    FORBIDDEN: "the principal has no role", "<operation>: status 403 …; give the role Database Ingestor: .add database …", "run that command, with the names of your database and principal";
    NO_RIGHT: "no right on the table (`kusto.validation.table.enable`)", "the principal may not ingest into table <table> in database <database>; .add table ['<table>'] ingestors ('…", "run that command";
    MISSING_DATABASE: "a database that is not there", "table <table> in database <database> was not found (<code>); correct kusto.tables.topics.mapping or create it: the database…", "correct the name, or create the database";
    MISSING_TABLE: "a table that is not there", "table <table> in database <database> was not found (<code>); correct kusto.tables.topics.mapping or create it: .create table…", "correct the name, or create the table";
    MISSING_MAPPING: "an ingestion mapping that is not there", "<kind> mapping <mapping> of table <table> in database <database> was not found…; correct kusto.tables.topics.mapping or create it: .create table…", "correct the name, or create the mapping; the whole command is below";
    STREAMING_OFF: "streaming that is not enabled (`kusto.validation.table.enable`)", "streaming ingestion is not enabled for table <table> in database <database>; .alter table ['<table>'] policy streamingingestion enable", "run that command, or take `streaming` out of the mapping";
    SEVERAL_TARGETS: "several of these at once", "<n> problems with tables, the first: …", "all of them are below, each with its command";
    WRONG_URL: "ingest and query URL exchanged, or one of them wrong", "<operation>: status 4<n> …; check kusto.<which>.url: it must be the cluster's …", "exchange the two; `kusto-connect doctor` says which is which";
    NO_REST: "a cluster without ingestion by REST", "…status 404 …; the cluster offers no ingestion by REST: set kusto.ingestion.protocol to queued or auto", "set that";
    UNTRUSTED: "an authority that is not trusted", "<operation>: certificate verify failed: <host>…; trust its authority: SSL_CERT_FILE…", "add the authority, most of the time that of a firewall that opens TLS";
    UNREACHABLE: "the cluster cannot be reached", "<n> batch(es) wait since <time>: …: <operation>: no answer from <host>…; check kusto.<which>.url and the network", "correct the address, or open the firewall; nothing is lost meanwhile";
    EXPIRED_SAS: "an expired signature", "<n> batch(es) wait since <time>: …: <operation>: status 403 AuthenticationFailed…; a fresh signature is fetched…", "nothing; if it lasts, this machine's clock is wrong";
    GONE: "a container or queue that is gone", "<n> batch(es) wait since <time>: …: <operation>: status 404 <code>…; the list of resources is fetched again…", "nothing; if it lasts, `kusto-connect doctor`";
    THROTTLED: "throttling", "<n> batch(es) wait since <time>: …: <operation>: status <429 or 503> …; raise flush.size.bytes…", "larger batches, or a larger cluster";
    OUTAGE: "an outage of the service", "<n> batch(es) wait since <time>: …: <operation>: status 5<n> …; it is tried again…", "nothing; if it lasts, look at the service's health";
    NO_IDENTITY: "an identity token that the cluster does not give", "<n> batch(es) wait since <time>: …: get identity token: status 5<n> …; it is tried again…", "nothing; if it lasts, look at the service's health";
    GAVE_UP: "an outage longer than `errors.retry.max.time.ms`", "…: gave up after <n> tries: <operation>: status <n> <code>…", "what the last try said; without that setting it is tried without an end";
    REFUSED: "storage refuses the request itself", "…, offsets <n>-<n>: put blob: status 400 <code>…; check the proxy on the way (proxy.host), else report it", "look at what changes requests on the way";
    TOO_LARGE: "a batch that is too large", "…, offsets <n>-<n>: put blob: status 413 <code>…; lower flush.size.bytes", "set that, or let `behavior.on.error` skip such a batch";
    WRONG_FORMAT: "what the engine cannot read (streaming)", "…, offsets <n>-<n>: streaming ingestion: status 400 <code>…; check format and mapping in kusto.tables.topics.mapping", "correct the mapping; `behavior.on.error` says what becomes of such records";
    FAILED_LATER: "a batch that the service took and did not keep (in the log, `GET /connectors/NAME/health` and `…/ingestion`; in a trace where a failed batch fails the task)", "…, offsets <n>-<n>: not kept after it was taken: <code>…; check <key>, then set offsets back to it", "mend what is named; stop the connector, set the partition's offset back (`PATCH /connectors/NAME/offsets`), resume it";
    BAD_RECORD: "a record that a converter cannot read", "<partition>, offset <n>: <stage>: …; check <side>.converter, or set errors.tolerance=all", "correct the converter, or let `errors.*` skip such records into a dead-letter topic";
    BAD_TRANSFORM: "a record that a transformation cannot take", "<partition>, offset <n>: TRANSFORMATION (<class>): …; check transforms, or set errors.tolerance=all", "correct the transformation, or let `errors.*` skip such records";
    BAD_PUT: "a record that the sink cannot write", "<partition>, offset <n>: TASK_PUT: …; check kusto.tables.topics.mapping, or set errors.tolerance=all", "correct the mapping, or let `errors.*` skip such records";
    DROPPED: "records that were skipped by your choice, and that no dead letter keeps", "<n> record(s) were dropped, the last: <partition>, offset…; see errors.tolerance…", "nothing, or set a dead-letter topic";
    NO_REGISTRY: "a schema registry that does not answer", "<n> record(s) wait for a schema since <time>: <partition>, offsets <n>-<n>: no answer from <url>: …; check <side>.converter.<key>", "nothing, or correct that key; `errors.retry.timeout` limits the wait";
    REGISTRY_REFUSES: "a schema registry that does not let us in", "<partition>, offset <n>: <stage>: GET <url>: status 401…; check <side>.converter.<key>", "correct that key";
    NO_MEMORY: "no memory for batches", "<n> record(s) wait for memory since <time>: <partition>: worker.buffer.bytes (<n>) is used up by batches that are not handed over; raise worker.buffer.bytes", "look why the others wait; raise it if nothing does";
    NO_TOPIC: "a topic that does not exist (in the log and `GET /connectors/NAME/health` alone: no task waits or fails)", "Subscribed topic not available: <topic>: …; check `topics`: the topic does not exist (yet)", "correct `topics`, or create it";
    NO_LETTERS: "a dead-letter topic whose brokers do not answer", "<n> batch(es) of dead letters wait since <time>: <partition>, offsets <n>-<n>: no answer yet from the brokers (topic <topic>); check <key>…", "nothing, or correct that key; no offset passes a letter that is not there";
    NO_KAFKA: "Kafka cannot be reached", "no Kafka broker can be reached since <time> (bootstrap.servers): …<address>…", "nothing, or correct the address";
    KAFKA_REFUSES: "Kafka does not let the connector's consumers in", "Kafka refuses the consumer: …(group <group>); check consumer.…", "correct what is named; consumers do not inherit the worker's settings";
}

/// What is printed in no line.
const SECRETS: [&str; 5] = ["sig=", "Bearer ", "password=", "AccountKey=", "SharedAccess"];

impl Kind {
    /// The first line of `trace` is the sentence of this kind; `places` (table, topic, partition, offsets, settings) are in it.
    pub fn assert_said(&self, trace: &str, places: &[&str]) {
        assert_brief(trace);
        let line = trace.lines().next().unwrap_or_default();
        assert!(is_like(line, self.sentence), "it should be like\n  {}\n{trace}", self.sentence);
        for place in places {
            assert!(line.contains(place), "{place} is not in the first line of\n{trace}");
        }
    }

    /// Waits until task 0 has failed with this sentence, which the log says too; its trace.
    pub async fn fails(&self, worker: &Worker, connector: &str, places: &[&str]) -> String {
        let trace = worker.rest().wait_for_trace(connector).await;
        self.assert_said(&trace, places);
        assert_logged(worker, &trace);
        trace
    }

    /// Waits until a task that runs says this sentence, and the log does; its trace.
    pub async fn waits(&self, worker: &Worker, connector: &str, places: &[&str]) -> String {
        let path = format!("/connectors/{connector}/status");
        let trace = wait_for(format!("{} at {connector}", self.what), Duration::from_mins(1), async || {
            let answer = worker.rest().try_send("GET", &path, None).await.ok()?;
            let tasks = answer.body["tasks"].as_array()?;
            assert!(tasks.iter().all(|task| task["state"] == "RUNNING"), "{}", answer.body);
            tasks.iter().find_map(|task| task["trace"].as_str().map(str::to_owned))
        });
        let trace = trace.await;
        self.assert_said(&trace, places);
        trace
    }
}

/// The log has an error whose message ends with the first line of `trace`.
pub fn assert_logged(worker: &Worker, trace: &str) {
    let wanted = format!(": {}", trace.lines().next().unwrap_or_default());
    let log = worker.log();
    // A log in JSON writes quotes in another way.
    let is_meant = |line: &str| line.contains("ERROR") && line.replace("\\\"", "\"").contains(&wanted);
    assert!(log.lines().any(is_meant), "no error of the log says\n  {wanted}\n{log}");
}

/// The first line of a trace says it all in one sentence: what happened and what mends it.
pub fn assert_brief(trace: &str) {
    let line = trace.lines().next().unwrap_or_default();
    let count = line.chars().count();
    assert!((1..=200).contains(&count), "{count} characters: {trace}");
    assert!(!line.starts_with("org.apache.kafka.connect.errors"), "no class is a sentence: {trace}");
    for secret in SECRETS {
        assert!(!line.contains(secret), "{secret} in {trace}");
    }
}

/// True when the literal parts of `sentence` are in `line`, in that order; the last one at its end. The end of a line that was
/// cut need not be there as a whole.
fn is_like(line: &str, sentence: &str) -> bool {
    let mut parts = Vec::new();
    let mut rest = sentence;
    while let Some(at) = rest.find(['<', '…']) {
        let (part, behind) = rest.split_at(at);
        parts.push(part);
        rest = match behind.strip_prefix('…') {
            Some(behind) => behind,
            None => behind.split_once('>').map_or("", |(_, behind)| behind),
        };
    }
    let last = rest;
    let mut left = line;
    for part in parts {
        let Some((_, behind)) = left.split_once(part) else { return false };
        left = behind;
    }
    match left.strip_suffix('…') {
        Some(cut) => {
            left.contains(last)
                || (1..=last.len())
                    .rev()
                    .filter(|end| last.is_char_boundary(*end))
                    .any(|end| cut.ends_with(&last[..end]))
        }
        None => left.ends_with(last),
    }
}

/// The table of `docs/operations.md`.
pub fn table() -> String {
    let mut text = "| what is wrong | the first line of the trace | what to do |\n|---|---|---|\n".to_owned();
    for Kind { what, sentence, to_do } in ALL {
        writeln!(text, "| {what} | `{sentence}` | {to_do} |").expect("text");
    }
    text
}

#[test]
fn sentences_are_recognized() {
    for (line, sentence, is_meant) in [
        ("t-0, offset 5: X: bad; check a.b", "<p>, offset <n>: X: …; check <key>", true),
        ("t-0, offset 5: X: bad; check a.b", "<p>, offset <n>: Y: …; check <key>", false),
        ("gone; check a.b", "gone; check a.b", true),
        ("gone; check a.bc", "gone; check a.b", false),
        ("gone; check a.…", "gone; check a.b and c", true),
        ("gone; look at…", "gone; check a.b and c", false),
    ] {
        assert_eq!(is_like(line, sentence), is_meant, "{line}: {sentence}");
    }
}
