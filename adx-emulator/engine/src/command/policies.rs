//! Commands on policies (ingestionbatching, streamingingestion, ingestiontime) of tables and databases.

use serde_json::{Value, json};

use super::context::{Command, text};
use crate::answer::Table;
use crate::error::KustoError;
use crate::lexer::TokenKind;
use crate::policy::{
    BATCHING, INGESTION_TIME, STREAMING, invalid_policy, policy_object, read_batching, render_batching,
};
use crate::store::Scope;
use crate::value::KustoType;

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
            (_, Some(TokenKind::Word(word)))
                if name == INGESTION_TIME && matches!(word.as_str(), "true" | "false") =>
            {
                let enabled = word == "true";
                self.cursor.advance();
                Some(json!({ "IsEnabled": enabled }).to_string())
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
            INGESTION_TIME => Ok(INGESTION_TIME),
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
    let title = match name {
        BATCHING => "IngestionBatchingPolicy",
        INGESTION_TIME => "IngestionTimePolicy",
        _ => "StreamingIngestionPolicy",
    };
    let row =
        vec![text(title), text(&scope.entity_name()), Value::from(policy), text("[]"), text(scope.kind())];
    Table::new(&columns, vec![row])
}

/// Checks a policy and writes it in one form. With an old policy, keys that are not given keep their values.
fn normalise(name: &str, given: &str, old: Option<&str>) -> Result<String, KustoError> {
    let mut policy = old.map(policy_object).transpose()?.unwrap_or_default();
    policy.extend(policy_object(given)?);
    if name == BATCHING {
        let batching = read_batching(&policy)?;
        return Ok(render_batching(batching));
    }
    for (key, value) in &policy {
        let fits = match key.as_str() {
            "IsEnabled" => value.is_boolean(),
            "HintAllocatedRate" if name == STREAMING => value.is_number() || value.is_null(),
            _ => false,
        };
        if !fits {
            return Err(invalid_policy(&format!("'{key}' with the value {value}")));
        }
    }
    let enabled = policy.get("IsEnabled").ok_or_else(|| invalid_policy("'IsEnabled' is missing"))?;
    if name == INGESTION_TIME {
        return Ok(json!({ "IsEnabled": enabled }).to_string());
    }
    Ok(json!({"IsEnabled": enabled, "HintAllocatedRate": policy.get("HintAllocatedRate")}).to_string())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::run;
    use super::*;
    use crate::policy::{BatchingPolicy, batching, streaming};
    use crate::store::Store;

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
        assert!(!streaming(&store, "lab", "Storms").unwrap());
        assert!(command(&mut store, show).unwrap().cell(0, "Policy").unwrap().is_null());
        command(&mut store, ".alter table Storms policy streamingingestion enable").unwrap();
        let policy = r#"{"IsEnabled":true,"HintAllocatedRate":null}"#;
        assert_eq!(command(&mut store, show).unwrap().cell(0, "Policy").unwrap(), policy);
        command(&mut store, r#".alter database lab policy streamingingestion '{"IsEnabled": false}'"#)
            .unwrap();
        assert!(streaming(&store, "lab", "Storms").unwrap());
        command(&mut store, r#".alter table Storms policy streamingingestion '{"IsEnabled": false}'"#)
            .unwrap();
        assert!(!streaming(&store, "lab", "Storms").unwrap());
        command(&mut store, ".alter database lab policy streamingingestion enable").unwrap();
        assert!(streaming(&store, "lab", "Storms").unwrap());
        assert_eq!(streaming(&store, "lab", "it's").unwrap_err().code, "BadRequest_EntityNotFound");
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
