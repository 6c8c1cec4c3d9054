//! A sink connector's settings, typed.

use super::converters::ConverterConfig;
use super::{Plugins, steps};
use crate::config::{DefaultConverter, Hidden, WorkerConfig};
use crate::configdef::def::Checked;
use crate::configdef::{ClassSettings, Problems, Properties, Redacted, Values, with_prefix};
use crate::convert::primitive;
use crate::data::java_regex::JavaRegex;
use crate::sink::{SinkClass, SinkConnector, SinkSettings, Topics};
use crate::transform::Plan;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// What happens to records that get no further (`errors.*`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorHandling {
    /// `errors.tolerance=all`: they are skipped.
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

/// A sink connector's settings. Cannot hold a wrong value: [`Plugins::parse`] is the only way to one.
#[derive(Clone)]
pub struct SinkConnectorConfig {
    /// The connector's name.
    pub name: Arc<str>,
    /// The row of its class.
    pub class: &'static SinkClass,
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
    /// `transforms`, `predicates` and all below them.
    pub transforms: Plan,
    /// What happens to bad records.
    pub errors: ErrorHandling,
    /// `consumer.override.*` without the prefix.
    pub consumer_overrides: Properties,
    /// `producer.override.*` without the prefix.
    pub producer_overrides: Properties,
    /// `admin.override.*` without the prefix.
    pub admin_overrides: Properties,
    /// What its class made of the settings.
    pub sink: Arc<dyn SinkConnector>,
    /// Its secrets and the worker's, and values that came from config providers; they must not be in messages.
    pub hidden: Hidden,
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
            .field("transforms", &self.transforms)
            .field("errors", &self.errors)
            .field("consumer_overrides", &Redacted(&self.consumer_overrides))
            .field("producer_overrides", &Redacted(&self.producer_overrides))
            .field("admin_overrides", &Redacted(&self.admin_overrides))
            .field("sink", &self.sink)
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

/// What the tables of keys have read.
#[derive(Clone, Copy)]
pub(super) struct Read<'a> {
    pub(super) checked: &'a [Checked],
    pub(super) written: &'a Properties,
    pub(super) worker: &'a WorkerConfig,
}

impl Read<'_> {
    fn values(&self) -> Values<'_> {
        Values::new(self.checked, self.written)
    }

    /// The converter of `side`: the connector's own, or the worker's.
    fn converter(&self, plugins: &Plugins, side: &str) -> Option<ConverterConfig> {
        let key = format!("{side}.converter");
        if !self.written.contains_key(&key) {
            let DefaultConverter { class, settings } = match side {
                "key" => &self.worker.key_converter,
                "value" => &self.worker.value_converter,
                _ => &self.worker.header_converter,
            };
            // They were checked when the worker started.
            return plugins.converter(side, class, settings).ok();
        }
        let row = plugins.converter_row(self.values().text(&key)?)?;
        let prefix = format!("{key}.");
        let own =
            self.checked.iter().filter(|checked| checked.key.name.starts_with(&prefix)).cloned().collect();
        Some(ConverterConfig { row, settings: ClassSettings::new(prefix, own, self.written) })
    }

    /// Connect's own default reads types into texts: of `000123` only a number would be left, where a sink writes texts.
    fn header_converter(&self, plugins: &Plugins, writes_texts: bool) -> Option<ConverterConfig> {
        let is_named = |settings: &Properties| settings.contains_key("header.converter");
        if writes_texts && !is_named(self.written) && !is_named(&self.worker.all) {
            return plugins.converter("header", primitive::STRING.class, &Properties::new()).ok();
        }
        self.converter(plugins, "header")
    }
}

/// The typed settings from read values; none when one is wrong.
pub(super) fn build(
    plugins: &Plugins,
    class: &'static SinkClass,
    read: &Read<'_>,
    problems: &mut Problems,
) -> Option<SinkConnectorConfig> {
    let (values, written) = (read.values(), read.written);
    let topics = topics(&values);
    let settings = SinkSettings { values, topics: topics.as_ref(), worker: read.worker };
    let sink = (class.build)(&settings, problems)?;
    Some(SinkConnectorConfig {
        name: values.filled("name")?.into(),
        class,
        tasks_max: u32::try_from(values.number("tasks.max")?).ok()?,
        topics: topics?,
        key_converter: read.converter(plugins, "key")?,
        value_converter: read.converter(plugins, "value")?,
        header_converter: read.header_converter(plugins, sink.writes_headers_as_texts())?,
        transforms: steps::plan(plugins, read.checked, written),
        errors: errors(&values)?,
        consumer_overrides: with_prefix(written, "consumer.override."),
        producer_overrides: with_prefix(written, "producer.override."),
        admin_overrides: with_prefix(written, "admin.override."),
        sink,
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
