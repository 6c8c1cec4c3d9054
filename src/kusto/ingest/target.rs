//! Looks at tables, mappings, rights and policies before the first record flows (`kusto-sink-connector.md` §2.2).
//!
//! A missing table shows in Kusto only as a failed ingestion that nobody looks at; asked here it becomes a clear error, with
//! the KQL that puts it right, and all of them at once. What cannot be known for want of a permission is no error: ingestion
//! itself needs none to look. Asks; changes nothing.

use super::answer::Table;
use super::error::Class;
use super::kusto::KustoClient;
use super::{Error, Refusal, Target};
use serde_json::Value;
use std::collections::HashSet;

/// The name of these questions in errors.
const OPERATION: &str = "check target";

/// How the targets of one connector are looked at.
#[derive(Debug, Clone, Copy)]
pub struct TargetChecker<'a> {
    /// Who is asked.
    pub engine: &'a KustoClient,
    /// Us, in Kusto's words, where the settings tell.
    pub principal: Option<&'a str>,
    /// Rights and policies too, and no answer is an error.
    pub thorough: bool,
}

/// Is it there?
pub struct Question {
    /// KQL that shows it.
    command: String,
    /// What it is.
    what: String,
    /// KQL that makes it.
    create: String,
}

impl Question {
    /// About the table of `target`.
    pub fn of_table(target: &Target) -> Self {
        let Target { database, table, .. } = target;
        let name = quoted_name(table);
        Self {
            command: format!(".show table {name} cslschema"),
            what: format!("table {table} in database {database}"),
            create: format!(".create table {name} (<column>: <type>, ...)"),
        }
    }

    /// About the mapping that its settings name; none when they name none.
    pub fn of_mapping(target: &Target) -> Option<Self> {
        let Target { database, table, format, mapping, .. } = target;
        let mapping = mapping.as_deref().filter(|mapping| !mapping.is_empty())?;
        let (name, kind, text) =
            (quoted_name(table), format.mapping_kind().in_commands(), quoted_text(mapping));
        Some(Self {
            command: format!(".show table {name} ingestion {kind} mapping {text}"),
            what: format!("{kind} mapping {mapping} of table {table} in database {database}"),
            create: format!(".create table {name} ingestion {kind} mapping {text} '[...]'"),
        })
    }
}

/// What is known of something that has to be there.
pub enum TargetFound {
    /// It is there, and this is the answer.
    There(Table),
    /// It is not: [`Error::TargetNotFound`].
    Missing(Error),
}

