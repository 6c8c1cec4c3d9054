//! Commits of a consumer that tell how they ended: the wrapper's asynchronous one never does, and its synchronous one waits
//! for ever and keeps what it hears of single partitions to itself.
//!
//! What makes it sound: client and list are alive for the calls (we borrow them), librdkafka copies the list; each queue and
//! event is given back once. An answer that comes late holds a queue of its own and is dropped with it.
#![expect(unsafe_code, reason = "the module's purpose; everywhere else it is denied")]

use std::ptr;
use std::time::Duration;

use rdkafka::bindings as sys;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::topic_partition_list::TopicPartitionList;

use crate::id::TopicPartition;

/// A partition whose offset was refused.
pub(in crate::kafka) type Refused = (TopicPartition, RDKafkaErrorCode);

/// Starts a commit of `offsets`; its end comes as an event on the consumer's own queue.
pub(in crate::kafka) fn start<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    offsets: &TopicPartitionList,
) -> Result<(), RDKafkaErrorCode> {
    let client = consumer.client().native_ptr();
    // SAFETY: client and list are alive for the call, which copies the list; the queue's reference is ours and given
    // back here, while the answer holds one of its own.
    let code = unsafe {
        let queue = sys::rd_kafka_queue_get_consumer(client);
        if queue.is_null() {
            return Err(RDKafkaErrorCode::UnknownGroup);
        }
        let code = sys::rd_kafka_commit_queue(client, offsets.ptr(), queue, None, ptr::null_mut());
        sys::rd_kafka_queue_destroy(queue);
        code
    };
    checked(code)
}

/// Commits `offsets` and waits for the answer, at most `patience`. Gives the partitions that were refused; an error when
/// there was no answer for them. It blocks its thread.
pub(in crate::kafka) fn within<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    offsets: &TopicPartitionList,
    patience: Duration,
) -> Result<Vec<Refused>, RDKafkaErrorCode> {
    let client = consumer.client().native_ptr();
    let patience = i32::try_from(patience.as_millis()).unwrap_or(i32::MAX);
    // SAFETY: client and list are alive for the calls, and the list is copied; queue and event are ours, and each is given
    // back once, the event after it was read.
    unsafe {
        let queue = sys::rd_kafka_queue_new(client);
        let code = sys::rd_kafka_commit_queue(client, offsets.ptr(), queue, None, ptr::null_mut());
        let event = match checked(code) {
            Ok(()) => sys::rd_kafka_queue_poll(queue, patience),
            Err(code) => {
                sys::rd_kafka_queue_destroy(queue);
                return Err(code);
            }
        };
        let answer = if event.is_null() {
            Err(RDKafkaErrorCode::OperationTimedOut)
        } else {
            let refused = refused(event);
            let whole = checked(sys::rd_kafka_event_error(event));
            sys::rd_kafka_event_destroy(event);
            // An error of the whole is that of the last partition, if all have one.
            if refused.is_empty() { whole.map(|()| refused) } else { Ok(refused) }
        };
        sys::rd_kafka_queue_destroy(queue);
        answer
    }
}

/// The partitions that the answer `event` refuses.
///
/// # Safety
/// `event` is alive.
unsafe fn refused(event: *mut sys::rd_kafka_event_t) -> Vec<Refused> {
    // SAFETY: the list belongs to the event, is null or alive as long, and has `cnt` elements; names are C strings.
    unsafe {
        let list = sys::rd_kafka_event_topic_partition_list(event);
        if list.is_null() || (*list).cnt <= 0 {
            return Vec::new();
        }
        let elements = std::slice::from_raw_parts((*list).elems, usize::try_from((*list).cnt).unwrap_or(0));
        let refused = elements.iter().filter_map(|element| {
            let code = checked(element.err).err()?;
            let topic = std::ffi::CStr::from_ptr(element.topic).to_string_lossy();
            Some((TopicPartition::new(topic.as_ref(), element.partition), code))
        });
        refused.collect()
    }
}

fn checked(code: sys::rd_kafka_resp_err_t) -> Result<(), RDKafkaErrorCode> {
    match code {
        sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR => Ok(()),
        code => Err(code.into()),
    }
}
