//! Why a source was not ingested.

use adx_engine::IngestFailure;

use crate::backend::DownloadError;

/// Why a source was not ingested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// Kusto's ingestion error code.
    pub code: String,
    pub details: String,
    /// False when a later try may succeed.
    pub permanent: bool,
}

impl Failure {
    /// `FailureStatus` of reports: `Exhausted` when it might have passed and the tries came to their end.
    pub(crate) fn status(&self) -> &'static str {
        if self.code == "General_RetryAttemptsExceeded" { "Exhausted" } else { "Permanent" }
    }

    /// True when an update policy failed, not the source.
    pub(crate) fn of_update_policy(&self) -> bool {
        self.code.starts_with("UpdatePolicy_")
    }

    /// A failure that repeats with every try.
    pub(crate) fn permanent(code: &str, details: impl Into<String>) -> Self {
        Self { code: code.to_owned(), details: details.into(), permanent: true }
    }
}

impl From<DownloadError> for Failure {
    fn from(error: DownloadError) -> Self {
        Self { code: error.code.to_owned(), details: error.details, permanent: error.permanent }
    }
}

impl From<IngestFailure> for Failure {
    fn from(failure: IngestFailure) -> Self {
        Self { code: failure.code.to_owned(), details: failure.details, permanent: failure.permanent }
    }
}
