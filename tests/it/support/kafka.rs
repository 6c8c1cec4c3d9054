//! A real Kafka broker, and what it holds.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::{Offset, TopicPartitionList};
use tokio::sync::OnceCell;

use super::numbers::Sender;
use super::process::{Guarded, free_ports, rigs, root, signal};
use super::wait_for;

/// The broker that `make test` started for all test processes.
const SHARED: &str = "KUSTO_CONNECT_TEST_KAFKA";

static OF_THIS_PROCESS: OnceCell<Kafka> = OnceCell::const_new();

/// A key and a value, each may be missing.
pub type RawRecord = (Option<Vec<u8>>, Option<Vec<u8>>);

/// The same as text.
pub type TextRecord = (Option<String>, Option<String>);

/// One broker. Topics and groups of tests that share it need names of their own ([`super::unique`]).
pub struct Kafka {
    bootstrap: String,
    own: Option<Own>,
}

struct Own {
    /// `run` keeps the data for a restart (the drop below removes it); `remove` is for a static, which is never dropped.
    mode: &'static str,
    dir: PathBuf,
    port: u16,
    guard: Option<Guarded>,
}

impl Own {
    /// The broker's process, once the script has started it.
    fn pid(&self) -> Option<u32> {
        std::fs::read_to_string(self.dir.join("pid")).ok()?.trim().parse().ok()
    }

    /// The ends of the broker's log and of its script's.
    fn last_words(&self) -> String {
        let end_of = |name: &str| {
            let log = std::fs::read_to_string(self.dir.join(name)).unwrap_or_default();
            let lines: Vec<_> = log.lines().rev().take(15).collect();
            lines.into_iter().rev().fold(format!("{name}:\n"), |all, line| all + line + "\n")
        };
        end_of("script.log") + &end_of("broker.log")
    }
}

/// A zombie has ended too: it waits for its shell and holds no port.
fn has_ended(pid: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    status.is_empty() || status.contains("State:\tZ")
}

impl Drop for Own {
    fn drop(&mut self) {
        self.guard = None;
        let _gone = std::fs::remove_dir_all(&self.dir);
    }
}

