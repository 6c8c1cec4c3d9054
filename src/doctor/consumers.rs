//! The connector's part of Kafka: the sign-in of its consumers, its topics, its group, its dead letters.

use super::verdicts::{failed, grant, lacking};
use super::workers::ADVERTISED;
use crate::checkup::{Finding, Inspection};
use crate::config::{WorkerConfig, files};
use crate::configdef::Properties;
use crate::data::java_regex::JavaRegex;
use crate::kafka::Error;
use crate::kafka::rights::Right;
use crate::kafka::visitor::Visitor;
use crate::plugins::SinkConnectorConfig;
use crate::sink::Topics;
use std::sync::Arc;
use tokio::sync::OnceCell;

/// The check without which nothing is known of the connector's topics.
pub(super) const SIGN_IN: &str = "sign-in to Kafka (the connector's consumers)";
/// The topics' check when they are an expression.
const MATCHING: &str = "topics that match topics.regex";

/// Topics that are looked at one by one.
const MOST_TOPICS: usize = 100;
/// Topics that are named.
const MOST_SHOWN: usize = 5;

/// The consumer that all these checks share; the first that needs it makes it.
#[derive(Clone)]
struct Shared {
    config: Arc<SinkConnectorConfig>,
    worker: Arc<WorkerConfig>,
    visitor: Arc<OnceCell<Visitor>>,
}

impl Shared {
    async fn visitor(&self) -> Result<&Visitor, Error> {
        let (config, worker) = (Arc::clone(&self.config), Arc::clone(&self.worker));
        let make = move || Visitor::new(&worker, &config.name, &config.consumer_overrides);
        self.visitor.get_or_try_init(|| files::beside(make)).await
    }
}

/// The checks of a connector; `network` are the names of those without which no broker of the worker answers.
pub(super) fn checks(
    config: &SinkConnectorConfig,
    worker: &Arc<WorkerConfig>,
    network: &[String],
) -> Vec<Inspection> {
    let shared =
        Shared { config: Arc::new(config.clone()), worker: Arc::clone(worker), visitor: Arc::default() };
    let has_own = |properties: &Properties| properties.contains_key("bootstrap.servers");
    let needs = if has_own(&config.consumer_overrides) || has_own(&worker.consumer) { &[] } else { network };
    let mut all = vec![sign_in(shared.clone()).after(needs)];
    match &config.topics {
        Topics::List(topics) => {
            for topic in topics.iter().take(MOST_TOPICS) {
                all.push(exists(&shared, topic));
                all.push(reads(&shared, topic));
            }
        }
        Topics::Regex(expression) => all.push(matching(&shared, expression)),
    }
    all
}

fn sign_in(shared: Shared) -> Inspection {
    Inspection::new(SIGN_IN, async move {
        let reached = async { shared.visitor().await?.reach().await };
        match reached.await {
            Ok(()) => Finding::good("a broker answers"),
            Err(error) => failed(&error, &grant("Describe", "--cluster")),
        }
    })
    .or_late("check consumer.security.protocol and consumer.sasl.*, or consumer.override.* (consumers do not inherit the worker's)")
}

fn topic_name(topic: &str) -> String {
    format!("topic {topic}")
}

fn exists(shared: &Shared, topic: &str) -> Inspection {
    let (shared, topic) = (shared.clone(), topic.to_owned());
    Inspection::new(topic_name(&topic), async move {
        let found = async { shared.visitor().await?.partitions(&topic).await };
        match found.await {
            Ok(Some(partitions)) => Finding::good(format!("{partitions} partitions")),
            Ok(None) => Finding::failed(
                "it does not exist",
                format!(
                    "make it: kafka-topics.sh --bootstrap-server <broker> --create --topic {topic} --partitions <n>; or \
                     correct `topics`"
                ),
            ),
            // Who may read it may look at it.
            Err(error) => failed(&error, &grant("Read", &format!("--topic {topic}"))),
        }
    })
    .after([SIGN_IN])
}

/// May its records be read, and its offsets in the group?
fn reads(shared: &Shared, topic: &str) -> Inspection {
    let (shared, topic) = (shared.clone(), topic.to_owned());
    let needs = topic_name(&topic);
    Inspection::new(format!("rights to read {topic}"), async move {
        let read = async {
            let visitor = shared.visitor().await?;
            let partitions = visitor.partitions(&topic).await?.unwrap_or(0);
            let missing = visitor.missing_on_group(&[Right::Read]).await?;
            if !missing.is_empty() {
                return Ok(Err(lacking(&missing, &format!("--group {}", visitor.group()))));
            }
            let committed = visitor.committed(&topic, partitions).await?;
            let is_read = visitor.read(&topic).await?;
            Ok(Ok((visitor.group().to_owned(), committed, partitions, is_read)))
        };
        match read.await {
            Ok(Err(finding)) => finding,
            Ok(Ok((group, committed, partitions, is_read))) => {
                let record = if is_read { "a record was read" } else { "no record was there to be read" };
                Finding::good(format!(
                    "{record}; {group} has committed {committed} of {partitions} partitions"
                ))
            }
            Err(error) => {
                let group = format!("connect-{}", shared.config.name);
                failed(&error, &grant("Read", &format!("--topic {topic} --group {group}")))
            }
        }
    })
    .after([needs.as_str(), ADVERTISED])
}

fn matching(shared: &Shared, expression: &JavaRegex) -> Inspection {
    let (shared, expression) = (shared.clone(), expression.clone());
    Inspection::new(MATCHING, async move {
        let never = shared.worker.storage_topics().into_iter().map(str::to_owned).collect();
        let found = match shared.visitor().await {
            Ok(visitor) => visitor.matching(&expression, never).await,
            Err(error) => return failed(&error, &grant("Describe", "--topic '*'")),
        };
        match found {
            Ok(topics) if topics.is_empty() => Finding::warning(
                "none (yet); the connector waits for one",
                "correct topics.regex, which has to match the whole name, or make a topic",
            ),
            Ok(topics) => {
                let first = topics.iter().take(MOST_SHOWN).cloned().collect::<Vec<_>>().join(", ");
                let more = if topics.len() > MOST_SHOWN { ", …" } else { "" };
                Finding::good(format!("{}: {first}{more}", topics.len()))
            }
            Err(reason) => Finding::failed(
                reason,
                format!("correct topics.regex, or give the right: {}", grant("Describe", "--topic '*'")),
            ),
        }
    })
    .after([SIGN_IN])
}
