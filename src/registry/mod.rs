//! The client of a schema registry: from the id in a record to the schema's text and all it refers to
//! (`connect-runtime.md` §6.4).
//!
//! It speaks Confluent's protocol and Apicurio's own (`confluent`, `apicurio`), asks one address after the other, and
//! tries again a few times (`max.retries`). It keeps no schemas: that is the converters'. Secrets go only to the
//! registry's and the token server's addresses, never into errors; redirects are not followed.

mod answer;
mod client;
mod config;
mod credentials;
mod http;
pub mod keys;
mod settings;
mod token;

use crate::brief::Brief;
pub use client::Client;
pub use config::{RegistryConfig, RegistryKind};

/// Why a schema could not be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The client cannot be made.
    #[error("{key}: {reason}")]
    Setup {
        /// The setting to change.
        key: String,
        /// What is wrong.
        reason: String,
    },
    /// No answer: DNS, connect, TLS, a broken connection, or none in time.
    #[error("GET {url}: no answer: {reason}; check {key} and the network")]
    Unreachable {
        /// What was asked for, without user and password.
        url: String,
        /// The cause.
        reason: String,
        /// The setting that names the place.
        key: String,
    },
    /// The registry answered with a refusal.
    #[error("GET {url}: status {status}{}; check {key}", with(*code, reason))]
    Refused {
        /// What was asked for, without user and password.
        url: String,
        /// The HTTP status.
        status: u16,
        /// The registry's own number of the error.
        code: Option<i64>,
        /// The registry's words.
        reason: String,
        /// The setting to look at.
        key: String,
    },
    /// An answer that is not what the protocol says.
    #[error("GET {url}: the answer is not understood: {reason}; check {key}")]
    Malformed {
        /// What was asked for, without user and password.
        url: String,
        /// What is wrong with it.
        reason: String,
        /// The setting that names the place.
        key: String,
    },
    /// The token server gave no token.
    #[error("POST {url}: no token: {reason}; check {key}")]
    NoToken {
        /// The token server.
        url: String,
        /// The cause.
        reason: String,
        /// The setting to look at.
        key: String,
        /// The server may answer otherwise later.
        retriable: bool,
    },
}

impl Error {
    /// It in one line: of an address, the host alone.
    pub fn brief(&self) -> Brief {
        match self {
            Self::Unreachable { url, reason, key } => {
                // The innermost cause is the last.
                let cause = reason.rsplit(": ").next().unwrap_or(reason);
                Brief::new(format!("no answer from {}: {cause}", origin(url)))
                    .mended_by(format!("check {key}"))
            }
            Self::Refused { url, status, code, reason, key } => {
                let code = code.map(|code| format!(", error {code}")).unwrap_or_default();
                Brief::new(format!("{}: status {status}{code}", origin(url)))
                    .saying(reason)
                    .mended_by(format!("check {key}"))
            }
            Self::Setup { .. } | Self::Malformed { .. } | Self::NoToken { .. } => {
                Brief::of(&self.to_string())
            }
        }
    }

    /// True when the same question may be answered later: outages, and a registry that is not ready.
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Refused { status, .. } => may_pass(*status),
            Self::NoToken { retriable, .. } => *retriable,
            Self::Setup { .. } | Self::Malformed { .. } => false,
        }
    }

    /// True when the registry does not let us in.
    pub fn is_denied(&self) -> bool {
        matches!(self, Self::Refused { status: 401 | 403, .. } | Self::NoToken { retriable: false, .. })
    }
}

/// Scheme, host and port of an address.
fn origin(url: &str) -> &str {
    let host = url.find("://").map_or(0, |at| at + 3);
    let end = url.get(host..).and_then(|rest| rest.find('/')).map_or(url.len(), |at| host + at);
    url.get(..end).unwrap_or(url)
}

/// True for the HTTP statuses that may be another one later.
fn may_pass(status: u16) -> bool {
    status >= 500 || matches!(status, 408 | 429)
}

fn with(code: Option<i64>, reason: &str) -> String {
    let code = code.map(|code| format!(", error {code}")).unwrap_or_default();
    if reason.is_empty() { code } else { format!("{code}: {reason}") }
}

#[cfg(test)]
mod tests;
