//! The view: who is in the cluster, as the leader published it; and the pure rule that makes the next one.
//!
//! A worker that is gone without a successor is *held back* for `scheduled.rebalance.max.delay.ms`: what it ran waits
//! for it, because it is usually only being restarted (`connect-runtime.md` §3.4). The view travels as JSON in the
//! metadata of an offset, behind the proof that a worker made it; nothing here talks to Kafka.

use crate::cluster_key::{ClusterKeys, Purpose};
use crate::status::MAX_GENERATION;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Kafka's default of `offset.metadata.max.bytes`.
pub(super) const MAX_TEXT: usize = 4096;
/// A proof and the blank behind it.
const PROOF: usize = 44;
/// A number that was found is not gone on from beyond this: views to come need room below [`MAX_GENERATION`].
const LAST_START: i64 = MAX_GENERATION - (1 << 32);

/// Who is in the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterView {
    /// Counts the views; a status record carries it as its generation.
    pub generation: i64,
    /// The advertised URL of the worker that writes the config topic.
    pub leader: Arc<str>,
    /// The advertised URLs of all workers, the leader among them.
    pub members: BTreeSet<Arc<str>>,
    /// Workers that are gone and still have their assignment, each with the end of that, in ms since the epoch.
    pub held: BTreeMap<Arc<str>, i64>,
    /// Who had an assignment when the first of them left: what they had then is what waits for them, and nothing else.
    pub base: BTreeSet<Arc<str>>,
}

impl ClusterView {
    /// The view of a worker without company.
    pub fn alone(url: &str, generation: i64) -> Self {
        let url: Arc<str> = url.into();
        Self {
            generation,
            leader: url.clone(),
            members: BTreeSet::from([url]),
            held: BTreeMap::new(),
            base: BTreeSet::new(),
        }
    }

    /// Those that have an assignment: the members and the ones held back.
    pub fn assignees(&self) -> Vec<Arc<str>> {
        self.members.iter().chain(self.held.keys()).cloned().collect()
    }

    /// True when somebody other than `me` is there still: the cluster did not begin anew.
    pub(super) fn goes_on(&self, me: &Arc<str>, live: &BTreeSet<Arc<str>>) -> bool {
        self.members.iter().any(|url| url != me && live.contains(url))
    }

    /// When the next worker that is held back loses its assignment, in ms since the epoch.
    pub(super) fn next_end(&self) -> Option<i64> {
        self.held.values().min().copied()
    }

    /// As it is published in `group`; none without a key.
    pub(super) fn to_text(&self, keys: &ClusterKeys, group: &str) -> Option<String> {
        let json = self.to_json();
        let proof = keys.prove(Purpose::View, &[group, &self.generation.to_string(), &json])?;
        Some(format!("{proof} {json}"))
    }

    fn to_json(&self) -> String {
        let held = self.held.iter().map(|(url, until)| Held { url: url.to_string(), until: *until });
        let published = Published {
            leader: self.leader.to_string(),
            members: self.members.iter().map(ToString::to_string).collect(),
            held: held.collect(),
            base: self.base.iter().map(ToString::to_string).collect(),
        };
        // Texts and numbers only: this cannot fail.
        serde_json::to_string(&published).unwrap_or_default()
    }

    /// Reads what was published in `group` under this number.
    pub(super) fn from_text(
        generation: i64,
        text: &str,
        keys: &ClusterKeys,
        group: &str,
    ) -> Result<Self, NoView> {
        if !(0..=MAX_GENERATION).contains(&generation) {
            return Err(NoView::Impossible);
        }
        if text.is_empty() {
            return Err(NoView::Nothing);
        }
        let (proof, json) = text.split_once(' ').ok_or(NoView::Unproved)?;
        if !keys.accept(proof, Purpose::View, &[group, &generation.to_string(), json]) {
            return Err(NoView::Unproved);
        }
        let published: Published = serde_json::from_str(json).map_err(|_| NoView::Impossible)?;
        Ok(Self {
            generation,
            leader: published.leader.into(),
            members: published.members.into_iter().map(Arc::from).collect(),
            held: published.held.into_iter().map(|held| (held.url.into(), held.until)).collect(),
            base: published.base.into_iter().map(Arc::from).collect(),
        })
    }
}

