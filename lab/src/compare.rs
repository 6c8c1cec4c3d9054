//! Is the table what was produced? Compares rows and events as multisets: nothing missing, nothing twice, nothing else.

use std::{collections::HashMap, fmt};

use serde_json::Value;
use time::{
    OffsetDateTime, PrimitiveDateTime, format_description::well_known::Rfc3339, macros::format_description,
};

use crate::{events::StormEvent, kusto::Table};

/// An event in the form both sides can be brought to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Row {
    start: Moment,
    end: Moment,
    id: String,
    texts: [String; 3],
}

/// A time, or the text that is none: it then equals only itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Moment {
    At(OffsetDateTime),
    Text(String),
}

impl Moment {
    fn read(text: &str) -> Self {
        let lab = format_description!("[year]-[month]-[day] [hour]:[minute]:[second].[subsecond]");
        let parsed = OffsetDateTime::parse(text, &Rfc3339)
            .or_else(|_| PrimitiveDateTime::parse(text, lab).map(PrimitiveDateTime::assume_utc));
        parsed.map_or_else(|_| Self::Text(text.to_owned()), Self::At)
    }
}

impl From<&StormEvent> for Row {
    fn from(event: &StormEvent) -> Self {
        Self {
            start: Moment::read(&event.start_time),
            end: Moment::read(&event.end_time),
            id: event.event_id.to_string(),
            texts: [event.state.clone(), event.event_type.clone(), event.source.clone()],
        }
    }
}

impl Row {
    /// A row of the table `Storms` in the order of its columns.
    fn from_table(row: &[Value]) -> Self {
        let text = |index: usize| match row.get(index) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Null) | None => String::new(),
            Some(other) => other.to_string(),
        };
        let [state, event_type, source] = [3, 4, 5].map(text);
        Self {
            start: Moment::read(&text(0)),
            end: Moment::read(&text(1)),
            id: text(2),
            texts: [state, event_type, source],
        }
    }
}

/// How a table differs from what was produced.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Difference {
    /// Events that are not in the table, or not often enough.
    pub missing: usize,
    /// Rows nobody produced, or more often than produced.
    pub unexpected: usize,
    /// The first few of both, for the reader.
    pub examples: Vec<String>,
}

/// Examples listed of each kind.
const EXAMPLES: usize = 3;

/// `None` when the table holds exactly the events.
pub fn difference<'a>(events: impl IntoIterator<Item = &'a StormEvent>, table: &Table) -> Option<Difference> {
    let mut balance: HashMap<Row, i64> = HashMap::new();
    for event in events {
        *balance.entry(event.into()).or_default() += 1;
    }
    for row in &table.rows {
        *balance.entry(Row::from_table(row)).or_default() -= 1;
    }
    balance.retain(|_, count| *count != 0);
    if balance.is_empty() {
        return None;
    }
    let mut rows: Vec<(Row, i64)> = balance.into_iter().collect();
    rows.sort();
    let total = |sign: i64| rows.iter().map(|(_, count)| usize::try_from(count * sign).unwrap_or(0)).sum();
    let examples = |word: &'static str, sign: i64| {
        let wanted = rows.iter().filter(move |(_, count)| count * sign > 0).take(EXAMPLES);
        wanted
            .map(move |(row, _)| format!("{word}: {:?} {:?} {} {:?}", row.start, row.end, row.id, row.texts))
    };
    Some(Difference {
        missing: total(1),
        unexpected: total(-1),
        examples: examples("missing", 1).chain(examples("unexpected", -1)).collect(),
    })
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} events are missing, {} rows are unexpected", self.missing, self.unexpected)?;
        self.examples.iter().try_for_each(|example| write!(f, "\n  {example}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::{Generator, Options};
    use serde_json::json;

    fn events() -> Vec<StormEvent> {
        Generator::new(Options { tricky: true, ..Options::seeded(11) }).take(200).collect()
    }

    /// The table as Kusto would answer: other order, times in ISO 8601.
    fn table(events: &[StormEvent]) -> Table {
        let iso = |text: &str| text.replace(' ', "T").replace(".0000000", "Z");
        let row = |e: &StormEvent| {
            vec![
                json!(iso(&e.start_time)),
                json!(iso(&e.end_time)),
                json!(e.event_id),
                json!(e.state),
                json!(e.event_type),
                json!(e.source),
            ]
        };
        Table { columns: Vec::new(), rows: events.iter().rev().map(row).collect() }
    }

    #[test]
    fn equal_in_any_order() {
        assert_eq!(difference(&events(), &table(&events())), None);
    }

    #[test]
    fn a_lost_a_doubled_and_a_changed_row_are_seen() {
        let produced = events();
        let lost = difference(&produced, &table(&produced[1..])).unwrap();
        assert_eq!((lost.missing, lost.unexpected), (1, 0));
        let mut doubled = table(&produced);
        doubled.rows.push(doubled.rows[0].clone());
        let doubled = difference(&produced, &doubled).unwrap();
        assert_eq!((doubled.missing, doubled.unexpected), (0, 1));
        let mut changed = table(&produced);
        changed.rows[3][3] = json!("KANZAS");
        let changed = difference(&produced, &changed).unwrap();
        assert_eq!((changed.missing, changed.unexpected), (1, 1));
        assert!(changed.to_string().contains("KANZAS"), "{changed}");
    }

    #[test]
    fn the_same_event_twice_must_be_there_twice() {
        let mut produced = events();
        produced.push(produced[0].clone());
        assert_eq!(difference(&produced, &table(&produced)), None);
        assert!(difference(&produced, &table(&produced[1..])).is_some());
    }
}
