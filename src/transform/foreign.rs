//! Transformations of other projects, which are not here.

/// Names of other projects' classes, the longest that fit first, and the one of ours that comes nearest.
#[rustfmt::skip] // a table: one row is one name
const FOREIGN: &[(&str, &str)] = &[
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

/// What to say besides of a class that another project has.
pub fn hint(class: &str) -> Option<String> {
    let (_, ours) = FOREIGN.iter().find(|(name, _)| class.starts_with(name))?;
    Some(format!("Only Kafka's own transformations are built in; the nearest is {ours}"))
}
