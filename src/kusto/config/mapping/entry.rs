//! One object of the setting's array, field by field.

use crate::data::java_regex::JavaRegex;
use crate::kusto::config::DataFormat;
use crate::kusto::config::mapping::columns::Column;
use crate::kusto::config::mapping::route::{Route, Template};
use crate::kusto::config::mapping::{MappingSyntax, RowLayout, columns};
use crate::words;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::sync::Arc;

const FIELDS: [&str; 8] = ["topic", "topicRegex", "db", "table", "format", "mapping", "streaming", "columns"];

const PAYLOAD: &str = "dynamicPayload";

pub(super) type Fields = BTreeMap<String, Box<RawValue>>;

/// The array's objects. Values stay as written, so that a number becomes the very text that stands there.
pub(super) fn read_json(text: &str) -> Result<Vec<Fields>, String> {
    let standard = standard_quotes(text.trim_start_matches('\u{feff}'));
    let mut deserializer = serde_json::Deserializer::from_str(&standard);
    Vec::<Fields>::deserialize(&mut deserializer).map_err(|error| {
        format!("not a JSON array of objects with texts (single quotes are allowed): {}", words::json(&error))
    })
}

/// The same JSON with double quotes only. Anything that is no JSON comes out as no JSON, for the JSON parser to refuse.
pub(in crate::kusto) fn standard_quotes(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut quote = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, quote) {
            ('\'' | '"', None) => {
                quote = Some(c);
                out.push('"');
            }
            (_, Some(open)) if c == open => {
                quote = None;
                out.push('"');
            }
            ('"', Some('\'')) => out.push_str("\\\""),
            ('\\', Some(_)) => match chars.next() {
                // Needed inside single quotes, but no escape of standard JSON.
                Some('\'') => out.push('\''),
                escaped => {
                    out.push('\\');
                    out.extend(escaped);
                }
            },
            _ => out.push(c),
        }
    }
    out
}

/// One object of the array.
pub(super) struct Entry<'a> {
    dialect: MappingSyntax,
    fields: &'a Fields,
    errors: Vec<String>,
}

impl<'a> Entry<'a> {
    pub(super) fn new(dialect: MappingSyntax, fields: &'a Fields) -> Self {
        Self { dialect, fields, errors: Vec::new() }
    }

    /// The topic it is for, if that is one, and where it goes; or all that is wrong.
    pub(super) fn read(mut self) -> Result<(Option<String>, Route), Vec<String>> {
        let unknown = self.fields.keys().filter(|name| !FIELDS.contains(&name.as_str()));
        let unknown =
            unknown.map(|name| format!("unknown field '{name}'; the fields are {}", FIELDS.join(", ")));
        self.errors = unknown.collect();
        let pattern = self.pattern();
        let topic = if pattern.is_none() && !self.fields.contains_key("topicRegex") {
            let topic = self.required("topic");
            self.keep(topic)
        } else {
            None
        };
        let database = self.name("db", pattern.as_ref());
        let table = self.name("table", pattern.as_ref());
        let mapping = if self.text("mapping").is_ok_and(|text| text.is_none_or(|text| text.is_empty())) {
            None
        } else {
            self.name("mapping", pattern.as_ref())
        };
        let format = self.format();
        let format = self.keep(format);
        let streaming = self.streaming();
        let streaming = self.keep(streaming);
        let (format, layout) = self.layout(format.flatten());
        let columns = self.columns(format.unwrap_or_default());
        let format = Some(format);
        let target = (database, table, format, streaming);
        match target {
            (Some(database), Some(table), Some(format), Some(streaming)) if self.errors.is_empty() => {
                // As the JVM connector: a mapping without a format is not sent.
                let mapping = format.and(mapping);
                let format = format.unwrap_or_default();
                Ok((topic, Route { pattern, database, table, mapping, format, streaming, columns, layout }))
            }
            _ => Err(self.errors),
        }
    }

