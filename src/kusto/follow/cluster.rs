//! What a cluster is asked by those who follow: a trait, so that tests can be the cluster.

use crate::kusto::ingest::{self, ClusterReader, GotMessage, SasUrl, Table};
use crate::kusto::outcome::queue::{QueueReceipt, QueuedReport};
use async_trait::async_trait;
use std::time::Duration;

/// The command's name in errors.
const OPERATION: &str = "show ingestion failures";

/// What a cluster is asked.
#[async_trait]
pub(super) trait AskCluster: Send + Sync {
    /// The first table of the answer to `command` in `database`.
    async fn ask(&self, database: &str, command: &str) -> Result<Table, ingest::Error>;

    /// How long batches of a table are gathered.
    async fn batching_time(&self, database: &str, table: &str) -> Result<Duration, ingest::Error>;

    /// The addresses of its failure queues.
    async fn failure_queues(&self) -> Result<Vec<SasUrl>, ingest::Error>;

    /// The names of the first messages of one.
    async fn peek_failures(&self, queue: &SasUrl) -> Result<Vec<String>, ingest::Error>;

    /// The first messages of one, hidden from others for so long.
    async fn get_failures(
        &self,
        queue: &SasUrl,
        hidden: Duration,
    ) -> Result<Vec<QueuedReport>, ingest::Error>;

    /// Deletes one.
    async fn delete_failure(&self, queue: &SasUrl, receipt: &QueueReceipt) -> Result<(), ingest::Error>;

    /// KQL that gives the right to ask.
    fn monitor_role(&self, database: &str) -> String;

    /// Its address, for messages.
    fn address(&self) -> String;
}

#[async_trait]
impl AskCluster for ClusterReader {
    async fn ask(&self, database: &str, command: &str) -> Result<Table, ingest::Error> {
        Self::ask(self, OPERATION, database, command).await
    }

    async fn batching_time(&self, database: &str, table: &str) -> Result<Duration, ingest::Error> {
        Self::batching_time(self, database, table).await
    }

    async fn failure_queues(&self) -> Result<Vec<SasUrl>, ingest::Error> {
        self.failures().all().await
    }

    async fn peek_failures(&self, queue: &SasUrl) -> Result<Vec<String>, ingest::Error> {
        self.failures().peek(queue).await
    }

    async fn get_failures(
        &self,
        queue: &SasUrl,
        hidden: Duration,
    ) -> Result<Vec<QueuedReport>, ingest::Error> {
        let got = self.failures().get(queue, hidden).await?;
        let report = |GotMessage { message, receipt, text }| QueuedReport { message, receipt, text };
        Ok(got.into_iter().map(report).collect())
    }

    async fn delete_failure(&self, queue: &SasUrl, receipt: &QueueReceipt) -> Result<(), ingest::Error> {
        self.failures().delete(queue, &receipt.message, &receipt.receipt).await
    }

    fn monitor_role(&self, database: &str) -> String {
        Self::monitor_role(self, database)
    }

    fn address(&self) -> String {
        self.url()
    }
}
