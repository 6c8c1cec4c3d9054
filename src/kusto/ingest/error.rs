//! What can go wrong on the way into Kusto, with the place, the service's own words and the setting to change.
//!
//! Texts of services pass [`redacted`] on their way in, so an [`Error`] can be logged and shown as it is.

use super::url::{SasUrl, redacted};
use crate::brief::Brief;
use crate::words;
use std::time::Duration;

/// The operation that uploads a batch.
pub(super) const PUT_BLOB: &str = "put blob";
/// The operation that hands a batch over by a queue.
pub(super) const PUT_MESSAGE: &str = "put message";
/// The operation that hands a batch to the engine.
pub(super) const STREAM: &str = "streaming ingestion";

/// An error of the ingest client. Cloned to all waiters of one shared refresh.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The service answered, with a refusal.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// No answer: DNS, connect, TLS, a broken connection, or none within the time allowed.
    #[error("{operation} at {url}: no answer: {text} (check {setting} and the network)")]
    Unreachable {
        /// What was tried, e.g. `put blob`.
        operation: &'static str,
        /// Where.
        url: SasUrl,
        /// The cause.
        text: String,
        /// The setting that names the place.
        setting: &'static str,
    },
    /// An answer that is not what the protocol says; a proxy's or a wrong server's, most of the time.
    #[error("{operation} at {url}: the answer is not understood: {text} (check {setting})")]
    Malformed {
        /// What was tried.
        operation: &'static str,
        /// Where.
        url: SasUrl,
        /// What is wrong with the answer.
        text: String,
        /// The setting that names the place.
        setting: &'static str,
    },
    /// No token could be had.
    #[error("no token for {url}: {text} (check {setting})")]
    Credentials {
        /// The service the token is for.
        url: SasUrl,
        /// The cause, in the identity provider's words.
        text: String,
        /// The setting to change.
        setting: &'static str,
        /// Of the provider's answer, when there was one in its words.
        status: Option<u16>,
        /// False when the provider definitely refuses.
        retriable: bool,
    },
    /// A token must not be sent to this place.
    #[error("no token is sent to {url}: {text} (check {setting})")]
    Untrusted {
        /// The place.
        url: SasUrl,
        /// Which rule says so.
        text: String,
        /// The setting to change.
        setting: &'static str,
    },
    /// The queue message would not fit into a queue.
    #[error(
        "the queue message of {bytes} bytes is larger than the {limit} a queue takes (the identity token of the service \
         is {identity} bytes of it); shorten the names in kusto.tables.topics.mapping, or set kusto.ingestion.protocol=v2"
    )]
    MessageTooLarge {
        /// Size in base64.
        bytes: usize,
        /// What fits.
        limit: usize,
        /// Size of the identity token in base64.
        identity: usize,
    },
    /// The table or the mapping does not exist.
    #[error(
        "{what} was not found at {url}: {}{text}; correct kusto.tables.topics.mapping or create it: {create}",
        code.as_ref().map(|code| format!("{code}: ")).unwrap_or_default()
    )]
    TargetNotFound {
        /// Which of them, with database and name.
        what: String,
        /// The engine.
        url: SasUrl,
        /// The service's code.
        code: Option<String>,
        /// The service's words.
        text: String,
        /// KQL that creates it.
        create: String,
    },
    /// The table is there, but something that ingestion needs is not.
    #[error("{what} at {url}; correct it by: {repair}")]
    TargetUnfit {
        /// What is missing, with database and table.
        what: String,
        /// The engine.
        url: SasUrl,
        /// KQL that puts it right.
        repair: String,
    },
    /// Several targets have problems, or one has several.
    #[error("{} problems with the targets of kusto.tables.topics.mapping: {}", .0.len(), numbered(.0))]
    Targets(Vec<Error>),
    /// The time for retries is over.
    #[error("gave up after {tries} tries in {seconds} s (errors.retry.max.time.ms); the last one: {last}")]
    Exhausted {
        /// How many tries.
        tries: u32,
        /// How long, in whole seconds.
        seconds: u64,
        /// Why the last one failed.
        last: Box<Error>,
    },
    /// The HTTP client could not be built.
    #[error("the HTTP client cannot be set up: {0}")]
    Setup(String),
}

