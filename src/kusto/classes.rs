//! The Kusto classes: their rows, and what a connector's settings make of them.

use super::describe;
use super::refusal;
use super::sink::{KustoSink, target_of};
use crate::checkup::Inspection;
use crate::kusto::config::{KustoSinkConfig, fabric, sink};
use crate::kusto::follow::{ClusterIdentity, FollowedConnector, Followers};
use crate::kusto::ingest::{self, EndListener, HttpPools, ManagedIngestClient, Target};
use crate::sink::{
    AuditSubject, Description, Error, Examination, OwnDeadLetterTopic, SinkClass, SinkConnector, SinkContext,
    SinkTask, Supplied, TargetAuditor, Topics,
};
use std::sync::Arc;

/// Azure Data Explorer's connector.
pub static KUSTO: SinkClass = SinkClass {
    class: "com.microsoft.azure.kusto.kafka.connect.sink.KustoSinkConnector",
    task_class: "com.microsoft.azure.kusto.kafka.connect.sink.KustoSinkTask",
    version: "5.3.1",
    keys: sink::keys,
    build: |settings, problems| KustoConnector::shared(sink::build(settings, problems)),
    warnings: sink::warnings,
};

/// Fabric's connector for eventhouses.
pub static FABRIC: SinkClass = SinkClass {
    class: "com.microsoft.fabric.connect.eventhouse.sink.FabricSinkConnector",
    task_class: "com.microsoft.fabric.connect.eventhouse.sink.EventHouseSinkTask",
    version: "1.3.1",
    keys: fabric::keys,
    build: |settings, problems| KustoConnector::shared(fabric::build(settings, problems)),
    warnings: sink::warnings,
};

/// A connector of one of the classes. Their rows have made the settings alike.
#[derive(Debug)]
pub struct KustoConnector(KustoSinkConfig);

impl KustoConnector {
    fn shared(config: Option<KustoSinkConfig>) -> Option<Arc<dyn SinkConnector>> {
        Some(Arc::new(Self(config?)))
    }

    /// Where records go, as far as that is known before any topic is.
    fn targets(&self, topics: &Topics) -> Vec<Target> {
        let mapping = &self.0.mapping;
        let of_list = match topics {
            Topics::List(topics) => topics.iter().filter_map(|topic| mapping.get(topic)).collect(),
            Topics::Regex(_) => Vec::new(),
        };
        let mut all: Vec<Target> = Vec::new();
        for target in mapping.fixed().chain(of_list).map(|mapping| target_of(&mapping)) {
            if !all.contains(&target) {
                all.push(target);
            }
        }
        all
    }

    /// Its settings.
    pub fn config(&self) -> &KustoSinkConfig {
        &self.0
    }
}

impl SinkConnector for KustoConnector {
    fn task(&self, name: &Arc<str>, context: &SinkContext) -> Result<Arc<dyn SinkTask>, Error> {
        let counts = context.counts(name);
        let pools = context.shared::<HttpPools>();
        let client = ManagedIngestClient::new(&self.0, name, &pools, counts.clone())?;
        let followed = self.0.outcome.map(|settings| {
            let identity = ClusterIdentity::of(&self.0, name);
            let asking = (settings, client.reader());
            let followers = context.shared::<Followers>();
            let followed = FollowedConnector::new(followers, identity, name, asking, counts.clone());
            let followed = Arc::new(followed);
            client.tell_ends(Arc::clone(&followed) as Arc<dyn EndListener>);
            followed
        });
        let sink = KustoSink::new(Arc::clone(name), self.0.clone(), Arc::new(client)).counting(counts);
        Ok(Arc::new(match followed {
            Some(followed) => sink.following(followed),
            None => sink,
        }))
    }

    fn examine(&self, examination: &Examination<'_>, context: &SinkContext) -> Vec<Inspection> {
        let subject = ingest::Subject {
            config: &self.0,
            connector: examination.connector,
            targets: self.targets(examination.topics),
            row_into: examination.row_into.and_then(|target| target.split_once('.')),
        };
        ingest::checks(&subject, &context.shared::<HttpPools>())
    }

    fn auditor(
        &self,
        subject: &AuditSubject<'_>,
        context: &SinkContext,
    ) -> Result<Option<Box<dyn TargetAuditor>>, Error> {
        let auditor = ingest::Auditor::new(&self.0, subject, &context.shared::<HttpPools>())?;
        Ok(Some(Box::new(auditor)))
    }

    fn own_dead_letters(&self) -> Option<OwnDeadLetterTopic> {
        refusal::policy(&self.0).own_topic().cloned()
    }

    fn describe(&self, topic: &str) -> Description {
        describe::topic(&self.0, topic)
    }

    fn supplied(&self) -> Vec<Supplied> {
        describe::supplied(&self.0)
    }

    fn writes_headers_as_texts(&self) -> bool {
        self.0.mapping.want_headers_as_columns()
    }
}
