//! `kusto-connect audit`: what is deleted and doubled in the table is found, exactly that, and what Kafka does not have is not
//! asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use serde_json::{Value, json};

use crate::support::{DATABASE, Kafka, Random, Stage, unique, wait_for};

const AUDITED: &str =
    ".create table Audited (Number: long, kafka_topic: string, kafka_partition: int, kafka_offset: long)";
const COLUMNS: &str = "'columns': ['topic', 'partition', 'offset']";

/// The settings of a connector into the table `Audited`; `topic` is the one that the mapping names.
fn config(stage: &Stage, topic: &str, more: &Value) -> Value {
    let mapping = format!(
        "[{{'topic': '{topic}', 'db': '{DATABASE}', 'table': 'Audited', 'format': 'json', {COLUMNS}}}]"
    );
    let mut config = stage.config();
    config["kusto.tables.topics.mapping"] = mapping.into();
    config.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    config
}

/// What the command says of the stage's connector: its code, its lines, and its complaints.
async fn audit(stage: &Stage, arguments: &[&str]) -> (Option<i32>, Vec<Value>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kusto-connect"));
    command.arg("audit").arg(stage.worker.settings_file()).args(["--connector", &stage.connector, "--json"]);
    command.args(arguments);
    let output = tokio::task::spawn_blocking(move || command.output().expect("the command runs"));
    let output = output.await.expect("its end");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    let (said, complaints) = (text(output.stdout), text(output.stderr));
    let line = |line: &str| serde_json::from_str(line).unwrap_or_else(|_| panic!("{said}{complaints}"));
    (output.status.code(), said.lines().map(line).collect(), complaints)
}

/// A range with its fault, as the command says it: partition, fault, first, last, rows.
type Fault = (i64, String, i64, i64, u64);

fn faults(lines: &[Value]) -> BTreeSet<Fault> {
    let findings = lines.iter().filter(|line| line["event"] == "finding");
    let number = |value: &Value| value.as_i64().expect("a number");
    let fault = |line: &Value| {
        let (kind, rows) =
            (line["finding"].as_str().expect("a word"), line["rows"].as_u64().expect("a number"));
        (number(&line["partition"]), kind.to_owned(), number(&line["from"]), number(&line["to"]), rows)
    };
    findings.map(fault).collect()
}

/// The ranges that `offsets`, each with its fault and rows, make.
fn joined(partition: i64, offsets: &BTreeMap<i64, (&str, u64)>) -> BTreeSet<Fault> {
    let mut ranges: Vec<Fault> = Vec::new();
    for (offset, (kind, rows)) in offsets {
        match ranges.last_mut() {
            Some((_, last_kind, _, last, same))
                if last_kind == kind && same == rows && *last + 1 == *offset =>
            {
                *last = *offset;
            }
            _ => ranges.push((partition, (*kind).to_owned(), *offset, *offset, *rows)),
        }
    }
    ranges.into_iter().collect()
}

fn notes(lines: &[Value]) -> String {
    let notes = lines.iter().filter(|line| line["event"] == "note");
    notes.map(|line| format!("{}: {}", line["about"], line["text"])).collect::<Vec<_>>().join("\n")
}

fn end(lines: &[Value]) -> &Value {
    lines.last().filter(|line| line["event"] == "end").unwrap_or_else(|| panic!("no end: {lines:?}"))
}

/// Waits until all that the topic has is committed, and the table has so many rows.
async fn handed_over(stage: &Stage, kafka: &Kafka, table: &str, rows: u64) {
    let ends = kafka.end_offsets(&stage.topic, stage.partitions).await;
    committed_up_to(stage, kafka, &ends).await;
    wait_for("all rows", Duration::from_mins(1), async || {
        (stage.adx.count(table).await == rows).then_some(())
    })
    .await;
}

async fn committed_up_to(stage: &Stage, kafka: &Kafka, ends: &[i64]) {
    wait_for("all to be committed", Duration::from_mins(2), async || {
        (stage.committed(kafka).await == ends).then_some(())
    })
    .await;
}

/// Every so many records one is bad, and one is a tombstone.
const BAD: i64 = 97;
const TOMBSTONE: i64 = 101;

fn is_bad(offset: i64) -> bool {
    offset % BAD == 7 && !is_tombstone(offset)
}

fn is_tombstone(offset: i64) -> bool {
    offset % TOMBSTONE == 5
}

const RECORDS: i64 = 3_000;

/// Offsets that are rows at first.
fn rows() -> impl Iterator<Item = i64> + Clone {
    (0..RECORDS).filter(|offset| !is_bad(*offset) && !is_tombstone(*offset))
}

