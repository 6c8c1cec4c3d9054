//! Where partitions end, by a question to their brokers: what a client remembers of its last fetch may be old when a broker does not answer.

use super::consumer_events::Context;
use crate::id::TopicPartition;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// Who is silent for longer is asked again the next time. The client does not end before.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Asks beside the async threads. Partitions of which no broker tells are not in the answer.
pub(super) fn ask(
    client: Arc<BaseConsumer<Context>>,
    partitions: &[TopicPartition],
) -> JoinHandle<BTreeMap<TopicPartition, i64>> {
    let mut wanted = TopicPartitionList::with_capacity(partitions.len());
    for id in partitions {
        // In place of a time this asks for the end.
        if let Err(error) = wanted.add_partition_offset(&id.topic, id.partition, Offset::End) {
            tracing::debug!(partition = %id, %error, "the end of a partition cannot be asked for");
        }
    }
    tokio::task::spawn_blocking(move || {
        let answer = client.offsets_for_times(wanted, TIMEOUT);
        let answer =
            answer.inspect_err(|error| tracing::debug!(%error, "no broker told where partitions end")).ok();
        let elements = answer.iter().flat_map(TopicPartitionList::elements);
        let told = elements.filter(|element| element.error().is_ok()).filter_map(|element| {
            let Offset::Offset(end) = element.offset() else { return None };
            Some((TopicPartition::new(element.topic(), element.partition()), end))
        });
        told.collect()
    })
}
