//! Changes `fetch.wait.max.ms` of a client that runs: how long a broker may wait for records before it answers a fetch.
//!
//! librdkafka has no call for it. It reads this number from the client's configuration once for each fetch request, and so a
//! new one holds from the next request on. Its header calls the configuration of a running client read-only, because most
//! settings are only looked at when a client is made; what makes this one sound:
//! - the configuration is part of the client (`rd_kafka_conf` gives its address), so the client that we borrow keeps it;
//! - the number is an aligned `int`, written by one store and read by one load: a request has the old or the new one;
//! - nothing else of the configuration is written: the name is a constant of this file, an `int` without a setter of its
//!   own. librdkafka's mark that the key was set is read by nobody once the client is made;
//! - calls for one client come from its owner alone (`kafka::pace`), so two writers never meet.
//!
//! A test looks at both ends: the client's configuration, and the requests that follow. With another librdkafka it says
//! whether this still holds; that this fails is slow, and nothing worse.
#![expect(unsafe_code, reason = "the module's purpose; everywhere else it is denied")]

use std::ffi::{CStr, CString};
use std::ptr;

use rdkafka::bindings as sys;
use rdkafka::client::{Client, ClientContext};

const KEY: &CStr = c"fetch.wait.max.ms";

/// Sets it to `ms`; false when librdkafka does not take that.
pub(in crate::kafka) fn set<C: ClientContext>(client: &Client<C>, ms: u32) -> bool {
    let Ok(value) = CString::new(ms.to_string()) else { return false };
    // SAFETY: the client is alive and owns the configuration; the texts are C strings, without a place for a reason none
    // is written. The module text says why the store itself is sound.
    let answer = unsafe {
        let config = sys::rd_kafka_conf(client.native_ptr()).cast_mut();
        sys::rd_kafka_conf_set(config, KEY.as_ptr(), value.as_ptr(), ptr::null_mut(), 0)
    };
    answer == sys::rd_kafka_conf_res_t::RD_KAFKA_CONF_OK
}

/// What it is now.
#[cfg(test)]
pub(in crate::kafka) fn get<C: ClientContext>(client: &Client<C>) -> Option<u32> {
    let (mut text, mut size) = ([0_u8; 16], 16_usize);
    // SAFETY: as above; the answer is written into a local with its size.
    let answer = unsafe {
        let config = sys::rd_kafka_conf(client.native_ptr());
        sys::rd_kafka_conf_get(config, KEY.as_ptr(), text.as_mut_ptr().cast(), &raw mut size)
    };
    let known = answer == sys::rd_kafka_conf_res_t::RD_KAFKA_CONF_OK;
    CStr::from_bytes_until_nul(&text).ok().filter(|_| known)?.to_str().ok()?.parse().ok()
}
