//! Insert, merge, get and delete entities over HTTP.

use axum::response::Response;
use serde_json::{Map, Value};

use super::{Target, read};
use crate::storage::tables::{EntityKey, entity_keys};
use crate::storage::{Storage, StorageError};
use crate::wire::{self, Asked};

/// The service's limit for an entity.
const BODY_LIMIT: usize = 1024 * 1024;

impl Storage {
    pub(super) async fn table(&self, target: &Target, asked: Asked) -> Result<Response, StorageError> {
        let method = asked.header("x-http-method").unwrap_or(asked.method.as_str()).to_ascii_uppercase();
        let prefer = asked.header("prefer").map(str::to_owned);
        let body = read(asked.body, BODY_LIMIT).await?;
        let entity: Map<String, Value> = if body.is_empty() {
            Map::new()
        } else {
            serde_json::from_slice(&body)
                .map_err(|_| StorageError::new(400, "InvalidInput", "The entity is no JSON object."))?
        };
        let text = |name: &str| entity.get(name).and_then(Value::as_str).map(str::to_owned);
        let keys = entity_keys(&target.resource).or_else(|| Some((text("PartitionKey")?, text("RowKey")?)));
        let (partition, row) = keys.ok_or_else(|| {
            StorageError::new(400, "PropertiesNeedValue", "PartitionKey and RowKey must be given.")
        })?;
        let key = EntityKey { account: target.account.clone(), partition, row };
        match method.as_str() {
            "POST" => {
                self.tables.insert(key, entity.clone())?;
                let quiet = prefer.as_deref() == Some("return-no-content");
                return Ok(if quiet { wire::empty(204) } else { wire::json(201, &Value::Object(entity)) });
            }
            "MERGE" | "PATCH" => self.tables.merge(key, entity),
            "PUT" => self.tables.replace(key, entity),
            "GET" => return Ok(wire::json(200, &Value::Object(self.tables.get(&key)?))),
            "DELETE" => self.tables.delete(&key)?,
            _ => {
                return Err(StorageError::new(
                    405,
                    "UnsupportedHttpVerb",
                    "The table does not know this verb.",
                ));
            }
        }
        Ok(wire::empty(204))
    }
}
