//! The HTTP client for storage that is not the emulator's own.

use std::error::Error;
use std::time::Duration;

use reqwest::Client;

/// A client that neither unpacks answers nor uses a proxy.
pub(crate) fn client() -> reqwest::Result<Client> {
    Client::builder()
        .no_gzip()
        .no_proxy()
        .connect_timeout(Duration::from_secs(5))
        .read_timeout(Duration::from_secs(30))
        .build()
}

/// Why `what` cannot be reached, without the URL: that carries a SAS.
pub(crate) fn unreachable(what: &str, error: &reqwest::Error) -> String {
    let mut text = format!("{what} cannot be reached");
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
