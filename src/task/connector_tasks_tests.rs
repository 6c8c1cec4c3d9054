//! A connector's loop over librdkafka's mock cluster, into a sink that is a list: what was paused is read when it comes back,
//! and where the place to read on is unknown, a new consumer finds it.

use super::{AssignedPartitions, ConnectorTasks};
use crate::config::{Hidden, fixtures};
use crate::configdef::ConnectorProperties;
use crate::id::{OffsetRange, TaskAssignment, TopicPartition};
use crate::kafka::{ConsumerEvent, Error};
use crate::limits::ConnectorRoom;
use crate::metrics::{FateOffsets, FatesReading, Metrics, PartitionFates};
use crate::plugins::{BUILT_IN, SinkConnectorConfig};
use crate::sink::{BatchFailure, BatchNews, Fate, OnFailedBatch, SinkContext};
use crate::status::WorkerEvent;
use crate::task::assigned_partitions::PartitionEvent;
use crate::task::budget::ByteBudget;
use crate::task::list_sink::{AT_ONCE, Answers, FLUSH, List, ListSink, batch_id};
use crate::task::orders::{ConnectorEnd, ConnectorSpec, Order, OrderAnswer, OrderOutcome};
use crate::task::pipelines::PipelineEvent;
use crate::task::report::PipelineReport;
use crate::task::worker_context::WorkerContext;
use crate::telemetry::Redaction;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, BaseRecord, DefaultProducerContext, Producer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

const MINUTE: Duration = Duration::from_mins(1);

struct ConnectorRig {
    cluster: MockCluster<'static, DefaultProducerContext>,
    worker: WorkerContext,
    config: SinkConnectorConfig,
    list: Arc<List>,
    _events: mpsc::Receiver<WorkerEvent>,
}

impl ConnectorRig {
    /// `graceful` milliseconds are given to a drain.
    fn new(graceful: &str) -> Self {
        let cluster = MockCluster::new(1).unwrap();
        cluster.create_topic("t", 1, 1).unwrap();
        let variables = [
            ("BOOTSTRAP_SERVERS", &*cluster.bootstrap_servers()),
            ("CONNECT_TASK_SHUTDOWN_GRACEFUL_TIMEOUT_MS", graceful),
        ];
        let config = fixtures::sink_of_texts(&[
            // After a member left, the mock cluster waits for almost as long until it settles the group anew.
            ("consumer.override.session.timeout.ms", "6000"),
        ]);
        let (sender, events) = mpsc::channel(256);
        let worker = WorkerContext {
            plugins: BUILT_IN,
            config: Arc::new(fixtures::worker(&variables)),
            budget: ByteBudget::new(1 << 20),
            room: ConnectorRoom::default(),
            sinks: SinkContext::default(),
            metrics: Metrics::default(),
            redaction: Redaction::default(),
            events: sender,
        };
        Self { cluster, worker, config, list: List::new(AT_ONCE), _events: events }
    }

    /// A record that fills a batch.
    fn send(&self) {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", self.cluster.bootstrap_servers());
        let producer: BaseProducer = config.create().unwrap();
        producer.send(BaseRecord::<str, str>::to("t").payload(&"x".repeat(FLUSH + 1))).unwrap();
        producer.flush(MINUTE).unwrap();
    }

    /// The connector with a new consumer.
    async fn connector(&self) -> ConnectorTasks {
        self.connector_with(ListSink::new(&self.list)).await
    }

    async fn connector_with(&self, sink: ListSink) -> ConnectorTasks {
        let spec = ConnectorSpec {
            name: "sink".into(),
            config: ConnectorProperties::new(),
            assignment: TaskAssignment { instance: true, tasks: BTreeSet::from([0]) },
            paused: false,
            hidden: Hidden::default(),
        };
        ConnectorTasks::prepare(spec, &self.config, Arc::new(sink), self.worker.clone()).await.unwrap()
    }

