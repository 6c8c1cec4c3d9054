//! Commands that only read: version, cluster, ingestion failures, data operations, extents.

use serde_json::{Value, json};
use time::OffsetDateTime;

use super::context::{Command, text};
use crate::answer::Table;
use crate::datetime;
use crate::error::KustoError;
use crate::store::TableSchema;
use crate::value::KustoType;

const FAILURES: [(&str, KustoType); 16] = [
    ("OperationId", KustoType::Guid),
    ("Database", KustoType::String),
    ("Table", KustoType::String),
    ("FailedOn", KustoType::DateTime),
    ("IngestionSourcePath", KustoType::String),
    ("Details", KustoType::String),
    ("FailureKind", KustoType::String),
    ("RootActivityId", KustoType::Guid),
    ("OperationKind", KustoType::String),
    ("OriginatesFromUpdatePolicy", KustoType::Bool),
    ("ErrorCode", KustoType::String),
    ("Principal", KustoType::String),
    ("User", KustoType::String),
    ("IngestionProperties", KustoType::String),
    ("NumberOfSources", KustoType::Int),
    ("ShouldRetry", KustoType::Bool),
];

const OPERATIONS: [(&str, KustoType); 13] = [
    ("Timestamp", KustoType::DateTime),
    ("Database", KustoType::String),
    ("Table", KustoType::String),
    ("ClientActivityId", KustoType::String),
    ("OperationKind", KustoType::String),
    ("OriginalSize", KustoType::Long),
    ("ExtentSize", KustoType::Long),
    ("RowCount", KustoType::Long),
    ("ExtentCount", KustoType::Int),
    ("TotalCpu", KustoType::TimeSpan),
    ("Duration", KustoType::TimeSpan),
    ("Principal", KustoType::String),
    ("Properties", KustoType::Dynamic),
];

impl Command<'_> {
    /// `.show version`.
    pub(super) fn show_version(&mut self) -> Result<Table, KustoError> {
        self.end()?;
        let columns = [
            ("BuildVersion", KustoType::String),
            ("BuildTime", KustoType::DateTime),
            ("ServiceType", KustoType::String),
            ("ProductVersion", KustoType::String),
            ("ServiceOffering", KustoType::String),
        ];
        let version = env!("CARGO_PKG_VERSION");
        let built = datetime::format(datetime::from_offset(OffsetDateTime::UNIX_EPOCH));
        let product = format!("adx-emulator {version}");
        let row = [version, &built, "Engine", &product, "{\"Type\":\"AdxEmulator\"}"].map(text).to_vec();
        Ok(Table::new(&columns, vec![row]))
    }

    /// `.show cluster`.
    pub(super) fn show_cluster(&mut self) -> Result<Table, KustoError> {
        self.end()?;
        let columns = [
            ("NodeId", KustoType::String),
            ("Address", KustoType::String),
            ("Name", KustoType::Int),
            ("IsCurrent", KustoType::Bool),
            ("EnvironmentDescription", KustoType::String),
        ];
        let row =
            vec![text("Engine000000000"), text("localhost"), json!(0), json!(true), text("adx-emulator")];
        Ok(Table::new(&columns, vec![row]))
    }

    /// `.show ingestion failures [with (OperationId = '…')]`, of all databases.
    pub(super) fn show_ingestion_failures(&mut self) -> Result<Table, KustoError> {
        if !self.cursor.eat_word("failures") {
            return Err(self.unknown(".show ingestion"));
        }
        let properties = self.properties()?;
        self.end()?;
        if let Some(other) = properties.iter().find(|p| !p.name.eq_ignore_ascii_case("OperationId")) {
            return Err(KustoError::unsupported(format!(
                "the property '{}' of '.show ingestion failures'",
                other.name
            )));
        }
        let mut failures = self.store.failures()?;
        for wanted in &properties {
            failures.retain(|failure| failure.operation.eq_ignore_ascii_case(&wanted.value));
        }
        let rows = failures.iter().map(|failure| -> Vec<Value> {
            vec![
                text(&failure.operation),
                text(&failure.database),
                text(&failure.table),
                text(&datetime::format(failure.failed_on)),
                text(&failure.source),
                text(&failure.details),
                text(if failure.permanent { "Permanent" } else { "Transient" }),
                text(&failure.activity),
                text("DataIngestPull"),
                json!(failure.code.starts_with("UpdatePolicy_")),
                text(&failure.code),
                text(""),
                text(""),
                text(&failure.properties),
                json!(failure.sources),
                json!(!failure.permanent),
            ]
        });
        Ok(Table::new(&FAILURES, rows.collect()))
    }

    /// `.show data operations`, of all databases.
    pub(super) fn show_data_operations(&mut self) -> Result<Table, KustoError> {
        self.cursor.expect_word("operations")?;
        self.end()?;
        let nothing = datetime::format_timespan(0);
        let rows = self.store.operations()?.into_iter().map(|operation| -> Vec<Value> {
            vec![
                text(&datetime::format(operation.at)),
                text(&operation.database),
                text(&operation.table),
                text(&operation.activity),
                text(&operation.kind),
                json!(operation.bytes),
                json!(operation.bytes),
                json!(operation.rows),
                json!(1),
                text(&nothing),
                text(&nothing),
                text(""),
                serde_json::from_str(&operation.properties).unwrap_or_default(),
            ]
        });
        Ok(Table::new(&OPERATIONS, rows.collect()))
    }

    /// `.show table T extents`: the columns that say something here.
    pub(super) fn show_extents(&mut self, table: &TableSchema) -> Result<Table, KustoError> {
        self.end()?;
        let columns = [
            ("ExtentId", KustoType::Guid),
            ("DatabaseName", KustoType::String),
            ("TableName", KustoType::String),
            ("MaxCreatedOn", KustoType::DateTime),
            ("OriginalSize", KustoType::Real),
            ("RowCount", KustoType::Long),
            ("MinCreatedOn", KustoType::DateTime),
            ("Tags", KustoType::String),
        ];
        let mut rows = Vec::new();
        for extent in self.store.extents(table)? {
            let created = datetime::format(extent.created);
            let tags: Vec<String> = serde_json::from_str(&extent.tags).unwrap_or_default();
            #[expect(clippy::cast_precision_loss, reason = "sizes are shown as real numbers")]
            let size = json!(extent.bytes as f64);
            let (database, name) = (text(&table.database.name), text(&table.name));
            let tags = text(&tags.join("\r\n"));
            rows.push(vec![
                text(&extent.id),
                database,
                name,
                text(&created),
                size,
                json!(extent.rows),
                text(&created),
                tags,
            ]);
        }
        Ok(Table::new(&columns, rows))
    }
}

