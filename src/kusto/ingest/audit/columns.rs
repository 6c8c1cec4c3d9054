//! In which columns of a table the coordinates of a row's record stand, and the KQL that gives them. Pure.
//!
//! The mapping of the topic says what is written (`columns`, Fabric's `kafkamd`), the table's ingestion mapping and its own
//! columns where that ends up; what a person says wins.

use crate::kusto::config::{ColumnSource, RowLayout, TopicMapping};
use crate::kusto::ingest::target::quoted_name;
use crate::sink::AuditColumns;
use serde_json::Value;

/// The member that Fabric's connector writes.
const COORDINATES: &str = "kafkamd";

/// A table's columns: name and type.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Columns(Vec<(String, String)>);

/// KQL for the coordinates of a row; none where they do not stand in the table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Coordinates {
    /// A `long`.
    pub offset: Option<String>,
    /// A whole number.
    pub partition: Option<String>,
    /// A text.
    pub topic: Option<String>,
}

/// One of the coordinates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Coordinate {
    source: ColumnSource,
    member: &'static str,
    conversion: &'static str,
    /// Types that need no conversion, so that the engine's index helps.
    plain: &'static [&'static str],
}

const OFFSET: Coordinate = Coordinate {
    source: ColumnSource::Offset,
    member: "offset",
    conversion: "tolong",
    plain: &["long", "int"],
};
const PARTITION: Coordinate = Coordinate {
    source: ColumnSource::Partition,
    member: "partition",
    conversion: "toint",
    plain: &["int", "long"],
};
const TOPIC: Coordinate =
    Coordinate { source: ColumnSource::Topic, member: "topic", conversion: "tostring", plain: &["string"] };

impl Columns {
    /// Reads what `.show table … cslschema` says: `a:int,['b c']:string`.
    pub(super) fn parse(schema: &str) -> Self {
        let (mut all, mut rest) = (Vec::new(), schema.trim());
        while !rest.is_empty() {
            let (name, behind) = match rest.strip_prefix("['").and_then(|quoted| quoted.split_once("']")) {
                Some((name, behind)) => {
                    (name.replace("\\'", "'"), behind.strip_prefix(':').unwrap_or(behind))
                }
                None => match rest.split_once(':') {
                    Some((name, behind)) => (name.trim().to_owned(), behind),
                    None => break,
                },
            };
            let (kind, behind) = behind.split_once(',').unwrap_or((behind, ""));
            all.push((name, kind.trim().to_owned()));
            rest = behind.trim_start();
        }
        Self(all)
    }

    fn kind(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, kind)| kind.as_str())
    }

    /// The name at this place, counted from the end.
    fn last_but(&self, place: usize) -> Option<String> {
        self.0.iter().rev().nth(place).map(|(name, _)| name.clone())
    }
}

impl Coordinates {
    /// Where they stand in rows of `target`, whose ingestion mapping is `mapping` (JSON) if it has one.
    pub(super) fn find(
        target: &TopicMapping,
        columns: &Columns,
        mapping: Option<&str>,
        given: &AuditColumns,
    ) -> Self {
        let paths = mapping.map(paths);
        let place = |coordinate: Coordinate, given: &Option<String>| match given {
            Some(words) => Some(by_words(words, columns, coordinate)),
            None => written(target, coordinate, columns, paths.as_deref()),
        };
        Self {
            offset: place(OFFSET, &given.offset),
            partition: place(PARTITION, &given.partition),
            topic: place(TOPIC, &given.topic),
        }
    }
}

/// What a person calls a column, or a member of one: `kafka.offset`.
fn by_words(words: &str, columns: &Columns, coordinate: Coordinate) -> String {
    if columns.kind(words).is_some() {
        return column(words, columns, coordinate);
    }
    let mut parts = words.split('.');
    let first = parts.next().unwrap_or_default();
    let members: Vec<&str> = parts.collect();
    if members.is_empty() {
        column(first, columns, coordinate)
    } else {
        member(first, columns, &members, coordinate)
    }
}

/// The text of a column or of a member of one, whatever its type.
pub(super) fn text_of(words: &str, columns: &Columns) -> String {
    by_words(words, columns, TOPIC)
}

