//! What can go wrong with a store.

/// What can go wrong with a store.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A write that did not end well within its budget; `what` is Connect's own text.
    #[error("{what}")]
    Write {
        /// Connect's text for this kind of write.
        what: &'static str,
        /// Why, for the log.
        #[source]
        cause: Box<Error>,
    },
    /// No end within the time allowed.
    #[error("no answer within {seconds} s")]
    Timeout {
        /// The time allowed.
        seconds: u64,
    },
    /// The topic's reader has ended, so nothing written can be read back.
    #[error("the reader of a storage topic has ended")]
    ReaderEnded,
    /// A key for the cluster cannot be made.
    #[error("no key for the cluster can be made: {0}")]
    Key(String),
    /// Kafka said no.
    #[error(transparent)]
    Kafka(#[from] crate::kafka::Error),
}

impl Error {
    /// True when the same call may succeed later without a change of settings.
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::Write { cause, .. } => cause.is_retriable(),
            Self::Timeout { .. } => true,
            Self::ReaderEnded | Self::Key(_) => false,
            Self::Kafka(error) => error.is_retriable(),
        }
    }
}
