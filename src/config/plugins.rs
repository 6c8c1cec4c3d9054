//! The classes that settings may name: what exists, by which aliases, and which keys it brings along.
//!
//! Classes that exist in Connect but not here are known too, so that their names give a better answer than
//! "could not be found".

use std::borrow::Cow;

use super::def::{Check, ConfigKey, DefaultValue, Importance, Kind, Row, RowDefault, Width};
use super::{registry, transforms};

/// What a class is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClassKind {
    /// Reads keys and values.
    Converter,
    /// Reads headers.
    HeaderConverter,
    /// Changes records.
    Transformation,
    /// Chooses records for a transformation.
    Predicate,
}

impl ClassKind {
    /// The word that an alias leaves out.
    fn word(self) -> &'static str {
        match self {
            Self::Converter => "Converter",
            Self::HeaderConverter => "HeaderConverter",
            Self::Transformation => "Transformation",
            Self::Predicate => "Predicate",
        }
    }
}

/// Text as it is.
pub const STRING_CONVERTER: &str = "org.apache.kafka.connect.storage.StringConverter";
/// Bytes as they are.
pub const BYTE_ARRAY_CONVERTER: &str = "org.apache.kafka.connect.converters.ByteArrayConverter";
/// JSON, with or without a schema envelope.
pub const JSON_CONVERTER: &str = "org.apache.kafka.connect.json.JsonConverter";
/// Guesses the types of headers.
pub const SIMPLE_HEADER_CONVERTER: &str = "org.apache.kafka.connect.storage.SimpleHeaderConverter";

/// Avro by Confluent's registry.
pub const AVRO_CONVERTER: &str = "io.confluent.connect.avro.AvroConverter";
/// JSON with a JSON Schema in Confluent's registry.
pub const JSON_SCHEMA_CONVERTER: &str = "io.confluent.connect.json.JsonSchemaConverter";
/// Protobuf by Confluent's registry.
pub const PROTOBUF_CONVERTER: &str = "io.confluent.connect.protobuf.ProtobufConverter";
/// Avro by Apicurio's registry.
pub const APICURIO_AVRO_CONVERTER: &str = "io.apicurio.registry.utils.converter.AvroConverter";
/// JSON with a schema of Connect's in Apicurio's registry.
pub const APICURIO_JSON_CONVERTER: &str = "io.apicurio.registry.utils.converter.ExtJsonConverter";
/// Protobuf by Apicurio's registry.
pub const APICURIO_PROTOBUF_CONVERTER: &str = "io.apicurio.registry.utils.converter.ProtobufConverter";

/// The converters that are Connect's own, in the order they are offered. They read keys, values and headers.
pub const CONVERTERS: [&str; 9] = [
    "org.apache.kafka.connect.converters.BooleanConverter",
    BYTE_ARRAY_CONVERTER,
    "org.apache.kafka.connect.converters.DoubleConverter",
    "org.apache.kafka.connect.converters.FloatConverter",
    "org.apache.kafka.connect.converters.IntegerConverter",
    "org.apache.kafka.connect.converters.LongConverter",
    "org.apache.kafka.connect.converters.ShortConverter",
    JSON_CONVERTER,
    STRING_CONVERTER,
];

/// The converters that need a schema registry. They read keys and values.
pub const REGISTRY_CONVERTERS: [&str; 6] = [
    APICURIO_AVRO_CONVERTER,
    APICURIO_JSON_CONVERTER,
    APICURIO_PROTOBUF_CONVERTER,
    AVRO_CONVERTER,
    JSON_SCHEMA_CONVERTER,
    PROTOBUF_CONVERTER,
];

/// True for the converters that need a schema registry.
pub fn needs_registry(class: &str) -> bool {
    REGISTRY_CONVERTERS.contains(&class)
}

/// True for Apicurio's converters.
pub fn is_apicurio(class: &str) -> bool {
    class.starts_with("io.apicurio.")
}

/// A class of `kind` by its full name or an alias that only one class has.
pub fn resolve(kind: ClassKind, text: &str) -> Option<Cow<'static, str>> {
    let known = known(kind);
    if let Some(exact) = known.iter().find(|class| *class == text) {
        return Some(exact.clone());
    }
    let mut by_alias =
        known.into_iter().filter(|class| aliases(kind.word(), class).any(|alias| alias == text));
    let found = by_alias.next()?;
    by_alias.next().is_none().then_some(found)
}

/// The names that `/validate` offers for a key of this kind.
pub fn recommended(kind: ClassKind) -> Vec<String> {
    known(kind).into_iter().map(Cow::into_owned).collect()
}

fn known(kind: ClassKind) -> Vec<Cow<'static, str>> {
    let fixed =
        |classes: &[&'static str]| classes.iter().map(|class| Cow::Borrowed(*class)).collect::<Vec<_>>();
    match kind {
        ClassKind::Converter => [fixed(&REGISTRY_CONVERTERS), fixed(&CONVERTERS)].concat(),
        ClassKind::HeaderConverter => {
            let mut classes = fixed(&CONVERTERS);
            classes.push(Cow::Borrowed(SIMPLE_HEADER_CONVERTER));
            classes.sort();
            classes
        }
        ClassKind::Predicate | ClassKind::Transformation => {
            transforms::classes(kind).map(Cow::Borrowed).collect()
        }
    }
}

