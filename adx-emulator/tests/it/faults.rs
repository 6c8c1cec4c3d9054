//! Every kind of fault does what its rule says, and nothing more.

use std::time::{Duration, Instant};

use adx_emulator::Operation;
use adx_emulator::faults::{Effect, Moment, Rule};
use serde_json::{Value, json};

use crate::support::Rig;

async fn put(rig: &Rig, url: &str) -> reqwest::Result<reqwest::Response> {
    rig.http.put(url).header("x-ms-blob-type", "BlockBlob").body("0123456789").send().await
}

#[tokio::test]
async fn a_status_is_answered_in_the_form_of_its_service() {
    let rig = Rig::start().await;
    let url = rig.resource("TempStorage").await.url("a", "");
    let busy = |status| Effect::Status { status, code: None, retry_after: Some(7) };
    rig.spoil(Operation::PutBlob, 1, busy(503));
    let answer = put(&rig, &url).await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["x-ms-error-code"]),
        (503, &"ServerBusy".parse().unwrap())
    );
    assert_eq!(answer.headers()["retry-after"], "7");
    assert_eq!(rig.http.get(&url).send().await.unwrap().status(), 404);
    rig.spoil(Operation::IngestionResources, 1, busy(429));
    let answer = rig.ask(".get ingestion resources").await;
    assert_eq!(answer.status(), 429);
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["error"]["@permanent"], false);
    rig.spoil(Operation::Token, 1, busy(503));
    let answer = rig.post("/t/oauth2/v2.0/token").body("x").send().await.unwrap();
    assert_eq!(answer.status(), 503);
    assert!(answer.json::<Value>().await.unwrap()["error_description"].is_string());
    assert_eq!(put(&rig, &url).await.unwrap().status(), 201);
    assert_eq!(rig.counts().requests["PutBlob"], 2);
    assert_eq!(rig.counts().faults["PutBlob"], 1);
}

#[tokio::test]
async fn a_rule_can_be_for_the_message_about_one_blob() {
    let rig = Rig::start().await;
    let effect = Effect::Status { status: 413, code: Some("RequestBodyTooLarge".into()), retry_after: None };
    let rule = Rule { path_contains: Some("/second".into()), ..Rule::new(Operation::PutMessage, effect) };
    rig.emulator.faults().add(rule);
    for (name, status) in [("first", 201), ("second", 413), ("third", 201)] {
        let blob = rig.upload(name, b"a,1,".to_vec()).await;
        let message = rig.message(&blob, json!({})).await;
        assert_eq!(rig.enqueue(&message).await.status(), status, "{name}");
    }
    let queue = rig.resource("SecuredReadyForAggregationQueue").await;
    assert_eq!(rig.put_message(&queue, "no message of ours").await.status(), 201);
}

#[tokio::test]
async fn a_reset_happens_before_or_after_the_effect() {
    let rig = Rig::start().await;
    let container = rig.resource("TempStorage").await;
    let get = async |url: &str| rig.http.get(url).send().await.unwrap().status().as_u16();
    let before = container.url("before", "");
    rig.spoil(Operation::PutBlob, 1, Effect::Reset { when: Moment::Before });
    put(&rig, &before).await.unwrap_err();
    assert_eq!(get(&before).await, 404);
    let after = container.url("after", "");
    rig.spoil(Operation::PutBlob, 1, Effect::Reset { when: Moment::After });
    put(&rig, &after).await.unwrap_err();
    assert_eq!(get(&after).await, 200);
}

#[tokio::test]
async fn a_truncated_answer_fails_in_its_body() {
    let rig = Rig::start().await;
    let url = rig.upload("a", b"0123456789".to_vec()).await;
    rig.spoil(Operation::GetBlob, 1, Effect::Truncate);
    let answer = rig.http.get(&url).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.bytes().await.unwrap_err();
    assert_eq!(rig.http.get(&url).send().await.unwrap().bytes().await.unwrap(), "0123456789");
    rig.spoil(Operation::IdentityToken, 1, Effect::Truncate);
    rig.ask(".get kusto identity token").await.bytes().await.unwrap_err();
}

#[tokio::test]
async fn a_delay_delays() {
    let rig = Rig::start().await;
    let url = rig.resource("TempStorage").await.url("a", "");
    rig.spoil(Operation::PutBlob, 1, Effect::Delay { milliseconds: 300 });
    let start = Instant::now();
    assert_eq!(put(&rig, &url).await.unwrap().status(), 201);
    assert!(start.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn signatures_expire_and_containers_vanish_on_demand() {
    let rig = Rig::start().await;
    rig.spoil(Operation::IngestionResources, 1, Effect::ExpiredSas);
    let expired = rig.resource("TempStorage").await.url("a", "");
    assert_eq!(put(&rig, &expired).await.unwrap().status(), 403);
    let good = rig.resource("TempStorage").await.url("a", "");
    rig.spoil(Operation::PutBlob, 1, Effect::ExpiredSas);
    assert_eq!(put(&rig, &good).await.unwrap().status(), 403);
    rig.spoil(Operation::PutBlob, 1, Effect::ContainerNotFound);
    let answer = put(&rig, &good).await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["x-ms-error-code"]),
        (404, &"ContainerNotFound".parse().unwrap())
    );
    assert_eq!(put(&rig, &good).await.unwrap().status(), 201);
}

#[tokio::test]
async fn rules_are_set_listed_and_removed_over_http() {
    let rig = Rig::start().await;
    let url = format!("{}/emulator/faults", rig.emulator.http_url());
    let rules = json!([{"operation": "Query", "count": 1, "effect": {"kind": "status", "status": 500}}]);
    assert_eq!(rig.http.post(&url).json(&rules).send().await.unwrap().status(), 200);
    assert_eq!(rig.ask("T | count").await.status(), 500);
    let listed: Value = rig.http.get(&url).send().await.unwrap().json().await.unwrap();
    assert_eq!((&listed[0]["operation"], &listed[0]["fired"]), (&json!("Query"), &json!(1)));
    assert_eq!(rig.http.delete(&url).send().await.unwrap().status(), 204);
    assert_eq!(rig.emulator.faults().list().len(), 0);
    let wrong = rig.http.post(&url).body(r#"[{"operation":"Nothing"}]"#).send().await.unwrap();
    assert_eq!(wrong.status(), 400);
    let stats: Value =
        rig.http.get(url.replace("faults", "stats")).send().await.unwrap().json().await.unwrap();
    assert_eq!(stats["requests"]["Query"], 1);
}
