//! The workers of the cluster as this one sees them. Answered from the published view, at once.

use super::handle::Herder;
use std::sync::Arc;

/// A worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownWorker {
    /// Its advertised URL.
    pub url: Arc<str>,
    /// It writes the config topic.
    pub leads: bool,
    /// It is this one.
    pub is_this: bool,
    /// Connectors that it has itself.
    pub connectors: usize,
    /// Tasks that it has.
    pub tasks: usize,
}

impl Herder {
    /// All workers, by URL; none before this one is in its cluster.
    pub fn workers(&self) -> Vec<KnownWorker> {
        let view = self.published.now();
        let Some(place) = &view.cluster else { return Vec::new() };
        let of = |url: &Arc<str>| {
            let names = view.configs.connectors();
            let all: Vec<_> = names.map(|name| place.assignment.assigned_to(url, name)).collect();
            KnownWorker {
                url: Arc::clone(url),
                leads: *url == place.view.leader,
                is_this: *url == place.url,
                connectors: all.iter().filter(|one| one.instance).count(),
                tasks: all.iter().map(|one| one.tasks.len()).sum(),
            }
        };
        place.view.members.iter().map(of).collect()
    }

    /// The URLs of all workers but this one.
    pub fn other_workers(&self) -> Vec<Arc<str>> {
        let view = self.published.now();
        let place = view.cluster.iter();
        place.flat_map(|place| place.view.members.iter().filter(|url| **url != place.url).cloned()).collect()
    }
}
