//! The Kusto sink: batches of one topic-partition become blobs for the topic's table.
//!
//! Bytes as the JVM connector writes them (`kusto-sink-connector.md` §3.2): each value as it is, then a line feed; structs
//! in one Avro file per batch. A record that is a file of a binary format is a batch of its own, byte for byte (the JVM
//! joins them with line feeds). The size rule is its too: sealed when the raw bytes are strictly more than
//! `flush.size.bytes`, so the record that crosses the line is inside.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt;
use tokio::sync::{OnceCell, watch};
use uuid::Uuid;

use super::avro::Container;
use super::bisect::{self, Ends};
use super::columns::{self, Width};
use super::encode::{Look, encode};
use super::{fabric, refusal};
use crate::batch::{Batch, Sealed};
use crate::data::{self, SinkRecord};
use crate::id::{BatchId, TopicPartition};
use crate::kusto::config::{
    BehaviorOnError, HeaderChoice, KustoSinkConfig, RowLayout, Shape, TargetCheck, TopicMapping,
};
use crate::kusto::follow::{FollowedConnector, TakenBatch, TakenParts};
use crate::kusto::ingest::{IngestClient, IngestRequest, Target};
use crate::kusto::metrics;
use crate::kusto::outcome::BatchRoute;
use crate::kusto::outcome::name::blob_name;
use crate::metrics::SinkCounts;
use crate::sink::{
    Delivery, Encoded, Error, FateTeller, Fill, OnFailedBatch, PartitionWriter, RefusalPolicy,
    RefusedRecords, SettingNames, SinkTask,
};

/// Ends each record in every text format.
const SEPARATOR: &[u8] = b"\n";

/// Database and table.
type Table = (Arc<str>, Arc<str>);

/// The sink of one connector, shared by its tasks.
pub struct KustoSink {
    connector: Arc<str>,
    config: KustoSinkConfig,
    client: Arc<dyn IngestClient>,
    counts: SinkCounts,
    /// None when nobody follows what it hands over.
    followed: Option<Arc<FollowedConnector>>,
    /// What is known before any topic is; many topics may go into one table.
    fixed_targets: Vec<Target>,
    /// Of the values of each table's rows: partitions learn from each other. Held for a look.
    widths: Mutex<HashMap<Table, Arc<Width>>>,
}

impl KustoSink {
    /// A sink for `connector` that hands its batches to `client`.
    pub fn new(connector: Arc<str>, config: KustoSinkConfig, client: Arc<dyn IngestClient>) -> Self {
        let mut fixed_targets: Vec<Target> = Vec::new();
        for mapping in config.mapping.fixed() {
            let target = target_of(&mapping);
            if !fixed_targets.contains(&target) {
                fixed_targets.push(target);
            }
        }
        let counts = SinkCounts::default();
        let widths = Mutex::default();
        Self { connector, config, client, counts, followed: None, fixed_targets, widths }
    }

    /// The same, which counts what it hands over in `counts`.
    pub fn counting(self, counts: SinkCounts) -> Self {
        Self { counts, ..self }
    }

    /// The same, whose batches are followed by `followed`.
    pub fn following(self, followed: Arc<FollowedConnector>) -> Self {
        Self { followed: Some(followed), ..self }
    }

    fn width(&self, target: &TopicMapping) -> Arc<Width> {
        let table = (Arc::clone(&target.database), Arc::clone(&target.table));
        let mut widths = self.widths.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(widths.entry(table).or_default())
    }
}

/// Where the records of topics with this mapping go.
pub(super) fn target_of(mapping: &TopicMapping) -> Target {
    let TopicMapping { database, table, format, mapping, streaming, .. } = mapping.clone();
    Target { database, table, format, mapping, streaming }
}

#[async_trait]
impl SinkTask for KustoSink {
    async fn start(&self) -> Result<(), Error> {
        let thorough = match self.config.target_check {
            TargetCheck::Off => return Ok(()),
            TargetCheck::Existence => false,
            TargetCheck::Thorough => true,
        };
        Ok(self.client.check_targets(&self.fixed_targets, thorough).await?)
    }

