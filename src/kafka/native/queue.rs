//! Reading one partition's records in batches: the wrapper hands out one message per call, which costs three times the
//! CPU of `rd_kafka_consume_batch_queue` (measured: 245 ns against 84 ns a record on the reading thread).
//!
//! Ownership, which is what makes it sound:
//! - a [`PartitionQueue`] owns one reference of the native queue and keeps the consumer alive, because destroying a
//!   consumer while an application's queue reference is alive hangs for ever;
//! - [`Records`] owns the messages of one batch and destroys each exactly once; record texts borrow from it. It keeps the
//!   consumer alive too: a message refers to its partition, which a consumer that ends takes with it, and after a panic
//!   records may be dropped after all else. Both types give back what is native first and the consumer then ([`Alive`]);
//! - the non-empty callback's argument is the `Notify` inside an `Arc` which the queue holds until after the callback
//!   was switched off (switching it off takes the queue's lock, under which the callback runs).
//!
//! It never assigns, seeks or commits.
#![expect(unsafe_code, reason = "the module's purpose; everywhere else it is denied")]

use std::ffi::{CStr, CString, c_void};
use std::ptr;
use std::slice;
use std::sync::Arc;
use std::time::Instant;

use rdkafka::bindings as sys;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::types::RDKafka;
use tokio::sync::Notify;

use crate::data::TimestampType;
use crate::id::TopicPartition;
use crate::kafka::Error;
use crate::kafka::consumer_events::Context;
use crate::kafka::pace::Flow;

/// How many records one call takes at most. 500 is Connect's `max.poll.records`; above it nothing gets cheaper.
pub const MAX_RECORDS: usize = 500;

/// One record as fetched: texts borrow from the fetch buffer.
#[derive(Clone, Copy)]
pub struct ConsumedRecord<'a> {
    /// The record's offset.
    pub offset: i64,
    /// The key's bytes.
    pub key: Option<&'a [u8]>,
    /// The value's bytes; none is a tombstone.
    pub value: Option<&'a [u8]>,
    rest: Rest<'a>,
}

/// A header: its name and its value.
type Headers = [(String, Option<Vec<u8>>)];

/// Where headers and timestamp are.
#[derive(Clone, Copy)]
enum Rest<'a> {
    /// In the message as it was fetched.
    Fetched(&'a sys::rd_kafka_message_t),
    /// Here.
    Given(&'a Headers, Option<i64>),
}

impl<'a> ConsumedRecord<'a> {
    /// A record of this offset, key and value, with these headers and a timestamp of its producer.
    pub(in crate::kafka) fn given(
        (offset, key, value): (i64, Option<&'a [u8]>, Option<&'a [u8]>),
        (headers, timestamp): (&'a Headers, Option<i64>),
    ) -> Self {
        Self { offset, key, value, rest: Rest::Given(headers, timestamp) }
    }

    /// The headers, in order.
    pub fn headers(&self) -> Vec<(&'a str, Option<&'a [u8]>)> {
        let message = match self.rest {
            Rest::Fetched(message) => message,
            Rest::Given(headers, _) => {
                return headers.iter().map(|(name, value)| (name.as_str(), value.as_deref())).collect();
            }
        };
        let mut headers = ptr::null_mut();
        // SAFETY: the message is alive and nobody else uses it (its `Records` is borrowed by `self`).
        let code = unsafe { sys::rd_kafka_message_headers(message, &raw mut headers) };
        if code != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
            return Vec::new();
        }
        (0..).map_while(|index| header(headers, index)).collect()
    }

    /// When, in ms since the epoch, and who says so; none when the record has no timestamp.
    pub fn timestamp(&self) -> Option<(i64, TimestampType)> {
        let mut kind = sys::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        let message = match self.rest {
            Rest::Fetched(message) => message,
            Rest::Given(_, timestamp) => return timestamp.map(|ms| (ms, TimestampType::CreateTime)),
        };
        // SAFETY: the message is alive; the answer goes into a local.
        let ms = unsafe { sys::rd_kafka_message_timestamp(message, &raw mut kind) };
        let kind = match kind {
            sys::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_CREATE_TIME => TimestampType::CreateTime,
            sys::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME => {
                TimestampType::LogAppendTime
            }
            sys::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE => return None,
        };
        (ms >= 0).then_some((ms, kind))
    }
}

/// The header at `index`; none behind the last one.
fn header<'a>(headers: *const sys::rd_kafka_headers_t, index: usize) -> Option<(&'a str, Option<&'a [u8]>)> {
    let (mut name, mut value, mut size) = (ptr::null(), ptr::null(), 0);
    // SAFETY: `headers` belongs to a message that is alive as long as `'a` (the caller borrows it); name and value
    // point into it, the name as a C string, the value as `size` bytes or null.
    unsafe {
        let code = sys::rd_kafka_header_get_all(headers, index, &raw mut name, &raw mut value, &raw mut size);
        if code != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
            return None;
        }
        // A name is text for Kafka; what is not is shown as empty, which no converter minds.
        let name = CStr::from_ptr(name).to_str().unwrap_or_default();
        Some((name, bytes(value.cast_mut(), size)))
    }
}

