//! What a user wants a sink connector's offsets to be, checked with Connect's rules and texts (`connect-runtime.md` §1.13). Pure.

use crate::herder::Error;
use crate::id::TopicPartition;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What each partition is to have committed; none: nothing.
pub(super) type Wanted = BTreeMap<TopicPartition, Option<i64>>;

const TOPIC: &str = "kafka_topic";
const PARTITION: &str = "kafka_partition";
const OFFSET: &str = "kafka_offset";

/// One wish: a partition and its offset, as they were written.
#[derive(Debug, Clone, PartialEq)]
pub struct PartitionOffset {
    /// `{"kafka_topic": …, "kafka_partition": …}`.
    pub partition: Option<Map<String, Value>>,
    /// `{"kafka_offset": …}`; none removes what is committed.
    pub offset: Option<Map<String, Value>>,
}

/// All wishes of one request, in their order: of two for one partition the last counts.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OffsetsRequest(pub Vec<PartitionOffset>);

impl OffsetsRequest {
    /// The offsets by partition, when nothing is wrong with them.
    pub(super) fn wanted(&self) -> Result<Wanted, Error> {
        self.0
            .iter()
            .map(|wish| Ok((partition(wish.partition.as_ref())?, offset(wish.offset.as_ref())?)))
            .collect()
    }
}

fn partition(map: Option<&Map<String, Value>>) -> Result<TopicPartition, Error> {
    let map =
        map.ok_or_else(|| bad("The partition for a sink connector offset cannot be null or missing"))?;
    let (Some(topic), Some(partition)) = (map.get(TOPIC), map.get(PARTITION)) else {
        return Err(bad(format!(
            "The partition for a sink connector offset must contain the keys '{TOPIC}' and '{PARTITION}'"
        )));
    };
    let topic = match topic {
        Value::Null | Value::Array(_) | Value::Object(_) => {
            return Err(bad("Kafka topic names must be valid strings and may not be null"));
        }
        topic => text(topic),
    };
    if partition.is_null() {
        return Err(bad("Kafka partitions must be valid numbers and may not be null"));
    }
    let number = text(partition);
    match number.parse::<i32>() {
        Ok(number) if number >= 0 && is_topic(&topic) => Ok(TopicPartition::new(topic, number)),
        Ok(number) if number >= 0 => Err(bad(format!(
            "'{topic}' cannot be the name of a Kafka topic: it must have 1 to 249 letters, digits, '.', '_' or '-'"
        ))),
        Ok(number) => Err(bad(format!("The partition {number} of topic {topic} is negative"))),
        Err(_) => Err(bad(format!(
            "Failed to parse the following Kafka partition value in the provided offsets: '{number}'. Partition values \
             for sink connectors need to be integers."
        ))),
    }
}

fn offset(map: Option<&Map<String, Value>>) -> Result<Option<i64>, Error> {
    let Some(map) = map else { return Ok(None) };
    let Some(offset) = map.get(OFFSET) else {
        return Err(bad(format!(
            "The offset for a sink connector should either be null or contain the key '{OFFSET}'"
        )));
    };
    let number = text(offset);
    match number.parse::<i64>() {
        Ok(number) if number >= 0 => Ok(Some(number)),
        Ok(number) => Err(bad(format!("The offset {number} is negative; null removes what is committed"))),
        Err(_) => Err(bad(format!(
            "Failed to parse the following Kafka offset value in the provided offsets: '{number}'. Offset values for \
             sink connectors need to be integers."
        ))),
    }
}

/// Kafka's rule for the names of topics.
fn is_topic(name: &str) -> bool {
    (1..=249).contains(&name.len())
        && name != "."
        && name != ".."
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

/// A value as text: both `10` and `"10"` are accepted.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn bad(text: impl Into<String>) -> Error {
    Error::BadRequest(text.into())
}

#[cfg(test)]
mod tests {
    use super::{OffsetsRequest, PartitionOffset};
    use crate::herder::Error;
    use crate::id::TopicPartition;
    use proptest::prelude::*;
    use serde_json::{Map, Value, json};

