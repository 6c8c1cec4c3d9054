//! The brokers of a cluster as they call themselves: where clients go once they were let in, whatever `bootstrap.servers` says.

use rdkafka::client::{Client, ClientContext};
use rdkafka::error::KafkaResult;
use rdkafka::metadata::MetadataBroker;
use std::time::Duration;

/// The host and port of each broker; waits for the answer.
pub(super) fn brokers<C: ClientContext>(
    client: &Client<C>,
    limit: Duration,
) -> KafkaResult<Vec<(String, u16)>> {
    // The answer to one name is small on every cluster, and the library makes no topic by asking.
    let metadata = client.fetch_metadata(Some("__consumer_offsets"), limit)?;
    let place =
        |broker: &MetadataBroker| Some((broker.host().to_owned(), u16::try_from(broker.port()).ok()?));
    Ok(metadata.brokers().iter().filter_map(place).collect())
}
