//! Listens to what a connector's sink learns of batches that were handed over, for the connector's loop: what is known is kept, and told to
//! the numbers now and again; what failed is said in the log, and is an error where the connector is to end by it.
//!
//! It owns what is known ([`BatchFates`]) and the lines of the log. Where the sink learns nothing it does nothing.

use super::at::At;
use super::batch_fates::BatchFates;
use super::end_watch::{EndWatch, SeenEnds};
use super::error::Error;
use super::failed_batch::{FailureLines, brief};
use super::orders::ConnectorSpec;
use super::report::PipelineReport;
use crate::config::Hidden;
use crate::id::{ConnectorTaskId, TopicPartition};
use crate::metrics::{FailedBatch, FatesReading, PartitionOffsets};
use crate::sink::{BatchFailure, BatchNews, Fate, FateTeller, OnFailedBatch, SinkTask};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// Between two times that what is known is told.
const PAUSE: Duration = Duration::from_secs(2);

/// What came to be known.
pub(super) enum Learned {
    /// What became of some batches.
    News(Vec<BatchNews>),
    /// Where some partitions end.
    Ends(SeenEnds),
}

/// Of one connector on this worker.
pub(super) struct FateListener {
    /// None where nothing is told. The lock is never taken: it lets the loop be shared, which a teller cannot be.
    teller: Mutex<Option<Box<dyn FateTeller>>>,
    is_listening: bool,
    on_failed: OnFailedBatch,
    connector: Arc<str>,
    hidden: Hidden,
    /// The setting that says where records go.
    target: &'static str,
    fates: BatchFates,
    ends: EndWatch,
    lines: FailureLines,
    told: Option<Instant>,
    /// When what is known is to be told; none when nothing changed.
    due: Option<Instant>,
}

impl FateListener {
    /// Takes what `sink` learns from now on.
    pub(super) fn new(sink: &dyn SinkTask, spec: &ConnectorSpec) -> Self {
        let teller = sink.fates();
        Self {
            is_listening: teller.is_some(),
            teller: Mutex::new(teller),
            on_failed: sink.on_failed_batch(),
            connector: Arc::clone(&spec.name),
            hidden: spec.hidden.clone(),
            target: sink.setting_names().target,
            fates: BatchFates::default(),
            ends: EndWatch::new(),
            lines: FailureLines::default(),
            told: None,
            due: None,
        }
    }

    /// True when anything is told.
    pub(super) fn is_listening(&self) -> bool {
        self.is_listening
    }

    /// What is learned next; never where nothing is told. Cancel-safe.
    pub(super) async fn next(&mut self) -> Learned {
        match self.teller.get_mut().unwrap_or_else(PoisonError::into_inner) {
            Some(teller) => tokio::select! {
                news = teller.news() => Learned::News(news),
                ends = self.ends.answer() => Learned::Ends(ends),
            },
            None => std::future::pending().await,
        }
    }

    /// Where the consumer reads its partitions.
    pub(super) fn set_offsets(&mut self, offsets: &BTreeMap<TopicPartition, PartitionOffsets>) {
        if self.is_listening {
            self.ends.set_offsets(offsets);
        }
    }

    /// The partitions whose ends are to be asked for now.
    pub(super) fn take_question(&mut self) -> Vec<TopicPartition> {
        let Some(resting) = self.ends.begin(Instant::now()).filter(|_| self.is_listening) else {
            return Vec::new();
        };
        for (partition, offset) in resting {
            self.fates.starts_at(&partition, offset);
        }
        self.fates.whole().cloned().collect()
    }

    /// Their ends are asked for.
    pub(super) fn asks(&mut self, question: JoinHandle<BTreeMap<TopicPartition, i64>>) {
        self.ends.asks(question);
    }

    /// They were told.
    pub(super) fn ends_seen(&mut self, SeenEnds { at, ends }: &SeenEnds) {
        for (partition, end) in ends {
            self.fates.end_seen(partition, *end, *at);
        }
        self.changed();
    }

