//! Commands on roles of principals. Roles are stored and shown, and enforced nowhere: the emulator only answers who would
//! be allowed.

use serde_json::{Value, json};

use super::context::{Command, text};
use crate::answer::Table;
use crate::error::KustoError;
use crate::store::Scope;
use crate::value::KustoType;

const ROLES: [&str; 6] = ["admins", "users", "viewers", "unrestrictedviewers", "ingestors", "monitors"];

impl Command<'_> {
    /// `.add|.drop database D admins ('…') ['notes']`, the same for a table. `.set` is refused.
    pub(super) fn change_principals(&mut self, verb: &str, noun: &str) -> Result<Table, KustoError> {
        match (verb, noun) {
            ("add" | "drop", "database") => {
                let name = self.cursor.name("a database's name")?;
                self.change_database_principals(verb, &name)
            }
            ("add" | "drop", "table") => {
                let name = self.cursor.name("a table's name")?;
                self.change_table_principals(verb, &name)
            }
            _ => Err(self.unknown(&format!(".{verb} {noun}"))),
        }
    }

    /// The same, after the database's name.
    pub(super) fn change_database_principals(&mut self, verb: &str, name: &str) -> Result<Table, KustoError> {
        let database = self.store.database(name)?;
        self.change_roles(verb, &Scope::Database(database))
    }

    /// The same, after the table's name.
    pub(super) fn change_table_principals(&mut self, verb: &str, name: &str) -> Result<Table, KustoError> {
        let table = self.store.table(&self.current()?, name)?;
        self.change_roles(verb, &Scope::Table(table))
    }

    fn change_roles(&mut self, verb: &str, scope: &Scope) -> Result<Table, KustoError> {
        let role = self.cursor.name("a role")?;
        if !ROLES.contains(&role.as_str()) {
            return Err(KustoError::syntax(format!("'{role}' is not a role (known: {})", ROLES.join(", "))));
        }
        self.cursor.expect_mark("(")?;
        let mut principals = vec![self.principal()?];
        while self.cursor.eat_mark(",") {
            principals.push(self.principal()?);
        }
        self.cursor.expect_mark(")")?;
        let notes = match self.cursor.peek() {
            Some(crate::lexer::TokenKind::Text(_)) => self.cursor.string("notes")?,
            _ => String::new(),
        };
        self.end()?;
        for principal in principals {
            match verb {
                "add" => self.store.add_principal(scope, &role, &principal, &notes)?,
                _ => self.store.drop_principal(scope, &role, &principal)?,
            }
        }
        self.principals_table(scope)
    }

    fn principal(&mut self) -> Result<String, KustoError> {
        let principal = self.cursor.string("a principal as 'aadapp=id;tenant'")?;
        if kind_of(&principal).is_none() {
            let message = format!(
                "'{principal}' is not a principal: expected aaduser=, aadgroup= or aadapp= and an id."
            );
            return Err(KustoError::invalid("BadRequest_InvalidPrincipal", message));
        }
        Ok(principal)
    }

    /// `.show database D principals`, `.show table T principals`.
    pub(super) fn show_principals(&mut self, scope: &Scope) -> Result<Table, KustoError> {
        self.end()?;
        self.principals_table(scope)
    }

    fn principals_table(&self, scope: &Scope) -> Result<Table, KustoError> {
        let columns = [
            ("Role", KustoType::String),
            ("PrincipalType", KustoType::String),
            ("PrincipalDisplayName", KustoType::String),
            ("PrincipalObjectId", KustoType::String),
            ("PrincipalFQN", KustoType::String),
            ("Notes", KustoType::String),
        ];
        let mut rows = Vec::new();
        for (role, principal, notes) in self.store.principals(scope)? {
            let singular = role.trim_end_matches('s');
            let title = format!("{} {}{}", scope.kind(), singular[..1].to_uppercase(), &singular[1..]);
            let (kind, id) = kind_of(&principal).unwrap_or(("Unknown", &principal));
            rows.push([title.as_str(), kind, id, id, &principal, &notes].map(text).to_vec());
        }
        Ok(Table::new(&columns, rows))
    }

    /// `.show principal access with (principal='…', accesstype='ingest', database='D', table='T')`.
    ///
    /// The fourth column says whether access is allowed, which is what clients read; the other columns' names are ours. It
    /// is, once the entities exist and nobody or this principal has a role that lets it.
    pub(super) fn show_principal_access(&mut self) -> Result<Table, KustoError> {
        self.cursor.expect_word("access")?;
        let properties = self.properties()?;
        self.end()?;
        let get = |name: &str| {
            properties.iter().find(|p| p.name.eq_ignore_ascii_case(name)).map(|p| p.value.as_str())
        };
        let (Some(principal), Some(access)) = (get("principal"), get("accesstype")) else {
            return Err(KustoError::syntax("'.show principal access' needs principal and accesstype"));
        };
        let database = self.store.database(get("database").unwrap_or(self.database))?;
        let mut scopes = vec![Scope::Database(database.clone())];
        if let Some(table) = get("table") {
            scopes.push(Scope::Table(self.store.table(&database, table)?));
        }
        let allowed = self.is_allowed(&scopes, principal)?;
        let entity = scopes.last().map(Scope::entity_name).unwrap_or_default();
        let columns = [
            ("PrincipalFQN", KustoType::String),
            ("Entity", KustoType::String),
            ("AccessType", KustoType::String),
            ("IsAllowed", KustoType::Bool),
        ];
        let row: Vec<Value> = vec![text(principal), text(&entity), text(access), json!(allowed)];
        Ok(Table::new(&columns, vec![row]))
    }

    /// Nobody was given the right to ingest in any of `scopes`, or `principal` was.
    fn is_allowed(&self, scopes: &[Scope], principal: &str) -> Result<bool, KustoError> {
        let mut named = Vec::new();
        for scope in scopes {
            named.extend(self.store.principals(scope)?);
        }
        named.retain(|(role, ..)| matches!(role.as_str(), "admins" | "ingestors"));
        // Without a tenant the client's own is meant.
        let is_same = |given: &str| given == principal || given.split(';').next() == Some(principal);
        Ok(named.is_empty() || named.iter().any(|(_, given, _)| is_same(given)))
    }
}

