//! Runs checks in their order: those that need no other of the next ones side by side, each with its deadline.
//!
//! What needs a check that failed is skipped, and says which one that was.

use super::check::{Finding, Inspection, InspectionResult};
use crate::secret::Hidden;
use futures::StreamExt as _;
use futures::stream;
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet, VecDeque};
use std::time::{Duration, Instant};

/// Checks that run side by side.
const AT_ONCE: usize = 8;

/// What became of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InspectionState {
    /// It found what this says.
    Found(InspectionResult),
    /// It was not made, since another failed.
    Skipped,
}

impl InspectionState {
    /// In one word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Found(InspectionResult::Ok) => "ok",
            Self::Found(InspectionResult::Warning) => "warning",
            Self::Found(InspectionResult::Failed) => "failed",
            Self::Skipped => "skipped",
        }
    }
}

/// A check that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Its name.
    pub name: String,
    /// What became of it.
    pub state: InspectionState,
    /// What was found, or why it was not looked.
    pub said: String,
    /// What to do.
    pub advice: Option<String>,
    /// How long it took.
    pub took: Duration,
}

impl Outcome {
    /// A check that was skipped because of `root`.
    fn skipped(name: String, root: &str) -> Self {
        let said = format!("not looked at, because this failed: {root}");
        Self { name, state: InspectionState::Skipped, said, advice: None, took: Duration::ZERO }
    }

    /// For programs.
    fn to_json(&self) -> Value {
        json!({
            "name": self.name,
            "result": self.state.as_str(),
            "said": self.said,
            "to_do": self.advice,
            "milliseconds": u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX),
        })
    }
}

/// All checks that are over, in their order.
#[derive(Debug, Default)]
pub struct Outcomes(pub Vec<Outcome>);

impl Outcomes {
    /// How many became this.
    pub fn count(&self, state: InspectionState) -> usize {
        self.0.iter().filter(|outcome| outcome.state == state).count()
    }

    /// True when none failed.
    pub fn are_good(&self) -> bool {
        self.count(InspectionState::Found(InspectionResult::Failed)) == 0
    }

    /// For programs.
    pub fn to_json(&self) -> Value {
        json!({
            "ok": self.are_good(),
            "failed": self.count(InspectionState::Found(InspectionResult::Failed)),
            "warnings": self.count(InspectionState::Found(InspectionResult::Warning)),
            "skipped": self.count(InspectionState::Skipped),
            "checks": self.0.iter().map(Outcome::to_json).collect::<Vec<_>>(),
        })
    }
}

/// Runs `checks`. Each that is over is given to `told`, in order; `hidden` is taken out of all texts.
pub async fn run(checks: Vec<Inspection>, hidden: &Hidden, mut told: impl FnMut(&Outcome)) -> Outcomes {
    let mut waiting = VecDeque::from(checks);
    let mut begun: HashSet<String> = HashSet::new();
    // The check that is to blame, by the name of each that said nothing.
    let mut blamed: HashMap<String, String> = HashMap::new();
    let mut all = Outcomes::default();
    while !waiting.is_empty() {
        let wave = next_wave(&mut waiting, &mut begun);
        let looks = wave.into_iter().map(|check| {
            let root = check.needs.iter().find_map(|need| blamed.get(need)).cloned();
            look(check, root, hidden)
        });
        let mut looks = stream::iter(looks.collect::<Vec<_>>()).buffered(AT_ONCE);
        let mut more = Vec::new();
        let mut new_blame = Vec::new();
        while let Some((outcome, root, found)) = looks.next().await {
            match outcome.state {
                InspectionState::Found(InspectionResult::Failed) => {
                    new_blame.push((outcome.name.clone(), outcome.name.clone()));
                }
                InspectionState::Skipped => new_blame.extend(root.map(|root| (outcome.name.clone(), root))),
                InspectionState::Found(_) => {}
            }
            told(&outcome);
            all.0.push(outcome);
            more.extend(found);
        }
        drop(looks);
        blamed.extend(new_blame);
        for check in more.into_iter().rev() {
            waiting.push_front(check);
        }
    }
    all
}

