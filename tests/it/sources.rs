//! The pages of docs/sources: every block of settings is read as a worker reads it, all of its Kafka clients get their
//! settings, and every connector is valid on it.

use kusto_connect::plugins::BUILT_IN;
use std::collections::BTreeMap;
use std::path::Path;

use kusto_connect::config::WorkerConfig;
use kusto_connect::configdef::{ConnectorProperties, Properties};
use kusto_connect::kafka::settings;
use serde_json::Value;

use crate::support::{Authority, root};

const PAGES: [&str; 5] = ["confluent-cloud", "event-hubs", "hdinsight", "msk", "strimzi"];
/// Where the pages have their files.
const FILES: &str = "/etc/kusto-connect";

/// The texts of the fenced blocks of `language`.
fn blocks<'a>(page: &'a str, language: &str) -> Vec<&'a str> {
    let fence = format!("```{language}\n");
    page.split(fence.as_str()).skip(1).filter_map(|rest| rest.split("\n```").next()).collect()
}

/// What the pages' settings name, in `folder`.
fn prepare(folder: &Path) {
    let authority = Authority::new(folder);
    std::fs::write(folder.join("ca.crt"), authority.pem()).unwrap();
    std::fs::create_dir(folder.join("user")).unwrap();
    std::fs::write(folder.join("user/password"), "of-the-user").unwrap();
    let keys = ["eventhubs", "entra", "confluent", "oidc", "msk", "appkey"];
    let lines: Vec<_> = keys.iter().map(|key| format!("{key}=Endpoint=sb://secret-of-{key}/")).collect();
    std::fs::write(folder.join("secrets.properties"), lines.join("\n")).unwrap();
    // What a key table begins with.
    std::fs::write(folder.join("connect.keytab"), [5, 2]).unwrap();
    std::fs::write(folder.join("app.pem"), authority.rsa_keys("app").pem_bytes()).unwrap();
}

fn worker(folder: &Path, text: &str) -> WorkerConfig {
    let file = folder.join("worker.properties");
    std::fs::write(&file, text).unwrap();
    WorkerConfig::load(&BUILT_IN, Some(&file), Vec::new()).unwrap_or_else(|errors| panic!("{errors}\n{text}"))
}

/// Every client of a worker and of its connectors can be made, if the build can.
fn clients(worker: &WorkerConfig, what: &str) {
    let none = Properties::new();
    let kerberos = worker.client.get("sasl.mechanism").is_some_and(|name| name == "GSSAPI");
    for made in [
        settings::storage(worker, "configs"),
        settings::consumer(worker, "c", &none),
        settings::admin(worker, "c", &none),
    ] {
        match made {
            Err(error) if kerberos && cfg!(not(feature = "gssapi")) => {
                let error = error.to_string();
                assert!(error.contains("cargo build --release --features gssapi"), "{what}: {error}");
            }
            made => drop(made.unwrap_or_else(|error| panic!("{what}: {error}"))),
        }
    }
    settings::producer(worker, "c", &none).unwrap_or_else(|error| panic!("{what}: {error}"));
}

fn connector(text: &str) -> ConnectorProperties {
    let file: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let config: BTreeMap<String, String> = serde_json::from_value(file["config"].clone()).unwrap();
    let name = ("name".to_owned(), file["name"].as_str().unwrap().to_owned());
    config.into_iter().chain([name]).map(|(key, value)| (key, Some(value))).collect()
}

#[test]
fn every_page_of_a_source_has_settings_that_work() {
    let folder = tempfile::tempdir().unwrap();
    prepare(folder.path());
    assert_eq!(std::fs::read_dir(root().join("docs/sources")).unwrap().count(), PAGES.len());
    for name in PAGES {
        let page = std::fs::read_to_string(root().join(format!("docs/sources/{name}.md"))).unwrap();
        let page = page.replace(FILES, folder.path().to_str().unwrap());
        let (workers, connectors) = (blocks(&page, "properties"), blocks(&page, "json"));
        assert!(!workers.is_empty() && !connectors.is_empty(), "{name} has no example");
        for text in workers {
            let worker = worker(folder.path(), text);
            assert!(worker.warnings.is_empty(), "{name}: {:?}", worker.warnings);
            clients(&worker, name);
            for text in &connectors {
                let infos = BUILT_IN.validate(&connector(text), &worker);
                assert_eq!(infos.messages().collect::<Vec<_>>(), Vec::<&str>::new(), "{name}\n{text}");
            }
        }
    }
}

#[test]
fn the_user_of_event_hubs_is_taken_literally_and_its_connection_string_whole() {
    let folder = tempfile::tempdir().unwrap();
    prepare(folder.path());
    let page = std::fs::read_to_string(root().join("docs/sources/event-hubs.md")).unwrap();
    let page = page.replace(FILES, folder.path().to_str().unwrap());
    let worker = worker(folder.path(), blocks(&page, "properties")[0]);
    let config = settings::consumer(&worker, "c", &Properties::new()).unwrap();
    assert_eq!(config.get("sasl.username"), Some("$ConnectionString"));
    assert_eq!(config.get("sasl.password"), Some("Endpoint=sb://secret-of-eventhubs/"));
}
