//! Queued ingestion by REST (`kusto-protocol.md` §4): what the cluster offers, posting a blob, asking how far it is.
//!
//! One try each. The service and its documents disagree on the case of names, so keys are found in any case. A request
//! holds the blob's signature: it is for the wire only.

use super::kusto::{KustoClient, Post, below};
use super::url::redacted;
use super::{Error, IngestRequest, SasUrl};
use bytes::Bytes;
use reqwest::Method;
use serde_json::{Map, Value, json};
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

const JSON: &str = "application/json; charset=utf-8";

/// What a cluster offers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Offer {
    /// Addresses of containers, with their signatures.
    pub containers: Vec<String>,
    /// How long they may be used before they are asked for again.
    pub refresh: Option<Duration>,
    /// The cluster prefers REST to queues.
    pub preferred: bool,
}

/// How far a posted batch is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// Not at its end.
    Pending,
    /// Its rows are in the table.
    Succeeded,
    /// It will never be in the table.
    Failed {
        /// The service's error code, or what stands for it.
        code: String,
        /// The service's words, redacted.
        details: String,
    },
}

/// Asks the cluster for its ingestion settings.
pub async fn offer(dm: &KustoClient) -> Result<Offer, Error> {
    let get = request(dm, "get ingestion configuration", &["configuration"], Bytes::new());
    Ok(parse_offer(&dm.json(Method::GET, &get).await?))
}

/// Hands over the blob of `request`; the id of the operation that follows it, none when the service gave none.
pub async fn post(
    dm: &KustoClient,
    batch: &IngestRequest,
    blob: &SasUrl,
    now: OffsetDateTime,
) -> Result<Option<String>, Error> {
    let path = ["queued", &batch.database, &batch.table];
    let body = encode(batch, blob, now)?;
    let answer = dm.json(Method::POST, &request(dm, "post batch", &path, body)).await?;
    let id = find(&answer, "ingestionOperationId").and_then(Value::as_str);
    Ok(id.filter(|id| !id.is_empty()).map(str::to_owned))
}

/// Asks how far the source `id` of `operation` is.
pub async fn progress(
    dm: &KustoClient,
    (database, table): (&str, &str),
    operation: &str,
    id: Uuid,
) -> Result<Progress, Error> {
    let mut get = request(dm, "get ingestion status", &["queued", database, table, operation], Bytes::new());
    get.url.set_query(Some("details=true"));
    Ok(parse_progress(&dm.json(Method::GET, &get).await?, id))
}

fn request(dm: &KustoClient, operation: &'static str, path: &[&str], body: Bytes) -> Post {
    let mut url = below(dm.base(), "v1/rest/ingestion");
    // Fails only for URLs without a path, which no endpoint is.
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.extend(path);
    }
    let id = format!("KCC.ingest;{}", Uuid::new_v4());
    Post { operation, url, id, content_type: JSON, gzip: false, body, limit: dm.call_limit() }
}

fn encode(batch: &IngestRequest, blob: &SasUrl, now: OffsetDateTime) -> Result<Bytes, Error> {
    let mut properties = json!({"format": batch.format.wire(), "enableTracking": true});
    if let Some(mapping) = batch.mapping.as_deref().filter(|name| !name.is_empty()) {
        properties["ingestionMappingReference"] = Value::from(mapping);
    }
    let body = json!({
        "timestamp": now.format(&Rfc3339).map_err(|e| Error::Setup(e.to_string()))?,
        "blobs": [{
            "url": blob.expose().as_str(),
            "sourceId": batch.id.to_string(),
            "rawSize": batch.raw_size,
        }],
        "properties": properties,
    });
    Ok(body.to_string().into())
}

/// The member `name` of an object, in any case.
fn find<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    let members: &Map<String, Value> = value.as_object()?;
    members.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn parse_offer(answer: &Value) -> Offer {
    let containers = find(answer, "containerSettings");
    let text = |holder: Option<&Value>, name: &str| {
        holder.and_then(|holder| find(holder, name)).and_then(Value::as_str).map(str::to_owned)
    };
    let list = containers.and_then(|settings| find(settings, "containers")).and_then(Value::as_array);
    let paths = list.into_iter().flatten().filter_map(|item| find(item, "path")?.as_str());
    let method = text(find(answer, "ingestionSettings"), "preferredIngestionMethod").unwrap_or_default();
    Offer {
        containers: paths.map(str::to_owned).collect(),
        refresh: text(containers, "refreshInterval").as_deref().and_then(timespan),
        // Documents say V2, samples of the service REST.
        preferred: ["REST", "V2"].iter().any(|name| method.eq_ignore_ascii_case(name)),
    }
}

/// A length of time written as `[d.]hh:mm:ss`, with or without a fraction.
fn timespan(text: &str) -> Option<Duration> {
    let mut parts = text.trim().split(':');
    let (first, minutes, seconds) = (parts.next()?, parts.next()?, parts.next()?);
    let (days, hours) = first.split_once('.').unwrap_or(("0", first));
    let whole = seconds.split('.').next()?;
    let number = |text: &str| text.parse::<u32>().ok().map(u64::from);
    let hours = number(days)? * 24 + number(hours)?;
    parts.next().is_none().then_some(())?;
    Some(Duration::from_secs((hours * 60 + number(minutes)?) * 60 + number(whole)?))
}

