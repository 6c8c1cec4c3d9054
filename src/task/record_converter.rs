//! From a fetched record to what the sink writes: converters and transformations, and which of them failed
//! (`connect-runtime.md` §4.3, §5).
//!
//! A record of a connector without transformations takes a short way: its value is converted for writing alone, and key
//! and headers only if their converters can fail at all. Nothing here waits: a schema that a record needs is the pipeline's
//! to fetch (`registry_converter`), as reporting and tolerating are.

use super::error::Error;
use super::fault::{RecordFault, Stage};
use super::record_error::RecordError;
#[cfg(test)]
use super::registry_converter::SchemaSource;
use super::registry_converter::{MissingSchema, RegistryConverter};
use crate::convert::{self, ConvertFailure, Converter, Made};
use crate::data::{Converted, Header, Origin, Record, SchemaAndValue, SinkRecord};
use crate::id::TopicPartition;
use crate::kafka;
use crate::plugins::{ConverterConfig, ErrorHandling, SinkConnectorConfig};
use crate::transform::TransformationChain;
use std::sync::Arc;

/// A converter of keys or values.
enum FieldConverter {
    Plain(Arc<dyn Converter>),
    Registry(Arc<RegistryConverter>),
}

impl FieldConverter {
    fn new(key: &'static str, config: &ConverterConfig, errors: &ErrorHandling) -> Result<Self, Error> {
        match config.make().map_err(Error::Converter)? {
            Made::Plain(converter) => Ok(Self::Plain(converter)),
            Made::Registered(converter) => {
                let made = RegistryConverter::new(key, (config, converter), errors);
                made.map(Self::Registry).map_err(Error::Registry)
            }
        }
    }

    fn never_fails(&self) -> bool {
        match self {
            Self::Plain(converter) => converter.never_fails(),
            Self::Registry(_) => false,
        }
    }
}

/// The converters and transformations of a connector.
pub(super) struct RecordConverter {
    key: FieldConverter,
    value: FieldConverter,
    header: Arc<dyn Converter>,
    chain: TransformationChain,
    /// The sink writes keys and headers too.
    with_key_and_headers: bool,
}

impl RecordConverter {
    /// As `config` wants it; reads the key stores of schema registries. `with_key_and_headers`: the sink writes them too.
    pub(super) fn new(config: &SinkConnectorConfig, with_key_and_headers: bool) -> Result<Self, Error> {
        let Made::Plain(header) = config.header_converter.make().map_err(Error::Converter)? else {
            let reason = "it needs a schema registry, which headers have not".to_owned();
            return Err(Error::Converter(convert::Error { key: "header.converter".to_owned(), reason }));
        };
        Ok(Self {
            key: FieldConverter::new("key.converter", &config.key_converter, &config.errors)?,
            value: FieldConverter::new("value.converter", &config.value_converter, &config.errors)?,
            header,
            chain: TransformationChain::new(&config.transforms).map_err(Error::Transforms)?,
            with_key_and_headers,
        })
    }

    /// The same with schemas of a test for values.
    #[cfg(test)]
    pub(super) fn with_schemas(mut self, schemas: impl SchemaSource + 'static) -> Self {
        let FieldConverter::Registry(converter) = &mut self.value else {
            panic!("its values need no schemas")
        };
        Arc::get_mut(converter).expect("nobody else has it").set_schemas(schemas);
        self
    }

    /// True when no record is renamed to another topic.
    pub(super) fn keeps_topics(&self) -> bool {
        self.chain.is_empty()
    }

    /// Converts and transforms a record; none when a transformation dropped it.
    pub(super) fn convert<'a>(
        &self,
        record: &kafka::ConsumedRecord<'a>,
        from: &TopicPartition,
    ) -> Result<Option<SinkRecord<'a>>, RecordError> {
        if self.chain.is_empty() {
            return self.untransformed(record, from).map(Some);
        }
        let transformed = self.chain.apply(self.record(record, from)?).map_err(|failure| RecordFault {
            stage: Stage::Transformation,
            class: failure.class,
            source: failure.error,
        })?;
        let Some(record) = transformed else { return Ok(None) };
        let Record { origin, topic, key, value, headers, timestamp, .. } = record;
        let (partition, offset) = (origin.partition, origin.offset);
        let key = if self.with_key_and_headers { Converted::from(key) } else { Converted::Null };
        let headers = if self.with_key_and_headers { headers } else { Vec::new() };
        Ok(Some(SinkRecord { topic, partition, offset, timestamp, value: value.into(), key, headers }))
    }

    /// The short way of a record that nothing changes.
    fn untransformed<'a>(
        &self,
        record: &kafka::ConsumedRecord<'a>,
        from: &TopicPartition,
    ) -> Result<SinkRecord<'a>, RecordError> {
        let (mut key, mut headers, mut timestamp) = (Converted::Null, Vec::new(), None);
        if self.with_key_and_headers {
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
    fn check_rest(
        &self,
        record: &kafka::ConsumedRecord<'_>,
        from: &TopicPartition,
    ) -> Result<(), RecordError> {
        if !self.key.never_fails() {
            data(Stage::KeyConverter, &self.key, record.key, (record, from))?;
        }
        if !self.header.never_fails() {
            self.headers(record)?;
        }
        Ok(())
    }

    fn record(
        &self,
        record: &kafka::ConsumedRecord<'_>,
        from: &TopicPartition,
    ) -> Result<Record, RecordError> {
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

    fn headers(&self, record: &kafka::ConsumedRecord<'_>) -> Result<Vec<Header>, RecordFault> {
        let header = |(key, value): (&str, Option<&[u8]>)| {
            let value = self.header.to_data(value);
            let value = value
                .map_err(|source| RecordFault::new(Stage::HeaderConverter, self.header.class(), source))?;
            Ok(Header { key: key.into(), value })
        };
        record.headers().into_iter().map(header).collect()
    }
}

/// Converts a key or a value for a sink that writes it down.
fn converted<'a>(
    stage: Stage,
    side: &FieldConverter,
    bytes: Option<&'a [u8]>,
    (record, from): (&kafka::ConsumedRecord<'_>, &TopicPartition),
) -> Result<Converted<'a>, RecordError> {
    match side {
        FieldConverter::Plain(converter) => converter
            .convert(bytes)
            .map_err(|source| RecordFault::new(stage, converter.class(), source).into()),
        FieldConverter::Registry(_) => data(stage, side, bytes, (record, from)).map(Converted::from),
    }
}

/// Converts a key or a value for whoever looks inside.
fn data(
    stage: Stage,
    side: &FieldConverter,
    bytes: Option<&[u8]>,
    (record, from): (&kafka::ConsumedRecord<'_>, &TopicPartition),
) -> Result<SchemaAndValue, RecordError> {
    match side {
        FieldConverter::Plain(converter) => converter
            .to_data(bytes)
            .map_err(|source| RecordFault::new(stage, converter.class(), source).into()),
        FieldConverter::Registry(converter) => {
            converter.convert(bytes, record, &from.topic).map_err(|failure| match failure {
                ConvertFailure::Data(source) => RecordFault::new(stage, converter.class(), source).into(),
                ConvertFailure::NeedsSchema(id) => {
                    RecordError::NeedsSchema(MissingSchema::new(converter, id))
                }
            })
        }
    }
}
