//! The tables of Kafka's own transformations and predicates: classes and their keys, in the order in which Kafka
//! defines them.
//!
//! Types, defaults, checks and importance are those of Kafka 4.3; the documentation is ours.

use crate::config::def::Check::{
    Any, CastSpec, Distinct, DistinctFilled, FilledJavaRegex, JavaRegex, NonEmpty, NonEmptyList, NonNull,
    OneOf, OneOfAnyCase, Renames,
};
use crate::config::def::Importance::{High, Low, Medium as Mid};
use crate::config::def::Kind::{Boolean, Int, List, String as Text};
use crate::config::def::RowDefault::{Is, Null, Required};
use crate::config::def::{Check, Importance, Kind, Row, RowDefault, Width};

/// A class, or the two variants of one, and its keys.
pub struct ClassRow {
    /// Full names, in order.
    pub classes: &'static [&'static str],
    /// Its own keys.
    pub keys: &'static [Row],
}

const fn row(
    name: &'static str,
    (kind, default): (Kind, RowDefault),
    check: Check,
    importance: Importance,
    documentation: &'static str,
) -> Row {
    Row(name, kind, default, check, importance, ("", -1), Width::None, name, documentation)
}

const REPLACE_NULL: Row = row(
    "replace.null.with.default",
    (Boolean, Is("true")),
    Any,
    Mid,
    "Whether a null field that has a default is read as the default.",
);

/// The keys that each transformation has besides its own.
#[rustfmt::skip] // a table: one row is one key
pub const STEP: &[Row] = &[
    row("negate", (Boolean, Is("false")), Any, Mid, "Whether the predicate is turned around: the transformation is used where it does not hold."),
    row("predicate", (Text, Null), Any, Mid, "The alias of the predicate that chooses the records; all records without one."),
];

macro_rules! variants {
    ($name:literal) => {
        &[
            concat!("org.apache.kafka.connect.transforms.", $name, "$Key"),
            concat!("org.apache.kafka.connect.transforms.", $name, "$Value"),
        ]
    };
}

macro_rules! single {
    ($name:literal) => {
        &[concat!("org.apache.kafka.connect.transforms.", $name)]
    };
}

#[rustfmt::skip] // a table: one row is one class or one key
pub const TRANSFORMATIONS: &[ClassRow] = &[
    ClassRow { classes: variants!("Cast"), keys: &[
        row("spec", (List, Required), CastSpec, High, "Fields and their new types (field:type), or one type for the whole: int8, int16, int32, int64, float32, float64, boolean or string. Bytes can only become a string."),
        REPLACE_NULL,
    ] },
    ClassRow { classes: single!("DropHeaders"), keys: &[
        row("headers", (List, Required), DistinctFilled, High, "The names of the headers that are removed."),
    ] },
    ClassRow { classes: variants!("ExtractField"), keys: &[
        row("field", (Text, Required), Any, Mid, "The field that takes the place of the whole."),
        REPLACE_NULL,
        row("field.syntax.version", (Text, Is("V1")), OneOfAnyCase(&["V1", "V2"]), High, "V1: field is the name of a top-level field. V2: dots lead into nested fields, and a name with dots stands in backticks."),
    ] },
    ClassRow { classes: single!("Filter"), keys: &[] },
    ClassRow { classes: variants!("Flatten"), keys: &[
        row("delimiter", (Text, Is(".")), Any, Mid, "What stands between the names of nested fields."),
    ] },
    ClassRow { classes: variants!("HeaderFrom"), keys: &[
        row("fields", (List, Required), NonEmptyList, High, "The fields that become headers."),
        row("headers", (List, Required), NonEmptyList, High, "The names of these headers, in the same order."),
        row("operation", (Text, Required), OneOf(&["move", "copy"]), High, "Whether the fields are removed (move) or stay (copy)."),
        REPLACE_NULL,
    ] },
    ClassRow { classes: variants!("HoistField"), keys: &[
        row("field", (Text, Required), Any, Mid, "The name of the only field of the result."),
    ] },
    ClassRow { classes: variants!("InsertField"), keys: &[
        row("topic.field", (Text, Null), Any, Mid, "The field for the topic. All these names may end with ! for a required field, or with ? for an optional one, which is the rule."),
        row("partition.field", (Text, Null), Any, Mid, "The field for the partition."),
        row("offset.field", (Text, Null), Any, Mid, "The field for the offset."),
        row("timestamp.field", (Text, Null), Any, Mid, "The field for the record's timestamp."),
        row("static.field", (Text, Null), Any, Mid, "The field for a fixed text."),
        row("static.value", (Text, Null), Any, Mid, "That text."),
        REPLACE_NULL,
    ] },
    ClassRow { classes: single!("InsertHeader"), keys: &[
        row("header", (Text, Required), NonNull, High, "The name of the header."),
        row("value.literal", (Text, Required), NonNull, High, "Its value; what looks like a number, a date, an array or the like becomes one."),
    ] },
    ClassRow { classes: variants!("MaskField"), keys: &[
        row("fields", (List, Required), DistinctFilled, High, "The fields whose values are replaced."),
        row("replacement", (Text, Null), NonEmpty, Low, "The new value, for texts and numbers only; without it, the empty value of each type."),
        REPLACE_NULL,
    ] },
    ClassRow { classes: single!("RegexRouter"), keys: &[
        row("regex", (Text, Required), JavaRegex, High, "The expression that must match the whole topic."),
        row("replacement", (Text, Required), Any, High, "The new topic; $1 and ${name} stand for groups of the expression."),
    ] },
    ClassRow { classes: variants!("ReplaceField"), keys: &[
        row("exclude", (List, Is("")), Distinct, Mid, "Fields that are removed, even if include has them."),
        row("include", (List, Is("")), Distinct, Mid, "The only fields that stay; all, if it is empty."),
        row("renames", (List, Is("")), Renames, Mid, "Old and new names (old:new)."),
        REPLACE_NULL,
    ] },
    ClassRow { classes: variants!("SetSchemaMetadata"), keys: &[
        row("schema.name", (Text, Null), Any, High, "The schema's new name."),
        row("schema.version", (Int, Null), Any, High, "The schema's new version."),
        REPLACE_NULL,
    ] },
    ClassRow { classes: variants!("TimestampConverter"), keys: &[
        row("field", (Text, Is("")), Any, High, "The field that is converted; empty for the whole."),
        row("target.type", (Text, Required), OneOf(&["string", "unix", "Date", "Time", "Timestamp"]), High, "The form that it gets."),
        row("format", (Text, Is("")), Any, Mid, "The pattern of texts (Java's SimpleDateFormat, in UTC), read or written."),
        row("unix.precision", (Text, Is("milliseconds")), OneOf(&["nanoseconds", "microseconds", "milliseconds", "seconds"]), Low, "What unix times count, read or written; what is finer than a millisecond is lost."),
        REPLACE_NULL,
    ] },
    ClassRow { classes: single!("TimestampRouter"), keys: &[
        row("topic.format", (Text, Is("${topic}-${timestamp}")), Any, High, "The new topic; ${topic} and ${timestamp} stand for the record's."),
        row("timestamp.format", (Text, Is("yyyyMMdd")), Any, High, "The pattern of the timestamp (Java's SimpleDateFormat, in UTC)."),
    ] },
    ClassRow { classes: single!("ValueToKey"), keys: &[
        row("fields", (List, Required), DistinctFilled, High, "The fields of the value that make the new key."),
        REPLACE_NULL,
    ] },
];

