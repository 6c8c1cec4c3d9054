//! The worker's part of Kafka: its brokers, its sign-in, its storage topics, its group.

use super::verdicts::{failed, grant, lacking};
use crate::checkup::{Finding, Inspection, InspectionResult, Place, Trust, connect, dns, tcp, tls};
use crate::config::tls::{Settings, checks_host_name, trust};
use crate::config::{Mode, WorkerConfig, files};
use crate::kafka::Error;
use crate::kafka::admin::{Admin, StorageTopicSpec};
use crate::kafka::groups::GroupDescription;
use crate::kafka::rights::{AclSubject, Right, missing};
use crate::retry::Backoff;
use crate::storage::storage_topics;
use futures::future::join_all;
use std::future::ready;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OnceCell;
use tokio::time::Instant;

/// The check without which nothing is known of Kafka.
const SIGN_IN: &str = "sign-in to Kafka (the worker)";

/// The check without which nothing but names is known of it.
pub(super) const ADVERTISED: &str = "brokers as they are advertised";

/// How long a connection to one broker is waited for.
const CONNECT: Duration = Duration::from_secs(5);
/// How long a question is asked again that a broker cannot answer yet,
const PATIENCE: Duration = Duration::from_secs(6);
/// after such pauses.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The client that all these checks share; the first that needs it makes it.
#[derive(Clone)]
struct Shared {
    worker: Arc<WorkerConfig>,
    admin: Arc<OnceCell<Admin>>,
}

impl Shared {
    async fn admin(&self) -> Result<&Admin, Error> {
        let worker = Arc::clone(&self.worker);
        self.admin.get_or_try_init(|| files::beside(move || Admin::new(&worker))).await
    }
}

/// The checks, from the network up; and the names of those without which no broker answers.
pub(super) fn checks(worker: &Arc<WorkerConfig>) -> (Vec<Inspection>, Vec<String>) {
    let shared = Shared { worker: Arc::clone(worker), admin: Arc::default() };
    let (mut all, needs) = network(worker);
    all.push(sign_in(shared.clone()).after(&needs));
    all.push(advertised(shared.clone()));
    if worker.mode == Mode::Distributed {
        all.extend((0..storage_topics(worker).len()).filter_map(|place| storage_topic(&shared, place)));
        all.push(group(shared));
    }
    (all, needs)
}

/// The ways to the brokers; of several, one is enough.
fn network(worker: &WorkerConfig) -> (Vec<Inspection>, Vec<String>) {
    let key = "bootstrap.servers";
    let places: Vec<Place> =
        worker.bootstrap_servers.split(',').filter_map(|address| Place::parse(address, key)).collect();
    let protocol = worker.client.get("security.protocol").map(|text| text.to_ascii_uppercase());
    let is_tls =
        protocol.is_some_and(|protocol| protocol.contains("SSL") && !protocol.ends_with("PLAINTEXT"));
    let (mut all, mut last) = (Vec::new(), Vec::new());
    for place in &places {
        all.extend(dns(place));
        all.push(tcp(place));
        last.push(if is_tls { place.tls_name() } else { place.tcp_name() });
        if is_tls {
            all.push(certificate(worker, place));
        }
    }
    if places.len() == 1 {
        return (all, last);
    }
    (all.into_iter().map(Inspection::only_warning).collect(), Vec::new())
}

fn certificate(worker: &WorkerConfig, place: &Place) -> Inspection {
    let mut settings = Settings::default();
    settings.add("", &worker.client);
    let read = trust(&settings).and_then(|authorities| Ok((authorities, checks_host_name(&settings)?)));
    match read {
        Ok((authorities, checks_host)) => {
            let advice = "put the authority that signed it into ssl.truststore.location (PEM, PKCS12 or JKS)"
                .to_owned();
            tls(place, Trust { authorities, checks_host, advice })
        }
        Err(error) => {
            let finding = Finding::failed(error.to_string(), "correct this setting");
            Inspection::new(place.tls_name(), ready(finding)).after([place.tcp_name()])
        }
    }
}

fn sign_in(shared: Shared) -> Inspection {
    Inspection::new(SIGN_IN, async move {
        let reached = async {
            let admin = shared.admin().await?;
            admin.reach().await?;
            Ok(admin.cluster_id().await)
        };
        match reached.await {
            Ok(Some(id)) => Finding::good(format!("cluster {id}")),
            Ok(None) => Finding::good("a broker answers"),
            Err(error) => failed(&error, &grant("Describe", "--cluster")),
        }
    })
    .or_late("check bootstrap.servers, security.protocol and sasl.*: the broker does not answer to these")
}

