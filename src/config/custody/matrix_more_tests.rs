//! The same of files, of Azure's identity for ADX, and of dead letters; and what a connector brings itself.

use super::super::WorkerConfig;
use super::matrix_tests::*;
use crate::plugins::BUILT_IN;

#[test]
fn files_that_connectors_name_lie_where_the_operator_says() {
    let folder = tempfile::tempdir().unwrap();
    let base = folder.path().to_str().unwrap().to_owned();
    let worker = worker(&pairs(
        "",
        &[("worker.allow.paths", &base), ("consumer.ssl.truststore.location", "/etc/worker-trust.pem")],
    ));
    let files = [
        "ssl.keystore.location",
        "ssl.truststore.location",
        "ssl.key.location",
        "ssl.certificate.location",
        "ssl.ca.location",
        "ssl.crl.location",
    ];
    let mut settings = Vec::new();
    for prefix in ["consumer.override.", "producer.override.", "admin.override.", "misc.deadletterqueue."] {
        settings.extend(files.iter().map(|key| format!("{prefix}{key}")));
    }
    settings.extend(files[..2].iter().map(|key| format!("value.converter.schema.registry.{key}")));
    settings.push("aad.auth.certificate.path".to_owned());
    for key in &settings {
        let judge = |path: &str| {
            let mut all = pairs("", &[(key, path)]);
            if key.starts_with("value.converter.") {
                let avro = "io.confluent.connect.avro.AvroConverter";
                all.extend(pairs(
                    "value.converter",
                    &[("", avro), (".schema.registry.url", "https://registry")],
                ));
            }
            if key.starts_with("aad.") {
                all.extend(pairs("aad.auth.", &[("appid", "a")]));
            }
            BUILT_IN.validate(&connector(&all), &worker).messages().map(str::to_owned).collect::<Vec<_>>()
        };
        for path in ["/etc/shadow", "relative.pem", &format!("{base}/../x")] {
            let found = judge(path);
            let expected = |text: &String| text.contains(key.as_str()) && text.contains("worker.allow.paths");
            assert!(found.iter().any(expected), "{key}={path}: {found:?}");
        }
        let inside = judge(&format!("{base}/x.pem"));
        assert!(inside.iter().all(|text| !text.contains("worker.allow.paths")), "{key}: {inside:?}");
    }
    // The worker's own authorities may be named again.
    let again = pairs("consumer.override.", &[("ssl.truststore.location", "/etc/worker-trust.pem")]);
    assert!(wrong_keys(&connector(&again), &worker).is_empty());
}

#[test]
fn what_a_connector_brings_itself_goes_where_it_wants() {
    let (bare, worker) = (worker(&vec![]), worker(&with("consumer.", &logins_of_worker()[0].1)));
    for (name, login) in logins_of_worker().into_iter().filter(|(name, _)| !name.contains("identity")) {
        if name == "a token file" || name == "PLAIN" {
            continue;
        }
        let mut all = with("consumer.override.", &login);
        all.extend(pairs("consumer.override.", &[("bootstrap.servers", "elsewhere:9093")]));
        assert!(wrong_keys(&connector(&all), &bare).is_empty(), "{name}");
        // Where the worker has a JAAS line, that one counts for who has none.
        if name != "librdkafka's names" {
            assert!(wrong_keys(&connector(&all), &worker).is_empty(), "{name}");
        }
    }
    let plain = pairs(
        "consumer.override.",
        &[("security.protocol", "PLAINTEXT"), ("bootstrap.servers", "elsewhere:1")],
    );
    assert!(wrong_keys(&connector(&plain), &worker).is_empty(), "no login at all");
}

#[test]
fn the_workers_identity_in_azure_goes_to_adx_and_where_the_operator_says() {
    let strict = worker(&vec![]);
    let insecure = worker(&pairs("", &[("worker.allow.insecure.http", "true")]));
    let named = worker(&pairs("", &[("worker.allow.identity.hosts", "localhost:8080")]));
    let cloud = "https://c.kusto.windows.net";
    for strategy in ["MANAGED_IDENTITY", "WORKLOAD_IDENTITY", "AZ_CLI"] {
        let judge = |worker: &WorkerConfig, ingestion: &str, query: &str| {
            let all = pairs(
                "",
                &[
                    ("aad.auth.strategy", strategy),
                    ("kusto.ingestion.url", ingestion),
                    ("kusto.query.url", query),
                    // A tunnel sees nothing.
                    ("proxy.host", "localhost"),
                    ("proxy.port", "3128"),
                ],
            );
            wrong_keys(&connector(&all), worker)
        };
        for worker in [&strict, &insecure, &named] {
            assert!(judge(worker, cloud, cloud).is_empty(), "{strategy}");
        }
        for worker in [&strict, &insecure] {
            assert_eq!(judge(worker, "http://localhost:8080", cloud), ["kusto.ingestion.url"], "{strategy}");
            assert_eq!(judge(worker, cloud, "https://127.0.0.1:8443"), ["kusto.query.url"], "{strategy}");
        }
        assert_eq!(judge(&insecure, "https://evil.example", cloud), ["kusto.ingestion.url"], "{strategy}");
        assert!(judge(&named, "http://localhost:8080", "http://localhost:8080").is_empty(), "{strategy}");
        assert_eq!(judge(&named, "http://localhost:8081", cloud), ["kusto.ingestion.url"], "{strategy}");
    }
    // A secret of the connector's own, or none, may go to this machine as before.
    let own = pairs("aad.auth.", &[("appid", "a"), ("appkey", "k")]);
    assert!(wrong_keys(&connector(&own), &strict).is_empty());
    assert!(wrong_keys(&connector(&vec![]), &strict).is_empty());
}