#[rustfmt::skip] // a table: one row is one class or one key
pub const PREDICATES: &[ClassRow] = &[
    ClassRow { classes: single!("predicates.HasHeaderKey"), keys: &[
        row("name", (Text, Required), NonEmpty, Mid, "The header that a record must have at least once."),
    ] },
    ClassRow { classes: single!("predicates.RecordIsTombstone"), keys: &[] },
    ClassRow { classes: single!("predicates.TopicNameMatches"), keys: &[
        row("pattern", (Text, Required), FilledJavaRegex, Mid, "The expression that must match the whole topic."),
    ] },
];

/// Names of other projects' classes, the longest that fit first, and the one of ours that comes nearest.
#[rustfmt::skip] // a table: one row is one name
pub const FOREIGN: &[(&str, &str)] = &[
    ("io.debezium.transforms.ExtractNewRecordState", "org.apache.kafka.connect.transforms.ExtractField$Value"),
    ("io.debezium.transforms.ByLogicalTableRouter", "org.apache.kafka.connect.transforms.RegexRouter"),
    ("io.debezium.transforms.Filter", "org.apache.kafka.connect.transforms.Filter"),
    ("io.debezium.transforms.HeaderToValue", "org.apache.kafka.connect.transforms.HeaderFrom$Value"),
    ("io.debezium.transforms.TimezoneConverter", "org.apache.kafka.connect.transforms.TimestampConverter$Value"),
    ("io.confluent.connect.transforms.Drop", "org.apache.kafka.connect.transforms.Filter"),
    ("io.confluent.connect.transforms.Filter", "org.apache.kafka.connect.transforms.Filter"),
    ("io.confluent.connect.transforms.TombstoneHandler", "org.apache.kafka.connect.transforms.Filter"),
    ("io.confluent.connect.transforms.MessageTimestampRouter", "org.apache.kafka.connect.transforms.TimestampRouter"),
    ("io.confluent.connect.transforms.ReplaceField", "org.apache.kafka.connect.transforms.ReplaceField$Value"),
    ("io.confluent.connect.transforms.ExtractTopic", "org.apache.kafka.connect.transforms.RegexRouter"),
    ("io.aiven.kafka.connect.transforms.TombstoneHandler", "org.apache.kafka.connect.transforms.Filter"),
    ("io.aiven.kafka.connect.transforms.Hash", "org.apache.kafka.connect.transforms.MaskField$Value"),
    ("io.aiven.kafka.connect.transforms.ExtractTopic", "org.apache.kafka.connect.transforms.RegexRouter"),
    ("io.aiven.kafka.connect.transforms.Filter", "org.apache.kafka.connect.transforms.Filter"),
    ("io.aiven.kafka.connect.transforms.", "org.apache.kafka.connect.transforms.InsertField$Value"),
    ("org.apache.camel.kafkaconnector.transforms.", "org.apache.kafka.connect.transforms.ReplaceField$Value"),
];
