//! An emulator in this process and a client that speaks the real protocols to it.

use std::io::Write;
use std::time::Duration;

use adx_emulator::faults::{Effect, Rule};
use adx_emulator::stats::Snapshot;
use adx_emulator::{Emulator, Operation, Options};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};

/// The longest wait for anything.
pub const DEADLINE: Duration = Duration::from_secs(20);
/// The database of all tests.
pub const DATABASE: &str = "lab";

/// One emulator and its client.
pub struct Rig {
    /// The emulator.
    pub emulator: Emulator,
    /// The client.
    pub http: Client,
}

/// A container or queue handed out by the service.
#[derive(Debug, Clone)]
pub struct Resource {
    root: String,
    sas: String,
}

impl Resource {
    /// The URL of `path` in it, with its SAS and more `query`.
    pub fn url(&self, path: &str, query: &str) -> String {
        let slash = if path.is_empty() { "" } else { "/" };
        let and = if query.is_empty() { "" } else { "&" };
        format!("{}{slash}{path}?{}{and}{query}", self.root, self.sas)
    }
}

impl Rig {
    /// An emulator in memory whose batches wait one second at most.
    pub async fn start() -> Self {
        Self::with(Options { max_batching_time: Some(Duration::from_secs(1)), ..Options::default() }).await
    }

    /// An emulator with `options`.
    pub async fn with(options: Options) -> Self {
        let emulator = Emulator::start(options).await.unwrap();
        Self { emulator, http: Client::builder().no_proxy().no_gzip().build().unwrap() }
    }

    /// The next `times` requests of `operation` go wrong.
    pub fn spoil(&self, operation: Operation, times: u64, effect: Effect) {
        self.emulator.faults().add(Rule::new(operation, effect).times(times));
    }

    /// The counters now.
    pub fn counts(&self) -> Snapshot {
        self.emulator.stats().snapshot()
    }

    /// A POST to `path` of the plain port.
    pub fn post(&self, path: &str) -> RequestBuilder {
        self.http.post(format!("{}{path}", self.emulator.http_url()))
    }

    /// Sends a management command or, when it begins with no dot, a query.
    pub async fn ask(&self, csl: &str) -> Response {
        let path = if csl.starts_with('.') { "/v1/rest/mgmt" } else { "/v1/rest/query" };
        self.post(path).json(&json!({ "db": DATABASE, "csl": csl })).send().await.unwrap()
    }

    /// The rows of the first table that `csl` answers.
    pub async fn rows(&self, csl: &str) -> Vec<Vec<Value>> {
        let answer = self.ask(csl).await;
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{csl}: {status} {text}");
        let mut body: Value = serde_json::from_str(&text).unwrap();
        serde_json::from_value(body["Tables"][0]["Rows"].take()).unwrap()
    }

    /// All resources of one type.
    pub async fn resources(&self, kind: &str) -> Vec<Resource> {
        let rows = self.rows(".get ingestion resources").await;
        let found = rows.iter().filter(|row| row[0] == kind).map(|row| {
            let (root, sas) = row[1].as_str().unwrap().split_once('?').unwrap();
            Resource { root: root.to_owned(), sas: sas.to_owned() }
        });
        found.collect()
    }

    /// The first resource of one type.
    pub async fn resource(&self, kind: &str) -> Resource {
        self.resources(kind).await.remove(0)
    }

    /// Put Blob of `bytes`; its URL with SAS.
    pub async fn upload(&self, name: &str, bytes: Vec<u8>) -> String {
        let url = self.resource("TempStorage").await.url(name, "");
        let answer =
            self.http.put(&url).header("x-ms-blob-type", "BlockBlob").body(bytes).send().await.unwrap();
        assert_eq!(answer.status(), 201);
        url
    }

    /// An ingestion message for `blob` into table `T`, csv, with the identity token; `more` is merged into it.
    pub async fn message(&self, blob: &str, more: Value) -> Value {
        let token = self.rows(".get kusto identity token").await[0][0].clone();
        let mut message = json!({
            "Id": uuid::Uuid::new_v4().to_string(),
            "BlobPath": blob,
            "DatabaseName": DATABASE,
            "TableName": "T",
            "RetainBlobOnSuccess": true,
            "FlushImmediately": false,
            "ReportLevel": 0,
            "ReportMethod": 0,
            "AdditionalProperties": {"authorizationContext": token, "format": "csv"},
        });
        merge(&mut message, more);
        message
    }

    /// Put Message of `message` into the first secured queue.
    pub async fn enqueue(&self, message: &Value) -> Response {
        let queue = self.resource("SecuredReadyForAggregationQueue").await;
        self.put_message(&queue, &STANDARD.encode(message.to_string())).await
    }

    /// Put Message of `text` into `queue`.
    pub async fn put_message(&self, queue: &Resource, text: &str) -> Response {
        let body = format!("<QueueMessage><MessageText>{text}</MessageText></QueueMessage>");
        self.http.post(queue.url("messages", "")).body(body).send().await.unwrap()
    }

    /// Uploads `text` as gzip, posts its message (with `more`) and gives the message back.
    pub async fn ingest(&self, name: &str, text: &str, more: Value) -> Value {
        let blob = self.upload(name, gzip(text.as_bytes())).await;
        let mut message = self.message(&blob, json!({ "RawDataSize": text.len() })).await;
        merge(&mut message, more);
        assert_eq!(self.enqueue(&message).await.status(), 201);
        message
    }

    /// The reports in the failure or success queues, read from all of them.
    pub async fn reports(&self, kind: &str) -> Vec<Value> {
        let mut all = Vec::new();
        for queue in self.resources(kind).await {
            let url = queue.url("messages", "numofmessages=32&peekonly=true");
            let text = self.http.get(url).send().await.unwrap().text().await.unwrap();
            for part in text.split("<MessageText>").skip(1) {
                let coded = part.split("</MessageText>").next().unwrap();
                all.push(serde_json::from_slice(&STANDARD.decode(coded).unwrap()).unwrap());
            }
        }
        all
    }

    /// Waits until `reached` holds for the counters.
    pub async fn until(&self, what: &str, reached: impl Fn(&Snapshot) -> bool) -> Snapshot {
        let wait = async {
            loop {
                let counts = self.counts();
                if reached(&counts) {
                    return counts;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let Ok(counts) = tokio::time::timeout(DEADLINE, wait).await else {
            panic!("{what}: not within {DEADLINE:?}: {:?}", self.counts());
        };
        counts
    }

    /// Waits until table `T` has `count` rows.
    pub async fn until_rows(&self, count: u64) {
        let wait = async {
            while self.rows("T | count").await[0][0] != count {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let late = tokio::time::timeout(DEADLINE, wait).await.is_err();
        assert!(!late, "T has {:?} rows, not {count}: {:?}", self.rows("T | count").await, self.counts());
    }

    /// Makes the table of most tests.
    pub async fn create_table(&self) {
        self.rows(".create table T (Name: string, Number: long)").await;
    }
}

/// `bytes` as gzip.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn merge(into: &mut Value, more: Value) {
    match (into, more) {
        (Value::Object(into), Value::Object(more)) => {
            for (key, value) in more {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, more) => *into = more,
    }
}
