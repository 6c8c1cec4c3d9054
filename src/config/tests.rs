//! Tests of the settings as a whole: the recorded answers of a real worker, the sample files, and what users get wrong.

mod sink_tests;
mod worker_tests;

use crate::plugins::BUILT_IN;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value as Json;

use super::WorkerConfig;
use super::worker_keys::rows;
use crate::config::Mode;
use crate::config::fixtures::kusto_of;
use crate::configdef::ConnectorProperties;
use crate::kusto::config::TargetCheck;
use crate::plugins::ClassError;
use crate::sink::Topics;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

const REQUIRED: [(&str, &str); 3] = [
    ("CONFIG_STORAGE_TOPIC", "my_connect_configs"),
    ("OFFSET_STORAGE_TOPIC", "my_connect_offsets"),
    ("CONNECT_VALUE_CONVERTER", "org.apache.kafka.connect.storage.StringConverter"),
];

fn worker_with(env: &[(&str, &str)]) -> WorkerConfig {
    load(None, &[&REQUIRED, env].concat()).unwrap()
}

fn load(file: Option<&Path>, env: &[(&str, &str)]) -> Result<WorkerConfig, String> {
    let env = env.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    WorkerConfig::load(&BUILT_IN, file, env).map_err(|errors| errors.to_string())
}

fn worker() -> WorkerConfig {
    worker_with(&[("CONNECT_KEY_CONVERTER", "org.apache.kafka.connect.storage.StringConverter")])
}

