//! Commands on policies (ingestionbatching, streamingingestion) of tables and databases, and what they mean.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{Command, text};
use crate::engine::BatchingPolicy;
use crate::engine::answer::Table;
use crate::engine::datetime;
use crate::engine::error::KustoError;
use crate::engine::lexer::TokenKind;
use crate::engine::store::{Scope, Store};
use crate::engine::value::KustoType;

/// The policy's name in commands and in the store.
const BATCHING: &str = "ingestionbatching";
const STREAMING: &str = "streamingingestion";

impl Command<'_> {
    /// `.alter[-merge] … policy P value`, `.delete … policy P`; the scope is read already.
    pub(super) fn change_policy(&mut self, verb: &str, scope: &Scope) -> Result<Table, KustoError> {
        self.cursor.expect_word("policy")?;
        let name = self.policy_name()?;
        let value = match (verb, self.cursor.peek()) {
            ("delete", _) => None,
            (_, Some(TokenKind::Word(word)))
                if name == STREAMING && matches!(word.as_str(), "enable" | "disable") =>
            {
                let enabled = word == "enable";
                self.cursor.advance();
                Some(json!({"IsEnabled": enabled, "HintAllocatedRate": null}).to_string())
            }
            _ => {
                let given = self.cursor.string("the policy as a JSON text")?;
                let old = if verb == "alter-merge" { self.store.policy(scope, name)? } else { None };
                Some(normalise(name, &given, old.as_deref())?)
            }
        };
        self.end()?;
        self.store.set_policy(scope, name, value.as_deref())?;
        Ok(policy_table(scope, name, value))
    }

    /// `… policy P`, after `.show table T` or `.show database D`.
    pub(super) fn show_policy(&mut self, scope: &Scope) -> Result<Table, KustoError> {
        let name = self.policy_name()?;
        self.end()?;
        Ok(policy_table(scope, name, self.store.policy(scope, name)?))
    }

    fn policy_name(&mut self) -> Result<&'static str, KustoError> {
        let name = self.cursor.name("a policy's name")?;
        match name.as_str() {
            BATCHING => Ok(BATCHING),
            STREAMING => Ok(STREAMING),
            other => Err(KustoError::unsupported(format!("the policy '{other}'"))),
        }
    }
}

fn policy_table(scope: &Scope, name: &str, policy: Option<String>) -> Table {
    let columns = [
        ("PolicyName", KustoType::String),
        ("EntityName", KustoType::String),
        ("Policy", KustoType::String),
        ("ChildEntities", KustoType::String),
        ("EntityType", KustoType::String),
    ];
    let title = if name == BATCHING { "IngestionBatchingPolicy" } else { "StreamingIngestionPolicy" };
    let row =
        vec![text(title), text(&scope.entity_name()), Value::from(policy), text("[]"), text(scope.kind())];
    Table::new(&columns, vec![row])
}

/// Checks a policy and writes it in one form. With an old policy, keys that are not given keep their values.
fn normalise(name: &str, given: &str, old: Option<&str>) -> Result<String, KustoError> {
    let mut policy = old.map(object).transpose()?.unwrap_or_default();
    policy.extend(object(given)?);
    if name == BATCHING {
        let batching = read_batching(&policy)?;
        return Ok(render_batching(batching));
    }
    for (key, value) in &policy {
        let fits = match key.as_str() {
            "IsEnabled" => value.is_boolean(),
            "HintAllocatedRate" => value.is_number() || value.is_null(),
            _ => false,
        };
        if !fits {
            return Err(invalid(&format!("'{key}' with the value {value}")));
        }
    }
    let enabled = policy.get("IsEnabled").ok_or_else(|| invalid("'IsEnabled' is missing"))?;
    Ok(json!({"IsEnabled": enabled, "HintAllocatedRate": policy.get("HintAllocatedRate")}).to_string())
}

fn object(text: &str) -> Result<Map<String, Value>, KustoError> {
    serde_json::from_str(text).map_err(|error| invalid(&format!("it is no JSON object: {error}")))
}

fn invalid(what: &str) -> KustoError {
    KustoError::invalid("BadRequest_InvalidPolicy", format!("The policy is not valid: {what}"))
}

/// The policy's numbers within the service's upper limits. Its lower limits (10 s, 100 MB) are not held, so that tests
/// of batching need not wait.
fn read_batching(policy: &Map<String, Value>) -> Result<BatchingPolicy, KustoError> {
    let mut batching = BatchingPolicy::default();
    for (key, value) in policy {
        let bad = || invalid(&format!("'{key}' with the value {value}"));
        let number = |most: u64| {
            let number = value.as_u64().filter(|number| (1..=most).contains(number));
            number.and_then(|number| u32::try_from(number).ok()).ok_or_else(bad)
        };
        match key.as_str() {
            _ if value.is_null() => {}
            "MaximumBatchingTimeSpan" => {
                let ticks = value.as_str().and_then(datetime::parse_timespan).ok_or_else(bad)?;
                let ticks = u64::try_from(ticks).map_err(|_| bad())?;
                batching.time_span = Duration::from_nanos(ticks.saturating_mul(100));
                if batching.time_span > Duration::from_mins(30) {
                    return Err(bad());
                }
            }
            "MaximumNumberOfItems" => batching.items = number(25_000)?,
            "MaximumRawDataSizeMB" => batching.raw_size_mb = number(4096)?,
            _ => return Err(bad()),
        }
    }
    Ok(batching)
}

