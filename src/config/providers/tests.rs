//! Tests of the providers as a whole, through the settings of a worker and of a connector.

use crate::plugins::BUILT_IN;
use std::collections::BTreeMap;
use std::path::Path;

use super::ConfigProviders;
use crate::config::WorkerConfig;
use crate::configdef::{ConnectorProperties, Problems, Properties};

const PACKAGE: &str = "org.apache.kafka.common.config.provider";

fn properties(pairs: &[(&str, &str)]) -> Properties {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// Providers `file`, `dir` and `env`, limited to `folder` and to variables that begin with `APP_`.
fn settings(folder: &Path) -> Properties {
    let folder = folder.to_str().unwrap();
    let class = |name: &str| format!("{PACKAGE}.{name}");
    properties(&[
        ("config.providers", "file, dir,env"),
        ("config.providers.file.class", &class("FileConfigProvider")),
        ("config.providers.file.param.allowed.paths", folder),
        ("config.providers.dir.class", "DirectoryConfigProvider"),
        ("config.providers.dir.param.allowed.paths", folder),
        ("config.providers.env.class", &class("EnvVarConfigProvider")),
        ("config.providers.env.param.allowlist.pattern", "APP_.*"),
    ])
}

fn providers(folder: &Path) -> ConfigProviders {
    let env = properties(&[("APP_USER", "u"), ("SECRET", "x"), ("NOT_APP_USER", "y")]);
    let mut problems = Problems::default();
    let providers = ConfigProviders::read(&settings(folder), &env, &mut problems);
    assert!(problems.0.is_empty(), "{problems:?}");
    providers
}

#[test]
fn each_provider_gives_its_values_and_the_rest_stays() {
    let folder = tempfile::tempdir().unwrap();
    let base = folder.path().to_str().unwrap();
    std::fs::write(folder.path().join("s.properties"), "user=alice\na:b=c\nempty=\nnested=${env:APP_USER}\n")
        .unwrap();
    std::fs::write(folder.path().join("password"), "p w\n").unwrap();
    let providers = providers(folder.path());
    for (text, expected) in [
        ("${file:B/s.properties:user}", Some("alice")),
        ("${file:B/s.properties:user}-${env:APP_USER}${env::APP_USER}", Some("alice-uu")),
        ("${file:B/s.properties:a:b}", None),
        ("${file:B/s.properties:empty}", Some("")),
        ("${file:B/s.properties:nested}", Some("${env:APP_USER}")),
        ("${file:B/s.properties:none} ${env:APP_USER}", Some("${file:B/s.properties:none} u")),
        ("${file:user}", None),
        ("${dir:B:password}", Some("p w\n")),
        ("${dir:B:../password}", None),
        ("${dir:B/none:password}", None),
        ("${env:SECRET}${env:NOT_APP_USER}", None),
        ("${vault:a:b}", None),
        ("${file:/etc/hostname:x}", None),
        ("${dir:/etc:hostname}", None),
        ("${file:B/../../etc/passwd:root}", None),
        ("plain", None),
    ] {
        let text = text.replace('B', base);
        let resolution = providers.resolve([("k", text.as_str())]);
        assert!(resolution.failed.is_empty(), "{text}");
        let expected = expected.map(|expected| expected.replace('B', base));
        assert_eq!(resolution.values.get("k"), expected.as_ref(), "{text}");
    }
    let ignored = [("plugin.path", "${env:APP_USER}"), ("config.providers.x.class", "${env:APP_USER}")];
    assert!(providers.resolve(ignored).values.is_empty());
}

#[test]
fn what_cannot_be_read_is_an_error_of_the_key() {
    let folder = tempfile::tempdir().unwrap();
    let base = folder.path().to_str().unwrap();
    let text = format!("${{file:{base}/none:k}}");
    let resolution = providers(folder.path()).resolve([("a", text.as_str()), ("b", "${env:some/path:KEY}")]);
    let messages: Vec<_> = resolution.failed.iter().map(|e| (e.key.as_str(), e.message.as_str())).collect();
    let missing = format!("Could not read properties from file {base}/none: there is no such file");
    assert!(messages[0].0 == "a" && messages[0].1.starts_with(&missing), "{messages:?}");
    let path = "Path is not supported for EnvVarConfigProvider, invalid value 'some/path' (in b)";
    assert_eq!(messages[1], ("b", path));
    let mut problems = Problems::default();
    let wrong = properties(&[
        ("config.providers", "a,b,c"),
        ("config.providers.a.class", "com.example.Vault"),
        ("config.providers.c.class", "FileConfigProvider"),
        ("config.providers.c.param.allowed.paths", "relative"),
    ]);
    ConfigProviders::read(&wrong, &BTreeMap::new(), &mut problems);
    let keys: Vec<_> = problems.0.iter().map(|problem| problem.key.as_str()).collect();
    let expected = ["config.providers.a.class", "config.providers", "config.providers.c.param.allowed.paths"];
    assert_eq!(keys, expected);
}

/// A worker whose user name is a variable, with the providers above.
fn worker(folder: &Path, changes: &[(&str, &str)]) -> Result<WorkerConfig, String> {
    let mut all = settings(folder);
    all.extend(properties(&[
        ("group.id", "${env:APP_GROUP}"),
        ("config.storage.topic", "c"),
        ("offset.storage.topic", "o"),
        ("status.storage.topic", "s"),
        ("key.converter", "String"),
        ("value.converter", "org.apache.kafka.connect.storage.StringConverter"),
        ("key.converter", "org.apache.kafka.connect.storage.StringConverter"),
        ("sasl.jaas.config", "${env:APP_JAAS}"),
        ("plugin.path", "${env:APP_GROUP}"),
    ]));
    all.extend(properties(changes));
    let file = folder.join("worker.properties");
    std::fs::write(&file, crate::config::properties::render(&all)).unwrap();
    let env = properties(&[("APP_GROUP", "adx"), ("APP_JAAS", "geheim"), ("APP_N", "geheimnis")]);
    WorkerConfig::load(&BUILT_IN, Some(&file), env).map_err(|errors| errors.to_string())
}

#[test]
fn a_workers_settings_are_resolved_when_they_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let config = worker(folder.path(), &[]).unwrap();
    assert_eq!(config.group_id, "adx");
    assert_eq!(config.client["sasl.jaas.config"], "geheim");
    assert_eq!(config.all["plugin.path"], "${env:APP_GROUP}");
    assert_eq!(config.all["sasl.jaas.config"], "${env:APP_JAAS}");
    assert!(!format!("{config:?}").contains("geheim"));
    let error = worker(folder.path(), &[("offset.flush.interval.ms", "${env:APP_N}")]).unwrap_err();
    assert!(
        error.contains("Invalid value ${env:APP_N} for configuration offset.flush.interval.ms"),
        "{error}"
    );
    assert!(!error.contains("geheim"), "{error}");
    let error = worker(folder.path(), &[("offset.flush.interval.ms", "${dir:x:}${env:a:b}")]).unwrap_err();
    assert_eq!(error.lines().count(), 1, "{error}");
    assert!(error.contains("Path is not supported") && error.contains("worker.properties"), "{error}");
}