#[test]
fn the_policy_for_overrides_is_for_the_sinks_dead_letters_too() {
    let login = [("security.protocol", "SASL_SSL"), ("sasl.mechanism", "PLAIN"), ("client.id", "x")];
    for (policy, allowed) in [("All", 3), ("Principal", 2), ("None", 0)] {
        let worker = worker(&pairs("", &[("connector.client.config.override.policy", policy)]));
        let prefix = "misc.deadletterqueue.";
        let judge = |brokers: &str, more: &[(&str, &str)]| {
            let mut all = pairs(prefix, &[("bootstrap.servers", brokers), ("topic.name", "letters")]);
            all.extend(pairs(prefix, more));
            wrong_keys(&connector(&all), &worker)
        };
        assert!(judge("own-2:9093,own-1:9093", &[]).is_empty(), "{policy}");
        assert_eq!(judge("elsewhere:9092", &[]).is_empty(), policy == "All");
        let refused: Vec<_> = login[allowed..].iter().map(|(key, _)| format!("{prefix}{key}")).collect();
        let mut found = judge(OWN, &login);
        // PLAIN without a password is wrong anyway, by another rule.
        found.retain(|key| refused.contains(key));
        assert_eq!(found.len(), refused.len(), "{policy}: {found:?}");
    }
}

#[test]
fn dead_letters_go_to_no_topic_that_holds_state_and_do_not_come_back() {
    let worker = worker(&vec![]);
    for key in ["errors.deadletterqueue.topic.name", "misc.deadletterqueue.topic.name"] {
        let judge = |topic: &str, more: &[(&str, &str)]| {
            let mut all =
                pairs("", &[(key, topic), ("misc.deadletterqueue.bootstrap.servers", "elsewhere:9092")]);
            if key.starts_with("errors.") {
                all.pop();
            }
            all.extend(pairs("", more));
            wrong_keys(&connector(&all), &worker)
        };
        for topic in [
            "connect-configs",
            " connect-offsets",
            "connect-status\t",
            "__consumer_offsets",
            "__transaction_state",
            "__share_group_state",
            "__cluster_metadata",
        ] {
            assert_eq!(judge(topic, &[]), [key], "{topic}");
        }
        assert!(judge("letters", &[]).is_empty());
    }
    let servers = "misc.deadletterqueue.bootstrap.servers";
    let judge = |more: &[(&str, Option<&str>)]| {
        let mut raw =
            connector(&pairs("", &[("misc.deadletterqueue.topic.name", "storm-events"), (servers, OWN)]));
        for (key, text) in more {
            match text {
                Some(text) => drop(raw.insert((*key).to_owned(), Some((*text).to_owned()))),
                None => drop(raw.remove(*key)),
            }
        }
        wrong_keys(&raw, &worker)
    };
    let name = "misc.deadletterqueue.topic.name";
    assert_eq!(judge(&[]), [name]);
    assert_eq!(judge(&[("topics", None), ("topics.regex", Some("storm.*"))]), [name]);
    assert!(judge(&[(servers, Some("elsewhere:9092"))]).is_empty(), "another cluster");
}

#[test]
fn a_value_that_has_changed_since_is_judged_when_the_connector_starts() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("values.properties");
    let mut settings = with("consumer.", &logins_of_worker()[0].1);
    settings.extend(pairs(
        "config.providers",
        &[("", "file"), (".file.class", "org.apache.kafka.common.config.provider.FileConfigProvider")],
    ));
    let worker = worker(&settings);
    let raw = connector(&pairs(
        "",
        &[
            ("consumer.override.bootstrap.servers", &format!("${{file:{}:brokers}}", file.display())),
            ("errors.deadletterqueue.topic.name", &format!("${{file:{}:letters}}", file.display())),
        ],
    ));
    let write = |brokers: &str, letters: &str| {
        std::fs::write(&file, format!("brokers={brokers}\nletters={letters}\n")).unwrap();
        BUILT_IN.parse(&raw, &worker).map(drop).map_err(|errors| errors.to_string())
    };
    write("own-1:9093", "letters").unwrap();
    let error = write("evil:9093", "letters").unwrap_err();
    assert!(error.contains("consumer.override.bootstrap.servers") && !error.contains("evil"), "{error}");
    let error = write("own-1:9093", "connect-configs").unwrap_err();
    assert!(error.contains("errors.deadletterqueue.topic.name"), "{error}");
}
