//! Blobs and queues kept by an Azurite, the independent storage emulator.
//!
//! Owns the names there and the account SAS that opens them (Azurite's well-known account; a public key). Makes the
//! containers and queues at start; reads the queues over HTTP as any client would.

use std::time::Duration;

use reqwest::{Client, Method, Response};
use time::OffsetDateTime;
use time::macros::format_description;
use url::Url;

use crate::http_client::unreachable;
use crate::options::AzuriteEndpoints;
use crate::queue_messages::{MessageHandle, ReceivedMessage};
use crate::signature::hmac;
use crate::storage::{ResourceKind, StorageError};
use crate::xml;

/// Azurite's account and its published key (in every Azurite's documentation; protects nothing).
const ACCOUNT: &str = "devstoreaccount1";
const KEY: &str = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
const VERSION: &str = "2021-12-02";
/// Containers and queues of each kind.
const OF_EACH: usize = 2;
/// Life of the loop's own signatures; renewed long before.
const OWN_LIFE: Duration = Duration::from_hours(1);

/// A client of one Azurite.
#[derive(Debug)]
pub(crate) struct Azurite {
    endpoints: AzuriteEndpoints,
    client: Client,
}

impl Azurite {
    /// How often the queues are looked at.
    pub(crate) const POLL: Duration = Duration::from_millis(100);

    /// Connects, and makes containers, queues and the status table.
    pub(crate) async fn open(endpoints: AzuriteEndpoints, client: Client) -> Result<Self, StorageError> {
        let azurite = Self { endpoints, client };
        for (kind, name) in names() {
            let request = match kind {
                ResourceKind::TempStorage => {
                    azurite.request(Method::PUT, kind, &name, "restype=container")?
                }
                ResourceKind::StatusTable => {
                    let body = serde_json::json!({"TableName": name}).to_string();
                    azurite
                        .request(Method::POST, kind, "Tables", "")?
                        .header("content-type", "application/json")
                        .header("accept", "application/json;odata=nometadata")
                        .body(body)
                }
                _ => azurite.request(Method::PUT, kind, &name, "")?,
            };
            let answer = request.send().await.map_err(|error| unreachable_azurite(&error))?;
            // 409: it exists from an earlier run.
            if !answer.status().is_success() && answer.status() != 409 {
                return Err(refused(answer).await);
            }
        }
        Ok(azurite)
    }

    /// The rows of `.get ingestion resources`.
    pub(crate) fn resources(&self, lifetime: Option<Duration>) -> Vec<(ResourceKind, String)> {
        let now = OffsetDateTime::now_utc();
        let expiry = lifetime.map_or(now - Duration::from_hours(1), |lifetime| now + lifetime);
        let rows = names()
            .into_iter()
            .filter_map(|(kind, name)| Some((kind, self.url(kind, &name, "", expiry)?.to_string())));
        rows.collect()
    }

    /// Get Messages on every secured queue.
    pub(crate) async fn receive(
        &self,
        count: usize,
        hidden: time::Duration,
    ) -> Result<Vec<ReceivedMessage>, StorageError> {
        let mut all = Vec::new();
        for (kind, queue) in names().into_iter().filter(|(kind, _)| *kind == ResourceKind::SecuredQueue) {
            let query = format!("numofmessages={count}&visibilitytimeout={}", hidden.whole_seconds());
            let request = self.request(Method::GET, kind, &format!("{queue}/messages"), &query)?;
            let text = text_of(request.send().await.map_err(|error| unreachable_azurite(&error))?).await?;
            let parts = xml::elements(&text, &["MessageId", "PopReceipt", "MessageText"]);
            for message in parts.chunks_exact(3) {
                let part =
                    |name: &str| message.iter().find(|(key, _)| *key == name).map(|(_, text)| text.clone());
                let (Some(id), Some(receipt), Some(text)) =
                    (part("MessageId"), part("PopReceipt"), part("MessageText"))
                else {
                    return Err(StorageError::new(
                        502,
                        "InvalidXmlDocument",
                        "a message of Azurite lacks parts",
                    ));
                };
                let handle = MessageHandle::Azurite { queue: queue.clone(), id, receipt };
                all.push(ReceivedMessage { text, handle });
            }
        }
        Ok(all)
    }

    /// Delete Message.
    pub(crate) async fn delete_message(
        &self,
        queue: &str,
        id: &str,
        receipt: &str,
    ) -> Result<(), StorageError> {
        let query =
            url::form_urlencoded::Serializer::new(String::new()).append_pair("popreceipt", receipt).finish();
        let path = format!("{queue}/messages/{id}");
        let request = self.request(Method::DELETE, ResourceKind::SecuredQueue, &path, &query)?;
        text_of(request.send().await.map_err(|error| unreachable_azurite(&error))?).await.map(drop)
    }