/// The next checks of which none needs another of them.
fn next_wave(waiting: &mut VecDeque<Inspection>, begun: &mut HashSet<String>) -> Vec<Inspection> {
    let mut wave: Vec<Inspection> = Vec::new();
    while let Some(check) = waiting.pop_front() {
        if wave.iter().any(|other| check.needs.contains(&other.name)) {
            waiting.push_front(check);
            break;
        }
        // Several settings may name one host.
        if begun.insert(check.name.clone()) {
            wave.push(check);
        }
    }
    wave
}

/// Makes one check, unless `root` has failed: how it ended, what is to blame when it was skipped, and what comes next.
async fn look(
    check: Inspection,
    root: Option<String>,
    hidden: &Hidden,
) -> (Outcome, Option<String>, Vec<Inspection>) {
    let Inspection { name, limit, late, worst, work, .. } = check;
    if let Some(root) = root {
        return (Outcome::skipped(name, &root), Some(root), Vec::new());
    }
    let begin = Instant::now();
    let found = tokio::time::timeout(limit, work).await;
    let took = begin.elapsed();
    let found =
        found.unwrap_or_else(|_| Finding::failed(format!("no answer within {} s", limit.as_secs()), late));
    let Finding { verdict, said, advice, more } = found;
    let verdict = if verdict == InspectionResult::Failed { worst } else { verdict };
    let shown = |text: String| hidden.redact(&text).replace('\n', " ");
    let (said, advice) = (shown(said), advice.map(shown));
    (Outcome { name, state: InspectionState::Found(verdict), said, advice, took }, None, more)
}

#[cfg(test)]
mod tests {
    use super::{InspectionState, Outcomes, run};
    use crate::checkup::{Finding, Inspection, InspectionResult};
    use crate::secret::Hidden;
    use std::time::Duration;

    fn good(name: &str) -> Inspection {
        Inspection::new(name, async { Finding::good("fine") })
    }

    fn states(outcomes: &Outcomes) -> Vec<(&str, &str)> {
        outcomes.0.iter().map(|outcome| (outcome.name.as_str(), outcome.state.as_str())).collect()
    }

    #[tokio::test]
    async fn what_needs_a_failed_check_names_the_first_of_the_chain() {
        let bad = Inspection::new("b", async { Finding::failed("the word is s3cret", "do so") });
        let checks =
            vec![good("a"), bad.after(["a"]), good("c").after(["b"]), good("d").after(["c"]), good("e")];
        let mut hidden = Hidden::default();
        hidden.extend([("s3cret".to_owned(), "[hidden]".to_owned())]);
        let mut told = Vec::new();
        let found = run(checks, &hidden, |outcome| told.push(outcome.clone())).await;
        assert_eq!(
            states(&found),
            [("a", "ok"), ("b", "failed"), ("c", "skipped"), ("d", "skipped"), ("e", "ok")]
        );
        assert_eq!(told, found.0);
        assert!(found.0[3].said.ends_with(": b"), "{:?}", found.0[3]);
        assert!(!found.0[1].said.contains("s3cret") && found.0[1].advice.as_deref() == Some("do so"));
        assert!(!found.are_good());
        assert_eq!(found.to_json()["checks"][1]["to_do"], "do so");
    }

    #[tokio::test]
    async fn what_a_check_finds_comes_next_and_once() {
        let finds =
            Inspection::new("a", async { Finding::good("").then(vec![good("x"), good("b"), good("x")]) });
        let last = good("c").after(["a"]);
        let found = run(vec![finds, last, good("b")], &Hidden::default(), |_| ()).await;
        assert_eq!(states(&found), [("a", "ok"), ("x", "ok"), ("b", "ok"), ("c", "ok")]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_check_without_an_end_is_given_up() {
        let stuck = || Inspection::new("a", std::future::pending()).or_late("wait");
        let short = Inspection { name: "b".to_owned(), ..stuck() }.within(Duration::from_secs(1));
        let found = run(vec![stuck(), short], &Hidden::default(), |_| ()).await;
        let said: Vec<_> = found.0.iter().map(|outcome| outcome.said.as_str()).collect();
        assert_eq!(said, ["no answer within 10 s", "no answer within 1 s"]);
        assert_eq!(found.count(InspectionState::Found(InspectionResult::Failed)), 2);
        assert_eq!(found.0[0].advice.as_deref(), Some("wait"));
    }
}
