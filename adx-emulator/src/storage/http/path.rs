//! What a storage path names, and which operation a request on it is.

use crate::http_request::{HttpRequest, percent_decode};
use crate::operation::Operation;
use crate::storage::names::{ACCOUNTS, BlobName, QueueName, ResourceKind};

/// The parts of a storage path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoragePath {
    pub account: String,
    /// Container, queue, or table with its keys.
    pub resource: String,
    /// What follows: blob name, `messages`, or nothing.
    pub rest: String,
}

impl StoragePath {
    /// Reads a request's path, if its first segment is one of our accounts.
    pub(crate) fn of(path: &str) -> Option<Self> {
        // Some clients write the slashes behind the account as `%2F`; the service takes them as they are meant.
        let path = percent_decode(path.trim_start_matches('/'));
        let mut parts = path.splitn(3, '/');
        let first = parts.next()?;
        let account = ACCOUNTS.iter().find(|account| **account == first)?;
        let mut next = || parts.next().unwrap_or_default().to_owned();
        Some(Self { account: (*account).to_owned(), resource: next(), rest: next() })
    }

    /// The kind and the name of the resource, when there is one.
    pub(super) fn known(&self) -> Option<(ResourceKind, String)> {
        let name = self.resource.split('(').next().unwrap_or_default();
        let number = ACCOUNTS.iter().position(|account| *account == self.account)?;
        let kind = ResourceKind::ALL.into_iter().find(|kind| kind.name(number) == name)?;
        Some((kind, name.to_owned()))
    }

    /// The operation that a request with this path asks for.
    pub(crate) fn operation(&self, request: &HttpRequest) -> Operation {
        let kind = self.known().map(|(kind, _)| kind);
        let in_container = kind == Some(ResourceKind::TempStorage);
        // The form of the path distinguishes a queue that does not exist from a container.
        let messages = self.rest == "messages" || self.rest.starts_with("messages/");
        match (request.method.as_str(), request.query("comp"), self.rest.as_str()) {
            _ if kind == Some(ResourceKind::StatusTable) => Operation::Table,
            ("GET" | "HEAD", Some("metadata"), "") => Operation::QueueMetadata,
            ("POST", _, "messages") => Operation::PutMessage,
            ("GET", _, "messages") if request.query("peekonly") == Some("true") => Operation::PeekMessages,
            ("GET", _, "messages") if !in_container => Operation::GetMessages,
            ("DELETE", _, _) if messages && !in_container => Operation::DeleteMessage,
            ("PUT", _, _) if messages && !in_container => Operation::UpdateMessage,
            (_, _, "") => Operation::Other,
            ("PUT", None, _) => Operation::PutBlob,
            ("PUT", Some("block"), _) => Operation::PutBlock,
            ("PUT", Some("blocklist"), _) => Operation::PutBlockList,
            ("GET", None, _) => Operation::GetBlob,
            ("HEAD", None, _) => Operation::HeadBlob,
            ("DELETE", None, _) => Operation::DeleteBlob,
            _ => Operation::Other,
        }
    }

    /// The blob it names.
    pub(crate) fn blob(&self) -> BlobName {
        BlobName { account: self.account.clone(), container: self.resource.clone(), name: self.rest.clone() }
    }

    /// The queue it names.
    pub(super) fn queue(&self) -> QueueName {
        QueueName { account: self.account.clone(), queue: self.resource.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::{ResourceKind, StoragePath};

    #[test]
    fn paths_name_account_resource_and_rest() {
        let path = StoragePath::of("/acct2/ingestdata-1/a%20b/c.csv.gz").unwrap();
        assert_eq!((path.resource.as_str(), path.rest.as_str()), ("ingestdata-1", "a b/c.csv.gz"));
        assert_eq!(path.known().unwrap().0, ResourceKind::TempStorage);
        assert_eq!(StoragePath::of("/acct1/ingestdata-1/x").unwrap().known(), None);
        assert_eq!(StoragePath::of("/acct3/ingestdata-0/x"), None);
        assert_eq!(StoragePath::of("/acct2%2Fingestdata-1%2fa%20b%2Fc.csv.gz").as_ref(), Some(&path));
        assert_eq!(StoragePath::of("/acct2/ingestdata-1%2Fa%20b/c.csv.gz").as_ref(), Some(&path));
        let table = StoragePath::of("/acct1/ingestionsstatus(PartitionKey='a',RowKey='b')").unwrap();
        assert_eq!(table.known().unwrap().0, ResourceKind::StatusTable);
    }
}
