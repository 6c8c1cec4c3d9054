//! Dead-letter topics: Connect's in the worker's cluster or where the connector's overrides say, and the sink's own. Are their
//! brokers there, do they let us in, is the topic there or may it be made, and may we write to it?

use super::consumers::SIGN_IN;
use super::verdicts::{failed, grant, lacking};
use super::workers::ADVERTISED;
use crate::checkup::{Finding, Inspection, Place, dns, tcp};
use crate::config::WorkerConfig;
use crate::configdef::Properties;
use crate::kafka::admin::Admin;
use crate::kafka::rights::{AclSubject, Right, may_make, missing};
use crate::kafka::{DeadLetterClients, DeadLetterTopic, Error};
use crate::plugins::SinkConnectorConfig;
use std::sync::Arc;

const BOOTSTRAP: &str = "bootstrap.servers";

/// The topic of one connector, or of its sink.
struct Letters {
    topic: DeadLetterTopic,
    /// Copies if it has to be made; none when the brokers choose, and may make it when it is written to.
    copies: Option<i16>,
    /// Where letters are written, and the setting that says so; none when it is the worker's cluster.
    brokers: Option<(String, String)>,
    /// What begins the keys of its clients.
    keys: &'static str,
}

/// The checks; `network` are the names of those without which no broker of the worker answers.
pub(super) fn checks(
    config: &SinkConnectorConfig,
    worker: &Arc<WorkerConfig>,
    network: &[String],
) -> Vec<Inspection> {
    let all = of_connect(config, worker).into_iter().chain(of_sink(config));
    all.flat_map(|letters| of_topic(letters, worker, network)).collect()
}

fn of_connect(config: &SinkConnectorConfig, worker: &WorkerConfig) -> Option<Letters> {
    let queue = config.errors.dead_letters.as_ref()?;
    let (producer, admin) = (config.producer_overrides.clone(), config.admin_overrides.clone());
    let named = |properties: &Properties, prefix: &str| {
        Some((properties.get(BOOTSTRAP)?.clone(), format!("{prefix}{BOOTSTRAP}")))
    };
    let brokers = named(&producer, "producer.override.").or_else(|| named(&worker.producer, "producer."));
    let clients = DeadLetterClients::OfWorker { producer, admin };
    let topic = DeadLetterTopic { connector: Arc::clone(&config.name), topic: queue.topic.clone(), clients };
    Some(Letters { topic, copies: Some(queue.replication_factor), brokers, keys: "producer.override." })
}

fn of_sink(config: &SinkConnectorConfig) -> Option<Letters> {
    let own = config.sink.own_dead_letters()?;
    let brokers = own.client.get(BOOTSTRAP).map(|at| (at.clone(), format!("{}{BOOTSTRAP}", own.prefix)));
    let clients = DeadLetterClients::Own { prefix: own.prefix, properties: own.client };
    let topic = DeadLetterTopic { connector: Arc::clone(&config.name), topic: own.topic, clients };
    Some(Letters { topic, copies: None, brokers, keys: own.prefix })
}

fn of_topic(letters: Letters, worker: &Arc<WorkerConfig>, network: &[String]) -> Vec<Inspection> {
    let Letters { topic, copies, brokers, keys } = letters;
    let (mut all, mut needs) = (Vec::new(), [network, &[SIGN_IN.to_owned(), ADVERTISED.to_owned()]].concat());
    if let Some((servers, setting)) = brokers {
        let places: Vec<Place> =
            servers.split(',').filter_map(|address| Place::parse(address, &setting)).collect();
        needs = if let [only] = &places[..] { vec![only.tcp_name()] } else { Vec::new() };
        let ways = places.iter().flat_map(|place| dns(place).into_iter().chain([tcp(place)]));
        // Of several, one is enough.
        all.extend(ways.map(|way| if places.len() > 1 { way.only_warning() } else { way }));
    }
    let (worker, name) = (Arc::clone(worker), topic.topic.clone());
    let look = Inspection::new(format!("dead-letter topic {name}"), async move {
        let found = async {
            let (maker, writer) = topic.look(&worker).await?;
            look_at(&maker, &writer, &name, copies).await
        };
        found.await.unwrap_or_else(|error| {
            let finding = failed(&error, &grant("Write", &format!("--topic {name}")));
            if error.is_about_rights() {
                return finding;
            }
            let advice =
                finding.advice.as_ref().map(|advice| format!("{advice} (its keys begin with {keys})"));
            Finding { advice, ..finding }
        })
    });
    all.push(look.after(needs).or_late(format!("check the brokers of {keys}{BOOTSTRAP}")));
    all
}

/// `maker` makes the topic, `writer` writes to it: they may be told different things.
async fn look_at(maker: &Admin, writer: &Admin, name: &str, copies: Option<i16>) -> Result<Finding, Error> {
    let topic = format!("--topic {name}");
    match (maker.find(name).await?, writer.find(name).await?) {
        (Some(partitions), Some(_)) => {
            let lacks = missing(writer, AclSubject::Topic(name.to_owned()), &[Right::Write]).await?;
            let good = || Finding::good(format!("{partitions} partitions"));
            Ok(if lacks.is_empty() { good() } else { lacking(&lacks, &topic) })
        }
        (Some(_), None) => Ok(Finding::failed(
            "it exists where it would be made, and not where letters are written",
            "let admin.override.bootstrap.servers and producer.override.bootstrap.servers name the same cluster",
        )),
        (None, _) => match (may_make(maker, name, copies.unwrap_or(-1)).await, copies) {
            (Ok(true), _) => Ok(Finding::good("it does not exist, and is made when the connector starts")),
            (Ok(false), _) => Ok(Finding::failed(
                "it does not exist, and the brokers do not let us make it",
                format!(
                    "make it: kafka-topics.sh --bootstrap-server <broker> --create {topic}; or {}",
                    grant("Create", &topic)
                ),
            )),
            (Err(error), Some(copies)) => Ok(Finding::failed(
                error.to_string(),
                format!(
                    "there may be fewer brokers than copies: set errors.deadletterqueue.topic.replication.factor (it is {copies})"
                ),
            )),
            (Err(error), None) => Err(error),
        },
    }
}
