//! Are the storage topics still there, and still the same? One small question, asked by a client that exists anyway.
//!
//! It remembers nothing and decides nothing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::producer::{BaseProducer, Producer};

use super::Error;
use super::blocking::blocking;
use super::log_context::LogContext;
use super::native::topic_ids::{TopicId, topic_ids};

/// One question to the brokers.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Topics with their ids; one that does not exist has none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TopicIds(BTreeMap<String, Option<TopicId>>);

impl TopicIds {
    /// Those that do not exist.
    pub fn missing(&self) -> Vec<&str> {
        self.0.iter().filter(|(_, id)| id.is_none()).map(|(name, _)| name.as_str()).collect()
    }

    /// Those that exist, and are others than they were.
    pub fn replaced(&self, before: &Self) -> Vec<&str> {
        let is_other = |name: &str, id| before.0.get(name).is_some_and(|known| *known != Some(id));
        let there = self.0.iter().filter_map(|(name, id)| Some((name.as_str(), (*id)?)));
        there.filter(|(name, id)| is_other(name, *id)).map(|(name, _)| name).collect()
    }
}

/// A way to look at some topics. Clones share the client.
#[derive(Clone)]
pub struct TopicWatch {
    producer: Arc<BaseProducer<LogContext>>,
    topics: Vec<String>,
    bootstrap: String,
}

impl TopicWatch {
    pub(super) fn new(
        producer: Arc<BaseProducer<LogContext>>,
        topics: Vec<String>,
        bootstrap: String,
    ) -> Self {
        Self { producer, topics, bootstrap }
    }

    /// Looks at them once.
    pub async fn look(&self) -> Result<TopicIds, Error> {
        let (producer, topics) = (self.producer.clone(), self.topics.clone());
        let found = blocking(move || topic_ids(producer.client(), &topics, REQUEST_TIMEOUT)).await;
        let ids = found.map_err(|source| Error::Topic {
            topic: self.topics.join(", "),
            operation: "cannot look it up",
            bootstrap: self.bootstrap.clone(),
            source: Box::new(source),
        })?;
        Ok(TopicIds(ids.into_iter().collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::TopicIds;

    #[test]
    fn a_topic_is_missing_made_anew_or_the_same() {
        let ids = |all: &[(&str, Option<i64>)]| {
            TopicIds(all.iter().map(|(name, id)| ((*name).to_owned(), id.map(|id| (id, 0)))).collect())
        };
        let before = ids(&[("a", Some(1)), ("b", Some(2)), ("c", None)]);
        let now = ids(&[("a", Some(1)), ("b", Some(3)), ("c", Some(4)), ("d", Some(5))]);
        assert_eq!((now.replaced(&before), now.missing()), (vec!["b", "c"], vec![]));
        let gone = ids(&[("a", None), ("b", Some(2))]);
        assert_eq!((gone.replaced(&before), gone.missing()), (vec![], vec!["a"]));
    }
}
