//! What would become of records: converters, transformations and the sink's encoding as the pipelines have them, without a
//! batch, a dead letter or an offset.
//!
//! It asks schema registries, and nobody else.

use super::dead_letter_headers::context;
use super::error::Error;
use super::fault::RecordFault;
use super::record_converter::RecordConverter;
use super::record_error::RecordError;
use super::retained::RawRecord;
use crate::config::Hidden;
use crate::data::Schema;
use crate::id::{ConnectorTaskId, TopicPartition};
use crate::kafka;
use crate::plugins::SinkConnectorConfig;
use crate::sink::SinkTask;
use std::sync::Arc;

/// A record needs so many schemas at most: of its key and its value.
const MOST_SCHEMAS: usize = 4;

/// What would become of a record.
#[derive(Debug, Clone, PartialEq)]
pub enum Rehearsed {
    /// It would be written.
    Row {
        /// The topic whose target it goes to, which a transformation may have renamed.
        topic: Arc<str>,
        /// Its bytes in a batch, without what stands between records.
        bytes: Vec<u8>,
        /// The schema of the batch that it would be in, where that counts.
        schema: Option<Arc<Schema>>,
    },
    /// There is nothing to write: a tombstone.
    Nothing,
    /// A transformation dropped it.
    Dropped,
    /// It is a bad record: the headers of its dead letter.
    Bad(Vec<(&'static str, String)>),
}

/// A connector that only looks.
pub struct DryRun {
    converter: RecordConverter,
    sink: Arc<dyn SinkTask>,
    task: ConnectorTaskId,
    hidden: Hidden,
}

impl DryRun {
    /// As `config` wants it; reads the key stores of schema registries.
    pub fn new(config: &SinkConnectorConfig, sink: Arc<dyn SinkTask>) -> Result<Self, Error> {
        let converter = RecordConverter::new(config, sink.needs_key_and_headers())?;
        let task = ConnectorTaskId { connector: Arc::clone(&config.name), task: 0 };
        Ok(Self { converter, sink, task, hidden: config.hidden.clone() })
    }

    /// Takes a record of the partition `from` as far as it gets. An error is not about this record alone.
    pub async fn take(
        &self,
        record: &kafka::ConsumedRecord<'_>,
        from: &TopicPartition,
    ) -> Result<Rehearsed, Error> {
        for _ in 0..MOST_SCHEMAS {
            match self.once(record, from) {
                Ok(found) => return Ok(found),
                Err(RecordError::Bad(fault)) => return Ok(self.bad(record, from, &fault)),
                Err(RecordError::Sink(error)) => return Err(Error::Start(Box::new(error))),
                Err(RecordError::NeedsSchema(missing)) => missing.fetch_once(&from.topic).await,
            }
        }
        let text = "its schemas are asked for again and again";
        let fault = RecordFault::of_sink(crate::data::Error::new(text.to_owned()));
        Ok(self.bad(record, from, &fault))
    }

    fn once(
        &self,
        record: &kafka::ConsumedRecord<'_>,
        from: &TopicPartition,
    ) -> Result<Rehearsed, RecordError> {
        let Some(converted) = self.converter.convert(record, from)? else { return Ok(Rehearsed::Dropped) };
        let writer = self.sink.open(from, &converted.topic)?;
        let encoded = writer.encode(&converted)?;
        Ok(encoded.map_or(Rehearsed::Nothing, |encoded| Rehearsed::Row {
            topic: Arc::clone(&converted.topic),
            bytes: encoded.bytes.into_owned(),
            schema: encoded.schema,
        }))
    }

    fn bad(
        &self,
        record: &kafka::ConsumedRecord<'_>,
        from: &TopicPartition,
        fault: &RecordFault,
    ) -> Rehearsed {
        Rehearsed::Bad(context((&self.task, from), &RawRecord::of(record), fault, &self.hidden))
    }
}
