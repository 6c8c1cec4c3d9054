//! `.ingest inline into table T [with (…)] <| data`.

use serde_json::json;
use uuid::Uuid;

use super::context::{Command, text};
use crate::answer::Table;
use crate::datetime;
use crate::error::KustoError;
use crate::ingest;
use crate::ingestion::IngestSource;
use crate::value::{KustoType, parse_bool};

/// The ingestion properties of the command.
#[derive(Default)]
struct Properties {
    format: String,
    reference: Option<String>,
    mapping: Option<String>,
    ignore_first_record: bool,
    tags: Vec<String>,
    ingest_if_not_exists: Vec<String>,
}

impl Command<'_> {
    pub(super) fn ingest_inline(&mut self) -> Result<Table, KustoError> {
        self.cursor.expect_word("into")?;
        self.cursor.expect_word("table")?;
        let table = self.cursor.name("a table's name")?;
        let properties = self.inline_properties()?;
        self.cursor.expect_mark("<|")?;
        let data = inline_data(self.cursor.rest_of_text());
        let operation_id = Uuid::new_v4();
        let source = IngestSource {
            database: self.database,
            table: &table,
            format: &properties.format,
            mapping_reference: properties.reference.as_deref(),
            mapping_inline: properties.mapping.as_deref(),
            mapping_kind: None,
            ignore_first_record: properties.ignore_first_record,
            data: data.as_bytes(),
            source_path: "inline",
            operation_id,
            activity_id: operation_id,
            streamed: false,
            tags: &properties.tags,
            ingest_if_not_exists: &properties.ingest_if_not_exists,
        };
        let ingested = ingest::ingest(self.store, &source)
            .map_err(|failure| KustoError::invalid(failure.code, failure.details))?;
        let columns = [
            ("ExtentId", KustoType::Guid),
            ("ItemLoaded", KustoType::String),
            ("Duration", KustoType::TimeSpan),
            ("HasErrors", KustoType::Bool),
            ("OperationId", KustoType::Guid),
        ];
        let (extent, operation) = (ingested.extent_id.to_string(), operation_id.to_string());
        let duration = datetime::format_timespan(0);
        let row = vec![text(&extent), text("inline"), text(&duration), json!(false), text(&operation)];
        Ok(Table::new(&columns, vec![row]))
    }

    fn inline_properties(&mut self) -> Result<Properties, KustoError> {
        let mut properties = Properties::default();
        for property in self.properties()? {
            let value = property.value;
            match property.name.to_ascii_lowercase().as_str() {
                "format" => properties.format = value,
                "ingestionmappingreference" => properties.reference = Some(value),
                "ingestionmapping" => properties.mapping = Some(value),
                "ignorefirstrecord" => {
                    properties.ignore_first_record = parse_bool(&value).ok_or_else(|| {
                        KustoError::invalid("BadRequest_MalformedIngestionProperty", &value)
                    })?;
                }
                "tags" => properties.tags = list(&value)?,
                "ingestifnotexists" => properties.ingest_if_not_exists = list(&value)?,
                other => return Err(KustoError::unsupported(format!("the ingestion property '{other}'"))),
            }
        }
        Ok(properties)
    }
}

/// A JSON array of texts.
fn list(value: &str) -> Result<Vec<String>, KustoError> {
    serde_json::from_str(value).map_err(|error| {
        KustoError::invalid(
            "BadRequest_MalformedIngestionProperty",
            format!("'{value}' is not a JSON array: {error}"),
        )
    })
}

/// The data as it is; only the rest of the command's own line is left out when it is blank.
fn inline_data(text: &str) -> &str {
    match text.split_once('\n') {
        Some((line, data)) if line.trim().is_empty() => data,
        _ => text.strip_prefix(' ').unwrap_or(text),
    }
}

#[cfg(test)]
mod tests {
    use super::super::run;
    use crate::store::Store;

    #[test]
    fn data_in_the_command_becomes_rows() {
        let mut store = Store::open(None).unwrap();
        let mut command = |text: &str| run(&mut store, "lab", text).map(|outcome| outcome.table);
        command(".create table T (a:string, b:long)").unwrap();
        command(".ingest inline into table T <|\nx,1\n\"y | 'z\",2\n").unwrap();
        command(".ingest inline into table T with (format='multijson', tags='[\"ingest-by:k\"]') <| {\"a\":\"q\"}").unwrap();
        command(".ingest inline into table T with (ingestIfNotExists='[\"k\"]') <| x,1").unwrap();
        command(".ingest inline into table T with (ignoreFirstRecord=true) <| a,b\nx,1").unwrap();
        let shown = command(".show table T extents").unwrap();
        assert_eq!(shown.rows.len(), 3);
        assert_eq!(shown.cell(0, "RowCount").unwrap(), 2);
        assert_eq!(shown.cell(1, "Tags").unwrap(), "ingest-by:k");
        let error = command(".ingest inline into table T <| a,1\nb").unwrap_err();
        assert_eq!((error.status, error.code), (400, "Stream_WrongNumberOfFields"));
        assert!(command(".ingest inline into table T with (colour='red') <| a").is_err());
        assert_eq!(command(".show table T details").unwrap().cell(0, "TotalRowCount").unwrap(), 4);
    }
}
