//! The queue message of queued ingestion: base64 of JSON, in all the spellings that clients write.
//!
//! Pure reading. Key case, numbers as text, enumerations as numbers or names and explicit nulls are all taken, as
//! the service takes them (`kusto-protocol.md` §3.6).

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use url::Url;

use super::failure::Failure;
use crate::queue_messages::StatusEntity;

/// What is reported about a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reporting {
    pub failures: bool,
    pub successes: bool,
    /// Into the report queues.
    pub to_queue: bool,
}

/// The ingestion properties: blobs of one batch have the same.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Properties {
    pub database: String,
    pub table: String,
    /// Format name; empty when not given.
    pub format: String,
    pub mapping_reference: Option<String>,
    /// A mapping as JSON text.
    pub mapping: Option<String>,
    /// The mapping's kind as the client states it.
    pub mapping_kind: Option<String>,
    pub ignore_first_record: bool,
    /// Extent tags with their prefixes.
    pub tags: Vec<String>,
    /// Values of `ingest-by` tags: when the table has one, the blob is skipped.
    pub if_not_exists: Vec<String>,
    /// The other properties: sources that differ in them are not batched together.
    pub other: BTreeMap<String, String>,
}

/// One source to ingest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IngestionMessage {
    /// The client's id of the source.
    pub id: String,
    /// With its SAS.
    pub blob: Url,
    /// As the client states it.
    pub raw_size: Option<u64>,
    pub retain_blob: bool,
    pub flush_immediately: bool,
    pub reporting: Reporting,
    /// Where the status goes, if the client keeps one in a table.
    pub status: Option<StatusEntity>,
    pub identity: Option<String>,
    /// The operation that follows the source, when it came by REST.
    pub operation: Option<String>,
    pub properties: Properties,
}

impl IngestionMessage {
    /// The blob's URL without what opens it.
    pub(crate) fn source_path(&self) -> String {
        let mut url = self.blob.clone();
        url.set_query(None);
        url.to_string()
    }

    /// Reads a message's text. An error means that nobody can be sent a report: id or blob are missing.
    pub(crate) fn parse(text: &str) -> Result<(Self, Option<Failure>), String> {
        let bytes =
            STANDARD.decode(text.trim()).map_err(|error| format!("the text is not base64: {error}"))?;
        let json: Value =
            serde_json::from_slice(&bytes).map_err(|error| format!("the text is not JSON: {error}"))?;
        let fields = Fields::of(&json).ok_or("the text is not a JSON object")?;
        let id = fields.text("id").ok_or("the message has no Id")?;
        let blob = blob_url(&fields.text("blobpath").ok_or("the message has no BlobPath")?)?;
        let reporting = reporting(&fields);
        let status = fields.object("ingestionstatusintable").and_then(|status| {
            Some(StatusEntity {
                table: status.text("tableconnectionstring")?,
                partition: status.text("partitionkey")?,
                row: status.text("rowkey")?,
            })
        });
        let extra = fields.object("additionalproperties").unwrap_or_default();
        let (mut properties, failure) = match properties(&extra) {
            Ok(properties) => (properties, None),
            Err(failure) => (Properties::default(), Some(failure)),
        };
        properties.database = fields.text("databasename").unwrap_or_default();
        properties.table = fields.text("tablename").unwrap_or_default();
        let message = Self {
            id,
            blob,
            raw_size: fields.text("rawdatasize").and_then(|size| size.parse().ok()),
            retain_blob: fields.flag("retainblobonsuccess"),
            flush_immediately: fields.flag("flushimmediately"),
            reporting,
            status,
            identity: extra.text("authorizationcontext"),
            operation: fields.text("ingestionoperationid"),
            properties,
        };
        Ok((message, failure))
    }
}

/// The members of an object by lower-case name.
#[derive(Debug, Default)]
struct Fields(BTreeMap<String, Value>);

impl Fields {
    fn of(value: &Value) -> Option<Self> {
        let lower = |map: &Map<String, Value>| {
            map.iter().map(|(key, value)| (key.to_ascii_lowercase(), value.clone())).collect()
        };
        value.as_object().map(|map| Self(lower(map)))
    }