    fn open(&self, origin: &TopicPartition, topic: &Arc<str>) -> Result<Box<dyn PartitionWriter>, Error> {
        let target = self.config.mapping.get(topic);
        let target = target.ok_or_else(|| {
            let text = format!("no entry for topic {topic} in kusto.tables.topics.mapping, and none for *");
            data::Error::of_class("org.apache.kafka.connect.errors.ConnectException", text)
        })?;
        let is_checked =
            self.config.target_check == TargetCheck::Off || self.fixed_targets.contains(&target_of(&target));
        // A log's records are read by the directives before them, so they do not stand alone.
        let can_part =
            target.streaming && matches!(target.format.shape(), Shape::Lines { .. } | Shape::Documents);
        let ends = Ends::new(can_part && self.config.behavior_on_error != BehaviorOnError::Fail);
        let (connector, partition) = (Arc::clone(&self.connector), origin.clone());
        let route = BatchRoute {
            connector: Arc::clone(&connector),
            partition: partition.clone(),
            database: Arc::clone(&target.database),
            table: Arc::clone(&target.table),
            extension: target.format.wire(),
        };
        let followed = self.followed.clone().map(|by| (by, Arc::new(route)));
        // What gets columns is read for their sake.
        let look = self.config.check_records && target.columns.is_empty();
        Ok(Box::new(KustoWriter {
            width: self.width(&target),
            look: if look { Look::Close } else { Look::Away },
            destination: Arc::new(Destination { connector, partition, target }),
            ends,
            headers: self.config.headers.clone(),
            flush_size: self.config.flush_size_bytes,
            client: Arc::clone(&self.client),
            counts: self.counts.clone(),
            followed,
            checked: Arc::new(OnceCell::new_with(is_checked.then_some(()))),
            batch: Batch::new(),
            container: Container::default(),
        }))
    }

    fn needs_key_and_headers(&self) -> bool {
        self.config.mapping.want_whole_records()
    }

    fn flush_interval(&self) -> Duration {
        self.config.flush_interval
    }

    fn refusal_policy(&self) -> RefusalPolicy {
        refusal::policy(&self.config)
    }

    fn setting_names(&self) -> SettingNames {
        SettingNames { target: "kusto.tables.topics.mapping", service: "kusto.ingestion.url" }
    }

    fn on_failed_batch(&self) -> OnFailedBatch {
        self.config.outcome.map(|outcome| outcome.on_failure).unwrap_or_default()
    }

    fn fates(&self) -> Option<Box<dyn FateTeller>> {
        self.followed.as_ref().map(|followed| followed.fates())
    }
}

/// From where and to where batches go.
struct Destination {
    connector: Arc<str>,
    partition: TopicPartition,
    target: TopicMapping,
}

struct KustoWriter {
    destination: Arc<Destination>,
    headers: HeaderChoice,
    width: Arc<Width>,
    look: Look,
    flush_size: u64,
    client: Arc<dyn IngestClient>,
    counts: SinkCounts,
    /// By whom, and from where to where.
    followed: Option<(Arc<FollowedConnector>, Arc<BatchRoute>)>,
    /// Filled once the target was found; a table whose name is made from a topic's is looked for before its first batch.
    checked: Arc<OnceCell<()>>,
    batch: Batch,
    /// Of a batch of structs in Avro.
    container: Container,
    /// Of a batch that is taken apart when the service refuses it.
    ends: Ends,
}

impl Destination {
    /// The same records give the same name and id, whoever seals them and whenever: a repeated upload replaces its
    /// blob. Other records never do, even at the same offsets of a topic that was made anew, because the content's
    /// length and checksum are part of the id.
    fn id(&self, sealed: &Sealed) -> BatchId {
        let TopicPartition { topic, partition } = &self.partition;
        let Sealed { raw_bytes, crc32, offsets, .. } = sealed;
        let identity = format!("{}/{topic}/{partition}/{offsets}/{raw_bytes}/{crc32:08x}", self.connector);
        BatchId(Uuid::new_v5(&Uuid::NAMESPACE_OID, identity.as_bytes()))
    }

    fn request(&self, sealed: &Sealed) -> IngestRequest {
        let TopicMapping { database, table, format, mapping, streaming, .. } = &self.target;
        let Sealed { body, raw_bytes, offsets, .. } = sealed;
        let id = self.id(sealed);
        IngestRequest {
            database: Arc::clone(database),
            table: Arc::clone(table),
            format: *format,
            mapping: mapping.clone(),
            streaming: *streaming,
            blob_name: blob_name((database, table), &self.partition, *offsets, id, format.wire()),
            id: id.0,
            raw_size: *raw_bytes,
            body: body.clone(),
        }
    }
}

impl PartitionWriter for KustoWriter {
    fn encode<'v>(&self, record: &'v SinkRecord<'_>) -> Result<Option<Encoded<'v>>, Error> {
        let target = &self.destination.target;
        if target.layout != RowLayout::Value {
            return Ok(Some(fabric::encode(target, &self.headers, record, &self.width)?));
        }
        let Some(encoded) = encode(target.format, &record.value, self.look)? else { return Ok(None) };
        if target.columns.is_empty() {
            return Ok(Some(encoded));
        }
        let line = columns::add(target, record, &encoded.bytes, &self.width)?;
        Ok(Some(Encoded { bytes: line.into(), schema: None }))
    }