/// The kind of principal and its id.
fn kind_of(principal: &str) -> Option<(&'static str, &str)> {
    let (prefix, name) = principal.split_once('=')?;
    let kind = match prefix.trim().to_ascii_lowercase().as_str() {
        "aadapp" => "AAD Application",
        "aaduser" => "AAD User",
        "aadgroup" => "AAD Group",
        "msauser" => "MSA User",
        _ => return None,
    };
    let id = name.split(';').next()?.trim();
    (!id.is_empty()).then_some((kind, id))
}

#[cfg(test)]
mod tests {
    use super::super::run;
    use crate::answer::Table;
    use crate::error::KustoError;
    use crate::store::Store;

    fn commands(texts: &[&str]) -> Vec<Result<Table, KustoError>> {
        let mut store = Store::open(None).unwrap();
        run(&mut store, "lab", ".create table T (a:int)").unwrap();
        texts.iter().map(|text| run(&mut store, "lab", text).map(|outcome| outcome.table)).collect()
    }

    #[test]
    fn the_labs_admin_is_added_and_dropped() {
        let results = commands(&[
            ".add database lab admins  ('aadapp=YOUR_APP_ID;YOUR_TENANT_ID') 'AAD App'",
            ".show database lab principals",
            ".add table T ingestors ('aaduser=a@b.c', 'aadgroup=g;t')",
            ".drop database lab admins ('aadapp=YOUR_APP_ID;YOUR_TENANT_ID')",
            ".drop table T ingestors ('aaduser=a@b.c')",
        ]);
        let added = results[0].as_ref().unwrap();
        assert_eq!(added.cell(0, "Role").unwrap(), "Database Admin");
        assert_eq!(added.cell(0, "PrincipalFQN").unwrap(), "aadapp=YOUR_APP_ID;YOUR_TENANT_ID");
        assert_eq!(added.cell(0, "Notes").unwrap(), "AAD App");
        assert_eq!(results[1].as_ref().unwrap(), added);
        assert_eq!(results[2].as_ref().unwrap().rows.len(), 2);
        assert!(results[3].as_ref().unwrap().rows.is_empty());
        assert_eq!(results[4].as_ref().unwrap().rows.len(), 1);
    }

    #[test]
    fn with_an_ingestor_only_that_one_may_ingest() {
        let access = |who: &str| {
            format!(
                ".show principal access with (principal='{who}', accesstype='ingest', database='lab', table='T')"
            )
        };
        let questions = ["aadapp=x;y", "aadapp=x", "aadapp=z;y"].map(access);
        let mut texts = vec![".add table T ingestors ('aadapp=x;y')"];
        texts.extend(questions.iter().map(String::as_str));
        let results = commands(&texts);
        let allowed = results[1..].iter().map(|result| result.as_ref().unwrap().rows[0][3].clone());
        assert_eq!(allowed.collect::<Vec<_>>(), [true, true, false]);
    }

    #[test]
    fn everybody_may_ingest_into_what_exists() {
        let results = commands(&[
            ".show principal access with (principal = 'aadapp=x;y', accesstype='ingest',database='lab',table='T')",
            ".show principal access with (principal = 'aadapp=x;y', accesstype='ingest',database='lab',table='U')",
            ".add database lab admins ('nobody')",
            ".add database lab kings ('aadapp=x;y')",
            ".set database lab admins none",
        ]);
        assert_eq!(results[0].as_ref().unwrap().rows[0][3], true);
        assert!(results[1..].iter().all(Result::is_err));
    }
}
