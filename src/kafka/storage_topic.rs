//! What has to be true of a storage topic (`connect-runtime.md` §2.3). Pure.

use super::Error;
use crate::config::StorageTopic;

/// A storage topic, where it is set, and what has to be true of it.
#[derive(Debug, Clone, Copy)]
pub struct StorageTopicSpec<'a> {
    /// Name, partitions, replication and further settings.
    pub topic: &'a StorageTopic,
    /// The key that names it (`config.storage.topic`).
    pub property: &'a str,
    /// What it holds, for messages (`connector configurations`).
    pub content: &'a str,
    /// Exactly one partition, so that its records have one order.
    pub single_partition: bool,
}

/// How many of a topic's partitions are to be used; one when all but the first would break the order of records.
pub(super) fn usable_partitions(
    spec: StorageTopicSpec<'_>,
    partitions: usize,
    assumed: bool,
) -> Result<i32, Error> {
    let name = &spec.topic.name;
    if !spec.single_partition || partitions == 1 {
        return Ok(i32::try_from(partitions).unwrap_or(i32::MAX));
    }
    if assumed {
        tracing::warn!(topic = name, partitions, "more than one partition; only the first is used");
        return Ok(1);
    }
    Err(Error::StorageTopic(format!(
        "Topic '{name}' supplied via the '{}' property is required to have a single partition in order to guarantee \
         consistency of {}, but found {partitions} partitions.",
        spec.property, spec.content
    )))
}

#[cfg(test)]
mod tests {
    use super::{StorageTopicSpec, usable_partitions};
    use crate::config::StorageTopic;
    use crate::configdef::Properties;

    #[test]
    fn a_config_topic_of_several_partitions_is_refused_by_name() {
        let topic = StorageTopic {
            name: "T".into(),
            partitions: 1,
            replication_factor: 1,
            settings: Properties::new(),
        };
        let property = "config.storage.topic";
        let content = "connector configurations";
        let spec = StorageTopicSpec { topic: &topic, property, content, single_partition: true };
        let error = usable_partitions(spec, 3, false).unwrap_err();
        assert!(!error.is_retriable());
        assert_eq!(
            error.to_string(),
            "Topic 'T' supplied via the 'config.storage.topic' property is required to have a single partition in \
             order to guarantee consistency of connector configurations, but found 3 partitions."
        );
        assert_eq!(usable_partitions(spec, 3, true).unwrap(), 1);
        assert_eq!(usable_partitions(spec, 1, false).unwrap(), 1);
        assert_eq!(
            usable_partitions(StorageTopicSpec { single_partition: false, ..spec }, 5, false).unwrap(),
            5
        );
    }
}