    /// The expression that topics are to match, in place of one topic's name.
    fn pattern(&mut self) -> Option<JavaRegex> {
        let text = self.text("topicRegex");
        let text = self.keep(text)??;
        if self.fields.contains_key("topic") {
            self.errors.push("'topic' and 'topicRegex' exclude each other".to_owned());
        }
        let pattern =
            JavaRegex::new(&text).map_err(|error| format!("'topicRegex' is no expression: {error}"));
        self.keep(pattern)
    }

    /// A name of a database, table or mapping, made from the topic's when it has `${…}` in it.
    fn name(&mut self, field: &str, pattern: Option<&JavaRegex>) -> Option<Template> {
        let text = self.required(field);
        let text = self.keep(text)?;
        let template = Template::parse(self.dialect, field, &text, pattern);
        self.keep(template)
    }

    /// What is sent in place of the entry's format, and how it is written. The class Fabric writes JSON for its source formats
    /// json and avro (`fabric-sink-connector.md` §4).
    fn layout(&mut self, format: Option<DataFormat>) -> (Option<DataFormat>, RowLayout) {
        let payload = self.text(PAYLOAD);
        let payload = self.keep(payload).flatten().is_some_and(|text| text.eq_ignore_ascii_case("true"));
        match (self.dialect, format) {
            (MappingSyntax::Fabric, Some(found @ (DataFormat::MultiJson | DataFormat::Avro))) => {
                let avro = found == DataFormat::Avro;
                (Some(DataFormat::MultiJson), RowLayout::FabricJson { avro, payload })
            }
            (MappingSyntax::Fabric, None | Some(DataFormat::Csv)) => (format, RowLayout::FabricCsv),
            (MappingSyntax::Fabric | MappingSyntax::Kusto, _) => (format, RowLayout::Value),
        }
    }

    fn columns(&mut self, format: DataFormat) -> Arc<[Column]> {
        let Some(raw) = self.fields.get("columns").map(|raw| raw.get().trim()).filter(|raw| *raw != "null")
        else {
            return Arc::default();
        };
        let columns = columns::read(raw, format);
        self.keep(columns).unwrap_or_default().into()
    }

    /// The value, or its error noted.
    fn keep<T>(&mut self, result: Result<T, String>) -> Option<T> {
        result.map_err(|error| self.errors.push(error)).ok()
    }

    /// The field as text; none when it is missing or null.
    fn text(&self, field: &str) -> Result<Option<String>, String> {
        let Some(raw) = self.fields.get(field).map(|raw| raw.get().trim()) else { return Ok(None) };
        match raw.chars().next() {
            Some('"') => serde_json::from_str(raw)
                .map(Some)
                .map_err(|error| format!("'{field}' is no text: {}", words::json(&error))),
            Some('{' | '[') => Err(format!("'{field}' must be a text")),
            _ if raw == "null" => Ok(None),
            _ => Ok(Some(raw.to_owned())),
        }
    }

    fn required(&self, field: &str) -> Result<String, String> {
        let text = self.text(field)?.filter(|text| !text.is_empty());
        text.ok_or_else(|| format!("'{field}' is missing or empty"))
    }

    /// None when no format is given, which is not the same as an empty one.
    fn format(&self) -> Result<Option<DataFormat>, String> {
        let Some(text) = self.text("format")? else { return Ok(None) };
        let format = DataFormat::from_name(&text)
            .ok_or_else(|| format!("unknown format '{text}'; the formats are {}", DataFormat::names()))?;
        Ok(Some(format))
    }

    /// A boolean, a text of one, or a number: all but 0 is true.
    fn streaming(&self) -> Result<bool, String> {
        let text = self.text("streaming")?.unwrap_or_default();
        match text.as_str() {
            "" | "false" | "False" | "FALSE" => Ok(false),
            "true" | "True" | "TRUE" => Ok(true),
            number => match number.parse::<i64>() {
                Ok(number) => Ok(number != 0),
                Err(_) => Err(format!("'streaming' must be true or false, not '{text}'")),
            },
        }
    }
}
