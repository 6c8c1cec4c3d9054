//! The queue message that tells Kusto about a blob (`kusto-protocol.md` §3.6).
//!
//! Pure: a request, the blob's address and the identity token become base64 text, or an error when it would not fit
//! into a queue. Keys are `PascalCase`, as most SDKs write them; inside `AdditionalProperties` they are camelCase. The
//! text holds the SAS and the identity token: it is for the wire only.

use super::{Error, IngestRequest, SasUrl};
use crate::secret::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// What Azure Queue Storage takes as one message text, in bytes after base64.
pub const LIMIT: usize = 65_536;

/// Who sends: the texts of the tracing fields and headers.
#[derive(Debug, Clone)]
pub struct Sender {
    /// `x-ms-app` and `ApplicationForTracing`.
    pub application: String,
    /// `x-ms-client-version` and `ClientVersionForTracing`.
    pub client_version: String,
}

impl Sender {
    /// The texts for `connector`, which proves itself by the strategy `auth`.
    pub fn new(connector: &str, auth: &str) -> Self {
        let version = env!("CARGO_PKG_VERSION");
        let connector = field(connector);
        Self {
            application: format!(
                "Kusto.Kusto.Connect:{{{version}}}|App.{{{connector}}}:{{{version}}}|AuthType:{{{auth}}}"
            ),
            client_version: format!("Kusto.Rust.Connect:{{{version}}}"),
        }
    }
}

/// A text inside the braces of a tracing field: runs of what would end the field become `_`, and what is not ASCII
/// `?` (`kusto-protocol.md` §1.6).
fn field(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut gap = false;
    for c in text.chars() {
        if c.is_whitespace() || c.is_control() || "{}|".contains(c) {
            if !gap {
                out.push('_');
            }
            gap = true;
        } else {
            gap = false;
            out.push(if c.is_ascii() { c } else { '?' });
        }
    }
    out
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct IngestionBlobInfo<'a> {
    id: String,
    blob_path: &'a str,
    raw_data_size: u64,
    database_name: &'a str,
    table_name: &'a str,
    retain_blob_on_success: bool,
    flush_immediately: bool,
    /// 0: report failures only.
    report_level: u8,
    /// 0: report to the queue.
    report_method: u8,
    source_message_creation_time: String,
    ingestion_status_in_table: Option<()>,
    additional_properties: AdditionalProperties<'a>,
    application_for_tracing: &'a str,
    client_version_for_tracing: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AdditionalProperties<'a> {
    authorization_context: &'a str,
    format: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ingestion_mapping_reference: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ingestion_mapping_type: Option<&'a str>,
    ignore_first_record: &'static str,
}

