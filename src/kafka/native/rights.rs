//! Which operations the brokers allow us on a topic or a group, as they say themselves: the one way to know without trying. The
//! call waits for its answer, so it is for threads that may wait.
//!
//! Ownership is that of `group_offsets`: what a `…_new` gave is given back once, the client outlives the call, and what the
//! answer holds is copied before its event is given back.
#![expect(unsafe_code, reason = "the module's purpose; everywhere else it is denied")]

use std::ffi::{CString, c_char};
use std::ptr;
use std::slice;
use std::time::Duration;

use rdkafka::bindings as sys;
use rdkafka::client::{Client, ClientContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use sys::rd_kafka_admin_op_t as AdminOp;

use super::group_offsets::{Owned, SPARE, millis, refused};

/// What is asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AclSubject {
    /// A topic.
    Topic(String),
    /// A consumer group.
    Group(String),
}

/// Numbers of operations, as the protocol has them (`AclOperation`). None when the brokers do not say: they are too old. An
/// error of authorization says that not even looking is allowed.
pub(in crate::kafka) fn operations<C: ClientContext>(
    client: &Client<C>,
    subject: &AclSubject,
    timeout: Duration,
) -> Result<Option<Vec<u32>>, KafkaError> {
    let (AclSubject::Topic(name) | AclSubject::Group(name)) = subject;
    let name =
        CString::new(name.as_str()).map_err(|_| KafkaError::AdminOp(RDKafkaErrorCode::InvalidTopic))?;
    let mut names: [*const c_char; 1] = [name.as_ptr()];
    let kind = match subject {
        AclSubject::Topic(_) => AdminOp::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS,
        AclSubject::Group(_) => AdminOp::RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS,
    };
    let rk = client.native_ptr();
    // SAFETY: the client is alive; each `new` is paired with its `destroy`, and a null answer is refused. The name is copied.
    let (options, queue, list) = unsafe {
        (
            Owned::new(sys::rd_kafka_AdminOptions_new(rk, kind), sys::rd_kafka_AdminOptions_destroy)?,
            Owned::new(sys::rd_kafka_queue_new(rk), sys::rd_kafka_queue_destroy)?,
            Owned::new(
                sys::rd_kafka_TopicCollection_of_topic_names(names.as_mut_ptr(), names.len()),
                sys::rd_kafka_TopicCollection_destroy,
            )?,
        )
    };
    // SAFETY: all pointers are alive for the calls, which copy what they need; without a buffer no error text is written. An
    // error is ours and given back. The event becomes ours, null when the time is over.
    let event = unsafe {
        let code =
            sys::rd_kafka_AdminOptions_set_request_timeout(options.0, millis(timeout), ptr::null_mut(), 0);
        refused(code).map_err(KafkaError::AdminOp)?;
        let error = sys::rd_kafka_AdminOptions_set_include_authorized_operations(options.0, 1);
        if !error.is_null() {
            sys::rd_kafka_error_destroy(error);
            return Ok(None);
        }
        match subject {
            AclSubject::Topic(_) => sys::rd_kafka_DescribeTopics(rk, list.0, options.0, queue.0),
            AclSubject::Group(_) => {
                sys::rd_kafka_DescribeConsumerGroups(rk, names.as_mut_ptr(), names.len(), options.0, queue.0);
            }
        }
        let event = sys::rd_kafka_queue_poll(queue.0, millis(timeout + SPARE));
        Owned::new(event, sys::rd_kafka_event_destroy)
            .map_err(|_| KafkaError::AdminOp(RDKafkaErrorCode::OperationTimedOut))?
    };
    // SAFETY: the event is alive until the end of this function and answers that question; nothing borrowed from it leaves it.
    unsafe {
        refused(sys::rd_kafka_event_error(event.0)).map_err(KafkaError::AdminOp)?;
        match subject {
            AclSubject::Topic(_) => of_topic(event.0),
            AclSubject::Group(_) => of_group(event.0),
        }
    }
}

/// What the only topic of an answer allows.
///
/// # Safety
/// `event` is alive and the answer to `DescribeTopics`.
unsafe fn of_topic(event: *mut sys::rd_kafka_event_t) -> Result<Option<Vec<u32>>, KafkaError> {
    // SAFETY: the caller's promise; topics, errors and operations are borrowed from the event.
    unsafe {
        let result = sys::rd_kafka_event_DescribeTopics_result(event);
        if result.is_null() {
            return Err(KafkaError::AdminOp(RDKafkaErrorCode::BadMessage));
        }
        let mut count = 0;
        let topics = sys::rd_kafka_DescribeTopics_result_topics(result, &raw mut count);
        if topics.is_null() || count == 0 {
            return Ok(None);
        }
        let topic = *topics;
        checked(sys::rd_kafka_TopicDescription_error(topic))?;
        let mut count = 0;
        let operations = sys::rd_kafka_TopicDescription_authorized_operations(topic, &raw mut count);
        Ok(copied(operations, count))
    }
}

/// What the only group of an answer allows.
///
/// # Safety
/// `event` is alive and the answer to `DescribeConsumerGroups`.
unsafe fn of_group(event: *mut sys::rd_kafka_event_t) -> Result<Option<Vec<u32>>, KafkaError> {
    // SAFETY: the caller's promise; groups, errors and operations are borrowed from the event.
    unsafe {
        let result = sys::rd_kafka_event_DescribeConsumerGroups_result(event);
        if result.is_null() {
            return Err(KafkaError::AdminOp(RDKafkaErrorCode::BadMessage));
        }
        let mut count = 0;
        let groups = sys::rd_kafka_DescribeConsumerGroups_result_groups(result, &raw mut count);
        if groups.is_null() || count == 0 {
            return Ok(None);
        }
        let group = *groups;
        checked(sys::rd_kafka_ConsumerGroupDescription_error(group))?;
        let mut count = 0;
        let operations = sys::rd_kafka_ConsumerGroupDescription_authorized_operations(group, &raw mut count);
        Ok(copied(operations, count))
    }
}

/// # Safety
/// `error` is null or alive.
unsafe fn checked(error: *const sys::rd_kafka_error_t) -> Result<(), KafkaError> {
    if error.is_null() {
        return Ok(());
    }
    // SAFETY: the caller's promise.
    refused(unsafe { sys::rd_kafka_error_code(error) }).map_err(KafkaError::AdminOp)
}

/// # Safety
/// `operations` is null or points to so many. They are read as numbers: brokers may know more operations than the library's list.
unsafe fn copied(operations: *const sys::rd_kafka_AclOperation_t, count: usize) -> Option<Vec<u32>> {
    if operations.is_null() {
        return None;
    }
    // SAFETY: the caller's promise; the enumeration is a number of 32 bits.
    Some(unsafe { slice::from_raw_parts(operations.cast::<u32>(), count) }.to_vec())
}
