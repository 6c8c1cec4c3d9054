//! `kusto.tables.topics.mapping`: which topic goes into which table, and how (`kusto-sink-connector.md` §1.2).
//!
//! The text is JSON as the JVM connector's parser takes it: single quotes allowed, text after the closing `]` ignored,
//! numbers and booleans taken as texts, the last of equal fields and of equal topics wins; unknown fields are errors.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::DataFormat;

/// Where one topic goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicMapping {
    /// The topic's exact name, or `*`.
    pub topic: String,
    /// The database.
    pub database: Arc<str>,
    /// The table.
    pub table: Arc<str>,
    /// How the records' bytes are to be read by the service.
    pub format: DataFormat,
    /// The name of a pre-created ingestion mapping of the table. None when not given, and when no format was given.
    pub mapping: Option<Arc<str>>,
    /// Batches go to the engine directly where it takes them, else by queued ingestion.
    pub streaming: bool,
}

/// All topic mappings of a connector.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TopicMappings {
    by_topic: BTreeMap<String, TopicMapping>,
}

impl TopicMappings {
    /// The entry of `topic`, else the entry `*`.
    pub fn get(&self, topic: &str) -> Option<&TopicMapping> {
        self.by_topic.get(topic).or_else(|| self.by_topic.get("*"))
    }

    /// All entries, by topic.
    pub fn iter(&self) -> impl Iterator<Item = &TopicMapping> {
        self.by_topic.values()
    }

    /// Reads the setting's text. The errors are whole clauses, without the key's name.
    pub(super) fn parse(text: &str) -> Result<Self, Vec<String>> {
        let entries = read_json(text).map_err(|error| vec![error])?;
        if entries.is_empty() {
            return Err(vec!["the array is empty; it needs an object for each topic".to_owned()]);
        }
        let mut by_topic = BTreeMap::new();
        let mut errors = Vec::new();
        for (index, fields) in entries.iter().enumerate() {
            match Entry(fields).read() {
                Ok(mapping) => {
                    by_topic.insert(mapping.topic.clone(), mapping);
                }
                Err(found) => {
                    errors.extend(found.into_iter().map(|error| format!("entry {}: {error}", index + 1)));
                }
            }
        }
        if errors.is_empty() { Ok(Self { by_topic }) } else { Err(errors) }
    }
}

const FIELDS: [&str; 6] = ["topic", "db", "table", "format", "mapping", "streaming"];

type Fields = BTreeMap<String, Box<RawValue>>;

/// The array's objects. Values stay as written, so that a number becomes the very text that stands there.
fn read_json(text: &str) -> Result<Vec<Fields>, String> {
    let standard = standard_quotes(text);
    let mut deserializer = serde_json::Deserializer::from_str(&standard);
    Vec::<Fields>::deserialize(&mut deserializer).map_err(|error| {
        format!("not a JSON array of objects with texts (single quotes are allowed): {error}")
    })
}

/// The same JSON with double quotes only. Anything that is no JSON comes out as no JSON, for the JSON parser to refuse.
fn standard_quotes(text: &str) -> String {
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
struct Entry<'a>(&'a Fields);

impl Entry<'_> {
    fn read(&self) -> Result<TopicMapping, Vec<String>> {
        let mut errors: Vec<String> = self
            .0
            .keys()
            .filter(|name| !FIELDS.contains(&name.as_str()))
            .map(|name| format!("unknown field '{name}'; the fields are {}", FIELDS.join(", ")))
            .collect();
        let topic = keep(self.required("topic"), &mut errors);
        let database = keep(self.required("db").and_then(|text| name("db", text)), &mut errors);
        let table = keep(self.required("table").and_then(|text| name("table", text)), &mut errors);
        let mapping = keep(self.mapping(), &mut errors);
        let format = keep(self.format(), &mut errors);
        let streaming = keep(self.streaming(), &mut errors);
        match (topic, database, table, mapping, format, streaming) {
            (Some(topic), Some(database), Some(table), Some(mapping), Some(format), Some(streaming))
                if errors.is_empty() =>
            {
                Ok(TopicMapping {
                    topic,
                    database: database.into(),
                    table: table.into(),
                    // As the JVM connector: a mapping without a format is not sent.
                    mapping: format.and(mapping).map(Arc::from),
                    format: format.unwrap_or_default(),
                    streaming,
                })
            }
            _ => Err(errors),
        }
    }

    /// The field as text; none when it is missing or null.
    fn text(&self, field: &str) -> Result<Option<String>, String> {
        let Some(raw) = self.0.get(field).map(|raw| raw.get().trim()) else { return Ok(None) };
        match raw.chars().next() {
            Some('"') => {
                serde_json::from_str(raw).map(Some).map_err(|error| format!("'{field}' is no text: {error}"))
            }
            Some('{' | '[') => Err(format!("'{field}' must be a text")),
            _ if raw == "null" => Ok(None),
            _ => Ok(Some(raw.to_owned())),
        }
    }

    fn required(&self, field: &str) -> Result<String, String> {
        let text = self.text(field)?.filter(|text| !text.is_empty());
        text.ok_or_else(|| format!("'{field}' is missing or empty"))
    }

    fn mapping(&self) -> Result<Option<String>, String> {
        let given = self.text("mapping")?.filter(|text| !text.is_empty());
        given.map(|text| name("mapping", text)).transpose()
    }

    /// None when no format is given, which is not the same as an empty one.
    fn format(&self) -> Result<Option<DataFormat>, String> {
        let Some(text) = self.text("format")? else { return Ok(None) };
        let format = DataFormat::from_name(&text)
            .ok_or_else(|| format!("unknown format '{text}'; the formats are {}", DataFormat::NAMES))?;
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

/// The value, or its error noted.
fn keep<T>(result: Result<T, String>, errors: &mut Vec<String>) -> Option<T> {
    result.map_err(|error| errors.push(error)).ok()
}

/// Names of databases, tables and mappings: `[a-zA-Z0-9_.-]+`.
fn name(field: &str, text: String) -> Result<String, String> {
    if text.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c)) {
        return Ok(text);
    }
    Err(format!("'{field}' is '{text}', but may have letters, digits, '_', '.' and '-' only"))
}