    fn object(value: Value) -> Option<Map<String, Value>> {
        if let Value::Object(map) = value { Some(map) } else { None }
    }

    fn request(wishes: Vec<(Value, Value)>) -> OffsetsRequest {
        let wish =
            |(partition, offset)| PartitionOffset { partition: object(partition), offset: object(offset) };
        OffsetsRequest(wishes.into_iter().map(wish).collect())
    }

    fn place(topic: &str, partition: &Value) -> Value {
        json!({"kafka_topic": topic, "kafka_partition": partition})
    }

    #[test]
    fn numbers_may_be_texts_strange_keys_are_ignored_and_the_last_of_two_counts() {
        let wishes = vec![
            (place("t", &json!("10")), json!({"kafka_offset": "5"})),
            (
                json!({"kafka_topic": "t", "kafka_partition": 10, "more": 1}),
                json!({"kafka_offset": 6, "x": 0}),
            ),
            (place("t", &json!(0)), json!(null)),
        ];
        let wanted = request(wishes).wanted().unwrap();
        let expected = [(TopicPartition::new("t", 0), None), (TopicPartition::new("t", 10), Some(6))];
        assert_eq!(wanted.into_iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn every_mistake_has_connects_words() {
        let good = || json!({"kafka_offset": 1});
        let keys = "The partition for a sink connector offset must contain the keys 'kafka_topic' and 'kafka_partition'";
        let partition = |v: &str| {
            format!(
                "Failed to parse the following Kafka partition value in the provided offsets: '{v}'. Partition values \
                 for sink connectors need to be integers."
            )
        };
        let offset = |v: &str| {
            format!(
                "Failed to parse the following Kafka offset value in the provided offsets: '{v}'. Offset values for \
                 sink connectors need to be integers."
            )
        };
        let no_key =
            "The offset for a sink connector should either be null or contain the key 'kafka_offset'";
        for (place, offset, text) in [
            (
                json!(null),
                good(),
                "The partition for a sink connector offset cannot be null or missing".into(),
            ),
            (json!({"kafka_partition": 0}), good(), keys.into()),
            (json!({"kafka_topic": "t"}), good(), keys.into()),
            (
                json!({"kafka_topic": null, "kafka_partition": 0}),
                good(),
                "Kafka topic names must be valid strings and may not be null".into(),
            ),
            (
                place("t", &json!(null)),
                good(),
                "Kafka partitions must be valid numbers and may not be null".into(),
            ),
            (place("t", &json!("x")), good(), partition("x")),
            (place("t", &json!(1.5)), good(), partition("1.5")),
            (place("t", &json!(1_u64 << 40)), good(), partition("1099511627776")),
            (place("t", &json!(0)), json!({}), no_key.into()),
            (place("t", &json!(0)), json!({"kafka_offset": "x"}), offset("x")),
            (place("t", &json!(0)), json!({"kafka_offset": null}), offset("null")),
            (place("t", &json!(-1)), good(), "The partition -1 of topic t is negative".into()),
            (
                place("t", &json!(0)),
                json!({"kafka_offset": -1}),
                "The offset -1 is negative; null removes what is committed".into(),
            ),
        ] {
            let result = request(vec![(place.clone(), offset)]).wanted();
            assert_eq!(result, Err(Error::BadRequest(text)), "{place}");
        }
        let error = request(vec![(place("a b", &json!(0)), good())]).wanted().unwrap_err();
        assert!(error.to_string().starts_with("'a b' cannot be the name of a Kafka topic"), "{error}");
    }

    proptest! {
        #[test]
        fn all_whole_numbers_pass_as_numbers_and_as_texts(n in 0..=i32::MAX, at in 0..=i64::MAX) {
            let expected = vec![(TopicPartition::new("t", n), Some(at))];
            for (n, at) in [(json!(n), json!(at)), (json!(n.to_string()), json!(at.to_string()))] {
                let wanted = request(vec![(place("t", &n), json!({"kafka_offset": at}))]).wanted().unwrap();
                prop_assert_eq!(wanted.into_iter().collect::<Vec<_>>(), expected.clone());
            }
        }
    }
}
