//! Failures on demand: rules that say which requests go wrong, how often and in which way.
//!
//! Owns the rules and their counters; rules are tried in order and the first that fires wins. Never decides what
//! an error looks like on the wire (the caller knows which service it plays).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::operation::Operation;
use crate::stats::Stats;

/// When a connection is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// Nothing was done.
    Before,
    /// It was done, and the client does not learn it.
    After,
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Effect {
    /// An error answer, and nothing was done.
    Status {
        /// HTTP status.
        status: u16,
        /// The service's error code; a common one for the status when none.
        #[serde(default)]
        code: Option<String>,
        /// Seconds for a `Retry-After` header.
        #[serde(default)]
        retry_after: Option<u64>,
    },
    /// Done after this many milliseconds.
    Delay {
        /// Milliseconds.
        milliseconds: u64,
    },
    /// The connection is reset.
    Reset {
        /// Before or after the effect happened.
        when: Moment,
    },
    /// Storage: 403 `AuthenticationFailed`. Ingestion resources: the SAS handed out have expired already.
    ExpiredSas,
    /// Done, but half of the answer's body is missing and the connection closes.
    Truncate,
    /// 404 `ContainerNotFound` or `QueueNotFound`.
    ContainerNotFound,
    /// Done after a random time of at most this many milliseconds: what came first may end last.
    Scatter {
        /// Milliseconds.
        milliseconds: u64,
    },
    /// A step of the data-management loop: the source fails. A request: 400, or 503 when it is not permanent.
    Fail {
        /// Kusto's ingestion error code; a common one for the step when none.
        #[serde(default)]
        code: Option<String>,
        /// False when a later try may succeed. When none: what the code means, and true without a code.
        #[serde(default)]
        permanent: Option<bool>,
        /// The text of the report.
        #[serde(default)]
        details: Option<String>,
    },
    /// At [`Operation::Accept`]: the message is deleted, its source is never ingested, and nobody is told. At
    /// [`Operation::Report`]: nobody is told. A request: as a reset before.
    Lose,
}

/// One rule. With none of `skip`, `count`, `every` and `probability` it fires at every request it matches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The requests it is for.
    pub operation: Operation,
    /// What goes wrong.
    pub effect: Effect,
    /// Matching requests let through first.
    #[serde(default)]
    pub skip: u64,
    /// It fires so often, then never again.
    #[serde(default)]
    pub count: Option<u64>,
    /// It fires at each n-th matching request (after `skip`).
    #[serde(default)]
    pub every: Option<u64>,
    /// It fires with this probability, 0 to 1.
    #[serde(default)]
    pub probability: Option<f64>,
    /// Start of the random sequence for `probability`: the same seed gives the same sequence.
    #[serde(default)]
    pub seed: u64,
    /// Only requests whose path (or, of a message, the path of its blob; of a command or query, its text) contains this
    /// text.
    #[serde(default)]
    pub path_contains: Option<String>,
    /// Only sources for this table: for the steps of the data-management loop.
    #[serde(default)]
    pub table: Option<String>,
    /// Only sources whose uncompressed content contains this text: for `Parse`, `Mapping` and `UpdatePolicy`.
    #[serde(default)]
    pub content_contains: Option<String>,
}

impl Rule {
    /// A rule that fires at every request of `operation`.
    pub fn new(operation: Operation, effect: Effect) -> Self {
        Self {
            operation,
            effect,
            skip: 0,
            count: None,
            every: None,
            probability: None,
            seed: 0,
            path_contains: None,
            table: None,
            content_contains: None,
        }
    }

    fn matches(&self, operation: Operation, subject: &Subject<'_>) -> bool {
        self.operation == operation
            && self.path_contains.as_ref().is_none_or(|part| subject.path.contains(part))
            && self.table.as_ref().is_none_or(|table| subject.table == Some(table))
            && self
                .content_contains
                .as_ref()
                .is_none_or(|part| subject.content.is_some_and(|content| contains(content, part.as_bytes())))
    }
}

