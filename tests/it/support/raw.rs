//! Records as they are in Kafka: bytes and headers, sent and read.

use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Header, Headers, Message, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use super::Kafka;

/// A record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Raw {
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Its value.
    pub value: Option<Vec<u8>>,
    /// Its headers, in order.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
    /// Its timestamp, in ms since the epoch.
    pub timestamp: Option<i64>,
}

impl Raw {
    /// A record of these texts.
    pub fn text(key: &str, value: &str) -> Self {
        let bytes = |text: &str| Some(text.as_bytes().to_vec());
        Self { key: bytes(key), value: bytes(value), ..Self::default() }
    }

    /// The same with a header.
    pub fn header(mut self, name: &str, value: &[u8]) -> Self {
        self.headers.push((name.to_owned(), Some(value.to_vec())));
        self
    }

    /// A header's text.
    pub fn header_text(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(found, _)| found == name)?;
        std::str::from_utf8(value.as_deref()?).ok()
    }
}

/// Writes `records` into partition 0 of `topic`, in this order.
pub async fn send_raw(kafka: &Kafka, topic: &str, records: &[Raw]) {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", kafka.bootstrap()).set("enable.idempotence", "true");
    config.set("message.max.bytes", "100000000");
    let producer: FutureProducer = config.create().expect("a producer");
    let mut sent = Vec::new();
    for raw in records {
        let headers = raw
            .headers
            .iter()
            .fold(OwnedHeaders::new(), |all, (key, value)| all.insert(Header { key, value: value.as_ref() }));
        let mut record = FutureRecord::<[u8], [u8]>::to(topic).partition(0).headers(headers);
        (record.key, record.payload) = (raw.key.as_deref(), raw.value.as_deref());
        record.timestamp = raw.timestamp;
        sent.push(producer.send_result(record).map_err(|(error, _)| error).expect("room for a record"));
    }
    for delivery in sent {
        delivery.await.expect("an answer").expect("delivered");
    }
}

/// All records of partition 0 of `topic` up to its end now.
pub async fn read_raw(kafka: &Kafka, topic: &str) -> Vec<Raw> {
    let end = kafka.end_offsets(topic, 1).await[0];
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", kafka.bootstrap()).set("group.id", "none");
    let consumer: BaseConsumer = config.create().expect("a client");
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, 0, Offset::Beginning).expect("an offset");
    consumer.assign(&list).expect("assigned");
    let (mut found, deadline) = (Vec::new(), Instant::now() + Duration::from_mins(1));
    while i64::try_from(found.len()).expect("few") < end {
        // The client counts a long time-out down too fast.
        let Some(message) = consumer.poll(Duration::from_secs(1)) else {
            assert!(Instant::now() < deadline, "{topic}: {} of {end} records in a minute", found.len());
            continue;
        };
        let message = message.expect("a record");
        let headers = message.headers().into_iter().flat_map(|headers| headers.iter());
        found.push(Raw {
            key: message.key().map(<[u8]>::to_vec),
            value: message.payload().map(<[u8]>::to_vec),
            headers: headers.map(|h| (h.key.to_owned(), h.value.map(<[u8]>::to_vec))).collect(),
            timestamp: message.timestamp().to_millis(),
        });
    }
    found
}