/// The simple name of `class`, and the simple name without the word of its kind. Apicurio's classes have the simple names
/// of Confluent's, which are meant by them.
pub fn aliases<'a>(word: &str, class: &'a str) -> impl Iterator<Item = &'a str> + use<'a> {
    let simple = class.rsplit(['.', '$']).next().unwrap_or(class);
    let cut = simple.rfind(word).map(|at| &simple[..at]).filter(|rest| !rest.is_empty());
    std::iter::once(simple).chain(cut).filter(|_| !is_apicurio(class))
}

/// The encodings of text, by the names that Java has for them.
pub const ENCODINGS: [&str; 11] = [
    "UTF-8",
    "UTF8",
    "US-ASCII",
    "ASCII",
    "ISO-8859-1",
    "ISO8859_1",
    "LATIN1",
    "UTF-16",
    "UTF16",
    "UTF-16BE",
    "UTF-16LE",
];

const ENCODING: Row = Row(
    "converter.encoding",
    Kind::String,
    RowDefault::Is("UTF-8"),
    Check::OneOfAnyCase(&ENCODINGS),
    Importance::High,
    ("", -1),
    Width::Medium,
    "Encoding",
    "The encoding of the text.",
);

#[rustfmt::skip] // a table: one row is one key
const JSON: &[Row] = &[
    Row("schemas.enable", Kind::Boolean, RowDefault::Is("true"), Check::Any, Importance::High, ("Schemas", 0), Width::Medium, "Enable Schemas",
        "Whether each message is an object with schema and payload."),
    Row("schemas.cache.size", Kind::Int, RowDefault::Is("1000"), Check::Any, Importance::High, ("Schemas", 1), Width::Medium, "Schema Cache Size",
        "How many schemas are kept."),
    Row("decimal.format", Kind::String, RowDefault::Is("BASE64"), Check::OneOfAnyCase(&["NUMERIC", "BASE64"]), Importance::Low, ("Serialization", 0), Width::Medium, "Decimal Format",
        "How decimals are written."),
    Row("replace.null.with.default", Kind::Boolean, RowDefault::Is("true"), Check::Any, Importance::Low, ("Schemas", 2), Width::Medium, "Replace null with default",
        "Whether a null field that has a default reads as the default."),
];

/// The keys of a converter class, without prefix.
pub fn converter_keys(class: &str) -> Vec<ConfigKey> {
    let kind = Row(
        "converter.type",
        Kind::String,
        RowDefault::Required,
        Check::OneOf(&["key", "value", "header"]),
        Importance::Low,
        ("", -1),
        Width::None,
        "converter.type",
        "What the converter is used for; set by the worker.",
    );
    let own: &[Row] = match class {
        // The one class that says nothing of its use.
        SIMPLE_HEADER_CONVERTER => return Vec::new(),
        STRING_CONVERTER => &[ENCODING],
        JSON_CONVERTER => JSON,
        _ => &[],
    };
    let own = std::iter::once(&kind).chain(own).map(ConfigKey::from);
    own.chain(registry::rows(class).map(ConfigKey::from)).collect()
}

/// A key made while settings are read, for things that have an alias.
pub fn dynamic_key(name: String, kind: Kind, default: DefaultValue, display_name: String) -> ConfigKey {
    ConfigKey {
        name: Cow::Owned(name),
        kind,
        default,
        check: Check::Any,
        importance: Importance::High,
        group: None,
        order: -1,
        width: Width::Long,
        display_name: Cow::Owned(display_name),
        documentation: Cow::Borrowed(""),
        dependents: Vec::new(),
        recommended: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::{AVRO_CONVERTER, ClassKind, JSON_CONVERTER, STRING_CONVERTER, recommended, resolve};

    #[test]
    fn aliases_lead_to_one_class() {
        for (text, class) in [
            ("Json", Some(JSON_CONVERTER)),
            ("JsonConverter", Some(JSON_CONVERTER)),
            (STRING_CONVERTER, Some(STRING_CONVERTER)),
            ("Nope", None),
            ("", None),
        ] {
            assert_eq!(resolve(ClassKind::Converter, text).as_deref(), class, "{text}");
        }
        assert!(resolve(ClassKind::Transformation, "Value").is_none(), "an alias of many classes is none");
        assert!(resolve(ClassKind::Transformation, "Filter").is_some());
        assert!(resolve(ClassKind::HeaderConverter, "Simple").is_some());
        assert_eq!(resolve(ClassKind::Converter, "Avro").as_deref(), Some(AVRO_CONVERTER), "not Apicurio's");
        assert!(resolve(ClassKind::HeaderConverter, AVRO_CONVERTER).is_none(), "it reads no headers");
    }

    #[test]
    fn offers_what_connect_offers() {
        assert_eq!(recommended(ClassKind::Transformation).len(), 26);
        assert_eq!(recommended(ClassKind::HeaderConverter).len(), 10);
    }
}