#[cfg(test)]
mod tests {
    use super::super::run;
    use super::*;
    use crate::ingestion::FailureRecord;
    use crate::store::Store;
    use uuid::Uuid;

    #[test]
    fn version_and_cluster_answer() {
        let mut store = Store::open(None).unwrap();
        let version = run(&mut store, "lab", ".show version").unwrap().table;
        assert_eq!(version.cell(0, "ServiceType").unwrap(), "Engine");
        assert_eq!(run(&mut store, "lab", ".show cluster").unwrap().table.rows.len(), 1);
    }

    #[test]
    fn failures_are_shown_of_all_databases_and_by_operation() {
        let mut store = Store::open(None).unwrap();
        let failure = |database: &str, permanent| FailureRecord {
            operation_id: Uuid::new_v4(),
            database: database.to_owned(),
            table: "T".to_owned(),
            failed_on: OffsetDateTime::now_utc(),
            source_path: "http://localhost/c/b".to_owned(),
            details: "bad".to_owned(),
            permanent,
            error_code: "Stream_WrongNumberOfFields".to_owned(),
            root_activity_id: Uuid::new_v4(),
            ingestion_properties: "{}".to_owned(),
            number_of_sources: 1,
        };
        let first = failure("lab", true);
        store.add_failure(&first).unwrap();
        store.add_failure(&failure("other", false)).unwrap();
        let old =
            FailureRecord { failed_on: first.failed_on - time::Duration::days(15), ..failure("lab", true) };
        store.add_failure(&old).unwrap();
        let all = run(&mut store, "lab", ".show ingestion failures").unwrap().table;
        assert_eq!(all.rows.len(), 2);
        assert_eq!(all.columns.len(), 16);
        assert_eq!(all.cell(0, "FailureKind").unwrap(), "Permanent");
        assert_eq!(all.cell(1, "ShouldRetry").unwrap(), true);
        assert_eq!(all.cell(0, "Database").unwrap(), "lab");
        assert_eq!(all.cell(1, "Database").unwrap(), "other");
        // Whatever database the request names.
        assert_eq!(run(&mut store, "NetDefaultDB", ".show ingestion failures").unwrap().table.rows, all.rows);
        let one = format!(".show ingestion failures with (OperationId='{}')", first.operation_id);
        assert_eq!(run(&mut store, "lab", &one).unwrap().table.rows.len(), 1);
    }
}
