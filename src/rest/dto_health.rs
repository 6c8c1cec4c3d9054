//! What `/connectors/X/health` and `/connectors?expand=health` look like, and how the parts of several workers become one.
//!
//! Pure. Each worker tells of the partitions that it reads; Connect's states are added at the end, by who was asked.

use super::moment::least_of;
use crate::herder::ConnectorStatus;
use crate::metrics::PartitionState;
use crate::status::State;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use utoipa::ToSchema;

/// No worker reads a partition of it.
const NO_PARTITIONS: &str = "no_partitions";

/// A worker that did not answer: what it reads is missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = UnheardWorker)]
pub(super) struct UnheardDto {
    /// Its URL.
    pub(super) worker: String,
    /// Why not.
    pub(super) reason: String,
}

/// A topic that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[schema(as = MissingTopic)]
pub(super) struct MissingTopicDto {
    /// Its name.
    pub(super) topic: String,
    /// What Kafka says.
    pub(super) sentence: String,
}

/// How a connector is.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[schema(as = HealthSummary)]
pub(super) struct HealthSummaryDto {
    /// The worst state of its partitions; `failed`, `stopped` or `unassigned` by Connect's states; or `no_partitions`.
    pub(super) state: String,
    /// Since when, in UTC, where that is known.
    pub(super) since: Option<String>,
    /// Why, in one line of at most 200 characters.
    pub(super) sentence: Option<String>,
    /// Topics of which partitions are read.
    pub(super) topics: BTreeSet<String>,
    /// Topics that do not exist.
    pub(super) missing_topics: BTreeSet<MissingTopicDto>,
    /// The last failure of a batch that was handed over and is not in its target, in one line.
    #[serde(default)]
    pub(super) failed_sentence: Option<String>,
    /// The newest record time through which all that was handed over is in its target; null while that is not known.
    #[serde(default)]
    pub(super) valid_through: Option<String>,
    /// What it does and has done.
    #[serde(flatten)]
    pub(super) counts: HealthCountsDto,
}

/// Sums over partitions and workers. Counters are of the present run of the tasks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = HealthCounts)]
pub(super) struct HealthCountsDto {
    /// Partitions that are read.
    pub(super) partitions: u64,
    /// Records in Kafka that were not read, as far as that is known.
    pub(super) lag: u64,
    /// Seconds since the oldest record was read that is not handed over; null when there is none.
    pub(super) oldest_seconds: Option<f64>,
    /// Records that are read in a second.
    pub(super) records_per_second: f64,
    /// Bytes of keys and values that are read in a second.
    pub(super) bytes_per_second: f64,
    /// Records in batches that are open or on their way.
    pub(super) open_records: u64,
    /// Batches on their way.
    pub(super) in_flight: u64,
    /// Records that were handed over.
    pub(super) records: u64,
    /// Their bytes before compression.
    pub(super) raw_bytes: u64,
    /// Their bytes as they were sent.
    pub(super) sent_bytes: u64,
    /// Batches that were handed over.
    pub(super) batches: u64,
    /// Dead letters.
    pub(super) dead_letters: u64,
    /// Records that are nowhere, by the user's choice.
    pub(super) dropped: u64,
    /// Records that failed in the end; dead letters and dropped ones are among them.
    pub(super) failed_records: u64,
    /// Failed tries that were followed by another.
    pub(super) retries: u64,
    /// Partitions of which it is known what becomes of batches.
    #[serde(default)]
    pub(super) followed: u64,
    /// Batches that were handed over and are known not to be in their target.
    #[serde(default)]
    pub(super) failed_batches: u64,
}

