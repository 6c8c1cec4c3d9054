//! Connect's schemas as Avro schemas, as Confluent's `AvroData` makes them (`kusto-sink-connector.md` §3.2).
//!
//! What a reader needs is there: types, logical types, the names of records, and Connect's own name, version and
//! documentation. Defaults are left out, because a file's reader uses none. Names that Avro does not allow are errors.
//! Pure.

use crate::data::room::Room;
use crate::data::schema::{DATE, DECIMAL, Field, TIME, TIMESTAMP};
use crate::data::{Error, Kind, Schema};
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;

/// Names of records that have none.
const DEFAULT_NAMESPACE: &str = "io.confluent.connect.avro";
/// The parameter with the precision of a decimal, and what is said without it.
const PRECISION: &str = "connect.decimal.precision";
const DEFAULT_PRECISION: i64 = 64;
/// How deep schemas may be nested.
const MAX_DEPTH: usize = 100;

/// The text of `schema` as an Avro schema.
pub(super) fn to_avro(schema: &Schema) -> Result<String, Error> {
    let mut names = Names {
        records: BTreeMap::new(),
        without_name: BTreeMap::new(),
        numbers: BTreeMap::new(),
        room: Room::for_written_parts(),
    };
    names.schema(schema, 0).map(|json| json.to_string())
}

/// The records named so far: Avro writes each once, and refers to it by its name from then on.
struct Names<'s> {
    records: BTreeMap<String, &'s Schema>,
    /// Those without a name of their own, by the place of their fields, which uses of a type share, and the names they got.
    without_name: BTreeMap<usize, (&'s Schema, String)>,
    /// The last number for each name that is given.
    numbers: BTreeMap<&'static str, u32>,
    room: Room,
}

impl<'s> Names<'s> {
    fn schema(&mut self, schema: &'s Schema, depth: usize) -> Result<Json, Error> {
        if depth > MAX_DEPTH {
            return Err(Error::new(format!(
                "schemas nested more than {MAX_DEPTH} deep cannot be written as Avro"
            )));
        }
        self.room.take(1)?;
        let texts = [&schema.name, &schema.doc].into_iter().flatten();
        self.room.take_text(texts.map(|text| text.len()).sum())?;
        let own = self.required(schema, depth)?;
        Ok(if schema.optional { json!(["null", own]) } else { own })
    }

    fn required(&mut self, schema: &'s Schema, depth: usize) -> Result<Json, Error> {
        let plain = |name: &str| json!({"type": name});
        let narrow = |name: &str| json!({"type": "int", "connect.type": name});
        let mut json = match (&schema.kind, schema.logical_name()) {
            (_, Some(DECIMAL)) => {
                let given = schema.parameters.get(PRECISION).and_then(|text| text.parse::<i64>().ok());
                let precision = given.unwrap_or(DEFAULT_PRECISION);
                json!({"type": "bytes", "scale": schema.scale()?, "precision": precision, "logicalType": "decimal"})
            }
            (_, Some(DATE)) => json!({"type": "int", "logicalType": "date"}),
            (_, Some(TIME)) => json!({"type": "int", "logicalType": "time-millis"}),
            (_, Some(TIMESTAMP)) => json!({"type": "long", "logicalType": "timestamp-millis"}),
            (Kind::Int8, _) => narrow("int8"),
            (Kind::Int16, _) => narrow("int16"),
            (Kind::Int32, _) => plain("int"),
            (Kind::Int64, _) => plain("long"),
            (Kind::Float32, _) => plain("float"),
            (Kind::Float64, _) => plain("double"),
            (Kind::Boolean, _) => plain("boolean"),
            (Kind::String, _) => plain("string"),
            (Kind::Bytes, _) => plain("bytes"),
            (Kind::Array(Some(of)), _) => json!({"type": "array", "items": self.schema(of, depth + 1)?}),
            (Kind::Map(Some(keys), Some(values)), _) if has_text_keys(keys) => {
                json!({"type": "map", "values": self.schema(values, depth + 1)?})
            }
            (Kind::Map(Some(keys), Some(values)), _) => {
                let (keys, values) = (self.schema(keys, depth + 1)?, self.schema(values, depth + 1)?);
                let fields = json!([{"name": "key", "type": keys}, {"name": "value", "type": values}]);
                let name = self.free_name("MapEntry");
                self.records.insert(format!("{DEFAULT_NAMESPACE}.{name}"), schema);
                json!({"type": "array", "items":
                    {"type": "record", "name": name, "namespace": DEFAULT_NAMESPACE, "fields": fields}})
            }
            (Kind::Array(None) | Kind::Map(..), _) => {
                return Err(Error::new(
                    "an array or map whose elements have no schema cannot be written as Avro",
                ));
            }
            (Kind::Struct(fields), _) => return self.record(schema, fields, depth),
        };
        if let Some(object) = json.as_object_mut() {
            describe(schema, object);
        }
        Ok(json)
    }

