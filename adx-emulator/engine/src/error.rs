//! The engine's errors: a request that Kusto refuses, a blob that cannot be ingested, a store that cannot be opened.
//!
//! Codes and shapes are Kusto's own (`error.code`, `@type`, `@permanent`; `Stream_…`, `BadRequest_…`), so that clients
//! classify them as they would the real ones. Nothing here knows HTTP beyond the status number.

use std::path::PathBuf;

use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

/// The engine's own storage failed; not a client's fault.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The data directory cannot be used.
    #[error(
        "the emulator's data directory {path} cannot be used: {source}; set --data to a writable directory"
    )]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// SQLite refused.
    #[error("the emulator's store failed: {0}")]
    Store(#[from] rusqlite::Error),
}

/// A refusal of a command or query, as Kusto reports it (HTTP status and error body).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct KustoError {
    /// HTTP status: 400 for a request that can never succeed, 500 for our own failure.
    pub status: u16,
    /// `error.code`, as `General_BadRequest`.
    pub code: &'static str,
    /// `error.message`: the short text.
    pub summary: &'static str,
    /// `error.@type`: the .NET exception's name.
    pub kusto_type: &'static str,
    /// `error.@message`: the long text, naming the part at fault.
    pub message: String,
    /// `error.@permanent`.
    pub permanent: bool,
}

impl KustoError {
    fn bad_request(code: &'static str, kusto_type: &'static str, message: String) -> Self {
        let summary = "Request is invalid and cannot be executed.";
        Self { status: 400, code, summary, kusto_type, message, permanent: true }
    }

    /// The text is not a query or command of Kusto's language (or none that the emulator knows).
    pub(crate) fn syntax(message: impl std::fmt::Display) -> Self {
        let message = format!("Syntax error: {message}");
        Self::bad_request("BadRequest_SyntaxError", "Kusto.Data.Exceptions.SyntaxException", message)
    }

    /// The text is well formed, but names or types do not fit.
    pub(crate) fn semantic(message: impl std::fmt::Display) -> Self {
        let message = format!("Semantic error: {message}");
        Self::bad_request("General_BadRequest", "Kusto.Data.Exceptions.SemanticException", message)
    }

    /// Valid Kusto that this emulator does not have.
    pub(crate) fn unsupported(what: impl std::fmt::Display) -> Self {
        let message = format!("{what} is not supported by this emulator");
        Self::bad_request("General_BadRequest", "Kusto.Data.Exceptions.KustoBadRequestException", message)
    }

    /// A well-formed command with a value that Kusto refuses.
    pub fn invalid(code: &'static str, message: impl std::fmt::Display) -> Self {
        Self::bad_request(code, "Kusto.Data.Exceptions.KustoBadRequestException", message.to_string())
    }

    /// A database, table or mapping that does not exist. `kind` as Kusto writes it: `Database`, `Table`…
    pub fn not_found(code: &'static str, kind: &str, name: &str) -> Self {
        let message = format!("Entity ID '{name}' of kind '{kind}' was not found.");
        Self::bad_request(code, "Kusto.Data.Exceptions.EntityNotFoundException", message)
    }

    /// Something that exists already.
    pub(crate) fn exists(kind: &str, name: &str) -> Self {
        let message = format!("Entity '{name}' of kind '{kind}' already exists.");
        Self::bad_request(
            "BadRequest_EntityAlreadyExists",
            "Kusto.Data.Exceptions.EntityAlreadyExistsException",
            message,
        )
    }

    /// The error body of the protocol (`kusto-protocol.md` §2.4).
    pub fn body(&self, client_request_id: &str, activity_id: Uuid) -> Value {
        json!({"error": {
            "code": self.code,
            "message": self.summary,
            "@type": self.kusto_type,
            "@message": self.message,
            "@context": {
                "timestamp": crate::datetime::format(crate::datetime::from_offset(OffsetDateTime::now_utc())),
                "serviceAlias": "ADX-EMULATOR",
                "clientRequestId": client_request_id,
                "activityId": activity_id.to_string(),
            },
            "@permanent": self.permanent,
        }})
    }
}

impl From<rusqlite::Error> for KustoError {
    fn from(error: rusqlite::Error) -> Self {
        Self {
            status: 500,
            code: "Internal service error",
            summary: "Request aborted due to an internal service error.",
            kusto_type: "Kusto.Data.Exceptions.KustoServiceException",
            message: format!("the emulator's store failed: {error}"),
            permanent: false,
        }
    }
}

/// Why one blob was not ingested. Nothing of it is in the table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {details}")]
pub struct IngestFailure {
    /// Kusto's ingestion error code, as `Stream_WrongNumberOfFields`.
    pub code: &'static str,
    /// What is wrong and where.
    pub details: String,
    /// False when a later try of the same blob may succeed.
    pub permanent: bool,
}

impl IngestFailure {
    /// A failure that repeats with every try.
    pub(crate) fn permanent(code: &'static str, details: impl Into<String>) -> Self {
        Self { code, details: details.into(), permanent: true }
    }
}

impl From<rusqlite::Error> for IngestFailure {
    fn from(error: rusqlite::Error) -> Self {
        let details = format!("the emulator's store failed: {error}");
        Self { code: "General_InternalServerError", details, permanent: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_has_the_fields_that_clients_read() {
        let body = KustoError::semantic("no such column").body("KPC.execute;1", Uuid::nil());
        let error = &body["error"];
        assert_eq!(error["code"], "General_BadRequest");
        assert_eq!(error["@permanent"], true);
        assert_eq!(error["@message"], "Semantic error: no such column");
        assert_eq!(error["@context"]["clientRequestId"], "KPC.execute;1");
    }
}
