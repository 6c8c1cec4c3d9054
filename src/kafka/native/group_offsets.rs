//! The committed offsets of a consumer group, from outside: read, set, removed. Each call waits for its answer, so it is
//! for threads that may wait.
//!
//! Ownership, which is what makes it sound:
//! - [`Owned`] holds what a `…_new` gave and gives it back once, with the `…_destroy` that belongs to it;
//! - the client outlives each call (we borrow it), and the queue and the answer live only within it;
//! - what the answer holds is borrowed from its event and copied before the event is given back.
//!
//! It never decides which offsets are right.
#![expect(unsafe_code, reason = "the module's purpose; everywhere else it is denied")]

use std::ffi::{CStr, CString, c_int};
use std::ptr;
use std::slice;
use std::time::Duration;

use rdkafka::bindings as sys;
use rdkafka::client::{Client, ClientContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::topic_partition_list::TopicPartitionList;
use sys::rd_kafka_admin_op_t as AdminOp;

use crate::id::TopicPartition;

/// How much longer than the request itself its answer is waited for: the library answers every request in time.
pub(super) const SPARE: Duration = Duration::from_secs(5);

/// One partition of an answer: its committed offset (negative: none), or why the request was refused for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::kafka) struct PartitionAnswer {
    pub(in crate::kafka) partition: TopicPartition,
    pub(in crate::kafka) offset: i64,
    pub(in crate::kafka) error: Option<RDKafkaErrorCode>,
}

/// What is to be done to a group's offsets.
#[derive(Debug, Clone, Copy)]
pub(in crate::kafka) enum Operation<'a> {
    /// Read all that is committed.
    List,
    /// Set these.
    Alter(&'a TopicPartitionList),
    /// Remove those of these partitions.
    Delete(&'a TopicPartitionList),
}

/// Carries out `operation` on `group`; `timeout` is for the request.
pub(in crate::kafka) fn run<C: ClientContext>(
    client: &Client<C>,
    group: &str,
    operation: Operation<'_>,
    timeout: Duration,
) -> Result<Vec<PartitionAnswer>, KafkaError> {
    // The library takes no empty list.
    if let Operation::Alter(list) | Operation::Delete(list) = operation
        && list.count() == 0
    {
        return Ok(Vec::new());
    }
    let code = |code| KafkaError::AdminOp(code);
    let group = CString::new(group).map_err(|_| code(RDKafkaErrorCode::InvalidGroupId))?;
    let kind = match operation {
        Operation::List => AdminOp::RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS,
        Operation::Alter(_) => AdminOp::RD_KAFKA_ADMIN_OP_ALTERCONSUMERGROUPOFFSETS,
        Operation::Delete(_) => AdminOp::RD_KAFKA_ADMIN_OP_DELETECONSUMERGROUPOFFSETS,
    };
    let rk = client.native_ptr();
    // SAFETY: the client is alive; each `new` is paired with its `destroy`, and a null answer is refused.
    let (options, queue) = unsafe {
        (
            Owned::new(sys::rd_kafka_AdminOptions_new(rk, kind), sys::rd_kafka_AdminOptions_destroy)?,
            Owned::new(sys::rd_kafka_queue_new(rk), sys::rd_kafka_queue_destroy)?,
        )
    };
    // SAFETY: `options` is alive; without a buffer no error text is written.
    let set = unsafe {
        let millis = millis(timeout);
        sys::rd_kafka_AdminOptions_set_request_timeout(options.0, millis, ptr::null_mut(), 0)
    };
    if set != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
        return Err(code(set.into()));
    }
    // SAFETY: all pointers are alive for the call, which copies what it needs.
    unsafe { send(rk, &group, operation, options.0, queue.0)? };
    // SAFETY: the queue is alive; the event becomes ours, null when the time is over.
    let event = unsafe {
        let event = sys::rd_kafka_queue_poll(queue.0, millis(timeout + SPARE));
        Owned::new(event, sys::rd_kafka_event_destroy)
            .map_err(|_| code(RDKafkaErrorCode::OperationTimedOut))?
    };
    // SAFETY: the event is alive until the end of this function, and nothing borrowed from it leaves it.
    unsafe { answer(event.0, operation) }
}

