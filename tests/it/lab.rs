//! The lab, line by line: the article's table, mapping and sink configuration, its curl lines and its queries, on a real
//! broker; and a hundred thousand awkward events that must arrive equal, row by row, on two kinds of storage.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Adx, Azurite, DATABASE, Kafka, Random, Worker, unique, wait_for};

/// One event: the six columns of the lab.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Event {
    start: String,
    end: String,
    id: i64,
    state: String,
    kind: String,
    source: String,
}

impl Event {
    /// The awkward event number `id`: texts with commas, quotes, line breaks and other alphabets among plain ones.
    fn new(id: i64, random: &mut Random) -> Self {
        const STATES: [&str; 8] = [
            "TEXAS",
            "NORTH CAROLINA",
            "RHODE ISLAND, EAST",
            "\"THE SUNSHINE STATE\"",
            "SAINT-BARTHÉLEMY",
            "北海道",
            "LINE\nBREAK",
            " padded ",
        ];
        const KINDS: [&str; 6] =
            ["Drought", "Thunderstorm Wind", "Hail, large", "Føhn \"warm\"", "Wind\r\nand rain", "🌪 Tornado"];
        const SOURCES: [&str; 5] =
            ["Public", "Trained Spotter", "Law \"Enforcement\"", "Newspaper, local", ""];
        let day = random.between(1, 29);
        let (hour, minute) = (random.between(0, 24), random.between(0, 60));
        let mut kind = (*random.pick(&KINDS)).to_owned();
        if random.between(0, 500) == 0 {
            // A field that is longer than any buffer is likely to be.
            kind = format!("{kind}, {}", "long \"and\" winding, ".repeat(500));
        }
        Self {
            start: format!("2007-01-{day:02}T{hour:02}:{minute:02}:00Z"),
            end: format!("2007-02-{day:02}T{hour:02}:{minute:02}:59Z"),
            id,
            state: (*random.pick(&STATES)).to_owned(),
            kind,
            source: (*random.pick(&SOURCES)).to_owned(),
        }
    }

    /// The event as one CSV record.
    fn csv(&self) -> String {
        let field = |text: &str| {
            if text.contains([',', '"', '\n', '\r']) || text.starts_with(' ') {
                format!("\"{}\"", text.replace('"', "\"\""))
            } else {
                text.to_owned()
            }
        };
        let texts = [field(&self.state), field(&self.kind), field(&self.source)];
        format!("{},{},{},{}", self.start, self.end, self.id, texts.join(","))
    }

    /// The event a row of the table is.
    fn of(row: &[Value]) -> Self {
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        // Kusto gives seven digits of a second; the events have whole ones.
        let time = |value: &Value| {
            let full = text(value);
            let (seconds, rest) = full.split_at(19);
            assert_eq!(rest.trim_matches(['.', '0', 'Z']), "", "{full}");
            format!("{seconds}Z")
        };
        Self {
            start: time(&row[0]),
            end: time(&row[1]),
            id: row[2].as_i64().expect("a number"),
            state: text(&row[3]),
            kind: text(&row[4]),
            source: text(&row[5]),
        }
    }
}

/// `adx-sink-config.json` as the article has it, numbers as numbers, for `topic` and `adx`.
fn sink_config(topic: &str, adx: &Adx) -> Value {
    json!({"name": "storm", "config": {
        "connector.class": "com.microsoft.azure.kusto.kafka.connect.sink.KustoSinkConnector",
        "flush.size.bytes": 10000,
        "flush.interval.ms": 10000,
        "tasks.max": 1,
        "topics": topic,
        "kusto.tables.topics.mapping": format!(
            "[{{'topic': '{topic}','db': '{DATABASE}', 'table': 'Storms','format': 'csv', 'mapping':'Storms_CSV_Mapping'}}]"
        ),
        "kusto.ingestion.url": adx.url(),
        "kusto.query.url": adx.url(),
        "key.converter": "org.apache.kafka.connect.storage.StringConverter",
        "value.converter": "org.apache.kafka.connect.storage.StringConverter",
    }})
}

async fn send(kafka: &Kafka, topic: &str, partitions: i32, events: &[Event]) {
    let sender = kafka.producer();
    for (event, partition) in events.iter().zip((0..partitions).cycle()) {
        sender.send(topic, partition, Some(event.csv().as_bytes())).await;
    }
    sender.flush();
}

