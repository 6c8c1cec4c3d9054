//! What can go wrong with a batch.

/// The encoder failed: a defect, never the data's fault.
#[derive(Debug, thiserror::Error)]
#[error("gzip: {0}")]
pub struct Error(pub(super) String);
