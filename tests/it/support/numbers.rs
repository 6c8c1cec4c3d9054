//! Producers that number what they send, and the oracle that compares what arrived.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseRecord, Producer, ProducerContext, ThreadedProducer};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::{Kafka, wait_for};

/// Remembers that a record was not delivered, and says that there is room again.
struct Deliveries {
    failed: Arc<AtomicBool>,
    room: Arc<Notify>,
}

impl rdkafka::ClientContext for Deliveries {}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if result.is_err() {
            self.failed.store(true, Ordering::Relaxed);
        }
        self.room.notify_one();
    }
}

/// Sends records; [`Sender::flush`] says that all of them are in Kafka.
pub struct Sender {
    producer: ThreadedProducer<Deliveries>,
    failed: Arc<AtomicBool>,
    room: Arc<Notify>,
}

impl Sender {
    /// A producer with these settings.
    pub fn new(config: &ClientConfig) -> Self {
        let failed = Arc::new(AtomicBool::new(false));
        let room = Arc::new(Notify::new());
        let context = Deliveries { failed: failed.clone(), room: room.clone() };
        let producer = config.create_with_context(context).expect("a producer");
        Self { producer, failed, room }
    }

    /// Sends one record to `partition`, waiting for room in the producer.
    pub async fn send(&self, topic: &str, partition: i32, value: Option<&[u8]>) {
        let mut record = BaseRecord::<(), [u8]>::to(topic).partition(partition);
        record.payload = value;
        loop {
            match self.producer.send(record) {
                Ok(()) => return,
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => record = back,
                Err((error, _)) => panic!("{topic}-{partition}: {error}"),
            }
            // A full queue has records under way, and each of them ends in a notification.
            self.room.notified().await;
        }
    }

    /// Waits until Kafka has everything.
    pub fn flush(&self) {
        self.producer.flush(Duration::from_mins(2)).expect("all delivered");
        assert!(!self.failed.load(Ordering::Relaxed), "a record was not delivered");
    }
}

/// A load of numbered records: `partition,number,text`, numbers from 0 in each partition.
///
/// The oracle of the delivery tests: what was sent is known by [`Numbers::stop`] and compared with what the table holds.
pub struct Numbers {
    stop: Arc<AtomicBool>,
    sent: Arc<AtomicU64>,
    sending: JoinSet<Vec<u64>>,
}

impl Numbers {
    /// Sends `rate` records a second over `partitions` of `topic`, until stopped.
    pub fn start(kafka: &Kafka, topic: &str, partitions: i32, rate: u32) -> Self {
        let sender = kafka.producer();
        let stop = Arc::new(AtomicBool::new(false));
        let progress = Arc::<AtomicU64>::default();
        let (stopped, counted, topic) = (stop.clone(), progress.clone(), topic.to_owned());
        let mut sending = JoinSet::new();
        sending.spawn(async move {
            let mut sent = vec![0; usize::try_from(partitions).expect("a count")];
            let mut tick = interval(Duration::from_millis(10));
            tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
            let began = Instant::now();
            let mut total = 0;
            while !stopped.load(Ordering::Relaxed) {
                tick.tick().await;
                let due = began.elapsed().as_millis() * u128::from(rate) / 1000;
                while total < due {
                    send_next(&sender, &topic, &mut sent, total).await;
                    total += 1;
                    counted.fetch_add(1, Ordering::Relaxed);
                }
            }
            sender.flush();
            sent
        });
        Self { stop, sent: progress, sending }
    }

    /// Sends `count` records at once.
    pub async fn send(kafka: &Kafka, topic: &str, partitions: i32, count: u32) -> Sent {
        let sender = kafka.producer();
        let mut sent = vec![0; usize::try_from(partitions).expect("a count")];
        for number in 0..count {
            send_next(&sender, topic, &mut sent, u128::from(number)).await;
        }
        sender.flush();
        Sent(sent)
    }

    /// Waits until so many records more were sent: a moment that whoever reads them knows nothing of.
    pub async fn more(&self, records: u64) {
        let goal = self.sent.load(Ordering::Relaxed) + records;
        wait_for(format!("{records} records more"), Duration::from_mins(1), async || {
            (self.sent.load(Ordering::Relaxed) >= goal).then_some(())
        })
        .await;
    }

    /// Ends the load; all of it is in Kafka now.
    pub async fn stop(mut self) -> Sent {
        self.stop.store(true, Ordering::Relaxed);
        Sent(self.sending.join_next().await.expect("the sender").expect("it did not fail"))
    }
}

/// Text long enough to make batches of several blobs, short enough to be quick.
const PADDING: &str = "a storm of forty characters, give or take";

async fn send_next(sender: &Sender, topic: &str, sent: &mut [u64], total: u128) {
    let partitions = u128::try_from(sent.len()).expect("a count");
    let partition = usize::try_from(total % partitions).expect("a partition");
    let value = format!("{partition},{},\"{PADDING}\"", sent[partition]);
    sender.send(topic, i32::try_from(partition).expect("a partition"), Some(value.as_bytes())).await;
    sent[partition] += 1;
}

/// How many records went into each partition, numbered from 0.
#[derive(Debug, Clone)]
pub struct Sent(pub Vec<u64>);

/// What a table holds of the numbers sent.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Records sent.
    pub sent: u64,
    /// Records that are in no row.
    pub missing: u64,
    /// Rows beyond the first of a record.
    pub duplicates: u64,
    /// Rows that are no record sent.
    pub strange: u64,
}

impl Sent {
    /// Compares with the rows (partition, number) of a table.
    pub fn compare(&self, rows: impl IntoIterator<Item = (i64, i64)>) -> Verdict {
        let mut seen: BTreeMap<(i64, i64), u64> = BTreeMap::new();
        for row in rows {
            *seen.entry(row).or_default() += 1;
        }
        let mut verdict = Verdict { sent: self.total(), ..Verdict::default() };
        for (partition, count) in (0_i64..).zip(&self.0) {
            for number in 0..i64::try_from(*count).expect("a count") {
                match seen.remove(&(partition, number)) {
                    None => verdict.missing += 1,
                    Some(times) => verdict.duplicates += times - 1,
                }
            }
        }
        verdict.strange = seen.values().sum();
        verdict
    }

    /// All records sent.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }
}