/// What a rule looks at.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Subject<'a> {
    /// The path of a request, with the text of a command; of a source its blob's path.
    pub path: &'a str,
    /// The table of a source; none of requests.
    pub table: Option<&'a str>,
    /// The uncompressed content of a source, at the steps that have it.
    pub content: Option<&'a [u8]>,
}

/// A rule with its counts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Active {
    /// The rule.
    #[serde(flatten)]
    pub rule: Rule,
    /// Requests it matched.
    pub matched: u64,
    /// Requests it made fail.
    pub fired: u64,
    #[serde(skip)]
    random: u64,
}

/// The rules; a copy shares them.
#[derive(Debug, Clone)]
pub struct Faults {
    rules: Arc<Mutex<Vec<Active>>>,
    stats: Stats,
}

impl Faults {
    pub(crate) fn new(stats: Stats) -> Self {
        Self { rules: Arc::default(), stats }
    }

    /// Adds `rule` behind the others.
    pub fn add(&self, rule: Rule) {
        // An odd factor spreads small seeds; xorshift must not start at 0.
        let random = rule.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        self.lock().push(Active { rule, matched: 0, fired: 0, random });
    }

    /// Removes all rules.
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// The rules with their counts.
    pub fn list(&self) -> Vec<Active> {
        self.lock().clone()
    }

    /// The fault for one request, if a rule fires. Counts it.
    pub(crate) fn pick(&self, operation: Operation, path: &str) -> Option<Effect> {
        self.pick_for(operation, &Subject { path, ..Subject::default() })
    }

