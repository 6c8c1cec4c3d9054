//! What the program says where no log is set up. That nobody hears it changes nothing.

use std::fmt::Display;
use std::io::Write;

/// For people, on the error output.
pub fn say(text: &dyn Display) {
    drop(writeln!(std::io::stderr(), "kusto-connect: {text}"));
}

/// An answer, on the output.
pub(super) fn answer(text: &str) {
    drop(std::io::stdout().write_all(text.as_bytes()));
}
