//! What a connector did in the last minute: rows, bytes, batches, what is still to be read, and tries that were repeated. One
//! line of the log while there is something to say, and a point of the plots.
//!
//! Pure but for the clock: it compares two readings. Who idles says nothing.

use std::fmt;
use std::time::Duration;
use tokio::time::Instant;

/// Between two lines.
const PERIOD: Duration = Duration::from_mins(1);

/// What the tasks of a connector have done on this worker since they started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Done {
    /// Records that were handed over.
    pub(super) rows: u64,
    /// Their bytes before compression.
    pub(super) bytes: u64,
    /// Batches that were handed over.
    pub(super) batches: u64,
    /// Failed tries that were followed by another.
    pub(super) retries: u64,
    /// Records that are not read yet, as far as that is known.
    pub(super) lag: u64,
    /// Batches whose first record has a timestamp.
    pub(super) late_batches: u64,
    /// The ages of those records when they were handed over, together.
    pub(super) late_ms: u64,
}

impl Done {
    /// What came since `before`. A task that started anew counts from zero.
    fn since(self, before: Self) -> Self {
        Self {
            rows: self.rows.saturating_sub(before.rows),
            bytes: self.bytes.saturating_sub(before.bytes),
            batches: self.batches.saturating_sub(before.batches),
            retries: self.retries.saturating_sub(before.retries),
            lag: self.lag,
            late_batches: self.late_batches.saturating_sub(before.late_batches),
            late_ms: self.late_ms.saturating_sub(before.late_ms),
        }
    }

    /// Nothing was done, and nothing is to be done.
    pub(super) fn is_nothing(&self) -> bool {
        self.rows == 0 && self.retries == 0 && self.lag == 0
    }
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rows, bytes, batches, retries, lag, .. } = self;
        let (whole, tenths) = (bytes / 1_000_000, bytes % 1_000_000 / 100_000);
        write!(
            f,
            "{rows} rows, {whole}.{tenths} MB in {batches} batches; {lag} records to read, {retries} retries"
        )
    }
}

/// When the next line is due, and what was known at the last one.
#[derive(Debug)]
pub(super) struct MinuteLog {
    due: Instant,
    before: Done,
}

impl MinuteLog {
    /// Begins now, from nothing.
    pub(super) fn new() -> Self {
        Self { due: Instant::now() + PERIOD, before: Done::default() }
    }

    pub(super) fn due(&self) -> Instant {
        self.due
    }

    /// What came in the last minute, when that is over now.
    pub(super) fn look(&mut self, done: Done, now: Instant) -> Done {
        let new = done.since(self.before);
        (self.before, self.due) = (done, now + PERIOD);
        new
    }
}

#[cfg(test)]
mod tests {
    use super::{Done, MinuteLog, PERIOD};
    use tokio::time::Instant;

    #[tokio::test(start_paused = true)]
    async fn each_minute_says_what_came_in_it_and_idle_ones_nothing() {
        let mut log = MinuteLog::new();
        assert_eq!(log.due(), Instant::now() + PERIOD);
        let first =
            Done { rows: 1_000, bytes: 12_345_678, batches: 3, retries: 2, lag: 7, ..Done::default() };
        assert_eq!(
            log.look(first, log.due()).to_string(),
            "1000 rows, 12.3 MB in 3 batches; 7 records to read, 2 retries"
        );
        assert_eq!(log.due(), Instant::now() + PERIOD * 2);
        let waits = log.look(first, log.due());
        assert_eq!((waits.rows, waits.retries, waits.lag), (0, 0, 7), "what is behind is said");
        assert!(!waits.is_nothing());
        let second = Done { rows: 1_500, lag: 0, late_batches: 2, late_ms: 30, ..first };
        let new = log.look(second, log.due());
        assert_eq!((new.rows, new.late_batches, new.late_ms), (500, 2, 30));
        assert!(log.look(second, log.due()).is_nothing());
        let anew = Done { rows: 10, ..Done::default() };
        assert!(log.look(anew, log.due()).is_nothing(), "a task that starts anew is no row");
    }
}