    /// The same for a step of the data-management loop.
    pub(crate) fn pick_for(&self, operation: Operation, subject: &Subject<'_>) -> Option<Effect> {
        let mut rules = self.lock();
        let effect = rules.iter_mut().find_map(|active| active.fires(operation, subject))?;
        drop(rules);
        self.stats.fault(operation);
        Some(effect)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Active>> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Active {
    fn fires(&mut self, operation: Operation, subject: &Subject<'_>) -> Option<Effect> {
        let rule = &self.rule;
        if !rule.matches(operation, subject) {
            return None;
        }
        self.matched += 1;
        let number = self.matched.checked_sub(rule.skip).filter(|number| *number > 0)?;
        if rule.count.is_some_and(|count| self.fired >= count) {
            return None;
        }
        if rule.every.is_some_and(|every| every > 1 && number % every != 0) {
            return None;
        }
        if let Some(probability) = rule.probability {
            let share = u32::try_from(next(&mut self.random) >> 40).unwrap_or(u32::MAX);
            if f64::from(share) / f64::from(1_u32 << 24) >= probability {
                return None;
            }
        }
        self.fired += 1;
        Some(match self.rule.effect.clone() {
            Effect::Scatter { milliseconds } => {
                let random = next(&mut self.random) >> 16;
                Effect::Delay { milliseconds: random % milliseconds.saturating_add(1) }
            }
            effect => effect,
        })
    }
}

fn contains(content: &[u8], part: &[u8]) -> bool {
    part.is_empty() || content.windows(part.len()).any(|window| window == part)
}

/// The next number of the random sequence.
fn next(random: &mut u64) -> u64 {
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    *random
}

impl Effect {
    /// The pause of a delay; none for the others.
    pub(crate) fn delay(&self) -> Option<Duration> {
        match self {
            Self::Delay { milliseconds } | Self::Scatter { milliseconds } => {
                Some(Duration::from_millis(*milliseconds))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Effect, Faults, Rule, Subject};
    use crate::operation::Operation;
    use crate::stats::Stats;

    fn fired(rule: Rule, requests: usize) -> Vec<bool> {
        let faults = Faults::new(Stats::default());
        faults.add(rule);
        (0..requests).map(|_| faults.pick(Operation::PutBlob, "/acct1/c/b").is_some()).collect()
    }

    #[test]
    fn count_skip_and_every_choose_the_requests() {
        let rule = Rule::new(Operation::PutBlob, Effect::ExpiredSas);
        assert_eq!(fired(rule.clone().times(2), 4), [true, true, false, false]);
        assert_eq!(fired(Rule { skip: 1, count: Some(1), ..rule.clone() }, 3), [false, true, false]);
        assert_eq!(fired(Rule { every: Some(2), ..rule.clone() }, 5), [false, true, false, true, false]);
        assert_eq!(fired(Rule { operation: Operation::PutBlock, ..rule.clone() }, 2), [false, false]);
        assert_eq!(fired(Rule { path_contains: Some("/acct2/".to_owned()), ..rule }, 2), [false, false]);
    }

    #[test]
    fn a_seed_repeats_its_sequence_and_the_share_is_about_right() {
        let rule = Rule {
            probability: Some(0.3),
            seed: 7,
            ..Rule::new(Operation::PutBlob, Effect::ContainerNotFound)
        };
        let first = fired(rule.clone(), 2000);
        assert_eq!(first, fired(rule.clone(), 2000));
        assert_ne!(first, fired(Rule { seed: 8, ..rule }, 2000));
        let share = first.iter().filter(|fired| **fired).count();
        assert!((450..750).contains(&share), "{share}");
    }

    #[test]
    fn a_rule_may_look_at_table_and_content() {
        let faults = Faults::new(Stats::default());
        let effect = Effect::Fail { code: None, permanent: None, details: None };
        let rule = Rule::new(Operation::Parse, effect);
        faults.add(Rule { content_contains: Some("poison".to_owned()), ..rule });
        let fires = |table, content: Option<&[u8]>| {
            let subject = Subject { path: "/acct1/c/b", table, content };
            faults.pick_for(Operation::Parse, &subject).is_some()
        };
        assert!(fires(Some("U"), Some(b"a,poisoned")));
        assert!(!fires(Some("U"), Some(b"a,poiso")));
        assert!(!fires(Some("U"), Some(b"")));
        assert!(!fires(Some("U"), None));
        faults.clear();
        faults.add(Rule { table: Some("T".to_owned()), ..Rule::new(Operation::Parse, Effect::Lose) });
        assert!(fires(Some("T"), None));
        assert!(!fires(Some("t"), None));
        assert!(!fires(None, None));
    }

    #[test]
    fn scattered_delays_are_bounded_and_differ() {
        let faults = Faults::new(Stats::default());
        faults.add(Rule::new(Operation::Accept, Effect::Scatter { milliseconds: 1000 }));
        let delays: Vec<_> = (0..100)
            .map(|_| match faults.pick(Operation::Accept, "/acct1/c/b") {
                Some(Effect::Delay { milliseconds }) => milliseconds,
                other => panic!("{other:?}"),
            })
            .collect();
        assert!(delays.iter().all(|delay| *delay <= 1000));
        assert!(delays.iter().any(|delay| *delay < 300) && delays.iter().any(|delay| *delay > 700));
        assert!(!delays.is_sorted());
    }

    #[test]
    fn rules_are_read_from_json() {
        let text = r#"{"operation":"PutMessage","count":1,"effect":{"kind":"reset","when":"after"}}"#;
        let rule: Rule = serde_json::from_str(text).unwrap();
        assert_eq!(rule.operation, Operation::PutMessage);
        let fail: Rule = serde_json::from_str(r#"{"operation":"Parse","effect":{"kind":"fail"}}"#).unwrap();
        assert_eq!(fail.effect, Effect::Fail { code: None, permanent: None, details: None });
        let lose: Rule = serde_json::from_str(r#"{"operation":"Accept","effect":{"kind":"lose"}}"#).unwrap();
        assert_eq!(lose.effect, Effect::Lose);
        assert!(serde_json::from_str::<Rule>(r#"{"operation":"PutMessage"}"#).is_err());
        assert!(serde_json::from_str::<Rule>(&text.replace("count", "cuont")).is_err());
    }
}