/// Why what was published is no view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoView {
    /// Nothing was published.
    #[error("nothing was published")]
    Nothing,
    /// No worker of the cluster made it.
    #[error("no worker with the cluster's key published it")]
    Unproved,
    /// It says what cannot be.
    #[error("its number or its text cannot be")]
    Impossible,
}

#[derive(Serialize, Deserialize)]
struct Published {
    leader: String,
    members: Vec<String>,
    #[serde(default)]
    held: Vec<Held>,
    #[serde(default)]
    base: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct Held {
    url: String,
    until: i64,
}

/// What the leader goes by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Now<'a> {
    /// Its own URL.
    pub(super) me: &'a Arc<str>,
    /// Who is in the group.
    pub(super) live: &'a BTreeSet<Arc<str>>,
    /// Milliseconds since the epoch.
    pub(super) time: i64,
    /// `scheduled.rebalance.max.delay.ms`.
    pub(super) delay: i64,
    /// No view that was ever published has a greater number, as far as is known.
    pub(super) newest: i64,
}

/// The next view after the one that this worker knew (none: it starts a cluster, and nothing counts as lost); none when
/// nothing has changed.
pub(super) fn next(known: Option<&ClusterView>, now: Now<'_>) -> Option<ClusterView> {
    let mut held = known.map(|view| view.held.clone()).unwrap_or_default();
    // Clocks differ; nobody is held back for longer than anybody would be.
    let latest = now.time.saturating_add(now.delay);
    for until in held.values_mut() {
        *until = (*until).min(latest);
    }
    if now.delay > 0 {
        let gone = known.iter().flat_map(|view| &view.members).filter(|url| !now.live.contains(*url));
        held.extend(gone.map(|url| (url.clone(), latest)));
    }
    held.retain(|url, until| *until > now.time && !now.live.contains(url));
    let newest = start(now.newest);
    let unchanged = |view: &ClusterView| {
        view.leader == *now.me && view.members == *now.live && view.held == held && view.generation >= newest
    };
    if known.is_some_and(unchanged) {
        return None;
    }
    let generation = known.map_or(0, |view| view.generation).max(newest).max(0) + 1;
    let base = match known {
        Some(view) if !held.is_empty() && view.held.is_empty() => view.members.clone(),
        Some(view) if !held.is_empty() => view.base.clone(),
        _ => BTreeSet::new(),
    };
    let mut next = ClusterView { generation, leader: now.me.clone(), members: now.live.clone(), held, base };
    // Better to give work away early than not to be able to say who is there.
    if next.to_json().len() + PROOF > MAX_TEXT {
        next.held.clear();
        next.base.clear();
    }
    Some(next)
}

/// The number after which views are counted, when `newest` was found: one that leaves no room for the next ones is nobody's.
pub(super) fn start(newest: i64) -> i64 {
    if newest > LAST_START { 0 } else { newest }
}

#[cfg(test)]
mod tests {
    use super::{ClusterView, LAST_START, MAX_GENERATION, NoView, Now, next};
    use crate::cluster_key::ClusterKeys;
    use proptest::prelude::*;
    use std::collections::BTreeSet;
    use std::sync::Arc;

    fn urls(names: &[&str]) -> BTreeSet<Arc<str>> {
        names.iter().map(|name| Arc::from(*name)).collect()
    }

    struct Leader {
        me: Arc<str>,
        view: Option<ClusterView>,
    }

    impl Leader {
        fn sees(&mut self, live: &[&str], time: i64) -> bool {
            let live = urls(live);
            let now = Now { me: &self.me, live: &live, time, delay: 100, newest: 0 };
            let changed = next(self.view.as_ref(), now);
            let is_new = changed.is_some();
            self.view = changed.or(self.view.take());
            is_new
        }

