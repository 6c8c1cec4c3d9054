//! What to do next about one connector: a pure function of what is wanted and what is there.
//!
//! It is asked again after each step and each change, so it names only one step at a time, and none when all is as
//! wanted. It knows no Kafka and no worker.

use crate::status::TargetState;

/// What the config topic says about a connector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Which writing of the config it is.
    pub(super) revision: i64,
    /// What the user wants.
    pub(super) target: TargetState,
    /// We have the connector's class.
    pub(super) known: bool,
    /// How many tasks are committed.
    pub(super) tasks: u32,
    /// The committed tasks belong to the present config.
    pub(super) tasks_current: bool,
}

/// What this worker has of a connector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Actual {
    /// Nothing.
    Absent,
    /// The worker was told to run it so. It may have failed since; that is its state, not our plan.
    Running {
        /// The config it runs with.
        revision: i64,
        /// How many tasks it runs with.
        tasks: u32,
        /// It was started or made paused.
        paused: bool,
    },
    /// It is stopped and its state says so.
    Stopped,
    /// Its class is unknown and its state says so, for this writing of the config.
    Refused {
        /// The config that was looked at.
        revision: i64,
    },
}

/// One thing to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Write task configs that belong to the present config.
    WriteTasks,
    /// Start it, in place of what runs.
    Start {
        /// Without reading.
        paused: bool,
    },
    /// Pause or resume what runs.
    SetPaused(bool),
    /// Stop what runs because the user wants it stopped.
    Stop,
    /// Stop what runs because it is not ours any more.
    Remove,
    /// Nothing runs; say that it is stopped.
    ReportStopped,
    /// Say that its class is unknown.
    Refuse,
    /// Nothing runs and nothing is wanted.
    Forget,
}

/// The next step, or none when all is as wanted.
pub(super) fn step(wanted: Option<Wanted>, actual: Actual) -> Option<Step> {
    let runs = matches!(actual, Actual::Running { .. });
    let Some(wanted) = wanted else {
        return match actual {
            Actual::Absent => None,
            Actual::Running { .. } => Some(Step::Remove),
            Actual::Stopped | Actual::Refused { .. } => Some(Step::Forget),
        };
    };
    if !wanted.known {
        return match actual {
            Actual::Running { .. } => Some(Step::Remove),
            Actual::Refused { revision } if revision == wanted.revision => None,
            _ => Some(Step::Refuse),
        };
    }
    let paused = match wanted.target {
        TargetState::Stopped if runs => return Some(Step::Stop),
        TargetState::Stopped => return (actual != Actual::Stopped).then_some(Step::ReportStopped),
        // Tasks are made when they are to run: a connector created PAUSED has none until it is resumed.
        TargetState::Started if !wanted.tasks_current => return Some(Step::WriteTasks),
        TargetState::Started => false,
        TargetState::Paused => true,
    };
    match actual {
        Actual::Running { revision, tasks, paused: is }
            if revision == wanted.revision && tasks == wanted.tasks =>
        {
            (is != paused).then_some(Step::SetPaused(paused))
        }
        _ => Some(Step::Start { paused }),
    }
}

#[cfg(test)]
mod tests {
    use super::{Actual, Step, Wanted, step};
    use crate::status::TargetState;
    use proptest::prelude::*;

    fn wanted() -> impl Strategy<Value = Wanted> {
        let target =
            prop_oneof![Just(TargetState::Started), Just(TargetState::Paused), Just(TargetState::Stopped)];
        (0..3_i64, target, any::<bool>(), 0..3_u32, any::<bool>()).prop_map(
            |(revision, target, known, tasks, tasks_current)| Wanted {
                revision,
                target,
                known,
                tasks,
                tasks_current,
            },
        )
    }

    fn actual() -> impl Strategy<Value = Actual> {
        prop_oneof![
            Just(Actual::Absent),
            Just(Actual::Stopped),
            (0..3_i64).prop_map(|revision| Actual::Refused { revision }),
            (0..3_i64, 0..3_u32, any::<bool>()).prop_map(|(revision, tasks, paused)| Actual::Running {
                revision,
                tasks,
                paused
            }),
        ]
    }

    /// What a step leads to when it is carried out.
    fn carry_out(step: Step, wanted: &mut Option<Wanted>, actual: Actual) -> Actual {
        match (step, wanted) {
            (Step::WriteTasks, Some(wanted)) => {
                wanted.tasks = 2;
                wanted.tasks_current = true;
                actual
            }
            (Step::Start { paused }, Some(wanted)) => {
                Actual::Running { revision: wanted.revision, tasks: wanted.tasks, paused }
            }
            (Step::SetPaused(paused), _) => match actual {
                Actual::Running { revision, tasks, .. } => Actual::Running { revision, tasks, paused },
                other => panic!("pause of {other:?}"),
            },
            (Step::Stop | Step::ReportStopped, Some(_)) => Actual::Stopped,
            (Step::Refuse, Some(wanted)) => Actual::Refused { revision: wanted.revision },
            (Step::Remove | Step::Forget, _) => Actual::Absent,
            (step, wanted) => panic!("{step:?} for {wanted:?}"),
        }
    }

    proptest! {
        #[test]
        fn a_few_steps_lead_to_what_is_wanted_and_then_to_rest(
            mut wanted in prop::option::of(wanted()),
            mut actual in actual(),
        ) {
            let mut steps = Vec::new();
            while let Some(next) = step(wanted, actual) {
                // Only what runs can be stopped or paused, and only what is wanted can be started.
                let running = matches!(actual, Actual::Running { .. });
                prop_assert!(running || !matches!(next, Step::Stop | Step::Remove | Step::SetPaused(_)));
                prop_assert!(wanted.is_some() || matches!(next, Step::Remove | Step::Forget));
                actual = carry_out(next, &mut wanted, actual);
                steps.push(next);
                prop_assert!(steps.len() <= 3, "{steps:?}");
            }
            match (wanted, actual) {
                (None, Actual::Absent) => {}
                (Some(w), Actual::Refused { revision }) => prop_assert!(!w.known && revision == w.revision),
                (Some(w), Actual::Stopped) => prop_assert!(w.known && w.target == TargetState::Stopped),
                (Some(w), Actual::Running { revision, tasks, paused }) => {
                    prop_assert!(w.known && revision == w.revision && tasks == w.tasks);
                    prop_assert_eq!(paused, w.target == TargetState::Paused);
                    prop_assert!(paused || w.tasks_current);
                }
                other => prop_assert!(false, "rests at {other:?}"),
            }
        }
    }

    #[test]
    fn a_connector_created_paused_gets_its_tasks_when_it_is_resumed() {
        let wanted =
            Wanted { revision: 1, target: TargetState::Paused, known: true, tasks: 0, tasks_current: false };
        assert_eq!(step(Some(wanted), Actual::Absent), Some(Step::Start { paused: true }));
        let actual = Actual::Running { revision: 1, tasks: 0, paused: true };
        assert_eq!(step(Some(wanted), actual), None);
        let resumed = Wanted { target: TargetState::Started, ..wanted };
        assert_eq!(step(Some(resumed), actual), Some(Step::WriteTasks));
    }
}