/// The queue of one assigned partition.
pub struct PartitionQueue {
    id: TopicPartition,
    queue: *mut sys::rd_kafka_queue_t,
    nonempty: Arc<Notify>,
    flow: Flow,
    consumer: Alive,
}

/// A consumer that does not end before this is dropped. A type that owns something native of it holds one, and gives that
/// back in its own `drop`, which runs before its fields are dropped.
#[derive(Clone)]
struct Alive(#[expect(dead_code, reason = "held, never used")] Arc<BaseConsumer<Context>>);

// SAFETY: librdkafka's queues may be used and destroyed from any thread.
unsafe impl Send for PartitionQueue {}

unsafe extern "C" fn on_nonempty(_: *mut RDKafka, opaque: *mut c_void) {
    // SAFETY: `opaque` is the `Notify` that the queue's `Arc` keeps alive until the callback is off (module text).
    unsafe { &*opaque.cast_const().cast::<Notify>() }.notify_one();
}

impl PartitionQueue {
    /// Takes `id`'s records out of the consumer's common queue. To be called before the partition is assigned:
    /// fetching keeps a forwarding that the application set, but overwrites one that comes later.
    pub(in crate::kafka) fn split(
        consumer: &Arc<BaseConsumer<Context>>,
        id: &TopicPartition,
        flow: Flow,
    ) -> Result<Self, Error> {
        let no_queue = || Error::Queue(id.clone());
        let topic = CString::new(id.topic.as_bytes()).map_err(|_| no_queue())?;
        let nonempty = Arc::new(Notify::new());
        // SAFETY: the client is alive (we hold it), the topic text is a C string; a null answer is handled.
        let queue = unsafe {
            sys::rd_kafka_queue_get_partition(consumer.client().native_ptr(), topic.as_ptr(), id.partition)
        };
        if queue.is_null() {
            return Err(no_queue());
        }
        // SAFETY: `queue` is a live reference of ours; the callback's argument outlives it (module text).
        unsafe {
            sys::rd_kafka_queue_forward(queue, ptr::null_mut());
            let opaque = Arc::as_ptr(&nonempty).cast_mut().cast::<c_void>();
            sys::rd_kafka_queue_cb_event_enable(queue, Some(on_nonempty), opaque);
        }
        // The callback tells of what comes into an empty queue. What is in this one already told nobody, and nothing behind
        // it would.
        nonempty.notify_one();
        Ok(Self { id: id.clone(), queue, nonempty, flow, consumer: Alive(Arc::clone(consumer)) })
    }

    /// The partition it belongs to.
    pub fn id(&self) -> &TopicPartition {
        &self.id
    }

    /// Ends when the queue may have become non-empty since the last [`Self::poll_batch`].
    pub fn notified(&self) -> impl Future<Output = ()> + Send {
        self.nonempty.notified()
    }

    /// What is there now, at most [`MAX_RECORDS`] records, without waiting.
    pub fn poll_batch(&mut self) -> Records {
        let mut messages: Vec<*mut sys::rd_kafka_message_t> = Vec::with_capacity(MAX_RECORDS);
        // SAFETY: the buffer has room for MAX_RECORDS pointers, and librdkafka says how many it wrote. The messages
        // become ours to destroy, which `Records` does.
        unsafe {
            let taken = sys::rd_kafka_consume_batch_queue(self.queue, 0, messages.as_mut_ptr(), MAX_RECORDS);
            messages.set_len(usize::try_from(taken).unwrap_or(0));
        }
        let mut records = Records {
            messages,
            bytes: 0,
            next: 0,
            #[cfg(test)]
            listed: Vec::new(),
            _consumer: Some(self.consumer.clone()),
        };
        records.bytes = records.size();
        self.flow.taken(records.bytes, Instant::now());
        records
    }
}

impl Drop for PartitionQueue {
    fn drop(&mut self) {
        // SAFETY: our reference, given back once; the callback is off before its argument can go.
        unsafe {
            sys::rd_kafka_queue_cb_event_enable(self.queue, None, ptr::null_mut());
            sys::rd_kafka_queue_destroy(self.queue);
        }
    }
}

/// A record of a test.
#[cfg(test)]
#[derive(Debug, Clone)]
pub struct ListedRecord {
    /// Its offset.
    pub offset: i64,
    /// Its value; none is a tombstone.
    pub value: Option<Vec<u8>>,
}

/// One batch of records, oldest first. Each record is handed out once.
pub struct Records {
    messages: Vec<*mut sys::rd_kafka_message_t>,
    /// Of all values and keys.
    bytes: u64,
    next: usize,
    #[cfg(test)]
    listed: Vec<ListedRecord>,
    /// None when there are no messages of it.
    _consumer: Option<Alive>,
}

// SAFETY: messages are plain memory with atomic reference counts to their partition; any thread may free them.
unsafe impl Send for Records {}

impl Records {
    /// How many records (and partition errors) were taken.
    pub fn len(&self) -> usize {
        #[cfg(test)]
        if !self.listed.is_empty() {
            return self.listed.len();
        }
        self.messages.len()
    }

    /// Some that never were in Kafka.
    #[cfg(test)]
    pub(in crate::kafka) fn listed(listed: Vec<ListedRecord>) -> Self {
        Self { messages: Vec::new(), bytes: 0, next: 0, listed, _consumer: None }
    }

    /// True when the queue had nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes of all values and keys.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    fn size(&self) -> u64 {
        // SAFETY: the messages are alive until `self` is dropped.
        let sizes = self.messages.iter().map(|message| unsafe { (**message).len + (**message).key_len });
        sizes.map(|size| size as u64).sum()
    }

    /// Hands the last record out once more, for a caller who could not take it yet.
    pub fn put_back(&mut self) {
        self.next = self.next.saturating_sub(1);
    }

    /// The next record, or the error that librdkafka put in its place; none at the end.
    pub fn next_record(&mut self) -> Option<Result<ConsumedRecord<'_>, (RDKafkaErrorCode, String)>> {
        #[cfg(test)]
        if let Some(ListedRecord { offset, value }) = self.listed.get(self.next) {
            self.next += 1;
            return Some(Ok(ConsumedRecord::given((*offset, None, value.as_deref()), (&[], None))));
        }
        let message = *self.messages.get(self.next)?;
        self.next += 1;
        // SAFETY: the message is alive until `self` is dropped, and the answer borrows `self`.
        let message = unsafe { &*message };
        // SAFETY: payload and key are null or point to `len`/`key_len` bytes owned by the message.
        let (value, key) =
            unsafe { (bytes(message.payload, message.len), bytes(message.key, message.key_len)) };
        if message.err != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
            let text = String::from_utf8_lossy(value.unwrap_or_default()).into_owned();
            return Some(Err((message.err.into(), text)));
        }
        Some(Ok(ConsumedRecord { offset: message.offset, key, value, rest: Rest::Fetched(message) }))
    }
}

impl Drop for Records {
    fn drop(&mut self) {
        for message in &self.messages {
            // SAFETY: each message is ours and destroyed once.
            unsafe { sys::rd_kafka_message_destroy(*message) };
        }
    }
}

/// The bytes at `start`, none for null.
///
/// # Safety
/// `start` is null or points to `len` readable bytes that live as long as `'a`.
unsafe fn bytes<'a>(start: *mut c_void, len: usize) -> Option<&'a [u8]> {
    if start.is_null() {
        return None;
    }
    // SAFETY: the caller's promise.
    Some(unsafe { slice::from_raw_parts(start.cast::<u8>(), len) })
}