        fn assignees(&self) -> BTreeSet<Arc<str>> {
            self.view.as_ref().unwrap().assignees().into_iter().collect()
        }
    }

    #[test]
    fn a_worker_that_is_gone_is_held_back_until_it_returns_or_its_time_is_over() {
        let mut leader = Leader { me: "a".into(), view: None };
        assert!(
            leader.sees(&["a"], 0) && leader.sees(&["a", "b", "c"], 1) && !leader.sees(&["a", "b", "c"], 2)
        );
        assert!(leader.sees(&["a", "b"], 10));
        assert_eq!(leader.assignees(), urls(&["a", "b", "c"]));
        assert!(!leader.sees(&["a", "b"], 109), "held until 110");
        assert!(leader.sees(&["a", "b", "c"], 109), "it is back");
        assert_eq!(leader.view.as_ref().unwrap().held.len(), 0);
        assert!(leader.sees(&["a", "c"], 200) && leader.sees(&["a", "c", "d"], 250));
        assert_eq!(leader.assignees(), urls(&["a", "b", "c", "d"]));
        assert!(leader.sees(&["a", "c", "d"], 300));
        assert_eq!((leader.assignees(), leader.view.unwrap().generation), (urls(&["a", "c", "d"]), 7));
    }

    #[test]
    fn a_new_leader_keeps_what_it_knew_and_one_that_just_started_holds_nobody_back() {
        let mut old = Leader { me: "a".into(), view: None };
        old.sees(&["a", "b", "c"], 0);
        let mut heir = Leader { me: "b".into(), view: old.view.clone() };
        assert!(heir.sees(&["b", "c"], 5));
        assert_eq!((heir.assignees(), &*heir.view.unwrap().leader), (urls(&["a", "b", "c"]), "b"));
        let mut fresh = Leader { me: "x".into(), view: None };
        let live = urls(&["x"]);
        let now = Now { me: &fresh.me.clone(), live: &live, time: 9, delay: 100, newest: 41 };
        fresh.view = next(None, now);
        assert_eq!((fresh.assignees(), fresh.view.as_ref().unwrap().generation), (urls(&["x"]), 42));
        assert_eq!(next(fresh.view.as_ref(), now), None);
    }

    #[test]
    fn a_cluster_goes_on_while_one_of_its_workers_is_there_beside_the_one_that_starts() {
        let mut leader = Leader { me: "b".into(), view: None };
        leader.sees(&["b", "c"], 0);
        leader.sees(&["b"], 5);
        let view = leader.view.unwrap();
        let goes_on = |me: &str, live: &[&str]| view.goes_on(&me.into(), &urls(live));
        assert!(goes_on("a", &["a", "b"]) && goes_on("c", &["b", "c"]));
        assert!(!goes_on("a", &["a"]) && !goes_on("b", &["b"]) && !goes_on("c", &["c"]), "they begin anew");
        assert!(!goes_on("a", &["a", "c"]), "who was held back is no cluster");
        let mut heir = Leader { me: "a".into(), view: Some(view) };
        assert!(heir.sees(&["a", "b"], 6));
        assert_eq!(
            heir.assignees(),
            urls(&["a", "b", "c"]),
            "a newcomer that leads holds back as the others did"
        );
    }

    #[test]
    fn a_view_is_never_too_long_to_be_published() {
        let many: Vec<String> = (0..110).map(|n| format!("http://worker-{n:03}.example:8083/")).collect();
        let live: BTreeSet<Arc<str>> = many.iter().map(|url| url.as_str().into()).collect();
        let me: Arc<str> = "http://worker-000.example:8083/".into();
        let now = |live| Now { me: &me, live, time: 0, delay: 100, newest: 0 };
        let view = next(None, now(&live)).unwrap();
        let half = live.iter().take(70).cloned().collect();
        let view = next(Some(&view), now(&half)).unwrap();
        assert!(
            view.to_text(&ClusterKeys::generated(), "g").unwrap().len() <= super::MAX_TEXT
                && view.held.is_empty()
        );
    }