fn written(
    target: &TopicMapping,
    coordinate: Coordinate,
    columns: &Columns,
    paths: Option<&[(String, Vec<String>)]>,
) -> Option<String> {
    // The column that the ingestion mapping fills from a path.
    let mapped = |wanted: &[&str]| {
        let (name, _) =
            paths?.iter().find(|(_, path)| path.iter().map(String::as_str).eq(wanted.iter().copied()))?;
        Some(name.clone())
    };
    let named = |name: &str| columns.kind(name).is_some().then(|| name.to_owned());
    match target.layout {
        RowLayout::Value => {
            let place = target.columns.iter().position(|column| column.source == coordinate.source)?;
            let name = target.columns.get(place)?.name.as_ref();
            let behind = target.columns.len().checked_sub(place + 1)?;
            let found = match (target.format.field_separator(), paths) {
                // Fields have no names: the column may be called as the setting says, or be where it stands in the line.
                (Some(_), None) => named(name).or_else(|| columns.last_but(behind)),
                (None, Some(_)) => mapped(&[name]),
                (Some(_), Some(_)) | (None, None) => named(name),
            };
            Some(column(&found?, columns, coordinate))
        }
        RowLayout::FabricJson { .. } => {
            if let Some(name) = mapped(&[COORDINATES, coordinate.member]) {
                return Some(column(&name, columns, coordinate));
            }
            let whole = if paths.is_some() { mapped(&[COORDINATES]) } else { named(COORDINATES) };
            Some(member(&whole?, columns, &[coordinate.member], coordinate))
        }
        RowLayout::FabricCsv => {
            let by_place = || if paths.is_none() { columns.last_but(0) } else { None };
            let whole = named(COORDINATES).or_else(by_place)?;
            Some(member(&whole, columns, &[coordinate.member], coordinate))
        }
    }
}

fn column(name: &str, columns: &Columns, Coordinate { conversion, plain, .. }: Coordinate) -> String {
    let quoted = quoted_name(name);
    match columns.kind(name) {
        Some(kind) if plain.contains(&kind) => quoted,
        _ => format!("{conversion}({quoted})"),
    }
}

fn member(
    name: &str,
    columns: &Columns,
    members: &[&str],
    Coordinate { conversion, .. }: Coordinate,
) -> String {
    let quoted = quoted_name(name);
    let value = if columns.kind(name) == Some("string") { format!("todynamic({quoted})") } else { quoted };
    let members = members.iter().map(|member| quoted_name(member)).collect::<Vec<_>>().concat();
    format!("{conversion}({value}{members})")
}

/// Columns that an ingestion mapping fills by paths, each with the members of its path.
fn paths(mapping: &str) -> Vec<(String, Vec<String>)> {
    let Ok(Value::Array(elements)) = serde_json::from_str(mapping) else { return Vec::new() };
    let text = |element: &Value, name: &str| {
        let fields = element.as_object()?.iter();
        let found =
            fields.filter(|(key, _)| key.eq_ignore_ascii_case(name)).find_map(|(_, value)| value.as_str());
        found.map(str::to_owned)
    };
    let properties = |element: &Value| {
        let mut fields = element.as_object()?.iter();
        fields.find(|(key, _)| key.eq_ignore_ascii_case("properties")).map(|(_, value)| value.clone())
    };
    let element = |element: &Value| {
        let name = text(element, "column").or_else(|| text(element, "name"))?;
        let path = text(element, "path").or_else(|| text(&properties(element)?, "path"))?;
        Some((name, members(&path)?))
    };
    elements.iter().filter_map(element).collect()
}

