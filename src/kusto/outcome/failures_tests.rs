//! Answers as the service, its documents and nobody in their senses would write them.

use super::{FailureLines, FailureVerdict, LookFrom, LookWindow, MOST_LINES, OVERLAP, command, read};
use crate::id::BatchId;
use crate::kusto::ingest::parse_table;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::time::Duration;
use time::macros::datetime;
use tokio::time::Instant;
use uuid::Uuid;

fn id() -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, b"batch")
}

fn path() -> String {
    format!("https://a.blob.core.windows.net/c/db__T__kafka_t_0_0-9__{}.csv.gz", id())
}

const COLUMNS: [&str; 11] = [
    "OperationId",
    "Database",
    "Table",
    "FailedOn",
    "IngestionSourcePath",
    "Details",
    "FailureKind",
    "OriginatesFromUpdatePolicy",
    "ErrorCode",
    "NumberOfSources",
    "ShouldRetry",
];

fn answer(rows: &[Value]) -> FailureLines {
    let columns: Vec<_> = COLUMNS.map(|name| json!({"ColumnName": name})).to_vec();
    read(&parse_table(&json!({"Tables": [{"Columns": columns, "Rows": rows}]})).unwrap())
}

fn line(kind: &str, code: &str, should_retry: &Value) -> Value {
    let (failed_on, operation) = ("2026-11-30T17:00:00.1234567Z", Uuid::nil().to_string());
    let details = "Mapping reference 'm' was not found: https://a/b?sig=S3CRET";
    json!([operation, "db", "T", failed_on, path(), details, kind, 0, code, 1, should_retry])
}

#[test]
fn a_line_is_read() {
    let lines = answer(&[line("Permanent", "BadRequest_MappingReferenceWasNotFound", &json!(0))]);
    assert_eq!((lines.unreadable, lines.is_full), (0, false));
    let failure = &lines.failures[0];
    assert_eq!((failure.id, failure.path.as_str()), (Some(BatchId(id())), path().as_str()));
    assert_eq!((failure.database.as_str(), failure.table.as_str()), ("db", "T"));
    assert_eq!(failure.at, datetime!(2026-11-30 17:00:00.1234567 UTC));
    assert_eq!(failure.code, "BadRequest_MappingReferenceWasNotFound");
    assert!(failure.text.starts_with("Mapping reference 'm'") && !failure.text.contains("S3CRET"));
    assert_eq!((failure.verdict, failure.should_retry, failure.sources), (FailureVerdict::Final, false, 1));
}

#[test]
fn what_is_tried_again_is_not_lost() {
    for (kind, code, should_retry, verdict) in [
        ("Permanent", "BadRequest_EmptyBlob", json!(false), FailureVerdict::Final),
        ("permanent", "BadRequest_EmptyBlob", json!(true), FailureVerdict::Final),
        ("Exhausted", "General_RetryAttemptsExceeded", json!(1), FailureVerdict::Final),
        ("3", "Timeout", json!(1), FailureVerdict::Final),
        ("", "General_RetryAttemptsExceeded", Value::Null, FailureVerdict::Final),
        ("", "Download_Forbidden", Value::Null, FailureVerdict::Final),
        ("", "Download_UnknownError", Value::Null, FailureVerdict::TriedAgain),
        ("", "NeverHeardOf", Value::Null, FailureVerdict::TriedAgain),
        ("Transient", "Timeout", json!("true"), FailureVerdict::TriedAgain),
        ("Transient", "Timeout", Value::Null, FailureVerdict::TriedAgain),
        ("Unknown", "Unknown", json!({}), FailureVerdict::TriedAgain),
        ("Transient", "Timeout", json!("False"), FailureVerdict::Final),
        ("Permanent", "BlobAlreadyReceived_BlobAlreadyFoundInBatch", json!(0), FailureVerdict::Doubled),
        ("Transient", "Skipped_IngestByTagAlreadyExists", json!(1), FailureVerdict::Doubled),
    ] {
        let lines = answer(&[line(kind, code, &should_retry)]);
        assert_eq!(lines.failures[0].verdict, verdict, "{kind} {code} {should_retry}");
    }
}

#[test]
fn what_cannot_be_read_is_counted() {
    let mut late = line("Permanent", "x", &json!(0));
    late[3] = json!("yesterday");
    let mut unnamed = line("Permanent", "x", &json!(0));
    unnamed[4] = json!(null);
    let mut foreign = line("Permanent", "", &json!(0));
    foreign[4] = json!("https://other/c/file.csv?sig=S3CRET;impersonate");
    foreign[9] = json!("17");
    let lines = answer(&[late, json!([]), unnamed, foreign]);
    assert_eq!((lines.unreadable, lines.failures.len()), (3, 1));
    let failure = &lines.failures[0];
    assert_eq!((failure.id, failure.path.as_str()), (None, "https://other/c/file.csv"));
    assert_eq!((failure.code.as_str(), failure.sources), ("Unknown", 17));
}

