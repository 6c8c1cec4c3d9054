//! What a partition does now, in one word, with since when and why: what `GET /connectors/X/health` and a series tell.
//!
//! Pure. Who waits tells it (`task`); the rest follows from what is counted.

use super::partition::PartitionOffsets;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// What waits for so long is trouble: a request that is tried again is none.
pub const TROUBLE_AFTER: Duration = Duration::from_secs(5);
/// Who has not moved for so long does not keep pace, however little is left.
const STANDS_STILL: Duration = Duration::from_secs(15);

/// The states, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PartitionState {
    /// Its task has failed: nobody reads it.
    Failed,
    /// No broker can be reached.
    WaitingForKafka,
    /// What was read is not taken by the service.
    WaitingForSink,
    /// Dead letters are not taken by their topic.
    WaitingForDeadLetters,
    /// The schema of the next record cannot be had.
    WaitingForSchema,
    /// The memory for batches is used up by others.
    OutOfMemory,
    /// Records are handed over, their offsets are not committed.
    NotCommitting,
    /// Kafka has not said yet where the partition begins and ends, or the topic does not exist.
    WaitingForTopic,
    /// There is more to be read than comes in a moment.
    CatchingUp,
    /// The connector is paused.
    Paused,
    /// All that is in Kafka was read, or is within a moment.
    InStep,
}

impl PartitionState {
    /// All of them, the worst first.
    pub const ALL: [Self; 11] = [
        Self::Failed,
        Self::WaitingForKafka,
        Self::WaitingForSink,
        Self::WaitingForDeadLetters,
        Self::WaitingForSchema,
        Self::OutOfMemory,
        Self::NotCommitting,
        Self::WaitingForTopic,
        Self::CatchingUp,
        Self::Paused,
        Self::InStep,
    ];

    /// As answers and labels say it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::WaitingForKafka => "waiting_for_kafka",
            Self::WaitingForSink => "waiting_for_sink",
            Self::WaitingForDeadLetters => "waiting_for_dead_letters",
            Self::WaitingForSchema => "waiting_for_schema",
            Self::OutOfMemory => "out_of_memory",
            Self::NotCommitting => "not_committing",
            Self::WaitingForTopic => "waiting_for_topic",
            Self::CatchingUp => "catching_up",
            Self::Paused => "paused",
            Self::InStep => "in_step",
        }
    }
}

/// What a task does with its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activity {
    /// It reads.
    Running,
    /// It was paused.
    Paused,
    /// It has failed.
    Failed,
}

/// Something that keeps a partition, or all of a connector's, from going on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionWait {
    /// What it makes of the partition's state.
    pub state: PartitionState,
    /// Since when.
    pub since: Instant,
    /// Why, in one line without secrets.
    pub sentence: Arc<str>,
}

/// The state, how long it has lasted where that is known, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateReading {
    /// The state.
    pub state: PartitionState,
    /// For so long.
    pub lasts: Option<Duration>,
    /// Why.
    pub sentence: Option<Arc<str>>,
}

impl Default for StateReading {
    fn default() -> Self {
        Self::of(PartitionState::InStep)
    }
}

impl StateReading {
    fn of(state: PartitionState) -> Self {
        Self { state, lasts: None, sentence: None }
    }

    fn of_wait(wait: &PartitionWait, now: Instant) -> Self {
        let lasts = Some(now.saturating_duration_since(wait.since));
        Self { state: wait.state, lasts, sentence: Some(Arc::clone(&wait.sentence)) }
    }
}

/// How a partition moves through its log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pace {
    offsets: PartitionOffsets,
    /// Records between the last two looks at which it had moved.
    step: u64,
    /// When it had moved, or was given to us.
    moved: Instant,
}

impl Pace {
    /// Nothing is known yet.
    pub(super) fn new(now: Instant) -> Self {
        Self { offsets: PartitionOffsets::default(), step: 0, moved: now }
    }

    pub(super) fn offsets(&self) -> PartitionOffsets {
        self.offsets
    }

    pub(super) fn set(&mut self, offsets: PartitionOffsets, now: Instant) {
        let read = offsets.position.zip(self.offsets.position).map(|(to, from)| to.saturating_sub(from));
        match read.map(u64::try_from) {
            Some(Ok(0)) => {}
            Some(Ok(step)) => (self.step, self.moved) = (step, now),
            Some(Err(_)) | None => (self.step, self.moved) = (0, now),
        }
        self.offsets = offsets;
    }

