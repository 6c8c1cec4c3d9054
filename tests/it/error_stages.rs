//! Failures on the last part of the way (upload, queue message, posting, streaming) with each tolerance: what passes costs
//! nothing; where it does not pass, each record is a row, a letter byte for byte, counted, or still there to be read.

mod failures;

use std::collections::BTreeSet;
use std::time::Duration;

use adx_emulator::faults::{Effect, Rule};
use futures::StreamExt;
use serde_json::{Value, json};

use self::failures::Meaning::{Content, Message, Passes, Place, Whole};
use self::failures::Way::{Posted, Streamed};
use self::failures::{FOR_GOOD, Failure, QUEUE, STREAMING, TOLERANCES, Tolerance, UPLOADS};
use crate::support::sentences::{DROPPED, GAVE_UP, assert_logged};
use crate::support::{Adx, DATABASE, Kafka, Raw, Worker, read_raw, send_raw, unique, wait_for};

const MINUTE: Duration = Duration::from_mins(1);
const RECORDS: usize = 60;
/// The record of the broken row, where there is one.
const BROKEN: usize = 20;

/// What must become of the records.
#[derive(Clone, Copy, PartialEq)]
enum Outcome {
    Rows,
    Letters,
    Counted,
    Fails,
}

struct Case {
    failure: &'static Failure,
    tolerance: Tolerance,
    name: String,
    table: String,
}

impl Case {
    fn outcome(&self) -> Outcome {
        let Tolerance(behavior, topic, _) = self.tolerance;
        match (self.failure.meaning, behavior.eq_ignore_ascii_case("FAIL"), topic) {
            (Passes, ..) | (Whole, false, _) => Outcome::Rows,
            (_, true, _) | (Place | Message, _, false) => Outcome::Fails,
            (_, false, true) => Outcome::Letters,
            (Content, false, false) => Outcome::Counted,
        }
    }

    fn dead_letters(&self) -> String {
        format!("{}-dead", self.name)
    }

    fn has_broken_row(&self) -> bool {
        self.failure.faults.is_empty()
    }

    fn records(&self) -> Vec<Raw> {
        let record = |number: usize| {
            let broken = number == BROKEN && self.has_broken_row();
            let value =
                if broken { format!("0,{number},\"text") } else { format!("0,{number},text of {number}") };
            let mut raw = Raw::text(&format!("k{number}"), &value);
            raw.timestamp = Some(1_700_000_000_000);
            raw.header("h", b"\xff\x00")
        };
        (0..RECORDS).map(record).collect()
    }

    /// What is said of it when an assertion fails.
    fn describe(&self) -> String {
        let Tolerance(behavior, topic, tolerance) = self.tolerance;
        let faults = self
            .failure
            .faults
            .iter()
            .map(|(operation, status, code, _)| format!("{} {status} {code}", operation.as_str()));
        let faults = faults.collect::<Vec<_>>().join(", ");
        format!("{}: [{faults}], {behavior}, topic: {topic}, errors.tolerance={tolerance}", self.name)
    }
}

/// What all cases share.
struct Ground {
    kafka: &'static Kafka,
    worker: Worker,
    adx: Adx,
}

impl Ground {
    async fn set() -> Self {
        let kafka = Kafka::shared().await;
        let worker = Worker::with(kafka, &[("task.restart.backoff.ms", "0")]).await;
        Self { kafka, worker, adx: Adx::start().await }
    }

    fn config(&self, case: &Case) -> Value {
        let Case { failure, tolerance: Tolerance(behavior, topic, tolerance), name, table } = case;
        let entry = json!({
            "topic": name, "db": DATABASE, "table": table, "format": "csv", "streaming": failure.way == Streamed
        });
        let mut config = json!({
            "connector.class": "com.microsoft.azure.kusto.kafka.connect.sink.KustoSinkConnector",
            "topics": name,
            "tasks.max": "1",
            // Three batches.
            "flush.size.bytes": "600",
            "flush.interval.ms": "300",
            "errors.retry.backoff.time.ms": "100",
            "kusto.ingestion.url": self.adx.url(),
            "kusto.query.url": self.adx.url(),
            "kusto.ingestion.protocol": if failure.way == Posted { "v2" } else { "queued" },
            "kusto.tables.topics.mapping": json!([entry]).to_string(),
            "behavior.on.error": behavior,
            "errors.tolerance": tolerance,
        });
        if *topic {
            config["misc.deadletterqueue.bootstrap.servers"] = self.kafka.bootstrap().into();
            config["misc.deadletterqueue.topic.name"] = case.dead_letters().into();
        }
        if case.has_broken_row() {
            // Else the service would never see it.
            config["kusto.validation.records.enable"] = "false".into();
        }
        if failure.meaning == Place {
            config["errors.retry.max.time.ms"] = "1000".into();
        }
        config
    }

