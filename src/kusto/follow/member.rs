//! What a follower knows of a connector, and what it is told by its sink.

use super::cluster::AskCluster;
use super::taken::TakenBatch;
use crate::id::BatchId;
use crate::kusto::config::{KustoSinkConfig, OutcomeSettings};
use crate::kusto::ingest::PostedEnd;
use crate::metrics::SinkCounts;
use crate::sink::BatchNews;
use std::sync::Arc;
use time::OffsetDateTime;
use tokio::sync::{mpsc, watch};
use url::Url;

/// An ADX cluster as one principal sees it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClusterIdentity {
    ingestion: Url,
    query: Url,
    who: String,
}

impl ClusterIdentity {
    /// Of the cluster that the settings of `connector` name. Who cannot be told apart from others is nobody else.
    pub fn of(config: &KustoSinkConfig, connector: &str) -> Self {
        let who = config.sign_in.identity();
        let who = who.unwrap_or_else(|| format!("connector {connector}"));
        Self { ingestion: config.ingestion_url.clone(), query: config.query_url.clone(), who }
    }
}

/// What a follower knows of one run of a connector.
pub(super) struct Member {
    pub(super) connector: Arc<str>,
    pub(super) settings: OutcomeSettings,
    pub(super) cluster: Arc<dyn AskCluster>,
    pub(super) counts: SinkCounts,
    /// Who wants to hear; closed when the run is over.
    pub(super) listener: watch::Receiver<Option<mpsc::Sender<BatchNews>>>,
}

impl Member {
    /// The run is not over.
    pub(super) fn is_live(&self) -> bool {
        self.listener.has_changed().is_ok()
    }

    /// Who wants to hear, as long as somebody does.
    pub(super) fn listening(&self) -> Option<mpsc::Sender<BatchNews>> {
        self.listener.borrow().clone().filter(|listener| !listener.is_closed())
    }
}

/// What happened in a run of a connector.
pub(super) enum RunNews {
    /// The service took a batch.
    Took(TakenBatch),
    /// Somebody began to listen.
    Listens,
    /// The service told of one batch alone what became of it.
    Ended(BatchId, PostedEnd),
}

/// What a follower is told.
pub(super) struct FollowOrder {
    pub(super) member: Arc<Member>,
    pub(super) what: RunNews,
    /// When it was handed over.
    pub(super) at: OffsetDateTime,
}
