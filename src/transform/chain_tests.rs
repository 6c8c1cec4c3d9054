//! Chains: order, predicates, errors of settings, and the transformations that are a few lines.

use super::super::testing::{apply, chain, made, map, record};
use super::TransformationChain;
use crate::configdef::{Classes, PluginKind};
use crate::data::{Header, Kind, Schema, SchemaAndValue, Value};
use crate::plugins::BUILT_IN;
use std::collections::BTreeMap;

fn chain_of(properties: &[(&str, &str)]) -> Result<TransformationChain, Vec<String>> {
    let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    let properties: BTreeMap<_, _> = properties.iter().map(owned).collect();
    made(&properties).map_err(|errors| {
        errors.into_iter().map(|error| format!("{}: {}", error.key, error.message)).collect()
    })
}

fn some_record() -> crate::data::Record {
    record(SchemaAndValue::schemaless(map(&[("a", Value::Int8(1))])))
}

#[test]
fn no_transforms_change_nothing() {
    let chain = chain_of(&[("name", "c"), ("transforms", "")]).unwrap();
    assert!(chain.is_empty());
    assert_eq!(chain.apply(some_record()), Ok(Some(some_record())));
}

#[test]
fn steps_run_in_order_and_see_what_came_before() {
    let package = "org.apache.kafka.connect.transforms";
    let chain = chain_of(&[
        ("transforms", "route, insert"),
        ("transforms.route.type", &format!("{package}.RegexRouter")),
        ("transforms.route.regex", "(.)"),
        ("transforms.route.replacement", "$1-new"),
        ("transforms.insert.type", &format!("{package}.InsertField$Value")),
        ("transforms.insert.topic.field", "topic"),
    ])
    .unwrap();
    let after = chain.apply(some_record()).unwrap().unwrap();
    assert_eq!((&*after.topic, &*after.origin.topic), ("t-new", "t"));
    assert_eq!(after.value.value, map(&[("a", Value::Int8(1)), ("topic", "t-new".into())]));
}

#[test]
fn a_predicate_chooses_and_negation_turns_it_around() {
    for (class, setting, chosen) in [
        ("TopicNameMatches", ("pattern", "t|x"), true),
        ("TopicNameMatches", ("pattern", "u"), false),
        ("HasHeaderKey", ("name", "h"), true),
        ("HasHeaderKey", ("name", "g"), false),
        ("RecordIsTombstone", ("unused", ""), false),
    ] {
        for negate in ["false", "true"] {
            let chain = chain_of(&[
                ("transforms", "f"),
                ("transforms.f.type", "Filter"),
                ("transforms.f.predicate", "p"),
                ("transforms.f.negate", negate),
                ("predicates", "p"),
                ("predicates.p.type", &format!("org.apache.kafka.connect.transforms.predicates.{class}")),
                (&format!("predicates.p.{}", setting.0), setting.1),
            ])
            .unwrap();
            let mut record = some_record();
            record.headers = vec![Header { key: "h".into(), value: SchemaAndValue::NULL }];
            let is_dropped = chain.apply(record).unwrap().is_none();
            assert_eq!(is_dropped, chosen != (negate == "true"), "{class} {setting:?} {negate}");
        }
    }
}

#[test]
fn all_errors_are_told_with_their_keys() {
    let errors = chain_of(&[
        ("transforms", "a,b,c"),
        ("transforms.a.type", "io.debezium.transforms.ExtractNewRecordState"),
        ("transforms.b.type", "DropHeaders"),
        ("transforms.b.headers", ""),
        ("transforms.b.negate", "true"),
        ("transforms.c.type", "RegexRouter"),
        ("transforms.c.regex", "("),
        ("transforms.c.predicate", "nope"),
        ("predicates", "p"),
    ])
    .unwrap_err();
    for (key, message) in [
        (
            "transforms.a.type",
            "Class io.debezium.transforms.ExtractNewRecordState could not be found. Only Kafka's own",
        ),
        (
            "transforms.b.headers",
            "Configuration 'transforms.b.headers' must not be empty. Valid values include: any",
        ),
        (
            "transforms.b.negate",
            "was provided but there is no config 'transforms.b.predicate' defining a predicate",
        ),
        ("transforms.c.regex", "Invalid value ( for configuration transforms.c.regex: Invalid regex: "),
        ("transforms.c.replacement", "Missing required configuration"),
        ("transforms.c.predicate", "Unknown configuration 'predicates.nope.type'"),
        ("predicates.p.type", "Missing required configuration"),
    ] {
        let found =
            errors.iter().any(|error| error.starts_with(&format!("{key}: ")) && error.contains(message));
        assert!(found, "{key}: {message} not in {errors:#?}");
    }
    assert_eq!(errors.len(), 7, "{errors:#?}");
}

