//! The last look at each log line: whatever library wrote it, no known secret leaves in it.
//!
//! [`Redaction`] owns what is hidden as long as somebody needs it to be; the worker tells it of each connector it runs. A
//! line is looked through for each distinct set of secrets, in time in proportion to the line.

use std::io::{self, Write};
use std::sync::{Arc, PoisonError, RwLock};

use tracing_subscriber::fmt::MakeWriter;

use crate::secret::Hidden;

/// What log lines must not hold.
#[derive(Clone, Default)]
pub struct Redaction(Arc<RwLock<Vec<Entry>>>);

/// Secrets, and how many need them hidden.
struct Entry {
    hidden: Hidden,
    holders: usize,
}

/// Keeps secrets out of log lines until it is dropped.
#[must_use]
pub struct Hiding {
    redaction: Redaction,
    hidden: Hidden,
}

impl Redaction {
    /// Hides these from now on.
    pub fn hide(&self, hidden: Hidden) -> Hiding {
        if !hidden.is_empty() {
            let mut entries = self.0.write().unwrap_or_else(PoisonError::into_inner);
            match entries.iter_mut().find(|entry| entry.hidden == hidden) {
                Some(entry) => entry.holders += 1,
                None => entries.push(Entry { hidden: hidden.clone(), holders: 1 }),
            }
        }
        Hiding { redaction: self.clone(), hidden }
    }

    /// `line` as it may leave.
    fn line(&self, line: &[u8]) -> Option<String> {
        let entries = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if entries.is_empty() {
            return None;
        }
        let text = String::from_utf8_lossy(line).into_owned();
        Some(entries.iter().fold(text, |text, entry| entry.hidden.redact(&text)))
    }
}

impl Drop for Hiding {
    fn drop(&mut self) {
        let mut entries = self.redaction.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = entries.iter().position(|entry| entry.hidden == self.hidden) {
            entries[place].holders -= 1;
            if entries[place].holders == 0 {
                entries.swap_remove(place);
            }
        }
    }
}

/// Writes lines to `W` without what is hidden.
pub(super) struct Redacting<W> {
    pub(super) redaction: Redaction,
    pub(super) writer: W,
}

impl<'a, W: MakeWriter<'a>> MakeWriter<'a> for Redacting<W> {
    type Writer = RedactingLine<W::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        RedactingLine { redaction: self.redaction.clone(), writer: self.writer.make_writer() }
    }
}

/// One line on its way; the subscriber gives it whole.
pub(super) struct RedactingLine<W> {
    redaction: Redaction,
    writer: W,
}

impl<W: Write> Write for RedactingLine<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        match self.redaction.line(line) {
            Some(shown) => self.writer.write_all(shown.as_bytes())?,
            None => self.writer.write_all(line)?,
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::{Redacting, Redaction};
    use crate::secret::Hidden;
    use std::io::Write;
    use std::sync::Mutex;
    use tracing_subscriber::fmt::MakeWriter;

    fn hidden(value: &str) -> Hidden {
        let mut hidden = Hidden::default();
        hidden.extend([(value.to_owned(), "[hidden]".to_owned())]);
        hidden
    }

    #[test]
    fn a_secret_is_hidden_while_anybody_needs_it() {
        let redaction = Redaction::default();
        let lines = Redacting { redaction: redaction.clone(), writer: Mutex::new(Vec::new()) };
        let shown = || {
            lines.make_writer().write_all("key=canary token=other\n".as_bytes()).unwrap();
            String::from_utf8(std::mem::take(&mut *lines.writer.lock().unwrap())).unwrap()
        };
        let one = redaction.hide(hidden("canary"));
        let two = redaction.hide(hidden("canary"));
        let other = redaction.hide(hidden("other"));
        assert_eq!(shown(), "key=[hidden] token=[hidden]\n");
        drop(one);
        assert_eq!(shown(), "key=[hidden] token=[hidden]\n");
        drop((two, other));
        assert_eq!(shown(), "key=canary token=other\n");
    }
}