/// How a partition is.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[schema(as = PartitionHealth)]
pub(super) struct PartitionHealthDto {
    pub(super) topic: String,
    pub(super) partition: i32,
    /// What it does: see the documentation of operations.
    pub(super) state: String,
    /// Since when, in UTC, where that is known.
    pub(super) since: Option<String>,
    /// Why.
    pub(super) sentence: Option<String>,
    /// The next record to be read.
    pub(super) position: Option<i64>,
    /// The first record in Kafka.
    pub(super) first: Option<i64>,
    /// The next record to be written.
    pub(super) end: Option<i64>,
    /// Records between the two.
    pub(super) lag: Option<u64>,
    /// Seconds since its oldest record was read that is not handed over.
    pub(super) oldest_seconds: Option<f64>,
    /// Records in batches that are open or on their way.
    pub(super) open_records: u64,
    /// Batches on their way.
    pub(super) in_flight: u64,
}

/// How a task is.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[schema(as = TaskHealth)]
pub(super) struct TaskHealthDto {
    pub(super) id: u32,
    /// Connect's state of it.
    pub(super) task_state: Option<String>,
    /// Its worker.
    pub(super) worker_id: Option<String>,
    /// Its partitions.
    pub(super) partitions: Vec<PartitionHealthDto>,
}

/// What the sink counts: rows of a table, for example.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = SinkCount)]
pub(super) struct SinkCountDto {
    /// What is counted, as its series is called behind the product's prefix.
    pub(super) name: String,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) count: u64,
}

/// What was done in one minute. Minutes without anything to do are left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Minute)]
pub(super) struct MinuteDto {
    /// Minutes since 1970.
    pub(super) minute: u64,
    /// Records that were handed over.
    pub(super) records: u64,
    /// Their bytes before compression.
    pub(super) raw_bytes: u64,
    /// Records that were not read at its end.
    pub(super) lag: u64,
    /// Batches whose first record has a timestamp.
    pub(super) late_batches: u64,
    /// How old those records were when they were handed over, together.
    pub(super) late_ms: u64,
}

/// The answer to `/connectors/X/health`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[schema(as = ConnectorHealth)]
pub(super) struct ConnectorHealthDto {
    pub(super) name: String,
    #[serde(flatten)]
    pub(super) summary: HealthSummaryDto,
    pub(super) tasks: Vec<TaskHealthDto>,
    pub(super) sink: Vec<SinkCountDto>,
    /// The last hour.
    pub(super) minutes: Vec<MinuteDto>,
    /// Workers that did not answer.
    #[serde(default)]
    pub(super) unheard: Vec<UnheardDto>,
}

impl HealthSummaryDto {
    /// Of a connector of which nothing is read.
    pub(super) fn idle() -> Self {
        Self { state: NO_PARTITIONS.to_owned(), ..Self::default() }
    }

    fn rank(&self) -> usize {
        rank(&self.state)
    }

    /// Takes over a state that is worse, or as bad and older.
    pub(super) fn note(&mut self, state: &str, since: Option<&str>, sentence: Option<&str>) {
        let (own, other) = (self.rank(), rank(state));
        let is_older = since.is_some() && (self.since.is_none() || self.since.as_deref() > since);
        if other < own || other == own && is_older {
            *self = Self {
                state: state.to_owned(),
                since: since.map(str::to_owned),
                sentence: sentence.map(str::to_owned),
                ..std::mem::take(self)
            };
        }
    }

    /// Adds what another worker tells.
    pub(super) fn add(&mut self, other: Self) {
        self.note(&other.state, other.since.as_deref(), other.sentence.as_deref());
        self.topics.extend(other.topics);
        self.missing_topics.extend(other.missing_topics);
        self.failed_sentence = self.failed_sentence.take().or(other.failed_sentence);
        self.valid_through = match (self.counts.followed, other.counts.followed) {
            (0, _) => other.valid_through,
            (_, 0) => self.valid_through.take(),
            _ => least_of(self.valid_through.take(), other.valid_through),
        };
        self.counts.add(&other.counts);
    }

