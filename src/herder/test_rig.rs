//! A herder over memory stores and a runner that only notes its orders, for unit tests.

use super::fake_runner::FakeRunner;
use super::{ConnectorStatus, Ended, Herder, HerderOptions};
use crate::configdef::ConnectorProperties;
use crate::membership::Cluster;
use crate::metrics::Metrics;
use crate::plugins::BUILT_IN;
use crate::status::State;
use crate::storage::contract_tests::worker_config;
use crate::storage::{MemoryStores, OpenStores};
use crate::telemetry::{Filter, Level, Loggers};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub(super) struct Rig {
    pub(super) herder: Herder,
    pub(super) runner: Arc<FakeRunner>,
    pub(super) stores: MemoryStores,
    pub(super) stop: CancellationToken,
    pub(super) ended: JoinHandle<Ended>,
}

pub(super) fn rig(stores: &MemoryStores) -> Rig {
    rig_over(stores, Arc::new(stores.clone()))
}

pub(super) fn rig_over(stores: &MemoryStores, opened: Arc<dyn OpenStores>) -> Rig {
    let (runner, events) = FakeRunner::new();
    let config = Arc::new(worker_config("none:0"));
    let (loggers, govern) = Loggers::new(Filter::detached(Level::Info));
    drop(TaskTracker::new().spawn(govern));
    let cluster = Cluster::Alone { url: "http://w:8083/".into() };
    let options = HerderOptions {
        plugins: BUILT_IN,
        config,
        worker_id: "w:8083".into(),
        loggers,
        metrics: Metrics::default(),
        stores: opened,
        runner: runner.clone(),
        events,
        cluster,
    };
    let stop = CancellationToken::new();
    let (herder, run) = options.build(stop.clone());
    let ended = TaskTracker::new().spawn(run);
    Rig { herder, runner, stores: stores.clone(), stop, ended }
}

pub(crate) fn sink(tasks: &str) -> ConnectorProperties {
    let pairs = [
        ("connector.class", "com.microsoft.azure.kusto.kafka.connect.sink.KustoSinkConnector"),
        ("tasks.max", tasks),
        ("topics", "t"),
        (
            "kusto.tables.topics.mapping",
            "[{'topic': 't', 'db': 'd', 'table': 'T', 'format': 'csv', 'mapping': 'm'}]",
        ),
        ("kusto.ingestion.url", "https://localhost:8443"),
        ("kusto.query.url", "https://localhost:8443"),
        ("aad.auth.strategy", "AZ_DEV_TOKEN"),
        ("aad.auth.accesstoken", "x"),
        ("key.converter", "org.apache.kafka.connect.storage.StringConverter"),
        ("value.converter", "org.apache.kafka.connect.storage.StringConverter"),
    ];
    pairs.into_iter().map(|(key, value)| (key.to_owned(), Some(value.to_owned()))).collect()
}

impl Rig {
    /// Waits until the status of `name` is as `right` wants it.
    pub(super) async fn wait(
        &self,
        name: &str,
        right: impl Fn(&ConnectorStatus) -> bool,
    ) -> Arc<ConnectorStatus> {
        let mut view = self.herder.published.0.clone();
        let seen = view.wait_for(|view| view.statuses.get(name).is_some_and(|status| right(status)));
        let seen = tokio::time::timeout(Duration::from_secs(10), seen).await;
        seen.unwrap_or_else(|_| panic!("{:?}", self.herder.published.0.borrow().statuses)).unwrap().statuses
            [name]
            .clone()
    }

    pub(super) async fn wait_state(&self, name: &str, state: State, tasks: usize) {
        self.wait(name, |status| {
            status.connector.state == state
                && status.tasks.len() == tasks
                && status.tasks.iter().all(|task| task.state.state == state)
        })
        .await;
    }

    pub(super) fn keys(&self) -> Vec<String> {
        self.stores.config.records().into_iter().map(|(key, _)| key).collect()
    }

    pub(super) async fn stop(self) -> bool {
        self.stop.cancel();
        match self.ended.await.unwrap() {
            Ended::Stopped { drained } => drained,
            Ended::Failed(error) => panic!("{error}"),
        }
    }
}
