//! What an error of the client means to who looks before a start: what is wrong, and what is to be done. Pure.

use crate::checkup::Finding;
use crate::kusto::ingest::{Error, Refusal};

/// A check that ended with this error.
pub(super) fn failed(error: &Error) -> Finding {
    match error {
        Error::TargetNotFound { what, url, code, text, create } => Finding::failed(
            format!("{what} was not found at {url}: {} {text}", code.as_deref().unwrap_or_default()),
            format!("correct kusto.tables.topics.mapping, or create it: {create}"),
        ),
        Error::TargetUnfit { what, repair, .. } => {
            Finding::failed(what, format!("run in the database: {repair}"))
        }
        Error::Credentials { text, setting, .. } => {
            Finding::failed(format!("no token: {text}"), format!("correct {setting}"))
        }
        Error::Untrusted { url, text, setting } => {
            Finding::failed(format!("no token is sent to {url}: {text}"), format!("correct {setting}"))
        }
        Error::Unreachable { operation, url, text, setting } => Finding::failed(
            format!("{operation} at {url}: no answer: {text}"),
            format!("check {setting}, and firewall and proxy on the way"),
        ),
        Error::Malformed { operation, url, text, setting } => Finding::failed(
            format!("{operation} at {url}: the answer is not understood: {text}"),
            format!("check {setting}: another server, or a proxy, answers there"),
        ),
        Error::Refused(refusal) => {
            let advice = refusal.advice.unwrap_or("see what the service says").to_owned();
            Finding::failed(without_advice(refusal), advice)
        }
        other => Finding::failed(other.to_string(), "correct what it names"),
    }
}

/// True when we have no right to ask that.
pub(super) fn is_forbidden(error: &Error) -> bool {
    matches!(error, Error::Refused(refusal) if refusal.status == 403)
}

/// The service's words alone.
pub(super) fn without_advice(refusal: &Refusal) -> String {
    Refusal { advice: None, ..refusal.clone() }.to_string()
}
