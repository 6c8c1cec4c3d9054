//! What the service tells of ingestions that failed: `.show ingestion failures`, and the fields that a message of the failure queue
//! has too (`kusto-protocol.md` §3.9, §9.1).
//!
//! Pure. Whose batch it was is found by `matching`. Texts are fit to be shown when they leave here; nothing in an answer makes
//! it fail: what cannot be read is counted.

use super::{codes, name};
use crate::id::BatchId;
use crate::kusto::ingest::{Table, TableRow};
use crate::secret::foreign;
use serde_json::{Value, json};
use std::time::Duration;
use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};
use tokio::time::Instant;

/// Lines of one look.
pub const MOST_LINES: usize = 5000;
/// How far a look goes back before the last one: the service writes its lines late.
pub const OVERLAP: Duration = Duration::from_mins(2);
/// Addresses are not longer than that.
const MOST_OF_A_PATH: usize = 2048;

/// What a failure means for its batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureVerdict {
    /// The service is done with it: it will not be in the table.
    Final,
    /// The service tries again by itself (for 48 hours).
    TriedAgain,
    /// Nothing is missing: what was left out is in the table, or on its way there, by another message.
    Doubled,
}

/// One ingestion that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IngestionFailure {
    /// The batch whose id stands in it; none when it is of no blob that is named like ours.
    pub id: Option<BatchId>,
    /// The blob's address, without a query.
    pub path: String,
    /// The database, as the service has it.
    pub database: String,
    /// The table.
    pub table: String,
    /// When, by the service's clock.
    pub at: OffsetDateTime,
    /// The service's code.
    pub code: String,
    /// Its words.
    pub text: String,
    /// What it means.
    pub verdict: FailureVerdict,
    /// The service thinks that the same blob may be taken another time.
    pub should_retry: bool,
    /// It was an update policy that failed, so the rows may be in the table itself.
    pub from_update_policy: bool,
    /// So many blobs failed together; only one of them has its name here.
    pub sources: u64,
}

impl IngestionFailure {
    /// What was told of one batch alone: that it failed for good, with this code and these words.
    pub fn told_alone(id: BatchId, (code, text): (&str, &str), at: OffsetDateTime) -> Self {
        Self {
            id: Some(id),
            path: String::new(),
            database: String::new(),
            table: String::new(),
            at,
            code: foreign(code),
            text: foreign(text),
            verdict: verdict(code, "permanent", Some(false)),
            should_retry: codes::is_permanent(code) == Some(false),
            from_update_policy: code.starts_with("UpdatePolicy_"),
            sources: 1,
        }
    }

    /// The same as a message of the failure queue, which `queue::read` reads: for other workers.
    pub fn message(&self) -> String {
        let status = if self.verdict == FailureVerdict::TriedAgain { "Transient" } else { "Permanent" };
        // Not said is not the same as no: then nobody would try again.
        let should_retry = match self.verdict {
            FailureVerdict::TriedAgain => self.should_retry.then_some(true),
            FailureVerdict::Final | FailureVerdict::Doubled => Some(self.should_retry),
        };
        json!({
            "Database": self.database,
            "Table": self.table,
            "FailedOn": literal(self.at),
            "IngestionSourceId": self.id.map(|id| id.to_string()),
            "IngestionSourcePath": self.path,
            "Details": self.text,
            "ErrorCode": self.code,
            "FailureStatus": status,
            "OriginatesFromUpdatePolicy": self.from_update_policy,
            "ShouldRetry": should_retry,
            "NumberOfSources": self.sources,
        })
        .to_string()
    }
}

/// What a look brought.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FailureLines {
    /// In the order of the answer: the oldest first.
    pub failures: Vec<IngestionFailure>,
    /// Lines without a moment, or with neither address nor id.
    pub unreadable: u64,
    /// There were as many lines as are asked for: there may be more.
    pub is_full: bool,
}

/// From when on failures are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookFrom {
    /// So long before the service's present moment: its clock need not be ours.
    Back(Duration),
    /// That moment of the service's clock: the last look was full and ended there.
    Moment(OffsetDateTime),
}

/// The command that asks for what failed. Blobs that are not named like ours are left out, but not what stands for several blobs.
pub fn command(from: LookFrom) -> String {
    let from = match from {
        LookFrom::Back(time) => format!("ago({}s)", time.as_secs().saturating_add(1)),
        LookFrom::Moment(moment) => format!("datetime({})", literal(moment)),
    };
    format!(
        ".show ingestion failures | where FailedOn >= {from} and (IngestionSourcePath contains '{}' or NumberOfSources > 1) \
         | top {MOST_LINES} by FailedOn asc",
        name::MARK
    )
}

/// A moment in the service's ticks of 100 ns.
fn literal(moment: OffsetDateTime) -> String {
    let utc = moment.checked_to_offset(UtcOffset::UTC).unwrap_or(moment);
    let (year, month, day) = utc.to_calendar_date();
    let (hour, minute, second) = utc.to_hms();
    let ticks = utc.nanosecond() / 100;
    format!("{year:04}-{:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ticks:07}Z", u8::from(month))
}

/// Reads the answer to [`command`].
pub fn read(answer: &Table) -> FailureLines {
    let mut lines = FailureLines { is_full: answer.len() >= MOST_LINES, ..FailureLines::default() };
    for row in answer.rows() {
        match of_row(&row) {
            Some(failure) => lines.failures.push(failure),
            None => lines.unreadable += 1,
        }
    }
    lines
}

fn of_row(row: &TableRow<'_>) -> Option<IngestionFailure> {
    of_fields(|name| row.cell(name))
}

