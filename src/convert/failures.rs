//! Schemas that could not be had or used: why, and when they may be asked for again.
//!
//! Not with each record, and less often the more often it failed and the longer it took, so that a topic full of such records
//! is no flood of questions to a registry; soon after the first time, so that one who registers a schema late does not
//! wait. Bounded; no clock is read here.

use crate::data::Error;
use crate::data::registered::SchemaId;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// The first pause; it doubles.
const FIRST: Duration = Duration::from_secs(5);
/// The longest pause, unless asking took long.
const LONGEST: Duration = Duration::from_mins(1);
/// So many times as long as the asking took nothing is asked.
const REST: u32 = 10;
/// However long it took.
const END: Duration = Duration::from_mins(10);
/// So many are remembered.
const MOST: usize = 10_000;

/// Why schemas failed, by their ids.
#[derive(Debug, Default)]
pub(super) struct Failures(HashMap<SchemaId, Failed>);

#[derive(Debug)]
struct Failed {
    error: Error,
    until: Instant,
    pause: Duration,
}

impl Failures {
    /// Why this schema failed; none when it may be asked for.
    pub(super) fn get(&self, id: SchemaId, now: Instant) -> Option<&Error> {
        self.0.get(&id).filter(|failed| now < failed.until).map(|failed| &failed.error)
    }

    /// It failed, once more perhaps, and it took so long to know that; none when it was an outage, which may be over now.
    pub(super) fn add(&mut self, id: SchemaId, error: Error, took: Option<Duration>, now: Instant) {
        let before = self.0.get(&id).map(|failed| failed.pause);
        let doubled = before.map_or(FIRST, |before| before.saturating_mul(2)).min(LONGEST);
        let pause = if took.is_some() { doubled } else { FIRST };
        let rest = pause.max(took.unwrap_or_default().saturating_mul(REST)).min(END);
        if self.0.len() >= MOST && before.is_none() {
            self.0.retain(|_, failed| now < failed.until);
        }
        // Whoever has ever new ids gains nothing from remembering them.
        if self.0.len() >= MOST && before.is_none() {
            self.0.clear();
        }
        self.0.insert(id, Failed { error, until: now + rest, pause });
    }

    /// It is there now.
    pub(super) fn forget(&mut self, id: SchemaId) {
        self.0.remove(&id);
    }
}

#[cfg(test)]
mod tests {
    use super::{END, FIRST, Failures, LONGEST, MOST};
    use crate::data::Error;
    use crate::data::registered::SchemaId;
    use std::time::{Duration, Instant};

    const ID: SchemaId = SchemaId::Number(7);

    fn rests(
        failures: &mut Failures,
        took: impl Into<Option<Duration>>,
        mut now: Instant,
        times: usize,
    ) -> Vec<Duration> {
        let (mut rests, took) = (Vec::new(), took.into());
        for _ in 0..times {
            failures.add(ID, Error::new("gone"), took, now);
            assert!(failures.get(ID, now).is_some());
            let until =
                (1..=700).map(Duration::from_secs).find(|rest| failures.get(ID, now + *rest).is_none());
            rests.push(until.expect("an end"));
            now += until.expect("an end");
        }
        rests
    }

    #[test]
    fn pauses_grow_and_end() {
        let now = Instant::now() + Duration::from_hours(1);
        let seconds = [5, 10, 20, 40, 60, 60].map(Duration::from_secs);
        assert_eq!(rests(&mut Failures::default(), Duration::ZERO, now, 6), seconds);
        assert_eq!((seconds[0], seconds[5]), (FIRST, LONGEST));
        // What takes 30 s each time is asked for in no more than a tenth of all time.
        assert_eq!(
            rests(&mut Failures::default(), Duration::from_secs(30), now, 2),
            [300, 300].map(Duration::from_secs)
        );
        assert_eq!(rests(&mut Failures::default(), Duration::from_mins(30), now, 1), [END]);
        // Nobody waits long after an outage.
        assert_eq!(rests(&mut Failures::default(), None, now, 3), [FIRST; 3]);
    }

    #[test]
    fn a_schema_that_came_begins_anew_and_ever_new_ones_are_not_kept() {
        let now = Instant::now() + Duration::from_hours(1);
        let mut failures = Failures::default();
        assert_eq!(rests(&mut failures, Duration::ZERO, now, 3).len(), 3);
        failures.forget(ID);
        assert_eq!(rests(&mut failures, Duration::ZERO, now, 1), [FIRST]);
        for id in 0..3 * i64::try_from(MOST).unwrap() {
            failures.add(SchemaId::Number(id), Error::new("gone"), None, now);
        }
        assert!(failures.0.len() <= MOST);
    }
}