    fn record(&mut self, schema: &'s Schema, fields: &'s [Field], depth: usize) -> Result<Json, Error> {
        let place = fields.as_ptr().addr();
        let (namespace, name) = match &schema.name {
            Some(full) => {
                full.split('.').try_for_each(check_name)?;
                match self.records.get(&**full) {
                    Some(known) if is_same(known, schema) => return Ok(Json::String(full.to_string())),
                    Some(_) => {
                        return Err(Error::new(format!(
                            "two different schemas have the name {full}; Avro allows one"
                        )));
                    }
                    None => self.records.insert(full.to_string(), schema),
                };
                let (namespace, name) = full.rsplit_once('.').unwrap_or(("", full));
                (namespace, name.to_owned())
            }
            // Those without a name are told apart by a number.
            None => match self.without_name.get(&place) {
                Some((known, full)) if is_same(known, schema) => return Ok(Json::String(full.clone())),
                _ => (DEFAULT_NAMESPACE, self.without_name(schema, place)),
            },
        };
        let mut all = Vec::with_capacity(fields.len());
        for field in fields {
            check_name(&field.name)?;
            let mut json = Map::new();
            json.insert("name".to_owned(), json!(*field.name));
            json.insert("type".to_owned(), self.schema(&field.schema, depth + 1)?);
            if field.schema.optional {
                json.insert("default".to_owned(), Json::Null);
            }
            all.push(Json::Object(json));
        }
        let mut json = Map::new();
        json.insert("type".to_owned(), json!("record"));
        json.insert("name".to_owned(), json!(name));
        if !namespace.is_empty() {
            json.insert("namespace".to_owned(), json!(namespace));
        }
        json.insert("fields".to_owned(), Json::Array(all));
        describe(schema, &mut json);
        Ok(Json::Object(json))
    }

    /// The name of a record that has none.
    fn without_name(&mut self, schema: &'s Schema, place: usize) -> String {
        let name = self.free_name("ConnectDefault");
        let full = format!("{DEFAULT_NAMESPACE}.{name}");
        self.records.insert(full.clone(), schema);
        self.without_name.insert(place, (schema, full));
        name
    }

    /// `name`, or with the first number that makes it one of its own.
    fn free_name(&mut self, name: &'static str) -> String {
        let number = self.numbers.entry(name).or_insert(0);
        loop {
            *number += 1;
            let numbered = if *number == 1 { name.to_owned() } else { format!("{name}{number}") };
            if !self.records.contains_key(&format!("{DEFAULT_NAMESPACE}.{numbered}")) {
                return numbered;
            }
        }
    }
}

/// True when both are written the same: whether null is allowed is said where they are used, and defaults are not.
fn is_same(one: &Schema, other: &Schema) -> bool {
    let required = |of: &Schema| Schema { optional: false, default: None, ..of.clone() };
    required(one) == required(other)
}

