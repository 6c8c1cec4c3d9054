//! Validation of a connector's settings, in Connect's order and words, and the typed settings that come out of it.
//!
//! The order of keys is the order of messages in REST answers: Connect's keys, those of transforms and predicates, the
//! sink's keys, the converters' keys (`connect-runtime.md` §1.15). What a table cannot say is checked last and noted on
//! the keys concerned.

use super::connector::{self, SinkConnectorConfig};
use super::infos::{ConfigInfo, ConfigInfos, ConfigValueInfo};
use super::{Plugins, converter_keys, overrides, rules, sizes, steps, unused};
use crate::config::{
    ClientSettings, FRAMEWORK, Hidden, Resolution, SINK_DEAD_LETTERS, WorkerConfig, custody, secrets,
};
use crate::configdef::def::{Checked, ConfigKey, DefaultValue, KeyType};
use crate::configdef::{
    CONNECT_VERSION, Classes, ConfigError, ConfigErrors, ConfigValue, ConnectorProperties, Problems,
    Properties, Values, check_table, shown, with_prefix,
};
use crate::convert::simple_header;
use crate::registry::RegistryConfig;
use crate::sink::SinkClass;
use std::borrow::Cow;
use std::collections::BTreeMap;

impl Plugins {
    /// Checks `raw` (with its `name` already put in) as a sink connector of this worker.
    pub fn validate(&self, raw: &ConnectorProperties, worker: &WorkerConfig) -> ConfigInfos {
        run(self, raw, worker).into_infos(raw)
    }

    /// Reads and checks `raw`; what it leaves out comes from `worker`.
    pub fn parse(
        &self,
        raw: &ConnectorProperties,
        worker: &WorkerConfig,
    ) -> Result<SinkConnectorConfig, ConfigErrors> {
        let mut validation = run(self, raw, worker);
        match validation.config.take() {
            Some(config) => Ok(config),
            None => Err(ConfigErrors::new(validation.errors())),
        }
    }
}

/// What came out of a validation.
#[derive(Default)]
struct Validation {
    checked: Vec<Checked>,
    /// Errors on keys that no table has.
    undefined: Vec<ConfigError>,
    /// The typed settings, when nothing is wrong.
    config: Option<SinkConnectorConfig>,
    /// What is probably not meant.
    warnings: Vec<String>,
    clients: Option<ClientSettings>,
    unresolved: BTreeMap<String, String>,
}

impl Validation {
    fn note(&mut self, problems: Problems) {
        for problem in problems.0 {
            match self.checked.iter_mut().find(|checked| checked.key.name == problem.key) {
                Some(checked) => checked.errors.push(problem.message),
                None => self.undefined.push(problem),
            }
        }
    }

    /// Puts the raw texts back where values were resolved, and notes what could not be resolved.
    fn conceal(&mut self, raw: &ConnectorProperties, resolution: Resolution, hidden: Hidden) {
        for checked in &mut self.checked {
            let key = checked.key.name.as_ref();
            let is_shown = !matches!(checked.value, ConfigValue::Null | ConfigValue::Password(_));
            if let Some(Some(text)) = raw.get(key).filter(|_| resolution.values.contains_key(key) && is_shown)
            {
                checked.value = ConfigValue::Text(text.clone());
            }
        }
        if !resolution.failed.is_empty() {
            // What else is wrong may only be so because a text was not resolved.
            self.checked.iter_mut().for_each(|checked| checked.errors.clear());
            self.undefined.clear();
            self.config = None;
            self.clients = None;
        }
        self.note(Problems(resolution.failed));
        self.say_unresolved(resolution.unresolved);
        let messages = self.checked.iter_mut().flat_map(|checked| checked.errors.iter_mut());
        let messages = messages.chain(self.undefined.iter_mut().map(|error| &mut error.message));
        for message in messages.chain(&mut self.warnings) {
            *message = hidden.redact(message).into_owned();
        }
        if let Some(clients) = &mut self.clients {
            clients.hidden = hidden.clone();
        }
        if let Some(config) = &mut self.config {
            config.hidden = hidden;
        }
    }

