//! Whether the table and its mapping exist: yes, no, and cannot say.

use super::super::IngestClient as _;
use super::fake::{Fake, Fault, Op};
use super::{Settings, client, settings, target, timings};
use crate::kusto::ingest::Error;
use crate::kusto::ingest::http::Timings;
use crate::kusto::signin::managed_identity::ManagedIdentity;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use url::Url;

async fn check(fake: &Fake) -> Result<(), Error> {
    client(settings(&fake.url)).check_targets(&[target("Samples", "Storms", Some("m"))], false).await
}

fn one_row() -> Value {
    json!({"Tables": [{"Columns": [{"ColumnName": "TableName"}], "Rows": [["Storms"]]}]})
}

fn missing(kind: &str) -> Value {
    json!({"error": {"code": "BadRequest_EntityNotFound", "message": "Request is invalid",
        "@message": format!("Entity ID 'x' of kind '{kind}' was not found."), "@permanent": true}})
}

#[tokio::test]
async fn a_target_that_exists_is_fine() {
    let fake = Fake::start().await;
    fake.answer(".show table ['Storms'] cslschema", 200, one_row());
    fake.answer(".show table ['Storms'] ingestion csv mapping 'm'", 200, one_row());
    check(&fake).await.unwrap();
    let commands = fake.seen(Op::Command);
    assert_eq!(commands.len(), 2);
    let body: Value = serde_json::from_slice(&commands[0].body).unwrap();
    assert_eq!(body["db"], "Samples");
}

#[tokio::test]
async fn a_missing_table_or_mapping_is_named_with_its_remedy() {
    let fake = Fake::start().await;
    fake.answer(".show table ['Storms'] cslschema", 400, missing("Table"));
    let text = check(&fake).await.unwrap_err().to_string();
    for part in
        ["table Storms in database Samples", "kusto.tables.topics.mapping", ".create table ['Storms']"]
    {
        assert!(text.contains(part), "{part} in {text}");
    }
    fake.answer(".show table ['Storms'] cslschema", 200, one_row());
    fake.answer(".show table ['Storms'] ingestion", 200, json!({"Tables": [{"Columns": [], "Rows": []}]}));
    let error = check(&fake).await.unwrap_err();
    assert!(!error.is_retriable());
    let text = error.to_string();
    for part in
        ["csv mapping m", "kusto.tables.topics.mapping", ".create table ['Storms'] ingestion csv mapping 'm'"]
    {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[tokio::test]
async fn what_cannot_be_known_is_no_error() {
    let forbidden = json!({"error": {"code": "Forbidden", "@message": "Principal is not authorized"}});
    for (status, body) in [(403, forbidden), (503, json!({})), (500, missing("Table"))] {
        let fake = Fake::start().await;
        fake.answer(".show table", status, body);
        check(&fake).await.unwrap();
        assert_eq!(fake.seen(Op::Command).len(), 1);
    }
    let fake = Fake::start().await;
    fake.fail(Op::Command, &[Fault::Hang]);
    let short = Timings { call: Duration::from_millis(200), ..timings() };
    let client = client(Settings { timings: short, ..settings(&fake.url) });
    client.check_targets(&[target("Samples", "Storms", None)], false).await.unwrap();
}

#[tokio::test]
async fn refused_credentials_are_an_error() {
    let fake = Fake::start().await;
    fake.require("TOKEN");
    let error = check(&fake).await.unwrap_err();
    assert!(error.to_string().contains("aad.auth.strategy"), "{error}");
    assert!(!error.is_retriable());
}

#[tokio::test]
async fn an_engine_that_is_not_there_is_no_error() {
    let nowhere = Url::parse("http://127.0.0.1:9").unwrap();
    client(settings(&nowhere)).check_targets(&[target("Samples", "Storms", None)], false).await.unwrap();
}

#[tokio::test]
async fn a_thorough_look_asks_for_rights_too_and_wants_an_answer() {
    let fake = Fake::start().await;
    let sign_in = Arc::new(ManagedIdentity { client_id: Some("user-1".to_owned()) });
    let client = client(Settings { sign_in, ..settings(&fake.url) });
    let forbidden = json!({"error": {"code": "Forbidden", "@message": "Principal is not authorized"}});
    let targets = [target("my-db", "Storms", None)];
    fake.answer(".show table ['Storms'] cslschema", 200, one_row());
    fake.answer(".show principal access", 403, forbidden.clone());
    client.check_targets(&targets, true).await.unwrap();
    let body: Value = serde_json::from_slice(&fake.seen(Op::Command)[1].body).unwrap();
    let asked = ".show principal access with (principal='aadapp=user-1', accesstype='ingest', database='my-db', table='Storms')";
    assert_eq!(body["csl"], asked);

    // Without the right to look at the table there is nothing more to ask.
    fake.answer(".show table", 403, forbidden);
    client.check_targets(&targets, true).await.unwrap();
    assert_eq!(fake.seen(Op::Command).len(), 3);

    fake.answer(".show table ['Storms'] cslschema", 200, one_row());
    let no = json!({"Tables": [{"Columns": [{}, {}, {}, {}], "Rows": [["", "", "", 0]]}]});
    fake.answer(".show principal access", 200, no);
    let error = client.check_targets(&targets, true).await.unwrap_err().to_string();
    assert!(error.contains(".add table ['Storms'] ingestors ('aadapp=user-1')"), "{error}");

    fake.answer(".show table", 503, json!({}));
    let error = client.check_targets(&targets, true).await.unwrap_err();
    assert!(error.is_retriable(), "{error}");
}
