//! The time before the herder is ready: the stores are opened, the status and the config topic are read.
//!
//! A JVM worker that finds no Kafka ends. Ours keeps trying and says so, in the log and in `/health`: a worker that is
//! started together with its brokers then needs nobody to start it again. Only what waiting does not help ends it.

use super::state::{HerderOptions, Publishers};
use crate::cluster_key::ClusterKey;
use crate::config::Mode;
use crate::herder::handle::now;
use crate::herder::view::{Phase, View};
use crate::kafka::topic_watch::TopicWatch;
use crate::membership::{ClusterView, MemberState, Membership};
use crate::retry::Backoff;
use crate::storage::{self, ConfigTopic, StatusTopic};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Between two tries; librdkafka itself waits for brokers within each.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// Long enough for a log that can be read, short enough to be there soon after the brokers.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// What is read and written.
pub(super) struct Opened {
    pub(super) topic: ConfigTopic,
    pub(super) status: StatusTopic,
    pub(super) watch: Option<TopicWatch>,
}

/// All that the loop works with.
pub(super) struct Started {
    pub(super) opened: Opened,
    pub(super) membership: Membership,
    pub(super) view: Arc<ClusterView>,
    pub(super) trouble: Option<Arc<str>>,
}

/// Opens the stores, then joins the cluster; waits for both as long as it takes.
pub(super) async fn start(
    options: &HerderOptions,
    publishers: &Publishers,
) -> Result<Started, storage::Error> {
    let publisher = &publishers.view;
    let opened = open(options, publisher).await?;
    publishers.keys.send_replace(Arc::new(opened.topic.state().keys().clone()));
    let mut membership = options.cluster.join(opened.status.max_generation(), publishers.keys.subscribe());
    loop {
        match membership.state() {
            MemberState::In { view, trouble } => return Ok(Started { opened, membership, view, trouble }),
            MemberState::Joining(words) => starting(publisher, words),
        }
        membership.changed().await;
    }
}

/// Opens the stores, trying again as long as that may help.
async fn open(
    options: &HerderOptions,
    publisher: &watch::Sender<Arc<View>>,
) -> Result<Opened, storage::Error> {
    let bootstrap = &options.config.bootstrap_servers;
    let (topic, statuses) = (&options.config.config_topic.name, &options.config.status_topic.name);
    let opening = match options.config.mode {
        Mode::Distributed => format!("opening the status topic {statuses} and the config topic {topic}"),
        Mode::Standalone => "asking Kafka for its cluster".to_owned(),
    };
    let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE, u64::from(std::process::id()));
    let mut stage = format!("{opening} (bootstrap.servers={bootstrap})");
    loop {
        starting(publisher, stage);
        let error = match try_open(options, publisher).await {
            Ok(opened) => {
                tracing::info!(
                    topic,
                    connectors = opened.topic.state().connectors().count(),
                    "the stores are open"
                );
                return Ok(opened);
            }
            Err(error) if !error.is_retriable() => return Err(error),
            Err(error) => error,
        };
        let pause = backoff.next_pause();
        tracing::warn!(%error, bootstrap, attempts = backoff.attempts(), pause_ms = pause.as_millis(),
            "cannot open the stores yet; check bootstrap.servers and the Kafka security settings; trying again");
        stage = format!("waiting for Kafka (bootstrap.servers={bootstrap}): {error}");
        starting(publisher, stage.clone());
        tokio::time::sleep(pause).await;
    }
}

async fn try_open(
    options: &HerderOptions,
    publisher: &watch::Sender<Arc<View>>,
) -> Result<Opened, storage::Error> {
    let stores = options.stores.open().await?;
    publisher.send_modify(|view| Arc::make_mut(view).cluster_id.clone_from(&stores.cluster_id));
    let status = StatusTopic::open(stores.status, options.worker_id.clone());
    let (status, mut topic) = tokio::try_join!(status, ConfigTopic::open(stores.config))?;
    if options.cluster.needs_key() && topic.state().keys().current().is_none() {
        let key = ClusterKey::generate().map_err(|error| storage::Error::Key(error.to_string()))?;
        topic.put_key(key).await?;
        tracing::info!("wrote a key for the workers of the cluster into the config topic");
    }
    Ok(Opened { topic, status, watch: stores.watch })
}

fn starting(publisher: &watch::Sender<Arc<View>>, stage: String) {
    publisher.send_modify(|view| Arc::make_mut(view).phase = Phase::Starting(stage, now()));
}
