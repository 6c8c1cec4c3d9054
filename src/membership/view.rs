//! The view: who is in the cluster, as the leader published it; and the pure rule that makes the next one.
//!
//! A worker that is gone without a successor is *held back* for `scheduled.rebalance.max.delay.ms`: what it ran waits
//! for it, because it is usually only being restarted (`connect-runtime.md` §3.4). The view travels as JSON in the
//! metadata of an offset; nothing here talks to Kafka.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Kafka's default of `offset.metadata.max.bytes`.
pub(super) const MAX_TEXT: usize = 4096;

/// Who is in the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterView {
    /// Counts the views; a status record carries it as its generation.
    pub generation: i64,
    /// The advertised URL of the worker that writes the config topic.
    pub leader: Arc<str>,
    /// The advertised URLs of all workers, the leader among them.
    pub members: BTreeSet<Arc<str>>,
    /// Workers that are gone and still have their share, each with the end of that, in ms since the epoch.
    pub held: BTreeMap<Arc<str>, i64>,
    /// Who had a share when the first of them left: what they had then is what waits for them, and nothing else.
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

    /// Those that have a share: the members and the ones held back.
    pub fn sharers(&self) -> Vec<Arc<str>> {
        self.members.iter().chain(self.held.keys()).cloned().collect()
    }

    /// When the next worker that is held back loses its share, in ms since the epoch.
    pub(super) fn next_end(&self) -> Option<i64> {
        self.held.values().min().copied()
    }

    /// As it is published.
    pub(super) fn to_text(&self) -> String {
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

    /// Reads what was published; none when it is no view.
    pub(super) fn from_text(generation: i64, text: &str) -> Option<Self> {
        let published: Published = serde_json::from_str(text).ok()?;
        Some(Self {
            generation,
            leader: published.leader.into(),
            members: published.members.into_iter().map(Arc::from).collect(),
            held: published.held.into_iter().map(|held| (held.url.into(), held.until)).collect(),
            base: published.base.into_iter().map(Arc::from).collect(),
        })
    }
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

/// The next view after the one that this worker knew (none: it has just started, and nothing counts as lost); none when
/// nothing has changed.
pub(super) fn next(known: Option<&ClusterView>, now: Now<'_>) -> Option<ClusterView> {
    let mut held = known.map(|view| view.held.clone()).unwrap_or_default();
    if now.delay > 0 {
        let gone = known.iter().flat_map(|view| &view.members).filter(|url| !now.live.contains(*url));
        held.extend(gone.map(|url| (url.clone(), now.time + now.delay)));
    }
    held.retain(|url, until| *until > now.time && !now.live.contains(url));
    let unchanged = |view: &ClusterView| {
        view.leader == *now.me
            && view.members == *now.live
            && view.held == held
            && view.generation >= now.newest
    };
    if known.is_some_and(unchanged) {
        return None;
    }
    let generation = known.map_or(0, |view| view.generation).max(now.newest) + 1;
    let base = match known {
        Some(view) if !held.is_empty() && view.held.is_empty() => view.members.clone(),
        Some(view) if !held.is_empty() => view.base.clone(),
        _ => BTreeSet::new(),
    };
    let mut next = ClusterView { generation, leader: now.me.clone(), members: now.live.clone(), held, base };
    // Better to give work away early than not to be able to say who is there.
    if next.to_text().len() > MAX_TEXT {
        next.held.clear();
        next.base.clear();
    }
    Some(next)
}

#[cfg(test)]
mod tests {
    use super::{ClusterView, Now, next};
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

        fn sharers(&self) -> BTreeSet<Arc<str>> {
            self.view.as_ref().unwrap().sharers().into_iter().collect()
        }
    }

    #[test]
    fn a_worker_that_is_gone_is_held_back_until_it_returns_or_its_time_is_over() {
        let mut leader = Leader { me: "a".into(), view: None };
        assert!(
            leader.sees(&["a"], 0) && leader.sees(&["a", "b", "c"], 1) && !leader.sees(&["a", "b", "c"], 2)
        );
        assert!(leader.sees(&["a", "b"], 10));
        assert_eq!(leader.sharers(), urls(&["a", "b", "c"]));
        assert!(!leader.sees(&["a", "b"], 109), "held until 110");
        assert!(leader.sees(&["a", "b", "c"], 109), "it is back");
        assert_eq!(leader.view.as_ref().unwrap().held.len(), 0);
        assert!(leader.sees(&["a", "c"], 200) && leader.sees(&["a", "c", "d"], 250));
        assert_eq!(leader.sharers(), urls(&["a", "b", "c", "d"]));
        assert!(leader.sees(&["a", "c", "d"], 300));
        assert_eq!((leader.sharers(), leader.view.unwrap().generation), (urls(&["a", "c", "d"]), 7));
    }

    #[test]
    fn a_new_leader_keeps_what_it_knew_and_one_that_just_started_holds_nobody_back() {
        let mut old = Leader { me: "a".into(), view: None };
        old.sees(&["a", "b", "c"], 0);
        let mut heir = Leader { me: "b".into(), view: old.view.clone() };
        assert!(heir.sees(&["b", "c"], 5));
        assert_eq!((heir.sharers(), &*heir.view.unwrap().leader), (urls(&["a", "b", "c"]), "b"));
        let mut fresh = Leader { me: "x".into(), view: None };
        let live = urls(&["x"]);
        let now = Now { me: &fresh.me.clone(), live: &live, time: 9, delay: 100, newest: 41 };
        fresh.view = next(None, now);
        assert_eq!((fresh.sharers(), fresh.view.as_ref().unwrap().generation), (urls(&["x"]), 42));
        assert_eq!(next(fresh.view.as_ref(), now), None);
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
        assert!(view.to_text().len() <= super::MAX_TEXT && view.held.is_empty());
    }

    proptest! {
        #[test]
        fn what_was_published_is_read(generation in 0_i64..9, members in prop::collection::btree_set("[a-z:/.]{1,9}", 1..5), held in prop::collection::btree_map("[a-z]{1,5}", any::<i64>(), 0..3)) {
            let members: BTreeSet<Arc<str>> = members.into_iter().map(Arc::from).collect();
            let leader = members.first().unwrap().clone();
            let held = held.into_iter().map(|(url, until)| (url.into(), until)).collect();
            let base = members.clone();
            let view = ClusterView { generation, leader, members, held, base };
            prop_assert_eq!(ClusterView::from_text(generation, &view.to_text()), Some(view));
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in ".{0,80}") {
            drop(ClusterView::from_text(1, &text));
        }
    }
}
