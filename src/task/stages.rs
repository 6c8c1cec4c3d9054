//! From a fetched record to what the sink writes: converters and transformations, and which of them failed
//! (`connect-runtime.md` §4.3, §5).
//!
//! A record of a connector without transformations takes a short way: its value is converted for writing alone, and key
//! and headers only if their converters can fail at all. Nothing here waits: a schema that a record needs is the pipeline's
//! to fetch (`schemas`), as reporting and tolerating are.

use super::schemas::{self, Needed, Registered};
use crate::convert::{self, Converter, Made};
use crate::data::{self, Converted, Header, Origin, Record, SchemaAndValue, SinkRecord};
use crate::id::TopicPartition;
use crate::kafka;
use crate::plugins::{ConverterConfig, ErrorHandling, SinkConnectorConfig};
use crate::transform::TransformationChain;
use std::sync::Arc;

/// The class that runs in the last stage.
pub(super) const SINK_TASK: &str = "org.apache.kafka.connect.sink.SinkTask";

/// A stage of a record's way, as dead letters name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The key's converter.
    KeyConverter,
    /// The value's converter.
    ValueConverter,
    /// The headers' converter.
    HeaderConverter,
    /// A transformation or its predicate.
    Transformation,
    /// The sink.
    TaskPut,
}

impl Stage {
    /// Connect's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::KeyConverter => "KEY_CONVERTER",
            Self::ValueConverter => "VALUE_CONVERTER",
            Self::HeaderConverter => "HEADER_CONVERTER",
            Self::Transformation => "TRANSFORMATION",
            Self::TaskPut => "TASK_PUT",
        }
    }

    /// The setting to look at; `of_sink` where the sink is to say.
    pub fn setting(self, of_sink: &'static str) -> &'static str {
        match self {
            Self::KeyConverter => "key.converter",
            Self::ValueConverter => "value.converter",
            Self::HeaderConverter => "header.converter",
            Self::Transformation => "transforms",
            Self::TaskPut => of_sink,
        }
    }
}

/// Why a record got no further.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// Where.
    pub stage: Stage,
    /// The full name of the class that ran.
    pub class: Arc<str>,
    /// What it says.
    pub source: data::Error,
}

/// Why a record is not through its stages.
#[derive(Debug)]
pub enum Stuck {
    /// It gets no further.
    Fault(Fault),
    /// It can be tried again when this schema was fetched.
    Needs(Needed),
}

impl From<Fault> for Stuck {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// What the stages made of a record.
#[derive(Debug)]
pub enum Staged<'a> {
    /// A record for the table of its topic.
    Record(SinkRecord<'a>),
    /// A transformation dropped it.
    Dropped,
}

/// A converter of keys or values.
enum Side {
    Plain(Arc<dyn Converter>),
    Registered(Arc<Registered>),
}

impl Side {
    fn new(
        key: &'static str,
        config: &ConverterConfig,
        errors: &ErrorHandling,
    ) -> Result<Self, super::Error> {
        match config.make().map_err(super::Error::Converter)? {
            Made::Plain(converter) => Ok(Self::Plain(converter)),
            Made::Registered(converter) => {
                let registered = Registered::new(key, (config, converter), errors);
                registered.map(Self::Registered).map_err(super::Error::Registry)
            }
        }
    }

    fn never_fails(&self) -> bool {
        match self {
            Self::Plain(converter) => converter.never_fails(),
            Self::Registered(_) => false,
        }
    }
}

/// The stages of a connector.
pub struct Stages {
    key: Side,
    value: Side,
    header: Arc<dyn Converter>,
    chain: TransformationChain,
    whole: bool,
}

impl Stages {
    /// The stages as `config` wants them; reads the key stores of schema registries. `whole`: the sink writes keys and
    /// headers too.
    pub fn new(config: &SinkConnectorConfig, whole: bool) -> Result<Self, super::Error> {
        let Made::Plain(header) = config.header_converter.make().map_err(super::Error::Converter)? else {
            let reason = "it needs a schema registry, which headers have not".to_owned();
            return Err(super::Error::Converter(convert::Error {
                key: "header.converter".to_owned(),
                reason,
            }));
        };
        Ok(Self {
            key: Side::new("key.converter", &config.key_converter, &config.errors)?,
            value: Side::new("value.converter", &config.value_converter, &config.errors)?,
            header,
            chain: TransformationChain::new(&config.transforms).map_err(super::Error::Transforms)?,
            whole,
        })
    }

    /// True when every record goes to the table of the topic it came from.
    pub fn keep_topics(&self) -> bool {
        self.chain.is_empty()
    }

