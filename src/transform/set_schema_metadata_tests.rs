//! What is expected is what Kafka 4.3 answered on Java 17.

use crate::data::{Kind, Schema, SchemaAndValue, Value};
use crate::transform::testing::{chain, expected, fields, named, of_struct, schemaless, value};

const SET: &str = "SetSchemaMetadata$Value";

#[test]
fn name_and_version_are_set_apart() {
    let field = [("a", Schema::new(Kind::Int8), Value::Int8(1))];
    for (settings, name, version) in [
        (vec![("schema.name", "m")], "m", 7),
        (vec![("schema.version", "2")], "n", 2),
        (vec![("schema.name", "m"), ("schema.version", "2")], "m", 2),
    ] {
        let after = value(SET, &settings, named(of_struct(&field))).unwrap();
        assert_eq!(fields(&after), expected(&field));
        let schema = after.schema.unwrap();
        assert_eq!(
            (schema.name.as_deref(), schema.version, schema.doc.as_deref()),
            (Some(name), Some(version), Some("d"))
        );
    }
    let null = SchemaAndValue { value: Value::Null, ..of_struct(&field) };
    let after = value(SET, &[("schema.name", "m")], null).unwrap();
    assert_eq!((after.value, after.schema.unwrap().name.as_deref()), (Value::Null, Some("m")));
}

#[test]
fn a_struct_schema_is_needed() {
    let settings = [("schema.name", "m")];
    assert_eq!(schemaless(SET, &settings, Value::Null), Ok(Value::Null));
    let message = "DataException: Schema required for [updating schema metadata]";
    assert_eq!(schemaless(SET, &settings, "q".into()), Err(message.to_owned()));
    let message = "DataException: Cannot list fields on non-struct type";
    assert_eq!(value(SET, &settings, SchemaAndValue::text("q")), Err(message.to_owned()));
    let errors = chain(SET, &[]).unwrap_err();
    assert_eq!(errors[0].message, "Neither schema name nor version configured");
}
