//! What is read from the setting, and what is refused.

use crate::kusto::config::DataFormat;
use crate::kusto::config::mapping::{Column, MappingSyntax, TopicMappings};
use proptest::prelude::*;

fn parse(text: &str) -> Result<TopicMappings, Vec<String>> {
    TopicMappings::parse(MappingSyntax::Kusto, text)
}

fn error(text: &str) -> String {
    parse(text).unwrap_err().join("\n")
}

#[test]
fn the_labs_mapping() {
    let text = "[{'topic': 'storm-events','db': 'db', 'table': 'Storms','format': 'csv', 'mapping':'M'}].";
    let mappings = parse(text).unwrap();
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
        let mappings = parse(&text).unwrap();
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
    let mappings = parse(text).unwrap();
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
    assert_eq!(parse("[{'topic':'','db':'','table':'t'}]").unwrap_err().len(), 2);
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
        let _read_or_refused = parse(&text);
    }

    #[test]
    fn single_quotes_are_double_quotes(topic in "(?s).{1,20}", table in "[a-zA-Z0-9_.-]{1,10}") {
        let one = format!("[{{'topic':{},'db':'d','table':'{table}'}}]", single(&topic));
        let two = serde_json::json!([{"topic": topic, "db": "d", "table": table}]).to_string();
        let (read, same) = (parse(&one).unwrap(), parse(&two).unwrap());
        prop_assert!(read.get(&topic).is_some());
        prop_assert_eq!(read.get(&topic), same.get(&topic));
    }
}

#[test]
fn names_are_made_from_the_topic_and_from_groups() {
    let text = "[{'topic':'one','db':'d','table':'T_${topic}'},
        {'topicRegex':'storm-(?<region>[a-z]+)-(\\\\d+)','db':'${region}','table':'Storms_${2}','format':'json','mapping':'m_${topic}'},
        {'topicRegex':'storm-(.*)','db':'d','table':'${1}'},
        {'topic':'*','db':'rest','table':'${topic}'}]";
    let mappings = parse(text).unwrap();
    let of = |topic: &str| {
        mappings.get(topic).map(|found| {
            let mapping = found.mapping.as_deref().unwrap_or_default().to_owned();
            (found.database.to_string(), found.table.to_string(), mapping)
        })
    };
    let names =
        |db: &str, table: &str, mapping: &str| Some((db.to_owned(), table.to_owned(), mapping.to_owned()));
    assert_eq!(of("one"), names("d", "T_one", ""));
    assert_eq!(of("storm-texas-7"), names("texas", "Storms_7", "m_storm-texas-7"));
    assert_eq!(of("storm-x"), names("d", "x", ""), "the first expression that matches the whole name");
    assert_eq!(of("a-storm-texas-7"), names("rest", "a-storm-texas-7", ""));
    assert_eq!(of("storm-"), names("rest", "storm-", ""), "no table has an empty name");
    assert_eq!(mappings.fixed().count(), 0);
    assert_eq!(parse("[{'topic':'a','db':'d','table':'t'}]").unwrap().fixed().count(), 1);
    for (text, part) in [
        ("[{'topicRegex':'(','db':'d','table':'t'}]", "'topicRegex' is no expression"),
        ("[{'topicRegex':'a','topic':'a','db':'d','table':'t'}]", "exclude each other"),
        ("[{'topicRegex':'(a)','db':'d','table':'${2}'}]", "there is no ${2}"),
        ("[{'topic':'a','db':'d','table':'${1}'}]", "there is no ${1}"),
        ("[{'topic':'a','db':'d','table':'${topic'}]", "is not closed"),
        ("[{'topic':'a','db':'d','table':'$topic'}]", "may have letters"),
    ] {
        assert!(error(text).contains(part), "{text}: {}", error(text));
    }
}

#[test]
fn columns_are_chosen_by_each_entry() {
    let text = "[{'topic':'a','db':'d','table':'t','format':'json','columns':['key','offset as off']},
        {'topic':'*','db':'d','table':'t'}]";
    let mappings = parse(text).unwrap();
    assert!(mappings.want_whole_records());
    let columns = mappings.get("a").unwrap().columns;
    let names: Vec<_> = columns.iter().map(|Column { name, .. }| &**name).collect();
    assert_eq!(names, ["kafka_key", "off"]);
    assert!(mappings.get("b").unwrap().columns.is_empty());
    for (columns, format, part) in [
        ("['keys']", "csv", "'columns' has 'keys'; there are key, headers, topic"),
        ("'key'", "csv", "must be an array"),
        ("['key','key']", "tsv", "has kafka_key twice"),
        ("['key']", "avro", "not in avro"),
        ("['key']", "txt", "not in txt"),
    ] {
        let text = format!("[{{'topic':'a','db':'d','table':'t','format':'{format}','columns':{columns}}}]");
        assert!(error(&text).contains(part), "{text}: {}", error(&text));
    }
}
