//! `kusto-connect migrate --check`: what would happen if this worker took over an existing Connect cluster.
//!
//! It reads the cluster's storage topics, its group and the consumer groups of its connectors, and writes nothing: no
//! topic is made, no group is joined, no record is written. It may run while the cluster is at work.

mod differences;
mod report;

use crate::config::WorkerConfig;
use crate::configdef::ConnectorProperties;
use crate::herder::{checked, group_of};
use crate::kafka::admin::{Admin, StorageTopicSpec};
use crate::kafka::{self, log::KafkaBasedLog};
use crate::plugins::{ConfigInfos, Plugins};
use crate::storage::{
    self, ClusterConfigState, ConfigTopic, KafkaConfigBackingStore, KafkaStatusBackingStore, StatusTopic,
    storage_topics,
};
use std::sync::Arc;

pub use report::{ClusterGroup, ConnectorReport, Report, Topic, Verdict};

/// Why the cluster cannot be looked at.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Kafka cannot be asked.
    #[error("{0}; check bootstrap.servers and the Kafka security settings")]
    Kafka(#[from] kafka::Error),
    /// A storage topic cannot be read.
    #[error("{0}")]
    Storage(#[from] storage::Error),
    /// There is no cluster of that name.
    #[error(
        "the config topic {topic} does not exist, so there is nothing to take over; check config.storage.topic and \
         bootstrap.servers={bootstrap}"
    )]
    NoCluster {
        /// The topic that was looked for.
        topic: String,
        /// Where it was looked for.
        bootstrap: String,
    },
}

/// Looks at the cluster that `worker` would belong to.
pub async fn check(plugins: Plugins, worker: Arc<WorkerConfig>) -> Result<Report, Error> {
    let admin = Admin::new(&worker)?;
    let [offsets, statuses, configs] = storage_topics(&worker);
    let (config_topic, state) = read_configs(&admin, &worker, configs).await?;
    let (status_topic, statuses) = read_statuses(&admin, &worker, statuses).await?;
    let offset_topic = look_at(&admin, offsets).await?;
    let mut connectors = Vec::new();
    for name in state.connectors() {
        connectors.push(connector((plugins, &worker), &state, statuses.as_ref(), name).await);
    }
    let group = admin.describe_group(&worker.group_id).await.map(ClusterGroup::from);
    Ok(Report {
        group_id: worker.group_id.clone(),
        bootstrap: worker.bootstrap_servers.clone(),
        group: group.map_err(|error| error.to_string()),
        topics: [config_topic, status_topic, offset_topic],
        connectors,
    })
}

async fn look_at(admin: &Admin, spec: StorageTopicSpec<'_>) -> Result<Topic, Error> {
    let name = spec.topic.name.clone();
    Ok(Topic { partitions: admin.find(&name).await?, problem: admin.objection(spec).await?, name })
}

async fn read_configs(
    admin: &Admin,
    worker: &WorkerConfig,
    spec: StorageTopicSpec<'_>,
) -> Result<(Topic, ClusterConfigState), Error> {
    let topic = look_at(admin, spec).await?;
    if topic.partitions.is_none() {
        return Err(Error::NoCluster { topic: topic.name, bootstrap: worker.bootstrap_servers.clone() });
    }
    let log = KafkaBasedLog::open(worker, &topic.name, "migrate-configs", 1, None)?;
    let read = ConfigTopic::open(Box::new(KafkaConfigBackingStore::new(log))).await?;
    Ok((topic, read.state().clone()))
}

async fn read_statuses(
    admin: &Admin,
    worker: &WorkerConfig,
    spec: StorageTopicSpec<'_>,
) -> Result<(Topic, Option<StatusTopic>), Error> {
    let topic = look_at(admin, spec).await?;
    let Some(partitions) = topic.partitions else { return Ok((topic, None)) };
    let partitions = i32::try_from(partitions).unwrap_or(i32::MAX);
    let log = KafkaBasedLog::open(worker, &topic.name, "migrate-statuses", partitions, None)?;
    let read = StatusTopic::open(Box::new(KafkaStatusBackingStore::new(log)), "migrate".into()).await?;
    Ok((topic, Some(read)))
}

async fn connector(
    (plugins, worker): (Plugins, &WorkerConfig),
    state: &ClusterConfigState,
    statuses: Option<&StatusTopic>,
    name: &Arc<str>,
) -> ConnectorReport {
    let nothing = Arc::new(ConnectorProperties::new());
    let config = state.config(name).unwrap_or(&nothing);
    let class = config.get("connector.class").cloned().flatten().unwrap_or_default();
    let class_of = plugins.sink_of(config);
    let infos = class_of.map_or_else(ConfigInfos::default, |_| checked(plugins, config, worker));
    let verdict = match class_of {
        None => Verdict::Foreign,
        Some(_) => match infos.messages().map(str::to_owned).collect() {
            blockers if Vec::is_empty(&blockers) => Verdict::Runs,
            blockers => Verdict::Blocked(blockers),
        },
    };
    let mut differences = differences::of(config, worker);
    differences.extend(infos.warnings);
    let (group, offsets) = match group_of(name, config, worker) {
        Ok(admin) => (admin.group().to_owned(), admin.offsets().await),
        Err(error) => ("its group".to_owned(), Err(error)),
    };
    let shown = statuses.and_then(|statuses| statuses.connector(name));
    ConnectorReport {
        name: name.clone(),
        class,
        target: state.target_state(name),
        tasks: state.task_count(name),
        tasks_to_write: state.is_inconsistent(name)
            || state.applied_config(name).is_some_and(|applied| applied != config),
        state: shown.map(|status| (status.state, status.worker_id.clone())),
        differences: if verdict == Verdict::Foreign { Vec::new() } else { differences },
        verdict,
        group,
        offsets: offsets.map_err(|error| error.to_string()),
    }
}
