//! Gives a client its token for SASL OAUTHBEARER, at any time and with extensions, which the safe wrapper cannot.
//!
//! What makes it sound: the client outlives the call (we borrow it), and librdkafka copies every text before it returns.
#![expect(unsafe_code, reason = "the module's purpose; everywhere else it is denied")]

use std::collections::BTreeMap;
use std::ffi::{CStr, CString, c_char};

use rdkafka::bindings as sys;
use rdkafka::client::{Client, ClientContext};

/// A token as a client takes it.
#[derive(Clone, Copy)]
pub(in crate::kafka) struct Given<'a> {
    /// Its text.
    pub(in crate::kafka) text: &'a str,
    /// Whose it is.
    pub(in crate::kafka) principal: &'a str,
    /// When it ends, in milliseconds since the epoch.
    pub(in crate::kafka) ends_at: i64,
    /// SASL extensions that go with it.
    pub(in crate::kafka) extensions: &'a BTreeMap<String, String>,
}

/// Room for librdkafka's reason.
const ROOM: usize = 512;

/// Gives `client` the token, or the reason why there is none. An error when librdkafka does not take it.
pub(in crate::kafka) fn give<C: ClientContext>(
    client: &Client<C>,
    token: Result<Given<'_>, &str>,
) -> Result<(), String> {
    let text = |text: &str| CString::new(text).map_err(|_| "a text with a zero in it".to_owned());
    let rk = client.native_ptr();
    let token = match token {
        Ok(token) => token,
        Err(reason) => {
            let reason = text(reason)?;
            // SAFETY: the client is alive, and the text is copied.
            unsafe { sys::rd_kafka_oauthbearer_set_token_failure(rk, reason.as_ptr()) };
            return Ok(());
        }
    };
    let (value, principal) = (text(token.text)?, text(token.principal)?);
    let pairs = token.extensions.iter().flat_map(|(key, value)| [text(key), text(value)]);
    let pairs: Vec<CString> = pairs.collect::<Result<_, _>>()?;
    let mut pointers: Vec<*const c_char> = pairs.iter().map(|text| text.as_ptr()).collect();
    let mut reason: [c_char; ROOM] = [0; ROOM];
    // SAFETY: the client is alive; all texts live until the call returns, and it copies them; `reason` has the room that is
    // named and is ended by a zero.
    let (code, reason) = unsafe {
        let code = sys::rd_kafka_oauthbearer_set_token(
            rk,
            value.as_ptr(),
            token.ends_at,
            principal.as_ptr(),
            pointers.as_mut_ptr(),
            pointers.len(),
            reason.as_mut_ptr(),
            ROOM,
        );
        (code, CStr::from_ptr(reason.as_ptr()).to_string_lossy().into_owned())
    };
    if code == sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR { Ok(()) } else { Err(reason) }
}
