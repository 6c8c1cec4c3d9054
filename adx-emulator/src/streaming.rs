//! Streaming ingestion: `POST /v1/rest/ingest/{database}/{table}`.
//!
//! Asks the engine for the policy and hands it the rows; keeps nothing.

use std::sync::Arc;

use axum::response::Response;
use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;

use adx_engine::{Answer, Engine, IngestFailure, IngestSource, KustoError, KustoType, Table};

use crate::app::App;
use crate::gzip::{is_gzip, unzip};
use crate::http_request::{self, HttpRequest};
use crate::kusto_http::{Reply, unauthorized, uncompressed};
use crate::operation::Operation;
use crate::storage::blobs::Content;

/// The largest body: what the SDKs never exceed.
const BODY_LIMIT: usize = 10 * 1024 * 1024;
/// The most data in one request, uncompressed (`kusto-protocol.md` §5.2).
const DATA_LIMIT: usize = 4 * 1024 * 1024;

/// Answers one streaming request.
pub(crate) async fn ingest(
    app: Arc<App>,
    database: String,
    table: String,
    mut request: HttpRequest,
) -> Response {
    let reply = Reply::of(&request);
    if !app.auth.admits(request.header("authorization")) {
        http_request::drain(std::mem::take(&mut request.body)).await;
        return reply.error(&unauthorized());
    }
    let body = uncompressed(&mut request, BODY_LIMIT).await;
    let from_blob = request.query("sourceKind") == Some("uri");
    let format = request.query("streamFormat").unwrap_or("csv").to_ascii_lowercase();
    let mapping = request.query("mappingName").map(str::to_owned);
    let target = TargetTable { database, table, format, mapping };
    let inner = Arc::clone(&app);
    app.guard(Operation::StreamingIngest, request, |_, _| async move {
        let result = async {
            let data = body?;
            let data: Vec<u8> = if from_blob { fetch(&inner, &data).await? } else { data.into() };
            if data.len() > DATA_LIMIT {
                return Err(too_large(data.len()));
            }
            run(&inner, target, data).await
        };
        match result.await {
            Ok(answer) => reply.success(&answer.to_v1()),
            Err(error) => reply.error(&error),
        }
    })
    .await
}

/// What the URL says.
struct TargetTable {
    database: String,
    table: String,
    format: String,
    mapping: Option<String>,
}

async fn run(app: &App, target: TargetTable, data: Vec<u8>) -> Result<Answer, KustoError> {
    let TargetTable { database, table, format, mapping } = target;
    let bytes = data.len() as u64;
    let work = move |engine: &Engine| {
        if !engine.takes_streaming(&database, &table)? {
            return Err(KustoError::invalid(
                "BadRequest_StreamingIngestionPolicyNotEnabled",
                format!(
                    "Streaming ingestion policy is not enabled for table '{table}' or database '{database}'."
                ),
            ));
        }
        let source = IngestSource {
            database: &database,
            table: &table,
            format: &format,
            mapping_reference: mapping.as_deref(),
            mapping_inline: None,
            mapping_kind: None,
            ignore_first_record: false,
            data: &data,
            source_path: "streaming ingestion",
            operation_id: Uuid::new_v4(),
            activity_id: Uuid::new_v4(),
            streamed: true,
            tags: &[],
            ingest_if_not_exists: &[],
        };
        engine.ingest(&source).map_err(refused)
    };
    let done = app.with_engine(work).await??;
    app.stats.ingested(done.rows, bytes);
    let columns = [
        ("ConsumedRecordsCount", KustoType::Long),
        ("UpdatePolicyStatus", KustoType::String),
        ("UpdatePolicyFailureCode", KustoType::String),
        ("UpdatePolicyFailureReason", KustoType::String),
    ];
    let row = vec![json!(done.rows), json!("Inactive"), json!("Unknown"), Value::Null];
    Ok(Answer::table(Table::new(&columns, vec![row])))
}

fn too_large(bytes: usize) -> KustoError {
    KustoError {
        status: 413,
        code: "Request is too large",
        summary: "Request payload is too large.",
        kusto_type: "Kusto.DataNode.Exceptions.KustoRequestPayloadTooLargeException",
        message: format!(
            "{bytes} bytes of data are more than the maximum allowed size of {DATA_LIMIT} bytes."
        ),
        permanent: true,
    }
}

fn refused(failure: IngestFailure) -> KustoError {
    let permanent = failure.permanent;
    KustoError {
        status: if permanent { 400 } else { 503 },
        code: failure.code,
        summary: "Streaming ingestion failed.",
        kusto_type: if permanent {
            "Kusto.DataNode.Exceptions.StreamingIngestionRequestException"
        } else {
            "Kusto.DataNode.Exceptions.StreamingIngestionServiceException"
        },
        message: failure.details,
        permanent,
    }
}

/// The content of the blob that `{"sourceUri": …}` names.
async fn fetch(app: &App, body: &[u8]) -> Result<Vec<u8>, KustoError> {
    let bad = |text: String| KustoError::invalid("BadRequest_InvalidBlobUri", text);
    let request: Value = serde_json::from_slice(body).map_err(|error| bad(format!("the body: {error}")))?;
    let uri = ["sourceUri", "SourceUri"].iter().find_map(|name| request.get(name)?.as_str());
    let uri = uri.ok_or_else(|| bad("the body has no sourceUri".to_owned()))?;
    let url = Url::parse(uri).map_err(|error| bad(format!("sourceUri: {error}")))?;
    let content = app
        .backend
        .download(&url, &app.client)
        .await
        .map_err(|error| KustoError::invalid(error.code, error.details))?;
    let Content::Kept(bytes) = content else {
        return Err(bad("the emulator keeps no blobs (--discard)".to_owned()));
    };
    if !is_gzip(url.path()) {
        return Ok(bytes.into());
    }
    unzip(&bytes, 64 * BODY_LIMIT as u64)
        .map_err(|error| KustoError::invalid("BadRequest_InvalidBlob", error))
}
