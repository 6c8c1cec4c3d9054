//! Why there is no row of a record: it is taken once more through the connector's own converters, transformations and
//! encoding, which write nothing.

use super::finding::WithoutRow;
use super::subject::{Audit, Error};
use crate::config::{self, WorkerConfig};
use crate::id::{OffsetRange, TopicPartition};
use crate::kafka::GivenRecord;
use crate::kafka::visitor::Visitor;
use crate::plugins::SinkConnectorConfig;
use crate::ranges::OffsetRanges;
use crate::sink::SinkContext;
use crate::task::{DryRun, Rehearsed};
use std::sync::Arc;

/// Offsets that are read at once: values may be large.
const STRETCH: u64 = 200;
/// Records that are tried in all, unless transformations may drop any of them.
const MOST: u64 = 10_000;
/// Records that are tried to see what transformations make of a topic's name.
const FIRST: i64 = 100;

/// Tries records.
struct Reasons {
    visitor: Visitor,
    run: DryRun,
    left: Option<u64>,
}

/// Tries records as soon as there are some to be tried.
#[derive(Default)]
pub struct Why {
    reasons: Option<Reasons>,
    /// Nothing more is tried.
    pub is_given_up: bool,
}

impl Why {
    async fn reasons(&mut self, audit: &Audit) -> Result<&mut Reasons, Error> {
        let reasons = match self.reasons.take() {
            Some(reasons) => reasons,
            None => Reasons::new(&audit.config, &audit.worker).await?,
        };
        Ok(self.reasons.insert(reasons))
    }

    /// Why there are no rows of `absent` among those of the topic that the sink knows as `topic`.
    pub async fn of(
        &mut self,
        audit: &Audit,
        (partition, topic): (&TopicPartition, &str),
        absent: &OffsetRanges,
    ) -> Result<WithoutRow, Error> {
        self.reasons(audit).await?.of(partition, topic, absent).await
    }

    /// What transformations make of a topic's name, by the first row in `range` of one of its partitions; none when nothing
    /// there is one.
    pub async fn name(
        &mut self,
        audit: &Audit,
        partition: &TopicPartition,
        range: OffsetRange,
    ) -> Result<Option<Arc<str>>, Error> {
        self.reasons(audit).await?.name(partition, range).await
    }
}

impl Reasons {
    /// With a consumer of its own: it reads beside the walk. Reads what schema registries' clients need.
    async fn new(config: &SinkConnectorConfig, worker: &Arc<WorkerConfig>) -> Result<Self, Error> {
        let (own, worker) = (config.clone(), Arc::clone(worker));
        config::files::beside(move || {
            let visitor = Visitor::new(&worker, &own.name, &own.consumer_overrides)?;
            let sink = own.sink.task(&own.name, &SinkContext::default())?;
            let run = DryRun::new(&own, sink).map_err(|error| Error::Rehearsal(error.to_string()))?;
            let left = own.transforms.transformations.is_empty().then_some(MOST);
            Ok(Self { visitor, run, left })
        })
        .await
    }

    async fn of(
        &mut self,
        partition: &TopicPartition,
        topic: &str,
        absent: &OffsetRanges,
    ) -> Result<WithoutRow, Error> {
        let mut explained = WithoutRow::default();
        let Some(hull) = hull(absent) else { return Ok(explained) };
        if let Some(left) = &mut self.left {
            match left.checked_sub(absent.count()) {
                Some(rest) => *left = rest,
                None => return Ok(WithoutRow { untried: true, ..explained }),
            }
        }
        let wanted = Arc::new(absent.clone());
        let mut walk = self.visitor.walk(partition, hull.first).await?;
        while walk.position() <= hull.last {
            let wanted = Arc::clone(&wanted);
            let end = hull.last.saturating_add(1);
            let read = walk.go((end, STRETCH), Vec::new(), move |read: &mut Vec<GivenRecord>, seen| {
                if wanted.contains(seen.offset()) {
                    read.push(seen.given());
                }
            });
            for record in read.await? {
                let (offset, found) = (record.offset, self.run.take(&record.as_record(), partition).await);
                match found.map_err(|error| Error::Rehearsal(error.to_string()))? {
                    Rehearsed::Row { topic: own, .. } if *own != *topic => explained.elsewhere.add(offset),
                    Rehearsed::Row { .. } => {}
                    Rehearsed::Nothing | Rehearsed::Dropped => explained.no_row.add(offset),
                    Rehearsed::Bad(_) => explained.refused.add(offset),
                }
            }
        }
        Ok(explained)
    }

    async fn name(&self, partition: &TopicPartition, range: OffsetRange) -> Result<Option<Arc<str>>, Error> {
        let last = range.last.min(range.first.saturating_add(FIRST));
        let mut walk = self.visitor.walk(partition, range.first).await?;
        while walk.position() <= last {
            let read = walk.go(
                (last.saturating_add(1), STRETCH),
                Vec::new(),
                |read: &mut Vec<GivenRecord>, seen| {
                    read.push(seen.given());
                },
            );
            for record in read.await? {
                let found = self.run.take(&record.as_record(), partition).await;
                if let Rehearsed::Row { topic, .. } =
                    found.map_err(|error| Error::Rehearsal(error.to_string()))?
                {
                    return Ok(Some(topic));
                }
            }
        }
        Ok(None)
    }
}

/// From the first to the last.
fn hull(ranges: &OffsetRanges) -> Option<OffsetRange> {
    Some(OffsetRange { first: ranges.iter().next()?.first, last: ranges.iter().last()?.last })
}
