//! The topics that an expression matches: looked up when a consumer joins, and again as often as its metadata may be old.
//!
//! Java's clients match `topics.regex` themselves, against whole names, and subscribe to what they find
//! (`connect-runtime.md` §4.2); so does this. It owns the expression, the last answer and the question under way; the
//! subscription is the consumer's. It never subscribes to Kafka's own topics, nor to those of the worker.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::KafkaResult;
use rdkafka::types::RDKafkaRespErr;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::data::java_regex::JavaRegex;

/// Topics that brokers mark as internal; `exclude.internal.topics` is true for Java's consumers.
const INTERNAL: [&str; 3] = ["__consumer_offsets", "__share_group_state", "__transaction_state"];
/// Java's `metadata.max.age.ms`.
const DEFAULT_AGE: Duration = Duration::from_mins(5);
/// One question to the brokers.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// After a question that had no answer.
const PAUSE: Duration = Duration::from_secs(1);

/// What a look at the cluster's topics brought.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Other topics than before match now, or the first look is done.
    Changed(Vec<String>),
    /// The same as before.
    Same,
    /// Nothing is known: the brokers did not answer, or the expression was too much for a name.
    Failed(String),
}

/// An expression and what it matched last.
pub(super) struct Matching {
    filter: Arc<Filter>,
    age: Duration,
    due: Instant,
    look: Option<JoinHandle<Answer>>,
    known: Option<Vec<String>>,
}

/// The names that match, or why there are none: the brokers, or the expression.
type Answer = KafkaResult<Result<Vec<String>, String>>;

/// Which names are meant.
struct Filter {
    expression: JavaRegex,
    never: Vec<String>,
}

impl Matching {
    /// The first look is due at once; `never` is left out, and `config` says how old an answer may get.
    pub(super) fn new(expression: JavaRegex, never: Vec<String>, config: &ClientConfig) -> Self {
        let keys = ["topic.metadata.refresh.interval.ms", "metadata.max.age.ms"];
        let age = keys.iter().find_map(|key| config.get(key)?.parse().ok());
        let age = age.filter(|age| *age > 0).map_or(DEFAULT_AGE, Duration::from_millis);
        Self {
            filter: Arc::new(Filter { expression, never }),
            age,
            due: Instant::now(),
            look: None,
            known: None,
        }
    }

    /// The next answer, when it is due. Cancel-safe: a question under way goes on, and its answer is taken next time.
    pub(super) async fn next<C: ConsumerContext + 'static>(
        &mut self,
        client: &Arc<BaseConsumer<C>>,
    ) -> Found {
        if self.look.is_none() {
            tokio::time::sleep_until(self.due).await;
        }
        let look = self.look.get_or_insert_with(|| {
            // There may be many names, and each may take its time to match.
            let (client, filter) = (Arc::clone(client), Arc::clone(&self.filter));
            tokio::task::spawn_blocking(move || topics(&client).map(|names| filter.matched(names)))
        });
        let answer = look.await;
        self.look = None;
        let names = match answer {
            Ok(Ok(matched)) => matched,
            Ok(Err(error)) => {
                Err(format!("the topics of the cluster cannot be listed for topics.regex: {error}"))
            }
            Err(crash) => Err(format!("listing the cluster's topics: {crash}")),
        };
        self.due = Instant::now() + if names.is_ok() { self.age } else { self.age.min(PAUSE) };
        match names {
            Ok(names) if self.known.as_ref() == Some(&names) => Found::Same,
            Ok(names) => {
                self.tell_left_out();
                Found::Changed(self.known.insert(names).clone())
            }
            Err(reason) => Found::Failed(reason),
        }
    }

    /// True when no topic matched at the last look.
    pub(super) fn has_none(&self) -> bool {
        self.known.as_ref().is_some_and(Vec::is_empty)
    }

    fn tell_left_out(&self) {
        let fits = |name: &&String| self.filter.expression.matches(name).unwrap_or(false);
        let left_out: Vec<_> = self.filter.never.iter().filter(fits).collect();
        if !left_out.is_empty() {
            tracing::info!(
                ?left_out,
                "topics.regex matches the worker's own topics, which no connector reads"
            );
        }
    }

    /// Waits for the question under way, which holds the client.
    pub(super) async fn close(self) {
        if let Some(look) = self.look
            && look.await.is_err()
        {
            tracing::error!("listing the cluster's topics panicked");
        }
    }
}

impl Filter {
    /// Those of all `names` that match, in order.
    fn matched(&self, names: Vec<String>) -> Result<Vec<String>, String> {
        let mut found = Vec::new();
        let is_meant = |name: &String| !INTERNAL.contains(&name.as_str()) && !self.never.contains(name);
        for name in names.into_iter().filter(is_meant) {
            let matches = self.expression.matches(&name);
            if matches.map_err(|error| format!("topics.regex: {error}"))? {
                found.push(name);
            }
        }
        found.sort_unstable();
        Ok(found)
    }
}

fn topics<C: ConsumerContext>(client: &BaseConsumer<C>) -> KafkaResult<Vec<String>> {
    let metadata = client.fetch_metadata(None, REQUEST_TIMEOUT)?;
    // One that only has no leader for now is a topic.
    let is_there = |error| {
        use RDKafkaRespErr::{
            RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED as NOT_OURS,
            RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART as GONE,
        };
        !matches!(error, NOT_OURS | GONE)
    };
    let there = metadata.topics().iter().filter(|topic| topic.error().is_none_or(is_there));
    Ok(there.map(|topic| topic.name().to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use super::{Found, Matching};
    use crate::data::java_regex::JavaRegex;
    use rdkafka::ClientConfig;
    use rdkafka::consumer::BaseConsumer;
    use rdkafka::mocking::MockCluster;
    use std::sync::Arc;

    fn matching(expression: &str) -> Matching {
        let mut config = ClientConfig::new();
        config.set("metadata.max.age.ms", "50");
        Matching::new(JavaRegex::new(expression).unwrap(), vec!["configs".to_owned()], &config)
    }

    #[test]
    fn whole_names_match_in_javas_syntax_and_internal_topics_never() {
        for (expression, wanted) in [
            ("a", &["a"][..]),
            ("a|ab", &["a", "ab"]),
            (".*", &["a", "a.b", "ab", "b"]),
            ("(?!a).*", &["b"]),
            (r"\w++", &["a", "ab", "b"]),
            (r"(?i)A\.[\p{Lower}&&[^a]]", &["a.b"]),
            ("c", &[]),
            ("configs", &[]),
        ] {
            let names = ["b", "__consumer_offsets", "ab", "a.b", "configs", "a"].map(str::to_owned).to_vec();
            assert_eq!(matching(expression).filter.matched(names).unwrap(), wanted, "{expression}");
        }
    }

    #[tokio::test]
    async fn a_new_topic_is_a_change_and_the_same_topics_are_none() {
        let cluster = MockCluster::new(1).unwrap();
        cluster.create_topic("t-1", 1, 1).unwrap();
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", cluster.bootstrap_servers());
        let client: Arc<BaseConsumer> = Arc::new(config.create().unwrap());
        let mut matching = matching("t-.*");
        let first = matching.next(&client).await;
        assert_eq!(first, Found::Changed(vec!["t-1".to_owned()]));
        assert_eq!(matching.next(&client).await, Found::Same);
        cluster.create_topic("t-2", 1, 1).unwrap();
        let second = matching.next(&client).await;
        assert_eq!(second, Found::Changed(vec!["t-1".to_owned(), "t-2".to_owned()]));
    }
}