/// Offsets that have dead letters.
fn lettered() -> BTreeMap<i64, (&'static str, u64)> {
    (0..RECORDS).filter(|offset| is_bad(*offset)).map(|offset| (offset, ("dead_lettered", 0))).collect()
}

/// A connector that has handed over all records of two partitions, the bad ones as dead letters.
async fn with_letters(kafka: &Kafka) -> Stage {
    let stage = Stage::set(kafka, 2).await;
    stage.adx.command(AUDITED).await;
    let letters = json!({
        "errors.tolerance": "all",
        "errors.deadletterqueue.topic.name": unique("letters"),
        "errors.deadletterqueue.topic.replication.factor": "1",
        "errors.deadletterqueue.context.headers.enable": "true",
    });
    let sender = kafka.producer();
    for offset in 0..RECORDS {
        for partition in 0..2 {
            let value =
                if is_bad(offset) { "{bad".to_owned() } else { json!({ "Number": offset }).to_string() };
            let value = Some(value.as_bytes()).filter(|_| !is_tombstone(offset));
            sender.send(&stage.topic, partition, value).await;
        }
    }
    sender.flush();
    stage.worker.rest().create_running(&stage.connector, &config(&stage, &stage.topic, &letters)).await;
    handed_over(&stage, kafka, "Audited", 2 * u64::try_from(rows().count()).unwrap()).await;
    stage
}