/// A connector's settings from JSON, numbers as texts as REST takes them.
fn properties(config: &Json) -> ConnectorProperties {
    let text = |value: &Json| match value {
        Json::Null => None,
        Json::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    config.as_object().unwrap().iter().map(|(key, value)| (key.clone(), text(value))).collect()
}

pub(super) fn storm(changes: &[(&str, Option<&str>)]) -> ConnectorProperties {
    let file = std::fs::read_to_string(root().join("config/adx-sink-config.json")).unwrap();
    let file: Json = serde_json::from_str(&file).unwrap();
    let mut config = properties(&file["config"]);
    config.insert("name".to_owned(), Some("storm".to_owned()));
    for (key, value) in changes {
        config.insert((*key).to_owned(), value.map(str::to_owned));
    }
    config
}

fn storm_errors(changes: &[(&str, Option<&str>)]) -> Vec<String> {
    BUILT_IN.validate(&storm(changes), &worker()).messages().map(str::to_owned).collect()
}

/// The recorded cases, with a loopback URL for the placeholder, which is what the recording had.
fn golden(prefix: &str) -> Vec<Json> {
    let text = std::fs::read_to_string(root().join("tests/fixtures/golden/connect-rest.jsonl")).unwrap();
    let text = text.replace("KURL", "https://127.0.0.1:12345");
    let cases = text.lines().map(|line| serde_json::from_str::<Json>(line).unwrap());
    cases.filter(|case| case["case"].as_str().unwrap().starts_with(prefix)).collect()
}

#[test]
fn topics_of_control_characters_are_no_topics_and_that_is_said() {
    for blank in ["\0", "\u{1}\u{1f}", "\u{a0}", "\u{1}\u{a0}", " "] {
        let errors = storm_errors(&[("topics", None), ("topics.regex", Some(blank))]);
        assert!(
            errors.iter().any(|error| error.contains("Must configure one of topics")),
            "{blank:?}: {errors:?}"
        );
    }
}

#[test]
fn recorded_refusals_of_create() {
    let mut cases = golden("create bad: ");
    cases.extend(golden("create no name"));
    assert_eq!(cases.len(), 17);
    for case in cases {
        let body = &case["request"]["body"];
        let mut raw = properties(&body["config"]);
        raw.insert("name".to_owned(), Some(body["name"].as_str().unwrap_or_default().to_owned()));
        let message = BUILT_IN.validate(&raw, &worker()).bad_request_message();
        // One way in is our own.
        let message = message.map(|text| text.replace(", AZ_CLI, az_cli", ""));
        assert_eq!(message.as_deref(), case["answer"]["message"].as_str(), "{}", case["case"]);
    }
}

#[test]
fn recorded_creations_are_accepted() {
    for name in ["create", "put new"] {
        let case = golden(name).into_iter().find(|case| case["case"] == name).unwrap();
        let raw = properties(&case["answer"]["config"]);
        assert_eq!(BUILT_IN.validate(&raw, &worker()).bad_request_message(), None, "{name}");
        assert!(BUILT_IN.parse(&raw, &worker()).is_ok());
    }
}

#[test]
fn classes_are_looked_up_first() {
    let class_of = |class: &str| BUILT_IN.required_sink(&storm(&[("connector.class", Some(class))]));
    for row in BUILT_IN.sinks {
        assert_eq!(class_of(row.class).unwrap().class, row.class);
    }
    for alias in ["KustoSink", "KustoSinkConnector", " KustoSink "] {
        assert_eq!(class_of(alias).unwrap().class, BUILT_IN.sinks[0].class);
    }
    let unknown = class_of("org.example.Nope").unwrap_err().to_string();
    let head = "Failed to find any class that implements Connector and which name matches org.example.Nope, \
                available connectors are: PluginDesc{klass=class com.microsoft.azure.kusto";
    assert!(unknown.starts_with(head), "{unknown}");
    let mut without = storm(&[("aad.auth.appkey", Some("geheim"))]);
    without.remove("connector.class");
    let missing = BUILT_IN.required_sink(&without).unwrap_err();
    assert!(matches!(missing, ClassError::Missing(_)));
    let text = missing.to_string();
    assert!(
        text.starts_with("Connector config {") && text.ends_with("} contains no connector type"),
        "{text}"
    );
    assert!(!text.contains("geheim"));
}

#[test]
fn samples_are_right() {
    let worker = load(Some(&root().join("config/connect-distributed.properties")), &[]).unwrap();
    assert_eq!((worker.group_id.as_str(), worker.config_topic.replication_factor), ("connect-cluster", 1));
    assert_eq!(worker.value_converter.settings["schemas.enable"], "true");
    assert!(worker.warnings.is_empty());
    let alone = root().join("config/connect-standalone.properties");
    let alone = WorkerConfig::load_for(&BUILT_IN, Mode::Standalone, Some(&alone), Vec::new()).unwrap();
    assert_eq!(
        (alone.mode, alone.value_converter.settings["schemas.enable"].as_str()),
        (Mode::Standalone, "true")
    );
    assert!(alone.warnings.is_empty());

    let local = BUILT_IN.parse(&storm(&[]), &worker).unwrap();
    assert_eq!(kusto_of(&local).sign_in.strategy(), "NONE");
    assert!(matches!(&local.topics, Topics::List(topics) if topics == &["storm-events"]));
    assert_eq!((kusto_of(&local).flush_size_bytes, local.tasks_max), (10_000, 1));
    assert_eq!(kusto_of(&local).flush_interval, Duration::from_secs(10));
    assert_eq!(kusto_of(&local).retry_max_time, None);
    assert_eq!(kusto_of(&local).target_check, TargetCheck::Existence);

    let mut azure = std::fs::read_to_string(root().join("config/adx-sink-config.azure.json")).unwrap();
    for (placeholder, value) in [("<database>", "db"), ("<cluster>", "c"), ("<region>", "westeurope")] {
        azure = azure.replace(placeholder, value);
    }
    let azure: Json = serde_json::from_str(&azure).unwrap();
    let mut raw = properties(&azure["config"]);
    raw.insert("name".to_owned(), Some("storm".to_owned()));
    let azure = BUILT_IN.parse(&raw, &worker).unwrap();
    assert_eq!(kusto_of(&azure).ingestion_url.as_str(), "https://ingest-c.westeurope.kusto.windows.net/");
    assert_eq!(kusto_of(&azure).query_url.as_str(), "https://c.westeurope.kusto.windows.net/");
    assert!(!format!("{azure:?}").contains("<secret>"));

    // Between containers plain http needs the worker's consent, which docker-compose.yaml gives.
    let text = std::fs::read_to_string(root().join("config/adx-sink-config.compose.json")).unwrap();
    let mut compose = properties(&serde_json::from_str::<Json>(&text).unwrap()["config"]);
    compose.insert("name".to_owned(), Some("storm".to_owned()));
    assert!(BUILT_IN.parse(&compose, &worker).is_err());
    let consenting = WorkerConfig { insecure_http: true, ..worker };
    let compose = BUILT_IN.parse(&compose, &consenting).unwrap();
    assert_eq!(kusto_of(&compose).ingestion_url.as_str(), "http://adx:8080/");
}

#[test]
fn every_sample_is_tested() {
    let mut names: Vec<_> = std::fs::read_dir(root().join("config"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    // A new sample needs its own lines in `samples_are_right`.
    assert_eq!(
        names,
        [
            "adx-sink-config.azure.json",
            "adx-sink-config.compose.json",
            "adx-sink-config.json",
            "connect-distributed.properties",
            "connect-distributed.sasl-ssl.properties",
            "connect-standalone.properties"
        ]
    );
}

#[test]
fn what_a_registry_lacks_is_told_at_once_with_everything_else() {
    let errors = storm_errors(&[
        ("key.converter", Some("io.confluent.connect.avro.AvroConverter")),
        ("value.converter", Some("Avro")),
        ("value.converter.schema.registry.url", Some("http://one")),
        ("value.converter.basic.auth.credentials.source", Some("USER_INFO")),
        ("value.converter.max.retries", Some("many")),
    ]);
    let keys = ["key.converter.schema.registry.url", "value.converter.basic.auth.user.info", "max.retries"];
    assert!(keys.iter().all(|key| errors.iter().any(|error| error.contains(key))), "{errors:?}");
}

#[test]
fn urls_mapping_and_topics_are_checked_at_once() {
    let errors = storm_errors(&[
        ("kusto.ingestion.url", Some("http://c.kusto.windows.net")),
        ("kusto.query.url", Some("https://example.com")),
        ("kusto.tables.topics.mapping", Some("[{'topic':'t','db':'d'}]")),
        ("nobody.knows.this", Some("x")),
        ("flush.size.bytes", None),
    ]);
    for part in [
        "configuration kusto.ingestion.url: plain http",
        "configuration kusto.query.url: example.com is no known Kusto host",
        "configuration kusto.tables.topics.mapping: entry 1: 'table' is missing",
        "Null value can not be supplied",
    ] {
        assert!(errors.iter().any(|error| error.contains(part)), "{part}: {errors:?}");
    }
    let errors = storm_errors(&[("topics", Some("storm-events,other"))]);
    assert_eq!(errors.len(), 1);
    assert!(errors[0].ends_with("no entry, and no entry '*', for the topic(s) other"), "{}", errors[0]);
    assert_eq!(
        storm_errors(&[("topics", Some("a,,b"))]),
        ["Configuration 'topics' values must not be empty."]
    );

    let insecure = worker_with(&[("CONNECT_WORKER_ALLOW_INSECURE_HTTP", "true")]);
    let url = Some("http://adx-emulator:8080");
    let token = Some("x");
    let raw = storm(&[
        ("kusto.ingestion.url", url),
        ("kusto.query.url", url),
        ("aad.auth.strategy", Some("AZ_DEV_TOKEN")),
        ("aad.auth.accesstoken", token),
    ]);
    let config = BUILT_IN.parse(&raw, &insecure).unwrap();
    assert_eq!(kusto_of(&config).ingestion_url.as_str(), "http://adx-emulator:8080/");
    assert!(kusto_of(&config).insecure_http);
    let without = storm(&[("kusto.ingestion.url", url), ("kusto.query.url", url)]);
    assert_eq!(kusto_of(&BUILT_IN.parse(&without, &insecure).unwrap()).sign_in.strategy(), "NONE");
}

#[test]
fn topics_regex_and_retry_time() {
    let mut raw = storm(&[("topics.regex", Some(r"storm-\d+")), ("errors.retry.max.time.ms", Some("-5"))]);
    raw.remove("topics");
    let config = BUILT_IN.parse(&raw, &worker()).unwrap();
    let Topics::Regex(expression) = &config.topics else { panic!("{:?}", config.topics) };
    assert!(expression.matches("storm-12").unwrap() && !expression.matches("storm-12x").unwrap());
    assert_eq!(kusto_of(&config).retry_max_time, Some(Duration::ZERO));
    raw.insert("topics.regex".to_owned(), Some("a**)".to_owned()));
    let errors = BUILT_IN.parse(&raw, &worker()).unwrap_err();
    assert!(errors.to_string().contains("topics.regex"), "{errors}");
}

#[test]
fn groups_and_override_policies() {
    let group = worker_with(&[("GROUP_ID", "connect-storm")]);
    let messages = |raw: &ConnectorProperties, worker: &WorkerConfig| -> Vec<String> {
        BUILT_IN.validate(raw, worker).messages().map(str::to_owned).collect()
    };
    assert_eq!(
        messages(&storm(&[]), &group),
        ["Consumer group for sink connector named storm conflicts with Connect worker group connect-storm"]
    );
    let own = storm(&[("consumer.override.group.id", Some("connect-storm"))]);
    assert_eq!(
        messages(&own, &group),
        ["Consumer group connect-storm conflicts with Connect worker group connect-storm"]
    );
    let none = worker_with(&[("CONNECT_CONNECTOR_CLIENT_CONFIG_OVERRIDE_POLICY", "None")]);
    let text = "The 'None' policy does not allow 'group.id' to be overridden in the connector configuration.";
    assert_eq!(messages(&own, &none), [text]);
    let config = BUILT_IN.parse(&own, &worker()).unwrap();
    assert_eq!(config.consumer_overrides["group.id"], "connect-storm");
}

#[test]
fn converters_of_the_connector_or_of_the_worker() {
    let json = "org.apache.kafka.connect.json.JsonConverter";
    let raw = storm(&[("value.converter", Some("Json")), ("value.converter.schemas.enable", Some("false"))]);
    let config = BUILT_IN.parse(&raw, &worker()).unwrap();
    assert_eq!(config.value_converter.row.class, json);
    assert_eq!(config.value_converter.settings.values().flag("schemas.enable"), Some(false));
    let wrong =
        storm_errors(&[("value.converter", Some(json)), ("value.converter.schemas.enable", Some("no"))]);
    let text = "Invalid value no for configuration value.converter.schemas.enable: Expected value to be either true \
                or false";
    assert_eq!(wrong, [text]);
    let mut raw = storm(&[("value.converter.schemas.enable", Some("false"))]);
    raw.remove("value.converter");
    let worker =
        worker_with(&[("VALUE_CONVERTER", json), ("CONNECT_VALUE_CONVERTER_SCHEMAS_ENABLE", "true")]);
    let config = BUILT_IN.parse(&raw, &worker).unwrap();
    assert_eq!(config.value_converter.row.class, json);
    let enabled = config.value_converter.settings.values().flag("schemas.enable");
    assert_eq!(enabled, Some(true), "sub-keys count only with their class, as in Connect");
}

#[test]
fn secrets_are_not_printed() {
    let raw = storm(&[
        ("aad.auth.appid", Some("a")),
        ("aad.auth.appkey", Some("geheim")),
        ("aad.auth.authority", Some("t")),
        ("consumer.override.sasl.jaas.config", Some("geheim")),
        ("value.converter.basic.auth.user.info", Some("geheim")),
    ]);
    let config = BUILT_IN.parse(&raw, &worker()).unwrap();
    assert!(!format!("{config:?}").contains("geheim"));
    let infos = BUILT_IN.validate(&raw, &worker());
    assert!(!format!("{infos:?}").contains("geheim"));
    let worker =
        worker_with(&[("CONNECT_SSL_KEYSTORE_PASSWORD", "geheim"), ("CONNECT_SASL_JAAS_CONFIG", "geheim")]);
    assert_eq!(worker.client["ssl.keystore.password"], "geheim");
    assert!(!format!("{worker:?}").contains("geheim"));
}

#[test]
fn supplied_overrides_are_shown_before_the_converters() {
    let worker = worker_with(&[("CONNECT_CONNECTOR_CLIENT_CONFIG_OVERRIDE_POLICY", "Principal")]);
    let infos = BUILT_IN.validate(
        &storm(&[
            ("consumer.override.max.poll.records", Some("7")),
            ("consumer.override.sasl.jaas.config", Some("geheim")),
            ("producer.override.linger.ms", Some("5")),
            ("key.converter", Some("String")),
        ]),
        &worker,
    );
    let names: Vec<_> = infos.configs.iter().map(|info| info.value.name.as_str()).collect();
    assert_eq!(names[0], "producer.override.linger.ms", "wrong, and in no table");
    let at = names.iter().position(|name| *name == "consumer.override.max.poll.records").unwrap();
    assert_eq!(names[at - 1], "kusto.outcome.on.failure");
    assert_eq!(names[at + 1], "consumer.override.sasl.jaas.config");
    let behind = [
        "key.converter.converter.type",
        "key.converter.converter.encoding",
        "value.converter.converter.type",
    ];
    assert_eq!(names[at + 2..at + 5], behind);
    assert_eq!((infos.configs[at].value.errors.len(), infos.error_count()), (1, 2));
    assert_eq!(infos.configs[at + 1].value.value.as_deref(), Some("[hidden]"));
}
