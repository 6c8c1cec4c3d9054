//! The layers that a worker's settings come from: defaults, a file, `CONNECT_*` variables, short variables.
//!
//! The short variables are those of the Debezium image, the rule for `CONNECT_*` is Confluent's, so that both images'
//! environments work (`connect-runtime.md` §9). The caller hands the environment in; nothing is read here.

use std::collections::BTreeMap;

use ::config::{Map, Source, Value, ValueKind};

use crate::configdef::Properties;

/// Debezium's variables and the keys they set.
const SHORT_NAMES: &[(&str, &str)] = &[
    ("BOOTSTRAP_SERVERS", "bootstrap.servers"),
    ("GROUP_ID", "group.id"),
    ("CONFIG_STORAGE_TOPIC", "config.storage.topic"),
    ("OFFSET_STORAGE_TOPIC", "offset.storage.topic"),
    ("STATUS_STORAGE_TOPIC", "status.storage.topic"),
    ("KEY_CONVERTER", "key.converter"),
    ("VALUE_CONVERTER", "value.converter"),
    ("ADVERTISED_HOST_NAME", "rest.advertised.host.name"),
    ("ADVERTISED_PORT", "rest.advertised.port"),
    ("OFFSET_FLUSH_INTERVAL_MS", "offset.flush.interval.ms"),
    ("OFFSET_FLUSH_TIMEOUT_MS", "offset.flush.timeout.ms"),
    ("SHUTDOWN_TIMEOUT", "task.shutdown.graceful.timeout.ms"),
];

/// What a worker started from the environment has without being told, as the Debezium image: it must work on a cluster
/// of one broker. The image's `0.0.0.0:9092` is written as the address that it means.
const IMAGE_DEFAULTS: &[(&str, &str)] = &[
    ("bootstrap.servers", "localhost:9092"),
    ("group.id", "1"),
    ("status.storage.topic", "connect-status"),
    ("key.converter", "org.apache.kafka.connect.json.JsonConverter"),
    ("value.converter", "org.apache.kafka.connect.json.JsonConverter"),
    ("config.storage.replication.factor", "1"),
    ("offset.storage.replication.factor", "1"),
    ("status.storage.replication.factor", "1"),
    ("task.shutdown.graceful.timeout.ms", "10000"),
];

/// The settings of all layers, and for each where it comes from.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Layered {
    pub(super) settings: Properties,
    /// A file or a variable, by key; keys of the defaults are not there.
    pub(super) origins: BTreeMap<String, String>,
    /// From `LOG_LEVEL` or `CONNECT_LOG4J_ROOT_LOGLEVEL`.
    pub(super) log_level: Option<String>,
}

/// Puts the layers over each other: short variables win over `CONNECT_*`, these over the file, this over defaults. The
/// image's defaults count only when there is no file (its name and content are `file`).
pub(super) fn layer(
    file: Option<&(String, Properties)>,
    env: &BTreeMap<String, String>,
) -> Result<Layered, ::config::ConfigError> {
    let defaults = IMAGE_DEFAULTS.iter().map(|(key, value)| (*key, *value, None));
    let base = match file {
        Some((name, entries)) => Flat::new(entries.iter().map(|(k, v)| (k.as_str(), v.as_str(), Some(name)))),
        None => Flat::new(defaults),
    };
    let (host, prefixed, short) = (host_name(env), prefixed(env), short(env));
    let merged = ::config::Config::builder()
        .add_source(host)
        .add_source(base)
        .add_source(prefixed)
        .add_source(short)
        .build()?;
    let mut layered = Layered { log_level: log_level(env), ..Layered::default() };
    for (key, value) in merged.get_table(Flat::ROOT)? {
        if let Some(origin) = value.origin() {
            layered.origins.insert(key.clone(), origin.to_owned());
        }
        layered.settings.insert(key, value.into_string()?);
    }
    Ok(layered)
}

/// One layer. The `config` crate takes the dots of a key for a path, and a path cannot be both a value and a table, as
/// `key.converter` and `key.converter.schemas.enable` are. Inside a table, though, it merges keys as they are: so each
/// layer is one table under one name.
#[derive(Debug, Clone)]
struct Flat(Map<String, Value>);

impl Flat {
    const ROOT: &'static str = "worker";

    fn new<'a>(entries: impl IntoIterator<Item = (&'a str, &'a str, Option<&'a String>)>) -> Self {
        let value = |value: &str, origin| Value::new(origin, ValueKind::String(value.to_owned()));
        Self(entries.into_iter().map(|(key, text, origin)| (key.to_owned(), value(text, origin))).collect())
    }
}

impl Source for Flat {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ::config::ConfigError> {
        Ok(Map::from_iter([(Self::ROOT.to_owned(), Value::new(None, self.0.clone()))]))
    }
}

/// `HOST_NAME` is the image's default of the advertised host, so the weakest layer.
fn host_name(env: &BTreeMap<String, String>) -> Flat {
    let name = String::from("HOST_NAME");
    let host = env.get(&name).filter(|host| !host.is_empty());
    Flat::new(host.map(|host| ("rest.advertised.host.name", host.as_str(), Some(&name))))
}

/// An empty short variable is one that is not set, as in the image's script.
fn short(env: &BTreeMap<String, String>) -> Flat {
    let entry = |(variable, key): &(&str, &'static str)| {
        let (name, value) = env.get_key_value(*variable).filter(|(_, value)| !value.is_empty())?;
        Some((*key, value.as_str(), Some(name)))
    };
    Flat::new(SHORT_NAMES.iter().filter_map(entry))
}