    /// A text with a variable that is none here is wrong for that, if it is wrong; else it is only said.
    fn say_unresolved(&mut self, unresolved: BTreeMap<String, String>) {
        for (key, text) in &unresolved {
            let checked = self.checked.iter_mut().filter(|checked| checked.key.name == *key);
            if let Some(wrong) = checked.filter(|checked| !checked.errors.is_empty()).last() {
                wrong.errors = vec![text.clone()];
            } else if let Some(wrong) = self.undefined.iter_mut().find(|error| error.key == *key) {
                wrong.message.clone_from(text);
            } else {
                self.warnings.push(text.clone());
            }
        }
        self.unresolved = unresolved;
    }

    fn has_errors(&self, prefix: &str) -> bool {
        self.checked.iter().any(|checked| !checked.errors.is_empty() && checked.key.name.starts_with(prefix))
    }

    /// All errors in the order of the answer.
    fn errors(self) -> Vec<ConfigError> {
        let mut errors = self.undefined;
        for checked in self.checked {
            let key = checked.key.name;
            errors.extend(
                checked.errors.into_iter().map(|message| ConfigError { key: key.to_string(), message }),
            );
        }
        errors
    }

    fn into_infos(self, raw: &ConnectorProperties) -> ConfigInfos {
        let mut overrides = overrides(raw);
        let mut configs = Vec::with_capacity(self.checked.len() + overrides.len());
        for error in self.undefined {
            let of_key = |info: &&mut ConfigInfo| info.value.name == error.key;
            match overrides.iter_mut().find(of_key) {
                Some(info) => info.value.errors.push(error.message),
                None => configs.push(undefined(&error.key, raw, vec![error.message])),
            }
        }
        let (converters, others): (Vec<_>, Vec<_>) =
            self.checked.into_iter().partition(|checked| is_of_converter(&checked.key.name));
        configs.extend(others.into_iter().map(ConfigInfo::from));
        configs.extend(overrides);
        configs.extend(converters.into_iter().map(ConfigInfo::from));
        let mut groups: Vec<String> = Vec::new();
        for group in configs.iter().filter_map(|info| info.definition.as_ref()?.group.as_ref()) {
            if !groups.iter().any(|known| known == group) {
                groups.push(group.to_string());
            }
        }
        let name = raw.get("connector.class").cloned().flatten().unwrap_or_default();
        ConfigInfos {
            name,
            groups,
            configs,
            warnings: self.warnings,
            clients: self.clients,
            unresolved: self.unresolved,
        }
    }
}

/// The overrides of Kafka clients that a sink may have, as they were supplied: those of producers and admin clients are
/// only shown when something is wrong with them. Their definitions are Kafka's, which we have not.
fn overrides(raw: &ConnectorProperties) -> Vec<ConfigInfo> {
    let supplied = raw.keys().filter(|key| key.starts_with("consumer.override."));
    supplied.map(|key| undefined(key, raw, Vec::new())).collect()
}

/// A key that no table has.
fn undefined(key: &str, raw: &ConnectorProperties, errors: Vec<String>) -> ConfigInfo {
    let value = raw.get(key).and_then(Option::as_deref).map(|value| shown(key, value));
    let value = ConfigValueInfo { name: key.to_owned(), value, errors, visible: true, ..Default::default() };
    ConfigInfo { definition: None, value }
}

/// True for the keys below `key.converter.` and the like, which come last.
fn is_of_converter(key: &str) -> bool {
    let below = ["header.converter.", "key.converter.", "value.converter."].into_iter();
    below.filter_map(|prefix| key.strip_prefix(prefix)).any(|own| own != "plugin.version")
}

