//! Calls of librdkafka that wait, beside the async threads.

use rdkafka::error::KafkaError;

/// Runs one of librdkafka's waiting calls where waiting does no harm.
pub(super) async fn blocking<T: Send + 'static>(
    call: impl FnOnce() -> Result<T, KafkaError> + Send + 'static,
) -> Result<T, KafkaError> {
    tokio::task::spawn_blocking(call).await.unwrap_or(Err(KafkaError::Canceled))
}
