//! What a connector did on this worker in each minute of the last hour, for plots.
//!
//! Its loop tells it once a minute. Minutes in which nothing was done, and nothing was to be done, are left out.

use std::collections::VecDeque;
use std::time::{SystemTime, UNIX_EPOCH};

/// So many minutes are kept.
const MINUTES: u64 = 60;

/// One minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MinuteReading {
    /// Which one: minutes since the epoch.
    pub minute: u64,
    /// Records that were handed over in it.
    pub records: u64,
    /// Their bytes before compression.
    pub raw_bytes: u64,
    /// Records that were not read at its end.
    pub lag: u64,
    /// Batches whose first record has a timestamp.
    pub late_batches: u64,
    /// The ages of those records when they were handed over, together.
    pub late_ms: u64,
}

/// The last hour.
#[derive(Debug, Default)]
pub(super) struct History(VecDeque<MinuteReading>);

impl History {
    /// Adds what was done up to now since the last time; `done.minute` is set here.
    pub(super) fn add(&mut self, done: MinuteReading, now: SystemTime) {
        let minute = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() / 60;
        self.0.retain(|known| known.minute + MINUTES > minute);
        if (done.records, done.lag) != (0, 0) {
            self.0.push_back(MinuteReading { minute, ..done });
        }
    }

    pub(super) fn read(&self) -> Vec<MinuteReading> {
        self.0.iter().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{History, MINUTES, MinuteReading};
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn an_hour_is_kept_without_its_idle_minutes() {
        let mut history = History::default();
        let at = |minute: u64| UNIX_EPOCH + Duration::from_secs(minute * 60 + 7);
        for minute in 0..2 * MINUTES {
            let records = minute % 2;
            history.add(MinuteReading { records, ..MinuteReading::default() }, at(minute));
        }
        let known = history.read();
        assert_eq!((known.first().unwrap().minute, known.last().unwrap().minute), (61, 119));
        assert_eq!(known.len(), 30);
        history.add(MinuteReading { lag: 3, ..MinuteReading::default() }, at(130));
        assert_eq!(history.read().last().unwrap().lag, 3, "who is behind is not idle");
        history.add(MinuteReading::default(), at(1_000));
        assert!(history.read().is_empty());
    }
}
