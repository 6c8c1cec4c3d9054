//! The minimal table service: entities of one status table per account, for clients that report to a table.
//!
//! Owns the entities. Speaks no HTTP; there are no filters and no batches.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value};

use super::error::StorageError;

/// The key of an entity.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct EntityKey {
    pub account: String,
    /// `PartitionKey`.
    pub partition: String,
    /// `RowKey`.
    pub row: String,
}

/// The entities of all accounts.
#[derive(Debug, Default)]
pub(crate) struct Tables(Mutex<HashMap<EntityKey, Map<String, Value>>>);

impl Tables {
    /// Insert Entity.
    pub(crate) fn insert(&self, key: EntityKey, entity: Map<String, Value>) -> Result<(), StorageError> {
        let mut all = self.lock();
        if all.contains_key(&key) {
            return Err(StorageError::new(
                409,
                "EntityAlreadyExists",
                "The specified entity already exists.",
            ));
        }
        all.insert(key, entity);
        Ok(())
    }

    /// Insert Or Merge Entity: properties not named stay as they are.
    pub(crate) fn merge(&self, key: EntityKey, entity: Map<String, Value>) {
        self.lock().entry(key).or_default().extend(entity);
    }

    /// The same in whatever account holds an entity of these keys; false when none does.
    pub(crate) fn merge_existing(&self, partition: &str, row: &str, entity: Map<String, Value>) -> bool {
        let mut all = self.lock();
        let found = all.iter_mut().find(|(key, _)| key.partition == partition && key.row == row);
        found.map(|(_, properties)| properties.extend(entity)).is_some()
    }

    /// Insert Or Replace Entity.
    pub(crate) fn replace(&self, key: EntityKey, entity: Map<String, Value>) {
        self.lock().insert(key, entity);
    }

    /// Get Entity, with its keys.
    pub(crate) fn get(&self, key: &EntityKey) -> Result<Map<String, Value>, StorageError> {
        let mut entity = self.lock().get(key).cloned().ok_or_else(missing)?;
        entity.insert("PartitionKey".to_owned(), Value::from(key.partition.clone()));
        entity.insert("RowKey".to_owned(), Value::from(key.row.clone()));
        Ok(entity)
    }

    /// Delete Entity.
    pub(crate) fn delete(&self, key: &EntityKey) -> Result<(), StorageError> {
        self.lock().remove(key).map(|_| ()).ok_or_else(missing)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<EntityKey, Map<String, Value>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn missing() -> StorageError {
    StorageError::new(404, "ResourceNotFound", "The specified resource does not exist.")
}

/// The keys in `table(PartitionKey='a',RowKey='b')`, a path segment already decoded.
pub(crate) fn entity_keys(segment: &str) -> Option<(String, String)> {
    let inside = segment.strip_suffix(')')?.split_once('(')?.1;
    let (partition, row) = inside.split_once("',")?;
    let value = |text: &str, name: &str| {
        let quoted = text.trim().strip_prefix(name)?.trim_start().strip_prefix('=')?.trim();
        Some(quoted.strip_prefix('\'')?.replace("''", "'"))
    };
    Some((value(partition, "PartitionKey")?, value(row.trim_end().strip_suffix('\'')?, "RowKey")?))
}

#[cfg(test)]
mod tests {
    use super::{EntityKey, Tables, entity_keys};
    use serde_json::{Map, Value, json};

    fn entity(value: Value) -> Map<String, Value> {
        match value {
            Value::Object(map) => map,
            _ => Map::new(),
        }
    }

    #[test]
    fn entities_are_inserted_once_and_merged() {
        let tables = Tables::default();
        let key = EntityKey { account: "a".to_owned(), partition: "p".to_owned(), row: "r".to_owned() };
        tables.insert(key.clone(), entity(json!({"Status": "Pending", "Table": "T"}))).unwrap();
        assert_eq!(tables.insert(key.clone(), Map::new()).unwrap_err().status, 409);
        tables.merge(key.clone(), entity(json!({"Status": "Succeeded"})));
        let found = Value::Object(tables.get(&key).unwrap());
        assert_eq!(found, json!({"Status": "Succeeded", "Table": "T", "PartitionKey": "p", "RowKey": "r"}));
        let failed = json!({"Status": "Failed"}).as_object().unwrap().clone();
        assert!(tables.merge_existing("p", "r", failed.clone()));
        assert!(!tables.merge_existing("p", "x", failed));
        assert_eq!(tables.get(&key).unwrap()["Status"], "Failed");
        tables.delete(&key).unwrap();
        assert_eq!(tables.get(&key).unwrap_err().status, 404);
    }

    #[test]
    fn keys_come_from_the_path() {
        let keys = entity_keys("ingestionsstatus(PartitionKey='a',RowKey='b')").unwrap();
        assert_eq!(keys, ("a".to_owned(), "b".to_owned()));
        let keys = entity_keys("t(PartitionKey='it''s', RowKey='')").unwrap();
        assert_eq!(keys, ("it's".to_owned(), String::new()));
        assert_eq!(entity_keys("t"), None);
        assert_eq!(entity_keys("t()"), None);
    }
}