impl Kafka {
    /// The broker all tests share: the one `make test` names in the environment, else one for this process.
    pub async fn shared() -> &'static Self {
        OF_THIS_PROCESS
            .get_or_init(async || match std::env::var_os(SHARED) {
                Some(address) => Self { bootstrap: address.into_string().expect("host:port"), own: None },
                None => Self::start_own("remove").await,
            })
            .await
    }

    /// A broker of this test's own, to break.
    pub async fn own() -> Self {
        Self::start_own("run").await
    }

    async fn start_own(mode: &'static str) -> Self {
        Self::start_in(mode, free_ports(2), |_| {}).await
    }

    /// A broker of this test's own with further settings: `prepare` may put `extra.properties`, `scram` and what they
    /// name into the broker's folder. `port` is the first of the (free) ports that it uses.
    pub async fn with(port: u16, prepare: impl FnOnce(&Path)) -> Self {
        Self::start_in("run", port, prepare).await
    }

    async fn start_in(mode: &'static str, port: u16, prepare: impl FnOnce(&Path)) -> Self {
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(super::unique("kafka"));
        std::fs::create_dir_all(&dir).expect("its folder");
        prepare(&dir);
        let mut kafka =
            Self { bootstrap: format!("127.0.0.1:{port}"), own: Some(Own { mode, dir, port, guard: None }) };
        kafka.start().await;
        kafka
    }

    /// `host:port`, for `bootstrap.servers`.
    pub fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// Starts the (stopped) broker on the data and the port it had.
    pub async fn start(&mut self) {
        let own = self.own.as_mut().expect("a broker of one's own");
        rigs();
        std::fs::create_dir_all(&own.dir).expect("its folder");
        let arguments =
            [own.mode.as_ref(), own.dir.as_os_str(), own.port.to_string().as_ref()].map(ToOwned::to_owned);
        let log = own.dir.join("script.log");
        let _none_yet = std::fs::remove_file(own.dir.join("pid"));
        own.guard = Some(Guarded::start_self_guarding(root().join("scripts/kafka"), &arguments, &log));
        let answers = wait_for(format!("kafka on port {}", own.port), Duration::from_mins(1), async || {
            let answers = tokio::net::TcpStream::connect(("127.0.0.1", own.port)).await.is_ok();
            (answers || own.pid().is_some_and(has_ended)).then_some(answers)
        });
        assert!(answers.await, "the broker ended as it began:\n{}", own.last_words());
    }

    /// Ends the broker as an operator does (SIGTERM), keeping its data.
    pub async fn stop(&mut self) {
        self.end("TERM").await;
    }

    /// Ends the broker as a power cut does, keeping its data.
    pub async fn kill(&mut self) {
        self.end("KILL").await;
    }

    async fn end(&mut self, how: &str) {
        let own = self.own.as_mut().expect("a broker of one's own");
        let pid = own.pid().expect("its pid");
        signal(pid, how);
        wait_for("the broker's end", Duration::from_mins(1), async || has_ended(pid).then_some(())).await;
        own.guard = None;
    }

    fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.bootstrap).set("enable.metrics.push", "false");
        config
    }

    /// Deletes topics; returns when they are gone.
    pub async fn delete_topics(&self, topics: &[&str]) {
        let admin: AdminClient<DefaultClientContext> = self.client().create().expect("an admin client");
        for deleted in admin.delete_topics(topics, &AdminOptions::new()).await.expect("an answer") {
            deleted.expect("deleted");
        }
    }

    /// Creates `topic` with `partitions` and waits until the broker leads all of them.
    pub async fn create_topic(&self, topic: &str, partitions: i32) {
        self.create_topic_with(topic, partitions, &[]).await;
    }

    /// The same with settings of its own.
    pub async fn create_topic_with(&self, topic: &str, partitions: i32, settings: &[(&str, &str)]) {
        let admin: AdminClient<DefaultClientContext> = self.client().create().expect("an admin client");
        let new = NewTopic::new(topic, partitions, TopicReplication::Fixed(1));
        let new = settings.iter().fold(new, |new, (key, value)| new.set(key, value));
        let created = admin.create_topics(&[new], &AdminOptions::new()).await.expect("an answer");
        match &created[0] {
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((topic, code)) => panic!("topic {topic}: {code}"),
        }
        wait_for(format!("topic {topic}"), Duration::from_mins(1), async || {
            let metadata = admin.inner().fetch_metadata(Some(topic), Duration::from_secs(5)).ok()?;
            let ready = metadata.topics()[0].partitions().iter().filter(|p| p.leader() >= 0).count();
            (i32::try_from(ready).ok()? == partitions).then_some(())
        })
        .await;
    }

    /// Changes a setting of `topic`.
    pub async fn set_topic(&self, topic: &str, key: &str, value: &str) {
        let admin: AdminClient<DefaultClientContext> = self.client().create().expect("an admin client");
        let change = AlterConfig::new(ResourceSpecifier::Topic(topic)).set(key, value);
        let answers = admin.alter_configs([&change], &AdminOptions::new()).await.expect("an answer");
        answers[0].as_ref().expect("changed");
    }

    /// Writes records (keys and values) into partition 0 of `topic`, as anybody could; returns when they are there.
    pub async fn write(&self, topic: &str, records: &[RawRecord]) {
        let producer: FutureProducer = self.client().create().expect("a producer");
        for (key, value) in records {
            let mut record = FutureRecord::<[u8], [u8]>::to(topic).partition(0);
            (record.key, record.payload) = (key.as_deref(), value.as_deref());
            producer.send(record, Duration::from_secs(30)).await.expect("delivered");
        }
    }

    /// A producer that keeps order and does not repeat.
    pub fn producer(&self) -> Sender {
        let mut config = self.client();
        config.set("message.max.bytes", "20000000");
        config.set("enable.idempotence", "true").set("linger.ms", "5").set("message.timeout.ms", "120000");
        Sender::new(&config)
    }

    /// What `group` committed for the partitions of `topic`; −1 where nothing is.
    pub async fn committed(&self, group: &str, topic: &str, partitions: i32) -> Vec<i64> {
        let consumer: BaseConsumer = self.client().set("group.id", group).create().expect("a client");
        let mut list = TopicPartitionList::new();
        list.add_partition_range(topic, 0, partitions - 1);
        let committed = wait_for(format!("the offsets of {group}"), Duration::from_mins(1), async || {
            // Not in the first moments of a broker or of its groups.
            consumer.committed_offsets(list.clone(), Duration::from_secs(5)).ok()
        });
        let offset = |offset| if let Offset::Offset(number) = offset { number } else { -1 };
        committed.await.elements().iter().map(|element| offset(element.offset())).collect()
    }

    /// The next offset to be written in each partition of `topic`, as soon as the broker leads it (not yet so in the
    /// first moments after a restart).
    pub async fn end_offsets(&self, topic: &str, partitions: i32) -> Vec<i64> {
        let consumer: BaseConsumer = self.client().create().expect("a client");
        let mut ends = Vec::new();
        for partition in 0..partitions {
            let what = format!("the end of {topic}-{partition}");
            let end = wait_for(&what, Duration::from_mins(1), async || {
                consumer.fetch_watermarks(topic, partition, Duration::from_secs(5)).ok()
            });
            ends.push(end.await.1);
        }
        ends
    }

    /// The names of all topics.
    pub async fn topics(&self) -> Vec<String> {
        let client: BaseConsumer = self.client().create().expect("a client");
        let metadata = wait_for("the topics", Duration::from_mins(1), async || {
            client.fetch_metadata(None, Duration::from_secs(5)).ok()
        });
        metadata.await.topics().iter().map(|topic| topic.name().to_owned()).collect()
    }

    /// How many partitions `topic` has.
    pub async fn partitions(&self, topic: &str) -> usize {
        let client: BaseConsumer = self.client().create().expect("a client");
        wait_for(format!("topic {topic}"), Duration::from_mins(1), async || {
            let metadata = client.fetch_metadata(Some(topic), Duration::from_secs(5)).ok()?;
            Some(metadata.topics()[0].partitions().len()).filter(|count| *count > 0)
        })
        .await
    }

    /// A setting of `topic`.
    pub async fn topic_setting(&self, topic: &str, key: &str) -> String {
        let admin: AdminClient<DefaultClientContext> = self.client().create().expect("an admin client");
        let described =
            admin.describe_configs(&[ResourceSpecifier::Topic(topic)], &AdminOptions::new()).await;
        let described = described.expect("an answer").remove(0).expect("a topic");
        described.get(key).and_then(|entry| entry.value.clone()).unwrap_or_default()
    }

    /// Every record of `topic` (one partition) up to its end now, as key and value.
    pub async fn records(&self, topic: &str) -> Vec<TextRecord> {
        self.records_of(topic, 0).await
    }

    /// Every record of all partitions of `topic` up to their ends now, as partition, key and value.
    pub async fn all_records(
        &self,
        topic: &str,
        partitions: i32,
    ) -> Vec<(i32, Option<String>, Option<String>)> {
        let mut all = Vec::new();
        for partition in 0..partitions {
            let records = self.records_of(topic, partition).await;
            all.extend(records.into_iter().map(|(key, value)| (partition, key, value)));
        }
        all
    }

    async fn records_of(&self, topic: &str, partition: i32) -> Vec<TextRecord> {
        let ends = self.end_offsets(topic, partition + 1).await;
        let end = *ends.last().expect("its end");
        let consumer: BaseConsumer = self
            .client()
            .set("group.id", "none")
            .set("enable.partition.eof", "true")
            .create()
            .expect("a client");
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, partition, Offset::Beginning).expect("an offset");
        consumer.assign(&list).expect("assigned");
        let text = |bytes: Option<&[u8]>| bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        let mut found = Vec::new();
        loop {
            match consumer.poll(Duration::from_secs(10)) {
                Some(Ok(message)) => {
                    found.push((text(message.key()), text(message.payload())));
                    if message.offset() + 1 >= end {
                        return found;
                    }
                }
                Some(Err(KafkaError::PartitionEOF(_))) => return found,
                Some(Err(error)) => panic!("{topic}: {error}"),
                None => panic!("{topic}: nothing for 10 s"),
            }
        }
    }
}
