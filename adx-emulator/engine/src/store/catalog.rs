//! The open store, with its databases, tables and columns.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use crate::answer::Column;
use crate::error::{Error, KustoError};
use crate::value::KustoType;

/// SQLite's own limit on columns of a table.
const MAX_COLUMNS: usize = 2000;

const CATALOG: &str = "
CREATE TABLE IF NOT EXISTS databases (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE COLLATE NOCASE, guid TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS tables (id INTEGER PRIMARY KEY, database_id INTEGER NOT NULL, name TEXT NOT NULL,
    guid TEXT NOT NULL, folder TEXT NOT NULL, doc TEXT NOT NULL, UNIQUE (database_id, name));
CREATE TABLE IF NOT EXISTS columns (table_id INTEGER NOT NULL, position INTEGER NOT NULL, name TEXT NOT NULL,
    kind TEXT NOT NULL, PRIMARY KEY (table_id, position));
CREATE TABLE IF NOT EXISTS mappings (table_id INTEGER NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,
    elements TEXT NOT NULL, updated INTEGER NOT NULL, PRIMARY KEY (table_id, kind, name));
CREATE TABLE IF NOT EXISTS policies (entity TEXT NOT NULL, entity_id INTEGER NOT NULL, name TEXT NOT NULL,
    policy TEXT NOT NULL, PRIMARY KEY (entity, entity_id, name));
CREATE TABLE IF NOT EXISTS principals (entity TEXT NOT NULL, entity_id INTEGER NOT NULL, role TEXT NOT NULL,
    principal TEXT NOT NULL, notes TEXT NOT NULL, PRIMARY KEY (entity, entity_id, role, principal));
CREATE TABLE IF NOT EXISTS extents (id TEXT PRIMARY KEY, table_id INTEGER NOT NULL, rows INTEGER NOT NULL,
    bytes INTEGER NOT NULL, created INTEGER NOT NULL, tags TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS extents_of ON extents (table_id);
CREATE TABLE IF NOT EXISTS operations (at INTEGER NOT NULL, database TEXT NOT NULL, target TEXT NOT NULL,
    activity TEXT NOT NULL, kind TEXT NOT NULL, bytes INTEGER NOT NULL, rows INTEGER NOT NULL, properties TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS operations_at ON operations (at);
CREATE TABLE IF NOT EXISTS clock (one INTEGER PRIMARY KEY CHECK (one = 1), last INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS failures (operation TEXT NOT NULL, database TEXT NOT NULL, target TEXT NOT NULL,
    failed_on INTEGER NOT NULL, source TEXT NOT NULL, details TEXT NOT NULL, permanent INTEGER NOT NULL,
    activity TEXT NOT NULL, code TEXT NOT NULL, properties TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS failures_on ON failures (failed_on);
";

/// The open store.
pub(crate) struct Store {
    pub(crate) connection: Connection,
}

/// A database of the catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Database {
    /// The catalog's key.
    pub id: i64,
    pub name: String,
    /// The identifier that `.show databases` shows.
    pub guid: String,
}

/// A table of the catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TableSchema {
    /// The catalog's key, also the number of the data table.
    pub id: i64,
    pub database: Database,
    pub name: String,
    pub folder: String,
    pub doc: String,
    /// The columns in order; the n-th is `cN` in the data table.
    pub columns: Vec<Column>,
}

impl TableSchema {
    /// The schema in the form `a:string,b:long`.
    pub(crate) fn cslschema(&self) -> String {
        let columns: Vec<String> =
            self.columns.iter().map(|c| format!("{}:{}", quoted(&c.name), c.kind.as_str())).collect();
        columns.join(",")
    }
}

/// The name, in brackets when it is not a plain identifier.
pub(crate) fn quoted(name: &str) -> String {
    let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if plain { name.to_owned() } else { format!("['{}']", name.replace('\\', "\\\\").replace('\'', "\\'")) }
}

impl Store {
    /// Opens the file, or an empty store in memory.
    pub(crate) fn open(file: Option<&Path>) -> Result<Self, Error> {
        let connection = match file {
            Some(file) => Connection::open(file)?,
            None => Connection::open_in_memory()?,
        };
        // A crash of the process loses nothing; a crash of the machine may, which a stand-in can afford.
        connection.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY;",
        )?;
        connection.execute_batch(CATALOG)?;
        add_later_columns(&connection)?;
        connection.set_prepared_statement_cache_capacity(64);
        Ok(Self { connection })
    }

    /// Runs `work` so that all its changes happen or none.
    pub(crate) fn atomically<T, E: From<rusqlite::Error>>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        // A savepoint nests: `.ingest inline` is a unit of work inside a command's.
        self.connection.execute_batch("SAVEPOINT unit")?;
        match work(self) {
            Ok(value) => {
                self.connection.execute_batch("RELEASE unit")?;
                Ok(value)
            }
            Err(error) => {
                // SQLite may have rolled back by itself; the first error is the one to tell.
                if !self.connection.is_autocommit() {
                    self.connection.execute_batch("ROLLBACK TO unit; RELEASE unit")?;
                }
                Err(error)
            }
        }
    }

    /// Rolls back a unit of work that was never ended.
    pub(crate) fn abandon(&self) {
        if !self.connection.is_autocommit()
            && let Err(error) = self.connection.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, "an abandoned transaction could not be rolled back");
        }
    }

    /// Makes a database; false when it exists.
    pub(crate) fn create_database(&self, name: &str) -> rusqlite::Result<bool> {
        let made = self.connection.execute(
            "INSERT OR IGNORE INTO databases (name, guid) VALUES (?1, ?2)",
            params![name, Uuid::new_v4().to_string()],
        )?;
        Ok(made == 1)
    }

    /// Removes a database with all its tables.
    pub(crate) fn drop_database(&self, database: &Database) -> rusqlite::Result<()> {
        for table in self.tables(database)? {
            self.drop_table(&table)?;
        }
        self.forget("database", database.id)?;
        self.connection.execute("DELETE FROM databases WHERE id = ?1", [database.id])?;
        Ok(())
    }

    /// The database called `name`, in any case.
    pub(crate) fn find_database(&self, name: &str) -> rusqlite::Result<Option<Database>> {
        self.connection
            .prepare_cached("SELECT id, name, guid FROM databases WHERE name = ?1")?
            .query_row([name], read_database)
            .optional()
    }

    /// The database called `name`, or Kusto's refusal.
    pub(crate) fn database(&self, name: &str) -> Result<Database, KustoError> {
        self.find_database(name)?
            .ok_or_else(|| KustoError::not_found("BadRequest_DatabaseNotExist", "Database", name))
    }

    /// All databases, by name.
    pub(crate) fn databases(&self) -> rusqlite::Result<Vec<Database>> {
        self.connection
            .prepare_cached("SELECT id, name, guid FROM databases ORDER BY name")?
            .query_map([], read_database)?
            .collect()
    }

    /// Makes a table with its columns; the name must be free.
    pub(crate) fn create_table(
        &self,
        database: &Database,
        name: &str,
        columns: &[Column],
    ) -> Result<TableSchema, KustoError> {
        self.connection.execute(
            "INSERT INTO tables (database_id, name, guid, folder, doc) VALUES (?1, ?2, ?3, '', '')",
            params![database.id, name, Uuid::new_v4().to_string()],
        )?;
        let id = self.connection.last_insert_rowid();
        let mut table = TableSchema {
            id,
            database: database.clone(),
            name: name.to_owned(),
            folder: String::new(),
            doc: String::new(),
            columns: Vec::new(),
        };
        // `x` is the ingestion time, in ticks; null in rows that came while the table's policy was off.
        self.connection.execute_batch(&format!("CREATE TABLE data_{id} (x)"))?;
        for column in columns {
            self.add_column(&mut table, column)?;
        }
        Ok(table)
    }

    /// Adds a column at the end; rows that exist have it empty.
    pub(crate) fn add_column(&self, table: &mut TableSchema, column: &Column) -> Result<(), KustoError> {
        let position = table.columns.len();
        if position + 1 >= MAX_COLUMNS {
            return Err(KustoError::unsupported(format!("a table of more than {MAX_COLUMNS} columns")));
        }
        let default = if column.kind == KustoType::String { " DEFAULT ''" } else { "" };
        self.connection
            .execute_batch(&format!("ALTER TABLE data_{} ADD COLUMN c{position}{default}", table.id))?;
        self.connection.execute(
            "INSERT INTO columns (table_id, position, name, kind) VALUES (?1, ?2, ?3, ?4)",
            params![table.id, i64::try_from(position).unwrap_or(i64::MAX), column.name, column.kind.as_str()],
        )?;
        table.columns.push(column.clone());
        Ok(())
    }

    /// Sets the table's folder and description.
    pub(crate) fn describe_table(
        &self,
        table: &TableSchema,
        folder: &str,
        doc: &str,
    ) -> rusqlite::Result<()> {
        self.connection.execute(
            "UPDATE tables SET folder = ?2, doc = ?3 WHERE id = ?1",
            params![table.id, folder, doc],
        )?;
        Ok(())
    }

    /// Removes a table and all that hangs on it.
    pub(crate) fn drop_table(&self, table: &TableSchema) -> rusqlite::Result<()> {
        self.connection.execute_batch(&format!("DROP TABLE data_{}", table.id))?;
        for catalog in ["columns", "mappings", "extents"] {
            self.connection.execute(&format!("DELETE FROM {catalog} WHERE table_id = ?1"), [table.id])?;
        }
        self.forget("table", table.id)?;
        self.connection.execute("DELETE FROM tables WHERE id = ?1", [table.id])?;
        Ok(())
    }

    fn forget(&self, entity: &str, id: i64) -> rusqlite::Result<()> {
        for catalog in ["policies", "principals"] {
            let sql = format!("DELETE FROM {catalog} WHERE entity = ?1 AND entity_id = ?2");
            self.connection.execute(&sql, params![entity, id])?;
        }
        Ok(())
    }

    /// Removes the rows and extents of a table, so also its tags.
    pub(crate) fn clear_table(&self, table: &TableSchema) -> rusqlite::Result<()> {
        self.connection.execute_batch(&format!("DELETE FROM data_{}", table.id))?;
        self.connection.execute("DELETE FROM extents WHERE table_id = ?1", [table.id])?;
        Ok(())
    }

    /// The table called `name`.
    pub(crate) fn find_table(
        &self,
        database: &Database,
        name: &str,
    ) -> rusqlite::Result<Option<TableSchema>> {
        let found = self
            .connection
            .prepare_cached("SELECT id, folder, doc FROM tables WHERE database_id = ?1 AND name = ?2")?
            .query_row(params![database.id, name], |row| {
                Ok(TableSchema {
                    id: row.get(0)?,
                    database: database.clone(),
                    name: name.to_owned(),
                    folder: row.get(1)?,
                    doc: row.get(2)?,
                    columns: Vec::new(),
                })
            })
            .optional()?;
        let Some(mut table) = found else { return Ok(None) };
        table.columns = self.columns(table.id)?;
        Ok(Some(table))
    }

    /// The table called `name`, or Kusto's refusal.
    pub(crate) fn table(&self, database: &Database, name: &str) -> Result<TableSchema, KustoError> {
        self.find_table(database, name)?
            .ok_or_else(|| KustoError::not_found("BadRequest_EntityNotFound", "Table", name))
    }

    fn columns(&self, table: i64) -> rusqlite::Result<Vec<Column>> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT name, kind FROM columns WHERE table_id = ?1 ORDER BY position")?;
        let rows = statement.query_map([table], |row| {
            let kind: String = row.get(1)?;
            Ok(Column::new(row.get::<_, String>(0)?, KustoType::parse(&kind).unwrap_or(KustoType::Dynamic)))
        })?;
        rows.collect()
    }

    /// All tables of a database, by name.
    pub(crate) fn tables(&self, database: &Database) -> rusqlite::Result<Vec<TableSchema>> {
        let names: Vec<String> = self
            .connection
            .prepare_cached("SELECT name FROM tables WHERE database_id = ?1 ORDER BY name")?
            .query_map([database.id], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        let tables = names.iter().map(|name| self.find_table(database, name));
        Ok(tables.collect::<rusqlite::Result<Vec<_>>>()?.into_iter().flatten().collect())
    }
}

