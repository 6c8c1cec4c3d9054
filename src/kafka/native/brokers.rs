//! Tells a client of brokers after it was made, and asks whether it is connected to one, which the safe wrapper cannot.
//!
//! What makes it sound: the client outlives the calls (we borrow it); librdkafka copies the text before it returns, and what
//! it gives is given back at once.
#![expect(unsafe_code, reason = "the module's purpose; everywhere else it is denied")]

use std::ffi::CString;
use std::ptr;

use rdkafka::bindings as sys;
use rdkafka::client::{Client, ClientContext};
use rdkafka::types::RDKafkaRespErr;

/// Tells `client` of `servers` (`host:port,…`). Returns how many it has taken, or had already.
pub(in crate::kafka) fn add<C: ClientContext>(client: &Client<C>, servers: &str) -> i32 {
    let Ok(servers) = CString::new(servers) else { return 0 };
    // SAFETY: the client is alive; the text is ended by a zero and is copied.
    unsafe { sys::rd_kafka_brokers_add(client.native_ptr(), servers.as_ptr()) }
}

/// True when `client` has a connection to a broker that speaks Kafka. Waits for nothing: it asks such a broker for metadata
/// of the topics that the client knows, and goes without the answer.
pub(in crate::kafka) fn is_any_up<C: ClientContext>(client: &Client<C>) -> bool {
    let mut metadata = ptr::null();
    // SAFETY: the client is alive; without a topic none is read; the place for the answer is ours until the call returns.
    let code =
        unsafe { sys::rd_kafka_metadata(client.native_ptr(), 0, ptr::null_mut(), &raw mut metadata, 0) };
    if !metadata.is_null() {
        // SAFETY: it was given by the call above and is used by nobody.
        unsafe { sys::rd_kafka_metadata_destroy(metadata) };
    }
    // No broker to ask is `TRANSPORT`; an answer that is not there yet is `TIMED_OUT`.
    code != RDKafkaRespErr::RD_KAFKA_RESP_ERR__TRANSPORT
}
