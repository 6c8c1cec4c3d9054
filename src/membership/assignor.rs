//! Which worker runs which connector and which task: a pure function of the workers and of what there is to run.
//!
//! Every worker computes it for itself and comes to the same result, so nothing but the list of workers has to be
//! agreed on. It has no memory, and yet moves little: each item has its own order of preference among the workers
//! (rendezvous hashing), the tasks of a connector are spread evenly, and only what is too much on one worker is moved to
//! one with too little. A worker that comes back gets just what it had. It knows no Kafka and no states.

use super::view::ClusterView;
use crate::id::{ConnectorTaskId, TaskAssignment};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Who runs what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Assignment {
    workers: Vec<Arc<str>>,
    connectors: BTreeMap<Arc<str>, Owners>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Owners {
    instance: usize,
    tasks: Vec<usize>,
}

impl Assignment {
    /// What `worker` runs of `connector`.
    pub fn assigned_to(&self, worker: &str, connector: &str) -> TaskAssignment {
        let Some(owners) = self.connectors.get(connector) else { return TaskAssignment::default() };
        let is_own = |owner: usize| self.workers.get(owner).is_some_and(|name| **name == *worker);
        let tasks = (0..).zip(&owners.tasks).filter(|(_, owner)| is_own(**owner)).map(|(task, _)| task);
        TaskAssignment { instance: is_own(owners.instance), tasks: tasks.collect() }
    }

    /// The worker that runs the connector itself.
    pub fn owner(&self, connector: &str) -> Option<&Arc<str>> {
        self.workers.get(self.connectors.get(connector)?.instance)
    }

    /// The worker that runs a task.
    pub fn task_owner(&self, id: &ConnectorTaskId) -> Option<&Arc<str>> {
        let tasks = &self.connectors.get(&id.connector)?.tasks;
        self.workers.get(*tasks.get(usize::try_from(id.task).ok()?)?)
    }
}

/// Who runs what in the cluster `view`. What a worker that is gone had when it left waits for it; nothing else is ever
/// given to it, also not when the cluster changes meanwhile.
pub fn assign_view(view: &ClusterView, connectors: &BTreeMap<Arc<str>, u32>) -> Assignment {
    let with_held = assign(&view.assignees(), connectors);
    if view.held.is_empty() {
        return with_held;
    }
    let of = |workers: &BTreeSet<Arc<str>>| assign(&workers.iter().cloned().collect::<Vec<_>>(), connectors);
    let (before, without) = (of(&view.base), of(&view.members));
    let place = |name: Option<&Arc<str>>| with_held.workers.iter().position(|worker| Some(worker) == name);
    let waits = |owner: usize, had: Option<&Arc<str>>| had.is_none_or(|had| *had == with_held.workers[owner]);
    let mut assignment = with_held.clone();
    for (name, owners) in &mut assignment.connectors {
        let is_held = |owner: usize| view.held.contains_key(&with_held.workers[owner]);
        if is_held(owners.instance) && !waits(owners.instance, before.owner(name)) {
            owners.instance = place(without.owner(name)).unwrap_or(owners.instance);
        }
        for (task, owner) in (0..).zip(&mut owners.tasks) {
            let id = ConnectorTaskId { connector: name.clone(), task };
            if is_held(*owner) && !waits(*owner, before.task_owner(&id)) {
                *owner = place(without.task_owner(&id)).unwrap_or(*owner);
            }
        }
    }
    assignment
}

/// Assigns connectors (each with the number of its tasks) to workers. Counted apart, as Connect does, connectors and
/// tasks are each spread so that no worker has more than one more than another; so are the tasks of each connector.
pub fn assign(workers: &[Arc<str>], connectors: &BTreeMap<Arc<str>, u32>) -> Assignment {
    let workers: BTreeSet<Arc<str>> = workers.iter().cloned().collect();
    let workers: Vec<Arc<str>> = workers.into_iter().collect();
    if workers.is_empty() {
        return Assignment::default();
    }
    let one_each: Vec<(&str, usize)> = connectors.keys().map(|name| (name.as_ref(), 1)).collect();
    let tasks: Vec<(&str, usize)> = connectors
        .iter()
        .map(|(name, count)| (name.as_ref(), usize::try_from(*count).unwrap_or(usize::MAX)))
        .collect();
    let (instances, tasks) = (deal("connector", &one_each, &workers), deal("task", &tasks, &workers));
    let owners = instances
        .into_iter()
        .zip(tasks)
        .map(|(instance, tasks)| Owners { instance: instance.first().copied().unwrap_or_default(), tasks });
    let connectors = connectors.keys().cloned().zip(owners).collect();
    Assignment { workers, connectors }
}

/// Deals groups of items to the workers: for each group the worker (by its place) of each item.
fn deal(kind: &str, groups: &[(&str, usize)], workers: &[Arc<str>]) -> Vec<Vec<usize>> {
    if workers.len() == 1 {
        return groups.iter().map(|(_, count)| vec![0; *count]).collect();
    }
    let mut dealt: Vec<Vec<usize>> =
        groups.iter().map(|(name, count)| spread(kind, name, *count, workers)).collect();
    even_out(kind, groups, workers, &mut dealt);
    dealt
}

/// The items of one group, each to the worker it prefers among those that may still take one.
fn spread(kind: &str, group: &str, count: usize, workers: &[Arc<str>]) -> Vec<usize> {
    let (floor, mut extras) = (count / workers.len(), count % workers.len());
    let mut loads = vec![0; workers.len()];
    let mut owners = Vec::with_capacity(count);
    for item in 0..count {
        let may_take = |worker: &usize| loads[*worker] < floor || (loads[*worker] == floor && extras > 0);
        let best = (0..workers.len())
            .filter(may_take)
            .max_by_key(|worker| (score(kind, group, item, &workers[*worker]), *worker))
            .unwrap_or_default();
        if loads[best] >= floor {
            extras = extras.saturating_sub(1);
        }
        loads[best] += 1;
        owners.push(best);
    }
    owners
}

/// Moves single items from workers with too many to workers with too few, so that the spread inside a group stays.
fn even_out(kind: &str, groups: &[(&str, usize)], workers: &[Arc<str>], dealt: &mut [Vec<usize>]) {
    let mut loads = vec![0_usize; workers.len()];
    dealt.iter().flatten().for_each(|worker| loads[*worker] += 1);
    let quotas = quotas(&loads);
    let surplus = |loads: &[usize], worker: usize| loads[worker].saturating_sub(quotas[worker]);
    let deficit = |loads: &[usize], worker: usize| quotas[worker].saturating_sub(loads[worker]);
    let most = |of: &dyn Fn(usize) -> usize| {
        (0..workers.len()).map(|worker| (of(worker), worker)).filter(|(count, _)| *count > 0).max()
    };
    while let (Some((_, from)), Some((_, to))) =
        (most(&|worker| surplus(&loads, worker)), most(&|worker| deficit(&loads, worker)))
    {
        let Some((group, item)) = best_to_move(kind, groups, dealt, from, (to, &workers[to])) else { return };
        dealt[group][item] = to;
        loads[from] -= 1;
        loads[to] += 1;
    }
}

/// How many items each worker should have: those that have most already keep one more when it does not come out even.
fn quotas(loads: &[usize]) -> Vec<usize> {
    let total: usize = loads.iter().sum();
    let (floor, extras) = (total / loads.len(), total % loads.len());
    let mut order: Vec<usize> = (0..loads.len()).collect();
    order.sort_by_key(|worker| (std::cmp::Reverse(loads[*worker]), *worker));
    let mut quotas = vec![floor; loads.len()];
    order.into_iter().take(extras).for_each(|worker| quotas[worker] += 1);
    quotas
}

/// The item of `from` that likes `to` most, of a group of which `from` has more than `to`.
fn best_to_move(
    kind: &str,
    groups: &[(&str, usize)],
    dealt: &[Vec<usize>],
    from: usize,
    (to, name): (usize, &str),
) -> Option<(usize, usize)> {
    let mut best: Option<(u64, usize, usize)> = None;
    for (group, owners) in dealt.iter().enumerate() {
        let count = |worker: usize| owners.iter().filter(|owner| **owner == worker).count();
        if count(from) <= count(to) {
            continue;
        }
        for item in (0..owners.len()).filter(|item| owners[*item] == from) {
            let candidate = (score(kind, groups[group].0, item, name), group, item);
            best = best.max(Some(candidate));
        }
    }
    best.map(|(_, group, item)| (group, item))
}

/// How much an item likes a worker. The same on every machine and in every build: workers of different releases run
/// side by side during a rolling upgrade. FNV-1a over the parts, then the finisher of splitmix64.
fn score(kind: &str, group: &str, item: usize, worker: &str) -> u64 {
    let item = item.to_string();
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for part in [kind, group, &item, worker] {
        for byte in part.bytes().chain([0]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests {
    use super::{Assignment, assign, assign_view, score};
    use crate::membership::ClusterView;
    use proptest::prelude::*;
    use std::collections::BTreeMap;
    use std::sync::Arc;

    fn workers(count: usize) -> Vec<Arc<str>> {
        (0..count).map(|worker| format!("http://10.0.0.{worker}:8083/").into()).collect()
    }

    fn connectors() -> impl Strategy<Value = BTreeMap<Arc<str>, u32>> {
        prop::collection::btree_map("[a-z]{1,6}".prop_map(Arc::<str>::from), 0_u32..12, 0..40)
    }

    /// Connectors and tasks by worker.
    fn loads(
        assignment: &Assignment,
        workers: &[Arc<str>],
        connectors: &BTreeMap<Arc<str>, u32>,
    ) -> Vec<(usize, usize)> {
        let of = |worker: &Arc<str>| {
            let assigned = connectors.keys().map(|name| assignment.assigned_to(worker, name));
            assigned.fold((0, 0), |(c, t), assigned| {
                (c + usize::from(assigned.instance), t + assigned.tasks.len())
            })
        };
        workers.iter().map(of).collect()
    }

    fn spread(counts: impl Iterator<Item = usize> + Clone) -> usize {
        counts.clone().max().unwrap_or(0) - counts.min().unwrap_or(0)
    }

    /// Items that two assignments give to different workers.
    fn moved(one: &Assignment, two: &Assignment, connectors: &BTreeMap<Arc<str>, u32>) -> usize {
        connectors
            .iter()
            .flat_map(|(name, count)| {
                (0..*count).map(|task| crate::id::ConnectorTaskId { connector: name.clone(), task })
            })
            .filter(|id| one.task_owner(id) != two.task_owner(id))
            .count()
    }

    proptest! {
        #[test]
        fn everything_has_one_owner_and_all_have_the_same(connectors in connectors(), count in 1_usize..9) {
            let workers = workers(count);
            let assignment = assign(&workers, &connectors);
            let loads = loads(&assignment, &workers, &connectors);
            let tasks: usize = connectors.values().map(|count| *count as usize).sum();
            prop_assert_eq!(loads.iter().map(|load| load.0).sum::<usize>(), connectors.len());
            prop_assert_eq!(loads.iter().map(|load| load.1).sum::<usize>(), tasks);
            prop_assert!(spread(loads.iter().map(|load| load.0)) <= 1, "{:?}", loads);
            prop_assert!(spread(loads.iter().map(|load| load.1)) <= 1, "{:?}", loads);
            for name in connectors.keys() {
                let of_one = workers.iter().map(|worker| assignment.assigned_to(worker, name).tasks.len());
                prop_assert!(spread(of_one) <= 1, "{}", name);
            }
        }

        #[test]
        fn the_order_of_the_workers_does_not_matter(connectors in connectors(), count in 1_usize..9, turn in 0_usize..9) {
            let workers = workers(count);
            let mut turned = workers.clone();
            turned.rotate_left(turn % count);
            turned.push(workers[0].clone());
            prop_assert_eq!(assign(&workers, &connectors), assign(&turned, &connectors));
        }

        #[test]
        fn a_worker_more_takes_its_share_and_little_else_moves(connectors in connectors(), count in 1_usize..8) {
            let all = workers(count + 1);
            let (before, after) = (assign(&all[..count], &connectors), assign(&all, &connectors));
            let tasks: usize = connectors.values().map(|count| *count as usize).sum();
            let fair = tasks.div_ceil(count + 1);
            // What the new one gets must move; what evens out the rest may move, a part of that again.
            let limit = 2 * fair + 2 * connectors.len() / 3 + count;
            prop_assert!(moved(&before, &after, &connectors) <= limit, "{} of {tasks}, fair {fair}", moved(&before, &after, &connectors));
            // Back to the old workers is back to the old assignment.
            prop_assert_eq!(assign(&all[..count], &connectors), before);
        }
    }

    proptest! {
        #[test]
        fn what_waits_for_a_worker_that_is_gone_is_what_it_had(connectors in connectors(), count in 2_usize..7, more in 0_usize..3) {
            let all = workers(count + more);
            let before = assign(&all[..count], &connectors);
            let gone = &all[0];
            let view = ClusterView {
                generation: 2,
                leader: all[1].clone(),
                members: all[1..].iter().cloned().collect(),
                held: [(gone.clone(), 9)].into(),
                base: all[..count].iter().cloned().collect(),
            };
            let now = assign_view(&view, &connectors);
            for (name, tasks) in &connectors {
                for task in 0..*tasks {
                    let id = crate::id::ConnectorTaskId { connector: name.clone(), task };
                    let waits = now.task_owner(&id) == Some(gone);
                    prop_assert!(!waits || before.task_owner(&id) == Some(gone), "{}", id);
                    // Nobody came: nothing moves at all.
                    prop_assert!(more > 0 || now.task_owner(&id) == before.task_owner(&id), "{}", id);
                }
            }
        }
    }

    #[test]
    fn two_hundred_connectors_on_three_workers_move_about_as_much_as_a_fourth_needs() {
        let connectors: BTreeMap<Arc<str>, u32> =
            (0..200).map(|n| (format!("connector-{n}").into(), 5)).collect();
        let all = workers(4);
        let (three, four) = (assign(&all[..3], &connectors), assign(&all, &connectors));
        let fair = 250;
        let moves = moved(&three, &four, &connectors);
        assert!(moves < fair * 3 / 2, "{moves}");
        // One connector more or less does not stir up the others.
        let mut more = connectors.clone();
        more.insert("one-more".into(), 5);
        let stirred = moved(&assign(&all, &more), &four, &connectors);
        assert!(stirred <= 8, "{stirred}");
    }

    #[test]
    fn how_few_of_twelve_tasks_move_depends_on_the_names_and_is_below_five_on_average() {
        // On three workers, then on four. Three have to move; dealing anew would move nine. A task that goes to the newcomer
        // may leave its place to its neighbour, and so on: with some names that is more than eight.
        const SETS: usize = 1_000;
        let connectors: BTreeMap<Arc<str>, u32> = ["a", "b", "c", "d"].map(|name| (name.into(), 3)).into();
        let of = |set: usize| {
            let all: Vec<Arc<str>> =
                (0..4).map(|n| format!("http://127.0.0.1:{}/", 20_000 + 4 * set + n).into()).collect();
            moved(&assign(&all[..3], &connectors), &assign(&all, &connectors), &connectors)
        };
        let moves: Vec<usize> = (0..SETS).map(of).collect();
        assert!(moves.iter().all(|moves| *moves >= 3), "{moves:?}");
        let (sum, most) = (moves.iter().sum::<usize>(), moves.iter().max());
        assert!(sum < 5 * SETS, "{sum} of {SETS}");
        assert!(most > Some(&8), "so no test may call fewer a bound: {most:?}");
    }

    #[test]
    fn scores_never_change() {
        // Workers of two releases must agree: a change here splits a cluster during an upgrade.
        assert_eq!(score("task", "storm", 3, "http://10.0.0.1:8083/"), SCORE);
    }

    const SCORE: u64 = 3_013_908_012_360_521_362;

    #[test]
    fn nobody_is_there() {
        let connectors = BTreeMap::from([("a".into(), 2)]);
        let assignment = assign(&[], &connectors);
        assert!(assignment.owner("a").is_none() && assignment.assigned_to("w", "a").is_empty());
    }
}