#[test]
fn what_classes_find_themselves_is_told_at_once() {
    let package = "org.apache.kafka.connect.transforms";
    let errors = chain_of(&[
        ("transforms", "a,b"),
        ("transforms.a.type", &format!("{package}.InsertField$Key")),
        ("transforms.b.type", &format!("{package}.SetSchemaMetadata$Value")),
    ])
    .unwrap_err();
    assert_eq!(
        errors,
        [
            "transforms.a.topic.field: No field insertion configured",
            "transforms.b.schema.name: Neither schema name nor version configured"
        ]
    );
}

#[test]
fn every_class_that_is_offered_can_be_made() {
    let settings = [
        ("spec", "int8"),
        ("headers", "h"),
        ("field", "f"),
        ("fields", "f"),
        ("operation", "copy"),
        ("topic.field", "t"),
        ("header", "h"),
        ("value.literal", "1"),
        ("regex", "a"),
        ("replacement", "b"),
        ("schema.name", "n"),
        ("target.type", "unix"),
    ];
    let classes = BUILT_IN.names(PluginKind::Transformation);
    assert_eq!(classes.len(), 26);
    for class in classes {
        let simple = class.rsplit('.').next().unwrap();
        assert!(chain(simple, &settings).is_ok(), "{class}");
    }
    for class in BUILT_IN.names(PluginKind::Predicate) {
        let properties = [
            ("predicates", "p"),
            ("predicates.p.type", class),
            ("predicates.p.name", "n"),
            ("predicates.p.pattern", "x"),
        ];
        assert!(chain_of(&properties).is_ok(), "{class}");
    }
}

#[test]
fn routers_and_headers() {
    let timestamp =
        apply("TimestampRouter", &[("topic.format", "${timestamp}/${topic}")], some_record()).unwrap();
    assert_eq!(&*timestamp.topic, "20231114/t");
    let mut without = some_record();
    without.timestamp = None;
    without.timestamp_type = None;
    let error = apply("TimestampRouter", &[], without).unwrap_err();
    assert_eq!(
        error.1,
        "Timestamp missing on record: SinkRecord{kafkaOffset=5, timestampType=NoTimestampType, originalTopic=t, \
         originalKafkaPartition=3, originalKafkaOffset=5} ConnectRecord{topic='t', kafkaPartition=3, key=k, \
         keySchema=Schema{STRING}, value={a=1}, valueSchema=null, timestamp=null, headers=ConnectHeaders(headers=)}"
    );
    let routed = |regex: &str, replacement: &str| {
        apply("RegexRouter", &[("regex", regex), ("replacement", replacement)], some_record())
            .map(|record| record.topic.to_string())
            .map_err(|(class, message)| format!("{class}: {message}"))
    };
    assert_eq!(routed("x|t", "[$0]"), Ok("[t]".to_owned()));
    assert_eq!(routed("(?i)T(?!x)", "u"), Ok("u".to_owned()));
    assert_eq!(routed("nope", "u"), Ok("t".to_owned()));
    assert_eq!(routed("t", "$1"), Err("IndexOutOfBoundsException: No group 1".to_owned()));

    let inserted =
        apply("InsertHeader", &[("header", "h"), ("value.literal", "[1,2]")], some_record()).unwrap();
    let header = &inserted.headers.iter().find(|header| &*header.key == "h").unwrap().value.value;
    assert_eq!(*header, Value::Array(vec![Value::Int8(1), Value::Int8(2)]));
    let dropped = apply("DropHeaders", &[("headers", "g,h")], inserted).unwrap();
    assert_eq!(dropped.headers, []);
}

#[test]
fn the_key_has_variants_of_its_own() {
    let after = apply("Cast$Key", &[("spec", "boolean")], some_record()).unwrap();
    assert_eq!(after.key, SchemaAndValue::new(Schema::optional(Kind::Boolean), Value::Boolean(false)));
    assert_eq!(after.value, some_record().value);
}

#[test]
fn equal_schemas_are_made_once() {
    let chain = chain("ReplaceField$Value", &[("renames", "a:b")]).unwrap();
    let value = super::super::testing::of_struct(&[("a", Schema::new(Kind::Int8), Value::Int8(1))]);
    let schema = || chain.apply(record(value.clone())).unwrap().unwrap().value.schema.unwrap();
    assert!(std::sync::Arc::ptr_eq(&schema(), &schema()));
}