    /// Adds what Connect says of it, when all parts are together.
    pub(super) fn settle(&mut self, status: Option<&ConnectorStatus>) {
        // Who heard that it does not exist may not have heard that it does.
        let Self { topics, missing_topics, .. } = self;
        missing_topics.retain(|missing| !topics.contains(&missing.topic));
        if let Some(missing) = self.missing_topics.first().cloned() {
            self.note(PartitionState::WaitingForTopic.as_str(), None, Some(&missing.sentence));
        }
        let Some(status) = status else { return };
        let line = |trace: Option<&String>| trace.and_then(|trace| trace.lines().next()).map(str::to_owned);
        let all = std::iter::once(&status.connector).chain(status.tasks.iter().map(|task| &task.state));
        if let Some(failed) = all.into_iter().find(|one| one.state == State::Failed) {
            PartitionState::Failed.as_str().clone_into(&mut self.state);
            (self.since, self.sentence) = (None, line(failed.trace.as_ref()));
        } else if matches!(status.connector.state, State::Stopped | State::Unassigned)
            || status.connector.state == State::Paused && self.state == NO_PARTITIONS
        {
            self.state = status.connector.state.as_str().to_lowercase();
        }
    }
}

/// The place of a state among the others, the worst first.
fn rank(state: &str) -> usize {
    let known = PartitionState::ALL.iter().position(|one| one.as_str() == state);
    known.unwrap_or(PartitionState::ALL.len())
}

impl HealthCountsDto {
    fn add(&mut self, other: &Self) {
        self.partitions += other.partitions;
        self.lag += other.lag;
        self.oldest_seconds = self.oldest_seconds.into_iter().chain(other.oldest_seconds).reduce(f64::max);
        self.records_per_second += other.records_per_second;
        self.bytes_per_second += other.bytes_per_second;
        self.open_records += other.open_records;
        self.in_flight += other.in_flight;
        self.records += other.records;
        self.raw_bytes += other.raw_bytes;
        self.sent_bytes += other.sent_bytes;
        self.batches += other.batches;
        self.dead_letters += other.dead_letters;
        self.dropped += other.dropped;
        self.failed_records += other.failed_records;
        self.retries += other.retries;
        self.followed += other.followed;
        self.failed_batches += other.failed_batches;
    }
}

impl ConnectorHealthDto {
    /// Adds what another worker tells.
    pub(super) fn add(&mut self, other: Self) {
        self.summary.add(other.summary);
        for task in other.tasks {
            self.task(task.id).partitions.extend(task.partitions);
        }
        for count in other.sink {
            match self.sink.iter_mut().find(|own| own.name == count.name && own.labels == count.labels) {
                Some(own) => own.count += count.count,
                None => self.sink.push(count),
            }
        }
        for minute in other.minutes {
            match self.minutes.iter_mut().find(|own| own.minute == minute.minute) {
                Some(own) => own.add(&minute),
                None => self.minutes.push(minute),
            }
        }
        self.minutes.sort_by_key(|minute| minute.minute);
    }

    fn task(&mut self, id: u32) -> &mut TaskHealthDto {
        let place = self.tasks.binary_search_by_key(&id, |task| task.id);
        if let Err(place) = place {
            self.tasks.insert(place, TaskHealthDto { id, ..TaskHealthDto::default() });
        }
        let (Ok(place) | Err(place)) = place;
        &mut self.tasks[place]
    }

    /// Adds what Connect says of it and of its tasks, when all parts are together.
    pub(super) fn settle(&mut self, status: Option<&ConnectorStatus>) {
        for known in status.into_iter().flat_map(|status| &status.tasks) {
            let task = self.task(known.id);
            task.task_state = Some(known.state.state.as_str().to_owned());
            task.worker_id = Some(known.state.worker_id.to_string());
        }
        for task in &mut self.tasks {
            task.partitions.sort_by(|a, b| (&a.topic, a.partition).cmp(&(&b.topic, b.partition)));
        }
        self.summary.settle(status);
    }
}

impl MinuteDto {
    fn add(&mut self, other: &Self) {
        self.records += other.records;
        self.raw_bytes += other.raw_bytes;
        self.lag += other.lag;
        self.late_batches += other.late_batches;
        self.late_ms += other.late_ms;
    }
}

#[cfg(test)]
#[path = "dto_health_tests.rs"]
mod tests;
