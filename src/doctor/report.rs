//! What was found, for people: a line for each check, what to do below it, and how many there are.

use crate::checkup::{InspectionResult, InspectionState, Outcome, Outcomes};

/// What to do stands below what was found.
const TO_DO: &str = "\n                   to do: ";

/// One check that is over.
pub fn line(outcome: &Outcome) -> String {
    let Outcome { name, state, said, advice, took } = outcome;
    let word = match state {
        InspectionState::Found(InspectionResult::Failed) => "FAILED",
        other => other.as_str(),
    };
    let mut text = format!("{word:<8}{:>6} ms  {name}", took.as_millis());
    if !said.is_empty() {
        text.push_str(": ");
        text.push_str(said);
    }
    if let Some(advice) = advice {
        text.push_str(TO_DO);
        text.push_str(advice);
    }
    text
}

/// How many there are of each kind.
pub fn summary(outcomes: &Outcomes) -> String {
    let count = |state| outcomes.count(state);
    let [good, doubtful, failed] =
        [InspectionResult::Ok, InspectionResult::Warning, InspectionResult::Failed]
            .map(InspectionState::Found)
            .map(count);
    let skipped = count(InspectionState::Skipped);
    let end =
        if outcomes.are_good() { "All is well." } else { "A start would fail, or what comes behind it." };
    format!(
        "{} checks: {good} ok, {doubtful} warnings, {failed} failed, {skipped} skipped. {end}",
        outcomes.0.len()
    )
}

#[cfg(test)]
mod tests {
    use super::{line, summary};
    use crate::checkup::{InspectionResult, InspectionState, Outcome, Outcomes};
    use std::time::Duration;

    #[test]
    fn what_to_do_stands_below_what_failed() {
        let outcome = |state, advice: Option<&str>| Outcome {
            name: "TCP h:1".to_owned(),
            state,
            said: "refused".to_owned(),
            advice: advice.map(str::to_owned),
            took: Duration::from_millis(12),
        };
        let bad = outcome(InspectionState::Found(InspectionResult::Failed), Some("start it"));
        assert_eq!(line(&bad), "FAILED      12 ms  TCP h:1: refused\n                   to do: start it");
        let good = outcome(InspectionState::Found(InspectionResult::Ok), None);
        assert_eq!(line(&good), "ok          12 ms  TCP h:1: refused");
        let all = Outcomes(vec![good, bad, outcome(InspectionState::Skipped, None)]);
        assert_eq!(
            summary(&all),
            "3 checks: 1 ok, 0 warnings, 1 failed, 1 skipped. A start would fail, or what comes behind it."
        );
    }
}
