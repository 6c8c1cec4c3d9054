//! The ends of a partition as the client has heard of them with its last fetch, and whether it has records that nobody has
//! taken; without asking a broker, which the safe wrapper cannot.
//!
//! What makes it sound: the client outlives the calls (we borrow it); librdkafka copies nothing but numbers, and the queue is
//! given back before the call ends.
#![expect(unsafe_code, reason = "the module's purpose; everywhere else it is denied")]

use std::ffi::CString;

use rdkafka::bindings as sys;
use rdkafka::client::{Client, ClientContext};
use rdkafka::types::RDKafkaRespErr;

use crate::id::TopicPartition;

/// The first offset in `partition`, and the next one to be written; each is none before it is known.
pub(in crate::kafka) fn known<C: ClientContext>(
    client: &Client<C>,
    partition: &TopicPartition,
) -> (Option<i64>, Option<i64>) {
    let Ok(topic) = CString::new(partition.topic.as_bytes()) else { return (None, None) };
    let (mut low, mut high) = (-1, -1);
    // SAFETY: the client is alive, the topic text is a C string, and both numbers are locals.
    let code = unsafe {
        sys::rd_kafka_get_watermark_offsets(
            client.native_ptr(),
            topic.as_ptr(),
            partition.partition,
            &raw mut low,
            &raw mut high,
        )
    };
    let known =
        |offset: i64| (code == RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR && offset >= 0).then_some(offset);
    (known(low), known(high))
}

/// True when records of an assigned `partition` were fetched that nobody has taken.
pub(in crate::kafka) fn has_untaken<C: ClientContext>(
    client: &Client<C>,
    partition: &TopicPartition,
) -> bool {
    let Ok(topic) = CString::new(partition.topic.as_bytes()) else { return false };
    // SAFETY: the client is alive, the topic text is a C string; a queue that we get is a reference of ours, given back once.
    unsafe {
        let queue =
            sys::rd_kafka_queue_get_partition(client.native_ptr(), topic.as_ptr(), partition.partition);
        if queue.is_null() {
            return false;
        }
        let length = sys::rd_kafka_queue_length(queue);
        sys::rd_kafka_queue_destroy(queue);
        length > 0
    }
}
