//! What the client is told about a source: messages in the success and failure queues, its entity in the status table, the
//! status of its operation.
//!
//! Keeps nothing. A report that cannot be delivered is logged and never holds up the data.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use super::failure::Failure;
use super::message::{IngestionMessage, Properties};
use crate::app::App;
use crate::storage::ResourceKind;
use crate::tracking::{Progress, SourceRef};

/// The ids of the ingest operation, for reports.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OperationIds {
    /// The operation of one source.
    pub operation: Uuid,
    /// The activity of the batch.
    pub activity: Uuid,
}

/// Records the progress of `message`, for clients that ask for the status of its operation.
pub(crate) fn progress(app: &App, message: &IngestionMessage, progress: Progress) {
    let Some(operation) = &message.operation else { return };
    let Properties { database, table, .. } = &message.properties;
    let tracked = SourceRef { operation, database, table, source: &message.id, url: &message.source_path() };
    app.operations.record(&tracked, progress);
}

/// A source as the messages of the report queues name it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reported<'a> {
    pub ids: OperationIds,
    pub database: &'a str,
    pub table: &'a str,
    /// The client's id of it.
    pub source: &'a str,
    /// The blob's URL without its SAS.
    pub path: &'a str,
}

impl Reported<'_> {
    /// The message of the success queue.
    pub(crate) fn succeeded(&self) -> Value {
        json!({
            "OperationId": self.ids.operation.to_string(),
            "Database": self.database,
            "Table": self.table,
            "SucceededOn": now(),
            "IngestionSourceId": self.source,
            "IngestionSourcePath": self.path,
            "RootActivityId": self.ids.activity.to_string(),
        })
    }

    /// The message of the failure queue.
    pub(crate) fn failed(&self, failure: &Failure) -> Value {
        json!({
            "OperationId": self.ids.operation.to_string(),
            "Database": self.database,
            "Table": self.table,
            "FailedOn": now(),
            "IngestionSourceId": self.source,
            "IngestionSourcePath": self.path,
            "Details": failure.details,
            "ErrorCode": failure.code,
            "FailureStatus": failure.status(),
            "RootActivityId": self.ids.activity.to_string(),
            "OriginatesFromUpdatePolicy": failure.of_update_policy(),
            "ShouldRetry": failure.status() != "Permanent",
        })
    }
}

/// Reports that `message` was ingested (`Succeeded`) or skipped (`Skipped`).
pub(crate) async fn success(app: &App, message: &IngestionMessage, ids: OperationIds, status: &str) {
    progress(app, message, Progress::Succeeded);
    let reporting = message.reporting;
    if reporting.successes && reporting.to_queue {
        let body = reported(message, ids, &message.source_path()).succeeded();
        post(app, ResourceKind::SuccessQueue, ids, &body).await;
    }
    update(app, message, ids, json!({"Status": status})).await;
}

/// Reports that `message` will never be ingested.
pub(crate) async fn failure(app: &App, message: &IngestionMessage, ids: OperationIds, failure: &Failure) {
    let reporting = message.reporting;
    let status = failure.status();
    let (code, details) = (failure.code.clone(), failure.details.clone());
    progress(app, message, Progress::Failed { code, failure: status, details });
    if reporting.failures && reporting.to_queue {
        let body = reported(message, ids, &message.source_path()).failed(failure);
        post(app, ResourceKind::FailureQueue, ids, &body).await;
    }
    let entity = json!({"Status": "Failed", "ErrorCode": failure.code, "FailureStatus": status,
        "Details": failure.details, "OriginatesFromUpdatePolicy": failure.of_update_policy()});
    update(app, message, ids, entity).await;
}

fn reported<'a>(message: &'a IngestionMessage, ids: OperationIds, path: &'a str) -> Reported<'a> {
    let Properties { database, table, .. } = &message.properties;
    Reported { ids, database, table, source: &message.id, path }
}

/// The properties as `.show ingestion failures` shows them.
pub(crate) fn properties_text(properties: &Properties) -> String {
    json!({
        "format": properties.format,
        "ingestionMappingReference": properties.mapping_reference,
        "ingestionMapping": properties.mapping,
        "ignoreFirstRecord": properties.ignore_first_record,
        "tags": properties.tags,
        "ingestIfNotExists": properties.if_not_exists,
    })
    .to_string()
}

/// Into any of the queues of this kind: a reader has to look at all.
async fn post(app: &App, queue: ResourceKind, ids: OperationIds, body: &Value) {
    let number = usize::from(ids.operation.as_bytes()[0]);
    if let Err(error) = app.backend.post(queue, number, encoded(body)).await {
        tracing::warn!(%error, ?queue, "a report cannot be posted");
    }
}

/// A report as a queue's message carries it.
pub(crate) fn encoded(body: &Value) -> String {
    STANDARD.encode(body.to_string())
}

async fn update(app: &App, message: &IngestionMessage, ids: OperationIds, entity: Value) {
    let (Some(status), Value::Object(mut entity)) = (&message.status, entity) else { return };
    let more = [
        ("IngestionSourceId", message.id.clone()),
        ("IngestionSourcePath", message.source_path()),
        ("Database", message.properties.database.clone()),
        ("Table", message.properties.table.clone()),
        ("OperationId", ids.operation.to_string()),
        ("ActivityId", ids.activity.to_string()),
        ("UpdatedOn", now()),
    ];
    entity.extend(
        more.map(|(name, value)| (name.to_owned(), Value::from(value))).into_iter().collect::<Map<_, _>>(),
    );
    if let Err(error) = app.backend.update_status(status, entity, &app.client).await {
        tracing::warn!(%error, "the status table cannot be updated");
    }
}

fn now() -> String {
    OffsetDateTime::now_utc().format(&Rfc3339).unwrap_or_default()
}
