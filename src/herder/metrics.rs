//! What this worker should run, and the cluster it is in, as metrics show them. Answered from the published view, at once.

use super::handle::Herder;
use super::view::{Phase, View};
use super::{classes, view};
use crate::metrics::{KnownCluster, KnownConnector};
use crate::status::State;
use std::sync::Arc;

impl Herder {
    /// The cluster, and what this worker has of each connector; nothing before it is in its cluster.
    pub fn known(&self) -> (Option<KnownCluster>, Vec<KnownConnector>) {
        let view = self.published.now();
        let client = self.config.client.get("client.id").filter(|id| !id.is_empty());
        let client_id = client.map_or("connect-1", String::as_str).into();
        (cluster(&view, client_id), connectors(&view))
    }
}

fn cluster(view: &View, client_id: Arc<str>) -> Option<KnownCluster> {
    let cluster = &view.cluster.as_ref()?.view;
    Some(KnownCluster {
        leader: Arc::clone(&cluster.leader),
        epoch: cluster.generation,
        rebalancing: view.phase != Phase::Running,
        client_id,
    })
}

fn connectors(view: &View) -> Vec<KnownConnector> {
    let Some(place) = &view.cluster else { return Vec::new() };
    let mut known = Vec::new();
    for name in view.configs.connectors() {
        let assigned = place.assignment.assigned_to(&place.url, name);
        if !assigned.instance && assigned.tasks.is_empty() {
            continue;
        }
        let (config, status) = (view.configs.config(name), view.statuses.get(name));
        let state_of = |task: u32| {
            let found = status.and_then(|status| status.tasks.iter().find(|state| state.id == task));
            found.map_or(State::Unassigned, |found| found.state.state)
        };
        let class = config.and_then(|config| config.get("connector.class").cloned().flatten());
        known.push(KnownConnector {
            name: Arc::clone(name),
            is_instance: assigned.instance,
            state: status.map(|status| status.connector.state),
            class: class.map(Arc::from),
            kind: config.map_or("unknown", |config| view::kind(view.plugins, config)),
            version: config.and_then(|config| classes::version(view.plugins, config)),
            tasks: assigned.tasks.iter().map(|task| (*task, state_of(*task))).collect(),
        });
    }
    known
}
