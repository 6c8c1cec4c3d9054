//! Management commands (text that starts with `.`): parsed to the end first, then carried out.
//!
//! A command, word or option that is not known here is refused; nothing is skipped over silently. Results have the
//! service's columns. Ingestion resources and identity tokens belong to the ingestion service, not here.

mod databases;
mod inline;
mod mappings;
mod policies;
mod principals;
mod show;
mod tables;

use serde_json::Value;

use super::answer::Table;
use super::cursor::Cursor;
use super::error::KustoError;
use super::lexer::{Mode, TokenKind};
use super::store::{Database, Scope, Store, TableSchema};

pub use policies::batching;

/// What a command gave.
pub struct Outcome {
    /// Its result.
    pub table: Table,
    /// The query that follows a pipe, if any.
    pub pipeline: Option<String>,
}

/// Runs one command in the context of `database`. The caller has a transaction open.
pub fn run(store: &mut Store, database: &str, text: &str) -> Result<Outcome, KustoError> {
    let cursor = Cursor::new(text, Mode::Command)?;
    let mut command = Command { store, database, cursor, pipeline: None };
    let table = command.dispatch()?;
    Ok(Outcome { table, pipeline: command.pipeline })
}

/// A command being read and carried out.
struct Command<'a> {
    store: &'a mut Store,
    database: &'a str,
    cursor: Cursor<'a>,
    pipeline: Option<String>,
}

/// A property of a `with (…)` list.
#[derive(Debug, Clone, PartialEq)]
struct Property {
    name: String,
    value: String,
}

impl Command<'_> {
    fn dispatch(&mut self) -> Result<Table, KustoError> {
        self.cursor.expect_mark(".")?;
        let verb = self.cursor.keyword();
        let noun = self.cursor.keyword();
        match (verb.as_str(), noun.as_str()) {
            ("create", "database") => self.create_database(),
            ("drop", "database") => self.drop_database(),
            ("show", "databases") => self.show_databases(),
            ("show", "database") => self.show_database(),
            ("show", "version") => self.show_version(),
            ("show", "cluster") => self.show_cluster(),
            ("show", "tables") => self.show_tables(),
            ("show", "table") => self.show_table(),
            ("show", "ingestion") => self.show_ingestion_failures(),
            ("show", "principal") => self.show_principal_access(),
            ("create" | "create-merge" | "create-or-alter" | "alter" | "alter-merge", "table") => {
                self.change_table(&verb)
            }
            ("alter" | "alter-merge" | "delete", "database") => {
                let scope = Scope::Database(self.database_name()?);
                self.change_policy(&verb, &scope)
            }
            ("delete", "table") => {
                let scope = Scope::Table(self.table_name()?);
                self.change_policy(&verb, &scope)
            }
            ("drop", "table") => self.drop_something_of_table(),
            ("drop", "tables") => self.drop_tables(),
            ("clear", "table") => self.clear_table(),
            ("clear", "database") => self.clear_database_cache(),
            ("add" | "drop" | "set", _) => self.change_principals(&verb, &noun),
            ("ingest", "inline") => self.ingest_inline(),
            _ => Err(self.unknown(&format!(".{verb} {noun}"))),
        }
    }

    fn unknown(&self, what: &str) -> KustoError {
        let place = if self.cursor.is_done() { "" } else { " with these words" };
        KustoError::syntax(format!("The command '{}'{place} is not known to this emulator", what.trim()))
    }

    /// The command must end here, or hand its result to a query.
    fn end(&mut self) -> Result<(), KustoError> {
        if self.cursor.eat_mark("|") {
            self.pipeline = Some(self.cursor.rest_of_text().to_owned());
            return Ok(());
        }
        // A trailing semicolon is allowed, as after a query.
        self.cursor.eat_mark(";");
        self.cursor.end()
    }

    /// The database the request is for.
    fn current(&self) -> Result<Database, KustoError> {
        self.store.database(self.database)
    }

    /// A database named next.
    fn database_name(&mut self) -> Result<Database, KustoError> {
        let name = self.cursor.name("a database's name")?;
        self.store.database(&name)
    }

    /// A table named next, in the current database.
    fn table_name(&mut self) -> Result<TableSchema, KustoError> {
        let database = self.current()?;
        let name = self.cursor.name("a table's name")?;
        self.store.table(&database, &name)
    }

    /// `with (a = 'x', b = true)`, if it is next.
    fn properties(&mut self) -> Result<Vec<Property>, KustoError> {
        let mut properties = Vec::new();
        if !self.cursor.eat_word("with") {
            return Ok(properties);
        }
        self.cursor.expect_mark("(")?;
        while !self.cursor.eat_mark(")") {
            if !properties.is_empty() {
                self.cursor.expect_mark(",")?;
            }
            let name = self.cursor.name("a property's name")?;
            self.cursor.expect_mark("=")?;
            properties.push(Property { name, value: self.property_value()? });
        }
        Ok(properties)
    }

    fn property_value(&mut self) -> Result<String, KustoError> {
        let value = match self.cursor.peek() {
            Some(TokenKind::Text(_)) => return self.cursor.string("a value"),
            Some(TokenKind::Word(word)) => word.clone(),
            Some(TokenKind::Long(number)) => number.to_string(),
            _ => return Err(self.cursor.unexpected("a property's value")),
        };
        self.cursor.advance();
        Ok(value)
    }
}

/// Shorthand for a text cell.
fn text(value: &str) -> Value {
    Value::from(value)
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
