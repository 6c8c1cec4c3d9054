//! The storage services: what their clients rely on.

use std::time::Duration;

use adx_emulator::Options;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::support::Rig;

fn code(answer: &reqwest::Response) -> (u16, String) {
    let code = answer.headers().get("x-ms-error-code").map_or("", |code| code.to_str().unwrap());
    (answer.status().as_u16(), code.to_owned())
}

#[tokio::test]
async fn there_are_two_accounts_with_a_container_and_a_queue_each() {
    let rig = Rig::start().await;
    let rows = rig.rows(".show  ingestion resources").await;
    let base = rig.emulator.http_url();
    for kind in ["TempStorage", "SecuredReadyForAggregationQueue"] {
        let urls: Vec<_> =
            rows.iter().filter(|row| row[0] == kind).map(|row| row[1].as_str().unwrap()).collect();
        assert_eq!(urls.len(), 2);
        assert!(
            urls[0].starts_with(&format!("{base}/acct1/")) && urls[1].starts_with(&format!("{base}/acct2/"))
        );
        assert!(urls.iter().all(|url| url.matches('?').count() == 1));
    }
    for kind in ["FailedIngestionsQueue", "SuccessfulIngestionsQueue", "IngestionsStatusTable"] {
        assert!(rows.iter().any(|row| row[0] == kind));
    }
}