    fn put(&mut self, offset: i64, record: &Encoded<'_>) -> Result<Fill, Error> {
        if let Some(schema) = &record.schema {
            self.container.push(&mut self.batch, (offset, &record.bytes), schema)?;
        } else if self.destination.target.format.is_binary() {
            self.batch.push(offset, &record.bytes, b"")?;
            return Ok(Fill::Full);
        } else {
            self.batch.push(offset, &record.bytes, SEPARATOR)?;
            self.ends.push(offset, self.batch.raw_bytes());
        }
        let raw_bytes = self.batch.raw_bytes() + self.container.waiting() as u64;
        Ok(if raw_bytes > self.flush_size { Fill::Full } else { Fill::More })
    }

    fn memory(&self) -> usize {
        self.batch.memory() + self.container.memory() + self.ends.memory()
    }

    fn memory_with(&self, len: usize) -> usize {
        let is_avro = self.destination.target.format.is_avro();
        let container = if is_avro { self.container.memory_with(len) } else { 0 };
        let framed = len + SEPARATOR.len() + self.container.waiting() + self.container.frame();
        let batch = self.batch.memory_with(framed);
        batch + container + self.ends.memory_with_one()
    }

    fn is_empty(&self) -> bool {
        self.batch.is_empty()
    }

    fn seal(&mut self) -> Result<Option<Delivery>, Error> {
        self.container.finish(&mut self.batch)?;
        let Some(sealed) = self.batch.seal()? else { return Ok(None) };
        let (destination, ends) = (Arc::clone(&self.destination), self.ends.take());
        let (client, checked) = (Arc::clone(&self.client), Arc::clone(&self.checked));
        let (counts, followed) = (self.counts.clone(), self.followed.clone());
        let id = destination.id(&sealed);
        let (teller, waiting) = watch::channel(None);
        Ok(Some(Delivery {
            id: followed.is_some().then_some(id),
            offsets: sealed.offsets,
            records: sealed.records,
            raw_bytes: sealed.raw_bytes,
            body_bytes: sealed.body.len() as u64,
            memory: sealed.body.len() + ends.memory(),
            waiting,
            work: async move {
                let target = target_of(&destination.target);
                let table = format!("table {}.{}", target.database, target.table);
                // What is said of a table names it.
                checked
                    .get_or_try_init(|| client.check_targets(std::slice::from_ref(&target), false))
                    .await?;
                let work = async {
                    let request = |sealed: &Sealed| destination.request(sealed);
                    let (whole, mut taken) = (request(&sealed), TakenParts::default());
                    let done = match client.ingest_telling(&whole, &teller).await {
                        Err(error) if error.is_of_content() && !ends.are_unknown() => {
                            let client = (client.as_ref(), &teller);
                            bisect::bisect_batch(client, (&sealed, &ends), request, error, &mut taken).await
                        }
                        Err(error) => Err(Error::from(error)),
                        Ok(by) => {
                            bisect::note(&mut taken, &whole, &sealed, by);
                            Ok(())
                        }
                    };
                    count(&counts, &target, &sealed, &done);
                    if let Some((by, route)) = &followed {
                        follow(by, route, (id, &sealed, taken), &done);
                    }
                    done
                };
                work.await.map_err(|error: Error| error.about(&table))
            }
            .boxed(),
        }))
    }
}

/// Lets what was taken of a batch be followed. One that was not taken, but for some records, is not: it comes again, or becomes letters.
fn follow(
    by: &FollowedConnector,
    route: &Arc<BatchRoute>,
    (id, sealed, taken): (BatchId, &Sealed, TakenParts),
    done: &Result<(), Error>,
) {
    let refused = match done {
        Ok(()) => 0,
        Err(error) => match error.records() {
            Some(refused) => refused.count(),
            None => return,
        },
    };
    let (route, queued) = (Arc::clone(route), taken.into_queued());
    let Sealed { offsets, raw_bytes, records, .. } = *sealed;
    by.took(TakenBatch { id, route, offsets, records: records.saturating_sub(refused), raw_bytes, queued });
}

/// Counts what of a batch is in its table.
fn count(counts: &SinkCounts, target: &Target, sealed: &Sealed, done: &Result<(), Error>) {
    let refused = match done {
        Ok(()) => 0,
        Err(error) => error.records().map_or(sealed.records, RefusedRecords::count),
    };
    let table = [&*target.database, &*target.table];
    let records = sealed.records.saturating_sub(refused);
    counts.add(&metrics::TABLE_RECORDS, &table, records);
    if refused == 0 {
        counts.add(&metrics::TABLE_BYTES, &table, sealed.raw_bytes);
    }
}

#[cfg(test)]
#[path = "sink_tests.rs"]
mod tests;
