//! A sink connector's settings, typed.

use std::fmt;
use std::sync::Arc;

use super::Hidden;
use super::errors::Problems;
use super::redact::Redacted;
use super::validate::with_prefix;
use super::values::Values;
use super::{
    ConfigErrors, ConnectorClass, ConnectorProperties, KustoSinkConfig, Properties, WorkerConfig,
    topic_regex, validate,
};

/// A converter and its own settings.
#[derive(Clone, PartialEq, Eq)]
pub struct ConverterConfig {
    /// The full class name; an alias in the settings is resolved.
    pub class: String,
    /// The sub-keys, without the prefix (`value.converter.schemas.enable` is `schemas.enable`).
    pub settings: Properties,
}

impl fmt::Debug for ConverterConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConverterConfig")
            .field("class", &self.class)
            .field("settings", &Redacted(&self.settings))
            .finish()
    }
}

/// What a connector reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Topics {
    /// These topics.
    List(Vec<String>),
    /// Every topic that matches: ready for librdkafka's `subscribe`, with `^` before and `$` behind.
    Regex(String),
}

/// A sink connector's settings. Cannot hold a wrong value: [`SinkConnectorConfig::parse`] is the only way to one.
#[derive(Clone)]
pub struct SinkConnectorConfig {
    /// The connector's name.
    pub name: Arc<str>,
    /// The row of its class.
    pub class: &'static ConnectorClass,
    /// `tasks.max`, at least 1.
    pub tasks_max: u32,
    /// `topics` or `topics.regex`.
    pub topics: Topics,
    /// The connector's own key converter, or the worker's.
    pub key_converter: ConverterConfig,
    /// The connector's own value converter, or the worker's.
    pub value_converter: ConverterConfig,
    /// `consumer.override.*` without the prefix.
    pub consumer_overrides: Properties,
    /// What belongs to the Kusto sink.
    pub kusto: KustoSinkConfig,
    /// Values that came from config providers; they must not be in messages.
    pub hidden: Hidden,
}

impl SinkConnectorConfig {
    /// Reads and checks `raw`; what it leaves out comes from `worker`.
    pub fn parse(raw: &ConnectorProperties, worker: &WorkerConfig) -> Result<Self, ConfigErrors> {
        let mut validation = validate::run(raw, worker);
        match validation.config.take() {
            Some(config) => Ok(config),
            None => Err(ConfigErrors::new(validation.errors())),
        }
    }
}

impl fmt::Debug for SinkConnectorConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SinkConnectorConfig")
            .field("name", &self.name)
            .field("class", &self.class)
            .field("tasks_max", &self.tasks_max)
            .field("topics", &self.topics)
            .field("key_converter", &self.key_converter)
            .field("value_converter", &self.value_converter)
            .field("consumer_overrides", &Redacted(&self.consumer_overrides))
            .field("kusto", &self.kusto)
            .field("hidden", &self.hidden)
            .finish()
    }
}

/// The typed settings from read values.
pub(super) fn build(
    class: &'static ConnectorClass,
    values: &Values<'_>,
    written: &Properties,
    (worker, problems): (&WorkerConfig, &mut Problems),
) -> Option<SinkConnectorConfig> {
    let topics = topics(values, problems);
    let kusto = (class.build)(values, topics.as_ref(), worker.insecure_http, problems);
    let converter = |side: &str, of_worker: &ConverterConfig| {
        let key = format!("{side}.converter");
        if !written.contains_key(&key) {
            return Some(of_worker.clone());
        }
        let mut settings = with_prefix(written, &format!("{key}."));
        settings.remove("plugin.version");
        Some(ConverterConfig { class: values.text(&key)?.to_owned(), settings })
    };
    Some(SinkConnectorConfig {
        name: values.filled("name")?.into(),
        class,
        tasks_max: u32::try_from(values.number("tasks.max")?).ok()?,
        topics: topics?,
        key_converter: converter("key", &worker.key_converter)?,
        value_converter: converter("value", &worker.value_converter)?,
        consumer_overrides: with_prefix(written, "consumer.override."),
        kusto: kusto?,
        hidden: Hidden::default(),
    })
}

fn topics(values: &Values<'_>, problems: &mut Problems) -> Option<Topics> {
    let list = values.list("topics");
    if !list.is_empty() {
        return Some(Topics::List(list.to_vec()));
    }
    let pattern = values.filled("topics.regex")?;
    let subscription = topic_regex::to_subscription(pattern);
    subscription.map_err(|error| problems.invalid("topics.regex", pattern, &error)).ok().map(Topics::Regex)
}
