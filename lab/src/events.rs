//! Storm events: the record of the lab and a seeded generator of it.
//!
//! The generator is a pure iterator: the same seed and options give the same events, so a test or the demo can name what was produced
//! without keeping it. It never reads a clock.

use fastrand::Rng;
use serde::Serialize;
use time::{Duration, PrimitiveDateTime, macros::datetime};

use crate::words::{EVENT_TYPES, SOURCES, STATES, TRICKY};

/// One event: the six columns the lab's producer keeps of a `StormEvents.csv`, in its order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct StormEvent {
    /// Begin, as text: `2007-01-01 00:00:00.0000000`.
    pub start_time: String,
    /// End, in the same form.
    pub end_time: String,
    /// The event's number; the table's column is an `int`.
    pub event_id: i32,
    /// State or marine area, upper case.
    pub state: String,
    /// Kind of event.
    pub event_type: String,
    /// Who reported it.
    pub source: String,
}

/// What the generator makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// The same seed gives the same events.
    pub seed: u64,
    /// A quarter of the events carry quotes, newlines, commas or non-ASCII text.
    pub tricky: bool,
    /// `Some(first)`: event ids count up from there, so that each record can be told from all others.
    pub sequence_from: Option<i32>,
}

impl Options {
    /// The lab's default: realistic events without traps.
    pub fn seeded(seed: u64) -> Self {
        Self { seed, tricky: false, sequence_from: None }
    }
}

/// Endless storm events, spread over the year 2007 as in the data set the lab uses.
#[derive(Debug, Clone)]
pub struct Generator {
    random: Rng,
    options: Options,
    produced: i32,
    minute: i64,
}

const YEAR_BEGIN: PrimitiveDateTime = datetime!(2007-01-01 00:00);
const MINUTES_PER_YEAR: i64 = 365 * 24 * 60;
/// The 59,000 events of the real year are about nine minutes apart.
const MAX_GAP_MINUTES: i64 = 18;

impl Generator {
    /// A generator at its first event.
    pub fn new(options: Options) -> Self {
        Self { random: Rng::with_seed(options.seed), options, produced: 0, minute: 0 }
    }

    /// Lists are sorted by frequency: the square of a uniform number makes the head of a list common and its tail rare.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "list indexes"
    )]
    fn skewed(&mut self, list: &[&'static str]) -> &'static str {
        let uniform = self.random.f64();
        list[((uniform * uniform * list.len() as f64) as usize).min(list.len() - 1)]
    }

    fn length(&mut self, event_type: &str) -> Duration {
        match event_type {
            "Drought" | "Heat" | "Excessive Heat" | "Wildfire" => {
                Duration::minutes(1440 * self.random.i64(1..30) - 1)
            }
            "Flood" | "Winter Storm" | "Heavy Snow" | "Blizzard" => {
                Duration::minutes(self.random.i64(60..2880))
            }
            _ => Duration::minutes(self.random.i64(0..45)),
        }
    }

    /// Puts one to three traps into the text columns of a quarter of the events.
    fn make_tricky(&mut self, event: &mut StormEvent) {
        if self.random.u8(0..4) != 0 {
            return;
        }
        for _ in 0..self.random.u8(1..=3) {
            let trap = TRICKY[self.random.usize(0..TRICKY.len())];
            let column = match self.random.u8(0..3) {
                0 => &mut event.state,
                1 => &mut event.event_type,
                _ => &mut event.source,
            };
            if self.random.bool() {
                trap.clone_into(column);
            } else {
                column.push_str(trap);
            }
        }
    }

    fn event_id(&mut self) -> i32 {
        match self.options.sequence_from {
            Some(first) => first.wrapping_add(self.produced),
            None => self.random.i32(1..100_000),
        }
    }
}

impl Iterator for Generator {
    type Item = StormEvent;

    fn next(&mut self) -> Option<StormEvent> {
        self.minute += self.random.i64(0..=MAX_GAP_MINUTES);
        let start = YEAR_BEGIN + Duration::minutes(self.minute % MINUTES_PER_YEAR);
        let event_type = self.skewed(EVENT_TYPES);
        let end = start + self.length(event_type);
        let mut source = self.skewed(SOURCES).to_owned();
        if self.random.u8(0..16) == 0 {
            source = format!("{source}, {}", self.skewed(SOURCES));
        }
        let mut event = StormEvent {
            start_time: text(start),
            end_time: text(end),
            event_id: self.event_id(),
            state: self.skewed(STATES).to_owned(),
            event_type: event_type.to_owned(),
            source,
        };
        if self.options.tricky {
            self.make_tricky(&mut event);
        }
        self.produced = self.produced.wrapping_add(1);
        Some(event)
    }
}

/// A moment as the data set writes it: seven digits behind the point, as .NET does.
fn text(moment: PrimitiveDateTime) -> String {
    let (date, time) = (moment.date(), moment.time());
    format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02}.0000000",
        date.year(),
        u8::from(date.month()),
        date.day(),
        time.hour(),
        time.minute(),
        time.second()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn events(options: Options, count: usize) -> Vec<StormEvent> {
        Generator::new(options).take(count).collect()
    }

    #[test]
    fn same_seed_same_events_other_seed_other_events() {
        assert_eq!(events(Options::seeded(1), 500), events(Options::seeded(1), 500));
        assert_ne!(events(Options::seeded(1), 500), events(Options::seeded(2), 500));
    }

    #[test]
    fn three_hundred_events_answer_the_queries_of_the_lab() {
        let events = events(Options::seeded(2007), 300);
        assert!(events.iter().any(|e| e.event_type == "Drought" && e.state == "TEXAS"));
        let texas = events.iter().filter(|e| e.state == "TEXAS").count();
        assert!(texas > 10, "{texas}");
        assert!(events.iter().any(|e| e.source.contains(',')));
        assert!(events.iter().map(|e| &e.state).collect::<HashSet<_>>().len() > 20);
    }

    #[test]
    fn tricky_events_hold_every_kind_of_trap_and_plain_ones_none() {
        let all = |tricky| {
            let events = events(Options { tricky, ..Options::seeded(7) }, 2000);
            events.into_iter().flat_map(|e| [e.state, e.event_type, e.source]).collect::<String>()
        };
        let tricky = all(true);
        for trap in TRICKY {
            assert!(tricky.contains(trap), "{trap:?}");
        }
        assert!(all(false).is_ascii());
        assert!(!all(false).contains(['"', '\n']));
    }

    #[test]
    fn sequence_numbers_every_event() {
        let options = Options { sequence_from: Some(40), tricky: true, ..Options::seeded(3) };
        let ids: Vec<i32> = events(options, 100).iter().map(|e| e.event_id).collect();
        assert_eq!(ids, (40..140).collect::<Vec<_>>());
    }

    #[test]
    fn events_end_after_they_begin_and_look_as_in_the_lab() {
        for event in events(Options::seeded(9), 1000) {
            assert!(event.start_time <= event.end_time, "{event:?}");
            assert_eq!(event.start_time.len(), "2007-01-01 00:00:00.0000000".len());
        }
        assert_eq!(text(datetime!(2007-01-01 00:00)), "2007-01-01 00:00:00.0000000");
    }
}
