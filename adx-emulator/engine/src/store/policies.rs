//! Policies and principals in the store: per database or table. What a policy means is read elsewhere.

use rusqlite::{OptionalExtension, params};

use super::catalog::{Database, Store, TableSchema};

/// The thing a policy or a role belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Scope {
    /// A whole database.
    Database(Database),
    /// One table.
    Table(TableSchema),
}

impl Scope {
    fn key(&self) -> (&'static str, i64) {
        match self {
            Self::Database(database) => ("database", database.id),
            Self::Table(table) => ("table", table.id),
        }
    }

    /// `Database` or `Table`, as answers write it.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Database(_) => "Database",
            Self::Table(_) => "Table",
        }
    }

    /// The entity's name as answers write it: `[db]` or `[db].[table]`.
    pub(crate) fn entity_name(&self) -> String {
        match self {
            Self::Database(database) => format!("[{}]", database.name),
            Self::Table(table) => format!("[{}].[{}]", table.database.name, table.name),
        }
    }
}

impl Store {
    /// The policy's JSON text, if one is set.
    pub(crate) fn policy(&self, scope: &Scope, name: &str) -> rusqlite::Result<Option<String>> {
        let (entity, id) = scope.key();
        self.connection
            .prepare_cached("SELECT policy FROM policies WHERE entity = ?1 AND entity_id = ?2 AND name = ?3")?
            .query_row(params![entity, id, name], |row| row.get(0))
            .optional()
    }

    /// Sets the policy, or removes it.
    pub(crate) fn set_policy(&self, scope: &Scope, name: &str, policy: Option<&str>) -> rusqlite::Result<()> {
        let (entity, id) = scope.key();
        match policy {
            Some(policy) => self.connection.execute(
                "INSERT OR REPLACE INTO policies (entity, entity_id, name, policy) VALUES (?1, ?2, ?3, ?4)",
                params![entity, id, name, policy],
            ),
            None => self.connection.execute(
                "DELETE FROM policies WHERE entity = ?1 AND entity_id = ?2 AND name = ?3",
                params![entity, id, name],
            ),
        }?;
        Ok(())
    }

    /// Gives a principal a role. `notes` is free text.
    pub(crate) fn add_principal(
        &self,
        scope: &Scope,
        role: &str,
        principal: &str,
        notes: &str,
    ) -> rusqlite::Result<()> {
        let (entity, id) = scope.key();
        self.connection.execute(
            "INSERT OR REPLACE INTO principals (entity, entity_id, role, principal, notes) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![entity, id, role, principal, notes],
        )?;
        Ok(())
    }

    /// Takes a role away.
    pub(crate) fn drop_principal(&self, scope: &Scope, role: &str, principal: &str) -> rusqlite::Result<()> {
        let (entity, id) = scope.key();
        self.connection.execute(
            "DELETE FROM principals WHERE entity = ?1 AND entity_id = ?2 AND role = ?3 AND principal = ?4",
            params![entity, id, role, principal],
        )?;
        Ok(())
    }

    /// The roles given: role, principal, notes.
    pub(crate) fn principals(&self, scope: &Scope) -> rusqlite::Result<Vec<(String, String, String)>> {
        let (entity, id) = scope.key();
        self.connection
            .prepare_cached(
                "SELECT role, principal, notes FROM principals WHERE entity = ?1 AND entity_id = ?2 ORDER BY 1, 2",
            )?
            .query_map(params![entity, id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
            .collect()
    }
}
