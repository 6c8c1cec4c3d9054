//! Whether any broker can be reached, as a consumer's owner is told of it: that none can, and why; and that one can again.
//!
//! librdkafka says when the last connection is gone, and never that there is one again. A member that is (or is again) let
//! into its group has one. All others but those that are about to join (`native::brokers` says why) look for one now and
//! then while none is there.
//!
//! Each client owns its own, as part of its context; whoever polls the client asks for [`Reach::news`].

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::unreachable;

/// Between two looks for a broker.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What is known of the connections of one client.
#[derive(Debug, Default)]
pub(super) struct Reach(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Why the last connection that failed did.
    cause: Option<String>,
    is_down: bool,
    group: Group,
    /// A reason that somebody gave was told.
    is_explained: bool,
    /// When it was told that none is there, or looked for one since.
    looked: Option<Instant>,
}

/// What the group said last.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Group {
    /// Nothing, or that it takes partitions: its member joins (again).
    #[default]
    Joining,
    /// That we have partitions (or none), and then the last connection was gone.
    Member,
    /// The same, after that.
    LetIn,
}

impl State {
    fn back(&mut self) -> News {
        *self = Self { group: self.group, ..Self::default() };
        News::Back
    }
}

/// What is to be told.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum News {
    /// No broker can be reached, for this reason.
    Gone(String),
    /// One can again.
    Back,
}

impl Reach {
    /// Takes note of an error of the client.
    pub(super) fn record_error(&self, error: &KafkaError, reason: &str) {
        let Some(code) = error.rdkafka_error_code() else { return };
        if code == RDKafkaErrorCode::AllBrokersDown {
            let state = &mut *self.state();
            state.is_down = true;
            if state.group == Group::LetIn {
                state.group = Group::Member;
            }
        } else if let Some(advice) = unreachable::advice(code, reason) {
            self.state().cause = Some(format!("{reason}; {advice}"));
        }
    }

    /// Takes note of what the group said: that it has partitions (or none) for us, or that it takes some.
    pub(super) fn hear_of_group(&self, is_assigned: bool) {
        self.state().group = if is_assigned { Group::LetIn } else { Group::Joining };
    }

    /// True from an assignment until partitions are taken.
    pub(super) fn is_member(&self) -> bool {
        self.state().group != Group::Joining
    }

    /// What is to be told now, the reason once more when it came late; `is_any_up` says whether a connection to a broker stands.
    pub(super) fn news(&self, now: Instant, is_any_up: impl FnOnce() -> bool) -> Option<News> {
        {
            let state = &mut *self.state();
            if !state.is_down {
                return None;
            }
            let Some(looked) = state.looked else {
                state.looked = Some(now);
                state.is_explained = state.cause.is_some();
                let silent = || unreachable::SILENT.to_owned();
                return Some(News::Gone(state.cause.take().unwrap_or_else(silent)));
            };
            // A broker that stops in good order closes its connections without a word; the next try says why it fails.
            if let Some(cause) = state.cause.take_if(|_| !state.is_explained) {
                state.is_explained = true;
                return Some(News::Gone(cause));
            }
            if state.group == Group::LetIn {
                return Some(state.back());
            }
            if now.duration_since(looked) < LOOK_EVERY {
                return None;
            }
            state.looked = Some(now);
        }
        is_any_up().then(|| self.state().back())
    }

    /// When [`Self::news`] may bring something though nothing happens; none while brokers are there.
    pub(super) fn patience(&self) -> Option<Duration> {
        self.state().is_down.then_some(LOOK_EVERY)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{LOOK_EVERY, News, Reach};
    use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
    use std::time::{Duration, Instant};

    #[test]
    fn what_is_told_is_that_none_is_there_and_that_one_is_there_again() {
        let (reach, start) = (Reach::default(), Instant::now());
        let told = |code, reason: &str| reach.record_error(&KafkaError::Global(code), reason);
        let never = || -> bool { panic!("asked too early") };
        told(Code::BrokerTransportFailure, "b:1/1: Connect to ipv4#b:1 failed: Connection refused");
        assert_eq!((reach.news(start, never), reach.patience()), (None, None), "others may be there");
        told(Code::AllBrokersDown, "1/1 brokers are down");
        let Some(News::Gone(cause)) = reach.news(start, never) else { panic!("not told") };
        assert!(cause.contains("b:1") && cause.contains("check host and port"), "{cause}");
        told(Code::AllBrokersDown, "1/1 brokers are down");
        assert_eq!(reach.news(start + LOOK_EVERY / 2, never), None, "once");
        assert_eq!(reach.patience(), Some(LOOK_EVERY));
        let mut now = start + LOOK_EVERY;
        assert_eq!(reach.news(now, || false), None);
        assert_eq!(reach.news(now + Duration::from_millis(1), never), None);
        now += LOOK_EVERY;
        assert_eq!(reach.news(now, || true), Some(News::Back));
        assert_eq!((reach.news(now + LOOK_EVERY, never), reach.patience()), (None, None));
        told(Code::AllBrokersDown, "1/1 brokers are down");
        let Some(News::Gone(cause)) = reach.news(now, never) else { panic!("not told again") };
        assert!(!cause.contains("b:1"), "the cause is that of this time: {cause}");
        told(Code::BrokerTransportFailure, "b:2/1: Connect to ipv4#b:2 failed: Connection refused");
        let Some(News::Gone(cause)) = reach.news(now, never) else { panic!("not told when it came") };
        assert!(cause.contains("b:2"), "{cause}");
        told(Code::BrokerTransportFailure, "b:3/1: Connect to ipv4#b:3 failed: Connection refused");
        assert_eq!(reach.news(now, never), None, "one reason is enough");
    }

    #[test]
    fn who_is_let_into_the_group_has_a_broker() {
        let (reach, now) = (Reach::default(), Instant::now());
        let never = || -> bool { panic!("asked") };
        let fail = || reach.record_error(&KafkaError::Global(Code::AllBrokersDown), "1/1 brokers are down");
        reach.hear_of_group(true);
        fail();
        assert!(matches!(reach.news(now, never), Some(News::Gone(_))));
        assert_eq!(reach.news(now, never), None, "it was let in before the outage");
        assert!(reach.is_member(), "nobody took its partitions");
        reach.hear_of_group(false);
        assert!(!reach.is_member());
        assert_eq!(reach.news(now, never), None);
        reach.hear_of_group(true);
        assert_eq!((reach.news(now, never), reach.news(now, never)), (Some(News::Back), None));
        assert!(reach.is_member());
        fail();
        assert!(matches!(reach.news(now, never), Some(News::Gone(_))), "the next outage");
    }
}
