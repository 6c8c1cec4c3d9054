//! Commands on databases.

use serde_json::json;

use super::context::{Command, text};
use crate::answer::Table;
use crate::error::KustoError;
use crate::store::Database;
use crate::value::KustoType;

impl Command<'_> {
    /// `.create database D [volatile] [ifnotexists]`.
    pub(super) fn create_database(&mut self) -> Result<Table, KustoError> {
        let name = self.cursor.name("a database's name")?;
        if self.cursor.is_word("persist") {
            return Err(KustoError::unsupported(
                "'persist' of '.create database' (the option --data persists)",
            ));
        }
        self.cursor.eat_word("volatile");
        let lenient = self.cursor.eat_word("ifnotexists");
        self.end()?;
        if name.is_empty() {
            return Err(KustoError::invalid(
                "BadRequest_EntityNameIsNotValid",
                "The database's name is empty.",
            ));
        }
        let created = self.store.create_database(&name)?;
        if !created && !lenient {
            return Err(KustoError::exists("Database", &name));
        }
        let columns = [
            ("DatabaseName", KustoType::String),
            ("PersistentPath", KustoType::String),
            ("Created", KustoType::Bool),
            ("StoresMetadata", KustoType::Bool),
            ("StoresData", KustoType::Bool),
        ];
        Ok(Table::new(&columns, vec![vec![text(&name), text(""), json!(created), json!(true), json!(true)]]))
    }

    /// `.drop database D [ifexists]`.
    pub(super) fn drop_database(&mut self) -> Result<Table, KustoError> {
        let name = self.cursor.name("a database's name")?;
        if !self.cursor.is_done() && !self.cursor.is_word("ifexists") && !self.cursor.is_mark("|") {
            return self.change_database_principals("drop", &name);
        }
        let lenient = self.cursor.eat_word("ifexists");
        self.end()?;
        match self.store.find_database(&name)? {
            Some(database) => self.store.drop_database(&database)?,
            None if lenient => {}
            None => return Err(KustoError::not_found("BadRequest_DatabaseNotExist", "Database", &name)),
        }
        self.databases()
    }

    /// `.show databases`.
    pub(super) fn show_databases(&mut self) -> Result<Table, KustoError> {
        self.end()?;
        self.databases()
    }

    /// `.show database [D] [identity]`, `.show database D policy P`, `.show database D principals`.
    pub(super) fn show_database(&mut self) -> Result<Table, KustoError> {
        let words = ["identity", "policy", "principals", "details", "schema", "policies", "datastats"];
        let keyword = words.iter().any(|word| self.cursor.is_word(word));
        let database =
            if self.cursor.is_name() && !keyword { self.database_name()? } else { self.current()? };
        if self.cursor.eat_word("policy") {
            return self.show_policy(&crate::store::Scope::Database(database));
        }
        if self.cursor.eat_word("principals") {
            return self.show_principals(&crate::store::Scope::Database(database));
        }
        self.cursor.eat_word("identity");
        self.end()?;
        Ok(self.database_table(&[database]))
    }

    fn databases(&self) -> Result<Table, KustoError> {
        Ok(self.database_table(&self.store.databases()?))
    }

    fn database_table(&self, databases: &[Database]) -> Table {
        let columns = [
            ("DatabaseName", KustoType::String),
            ("PersistentStorage", KustoType::String),
            ("Version", KustoType::String),
            ("IsCurrent", KustoType::Bool),
            ("DatabaseAccessMode", KustoType::String),
            ("PrettyName", KustoType::String),
            ("CurrentUserIsUnrestrictedViewer", KustoType::Bool),
            ("DatabaseId", KustoType::Guid),
        ];
        let row = |database: &Database| {
            let current = database.name.eq_ignore_ascii_case(self.database);
            let name = text(&database.name);
            vec![
                name,
                text(""),
                text("v1.0"),
                json!(current),
                text("ReadWrite"),
                text(""),
                json!(false),
                text(&database.guid),
            ]
        };
        Table::new(&columns, databases.iter().map(row).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::super::run;
    use crate::store::Store;

    #[test]
    fn databases_come_and_go() {
        let mut store = Store::open(None).unwrap();
        let mut command = |text: &str| run(&mut store, "Lab", text).map(|outcome| outcome.table);
        command(".create database Lab").unwrap();
        assert_eq!(command(".create database LAB").unwrap_err().code, "BadRequest_EntityAlreadyExists");
        command(".create database lab ifnotexists").unwrap();
        command(".create database ['other db'] volatile").unwrap();
        let shown = command(".show databases").unwrap();
        assert_eq!(shown.rows.len(), 2);
        assert_eq!(shown.cell(0, "DatabaseName").unwrap(), "Lab");
        assert_eq!(shown.cell(0, "IsCurrent").unwrap(), true);
        assert_eq!(command(".show database").unwrap().rows.len(), 1);
        assert_eq!(command(".drop database ['other db']").unwrap().rows.len(), 1);
        assert_eq!(command(".drop database nope").unwrap_err().code, "BadRequest_DatabaseNotExist");
        command(".drop database nope ifexists").unwrap();
    }
}
