//! Management commands (text that starts with `.`): parsed to the end first, then carried out.
//!
//! A command, word or option that is not known here is refused; nothing is skipped over silently. Results have the
//! service's columns. Ingestion resources and identity tokens belong to the ingestion service, not here.

mod context;
mod databases;
mod inline;
mod mappings;
mod policies;
mod principals;
mod records;
mod show;
mod tables;

use self::context::Command;
use crate::answer::Table;
use crate::cursor::Cursor;
use crate::error::KustoError;
use crate::lexer::Mode;
use crate::store::{Scope, Store};

/// What a command gave.
pub(crate) struct Outcome {
    pub table: Table,
    /// The query that follows a pipe, if any.
    pub pipeline: Option<String>,
}

/// Runs one command in the context of `database`. The caller has a transaction open.
pub(crate) fn run(store: &mut Store, database: &str, text: &str) -> Result<Outcome, KustoError> {
    let cursor = Cursor::new(text, Mode::Command)?;
    let mut command = Command { store, database, cursor, pipeline: None };
    let table = dispatch(&mut command)?;
    Ok(Outcome { table, pipeline: command.pipeline })
}

fn dispatch(command: &mut Command<'_>) -> Result<Table, KustoError> {
    command.cursor.expect_mark(".")?;
    let verb = command.cursor.keyword();
    let noun = command.cursor.keyword();
    match (verb.as_str(), noun.as_str()) {
        ("create", "database") => command.create_database(),
        ("drop", "database") => command.drop_database(),
        ("show", "databases") => command.show_databases(),
        ("show", "database") => command.show_database(),
        ("show", "version") => command.show_version(),
        ("show", "cluster") => command.show_cluster(),
        ("show", "tables") => command.show_tables(),
        ("show", "table") => command.show_table(),
        ("show", "ingestion") => command.show_ingestion_failures(),
        ("show", "data") => command.show_data_operations(),
        ("show", "principal") => command.show_principal_access(),
        ("create" | "create-merge" | "create-or-alter" | "alter" | "alter-merge", "table") => {
            command.change_table(&verb)
        }
        ("alter" | "alter-merge" | "delete", "database") => {
            let scope = Scope::Database(command.database_name()?);
            command.change_policy(&verb, &scope)
        }
        ("delete", "table") => command.delete_of_table(),
        ("drop", "table") => command.drop_something_of_table(),
        ("drop", "tables") => command.drop_tables(),
        ("clear", "table") => command.clear_table(),
        ("clear", "database") => command.clear_database_cache(),
        ("add" | "drop" | "set", _) => command.change_principals(&verb, &noun),
        ("ingest", "inline") => command.ingest_inline(),
        _ => Err(command.unknown(&format!(".{verb} {noun}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run_in(store: &mut Store, text: &str) -> Result<Table, KustoError> {
        run(store, "lab", text).map(|outcome| outcome.table)
    }

    fn store() -> Store {
        let store = Store::open(None).unwrap();
        store.create_database("lab").unwrap();
        store
    }

    #[test]
    fn unknown_commands_are_refused() {
        let mut store = store();
        for command in [
            ".",
            ".show",
            ".dance",
            ".show colours",
            ".create table",
            ".create table T",
            ".create table T (a)",
            ".create table T (a:colour)",
            ".create table T (a:int, a:long)",
            ".create table T ()",
            ".create table T (a:int) tail",
            ".show tables tail",
            ".show version x",
            ".drop table",
            ".alter table T",
            ".show table T rowcount",
            ".get ingestion resources",
            ".show ingestion resources",
            ".ingest inline table T <| 1",
        ] {
            let error = run_in(&mut store, command).unwrap_err();
            assert_eq!((error.status, error.permanent), (400, true), "{command}");
        }
    }

    #[test]
    fn a_pipe_hands_the_rest_over() {
        let outcome = run(&mut store(), "lab", ".show tables  | count").unwrap();
        assert_eq!(outcome.pipeline.as_deref(), Some(" count"));
    }
}
