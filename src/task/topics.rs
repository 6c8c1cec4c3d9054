//! Which topics a connector reads: reported to the herder when the first record of a topic was read, and again every few
//! seconds as long as there are records, so that a list that was emptied fills again (`connect-runtime.md` §4.6).
//!
//! It keeps when each was reported last; what is done with it is the herder's business.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

/// Between two reports of the same topic. What is known already costs the herder nothing.
const PAUSE: Duration = Duration::from_secs(2);

/// When a pipeline reported last that it reads.
#[derive(Debug, Default)]
pub(super) struct LastReported(Option<Instant>);

impl LastReported {
    /// True when it is time to report it (again); asked once per batch of records, not per record.
    pub(super) fn is_due(&mut self) -> bool {
        let now = Instant::now();
        let due = self.0.is_none_or(|last| now.duration_since(last) >= PAUSE);
        if due {
            self.0 = Some(now);
        }
        due
    }
}

/// When each topic of a connector was reported last: its partitions all report.
#[derive(Debug, Default)]
pub(super) struct TopicsRead(HashMap<Arc<str>, LastReported>);

impl TopicsRead {
    /// True when it is time to report that `topic` is read.
    pub(super) fn is_due(&mut self, topic: &Arc<str>) -> bool {
        self.0.entry(Arc::clone(topic)).or_default().is_due()
    }
}

#[cfg(test)]
mod tests {
    use super::{PAUSE, TopicsRead};

    #[tokio::test(start_paused = true)]
    async fn a_topic_is_reported_at_once_and_then_now_and_again() {
        let mut topics = TopicsRead::default();
        assert!(topics.is_due(&"a".into()));
        assert!(topics.is_due(&"b".into()));
        assert!(!topics.is_due(&"a".into()));
        tokio::time::advance(PAUSE).await;
        assert!(topics.is_due(&"a".into()));
        assert!(!topics.is_due(&"a".into()));
    }
}
