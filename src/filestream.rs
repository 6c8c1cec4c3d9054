//! Connect's own example of a sink, `FileStreamSinkConnector`: it appends the value of each record to a file, or to the
//! worker's standard output, as a line.
//!
//! For tests and demonstrations: workers have it with the cargo feature `filestream`, or where the caller's catalogue has its row.
//! A connector of it is one file, one batch after the other; a batch is handed over when the file's data is on the disk. It is also
//! what shows that the framework knows no class of sinks: this file and its row in the catalogue are all that there is of it. A null
//! is written as `null`, as Java prints it; numbers, lists, maps and structs are written as JSON, where Java prints them in its own way.

use crate::causes::chain;
use crate::config::files::{self, Appended};
use crate::configdef::Problems;
use crate::configdef::def::{Check, ConfigKey, Importance, KeyType, Row, RowDefault, Width};
use crate::data::json::{self, DecimalFormat};
use crate::data::{Converted, SinkRecord};
use crate::id::{OffsetRange, TopicPartition};
use crate::sink::{
    Delivery, Encoded, Error, Fill, PartitionWriter, RefusalPolicy, SettingNames, SinkClass, SinkConnector,
    SinkContext, SinkSettings, SinkTask,
};
use async_trait::async_trait;
use futures::FutureExt;
use std::borrow::Cow;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, watch};

const FILE: &str = "file";
/// Bytes of a batch.
const MOST_BYTES: usize = 1 << 20;

/// The class, its keys, and how it is made.
pub static ROW: SinkClass = SinkClass {
    class: "org.apache.kafka.connect.file.FileStreamSinkConnector",
    task_class: "org.apache.kafka.connect.file.FileStreamSinkTask",
    version: crate::configdef::CONNECT_VERSION,
    keys: || vec![ConfigKey::from(&KEY)],
    build,
    warnings: |_| Vec::new(),
};

const KEY: Row = Row(
    FILE,
    KeyType::String,
    RowDefault::Null,
    Check::Any,
    Importance::High,
    ("", -1),
    Width::None,
    FILE,
    "The file to write to, on the worker's machine; the worker's standard output when it is not set.",
);

fn build(settings: &SinkSettings<'_>, problems: &mut Problems) -> Option<Arc<dyn SinkConnector>> {
    let path = settings.values.filled(FILE);
    if let Some(reason) = path.and_then(|path| settings.worker.custody.objection_to_file(path)) {
        problems.add(FILE, format!("Invalid value for configuration {FILE}: {reason}"));
        return None;
    }
    let flush_interval = settings.worker.offset_flush_interval;
    Some(Arc::new(FileStreamConnector { path: path.map(PathBuf::from), flush_interval }))
}

/// Where a connector writes.
#[derive(Debug)]
struct FileStreamConnector {
    path: Option<PathBuf>,
    flush_interval: Duration,
}

impl SinkConnector for FileStreamConnector {
    fn task(&self, _: &Arc<str>, _: &SinkContext) -> Result<Arc<dyn SinkTask>, Error> {
        let output = Output { path: self.path.clone(), file: Mutex::default() };
        Ok(Arc::new(FileStreamSink { output: Arc::new(output), flush_interval: self.flush_interval }))
    }
}

struct FileStreamSink {
    output: Arc<Output>,
    flush_interval: Duration,
}

#[async_trait]
impl SinkTask for FileStreamSink {
    async fn start(&self) -> Result<(), Error> {
        self.output.append(Vec::new()).await
    }

    fn open(&self, _: &TopicPartition, _: &Arc<str>) -> Result<Box<dyn PartitionWriter>, Error> {
        let output = Arc::clone(&self.output);
        Ok(Box::new(FileStreamWriter { output, lines: Vec::new(), offsets: None, records: 0 }))
    }

    fn needs_key_and_headers(&self) -> bool {
        false
    }

    fn flush_interval(&self) -> Duration {
        self.flush_interval
    }

