//! How the engine is asked about targets, and what it means when it says neither yes nor no.

use super::verdicts::{failed, is_forbidden};
use crate::checkup::Finding;
use crate::kusto::ingest::managed::ManagedIngestClient;
use crate::kusto::ingest::target::{TargetChecker, quoted_name, quoted_text};
use crate::kusto::ingest::{Error, Target};

/// How targets are asked about.
pub(super) fn look(client: &ManagedIngestClient) -> TargetChecker<'_> {
    TargetChecker { engine: &client.engine, principal: client.principal.as_deref(), thorough: true }
}

/// What to say when an answer is no yes and no no.
pub(super) fn unknown(client: &ManagedIngestClient, target: &Target, error: &Error) -> Finding {
    if !is_forbidden(error) {
        return failed(error);
    }
    let principal = client.principal.as_deref().unwrap_or("aadapp=<client id>;<tenant>");
    let database = quoted_name(&target.database);
    Finding::warning(
        "not known: we have no right to look",
        format!(
            "ingestion does not need it; for this check only: .add database {database} viewers ({})",
            quoted_text(principal)
        ),
    )
}
