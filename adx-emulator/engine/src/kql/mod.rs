//! Queries: a subset of Kusto's language, parsed, checked for names and types, and turned into one SQL statement.
//!
//! What is not in the subset is refused by name, in Kusto's shape. Differences from the service that are known: results
//! are never truncated, `dcount` is exact.

mod aggregate;
mod ast;
mod compile;
mod expression;
mod function;
mod parameters;
mod parser;
mod plan;
mod scope;
mod sqlite;

use std::collections::BTreeMap;

use rusqlite::types::Value as SqlValue;
use rusqlite::{Connection, params_from_iter};
use serde_json::Value;
use serde_json::value::RawValue;
use time::OffsetDateTime;

use crate::answer::{Answer, Table};
use crate::datetime;
use crate::error::KustoError;
use crate::options::RequestOptions;
use crate::store::{Store, TableSchema};
use crate::value::{Cell, KustoType, to_json};
use ast::{Operator, Query, Source};
use plan::Relation;
use scope::Shared;

/// Makes a connection ready for queries.
pub(crate) fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    sqlite::register(connection)
}

/// Runs a query, or only checks its names and types.
pub(crate) fn query(
    store: &Store,
    database: &str,
    text: &str,
    options: &RequestOptions,
) -> Result<Answer, KustoError> {
    let query = parser::parse(text, &options.parameters)?;
    let mut shared = Shared {
        now: datetime::from_offset(OffsetDateTime::now_utc()),
        cursor: store.last_moment()?,
        declared: query.declared.clone(),
        ..Shared::default()
    };
    let relation = match &query.source {
        Source::Table { database: other, name } => table(store, other.as_deref().unwrap_or(database), name)?,
        Source::Print(items) => Relation::print(items, &mut shared)?,
        Source::Given => return Err(KustoError::syntax("the query has no source")),
    };
    let relation = pipeline(relation, &query, &mut shared)?;
    if options.validate_permissions {
        let ok = Table::new(&[("Result", KustoType::String)], vec![vec![Value::from("OK")]]);
        return Ok(Answer::table(ok));
    }
    run(&store.connection, &relation, &query, shared)
}

/// Runs the operators of `text` over a command's result.
pub(crate) fn query_over(store: &Store, given: &Table, text: &str) -> Result<Answer, KustoError> {
    let query = parser::parse_pipeline(text)?;
    let now = datetime::from_offset(OffsetDateTime::now_utc());
    let mut shared = Shared { now, cursor: store.last_moment()?, ..Shared::default() };
    let relation = Relation::table("temp.given".to_owned(), &given.columns);
    let relation = pipeline(relation, &query, &mut shared)?;
    fill_temporary(&store.connection, given)?;
    let answer = run(&store.connection, &relation, &query, shared);
    store.connection.execute_batch("DROP TABLE temp.given")?;
    answer
}

/// Deletes the rows of `table` that the query `text` gives, which has conditions only; how many they were.
pub(crate) fn delete_rows(store: &Store, table: &TableSchema, text: &str) -> Result<usize, KustoError> {
    let query = parser::parse(text, &BTreeMap::new())?;
    let same = matches!(&query.source, Source::Table { database: None, name } if *name == table.name);
    let conditions = query.operators.iter().all(|operator| matches!(operator, Operator::Where(_)));
    if !same || !conditions || query.operators.is_empty() {
        let form = "a deletion in another form than '.delete table T records <| T | where …'";
        return Err(KustoError::unsupported(form));
    }
    let now = datetime::from_offset(OffsetDateTime::now_utc());
    let mut shared = Shared { now, cursor: store.last_moment()?, ..Shared::default() };
    let rows = Relation::timed_table(format!("data_{}", table.id), &table.columns);
    let rows = pipeline(rows, &query, &mut shared)?;
    let mut statement = store.connection.prepare(&rows.to_deletion())?;
    let parameters = shared.parameters.into_iter().take(statement.parameter_count());
    statement.execute(params_from_iter(parameters)).map_err(failure)
}

fn table(store: &Store, database: &str, name: &str) -> Result<Relation, KustoError> {
    let database = store.database(database)?;
    let table = store.find_table(&database, name)?.ok_or_else(|| {
        KustoError::semantic(format!("SEM0100: Failed to resolve table or column expression named '{name}'"))
    })?;
    Ok(Relation::timed_table(format!("data_{}", table.id), &table.columns))
}

fn pipeline(mut relation: Relation, query: &Query, shared: &mut Shared) -> Result<Relation, KustoError> {
    for operator in &query.operators {
        relation.apply(operator, shared)?;
    }
    Ok(relation)
}

fn fill_temporary(connection: &Connection, given: &Table) -> Result<(), KustoError> {
    let names: Vec<String> = (0..given.columns.len()).map(|n| format!("c{n}")).collect();
    connection.execute_batch(&format!("CREATE TEMP TABLE given ({})", names.join(", ")))?;
    let marks = vec!["?"; names.len()].join(", ");
    let mut insert = connection.prepare(&format!("INSERT INTO temp.given VALUES ({marks})"))?;
    for row in &given.rows {
        for (position, (value, column)) in row.iter().zip(&given.columns).enumerate() {
            let cell = match value {
                Value::Null => Cell::missing(column.kind),
                Value::String(text) => Cell::from_text(column.kind, text).into_owned(),
                other => match RawValue::from_string(other.to_string()) {
                    Ok(raw) => Cell::from_json(column.kind, &raw).into_owned(),
                    Err(_) => Cell::Null,
                },
            };
            insert.raw_bind_parameter(position + 1, cell)?;
        }
        insert.raw_execute()?;
    }
    Ok(())
}

fn run(
    connection: &Connection,
    relation: &Relation,
    query: &Query,
    shared: Shared,
) -> Result<Answer, KustoError> {
    let mut statement = connection.prepare_cached(&relation.to_sql())?;
    // A parameter of a column that was projected away is not in the statement any more.
    let parameters: Vec<SqlValue> = shared.parameters.into_iter().take(statement.parameter_count()).collect();
    let columns = relation.result_columns();
    let mut rows = Vec::new();
    let mut cursor = statement.query(params_from_iter(parameters)).map_err(failure)?;
    while let Some(row) = cursor.next().map_err(failure)? {
        let mut cells = Vec::with_capacity(columns.len());
        for (position, column) in columns.iter().enumerate() {
            cells.push(to_json(column.kind, row.get_ref(position)?));
        }
        rows.push(cells);
    }
    let visualization = query.operators.iter().find_map(|operator| match operator {
        Operator::Render(kind) => Some(kind.clone()),
        _ => None,
    });
    Ok(Answer { tables: vec![Table { name: "Table_0".to_owned(), columns, rows }], visualization })
}

/// An error of our own functions is the query's fault, any other the store's.
fn failure(error: rusqlite::Error) -> KustoError {
    let text = error.to_string();
    let ours = text.split_once(sqlite::ERROR_PREFIX).map(|(_, message)| message.to_owned());
    match ours.or_else(|| text.contains("integer overflow").then(|| "a sum is too large".to_owned())) {
        Some(message) => KustoError::invalid("General_BadRequest", format!("The query failed: {message}.")),
        None => error.into(),
    }
}

#[cfg(test)]
mod tests;
