//! The least settings that unit tests of any room start from: a worker and a Kusto sink that reach nobody.
//!
//! Only in test builds. A test says what it is about in the pairs it adds; what it adds wins.

use super::WorkerConfig;
use crate::configdef::ConnectorProperties;
use crate::kusto::KustoConnector;
use crate::kusto::config::KustoSinkConfig;
use crate::plugins::{BUILT_IN, SinkConnectorConfig};
use std::any::Any;

/// A worker of the environment: `more` are names of variables and their values.
pub(crate) fn worker(more: &[(&str, &str)]) -> WorkerConfig {
    let least = [
        ("BOOTSTRAP_SERVERS", "127.0.0.1:1"),
        ("GROUP_ID", "g"),
        ("CONFIG_STORAGE_TOPIC", "c"),
        ("OFFSET_STORAGE_TOPIC", "o"),
        ("STATUS_STORAGE_TOPIC", "s"),
    ];
    let kept = least.iter().filter(|(name, _)| more.iter().all(|(other, _)| other != name));
    WorkerConfig::load(&BUILT_IN, None, kept.chain(more).map(own).collect::<Vec<_>>()).unwrap()
}

/// A Kusto sink named `sink` that reads the topic `t`; its tables are the caller's.
pub(crate) fn sink(more: &[(&str, &str)]) -> SinkConnectorConfig {
    let least = [
        ("name", "sink"),
        ("connector.class", "com.microsoft.azure.kusto.kafka.connect.sink.KustoSinkConnector"),
        ("topics", "t"),
        ("kusto.ingestion.url", "http://127.0.0.1:1"),
        ("kusto.query.url", "http://127.0.0.1:1"),
    ];
    let all = least.iter().chain(more).map(own).map(|(key, value)| (key, Some(value)));
    BUILT_IN.parse(&all.collect::<ConnectorProperties>(), &worker(&[])).unwrap()
}

/// A Kusto sink as [`sink`], for tests of what is no business of a sink: it writes texts to one table, and asks nobody before.
pub(crate) fn sink_of_texts(more: &[(&str, &str)]) -> SinkConnectorConfig {
    let least = [
        ("value.converter", "org.apache.kafka.connect.storage.StringConverter"),
        ("kusto.validation.table.enable", "false"),
        ("kusto.tables.topics.mapping", "[{'topic': 't', 'db': 'd', 'table': 'T', 'format': 'txt'}]"),
    ];
    sink(&[&least[..], more].concat())
}

fn own((key, value): &(&str, &str)) -> (String, String) {
    ((*key).to_owned(), (*value).to_owned())
}

/// What the Kusto class made of a connector's settings.
pub(crate) fn kusto_of(config: &SinkConnectorConfig) -> &KustoSinkConfig {
    let connector: &dyn Any = &*config.sink;
    connector.downcast_ref::<KustoConnector>().expect("a Kusto sink").config()
}
