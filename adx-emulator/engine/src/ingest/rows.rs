//! From records to rows: which source fills which column, and the prepared insert.
//!
//! Runs inside the caller's transaction and never commits.

use rusqlite::CachedStatement;
use serde_json::Value;
use serde_json::value::RawValue;

use super::delimited::Fields;
use super::json::Record;
use super::mapping::{Element, Kind, Source, Step, Transform, UnixUnit};
use super::tree;
use crate::datetime;
use crate::error::IngestFailure;
use crate::store::{Store, TableSchema};
use crate::value::{Cell, KustoType};

/// How one column is filled.
struct Pick {
    kind: KustoType,
    source: Option<Source>,
    transform: Transform,
}

/// A record of one of the families.
pub(crate) enum AnyRecord<'a> {
    /// CSV family.
    Fields(Fields<'a>),
    /// JSON family.
    Json(&'a Record<'a>),
    /// Avro, Parquet, ORC, W3C logs.
    Tree(&'a Value),
}

/// Writes records into one table.
pub(crate) struct RowWriter<'a> {
    statement: CachedStatement<'a>,
    picks: Vec<Pick>,
    location: &'a str,
    rows: u64,
}

impl<'a> RowWriter<'a> {
    /// Prepares to fill `table` as `mapping` says; without one by position (CSV) or by name (all others).
    pub(crate) fn new(
        store: &'a Store,
        table: &TableSchema,
        kind: Kind,
        mapping: Option<&[Element]>,
        location: &'a str,
    ) -> Result<Self, IngestFailure> {
        let picks = match mapping {
            Some(elements) => mapped_picks(table, elements)?,
            None => identity_picks(table, kind),
        };
        let names: Vec<String> = (0..picks.len()).map(|n| format!("c{n}")).collect();
        let marks = "?,".repeat(picks.len());
        let sql = format!("INSERT INTO data_{} ({},x) VALUES ({marks}?)", table.id, names.join(","));
        let statement = store.connection.prepare_cached(&sql)?;
        Ok(Self { statement, picks, location, rows: 0 })
    }

    /// Gives all rows this ingestion time, in ticks; without it they have none.
    pub(crate) fn at(mut self, moment: Option<i64>) -> Result<Self, IngestFailure> {
        // What is bound stays bound from row to row.
        self.statement.raw_bind_parameter(self.picks.len() + 1, moment)?;
        Ok(self)
    }

    /// Rows written so far.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// Writes one record.
    pub(crate) fn write(&mut self, record: &AnyRecord<'_>) -> Result<(), IngestFailure> {
        self.rows += 1;
        for (position, pick) in self.picks.iter().enumerate() {
            let cell = pick.cell(record, self.location, self.rows);
            self.statement.raw_bind_parameter(position + 1, cell)?;
        }
        self.statement.raw_execute()?;
        Ok(())
    }
}

impl Pick {
    fn cell<'r>(&'r self, record: &AnyRecord<'r>, location: &'r str, number: u64) -> Cell<'r> {
        let found = match (&self.source, record) {
            (Some(Source::Ordinal(position)), AnyRecord::Fields(fields)) => {
                fields.get(*position).map(|text| self.text(text))
            }
            (Some(Source::Path(path)), AnyRecord::Json(record)) => record.at(path).map(|raw| self.json(raw)),
            (Some(Source::Path(path)), AnyRecord::Tree(tree)) => {
                tree::at(tree, path).map(|node| self.node(node))
            }
            (Some(Source::Field(name)), AnyRecord::Tree(tree)) => tree.get(name).map(|node| self.node(node)),
            (Some(Source::Constant(text)), _) => Some(self.text(text)),
            (Some(Source::Location), _) => Some(self.text(location)),
            (Some(Source::LineNumber), _) => {
                Some(Cell::from_text(self.kind, &number.to_string()).into_owned())
            }
            _ => None,
        };
        found.unwrap_or_else(|| Cell::missing(self.kind))
    }

    fn text<'r>(&self, text: &'r str) -> Cell<'r> {
        match self.transform {
            // A constant has no bytes but its text's.
            Transform::None | Transform::BytesAsBase64 => Cell::from_text(self.kind, text),
            Transform::Unix(unit) => unix(text.trim(), unit),
        }
    }

    fn json<'r>(&self, raw: &'r RawValue) -> Cell<'r> {
        match self.transform {
            // A mapping of kind JSON has no BytesAsBase64.
            Transform::None | Transform::BytesAsBase64 => Cell::from_json(self.kind, raw),
            Transform::Unix(unit) => unix(raw.get().trim_matches('"'), unit),
        }
    }

    fn node<'r>(&self, node: &'r Value) -> Cell<'r> {
        match (self.transform, node) {
            (Transform::None, _) => tree::cell(self.kind, node),
            (Transform::BytesAsBase64, _) => tree::base64_cell(self.kind, node),
            (Transform::Unix(unit), Value::String(text)) => unix(text.trim(), unit),
            (Transform::Unix(unit), _) => unix(&node.to_string(), unit),
        }
    }
}