    /// A text, number or flag as text; none when absent or null.
    fn text(&self, name: &str) -> Option<String> {
        match self.0.get(name)? {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        }
    }

    fn flag(&self, name: &str) -> bool {
        self.text(name).is_some_and(|text| text.eq_ignore_ascii_case("true") || text == "1")
    }

    fn object(&self, name: &str) -> Option<Self> {
        Self::of(self.0.get(name)?)
    }

    /// A list that the clients write as the JSON text of an array (or, leniently, as an array).
    fn list(&self, name: &str) -> Result<Vec<String>, Failure> {
        let Some(text) = self.text(name).filter(|text| !text.is_empty()) else { return Ok(Vec::new()) };
        serde_json::from_str(&text).map_err(|error| {
            let details = format!("The ingestion property '{name}' is not a JSON array of texts: {error}");
            Failure::permanent("BadRequest_MalformedIngestionProperty", details)
        })
    }
}

fn blob_url(path: &str) -> Result<Url, String> {
    // `;key`, `;impersonate` and the like follow the path when there is no SAS.
    let path = if path.contains('?') { path } else { path.split(';').next().unwrap_or_default() };
    let url = Url::parse(path).map_err(|error| format!("BlobPath is not a URL: {error}"))?;
    if url.has_host() { Ok(url) } else { Err("BlobPath has no host".to_owned()) }
}

fn reporting(fields: &Fields) -> Reporting {
    let level = fields.text("reportlevel").unwrap_or_default().to_ascii_lowercase();
    let method = fields.text("reportmethod").unwrap_or_default().to_ascii_lowercase();
    Reporting {
        failures: !matches!(level.as_str(), "1" | "none" | "donotreport"),
        successes: matches!(level.as_str(), "2" | "failuresandsuccesses"),
        to_queue: !matches!(method.as_str(), "1" | "table" | "3" | "azuremonitoring"),
    }
}

