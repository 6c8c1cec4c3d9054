//! This worker's part in its cluster: who is in it, who leads, who runs what.
//!
//! [`ClusterPart`] owns the membership and what was computed from the view last. It never starts or stops anything.

use crate::herder::view::Place;
use crate::id::TaskAssignment;
use crate::membership::{Assignment, ClusterView, Leadership, MemberState, Membership, assign_view};
use crate::storage::ClusterConfigState;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A view that took the place of another one.
pub(super) struct NewView {
    /// This worker leads now, and did not before.
    pub(super) leads_anew: bool,
    /// Workers that are not in it any more.
    pub(super) gone: BTreeSet<Arc<str>>,
}

/// The membership, the view and the assignment.
pub(super) struct ClusterPart {
    membership: Membership,
    view: Arc<ClusterView>,
    /// What is wrong with the cluster's group.
    trouble: Option<Arc<str>>,
    /// Who runs what, as of the view and the config topic.
    assignment: Arc<Assignment>,
}

impl ClusterPart {
    /// A member that knows this view; nothing is assigned yet.
    pub(super) fn new(membership: Membership, view: Arc<ClusterView>, trouble: Option<Arc<str>>) -> Self {
        Self { membership, view, trouble, assignment: Arc::default() }
    }

    /// True when this worker writes what only one may.
    pub(super) fn leads(&self) -> bool {
        self.view.leader == *self.membership.url()
    }

    /// Asks Kafka whether it does.
    pub(super) async fn confirm(&self) -> Leadership {
        self.membership.leadership().confirm().await
    }

    /// The number of the view, for states that are written now.
    pub(super) fn generation(&self) -> i64 {
        self.view.generation
    }

    /// What is wrong with the cluster's group.
    pub(super) fn trouble(&self) -> Option<&Arc<str>> {
        self.trouble.as_ref()
    }

    /// What this worker runs of a connector.
    pub(super) fn own_assignment(&self, name: &str) -> TaskAssignment {
        self.assignment.assigned_to(self.membership.url(), name)
    }

    /// Who runs what, as it was computed last.
    pub(super) fn assignment(&self) -> &Arc<Assignment> {
        &self.assignment
    }

    /// How many workers have tasks of a connector.
    pub(super) fn workers_of(&self, name: &str) -> usize {
        let has_tasks = |worker: &&Arc<str>| !self.assignment.assigned_to(worker, name).tasks.is_empty();
        self.view.members.iter().filter(has_tasks).count()
    }

    /// Waits for another state of the membership. Cancel-safe.
    pub(super) async fn changed(&mut self) {
        self.membership.changed().await;
    }

    /// Takes in the state of the membership; none when the view is the same as before.
    pub(super) fn take_view(&mut self) -> Option<NewView> {
        let MemberState::In { view, trouble } = self.membership.state() else { return None };
        self.trouble = trouble;
        if view == self.view {
            return None;
        }
        let led = self.leads();
        let gone = self.view.members.difference(&view.members).cloned().collect();
        self.view = view;
        Some(NewView { leads_anew: self.leads() && !led, gone })
    }

    /// Computes who runs what. Gives the connectors of which this worker's assignment is another one now.
    pub(super) fn assign(&mut self, configs: &ClusterConfigState) -> Vec<Arc<str>> {
        let connectors: BTreeMap<Arc<str>, u32> =
            configs.connectors().map(|name| (name.clone(), configs.task_count(name))).collect();
        let assignment = assign_view(&self.view, &connectors);
        let url = self.membership.url();
        let is_changed =
            |name: &&Arc<str>| assignment.assigned_to(url, name) != self.assignment.assigned_to(url, name);
        let changed = connectors.keys().filter(is_changed).cloned().collect();
        self.assignment = Arc::new(assignment);
        changed
    }

    /// All of it as readers see it.
    pub(super) fn place(&self) -> Place {
        Place {
            url: self.membership.url().clone(),
            view: self.view.clone(),
            assignment: self.assignment.clone(),
            leadership: self.membership.leadership(),
        }
    }

    /// Leaves the group; returns when Kafka knows.
    pub(super) async fn leave(&mut self) {
        self.membership.leave().await;
    }
}