/// Deletes and doubles random ranges of a partition; all its faults.
async fn spoil(stage: &Stage, partition: i64, random: &mut Random) -> BTreeSet<Fault> {
    let mut faults = lettered();
    let mut first = 0;
    while first < RECORDS {
        let from = first + i64::try_from(random.between(1, 500)).unwrap();
        let to = from + i64::try_from(random.between(0, 200)).unwrap();
        first = to + 2;
        let inside: Vec<i64> = rows().filter(|offset| (from..=to).contains(offset)).collect();
        if random.between(0, 2) == 0 {
            let command = format!(
                ".delete table Audited records <| Audited | where kafka_partition == {partition} and kafka_offset \
                 between ({from} .. {to})"
            );
            stage.adx.command(&command).await;
            faults.extend(inside.iter().map(|offset| (*offset, ("missing", 0))));
        } else if !inside.is_empty() {
            let more = random.between(1, 3);
            let line = |offset: &i64| format!("{offset},{},{partition},{offset}", stage.topic);
            let lines = inside.iter().map(line).collect::<Vec<_>>().join("\n");
            for _ in 0..more {
                stage.adx.command(&format!(".ingest inline into table Audited <|\n{lines}")).await;
            }
            faults.extend(inside.iter().map(|offset| (*offset, ("duplicated", more + 1))));
        }
    }
    joined(partition, &faults)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ranges_that_are_deleted_and_doubled_are_found_exactly() {
    let seed: u64 = uuid::Uuid::new_v4().as_u64_pair().0;
    println!("seed {seed}");
    let mut random = Random::new(seed);
    let kafka = Kafka::shared().await;
    let stage = with_letters(kafka).await;

    // A window ends in the midst of ranges, and a bin in the midst of a window.
    let window = random.between(300, 1_700).to_string();
    let (code, lines, complaints) = audit(&stage, &["--window", &window]).await;
    let letters: BTreeSet<Fault> = (0..2).flat_map(|partition| joined(partition, &lettered())).collect();
    assert_eq!(faults(&lines), letters, "{}{complaints}", notes(&lines));
    assert_eq!((code, &end(&lines)["found"]["missing"]), (Some(1), &json!(0)));

    let mut wanted = spoil(&stage, 0, &mut random).await;
    wanted.extend(spoil(&stage, 1, &mut random).await);
    let (code, lines, complaints) = audit(&stage, &["--window", &window]).await;
    let found = faults(&lines);
    let (lacks, more): (Vec<_>, Vec<_>) =
        (wanted.difference(&found).collect(), found.difference(&wanted).collect());
    assert!(
        lacks.is_empty() && more.is_empty(),
        "lacks {lacks:?}\nhas {more:?}\n{}{complaints}",
        notes(&lines)
    );
    assert_eq!((code, &end(&lines)["good"]), (Some(1), &json!(false)));
    let tombstones = (0..RECORDS).filter(|offset| is_tombstone(*offset)).count();
    let partition = lines.iter().find(|line| line["event"] == "partition").expect("a partition");
    assert_eq!((&partition["rowless"], &partition["strange_rows"]), (&json!(tombstones), &json!(0)));
    assert_eq!(stage.committed(kafka).await, [RECORDS; 2], "nothing is committed");
}

/// Sends numbers from `first` on in one transaction, and ends it.
fn transaction(producer: &BaseProducer, topic: &str, numbers: std::ops::Range<i64>, commits: bool) {
    let limit = Duration::from_secs(30);
    producer.begin_transaction().expect("begun");
    for number in numbers {
        let value = json!({ "Number": number }).to_string();
        producer.send(BaseRecord::<(), str>::to(topic).partition(0).payload(&value)).expect("sent");
    }
    producer.flush(limit).expect("delivered");
    if commits {
        producer.commit_transaction(limit).expect("committed");
    } else {
        producer.abort_transaction(limit).expect("aborted");
    }
}

async fn delete_before(kafka: &Kafka, topic: &str, offset: i64) {
    let admin: AdminClient<DefaultClientContext> =
        ClientConfig::new().set("bootstrap.servers", kafka.bootstrap()).create().expect("a client");
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, 0, Offset::Offset(offset)).expect("an offset");
    let deleted = admin.delete_records(&list, &AdminOptions::new()).await.expect("deleted");
    deleted.elements()[0].error().expect("no error");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_kafka_does_not_have_is_said_and_is_not_missing() {
    let kafka = Kafka::shared().await;
    let stage = Stage::set(kafka, 1).await;
    stage.adx.command(AUDITED).await;
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", kafka.bootstrap())
        .set("transactional.id", unique("audited"))
        .create()
        .expect("a producer");
    producer.init_transactions(Duration::from_mins(1)).expect("a producer of transactions");
    // Offsets 0..299 and a marker, 301..350 and a marker, 352..1651 and a marker.
    transaction(&producer, &stage.topic, 0..300, true);
    transaction(&producer, &stage.topic, 300..350, false);
    transaction(&producer, &stage.topic, 350..1_650, true);
    let isolated = json!({ "consumer.override.isolation.level": "read_committed" });
    stage.worker.rest().create_running(&stage.connector, &config(&stage, &stage.topic, &isolated)).await;
    // The last marker is no record, and nobody commits it.
    committed_up_to(&stage, kafka, &[1_652]).await;
    wait_for("all rows", Duration::from_mins(1), async || {
        (stage.adx.count("Audited").await == 1_600).then_some(())
    })
    .await;

    let (code, lines, complaints) = audit(&stage, &["--window", "170"]).await;
    assert_eq!((code, faults(&lines)), (Some(0), BTreeSet::new()), "{lines:?}{complaints}");
    assert_eq!((&end(&lines)["records"], &end(&lines)["good"]), (&json!(1_600), &json!(true)));

    delete_before(kafka, &stage.topic, 100).await;
    stage
        .adx
        .command(".delete table Audited records <| Audited | where kafka_offset in (99, 299, 352, 353)")
        .await;
    let (code, lines, complaints) = audit(&stage, &[]).await;
    let missing = |first, last| (0, "missing".to_owned(), first, last, 0);
    assert_eq!(
        (code, faults(&lines)),
        (Some(1), [missing(299, 299), missing(352, 353)].into()),
        "{}{complaints}",
        notes(&lines)
    );
    assert!(notes(&lines).contains("Kafka has nothing before offset 100"), "{}", notes(&lines));
    assert_eq!(end(&lines)["records"], 1_500);
    // All of it is younger than that.
    let (code, lines, _) = audit(&stage, &["--to", "1h"]).await;
    assert_eq!((code, &end(&lines)["records"]), (Some(0), &json!(0)), "{lines:?}");
    let (code, _, complaints) = audit(&stage, &["--from", "once"]).await;
    assert!(code == Some(2) && complaints.contains("--from is 'once'"), "{complaints}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_records_that_left_no_trace_and_records_that_transformations_drop_are_told_apart() {
    let kafka = Kafka::shared().await;
    let stage = Stage::set(kafka, 1).await;
    stage.adx.command(AUDITED).await;
    let more = json!({
        "errors.tolerance": "all",
        "transforms": "route,gone",
        "transforms.route.type": "org.apache.kafka.connect.transforms.RegexRouter",
        "transforms.route.regex": ".*", "transforms.route.replacement": "renamed",
        "transforms.gone.type": "org.apache.kafka.connect.transforms.Filter",
        "transforms.gone.predicate": "deleted",
        "predicates": "deleted",
        "predicates.deleted.type": "org.apache.kafka.connect.transforms.predicates.RecordIsTombstone",
    });
    let records: Vec<_> = (0..40_i64)
        .map(|number| match number {
            11 => (None, Some(b"{bad".to_vec())),
            20..=22 => (None, None),
            number => (None, Some(json!({ "Number": number }).to_string().into_bytes())),
        })
        .collect();
    kafka.write(&stage.topic, &records).await;
    stage.worker.rest().create_running(&stage.connector, &config(&stage, "*", &more)).await;
    handed_over(&stage, kafka, "Audited", 36).await;
    stage.adx.command(".delete table Audited records <| Audited | where kafka_offset == 30").await;
    let (code, lines, complaints) = audit(&stage, &[]).await;
    let fault = |kind: &str, offset| (0, kind.to_owned(), offset, offset, 0);
    assert_eq!(
        (code, faults(&lines)),
        (Some(1), [fault("bad", 11), fault("missing", 30)].into()),
        "{}{complaints}",
        notes(&lines)
    );
    let said = notes(&lines);
    assert!(said.contains("transformations make it renamed") && said.contains("leave no trace"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_without_offsets_are_added_up() {
    let kafka = Kafka::shared().await;
    let stage = Stage::set(kafka, 1).await;
    let texts = ["one", "two", "three", "three", "fünf"];
    let records: Vec<_> = (0..)
        .zip(texts)
        .map(|(number, text)| {
            (Some(text.as_bytes().to_vec()), Some(format!("0,{number},{text}").into_bytes()))
        })
        .collect::<Vec<(_, _)>>();
    kafka.write(&stage.topic, &records).await;
    stage.create().await;
    handed_over(&stage, kafka, "Numbers", 5).await;
    let (code, lines, complaints) = audit(&stage, &["--key", "Text"]).await;
    let sum = |lines: &[Value]| lines.iter().find(|line| line["event"] == "sum").cloned().unwrap_or_default();
    let wanted = json!({ "rows": 5, "keys": 4, "key_characters": 20 });
    assert_eq!((code, &sum(&lines)["target"]), (Some(0), &wanted), "{lines:?}{complaints}");
    assert_eq!(sum(&lines)["kafka"], wanted);
    assert!(notes(&lines).contains("only sums can be compared"), "{}", notes(&lines));
    // As many rows as before, and another text among them.
    stage.adx.command(".delete table Numbers records <| Numbers | where Number == 0").await;
    stage.adx.command(".ingest inline into table Numbers <|\n0,0,two").await;
    let (code, lines, _) = audit(&stage, &[]).await;
    assert_eq!((code, &sum(&lines)["equal"]), (Some(0), &json!(true)), "{lines:?}");
    let (code, lines, _) = audit(&stage, &["--key", "Text"]).await;
    assert_eq!((code, &sum(&lines)["equal"]), (Some(1), &json!(false)), "{lines:?}");
    // A person can say where offsets are: here the number of each record is its offset.
    let named = ["--offset-column", "Number", "--partition-column", "Partition"];
    let (code, lines, complaints) = audit(&stage, &named).await;
    assert_eq!((code, faults(&lines)), (Some(0), BTreeSet::new()), "{lines:?}{complaints}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fabrics_coordinates_are_read_in_both_layouts() {
    let kafka = Kafka::shared().await;
    for format in ["json", "csv"] {
        let stage = Stage::set(kafka, 1).await;
        stage
            .adx
            .command(".create table Events (id:int, keys:dynamic, headers:dynamic, kafkamd:dynamic)")
            .await;
        let mapping = json!([{ "topic": stage.topic, "db": DATABASE, "table": "Events", "format": format }]);
        let config = json!({
            "connector.class": "com.microsoft.fabric.connect.eventhouse.sink.FabricSinkConnector",
            "topics": stage.topic,
            "flush.interval.ms": "300",
            "connection.string": format!("Data Source={}", stage.adx.url()),
            "kusto.tables.topics.mapping": mapping.to_string(),
        });
        let value = |id: i64| if format == "json" { json!({ "id": id }).to_string() } else { id.to_string() };
        // Tombstones are rows here.
        let records: Vec<_> =
            (0..50).map(|id| (None, Some(value(id).into_bytes()).filter(|_| id != 13))).collect();
        kafka.write(&stage.topic, &records).await;
        stage.worker.rest().create_running(&stage.connector, &config).await;
        handed_over(&stage, kafka, "Events", 50).await;
        let (code, lines, complaints) = audit(&stage, &[]).await;
        assert_eq!((code, &end(&lines)["records"]), (Some(0), &json!(50)), "{format} {lines:?}{complaints}");
        stage.adx.command(".delete table Events records <| Events | where id == 7 or isnull(id)").await;
        let (code, lines, complaints) = audit(&stage, &[]).await;
        let missing = |offset| (0, "missing".to_owned(), offset, offset, 0);
        assert_eq!(
            (code, faults(&lines)),
            (Some(1), [missing(7), missing(13)].into()),
            "{format} {}{complaints}",
            notes(&lines)
        );
    }
}
