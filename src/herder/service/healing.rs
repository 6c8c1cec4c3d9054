//! Self-healing: what has failed on this worker is started again by itself, after a pause that grows.
//!
//! Connect leaves a failed task alone until somebody restarts it; `task.restart.backoff.ms=0` does that here too. What
//! failed stays FAILED with its reason until the restart, and again after it if nothing has changed. A config that this
//! worker cannot run at all (an unknown class) is not tried again: only another config can help.

use crate::config::WorkerConfig;
use crate::retry::Backoff;
use crate::status::State;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// A connector, or one of its tasks.
type Part = (Arc<str>, Option<u32>);

struct Patient {
    backoff: Backoff,
    /// When it is started again; none while it runs.
    due: Option<Instant>,
    failed_at: Instant,
}

/// What has failed, and when it is started again.
pub(super) struct Healing {
    first: Duration,
    longest: Duration,
    patients: BTreeMap<Part, Patient>,
}

impl Healing {
    pub(super) fn new(config: &WorkerConfig) -> Self {
        let (first, longest) = (config.task_restart_backoff, config.task_restart_backoff_max);
        Self { first, longest: longest.max(first), patients: BTreeMap::new() }
    }

    /// When the next restart is due.
    pub(super) fn next(&self) -> Option<Instant> {
        self.patients.values().filter_map(|patient| patient.due).min()
    }

    /// Nothing of this connector is to be started again.
    pub(super) fn forget(&mut self, connector: &Arc<str>) {
        self.patients.retain(|(name, _), _| name != connector);
    }

    /// Takes in a state; the pause before the restart when it is a failure.
    pub(super) fn note(&mut self, part: Part, state: State, now: Instant) -> Option<Duration> {
        if self.first.is_zero() {
            return None;
        }
        match state {
            State::Failed => {
                let (first, longest) = (self.first, self.longest);
                let patient = self.patients.entry(part).or_insert_with(|| Patient {
                    backoff: Backoff::new(first, longest, u64::from(std::process::id())),
                    due: None,
                    failed_at: now,
                });
                // What ran well for longer than any pause has another trouble now.
                if now.duration_since(patient.failed_at) > 2 * longest {
                    patient.backoff.reset();
                }
                patient.failed_at = now;
                let pause = patient.backoff.next_pause();
                patient.due = Some(now + pause);
                Some(pause)
            }
            // It may fail again at once, so its history stays.
            State::Running | State::Restarting | State::Paused => {
                if let Some(patient) = self.patients.get_mut(&part) {
                    patient.due = None;
                }
                None
            }
            State::Stopped | State::Unassigned => {
                self.patients.remove(&part);
                None
            }
        }
    }

    pub(super) fn take_due(&mut self, now: Instant) -> Vec<Part> {
        let due = self.patients.iter_mut().filter(|(_, patient)| patient.due.is_some_and(|due| due <= now));
        let taken = due.map(|(part, patient)| {
            patient.due = None;
            part.clone()
        });
        taken.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Backoff, Healing, State};
    use std::collections::BTreeMap;
    use std::sync::Arc;
    use std::time::Duration;
    use tokio::time::Instant;

    fn healing(first: u64, longest: u64) -> Healing {
        Healing {
            first: Duration::from_secs(first),
            longest: Duration::from_secs(longest),
            patients: BTreeMap::new(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn pauses_grow_while_it_goes_on_failing_and_start_anew_after_a_good_time() {
        let mut healing = healing(10, 100);
        let part = || (Arc::<str>::from("a"), Some(0));
        let mut last = Duration::ZERO;
        for _ in 0..8 {
            let pause = healing.note(part(), State::Failed, Instant::now()).unwrap();
            assert!(pause <= Duration::from_secs(100) && pause >= Duration::from_secs(5), "{pause:?}");
            last = pause;
            assert!(healing.take_due(Instant::now()).is_empty());
            tokio::time::advance(pause).await;
            assert_eq!(healing.take_due(Instant::now()), [part()]);
            healing.note(part(), State::Running, Instant::now());
            assert_eq!(healing.next(), None);
        }
        assert!(last >= Duration::from_secs(50), "{last:?}");
        tokio::time::advance(Duration::from_secs(201)).await;
        let pause = healing.note(part(), State::Failed, Instant::now()).unwrap();
        assert!(pause <= Duration::from_secs(10), "{pause:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_stopped_deleted_or_not_to_be_healed_is_left_alone() {
        let part = || (Arc::<str>::from("a"), None);
        let mut off = healing(0, 100);
        assert_eq!(off.note(part(), State::Failed, Instant::now()), None);
        assert_eq!(off.next(), None);
        let mut healing = healing(10, 100);
        healing.note(part(), State::Failed, Instant::now());
        healing.note(part(), State::Stopped, Instant::now());
        assert_eq!(healing.next(), None);
        healing.note(part(), State::Failed, Instant::now());
        healing.forget(&"a".into());
        assert_eq!(healing.next(), None);
        // The pauses are those of one place.
        let mut one = Backoff::new(healing.first, healing.longest, 1);
        assert!(one.next_pause() <= healing.first);
    }
}
