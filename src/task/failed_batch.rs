//! What is said of a batch that its service took and did not keep: one sentence, in the log, in the trace where a task fails by it, and
//! wherever it is listed.
//!
//! Pure. [`FailureLines`] bounds the lines of the log.

use crate::brief::Brief;
use crate::id::{OffsetRange, TopicPartition};
use crate::sink::BatchFailure;
use std::time::Duration;
use tokio::time::Instant;

/// Lines of the log,
const MOST_LINES: u64 = 10;
/// in so much time; what is more is counted in one line at its end.
const PERIOD: Duration = Duration::from_mins(1);

/// It in one line: where, what, and what mends it. `target` is the setting that says where records go.
pub(super) fn brief(
    partition: &TopicPartition,
    offsets: OffsetRange,
    failure: &BatchFailure,
    target: &str,
) -> Brief {
    let BatchFailure { code, text, is_retriable, is_of_derived, .. } = failure;
    let what = if *is_of_derived {
        "not taken by what derives from its target"
    } else {
        "not kept after it was taken"
    };
    let again = "set offsets back to it";
    let remedy = if *is_retriable { again.to_owned() } else { format!("check {target}, then {again}") };
    Brief::new(format!("{what}: {code}"))
        .saying(text.as_str())
        .at(format!("{partition}, offsets {offsets}"))
        .mended_by(remedy)
}

/// How many lines there were.
#[derive(Debug, Default)]
pub(super) struct FailureLines {
    /// When the present period began; none before the first line.
    began: Option<Instant>,
    /// Batches in it.
    batches: u64,
}

impl FailureLines {
    /// One more batch failed; true when a line may say so.
    pub(super) fn may_say(&mut self, now: Instant) -> bool {
        if self.began.is_none_or(|began| now >= began + PERIOD) && self.unsaid() == 0 {
            (self.began, self.batches) = (Some(now), 0);
        }
        self.batches += 1;
        self.batches <= MOST_LINES
    }

    /// When [`Self::take_unsaid`] has something to say.
    pub(super) fn due(&self) -> Option<Instant> {
        self.began.filter(|_| self.unsaid() > 0).map(|began| began + PERIOD)
    }

    /// The batches of the period that is over of which no line was said.
    pub(super) fn take_unsaid(&mut self, now: Instant) -> Option<u64> {
        self.due().filter(|due| *due <= now)?;
        let unsaid = self.unsaid();
        (self.began, self.batches) = (Some(now), 0);
        Some(unsaid)
    }

    fn unsaid(&self) -> u64 {
        self.batches.saturating_sub(MOST_LINES)
    }
}

#[cfg(test)]
mod tests {
    use super::{BatchFailure, FailureLines, MOST_LINES, OffsetRange, PERIOD, TopicPartition, brief};
    use tokio::time::Instant;

    fn failure() -> BatchFailure {
        BatchFailure {
            code: "BadRequest_MappingReferenceWasNotFound".to_owned(),
            text: "Mapping reference 'storms' of type 'Json' could not be found.".to_owned(),
            is_retriable: false,
            is_of_derived: false,
            is_of_content: false,
        }
    }

    fn line(failure: &BatchFailure) -> String {
        let (at, offsets) =
            (TopicPartition::new("storms", 3), OffsetRange { first: 1_000_000, last: 1_000_500 });
        brief(&at, offsets, failure, "a.setting.of.the.sink.mapping").to_string()
    }

    #[test]
    fn code_place_and_remedy_are_in_each_line() {
        let long = line(&failure());
        let start = "storms-3, offsets 1000000-1000500: not kept after it was taken: \
                     BadRequest_MappingReferenceWasNotFound: Mapping";
        assert!(long.starts_with(start), "{long}");
        assert!(
            long.ends_with("; check a.setting.of.the.sink.mapping, then set offsets back to it"),
            "{long}"
        );
        let again = line(&BatchFailure { code: "Busy".to_owned(), is_retriable: true, ..failure() });
        assert!(again.ends_with("could not be found.; set offsets back to it"), "{again}");
        let derived = line(&BatchFailure { code: "Update".to_owned(), is_of_derived: true, ..failure() });
        assert!(derived.contains(": not taken by what derives from its target: Update: "), "{derived}");
    }

    #[tokio::test(start_paused = true)]
    async fn each_minute_has_some_lines_and_one_for_the_rest() {
        let (mut lines, start) = (FailureLines::default(), Instant::now());
        let said = (0..MOST_LINES + 5).filter(|_| lines.may_say(start)).count() as u64;
        assert_eq!((said, lines.due()), (MOST_LINES, Some(start + PERIOD)));
        assert_eq!(lines.take_unsaid(start), None);
        assert!(!lines.may_say(start + PERIOD), "what is not said yet goes first");
        assert_eq!((lines.take_unsaid(start + PERIOD), lines.due()), (Some(6), None));
        assert!(lines.may_say(start + PERIOD));
        assert!(lines.may_say(start + PERIOD * 3), "the next one");
    }
}
