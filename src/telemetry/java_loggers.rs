//! The loggers that users of a JVM worker know, and the modules of ours that do the same work.
//!
//! A row is a package or a class; a package without modules of its own stands above rows that have some. Modules that no row
//! names follow `root`. Tools show this
//! list, and a level that is set on any name of it counts for the modules of that name and of all names below it.
//! Libraries are not among them: their lines may hold what must not be logged, and only who starts the process can ask
//! for them (`RUST_LOG`).

use super::level::{Level, OURS, ROOT};
use std::collections::BTreeMap;

/// Names, and the modules that they stand for, without [`OURS`] in front.
const JAVA: [(&str, &[&str]); 72] = [
    ("com.microsoft.azure.kusto.data", &["kusto::ingest"]),
    ("com.microsoft.azure.kusto.ingest", &["kusto::ingest"]),
    ("com.microsoft.azure.kusto.ingest.ManagedStreamingIngestClient", &["kusto::ingest"]),
    ("com.microsoft.azure.kusto.ingest.QueuedIngestClientImpl", &["kusto::ingest"]),
    ("com.microsoft.azure.kusto.ingest.ResourceManager", &["kusto::ingest"]),
    ("com.microsoft.azure.kusto.kafka.connect.sink", &["kusto::sink", "batch"]),
    ("com.microsoft.azure.kusto.kafka.connect.sink.FileWriter", &["batch"]),
    ("com.microsoft.azure.kusto.kafka.connect.sink.KustoSinkConfig", &["kusto::config"]),
    ("com.microsoft.azure.kusto.kafka.connect.sink.KustoSinkConnector", &["kusto::sink"]),
    ("com.microsoft.azure.kusto.kafka.connect.sink.KustoSinkTask", &["kusto::sink"]),
    ("com.microsoft.azure.kusto.kafka.connect.sink.TopicPartitionWriter", &["kusto::sink", "batch"]),
    ("com.microsoft.azure.kusto.kafka.connect.sink.formatwriter", &["kusto::sink"]),
    ("com.microsoft.fabric.connect.eventhouse.sink", &["kusto::sink", "batch"]),
    ("com.microsoft.fabric.connect.eventhouse.sink.EventHouseSinkTask", &["kusto::sink"]),
    ("com.microsoft.fabric.connect.eventhouse.sink.FabricSinkConnector", &["kusto::sink"]),
    ("io.confluent.connect.avro.AvroConverter", &["convert"]),
    ("io.confluent.connect.json.JsonSchemaConverter", &["convert"]),
    ("io.confluent.connect.protobuf.ProtobufConverter", &["convert"]),
    ("io.confluent.kafka.schemaregistry.client", &["registry"]),
    ("io.confluent.kafka.schemaregistry.client.rest.RestService", &["registry"]),
    ("org.apache.kafka", &[]),
    ("org.apache.kafka.clients", &["kafka"]),
    ("org.apache.kafka.clients.NetworkClient", &["kafka"]),
    ("org.apache.kafka.clients.admin", &["kafka::admin"]),
    ("org.apache.kafka.clients.admin.KafkaAdminClient", &["kafka::admin"]),
    ("org.apache.kafka.clients.consumer", &["kafka::consumer"]),
    ("org.apache.kafka.clients.consumer.KafkaConsumer", &["kafka::consumer"]),
    ("org.apache.kafka.clients.consumer.internals.ConsumerCoordinator", &["kafka::consumer"]),
    ("org.apache.kafka.clients.producer", &["kafka::writer", "kafka::dead_letters"]),
    ("org.apache.kafka.clients.producer.KafkaProducer", &["kafka::writer", "kafka::dead_letters"]),
    ("org.apache.kafka.common.config", &["config", "configdef", "plugins"]),
    ("org.apache.kafka.common.security", &["kafka::oauth"]),
    ("org.apache.kafka.connect", &[]),
    ("org.apache.kafka.connect.cli", &["app", "cli"]),
    ("org.apache.kafka.connect.cli.ConnectDistributed", &["app", "cli"]),
    ("org.apache.kafka.connect.cli.ConnectStandalone", &["app", "cli"]),
    ("org.apache.kafka.connect.connector.policy", &["config"]),
    ("org.apache.kafka.connect.converters", &["convert"]),
    ("org.apache.kafka.connect.data", &["data"]),
    ("org.apache.kafka.connect.json", &["convert"]),
    ("org.apache.kafka.connect.json.JsonConverter", &["convert"]),
    ("org.apache.kafka.connect.runtime", &[]),
    ("org.apache.kafka.connect.runtime.AbstractHerder", &["herder"]),
    ("org.apache.kafka.connect.runtime.Connect", &["app"]),
    ("org.apache.kafka.connect.runtime.ConnectorConfig", &["plugins"]),
    ("org.apache.kafka.connect.runtime.Loggers", &["telemetry"]),
    ("org.apache.kafka.connect.runtime.TransformationChain", &["transform"]),
    ("org.apache.kafka.connect.runtime.Worker", &["worker", "limits"]),
    ("org.apache.kafka.connect.runtime.WorkerConfig", &["config"]),
    ("org.apache.kafka.connect.runtime.WorkerConnector", &["worker"]),
    ("org.apache.kafka.connect.runtime.WorkerSinkTask", &["task"]),
    ("org.apache.kafka.connect.runtime.WorkerTask", &["task"]),
    ("org.apache.kafka.connect.runtime.distributed", &["herder", "membership"]),
    ("org.apache.kafka.connect.runtime.distributed.DistributedHerder", &["herder"]),
    ("org.apache.kafka.connect.runtime.distributed.WorkerCoordinator", &["membership"]),
    ("org.apache.kafka.connect.runtime.distributed.WorkerGroupMember", &["membership"]),
    ("org.apache.kafka.connect.runtime.errors", &["task", "kafka::dead_letters"]),
    ("org.apache.kafka.connect.runtime.errors.DeadLetterQueueReporter", &["kafka::dead_letters"]),
    ("org.apache.kafka.connect.runtime.errors.LogReporter", &["task"]),
    ("org.apache.kafka.connect.runtime.isolation", &["config"]),
    ("org.apache.kafka.connect.runtime.rest", &["rest"]),
    ("org.apache.kafka.connect.runtime.rest.RestClient", &["rest::forward"]),
    ("org.apache.kafka.connect.runtime.rest.RestServer", &["rest"]),
    ("org.apache.kafka.connect.runtime.rest.resources.ConnectorsResource", &["rest"]),
    ("org.apache.kafka.connect.runtime.standalone.StandaloneHerder", &["herder"]),
    ("org.apache.kafka.connect.storage", &["storage"]),
    ("org.apache.kafka.connect.storage.KafkaConfigBackingStore", &["storage"]),
    ("org.apache.kafka.connect.storage.KafkaStatusBackingStore", &["storage"]),
    ("org.apache.kafka.connect.transforms", &["transform"]),
    ("org.apache.kafka.connect.util", &["kafka"]),
    ("org.apache.kafka.connect.util.KafkaBasedLog", &["kafka::log"]),
    ("org.apache.kafka.connect.util.TopicAdmin", &["kafka::admin"]),
];