#[cfg(test)]
mod tests {
    use super::{DataFormat, TopicMappings};
    use proptest::prelude::*;

    fn error(text: &str) -> String {
        TopicMappings::parse(text).unwrap_err().join("\n")
    }

    #[test]
    fn the_labs_mapping() {
        let text =
            "[{'topic': 'storm-events','db': 'db', 'table': 'Storms','format': 'csv', 'mapping':'M'}].";
        let mappings = TopicMappings::parse(text).unwrap();
        let mapping = mappings.get("storm-events").unwrap();
        assert_eq!((&*mapping.database, &*mapping.table, mapping.format), ("db", "Storms", DataFormat::Csv));
        assert_eq!(mapping.mapping.as_deref(), Some("M"));
        assert!(mappings.get("other").is_none());
    }

    #[test]
    fn streaming_is_chosen_by_each_entry() {
        for (value, streaming) in
            [("true", true), ("'True'", true), ("1", true), ("0", false), ("''", false), ("null", false)]
        {
            let text = format!(
                "[{{'topic':'a','db':'d','table':'t','streaming':{value}}}, {{'topic':'*','db':'d','table':'t'}}]"
            );
            let mappings = TopicMappings::parse(&text).unwrap();
            assert_eq!(mappings.get("a").unwrap().streaming, streaming, "{value}");
            assert!(!mappings.get("other").unwrap().streaming);
        }
    }

    #[test]
    fn leniencies() {
        let text = r#"[{"topic":"a","db":"x","table":1.50,'table':123,'streaming':'False','mapping':'m'},
            {'topic':'*','db':'d\'"'.'','table':'t'}]"#;
        assert!(error(text).contains("not a JSON array"), "{}", error(text));
        let text = r#"[{"topic":"a'b","db":"x","table":1.50,'table':12.30,'streaming':'False','mapping':'m'},
            {'topic':'q"\'\u0041','db':'d','table':'t', 'format':'', 'mapping':'m','streaming':0},
            {'topic':'*','db':'d','table':'one','format':null},{'topic':'*','db':'d','table':'two','format':'JSON'}] 'x"#;
        let mappings = TopicMappings::parse(text).unwrap();
        assert_eq!(&*mappings.get("a'b").unwrap().table, "12.30");
        assert_eq!(mappings.get("a'b").unwrap().mapping, None, "a mapping without a format is not sent");
        assert_eq!(mappings.get("q\"'A").unwrap().mapping.as_deref(), Some("m"));
        let fallback = mappings.get("anything").unwrap();
        assert_eq!((&*fallback.table, fallback.format), ("two", DataFormat::MultiJson));
    }

    #[test]
    fn refusals_name_the_entry_and_the_field() {
        for (text, part) in [
            ("", "not a JSON array"),
            ("null", "not a JSON array"),
            ("{'topic':'a'}", "not a JSON array"),
            ("[null]", "not a JSON array"),
            ("[{topic:'a'}]", "not a JSON array"),
            ("[{'topic':'a',}]", "not a JSON array"),
            ("[{'topic':'a'", "not a JSON array"),
            ("[]", "the array is empty"),
            ("[{'topic':'a','db':'d','table':'t'},{'db':'d','table':'t'}]", "entry 2: 'topic' is missing"),
            ("[{'topic':'a','db':'d','table':'t','Format':'csv'}]", "entry 1: unknown field 'Format'"),
            ("[{'topic':'a','db':'d d','table':'t'}]", "'db' is 'd d'"),
            ("[{'topic':'a','db':'d','table':['t']}]", "'table' must be a text"),
            ("[{'topic':'a','db':'d','table':'t','format':'cvs'}]", "unknown format 'cvs'"),
            ("[{'topic':'a','db':'d','table':'t','mapping':'m/n'}]", "'mapping' is 'm/n'"),
            ("[{'topic':'a','db':'d','table':'t','streaming':'yes'}]", "must be true or false"),
        ] {
            assert!(error(text).contains(part), "{text}: {}", error(text));
        }
        assert_eq!(TopicMappings::parse("[{'topic':'','db':'','table':'t'}]").unwrap_err().len(), 2);
    }

    /// The text as a JSON string in single quotes.
    fn single(text: &str) -> String {
        let double = serde_json::to_string(text).unwrap();
        let inner = &double[1..double.len() - 1];
        format!("'{}'", inner.replace("\\\"", "\"").replace('\'', "\\'"))
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "(?s)[\\[\\]{}:,'\"\\\\a-ctopicdbtable ./0-9\n]{0,60}") {
            let _read_or_refused = TopicMappings::parse(&text);
        }

        #[test]
        fn single_quotes_are_double_quotes(topic in "(?s).{1,20}", table in "[a-zA-Z0-9_.-]{1,10}") {
            let one = format!("[{{'topic':{},'db':'d','table':'{table}'}}]", single(&topic));
            let two = serde_json::json!([{"topic": topic, "db": "d", "table": table}]).to_string();
            let read = TopicMappings::parse(&one);
            prop_assert_eq!(&read, &TopicMappings::parse(&two));
            let read = read.unwrap();
            prop_assert_eq!(&read.get(&topic).unwrap().topic, &topic);
        }
    }
}
