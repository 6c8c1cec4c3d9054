//! What became of batches after the service took them: "queued" is not "in the table".
//!
//! [`Ledger`] keeps what was handed over until its fate is known; [`failures`] reads what the service tells in
//! `.show ingestion failures`, [`queue`] what it tells in its failure queue (`kusto-protocol.md` §3.9); [`matching`] finds ours among
//! them, `codes` says what a failure is about. [`name`] is how a blob is called, so that it can be found again. All of it is pure: who looks, and how often, is
//! decided elsewhere (`docs/design/outcome.md`). Nothing here changes an offset.

mod codes;
pub mod failures;
mod ledger;
pub mod matching;
pub mod name;
pub mod queue;

pub use ledger::{BatchRoute, HandedOver, LEDGER_ROOM, Ledger};
