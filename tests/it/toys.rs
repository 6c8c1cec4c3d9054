//! One file and one row are all that a class takes: a transformation, a converter and a sink that only this file knows
//! validate, are listed with their keys, and work on real records.

use std::borrow::Cow;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt;
use serde_json::{Value as Json, json as value};
use tokio::sync::watch;

use kusto_connect::configdef::Problems;
use kusto_connect::configdef::def::{Check, ConfigKey, Importance, KeyType, Row, RowDefault, Width};
use kusto_connect::convert::{Converter, ConverterRow, Made, Reads, json, simple_header};
use kusto_connect::data::{self, Converted, Record, SchemaAndValue, SinkRecord, Value};
use kusto_connect::id::{OffsetRange, TopicPartition};
use kusto_connect::plugins::{BUILT_IN, Plugins};
use kusto_connect::sink::{
    Delivery, Encoded, Error, Fill, PartitionWriter, RefusalPolicy, SettingNames, SinkClass, SinkConnector,
    SinkContext, SinkSettings, SinkTask,
};
use kusto_connect::transform::{Transformation, TransformationRow, key};

use crate::support::{Kafka, TestWorker, unique, wait_for};

/// A worker with these three classes, and the converters that are a worker's own by default.
const PLUGINS: Plugins = Plugins {
    sinks: &[&LIST],
    transformations: &[&SUFFIX],
    converters: &[&json::ROW, &simple_header::ROW, &BACKWARDS],
    ..BUILT_IN
};

const fn text(name: &'static str, default: RowDefault, check: Check) -> Row {
    key(name, (KeyType::String, default), check, Importance::High, "A text.")
}

/// Puts a text behind each value.
#[derive(Debug)]
struct Suffix(String);

static SUFFIX: TransformationRow = TransformationRow {
    classes: &["org.example.Suffix"],
    keys: &[text("suffix", RowDefault::Required, Check::NonEmpty)],
    make: |settings, _| Ok(Box::new(Suffix(settings.text("suffix").unwrap_or_default().to_owned()))),
};

impl Transformation for Suffix {
    fn apply(&self, mut record: Record) -> Result<Option<Record>, data::Error> {
        let Value::String(text) = &record.value.value else { return Err(data::Error::new("no text")) };
        record.value = SchemaAndValue::text(format!("{text}{}", self.0).as_str());
        Ok(Some(record))
    }
}

/// Reads texts from the last character to the first.
struct Backwards {
    mark: String,
}

static BACKWARDS: ConverterRow = ConverterRow {
    class: "org.example.BackwardsConverter",
    has_alias: true,
    reads: Reads::All,
    keys: &[&[text("mark", RowDefault::Is("<"), Check::OneOf(&["<", "="]))]],
    registry: None,
    make: |values| {
        Ok(Made::Plain(Arc::new(Backwards { mark: values.text("mark").unwrap_or_default().to_owned() })))
    },
};

impl Converter for Backwards {
    fn class(&self) -> &'static str {
        BACKWARDS.class
    }

    fn to_data(&self, bytes: Option<&[u8]>) -> Result<SchemaAndValue, data::Error> {
        let text = String::from_utf8_lossy(bytes.unwrap_or_default());
        let text: String = text.chars().rev().chain(self.mark.chars()).collect();
        Ok(SchemaAndValue::text(text.as_str()))
    }
}

/// What the sink got.
static WRITTEN: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Writes into a list.
#[derive(Debug)]
struct List {
    heading: String,
}

static LIST: SinkClass = SinkClass {
    class: "org.example.ListSinkConnector",
    task_class: "org.example.ListSinkTask",
    version: "1.2.3",
    keys: || vec![ConfigKey::from(&HEADING)],
    build,
    warnings: |_| Vec::new(),
};

const HEADING: Row = Row(
    "heading",
    KeyType::String,
    RowDefault::Required,
    Check::NonEmpty,
    Importance::High,
    ("List", 0),
    Width::Short,
    "Heading",
    "What stands before each line.",
);

fn build(settings: &SinkSettings<'_>, problems: &mut Problems) -> Option<Arc<dyn SinkConnector>> {
    let heading = settings.values.filled("heading")?;
    if heading.contains(' ') {
        problems.invalid("heading", heading, "it has blanks");
        return None;
    }
    Some(Arc::new(List { heading: heading.to_owned() }))
}

impl SinkConnector for List {
    fn task(&self, _: &Arc<str>, _: &SinkContext) -> Result<Arc<dyn SinkTask>, Error> {
        Ok(Arc::new(ListTask { heading: self.heading.clone() }))
    }
}

struct ListTask {
    heading: String,
}

#[async_trait]
impl SinkTask for ListTask {
    async fn start(&self) -> Result<(), Error> {
        Ok(())
    }

    fn open(&self, _: &TopicPartition, _: &Arc<str>) -> Result<Box<dyn PartitionWriter>, Error> {
        Ok(Box::new(ListWriter { heading: self.heading.clone(), lines: Vec::new(), offsets: None }))
    }

