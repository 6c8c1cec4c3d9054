//! The one check that writes: a row of nulls, handed over as a batch is.

use super::storage::RESOURCES;
use super::targets::table_name;
use super::verdicts::failed;
use crate::batch::Batch;
use crate::checkup::{Finding, Inspection};
use crate::kusto::config::DataFormat;
use crate::kusto::ingest::managed::ManagedIngestClient;
use crate::kusto::ingest::{Error, IngestClient as _, IngestRequest};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use uuid::Uuid;

/// How long it may be tried.
const LIMIT: Duration = Duration::from_secs(45);

/// JSON fits every table, and without a member all columns are null.
const ROW: &[u8] = b"{}";

/// Hands one row over to the table.
pub(super) fn check(client: &Arc<ManagedIngestClient>, database: &str, table: &str) -> Inspection {
    let name = format!("one row into {database}.{table}");
    let needs = [RESOURCES.to_owned(), table_name(database, table)];
    let (client, database, table) = (Arc::clone(client), Arc::<str>::from(database), Arc::<str>::from(table));
    let work = async move {
        let request = match request(&database, &table) {
            Ok(request) => request,
            Err(error) => return failed(&error),
        };
        let (teller, waits) = watch::channel(None);
        let handed_over = tokio::time::timeout(LIMIT, client.ingest_telling(&request, &teller)).await;
        match handed_over {
            Ok(Ok(_)) => Finding::good(format!(
                "handed over, a row of nulls; what became of it: .show ingestion failures | where IngestionSourcePath \
                 has '{}'",
                request.id
            )),
            Ok(Err(error)) => failed(&error),
            Err(_) => {
                let cause =
                    waits.borrow().as_ref().map(|waiting: &crate::sink::Waiting| waiting.cause.clone());
                let cause = cause.unwrap_or_else(|| "no answer".to_owned());
                Finding::failed(
                    format!("not taken within {} s: {cause}", LIMIT.as_secs()),
                    "see the checks before it",
                )
            }
        }
    };
    Inspection::new(name, work).after(needs).within(LIMIT + Duration::from_secs(5))
}

fn request(database: &Arc<str>, table: &Arc<str>) -> Result<IngestRequest, Error> {
    let mut batch = Batch::new();
    let sealed = batch.push(0, ROW, b"\n").and_then(|()| batch.seal());
    let sealed = sealed.map_err(|error| Error::Setup(error.to_string()))?;
    let sealed = sealed.ok_or_else(|| Error::Setup("the row is empty".to_owned()))?;
    let (id, format) = (Uuid::new_v4(), DataFormat::MultiJson);
    Ok(IngestRequest {
        database: Arc::clone(database),
        table: Arc::clone(table),
        format,
        mapping: None,
        streaming: false,
        blob_name: format!("{database}__{table}__kusto-connect-doctor__{id}.{}.gz", format.wire()),
        id,
        raw_size: sealed.raw_bytes,
        body: sealed.body,
    })
}