/// A Unix time as a datetime; null when it is not a number or out of range.
fn unix(text: &str, unit: UnixUnit) -> Cell<'static> {
    let (multiplier, divisor) = match unit {
        UnixUnit::Seconds => (10_000_000, 1),
        UnixUnit::Milliseconds => (10_000, 1),
        UnixUnit::Microseconds => (10, 1),
        UnixUnit::Nanoseconds => (1, 100),
    };
    let ticks = match text.parse::<i64>() {
        Ok(whole) => datetime::from_unix(i128::from(whole) * multiplier / divisor),
        Err(_) => text.parse::<f64>().ok().and_then(|units| fractional(units, multiplier, divisor)),
    };
    ticks.map_or(Cell::Null, Cell::Integer)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "checked to be inside the range first"
)]
fn fractional(units: f64, multiplier: i128, divisor: i128) -> Option<i64> {
    let ticks = units * multiplier as f64 / divisor as f64;
    (ticks.abs() < 4e18).then(|| ticks.round() as i128).and_then(datetime::from_unix)
}

fn identity_picks(table: &TableSchema, kind: Kind) -> Vec<Pick> {
    let columns = table.columns.iter().enumerate();
    columns
        .map(|(position, column)| Pick {
            kind: column.kind,
            source: Some(match kind {
                Kind::Csv => Source::Ordinal(position),
                Kind::Json => Source::Path(vec![Step::Member(column.name.clone())]),
                Kind::Avro | Kind::Parquet | Kind::Orc | Kind::W3cLogFile => {
                    Source::Field(column.name.clone())
                }
            }),
            transform: Transform::None,
        })
        .collect()
}

fn mapped_picks(table: &TableSchema, elements: &[Element]) -> Result<Vec<Pick>, IngestFailure> {
    let empty = |kind| Pick { kind, source: None, transform: Transform::None };
    let mut picks: Vec<Pick> = table.columns.iter().map(|column| empty(column.kind)).collect();
    for element in elements {
        let position = table.columns.iter().position(|column| column.name == element.column);
        let Some(pick) = position.and_then(|position| picks.get_mut(position)) else {
            let details =
                format!("the mapping names column '{}', which table '{}' lacks", element.column, table.name);
            return Err(IngestFailure::permanent("BadRequest_InvalidMapping", details));
        };
        if matches!(element.transform, Transform::Unix(_)) && pick.kind != KustoType::DateTime {
            let details =
                format!("column '{}' is not a datetime, as its mapping's transform needs", element.column);
            return Err(IngestFailure::permanent("BadRequest_InvalidMapping", details));
        }
        pick.source = Some(element.source.clone());
        pick.transform = element.transform;
    }
    Ok(picks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unix_times_become_datetimes() {
        let show = |text, unit| match unix(text, unit) {
            Cell::Integer(ticks) => datetime::format(ticks),
            other => format!("{other:?}"),
        };
        assert_eq!(show("1167609600", UnixUnit::Seconds), "2007-01-01T00:00:00.0000000Z");
        assert_eq!(show("1167609600123", UnixUnit::Milliseconds), "2007-01-01T00:00:00.1230000Z");
        assert_eq!(show("1167609600000001", UnixUnit::Microseconds), "2007-01-01T00:00:00.0000010Z");
        assert_eq!(show("1167609600000000199", UnixUnit::Nanoseconds), "2007-01-01T00:00:00.0000001Z");
        assert_eq!(show("1167609600.5", UnixUnit::Seconds), "2007-01-01T00:00:00.5000000Z");
        assert_eq!(show("x", UnixUnit::Seconds), "Null");
        assert_eq!(show("99999999999999", UnixUnit::Seconds), "Null");
        assert_eq!(show("NaN", UnixUnit::Seconds), "Null");
    }
}