#[test]
fn a_connectors_settings_are_resolved_for_use_and_shown_raw() {
    let folder = tempfile::tempdir().unwrap();
    let secrets = folder.path().join("s.properties");
    std::fs::write(&secrets, "key=geheim\ntopic=storms\nsize=geheimnis\n").unwrap();
    let worker = worker(folder.path(), &[]).unwrap();
    let at = |key: &str| format!("${{file:{}:{key}}}", secrets.display());
    let raw: ConnectorProperties = [
        ("name", "n"),
        ("connector.class", "KustoSink"),
        ("topics", &at("topic")),
        ("kusto.ingestion.url", "https://ingest-x.westeurope.kusto.windows.net"),
        ("kusto.query.url", "https://x.westeurope.kusto.windows.net"),
        ("kusto.tables.topics.mapping", "[{'topic': 'storms', 'db': 'd', 'table': 't', 'format': 'csv'}]"),
        ("aad.auth.appid", "a"),
        ("aad.auth.appkey", &at("key")),
        ("aad.auth.authority", "t"),
    ]
    .map(|(key, value)| (key.to_owned(), Some(value.to_owned())))
    .into();
    let infos = BUILT_IN.validate(&raw, &worker);
    assert_eq!(infos.bad_request_message(), None);
    let json = format!("{infos:?}");
    assert!(!json.contains("geheim") && json.contains(&at("topic")), "{json}");
    let config = BUILT_IN.parse(&raw, &worker).unwrap();
    assert!(matches!(&config.topics, crate::sink::Topics::List(topics) if topics == &["storms"]));
    assert!(!format!("{config:?}").contains("geheim"));

    let mut wrong = raw.clone();
    wrong.insert("flush.size.bytes".to_owned(), Some(at("size")));
    let message = BUILT_IN.validate(&wrong, &worker).bad_request_message().unwrap();
    assert!(
        message.contains(&format!("Invalid value {} for configuration flush.size.bytes", at("size"))),
        "{message}"
    );
    assert!(!message.contains("geheim"), "{message}");

    std::fs::remove_file(&secrets).unwrap();
    let message = BUILT_IN.validate(&raw, &worker).bad_request_message().unwrap();
    assert!(message.contains("contains the following 2 error(s)"), "{message}");
    assert!(
        message.contains(&format!("Could not read properties from file {}", secrets.display())),
        "{message}"
    );
    assert!(BUILT_IN.parse(&raw, &worker).is_err());
}
