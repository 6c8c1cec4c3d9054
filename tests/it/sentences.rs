//! Kinds of trouble that no other test makes, and the table of all of them in the documentation.

use std::fs;
use std::path::Path;

use adx_emulator::Operation;
use adx_emulator::faults::{Effect, Rule};
use serde_json::json;

use crate::support::sentences::{
    GAVE_UP, Kind, MISSING_DATABASE, NAMES, NO_RIGHT, STREAMING_OFF, TOO_LARGE, WRONG_URL, table,
};
use crate::support::{Kafka, Stage, generated, root};

#[test]
fn the_table_of_sentences_is_made_from_the_tests() {
    generated::check("docs/operations.md", "sentences", &table());
}

/// All that is in the test sources, without the table itself.
fn sources(folder: &Path, all: &mut String) {
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            sources(&entry, all);
        } else if !entry.ends_with("support/sentences.rs") && entry.extension().is_some_and(|end| end == "rs")
        {
            all.push_str(&fs::read_to_string(&entry).expect("text"));
        }
    }
}

#[test]
fn each_kind_is_made_by_a_test() {
    let mut all = String::new();
    sources(&root().join("tests/it"), &mut all);
    let is_used = |name: &str| {
        let rest = all.split(name).skip(1);
        // Once to import it, once to look at it.
        rest.filter(|rest| !rest.starts_with(|next: char| next.is_alphanumeric() || next == '_')).count() > 1
    };
    let promised: Vec<_> = NAMES.iter().filter(|name| !is_used(name)).collect();
    assert!(promised.is_empty(), "no test looks at {promised:?}");
}

/// The connector fails with this sentence when it is created with `more`.
async fn fails(stage: &Stage, more: &serde_json::Value, kind: &Kind, places: &[&str]) {
    let answer = stage.worker.rest().create(&stage.connector, &stage.one_task_with(more)).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    kind.fails(&stage.worker, &stage.connector, places).await;
    let path = format!("/connectors/{}", stage.connector);
    assert_eq!(stage.worker.rest().delete(&path).await.status, 204);
}

/// The mapping of the only topic, with further fields.
fn mapping(stage: &Stage, database: &str, more: &str) -> String {
    format!("[{{'topic': '{}', 'db': '{database}', 'table': 'Numbers', 'format': 'csv'{more}}}]", stage.topic)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_missing_at_the_target_is_said_with_its_command() {
    let kafka = Kafka::shared().await;
    let stage = Stage::set(kafka, 1).await;
    let more = json!({ "kusto.tables.topics.mapping": mapping(&stage, "nowhere", "") });
    fails(&stage, &more, &MISSING_DATABASE, &["table Numbers in database nowhere"]).await;

    let streaming = mapping(&stage, "lab", ", 'streaming': true");
    let more = json!({ "kusto.tables.topics.mapping": streaming, "kusto.validation.table.enable": "true" });
    fails(&stage, &more, &STREAMING_OFF, &["table Numbers in database lab"]).await;

    stage.adx.command(".add table Numbers ingestors ('aadapp=somebody')").await;
    let (client, tenant) = ("11111111-2222-3333-4444-555555555555", "66666666-7777-8888-9999-000000000000");
    let more = json!({
        "kusto.validation.table.enable": "true",
        "aad.auth.appid": client, "aad.auth.appkey": "k3y-of-mine", "aad.auth.authority": tenant,
    });
    let command = format!(".add table ['Numbers'] ingestors ('aadapp={client};{tenant}')");
    fails(&stage, &more, &NO_RIGHT, &["table Numbers in database lab", &command]).await;
    assert!(!stage.worker.log().contains("k3y-of-mine"));
}

/// What an engine says to the question for ingestion resources, and an ingestion service to one about tables.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exchanged_addresses_are_named_by_their_setting() {
    let kafka = Kafka::shared().await;
    let stage = Stage::set(kafka, 1).await;
    stage.send(kafka, 100).await;
    let refused = |code: &str| Effect::Status { status: 400, code: Some(code.to_owned()), retry_after: None };
    let place = format!("{}-0, offsets 0-99", stage.topic);
    stage.adx.faults().add(Rule::new(Operation::IngestionResources, refused("General_BadRequest")));
    let places = [&*place, "General_BadRequest", "check kusto.ingestion.url", "(table lab.Numbers)"];
    fails(&stage, &json!({}), &WRONG_URL, &places).await;
    stage.adx.faults().clear();
    stage.adx.faults().add(Rule::new(Operation::Mgmt, refused("General_BadRequest")));
    let more = json!({ "kusto.validation.table.enable": "true" });
    fails(&stage, &more, &WRONG_URL, &["General_BadRequest", "check kusto.query.url"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_is_too_large_and_one_that_is_given_up_name_the_setting() {
    let kafka = Kafka::shared().await;
    let stage = Stage::set(kafka, 1).await;
    stage.send(kafka, 100).await;
    let place = format!("{}-0, offsets 0-99", stage.topic);
    for (status, code, kind, more) in [
        (413, "RequestBodyTooLarge", TOO_LARGE, json!({})),
        (503, "ServerBusy", GAVE_UP, json!({ "errors.retry.max.time.ms": "500" })),
    ] {
        let effect = Effect::Status { status, code: Some(code.to_owned()), retry_after: None };
        stage.adx.faults().add(Rule::new(Operation::PutBlob, effect));
        fails(&stage, &more, &kind, &[&place, code, "(table lab.Numbers)"]).await;
        stage.adx.faults().clear();
    }
}
