//! A consumer that its owner lets go in the middle of its work, and one that commits while its group is busy.

use super::consumer::{ConsumerEvent, GroupConsumer, Subscription};
use super::native::{PartitionQueue, Records, fetch_wait};
use crate::id::TopicPartition;
use futures::FutureExt;
use rdkafka::consumer::Consumer;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use rdkafka::{ClientConfig, TopicPartitionList};
use std::time::Duration;

const MINUTE: Duration = Duration::from_mins(1);

fn cluster() -> MockCluster<'static, rdkafka::producer::DefaultProducerContext> {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("t", 1, 1).unwrap();
    cluster
}

fn settings(servers: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", servers).set("group.id", "g").set("auto.offset.reset", "earliest");
    config.set("partition.assignment.strategy", "cooperative-sticky");
    config
}

/// A member of the group that was given the only partition.
async fn joined(servers: &str) -> (GroupConsumer, PartitionQueue) {
    let topics = Subscription::Topics(vec!["t".to_owned()]);
    let mut consumer = GroupConsumer::join(&settings(servers), &topics).unwrap();
    let partitions = loop {
        if let ConsumerEvent::Assigned(partitions) = consumer.next_event().await {
            break partitions;
        }
    };
    let queue = consumer.assign(&partitions).unwrap().remove(0);
    (consumer, queue)
}

/// Waits for a record, and takes it.
async fn take(consumer: &mut GroupConsumer, queue: &mut PartitionQueue) -> Records {
    loop {
        let records = queue.poll_batch();
        if !records.is_empty() {
            return records;
        }
        tokio::select! {
            () = queue.notified() => {}
            _ = consumer.next_event() => {}
        }
    }
}