/// All of them, in order.
pub(super) fn names<'a>() -> impl Iterator<Item = &'a str> {
    JAVA.iter().map(|(name, _)| *name)
}

/// True when `name` is `above`, or below it.
pub(super) fn is_within(name: &str, above: &str) -> bool {
    above == ROOT || name.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// True for a name that means something to us: one of the list, one above some of them, or a module of ours.
pub(super) fn is_known(name: &str) -> bool {
    is_module(name) || names().any(|row| is_within(row, name))
}

/// The level that counts for `name`, and the name that it was set on, which is the nearest one above.
pub(super) fn effective<'a, T>(levels: &'a BTreeMap<String, T>, name: &str) -> Option<(&'a str, &'a T)> {
    let above = levels.iter().filter(|(above, _)| is_within(name, above));
    let nearest = above.max_by_key(|(above, _)| length(above));
    nearest.map(|(above, level)| (above.as_str(), level))
}

/// The levels of modules, by their full names, that these levels of loggers make. Where several loggers stand for a
/// module, the one counts that was set most precisely, and of those the one that says most.
pub(super) fn of_modules(levels: &BTreeMap<String, Level>) -> BTreeMap<String, Level> {
    let mut modules = BTreeMap::<String, (usize, Level)>::new();
    let mut claim = |module: String, claim: (usize, Level)| {
        let known = modules.entry(module).or_insert(claim);
        if (claim.0, claim.1.verbosity()) > (known.0, known.1.verbosity()) {
            *known = claim;
        }
    };
    if let Some(root) = levels.get(ROOT) {
        claim(OURS.to_owned(), (0, *root));
    }
    for (name, own) in JAVA {
        let Some((above, level)) = effective(levels, name) else { continue };
        for module in own {
            claim(format!("{OURS}::{module}"), (length(above), *level));
        }
    }
    for (name, level) in levels {
        if is_module(name) {
            claim(name.clone(), (usize::MAX, *level));
        } else if !is_known(name) && name != ROOT {
            // A class that the list has not: its package does the same.
            let above = JAVA.iter().filter(|(row, own)| is_within(name, row) && !own.is_empty());
            let nearest = above.max_by_key(|(row, _)| row.len());
            let own = nearest.into_iter().flat_map(|(_, own)| own.iter());
            for module in own {
                claim(format!("{OURS}::{module}"), (length(name), *level));
            }
        }
    }
    modules.into_iter().map(|(module, (_, level))| (module, level)).collect()
}