    /// Its topics with all records, its table, its faults, and its connector.
    async fn prepare(&self, case: &Case) {
        self.kafka.create_topic(&case.name, 1).await;
        if case.tolerance.1 {
            self.kafka.create_topic(&case.dead_letters(), 1).await;
        }
        send_raw(self.kafka, &case.name, &case.records()).await;
        let table = &case.table;
        self.adx
            .command(&format!(".create table {table} (Partition: int, Number: long, Text: string)"))
            .await;
        if case.failure.way == Streamed {
            self.adx.command(&format!(".alter table {table} policy streamingingestion enable")).await;
        }
        for (operation, status, code, times) in case.failure.faults {
            let effect =
                Effect::Status { status: *status, code: Some((*code).to_owned()), retry_after: None };
            let rule = Rule { path_contains: Some(table.clone()), ..Rule::new(*operation, effect) };
            self.adx.faults().add(if *times == FOR_GOOD { rule } else { rule.times(*times) });
        }
        let answer = self.worker.rest().create(&case.name, &self.config(case)).await;
        assert_eq!(answer.status, 201, "{}: {}", case.describe(), answer.body);
    }

    /// The numbers in its table, in order.
    async fn rows(&self, case: &Case) -> Vec<usize> {
        let rows = self.adx.query(&format!("{} | project Number | order by Number asc", case.table)).await;
        rows.iter().map(|row| usize::try_from(row[0].as_u64().unwrap()).unwrap()).collect()
    }

    async fn committed(&self, case: &Case) -> usize {
        let committed = self.kafka.committed(&format!("connect-{}", case.name), &case.name, 1).await;
        // Nothing committed is -1.
        usize::try_from(committed[0]).unwrap_or(0)
    }

    /// The trace of its task, which runs.
    async fn trace(&self, case: &Case) -> Option<String> {
        let answer = self.worker.rest().get(&format!("/connectors/{}/status", case.name)).await;
        let task = &answer.body["tasks"][0];
        assert_eq!(task["state"], "RUNNING", "{}: {}", case.describe(), answer.body);
        task["trace"].as_str().map(str::to_owned)
    }

    /// A number of its task, as Prometheus reads it.
    async fn number(&self, case: &Case, name: &str) -> usize {
        let answer = reqwest::get(self.worker.rest().url("/metrics")).await.expect("an answer");
        let text = answer.text().await.expect("a text");
        let start = format!("{name}{{connector=\"{}\",task=\"0\"}} ", case.name);
        let number = text.lines().find_map(|line| line.strip_prefix(&start)?.parse().ok());
        number.unwrap_or_else(|| panic!("{start} is not in\n{text}"))
    }

    /// The numbers tell what became of the records.
    async fn check_numbers(&self, case: &Case, letters: usize, dropped: usize) {
        for (name, wanted) in [
            ("kafka_connect_task_error_total_record_errors", letters + dropped),
            ("kafka_connect_task_error_total_records_skipped", letters + dropped),
            ("kafka_connect_task_error_deadletterqueue_produce_requests", letters),
            ("kafka_connect_task_error_deadletterqueue_produce_failures", 0),
            ("kusto_sink_records_dropped", dropped),
        ] {
            assert_eq!(self.number(case, name).await, wanted, "{name}: {}", case.describe());
        }
    }

    /// The offsets of its letters, each of which is its record.
    async fn letters(&self, case: &Case) -> Vec<usize> {
        if !case.tolerance.1 {
            return Vec::new();
        }
        let records = case.records();
        let letters = read_raw(self.kafka, &case.dead_letters()).await;
        let offset = |letter: &Raw| {
            let header = |name: &str| letter.header_text(name).unwrap_or_default().to_owned();
            let offset: usize = header("kafka_offset").parse().unwrap();
            let record = &records[offset];
            let own = &letter.headers[..record.headers.len()];
            assert_eq!((&letter.key, &letter.value, own), (&record.key, &record.value, &record.headers[..]));
            assert_eq!((letter.timestamp, header("kafka_topic")), (record.timestamp, case.name.clone()));
            assert_eq!(header("__connect.errors.stage"), "TASK_PUT");
            let reason = header("__connect.errors.exception.message");
            assert!(reason.contains(case.failure.words), "{}: {reason}", case.describe());
            offset
        };
        letters.iter().map(offset).collect()
    }

    async fn check(&self, case: &Case) {
        let what = case.describe();
        if case.outcome() == Outcome::Fails {
            return self.check_failed(case).await;
        }
        wait_for(format!("the offsets of {what}"), MINUTE, async || {
            (self.committed(case).await == RECORDS).then_some(())
        })
        .await;
        let letters = self.letters(case).await;
        let counted = self.counted(case).await;
        self.check_numbers(case, letters.len(), counted).await;
        let wanted = RECORDS - letters.len() - counted;
        wait_for(format!("{wanted} rows of {what}"), MINUTE, async || {
            (self.rows(case).await.len() >= wanted).then_some(())
        })
        .await;
        let rows = self.rows(case).await;
        assert_eq!(rows.len(), wanted, "{what}");
        let all: BTreeSet<usize> = rows.iter().chain(&letters).copied().collect();
        assert_eq!(all.len(), rows.len() + letters.len(), "{what}: neither twice nor both");
        match case.outcome() {
            Outcome::Rows => assert!(letters.is_empty() && rows.len() == RECORDS, "{what}"),
            Outcome::Letters => assert!(!letters.is_empty() && all.len() == RECORDS, "{what}"),
            _ => assert!(letters.is_empty() && counted > 0, "{what}"),
        }
        match (case.failure.meaning, case.outcome()) {
            (Content, _) if case.has_broken_row() => {
                assert_eq!(wanted, RECORDS - 1, "{what}: a bad record costs no neighbour");
            }
            (Content | Message, _) => {
                assert!(rows.len() >= RECORDS / 3, "{what}: one batch is no other's trouble");
            }
            (Place, _) => assert_eq!(letters.len(), RECORDS, "{what}"),
            _ => {}
        }
        assert!(!(case.has_broken_row() && rows.contains(&BROKEN)), "{what}");
        self.check_log(case);
    }