/// Sends the request; its answer comes to `queue`.
///
/// # Safety
/// All pointers are of this client and alive.
unsafe fn send(
    rk: *mut sys::rd_kafka_t,
    group: &CStr,
    operation: Operation<'_>,
    options: *mut sys::rd_kafka_AdminOptions_t,
    queue: *mut sys::rd_kafka_queue_t,
) -> Result<(), KafkaError> {
    let group = group.as_ptr();
    // SAFETY: the caller's promise; group and list are copied by `new`, the request by the call.
    unsafe {
        match operation {
            Operation::List => {
                let request = Owned::new(
                    sys::rd_kafka_ListConsumerGroupOffsets_new(group, ptr::null()),
                    sys::rd_kafka_ListConsumerGroupOffsets_destroy,
                )?;
                sys::rd_kafka_ListConsumerGroupOffsets(rk, [request.0].as_mut_ptr(), 1, options, queue);
            }
            Operation::Alter(list) => {
                let request = Owned::new(
                    sys::rd_kafka_AlterConsumerGroupOffsets_new(group, list.ptr()),
                    sys::rd_kafka_AlterConsumerGroupOffsets_destroy,
                )?;
                sys::rd_kafka_AlterConsumerGroupOffsets(rk, [request.0].as_mut_ptr(), 1, options, queue);
            }
            Operation::Delete(list) => {
                let request = Owned::new(
                    sys::rd_kafka_DeleteConsumerGroupOffsets_new(group, list.ptr()),
                    sys::rd_kafka_DeleteConsumerGroupOffsets_destroy,
                )?;
                sys::rd_kafka_DeleteConsumerGroupOffsets(rk, [request.0].as_mut_ptr(), 1, options, queue);
            }
        }
    }
    Ok(())
}

/// Copies an answer out of its event.
///
/// # Safety
/// `event` is alive and the answer to `operation`.
unsafe fn answer(
    event: *mut sys::rd_kafka_event_t,
    operation: Operation<'_>,
) -> Result<Vec<PartitionAnswer>, KafkaError> {
    // SAFETY: the caller's promise; the results are borrowed from the event.
    unsafe {
        refused(sys::rd_kafka_event_error(event)).map_err(KafkaError::AdminOp)?;
        let mut count = 0;
        let groups = match operation {
            Operation::List => sys::rd_kafka_ListConsumerGroupOffsets_result_groups(
                sys::rd_kafka_event_ListConsumerGroupOffsets_result(event),
                &raw mut count,
            ),
            Operation::Alter(_) => sys::rd_kafka_AlterConsumerGroupOffsets_result_groups(
                sys::rd_kafka_event_AlterConsumerGroupOffsets_result(event),
                &raw mut count,
            ),
            Operation::Delete(_) => sys::rd_kafka_DeleteConsumerGroupOffsets_result_groups(
                sys::rd_kafka_event_DeleteConsumerGroupOffsets_result(event),
                &raw mut count,
            ),
        };
        if groups.is_null() || count == 0 {
            return Err(KafkaError::AdminOp(RDKafkaErrorCode::BadMessage));
        }
        let group = *groups;
        let error = sys::rd_kafka_group_result_error(group);
        if !error.is_null() {
            refused(sys::rd_kafka_error_code(error)).map_err(KafkaError::AdminOp)?;
        }
        let list = sys::rd_kafka_group_result_partitions(group);
        let Some(list) = list.as_ref().filter(|list| list.cnt > 0) else { return Ok(Vec::new()) };
        let elements = slice::from_raw_parts(list.elems, usize::try_from(list.cnt).unwrap_or(0));
        Ok(elements.iter().map(|element| copied(element)).collect())
    }
}

/// One element of an answer's list.
///
/// # Safety
/// The element's topic is a C string.
unsafe fn copied(element: &sys::rd_kafka_topic_partition_t) -> PartitionAnswer {
    // SAFETY: the caller's promise.
    let topic = unsafe { CStr::from_ptr(element.topic) }.to_string_lossy();
    PartitionAnswer {
        partition: TopicPartition::new(&*topic, element.partition),
        offset: element.offset,
        error: refused(element.err).err(),
    }
}

pub(super) fn refused(code: sys::rd_kafka_resp_err_t) -> Result<(), RDKafkaErrorCode> {
    match code {
        sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR => Ok(()),
        code => Err(code.into()),
    }
}

pub(super) fn millis(time: Duration) -> c_int {
    c_int::try_from(time.as_millis()).unwrap_or(c_int::MAX)
}

/// Something of the library's that is ours to give back.
pub(super) struct Owned<T>(pub(super) *mut T, unsafe extern "C" fn(*mut T));

impl<T> Owned<T> {
    /// # Safety
    /// `value` is null or ours, and `destroy` is its end.
    pub(super) unsafe fn new(
        value: *mut T,
        destroy: unsafe extern "C" fn(*mut T),
    ) -> Result<Self, KafkaError> {
        if value.is_null() {
            Err(KafkaError::AdminOp(RDKafkaErrorCode::Fail))
        } else {
            Ok(Self(value, destroy))
        }
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        // SAFETY: ours, given back once (`new`'s promise).
        unsafe { (self.1)(self.0) };
    }
}