fn length(name: &str) -> usize {
    if name == ROOT { 0 } else { name.len() }
}

/// A path that a filter can hold: `kusto_connect`, or `kusto_connect::a::b_c`.
fn is_module(name: &str) -> bool {
    let is_name =
        |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let mut path = name.split("::");
    path.next() == Some(OURS) && path.all(is_name)
}

#[cfg(test)]
mod tests {
    use super::{JAVA, is_known, is_module, is_within, of_modules};
    use crate::telemetry::Level;
    use std::collections::BTreeMap;
    use std::path::Path;

    fn modules(levels: &[(&str, Level)]) -> impl Fn(&str) -> Option<Level> + use<> {
        let levels = levels.iter().map(|(name, level)| ((*name).to_owned(), *level)).collect();
        let modules: BTreeMap<_, _> = of_modules(&levels);
        move |module: &str| modules.get(&format!("kusto_connect::{module}")).copied()
    }

    #[test]
    fn rows_are_sorted_and_name_modules_that_there_are() {
        assert!(JAVA.is_sorted_by(|a, b| a.0 < b.0));
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        for module in JAVA.iter().flat_map(|(_, own)| own.iter()) {
            let path = source.join(module.replace("::", "/"));
            assert!(path.is_dir() || path.with_extension("rs").is_file(), "{module}");
        }
    }

    #[test]
    fn a_level_on_any_row_counts_for_its_modules_and_those_below() {
        for (name, own) in JAVA {
            let level = modules(&[("root", Level::Info), (name, Level::Trace)]);
            for module in own {
                assert_eq!(level(module), Some(Level::Trace), "{name}");
            }
        }
        let level = modules(&[("root", Level::Info), ("org.apache.kafka.connect", Level::Warn)]);
        assert_eq!([level("herder"), level("rest::forward"), level("storage")], [Some(Level::Warn); 3]);
        assert_eq!([level("kusto::sink"), level("kusto::ingest")], [Some(Level::Info); 2]);
    }

    #[test]
    fn the_most_precise_name_counts_and_of_equals_the_one_that_says_most() {
        let level = modules(&[
            ("root", Level::Error),
            ("org.apache.kafka.connect.runtime", Level::Debug),
            ("org.apache.kafka.connect.runtime.WorkerSinkTask", Level::Off),
            ("org.apache.kafka.connect.runtime.rest", Level::Info),
            ("kusto_connect::rest::bodies", Level::Trace),
        ]);
        assert_eq!(
            (level("task"), level("worker"), level("rest")),
            (Some(Level::Off), Some(Level::Debug), Some(Level::Info))
        );
        assert_eq!(
            (level("rest::bodies"), level("rest::forward"), level("kafka::log")),
            (Some(Level::Trace), Some(Level::Info), Some(Level::Error))
        );
        let both = modules(&[
            ("com.microsoft.azure.kusto.kafka.connect.sink.KustoSinkTask", Level::Debug),
            ("com.microsoft.azure.kusto.kafka.connect.sink.FileWriter", Level::Trace),
        ]);
        assert_eq!((both("kusto::sink"), both("batch")), (Some(Level::Debug), Some(Level::Trace)));
        // A class that is not on the list is its package's.
        let inner = modules(&[
            ("root", Level::Info),
            ("org.apache.kafka.connect.runtime.rest.resources.Foo", Level::Debug),
        ]);
        assert_eq!((inner("rest"), inner("herder")), (Some(Level::Debug), Some(Level::Info)));
    }

    #[test]
    fn what_cannot_be_in_a_filter_is_no_module() {
        for other in ["kusto_connect::a=trace,hyper", "kusto_connect::", "hyper", "kusto_connect.a", ""] {
            assert!(!is_module(other), "{other}");
        }
        assert!(is_module("kusto_connect") && is_module("kusto_connect::herder::service"));
        assert!(is_known("org.apache") && !is_known("org.apache.kaf") && !is_known("no.such.logger"));
        assert!(
            is_within("a.b", "a") && is_within("a", "a") && is_within("x", "root") && !is_within("ab", "a")
        );
    }
}