    fn refusal_policy(&self) -> RefusalPolicy {
        RefusalPolicy::default()
    }

    fn setting_names(&self) -> SettingNames {
        SettingNames { target: FILE, service: FILE }
    }
}

/// The lines of one partition.
struct FileStreamWriter {
    output: Arc<Output>,
    lines: Vec<u8>,
    offsets: Option<OffsetRange>,
    records: u64,
}

impl PartitionWriter for FileStreamWriter {
    fn encode<'v>(&self, record: &'v SinkRecord<'_>) -> Result<Option<Encoded<'v>>, Error> {
        let bytes: Cow<'_, [u8]> = match &record.value {
            Converted::Null => Cow::Borrowed(b"null"),
            Converted::Text(text) => Cow::Borrowed(text.as_bytes()),
            Converted::Bytes(bytes) | Converted::Json(bytes) => Cow::Borrowed(bytes),
            Converted::Data(data) => {
                let mut out = Vec::new();
                json::write(data.schema.as_deref(), &data.value, DecimalFormat::Numeric, &mut out)?;
                out.into()
            }
        };
        Ok(Some(Encoded { bytes, schema: None }))
    }

    fn put(&mut self, offset: i64, record: &Encoded<'_>) -> Result<Fill, Error> {
        self.lines.extend_from_slice(&record.bytes);
        self.lines.push(b'\n');
        self.records += 1;
        self.offsets.get_or_insert(OffsetRange { first: offset, last: offset }).last = offset;
        Ok(if self.lines.len() >= MOST_BYTES { Fill::Full } else { Fill::More })
    }

    fn memory(&self) -> usize {
        self.lines.capacity()
    }

    fn memory_with(&self, len: usize) -> usize {
        // A vector that grows doubles.
        self.lines.capacity().max(2 * (self.lines.len() + len + 1))
    }

    fn is_empty(&self) -> bool {
        self.offsets.is_none()
    }

    fn seal(&mut self) -> Result<Option<Delivery>, Error> {
        let Some(offsets) = self.offsets.take() else { return Ok(None) };
        let (lines, records) = (std::mem::take(&mut self.lines), std::mem::take(&mut self.records));
        let (output, (_, waiting)) = (Arc::clone(&self.output), watch::channel(None));
        Ok(Some(Delivery {
            id: None,
            offsets,
            records,
            raw_bytes: lines.len() as u64,
            body_bytes: lines.len() as u64,
            memory: lines.capacity(),
            waiting,
            work: async move { output.append(lines).await }.boxed(),
        }))
    }
}

/// The file of a connector, or standard output. Its lock keeps the batches of partitions apart.
struct Output {
    path: Option<PathBuf>,
    file: Mutex<Option<Appended>>,
}

impl Output {
    async fn append(&self, lines: Vec<u8>) -> Result<(), Error> {
        let mut place = self.file.lock().await;
        let (path, open) = (self.path.clone(), place.take());
        let (written, file) = files::beside(move || write(path, open, &lines)).await;
        *place = file;
        written.map_err(|reason| {
            let path = self.path.as_ref().map_or("standard output".into(), |path| path.display().to_string());
            Error::Failed(format!("cannot write to {path}: {reason}; check the setting {FILE}").into())
        })
    }
}

/// Writes, and gives the open file back for the next time.
fn write(
    path: Option<PathBuf>,
    open: Option<Appended>,
    lines: &[u8],
) -> (Result<(), String>, Option<Appended>) {
    let told = |error: io::Error| chain(&error);
    let Some(path) = path else {
        let mut output = io::stdout().lock();
        return (output.write_all(lines).and_then(|()| output.flush()).map_err(told), None);
    };
    let file = open.map_or_else(|| files::append(&path), Ok);
    match file {
        Ok(mut file) => {
            let written = file.write_all(lines).and_then(|()| file.sync_data()).map_err(told);
            (written, Some(file))
        }
        Err(reason) => (Err(reason), None),
    }
}

