//! One event, one line: what a record, a topic, a header or a stranger's answer brings into a log line ends no line and moves no
//! cursor.
//!
//! Everything that is logged passes here last, whoever wrote it, so that no place of the code has to remember. What is taken
//! out is written as Rust writes it in a string (`\n`, `\u{1b}`). It keeps nothing and buffers nothing.

use std::io::{self, Write};

use tracing_subscriber::fmt::MakeWriter;

/// What a line is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// People, or a file.
    Plain,
    /// A terminal: the escape sequences that our own lines have pass, whoever wrote them.
    Coloured,
    /// Machines.
    Json,
}

/// Standard output, each event on a line of its own.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lines<M> {
    pub(super) out: M,
    pub(super) style: Style,
}

/// Writes one event.
pub(super) struct Line<W> {
    out: W,
    style: Style,
}

impl<'a, M: MakeWriter<'a>> MakeWriter<'a> for Lines<M> {
    type Writer = Line<M::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        Line { out: self.out.make_writer(), style: self.style }
    }
}

impl<W: Write> Write for Line<W> {
    /// An event comes as a whole, with the line feed that ends it.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let (inner, end) = match event.split_last() {
            Some((b'\n', inner)) => (inner, &b"\n"[..]),
            _ => (event, &b""[..]),
        };
        if is_plain(inner) {
            self.out.write_all(event)?;
        } else {
            let mut line = escaped(&String::from_utf8_lossy(inner), self.style).into_bytes();
            line.extend_from_slice(end);
            self.out.write_all(&line)?;
        }
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// The way of nearly all lines.
fn is_plain(event: &[u8]) -> bool {
    event.iter().all(|byte| matches!(byte, 0x20..=0x7e))
}

fn escaped(text: &str, style: Style) -> String {
    let mut line = String::with_capacity(text.len() + 16);
    for (at, c) in text.char_indices() {
        match style {
            _ if !is_control(c) => line.push(c),
            Style::Coloured if OUR_COLOURS.iter().any(|ours| text[at..].starts_with(ours)) => line.push(c),
            // None of them is beyond four digits.
            Style::Json => line.extend(format!("\\u{:04x}", u32::from(c)).chars()),
            _ => line.extend(c.escape_default()),
        }
    }
    line
}

/// The escape sequences of our own lines: dim, slanted, the colours of levels, and none of them.
const OUR_COLOURS: [&str; 9] = [
    "\u{1b}[0m",
    "\u{1b}[1m",
    "\u{1b}[2m",
    "\u{1b}[3m",
    "\u{1b}[31m",
    "\u{1b}[32m",
    "\u{1b}[33m",
    "\u{1b}[34m",
    "\u{1b}[35m",
];

/// Ends a line, moves a cursor, or turns the direction in which the rest is read.
fn is_control(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::{Lines, Style, is_control};
    use proptest::prelude::*;
    use std::io;
    use std::sync::{Arc, Mutex};
    use tracing_subscriber::layer::SubscriberExt as _;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is in the log after events with `text` in the message and in every kind of field.
    fn logged(text: &str, style: Style) -> String {
        let kept = Kept::default();
        let out = kept.clone();
        let lines = Lines { out: move || out.clone(), style };
        let say = || {
            tracing::info!(shown = %text, told = ?text, plain = text, "message {text}");
        };
        if style == Style::Json {
            let layer = tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(lines);
            tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), say);
        } else {
            let layer =
                tracing_subscriber::fmt::layer().with_ansi(style == Style::Coloured).with_writer(lines);
            tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), say);
        }
        let bytes = kept.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_text_from_outside_ends_no_line() {
        let text = "a\nINFO forged: all is well\r\u{1b}[2J\u{9b}31m\u{0}\u{2028}\u{202e}ä";
        let line = logged(text, Style::Plain);
        assert!(line.ends_with('\n') && line.matches('\n').count() == 1, "{line:?}");
        assert!(line.contains("message a\\nINFO forged: all is well\\r") && line.contains('ä'), "{line}");
        assert!(!line.trim_end().contains(is_control), "{line:?}");
        let coloured = logged(text, Style::Coloured);
        assert!(coloured.contains("\u{1b}[") && !coloured.contains("\u{1b}[2J"), "{coloured:?}");
    }

    proptest! {
        #[test]
        fn no_text_breaks_a_line(text in "(?s).{0,60}") {
            for style in [Style::Plain, Style::Coloured, Style::Json] {
                let line = logged(&text, style);
                let line = line.strip_suffix('\n').unwrap();
                prop_assert!(!line.contains(|c| is_control(c) && c != '\u{1b}'), "{line:?}");
                if style == Style::Json {
                    let value: serde_json::Value = serde_json::from_str(line).unwrap();
                    prop_assert_eq!(value["plain"].as_str(), Some(text.as_str()));
                }
            }
        }
    }
}
