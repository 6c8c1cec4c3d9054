//! A client's configuration in the making: what became of the settings, what is wrong, what the user may not expect.

use crate::kafka::Error;
use rdkafka::ClientConfig;

/// Something that the user may not expect of a setting that is not wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The key as the user wrote it.
    pub key: String,
    /// The whole sentence; it names the key.
    pub text: String,
    /// What kind of surprise it is.
    pub kind: NoteKind,
}

/// Kinds of notes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoteKind {
    /// No client knows the key.
    Unknown,
    /// A key of Java's clients that does nothing here, and need not.
    WithoutEffect,
    /// Another value is used.
    Adjusted,
}

/// What becomes of layers of settings.
pub(super) struct Assembled {
    pub(super) config: ClientConfig,
    /// All that is wrong; each is an [`Error::Setting`].
    pub(super) errors: Vec<Error>,
    pub(super) notes: Vec<Note>,
}

impl Assembled {
    /// The configuration, when nothing is wrong; notes go to the log.
    pub(super) fn finish(self) -> Result<ClientConfig, Error> {
        for Note { key, text, kind } in &self.notes {
            match kind {
                NoteKind::Unknown => tracing::warn!(key, "{text}"),
                NoteKind::Adjusted => tracing::info!(key, "{text}"),
                NoteKind::WithoutEffect => tracing::debug!(key, "{text}"),
            }
        }
        match self.errors.len() {
            0 => Ok(self.config),
            _ => Err(Error::of_settings(self.errors)),
        }
    }

    pub(super) fn reject(mut self, error: Error) -> Self {
        self.errors.push(error);
        self
    }
}

/// The one setting that decides which of the others count.
pub(super) const PROTOCOL: &str = "security.protocol";

/// A setting that is wrong, and why.
pub(super) fn setting(key: &str, reason: &str) -> Error {
    Error::Setting { key: key.to_owned(), reason: reason.to_owned() }
}