fn properties(extra: &Fields) -> Result<Properties, Failure> {
    const REFERENCES: [&str; 5] = [
        "ingestionmappingreference",
        "csvmappingreference",
        "jsonmappingreference",
        "avromappingreference",
        "mappingreference",
    ];
    const INLINE: [&str; 4] = ["ingestionmapping", "csvmapping", "jsonmapping", "avromapping"];
    const KNOWN: [&str; 6] = [
        "authorizationcontext",
        "format",
        "ignorefirstrecord",
        "tags",
        "ingestifnotexists",
        "ingestionmappingtype",
    ];
    // They would change what is stored, so leaving them out silently would give a wrong table.
    const UNSUPPORTED: [&str; 3] = ["extend_schema", "recreate_schema", "treatgzasuncompressed"];
    let first =
        |names: &[&str]| names.iter().find_map(|name| extra.text(name)).filter(|text| !text.is_empty());
    let mapping_reference = first(&REFERENCES);
    let mapping = first(&INLINE);
    if mapping_reference.is_some() && mapping.is_some() {
        let details = "Both ingestionMapping and ingestionMappingReference were given.";
        return Err(Failure::permanent("BadRequest_DuplicateMapping", details));
    }
    if let Some(name) = UNSUPPORTED.into_iter().find(|name| extra.flag(name)) {
        let details = format!("The ingestion property '{name}' is not supported by this emulator.");
        return Err(Failure::permanent("BadRequest_IngestionPropertyNotSupportedInThisContext", details));
    }
    let known = |name: &str| KNOWN.contains(&name) || REFERENCES.contains(&name) || INLINE.contains(&name);
    let other = extra.0.keys().filter(|name| !known(name));
    Ok(Properties {
        database: String::new(),
        table: String::new(),
        format: extra.text("format").unwrap_or_default().to_ascii_lowercase(),
        mapping_reference,
        mapping,
        mapping_kind: extra.text("ingestionmappingtype").filter(|text| !text.is_empty()),
        ignore_first_record: extra.flag("ignorefirstrecord"),
        tags: extra.list("tags")?,
        if_not_exists: extra.list("ingestifnotexists")?,
        other: other.filter_map(|name| Some((name.clone(), extra.text(name)?))).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::{IngestionMessage, Reporting};
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn parse(message: &Value) -> IngestionMessage {
        let (message, failure) = IngestionMessage::parse(&STANDARD.encode(message.to_string())).unwrap();
        assert_eq!(failure, None);
        message
    }

    /// Two messages of the real JVM connector, as recorded.
    const GOLDEN: &str = include_str!("../../../tests/fixtures/golden/queue-message-5.3.1.json");

    #[test]
    fn the_jvm_connectors_camel_case_is_read() {
        let golden: Vec<Value> = serde_json::from_str(GOLDEN).unwrap();
        assert_eq!(golden.len(), 2);
        for (recorded, number) in golden.iter().zip(["0_0", "2_0"]) {
            let message = parse(recorded);
            let start = format!(
                "https://localhost:8443/devstoreaccount1/ingestdata0/db__T__kafka_t200_{number}.CSV__"
            );
            assert!(message.source_path().starts_with(&start), "{}", message.source_path());
            assert!(message.source_path().ends_with(".csv.gz"));
            assert_eq!(message.id, recorded["id"].as_str().unwrap());
            assert_eq!(
                (message.raw_size, message.retain_blob, message.flush_immediately),
                (None, true, false)
            );
            assert_eq!(message.reporting, Reporting { failures: true, successes: false, to_queue: true });
            assert_eq!((message.status, message.identity.as_deref()), (None, Some("IDTOKEN")));
            let properties = message.properties;
            assert_eq!((properties.database.as_str(), properties.table.as_str()), ("db", "T"));
            assert_eq!((properties.format.as_str(), properties.ignore_first_record), ("csv", false));
        }
    }

    #[test]
    fn pascal_case_numbers_and_texts_are_read() {
        let message = parse(&json!({
            "BlobPath": "http://h/acct1/c/b.gz?x=1", "RawDataSize": "12", "DatabaseName": "D", "TableName": "T",
            "Id": "i", "RetainBlobOnSuccess": "false", "FlushImmediately": true, "ReportLevel": 2,
            "ReportMethod": 1, "IngestionStatusInTable":
                {"TableConnectionString": "http://h/acct1/ingestionsstatus?s=1", "PartitionKey": "p", "RowKey": "r"},
            "AdditionalProperties": {"format": "MultiJSON", "jsonMappingReference": "m", "ignoreFirstRecord": true,
                "tags": "[\"ingest-by:a\"]", "ingestIfNotExists": "[\"a\"]", "creationTime": "2020"}
        }));
        assert_eq!(
            (message.raw_size, message.retain_blob, message.flush_immediately),
            (Some(12), false, true)
        );
        assert_eq!(message.reporting, Reporting { failures: true, successes: true, to_queue: false });
        assert_eq!(message.status.unwrap().row, "r");
        let properties = message.properties;
        assert_eq!(
            (properties.format.as_str(), properties.mapping_reference.as_deref()),
            ("multijson", Some("m"))
        );
        assert_eq!(
            (properties.tags, properties.if_not_exists),
            (vec!["ingest-by:a".to_owned()], vec!["a".to_owned()])
        );
        assert!(properties.ignore_first_record && properties.other.contains_key("creationtime"));
    }

    #[test]
    fn mistakes_are_named() {
        let failing = |extra: Value| {
            let text =
                json!({"Id": "i", "BlobPath": "http://h/c/b", "AdditionalProperties": extra}).to_string();
            IngestionMessage::parse(&STANDARD.encode(text)).unwrap().1.unwrap().code
        };
        assert_eq!(failing(json!({"tags": "x"})), "BadRequest_MalformedIngestionProperty");
        assert_eq!(
            failing(json!({"ingestionMapping": "[]", "ingestionMappingReference": "m"})),
            "BadRequest_DuplicateMapping"
        );
        assert_eq!(
            failing(json!({"extend_schema": "true"})),
            "BadRequest_IngestionPropertyNotSupportedInThisContext"
        );
        for text in ["no base64!", "bm8ganNvbg==", "e30=", "W10="] {
            IngestionMessage::parse(text).unwrap_err();
        }
    }

    proptest! {
        #[test]
        fn any_text_is_answered(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            drop(IngestionMessage::parse(&STANDARD.encode(&bytes)));
            drop(IngestionMessage::parse(&String::from_utf8_lossy(&bytes)));
        }
    }
}
