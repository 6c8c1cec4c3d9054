//! Dead letters that would go nowhere: brokers of theirs that are not there, and topics that cannot be made.

use serde_json::json;

use super::demo::Demo;
use crate::support::{Kafka, free_port, unique};

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_that_would_go_nowhere_are_named() {
    let mut demo = Demo::set().await;
    let (letters, own) = (unique("letters"), unique("own-letters"));
    demo.connector_with(json!({
        "errors.tolerance": "all",
        "errors.deadletterqueue.topic.name": letters,
        "errors.deadletterqueue.topic.replication.factor": "1",
        "behavior.on.error": "LOG",
        "misc.deadletterqueue.bootstrap.servers": demo.kafka.bootstrap(),
        "misc.deadletterqueue.topic.name": own,
    }));
    let report = demo.examine().await;
    report.assert_good();
    for topic in [&letters, &own] {
        let said = report.check(&format!("dead-letter topic {topic}"))["said"].as_str().expect("a sentence");
        assert!(said.contains("is made when the connector starts"), "{said}");
    }
    assert!(!demo.kafka.topics().await.contains(&letters), "it was made by asking");

    let closed = format!("127.0.0.1:{}", free_port());
    let place = format!("TCP {closed}");
    demo.connector_with(json!({ "misc.deadletterqueue.bootstrap.servers": closed }));
    demo.examine().await.assert_names(&place, "refused", "misc.deadletterqueue.bootstrap.servers");
    demo.connector_with(json!({ "misc.deadletterqueue.bootstrap.servers": demo.kafka.bootstrap() }));
    demo.connector_with(json!({ "producer.override.bootstrap.servers": closed }));
    demo.examine().await.assert_names(&place, "refused", "producer.override.bootstrap.servers");

    // Made in one cluster, written in another.
    let other = Kafka::own().await;
    demo.kafka.create_topic(&letters, 1).await;
    demo.connector_with(json!({ "producer.override.bootstrap.servers": other.bootstrap() }));
    let check = format!("dead-letter topic {letters}");
    demo.examine().await.assert_names(
        &check,
        "not where letters are written",
        "admin.override.bootstrap.servers",
    );
    other.create_topic(&letters, 1).await;
    demo.examine().await.assert_good();

    demo.connector.as_object_mut().expect("an object").remove("producer.override.bootstrap.servers");
    demo.connector_with(json!({
        "errors.deadletterqueue.topic.name": unique("letters"),
        "errors.deadletterqueue.topic.replication.factor": "3",
    }));
    demo.examine().await.assert_names(
        "dead-letter topic",
        "replication",
        "errors.deadletterqueue.topic.replication.factor",
    );
}