/// Adds what the catalog of an older folder lacks.
fn add_later_columns(connection: &Connection) -> rusqlite::Result<()> {
    let has = "SELECT EXISTS (SELECT 1 FROM pragma_table_info('failures') WHERE name = 'sources')";
    if !connection.query_row(has, [], |row| row.get::<_, bool>(0))? {
        connection.execute_batch("ALTER TABLE failures ADD COLUMN sources INTEGER NOT NULL DEFAULT 1")?;
    }
    Ok(())
}

fn read_database(row: &rusqlite::Row<'_>) -> rusqlite::Result<Database> {
    Ok(Database { id: row.get(0)?, name: row.get(1)?, guid: row.get(2)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_differ_in_case_are_different_tables_but_one_database() {
        let store = Store::open(None).unwrap();
        assert!(store.create_database("Lab").unwrap());
        assert!(!store.create_database("LAB").unwrap());
        let lab = store.database("lab").unwrap();
        let columns = [Column::new("State", KustoType::String), Column::new("state", KustoType::Long)];
        store.create_table(&lab, "T", &columns).unwrap();
        store.create_table(&lab, "t", &columns[..1]).unwrap();
        assert_eq!(store.table(&lab, "T").unwrap().columns, columns);
        assert_eq!(store.tables(&lab).unwrap().len(), 2);
        store.drop_table(&store.table(&lab, "T").unwrap()).unwrap();
        assert_eq!(store.table(&lab, "T").unwrap_err().code, "BadRequest_EntityNotFound");
    }

    #[test]
    fn a_failed_unit_of_work_leaves_nothing() {
        let mut store = Store::open(None).unwrap();
        let result: Result<(), KustoError> = store.atomically(|store| {
            store.create_database("gone")?;
            Err(KustoError::syntax("x"))
        });
        assert!(result.is_err());
        assert_eq!(store.find_database("gone").unwrap(), None);
    }

    #[test]
    fn odd_names_are_quoted() {
        assert_eq!(quoted("a_1"), "a_1");
        assert_eq!(quoted("it's"), r"['it\'s']");
        assert_eq!(quoted("1a"), "['1a']");
    }
}
