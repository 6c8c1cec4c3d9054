//! Which task of a connector gets which of the partitions that the worker reads.
//!
//! Pure, deterministic and sticky: a partition that a task has stays there; a new one goes to the task with the fewest,
//! lowest number first.

use std::collections::{BTreeMap, BTreeSet};

use crate::id::TopicPartition;

/// Gives `new` partitions to `tasks`, given what they hold. Returns the task of each new partition.
pub(super) fn assign_tasks(
    held: &BTreeMap<TopicPartition, u32>,
    new: &[TopicPartition],
    tasks: &BTreeSet<u32>,
) -> Vec<(TopicPartition, u32)> {
    let mut counts: BTreeMap<u32, usize> = tasks.iter().map(|task| (*task, 0)).collect();
    for task in held.values() {
        *counts.entry(*task).or_default() += 1;
    }
    let mut new = new.to_vec();
    new.sort();
    new.dedup();
    new.into_iter()
        .filter(|partition| !held.contains_key(partition))
        .map(|partition| {
            let task =
                counts.iter().min_by_key(|(task, count)| (**count, **task)).map_or(0, |(task, _)| *task);
            *counts.entry(task).or_default() += 1;
            (partition, task)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::assign_tasks;
    use crate::id::TopicPartition;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};

    proptest! {
        #[test]
        fn everything_is_assigned_once_and_evenly(first in 0_i32..40, second in 0_i32..40, tasks in 1_u32..9) {
            let numbers: BTreeSet<u32> = (0..tasks).map(|task| 3 * task + 1).collect();
            let some = |from, to| (from..to).map(|p| TopicPartition::new("t", p)).collect::<Vec<_>>();
            let held: BTreeMap<_, _> = assign_tasks(&BTreeMap::new(), &some(0, first), &numbers).into_iter().collect();
            prop_assert_eq!(held.len(), usize::try_from(first).unwrap());
            let more = assign_tasks(&held, &some(0, first + second), &numbers);
            prop_assert_eq!(more.len(), usize::try_from(second).unwrap(), "what is held is not assigned again");
            let mut counts: BTreeMap<u32, i64> = numbers.iter().map(|task| (*task, 0)).collect();
            held.values().chain(more.iter().map(|(_, task)| task)).for_each(|t| *counts.get_mut(t).unwrap() += 1);
            let spread = counts.values().max().unwrap() - counts.values().min().unwrap();
            prop_assert!(spread <= 1, "{:?}", counts);
        }
    }
}