/// Does each broker take connections where it says it is? Behind its first answer a client goes there.
fn advertised(shared: Shared) -> Inspection {
    Inspection::new(ADVERTISED, async move {
        let brokers = match shared.admin().await {
            Ok(admin) => admin.brokers().await,
            Err(error) => Err(error),
        };
        let brokers = match brokers {
            Ok(brokers) => brokers,
            Err(error) => return failed(&error, &grant("Describe", "--cluster")),
        };
        let places = brokers.into_iter().map(|(host, port)| Place { host, port, setting: "advertised.listeners".to_owned() });
        let places: Vec<Place> = places.collect();
        let tries = places.iter().map(|place| async move {
            let connected = tokio::time::timeout(CONNECT, connect(place)).await;
            let failed = connected.map_or_else(|_| Some("no answer".to_owned()), |done| done.err().map(|(said, _)| said));
            failed.map(|said| format!("{}: {said}", place.address()))
        });
        let unreached: Vec<String> = join_all(tries).await.into_iter().flatten().collect();
        if unreached.is_empty() {
            let all: Vec<_> = places.iter().map(Place::address).collect();
            return Finding::good(all.join(", "));
        }
        Finding::failed(
            unreached.join("; "),
            "let this machine resolve and reach these addresses, or correct advertised.listeners of the brokers: it is there \
             that clients go, whatever bootstrap.servers says",
        )
    })
    .after([SIGN_IN])
}

/// One of the three storage topics.
fn storage_topic(shared: &Shared, place: usize) -> Option<Inspection> {
    let spec = *storage_topics(&shared.worker).get(place)?;
    let name = format!("topic {} ({})", spec.topic.name, spec.property);
    let shared = shared.clone();
    let work = async move {
        let specs = storage_topics(&shared.worker);
        let Some(spec) = specs.get(place) else { return Finding::good("there is none") };
        let acl = grant("All", &format!("--topic {}", spec.topic.name));
        look_at(&shared, *spec).await.unwrap_or_else(|error| failed(&error, &acl))
    };
    Some(Inspection::new(name, work).after([ADVERTISED]))
}

async fn look_at(shared: &Shared, spec: StorageTopicSpec<'_>) -> Result<Finding, Error> {
    let admin = shared.admin().await?;
    let name = &spec.topic.name;
    let Some(partitions) = admin.find(name).await? else {
        if admin.could_make(spec).await? {
            return Ok(Finding::good("it does not exist, and is made when a worker starts"));
        }
        let count = if spec.single_partition { 1 } else { spec.topic.partitions.max(1) };
        return Ok(Finding::failed(
            "it does not exist, and the brokers do not let us make it",
            format!(
                "make it: kafka-topics.sh --bootstrap-server <broker> --create --topic {name} --partitions {count} \
                 --config cleanup.policy=compact; or {}",
                grant("Create", &format!("--topic {name}"))
            ),
        ));
    };
    let wanted = &[Right::Describe, Right::Read, Right::Write];
    let lacks = missing(admin, AclSubject::Topic(name.clone()), wanted).await?;
    if !lacks.is_empty() {
        return Ok(lacking(&lacks, &format!("--topic {name}")));
    }
    Ok(match admin.objection(spec).await? {
        None => Finding::good(format!("{partitions} partitions")),
        Some(reason) if reason.contains("single partition") => Finding::failed(
            reason,
            format!("name another topic in {}; the worker makes it with one partition", spec.property),
        ),
        Some(reason) => Finding::failed(
            reason,
            format!(
                "kafka-configs.sh --bootstrap-server <broker> --alter --entity-type topics --entity-name {name} \
                 --add-config cleanup.policy=compact; or name another topic in {}",
                spec.property
            ),
        ),
    })
}

/// Asks who is in a group, again while its coordinator is only just taking over: that says nothing about the settings.
async fn describe(admin: &Admin, group: &str) -> Result<GroupDescription, Error> {
    let begin = Instant::now();
    let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE, u64::from(std::process::id()));
    loop {
        match admin.describe_group(group).await {
            Err(error) if error.is_retriable() && begin.elapsed() < PATIENCE => {
                tokio::time::sleep(backoff.next_pause()).await;
            }
            described => return described,
        }
    }
}

fn members(group: &GroupDescription) -> Finding {
    match group.members.len() {
        0 => Finding::good("no worker is in it"),
        count if group.protocol_type == "connect" => Finding::warning(
            format!("{count} workers of the JVM are in it"),
            "stop them before this worker starts, or choose another group.id: Kafka refuses both at once",
        ),
        count => Finding::good(format!("{count} members")),
    }
}

/// Who is in the cluster's group already.
fn group(shared: Shared) -> Inspection {
    let name = format!("group {} (group.id)", shared.worker.group_id);
    Inspection::new(name, async move {
        let id = &shared.worker.group_id;
        let described = async {
            let admin = shared.admin().await?;
            let lacks = missing(admin, AclSubject::Group(id.clone()), &[Right::Read]).await?;
            Ok((describe(admin, id).await?, lacks))
        };
        match described.await {
            Ok((_, lacks)) if !lacks.is_empty() => lacking(&lacks, &format!("--group {id}")),
            Ok((group, _)) => members(&group),
            Err(error) => {
                let finding = failed(&error, &grant("Read", &format!("--group {id}")));
                Finding { verdict: InspectionResult::Failed, ..finding }
            }
        }
    })
    .after([ADVERTISED])
}
