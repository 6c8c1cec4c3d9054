//! What would become of each record, for people and as JSON for programs.

use super::records::Given;
use crate::sink::SinkConnector;
use crate::task::Rehearsed;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// How many records became what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rehearsal {
    /// Rows.
    pub rows: usize,
    /// Nothing to write, or dropped by a transformation.
    pub skipped: usize,
    /// Bad records.
    pub bad: usize,
}

impl Rehearsal {
    pub(super) fn count(&mut self, found: &Rehearsed) {
        match found {
            Rehearsed::Row { .. } => self.rows += 1,
            Rehearsed::Nothing | Rehearsed::Dropped => self.skipped += 1,
            Rehearsed::Bad(_) => self.bad += 1,
        }
    }

    /// For people.
    pub fn to_text(self) -> String {
        let Self { rows, skipped, bad } = self;
        format!(
            "{rows} rows would be written, {skipped} records skipped, {bad} are bad. Nothing was written."
        )
    }
}

/// One record and what would become of it.
pub struct Line<'a> {
    /// The record.
    pub given: &'a Given,
    /// What would become of it.
    pub found: &'a Rehearsed,
    /// Says where rows go.
    pub sink: &'a dyn SinkConnector,
}

impl Line<'_> {
    fn target(&self, topic: &str) -> String {
        self.sink.describe(topic).target.unwrap_or_else(|| "nowhere".to_owned())
    }

    /// For people.
    pub fn to_text(&self) -> String {
        let place = format!("{} offset {}", self.given.from, self.given.record.offset);
        match self.found {
            Rehearsed::Row { topic, bytes, .. } => {
                let text = std::str::from_utf8(bytes).map_or_else(
                    |_| format!("{} bytes, in base64: {}", bytes.len(), STANDARD.encode(bytes)),
                    str::to_owned,
                );
                format!("{place} → {}\n  {text}\n", self.target(topic))
            }
            Rehearsed::Nothing => format!("{place} → nothing to write\n"),
            Rehearsed::Dropped => format!("{place} → dropped by a transformation\n"),
            Rehearsed::Bad(headers) => {
                let lines = headers
                    .iter()
                    .map(|(name, value)| format!("  {name}: {}\n", value.replace('\n', "\n    ")));
                format!("{place} → BAD; the headers of its dead letter:\n{}", lines.collect::<String>())
            }
        }
    }

    /// For programs.
    pub fn to_json(&self) -> Value {
        let Given { from, record } = self.given;
        let mut line = json!({ "topic": &*from.topic, "partition": from.partition, "offset": record.offset });
        let more = match self.found {
            Rehearsed::Row { topic, bytes, .. } => {
                let text = std::str::from_utf8(bytes).ok();
                let base64 = text.is_none().then(|| STANDARD.encode(bytes));
                json!({ "result": "row", "target": self.target(topic), "row": text, "row_base64": base64 })
            }
            Rehearsed::Nothing => json!({ "result": "nothing" }),
            Rehearsed::Dropped => json!({ "result": "dropped" }),
            Rehearsed::Bad(headers) => {
                let headers: serde_json::Map<String, Value> =
                    headers.iter().map(|(name, value)| ((*name).to_owned(), value.as_str().into())).collect();
                json!({ "result": "bad", "headers": headers })
            }
        };
        if let (Some(line), Value::Object(more)) = (line.as_object_mut(), more) {
            line.extend(more);
        }
        line
    }
}
