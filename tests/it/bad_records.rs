//! Records that get no further: one is bad at each stage of its way, and exactly that one is in the dead-letter topic, byte
//! for byte; its neighbours are rows.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::sentences::{BAD_PUT, BAD_RECORD, BAD_TRANSFORM};
use crate::support::{Adx, DATABASE, Kafka, Raw, Stage, read_raw, send_raw, unique, wait_for};

const JSON: &str = "org.apache.kafka.connect.json.JsonConverter";

/// A bad record for each stage: the stage's name, the record, the class that fails, and words of the reason.
fn bad() -> [(&'static str, Raw, &'static str, &'static str); 5] {
    [
        ("KEY_CONVERTER", Raw::text("{", r#"{"id":1}"#).header("h", b"7"), JSON, "serialization error"),
        ("VALUE_CONVERTER", Raw::text("1", r#"{"id":"#).header("h", b"7"), JSON, "serialization error"),
        (
            "HEADER_CONVERTER",
            Raw::text("1", r#"{"id":1}"#).header("h", b"\xff\x00"),
            JSON,
            "serialization error",
        ),
        (
            "TRANSFORMATION",
            Raw::text("1", r#"{"id":1,"n":"many"}"#),
            "org.apache.kafka.connect.transforms.Cast$Value",
            "Value (many) was out of range for requested data type",
        ),
        (
            "TASK_PUT",
            Raw::text("1", r#"{"id":1}"#).header("elsewhere", b"true"),
            "org.apache.kafka.connect.sink.SinkTask",
            "no entry for topic nowhere in kusto.tables.topics.mapping",
        ),
    ]
}

fn good(id: usize) -> Raw {
    let mut raw = Raw::text(&id.to_string(), &json!({ "id": id, "n": "17", "text": "a\u{e9}" }).to_string());
    raw.timestamp = Some(1_700_000_000_000 + i64::try_from(id).unwrap());
    raw.header("h", b"{}")
}

/// Good records with `bad` ones between them, one after each fifth.
fn mixed(bad: impl IntoIterator<Item = Raw>) -> Vec<Raw> {
    let mut all: Vec<Raw> = (0..5).map(good).collect();
    for (index, record) in bad.into_iter().enumerate() {
        all.push(record);
        all.extend((0..5).map(|id| good(5 * (index + 1) + id)));
    }
    all
}

async fn set(kafka: &Kafka) -> Stage {
    let stage = Stage::set(kafka, 1).await;
    table(&stage.adx).await;
    stage
}

async fn table(adx: &Adx) {
    adx.command(".create table Events (Id:int, N:int, Text:string)").await;
    let mapping = r#"[{"column":"Id","Properties":{"Path":"$.id"}},{"column":"N","Properties":{"Path":"$.n"}},{"column":"Text","Properties":{"Path":"$.text"}}]"#;
    adx.command(&format!(".create table Events ingestion json mapping 'events' '{mapping}'")).await;
}

fn config(stage: &Stage, topic: &str, dlq: &str, tolerance: &str) -> Value {
    let mut config = stage.config();
    let more = json!({
        "topics": topic,
        "tasks.max": "1",
        "kusto.tables.topics.mapping": format!(
            "[{{'topic':'{topic}','db':'{DATABASE}','table':'Events','format':'json','mapping':'events'}}]"
        ),
        "key.converter": JSON, "key.converter.schemas.enable": "false",
        "value.converter": JSON, "value.converter.schemas.enable": "false",
        "header.converter": JSON, "header.converter.schemas.enable": "false",
        "transforms": "number,route",
        "transforms.number.type": "org.apache.kafka.connect.transforms.Cast$Value",
        "transforms.number.spec": "n:int32",
        "transforms.route.type": "org.apache.kafka.connect.transforms.RegexRouter",
        "transforms.route.regex": ".*", "transforms.route.replacement": "nowhere",
        "transforms.route.predicate": "elsewhere",
        "predicates": "elsewhere",
        "predicates.elsewhere.type": "org.apache.kafka.connect.transforms.predicates.HasHeaderKey",
        "predicates.elsewhere.name": "elsewhere",
        "errors.tolerance": tolerance,
        "errors.log.enable": "true", "errors.log.include.messages": "true",
        "errors.deadletterqueue.topic.name": dlq,
        "errors.deadletterqueue.topic.replication.factor": "1",
        "errors.deadletterqueue.context.headers.enable": "true",
    });
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    config
}

/// The letter is the record as it was, with Connect's headers behind its own.
fn assert_letter(letter: &Raw, record: &Raw, wanted: (&str, &str, &str), place: (&str, usize)) {
    let (stage, class, words) = wanted;
    assert_eq!((&letter.key, &letter.value), (&record.key, &record.value), "{stage}");
    assert_eq!(letter.headers[..record.headers.len()], record.headers, "{stage}");
    assert_eq!(letter.headers.len(), record.headers.len() + 10, "{stage}");
    let header = |name: &str| letter.header_text(&format!("__connect.errors.{name}")).unwrap_or_default();
    let (topic, offset) = place;
    assert_eq!((header("topic"), header("partition"), header("offset")), (topic, "0", &*offset.to_string()));
    assert_eq!((header("stage"), header("class.name"), header("task.id")), (stage, class, "0"));
    assert!(header("exception.message").contains(words), "{stage}: {}", header("exception.message"));
    assert!(header("exception.stacktrace").starts_with(header("exception.class.name")), "{stage}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_bad_record_is_a_dead_letter_and_all_others_are_rows() {
    let kafka = Kafka::shared().await;
    let stage = set(kafka).await;
    let dlq = unique("dead");
    let rest = stage.worker.rest();
    rest.create_running(&stage.connector, &config(&stage, &stage.topic, &dlq, "all")).await;
    let records = mixed(bad().map(|(_, record, ..)| record));
    send_raw(kafka, &stage.topic, &records).await;
    let committed = i64::try_from(records.len()).unwrap();
    wait_for("all to be committed", Duration::from_mins(1), async || {
        (stage.committed(kafka).await == [committed]).then_some(())
    })
    .await;
    wait_for_rows(&stage.adx, "Events", 30).await;
    let rows = stage.adx.query("Events | project Id, N, Text | order by Id asc").await;
    let wanted: Vec<Vec<Value>> = (0..30).map(|id| vec![json!(id), json!(17), json!("a\u{e9}")]).collect();
    assert_eq!(rows, wanted);
    let letters = read_raw(kafka, &dlq).await;
    assert_eq!(letters.len(), 5);
    for (index, (letter, (name, record, class, words))) in letters.iter().zip(bad()).enumerate() {
        assert_letter(letter, &record, (name, class, words), (&stage.topic, 6 * index + 5));
    }
    stage.assert_running().await;
    let log = stage.worker.log();
    for (name, _, class, _) in bad() {
        assert!(
            log.contains(&format!("Executing stage '{name}' with class '{class}', where consumed record is")),
            "{name}"
        );
    }
    assert!(log.contains("records skipped (errors.tolerance, behavior.on.error)"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_tolerance_a_bad_record_fails_its_task_at_every_stage() {
    let kafka = Kafka::shared().await;
    let stage = set(kafka).await;
    let rest = stage.worker.rest();
    for (name, record, class, words) in bad() {
        let (topic, dlq) = (unique("events"), unique("dead"));
        let connector = format!("{}-{}", stage.connector, name.to_lowercase());
        kafka.create_topic(&topic, 1).await;
        send_raw(kafka, &topic, &mixed([record.clone()])).await;
        let config = config(&stage, &topic, &dlq, "none");
        assert_eq!(
            rest.send(
                "POST",
                "/connectors",
                Some(json!({ "name": connector, "config": config }).to_string())
            )
            .await
            .status,
            201,
            "{name}"
        );
        let kind = match name {
            "TRANSFORMATION" => BAD_TRANSFORM,
            "TASK_PUT" => BAD_PUT,
            _ => BAD_RECORD,
        };
        let place = format!("{topic}-0, offset 5: {name}");
        let trace = kind.fails(&stage.worker, &connector, &[&place]).await;
        assert_logged_sentence(&stage, &place, words);
        assert!(
            trace.lines().nth(1)
                == Some(
                    "org.apache.kafka.connect.errors.ConnectException: Tolerance exceeded in error handler"
                ),
            "{trace}"
        );
        for part in [name, class, words, "offset 5", "errors.tolerance=all"] {
            assert!(trace.contains(part), "{name}: {part} in {trace}");
        }
        // What came before it arrives, and nothing behind it is committed.
        wait_for("the records before it", Duration::from_mins(1), async || {
            (kafka.committed(&format!("connect-{connector}"), &topic, 1).await == [5]).then_some(())
        })
        .await;
        let letters = read_raw(kafka, &dlq).await;
        assert_letter(&letters[0], &record, (name, class, words), (&topic, 5));
        assert_eq!(rest.delete(&format!("/connectors/{connector}")).await.status, 204);
    }
    wait_for_rows(&stage.adx, "Events", 25).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_renamed_by_a_transformation_goes_to_its_own_table() {
    let kafka = Kafka::shared().await;
    let stage = set(kafka).await;
    stage.adx.command(".create table Others (Id:int, N:int, Text:string)").await;
    let mut config = config(&stage, &stage.topic, "", "none");
    config["errors.deadletterqueue.topic.name"] = "".into();
    config["kusto.tables.topics.mapping"] = format!(
        "[{{'topic':'{}','db':'{DATABASE}','table':'Events','format':'json','mapping':'events'}},\
          {{'topic':'nowhere','db':'{DATABASE}','table':'Others','format':'json'}}]",
        stage.topic
    )
    .into();
    stage.worker.rest().create_running(&stage.connector, &config).await;
    let records: Vec<Raw> =
        (0..400).map(|id| if id % 3 == 0 { good(id).header("elsewhere", b"1") } else { good(id) }).collect();
    send_raw(kafka, &stage.topic, &records).await;
    wait_for("all to be committed", Duration::from_mins(1), async || {
        (stage.committed(kafka).await == [400]).then_some(())
    })
    .await;
    wait_for_rows(&stage.adx, "Events", 266).await;
    wait_for_rows(&stage.adx, "Others", 134).await;
}

/// Values that are nested too deep, with and without an end.
fn deep() -> Vec<Raw> {
    let value = |depth: usize, is_closed: bool| {
        let end = if is_closed { "]".repeat(depth - 1) + "}" } else { String::new() };
        Raw::text("1", &format!(r#"{{"id":1,"d":{}{end}"#, "[".repeat(depth - 1)))
    };
    [1001, 3000, 60_000].iter().flat_map(|depth| [value(*depth, true), value(*depth, false)]).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_that_are_nested_too_deep_are_letters_and_why_is_said_everywhere() {
    const WHY: &str = "more than 1000 levels deep";
    let kafka = Kafka::shared().await;
    let stage = set(kafka).await;
    let dlq = unique("dead");
    let mut config = config(&stage, &stage.topic, &dlq, "all");
    config["transforms"] = "insert".into();
    config["transforms.insert.type"] = "org.apache.kafka.connect.transforms.InsertField$Value".into();
    config["transforms.insert.static.field"] = "s".into();
    config["transforms.insert.static.value"] = "v".into();
    let rest = stage.worker.rest();
    rest.create_running(&stage.connector, &config).await;
    // As deep as may be: a row.
    let deepest = format!(r#"{{"id":99,"n":"17","text":"deep","d":{}{}}}"#, "[".repeat(999), "]".repeat(999));
    let mut records = mixed(deep());
    records.push(Raw::text("1", &deepest).header("h", b"{}"));
    send_raw(kafka, &stage.topic, &records).await;
    let committed = i64::try_from(records.len()).unwrap();
    wait_for("all to be committed", Duration::from_mins(1), async || {
        (stage.committed(kafka).await == [committed]).then_some(())
    })
    .await;
    wait_for_rows(&stage.adx, "Events", 36).await;
    let letters = read_raw(kafka, &dlq).await;
    assert_eq!(letters.len(), deep().len());
    for (index, (letter, record)) in letters.iter().zip(deep()).enumerate() {
        assert_letter(
            letter,
            &record,
            ("VALUE_CONVERTER", JSON, "serialization error"),
            (&stage.topic, 6 * index + 5),
        );
        let trace = letter.header_text("__connect.errors.exception.stacktrace").unwrap_or_default();
        assert!(trace.contains("Caused by: ") && trace.contains(WHY), "{trace}");
    }
    stage.assert_running().await;
    let said = stage.worker.log().lines().filter(|line| line.contains(WHY)).count();
    assert!(said > deep().len(), "each letter and the warning say why: {said}");

    config["errors.tolerance"] = "none".into();
    let strict = format!("{}-strict", stage.connector);
    let request = json!({ "name": strict, "config": config }).to_string();
    assert_eq!(rest.send("POST", "/connectors", Some(request)).await.status, 201);
    let trace = rest.wait_for_trace(&strict).await;
    assert!(trace.contains("VALUE_CONVERTER") && trace.contains(WHY), "{trace}");
    stage.assert_running().await;
}

/// The log has, beside Connect's line about the record, the sentence with place, reason and setting.
fn assert_logged_sentence(stage: &Stage, place: &str, words: &str) {
    let log = stage.worker.log();
    let is_meant = |line: &str| {
        line.contains("Error encountered in task") && line.contains(place) && line.contains("; check ")
    };
    let said = log.lines().find(|line| is_meant(line)).unwrap_or_else(|| panic!("nothing of {place}: {log}"));
    assert!(said.contains(words), "{words}: {said}");
}

/// Ingestion goes on behind the queue message.
async fn wait_for_rows(adx: &Adx, table: &str, rows: u64) {
    wait_for(format!("{rows} rows in {table}"), Duration::from_mins(1), async || {
        (adx.count(table).await == rows).then_some(())
    })
    .await;
}
