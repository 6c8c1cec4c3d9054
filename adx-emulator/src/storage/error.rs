//! How the storage services refuse a request.

/// A refusal of the storage service.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{status} {code}: {message}")]
pub(crate) struct StorageError {
    /// The HTTP status.
    pub status: u16,
    /// The service's error code.
    pub code: String,
    pub message: String,
}

impl StorageError {
    pub(crate) fn new(status: u16, code: &str, message: &str) -> Self {
        Self { status, code: code.to_owned(), message: message.to_owned() }
    }

    /// The data folder failed.
    pub(super) fn internal(error: &dyn std::error::Error) -> Self {
        Self::new(500, "InternalError", &format!("the emulator's data folder failed: {error}"))
    }
}
