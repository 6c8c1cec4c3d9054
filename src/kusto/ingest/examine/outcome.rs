//! May we see what failed? Without that batches are handed over all the same, and nobody learns what becomes of them.

use super::cluster::ENDPOINTS;
use crate::checkup::{Finding, Inspection};
use crate::kusto::ingest::Denial;
use crate::kusto::ingest::managed::ManagedIngestClient;
use std::sync::Arc;

/// Asks for one line of what failed, in `database`.
pub(super) fn check(client: &Arc<ManagedIngestClient>, database: &Arc<str>) -> Inspection {
    let (reader, database) = (client.reader(), Arc::clone(database));
    let name = "what failed (.show ingestion failures)";
    let work = async move {
        let asked = reader.ask("show ingestion failures", &database, ".show ingestion failures | take 1");
        let Err(error) = asked.await else {
            return Finding::good("it may be asked for: batches are followed");
        };
        match Denial::of(&error) {
            Some(Denial::Forbidden(said)) => Finding::warning(
                format!("batches cannot be followed: {said}"),
                format!("give the role Database Monitor: {}", reader.monitor_role(&database)),
            ),
            Some(Denial::Unknown(said)) => Finding::warning(
                format!("batches cannot be followed, the cluster does not know the command: {said}"),
                "set kusto.outcome.enable=false",
            ),
            None => Finding::warning(
                format!("batches cannot be followed: {error}"),
                "ingestion does not need it; see the checks before it",
            ),
        }
    };
    Inspection::new(name, work).after([ENDPOINTS])
}