    /// How many records its status says were skipped.
    async fn counted(&self, case: &Case) -> usize {
        let what = case.describe();
        if case.outcome() != Outcome::Counted {
            // A batch may just have waited for long.
            let none = async || self.trace(case).await.is_none().then_some(());
            wait_for(format!("no word in the state of {what}"), MINUTE, none).await;
            return 0;
        }
        let trace = wait_for("the count", MINUTE, async || self.trace(case).await).await;
        DROPPED.assert_said(&trace, &[case.failure.words, &case.name]);
        trace.split(' ').next().unwrap().parse().unwrap()
    }

    /// LOG is loud about a batch that it skips, IGNORE is not.
    fn check_log(&self, case: &Case) {
        let log = self.worker.log();
        let of_case = |line: &&str| line.contains("batch skipped") && line.contains(&case.name);
        let is_told = log.lines().any(|line| of_case(&line));
        let is_loud = case.tolerance.0.eq_ignore_ascii_case("LOG") && case.outcome() != Outcome::Rows;
        assert_eq!(is_told, is_loud, "{}", case.describe());
    }

    async fn check_failed(&self, case: &Case) {
        let what = case.describe();
        let trace = self.worker.rest().wait_for_trace(&case.name).await;
        let line = trace.lines().next().unwrap_or_default();
        // What mends it stands behind the table.
        let table = format!("(table {DATABASE}.{}); ", case.table);
        for words in [case.failure.words, &case.name, "offsets ", &table] {
            assert!(line.contains(words), "{what}: {words}: {trace}");
        }
        if line.contains("gave up") {
            GAVE_UP.assert_said(&trace, &[]);
        }
        assert_logged(&self.worker, &trace);
        assert!(self.number(case, "kafka_connect_task_error_total_record_errors").await > 0, "{what}");
        assert_eq!(self.number(case, "kusto_sink_records_dropped").await, 0, "{what}");
        let committed = self.committed(case).await;
        assert!(committed < RECORDS, "{what}: no offset passes what is neither row nor letter");
        wait_for(format!("rows below offset {committed} of {what}"), MINUTE, async || {
            let rows: BTreeSet<_> = self.rows(case).await.into_iter().collect();
            (0..committed).all(|number| rows.contains(&number)).then_some(())
        })
        .await;
        assert_eq!(self.letters(case).await, [0; 0], "{what}");
    }

    /// Once the reason is gone, a restart of the task brings what is missing.
    async fn check_healed(&self, case: &Case) {
        let path = format!("/connectors/{}/tasks/0/restart", case.name);
        assert_eq!(self.worker.rest().post(&path).await.status, 204, "{}", case.describe());
        wait_for(format!("all rows of {}", case.describe()), MINUTE, async || {
            let rows: BTreeSet<_> = self.rows(case).await.into_iter().collect();
            (rows.len() == RECORDS).then_some(())
        })
        .await;
    }
}

/// Each failure with each tolerance; what passes by itself with the two that differ most.
async fn prove(failures: &'static [Failure]) {
    let ground = Ground::set().await;
    let prefix = unique("stage");
    let mut cases = Vec::new();
    for failure in failures {
        for tolerance in TOLERANCES {
            if failure.meaning == Passes && !matches!(tolerance.0, "FAIL" | "ignore") {
                continue;
            }
            // Fixed in length, so that none is a part of another.
            let number = format!("{:03}x", cases.len());
            cases.push(Case {
                failure,
                tolerance,
                name: format!("{prefix}-{number}"),
                table: format!("Case{number}"),
            });
        }
    }
    // A connector's creation waits for Kafka most of its time.
    futures::stream::iter(&cases).for_each_concurrent(8, |case| ground.prepare(case)).await;
    for case in &cases {
        ground.check(case).await;
    }
    let is_used = |active: &adx_emulator::faults::Active| active.fired > 0;
    assert!(ground.adx.faults().list().iter().all(is_used), "{:?}", ground.adx.faults().list());
    ground.adx.faults().clear();
    for case in cases.iter().filter(|case| case.outcome() == Outcome::Fails && !case.has_broken_row()) {
        ground.check_healed(case).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_queue_refuses_is_handled_as_each_tolerance_says() {
    prove(QUEUE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_streaming_refuses_is_handled_as_each_tolerance_says() {
    prove(STREAMING).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_upload_or_a_posting_refuses_is_handled_as_each_tolerance_says() {
    prove(UPLOADS).await;
}