/// Checks everything, with the variables of config providers resolved; the typed settings are there exactly when no
/// error is. What can be shown of the result has the variables again.
fn run(plugins: &Plugins, raw: &ConnectorProperties, worker: &WorkerConfig) -> Validation {
    let texts = raw.iter().filter_map(|(key, value)| Some((key.as_str(), value.as_deref()?)));
    let resolution = worker.providers.resolve(texts);
    let mut resolved = raw.clone();
    resolved.extend(resolution.values.iter().map(|(key, value)| (key.clone(), Some(value.clone()))));
    let mut validation = check(plugins, &resolved, worker);
    // What a provider gave is shown as its variable, so it comes first.
    let mut hidden = resolution.hidden.clone();
    hidden.merge(&secrets::of(
        resolved.iter().filter_map(|(key, value)| Some((key.as_str(), value.as_deref()?))),
    ));
    hidden.merge(&worker.hidden);
    validation.conceal(raw, resolution, hidden);
    validation
}

/// Checks settings that have no variables any more.
fn check(plugins: &Plugins, raw: &ConnectorProperties, worker: &WorkerConfig) -> Validation {
    if let Some(error) = sizes::check(raw) {
        return Validation { undefined: vec![error], ..Validation::default() };
    }
    let class = plugins.sink_of(raw);
    let written: Properties =
        raw.iter().filter_map(|(key, value)| Some((key.clone(), value.clone()?))).collect();
    let mut of_converters = Problems::default();
    let checked = check_keys(plugins, raw, (worker, class), &mut of_converters);
    let undefined = unknown_nulls(raw, &checked);
    let mut warnings = unused::of_connector(&checked, &written);
    warnings.extend(class.into_iter().flat_map(|class| (class.warnings)(&written)));
    let clients = Some(client_settings(&written));
    let unresolved = BTreeMap::new();
    let mut validation = Validation { checked, undefined, config: None, warnings, clients, unresolved };

    let mut problems = Problems::default();
    rules::topics_rules(&written, &mut problems);
    rules::name_rules(&written, worker, &mut problems);
    rules::storage_rules(&written, worker, &mut problems);
    overrides::check(&written, worker, &mut problems);
    custody::check_letters(&written, worker, &mut problems);
    custody::check_kafka(&written, worker, &mut problems);
    validation.note(problems);

    let mut problems = Problems::default();
    let values = Values::new(&validation.checked, &written);
    steps::rules(&values, &written, &mut problems);
    problems.0.extend(of_converters.0);
    check_registry_files(plugins, &values, &written, (worker, &mut problems));
    let read = connector::Read { checked: &validation.checked, written: &written, worker };
    let config = class.and_then(|class| connector::build(plugins, class, &read, &mut problems));
    validation.note(problems);
    let clean = validation.undefined.is_empty() && !validation.has_errors("");
    validation.config = config.filter(|_| clean);
    validation
}

/// Reads and checks the keys of all tables, in the order of the answer; what the tables of converters cannot say goes to
/// `problems`.
fn check_keys(
    plugins: &Plugins,
    raw: &ConnectorProperties,
    (worker, class): (&WorkerConfig, Option<&SinkClass>),
    problems: &mut Problems,
) -> Vec<Checked> {
    let mut checked = check_table(framework_keys(plugins, worker, class), raw, plugins);
    for side in ["key", "value", "header"] {
        hide_version_of_unknown(side, &mut checked);
    }
    checked.extend(steps::check(plugins, raw, &checked));
    let own = class.map_or_else(Vec::new, |class| (class.keys)());
    checked.extend(check_table(own, raw, plugins));
    for side in ["header", "key", "value"] {
        let class = converter_class(&checked, side);
        if let Some(class) = class.filter(|_| raw.contains_key(&format!("{side}.converter"))) {
            checked.extend(converter_keys::check(plugins, (side, &class), raw, problems));
        }
    }
    checked
}

