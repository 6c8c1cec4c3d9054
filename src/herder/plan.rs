//! What to do next about one connector: a pure function of what is wanted and what is there.
//!
//! It is asked again after each step and each change, so it names only one step at a time, and none when all is as
//! wanted. It knows no Kafka and no worker.

use crate::id::TaskAssignment;
use crate::status::TargetState;

/// What the config topic and the cluster's view say about a connector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Which writing of the config it is.
    pub(super) revision: i64,
    /// What the user wants.
    pub(super) target: TargetState,
    /// We have the connector's class.
    pub(super) known: bool,
    /// The committed tasks belong to the present config.
    pub(super) tasks_current: bool,
    /// This worker leads, so it writes the task configs, whoever runs them.
    pub(super) leads: bool,
    /// What of it is this worker's.
    pub(super) assigned: TaskAssignment,
}

/// What this worker has of a connector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Actual {
    /// Nothing.
    Absent,
    /// The worker was told to run it so. It may have failed since; that is its state, not our plan.
    Running {
        /// The config it runs with.
        revision: i64,
        /// What of it runs here.
        assigned: TaskAssignment,
        /// It was started or made paused.
        paused: bool,
    },
    /// It is stopped and its state says so.
    Stopped,
    /// Its class is unknown and its state says so, for this writing of the config and this assignment.
    Refused {
        /// The config that was looked at.
        revision: i64,
        /// Whose states were written.
        assigned: TaskAssignment,
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
    /// Run more or less of it, without a new start.
    SetAssignment,
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
pub(super) fn step(wanted: Option<&Wanted>, actual: &Actual) -> Option<Step> {
    let nothing_here = match actual {
        Actual::Absent => None,
        Actual::Running { .. } => Some(Step::Remove),
        Actual::Stopped | Actual::Refused { .. } => Some(Step::Forget),
    };
    let Some(wanted) = wanted else { return nothing_here };
    // Tasks are made when they are to run: a connector created PAUSED has none until it is resumed.
    let tasks_missing = wanted.known && wanted.target == TargetState::Started && !wanted.tasks_current;
    if tasks_missing && wanted.leads {
        return Some(Step::WriteTasks);
    }
    if wanted.assigned.is_empty() {
        return nothing_here;
    }
    if !wanted.known {
        return match actual {
            Actual::Running { .. } => Some(Step::Remove),
            Actual::Refused { revision, assigned }
                if *revision == wanted.revision && *assigned == wanted.assigned =>
            {
                None
            }
            _ => Some(Step::Refuse),
        };
    }
    let runs = matches!(actual, Actual::Running { .. });
    let paused = match wanted.target {
        TargetState::Stopped if runs => return Some(Step::Stop),
        TargetState::Stopped => {
            return match actual {
                Actual::Stopped => None,
                _ if wanted.assigned.instance => Some(Step::ReportStopped),
                Actual::Absent => None,
                _ => Some(Step::Forget),
            };
        }
        // The leader is about to write them.
        TargetState::Started if tasks_missing => return None,
        TargetState::Started => false,
        TargetState::Paused => true,
    };
    match actual {
        Actual::Running { revision, assigned, paused: is } if *revision == wanted.revision => {
            let wrong_pause = (*is != paused).then_some(Step::SetPaused(paused));
            wrong_pause.or_else(|| (*assigned != wanted.assigned).then_some(Step::SetAssignment))
        }
        _ => Some(Step::Start { paused }),
    }
}

#[cfg(test)]
mod tests {
    use super::{Actual, Step, Wanted, step};
    use crate::id::TaskAssignment;
    use crate::status::TargetState;
    use proptest::prelude::*;

    fn assigned() -> impl Strategy<Value = TaskAssignment> {
        (any::<bool>(), prop::collection::btree_set(0..3_u32, 0..3))
            .prop_map(|(instance, tasks)| TaskAssignment { instance, tasks })
    }

    fn wanted() -> impl Strategy<Value = Wanted> {
        let target =
            prop_oneof![Just(TargetState::Started), Just(TargetState::Paused), Just(TargetState::Stopped)];
        (0..3_i64, target, any::<bool>(), any::<bool>(), any::<bool>(), assigned()).prop_map(
            |(revision, target, known, tasks_current, leads, assigned)| Wanted {
                revision,
                target,
                known,
                tasks_current,
                leads,
                assigned,
            },
        )
    }

    fn actual() -> impl Strategy<Value = Actual> {
        prop_oneof![
            Just(Actual::Absent),
            Just(Actual::Stopped),
            (0..3_i64, assigned()).prop_map(|(revision, assigned)| Actual::Refused { revision, assigned }),
            (0..3_i64, assigned(), any::<bool>()).prop_map(|(revision, assigned, paused)| Actual::Running {
                revision,
                assigned,
                paused
            }),
        ]
    }

    /// What a step leads to when it is carried out.
    fn carry_out(step: Step, wanted: &mut Option<Wanted>, actual: Actual) -> Actual {
        match (step, wanted) {
            (Step::WriteTasks, Some(wanted)) => {
                wanted.tasks_current = true;
                actual
            }
            (Step::Start { paused }, Some(wanted)) => {
                Actual::Running { revision: wanted.revision, assigned: wanted.assigned.clone(), paused }
            }
            (Step::SetPaused(paused), _) => match actual {
                Actual::Running { revision, assigned, .. } => Actual::Running { revision, assigned, paused },
                other => panic!("pause of {other:?}"),
            },
            (Step::SetAssignment, Some(wanted)) => match actual {
                Actual::Running { revision, paused, .. } => {
                    Actual::Running { revision, assigned: wanted.assigned.clone(), paused }
                }
                other => panic!("an assignment of {other:?}"),
            },
            (Step::Stop | Step::ReportStopped, Some(_)) => Actual::Stopped,
            (Step::Refuse, Some(wanted)) => {
                Actual::Refused { revision: wanted.revision, assigned: wanted.assigned.clone() }
            }
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
            while let Some(next) = step(wanted.as_ref(), &actual) {
                // Only what runs can be stopped or changed, and only what is wanted can be started.
                let running = matches!(actual, Actual::Running { .. });
                prop_assert!(running || !matches!(next, Step::Stop | Step::Remove | Step::SetPaused(_) | Step::SetAssignment));
                prop_assert!(wanted.is_some() || matches!(next, Step::Remove | Step::Forget));
                actual = carry_out(next, &mut wanted, actual);
                steps.push(next);
                prop_assert!(steps.len() <= 4, "{steps:?}");
            }
            let Some(wanted) = wanted else {
                prop_assert_eq!(actual, Actual::Absent);
                return Ok(());
            };
            let waits = wanted.known && wanted.target == TargetState::Started && !wanted.tasks_current;
            prop_assert!(!(waits && wanted.leads));
            match actual {
                Actual::Absent => prop_assert!(wanted.assigned.is_empty() || waits || wanted.target == TargetState::Stopped),
                Actual::Refused { revision, assigned } => {
                    prop_assert!(waits || !wanted.known && revision == wanted.revision && assigned == wanted.assigned);
                }
                Actual::Stopped => prop_assert!(waits || wanted.known && wanted.target == TargetState::Stopped),
                Actual::Running { .. } if waits => {}
                Actual::Running { revision, assigned, paused } => {
                    prop_assert!(wanted.known && revision == wanted.revision && assigned == wanted.assigned);
                    prop_assert_eq!(paused, wanted.target == TargetState::Paused);
                }
            }
        }
    }

    fn of_one(target: TargetState) -> Wanted {
        let assigned = TaskAssignment { instance: true, tasks: [].into() };
        Wanted { revision: 1, target, known: true, tasks_current: false, leads: true, assigned }
    }

    #[test]
    fn a_connector_created_paused_gets_its_tasks_when_it_is_resumed() {
        let wanted = of_one(TargetState::Paused);
        assert_eq!(step(Some(&wanted), &Actual::Absent), Some(Step::Start { paused: true }));
        let actual = Actual::Running { revision: 1, assigned: wanted.assigned.clone(), paused: true };
        assert_eq!(step(Some(&wanted), &actual), None);
        let resumed = Wanted { target: TargetState::Started, ..wanted };
        assert_eq!(step(Some(&resumed), &actual), Some(Step::WriteTasks));
    }

    #[test]
    fn a_follower_waits_for_the_leader_to_write_the_tasks() {
        let wanted = Wanted { leads: false, ..of_one(TargetState::Started) };
        assert_eq!(step(Some(&wanted), &Actual::Absent), None);
        let written = Wanted { tasks_current: true, ..wanted };
        assert_eq!(step(Some(&written), &Actual::Absent), Some(Step::Start { paused: false }));
    }

    #[test]
    fn a_task_more_or_less_restarts_nothing() {
        let mut wanted = Wanted { tasks_current: true, ..of_one(TargetState::Started) };
        wanted.assigned.tasks = [0, 2].into();
        let assigned = TaskAssignment { instance: false, tasks: [0].into() };
        let actual = Actual::Running { revision: 1, assigned, paused: false };
        assert_eq!(step(Some(&wanted), &actual), Some(Step::SetAssignment));
    }
}