/// The text of the queue message for `request`, whose blob is at `blob`, at the moment `now`.
pub fn encode(
    request: &IngestRequest,
    blob: &SasUrl,
    identity: &Secret,
    sender: &Sender,
    now: OffsetDateTime,
) -> Result<String, Error> {
    let mapping = request.mapping.as_deref().filter(|name| !name.is_empty());
    let message = IngestionBlobInfo {
        id: request.id.to_string(),
        blob_path: blob.expose().as_str(),
        raw_data_size: request.raw_size,
        database_name: &request.database,
        table_name: &request.table,
        // The service's own containers expire blobs by policy; every SDK says true.
        retain_blob_on_success: true,
        flush_immediately: false,
        report_level: 0,
        report_method: 0,
        source_message_creation_time: now.format(&Rfc3339).map_err(|e| Error::Setup(e.to_string()))?,
        ingestion_status_in_table: None,
        additional_properties: AdditionalProperties {
            authorization_context: identity.expose(),
            format: request.format.wire(),
            ingestion_mapping_reference: mapping,
            ingestion_mapping_type: mapping.map(|_| request.format.mapping_kind().as_str()),
            ignore_first_record: "false",
        },
        application_for_tracing: &sender.application,
        client_version_for_tracing: &sender.client_version,
    };
    let json = serde_json::to_vec(&message).map_err(|e| Error::Setup(e.to_string()))?;
    let text = STANDARD.encode(json);
    if text.len() > LIMIT {
        let identity = identity.expose().len().div_ceil(3) * 4;
        return Err(Error::MessageTooLarge { bytes: text.len(), limit: LIMIT, identity });
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::{Error, IngestRequest, LIMIT, SasUrl, Secret, Sender, encode};
    use crate::kusto::config::DataFormat;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use bytes::Bytes;
    use proptest::prelude::*;
    use serde_json::{Value, json};
    use std::collections::BTreeSet;
    use std::sync::Arc;
    use time::macros::datetime;
    use url::Url;
    use uuid::Uuid;

    const BLOB: &str = "https://acct/c/db__t__1.csv.gz?sv=1&sig=a%2Bb";

    fn request(mapping: Option<&str>) -> IngestRequest {
        IngestRequest {
            database: Arc::from("db"),
            table: Arc::from("T"),
            format: DataFormat::Csv,
            mapping: mapping.map(Arc::from),
            streaming: false,
            blob_name: "db__t__1.csv.gz".to_owned(),
            id: Uuid::from_u128(7),
            raw_size: 5_000_000_000,
            body: Bytes::new(),
        }
    }

    fn text(request: &IngestRequest, identity: &str) -> Result<String, Error> {
        let sender = Sender { application: "app".to_owned(), client_version: "ver".to_owned() };
        let blob = SasUrl::new(Url::parse(BLOB).unwrap());
        encode(request, &blob, &Secret::new(identity), &sender, datetime!(2026-11-23 06:12:41.5 UTC))
    }

    fn decoded(text: &str) -> Value {
        serde_json::from_slice(&STANDARD.decode(text).unwrap()).unwrap()
    }

    #[test]
    fn says_what_the_protocol_asks_for() {
        assert_eq!(
            decoded(&text(&request(Some("m")), "IDTOKEN").unwrap()),
            json!({
                "Id": "00000000-0000-0000-0000-000000000007",
                "BlobPath": BLOB,
                "RawDataSize": 5_000_000_000_u64,
                "DatabaseName": "db",
                "TableName": "T",
                "RetainBlobOnSuccess": true,
                "FlushImmediately": false,
                "ReportLevel": 0,
                "ReportMethod": 0,
                "SourceMessageCreationTime": "2026-11-23T06:12:41.5Z",
                "IngestionStatusInTable": null,
                "AdditionalProperties": {
                    "authorizationContext": "IDTOKEN",
                    "format": "csv",
                    "ingestionMappingReference": "m",
                    "ingestionMappingType": "Csv",
                    "ignoreFirstRecord": "false",
                },
                "ApplicationForTracing": "app",
                "ClientVersionForTracing": "ver",
            })
        );
    }

    /// The keys that the JVM connector 5.3.1 was seen to send; readers match them without regard to case.
    #[test]
    fn has_the_field_set_of_the_peer() {
        let peer = [
            "additionalproperties",
            "applicationfortracing",
            "blobpath",
            "clientversionfortracing",
            "databasename",
            "flushimmediately",
            "id",
            "ingestionstatusintable",
            "rawdatasize",
            "reportlevel",
            "reportmethod",
            "retainblobonsuccess",
            "sourcemessagecreationtime",
            "tablename",
        ];
        let message = decoded(&text(&request(None), "IDTOKEN").unwrap());
        let ours: BTreeSet<String> =
            message.as_object().unwrap().keys().map(|key| key.to_ascii_lowercase()).collect();
        assert_eq!(ours, peer.into_iter().map(str::to_owned).collect());
        let inner: BTreeSet<&String> = message["AdditionalProperties"].as_object().unwrap().keys().collect();
        assert_eq!(
            inner.into_iter().collect::<Vec<_>>(),
            ["authorizationContext", "format", "ignoreFirstRecord"]
        );
    }

    #[test]
    fn tracing_fields_fit_into_a_header() {
        assert_eq!(super::field("a {x}| ü"), "a_x_?");
        let sender = Sender::new("my\r\nconnector", "APPLICATION");
        assert!(sender.application.contains("|App.{my_connector}:{"), "{}", sender.application);
        assert!(sender.application.ends_with("|AuthType:{APPLICATION}"));
    }

    #[test]
    fn an_empty_mapping_is_none() {
        let message = decoded(&text(&request(Some("")), "x").unwrap());
        assert!(message["AdditionalProperties"].get("ingestionMappingReference").is_none());
        assert!(message["AdditionalProperties"].get("ingestionMappingType").is_none());
    }

    #[test]
    fn refuses_what_no_queue_takes() {
        let error = text(&request(None), &"x".repeat(50_000)).unwrap_err();
        assert!(!error.is_retriable());
        let text = error.to_string();
        assert!(text.contains("65536") && text.contains("66668 bytes of it"), "{text}");
        assert!(!error.is_of_batch(), "whose fault it is");
    }

    proptest! {
        #[test]
        fn any_name_survives(database in "\\PC{1,60}", table in "\\PC{1,60}", mapping in "\\PC{1,60}") {
            let mut request = request(Some(&mapping));
            request.database = Arc::from(database.as_str());
            request.table = Arc::from(table.as_str());
            let text = text(&request, "id").unwrap();
            prop_assert!(text.len() <= LIMIT);
            let message = decoded(&text);
            prop_assert_eq!(message["DatabaseName"].as_str(), Some(database.as_str()));
            prop_assert_eq!(message["TableName"].as_str(), Some(table.as_str()));
            prop_assert_eq!(message["AdditionalProperties"]["ingestionMappingReference"].as_str(), Some(mapping.as_str()));
        }
    }
}
