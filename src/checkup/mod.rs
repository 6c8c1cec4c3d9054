//! Checks before a start: what a check is, running many in order, and the checks of a network's lower layers.
//!
//! The rooms above make checks of what they know, and somebody runs them all. A check owns what it needs, asks, and changes
//! nothing. Nothing here knows Kafka, a sink, or how findings are shown.

mod check;
mod network;
mod proxy;
mod run;
mod tls;

pub use check::{Finding, Inspection, InspectionResult};
pub use network::{Place, connect, dns, tcp};
pub use proxy::Proxy;
pub use run::{InspectionState, Outcome, Outcomes, run};
pub use tls::{Trust, tls};