/// What the status document says of the source `id`: its own line, or the counters when it has none.
fn parse_progress(answer: &Value, id: Uuid) -> Progress {
    let id = id.to_string();
    let text = |holder: &Value, name: &str| {
        let found = find(holder, name).and_then(Value::as_str);
        found.filter(|text| !text.is_empty()).map(redacted)
    };
    let details = find(answer, "details").and_then(Value::as_array);
    let line = details.into_iter().flatten().find(|line| {
        find(line, "sourceId").and_then(Value::as_str).is_some_and(|found| found.eq_ignore_ascii_case(&id))
    });
    let Some(line) = line else { return counted(find(answer, "status")) };
    let state = text(line, "status").unwrap_or_default().to_ascii_lowercase();
    match state.as_str() {
        "succeeded" => Progress::Succeeded,
        "failed" | "canceled" | "cancelled" => Progress::Failed {
            code: text(line, "errorCode").unwrap_or(state),
            details: text(line, "details").unwrap_or_else(|| "no details".to_owned()),
        },
        _ => Progress::Pending,
    }
}

/// One batch is one operation, so its counters are the batch's.
fn counted(counters: Option<&Value>) -> Progress {
    let count = |name: &str| {
        counters.and_then(|counters| find(counters, name)).and_then(Value::as_u64).unwrap_or_default()
    };
    if count("failed") + count("canceled") > 0 {
        let details = "the operation failed, and its status has no line for the batch".to_owned();
        Progress::Failed { code: "Unknown".to_owned(), details }
    } else if count("succeeded") > 0 && count("inProgress") == 0 {
        Progress::Succeeded
    } else {
        Progress::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::{Offer, Progress, counted, parse_offer, parse_progress, timespan};
    use proptest::prelude::*;
    use serde_json::{Value, json};
    use std::time::Duration;
    use uuid::Uuid;

    #[test]
    fn an_offer_is_read_in_both_spellings() {
        let sample = json!({"containerSettings": {"containers": [{"path": "https://a/c?sig=1"}, {"other": 1}],
            "lakeFolders": [], "refreshInterval": "01:00:00", "preferredUploadMethod": "Storage"},
            "ingestionSettings": {"maxBlobsPerBatch": 20, "preferredIngestionMethod": "REST"}});
        let containers = vec!["https://a/c?sig=1".to_owned()];
        let expected = Offer { containers, refresh: Some(Duration::from_hours(1)), preferred: true };
        assert_eq!(parse_offer(&sample), expected);
        let documented = json!({"ContainerSettings": {"Containers": [{"Path": "https://a/c?sig=1"}],
            "RefreshInterval": "01:00:00"}, "IngestionSettings": {"PreferredIngestionMethod": "V2"}});
        assert_eq!(parse_offer(&documented), expected);
        let old = json!({"ingestionSettings": {"preferredIngestionMethod": "V1"}});
        assert_eq!(parse_offer(&old), Offer::default());
    }

    #[test]
    fn lengths_of_time_are_read() {
        assert_eq!(timespan("00:10:30"), Some(Duration::from_secs(630)));
        assert_eq!(timespan("1.00:00:01.5"), Some(Duration::from_secs(86_401)));
        for text in ["", "10", "1:2", "a:b:c", "1:2:3:4", "-01:00:00"] {
            assert_eq!(timespan(text), None, "{text}");
        }
    }

    #[test]
    fn the_line_of_the_source_decides_and_without_it_the_counters() {
        let id = Uuid::from_u128(7);
        let document = |status: &str| {
            json!({"status": {"Succeeded": 1}, "details": [
                {"sourceId": Uuid::nil().to_string(), "status": "Succeeded"},
                {"SourceId": id.to_string().to_uppercase(), "Status": status, "errorCode": "BadRequest_EmptyBlob",
                 "details": "empty: https://a/b?sig=abc"}]})
        };
        assert_eq!(parse_progress(&document("InProgress"), id), Progress::Pending);
        assert_eq!(parse_progress(&document("Queued"), id), Progress::Pending);
        assert_eq!(parse_progress(&document("Succeeded"), id), Progress::Succeeded);
        let failed = Progress::Failed {
            code: "BadRequest_EmptyBlob".to_owned(),
            details: "empty: https://a/b?sig=[hidden]".to_owned(),
        };
        assert_eq!(parse_progress(&document("Failed"), id), failed);
        assert_eq!(counted(Some(&json!({"Succeeded": 1, "InProgress": 0}))), Progress::Succeeded);
        assert_eq!(counted(Some(&json!({"succeeded": 0, "inProgress": 1}))), Progress::Pending);
        assert!(matches!(counted(Some(&json!({"canceled": 1}))), Progress::Failed { .. }));
        assert_eq!(counted(None), Progress::Pending);
    }

    proptest! {
        #[test]
        fn no_answer_panics(text in "[\\[\\]{}\":,a-zE0-9]{0,80}", time in ".{0,30}") {
            if let Ok(value) = serde_json::from_str::<Value>(&text) {
                let _offer = parse_offer(&value);
                let _progress = parse_progress(&value, Uuid::nil());
            }
            let _time = timespan(&time);
        }
    }
}