    #[test]
    fn a_number_that_leaves_no_room_is_not_gone_on_from() {
        let (me, live) = (Arc::from("a"), urls(&["a"]));
        for newest in [i64::MIN, -1, 0, 7, LAST_START, LAST_START + 1, MAX_GENERATION, i64::MAX] {
            let now = Now { me: &me, live: &live, time: i64::MAX, delay: i64::MAX, newest };
            let view = next(None, now).unwrap();
            let wanted = if newest > LAST_START { 1 } else { newest.max(0) + 1 };
            assert_eq!(view.generation, wanted, "{newest}");
            assert_eq!(next(Some(&view), now), None, "{newest}");
        }
    }

    #[test]
    fn only_a_worker_of_the_group_publishes_and_only_under_that_number() {
        let (keys, strangers) = (ClusterKeys::generated(), ClusterKeys::generated());
        let view = ClusterView::alone("http://a:1/", 7);
        let text = view.to_text(&keys, "g").unwrap();
        assert_eq!(ClusterView::from_text(7, &text, &keys, "g").as_ref(), Ok(&view));
        for (number, keys, group) in [(8, &keys, "g"), (7, &strangers, "g"), (7, &keys, "h")] {
            assert_eq!(ClusterView::from_text(number, &text, keys, group), Err(NoView::Unproved));
        }
        let bare = view.to_json();
        assert_eq!(ClusterView::from_text(7, &bare, &keys, "g"), Err(NoView::Unproved));
        for number in [i64::MIN, -1, MAX_GENERATION + 1, i64::MAX] {
            assert_eq!(ClusterView::from_text(number, &text, &keys, "g"), Err(NoView::Impossible));
        }
        assert_eq!(ClusterView::from_text(0, "", &keys, "g"), Err(NoView::Nothing));
    }

    proptest! {
        #[test]
        fn what_was_published_is_read(generation in 0_i64..=MAX_GENERATION, members in prop::collection::btree_set("[a-z:/.]{1,9}", 1..5), held in prop::collection::btree_map("[a-z]{1,5}", any::<i64>(), 0..3)) {
            let members: BTreeSet<Arc<str>> = members.into_iter().map(Arc::from).collect();
            let leader = members.first().unwrap().clone();
            let held = held.into_iter().map(|(url, until)| (url.into(), until)).collect();
            let base = members.clone();
            let (view, keys) = (ClusterView { generation, leader, members, held, base }, ClusterKeys::generated());
            let text = view.to_text(&keys, "g").unwrap();
            prop_assert_eq!(ClusterView::from_text(generation, &text, &keys, "g"), Ok(view));
        }

        #[test]
        fn no_text_makes_the_reader_panic(number in any::<i64>(), text in ".{0,80}") {
            prop_assert!(ClusterView::from_text(number, &text, &ClusterKeys::generated(), "g").is_err());
        }

        #[test]
        fn no_view_that_was_read_makes_the_next_one_panic(
            (generation, newest) in (0..=MAX_GENERATION, any::<i64>()),
            (time, delay) in (0..i64::MAX, 0..i64::MAX),
            held in prop::collection::btree_map("[a-z]{1,5}", any::<i64>(), 0..3),
        ) {
            let held = held.into_iter().map(|(url, until)| (url.into(), until)).collect();
            let known = ClusterView { held, ..ClusterView::alone("http://a/", generation) };
            let (me, live) = (known.leader.clone(), urls(&["http://a/", "b"]));
            let view = next(Some(&known), Now { me: &me, live: &live, time, delay, newest }).unwrap();
            prop_assert!(view.held.values().all(|until| *until > time && *until - time <= delay));
        }
    }
}
