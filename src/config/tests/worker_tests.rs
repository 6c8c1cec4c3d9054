//! A worker's settings: where they come from, and what is wrong with them.

use std::time::Duration;

use super::{Mode, WorkerConfig, load, root, rows};
use crate::config::fixtures;
use crate::plugins::BUILT_IN;

#[test]
fn a_worker_from_the_environment() {
    let worker = load(
        None,
        &[
            ("BOOTSTRAP_SERVERS", "kafka:9092"),
            ("GROUP_ID", "adx"),
            ("CONFIG_STORAGE_TOPIC", "my_connect_configs"),
            ("OFFSET_STORAGE_TOPIC", "my_connect_offsets"),
            ("STATUS_STORAGE_TOPIC", "my_connect_statuses"),
            ("CONNECT_CONSUMER_MAX_POLL_RECORDS", "10"),
            ("CONNECT_CONFIG_STORAGE_MIN_INSYNC_REPLICAS", "1"),
            ("CONNECT_REST_PORT", "8083"),
            ("HOST_NAME", "worker-1"),
            ("CONNECT_SECURITY_PROTOCOL", "SASL_SSL"),
            ("CONNECT_SSL_CLIENT_AUTH", "none"),
        ],
    )
    .unwrap();
    assert_eq!(worker.bootstrap_servers, "kafka:9092");
    let topics = [&worker.config_topic, &worker.offset_topic, &worker.status_topic];
    assert_eq!(topics.map(|topic| (topic.partitions, topic.replication_factor)), [(1, 1), (25, 1), (5, 1)]);
    assert_eq!(worker.config_topic.settings["min.insync.replicas"], "1");
    assert_eq!(worker.value_converter.class, "org.apache.kafka.connect.json.JsonConverter");
    assert_eq!(worker.consumer["max.poll.records"], "10");
    let client: Vec<_> = worker.client.keys().map(String::as_str).collect();
    assert_eq!(client, ["bootstrap.servers", "security.protocol"]);
    assert_eq!(worker.task_shutdown_graceful_timeout, Duration::from_secs(10));
    assert_eq!(worker.worker_id(&[([0, 0, 0, 0], 8083).into()]), "worker-1:8083");
    assert_eq!(worker.rest.listeners[0].bind_address(), ("0.0.0.0", 8083));
    assert_eq!(worker.buffer_bytes, 256 << 20);
    assert_eq!(worker.warnings, ["rest.port has no effect: use listeners"]);
}

#[test]
fn a_workers_errors_come_all_at_once() {
    let errors =
        load(None, &[("OFFSET_FLUSH_INTERVAL_MS", "soon"), ("CONNECT_LISTENERS", "https://:8443,ftp")]);
    let errors = errors.unwrap_err();
    for line in [
        "Missing required configuration \"config.storage.topic\" which has no default value. (environment variable \
         CONFIG_STORAGE_TOPIC)",
        "Missing required configuration \"offset.storage.topic\" which has no default value. (environment variable \
         OFFSET_STORAGE_TOPIC)",
        "Invalid value soon for configuration offset.flush.interval.ms: Not a number of type LONG (set by \
         OFFSET_FLUSH_INTERVAL_MS)",
        "Invalid value ftp for configuration listeners: must be http://host:port or https://host:port, where host may \
         be left out (set by CONNECT_LISTENERS)",
    ] {
        assert!(errors.lines().any(|found| found == line), "{line}\nnot in\n{errors}");
    }
}

#[test]
fn a_standalone_worker_needs_an_offset_file_and_no_cluster() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("worker.properties");
    let load = || {
        WorkerConfig::load_for(&BUILT_IN, Mode::Standalone, Some(&path), Vec::new())
            .map_err(|errors| errors.to_string())
    };
    std::fs::write(&path, "key.converter=String\nvalue.converter=String\n").unwrap();
    let missing =
        "Missing required configuration \"offset.storage.file.filename\" which has no default value.";
    assert_eq!(load().unwrap_err().trim(), missing);
    let text = "key.converter=String\nvalue.converter=String\noffset.storage.file.filename=x\n\
                config.storage.replication.factor=many\n";
    std::fs::write(&path, text).unwrap();
    let worker = load().unwrap();
    assert_eq!((worker.group_id.as_str(), worker.config_topic.name.as_str()), ("connect", ""));
    let both: Vec<_> = rows(Mode::Distributed).chain(rows(Mode::Standalone)).map(|row| row.0).collect();
    let count = |key: &str| both.iter().filter(|name| **name == key).count();
    let keys = ["group.id", "config.storage.topic", "listeners", "offset.storage.file.filename"];
    assert_eq!(keys.map(count), [1, 1, 2, 1]);
}

