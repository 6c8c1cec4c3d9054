//! The headers that dead letters have beside the record's own: where the record was, and what was wrong with it.

use super::fault::RecordFault;
use super::retained::RawRecord;
use super::scope::PartitionScope;
use crate::config::Hidden;
use crate::data;
use crate::id::{ConnectorTaskId, TopicPartition};

/// Connect's context headers, in its order; without what is `hidden`.
pub(super) fn context(
    (task, partition): (&ConnectorTaskId, &TopicPartition),
    record: &RawRecord<'_>,
    fault: &RecordFault,
    hidden: &Hidden,
) -> Vec<(&'static str, String)> {
    vec![
        ("__connect.errors.topic", partition.topic.to_string()),
        ("__connect.errors.partition", partition.partition.to_string()),
        ("__connect.errors.offset", record.offset.to_string()),
        ("__connect.errors.connector.name", task.connector.to_string()),
        ("__connect.errors.task.id", task.task.to_string()),
        ("__connect.errors.stage", fault.stage.as_str().to_owned()),
        ("__connect.errors.class.name", fault.class.to_string()),
        ("__connect.errors.exception.class.name", fault.source.class().to_owned()),
        ("__connect.errors.exception.message", hidden.redact(&fault.source.to_string()).into_owned()),
        ("__connect.errors.exception.stacktrace", hidden.redact(&trace(&fault.source)).into_owned()),
    ]
}

/// Where the record was, in the headers of dead letters in a topic of the sink's own.
pub(super) fn coordinates(scope: &PartitionScope, record: &RawRecord<'_>) -> Vec<(&'static str, String)> {
    let timestamp = record.timestamp.map_or_else(|| "null".to_owned(), |(ms, _)| ms.to_string());
    vec![
        ("kafka_topic", scope.partition.topic.to_string()),
        ("kafka_partition", scope.partition.partition.to_string()),
        ("kafka_offset", record.offset.to_string()),
        ("kafka_timestamp", timestamp),
    ]
}

/// Of which record a dead letter is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LetterOrigin {
    /// This one.
    Record(TopicPartition, i64),
    /// One of another connector's.
    OfOther,
    /// Its headers do not say.
    Unknown,
}

/// Of which record of `connector` a letter is, by the headers that are written here. `header` gives a header's bytes.
pub fn origin<'h>(connector: &str, header: impl Fn(&str) -> Option<&'h [u8]>) -> LetterOrigin {
    let text = |name: &str| std::str::from_utf8(header(name)?).ok();
    if text("__connect.errors.connector.name").is_some_and(|name| name != connector) {
        return LetterOrigin::OfOther;
    }
    let place = |topic, partition, offset| {
        let partition = TopicPartition::new(text(topic)?, text(partition)?.parse().ok()?);
        Some(LetterOrigin::Record(partition, text(offset)?.parse().ok()?))
    };
    place("__connect.errors.topic", "__connect.errors.partition", "__connect.errors.offset")
        .or_else(|| place("kafka_topic", "kafka_partition", "kafka_offset"))
        .unwrap_or(LetterOrigin::Unknown)
}

/// What the headers of a letter take beside the record, at most about: the error's texts stand in two of them.
pub(super) fn context_size(fault: &RecordFault) -> usize {
    const FIXED: usize = 2048;
    FIXED + fault.class.len() + 2 * trace(&fault.source).len()
}

/// The error and its causes as Java prints them, without the lines of a stack that we do not have.
fn trace(error: &data::Error) -> String {
    let mut lines = format!("{}: {error}", error.class());
    let mut cause = error.cause();
    while let Some(error) = cause {
        lines = format!("{lines}\nCaused by: {}: {error}", error.class());
        cause = error.cause();
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::{LetterOrigin, origin};
    use crate::id::TopicPartition;

    #[test]
    fn letters_say_of_which_record_they_are() {
        let of = |headers: &[(&str, &'static str)]| {
            origin("c", |wanted| {
                headers.iter().find(|(name, _)| *name == wanted).map(|(_, text)| text.as_bytes())
            })
        };
        let connects = |name| {
            [
                ("__connect.errors.topic", "t"),
                ("__connect.errors.partition", "3"),
                ("__connect.errors.offset", "42"),
                ("__connect.errors.connector.name", name),
            ]
        };
        let record = LetterOrigin::Record(TopicPartition::new("t", 3), 42);
        assert_eq!(of(&connects("c")), record);
        assert_eq!(of(&connects("d")), LetterOrigin::OfOther);
        assert_eq!(of(&[("kafka_topic", "t"), ("kafka_partition", "3"), ("kafka_offset", "42")]), record);
        assert_eq!(
            of(&[("kafka_topic", "t"), ("kafka_partition", "3"), ("kafka_offset", "?")]),
            LetterOrigin::Unknown
        );
        assert_eq!(of(&[]), LetterOrigin::Unknown);
    }
}