#[cfg(test)]
mod tests {
    use super::ROW;
    use crate::config::fixtures;
    use crate::configdef::{ConfigErrors, ConnectorProperties};
    use crate::data::{Converted, SchemaAndValue, SinkRecord, Value};
    use crate::id::{OffsetRange, TopicPartition};
    use crate::plugins::{BUILT_IN, Plugins, SinkConnectorConfig};
    use crate::sink::{Fill, PartitionWriter, SinkContext, SinkTask};
    use std::path::Path;
    use std::sync::Arc;

    const PLUGINS: Plugins = Plugins { sinks: &[&ROW], ..BUILT_IN };

    fn config(file: &Path, worker: &[(&str, &str)]) -> Result<SinkConnectorConfig, ConfigErrors> {
        let file = file.to_str().unwrap();
        let own = [("name", "f"), ("connector.class", "FileStreamSink"), ("topics", "t"), ("file", file)];
        let raw: ConnectorProperties =
            own.map(|(key, value)| (key.to_owned(), Some(value.to_owned()))).into();
        PLUGINS.parse(&raw, &fixtures::worker(worker))
    }

    fn sink(file: &Path) -> Arc<dyn SinkTask> {
        let config = config(file, &[]).unwrap();
        config.sink.task(&config.name, &SinkContext::default()).unwrap()
    }

    fn put(writer: &mut dyn PartitionWriter, offset: i64, value: Converted<'_>) -> Fill {
        let record = SinkRecord {
            topic: "t".into(),
            partition: 0,
            offset,
            timestamp: None,
            value,
            key: Converted::Null,
            headers: Vec::new(),
        };
        let encoded = writer.encode(&record).unwrap().unwrap();
        writer.put(offset, &encoded).unwrap()
    }

    #[tokio::test]
    async fn values_are_lines_behind_what_is_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("lines.txt");
        std::fs::write(&file, "before\n").unwrap();
        let sink = sink(&file);
        sink.start().await.unwrap();
        let origin = TopicPartition { topic: "t".into(), partition: 0 };
        let mut writer = sink.open(&origin, &origin.topic).unwrap();
        assert!(writer.is_empty() && writer.seal().unwrap().is_none());
        for (offset, value) in [
            (4, Converted::Text("a".into())),
            (5, Converted::Null),
            (7, Converted::Json(br#"{"x":1}"#.into())),
            (9, Converted::Data(SchemaAndValue::schemaless(Value::Int32(7)))),
        ] {
            assert_eq!(put(&mut *writer, offset, value), Fill::More);
        }
        assert!(writer.memory() <= writer.memory_with(1) && !writer.is_empty());
        let delivery = writer.seal().unwrap().unwrap();
        assert_eq!((delivery.offsets, delivery.records), (OffsetRange { first: 4, last: 9 }, 4));
        delivery.work.await.unwrap();
        assert_eq!(put(&mut *writer, 10, Converted::Text("b".repeat(1 << 20).into())), Fill::Full);
        writer.seal().unwrap().unwrap().work.await.unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.starts_with("before\na\nnull\n{\"x\":1}\n7\nbbb"));
        assert_eq!(text.lines().count(), 6);
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_written_is_named_with_its_setting() {
        let folder = tempfile::tempdir().unwrap();
        let error = sink(folder.path()).start().await.unwrap_err().to_string();
        assert!(error.contains(folder.path().to_str().unwrap()) && error.contains("setting file"), "{error}");
        let (file, other) = (folder.path().join("x"), tempfile::tempdir().unwrap());
        let only = [("CONNECT_WORKER_ALLOW_PATHS", other.path().to_str().unwrap())];
        let errors = config(&file, &only).unwrap_err().to_string();
        assert!(errors.contains("configuration file: the worker's operator"), "{errors}");
    }
}
