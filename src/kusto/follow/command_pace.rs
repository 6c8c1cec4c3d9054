//! How often a cluster is asked: at most ten control commands a minute, whoever of the follower's parts asks.
//!
//! Pure; time is the caller's.

use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::Instant;

/// Commands of a minute.
const MOST: usize = 10;
const MINUTE: Duration = Duration::from_mins(1);

/// When commands were sent.
#[derive(Debug, Default)]
pub(super) struct CommandPace {
    sent: VecDeque<Instant>,
}

impl CommandPace {
    /// When `commands` more may be sent, not before `now`.
    pub(super) fn next(&self, commands: usize, now: Instant) -> Instant {
        let over = (self.sent.len() + commands).checked_sub(MOST + 1);
        // The one that must be a minute old then.
        let gone = over.and_then(|over| self.sent.get(over.min(self.sent.len().saturating_sub(1))));
        gone.map_or(now, |gone| now.max(*gone + MINUTE))
    }

    /// So many were sent.
    pub(super) fn sent(&mut self, commands: usize, now: Instant) {
        self.sent.extend(std::iter::repeat_n(now, commands));
        while self.sent.len() > MOST {
            self.sent.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{CommandPace, MINUTE, MOST};
    use proptest::prelude::*;
    use std::time::Duration;
    use tokio::time::Instant;

    proptest! {
        #[test]
        fn no_minute_has_more_than_ten(asks in prop::collection::vec((0_u64..20, 1_usize..4), 1..80)) {
            let start = Instant::now();
            let (mut pace, mut now, mut sent) = (CommandPace::default(), start, Vec::new());
            for (wait, commands) in asks {
                now += Duration::from_secs(wait);
                now = pace.next(commands, now);
                pace.sent(commands, now);
                sent.extend(std::iter::repeat_n(now, commands));
            }
            for (place, first) in sent.iter().enumerate() {
                let within = sent[place..].iter().filter(|later| later.duration_since(*first) < MINUTE);
                prop_assert!(within.count() <= MOST);
            }
        }
    }

    #[test]
    fn ten_may_go_at_once() {
        let now = Instant::now();
        let mut pace = CommandPace::default();
        for _ in 0..MOST {
            assert_eq!(pace.next(1, now), now);
            pace.sent(1, now);
        }
        assert_eq!(pace.next(1, now), now + MINUTE);
    }
}
