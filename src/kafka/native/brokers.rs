//! Tells a client of brokers after it was made, and asks them without waiting, which the safe wrapper cannot.
//!
//! What makes it sound: the client outlives the calls (we borrow it); librdkafka copies the text before it returns, and what
//! it gives is given back at once.
#![expect(unsafe_code, reason = "the module's purpose; everywhere else it is denied")]

use std::ffi::{CString, c_int};
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
///
/// Not for a member that is about to join: the answer may be what makes it forget a broker ([`look_at_topics`]).
pub(in crate::kafka) fn is_any_up<C: ClientContext>(client: &Client<C>) -> bool {
    // No broker to ask is `TRANSPORT`; an answer that is not there yet is `TIMED_OUT`.
    ask_for_metadata(client, 0) != RDKafkaRespErr::RD_KAFKA_RESP_ERR__TRANSPORT
}

/// Has a member of a group look at all topics of the cluster, now; goes without the answer, too.
///
/// A member that is about to join waits for what it asked of its topics. When the broker that it asked is forgotten in the
/// meantime, as those of `bootstrap.servers` are when the others are known, the library asks again only when
/// `metadata.max.age.ms` is over. An answer about all topics is taken for that one as well.
pub(in crate::kafka) fn look_at_topics<C: ClientContext>(client: &Client<C>) {
    ask_for_metadata(client, 1);
}

fn ask_for_metadata<C: ClientContext>(client: &Client<C>, all_topics: c_int) -> RDKafkaRespErr {
    let mut metadata = ptr::null();
    // SAFETY: the client is alive; without a topic none is read; the place for the answer is ours until the call returns.
    let code = unsafe {
        sys::rd_kafka_metadata(client.native_ptr(), all_topics, ptr::null_mut(), &raw mut metadata, 0)
    };
    if !metadata.is_null() {
        // SAFETY: it was given by the call above and is used by nobody.
        unsafe { sys::rd_kafka_metadata_destroy(metadata) };
    }
    code
}
