//! The service's queues of failures (`kusto-protocol.md` §3.9): peeking, getting, deleting. One try each.
//!
//! All clients of a cluster share them. What was got is hidden from the others for as long as was asked for, and comes back by itself; who
//! may delete what is decided elsewhere.

use super::error::chain;
use super::http::Http;
use super::resources::ResourceManager;
use super::{Error, SasUrl, storage};
use azure_storage_queue::models::{QueueClientPeekMessagesOptions, QueueClientReceiveMessagesOptions};
use azure_storage_queue::{QueueClient, QueueClientOptions};
use std::sync::Arc;
use std::time::Duration;

/// Messages that one request brings at most.
const MOST: i32 = 32;

/// A message that was got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GotMessage {
    /// The queue's name for it.
    pub message: String,
    /// The receipt of this get.
    pub receipt: String,
    /// Its text.
    pub text: String,
}

/// The failure queues of one cluster, as its resources name them.
#[derive(Debug, Clone)]
pub struct FailureQueues {
    http: Http,
    resources: Arc<ResourceManager>,
}

impl FailureQueues {
    /// Those of `resources`. No I/O.
    pub(super) fn new(http: Http, resources: Arc<ResourceManager>) -> Self {
        Self { http, resources }
    }

    /// Their addresses, with signatures that are good now. None where batches go by REST.
    pub async fn all(&self) -> Result<Vec<SasUrl>, Error> {
        let resources = self.resources.get().await?;
        Ok(resources.failures.iter().map(|queue| queue.url.clone()).collect())
    }

    /// The names of the first messages. Hides nothing.
    pub async fn peek(&self, queue: &SasUrl) -> Result<Vec<String>, Error> {
        let options = QueueClientPeekMessagesOptions { number_of_messages: Some(MOST), ..Default::default() };
        let client = self.client(queue)?;
        let call = self.http.call("peek failures", queue.clone(), "kusto.ingestion.url");
        call.within(self.http.timings.call, async {
            let answer = client.peek_messages(Some(options)).await.map_err(|e| storage::error(&call, &e))?;
            let peeked = answer.into_model().map_err(|e| call.malformed(chain(&e)))?;
            let messages = peeked.items.unwrap_or_default().into_iter();
            Ok(messages.filter_map(|message| message.message_id).collect())
        })
        .await
    }

    /// The first messages, which others do not see for `hidden`.
    pub async fn get(&self, queue: &SasUrl, hidden: Duration) -> Result<Vec<GotMessage>, Error> {
        let options = QueueClientReceiveMessagesOptions {
            number_of_messages: Some(MOST),
            visibility_timeout: Some(i32::try_from(hidden.as_secs().max(1)).unwrap_or(i32::MAX)),
            ..Default::default()
        };
        let client = self.client(queue)?;
        let call = self.http.call("get failures", queue.clone(), "kusto.ingestion.url");
        call.within(self.http.timings.call, async {
            let answer =
                client.receive_messages(Some(options)).await.map_err(|e| storage::error(&call, &e))?;
            let got = answer.into_model().map_err(|e| call.malformed(chain(&e)))?;
            let messages = got.items.unwrap_or_default().into_iter();
            Ok(messages
                .filter_map(|message| {
                    Some(GotMessage {
                        message: message.message_id?,
                        receipt: message.pop_receipt?,
                        text: message.message_text.unwrap_or_default(),
                    })
                })
                .collect())
        })
        .await
    }

    /// Deletes a message by the receipt of its get. One that is gone is deleted.
    pub async fn delete(&self, queue: &SasUrl, message: &str, receipt: &str) -> Result<(), Error> {
        let client = self.client(queue)?;
        let call = self.http.call("delete failure", queue.clone(), "kusto.ingestion.url");
        let deleted = call.within(self.http.timings.call, async {
            let deleted = client.delete_message(message, receipt, None).await;
            deleted.map(|_| ()).map_err(|e| storage::error(&call, &e))
        });
        match deleted.await {
            Err(Error::Refused(refusal)) if refusal.status == 404 => Ok(()),
            done => done,
        }
    }

    fn client(&self, queue: &SasUrl) -> Result<QueueClient, Error> {
        let options = QueueClientOptions {
            client_options: self.http.azure_options(),
            version: storage::API_VERSION.to_owned(),
        };
        QueueClient::new(queue.expose().clone(), None, Some(options)).map_err(|e| Error::Setup(chain(&e)))
    }
}