/// Runs `work` on a thread of its own, since the runtime would wait for one that never ends.
async fn ends(work: impl FnOnce() + Send + 'static) {
    let (done, ended) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        work();
        done.send(()).unwrap();
    });
    tokio::time::timeout(MINUTE, ended).await.expect("it ends").unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_that_is_dropped_in_the_middle_of_its_work_ends() {
    let cluster = cluster();
    let (consumer, queue) = joined(&cluster.bootstrap_servers()).await;
    drop(queue);
    ends(move || drop(consumer)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn records_outlive_their_consumer_and_their_queue() {
    let cluster = cluster();
    let servers = cluster.bootstrap_servers();
    let producer: BaseProducer = ClientConfig::new().set("bootstrap.servers", &servers).create().unwrap();
    producer.send(BaseRecord::<str, str>::to("t").key("k").payload("value")).unwrap();
    producer.flush(MINUTE).unwrap();
    let (mut consumer, mut queue) = joined(&servers).await;
    let mut records = tokio::time::timeout(MINUTE, take(&mut consumer, &mut queue)).await.unwrap();
    // As after a panic: whoever owns the consumer is gone first.
    drop(consumer);
    drop(queue);
    let record = records.next_record().unwrap().unwrap();
    assert_eq!((record.key, record.value), (Some(&b"k"[..]), Some(&b"value"[..])));
    assert!(record.timestamp().is_some() && record.headers().is_empty());
    ends(move || drop(records)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_is_tried_again_while_the_group_is_busy_and_only_then() {
    let cluster = cluster();
    let (consumer, _queue) = joined(&cluster.bootstrap_servers()).await;
    let offsets = |offset| vec![(TopicPartition::new("t", 0), offset)];
    let refuse = |error, times| {
        cluster.request_errors(RDKafkaApiKey::OffsetCommit, &vec![error; times]);
    };
    refuse(RDKafkaRespErr::RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS, 3);
    consumer.commit(offsets(5), MINUTE).await.unwrap();

    refuse(RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, 1);
    let error = consumer.commit(offsets(6), MINUTE).await.unwrap_err().to_string();
    assert!(error.contains("commit") && error.contains("uthoriz"), "{error}");

    refuse(RDKafkaRespErr::RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS, 100);
    let error = consumer.commit(offsets(7), Duration::from_millis(100)).await.unwrap_err().to_string();
    assert!(error.to_lowercase().contains("rebalanc"), "{error}");
    cluster.clear_request_errors(RDKafkaApiKey::OffsetCommit);
    consumer.commit(offsets(8), MINUTE).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_of_a_partition_whose_queue_was_not_split_off_is_told_with_its_place() {
    let cluster = cluster();
    let servers = cluster.bootstrap_servers();
    let producer: BaseProducer = ClientConfig::new().set("bootstrap.servers", &servers).create().unwrap();
    producer.send(BaseRecord::<str, str>::to("t").payload("value")).unwrap();
    producer.flush(MINUTE).unwrap();
    let topics = Subscription::Topics(vec!["t".to_owned()]);
    let mut consumer = GroupConsumer::join(&settings(&servers), &topics).unwrap();
    let stray = async {
        loop {
            match consumer.next_event().await {
                ConsumerEvent::Assigned(_) => {
                    let mut list = TopicPartitionList::new();
                    list.add_partition("t", 0);
                    consumer.client().incremental_assign(&list).unwrap();
                }
                ConsumerEvent::Stray(partition, offset) => return (partition, offset),
                _ => {}
            }
        }
    };
    let stray = tokio::time::timeout(MINUTE, stray).await.expect("a word of it");
    assert_eq!(stray, (TopicPartition::new("t", 0), 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_a_queue_is_told_to_who_takes_it_over() {
    let cluster = cluster();
    let servers = cluster.bootstrap_servers();
    let (mut consumer, mut queue) = joined(&servers).await;
    let producer: BaseProducer = ClientConfig::new().set("bootstrap.servers", &servers).create().unwrap();
    let send = || {
        producer.send(BaseRecord::<str, str>::to("t").payload("value")).unwrap();
        producer.flush(MINUTE).unwrap();
    };
    send();
    take(&mut consumer, &mut queue).await;
    // What rang before would be taken for the next record.
    queue.notified().now_or_never();
    send();
    tokio::time::timeout(MINUTE, queue.notified()).await.expect("a record");
    drop(queue);
    let mut queue = consumer.queue(&TopicPartition::new("t", 0)).unwrap();
    assert!(queue.notified().now_or_never().is_some(), "nobody would read it");
    assert_eq!(queue.poll_batch().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_that_were_assigned_are_asked_for_often_at_first() {
    let cluster = cluster();
    let (mut consumer, _queue) = joined(&cluster.bootstrap_servers()).await;
    let usual = fetch_wait::get(consumer.client().client()).expect("a wait");
    assert!(consumer.next_event().now_or_never().is_none());
    let wait = fetch_wait::get(consumer.client().client()).expect("a wait");
    assert!(wait * 5 <= usual, "{wait} ms after {usual}");
}

#[tokio::test(flavor = "multi_thread")]
async fn brokers_that_are_gone_are_told_with_the_cause_and_so_is_that_one_is_back() {
    let cluster = cluster();
    let (mut consumer, _queue) = joined(&cluster.bootstrap_servers()).await;
    let mut told = async |what: &str| {
        let next = async {
            loop {
                if let ConsumerEvent::Unreachable(cause) = consumer.next_event().await {
                    return cause;
                }
            }
        };
        tokio::time::timeout(MINUTE, next).await.expect(what)
    };
    for _ in 0..2 {
        cluster.broker_down(1).unwrap();
        let cause = told("that none is there").await.expect("a cause");
        assert!(cause.contains("check"), "{cause}");
        cluster.broker_up(1).unwrap();
        let mut last = told("that one is back").await;
        if let Some(late) = last {
            assert!(late.contains("refused") && !cause.contains("refused"), "{late}, after {cause}");
            last = told("that one is back").await;
        }
        assert_eq!(last, None);
    }
}
