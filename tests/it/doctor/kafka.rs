//! What is wrong on Kafka's side: brokers, certificates, passwords, topics.

use serde_json::json;

use super::demo::{Demo, wait_until_closed};
use crate::support::{DATABASE, Front, Secured, free_port};

#[tokio::test(flavor = "multi_thread")]
async fn brokers_that_are_not_there_are_named_by_the_network() {
    let mut demo = Demo::set().await;
    demo.worker_with("bootstrap.servers", "no-such-host.invalid:9092");
    demo.examine().await.assert_names("DNS no-such-host.invalid", "not known here", "bootstrap.servers");
    let closed = format!("127.0.0.1:{}", free_port());
    demo.worker_with("bootstrap.servers", &closed);
    let report = demo.examine().await;
    report.assert_names(&format!("TCP {closed}"), "refused", "nothing listens there");
    assert_eq!(report.check("table lab.Storms")["result"], "ok");
    demo.worker_with("bootstrap.servers", &format!("{closed},{}", demo.kafka.bootstrap()));
    let report = demo.examine().await;
    report.assert_good();
    assert_eq!(report.names("warning"), [format!("TCP {closed}")], "one of two is enough");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_not_where_it_says_is_named() {
    let (kafka, front) = Front::of_a_broker().await;
    let mut demo = Demo::set().await;
    kafka.create_topic(&demo.topic, 1).await;
    demo.worker_with("bootstrap.servers", &front.behind());
    let address = front.address();
    demo.examine().await.assert_good();
    drop(front);
    wait_until_closed(&address).await;
    let report = demo.examine().await;
    report.assert_names(
        "brokers as they are advertised",
        &format!("{address}: the connection is refused"),
        "advertised.listeners",
    );
    assert_eq!(report.check("table lab.Storms")["result"], "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_not_trusted_and_one_that_refuses_us_are_told_apart() {
    let secured = Secured::start().await;
    let mut demo = Demo::set().await;
    secured.kafka.create_topic(&demo.topic, 1).await;
    demo.worker_with("bootstrap.servers", &secured.sasl());
    let login = |demo: &mut Demo, prefix: &str, password: &str| {
        for (key, value) in Secured::sign_in("PLAIN", password) {
            demo.worker_with(&format!("{prefix}{key}"), &value);
        }
        demo.worker_with(&format!("{prefix}ssl.truststore.location"), &secured.authority.pem_file());
        demo.worker_with(&format!("{prefix}ssl.truststore.type"), "PEM");
    };
    for prefix in ["", "consumer.", "producer.", "admin."] {
        login(&mut demo, prefix, Secured::PASSWORD);
    }
    let report = demo.examine().await;
    report.assert_good();
    let tls = format!("TLS {}", secured.sasl());
    let soon = report.check(&tls);
    assert!(soon["result"] == "warning" && soon["said"].as_str().unwrap().contains("ends in"), "{soon}");

    login(&mut demo, "", "wr0ng-of-alice");
    let report = demo.examine().await;
    report.assert_names("sign-in to Kafka (the worker)", "let us in", "sasl.jaas.config");
    assert!(!report.json.to_string().contains("wr0ng-of-alice"));
    login(&mut demo, "", Secured::PASSWORD);
    login(&mut demo, "consumer.", "wr0ng-of-alice");
    let report = demo.examine().await;
    report.assert_names("sign-in to Kafka (the connector", "refuses", "consumer.sasl.jaas.config");

    // A port that wants a certificate of ours is looked at all the same.
    let mut mutual = Demo::set().await;
    secured.kafka.create_topic(&mutual.topic, 1).await;
    mutual.worker_with("bootstrap.servers", &secured.mutual());
    let keys = secured.authority.put("client.pem", &secured.authority.keys("client").pem_bytes());
    for prefix in ["", "consumer."] {
        mutual.worker_with(&format!("{prefix}security.protocol"), "SSL");
        for (store, file) in [("truststore", &secured.authority.pem_file()), ("keystore", &keys)] {
            mutual.worker_with(&format!("{prefix}ssl.{store}.location"), file);
            mutual.worker_with(&format!("{prefix}ssl.{store}.type"), "PEM");
        }
    }
    mutual.examine().await.assert_good();

    login(&mut demo, "consumer.", Secured::PASSWORD);
    demo.worker.remove("ssl.truststore.location");
    demo.worker.remove("ssl.truststore.type");
    demo.examine().await.assert_names(
        &tls,
        "authority of a test, is not trusted here",
        "ssl.truststore.location",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_that_are_wrong_or_missing_are_named() {
    let mut demo = Demo::set().await;
    let config = format!("{}-config", demo.cluster);
    demo.kafka.create_topic(&config, 1).await;
    demo.examine().await.assert_names(
        &format!("topic {config} (config.storage.topic)"),
        "cleanup.policy=delete",
        &format!("--entity-name {config} --add-config cleanup.policy=compact"),
    );
    demo.kafka.set_topic(&config, "cleanup.policy", "compact").await;
    demo.examine().await.assert_good();
    let wide = format!("{}-wide", demo.cluster);
    demo.kafka.create_topic_with(&wide, 3, &[("cleanup.policy", "compact")]).await;
    demo.worker_with("config.storage.topic", &wide);
    demo.examine().await.assert_names(&format!("topic {wide}"), "single partition", "config.storage.topic");
    demo.worker_with("config.storage.topic", &config);
    demo.worker_with("status.storage.replication.factor", "3");
    let status = format!("topic {}-status", demo.cluster);
    demo.examine().await.assert_names(&status, "fewer brokers", "status.storage.replication.factor");
    demo.worker_with("status.storage.replication.factor", "1");

    demo.topic = format!("{}-gone", demo.topic);
    demo.connector_with(json!({ "topics": demo.topic }));
    demo.map_to(DATABASE, "Storms", "Storms_CSV_Mapping", "");
    let report = demo.examine().await;
    report.assert_names(&format!("topic {}", demo.topic), "does not exist", "kafka-topics.sh");
    assert!(!demo.kafka.topics().await.contains(&demo.topic), "it was made by asking");
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_of_an_expression_are_counted() {
    let mut demo = Demo::set().await;
    let topic = demo.topic.clone();
    demo.connector.as_object_mut().expect("an object").remove("topics");
    for (expression, result, said) in [
        (format!("{}.", &topic[..topic.len() - 1]), "ok", topic.as_str()),
        ("no-such-.*".to_owned(), "warning", "none (yet)"),
    ] {
        demo.connector_with(json!({ "topics.regex": expression }));
        let report = demo.examine().await;
        report.assert_good();
        let check = report.check("topics that match topics.regex");
        assert!(
            check["result"] == result && check["said"].as_str().expect("a sentence").contains(said),
            "{check}"
        );
    }
}
