//! A connector's loop over librdkafka's mock cluster, into a sink that is a list: what was paused is read when it comes back,
//! and where the place to read on is unknown, a new consumer finds it.

use super::{ConnectorTasks, End};
use crate::config::{Hidden, fixtures};
use crate::configdef::ConnectorProperties;
use crate::id::TopicPartition;
use crate::kafka::{ConsumerEvent, Error};
use crate::limits::Room;
use crate::plugins::BUILT_IN;
use crate::plugins::SinkConnectorConfig;
use crate::sink::SinkContext;
use crate::status::WorkerEvent;
use crate::task::list_sink::{FLUSH, List, Service, Sink};
use crate::task::report::Report;
use crate::task::{ByteBudget, ConnectorSpec, Order, Parts};
use crate::telemetry::{Metrics, Redaction};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, BaseRecord, DefaultProducerContext, Producer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};

const MINUTE: Duration = Duration::from_mins(1);
const AT_ONCE: Service = Service::Takes(Duration::ZERO);

struct Rig {
    cluster: MockCluster<'static, DefaultProducerContext>,
    parts: Parts,
    config: SinkConnectorConfig,
    list: Arc<List>,
    _events: mpsc::Receiver<WorkerEvent>,
}

impl Rig {
    /// `graceful` milliseconds are given to a drain.
    fn new(graceful: &str) -> Self {
        let cluster = MockCluster::new(1).unwrap();
        cluster.create_topic("t", 1, 1).unwrap();
        let worker = [
            ("BOOTSTRAP_SERVERS", &*cluster.bootstrap_servers()),
            ("CONNECT_TASK_SHUTDOWN_GRACEFUL_TIMEOUT_MS", graceful),
        ];
        let config = fixtures::sink_of_texts(&[
            // After a member left, the mock cluster waits for almost as long until it settles the group anew.
            ("consumer.override.session.timeout.ms", "6000"),
        ]);
        let (sender, events) = mpsc::channel(256);
        let parts = Parts {
            plugins: BUILT_IN,
            worker: Arc::new(fixtures::worker(&worker)),
            budget: ByteBudget::new(1 << 20),
            room: Room::default(),
            sinks: SinkContext::default(),
            metrics: Metrics::default(),
            redaction: Redaction::default(),
            events: sender,
        };
        let list = List {
            gauge: Arc::default(),
            service: watch::Sender::new(AT_ONCE),
            written: Mutex::default(),
            letters: Mutex::default(),
        };
        Self { cluster, parts, config, list: Arc::new(list), _events: events }
    }

    /// A record that fills a batch.
    fn send(&self) {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", self.cluster.bootstrap_servers());
        let producer: BaseProducer = config.create().unwrap();
        producer.send(BaseRecord::<str, str>::to("t").payload(&"x".repeat(FLUSH + 1))).unwrap();
        producer.flush(MINUTE).unwrap();
    }

    /// One life of the connector.
    async fn life(&self) -> ConnectorTasks {
        let spec = ConnectorSpec {
            name: "sink".into(),
            config: ConnectorProperties::new(),
            instance: true,
            tasks: BTreeSet::from([0]),
            paused: false,
            hidden: Hidden::default(),
        };
        let sink = Arc::new(Sink(Arc::clone(&self.list)));
        ConnectorTasks::prepare(spec, &self.config, sink, self.parts.clone()).await.unwrap()
    }

    fn written(&self) -> Vec<i64> {
        self.list.written.lock().unwrap().iter().map(|(_, offset)| *offset).collect()
    }

    /// What the group has committed.
    fn committed(&self) -> Offset {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", self.cluster.bootstrap_servers()).set("group.id", "connect-sink");
        let asks: BaseConsumer = config.create().unwrap();
        let mut list = TopicPartitionList::new();
        list.add_partition("t", 0);
        asks.committed_offsets(list, MINUTE).unwrap().elements()[0].offset()
    }

    /// Waits until these offsets were written, in this order.
    async fn wait_written(&self, tasks: &mut ConnectorTasks, offsets: &[i64]) {
        let is_so = until(tasks, |_| self.written() == offsets).await;
        assert!(is_so, "{:?} were written, not {offsets:?}", self.written());
    }

    /// Waits until a record was sent, written and committed.
    async fn send_first(&self, tasks: &mut ConnectorTasks) {
        self.send();
        self.wait_written(tasks, &[0]).await;
        assert!(until(tasks, |_| self.committed() == Offset::Offset(1)).await, "no commit");
    }
}

/// Does what the loop does until `is_so`; false when that takes too long.
async fn until(tasks: &mut ConnectorTasks, is_so: impl Fn(&ConnectorTasks) -> bool) -> bool {
    let work = async {
        while !is_so(tasks) {
            let due = tasks.committer.due();
            tokio::select! {
                Some(report) = tasks.reports.recv() => tasks.reported(report),
                Some(ended) = tasks.pipelines.join_next_with_id() => tasks.ended(ended).await,
                () = super::until(due), if due.is_some() => tasks.commit(),
                event = tasks.consumer.next_event() => {
                    assert!(tasks.happened(event).await.unwrap().is_none(), "it ended");
                }
                // The list says nothing.
                () = tokio::time::sleep(Duration::from_millis(10)) => {}
            }
        }
    };
    tokio::time::timeout(MINUTE, work).await.is_ok()
}

