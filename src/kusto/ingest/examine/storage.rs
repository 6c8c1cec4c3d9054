//! What the cluster lends us: whether we get it, and whether this machine reaches the hosts that it is on.

use super::cluster::ENDPOINTS;
use super::verdicts::{failed, is_forbidden};
use crate::checkup::{Finding, Inspection};
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
pub(super) fn resources(client: &Arc<ManagedIngestClient>, database: Option<Arc<str>>) -> Inspection {
    let client = Arc::clone(client);
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
        let mut more = hosts(&client, "blob host", &found.containers);
        more.extend(hosts(&client, "queue host", &found.queues));
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

fn hosts(client: &Arc<ManagedIngestClient>, kind: &str, resources: &[Resource]) -> Vec<Inspection> {
    let mut origins: Vec<Url> = Vec::new();
    for resource in resources {
        let mut origin = resource.url.expose().clone();
        origin.set_path("/");
        origin.set_query(None);
        if !origins.contains(&origin) {
            origins.push(origin);
        }
    }
    origins.into_iter().take(MOST_HOSTS).map(|origin| host(client, kind, origin)).collect()
}

/// Does the host answer anything? Without a signature: what it says does not matter.
fn host(client: &Arc<ManagedIngestClient>, kind: &str, origin: Url) -> Inspection {
    let host = origin.host_str().unwrap_or_default();
    let port = origin.port_or_known_default().unwrap_or(443);
    let open = format!(
        "let this machine reach {host}:{port}: open it in the firewall, proxy or network security group (in Azure by \
         the service tag Storage)"
    );
    let late = open.clone();
    let http = client.queued.http.client.clone();
    Inspection::new(format!("{kind} {host}:{port}"), async move {
        match http.head(origin).send().await {
            Ok(_) => Finding::good("it answers"),
            Err(error) => {
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