impl Error {
    /// What was tried, and the status of the answer: a number of HTTP, `none` without one, `other` for all else. Both are of
    /// few values.
    pub(super) fn operation_and_status(&self) -> (&'static str, String) {
        match self {
            Self::Refused(refusal) => (refusal.operation, refusal.status.to_string()),
            Self::Unreachable { operation, .. } => (operation, "none".to_owned()),
            Self::Malformed { operation, .. } => (operation, "other".to_owned()),
            Self::Credentials { status: Some(status), .. } => ("sign in", status.to_string()),
            Self::Credentials { retriable: true, .. } => ("sign in", "none".to_owned()),
            Self::Credentials { .. } | Self::Untrusted { .. } => ("sign in", "other".to_owned()),
            Self::Exhausted { last, .. } => last.operation_and_status(),
            Self::MessageTooLarge { .. }
            | Self::TargetNotFound { .. }
            | Self::TargetUnfit { .. }
            | Self::Targets(_)
            | Self::Setup(_) => ("prepare", "other".to_owned()),
        }
    }
}

fn numbered(errors: &[Error]) -> String {
    let lines = errors.iter().enumerate().map(|(index, error)| format!("({}) {error}", index + 1));
    lines.collect::<Vec<_>>().join("; ")
}

/// How a refusal is to be treated (`kusto-protocol.md` §§9.2, 9.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Goes away by itself.
    Transient,
    /// Comes again with every try.
    Permanent,
    /// The bearer token was not accepted.
    Token,
    /// The signature in the URL was not accepted: expired or revoked. Fresh resources help.
    Signature,
    /// The container or queue is gone. Fresh resources help.
    Gone,
}

/// An answer with an error in it.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// What was tried.
    pub operation: &'static str,
    /// Where.
    pub url: SasUrl,
    /// HTTP status; 200 when the error was inside a good answer.
    pub status: u16,
    /// The service's code, e.g. `ServerBusy` or `BadRequest_EntityNotFound`.
    pub code: Option<String>,
    /// The service's words, redacted.
    pub text: String,
    /// What to do about it.
    pub advice: Option<&'static str>,
    /// How to treat it.
    pub class: Class,
    /// The pause the service asks for.
    pub retry_after: Option<Duration>,
}

impl Refusal {
    /// True when the service read the data and could not use it (`kusto-protocol.md` §5.3): only streaming ingestion says
    /// so, and no other request carries words of its engine about records.
    fn speaks_of_content(&self) -> bool {
        const CODES: [&str; 2] = ["Stream_", "StreamingIngestionRequestException"];
        let has = |text: &str| CODES.iter().any(|code| text.contains(code));
        let is_engines = self.operation == STREAM && self.status == 400 && self.class == Class::Permanent;
        is_engines && (self.code.as_deref().is_some_and(has) || has(&self.text))
    }

    fn brief(&self) -> Brief {
        let code = self.code.as_ref().map(|code| format!(" {code}")).unwrap_or_default();
        let text = format!("{}: status {}{code}", self.operation, self.status);
        let brief = Brief::new(text).saying(&self.text);
        match self.advice {
            Some(advice) => brief.mended_by(advice),
            None => brief,
        }
    }

    /// True when storage or the engine will take no batch of this size. Without a code it is the word of a proxy, and what
    /// carries no batch is refused for its tokens and names.
    fn speaks_of_size(&self) -> bool {
        self.status == 413 && self.code.is_some() && matches!(self.operation, PUT_BLOB | STREAM)
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} at {}: status {}", self.operation, self.url, self.status)?;
        if let Some(code) = &self.code {
            write!(f, " {code}")?;
        }
        if !self.text.is_empty() {
            write!(f, ": {}", self.text)?;
        }
        match self.advice {
            Some(advice) => write!(f, " ({advice})"),
            None => Ok(()),
        }
    }
}

