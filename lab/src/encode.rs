//! Events as record values: RFC 4180 lines or JSON objects, narrow as in the lab or padded for the benchmark.
//!
//! An encoder owns its scratch memory and the padding's randomness; it never does I/O.

use std::str::FromStr;

use fastrand::Rng;
use serde::Serialize;

use crate::{events::StormEvent, words::NARRATIVE};

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One RFC 4180 record: quoted where needed, quotes doubled.
    Csv,
    /// One JSON object with the column names as keys.
    Json,
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "csv" => Ok(Self::Csv),
            "json" => Ok(Self::Json),
            other => Err(format!("{other} is neither csv nor json")),
        }
    }
}

/// The shape of all values of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// CSV or JSON.
    pub format: Format,
    /// A seventh column, a narrative, fills each value up to about this many bytes; `None` leaves the lab's six columns.
    pub pad_to: Option<usize>,
    /// The lab's producer ends each value with a newline.
    pub newline: bool,
}

/// Turns events into values.
#[derive(Debug)]
pub struct Encoder {
    shape: Shape,
    random: Rng,
    value: Vec<u8>,
}

#[derive(Serialize)]
struct Padded<'a> {
    #[serde(flatten)]
    event: &'a StormEvent,
    #[serde(rename = "EventNarrative")]
    narrative: &'a str,
}

impl Encoder {
    /// An encoder whose padding depends on nothing but the number of events it has written.
    pub fn new(shape: Shape) -> Self {
        Self { shape, random: Rng::with_seed(1), value: Vec::new() }
    }

    /// The event's value, valid until the next call.
    pub fn encode(&mut self, event: &StormEvent) -> &[u8] {
        self.write(event, None);
        if let Some(target) = self.shape.pad_to {
            // The key and quotes of JSON, or the comma of CSV, come on top of the text.
            let overhead =
                if self.shape.format == Format::Json { r#","EventNarrative":"""#.len() } else { 1 };
            let narrative = narrative(&mut self.random, target.saturating_sub(self.value.len() + overhead));
            self.write(event, Some(&narrative));
        }
        if self.shape.newline {
            self.value.push(b'\n');
        }
        &self.value
    }

    fn write(&mut self, event: &StormEvent, narrative: Option<&str>) {
        self.value = match self.shape.format {
            Format::Csv => csv_line(event, narrative),
            Format::Json => match narrative {
                Some(narrative) => serde_json::to_vec(&Padded { event, narrative }),
                None => serde_json::to_vec(event),
            }
            .unwrap_or_default(),
        };
    }
}

/// One RFC 4180 record without its line end. Writing to memory cannot fail.
fn csv_line(event: &StormEvent, narrative: Option<&str>) -> Vec<u8> {
    let id = event.event_id.to_string();
    let columns = [&event.start_time, &event.end_time, &id, &event.state, &event.event_type, &event.source];
    let mut writer = csv::WriterBuilder::new()
        .buffer_capacity(256)
        .terminator(csv::Terminator::Any(b'\n'))
        .from_writer(Vec::new());
    let written = writer.write_record(columns.into_iter().map(String::as_str).chain(narrative));
    debug_assert!(written.is_ok());
    let mut line = writer.into_inner().unwrap_or_default();
    line.pop();
    line
}

/// Plain words up to `length` bytes: compresses about as real narratives do.
fn narrative(random: &mut Rng, length: usize) -> String {
    let mut text = String::with_capacity(length + 16);
    while text.len() < length {
        if !text.is_empty() {
            text.push(' ');
        }
        if random.u8(0..12) == 0 {
            text.push_str(&random.u16(1..10_000).to_string());
        } else {
            text.push_str(NARRATIVE[random.usize(0..NARRATIVE.len())]);
        }
    }
    text.truncate(length);
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::{Generator, Options};
    use proptest::prelude::*;

    fn shape(format: Format, pad_to: Option<usize>) -> Shape {
        Shape { format, pad_to, newline: true }
    }

    fn lab_event() -> StormEvent {
        StormEvent {
            start_time: "2007-01-01 00:00:00.0000000".to_owned(),
            end_time: "2007-01-01 00:00:00.0000000".to_owned(),
            event_id: 13208,
            state: "NORTH CAROLINA".to_owned(),
            event_type: "Thunderstorm Wind".to_owned(),
            source: "Public".to_owned(),
        }
    }

    #[test]
    fn csv_is_the_line_the_article_shows() {
        let mut encoder = Encoder::new(shape(Format::Csv, None));
        assert_eq!(
            encoder.encode(&lab_event()),
            b"2007-01-01 00:00:00.0000000,2007-01-01 00:00:00.0000000,13208,NORTH CAROLINA,Thunderstorm Wind,Public\n"
        );
    }

    #[test]
    fn json_has_the_columns_as_keys() {
        let mut encoder = Encoder::new(Shape { format: Format::Json, pad_to: None, newline: false });
        let value: serde_json::Value = serde_json::from_slice(encoder.encode(&lab_event())).unwrap();
        assert_eq!(value["EventId"], 13208);
        assert_eq!(value["StartTime"], "2007-01-01 00:00:00.0000000");
        assert_eq!(value.as_object().unwrap().len(), 6);
    }

    #[test]
    fn padded_values_come_close_to_the_wanted_size() {
        for (format, size) in [(Format::Csv, 200), (Format::Csv, 1024), (Format::Json, 1024)] {
            let mut encoder = Encoder::new(shape(format, Some(size)));
            for event in Generator::new(Options::seeded(5)).take(200) {
                let length = encoder.encode(&event).len();
                assert!((size - 8..=size + 8).contains(&length), "{length}");
            }
        }
    }

    fn read_back(line: &[u8]) -> Vec<String> {
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(line);
        let records: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().unwrap();
        assert_eq!(records.len(), 1);
        records[0].iter().map(str::to_owned).collect()
    }

    proptest! {
        #[test]
        fn any_text_survives_csv(id in any::<i32>(), texts in proptest::collection::vec(any::<String>(), 3)) {
            let event = StormEvent {
                event_id: id, state: texts[0].clone(), event_type: texts[1].clone(), source: texts[2].clone(), ..lab_event()
            };
            let read = read_back(Encoder::new(shape(Format::Csv, None)).encode(&event));
            prop_assert_eq!(&read[2..], &[id.to_string(), event.state, event.event_type, event.source]);
        }

        #[test]
        fn generated_events_survive_csv(seed in any::<u64>()) {
            let mut encoder = Encoder::new(shape(Format::Csv, None));
            for event in Generator::new(Options { tricky: true, ..Options::seeded(seed) }).take(50) {
                let read = read_back(encoder.encode(&event));
                let id = event.event_id.to_string();
                prop_assert_eq!(read, vec![event.start_time, event.end_time, id, event.state, event.event_type, event.source]);
            }
        }
    }
}
