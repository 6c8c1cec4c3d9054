//! How long the bench waits for its parts.

use std::time::Duration;

/// Between two looks at the emulator's counts or a port.
pub(super) const LOOK: Duration = Duration::from_millis(10);

/// How long parts may take to start, and a run may go without progress.
pub(super) const PATIENCE: Duration = Duration::from_mins(1);

/// How long a part may take to end.
pub(super) const GRACE: Duration = Duration::from_secs(30);