/// Reads a failure by the names of its fields. Documents and services disagree: numbers and truths may be texts, codes numbers.
pub(super) fn of_fields<'v>(field: impl Fn(&str) -> Option<&'v Value>) -> Option<IngestionFailure> {
    let text = |name: &str| field(name).map(plain).unwrap_or_default();
    let path = without_query(&text("IngestionSourcePath"));
    let named = field("IngestionSourceId").and_then(Value::as_str);
    let id = named.and_then(|id| uuid::Uuid::try_parse(id.trim()).ok()).filter(|id| !id.is_nil());
    let id = id.map(BatchId).or_else(|| name::id_in(&path));
    if path.is_empty() && id.is_none() {
        return None;
    }
    let at = OffsetDateTime::parse(text("FailedOn").trim(), &Rfc3339).ok()?;
    let at = at.checked_to_offset(UtcOffset::UTC)?;
    let code = foreign(&text("ErrorCode"));
    let kind = field("FailureKind").or_else(|| field("FailureStatus")).map(plain).unwrap_or_default();
    let should_retry = field("ShouldRetry").and_then(truth);
    Some(IngestionFailure {
        id,
        path: foreign(&path),
        database: foreign(&text("Database")),
        table: foreign(&text("Table")),
        at,
        text: foreign(&text("Details")),
        verdict: verdict(&code, &kind, should_retry),
        code: if code.is_empty() { "Unknown".to_owned() } else { code },
        should_retry: should_retry.unwrap_or(false),
        from_update_policy: field("OriginatesFromUpdatePolicy").and_then(truth).unwrap_or(false),
        sources: field("NumberOfSources").and_then(number).unwrap_or(1),
    })
}

/// Only what is known to be tried again, or is not said, leaves hope.
fn verdict(code: &str, kind: &str, should_retry: Option<bool>) -> FailureVerdict {
    // A tag or a message that came twice: the first one counts.
    if matches!(code, "BlobAlreadyReceived_BlobAlreadyFoundInBatch" | "Skipped_IngestByTagAlreadyExists") {
        return FailureVerdict::Doubled;
    }
    let is_over = match (kind.trim().to_ascii_lowercase().as_str(), should_retry) {
        ("permanent" | "exhausted" | "1" | "3", _) | (_, Some(false)) => true,
        // Nothing is said: the code must do.
        ("" | "unknown" | "0", None) => codes::is_permanent(code) == Some(true),
        _ => code == "General_RetryAttemptsExceeded",
    };
    if is_over { FailureVerdict::Final } else { FailureVerdict::TriedAgain }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(truth) => truth.to_string(),
        _ => String::new(),
    }
}

fn truth(value: &Value) -> Option<bool> {
    match plain(value).trim().to_ascii_lowercase().as_str() {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

fn number(value: &Value) -> Option<u64> {
    plain(value).trim().parse().ok()
}

/// An address up to what may be a signature.
fn without_query(path: &str) -> String {
    let path = path.split(['?', ';']).next().unwrap_or_default().trim();
    path[..path.floor_char_boundary(MOST_OF_A_PATH)].to_owned()
}

/// From when on the next look asks, and how far the service was looked at. One owner: who looks.
#[derive(Debug, Clone)]
pub struct LookWindow {
    /// How far the first look goes back from the start, and when that was.
    first: (Duration, Instant),
    /// When the last look began that was read to its end.
    covered: Option<Instant>,
    /// A look that was full goes on there; when the first of such a row began.
    rest: Option<(OffsetDateTime, Instant)>,
    /// Times when more lines of one moment were there than a look takes.
    overrun: u64,
}

impl LookWindow {
    /// Before the first look: it goes back to `back` before `now`, however late it succeeds.
    pub fn new(back: Duration, now: Instant) -> Self {
        Self { first: (back, now), covered: None, rest: None, overrun: 0 }
    }

    /// From when on a look at `now` asks.
    pub fn asks_from(&self, now: Instant) -> LookFrom {
        match (self.rest, self.covered) {
            (Some((moment, _)), _) => LookFrom::Moment(moment),
            (None, Some(last)) => LookFrom::Back(now.saturating_duration_since(last) + OVERLAP),
            (None, None) => {
                let (back, started) = self.first;
                LookFrom::Back(now.saturating_duration_since(started) + back)
            }
        }
    }

    /// A look that began at `began` brought `lines`. True when there is more: the next one should not wait.
    pub fn read(&mut self, began: Instant, lines: &FailureLines) -> bool {
        let first = self.rest.map_or(began, |(_, first)| first);
        let last = lines.failures.iter().map(|failure| failure.at).max();
        if !lines.is_full {
            (self.rest, self.covered) = (None, Some(first));
            return false;
        }
        // If none of so many can be read, nothing is known, and asking at once would bring the same.
        let Some(last) = last else { return false };
        let stands = self.rest.is_some_and(|(moment, _)| last <= moment);
        self.overrun += u64::from(stands);
        // Lines of that very moment come again; if they are all there is, the next tick is gone to.
        let tick = time::Duration::nanoseconds(if stands { 100 } else { 0 });
        let next = last.checked_add(tick).unwrap_or(last);
        self.rest = Some((next, first));
        true
    }

    /// All that failed before this moment, and was written in time, was read; none before the first whole look.
    pub fn covered(&self) -> Option<Instant> {
        self.covered
    }

    /// How often lines were passed over because too many had one moment.
    pub fn overrun(&self) -> u64 {
        self.overrun
    }
}

#[cfg(test)]
#[path = "failures_tests.rs"]
mod tests;