impl Error {
    /// True when the same request may succeed later.
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::Refused(refusal) => !matches!(refusal.class, Class::Permanent | Class::Token),
            Self::Unreachable { .. } | Self::Malformed { .. } => true,
            Self::Credentials { retriable, .. } => *retriable,
            Self::Untrusted { .. }
            | Self::MessageTooLarge { .. }
            | Self::TargetNotFound { .. }
            | Self::TargetUnfit { .. }
            | Self::Targets(_)
            | Self::Exhausted { .. }
            | Self::Setup(_) => false,
        }
    }

    /// True when the service definitely refused the records themselves, and would take others. Never for what concerns the
    /// sign-in, the accounts, the settings or the network: they would cost all that comes behind too.
    pub fn is_of_batch(&self) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.speaks_of_size() || refusal.speaks_of_content())
    }

    /// True when the service read what was sent and could not use it: without some of the records it might.
    pub fn is_of_content(&self) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.speaks_of_content())
    }

    /// It in one line: without addresses, of which only hosts are named, and with what mends it.
    pub fn brief(&self) -> Brief {
        match self {
            Self::Refused(refusal) => refusal.brief(),
            Self::Unreachable { operation, url, text, setting } => {
                let host = url.host();
                if words::is_about_trust(text) {
                    return Brief::new(format!("{operation}: certificate verify failed: {host}"))
                        .mended_by("trust its authority: SSL_CERT_FILE, or the system's store");
                }
                let brief = Brief::new(format!("{operation}: no answer from {host}")).saying(text);
                brief.mended_by(match *operation {
                    PUT_BLOB | PUT_MESSAGE => {
                        "open that host in firewall and proxy; kusto-connect doctor tries them all".to_owned()
                    }
                    _ => format!("check {setting} and the network"),
                })
            }
            Self::Malformed { operation, url, text, setting } => {
                Brief::new(format!("{operation}: the answer of {} is not understood: {text}", url.host()))
                    .mended_by(format!("check {setting}"))
            }
            Self::Credentials { url, text, setting, .. } => {
                // What the libraries say before the login server's code is said by the rest of the line.
                let words = text.find("AADSTS").and_then(|at| text.get(at..)).unwrap_or(text);
                Brief::new(format!("no token for {}: {words}", url.host()))
                    .mended_by(format!("check {setting}"))
            }
            Self::Untrusted { url, text, setting } => {
                Brief::new(format!("no token is sent to {}: {text}", url.host()))
                    .mended_by(format!("check {setting}"))
            }
            Self::TargetNotFound { what, code, create, .. } => {
                let code = code.as_ref().map(|code| format!(" ({code})")).unwrap_or_default();
                Brief::new(format!("{what} was not found{code}"))
                    .mended_by(format!("correct kusto.tables.topics.mapping or create it: {create}"))
            }
            Self::TargetUnfit { what, repair, .. } => Brief::new(what).mended_by(repair),
            Self::Targets(errors) => errors.first().map_or_else(Brief::default, |first| {
                first.brief().led_by(format!("{} problems with tables, the first", errors.len()))
            }),
            Self::Exhausted { tries, last, .. } => {
                last.brief().after(&format!("gave up after {tries} tries"))
            }
            Self::MessageTooLarge { .. } | Self::Setup(_) => Brief::of(&self.to_string()),
        }
    }

    /// How a refusal is to be treated; none for all other errors.
    pub fn class(&self) -> Option<Class> {
        match self {
            Self::Refused(refusal) => Some(refusal.class),
            _ => None,
        }
    }

    /// The pause the service asked for.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused(refusal) => refusal.retry_after,
            _ => None,
        }
    }
}

/// The words of an error and of all its causes, without what must not be printed: the HTTP client's own errors name
/// the URL with its query, so of those only the causes are taken.
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(cause) = next {
        let text = match cause.downcast_ref::<reqwest::Error>() {
            Some(http) => http_words(http).to_owned(),
            None => redacted(&cause.to_string()),
        };
        if !text.is_empty() && !parts.iter().any(|known| known.contains(&text)) {
            parts.push(text);
        }
        next = cause.source();
    }
    parts.join(": ")
}

fn http_words(error: &reqwest::Error) -> &'static str {
    if error.is_timeout() {
        "timed out"
    } else if error.is_connect() {
        "cannot connect"
    } else if error.is_decode() || error.is_body() {
        "the body broke off"
    } else {
        "the request failed"
    }
}
