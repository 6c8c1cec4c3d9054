//! Secrets: texts that cannot be printed (`text`), and how they are taken out of texts that leave (`hidden`).
//!
//! Nothing here knows where secrets come from, and nothing here prints one.

mod hidden;
mod text;

pub use hidden::{Hidden, SHOWN, foreign};
pub use text::Secret;
