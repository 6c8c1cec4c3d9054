//! Queued ingestion by REST: from the configuration to the status of an operation.

use std::time::Duration;

use adx_emulator::faults::Effect;
use adx_emulator::options::AuthOptions;
use adx_emulator::{Operation, Options};
use serde_json::{Value, json};

use crate::support::{DATABASE, DEADLINE, Rig, gzip};

async fn json_of(answer: reqwest::Response) -> (u16, Value) {
    let status = answer.status().as_u16();
    (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap())
}

async fn get(rig: &Rig, path: &str) -> (u16, Value) {
    json_of(
        rig.http.get(format!("{}/v1/rest/ingestion/{path}", rig.emulator.http_url())).send().await.unwrap(),
    )
    .await
}

async fn post(rig: &Rig, table: &str, body: &Value) -> (u16, Value) {
    let path = format!("/v1/rest/ingestion/queued/{DATABASE}/{table}");
    json_of(rig.post(&path).json(body).send().await.unwrap()).await
}

/// Put Blob into the first container of the configuration; its URL with SAS.
async fn upload(rig: &Rig, name: &str, text: &str) -> String {
    let (_, configuration) = get(rig, "configuration").await;
    let container = configuration["containerSettings"]["containers"][0]["path"].as_str().unwrap();
    let (root, sas) = container.split_once('?').unwrap();
    let url = format!("{root}/{name}?{sas}");
    let body = gzip(text.as_bytes());
    let answer = rig.http.put(&url).header("x-ms-blob-type", "BlockBlob").body(body).send().await.unwrap();
    assert_eq!(answer.status(), 201);
    url
}

/// The status of `operation` when nothing is in progress any more.
async fn settled(rig: &Rig, operation: &str) -> Value {
    let path = format!("queued/{DATABASE}/T/{operation}?details=true");
    let wait = async {
        loop {
            let (status, document) = get(rig, &path).await;
            assert_eq!(status, 200, "{document}");
            if document["status"]["InProgress"] == 0 {
                return document;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(DEADLINE, wait).await.expect("settled in time")
}

#[tokio::test]
async fn an_operation_tells_which_of_its_sources_are_in() {
    let rig = Rig::start().await;
    rig.create_table().await;
    let (good, bad) =
        (upload(&rig, "good.csv.gz", "a,1\nb,2\n").await, upload(&rig, "bad.csv.gz", "a,\"1\n").await);
    let body = json!({
        "timestamp": "2026-01-01T00:00:00Z",
        "blobs": [{"url": good, "sourceId": "74be27de-1e4e-49d9-b579-fe0b331d3642", "rawSize": 8}, {"url": bad}],
        "properties": {"format": "csv", "enableTracking": true, "tags": ["drop-by:x"], "colour": "red"},
    });
    let (status, answer) = post(&rig, "T", &body).await;
    assert_eq!(status, 200, "{answer}");
    let document = settled(&rig, answer["ingestionOperationId"].as_str().unwrap()).await;
    assert_eq!((&document["status"]["Succeeded"], &document["status"]["Failed"]), (&json!(1), &json!(1)));
    let details = document["details"].as_array().unwrap();
    assert_eq!(details[0]["sourceId"], "74be27de-1e4e-49d9-b579-fe0b331d3642");
    assert_eq!(details[0]["status"], "Succeeded");
    assert_eq!(
        (&details[1]["errorCode"], &details[1]["failureStatus"]),
        (&json!("Stream_ClosingQuoteMissing"), &json!("Permanent"))
    );
    assert!(!document.to_string().contains("sig="), "{document}");
    rig.until_rows(2).await;
    let id = answer["ingestionOperationId"].as_str().unwrap();
    let shown = rig.rows(&format!(".show queued ingestion operations (\"{id}\", \"nothing\")")).await;
    assert_eq!(shown.len(), 1);
    let row = &shown[0];
    assert_eq!((&row[0], &row[3]), (&json!(id), &json!("Failed")));
    assert_eq!(row[4..9], [json!(2), json!(0), json!(0), json!(1), json!(1)]);
    assert_eq!((&row[10], &row[11]), (&json!(DATABASE), &json!("T")));
}

#[tokio::test]
async fn without_tracking_there_is_no_operation() {
    let rig = Rig::start().await;
    rig.create_table().await;
    let body = json!({"blobs": [{"url": upload(&rig, "a.csv.gz", "a,1\n").await}],
        "properties": {"format": "csv", "skipBatching": true}});
    assert_eq!(post(&rig, "T", &body).await, (200, json!({"ingestionOperationId": ""})));
    rig.until_rows(1).await;
    let (status, answer) = get(&rig, &format!("queued/{DATABASE}/T/nothing")).await;
    assert_eq!((status, &answer["error"]["code"]), (404, &json!("BadRequest_EntityNotFound")));
}

#[tokio::test]
async fn what_cannot_be_accepted_is_refused_at_once() {
    let rig = Rig::start().await;
    rig.create_table().await;
    let good = json!({"blobs": [{"url": "http://localhost/acct/c/b.gz"}], "properties": {"format": "csv"}});
    let (status, answer) = post(&rig, "Missing", &good).await;
    assert_eq!((status, &answer["error"]["code"]), (400, &json!("BadRequest_EntityNotFound")));
    let (status, answer) = post(&rig, "T", &json!({"blobs": []})).await;
    assert_eq!((status, &answer["error"]["@permanent"]), (400, &json!(true)));
    rig.spoil(Operation::QueuedIngest, 1, Effect::Status { status: 429, code: None, retry_after: Some(1) });
    let (status, answer) = post(&rig, "T", &good).await;
    assert_eq!((status, &answer["error"]["@permanent"]), (429, &json!(false)));
}

#[tokio::test]
async fn who_has_no_token_is_challenged() {
    let rig = Rig::with(Options {
        auth: AuthOptions { require: true, ..AuthOptions::default() },
        ..Options::default()
    })
    .await;
    let url = format!("{}/v1/rest/ingestion/configuration", rig.emulator.http_url());
    let answer = rig.http.get(url).send().await.unwrap();
    assert_eq!(answer.status(), 401);
    assert!(answer.headers()["www-authenticate"].to_str().unwrap().starts_with("Bearer"));
}
