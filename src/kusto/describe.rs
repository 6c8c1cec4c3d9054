//! What the Kusto sinks do with records, in words (`kusto-connect explain`). Pure.

use crate::kusto::config::{
    BehaviorOnError, IngestionProtocol, KustoSinkConfig, RowLayout, Shape, TargetCheck, TopicMapping,
};
use crate::sink::{Description, Supplied};

/// What becomes of the records of `topic`.
pub(super) fn topic(config: &KustoSinkConfig, topic: &str) -> Description {
    let Some(mapping) = config.mapping.get(topic) else { return Description::default() };
    let TopicMapping { database, table, format, mapping: name, .. } = &mapping;
    let by = name.as_ref().map_or_else(
        || "columns by their order or names".to_owned(),
        |name| format!("ingestion mapping {name}"),
    );
    let steps = vec![
        ("row", row(&mapping)),
        (
            "batch",
            format!(
                "gzip, for each partition; handed over when its rows are more than {} bytes or its first is {} ms old",
                config.flush_size_bytes,
                config.flush_interval.as_millis()
            ),
        ),
        ("way", way(config, mapping.streaming)),
        (
            "signs in",
            config.sign_in.principal().map_or_else(
                || format!("by {}", config.sign_in.strategy()),
                |principal| format!("by {} as {principal}", config.sign_in.strategy()),
            ),
        ),
        ("before it starts", check(config).to_owned()),
        ("an outage", outage(config)),
        ("a refusal", refusal(config)),
    ];
    Description { target: Some(format!("table {database}.{table}, as {format}, {by}")), steps }
}

fn row(mapping: &TopicMapping) -> String {
    let form = match (mapping.layout, mapping.format.shape()) {
        (RowLayout::FabricCsv, _) => "value, key, headers and coordinates, one behind the other".to_owned(),
        (RowLayout::FabricJson { payload: true, .. }, _) => {
            "an object of payload (the value), keys, headers and kafkamd".to_owned()
        }
        (RowLayout::FabricJson { .. }, _) => "the value's members, and keys, headers and kafkamd".to_owned(),
        (RowLayout::Value, Shape::Documents) => "the value, one JSON object".to_owned(),
        (RowLayout::Value, Shape::File { .. }) if mapping.format.is_avro() => {
            "the value: a record of an Avro file, or a file of its own".to_owned()
        }
        (RowLayout::Value, Shape::File { .. }) => "the value, a file of its own".to_owned(),
        (RowLayout::Value, Shape::Lines { .. }) => {
            "the value, one line: texts and bytes as they came, structs field by field".to_owned()
        }
        (RowLayout::Value, Shape::Log) => "the value, a line of a log".to_owned(),
    };
    if mapping.columns.is_empty() {
        return form;
    }
    let columns: Vec<_> = mapping.columns.iter().map(|column| column.name.as_ref()).collect();
    format!("{form}; with {}", columns.join(", "))
}

fn way(config: &KustoSinkConfig, streams: bool) -> String {
    let KustoSinkConfig { ingestion_url, query_url, .. } = config;
    let queued = format!("a blob in the storage that {ingestion_url} lends");
    let queued = match config.protocol {
        IngestionProtocol::Queued => format!("{queued}, and a message in its queue"),
        IngestionProtocol::V2 => format!("{queued}, and a posting by REST"),
        IngestionProtocol::Auto => {
            format!("{queued}, and a posting by REST or a message in its queue, as it prefers")
        }
    };
    let proxy = config.proxy.as_ref().map(|proxy| format!(", by the proxy {proxy}")).unwrap_or_default();
    if streams {
        return format!(
            "to the engine at {query_url} (streaming), and where it does not take a batch: {queued}{proxy}"
        );
    }
    format!("{queued}{proxy}; rows are seen when the service's batching policy says so")
}

fn check(config: &KustoSinkConfig) -> &'static str {
    match config.target_check {
        TargetCheck::Off => "tables and mappings are not looked for",
        TargetCheck::Existence => {
            "tables and mappings are looked for; a definite \"not there\" fails the tasks"
        }
        TargetCheck::Thorough => {
            "tables, mappings, rights and streaming policies are looked at; no answer counts as a no"
        }
    }
}

fn outage(config: &KustoSinkConfig) -> String {
    let pause = config.retry_backoff.as_millis();
    match config.retry_max_time {
        None => format!("is waited for without an end, with pauses of up to {pause} ms"),
        Some(limit) => format!(
            "is waited for {} ms, with pauses of up to {pause} ms; then the task fails",
            limit.as_millis()
        ),
    }
}

fn refusal(config: &KustoSinkConfig) -> String {
    let letters = config.dead_letters.as_ref().map(|letters| format!("go to the topic {}", letters.topic));
    let dropped = || "are dropped and counted".to_owned();
    match config.behavior_on_error {
        BehaviorOnError::Fail => "of what is in a batch fails the task; nothing is dropped".to_owned(),
        BehaviorOnError::Log => {
            format!("of what is in a batch is logged; its records {}", letters.unwrap_or_else(dropped))
        }
        BehaviorOnError::Ignore => {
            format!("of what is in a batch is skipped; its records {}", letters.unwrap_or_else(dropped))
        }
    }
}

/// The addresses as they are used: completed, corrected, or taken from a connection string.
pub(super) fn supplied(config: &KustoSinkConfig) -> Vec<Supplied> {
    let address = |key, url: &url::Url| Supplied {
        key,
        value: url.to_string().trim_end_matches('/').to_owned(),
        origin: "connection.string, or the other address",
    };
    vec![address("kusto.ingestion.url", &config.ingestion_url), address("kusto.query.url", &config.query_url)]
}