fn partition() -> TopicPartition {
    TopicPartition::new("t", 0)
}

#[derive(Clone, Copy)]
enum Paused {
    NoRoom,
    Failed,
    ByUser,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_that_was_paused_when_the_group_took_it_is_read_when_it_comes_back() {
    for paused in [Paused::NoRoom, Paused::Failed, Paused::ByUser] {
        let rig = Rig::new("60000");
        let mut tasks = rig.life().await;
        rig.send_first(&mut tasks).await;
        match paused {
            Paused::NoRoom => tasks.reported(Report::Blocked(partition())),
            Paused::Failed => tasks.fail(0, &Error::Queue(partition()).into()).await,
            Paused::ByUser => tasks.set_paused(true).await.unwrap(),
        }
        // The group takes it, what held it back passes, and it comes back.
        tasks.revoked(&[partition()]).await.unwrap();
        match paused {
            Paused::NoRoom => {}
            Paused::Failed => assert!(!tasks.restart_task(0).await.unwrap(), "the same consumer goes on"),
            Paused::ByUser => tasks.set_paused(false).await.unwrap(),
        }
        rig.send();
        tasks.assigned(&[partition()]).await.unwrap();
        rig.wait_written(&mut tasks, &[0, 1]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_back_still_is_not_read_when_its_partition_comes_back() {
    for by_user in [false, true] {
        let rig = Rig::new("60000");
        let mut tasks = rig.life().await;
        assert!(until(&mut tasks, |tasks| !tasks.running.is_empty()).await, "no partition");
        if by_user {
            tasks.set_paused(true).await.unwrap();
        } else {
            tasks.fail(0, &Error::Queue(partition()).into()).await;
        }
        tasks.revoked(&[partition()]).await.unwrap();
        tasks.assigned(&[partition()]).await.unwrap();
        assert_eq!(tasks.running.is_empty(), !by_user);
        rig.send();
        // It goes on where it was held back.
        if by_user {
            tasks.set_paused(false).await.unwrap();
        } else {
            assert!(!tasks.restart_task(0).await.unwrap());
        }
        rig.wait_written(&mut tasks, &[0]).await;
    }
}

/// A life with record 0 committed, and record 1 on its way into a service that does not answer.
async fn in_the_middle(rig: &Rig) -> ConnectorTasks {
    let mut tasks = rig.life().await;
    rig.send_first(&mut tasks).await;
    rig.list.service.send_replace(Service::Away);
    rig.send();
    let is_under_way = until(&mut tasks, |_| rig.list.gauge.now.load(Ordering::SeqCst) > 0).await;
    assert!(is_under_way, "no batch");
    tasks
}

/// The next life takes up what was not committed, and only that.
async fn goes_on(rig: &Rig) {
    rig.list.service.send_replace(AT_ONCE);
    let mut tasks = rig.life().await;
    rig.wait_written(&mut tasks, &[0, 1]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_pipeline_that_left_no_position_a_new_consumer_starts_at_what_was_committed() {
    type MakeOrder = fn(oneshot::Sender<bool>) -> Order;
    let orders: [MakeOrder; 2] = [
        |ack| Order::RestartTask(0, ack),
        // Task 0 leaves, so its partitions are drained.
        |ack| Order::SetShare(true, BTreeSet::from([1]), ack),
    ];
    for order in orders {
        let rig = Rig::new("100");
        let mut tasks = in_the_middle(&rig).await;
        tasks.running[&partition()].abort.abort();
        assert!(until(&mut tasks, |tasks| tasks.running.is_empty()).await, "it goes on");
        assert!(tasks.lost_position && tasks.failed.is_empty());
        let (sender, mut orders) = mpsc::channel(1);
        let (ack, answer) = oneshot::channel();
        sender.send(order(ack)).await.unwrap();
        let (end, _) = tokio::time::timeout(MINUTE, tasks.run(&mut orders)).await.expect("an end");
        assert!(matches!(end, End::Again), "only a new consumer knows where to start");
        assert_eq!(answer.await, Ok(true));
        goes_on(&rig).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_outside_its_queue_takes_a_new_consumer_that_starts_at_what_was_committed() {
    let rig = Rig::new("100");
    let mut tasks = in_the_middle(&rig).await;
    let end = tasks.happened(ConsumerEvent::Stray(partition(), 1)).await.unwrap();
    assert!(matches!(end, Some(End::Again)), "its queue has a hole");
    assert!(!tasks.drain_all().await, "the service does not answer");
    tasks.consumer.close().await;
    goes_on(&rig).await;
}
