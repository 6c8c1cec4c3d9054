//! One fetch of what the cluster lends: commands or REST, and what of the answers is of use. Bounds what it takes.
//!
//! Keeps nothing (`resources` does) and retries nothing.

use super::answer::Table;
use super::error::Refusal;
use super::kusto::KustoClient;
use super::{Error, SasUrl, rest};
use crate::config::is_loopback;
use crate::kusto::config::IngestionProtocol;
use crate::secret::Secret;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use url::Url;

/// More containers or queues than that help nobody; the service gives some ten.
const MOST_OF_A_KIND: usize = 200;
/// A queue message of 64 KiB holds the identity token in base64, beside all else.
const MOST_OF_TOKEN: usize = 32 * 1024;
/// The database that data management commands run in.
const ANY_DATABASE: &str = "NetDefaultDB";

/// One container or queue.
#[derive(Debug, Clone)]
pub struct Resource {
    /// Its address with the signature.
    pub url: SasUrl,
    /// The storage account it is on.
    pub account: Arc<str>,
}

/// What one fetch brought.
#[derive(Debug)]
pub struct Resources {
    /// Counts the fetches.
    pub generation: u64,
    /// Where blobs go.
    pub containers: Vec<Resource>,
    /// Where messages go.
    pub queues: Vec<Resource>,
    /// Where the service tells of failures; none is needed.
    pub failures: Vec<Resource>,
    /// What stands for us in a message.
    pub identity: Secret,
    /// Batches are posted by REST: there are no queues and no identity.
    pub rest: bool,
    /// The service wants them renewed at this age.
    pub(super) life: Option<Duration>,
    pub(super) fetched: Instant,
}

/// What is asked for and what is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResourcePolicy {
    /// The way batches go to the service.
    pub protocol: IngestionProtocol,
    /// Plain http storage is taken also when it is not on loopback.
    pub insecure: bool,
}

/// Fetches them once; the generation is the caller's to count.
pub(super) async fn fetch(dm: &KustoClient, policy: ResourcePolicy) -> Result<Resources, Error> {
    if policy.protocol != IngestionProtocol::Queued
        && let Some(resources) = fetch_by_rest(dm, policy).await?
    {
        return Ok(resources);
    }
    let resources = dm.command("get ingestion resources", ANY_DATABASE, ".get ingestion resources");
    let identity = dm.command("get identity token", ANY_DATABASE, ".get kusto identity token");
    // One after the other: with a wrong key, the login server should see one bad try and not two.
    let resources = resources.await?;
    let identity = identity.await?;
    let token = identity.cell().filter(|token| !token.is_empty());
    let token = token.ok_or_else(|| unusable(dm, "the identity token is empty"))?;
    if token.len() > MOST_OF_TOKEN {
        let text = format!(
            "the identity token has {} bytes, which no queue message can carry (at most {MOST_OF_TOKEN})",
            token.len()
        );
        return Err(unusable(dm, &text));
    }
    let [containers, queues, failures] = parse(&resources, policy.insecure);
    if containers.is_empty() || queues.is_empty() {
        return Err(unusable(
            dm,
            "no usable TempStorage container or SecuredReadyForAggregationQueue in it (storage must be https, \
             or on loopback, or allowed by worker.allow.insecure.http)",
        ));
    }
    Ok(Resources {
        generation: 0,
        containers,
        queues,
        failures,
        identity: Secret::new(token),
        rest: false,
        life: None,
        fetched: Instant::now(),
    })
}