    /// Takes one record through all stages.
    pub fn run<'a>(&self, record: &kafka::Record<'a>, from: &TopicPartition) -> Result<Staged<'a>, Stuck> {
        if self.chain.is_empty() {
            return self.untransformed(record, from).map(Staged::Record);
        }
        let transformed = self.chain.apply(self.record(record, from)?).map_err(|failure| Fault {
            stage: Stage::Transformation,
            class: failure.class,
            source: failure.error,
        })?;
        let Some(record) = transformed else { return Ok(Staged::Dropped) };
        let Record { origin, topic, key, value, headers, timestamp, .. } = record;
        let (partition, offset) = (origin.partition, origin.offset);
        let key = if self.whole { Converted::from(key) } else { Converted::Null };
        let headers = if self.whole { headers } else { Vec::new() };
        Ok(Staged::Record(SinkRecord {
            topic,
            partition,
            offset,
            timestamp,
            value: value.into(),
            key,
            headers,
        }))
    }

    /// The short way of a record that nothing changes.
    fn untransformed<'a>(
        &self,
        record: &kafka::Record<'a>,
        from: &TopicPartition,
    ) -> Result<SinkRecord<'a>, Stuck> {
        let (mut key, mut headers, mut timestamp) = (Converted::Null, Vec::new(), None);
        if self.whole {
            key = converted(Stage::KeyConverter, &self.key, record.key, (record, from))?;
            headers = self.headers(record)?;
            timestamp = record.timestamp().map(|(ms, _)| ms);
        } else {
            self.check_rest(record, from)?;
        }
        Ok(SinkRecord {
            topic: Arc::clone(&from.topic),
            partition: from.partition,
            offset: record.offset,
            timestamp,
            value: converted(Stage::ValueConverter, &self.value, record.value, (record, from))?,
            key,
            headers,
        })
    }

    /// Key and headers are not written, but a record of which they do not convert is a bad one.
    fn check_rest(&self, record: &kafka::Record<'_>, from: &TopicPartition) -> Result<(), Stuck> {
        if !self.key.never_fails() {
            data(Stage::KeyConverter, &self.key, record.key, (record, from))?;
        }
        if !self.header.never_fails() {
            self.headers(record)?;
        }
        Ok(())
    }

    fn record(&self, record: &kafka::Record<'_>, from: &TopicPartition) -> Result<Record, Stuck> {
        let (timestamp, timestamp_type) = record.timestamp().unzip();
        Ok(Record {
            key: data(Stage::KeyConverter, &self.key, record.key, (record, from))?,
            value: data(Stage::ValueConverter, &self.value, record.value, (record, from))?,
            headers: self.headers(record)?,
            origin: Origin {
                topic: Arc::clone(&from.topic),
                partition: from.partition,
                offset: record.offset,
            },
            topic: Arc::clone(&from.topic),
            timestamp,
            timestamp_type,
        })
    }

    fn headers(&self, record: &kafka::Record<'_>) -> Result<Vec<Header>, Fault> {
        let header = |(key, value): (&str, Option<&[u8]>)| {
            let value = self.header.to_data(value);
            let value = value.map_err(|source| fault(Stage::HeaderConverter, self.header.class(), source))?;
            Ok(Header { key: key.into(), value })
        };
        record.headers().into_iter().map(header).collect()
    }
}

/// Converts a key or a value for a sink that writes it down.
fn converted<'a>(
    stage: Stage,
    side: &Side,
    bytes: Option<&'a [u8]>,
    (record, from): (&kafka::Record<'_>, &TopicPartition),
) -> Result<Converted<'a>, Stuck> {
    match side {
        Side::Plain(converter) => {
            converter.convert(bytes).map_err(|source| fault(stage, converter.class(), source).into())
        }
        Side::Registered(_) => data(stage, side, bytes, (record, from)).map(Converted::from),
    }
}

/// Converts a key or a value for whoever looks inside.
fn data(
    stage: Stage,
    side: &Side,
    bytes: Option<&[u8]>,
    (record, from): (&kafka::Record<'_>, &TopicPartition),
) -> Result<SchemaAndValue, Stuck> {
    match side {
        Side::Plain(converter) => {
            converter.to_data(bytes).map_err(|source| fault(stage, converter.class(), source).into())
        }
        Side::Registered(registered) => {
            registered.convert(bytes, record, &from.topic).map_err(|failure| match failure {
                schemas::Failure::Data(source) => fault(stage, registered.class(), source).into(),
                schemas::Failure::Needs(needed) => Stuck::Needs(needed),
            })
        }
    }
}

fn fault(stage: Stage, class: &str, source: data::Error) -> Fault {
    Fault { stage, class: class.into(), source }
}
