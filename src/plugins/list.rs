//! The plugins that this worker has: what `/connector-plugins` lists, and the keys of each.
//!
//! Only classes that work are listed: a client that reads the list must be able to rely on it.

use super::{Plugins, steps};
use crate::config::FRAMEWORK;
use crate::configdef::def::{ConfigKey, DefaultValue};
use crate::configdef::{CONNECT_VERSION, Classes, PluginKind};
use crate::sink::SinkClass;
use std::borrow::Cow;

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

/// In Connect's order.
const KINDS: [PluginKind; 5] = [
    PluginKind::Sink,
    PluginKind::Transformation,
    PluginKind::Predicate,
    PluginKind::Converter,
    PluginKind::HeaderConverter,
];

impl Plugins {
    /// All plugins in Connect's order (sinks, transformations, predicates, converters, header converters; we have no
    /// others), each kind in the order of the names. A class of two kinds is there twice.
    pub fn all(&self) -> Vec<Plugin> {
        let of_kind = |kind| {
            let mut classes = self.names(kind);
            classes.sort_unstable();
            classes.into_iter().map(move |class| {
                let version = match kind {
                    PluginKind::Sink => self.sink(class).map_or(CONNECT_VERSION, |row| row.version),
                    _ => CONNECT_VERSION,
                };
                Plugin { class, kind, version }
            })
        };
        KINDS.into_iter().flat_map(of_kind).collect()
    }

    /// The keys of the plugin with this class name or alias; none when there is no such plugin. A connector's own keys
    /// come first, then Connect's that it does not define.
    pub fn keys_of(&self, name: &str) -> Option<Vec<ConfigKey>> {
        let mut found = KINDS.into_iter().filter_map(|kind| self.resolve(kind, name));
        let class = found.next()?;
        // `Key` and `Value` are the aliases of many, which makes them the alias of none.
        if found.any(|other| other != class) {
            return None;
        }
        if let Some(row) = self.sink(class) {
            return Some(connector_keys(row));
        }
        steps::own_keys(self, class).or_else(|| Some(self.converter_row(class)?.config_keys().collect()))
    }
}

/// The keys that every sink connector has.
pub fn sink_reference() -> Vec<ConfigKey> {
    FRAMEWORK.iter().map(ConfigKey::from).collect()
}

fn connector_keys(row: &'static SinkClass) -> Vec<ConfigKey> {
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
    use crate::plugins::BUILT_IN;

    #[test]
    fn plugins_are_listed_in_connects_order() {
        let listed: Vec<_> =
            BUILT_IN.all().iter().map(|p| (p.kind.as_str(), p.class.rsplit('.').next())).collect();
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
        for plugin in BUILT_IN.all() {
            assert!(BUILT_IN.keys_of(plugin.class).is_some(), "{}", plugin.class);
        }
        let names = |plugin: &str| -> Option<Vec<String>> {
            Some(BUILT_IN.keys_of(plugin)?.iter().map(|key| key.name.to_string()).collect())
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
