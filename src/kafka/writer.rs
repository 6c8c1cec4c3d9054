//! A producer of storage topics and dead letters: a record goes its way at once, its delivery is a future.
//!
//! The library has such a producer too, but its thread polls in slices of 100 ms and spins through the last, broken
//! millisecond of each: up to a hundredth of a core for a topic that nobody writes. The thread here spins once a second.
//! It ends soon after its [`Writer`]; records that nobody waits for are still sent.

use super::create::create;
use super::error::is_too_large;
use super::log_context::LogContext;
use super::oauth::{self, Keeper};
use crate::metrics::ClientCounts;
use rdkafka::config::ClientConfig;
use rdkafka::error::KafkaError;
use rdkafka::message::{DeliveryResult, Message, OwnedHeaders, OwnedMessage, Timestamp};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

/// How long the thread may go on when its writer is gone. Deliveries come at once whatever this is.
const POLL: Duration = Duration::from_secs(1);
/// What is under way when the writer ends may take so long.
const LAST_WRITES: Duration = Duration::from_secs(5);

/// The offset of a record that was delivered, or why it was not.
pub type SendResult = Result<i64, Undelivered>;

/// A record that was not delivered.
pub struct Undelivered {
    /// Why not.
    pub(super) error: KafkaError,
    /// The record, if it was refused for its size: its sender may have a smaller one to send.
    pub(super) record: Option<Box<OwnedMessage>>,
}

/// A record to be written. No value is a tombstone, no partition is that of the key.
#[derive(Debug, Default)]
pub(super) struct Outgoing<'a> {
    pub(super) topic: &'a str,
    pub(super) partition: Option<i32>,
    pub(super) key: Option<&'a [u8]>,
    pub(super) value: Option<&'a [u8]>,
    pub(super) headers: Option<OwnedHeaders>,
    /// Milliseconds since the epoch; now, when there is none.
    pub(super) timestamp: Option<i64>,
}

impl ProducerContext for LogContext {
    type DeliveryOpaque = Box<oneshot::Sender<SendResult>>;

    fn delivery(&self, result: &DeliveryResult<'_>, sender: Self::DeliveryOpaque) {
        let delivery = match result {
            Ok(message) => Ok(message.offset()),
            Err((error, message)) => Err(Undelivered {
                error: error.clone(),
                record: is_too_large(error).then(|| Box::new(message.detach())),
            }),
        };
        if sender.send(delivery).is_err() {
            tracing::trace!("nobody waits for a delivery");
        }
    }
}

/// A producer.
pub(super) struct Writer {
    producer: Arc<BaseProducer<LogContext>>,
    _tokens: Keeper,
}

impl Writer {
    /// A producer with these settings, which tells `counts` of its connections. Nothing is awaited: brokers may be down.
    pub(super) fn new(config: &ClientConfig, counts: Option<ClientCounts>) -> Result<Self, KafkaError> {
        let mut config = config.clone();
        let source = oauth::take(&mut config);
        let context = LogContext::telling(&config, counts);
        let producer: Arc<BaseProducer<LogContext>> = Arc::new(create(&config, context)?);
        let tokens = Keeper::start(source, &producer);
        let polled = Arc::downgrade(&producer);
        let thread = std::thread::Builder::new().name("log-writer".to_owned()).spawn(move || {
            while let Some(producer) = polled.upgrade() {
                producer.poll(POLL);
                producer.context().outage.reconnect(producer.client());
                if Arc::strong_count(&producer) == 1
                    && let Err(error) = producer.flush(LAST_WRITES)
                {
                    tracing::warn!(%error, "records of a storage topic were given up");
                }
            }
        });
        thread.map_err(|error| KafkaError::ClientCreation(format!("cannot start its thread: {error}")))?;
        Ok(Self { producer, _tokens: tokens })
    }

    /// The producer, for questions to the brokers.
    pub(super) fn producer(&self) -> Arc<BaseProducer<LogContext>> {
        Arc::clone(&self.producer)
    }

    /// Sends a record behind the others. What comes back gives its offset once it is delivered; it goes its way whether
    /// that is waited for or not.
    pub(super) fn send(&self, outgoing: Outgoing<'_>) -> impl Future<Output = SendResult> + Send + use<> {
        let (sender, delivered) = oneshot::channel();
        let mut record = BaseRecord::<[u8], [u8], _>::with_opaque_to(outgoing.topic, Box::new(sender));
        (record.key, record.payload) = (outgoing.key, outgoing.value);
        (record.partition, record.timestamp) = (outgoing.partition, outgoing.timestamp);
        record.headers = outgoing.headers;
        let refused = self.producer.send(record).err().map(|(error, record)| {
            let record = is_too_large(&error).then(|| Box::new(owned(record)));
            Undelivered { error, record }
        });
        async move {
            match refused {
                Some(refused) => Err(refused),
                None => {
                    delivered.await.unwrap_or(Err(Undelivered { error: KafkaError::Canceled, record: None }))
                }
            }
        }
    }
}

fn owned<D>(record: BaseRecord<'_, [u8], [u8], D>) -> OwnedMessage
where
    D: rdkafka::util::IntoOpaque,
{
    OwnedMessage::new(
        record.payload.map(<[u8]>::to_vec),
        record.key.map(<[u8]>::to_vec),
        record.topic.to_owned(),
        record.timestamp.map_or(Timestamp::NotAvailable, Timestamp::CreateTime),
        record.partition.unwrap_or(-1),
        -1,
        record.headers,
    )
}
