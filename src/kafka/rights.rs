//! What we may do with a topic or a group, by the brokers' own word, and what is missing of what somebody needs.

use super::Error;
use super::admin::Admin;
use super::blocking::blocking;
use super::native::rights::operations;
use futures::FutureExt;
use futures::future::BoxFuture;
use rdkafka::admin::{AdminOptions, NewTopic, TopicReplication};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

pub use super::native::rights::AclSubject;

/// One question to the brokers.
pub(super) const REQUEST_TIMEOUT: Duration = Duration::from_secs(8);
/// How long it is asked again,
const PATIENCE: Duration = Duration::from_secs(5);
/// after this time each.
const PAUSE: Duration = Duration::from_millis(200);

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
    let ask = || {
        let (client, subject) = (Arc::clone(admin.client()), subject.clone());
        blocking(move || operations(client.inner(), &subject, REQUEST_TIMEOUT)).boxed()
    };
    let missing = missing_of(ask, wanted).await;
    missing.map_err(|source| admin.error(name, "cannot ask for our rights", source))
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

/// Which of `wanted` we do not have, by what `ask` is told; nothing when the brokers do not say. It is asked again while a coordinator
/// is only just taking over.
pub(super) async fn missing_of(
    ask: impl Fn() -> BoxFuture<'static, Result<Option<Vec<u32>>, KafkaError>>,
    wanted: &[Right],
) -> Result<Vec<Right>, KafkaError> {
    let begin = Instant::now();
    let answer = loop {
        match ask().await {
            Err(KafkaError::AdminOp(
                Code::CoordinatorLoadInProgress | Code::CoordinatorNotAvailable | Code::NotCoordinator,
            )) if begin.elapsed() < PATIENCE => tokio::time::sleep(PAUSE).await,
            answer => break answer,
        }
    };
    match answer {
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

#[cfg(test)]
mod tests {
    use super::{Code, KafkaError, PATIENCE, Right, missing_of};
    use futures::FutureExt;
    use std::sync::Mutex;

    #[tokio::test(start_paused = true)]
    async fn what_is_not_allowed_is_missing_and_a_coordinator_is_waited_for() {
        let busy = || Err(KafkaError::AdminOp(Code::CoordinatorLoadInProgress));
        let wanted = [Right::Read, Right::Write];
        for (answers, missing) in [
            (vec![Ok(Some(vec![3, 8]))], Some(vec![Right::Write])),
            (vec![busy(), busy(), Ok(Some(vec![3, 4]))], Some(Vec::new())),
            (vec![Ok(None)], Some(Vec::new())),
            (vec![Err(KafkaError::AdminOp(Code::GroupIdNotFound))], Some(Vec::new())),
            (vec![Err(KafkaError::AdminOp(Code::TopicAuthorizationFailed))], Some(wanted.to_vec())),
            (vec![Err(KafkaError::AdminOp(Code::OperationTimedOut))], None),
        ] {
            let left = Mutex::new(answers.into_iter());
            let ask = || std::future::ready(left.lock().unwrap().next().unwrap()).boxed();
            assert_eq!(missing_of(ask, &wanted).await.ok(), missing);
        }
        let begin = tokio::time::Instant::now();
        assert!(missing_of(|| std::future::ready(busy()).boxed(), &wanted).await.is_err());
        assert!(begin.elapsed() >= PATIENCE, "it was given up too early");
    }
}
