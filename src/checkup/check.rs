//! One check, and what it finds.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use std::time::Duration;

/// How long a check may take unless it says otherwise.
const LIMIT: Duration = Duration::from_secs(10);

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InspectionResult {
    /// As it has to be.
    Ok,
    /// Nothing that stops a start, but probably not meant.
    Warning,
    /// A start, or what comes behind it, would fail.
    Failed,
}

/// What a check found.
pub struct Finding {
    /// How bad it is.
    pub verdict: InspectionResult,
    /// What is there, or what is wrong: a clause.
    pub said: String,
    /// What to do about it: a clause, with the command or setting.
    pub advice: Option<String>,
    /// Checks of what only this one has found; they come next.
    pub more: Vec<Inspection>,
}

impl Finding {
    /// All is well.
    pub fn good(said: impl Into<String>) -> Self {
        Self { verdict: InspectionResult::Ok, said: said.into(), advice: None, more: Vec::new() }
    }

    /// It works, but.
    pub fn warning(said: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { verdict: InspectionResult::Warning, advice: Some(advice.into()), ..Self::good(said) }
    }

    /// It does not work.
    pub fn failed(said: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { verdict: InspectionResult::Failed, advice: Some(advice.into()), ..Self::good(said) }
    }

    /// The same with checks that come next.
    pub fn then(self, more: Vec<Inspection>) -> Self {
        Self { more, ..self }
    }
}

/// Something to be looked at.
pub struct Inspection {
    /// What it is called; a name is checked once.
    pub name: String,
    /// The names of checks without which it says nothing.
    pub needs: Vec<String>,
    /// How long it may take.
    pub limit: Duration,
    /// What to do when it takes longer.
    pub late: String,
    /// Nothing it finds is worse than this.
    pub worst: InspectionResult,
    /// The look itself. Dropping it gives it up.
    pub work: BoxFuture<'static, Finding>,
}

impl Inspection {
    /// A check that needs no other.
    pub fn new(name: impl Into<String>, work: impl Future<Output = Finding> + Send + 'static) -> Self {
        Self {
            name: name.into(),
            needs: Vec::new(),
            limit: LIMIT,
            late: "let the network's administrator look for a firewall that drops packets".to_owned(),
            worst: InspectionResult::Failed,
            work: work.boxed(),
        }
    }

    /// The same, made after `needs`.
    pub fn after(mut self, needs: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.needs.extend(needs.into_iter().map(Into::into));
        self
    }

    /// The same with what is to be done when it does not end in time.
    pub fn or_late(self, late: impl Into<String>) -> Self {
        Self { late: late.into(), ..self }
    }

    /// The same of something that others stand in for: what is wrong with it is only said.
    pub fn only_warning(self) -> Self {
        Self { worst: InspectionResult::Warning, ..self }
    }

    /// The same with a deadline of its own.
    pub fn within(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }
}