fn render_batching(batching: BatchingPolicy) -> String {
    let ticks = i64::try_from(batching.time_span.as_nanos() / 100).unwrap_or(i64::MAX);
    json!({
        "MaximumBatchingTimeSpan": datetime::format_timespan(ticks),
        "MaximumNumberOfItems": batching.items,
        "MaximumRawDataSizeMB": batching.raw_size_mb,
    })
    .to_string()
}

/// The batching policy in force for a table: its own, else the database's, else the default.
pub fn batching(store: &Store, database: &str, table: &str) -> Result<BatchingPolicy, KustoError> {
    let database = store.database(database)?;
    let mut policy = None;
    if let Some(table) = store.find_table(&database, table)? {
        policy = store.policy(&Scope::Table(table), BATCHING)?;
    }
    if policy.is_none() {
        policy = store.policy(&Scope::Database(database), BATCHING)?;
    }
    policy.map_or_else(|| Ok(BatchingPolicy::default()), |policy| read_batching(&object(&policy)?))
}

#[cfg(test)]
mod tests {
    use super::super::run;
    use super::*;

    fn store() -> Store {
        let mut store = Store::open(None).unwrap();
        run(&mut store, "lab", ".create table Storms (a:int)").unwrap();
        store
    }

    fn command(store: &mut Store, text: &str) -> Result<Table, KustoError> {
        run(store, "lab", text).map(|outcome| outcome.table)
    }

    #[test]
    fn the_labs_batching_policy_is_in_force() {
        let mut store = store();
        assert_eq!(batching(&store, "lab", "Storms").unwrap(), BatchingPolicy::default());
        let alter = r#".alter database lab policy ingestionbatching '{"MaximumNumberOfItems": 7}'"#;
        command(&mut store, alter).unwrap();
        assert_eq!(batching(&store, "lab", "Storms").unwrap().items, 7);
        let alter = r#".alter table Storms policy ingestionbatching @'{"MaximumBatchingTimeSpan":"00:00:15", "MaximumNumberOfItems": 100, "MaximumRawDataSizeMB": 300}'"#;
        command(&mut store, alter).unwrap();
        let expected = BatchingPolicy { time_span: Duration::from_secs(15), items: 100, raw_size_mb: 300 };
        assert_eq!(batching(&store, "lab", "Storms").unwrap(), expected);
        let shown = command(&mut store, ".show table Storms policy ingestionbatching").unwrap();
        assert_eq!(
            shown.cell(0, "Policy").unwrap(),
            r#"{"MaximumBatchingTimeSpan":"00:00:15","MaximumNumberOfItems":100,"MaximumRawDataSizeMB":300}"#
        );
        assert_eq!(shown.cell(0, "EntityName").unwrap(), "[lab].[Storms]");
        let merge = r#".alter-merge table Storms policy ingestionbatching '{"MaximumNumberOfItems": 5}'"#;
        command(&mut store, merge).unwrap();
        assert_eq!(batching(&store, "lab", "Storms").unwrap(), BatchingPolicy { items: 5, ..expected });
        command(&mut store, ".delete table Storms policy ingestionbatching").unwrap();
        assert_eq!(batching(&store, "lab", "Storms").unwrap().items, 7);
    }

    #[test]
    fn the_streaming_policy_is_on_off_or_absent() {
        let mut store = store();
        let show = ".show table Storms policy streamingingestion";
        assert!(command(&mut store, show).unwrap().cell(0, "Policy").unwrap().is_null());
        command(&mut store, ".alter table Storms policy streamingingestion enable").unwrap();
        let policy = r#"{"IsEnabled":true,"HintAllocatedRate":null}"#;
        assert_eq!(command(&mut store, show).unwrap().cell(0, "Policy").unwrap(), policy);
        command(&mut store, r#".alter database lab policy streamingingestion '{"IsEnabled": false}'"#)
            .unwrap();
        let shown = command(&mut store, ".show database lab policy streamingingestion").unwrap();
        assert_eq!(shown.cell(0, "EntityType").unwrap(), "Database");
    }

    #[test]
    fn bad_policies_are_refused() {
        let mut store = store();
        for value in [
            "'x'",
            "'[]'",
            r#"'{"MaximumNumberOfItems":0}'"#,
            r#"'{"MaximumNumberOfItems":"9"}'"#,
            r#"'{"MaximumBatchingTimeSpan":"00:31:00"}'"#,
            r#"'{"MaximumBatchingTimeSpan":"-00:01:00"}'"#,
            r#"'{"Colour":1}'"#,
            r#"'{"MaximumRawDataSizeMB":5000}'"#,
        ] {
            let error = command(&mut store, &format!(".alter table Storms policy ingestionbatching {value}"));
            assert_eq!(error.unwrap_err().code, "BadRequest_InvalidPolicy", "{value}");
        }
        assert!(command(&mut store, ".alter table Storms policy retention '{}'").is_err());
        assert!(command(&mut store, ".alter table Storms policy ingestionbatching enable").is_err());
    }
}
