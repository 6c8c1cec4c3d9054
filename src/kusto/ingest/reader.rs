//! Asks a cluster's engine what it knows, by the connections and the credentials of one connector. Changes nothing, tries once.

use super::answer::Table;
use super::batching::{BatchingPolicy, POLICY};
use super::error::Class;
use super::failure_queues::FailureQueues;
use super::kusto::KustoClient;
use super::target::{TargetChecker, quoted_name, quoted_text};
use super::{Error, Refusal};
use std::sync::Arc;
use std::time::Duration;

/// Asks one cluster.
#[derive(Debug, Clone)]
pub struct ClusterReader {
    engine: Arc<KustoClient>,
    principal: Option<String>,
    failures: FailureQueues,
}

/// Why the service will not answer a question, however often it is put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denial {
    /// There is no right to ask; the service's words.
    Forbidden(String),
    /// It does not know the question; its words.
    Unknown(String),
}

impl Denial {
    /// What `error` says about the question; none for all that may pass, or that is about the sign-in or the way there.
    pub fn of(error: &Error) -> Option<Self> {
        let Error::Refused(refusal) = error else { return None };
        let Refusal { status, code, text, class, .. } = &**refusal;
        let code = code.as_ref().map(|code| format!(" {code}")).unwrap_or_default();
        let said = format!("status {status}{code}: {text}");
        match status {
            403 => Some(Self::Forbidden(said)),
            400 | 404 | 405 | 501 if *class == Class::Permanent || *status == 501 => {
                Some(Self::Unknown(said))
            }
            // An error inside a good answer is the command's.
            200 if *class == Class::Permanent => Some(Self::Unknown(said)),
            _ => None,
        }
    }
}

impl ClusterReader {
    /// By `engine`, as `principal` where the settings name it.
    pub(super) fn new(engine: Arc<KustoClient>, principal: Option<String>, failures: FailureQueues) -> Self {
        Self { engine, principal, failures }
    }

    /// The first table of the answer to `command` in `database`; `operation` is its name in errors.
    pub async fn ask(&self, operation: &'static str, database: &str, command: &str) -> Result<Table, Error> {
        self.engine.command(operation, database, command).await
    }

    /// How long the service gathers batches of a table: as its policy says, else its database's, else the service's own time.
    pub async fn batching_time(&self, database: &str, table: &str) -> Result<Duration, Error> {
        let checker =
            TargetChecker { engine: &self.engine, principal: self.principal.as_deref(), thorough: true };
        let policy = checker.policy((database, table), POLICY).await?;
        Ok(BatchingPolicy::read(policy.as_deref()).time)
    }

    /// The queues in which the service tells of failures.
    pub fn failures(&self) -> &FailureQueues {
        &self.failures
    }

    /// KQL that gives us the right to see what failed in `database`.
    pub fn monitor_role(&self, database: &str) -> String {
        let principal = self.principal.as_deref().unwrap_or("aadapp=<client id>;<tenant>");
        format!(".add database {} monitors ({})", quoted_name(database), quoted_text(principal))
    }

    /// The cluster's address, for messages.
    pub fn url(&self) -> String {
        self.engine.url().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::{Class, Denial, Error, Refusal};
    use crate::kusto::ingest::SasUrl;

    #[test]
    fn what_may_pass_is_no_denial() {
        let denial = |status, class| {
            Denial::of(&Error::Refused(Box::new(Refusal {
                operation: "show ingestion failures",
                url: SasUrl::new("http://engine/".parse().unwrap()),
                status,
                code: Some("Code".to_owned()),
                text: "words".to_owned(),
                advice: None,
                class,
                retry_after: None,
            })))
        };
        let said = |status| format!("status {status} Code: words");
        assert_eq!(denial(403, Class::Permanent), Some(Denial::Forbidden(said(403))));
        for (status, class) in [(400, Class::Permanent), (404, Class::Permanent), (501, Class::Transient)] {
            assert_eq!(denial(status, class), Some(Denial::Unknown(said(status))));
        }
        for (status, class) in
            [(400, Class::Transient), (401, Class::Token), (429, Class::Transient), (503, Class::Transient)]
        {
            assert_eq!(denial(status, class), None, "{status}");
        }
        assert_eq!(Denial::of(&Error::Setup("x".to_owned())), None);
    }
}
