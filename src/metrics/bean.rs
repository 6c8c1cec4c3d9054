//! Where Connect keeps a number: its beans, and what is ours beside them. Plain values.

use super::client::ClientRole;

/// The beans of Connect and of the consumers of its tasks (`connect-runtime.md` §11.1), and what is ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bean {
    /// `connect-worker-metrics`.
    Worker,
    /// `connect-worker-rebalance-metrics`.
    Rebalance,
    /// `connector-metrics`.
    Connector,
    /// `connector-task-metrics`.
    ConnectorTask,
    /// `sink-task-metrics`.
    SinkTask,
    /// `task-error-metrics`.
    TaskError,
    /// `connect-coordinator-metrics`.
    Coordinator,
    /// `app-info`.
    App,
    /// `connect-metrics`: the worker's own client.
    Client,
    /// `connect-node-metrics`.
    ClientNode,
    /// `consumer-metrics`.
    Consumer,
    /// `consumer-node-metrics`.
    ConsumerNode,
    /// `producer-metrics`.
    Producer,
    /// `producer-node-metrics`.
    ProducerNode,
    /// `consumer-fetch-manager-metrics`.
    Fetch,
    /// `consumer-coordinator-metrics`.
    ConsumerCoordinator,
    /// No bean: ours, below the product's prefix.
    Own,
    /// No bean: what Prometheus' clients tell of their process.
    Process,
    /// No bean: the attribute is the whole name.
    Verbatim,
}

impl Bean {
    /// Which Kafka clients tell it; none when it is no client's.
    pub(super) fn client(self) -> Option<ClientRole> {
        match self {
            Self::Client | Self::ClientNode | Self::Coordinator => Some(ClientRole::Worker),
            Self::Consumer | Self::ConsumerNode | Self::ConsumerCoordinator | Self::Fetch => {
                Some(ClientRole::Consumer)
            }
            Self::Producer | Self::ProducerNode => Some(ClientRole::Producer),
            _ => None,
        }
    }
}