/// Connect's own properties.
fn describe(schema: &Schema, json: &mut Map<String, Json>) {
    let Schema { name, version, doc, .. } = schema;
    if let Some(doc) = doc {
        json.insert("connect.doc".to_owned(), json!(**doc));
    }
    if let Some(version) = version {
        json.insert("connect.version".to_owned(), json!(version));
    }
    if let Some(name) = name {
        json.insert("connect.name".to_owned(), json!(**name));
    }
}

/// True for the keys of an Avro map; other maps are arrays of pairs.
pub(super) fn has_text_keys(keys: &Schema) -> bool {
    keys.kind == Kind::String && !keys.optional
}

/// Avro's rule for names.
fn check_name(name: &str) -> Result<(), Error> {
    let mut chars = name.chars();
    let first = chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    if first && chars.all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Ok(());
    }
    Err(Error::new(format!(
        "the name '{name}' is not one that Avro allows; rename it with a ReplaceField transformation"
    )))
}

#[cfg(test)]
mod tests {
    use super::to_avro;
    use crate::data::schema::DATE;
    use crate::data::{Kind, Schema};
    use std::sync::Arc;

    fn parsed(schema: &Schema) -> apache_avro::Schema {
        apache_avro::Schema::parse_str(&to_avro(schema).unwrap()).unwrap()
    }

    #[test]
    fn a_struct_becomes_a_record_that_avro_reads() {
        let optional = |kind| Arc::new(Schema::optional(kind));
        let inner = || Arc::new(Schema::of_fields([("x", optional(Kind::Int8))]));
        let other = Arc::new(Schema::of_fields([("y", optional(Kind::Int16))]));
        let named =
            |name: &str| Arc::new(Schema { name: Some(name.into()), ..Schema::of_fields([("z", inner())]) });
        let pairs = Kind::Map(Some(optional(Kind::Int32)), Some(optional(Kind::Bytes)));
        let schema = Schema::of_fields([
            ("one", inner()),
            ("two", inner()),
            ("three", other),
            ("four", named("a.b.C")),
            ("five", named("a.b.C")),
            ("six", Arc::new((*named("a.b.C")).clone().with_optional(true))),
            ("amount", Arc::new(Schema::decimal(2))),
            ("day", Arc::new(Schema::logical(Kind::Int32, DATE).with_optional(true))),
            ("pairs", Arc::new(Schema::new(pairs))),
            ("list", Arc::new(Schema::new(Kind::Array(Some(optional(Kind::Float32)))))),
        ]);
        let text = parsed(&schema).canonical_form();
        assert!(text.contains(r#""name":"io.confluent.connect.avro.ConnectDefault""#), "{text}");
        assert!(text.contains(r#"{"name":"five","type":"a.b.C"}"#), "{text}");
        assert!(text.contains(r#"{"name":"six","type":["null","a.b.C"]}"#), "{text}");
        assert!(text.contains(r#""name":"io.confluent.connect.avro.MapEntry""#), "{text}");
    }

    #[test]
    fn what_avro_cannot_say_is_an_error() {
        let field = |name: &'static str| Schema::of_fields([(name, Arc::new(Schema::new(Kind::Int32)))]);
        for name in ["a-b", "", "1a", "ä"] {
            assert!(to_avro(&field(name)).unwrap_err().to_string().contains("Avro allows"), "{name}");
        }
        let twice = Schema::of_fields([
            ("a", Arc::new(Schema { name: Some("N".into()), ..field("x") })),
            ("b", Arc::new(Schema { name: Some("N".into()), ..field("y") })),
        ]);
        assert!(to_avro(&twice).unwrap_err().to_string().contains("two different schemas"));
        assert!(to_avro(&Schema::new(Kind::Array(None))).is_err());
        let deep =
            (0..200).fold(Schema::new(Kind::Int32), |of, _| Schema::new(Kind::Array(Some(Arc::new(of)))));
        assert!(to_avro(&deep).unwrap_err().to_string().contains("nested"));
    }
}
