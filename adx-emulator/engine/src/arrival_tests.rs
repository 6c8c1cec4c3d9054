//! What tells when and whether rows came: ingestion times, database cursors, data operations, through the engine's API.

use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Answer, Engine, FailureRecord, KustoError, RequestOptions};

fn ask(engine: &Engine, text: &str) -> Result<Answer, KustoError> {
    engine.execute(Some("lab"), text, &RequestOptions::default())
}

fn rows(engine: &Engine, text: &str) -> Value {
    match ask(engine, text) {
        Ok(answer) => json!(answer.tables[0].rows),
        Err(error) => panic!("{text}: {error}"),
    }
}

fn engine() -> Engine {
    let engine = Engine::open(None).unwrap();
    rows(&engine, ".create table T (n:long)");
    engine
}

fn add(engine: &Engine, data: &str) {
    rows(engine, &format!(".ingest inline into table T <| {data}"));
}

#[test]
fn rows_of_one_ingestion_have_one_time_and_later_ones_a_later_time() {
    let engine = engine();
    add(&engine, "1\n2");
    add(&engine, "3");
    assert_eq!(rows(&engine, "T | distinct n | count"), json!([[3]]));
    assert_eq!(rows(&engine, "T | summarize dcount(ingestion_time())"), json!([[2]]));
    let recent = "T | where ingestion_time() between (ago(1h) .. now(1h)) | count";
    assert_eq!(rows(&engine, recent), json!([[3]]));
    let latest = "T | extend at = ingestion_time() | top 1 by at desc | project n";
    assert_eq!(rows(&engine, latest), json!([[3]]));
    // The time goes with the row through filters, limits and projections, and ends where rows are made anew.
    let late = "T | project n | take 3 | where n > 1 | summarize min(ingestion_time()) by n | count";
    assert_eq!(rows(&engine, late), json!([[2]]));
    assert_eq!(rows(&engine, "T | distinct n | where isnull(ingestion_time()) | count"), json!([[3]]));
    assert!(ask(&engine, "T | summarize ingestion_time()").is_err());
}

#[test]
fn a_cursor_divides_what_was_there_from_what_came_after() {
    let engine = engine();
    let cursor = |engine: &Engine| rows(engine, "print current_cursor()")[0][0].as_str().unwrap().to_owned();
    let before = cursor(&engine);
    add(&engine, "1\n2");
    let between = cursor(&engine);
    add(&engine, "3");
    let count = |text: &str| rows(&engine, &format!("T | where {text} | count"))[0][0].clone();
    assert_eq!(count("cursor_after('')"), 3);
    assert_eq!(count(&format!("cursor_after('{before}')")), 3);
    assert_eq!(count(&format!("cursor_after('{between}')")), 1);
    assert_eq!(count(&format!("cursor_before_or_at('{between}')")), 2);
    assert_eq!(count("cursor_after(cursor_current())"), 0);
    assert!(ask(&engine, "T | where cursor_after('yesterday')").is_err());
    assert!(ask(&engine, "T | distinct n | where cursor_after('')").is_err());
    assert!(ask(&engine, "print cursor_after('')").is_err());
}

#[test]
fn a_table_may_do_without_ingestion_times() {
    let engine = engine();
    add(&engine, "1");
    rows(&engine, ".alter table T policy ingestiontime false");
    let shown = rows(&engine, ".show table T policy ingestiontime | project PolicyName, Policy");
    assert_eq!(shown, json!([["IngestionTimePolicy", "{\"IsEnabled\":false}"]]));
    add(&engine, "2");
    assert_eq!(rows(&engine, "T | where isnull(ingestion_time()) | project n"), json!([[2]]));
    assert_eq!(rows(&engine, "T | where cursor_after('') | project n"), json!([[1]]));
    rows(&engine, ".alter table T policy ingestiontime '{\"IsEnabled\": true}'");
    add(&engine, "3");
    assert_eq!(rows(&engine, "T | where isnotnull(ingestion_time()) | count"), json!([[2]]));
    assert!(ask(&engine, ".alter table T policy ingestiontime maybe").is_err());
}

#[test]
fn a_cursor_goes_on_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let first = Engine::open(Some(directory.path())).unwrap();
    rows(&first, ".create table T (n:long)");
    add(&first, "1");
    let cursor = rows(&first, "print cursor_current()");
    drop(first);
    let second = Engine::open(Some(directory.path())).unwrap();
    assert_eq!(rows(&second, "print cursor_current()"), cursor);
    add(&second, "2");
    let later = format!("T | where cursor_after('{}') | project n", cursor[0][0].as_str().unwrap());
    assert_eq!(rows(&second, &later), json!([[2]]));
}

#[test]
fn data_operations_sum_up_to_the_rows_added() {
    let engine = engine();
    add(&engine, "1\n2");
    add(&engine, "3");
    assert!(ask(&engine, ".ingest inline into table T <| 1,2\n3").is_err());
    let columns = "OperationKind, Database, Table, RowCount, ExtentCount, OriginalSize, tolong(Properties.NumberOfInputStreams)";
    assert_eq!(
        rows(&engine, &format!(".show data operations | project {columns}")),
        json!([["BatchIngest", "lab", "T", 2, 1, 3, 1], ["BatchIngest", "lab", "T", 1, 1, 1, 1]])
    );
    let sum = ".show data operations | where Timestamp > ago(1h) and Table == 'T' | summarize sum(RowCount)";
    assert_eq!(rows(&engine, sum), json!([[3]]));
    assert!(ask(&engine, ".show data").is_err());
    assert!(ask(&engine, ".show data operations tail").is_err());
    // What was added stays told when the rows are gone.
    rows(&engine, ".clear table T data");
    assert_eq!(rows(&engine, sum), json!([[3]]));
}

#[test]
fn a_failure_of_an_update_policy_says_so() {
    let engine = engine();
    for code in ["UpdatePolicy_BadRequest", "Stream_WrongNumberOfFields"] {
        engine.record_failure(&FailureRecord {
            operation_id: Uuid::nil(),
            database: "lab".to_owned(),
            table: "T".to_owned(),
            failed_on: OffsetDateTime::now_utc(),
            source_path: "http://localhost/acct/c/b.csv".to_owned(),
            details: "bad".to_owned(),
            permanent: true,
            error_code: code.to_owned(),
            root_activity_id: Uuid::nil(),
            ingestion_properties: "{}".to_owned(),
            number_of_sources: 1,
        });
    }
    let shown = rows(&engine, ".show ingestion failures | project OriginatesFromUpdatePolicy");
    assert_eq!(shown, json!([[true], [false]]));
}
