//! The store: one SQLite database with the catalog (databases, tables, columns) and one data table per Kusto table.
//!
//! Owned by the engine, used under its lock. Data tables are called `data_N` with columns `c0…`, so that no Kusto name
//! ever becomes SQL and names that differ only in case stay different. Only this module writes SQL by hand; queries
//! get theirs from `kql`. Values: see `value::Cell`.

mod catalog;
mod mappings;
mod operations;
mod policies;
mod records;

pub(crate) use catalog::{Database, Store, TableSchema};
pub(crate) use mappings::StoredMapping;
pub(crate) use policies::Scope;
