//! The ADX emulator in this process, asked over HTTP as any client would.

use std::time::Duration;

use adx_emulator::faults::Faults;
use adx_emulator::{Emulator, Operation, Options, StorageBackend};
use serde_json::{Value, json};

use super::{Azurite, Sent, Verdict, within};

/// The database of all tests; each has an emulator of its own.
pub const DATABASE: &str = "lab";

/// One emulator and its REST client.
pub struct Adx {
    emulator: Emulator,
    http: reqwest::Client,
    token: Option<String>,
}

impl Adx {
    /// An emulator that keeps all in memory and seals its batches after half a second.
    pub async fn start() -> Self {
        Self::with(Options::default()).await
    }

    /// The same, with blobs and queues in Azurite.
    pub async fn on(azurite: &Azurite) -> Self {
        let blob = azurite.blob_url().parse().expect("a URL");
        let endpoints = adx_emulator::options::AzuriteEndpoints::from_blob_url(&blob).expect("three ports");
        Self::with(Options { storage: StorageBackend::Azurite(Box::new(endpoints)), ..Options::default() })
            .await
    }

    /// An emulator with `options`, batches sealed after half a second.
    pub async fn with(options: Options) -> Self {
        let options = Options { max_batching_time: Some(Duration::from_millis(500)), ..options };
        let emulator = Emulator::start(options).await.expect("the emulator starts");
        Self { emulator, http: reqwest::Client::new(), token: None }
    }

    /// The same, our own questions carrying `token`.
    pub fn authorized(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    /// `https://localhost:PORT`, when it was started with TLS.
    pub fn https_url(&self) -> String {
        self.emulator.https_url().expect("a TLS port")
    }

    /// The certificate to trust for it.
    pub fn ca_file(&self) -> &std::path::Path {
        self.emulator.ca_file().expect("a certificate")
    }

    /// `http://localhost:PORT`: ingestion and query URL in one.
    pub fn url(&self) -> String {
        self.emulator.http_url()
    }

    /// The rules of failure.
    pub fn faults(&self) -> Faults {
        self.emulator.faults()
    }

    /// How often `operation` was asked for.
    pub fn requests(&self, operation: Operation) -> u64 {
        self.emulator.stats().requests(operation)
    }

    /// How many requests for `operation` were under way at once, at most.
    pub fn most_at_once(&self, operation: Operation) -> u64 {
        self.emulator.stats().most_at_once(operation)
    }

    /// Puts `count` reports of failures of another client's sources into each failure queue; the ids of these sources.
    pub async fn post_foreign_failures(&self, count: usize) -> Vec<String> {
        self.emulator.post_foreign_failures(count).await.expect("the reports are posted")
    }

    /// What is in all failure queues, decoded, also what a reader has taken and not deleted.
    pub fn failure_reports(&self) -> Vec<Value> {
        self.emulator.failure_reports()
    }

    /// Every fault rule has fired as often as it may.
    pub fn faults_are_used_up(&self) -> bool {
        self.faults().list().iter().all(|active| active.rule.count == Some(active.fired))
    }

    /// Everything counted.
    pub fn counts(&self) -> adx_emulator::stats::Snapshot {
        self.emulator.stats().snapshot()
    }

    /// Runs a management command; the rows of its first table.
    pub async fn command(&self, csl: &str) -> Vec<Vec<Value>> {
        self.ask("mgmt", csl).await
    }

    /// Runs a query; the rows of its first table.
    pub async fn query(&self, csl: &str) -> Vec<Vec<Value>> {
        self.ask("query", csl).await
    }

    async fn ask(&self, endpoint: &str, csl: &str) -> Vec<Vec<Value>> {
        let url = format!("{}/v1/rest/{endpoint}", self.url());
        let mut request = self.http.post(url).json(&json!({ "db": DATABASE, "csl": csl }));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let answer = request.send().await.expect("an answer");
        let status = answer.status();
        let text = answer.text().await.expect("its body");
        assert!(status.is_success(), "{csl}\n{status} {text}");
        let mut body: Value = serde_json::from_str(&text).expect("JSON");
        let rows = body["Tables"][0]["Rows"].take();
        serde_json::from_value(rows).expect("rows")
    }

    /// The lab's table and mapping, as its article has them.
    pub async fn create_storms(&self) {
        self.command(
            ".create table Storms (StartTime: datetime, EndTime: datetime, EventId: int, State: string, \
             EventType: string, Source: string)",
        )
        .await;
        self.command(
            ".create table Storms ingestion csv mapping 'Storms_CSV_Mapping' \
             '[{\"Name\":\"StartTime\",\"datatype\":\"datetime\",\"Ordinal\":0}, \
             {\"Name\":\"EndTime\",\"datatype\":\"datetime\",\"Ordinal\":1},\
             {\"Name\":\"EventId\",\"datatype\":\"int\",\"Ordinal\":2},\
             {\"Name\":\"State\",\"datatype\":\"string\",\"Ordinal\":3},\
             {\"Name\":\"EventType\",\"datatype\":\"string\",\"Ordinal\":4},\
             {\"Name\":\"Source\",\"datatype\":\"string\",\"Ordinal\":5}]'",
        )
        .await;
    }

    /// The table of [`super::Numbers`].
    pub async fn create_numbers(&self) {
        self.command(".create table Numbers (Partition: int, Number: long, Text: string)").await;
    }

    /// Rows of `table`.
    pub async fn count(&self, table: &str) -> u64 {
        self.query(&format!("{table} | count")).await[0][0].as_u64().expect("a count")
    }

    /// Compares the table of numbers with what was sent.
    pub async fn verdict(&self, sent: &Sent) -> Verdict {
        let rows = self.query("Numbers | project Partition, Number").await;
        let number = |value: &Value| value.as_i64().expect("a number");
        sent.compare(rows.iter().map(|row| (number(&row[0]), number(&row[1]))))
    }

    /// Waits until no record sent is missing in the table; fails with what is there at the deadline.
    pub async fn wait_for_all(&self, sent: &Sent, deadline: Duration) -> Verdict {
        let mut looked_at = 0;
        let complete = within(deadline, async || {
            let count = self.count("Numbers").await;
            // Duplicates can fill the count before the last record is there, so the count alone says nothing.
            if count < sent.total() || count == looked_at {
                return None;
            }
            looked_at = count;
            Some(self.verdict(sent).await).filter(|verdict| verdict.missing == 0)
        });
        let Some(verdict) = complete.await else {
            panic!("after {deadline:?}: {:?}", self.verdict(sent).await)
        };
        verdict
    }
}