    /// The group gave us these partitions.
    pub(super) fn assigned(&mut self, partitions: &[TopicPartition]) {
        if self.is_listening {
            self.fates.assigned(partitions);
            self.changed();
        }
    }

    /// It took them away.
    pub(super) fn revoked(&mut self, partitions: &[TopicPartition]) {
        if self.is_listening {
            self.fates.revoked(partitions);
            self.changed();
        }
    }

    /// A pipeline reported something; `is_running`: it has not ended meanwhile.
    pub(super) fn note(&mut self, report: &PipelineReport, is_running: bool) {
        if !self.is_listening {
            return;
        }
        match report {
            PipelineReport::Began(partition, run) if is_running => self.fates.began(partition, *run),
            PipelineReport::Sent(partition, batch) => self.fates.sent(partition, batch, is_running),
            PipelineReport::Refused(partition, id) => self.fates.refused(partition, *id),
            PipelineReport::Progress(partition, offset) => self.fates.accepted(partition, *offset),
            _ => return,
        }
        self.changed();
    }

    /// The pipeline of `partition` has ended; the next one starts at `resume_at`.
    pub(super) fn ended(&mut self, partition: &TopicPartition, resume_at: Option<i64>) {
        if self.is_listening {
            self.fates.ended(partition, resume_at);
            self.changed();
        }
    }

    /// Takes news of a batch; an error when the task that has its partition is to fail by it.
    pub(super) fn take(&mut self, news: &BatchNews, task: Option<u32>) -> Option<Error> {
        self.changed();
        let Fate::Failed(failure) = &news.fate else {
            self.fates.told(news, None);
            return None;
        };
        let BatchNews { partition, offsets, records, .. } = news;
        let hide = |text: &str| self.hidden.redact(text).into_owned();
        let sentence = brief(partition, *offsets, failure, self.target).map(hide);
        let BatchFailure { code, text, is_retriable, .. } = &**failure;
        let (code, text) = (hide(code), hide(text));
        if self.lines.may_say(Instant::now()) {
            let connector = &self.connector;
            tracing::warn!(%connector, %partition, %offsets, records, code, text, "a batch failed: {sentence}");
        }
        let failed = FailedBatch {
            offsets: *offsets,
            records: *records,
            code,
            sentence: sentence.to_string(),
            is_retriable: *is_retriable,
            at: SystemTime::now(),
        };
        self.fates.told(news, Some(failed));
        let task = task.filter(|_| self.on_failed == OnFailedBatch::Fail)?;
        let task = ConnectorTaskId { connector: Arc::clone(&self.connector), task };
        let at = At { task, partition: partition.clone() };
        Some(Error::FailedBatch { at: at.into(), offsets: *offsets, text, brief: Box::new(sentence) })
    }

    /// The numbers that what is known was told to may be others now.
    pub(super) fn changed(&mut self) {
        if self.is_listening && self.due.is_none() {
            let now = Instant::now();
            self.due = Some(self.told.map_or(now, |told| now.max(told + PAUSE)));
        }
    }

    /// When [`Self::look`] or [`Self::take_question`] has something.
    pub(super) fn due(&self) -> Option<Instant> {
        let asks = self.ends.due().filter(|_| self.is_listening);
        self.due.into_iter().chain(self.lines.due()).chain(asks).min()
    }

    /// Says what is to be said now; all that is known, if that is to be told.
    pub(super) fn look(&mut self) -> Option<FatesReading> {
        let now = Instant::now();
        if let Some(batches) = self.lines.take_unsaid(now) {
            let connector = &self.connector;
            tracing::warn!(%connector, batches, "{batches} more batches failed in the last minute");
        }
        self.due.filter(|due| *due <= now)?;
        (self.due, self.told) = (None, Some(now));
        Some(self.fates.read())
    }

    /// Nobody listens from now on.
    pub(super) async fn close(&mut self) {
        // What asks Kafka has a client of its own, which must be gone before ours is.
        self.ends.close().await;
        let batches = self.fates.waiting();
        if batches > 0 {
            let connector = &self.connector;
            tracing::info!(%connector, batches, "what becomes of {batches} batches that were handed over is not followed");
        }
    }
}
