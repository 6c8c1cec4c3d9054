//! A consumer that its owner lets go in the middle of its work.

use super::consumer::{ConsumerEvent, GroupConsumer, Subscription};
use rdkafka::ClientConfig;
use rdkafka::mocking::MockCluster;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_that_is_dropped_in_the_middle_of_its_work_ends() {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("t", 1, 1).unwrap();
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", cluster.bootstrap_servers()).set("group.id", "g");
    config.set("partition.assignment.strategy", "cooperative-sticky");
    let topics = Subscription::Topics(vec!["t".to_owned()]);
    let mut consumer = GroupConsumer::join(&config, &topics).unwrap();
    let partitions = loop {
        if let ConsumerEvent::Assigned(partitions) = consumer.next_event().await {
            break partitions;
        }
    };
    drop(consumer.assign(&partitions).unwrap());
    // A thread of its own, since the runtime would wait for one that never ends.
    let (done, ended) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        drop(consumer);
        done.send(()).unwrap();
    });
    tokio::time::timeout(Duration::from_secs(30), ended).await.expect("it ends").unwrap();
}
