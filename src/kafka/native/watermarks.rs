//! The ends of a partition as the client has heard of them with its last fetch, without asking a broker, which the safe
//! wrapper cannot.
//!
//! What makes it sound: the client outlives the call (we borrow it); librdkafka copies nothing but two numbers into locals.
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