/// An empty `CONNECT_*` variable sets an empty value: `ssl.endpoint.identification.algorithm` is turned off that way.
fn prefixed(env: &BTreeMap<String, String>) -> Flat {
    let entries: Vec<_> = env
        .iter()
        .filter_map(|(name, value)| Some((name, key_of(name.strip_prefix("CONNECT_")?)?, value)))
        .collect();
    Flat::new(entries.iter().map(|(name, key, value)| (key.as_str(), value.as_str(), Some(*name))))
}

/// `ABC_DEF` is `abc.def`, `__` an underscore and `___` a dash. Variables for the log library are no settings.
fn key_of(name: &str) -> Option<String> {
    if name.is_empty() || name.starts_with("LOG4J_") {
        return None;
    }
    Some(
        name.to_lowercase()
            .replace("___", "-")
            .replace("__", "\u{0}")
            .replace('_', ".")
            .replace('\u{0}', "_"),
    )
}

/// For a message about a key that nothing sets: the short variable that would.
pub(super) fn hint(key: &str) -> String {
    let variable = SHORT_NAMES.iter().find(|(_, known)| *known == key);
    variable.map_or_else(String::new, |(variable, _)| format!(" (environment variable {variable})"))
}

/// True for what Kubernetes tells of a service named `connect`: those variables are nobody's settings.
pub(super) fn is_of_kubernetes(key: &str, origin: Option<&String>) -> bool {
    let is_service = key == "port" || key.starts_with("port.") || key.starts_with("service.");
    is_service && origin.is_some_and(|origin| origin.starts_with("CONNECT_"))
}

/// The short variables with the keys that they set, `HOST_NAME` last.
pub fn short_variables() -> impl Iterator<Item = (&'static str, &'static str)> {
    SHORT_NAMES.iter().copied().chain([("HOST_NAME", "rest.advertised.host.name")])
}

/// What a worker started from the environment has without being told.
pub fn environment_defaults() -> &'static [(&'static str, &'static str)] {
    IMAGE_DEFAULTS
}

fn log_level(env: &BTreeMap<String, String>) -> Option<String> {
    let set = |name: &str| env.get(name).filter(|level| !level.is_empty()).cloned();
    set("LOG_LEVEL").or_else(|| set("CONNECT_LOG4J_ROOT_LOGLEVEL"))
}

#[cfg(test)]
mod tests {
    use super::{Layered, Properties, layer};

    fn read(file: Option<&[(&str, &str)]>, env: &[(&str, &str)]) -> Layered {
        let owned = |pairs: &[(&str, &str)]| -> Properties {
            pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
        };
        let file = file.map(|entries| ("w.properties".to_owned(), owned(entries)));
        layer(file.as_ref(), &owned(env)).unwrap()
    }

    #[test]
    fn layers_in_order() {
        let file = [("group.id", "f"), ("client.id", "f"), ("offset.storage.topic", "f"), ("Case.X", "f")];
        let env = [
            ("GROUP_ID", "s"),
            ("CONNECT_GROUP_ID", "c"),
            ("CONNECT_CLIENT_ID", "c"),
            ("OFFSET_STORAGE_TOPIC", ""),
            ("HOST_NAME", "h"),
            ("PATH", "p"),
        ];
        let layered = read(Some(&file), &env);
        let get = |key: &str| layered.settings.get(key).map(String::as_str);
        assert_eq!(get("group.id"), Some("s"));
        assert_eq!(get("client.id"), Some("c"));
        assert_eq!(get("offset.storage.topic"), Some("f"));
        assert_eq!(get("rest.advertised.host.name"), Some("h"));
        assert_eq!(get("Case.X"), Some("f"));
        assert_eq!(get("status.storage.topic"), None, "the image's defaults do not mix with a file");
        assert_eq!(layered.settings.len(), 5);
        assert_eq!(layered.origins["group.id"], "GROUP_ID");
        assert_eq!(layered.origins["client.id"], "CONNECT_CLIENT_ID");
        assert_eq!(layered.origins["offset.storage.topic"], "w.properties");
    }

    #[test]
    fn the_image_defaults_stand_alone() {
        let layered = read(None, &[("CONNECT_GROUP_ID", "mine")]);
        assert_eq!(layered.settings["group.id"], "mine");
        assert_eq!(layered.settings["status.storage.topic"], "connect-status");
        assert_eq!(layered.settings["config.storage.replication.factor"], "1");
        assert!(!layered.origins.contains_key("status.storage.topic"));
    }

    #[test]
    fn confluents_rule_for_names() {
        let env = [
            ("CONNECT_CONSUMER_MAX_POLL_RECORDS", "1"),
            ("CONNECT_A__B___C_D", "2"),
            ("CONNECT_KEY_CONVERTER", "k"),
            ("CONNECT_KEY_CONVERTER_SCHEMAS_ENABLE", "false"),
            ("CONNECT_SSL_ENDPOINT_IDENTIFICATION_ALGORITHM", ""),
            ("CONNECT_LOG4J_ROOT_LOGLEVEL", "DEBUG"),
        ];
        let layered = read(Some(&[]), &env);
        let expected = [
            ("a_b-c.d", "2"),
            ("consumer.max.poll.records", "1"),
            ("key.converter", "k"),
            ("key.converter.schemas.enable", "false"),
            ("ssl.endpoint.identification.algorithm", ""),
        ];
        let found: Vec<_> = layered.settings.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(found, expected);
        assert_eq!(layered.log_level.as_deref(), Some("DEBUG"));
    }
}