#[test]
fn the_command_asks_by_the_services_clock() {
    let back = command(LookFrom::Back(Duration::from_millis(180_500)));
    assert!(back.contains("FailedOn >= ago(181s) and "), "{back}");
    let moment = command(LookFrom::Moment(datetime!(2026-01-02 03:04:05.6789 +01:00)));
    assert!(moment.contains("FailedOn >= datetime(2026-01-02T02:04:05.6789000Z) and "), "{moment}");
    assert!(moment.contains("contains '__kafka_' or NumberOfSources > 1"), "{moment}");
    assert!(moment.ends_with(&format!("| top {MOST_LINES} by FailedOn asc")), "{moment}");
}

#[test]
fn looks_overlap_and_a_full_one_goes_on() {
    let started = Instant::now();
    let second = |seconds| started + Duration::from_secs(seconds);
    let longest = Duration::from_mins(35);
    let mut window = LookWindow::new(longest, started);
    assert_eq!((window.asks_from(started), window.covered()), (LookFrom::Back(longest), None));
    // A first look that failed for an hour has not lost that hour.
    assert_eq!(window.asks_from(second(3600)), LookFrom::Back(longest + Duration::from_hours(1)));

    // A full look says nothing yet of what is behind its end.
    let full = |moment: &str| {
        let mut line = line("Permanent", "x", &json!(0));
        line[3] = json!(moment);
        FailureLines { is_full: true, ..answer(&[line]) }
    };
    assert!(window.read(second(1), &full("2026-11-30T17:00:00Z")));
    assert_eq!(window.asks_from(second(2)), LookFrom::Moment(datetime!(2026-11-30 17:00 UTC)));
    assert_eq!(window.covered(), None);
    // More lines of one moment than a look takes.
    assert!(window.read(second(2), &full("2026-11-30T17:00:00Z")));
    assert_eq!(window.asks_from(second(3)), LookFrom::Moment(datetime!(2026-11-30 17:00:00.0000001 UTC)));
    assert_eq!(window.overrun(), 1);
    // The end is reached: what is covered is what the first of these looks began with.
    assert!(!window.read(second(3), &FailureLines::default()));
    assert_eq!(window.covered(), Some(second(1)));
    let next = LookFrom::Back(Duration::from_mins(1) + OVERLAP);
    assert_eq!(window.asks_from(second(61)), next);
    // Of a look that cannot be read, nothing is learned.
    let unreadable = FailureLines { is_full: true, unreadable: 5000, ..FailureLines::default() };
    assert!(!window.read(second(61), &unreadable));
    assert_eq!((window.covered(), window.asks_from(second(61))), (Some(second(1)), next));
}

proptest! {
    #[test]
    fn no_answer_panics(
        kind in ".{0,12}", code in ".{0,20}", path in ".{0,60}", moment in "[0-9T:.Zé-]{0,30}", text in ".{0,40}",
        cells in 0_usize..12, number in any::<i64>(),
    ) {
        let mut row = json!([text, text, text, moment, path, text, kind, number, code, number, number]);
        row.as_array_mut().unwrap().truncate(cells);
        let lines = answer(&[row, json!([text]), json!({"a": text})]);
        prop_assert!(lines.failures.len() as u64 + lines.unreadable <= 3);
    }

    /// However looks go, each moment of the service is inside one of those that were read to their end.
    #[test]
    fn no_moment_is_left_out(looks in prop::collection::vec((1_u64..200, any::<bool>()), 1..60)) {
        let started = Instant::now();
        let mut window = LookWindow::new(Duration::from_mins(35), started);
        let (mut now, mut seen_to) = (started, None::<Instant>);
        for (pause, succeeds) in looks {
            now += Duration::from_secs(pause);
            let LookFrom::Back(back) = window.asks_from(now) else { unreachable!("no look was full") };
            if !succeeds {
                continue;
            }
            // What was seen last time is seen again, and the time of the service's writing before it.
            if let Some(seen_to) = seen_to {
                prop_assert!(back >= now.duration_since(seen_to) + OVERLAP);
            }
            prop_assert!(!window.read(now, &FailureLines::default()));
            prop_assert_eq!(window.covered(), Some(now));
            seen_to = Some(now);
        }
    }
}
