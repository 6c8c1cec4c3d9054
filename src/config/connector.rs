//! A sink connector's settings, typed.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::Hidden;
use super::errors::Problems;
use super::redact::Redacted;
use super::validate::with_prefix;
use super::values::Values;
use super::{
    ConfigErrors, ConnectorClass, ConnectorProperties, KustoSinkConfig, Properties, WorkerConfig, validate,
};
use crate::data::java_regex::JavaRegex;

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

/// What happens to records that get no further (`errors.*`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorHandling {
    /// `errors.tolerance=all`: they are passed over.
    pub tolerate: bool,
    /// `errors.log.enable` and `errors.log.include.messages`.
    pub log: ErrorLog,
    /// `errors.deadletterqueue.topic.name`, when there is one.
    pub dead_letters: Option<DeadLetterConfig>,
    /// `errors.retry.timeout`: how long what may pass is tried again; none means without end.
    pub retry_for: Option<Duration>,
    /// `errors.retry.delay.max.ms`.
    pub longest_pause: Duration,
}

/// What is logged of a bad record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorLog {
    /// Nothing.
    Off,
    /// What failed.
    Errors,
    /// That, and which record it was.
    WithRecord,
}

/// The dead-letter topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetterConfig {
    /// Its name.
    pub topic: String,
    /// Its replication factor if it has to be made.
    pub replication_factor: i16,
    /// `errors.deadletterqueue.context.headers.enable`.
    pub context_headers: bool,
}

/// What a connector reads.
#[derive(Debug, Clone)]
pub enum Topics {
    /// These topics.
    List(Vec<String>),
    /// Every topic whose whole name matches.
    Regex(JavaRegex),
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
    /// The connector's own header converter, or the worker's; texts for headers as columns where neither is written.
    pub header_converter: ConverterConfig,
    /// `transforms`, `predicates` and all below them, with their names.
    pub transforms: Properties,
    /// What happens to bad records.
    pub errors: ErrorHandling,
    /// `consumer.override.*` without the prefix.
    pub consumer_overrides: Properties,
    /// `producer.override.*` without the prefix.
    pub producer_overrides: Properties,
    /// `admin.override.*` without the prefix.
    pub admin_overrides: Properties,
    /// What belongs to the Kusto sink.
    pub kusto: KustoSinkConfig,
    /// Its secrets and the worker's, and values that came from config providers; they must not be in messages.
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
            .field("header_converter", &self.header_converter)
            .field("transforms", &Redacted(&self.transforms))
            .field("errors", &self.errors)
            .field("consumer_overrides", &Redacted(&self.consumer_overrides))
            .field("producer_overrides", &Redacted(&self.producer_overrides))
            .field("admin_overrides", &Redacted(&self.admin_overrides))
            .field("kusto", &self.kusto)
            .field("hidden", &self.hidden)
            .finish()
    }
}

fn errors(values: &Values<'_>) -> Option<ErrorHandling> {
    let topic = values.filled("errors.deadletterqueue.topic.name");
    let replication_factor =
        values.number("errors.deadletterqueue.topic.replication.factor")?.try_into().ok()?;
    let context_headers = values.flag("errors.deadletterqueue.context.headers.enable")?;
    let log = match (values.flag("errors.log.enable")?, values.flag("errors.log.include.messages")?) {
        (false, _) => ErrorLog::Off,
        (true, false) => ErrorLog::Errors,
        (true, true) => ErrorLog::WithRecord,
    };
    Some(ErrorHandling {
        tolerate: values.text("errors.tolerance")? == "all",
        log,
        dead_letters: topic.map(|topic| DeadLetterConfig {
            topic: topic.to_owned(),
            replication_factor,
            context_headers,
        }),
        // -1 stands for no end, as other negative numbers do in Connect's arithmetic.
        retry_for: values.number("errors.retry.timeout")?.try_into().ok().map(Duration::from_millis),
        longest_pause: Duration::from_millis(values.unsigned("errors.retry.delay.max.ms").unwrap_or(0)),
    })
}

/// `list` and the keys below it.
fn below(written: &Properties, list: &str) -> Properties {
    let prefix = format!("{list}.");
    let is_meant = |key: &str| key == list || key.starts_with(&prefix);
    written.iter().filter(|(key, _)| is_meant(key)).map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// The converter of headers that are written as columns, unless one is asked for.
const TEXTS: &str = "org.apache.kafka.connect.storage.StringConverter";

/// The typed settings from read values.
pub(super) fn build(
    class: &'static ConnectorClass,
    values: &Values<'_>,
    written: &Properties,
    (worker, problems): (&WorkerConfig, &mut Problems),
) -> Option<SinkConnectorConfig> {
    let topics = topics(values);
    let kusto = (class.build)(values, topics.as_ref(), worker, problems);
    let converter = |side: &str, of_worker: &ConverterConfig| {
        let key = format!("{side}.converter");
        if !written.contains_key(&key) {
            return Some(of_worker.clone());
        }
        let mut settings = with_prefix(written, &format!("{key}."));
        settings.remove("plugin.version");
        Some(ConverterConfig { class: values.text(&key)?.to_owned(), settings })
    };
    let kusto = kusto?;
    let asked = written.contains_key("header.converter") || worker.all.contains_key("header.converter");
    let header_converter = if kusto.mapping.want_headers_as_columns() && !asked {
        // Connect's own default reads types into texts: of `000123` only a number would be left.
        ConverterConfig { class: TEXTS.to_owned(), settings: Properties::new() }
    } else {
        converter("header", &worker.header_converter)?
    };
    Some(SinkConnectorConfig {
        name: values.filled("name")?.into(),
        class,
        tasks_max: u32::try_from(values.number("tasks.max")?).ok()?,
        topics: topics?,
        key_converter: converter("key", &worker.key_converter)?,
        value_converter: converter("value", &worker.value_converter)?,
        header_converter,
        transforms: ["transforms", "predicates"].iter().flat_map(|list| below(written, list)).collect(),
        errors: errors(values)?,
        consumer_overrides: with_prefix(written, "consumer.override."),
        producer_overrides: with_prefix(written, "producer.override."),
        admin_overrides: with_prefix(written, "admin.override."),
        kusto,
        hidden: Hidden::default(),
    })
}

fn topics(values: &Values<'_>) -> Option<Topics> {
    let list = values.list("topics");
    if !list.is_empty() {
        return Some(Topics::List(list.to_vec()));
    }
    let pattern = values.filled("topics.regex")?;
    // A wrong one was said by its key's check.
    JavaRegex::new(pattern).ok().map(Topics::Regex)
}
