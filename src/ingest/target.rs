//! Looks whether a table and its mapping exist, before the first record flows.
//!
//! A missing table shows in Kusto only as a failed ingestion that nobody looks at; asked here it becomes a clear
//! error. What cannot be known (no permission to look, engine unreachable) is no error: ingestion itself needs neither.

use super::error::Class;
use super::kusto::KustoClient;
use super::{Error, Refusal};
use crate::config::DataFormat;

/// Asks the engine for `table` and, when named, `mapping`.
pub async fn check(
    engine: &KustoClient,
    database: &str,
    table: &str,
    format: DataFormat,
    mapping: Option<&str>,
) -> Result<(), Error> {
    let name = quoted_name(table);
    let what = format!("table {table} in database {database}");
    let command = format!(".show table {name} cslschema");
    let create = format!(".create table {name} (<column>: <type>, ...)");
    if !exists(engine, database, &command, what, create).await? {
        return Ok(());
    }
    let Some(mapping) = mapping.filter(|mapping| !mapping.is_empty()) else { return Ok(()) };
    let kind = format.mapping_kind().as_str().to_ascii_lowercase();
    let what = format!("{kind} mapping {mapping} of table {table} in database {database}");
    let text = quoted_text(mapping);
    let command = format!(".show table {name} ingestion {kind} mapping {text}");
    let create = format!(".create table {name} ingestion {kind} mapping {text} '[...]'");
    exists(engine, database, &command, what, create).await.map(|_| ())
}

/// True when the service says yes, false when it does not say; an error when it says no or refuses us.
async fn exists(
    engine: &KustoClient,
    database: &str,
    command: &str,
    what: String,
    create: String,
) -> Result<bool, Error> {
    let missing =
        |text: String| Error::TargetNotFound { what: what.clone(), url: engine.url(), text, create };
    match engine.command("check target", database, command).await {
        Ok(table) if table.len() == 0 => Err(missing("the service lists none".to_owned())),
        Ok(_) => Ok(true),
        Err(Error::Refused(refusal)) if says_missing(&refusal) => Err(missing(refusal.text)),
        Err(error) if rejects_us(&error) => Err(error),
        Err(error) => {
            tracing::info!(%error, "cannot tell whether the {what} exists: going on without knowing");
            Ok(false)
        }
    }
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
fn quoted_name(name: &str) -> String {
    format!("[{}]", quoted_text(name))
}

/// A string literal in a KQL command.
fn quoted_text(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

#[cfg(test)]
mod tests {
    use super::{quoted_name, quoted_text};

    #[test]
    fn names_cannot_break_out() {
        assert_eq!(quoted_name("T"), "['T']");
        assert_eq!(quoted_text(r"a'] | drop \"), r"'a\'] | drop \\'");
    }
}
