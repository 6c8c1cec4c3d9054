//! What mends a refusal, by who refused, what and how (`kusto-protocol.md` §9): the words behind an error. Each names a setting
//! or a command, or says that nothing is to be done. Pure.

use super::endpoint::Endpoint;
use super::error::{Class, PUT_BLOB};

/// What a service that is in trouble needs.
const WAIT: &str = "it is tried again; if it lasts, see the cluster's health in the Azure portal";

/// The setting of the endpoint that takes batches.
const INGESTION: &str = "kusto.ingestion.url";

/// Of blobs and queues.
pub(super) fn of_storage(operation: &str, status: u16, class: Class) -> &'static str {
    match (class, status) {
        (Class::Signature, _) => {
            "a fresh signature is fetched; if it lasts, compare clocks by kusto-connect doctor"
        }
        (Class::Gone, _) => "the list of resources is fetched again; if it lasts, run kusto-connect doctor",
        (Class::Transient, 429 | 503) => {
            "raise flush.size.bytes and flush.interval.ms if it lasts; it is tried again"
        }
        (Class::Transient | Class::Token, _) => WAIT,
        (Class::Permanent, 413) if operation == PUT_BLOB => "lower flush.size.bytes",
        (Class::Permanent, 413) => {
            "shorten the names in kusto.tables.topics.mapping, or set kusto.ingestion.protocol=v2"
        }
        (Class::Permanent, _) => "check the proxy on the way (proxy.host), else report it",
    }
}

/// Of the cluster.
pub(super) fn of_cluster(endpoint: &Endpoint, status: u16) -> &'static str {
    match status {
        401 => "the token was not accepted: check aad.auth.strategy and the aad.auth settings with it",
        403 => endpoint.role,
        413 if endpoint.setting == INGESTION => {
            "shorten the names in kusto.tables.topics.mapping, or raise the limit of the proxy on the way"
        }
        413 => "lower flush.size.bytes",
        429 => "raise flush.size.bytes and flush.interval.ms if it lasts (.show capacity); it is tried again",
        408 | 409 | 500..=599 => WAIT,
        _ => match endpoint.setting {
            INGESTION => "check kusto.ingestion.url: it must be the cluster's ingest- endpoint",
            _ => "check kusto.query.url: it must be the cluster's address without ingest-",
        },
    }
}
