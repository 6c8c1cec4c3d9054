//! Records and chains for the tests of transformations.

use super::TransformationChain;
use crate::configdef::ConfigError;
use crate::data::{Origin, Record, Schema, SchemaAndValue, Struct, TimestampType, Value};
use crate::plugins::BUILT_IN;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A record of topic `t`, partition 3, offset 5, with the key `k` and this value.
pub(super) fn record(value: SchemaAndValue) -> Record {
    Record {
        origin: Origin { topic: "t".into(), partition: 3, offset: 5 },
        topic: "t".into(),
        key: SchemaAndValue::text("k"),
        value,
        headers: Vec::new(),
        timestamp: Some(1_700_000_000_123),
        timestamp_type: Some(TimestampType::CreateTime),
    }
}

/// A chain of one transformation of Kafka's.
pub(super) fn chain(class: &str, settings: &[(&str, &str)]) -> Result<TransformationChain, Vec<ConfigError>> {
    let mut properties = BTreeMap::from([
        ("transforms".to_owned(), "x".to_owned()),
        ("transforms.x.type".to_owned(), format!("org.apache.kafka.connect.transforms.{class}")),
    ]);
    properties
        .extend(settings.iter().map(|(key, value)| (format!("transforms.x.{key}"), (*value).to_owned())));
    made(&properties)
}

/// A chain of these settings.
pub(super) fn made(properties: &BTreeMap<String, String>) -> Result<TransformationChain, Vec<ConfigError>> {
    TransformationChain::new(&BUILT_IN.transformations(properties)?)
}

/// The record after one transformation, or the class and the message of the error.
pub(super) fn apply(
    class: &str,
    settings: &[(&str, &str)],
    record: Record,
) -> Result<Record, (String, String)> {
    let chain = chain(class, settings).expect("right settings");
    match chain.apply(record) {
        Ok(record) => Ok(record.expect("a record")),
        Err(failure) => {
            assert_eq!(&*failure.class, format!("org.apache.kafka.connect.transforms.{class}"));
            let class = failure.error.class().rsplit('.').next().unwrap_or_default();
            Err((class.to_owned(), failure.error.to_string()))
        }
    }
}

/// The value of the record after one transformation, or the text of the error with its class before it.
pub(super) fn value(
    class: &str,
    settings: &[(&str, &str)],
    value: SchemaAndValue,
) -> Result<SchemaAndValue, String> {
    let changed = apply(class, settings, record(value));
    changed.map(|record| record.value).map_err(|(class, message)| format!("{class}: {message}"))
}

/// The same without a schema.
pub(super) fn schemaless(class: &str, settings: &[(&str, &str)], before: Value) -> Result<Value, String> {
    let after = value(class, settings, SchemaAndValue::schemaless(before))?;
    assert_eq!(after.schema, None);
    Ok(after.value)
}

/// A map without a schema.
pub(super) fn map(entries: &[(&str, Value)]) -> Value {
    Value::Map(entries.iter().map(|(key, value)| ((*key).into(), value.clone())).collect())
}

/// A struct of these fields.
pub(super) fn of_struct(fields: &[(&str, Schema, Value)]) -> SchemaAndValue {
    let schemas = fields.iter().map(|(name, schema, _)| (*name, Arc::new(schema.clone())));
    let schema = Arc::new(Schema::of_fields(schemas));
    let values = fields.iter().map(|(_, _, value)| value.clone()).collect();
    SchemaAndValue { schema: Some(schema.clone()), value: Value::Struct(Struct { schema, values }) }
}

/// The same with a name, a version, a doc and a parameter.
pub(super) fn named(of: SchemaAndValue) -> SchemaAndValue {
    let Some(schema) = of.schema else { return of };
    let schema = Arc::new(Schema {
        name: Some("n".into()),
        version: Some(7),
        doc: Some("d".into()),
        parameters: BTreeMap::from([("p".into(), "q".into())]),
        ..(*schema).clone()
    });
    let Value::Struct(Struct { values, .. }) = of.value else { panic!("a struct") };
    SchemaAndValue { schema: Some(schema.clone()), value: Value::Struct(Struct { schema, values }) }
}

/// A struct's fields after a transformation: names, schemas, values.
pub(super) fn fields(of: &SchemaAndValue) -> Vec<(String, Schema, Value)> {
    let Value::Struct(Struct { schema, values }) = &of.value else { panic!("no struct: {of:?}") };
    assert_eq!(of.schema.as_ref(), Some(schema), "a struct has its record's schema");
    let field = |(field, value): (&crate::data::Field, &Value)| {
        (field.name.to_string(), (*field.schema).clone(), value.clone())
    };
    schema.fields().iter().zip(values).map(field).collect()
}

/// The same as they are written in tests.
pub(super) fn expected(fields: &[(&str, Schema, Value)]) -> Vec<(String, Schema, Value)> {
    fields.iter().map(|(name, schema, value)| ((*name).to_owned(), schema.clone(), value.clone())).collect()
}