    fn written(&self) -> Vec<i64> {
        self.list.written().iter().map(|(_, offset)| *offset).collect()
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
    async fn wait_written(&self, tasks: &mut AssignedPartitions, offsets: &[i64]) {
        let is_so = until(tasks, |_| self.written() == offsets).await;
        assert!(is_so, "{:?} were written, not {offsets:?}", self.written());
    }

    /// Waits until a record was sent, written and committed.
    async fn send_first(&self, tasks: &mut AssignedPartitions) {
        self.send();
        self.wait_written(tasks, &[0]).await;
        assert!(until(tasks, |_| self.committed() == Offset::Offset(1)).await, "no commit");
    }
}

/// Does what the loop does until `is_so`; false when that takes too long.
async fn until(tasks: &mut AssignedPartitions, is_so: impl Fn(&AssignedPartitions) -> bool) -> bool {
    let work = async {
        while !is_so(tasks) {
            tokio::select! {
                event = tasks.next_event() => {
                    assert!(tasks.handle(event).await.unwrap().is_none(), "it ended");
                }
                // The list says nothing.
                () = tokio::time::sleep(Duration::from_millis(10)) => {}
            }
        }
    };
    tokio::time::timeout(MINUTE, work).await.is_ok()
}

/// A task fails.
async fn fail(tasks: &mut AssignedPartitions) {
    let error = Some(Error::Queue(partition()).into());
    let failed = PipelineEvent::Ended { partition: partition(), task: 0, resume_at: None, error };
    assert!(tasks.handle(PartitionEvent::Pipeline(failed)).await.unwrap().is_none());
}

/// The group takes the partition.
async fn revoke(tasks: &mut AssignedPartitions) {
    let revoked = ConsumerEvent::Revoked(vec![partition()]);
    assert!(tasks.handle(PartitionEvent::Consumer(revoked)).await.unwrap().is_none());
}

/// The group gives it.
async fn assign(tasks: &mut AssignedPartitions) {
    let assigned = ConsumerEvent::Assigned(vec![partition()]);
    assert!(tasks.handle(PartitionEvent::Consumer(assigned)).await.unwrap().is_none());
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
        let rig = ConnectorRig::new("60000");
        let mut tasks = rig.connector().await.partitions;
        rig.send_first(&mut tasks).await;
        match paused {
            Paused::NoRoom => {
                let blocked = PipelineEvent::Reported(PipelineReport::Blocked(partition()));
                assert!(tasks.handle(PartitionEvent::Pipeline(blocked)).await.unwrap().is_none());
            }
            Paused::Failed => fail(&mut tasks).await,
            Paused::ByUser => tasks.set_paused(true).await.unwrap(),
        }
        // The group takes it, what held it back passes, and it comes back.
        revoke(&mut tasks).await;
        match paused {
            Paused::NoRoom => {}
            Paused::Failed => assert!(!tasks.restart_task(0).await.unwrap(), "the same consumer goes on"),
            Paused::ByUser => tasks.set_paused(false).await.unwrap(),
        }
        rig.send();
        assign(&mut tasks).await;
        rig.wait_written(&mut tasks, &[0, 1]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_back_still_is_not_read_when_its_partition_comes_back() {
    for by_user in [false, true] {
        let rig = ConnectorRig::new("60000");
        let mut tasks = rig.connector().await.partitions;
        assert!(until(&mut tasks, |tasks| tasks.pipelines().has(&partition())).await, "no partition");
        if by_user {
            tasks.set_paused(true).await.unwrap();
        } else {
            fail(&mut tasks).await;
        }
        revoke(&mut tasks).await;
        assign(&mut tasks).await;
        assert_eq!(tasks.pipelines().has(&partition()), by_user);
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

/// A connector with record 0 committed, and record 1 on its way into a service that does not answer.
async fn in_the_middle(rig: &ConnectorRig) -> ConnectorTasks {
    let mut connector = rig.connector().await;
    let tasks = &mut connector.partitions;
    rig.send_first(tasks).await;
    rig.list.set(Answers::Away);
    rig.send();
    let is_under_way = until(tasks, |_| rig.list.bytes_now() > 0).await;
    assert!(is_under_way, "no batch");
    connector
}

/// The next consumer takes up what was not committed, and only that.
async fn goes_on(rig: &ConnectorRig) {
    rig.list.set(AT_ONCE);
    let mut tasks = rig.connector().await.partitions;
    rig.wait_written(&mut tasks, &[0, 1]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_pipeline_that_left_no_position_a_new_consumer_starts_at_what_was_committed() {
    type MakeOrder = fn(OrderAnswer) -> Order;
    let orders: [MakeOrder; 2] = [
        |answer| Order::RestartTask(0, answer),
        // Task 0 leaves, so its partitions are drained.
        |answer| Order::SetAssignment(TaskAssignment { instance: true, tasks: BTreeSet::from([1]) }, answer),
    ];
    for order in orders {
        let rig = ConnectorRig::new("100");
        let mut connector = in_the_middle(&rig).await;
        let tasks = &mut connector.partitions;
        tasks.pipelines().kill(&partition());
        assert!(until(tasks, |tasks| !tasks.pipelines().has(&partition())).await, "it goes on");
        assert!(tasks.pipelines().has_lost_position() && !tasks.states().owners().has_failed(0));
        let (sender, mut orders) = mpsc::channel(1);
        let (ack, answer) = oneshot::channel();
        sender.send(order(ack)).await.unwrap();
        let (end, _) = tokio::time::timeout(MINUTE, connector.run(&mut orders)).await.expect("an end");
        assert!(matches!(end, ConnectorEnd::Again), "only a new consumer knows where to start");
        assert_eq!(answer.await, Ok(OrderOutcome::Done));
        goes_on(&rig).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_outside_its_queue_takes_a_new_consumer_that_starts_at_what_was_committed() {
    let rig = ConnectorRig::new("100");
    let mut tasks = in_the_middle(&rig).await.partitions;
    let stray = ConsumerEvent::Stray(partition(), 1);
    let end = tasks.handle(PartitionEvent::Consumer(stray)).await.unwrap();
    assert!(matches!(end, Some(ConnectorEnd::Again)), "its queue has a hole");
    assert!(!tasks.close().await.0, "the service does not answer");
    goes_on(&rig).await;
}

/// What is known of the only partition.
fn known(rig: &ConnectorRig) -> Option<(Arc<FatesReading>, PartitionFates)> {
    let fates = rig.worker.metrics.read().connectors.first()?.reading.as_ref()?.fates.clone()?;
    let [partition] = &fates.partitions[..] else { return None };
    let partition = partition.clone();
    Some((fates, partition))
}

fn news(offset: i64, fate: Fate) -> BatchNews {
    let offsets = OffsetRange { first: offset, last: offset };
    BatchNews { id: batch_id(0, offset), partition: partition(), offsets, records: 1, raw_bytes: 1, fate }
}

fn failure() -> Fate {
    Fate::Failed(Box::new(BatchFailure {
        code: "Gone".to_owned(),
        text: "it was there a moment ago".to_owned(),
        is_retriable: false,
        is_of_derived: false,
        is_of_content: false,
    }))
}

const SENTENCE: &str = "t-0, offsets 1-1: not kept after it was taken: Gone: it was there a moment ago; \
                        check list.target, then set offsets back to it";

#[tokio::test(flavor = "multi_thread")]
async fn what_becomes_of_batches_is_known_and_a_failed_one_stops_nobody_unless_the_sink_says_so() {
    for on_failed in [OnFailedBatch::Report, OnFailedBatch::Fail] {
        let rig = ConnectorRig::new("60000");
        let learned = rig.list.learns();
        let sink = ListSink { on_failed, ..ListSink::new(&rig.list) };
        let mut tasks = rig.connector_with(sink).await.partitions;
        rig.send_first(&mut tasks).await;
        rig.send();
        rig.wait_written(&mut tasks, &[0, 1]).await;
        let offsets = |accepted, confirmed| Some(FateOffsets { start: 0, accepted, confirmed });
        let is_so =
            until(&mut tasks, |_| known(&rig).is_some_and(|(_, one)| one.offsets == offsets(2, 0))).await;
        assert!(is_so, "{:?}", known(&rig));
        learned.send(vec![news(0, Fate::Confirmed), news(1, failure())]).await.unwrap();
        let is_so = until(&mut tasks, |_| known(&rig).is_some_and(|(_, one)| one.failed == 1)).await;
        let (fates, one) = known(&rig).unwrap();
        assert!(is_so && one.offsets == offsets(2, 1), "{one:?}");
        assert_eq!((one.waiting, one.valid_through.is_some()), (0, true), "{one:?}");
        assert_eq!(fates.last_failure().map(|failed| &*failed.sentence), Some(SENTENCE));
        let fails = on_failed == OnFailedBatch::Fail;
        assert_eq!(tasks.states().owners().has_failed(0), fails);
        // A task that is started again goes on behind it, and it is not forgotten.
        if fails {
            assert!(!tasks.restart_task(0).await.unwrap());
        }
        rig.send();
        rig.wait_written(&mut tasks, &[0, 1, 2]).await;
        let is_so =
            until(&mut tasks, |_| known(&rig).is_some_and(|(_, one)| one.offsets == offsets(3, 1))).await;
        assert!(is_so && known(&rig).is_some_and(|(_, one)| one.failed == 1), "{:?}", known(&rig));
    }
}
