//! The ids of topics, by which one that was deleted and made anew is told from the one before. The call waits for its
//! answer, so it is for threads that may wait.
//!
//! Ownership is that of `group_offsets`: what a `…_new` gave is given back once, the client outlives the call, and what the
//! answer holds is copied before its event is given back.
#![expect(unsafe_code, reason = "the module's purpose; everywhere else it is denied")]

use std::ffi::{CStr, CString, c_char};
use std::ptr;
use std::slice;
use std::time::Duration;

use rdkafka::bindings as sys;
use rdkafka::client::{Client, ClientContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use sys::rd_kafka_admin_op_t as AdminOp;

use super::group_offsets::{Owned, SPARE, millis, refused};

/// A topic's id, as two halves; zeros where the broker is too old to have ids.
pub(in crate::kafka) type TopicId = (i64, i64);

/// The ids of `topics`, each with its name; none for one that does not exist.
pub(in crate::kafka) fn topic_ids<C: ClientContext>(
    client: &Client<C>,
    topics: &[String],
    timeout: Duration,
) -> Result<Vec<(String, Option<TopicId>)>, KafkaError> {
    let names: Result<Vec<CString>, _> = topics.iter().map(|name| CString::new(name.as_str())).collect();
    let names = names.map_err(|_| KafkaError::AdminOp(RDKafkaErrorCode::InvalidTopic))?;
    let mut pointers: Vec<*const c_char> = names.iter().map(|name| name.as_ptr()).collect();
    let rk = client.native_ptr();
    // SAFETY: the client is alive; each `new` is paired with its `destroy`, and a null answer is refused. The names are
    // copied.
    let (options, queue, list) = unsafe {
        let kind = AdminOp::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS;
        let list = sys::rd_kafka_TopicCollection_of_topic_names(pointers.as_mut_ptr(), pointers.len());
        (
            Owned::new(sys::rd_kafka_AdminOptions_new(rk, kind), sys::rd_kafka_AdminOptions_destroy)?,
            Owned::new(sys::rd_kafka_queue_new(rk), sys::rd_kafka_queue_destroy)?,
            Owned::new(list, sys::rd_kafka_TopicCollection_destroy)?,
        )
    };
    // SAFETY: all pointers are alive for the calls, which copy what they need; without a buffer no error text is written.
    // The event becomes ours, null when the time is over.
    let event = unsafe {
        let code =
            sys::rd_kafka_AdminOptions_set_request_timeout(options.0, millis(timeout), ptr::null_mut(), 0);
        refused(code).map_err(KafkaError::AdminOp)?;
        sys::rd_kafka_DescribeTopics(rk, list.0, options.0, queue.0);
        let event = sys::rd_kafka_queue_poll(queue.0, millis(timeout + SPARE));
        Owned::new(event, sys::rd_kafka_event_destroy)
            .map_err(|_| KafkaError::AdminOp(RDKafkaErrorCode::OperationTimedOut))?
    };
    // SAFETY: the event is alive until the end of this function, and nothing borrowed from it leaves it.
    unsafe { answer(event.0) }
}

/// Copies an answer out of its event.
///
/// # Safety
/// `event` is alive and the answer to `DescribeTopics`.
unsafe fn answer(event: *mut sys::rd_kafka_event_t) -> Result<Vec<(String, Option<TopicId>)>, KafkaError> {
    // SAFETY: the caller's promise; the results are borrowed from the event.
    unsafe {
        refused(sys::rd_kafka_event_error(event)).map_err(KafkaError::AdminOp)?;
        let result = sys::rd_kafka_event_DescribeTopics_result(event);
        if result.is_null() {
            return Err(KafkaError::AdminOp(RDKafkaErrorCode::BadMessage));
        }
        let mut count = 0;
        let topics = sys::rd_kafka_DescribeTopics_result_topics(result, &raw mut count);
        if topics.is_null() {
            return Ok(Vec::new());
        }
        slice::from_raw_parts(topics, count).iter().map(|topic| copied(*topic)).collect()
    }
}

/// One topic of an answer.
///
/// # Safety
/// `topic` is alive.
unsafe fn copied(
    topic: *const sys::rd_kafka_TopicDescription_t,
) -> Result<(String, Option<TopicId>), KafkaError> {
    // SAFETY: the caller's promise; name, error and id are borrowed from the topic.
    unsafe {
        let name = CStr::from_ptr(sys::rd_kafka_TopicDescription_name(topic)).to_string_lossy().into_owned();
        let error = sys::rd_kafka_TopicDescription_error(topic);
        let code = if error.is_null() { Ok(()) } else { refused(sys::rd_kafka_error_code(error)) };
        match code {
            Ok(()) => {}
            Err(RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic) => {
                return Ok((name, None));
            }
            Err(code) => return Err(KafkaError::AdminOp(code)),
        }
        let id = sys::rd_kafka_TopicDescription_topic_id(topic);
        let id = if id.is_null() {
            (0, 0)
        } else {
            (sys::rd_kafka_Uuid_most_significant_bits(id), sys::rd_kafka_Uuid_least_significant_bits(id))
        };
        Ok((name, Some(id)))
    }
}