    fn needs_key_and_headers(&self) -> bool {
        false
    }

    fn flush_interval(&self) -> Duration {
        Duration::from_millis(100)
    }

    fn refusal_policy(&self) -> RefusalPolicy {
        RefusalPolicy::default()
    }

    fn setting_names(&self) -> SettingNames {
        SettingNames { target: "heading", service: "heading" }
    }
}

struct ListWriter {
    heading: String,
    lines: Vec<String>,
    offsets: Option<OffsetRange>,
}

impl PartitionWriter for ListWriter {
    fn encode<'v>(&self, record: &'v SinkRecord<'_>) -> Result<Option<Encoded<'v>>, Error> {
        let Converted::Text(text) = &record.value else { return Err(data::Error::new("no text").into()) };
        Ok(Some(Encoded { bytes: Cow::Borrowed(text.as_bytes()), schema: None }))
    }

    fn put(&mut self, offset: i64, record: &Encoded<'_>) -> Result<Fill, Error> {
        self.lines.push(format!("{}{}", self.heading, String::from_utf8_lossy(&record.bytes)));
        self.offsets.get_or_insert(OffsetRange { first: offset, last: offset }).last = offset;
        Ok(Fill::More)
    }

    fn memory(&self) -> usize {
        self.lines.iter().map(String::len).sum()
    }

    fn memory_with(&self, len: usize) -> usize {
        self.memory() + self.heading.len() + len
    }

    fn is_empty(&self) -> bool {
        self.offsets.is_none()
    }

    fn seal(&mut self) -> Result<Option<Delivery>, Error> {
        let Some(offsets) = self.offsets.take() else { return Ok(None) };
        let (memory, lines) = (self.memory(), std::mem::take(&mut self.lines));
        let (_, waiting) = watch::channel(None);
        Ok(Some(Delivery {
            id: None,
            offsets,
            records: lines.len() as u64,
            raw_bytes: memory as u64,
            body_bytes: memory as u64,
            memory,
            waiting,
            work: async move {
                WRITTEN.lock().expect("no panic").extend(lines);
                Ok(())
            }
            .boxed(),
        }))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn classes_that_only_a_row_names_validate_are_listed_and_work() {
    let kafka = Kafka::shared().await;
    let worker = TestWorker::with_plugins(PLUGINS, kafka.bootstrap(), &unique("toys"), &[]).await;

    let (_, listed) = worker.send("GET", "/connector-plugins?connectorsOnly=false", None).await;
    let of_us: Vec<_> = listed
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|plugin| {
            let class = plugin["class"].as_str()?.strip_prefix("org.example.")?;
            Some((class, plugin["type"].as_str()?, plugin["version"].as_str()?))
        })
        .collect();
    assert_eq!(
        of_us,
        [
            ("ListSinkConnector", "sink", "1.2.3"),
            ("Suffix", "transformation", "4.3.0"),
            ("BackwardsConverter", "converter", "4.3.0"),
            ("BackwardsConverter", "header_converter", "4.3.0"),
        ]
    );
    for (plugin, first) in [("ListSink", "heading"), ("Suffix", "suffix"), ("Backwards", "converter.type")] {
        let (_, keys) = worker.send("GET", &format!("/connector-plugins/{plugin}/config"), None).await;
        assert_eq!(keys[0]["name"], first, "{keys}");
    }

    let topic = unique("toys");
    kafka.create_topic(&topic, 1).await;
    let mut config = value!({
        "connector.class": "ListSink",
        "topics": topic,
        "heading": "no good",
        "value.converter": "Backwards",
        "value.converter.mark": "?",
        "transforms": "s",
        "transforms.s.type": "org.example.Suffix",
    });
    let (status, refused) = worker.send("PUT", "/connectors/toys/config", Some(&config)).await;
    let message = refused["message"].as_str().unwrap_or_default();
    assert_eq!(status, 400);
    for part in ["3 error(s)", "heading: it has blanks", "value.converter.mark", "\"transforms.s.suffix\""] {
        assert!(message.contains(part), "{part} in {message}");
    }
    config["heading"] = value!(">");
    config["value.converter.mark"] = value!("=");
    config["transforms.s.suffix"] = value!("!");
    let (status, created) = worker.send("PUT", "/connectors/toys/config", Some(&config)).await;
    assert_eq!((status, &created["type"]), (201, &Json::from("sink")), "{created}");

    let sender = kafka.producer();
    for value in ["abc", "drows"] {
        sender.send(&topic, 0, Some(value.as_bytes())).await;
    }
    sender.flush();
    wait_for("both lines, and their offsets", Duration::from_mins(1), async || {
        let committed = kafka.committed("connect-toys", &topic, 1).await;
        (committed == [2]).then_some(())
    })
    .await;
    assert_eq!(*WRITTEN.lock().expect("no panic"), [">cba=!", ">sword=!"]);
    assert!(worker.stop().await);
}
