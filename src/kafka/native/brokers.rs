//! Tells a client of brokers after it was made, which the safe wrapper cannot.
//!
//! What makes it sound: the client outlives the call (we borrow it), and librdkafka copies the text before it returns.
#![expect(unsafe_code, reason = "the module's purpose; everywhere else it is denied")]

use std::ffi::CString;

use rdkafka::bindings as sys;
use rdkafka::client::{Client, ClientContext};

/// Tells `client` of `servers` (`host:port,…`). Returns how many it has taken, or had already.
pub(in crate::kafka) fn add<C: ClientContext>(client: &Client<C>, servers: &str) -> i32 {
    let Ok(servers) = CString::new(servers) else { return 0 };
    // SAFETY: the client is alive; the text is ended by a zero and is copied.
    unsafe { sys::rd_kafka_brokers_add(client.native_ptr(), servers.as_ptr()) }
}
