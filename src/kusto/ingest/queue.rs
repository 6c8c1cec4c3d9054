//! Posts the message about a blob. One try; the retry layer is `managed`.
//!
//! A message whose answer got lost may exist all the same: a retry then makes a second one with the same id, which is
//! why delivery is at least once.

use super::error::{PUT_MESSAGE, chain};
use super::http::Http;
use super::{Error, SasUrl, storage};
use azure_storage_queue::models::QueueMessage;
use azure_storage_queue::{QueueClient, QueueClientOptions};

/// Puts `text` (base64) into the queue at `queue`.
pub async fn post(http: &Http, queue: &SasUrl, text: String) -> Result<(), Error> {
    let call = http.call(PUT_MESSAGE, queue.clone(), "kusto.ingestion.url");
    let options =
        QueueClientOptions { client_options: http.azure_options(), version: storage::API_VERSION.to_owned() };
    let client =
        QueueClient::new(queue.expose().clone(), None, Some(options)).map_err(|e| Error::Setup(chain(&e)))?;
    let message = QueueMessage { message_text: Some(text) };
    let content = message.try_into().map_err(|e: azure_core::Error| Error::Setup(chain(&e)))?;
    call.within(http.timings.call, async {
        client.send_message(content, None).await.map(|_| ()).map_err(|e| storage::error(&call, &e))
    })
    .await
}
