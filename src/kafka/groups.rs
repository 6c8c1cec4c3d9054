//! Consumer groups from outside: what a group has committed, set and removed on a user's word.
//!
//! The client is made for one connector, with the worker's settings for administration and the connector's own
//! (`connect-runtime.md` §1.13, §4.1). It joins no group and decides nothing.

use super::Error;
use super::blocking::blocking;
use super::create::create;
use super::log_context::LogContext;
use super::native::group_offsets::{self, Operation, PartitionAnswer};
use super::oauth::{self, Keeper};
use super::settings;
use crate::config::WorkerConfig;
use crate::configdef::Properties;
use crate::id::TopicPartition;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::groups::{GroupInfo, GroupMemberInfo};
use rdkafka::{Offset, TopicPartitionList};
use std::sync::Arc;
use std::time::Duration;

/// One question to the brokers.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// What a group is, and who is in it now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupDescription {
    /// `consumer`, or `connect` for workers of the JVM; empty when there is no such group.
    pub protocol_type: String,
    /// Its members.
    pub members: Vec<GroupMember>,
}

/// A member of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupMember {
    /// What it calls itself.
    pub client_id: String,
    /// Where it is, as the broker sees it.
    pub host: String,
}

impl From<&GroupInfo> for GroupDescription {
    fn from(group: &GroupInfo) -> Self {
        let member = |member: &GroupMemberInfo| GroupMember {
            client_id: member.client_id().to_owned(),
            host: member.client_host().to_owned(),
        };
        let members = group.members().iter().map(member).collect();
        Self { protocol_type: group.protocol_type().to_owned(), members }
    }
}

/// A client for one consumer group.
pub struct GroupAdmin {
    client: Arc<AdminClient<LogContext>>,
    _tokens: Keeper,
    group: String,
}

impl GroupAdmin {
    /// A client for the group of `connector`. Settings, later ones win: the worker's own for Kafka, its `admin.*`, and
    /// `overrides`, the connector's `admin.override.*`.
    pub fn new(
        worker: &WorkerConfig,
        overrides: &Properties,
        connector: &str,
        group: &str,
    ) -> Result<Self, Error> {
        let client_id = format!("connector-worker-adminclient-{connector}");
        let mut config = settings::admin(worker, &client_id, overrides)?;
        let bootstrap = config.get("bootstrap.servers").unwrap_or_default().to_owned();
        let source = oauth::take(&mut config);
        let context = LogContext::new(&config);
        let client = create(&config, context).map_err(|source| Error::Client { bootstrap, source })?;
        let client = Arc::new(client);
        let tokens = Keeper::start(source, &client);
        Ok(Self { client, _tokens: tokens, group: group.to_owned() })
    }

    /// The group.
    pub fn group(&self) -> &str {
        &self.group
    }

    /// Who is in the group.
    pub async fn members(&self) -> Result<Vec<GroupMember>, Error> {
        let (client, group) = (self.client.clone(), self.group.clone());
        let found = blocking(move || {
            let list = client.inner().fetch_group_list(Some(&group), REQUEST_TIMEOUT)?;
            let found = list.groups().iter().find(|found| found.name() == group);
            Ok(found.map(GroupDescription::from).unwrap_or_default().members)
        });
        found.await.map_err(|source| self.error("cannot be looked up", source))
    }

    /// All that the group has committed, by topic and partition; nothing for a group that does not exist.
    pub async fn offsets(&self) -> Result<Vec<(TopicPartition, i64)>, Error> {
        let operation = "cannot read its offsets";
        let answers = self.run(operation, |client, group| {
            group_offsets::run(client.inner(), group, Operation::List, REQUEST_TIMEOUT)
        });
        let answers = self.checked(operation, answers.await?)?;
        let committed = answers.into_iter().filter(|answer| answer.offset >= 0);
        let mut offsets: Vec<_> = committed.map(|answer| (answer.partition, answer.offset)).collect();
        offsets.sort();
        Ok(offsets)
    }

    /// Sets offsets; the group must have no members.
    pub async fn alter(&self, offsets: &[(TopicPartition, i64)]) -> Result<(), Error> {
        let operation = "cannot set its offsets";
        let list = self.list(operation, offsets.iter().map(|(id, at)| (id, Offset::Offset(*at))))?;
        let answers = self.run(operation, move |client, group| {
            group_offsets::run(client.inner(), group, Operation::Alter(&list), REQUEST_TIMEOUT)
        });
        self.checked(operation, answers.await?).map(drop)
    }

    /// Removes what is committed for these partitions; the group must not subscribe to their topics.
    pub async fn remove(&self, partitions: &[TopicPartition]) -> Result<(), Error> {
        let operation = "cannot remove its offsets";
        let list = self.list(operation, partitions.iter().map(|id| (id, Offset::Invalid)))?;
        let answers = self.run(operation, move |client, group| {
            group_offsets::run(client.inner(), group, Operation::Delete(&list), REQUEST_TIMEOUT)
        });
        self.checked(operation, answers.await?).map(drop)
    }

    /// Removes the group with all its offsets; one that does not exist is as good as removed.
    pub async fn delete(&self) -> Result<(), Error> {
        let options = AdminOptions::new().request_timeout(Some(REQUEST_TIMEOUT));
        let deleted = self.client.delete_groups(&[&self.group], &options).await;
        let code = match deleted {
            Ok(groups) => groups.into_iter().find_map(Result::err).map(|(_, code)| code),
            Err(source) => return Err(self.error("cannot delete it", source)),
        };
        match code {
            None | Some(RDKafkaErrorCode::GroupIdNotFound) => Ok(()),
            Some(code) => Err(self.error("cannot delete it", KafkaError::AdminOp(code))),
        }
    }

    async fn run(
        &self,
        operation: &'static str,
        call: impl FnOnce(&AdminClient<LogContext>, &str) -> Result<Vec<PartitionAnswer>, KafkaError>
        + Send
        + 'static,
    ) -> Result<Vec<PartitionAnswer>, Error> {
        let (client, group) = (self.client.clone(), self.group.clone());
        let answers = blocking(move || call(&client, &group)).await;
        answers.map_err(|source| self.error(operation, source))
    }

    /// The first refusal among the answers, if any.
    fn checked(
        &self,
        operation: &'static str,
        answers: Vec<PartitionAnswer>,
    ) -> Result<Vec<PartitionAnswer>, Error> {
        let refused = answers.iter().find_map(|answer| Some((answer.partition.clone(), answer.error?)));
        match refused {
            None => Ok(answers),
            Some((partition, code)) => Err(Error::Group {
                group: self.group.clone(),
                operation,
                partition: Some(partition),
                source: Box::new(KafkaError::AdminOp(code)),
            }),
        }
    }

    fn list<'a>(
        &self,
        operation: &'static str,
        offsets: impl Iterator<Item = (&'a TopicPartition, Offset)>,
    ) -> Result<TopicPartitionList, Error> {
        let mut list = TopicPartitionList::new();
        for (id, offset) in offsets {
            list.add_partition_offset(&id.topic, id.partition, offset)
                .map_err(|source| self.error(operation, source))?;
        }
        Ok(list)
    }

    fn error(&self, operation: &'static str, source: KafkaError) -> Error {
        Error::Group { group: self.group.clone(), operation, partition: None, source: Box::new(source) }
    }
}