/// What is said of Kafka clients.
fn client_settings(written: &Properties) -> ClientSettings {
    let filled = |key: &str| written.get(key).is_some_and(|text| !text.trim().is_empty());
    let mut own = with_prefix(written, SINK_DEAD_LETTERS);
    let is_own = own.remove("topic.name").is_some() && own.contains_key("bootstrap.servers");
    ClientSettings {
        name: written.get("name").cloned().unwrap_or_default(),
        consumer: with_prefix(written, "consumer.override."),
        producer: with_prefix(written, "producer.override."),
        admin: with_prefix(written, "admin.override."),
        writes_dead_letters: filled("errors.deadletterqueue.topic.name"),
        own_dead_letters: is_own.then_some((SINK_DEAD_LETTERS, own)),
        hidden: Hidden::default(),
    }
}

/// Connect's keys, with what this worker puts in when a connector leaves it out.
fn framework_keys(plugins: &Plugins, worker: &WorkerConfig, class: Option<&SinkClass>) -> Vec<ConfigKey> {
    let version_of_class = class.map(|class| class.version);
    let is = |text: &str| DefaultValue::Is(Cow::Owned(text.to_owned()));
    let with_worker = |row| {
        let mut key = ConfigKey::from(row);
        match key.name.as_ref() {
            "key.converter" => key.default = is(&worker.key_converter.class),
            "value.converter" => key.default = is(&worker.value_converter.class),
            "header.converter" => key.default = is(simple_header::ROW.class),
            name if name.ends_with(".converter.plugin.version") => key.default = is(CONNECT_VERSION),
            "connector.plugin.version" => key.default = version_of_class.map_or(DefaultValue::Null, is),
            _ => {}
        }
        if let KeyType::Class(kind) = key.kind {
            key.recommended = plugins.names(kind).into_iter().map(str::to_owned).collect();
        } else if key.name.ends_with(".plugin.version") {
            key.recommended = key.default_text().map(str::to_owned).into_iter().collect();
        }
        key
    };
    FRAMEWORK.iter().map(with_worker).collect()
}

/// A converter that does not exist has no versions to choose from.
fn hide_version_of_unknown(side: &str, checked: &mut [Checked]) {
    if converter_class(checked, side).is_some() {
        return;
    }
    let name = format!("{side}.converter.plugin.version");
    for version in checked.iter_mut().filter(|checked| checked.key.name == name) {
        version.key.default = DefaultValue::Null;
        version.key.recommended.clear();
        version.visible = false;
        if version.value == ConfigValue::Text(CONNECT_VERSION.to_owned()) {
            version.value = ConfigValue::Null;
        }
    }
}

/// The class of a converter, if there is a right one.
fn converter_class(checked: &[Checked], side: &str) -> Option<String> {
    let none = Properties::new();
    Values::new(checked, &none).text(&format!("{side}.converter")).map(str::to_owned)
}

/// The files that the schema registries of a connector's own converters name must be below the worker's allowed folders.
fn check_registry_files(
    plugins: &Plugins,
    values: &Values<'_>,
    written: &Properties,
    (worker, problems): (&WorkerConfig, &mut Problems),
) {
    for side in ["key", "value"] {
        let key = format!("{side}.converter");
        let Some(class) = values.text(&key).filter(|_| written.contains_key(&key)) else { continue };
        let registry = plugins.converter_row(class).and_then(|row| row.registry);
        let prefix = format!("{key}.");
        let own = values.within(&prefix);
        let read = registry.and_then(|kind| RegistryConfig::read(kind, &own, &mut Problems::default()));
        for (key, path) in read.iter().flat_map(RegistryConfig::files) {
            if let Some(reason) = worker.custody.objection_to_file(path) {
                problems.add(key.clone(), format!("Invalid value for configuration {key}: {reason}"));
            }
        }
    }
}

/// Null values of keys that no table has; those of known keys are noted where the key is.
fn unknown_nulls(raw: &ConnectorProperties, checked: &[Checked]) -> Vec<ConfigError> {
    let known = |key: &str| checked.iter().any(|checked| checked.key.name == key);
    raw.iter()
        .filter(|(key, value)| value.is_none() && !known(key))
        .map(|(key, _)| ConfigError {
            key: key.clone(),
            message: "Null value can not be supplied as the configuration value.".to_owned(),
        })
        .collect()
}
