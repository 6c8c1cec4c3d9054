//! The two endpoints of a cluster, and the role that a principal needs at the one that takes batches.

use url::Url;

/// Where a [`KustoClient`] sends to.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// The cluster's address; commands go below its path.
    pub url: Url,
    /// The setting it came from.
    pub setting: &'static str,
    /// What a 403 of it means.
    pub role: &'static str,
}

/// What a 403 of the data management service means, and one of streaming ingestion.
pub(super) const INGESTOR: &str = "give the role Database Ingestor: \
                        .add database <db> ingestors ('aadapp=<aad.auth.appid>;<aad.auth.authority>')";