#[tokio::test]
async fn the_urls_are_those_of_the_clients_host() {
    let rig = Rig::start().await;
    let answer =
        rig.post("/v1/rest/mgmt").header("host", "adx:1234").body(r#"{"csl":".get ingestion resources"}"#);
    assert!(answer.send().await.unwrap().text().await.unwrap().contains("\"http://adx:1234/acct1/"));
    let public_url = Some("https://storage.example/base".parse().unwrap());
    let rig = Rig::with(Options { public_url, ..Options::default() }).await;
    let rows = rig.rows(".get ingestion resources").await;
    assert!(rows[0][1].as_str().unwrap().starts_with("https://storage.example/base/acct1/"));
}

#[tokio::test]
async fn a_blob_is_written_read_and_deleted() {
    let rig = Rig::start().await;
    let container = rig.resource("TempStorage").await;
    let url = container.url("folder/a%20b.csv", "");
    let put = || {
        let request = rig.http.put(&url).header("x-ms-blob-type", "BlockBlob").header("if-none-match", "*");
        request.header("x-ms-client-request-id", "my-id").body("0123456789").send()
    };
    let first = put().await.unwrap();
    assert_eq!(first.status(), 201);
    for header in ["etag", "last-modified", "x-ms-request-id", "x-ms-version"] {
        assert!(first.headers().contains_key(header), "{header}");
    }
    assert_eq!(first.headers()["x-ms-client-request-id"], "my-id");
    assert_eq!(code(&put().await.unwrap()), (409, "BlobAlreadyExists".to_owned()));
    let head = rig.http.head(&url).send().await.unwrap();
    assert_eq!((head.status().as_u16(), head.headers()["content-length"].to_str().unwrap()), (200, "10"));
    let part = rig.http.get(&url).header("range", "bytes=2-4").send().await.unwrap();
    assert_eq!((part.status().as_u16(), part.text().await.unwrap()), (206, "234".to_owned()));
    let beyond = rig.http.get(&url).header("range", "bytes=10-").send().await.unwrap();
    assert_eq!(code(&beyond), (416, "InvalidRange".to_owned()));
    assert_eq!(rig.http.delete(&url).send().await.unwrap().status(), 202);
    assert_eq!(code(&rig.http.get(&url).send().await.unwrap()), (404, "BlobNotFound".to_owned()));
    assert_eq!(rig.http.head(&url).send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn blocks_become_a_blob() {
    let rig = Rig::start().await;
    let container = rig.resource("TempStorage").await;
    let mut list = String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>");
    let mut whole = Vec::new();
    for number in 0..3_u8 {
        let id = STANDARD.encode(format!("block-{number}"));
        let block = vec![b'0' + number; 300_000];
        let query = format!("comp=block&blockid={}", id.replace('=', "%3D"));
        let answer = rig.http.put(container.url("big", &query)).body(block.clone()).send().await.unwrap();
        assert_eq!(answer.status(), 201);
        whole.extend(block);
        list.extend(["<Latest>", &id, "</Latest>"]);
    }
    list.push_str("</BlockList>");
    let url = container.url("big", "");
    assert_eq!(rig.http.get(&url).send().await.unwrap().status(), 404);
    let commit = |list: String| rig.http.put(container.url("big", "comp=blocklist")).body(list).send();
    let missing = commit(list.replace("</BlockList>", "<Latest>eA==</Latest></BlockList>")).await.unwrap();
    assert_eq!(code(&missing), (400, "InvalidBlockList".to_owned()));
    assert_eq!(commit(list).await.unwrap().status(), 201);
    assert_eq!(rig.http.get(&url).send().await.unwrap().bytes().await.unwrap(), whole);
}

#[tokio::test]
async fn a_message_has_the_services_limit() {
    let rig = Rig::start().await;
    let queue = rig.resource("FailedIngestionsQueue").await;
    assert_eq!(rig.put_message(&queue, &"x".repeat(65_536)).await.status(), 201);
    let long = rig.put_message(&queue, &"x".repeat(65_537)).await;
    assert_eq!(code(&long), (413, "RequestBodyTooLarge".to_owned()));
    let empty = rig.http.post(queue.url("messages", "")).body("<QueueMessage/>").send().await.unwrap();
    assert_eq!(code(&empty), (400, "InvalidXmlDocument".to_owned()));
}

#[tokio::test]
async fn messages_are_read_and_deleted_with_their_receipt() {
    let rig = Rig::start().await;
    let queue = rig.resource("SuccessfulIngestionsQueue").await;
    let sent = rig.put_message(&queue, "a&amp;b").await.text().await.unwrap();
    let part = |text: &str, name: &str| {
        text.split(&format!("<{name}>")).nth(1).unwrap().split('<').next().unwrap().to_owned()
    };
    assert!(!sent.contains("MessageText") && !part(&sent, "PopReceipt").is_empty());
    let read =
        rig.http.get(queue.url("messages", "numofmessages=32")).send().await.unwrap().text().await.unwrap();
    assert_eq!(
        (part(&read, "MessageText"), part(&read, "DequeueCount")),
        ("a&amp;b".to_owned(), "1".to_owned())
    );
    let again = rig.http.get(queue.url("messages", "")).send().await.unwrap().text().await.unwrap();
    assert!(!again.contains("<QueueMessage>"), "{again}");
    let metadata = rig.http.get(queue.url("", "comp=metadata")).send().await.unwrap();
    assert_eq!(metadata.headers()["x-ms-approximate-messages-count"], "1");
    let path = format!("messages/{}", part(&read, "MessageId"));
    let delete = async |receipt: &str| {
        rig.http.delete(queue.url(&path, &format!("popreceipt={receipt}"))).send().await.unwrap()
    };
    assert_eq!(code(&delete(&part(&sent, "PopReceipt")).await), (400, "PopReceiptMismatch".to_owned()));
    assert_eq!(delete(&part(&read, "PopReceipt")).await.status(), 204);
    assert_eq!(code(&delete(&part(&read, "PopReceipt")).await), (404, "MessageNotFound".to_owned()));
}

#[tokio::test]
async fn signatures_and_names_are_checked() {
    let short = Options { sas_lifetime: Duration::ZERO, ..Options::default() };
    let rig = Rig::with(short).await;
    let url = rig.resource("TempStorage").await.url("a", "");
    let put = async |url: &str| {
        rig.http.put(url).header("x-ms-blob-type", "BlockBlob").body("x").send().await.unwrap()
    };
    assert_eq!(code(&put(&url).await), (403, "AuthenticationFailed".to_owned()));
    let rig = Rig::start().await;
    let url = rig.resource("TempStorage").await.url("a", "");
    let put = async |url: &str| {
        rig.http.put(url).header("x-ms-blob-type", "BlockBlob").body("x").send().await.unwrap()
    };
    let bare = url.split('?').next().unwrap();
    assert_eq!(code(&put(bare).await), (403, "AuthenticationFailed".to_owned()));
    assert_eq!(code(&put(&url.replace("sig=", "sig=0")).await), (403, "AuthenticationFailed".to_owned()));
    assert_eq!(
        code(&put(&url.replace("ingestdata-0", "other")).await),
        (404, "ContainerNotFound".to_owned())
    );
    assert_eq!(
        code(&rig.http.put(&url).body("x").send().await.unwrap()),
        (400, "MissingRequiredHeader".to_owned())
    );
    let queue = rig.resource("FailedIngestionsQueue").await.url("messages", "");
    let absent = rig.http.post(queue.replace("failedingestions-0", "absent")).body("x").send().await.unwrap();
    assert_eq!(code(&absent), (404, "QueueNotFound".to_owned()));
    assert_eq!(put(&url).await.status(), 201);
}