/// Runs curl as the article's reader does; its answer.
fn curl(arguments: &[&str]) -> String {
    let output =
        Command::new("curl").args(["--silent", "--show-error"]).args(arguments).output().expect("curl");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lab_works_as_its_article_says() {
    let kafka = Kafka::shared().await;
    let topic = unique("storm-events");
    kafka.create_topic(&topic, 1).await;
    let adx = Adx::start().await;
    adx.create_storms().await;
    adx.command(
        ".alter table Storms policy ingestionbatching @'{\"MaximumBatchingTimeSpan\":\"00:00:15\", \
         \"MaximumNumberOfItems\": 100, \"MaximumRawDataSizeMB\": 300}'",
    )
    .await;
    // JsonConverter for the whole worker, as in the lab's image; the connector brings its own.
    let json = "org.apache.kafka.connect.json.JsonConverter";
    let worker = Worker::with(kafka, &[("key.converter", json), ("value.converter", json)]).await;

    let mut random = Random::new(7);
    let mut events: Vec<Event> = (0..300).map(|id| Event::new(id, &mut random)).collect();
    for event in events.iter_mut().step_by(20) {
        (event.state, event.kind) = ("TEXAS".to_owned(), "Drought".to_owned());
    }
    send(kafka, &topic, 1, &events).await;

    let file = tempfile::NamedTempFile::with_suffix(".json").unwrap();
    std::fs::write(file.path(), sink_config(&topic, &adx).to_string()).unwrap();
    let data = format!("@{}", file.path().display());
    let url = worker.rest().url("/connectors");
    let created = curl(&["-X", "POST", "-H", "Content-Type: application/json", "--data", &data, &url]);
    let created: Value = serde_json::from_str(&created).unwrap();
    assert_eq!((&created["name"], &created["type"]), (&json!("storm"), &json!("sink")), "{created}");
    assert_eq!(created["config"]["flush.size.bytes"], "10000", "numbers become texts");

    wait_for("the lab's rows", Duration::from_mins(1), async || {
        (adx.count("Storms").await == 300).then_some(())
    })
    .await;
    let status: Value = serde_json::from_str(&curl(&[&format!("{url}/storm/status")])).unwrap();
    assert_eq!(status["connector"]["state"], "RUNNING", "{status}");
    assert_eq!(status["tasks"][0]["state"], "RUNNING", "{status}");

    assert_eq!(adx.command(".show ingestion failures").await, Vec::<Vec<Value>>::new());
    assert_eq!(adx.query("Storms | take 10").await.len(), 10);
    let droughts = adx
        .query("Storms | where EventType == 'Drought' and State == 'TEXAS' | project StartTime, EndTime, Source, EventId")
        .await;
    let in_texas = |event: &&Event| event.kind == "Drought" && event.state == "TEXAS";
    assert_eq!(droughts.len(), events.iter().filter(in_texas).count());
    let counts = adx
        .query(
            "Storms | summarize event_count=count() by State | where event_count > 10 \
             | project State, event_count | render columnchart",
        )
        .await;
    let mut expected = BTreeMap::<&str, u64>::new();
    for event in &events {
        *expected.entry(&event.state).or_default() += 1;
    }
    expected.retain(|_, count| *count > 10);
    let counts: BTreeMap<&str, u64> =
        counts.iter().map(|row| (row[0].as_str().unwrap(), row[1].as_u64().unwrap())).collect();
    assert_eq!(counts, expected);
}

/// A hundred thousand events over three partitions, compared row by row.
async fn arrive_equal(adx: Adx) {
    const COUNT: usize = 100_000;
    let kafka = Kafka::shared().await;
    let topic = unique("storm-events");
    kafka.create_topic(&topic, 3).await;
    adx.create_storms().await;
    let mut random = Random::new(42);
    let events: Vec<Event> = (0..).take(COUNT).map(|id| Event::new(id, &mut random)).collect();
    send(kafka, &topic, 3, &events).await;

    let worker = Worker::start(kafka).await;
    let mut body = sink_config(&topic, &adx);
    body["config"]["tasks.max"] = 2.into();
    body["config"]["flush.size.bytes"] = 1_000_000.into();
    body["config"]["flush.interval.ms"] = 1_000.into();
    worker.rest().create_running("storm", &body["config"]).await;
    wait_for("all events", Duration::from_mins(3), async || {
        (adx.count("Storms").await >= COUNT as u64).then_some(())
    })
    .await;

    let rows = adx.query("Storms").await;
    assert_eq!(rows.len(), COUNT);
    let arrived: BTreeMap<i64, Event> =
        rows.iter().map(|row| Event::of(row)).map(|event| (event.id, event)).collect();
    assert_eq!(arrived.len(), COUNT, "each once");
    for event in &events {
        assert_eq!(&arrived[&event.id], event);
    }
    assert_eq!(adx.command(".show ingestion failures").await, Vec::<Vec<Value>>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_arrive_equal_through_the_emulators_storage() {
    arrive_equal(Adx::start().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_arrive_equal_through_azurite() {
    let azurite = Azurite::start().await;
    arrive_equal(Adx::on(&azurite).await).await;
}
