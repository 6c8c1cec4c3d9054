//! Streaming ingestion: `POST /v1/rest/ingest/{database}/{table}`.
//!
//! Asks the engine for the policy and hands it the rows; keeps nothing.

use std::sync::Arc;

use axum::response::Response;
use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;

use crate::app::App;
use crate::engine::{Answer, IngestFailure, IngestSource, KustoError, KustoType, RequestOptions, Table};
use crate::kusto::{Head, blocking, uncompressed, unzip};
use crate::operation::Operation;
use crate::storage::blobs::Content;
use crate::wire::{self, Asked};

/// The largest body: what the SDKs never exceed.
const BODY_LIMIT: usize = 10 * 1024 * 1024;
/// The most data in one request, uncompressed (`kusto-protocol.md` §5.2).
const DATA_LIMIT: usize = 4 * 1024 * 1024;

/// Answers one streaming request.
pub(crate) async fn ingest(app: Arc<App>, database: String, table: String, mut asked: Asked) -> Response {
    let head = Head::of(&asked);
    if !app.auth.admits(asked.header("authorization")) {
        wire::drain(std::mem::take(&mut asked.body)).await;
        return head.error(&crate::kusto::unauthorized());
    }
    let body = uncompressed(&mut asked, BODY_LIMIT).await;
    let from_blob = asked.query("sourceKind") == Some("uri");
    let format = asked.query("streamFormat").unwrap_or("csv").to_ascii_lowercase();
    let mapping = asked.query("mappingName").map(str::to_owned);
    let target = Target { database, table, format, mapping };
    let inner = Arc::clone(&app);
    app.guard(Operation::StreamingIngest, asked, |_, _| async move {
        let result = async {
            let data = body?;
            let data: Vec<u8> = if from_blob { fetch(&inner, &data).await? } else { data.into() };
            if data.len() > DATA_LIMIT {
                return Err(too_large(data.len()));
            }
            run(&inner, target, data).await
        };
        match result.await {
            Ok(answer) => head.answer(&answer.to_v1()),
            Err(error) => head.error(&error),
        }
    })
    .await
}

/// What the URL says.
struct Target {
    database: String,
    table: String,
    format: String,
    mapping: Option<String>,
}

async fn run(app: &App, target: Target, data: Vec<u8>) -> Result<Answer, KustoError> {
    let engine = app.engine.clone();
    let Target { database, table, format, mapping } = target;
    let bytes = data.len() as u64;
    let work = move || {
        let enabled = |csl: String| {
            let answer = engine.execute(Some(&database), &csl, &RequestOptions::default())?;
            Ok::<_, KustoError>(is_enabled(&answer))
        };
        if !enabled(format!(".show table {} policy streamingingestion", quoted(&table)))?
            && !enabled(format!(".show database {} policy streamingingestion", quoted(&database)))?
        {
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
            tags: &[],
            ingest_if_not_exists: &[],
        };
        engine.ingest(&source).map_err(refused)
    };
    let done = blocking(work).await??;
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

/// The policy in the first row says that streaming is on.
fn is_enabled(answer: &Answer) -> bool {
    let Some(cell) = answer.tables.first().and_then(|table| table.cell(0, "Policy")) else { return false };
    let parsed = cell.as_str().and_then(|text| serde_json::from_str::<Value>(text).ok());
    parsed.as_ref().unwrap_or(cell).get("IsEnabled").and_then(Value::as_bool).unwrap_or(false)
}

fn quoted(name: &str) -> String {
    format!("['{}']", name.replace('\\', "\\\\").replace('\'', "\\'"))
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
    if !wire::is_gzip(url.path()) {
        return Ok(bytes.into());
    }
    unzip(&bytes, 64 * BODY_LIMIT as u64)
        .map_err(|error| KustoError::invalid("BadRequest_InvalidBlob", error))
}

#[cfg(test)]
mod tests {
    use super::{is_enabled, quoted};
    use crate::engine::{Answer, KustoType, Table};
    use serde_json::{Value, json};

    #[test]
    fn the_policy_is_read_from_its_cell() {
        let answer = |policy: Value| {
            Answer::table(Table::new(
                &[("PolicyName", KustoType::String), ("Policy", KustoType::String)],
                vec![vec![json!("p"), policy]],
            ))
        };
        assert!(is_enabled(&answer(json!("{\"IsEnabled\":true,\"HintAllocatedRate\":null}"))));
        assert!(!is_enabled(&answer(json!("{\"IsEnabled\":false}"))));
        assert!(!is_enabled(&answer(json!("null"))));
        assert!(!is_enabled(&answer(Value::Null)));
        assert_eq!(quoted("it's"), "['it\\'s']");
    }
}
