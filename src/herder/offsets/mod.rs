//! A connector's offsets over REST: those of its consumer group, read at any time, changed only while it is stopped.
//!
//! The loop is not asked: the leader's published view says what may be done, and Kafka itself refuses to change the offsets of a
//! group that still has members. So a slow broker holds up nobody else (`connect-runtime.md` §1.13).

mod request;

use super::request::deadline;
use super::view::View;
use super::{Error, Herder, classes, leading};
use crate::config::{WorkerConfig, files};
use crate::configdef::{ConnectorProperties, Properties};
use crate::id::TopicPartition;
use crate::kafka;
use crate::kafka::groups::GroupAdmin;
use crate::status::TargetState;

use request::Wanted;
pub use request::{OffsetsRequest, PartitionOffset};

impl Herder {
    /// What the connector's consumer group has committed, by topic and partition.
    pub async fn offsets(&self, name: &str) -> Result<Vec<(TopicPartition, i64)>, Error> {
        let view = self.published.ready(deadline()).await?;
        let config = view.configs.config(name).ok_or_else(|| Error::connector_not_found(name))?;
        let text = || format!("Failed to retrieve consumer group offsets for sink connector {name}");
        let group = self.group(name, config).await.map_err(|error| failed(text(), &error))?;
        group.offsets().await.map_err(|error| failed(text(), &error))
    }

    /// Sets and removes committed offsets.
    pub async fn alter_offsets(&self, name: &str, request: &OffsetsRequest) -> Result<(), Error> {
        leading::lead(&self.published).await?;
        let view = self.published.ready(deadline()).await?;
        let config = changeable(&view, name)?;
        let wanted = request.wanted()?;
        let text = || format!("Failed to alter consumer group offsets for connector {name}");
        let group = self.group(name, config).await.map_err(|error| failed(text(), &error))?;
        alter(&group, wanted).await.map_err(|error| refused(name, "alter", text(), &error))
    }

    /// Removes the connector's consumer group with all that it has committed.
    pub async fn reset_offsets(&self, name: &str) -> Result<(), Error> {
        leading::lead(&self.published).await?;
        let view = self.published.ready(deadline()).await?;
        let config = changeable(&view, name)?;
        let text = || format!("Failed to reset consumer group offsets for connector {name}");
        let group = self.group(name, config).await.map_err(|error| failed(text(), &error))?;
        group.delete().await.map_err(|error| refused(name, "reset", text(), &error))
    }

    async fn group(&self, name: &str, config: &ConnectorProperties) -> Result<GroupAdmin, kafka::Error> {
        let (name, config, worker) = (name.to_owned(), config.clone(), self.config.clone());
        files::beside(move || group_of(&name, &config, &worker)).await
    }
}

/// A client for a sink connector's consumer group, with the connector's own `admin.override.*`.
pub fn group_of(
    name: &str,
    config: &ConnectorProperties,
    worker: &WorkerConfig,
) -> Result<GroupAdmin, kafka::Error> {
    let config = worker.providers.replace(config);
    let own = config
        .iter()
        .filter_map(|(key, value)| Some((key.strip_prefix("admin.override.")?.to_owned(), value.clone()?)));
    let overrides: Properties = own.collect();
    let group = group_id(name, &config, worker);
    // A config that was written by somebody else was never validated: the workers' own group holds their view.
    if kafka::settings::same_group(Some(&group), worker) {
        let reason = "this is the group of the workers themselves".to_owned();
        return Err(kafka::Error::Setting { key: "consumer.override.group.id".to_owned(), reason });
    }
    GroupAdmin::new(worker, &overrides, name, &group)
}

/// The name of that group: its own override, else the worker's, else `connect-X` (§4.1).
fn group_id(name: &str, config: &ConnectorProperties, worker: &WorkerConfig) -> String {
    let own = config.get("consumer.override.group.id").cloned().flatten();
    own.or_else(|| worker.consumer.get("group.id").cloned()).unwrap_or_else(|| format!("connect-{name}"))
}

/// The connector's config, when its offsets may be changed now.
fn changeable<'a>(view: &'a View, name: &str) -> Result<&'a ConnectorProperties, Error> {
    let config = view.configs.config(name).ok_or_else(|| Error::connector_not_found(name))?;
    // Nobody here knows whether it is a sink at all.
    classes::check(view.plugins, config)?;
    if view.configs.target_state(name) != TargetState::Stopped || view.configs.task_count(name) != 0 {
        return Err(Error::BadRequest(format!(
            "Connectors must be in the STOPPED state before their offsets can be modified. This can be done for the \
             specified connector by issuing a 'PUT' request to the '/connectors/{name}/stop' endpoint"
        )));
    }
    Ok(config)
}

async fn alter(group: &GroupAdmin, wanted: Wanted) -> Result<(), kafka::Error> {
    let set: Vec<_> = wanted.iter().filter_map(|(id, offset)| Some((id.clone(), (*offset)?))).collect();
    let removed: Vec<_> =
        wanted.into_iter().filter(|(_, offset)| offset.is_none()).map(|(id, _)| id).collect();
    group.alter(&set).await?;
    group.remove(&removed).await
}

/// The answer to a change that Kafka refused; what only the client can put right is a bad request.
fn refused(name: &str, verb: &str, text: String, error: &kafka::Error) -> Error {
    if error.is_group_in_use() {
        tracing::warn!(connector = name, %error, "offsets were not changed");
        return Error::Offsets(format!(
            "Failed to {verb} consumer group offsets for connector {name} either because its tasks haven't stopped \
             completely yet or the connector was resumed before the request to {verb} its offsets could be \
             successfully completed. If the connector is in a stopped state, this operation can be safely retried. If \
             it doesn't eventually succeed, the Connect cluster may need to be restarted to get rid of the zombie sink \
             tasks."
        ));
    }
    if error.is_unknown_partition() {
        return Error::BadRequest(format!("{text}: {error}"));
    }
    failed(text, error)
}

fn failed(text: String, error: &kafka::Error) -> Error {
    tracing::error!(%error, "{text}");
    Error::Offsets(text)
}

#[cfg(test)]
mod tests {
    use super::group_id;
    use crate::configdef::ConnectorProperties;
    use crate::storage::contract_tests::worker_config;

    #[test]
    fn the_group_is_the_connectors_own_else_the_workers_else_named_after_it() {
        let mut worker = worker_config("none:0");
        let mut config = ConnectorProperties::new();
        assert_eq!(group_id("a", &config, &worker), "connect-a");
        worker.consumer.insert("group.id".into(), "all".into());
        assert_eq!(group_id("a", &config, &worker), "all");
        config.insert("consumer.override.group.id".into(), Some("mine".into()));
        assert_eq!(group_id("a", &config, &worker), "mine");
    }
}