#[test]
fn a_workers_file_is_named_in_errors() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("worker.properties");
    let text = "group.id=g\nconfig.storage.topic=c\noffset.storage.topic=o\nstatus.storage.topic=s\n\
                key.converter=Json\nvalue.converter=com.example.avro.Converter\n\
                worker.buffer.bytes=1000\nconfig.providers=file\nstatus.storage.replication.factor=-1\n";
    std::fs::write(&path, text).unwrap();
    let errors = load(Some(&path), &[]).unwrap_err();
    assert_eq!(errors.lines().count(), 3, "{errors}");
    for key in ["value.converter", "worker.buffer.bytes", "config.providers"] {
        assert!(
            errors.lines().any(|line| line.contains(key) && line.contains("worker.properties")),
            "{errors}"
        );
    }
    let kept: String = text.lines().filter(|line| !line.contains("avro") && !line.contains("buffer")).fold(
        "value.converter=String\nx.y=z\nbroken=\\u00e4\n".to_owned(),
        |all, line| {
            if line.contains("providers") { all } else { all + line + "\n" }
        },
    );
    std::fs::write(&path, kept).unwrap();
    let worker = load(Some(&path), &[("CONNECT_GROUP_ID", "other")]).unwrap();
    assert_eq!((worker.group_id.as_str(), worker.all["x.y"].as_str()), ("other", "z"));
    assert_eq!((worker.config_topic.replication_factor, worker.status_topic.replication_factor), (3, -1));
    std::fs::write(&path, "a=\\u12").unwrap();
    assert!(load(Some(&path), &[]).unwrap_err().contains("worker.properties, line 1"));
    assert!(load(Some(&folder.path().join("none")), &[]).unwrap_err().contains("cannot be read"));
}

/// The documented example, its secrets and files as a user would provide them.
#[test]
fn the_example_with_sasl_and_https_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let text =
        std::fs::read_to_string(root().join("config/connect-distributed.sasl-ssl.properties")).unwrap();
    let key = openssl::pkey::PKey::from_rsa(openssl::rsa::Rsa::generate(2048).unwrap()).unwrap();
    let mut certificate = openssl::x509::X509::builder().unwrap();
    certificate.set_pubkey(&key).unwrap();
    certificate.set_not_before(&openssl::asn1::Asn1Time::days_from_now(0).unwrap()).unwrap();
    certificate.set_not_after(&openssl::asn1::Asn1Time::days_from_now(9).unwrap()).unwrap();
    certificate.sign(&key, openssl::hash::MessageDigest::sha256()).unwrap();
    let pem = [key.private_key_to_pem_pkcs8().unwrap(), certificate.build().to_pem().unwrap()].concat();
    std::fs::write(folder.path().join("rest.pem"), &pem).unwrap();
    std::fs::write(folder.path().join("ca.pem"), &pem).unwrap();
    std::fs::write(folder.path().join("users.properties"), "alice=a").unwrap();
    let file = folder.path().join("worker.properties");
    std::fs::write(&file, text.replace("/etc/kusto-connect", folder.path().to_str().unwrap())).unwrap();
    let worker = load(Some(&file), &[("ADX_KAFKA_USER", "u"), ("ADX_KAFKA_PASSWORD", "geheim")]).unwrap();
    assert!(worker.rest.users.is_some() && worker.rest.tls.is_some() && worker.warnings.is_empty());
    assert_eq!(worker.override_policy, crate::config::OverridePolicy::Principal);
    for properties in [&worker.client, &worker.consumer] {
        let entry = crate::config::jaas::login_entry(&properties["sasl.jaas.config"]).unwrap();
        assert_eq!((entry.option("username"), entry.option("password")), (Some("u"), Some("geheim")));
    }
    assert!(!format!("{worker:?}").contains("geheim"));
}

#[test]
fn metrics_have_names_and_listeners_or_say_what_is_wrong() {
    let config = fixtures::worker(&[]);
    assert_eq!(config.metrics.names, ["strimzi", "kusto"]);
    assert!(config.metrics.listeners.is_empty() && config.metrics.partitions);
    let config = fixtures::worker(&[
        ("CONNECT_METRICS_NAMES", "Confluent, kusto-board,confluent"),
        ("CONNECT_METRICS_LISTENERS", "http://:9404"),
        ("CONNECT_METRICS_SAMPLE_WINDOW_MS", "1000"),
    ]);
    assert_eq!(config.metrics.names, ["confluent", "kusto-board", "kusto"]);
    assert_eq!(config.metrics.listeners[0].port, 9404);
    assert_eq!(config.metrics.sampling.length.as_millis(), 1000);
    let least = ["GROUP_ID", "CONFIG_STORAGE_TOPIC", "OFFSET_STORAGE_TOPIC", "STATUS_STORAGE_TOPIC"];
    let wrong = [("CONNECT_METRICS_NAMES", "strimzi,grafana"), ("CONNECT_METRICS_LISTENERS", "9404")];
    let all: Vec<_> = least.map(|name| (name, "x")).into_iter().chain(wrong).collect();
    let errors = load(None, &all).unwrap_err();
    for words in ["metrics.names", "grafana", "kusto-board", "metrics.listeners", "http://host:port"] {
        assert!(errors.contains(words), "{words}: {errors}");
    }
}
