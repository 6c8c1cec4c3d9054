//! Where the topics of one entry go: names that may be made from the topic's own.
//!
//! `${topic}` is the topic; `${1}`, `${2}`, … and `${name}` are what groups of the entry's expression matched. Pure.

use crate::data::java_regex::JavaRegex;
use crate::kusto::config::DataFormat;
use crate::kusto::config::mapping::{Column, ColumnSource, MappingSyntax, RowLayout, TopicMapping};
use std::sync::Arc;

/// An entry of the setting.
#[derive(Debug, Clone)]
pub(super) struct Route {
    /// The topics it is for; none when that is one, or all others.
    pub(super) pattern: Option<JavaRegex>,
    pub(super) database: Template,
    pub(super) table: Template,
    pub(super) mapping: Option<Template>,
    pub(super) format: DataFormat,
    pub(super) streaming: bool,
    pub(super) columns: Arc<[Column]>,
    pub(super) layout: RowLayout,
}

impl Route {
    /// Where `topic` goes; none when it is for other topics, or a name would be empty.
    pub(super) fn of(&self, topic: &str) -> Option<TopicMapping> {
        let groups = match &self.pattern {
            // One that is too complex for a topic does not match it.
            Some(pattern) => pattern.groups(topic).ok()??,
            None => Vec::new(),
        };
        self.target(|template| template.fill(topic, &groups))
    }

    /// Where all its topics go; none when that depends on the topic.
    pub(super) fn fixed(&self) -> Option<TopicMapping> {
        self.target(Template::fixed)
    }

    fn target(&self, name: impl Fn(&Template) -> Option<String>) -> Option<TopicMapping> {
        let mapping = match &self.mapping {
            Some(mapping) => Some(name(mapping)?.into()),
            None => None,
        };
        Some(TopicMapping {
            database: name(&self.database)?.into(),
            table: name(&self.table)?.into(),
            mapping,
            format: self.format,
            streaming: self.streaming,
            columns: Arc::clone(&self.columns),
            layout: self.layout,
        })
    }

    pub(super) fn wants_whole_records(&self) -> bool {
        !self.columns.is_empty() || self.layout != RowLayout::Value
    }

    pub(super) fn wants_headers_as_columns(&self) -> bool {
        self.columns.iter().any(|column| column.source == ColumnSource::Headers)
    }
}

/// A name with places to be filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Topic,
    Group(String),
}

impl Template {
    /// Reads `text`; names have letters, digits, `_`, `.` and `-` (or whatever the dialect allows), and places that `pattern`
    /// has groups for.
    pub(super) fn parse(
        dialect: MappingSyntax,
        field: &str,
        text: &str,
        pattern: Option<&JavaRegex>,
    ) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let (name, behind) =
                after.split_once('}').ok_or_else(|| format!("'{field}' is '{text}': a ${{ is not closed"))?;
            parts.push(Part::Text(before.to_owned()));
            parts.push(match name {
                "topic" => Part::Topic,
                name if pattern.is_some_and(|pattern| pattern.has_group(name)) => Part::Group(name.to_owned()),
                name => {
                    return Err(format!(
                        "'{field}' is '{text}': there is no ${{{name}}}; it is topic, or a group of the entry's topicRegex"
                    ));
                }
            });
            rest = behind;
        }
        parts.push(Part::Text(rest.to_owned()));
        let is_plain = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c));
        if dialect == MappingSyntax::Fabric
            || parts.iter().all(|part| if let Part::Text(text) = part { is_plain(text) } else { true })
        {
            return Ok(Self(parts));
        }
        Err(format!("'{field}' is '{text}', but may have letters, digits, '_', '.' and '-' only"))
    }

    fn fill(&self, topic: &str, groups: &[(String, String)]) -> Option<String> {
        let part = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Topic => topic.to_owned(),
            Part::Group(name) => groups
                .iter()
                .find(|(group, _)| group == name)
                .map_or_else(String::new, |(_, text)| text.clone()),
        };
        Some(self.0.iter().map(part).collect::<String>()).filter(|name| !name.is_empty())
    }

    fn fixed(&self) -> Option<String> {
        self.0.iter().all(|part| matches!(part, Part::Text(_))).then(|| self.fill("", &[]))?
    }
}