impl TargetChecker<'_> {
    /// All problems of all `targets`.
    pub async fn all(&self, targets: &[Target]) -> Result<(), Error> {
        let mut problems = Vec::new();
        for target in targets {
            // After an error the next one would say the same: the cluster does not want us, or does not answer.
            self.one(target, &mut problems).await?;
        }
        // Two mappings of one table may lack the same.
        let mut told = HashSet::new();
        problems.retain(|problem| told.insert(problem.to_string()));
        match problems.len() {
            0 => Ok(()),
            1 => Err(problems.remove(0)),
            _ => Err(Error::Targets(problems)),
        }
    }

    async fn one(&self, target: &Target, problems: &mut Vec<Error>) -> Result<(), Error> {
        let Target { database, table, .. } = target;
        let Some(schema) = self.find(database, &Question::of_table(target), problems).await? else {
            return Ok(());
        };
        if let Some(question) = Question::of_mapping(target) {
            let found = self.find(database, &question, problems).await?;
            if let Some(found) = found.filter(|_| self.thorough) {
                problems.extend(self.columns(&question.what, &quoted_name(table), (&schema, &found)));
            }
        }
        if self.thorough {
            self.access(target, problems).await?;
            if target.streaming {
                self.streams(target, problems).await?;
            }
        }
        Ok(())
    }

    /// The answer to `question`; none when it is missing (noted in `problems`) or when the service does not say.
    async fn find(
        &self,
        database: &str,
        question: &Question,
        problems: &mut Vec<Error>,
    ) -> Result<Option<Table>, Error> {
        match self.look(database, question).await {
            Ok(TargetFound::There(table)) => Ok(Some(table)),
            Ok(TargetFound::Missing(problem)) => {
                problems.push(problem);
                Ok(None)
            }
            Err(error) => self.unknown(error, &question.what).map(|()| None),
        }
    }

    /// The answer to `question`; an error when the service does not say.
    pub async fn look(&self, database: &str, question: &Question) -> Result<TargetFound, Error> {
        let Question { command, what, create } = question;
        let (code, text, create) = match self.engine.command(OPERATION, database, command).await {
            Ok(table) if !table.is_empty() => return Ok(TargetFound::There(table)),
            Ok(_) => (None, "the service lists none".to_owned(), create.as_str()),
            Err(Error::Refused(refusal)) if says_missing(&refusal) => {
                let database = refusal.text.contains("Database '") || refusal.text.contains("'Database'");
                let create = if database { "the database, in the Azure portal" } else { create };
                (refusal.code, refusal.text, create)
            }
            Err(error) => return Err(error),
        };
        let (what, url, create) = (what.clone(), self.engine.url(), create.to_owned());
        Ok(TargetFound::Missing(Error::TargetNotFound { what, url, code, text, create }))
    }

    /// An error that says neither yes nor no.
    fn unknown(&self, error: Error, what: &str) -> Result<(), Error> {
        let forbidden = matches!(&error, Error::Refused(refusal) if refusal.status == 403);
        if rejects_us(&error) || (self.thorough && !forbidden) {
            return Err(error);
        }
        if self.thorough {
            tracing::warn!(%error, "no right to look at the {what}: going on without knowing");
        } else {
            tracing::info!(%error, "cannot tell whether the {what} exists: going on without knowing");
        }
        Ok(())
    }

    /// Columns that the mapping of `target` fills and its table does not have; none when there are no such columns.
    pub fn missing_columns(&self, target: &Target, schema: &Table, mapping: &Table) -> Option<Error> {
        let question = Question::of_mapping(target)?;
        self.columns(&question.what, &quoted_name(&target.table), (schema, mapping))
    }

    /// Columns that the mapping fills and the table does not have. One with a data type is made by the service.
    fn columns(&self, what: &str, name: &str, (schema, mapping): (&Table, &Table)) -> Option<Error> {
        let columns = schema.text("Schema").map(column_names)?;
        let missing: Vec<_> = mapping.text("Mapping").map(filled_columns).unwrap_or_default();
        let missing: Vec<_> = missing.into_iter().filter(|column| !columns.contains(column)).collect();
        if missing.is_empty() {
            return None;
        }
        let list = missing.iter().map(|column| format!("{}: <type>", quoted_name(column)));
        Some(Error::TargetUnfit {
            what: format!("the {what} fills columns that the table does not have: {}", missing.join(", ")),
            url: self.engine.url(),
            repair: format!(".alter-merge table {name} ({})", list.collect::<Vec<_>>().join(", ")),
        })
    }

    async fn access(&self, target: &Target, problems: &mut Vec<Error>) -> Result<(), Error> {
        let Target { database, table, .. } = target;
        let Some(principal) = self.principal else {
            tracing::info!(
                "whether we may ingest into {database}.{table} is not asked: the settings do not name us"
            );
            return Ok(());
        };
        match self.may_ingest(principal, target).await {
            Ok(problem) => problems.extend(problem),
            Err(error) => self.unknown(error, &format!("rights on table {table} in database {database}"))?,
        }
        Ok(())
    }

    /// May `principal` ingest? Only the service can tell, and only about a principal whose name we know. What is wrong, if
    /// anything.
    pub async fn may_ingest(&self, principal: &str, target: &Target) -> Result<Option<Error>, Error> {
        let Target { database, table, .. } = target;
        let command = format!(
            ".show principal access with (principal={}, accesstype='ingest', database={}, table={})",
            quoted_text(principal),
            quoted_text(database),
            quoted_text(table)
        );
        let answer = self.engine.command(OPERATION, database, &command).await?;
        // The fourth column, whatever its name; a boolean may be a number (`kusto-protocol.md` §2.2).
        if answer.at(3).is_some_and(is_true) {
            return Ok(None);
        }
        Ok(Some(Error::TargetUnfit {
            // Who that is, is in the command.
            what: format!("the principal may not ingest into table {table} in database {database}"),
            url: self.engine.url(),
            repair: format!(".add table {} ingestors ({})", quoted_name(table), quoted_text(principal)),
        }))
    }

    async fn streams(&self, target: &Target, problems: &mut Vec<Error>) -> Result<(), Error> {
        let Target { database, table, .. } = target;
        match self.takes_streams(target).await {
            Ok(problem) => problems.extend(problem),
            Err(error) => {
                self.unknown(error, &format!("streaming policy of table {table} in database {database}"))?;
            }
        }
        Ok(())
    }

    /// Is streaming ingestion enabled? The table's policy counts, and without one the database's. What is wrong, if
    /// anything.
    pub async fn takes_streams(&self, target: &Target) -> Result<Option<Error>, Error> {
        let Target { database, table, .. } = target;
        let policy = self.policy((database, table), "streamingingestion").await?;
        if policy.as_deref().and_then(is_enabled) == Some(true) {
            return Ok(None);
        }
        Ok(Some(Error::TargetUnfit {
            what: format!("streaming ingestion is not enabled for table {table} in database {database}"),
            url: self.engine.url(),
            repair: format!(".alter table {} policy streamingingestion enable", quoted_name(table)),
        }))
    }

    /// A policy of the table, and without one of its database; JSON, none when neither has one.
    pub async fn policy(
        &self,
        (database, table): (&str, &str),
        policy: &str,
    ) -> Result<Option<String>, Error> {
        for scope in [format!("table {}", quoted_name(table)), format!("database {}", quoted_name(database))]
        {
            let command = format!(".show {scope} policy {policy}");
            let answer = self.engine.command(OPERATION, database, &command).await?;
            if let Some(text) = answer.text("Policy").filter(|text| !matches!(text.trim(), "" | "null")) {
                return Ok(Some(text.to_owned()));
            }
        }
        Ok(None)
    }
}