/// What REST needs; none when the batches go by queue, because the cluster offers no REST or does not prefer it.
async fn fetch_by_rest(dm: &KustoClient, policy: ResourcePolicy) -> Result<Option<Resources>, Error> {
    let wanted = policy.protocol == IngestionProtocol::V2;
    let offer = match rest::offer(dm).await {
        Ok(offer) => offer,
        Err(Error::Refused(refusal)) if matches!(refusal.status, 400 | 404 | 405 | 501) => {
            if wanted {
                let advice = Some(
                    "the cluster offers no ingestion by REST: set kusto.ingestion.protocol to queued or auto",
                );
                return Err(Error::Refused(Box::new(Refusal { advice, ..*refusal })));
            }
            tracing::debug!(
                status = refusal.status,
                "the cluster offers no ingestion by REST: batches are queued"
            );
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let usable = offer.containers.iter().filter_map(|path| usable(path, policy.insecure));
    let containers: Vec<Resource> = usable.take(MOST_OF_A_KIND).collect();
    if containers.is_empty() && wanted {
        return Err(Error::Malformed {
            operation: "get ingestion configuration",
            url: dm.url(),
            text: "no usable container in it; set kusto.ingestion.protocol to queued".to_owned(),
            setting: "kusto.ingestion.url",
        });
    }
    if containers.is_empty() || !(wanted || offer.preferred) {
        return Ok(None);
    }
    Ok(Some(Resources {
        generation: 0,
        containers,
        queues: Vec::new(),
        failures: Vec::new(),
        identity: Secret::new(String::new()),
        rest: true,
        life: offer.refresh,
        fetched: Instant::now(),
    }))
}

/// A container or queue that may be used.
fn usable(root: &str, insecure: bool) -> Option<Resource> {
    let url = Url::parse(root).ok()?;
    let http = url.scheme() == "http" && (insecure || is_loopback(&url));
    let good = (http || url.scheme() == "https") && url.has_host();
    good.then(|| Resource { account: account(&url), url: SasUrl::new(url) })
}

fn unusable(dm: &KustoClient, text: &str) -> Error {
    Error::Malformed {
        operation: "get ingestion resources",
        url: dm.url(),
        text: text.to_owned(),
        setting: "kusto.ingestion.url",
    }
}

/// Containers, queues and queues of failures in an answer; other kinds of resources and rows that make no sense are left out.
fn parse(table: &Table, insecure: bool) -> [Vec<Resource>; 3] {
    let (mut containers, mut queues, mut failures) = (Vec::new(), Vec::new(), Vec::new());
    for (kind, root) in table.texts(("ResourceTypeName", 0), ("StorageRoot", 1)) {
        let list = match kind {
            "TempStorage" => &mut containers,
            "SecuredReadyForAggregationQueue" => &mut queues,
            "FailedIngestionsQueue" => &mut failures,
            _ => continue,
        };
        if list.len() < MOST_OF_A_KIND {
            list.extend(usable(root, insecure));
        }
    }
    [containers, queues, failures]
}

/// The storage account in a URL: the first label of the host, or, where all accounts share a host (an IP address, a
/// host without dots, a port of its own), host, port and first segment of the path.
fn account(url: &Url) -> Arc<str> {
    let host = url.host_str().unwrap_or_default();
    match url.host() {
        Some(url::Host::Domain(name)) if url.port().is_none() && name.contains('.') => {
            Arc::from(name.split('.').next().unwrap_or(name))
        }
        _ => {
            let segment = url.path_segments().and_then(|mut segments| segments.next()).unwrap_or_default();
            Arc::from(format!("{host}:{}/{segment}", url.port_or_known_default().unwrap_or_default()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::account;
    use url::Url;

    #[test]
    fn accounts_are_told_apart_in_both_styles_of_url() {
        for (text, name) in [
            ("https://acct01.blob.core.windows.net/c?sig=1", "acct01"),
            ("https://acct01.queue.core.windows.net/q", "acct01"),
            ("http://127.0.0.1:10000/devstoreaccount1/c", "127.0.0.1:10000/devstoreaccount1"),
            ("http://localhost:8080/acct2/q", "localhost:8080/acct2"),
        ] {
            assert_eq!(&*account(&Url::parse(text).unwrap()), name);
        }
    }
}
