//! Queued ingestion by REST: configuration, posting, status (`kusto-protocol.md` §4).
//!
//! A posted source becomes a message of our own queues, so that batching, retries and a restart treat it like any other.
//! Owns the form of requests and answers; `tracking` knows the progress of the sources.

use std::collections::HashSet;
use std::sync::Arc;

use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use url::Url;
use uuid::Uuid;

use adx_engine::KustoError;

use crate::app::App;
use crate::http_request::HttpRequest;
use crate::kusto_http::{Reply, bad_request, refuse_without_token, uncompressed};
use crate::operation::Operation;
use crate::queue_messages::identity_token;
use crate::storage::ResourceKind;
use crate::tracking::{Progress, SourceRef};

/// The largest body.
const BODY_LIMIT: usize = 4 * 1024 * 1024;
/// The most blobs in one request.
const MOST_BLOBS: usize = 20;
/// The largest source, uncompressed.
const MAX_DATA_SIZE: u64 = 6_442_450_944;
/// The formats that a request may name (`azmonstream` is of Event Hubs only).
const FORMATS: [&str; 18] = [
    "csv",
    "tsv",
    "scsv",
    "sohsv",
    "psv",
    "txt",
    "raw",
    "tsve",
    "json",
    "singlejson",
    "multijson",
    "avro",
    "parquet",
    "sstream",
    "orc",
    "apacheavro",
    "w3clogfile",
    "azmonstream",
];

/// The body of a posting.
#[derive(Debug, Deserialize)]
struct Posting {
    #[serde(default)]
    blobs: Vec<Blob>,
    properties: Option<Map<String, Value>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Blob {
    #[serde(default)]
    url: String,
    source_id: Option<String>,
    raw_size: Option<u64>,
}

/// `GET /v1/rest/ingestion/configuration`.
pub(crate) async fn configuration(app: Arc<App>, request: HttpRequest) -> Response {
    let reply = Reply::of(&request);
    let inner = Arc::clone(&app);
    app.guard(Operation::IngestionConfiguration, request, |request, expired| async move {
        if let Some(response) = refuse_without_token(&inner.auth, &reply, &request) {
            return response;
        }
        let rows = inner.resources(&request, expired);
        let containers = rows.into_iter().filter(|(kind, _)| *kind == ResourceKind::TempStorage);
        reply.success(&json!({
            "containerSettings": {
                "containers": containers.map(|(_, url)| json!({"path": url})).collect::<Vec<_>>(),
                "lakeFolders": [],
                "refreshInterval": "01:00:00",
                "preferredUploadMethod": "Storage",
            },
            "ingestionSettings": {
                "maxBlobsPerBatch": MOST_BLOBS,
                "maxDataSize": MAX_DATA_SIZE,
                "preferredIngestionMethod": "REST",
            },
        }))
    })
    .await
}

/// `POST /v1/rest/ingestion/queued/{database}/{table}`.
pub(crate) async fn post(app: Arc<App>, target: (String, String), mut request: HttpRequest) -> Response {
    let reply = Reply::of(&request);
    let body = uncompressed(&mut request, BODY_LIMIT).await;
    let inner = Arc::clone(&app);
    app.guard(Operation::QueuedIngest, request, |request, _| async move {
        if let Some(response) = refuse_without_token(&inner.auth, &reply, &request) {
            return response;
        }
        let result = async {
            let posting = read(&body?)?;
            accept(&inner, &target, posting).await
        };
        match result.await {
            Ok(id) => reply.success(&json!({"ingestionOperationId": id})),
            Err(error) => reply.error(&error),
        }
    })
    .await
}

/// `GET /v1/rest/ingestion/queued/{database}/{table}/{operation}`.
pub(crate) async fn status(
    app: Arc<App>,
    (database, table, id): (String, String, String),
    request: HttpRequest,
) -> Response {
    let reply = Reply::of(&request);
    let inner = Arc::clone(&app);
    app.guard(Operation::IngestionStatus, request, |request, _| async move {
        if let Some(response) = refuse_without_token(&inner.auth, &reply, &request) {
            return response;
        }
        let details = request.query("details").is_some_and(|text| text.eq_ignore_ascii_case("true"));
        if let Some(document) = inner.operations.status((&database, &table), &id, details) {
            return reply.success(&document);
        }
        let error = KustoError::not_found("BadRequest_EntityNotFound", "IngestionOperation", &id);
        reply.error(&KustoError { status: 404, ..error })
    })
    .await
}

/// Reads and checks a posting.
fn read(body: &[u8]) -> Result<Posting, KustoError> {
    let posting: Posting = serde_json::from_slice(body)
        .map_err(|error| bad_request(&format!("the body is not an ingestion request: {error}")))?;
    if posting.blobs.is_empty() || posting.blobs.len() > MOST_BLOBS {
        return Err(bad_request(&format!(
            "a request has 1 to {MOST_BLOBS} blobs, not {}",
            posting.blobs.len()
        )));
    }
    let mut seen = HashSet::new();
    for blob in &posting.blobs {
        let path = path_of(&blob.url);
        if !Url::parse(&blob.url).is_ok_and(|url| url.has_host()) {
            let text = format!("'{path}' is not a URL of a blob");
            return Err(KustoError::invalid("BadRequest_InvalidBlobUri", text));
        }
        if !seen.insert(path) {
            return Err(bad_request(&format!("the blob '{path}' is in the request twice")));
        }
    }
    let properties = posting.properties.as_ref();
    let format = properties.and_then(|properties| properties.get("format")).and_then(Value::as_str);
    match format {
        Some(format) if FORMATS.contains(&format.to_ascii_lowercase().as_str()) => Ok(posting),
        Some(format) => Err(bad_request(&format!("'{format}' is not a format"))),
        None => Err(bad_request("the properties do not name a format")),
    }
}

/// A blob's URL without what opens it.
fn path_of(url: &str) -> &str {
    url.split(['?', ';']).next().unwrap_or_default()
}

/// Queues the sources; the id of the operation, empty when it is not tracked.
async fn accept(app: &App, target: &(String, String), posting: Posting) -> Result<String, KustoError> {
    let (database, table) = target;
    let (named_database, named_table) = target.clone();
    app.with_engine(move |engine| engine.check_table(&named_database, &named_table)).await??;
    let properties = posting.properties.unwrap_or_default();
    let flag = |name: &str| properties.get(name).and_then(Value::as_bool).unwrap_or(false);
    let operation = flag("enableTracking").then(|| Uuid::new_v4().simple().to_string());
    let additional = additional_properties(&properties)?;
    for blob in &posting.blobs {
        let id = blob.source_id.clone().unwrap_or_else(|| Uuid::new_v4().to_string());
        if let Some(operation) = &operation {
            let url = path_of(&blob.url);
            let tracked = SourceRef { operation, database, table, source: &id, url };
            app.operations.record(&tracked, Progress::Queued);
        }
        let message = json!({
            "Id": id,
            "BlobPath": blob.url,
            "RawDataSize": blob.raw_size,
            "DatabaseName": database,
            "TableName": table,
            "RetainBlobOnSuccess": !flag("deleteAfterDownload"),
            "FlushImmediately": flag("skipBatching"),
            // This way reports by its status, not by the report queues.
            "ReportLevel": 1,
            "IngestionOperationId": operation,
            "AdditionalProperties": additional,
        });
        let posted =
            app.backend.post(ResourceKind::SecuredQueue, 0, STANDARD.encode(message.to_string())).await;
        posted.map_err(|error| KustoError {
            status: 503,
            permanent: false,
            ..bad_request(&format!("the source cannot be queued: {error}"))
        })?;
    }
    Ok(operation.unwrap_or_default())
}

/// The properties as a message of version 1 carries them: arrays are texts there, and the identity goes with them.
fn additional_properties(properties: &Map<String, Value>) -> Result<Value, KustoError> {
    const OWN: [&str; 4] = ["enableTracking", "skipBatching", "deleteAfterDownload", "ignoreSizeLimit"];
    let mut additional = Map::new();
    for (name, value) in properties.iter().filter(|(name, _)| !OWN.contains(&name.as_str())) {
        let array = matches!(name.as_str(), "tags" | "ingestIfNotExists");
        if array && !(value.is_array() || value.is_null()) {
            return Err(bad_request(&format!("'{name}' is not an array")));
        }
        let value = if value.is_array() { Value::from(value.to_string()) } else { value.clone() };
        additional.insert(name.clone(), value);
    }
    additional.insert("authorizationContext".to_owned(), Value::from(identity_token()));
    Ok(Value::Object(additional))
}

#[cfg(test)]
mod tests {
    use super::{additional_properties, read};
    use serde_json::{Value, json};

