//! What the cluster lends us: whether we get it, and whether this machine reaches the hosts that it is on.

use super::cluster::ENDPOINTS;
use super::verdicts::{failed, is_forbidden};
use super::way::{Way, target};
use crate::checkup::{Finding, Inspection, Proxy};
use crate::kusto::ingest::error::chain;
use crate::kusto::ingest::managed::ManagedIngestClient;
use crate::kusto::ingest::resources::Resource;
use crate::kusto::ingest::target::{quoted_name, quoted_text};
use crate::words;
use std::sync::Arc;
use url::Url;

/// The check that others need.
pub(super) const RESOURCES: &str = "ingestion resources (.get ingestion resources)";

/// Hosts of one kind that are looked at; a cluster has about ten accounts.
const MOST_HOSTS: usize = 50;

/// Do we get containers and queues? Finds the checks of their hosts. `database` is one that rights are given on.
pub(super) fn resources(
    client: &Arc<ManagedIngestClient>,
    way: &Arc<Way>,
    database: Option<Arc<str>>,
) -> Inspection {
    let (client, way) = (Arc::clone(client), Arc::clone(way));
    Inspection::new(RESOURCES, async move {
        let found = match client.queued.resources.get().await {
            Ok(found) => found,
            Err(error) => {
                let finding = failed(&error);
                let Some(role) = role(&client, database).filter(|_| is_forbidden(&error)) else {
                    return finding;
                };
                return Finding { advice: Some(role), ..finding };
            }
        };
        let (containers, queues) = (found.containers.len(), found.queues.len());
        let mut more = hosts(&client, &way, ("blob host", &found.containers));
        more.extend(hosts(&client, &way, ("queue host", &found.queues)));
        let way =
            if found.rest { "by REST".to_owned() } else { format!("{queues} queues, an identity token") };
        Finding::good(format!("{containers} containers, {way}")).then(more)
    })
    .after([ENDPOINTS])
}

/// The command that gives us the role which the service wants.
fn role(client: &ManagedIngestClient, database: Option<Arc<str>>) -> Option<String> {
    let database = quoted_name(&database?);
    let principal =
        client.principal.as_deref().map_or_else(|| "'aadapp=<client id>;<tenant>'".to_owned(), quoted_text);
    Some(format!("give the role Database Ingestor: .add database {database} ingestors ({principal})"))
}

fn hosts(
    client: &Arc<ManagedIngestClient>,
    way: &Way,
    (kind, resources): (&str, &[Resource]),
) -> Vec<Inspection> {
    let mut origins: Vec<Url> = Vec::new();
    for resource in resources {
        let mut origin = resource.url.expose().clone();
        origin.set_path("/");
        origin.set_query(None);
        if !origins.contains(&origin) {
            origins.push(origin);
        }
    }
    origins
        .into_iter()
        .take(MOST_HOSTS)
        .map(|origin| host(client, way.proxy_to(&origin), kind, origin))
        .collect()
}

/// Does the host answer anything? Without a signature: what it says does not matter.
fn host(client: &Arc<ManagedIngestClient>, proxy: Option<Proxy>, kind: &str, origin: Url) -> Inspection {
    let target = target(&origin).unwrap_or_default();
    let open = format!(
        "let this machine reach {target}: open it in the firewall, proxy or network security group (in Azure by \
         the service tag Storage)"
    );
    let late = open.clone();
    let http = client.queued.http.client.clone();
    Inspection::new(format!("{kind} {target}"), async move {
        if let Some(proxy) = proxy.as_ref().filter(|_| origin.scheme() == "https")
            && let Err((said, to_do)) = proxy.try_to(&target).await
        {
            return Finding::failed(said, to_do);
        }
        match (http.head(origin).send().await, proxy) {
            (Ok(answer), Some(proxy)) if answer.status().as_u16() == 407 => {
                let said = format!("the proxy {} wants to know who we are", proxy.place.address());
                Finding::failed(said, proxy.to_sign_in)
            }
            (Ok(_), Some(proxy)) => Finding::good(format!("it answers, by the proxy {}", proxy.place.address())),
            (Ok(_), None) => Finding::good("it answers"),
            (Err(error), _) => {
                let text = chain(&error);
                let advice = if words::is_about_trust(&text) {
                    "put the authority that signed its certificate into the system's trust store, or into the file of \
                     SSL_CERT_FILE"
                        .to_owned()
                } else {
                    open
                };
                Finding::failed(format!("no answer: {text}"), advice)
            }
        }
    })
    .after([RESOURCES])
    .or_late(late)
}
