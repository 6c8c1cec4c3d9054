//! What is wrong with data, in the words of Connect and under the names of its exceptions.

/// The class of most errors of data, as Connect names it.
pub const DATA_EXCEPTION: &str = "org.apache.kafka.connect.errors.DataException";

/// Data that is not what its schema, or an operation on it, wants; in Connect's own words, and under the name of
/// Connect's own exception, because a dead letter says both.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    class: &'static str,
    message: String,
    source: Option<Box<Error>>,
}

impl Error {
    /// A `DataException` in these words.
    pub fn new(message: impl Into<String>) -> Self {
        Self::of_class(DATA_EXCEPTION, message)
    }

    /// An error of another Java class, by its full name.
    pub fn of_class(class: &'static str, message: impl Into<String>) -> Self {
        Self { class, message: message.into(), source: None }
    }

    /// The same with its cause.
    pub fn because(self, source: Self) -> Self {
        Self { source: Some(Box::new(source)), ..self }
    }

    /// Its cause.
    pub fn cause(&self) -> Option<&Self> {
        self.source.as_deref()
    }

    /// The full name of the Java exception.
    pub fn class(&self) -> &'static str {
        self.class
    }
}
