//! Start and stop: several at once, busy ports, what survives a restart.

use std::time::Duration;

use adx_emulator::faults::Effect;
use adx_emulator::{Data, Emulator, Operation, Options};
use serde_json::json;

use crate::support::Rig;

#[tokio::test]
async fn answers_carry_the_ids_and_are_zipped_on_demand() {
    let rig = Rig::start().await;
    let command = || rig.post("/v1/rest/mgmt").body(r#"{"csl":".get kusto identity token"}"#);
    let answer = command().header("x-ms-client-request-id", "KPC.execute;1").send().await.unwrap();
    assert_eq!(answer.headers()["x-ms-client-request-id"], "KPC.execute;1");
    assert!(answer.headers().contains_key("x-ms-activity-id"));
    assert!(!answer.headers().contains_key("content-encoding"));
    let plain = answer.text().await.unwrap();
    let zipped = command().header("accept-encoding", "gzip,deflate").send().await.unwrap();
    let unspecified = zipped.headers()["x-ms-client-request-id"].to_str().unwrap().to_owned();
    assert!(unspecified.starts_with("unspecified;"));
    assert_eq!(zipped.headers()["content-encoding"], "gzip");
    let bytes = zipped.bytes().await.unwrap();
    let mut text = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(bytes.as_ref()), &mut text).unwrap();
    assert_eq!(text, plain);
}

#[tokio::test]
async fn nonsense_is_answered_as_kusto_would() {
    let rig = Rig::start().await;
    for (body, status) in [("", 400), ("{", 400), ("{}", 400), ("[1]", 400), (r#"{"csl":".nonsense"}"#, 400)]
    {
        let answer = rig.post("/v1/rest/mgmt").body(body).send().await.unwrap();
        assert_eq!(answer.status(), status, "{body}");
        let error: serde_json::Value = answer.json().await.unwrap();
        assert_eq!(error["error"]["@permanent"], true, "{body}");
    }
    let unknown = rig.post("/nothing/here").send().await.unwrap();
    assert_eq!(unknown.status(), 404);
}

#[tokio::test]
async fn emulators_share_nothing_and_stop() {
    let (one, two) = (Rig::start().await, Rig::start().await);
    one.create_table().await;
    assert_eq!(two.ask("T | count").await.status(), 400);
    let url = format!("{}/health", one.emulator.http_url());
    assert_eq!(two.http.get(&url).send().await.unwrap().status(), 200);
    // A stop must not wait for a request that a fault holds up for long.
    one.spoil(Operation::Health, 1, Effect::Delay { milliseconds: 60_000 });
    let mut held = tokio::task::JoinSet::new();
    held.spawn(two.http.get(&url).send());
    one.until("held", |counts| counts.faults.contains_key("Health")).await;
    tokio::time::timeout(Duration::from_secs(15), one.emulator.stop()).await.unwrap();
    held.join_next().await.unwrap().unwrap().unwrap_err();
    two.http.get(&url).send().await.unwrap_err();
}

#[tokio::test]
async fn a_busy_port_is_named() {
    let rig = Rig::start().await;
    let address: std::net::SocketAddr =
        rig.emulator.http_url().replace("http://localhost", "127.0.0.1").parse().unwrap();
    let error =
        Emulator::start(Options { listen: address, ..Options::default() }).await.unwrap_err().to_string();
    assert!(error.contains(&address.to_string()) && error.contains("--listen"), "{error}");
}

#[tokio::test]
async fn accepted_data_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let options = || Options { data: Data::Dir(folder.path().to_owned()), ..Options::default() };
    let rig = Rig::with(options()).await;
    rig.create_table().await;
    rig.ingest("a.csv.gz", "a,1\n", json!({"FlushImmediately": true})).await;
    rig.until_rows(1).await;
    // Its batch waits for five minutes, so it is still in the queue when the emulator stops.
    rig.ingest("b.csv.gz", "b,2\n", json!({})).await;
    rig.until("read", |counts| counts.read_messages == 2).await;
    rig.emulator.stop().await;
    let soon = Options { max_batching_time: Some(Duration::from_millis(100)), ..options() };
    let rig = Rig::with(soon).await;
    rig.until_rows(2).await;
}
