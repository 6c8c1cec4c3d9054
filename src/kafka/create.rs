//! Making a client of librdkafka, which all kinds of clients go through: only where there is room for it
//! ([`crate::limits`]), because the library ends the process when it gets no thread.

use rdkafka::ClientContext;
use rdkafka::config::{ClientConfig, FromClientConfigAndContext};
use rdkafka::error::{KafkaError, KafkaResult};

use crate::limits;

/// A client with these settings and this context.
pub(super) fn create<C, T>(config: &ClientConfig, context: C) -> KafkaResult<T>
where
    C: ClientContext,
    T: FromClientConfigAndContext<C>,
{
    limits::for_one_client().map_err(|error| KafkaError::ClientCreation(error.to_string()))?;
    config.create_with_context(context)
}
