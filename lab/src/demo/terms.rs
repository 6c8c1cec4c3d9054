//! What the demo goes by: its table, and how long its parts may take.

use std::time::Duration;

/// The table of the lab.
pub(super) const TABLE: &str = "Storms";

/// How long parts may take to start, to deliver what is produced and to end.
pub(super) const PATIENCE: Patience = Patience {
    start: Duration::from_mins(1),
    deliver: Duration::from_secs(90),
    end: Duration::from_secs(30),
};

/// For each stage of the demo.
pub(super) struct Patience {
    pub(super) start: Duration,
    /// Counted from the last record produced or the last row that came: the lab's own delays are 10 s in the connector and 15 s in ADX.
    pub(super) deliver: Duration,
    pub(super) end: Duration,
}
