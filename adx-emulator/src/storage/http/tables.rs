//! Insert, merge, get and delete entities over HTTP.

use axum::response::Response;
use serde_json::{Map, Value};

use super::answers::read;
use super::path::StoragePath;
use crate::http_request::HttpRequest;
use crate::http_response;
use crate::storage::error::StorageError;
use crate::storage::services::Storage;
use crate::storage::tables::{EntityKey, entity_keys};

/// The service's limit for an entity.
const BODY_LIMIT: usize = 1024 * 1024;

pub(super) async fn table(
    storage: &Storage,
    path: &StoragePath,
    request: HttpRequest,
) -> Result<Response, StorageError> {
    let method = request.header("x-http-method").unwrap_or(request.method.as_str()).to_ascii_uppercase();
    let prefer = request.header("prefer").map(str::to_owned);
    let body = read(request.body, BODY_LIMIT).await?;
    let entity: Map<String, Value> = if body.is_empty() {
        Map::new()
    } else {
        serde_json::from_slice(&body)
            .map_err(|_| StorageError::new(400, "InvalidInput", "The entity is not a JSON object."))?
    };
    let text = |name: &str| entity.get(name).and_then(Value::as_str).map(str::to_owned);
    let keys = entity_keys(&path.resource).or_else(|| Some((text("PartitionKey")?, text("RowKey")?)));
    let (partition, row) = keys.ok_or_else(|| {
        StorageError::new(400, "PropertiesNeedValue", "PartitionKey and RowKey must be given.")
    })?;
    let key = EntityKey { account: path.account.clone(), partition, row };
    match method.as_str() {
        "POST" => {
            storage.tables.insert(key, entity.clone())?;
            let quiet = prefer.as_deref() == Some("return-no-content");
            return Ok(if quiet {
                http_response::empty(204)
            } else {
                http_response::json(201, &Value::Object(entity))
            });
        }
        "MERGE" | "PATCH" => storage.tables.merge(key, entity),
        "PUT" => storage.tables.replace(key, entity),
        "GET" => return Ok(http_response::json(200, &Value::Object(storage.tables.get(&key)?))),
        "DELETE" => storage.tables.delete(&key)?,
        _ => {
            return Err(StorageError::new(405, "UnsupportedHttpVerb", "The table does not know this verb."));
        }
    }
    Ok(http_response::empty(204))
}
