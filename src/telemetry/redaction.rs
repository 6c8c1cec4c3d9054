//! The last look at each log line: whatever library wrote it, no known secret leaves in it.
//!
//! [`Redaction`] owns what is hidden as long as somebody needs it to be; the worker tells it of each connector it runs. A
//! line is looked through once for the secrets of all, and is not copied when it holds none.

use std::borrow::Cow;
use std::io::{self, Write};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use tracing_subscriber::fmt::MakeWriter;

use crate::secret::Hidden;

/// A set of more values is looked for alone, so that whoever has many does not make the others' anew with each change.
const MANY: usize = 1_000;

/// What log lines must not hold.
#[derive(Clone, Default)]
pub struct Redaction(Arc<RwLock<Held>>);

#[derive(Default)]
struct Held {
    sets: Vec<Entry>,
    /// What lines are looked through for; made for the first line after a change.
    together: OnceLock<Vec<Hidden>>,
}

/// Secrets, and how many need them hidden.
struct Entry {
    hidden: Arc<Hidden>,
    holders: usize,
}

/// Keeps secrets out of log lines until it is dropped.
#[must_use]
pub struct Hiding {
    redaction: Redaction,
    hidden: Arc<Hidden>,
}

impl Redaction {
    /// Hides these from now on.
    pub fn hide(&self, hidden: Hidden) -> Hiding {
        let mut hidden = Arc::new(hidden);
        if !hidden.is_empty() {
            let mut held = self.0.write().unwrap_or_else(PoisonError::into_inner);
            if let Some(entry) = held.sets.iter_mut().find(|entry| entry.hidden == hidden) {
                entry.holders += 1;
                hidden = Arc::clone(&entry.hidden);
            } else {
                held.sets.push(Entry { hidden: Arc::clone(&hidden), holders: 1 });
                held.together.take();
            }
        }
        Hiding { redaction: self.clone(), hidden }
    }

    /// `line` as it may leave; none when it may as it is.
    fn line(&self, line: &[u8]) -> Option<String> {
        let held = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if held.sets.is_empty() {
            return None;
        }
        let mut text = String::from_utf8_lossy(line);
        for hidden in held.together.get_or_init(|| together(&held.sets)) {
            let changed = match hidden.redact(&text) {
                Cow::Borrowed(_) => None,
                Cow::Owned(changed) => Some(changed),
            };
            text = changed.map_or(text, Cow::Owned);
        }
        match text {
            Cow::Borrowed(_) => None,
            Cow::Owned(text) => Some(text),
        }
    }
}

fn together(sets: &[Entry]) -> Vec<Hidden> {
    let (large, small): (Vec<_>, Vec<_>) =
        sets.iter().map(|entry| entry.hidden.as_ref()).partition(|hidden| hidden.len() > MANY);
    large.into_iter().cloned().chain([Hidden::of_all(small)]).collect()
}

impl Drop for Hiding {
    fn drop(&mut self) {
        let mut held = self.redaction.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = held.sets.iter().position(|entry| Arc::ptr_eq(&entry.hidden, &self.hidden)) {
            held.sets[place].holders -= 1;
            if held.sets[place].holders == 0 {
                held.sets.swap_remove(place);
                held.together.take();
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
    use super::{MANY, Redacting, Redaction};
    use crate::secret::Hidden;
    use proptest::prelude::*;
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

    proptest! {
        #[test]
        fn no_line_holds_what_anybody_hides(
            values in prop::collection::vec("[a-c]{4,6}", 1..8),
            gone in 0_usize..8,
            line in "[a-d ]{0,60}",
        ) {
            let redaction = Redaction::default();
            let mut holders: Vec<_> = values.iter().map(|value| redaction.hide(hidden(value))).collect();
            // Lines between the changes, of which each must count.
            let mut seen = redaction.line(line.as_bytes());
            for round in 0..2 {
                let held = &values[..holders.len()];
                let shown = seen.as_deref().unwrap_or(&line);
                prop_assert!(held.iter().all(|value| !shown.contains(value.as_str())), "{round}: {shown}");
                prop_assert_eq!(seen.is_none(), held.iter().all(|value| !line.contains(value.as_str())));
                holders.truncate(gone);
                seen = redaction.line(line.as_bytes());
            }
        }
    }

    #[test]
    fn who_hides_very_much_is_looked_for_alone() {
        let redaction = Redaction::default();
        let many: Vec<String> = (0..2 * MANY).map(|number| format!("value{number}")).collect();
        let _all = (redaction.hide(hidden(&many.join(","))), redaction.hide(hidden("canary")));
        assert_eq!(redaction.line(b"value1999 canary ").unwrap(), "[hidden] [hidden] ");
        assert_eq!(redaction.0.read().unwrap().together.get().unwrap().len(), 2);
        assert_eq!(redaction.line(b"nothing"), None);
    }
}