    fn code(body: &Value) -> Result<usize, &'static str> {
        read(body.to_string().as_bytes()).map(|posting| posting.blobs.len()).map_err(|error| error.code)
    }

    #[test]
    fn postings_are_checked() {
        let blob = |number: usize| json!({"url": format!("http://localhost/a/c/{number}.gz?sig=1")});
        let many = |count| (0..count).map(blob).collect::<Vec<_>>();
        let csv = json!({"format": "csv"});
        assert_eq!(code(&json!({"blobs": many(20), "properties": csv})), Ok(20));
        for body in [
            json!({"blobs": many(21), "properties": csv}),
            json!({"blobs": [], "properties": csv}),
            json!({"blobs": [blob(1), blob(1)], "properties": csv}),
            json!({"blobs": many(1)}),
            json!({"blobs": many(1), "properties": {"format": "colour"}}),
            json!([]),
        ] {
            assert_eq!(code(&body), Err("General_BadRequest"), "{body}");
        }
        let no_url = json!({"blobs": [{"url": "nowhere"}], "properties": csv});
        assert_eq!(code(&no_url), Err("BadRequest_InvalidBlobUri"));
    }

    #[test]
    fn arrays_become_the_texts_of_version_1() {
        let properties = json!({"format": "csv", "tags": ["a"], "enableTracking": true});
        let additional = additional_properties(properties.as_object().unwrap()).unwrap();
        assert_eq!(additional["tags"], r#"["a"]"#);
        assert_eq!(additional["format"], "csv");
        assert!(additional.get("enableTracking").is_none());
        let wrong = json!({"tags": "a"});
        assert!(additional_properties(wrong.as_object().unwrap()).is_err());
    }
}
