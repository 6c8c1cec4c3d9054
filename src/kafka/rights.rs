//! What we may do with a topic or a group, by the brokers' own word, and what is missing of what somebody needs.

use super::Error;
use super::admin::Admin;
use super::blocking::blocking;
use super::native::rights::operations;
use rdkafka::admin::{AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::{Client, ClientContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use super::native::rights::AclSubject;

/// One question to the brokers.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(8);

/// A right, as the protocol counts them (`AclOperation`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// Fetch; join a group and commit.
    Read,
    /// Produce.
    Write,
    /// See that it is there.
    Describe,
}

impl Right {
    fn number(self) -> u32 {
        match self {
            Self::Read => 3,
            Self::Write => 4,
            Self::Describe => 8,
        }
    }
}

impl fmt::Display for Right {
    /// As `kafka-acls.sh` calls it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

/// Which of the rights in `wanted` the client of `admin` does not have on a topic or a group that exists.
pub async fn missing(
    admin: &Admin,
    subject: AclSubject,
    wanted: &'static [Right],
) -> Result<Vec<Right>, Error> {
    let (AclSubject::Topic(name) | AclSubject::Group(name)) = &subject;
    let (client, name) = (Arc::clone(admin.client()), name.clone());
    let missing = blocking(move || missing_of(client.inner(), &subject, wanted));
    missing.await.map_err(|source| admin.error(&name, "cannot ask for our rights", source))
}

/// May a topic that does not exist be made, with one partition and so many copies? Nothing is made. False when the brokers do
/// not let us.
pub async fn may_make(admin: &Admin, topic: &str, copies: i16) -> Result<bool, Error> {
    let new = NewTopic::new(topic, 1, TopicReplication::Fixed(i32::from(copies)));
    let options = AdminOptions::new().request_timeout(Some(REQUEST_TIMEOUT)).validate_only(true);
    let code = match admin.client().create_topics([&new], &options).await {
        Ok(topics) => topics.into_iter().find_map(Result::err).map(|(_, code)| code),
        Err(KafkaError::AdminOp(code)) => Some(code),
        Err(source) => return Err(admin.error(topic, "cannot be made", source)),
    };
    match code {
        None | Some(Code::TopicAlreadyExists) => Ok(true),
        Some(Code::ClusterAuthorizationFailed | Code::TopicAuthorizationFailed) => Ok(false),
        Some(code) => Err(admin.error(topic, "cannot be made", KafkaError::AdminOp(code))),
    }
}

/// Which of `wanted` we do not have on `subject`; nothing when the brokers do not say. Waits for the answer.
pub(super) fn missing_of<C: ClientContext>(
    client: &Client<C>,
    subject: &AclSubject,
    wanted: &[Right],
) -> Result<Vec<Right>, KafkaError> {
    match operations(client, subject, REQUEST_TIMEOUT) {
        Ok(Some(allowed)) => {
            Ok(wanted.iter().copied().filter(|right| !allowed.contains(&right.number())).collect())
        }
        // A group that nobody was in yet is not there for brokers of late.
        Ok(None) | Err(KafkaError::AdminOp(Code::GroupIdNotFound | Code::UnsupportedVersion)) => {
            Ok(Vec::new())
        }
        Err(KafkaError::AdminOp(Code::TopicAuthorizationFailed | Code::GroupAuthorizationFailed)) => {
            Ok(wanted.to_vec())
        }
        Err(error) => Err(error),
    }
}