/// `a:int,['b c']:string` without types. Kusto quotes what is no plain identifier.
fn column_names(schema: &str) -> Vec<String> {
    let names = schema.split(',').filter_map(|part| part.rsplit_once(':')).map(|(name, _)| name.trim());
    names.map(|name| name.trim_start_matches("['").trim_end_matches("']").to_owned()).collect()
}

/// The columns of a mapping that must exist.
fn filled_columns(mapping: &str) -> Vec<String> {
    let Ok(Value::Array(elements)) = serde_json::from_str(mapping) else { return Vec::new() };
    let text = |element: &Value, names: &[&str]| {
        let fields = element.as_object()?.iter();
        let mut found = fields.filter(|(key, _)| names.iter().any(|name| key.eq_ignore_ascii_case(name)));
        found.find_map(|(_, value)| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned))
    };
    let untyped = elements.iter().filter(|element| text(element, &["datatype", "csldatatype"]).is_none());
    untyped.filter_map(|element| text(element, &["column", "name"])).collect()
}

fn is_true(cell: &Value) -> bool {
    cell.as_bool().unwrap_or_else(|| cell.as_i64() == Some(1))
}

/// What the policy says; none when there is none.
fn is_enabled(policy: &str) -> Option<bool> {
    serde_json::from_str::<Value>(policy).ok()?.get("IsEnabled")?.as_bool()
}

/// `kusto-protocol.md` §9.1, entity not found.
pub fn says_missing(refusal: &Refusal) -> bool {
    const CODES: [&str; 4] =
        ["EntityNotFound", "TableNotExist", "DatabaseNotExist", "MappingReferenceWasNotFound"];
    let has = |text: &str| CODES.iter().any(|code| text.contains(code));
    let kind = ["'Table'", "'Database'", "'Mapping'"].iter().any(|kind| refusal.text.contains(kind));
    refusal.status < 500
        && (refusal.code.as_deref().is_some_and(has)
            || has(&refusal.text)
            || (kind && refusal.text.contains("not found")))
}

fn rejects_us(error: &Error) -> bool {
    match error {
        Error::Credentials { retriable, .. } => !retriable,
        Error::Untrusted { .. } => true,
        _ => error.class() == Some(Class::Token),
    }
}

/// A name in a KQL command.
pub fn quoted_name(name: &str) -> String {
    format!("[{}]", quoted_text(name))
}

/// A string literal in a KQL command.
pub fn quoted_text(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

#[cfg(test)]
mod tests {
    use super::{column_names, filled_columns, is_enabled, quoted_name, quoted_text};

    #[test]
    fn names_cannot_break_out() {
        assert_eq!(quoted_name("T"), "['T']");
        assert_eq!(quoted_text(r"a'] | drop \"), r"'a\'] | drop \\'");
    }

    #[test]
    fn columns_are_read_from_schema_and_mapping() {
        assert_eq!(column_names("a:int,['b-c']:string, d:dynamic"), ["a", "b-c", "d"]);
        assert_eq!(column_names(""), Vec::<String>::new());
        let mapping =
            r#"[{"column":"a","path":"$.a"},{"Name":"b","DataType":"int"},{"Column":"c","datatype":""}, 7]"#;
        assert_eq!(filled_columns(mapping), ["a", "c"]);
        assert_eq!(filled_columns("{"), Vec::<String>::new());
    }

    #[test]
    fn a_policy_says_yes_no_or_nothing() {
        assert_eq!(is_enabled(r#"{"IsEnabled":true,"HintAllocatedRate":null}"#), Some(true));
        assert_eq!(is_enabled(r#"{"IsEnabled":false}"#), Some(false));
        assert_eq!(is_enabled("null"), None);
    }
}
