//! A command being read and carried out: its text, the store it changes, and the parts that many commands have.

use serde_json::Value;

use crate::cursor::Cursor;
use crate::error::KustoError;
use crate::lexer::TokenKind;
use crate::store::{Database, Store, TableSchema};

/// A command being read and carried out.
pub(super) struct Command<'a> {
    pub(super) store: &'a mut Store,
    pub(super) database: &'a str,
    pub(super) cursor: Cursor<'a>,
    pub(super) pipeline: Option<String>,
}

/// A property of a `with (…)` list.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Property {
    pub(super) name: String,
    pub(super) value: String,
}

impl Command<'_> {
    /// The refusal of words that start no command.
    pub(super) fn unknown(&self, what: &str) -> KustoError {
        let place = if self.cursor.is_done() { "" } else { " with these words" };
        KustoError::syntax(format!("The command '{}'{place} is not known to this emulator", what.trim()))
    }

    /// The command must end here, or hand its result to a query.
    pub(super) fn end(&mut self) -> Result<(), KustoError> {
        if self.cursor.eat_mark("|") {
            self.pipeline = Some(self.cursor.rest_of_text().to_owned());
            return Ok(());
        }
        // A trailing semicolon is allowed, as after a query.
        self.cursor.eat_mark(";");
        self.cursor.end()
    }

    /// The database the request is for.
    pub(super) fn current(&self) -> Result<Database, KustoError> {
        self.store.database(self.database)
    }

    /// A database named next.
    pub(super) fn database_name(&mut self) -> Result<Database, KustoError> {
        let name = self.cursor.name("a database's name")?;
        self.store.database(&name)
    }

    /// A table named next, in the current database.
    pub(super) fn table_name(&mut self) -> Result<TableSchema, KustoError> {
        let database = self.current()?;
        let name = self.cursor.name("a table's name")?;
        self.store.table(&database, &name)
    }

    /// `with (a = 'x', b = true)`, if it is next.
    pub(super) fn properties(&mut self) -> Result<Vec<Property>, KustoError> {
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
pub(super) fn text(value: &str) -> Value {
    Value::from(value)
}
