//! What a client has to say about its connections, for clients that nobody polls: an admin client serves only the queue
//! of its own requests, so why a broker does not let it in waits in the client's main queue.
//!
//! What makes it sound: the client outlives the call (we borrow it), the queue and each event are given back once, and
//! an event's text is copied before.
#![expect(unsafe_code, reason = "the module's purpose; everywhere else it is denied")]

use std::ffi::CStr;

use rdkafka::bindings as sys;
use rdkafka::client::{Client, ClientContext};
use rdkafka::error::RDKafkaErrorCode;

/// More than a client says between two looks; whatever it says, the call ends.
const MOST: usize = 1_000;

/// Takes the errors out of the client's main queue, in their order. Only for clients that are not polled.
pub(in crate::kafka) fn waiting<C: ClientContext>(client: &Client<C>) -> Vec<(RDKafkaErrorCode, String)> {
    let mut found = Vec::new();
    // SAFETY: the client is alive. The main queue is shared; our reference to it is given back below.
    let queue = unsafe { sys::rd_kafka_queue_get_main(client.native_ptr()) };
    if queue.is_null() {
        return found;
    }
    for _ in 0..MOST {
        // SAFETY: `queue` is alive, and 0 does not wait.
        let event = unsafe { sys::rd_kafka_queue_poll(queue, 0) };
        if event.is_null() {
            break;
        }
        // SAFETY: `event` is alive until it is destroyed here, once; its text is a C string that lives as long.
        unsafe {
            if sys::rd_kafka_event_type(event) == sys::RD_KAFKA_EVENT_ERROR {
                let text = sys::rd_kafka_event_error_string(event);
                let text = if text.is_null() {
                    String::new()
                } else {
                    CStr::from_ptr(text).to_string_lossy().trim().to_owned()
                };
                found.push((sys::rd_kafka_event_error(event).into(), text));
            }
            sys::rd_kafka_event_destroy(event);
        }
    }
    // SAFETY: it was ours, and is not used any more.
    unsafe { sys::rd_kafka_queue_destroy(queue) };
    found
}
