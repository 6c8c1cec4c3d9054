//! Records from librdkafka in batches, with nothing in between: the floor's way in.
//!
//! Why unsafe: the safe wrapper has no call for `rd_kafka_consume_batch_queue`, and a floor measured through a slower door would
//! flatter the worker. A [`BatchQueue`] owns one reference of the consumer's queue and the consumer itself; every message it takes is
//! handed out once by reference and destroyed before the next call.
#![allow(unsafe_code)] // The module's purpose; everywhere else in this crate it is denied.

use std::{ptr, slice, time::Duration};

use rdkafka::{
    bindings as native,
    consumer::{BaseConsumer, Consumer},
    types::RDKafkaRespErr,
};

/// Records taken by one call at most.
const MAX_RECORDS: usize = 500;

/// The common queue of a consumer's partitions.
pub struct BatchQueue {
    queue: *mut native::rd_kafka_queue_t,
    messages: Vec<*mut native::rd_kafka_message_t>,
    // Last: the queue's reference is given back before the consumer goes, which would otherwise wait for it for ever.
    _consumer: BaseConsumer,
}

impl BatchQueue {
    /// The queue of a consumer that has its assignment.
    pub fn new(consumer: BaseConsumer) -> Self {
        // SAFETY: the client is alive (we own it). The answer is a reference of our own, given back in `drop`.
        let queue = unsafe { native::rd_kafka_queue_get_consumer(consumer.client().native_ptr()) };
        Self { queue, messages: Vec::with_capacity(MAX_RECORDS), _consumer: consumer }
    }

    /// Waits up to `wait` for records and gives each record's partition and value to `take`. Errors and tombstones are skipped.
    pub fn poll(&mut self, wait: Duration, mut take: impl FnMut(i32, &[u8])) -> usize {
        let millis = i32::try_from(wait.as_millis()).unwrap_or(i32::MAX);
        let mut records = 0;
        // SAFETY: the buffer has room for MAX_RECORDS pointers; librdkafka says how many it wrote (-1 on error, nothing written).
        let taken = unsafe {
            native::rd_kafka_consume_batch_queue(self.queue, millis, self.messages.as_mut_ptr(), MAX_RECORDS)
        };
        let taken = usize::try_from(taken).unwrap_or(0);
        // SAFETY: the first `taken` pointers were just written.
        for &message in unsafe { slice::from_raw_parts(self.messages.as_ptr(), taken) } {
            // SAFETY: the message is ours and alive until destroyed below; its payload, if any, has `len` bytes.
            unsafe {
                let record = &*message;
                if record.err == RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR && !record.payload.is_null() {
                    take(record.partition, slice::from_raw_parts(record.payload.cast::<u8>(), record.len));
                    records += 1;
                }
                native::rd_kafka_message_destroy(message);
            }
        }
        records
    }
}

impl Drop for BatchQueue {
    fn drop(&mut self) {
        // SAFETY: our own reference, given back once.
        unsafe { native::rd_kafka_queue_destroy(self.queue) };
        self.queue = ptr::null_mut();
    }
}
