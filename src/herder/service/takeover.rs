//! After a worker that crashed: its members still stand in the consumer groups of its connectors, and Kafka gives their
//! partitions to nobody until their sessions end. That is said, with the moment.
//!
//! It only looks and tells; the groups recover by themselves.

use super::state::Service;
use crate::config::WorkerConfig;
use crate::configdef::ConnectorProperties;
use crate::herder::offsets::group_of;
use crate::kafka;
use crate::membership::Assignment;
use crate::status::State;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Members of our own have joined by then.
const PAUSE: Duration = Duration::from_secs(2);

/// A connector whose group is looked at.
struct Suspect {
    name: Arc<str>,
    config: Arc<ConnectorProperties>,
    /// Workers that have tasks of it, each with one member in the group.
    workers: usize,
}

impl Service {
    /// Connectors that ran somewhere when this worker started: whoever ran them may have crashed.
    pub(super) fn look_for_the_dead_after_start(&mut self) {
        let ran = |name: &Arc<str>| {
            let mut tasks = self.statuses.of_tasks(name);
            tasks.any(|state| !matches!(state, State::Unassigned | State::Stopped))
        };
        let names: Vec<Arc<str>> =
            self.topic.state().connectors().filter(|name| ran(name)).cloned().collect();
        self.look_for_the_dead(names);
    }

    /// What ran on workers that are gone.
    pub(super) fn look_for_the_dead_of(&mut self, gone: &BTreeSet<Arc<str>>, before: &Assignment) {
        let ran =
            |name: &&Arc<str>| gone.iter().any(|worker| !before.assigned_to(worker, name).tasks.is_empty());
        let names = self.topic.state().connectors().filter(ran).cloned().collect();
        self.look_for_the_dead(names);
    }

    fn look_for_the_dead(&mut self, names: Vec<Arc<str>>) {
        while self.lookups.try_join_next().is_some() {}
        let suspects: Vec<Suspect> = names.into_iter().filter_map(|name| self.suspect(name)).collect();
        if suspects.is_empty() {
            return;
        }
        let worker = self.options.config.clone();
        let seen = OffsetDateTime::now_utc();
        self.lookups.spawn(async move {
            tokio::time::sleep(PAUSE).await;
            for suspect in &suspects {
                if let Err(error) = tell(suspect, &worker, seen).await {
                    tracing::debug!(connector = %suspect.name, %error, "its consumer group cannot be looked up");
                }
            }
        });
    }

    /// The connector, if this worker waits for its group.
    fn suspect(&self, name: Arc<str>) -> Option<Suspect> {
        if self.cluster.own_assignment(&name).tasks.is_empty() {
            return None;
        }
        let workers = self.cluster.workers_of(&name);
        let config = self.topic.state().config(&name)?.clone();
        Some(Suspect { name, config, workers })
    }
}

async fn tell(suspect: &Suspect, worker: &WorkerConfig, seen: OffsetDateTime) -> Result<(), kafka::Error> {
    let Suspect { name, config, workers } = suspect;
    let group = group_of(name, config, worker)?;
    let members = group.members().await?;
    if members.len() <= *workers {
        return Ok(());
    }
    let hosts: BTreeSet<&str> = members.iter().map(|member| member.host.as_str()).collect();
    let session = kafka::settings::session_timeout(worker, config)?;
    let until = (seen + session).format(&Rfc3339).unwrap_or_default();
    tracing::warn!(
        connector = %name, group = group.group(), members = members.len(), workers, ?hosts, until,
        "the consumer group still holds members of a worker that is gone: their partitions stand still until Kafka lets them \
         go, at the latest then (consumer.session.timeout.ms)"
    );
    Ok(())
}