    fn state(&self, now: Instant) -> PartitionState {
        let still = now.saturating_duration_since(self.moved);
        match self.offsets.behind() {
            None if still < TROUBLE_AFTER => PartitionState::CatchingUp,
            None => PartitionState::WaitingForTopic,
            Some(behind) if behind == 0 || behind <= self.step && still < STANDS_STILL => {
                PartitionState::InStep
            }
            Some(_) => PartitionState::CatchingUp,
        }
    }
}

/// What a partition does: what fails goes before what waits, and that before what moves.
pub(super) fn state(
    activity: Activity,
    waits: &[Option<&PartitionWait>],
    pace: &Pace,
    now: Instant,
) -> StateReading {
    if activity == Activity::Failed {
        return StateReading::of(PartitionState::Failed);
    }
    let lasting = |wait: &&PartitionWait| now.saturating_duration_since(wait.since) >= TROUBLE_AFTER;
    let worst = waits.iter().copied().flatten().filter(lasting).min_by_key(|wait| wait.state);
    match (worst, activity) {
        (Some(wait), _) => StateReading::of_wait(wait, now),
        (None, Activity::Paused) => StateReading::of(PartitionState::Paused),
        (None, _) => StateReading::of(pace.state(now)),
    }
}

#[cfg(test)]
mod tests {
    use super::{Activity, Pace, PartitionState as Is, PartitionWait, STANDS_STILL, TROUBLE_AFTER, state};
    use crate::metrics::PartitionOffsets;
    use std::time::Duration;
    use tokio::time::Instant;

    fn at(position: i64, high: i64) -> PartitionOffsets {
        PartitionOffsets { position: Some(position), low: Some(0), high: Some(high) }
    }

    #[tokio::test(start_paused = true)]
    async fn who_reads_as_fast_as_it_is_written_is_in_step() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        assert_eq!(pace.state(start), Is::CatchingUp, "nobody knows yet");
        assert_eq!(pace.state(start + TROUBLE_AFTER), Is::WaitingForTopic);
        pace.set(at(100, 900), start);
        assert_eq!(pace.state(start), Is::CatchingUp);
        let second = start + Duration::from_secs(1);
        pace.set(at(500, 900), second);
        assert_eq!(pace.state(second), Is::InStep, "the rest comes within a look");
        pace.set(at(500, 990), second + Duration::from_secs(1));
        assert_eq!(pace.state(second + STANDS_STILL), Is::CatchingUp, "it stands still");
        pace.set(at(990, 990), second);
        assert_eq!(pace.state(second + STANDS_STILL * 9), Is::InStep, "nothing is there to be read");
        pace.set(at(10, 990), second);
        assert_eq!(pace.state(second), Is::CatchingUp, "offsets were reset");
    }

    #[tokio::test(start_paused = true)]
    async fn the_worst_of_what_lasts_is_told() {
        let now = Instant::now() + Duration::from_mins(1);
        let wait = |state, ago| PartitionWait { state, since: now - ago, sentence: "why".into() };
        let (sink, kafka) =
            (wait(Is::WaitingForSink, TROUBLE_AFTER), wait(Is::WaitingForKafka, TROUBLE_AFTER));
        let short = wait(Is::WaitingForSink, TROUBLE_AFTER / 2);
        let mut pace = Pace::new(now);
        pace.set(at(7, 7), now);
        let seen = |activity, waits: &[Option<&PartitionWait>]| state(activity, waits, &pace, now);
        assert_eq!(seen(Activity::Running, &[None, None]).state, Is::InStep);
        assert_eq!(seen(Activity::Running, &[Some(&short)]).state, Is::InStep);
        assert_eq!(seen(Activity::Running, &[Some(&sink), Some(&kafka)]).state, Is::WaitingForKafka);
        let told = seen(Activity::Paused, &[Some(&sink), None]);
        assert_eq!(
            (told.state, told.lasts, told.sentence.as_deref()),
            (Is::WaitingForSink, Some(TROUBLE_AFTER), Some("why"))
        );
        assert_eq!(seen(Activity::Paused, &[]).state, Is::Paused);
        assert_eq!(seen(Activity::Failed, &[Some(&sink)]).state, Is::Failed);
        assert!(Is::ALL.is_sorted() && Is::ALL.iter().all(|one| !one.as_str().is_empty()));
    }
}
