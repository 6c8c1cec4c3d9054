//! The test rigs themselves: a broken one must not look like a broken worker.

use crate::support::{Azurite, Kafka, Numbers, unique};

#[tokio::test]
async fn a_broker_keeps_its_records_over_a_restart() {
    let mut kafka = Kafka::own().await;
    let topic = unique("kept");
    kafka.create_topic(&topic, 2).await;
    let sent = Numbers::send(&kafka, &topic, 2, 101).await;
    assert_eq!(sent.0, [51, 50]);
    kafka.stop().await;
    kafka.start().await;
    assert_eq!(kafka.end_offsets(&topic, 2).await, [51, 50]);
    kafka.kill().await;
    kafka.start().await;
    assert_eq!(kafka.end_offsets(&topic, 2).await, [51, 50]);
    assert_eq!(kafka.committed("nobody", &topic, 2).await, [-1, -1]);
}

#[tokio::test]
async fn the_oracle_sees_gaps_doubles_and_strangers() {
    let kafka = Kafka::shared().await;
    let topic = unique("oracle");
    kafka.create_topic(&topic, 1).await;
    let sent = Numbers::send(kafka, &topic, 1, 4).await;
    let verdict = sent.compare([(0, 0), (0, 1), (0, 1), (0, 3), (0, 9)]);
    assert_eq!((verdict.sent, verdict.missing, verdict.duplicates, verdict.strange), (4, 1, 1, 1));
    assert_eq!(kafka.records(&topic).await.len(), 4);
}

#[tokio::test]
async fn azurite_answers() {
    let azurite = Azurite::start().await;
    let answer = reqwest::get(format!("{}/devstoreaccount1?comp=list", azurite.blob_url())).await.unwrap();
    assert_eq!(answer.status(), 403, "an unsigned request is refused by a real service");
}