    /// Put Message on a queue of `kind`; `number` chooses among them, and may be any.
    pub(crate) async fn put_message(
        &self,
        kind: ResourceKind,
        number: usize,
        text: &str,
    ) -> Result<(), StorageError> {
        let mut of_kind = names().into_iter().filter(|(found, _)| *found == kind);
        let Some((_, queue)) = of_kind.nth(number % OF_EACH) else { return Ok(()) };
        let body = format!("<QueueMessage><MessageText>{}</MessageText></QueueMessage>", xml::escape(text));
        let request = self.request(Method::POST, kind, &format!("{queue}/messages"), "")?;
        let request = request.header("content-type", "application/xml").body(body);
        text_of(request.send().await.map_err(|error| unreachable_azurite(&error))?).await.map(drop)
    }

    fn request(
        &self,
        method: Method,
        kind: ResourceKind,
        path: &str,
        query: &str,
    ) -> Result<reqwest::RequestBuilder, StorageError> {
        let expiry = OffsetDateTime::now_utc() + OWN_LIFE;
        let url = self.url(kind, path, query, expiry);
        let url = url.ok_or_else(|| StorageError::new(500, "InternalError", "OpenSSL made no signature"))?;
        Ok(self.client.request(method, url).header("x-ms-version", VERSION))
    }

    fn url(&self, kind: ResourceKind, path: &str, query: &str, expiry: OffsetDateTime) -> Option<Url> {
        let mut url = match kind {
            ResourceKind::TempStorage => self.endpoints.blob.clone(),
            ResourceKind::StatusTable => self.endpoints.table.clone(),
            _ => self.endpoints.queue.clone(),
        };
        url.set_path(&format!("{ACCOUNT}/{path}"));
        let sas = account_sas(expiry)?;
        url.set_query(Some(&if query.is_empty() { sas } else { format!("{query}&{sas}") }));
        Some(url)
    }
}

/// Kind and name of everything kept in Azurite.
fn names() -> Vec<(ResourceKind, String)> {
    let mut all = Vec::new();
    for kind in ResourceKind::ALL {
        let count = if kind == ResourceKind::StatusTable { 1 } else { OF_EACH };
        all.extend((0..count).map(|number| (kind, kind.name(number))));
    }
    all
}

/// An account SAS for blobs, queues and tables until `expiry`.
fn account_sas(expiry: OffsetDateTime) -> Option<String> {
    use base64::Engine as _;
    let expiry = expiry.format(format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z")).ok()?;
    let (permissions, services, types) = ("rwdlacup", "bqt", "sco");
    // Each line ends: account, permissions, services, types, start, expiry, IP, protocols, version, encryption scope.
    let text =
        format!("{ACCOUNT}\n{permissions}\n{services}\n{types}\n\n{expiry}\n\nhttps,http\n{VERSION}\n\n");
    let key = base64::engine::general_purpose::STANDARD.decode(KEY).ok()?;
    let signature = hmac(&key, text.as_bytes())?;
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("sv", VERSION).append_pair("ss", services).append_pair("srt", types);
    query.append_pair("sp", permissions).append_pair("se", &expiry).append_pair("spr", "https,http");
    Some(query.append_pair("sig", &signature).finish())
}

async fn text_of(answer: Response) -> Result<String, StorageError> {
    if answer.status().is_success() {
        answer.text().await.map_err(|error| unreachable_azurite(&error))
    } else {
        Err(refused(answer).await)
    }
}

async fn refused(answer: Response) -> StorageError {
    let status = answer.status().as_u16();
    let code = answer.headers().get("x-ms-error-code").and_then(|code| code.to_str().ok());
    let code = code.unwrap_or("Unknown").to_owned();
    let text = answer.text().await.unwrap_or_default();
    let message = xml::element(&text, "Message").unwrap_or_default();
    StorageError::new(status, &code, &format!("Azurite refused: {message}"))
}

fn unreachable_azurite(error: &reqwest::Error) -> StorageError {
    StorageError::new(503, "ServerBusy", &unreachable("Azurite", error))
}

#[cfg(test)]
mod tests {
    use super::{ResourceKind, account_sas, names};
    use time::OffsetDateTime;

    #[test]
    fn there_is_one_status_table_and_two_of_the_rest() {
        let names = names();
        assert_eq!(names.len(), 9);
        assert_eq!(names.iter().filter(|(kind, _)| *kind == ResourceKind::StatusTable).count(), 1);
    }

    #[test]
    fn the_signature_is_that_of_the_documented_text() {
        // The signature was made with Python's hmac module from the service's documented text.
        let sas = account_sas(OffsetDateTime::from_unix_timestamp(1_900_000_000).unwrap()).unwrap();
        assert_eq!(
            sas,
            "sv=2021-12-02&ss=bqt&srt=sco&sp=rwdlacup&se=2030-03-17T17%3A46%3A40Z&spr=https%2Chttp\
             &sig=kRe1N6DTnmsYSm8dsPy%2FBzkAgFfkKHZtN%2BSewog804Q%3D"
        );
    }
}