/// The members in `$.a.b`, `$['a']['b']`; none of a path with anything else in it.
fn members(path: &str) -> Option<Vec<String>> {
    let (mut rest, mut all) = (path.trim().strip_prefix('$')?, Vec::new());
    while !rest.is_empty() {
        rest = rest.strip_prefix('.').unwrap_or(rest);
        let quoted = ["['", "[\""]
            .iter()
            .zip(["']", "\"]"])
            .find_map(|(open, close)| rest.strip_prefix(open)?.split_once(close));
        let (member, behind) = match quoted {
            Some(found) => found,
            None => rest.split_at(rest.find(['.', '[']).unwrap_or(rest.len())),
        };
        if member.is_empty() {
            return None;
        }
        all.push(member.to_owned());
        rest = behind;
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::{Columns, Coordinates, members, paths, text_of};
    use crate::kusto::config::{Column, ColumnSource, DataFormat, RowLayout, TopicMapping};
    use crate::sink::AuditColumns;
    use proptest::prelude::*;

    fn target(format: DataFormat, layout: RowLayout) -> TopicMapping {
        let columns =
            [("t", ColumnSource::Topic), ("p", ColumnSource::Partition), ("o", ColumnSource::Offset)];
        let columns = columns.map(|(name, source)| Column { source, name: name.into() });
        let columns = if layout == RowLayout::Value { columns.to_vec() } else { Vec::new() };
        TopicMapping {
            database: "d".into(),
            table: "T".into(),
            format,
            mapping: None,
            streaming: false,
            columns: columns.into(),
            layout,
        }
    }

    fn found(target: &TopicMapping, schema: &str, mapping: Option<&str>) -> [String; 3] {
        let found = Coordinates::find(target, &Columns::parse(schema), mapping, &AuditColumns::default());
        [found.topic, found.partition, found.offset].map(Option::unwrap_or_default)
    }

    #[test]
    fn columns_are_found_by_their_names_their_paths_and_their_places() {
        let json = target(DataFormat::MultiJson, RowLayout::Value);
        let plain = ["['t']", "['p']", "['o']"].map(str::to_owned);
        assert_eq!(found(&json, "a:int,t:string,p:int,o:long", None), plain);
        assert_eq!(found(&json, "a:int", None), ["", "", ""]);
        let mapping = r#"[{"Column":"Topic","Properties":{"Path":"$['t']"}},{"column":"Part","path":"$.p"},
            {"column":"At","path":"$.o"},{"column":"o","path":"$.other"}]"#;
        assert_eq!(
            found(&json, "o:long,Topic:string,Part:string,At:real", Some(mapping)),
            ["['Topic']", "toint(['Part'])", "tolong(['At'])"]
        );
        let csv = target(DataFormat::Csv, RowLayout::Value);
        assert_eq!(found(&csv, "x:int,t:string,p:int,o:long", None), plain);
        assert_eq!(found(&csv, "x:int,a:string,b:int,['c d']:long", None), ["['a']", "['b']", "['c d']"]);
        assert_eq!(
            found(&csv, "x:int,a:string,b:int,c:long", Some("[]")),
            ["", "", ""],
            "fields in any order"
        );
        assert_eq!(found(&csv, "x:int,t:string,p:int,o:long", Some("[]")), plain);
    }

    #[test]
    fn fabrics_coordinates_are_one_column_or_paths_into_it() {
        let json = target(DataFormat::MultiJson, RowLayout::FabricJson { avro: false, payload: true });
        let members = |base: &str| {
            [("tostring", "topic"), ("toint", "partition"), ("tolong", "offset")]
                .map(|(by, name)| format!("{by}({base}['{name}'])"))
        };
        assert_eq!(found(&json, "payload:dynamic,kafkamd:dynamic", None), members("['kafkamd']"));
        assert_eq!(found(&json, "payload:dynamic", None), ["", "", ""]);
        let whole = r#"[{"column":"md","path":"$.kafkamd"}]"#;
        assert_eq!(found(&json, "md:dynamic", Some(whole)), members("['md']"));
        let parts =
            r#"[{"column":"o","path":"$.kafkamd.offset"},{"column":"p","path":"$.kafkamd.partition"}]"#;
        assert_eq!(found(&json, "o:long,p:string", Some(parts)), ["", "toint(['p'])", "['o']"]);
        let csv = target(DataFormat::Csv, RowLayout::FabricCsv);
        assert_eq!(found(&csv, "v:int,k:string,h:dynamic,m:string", None), members("todynamic(['m'])"));
    }

    #[test]
    fn a_person_has_the_last_word_and_no_name_breaks_out() {
        let target = target(DataFormat::MultiJson, RowLayout::Value);
        let given = AuditColumns {
            offset: Some("meta.at".into()),
            partition: Some("x'] | drop".into()),
            topic: None,
        };
        let columns = Columns::parse("meta:dynamic,t:string");
        let found = Coordinates::find(&target, &columns, None, &given);
        assert_eq!(found.offset.as_deref(), Some("tolong(['meta']['at'])"));
        assert_eq!(found.partition.as_deref(), Some(r"toint(['x\'] | drop'])"));
        assert_eq!(found.topic.as_deref(), Some("['t']"));
        assert_eq!(text_of("t", &columns), "['t']");
    }

    proptest! {
        #[test]
        fn no_schema_path_or_mapping_panics(text in r#"[\[\]'":,.$a-z{} ]{0,60}"#) {
            let _read = (Columns::parse(&text), members(&text), paths(&text));
        }
    }
}
