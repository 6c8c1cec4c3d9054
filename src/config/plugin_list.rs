//! The plugins that this worker has: what `/connector-plugins` lists, and the keys of each.
//!
//! Only classes that work are listed. Names of Connect's classes that we do not have are known to `plugins`, for better
//! answers, but a client that reads the list must be able to rely on it.

use std::borrow::Cow;

use super::CONNECT_VERSION;
use super::class::{CONNECTORS, ConnectorClass};
use super::def::{ConfigKey, DefaultValue};
use super::keys::FRAMEWORK;
use super::plugins::{self, CONVERTERS, ClassKind, REGISTRY_CONVERTERS, SIMPLE_HEADER_CONVERTER};
use super::transforms;

/// What a plugin is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PluginKind {
    /// A connector that takes records out of Kafka.
    Sink,
    /// Changes records.
    Transformation,
    /// Chooses records for a transformation.
    Predicate,
    /// Reads keys and values.
    Converter,
    /// Reads headers.
    HeaderConverter,
}

impl PluginKind {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sink => "sink",
            Self::Transformation => "transformation",
            Self::Predicate => "predicate",
            Self::Converter => "converter",
            Self::HeaderConverter => "header_converter",
        }
    }

    /// The word that an alias leaves out.
    fn word(self) -> &'static str {
        match self {
            Self::Sink => "Connector",
            Self::Transformation => "Transformation",
            Self::Predicate => "Predicate",
            Self::Converter => "Converter",
            Self::HeaderConverter => "HeaderConverter",
        }
    }
}

/// A plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plugin {
    /// The full class name.
    pub class: &'static str,
    /// What it is for.
    pub kind: PluginKind,
    /// Its version.
    pub version: &'static str,
}

/// All plugins in Connect's order (sinks, transformations, predicates, converters, header converters; we have no others),
/// each kind in the order of the names. A class of two kinds is there twice.
pub fn plugins() -> Vec<Plugin> {
    let sinks = CONNECTORS.iter().map(|row| Plugin {
        class: row.class,
        kind: PluginKind::Sink,
        version: row.version,
    });
    let of_connect = |kind| move |class: &'static str| Plugin { class, kind, version: CONNECT_VERSION };
    let converters = CONVERTERS.into_iter().chain(REGISTRY_CONVERTERS).map(of_connect(PluginKind::Converter));
    let headers = CONVERTERS.into_iter().chain([SIMPLE_HEADER_CONVERTER]);
    let headers = headers.map(of_connect(PluginKind::HeaderConverter));
    let transformations =
        transforms::classes(ClassKind::Transformation).map(of_connect(PluginKind::Transformation));
    let predicates = transforms::classes(ClassKind::Predicate).map(of_connect(PluginKind::Predicate));
    let changes = transformations.chain(predicates);
    let mut all: Vec<_> = sinks.chain(changes).chain(converters).chain(headers).collect();
    all.sort_by_key(|plugin| (plugin.kind as u8, plugin.class));
    all
}

/// The keys of the plugin with this class name or alias; none when there is no such plugin. A connector's own keys come
/// first, then Connect's that it does not define.
pub fn plugin_keys(name: &str) -> Option<Vec<ConfigKey>> {
    if let Some(row) = ConnectorClass::find(name) {
        return Some(connector_keys(row));
    }
    let named = |plugin: &Plugin| {
        plugin.class == name || plugins::aliases(plugin.kind.word(), plugin.class).any(|alias| alias == name)
    };
    let mut found = plugins().into_iter().filter(named);
    let plugin = found.next()?;
    // `Key` and `Value` are the aliases of many, which makes them the alias of none.
    if found.any(|other| other.class != plugin.class) {
        return None;
    }
    Some(transforms::own_keys(plugin.class).unwrap_or_else(|| plugins::converter_keys(plugin.class)))
}

fn connector_keys(row: &'static ConnectorClass) -> Vec<ConfigKey> {
    let own = || (row.keys)().into_iter();
    let framework =
        FRAMEWORK.iter().map(ConfigKey::from).filter(|key| own().all(|mine| mine.name != key.name));
    let versioned = framework.map(|mut key| {
        if key.name == "connector.plugin.version" {
            key.default = DefaultValue::Is(Cow::Borrowed(row.version));
        }
        key
    });
    own().chain(versioned).collect()
}

#[cfg(test)]
mod tests {
    use super::{plugin_keys, plugins};

    #[test]
    fn plugins_are_listed_in_connects_order() {
        let listed: Vec<_> =
            plugins().iter().map(|p| (p.kind.as_str(), p.class.rsplit('.').next())).collect();
        let of_registries = [
            "AvroConverter",
            "ExtJsonConverter",
            "ProtobufConverter",
            "AvroConverter",
            "JsonSchemaConverter",
            "ProtobufConverter",
        ];
        let converters = [
            "BooleanConverter",
            "ByteArrayConverter",
            "DoubleConverter",
            "FloatConverter",
            "IntegerConverter",
            "LongConverter",
            "ShortConverter",
            "JsonConverter",
            "StringConverter",
        ];
        let mut expected = vec![("sink", Some("KustoSinkConnector")), ("sink", Some("FabricSinkConnector"))];
        let changes: Vec<_> =
            listed.iter().filter(|(kind, _)| matches!(*kind, "transformation" | "predicate")).collect();
        assert_eq!((changes.len(), changes[0]), (29, &("transformation", Some("Cast$Key"))));
        assert_eq!(changes[28], &("predicate", Some("TopicNameMatches")));
        expected.extend(changes);
        expected.extend(of_registries.iter().chain(&converters).map(|class| ("converter", Some(*class))));
        let (last, before) = converters.split_last().expect("not empty");
        let headers = before.iter().chain(&["SimpleHeaderConverter"]).chain([last]);
        expected.extend(headers.map(|class| ("header_converter", Some(*class))));
        assert_eq!(listed, expected);
    }

    #[test]
    fn each_listed_plugin_tells_its_keys_by_class_and_by_alias() {
        for plugin in plugins() {
            assert!(plugin_keys(plugin.class).is_some(), "{}", plugin.class);
        }
        let names = |plugin: &str| -> Option<Vec<String>> {
            Some(plugin_keys(plugin)?.iter().map(|key| key.name.to_string()).collect())
        };
        assert_eq!(names("String").unwrap(), ["converter.type", "converter.encoding"]);
        assert_eq!(names("Simple").unwrap(), Vec::<String>::new());
        assert_eq!(names("KustoSink").unwrap()[0], "kusto.ingestion.url");
        assert_eq!(names("KustoSinkConnector"), names("KustoSink"));
        assert_eq!(names("Nope"), None);
        assert_eq!(names("Filter").unwrap(), Vec::<String>::new());
        assert_eq!(names("Value"), None, "an alias of many is none");
        let cast = names("org.apache.kafka.connect.transforms.Cast$Value").unwrap();
        assert_eq!(cast, ["spec", "replace.null.with.default"]);
    }
}
