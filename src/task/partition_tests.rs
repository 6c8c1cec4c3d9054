//! Pipelines over records from a list, into a sink that counts what it holds, under paused time: memory stays within its
//! bound, nothing is committed or lost that must not be, and what was given up writes nothing any more.

use super::{Exit, Mode, Pipeline, Report, Shared};
use crate::config::fixtures;
use crate::id::{ConnectorTaskId, TopicPartition};
use crate::kafka::{MadeQueue, MadeRecord};
use crate::sink::SinkTask;
use crate::task::bad_records::BadRecords;
use crate::task::budget::ByteBudget;
use crate::task::list_sink::{BAD, DeadLetters, FLUSH, FLUSH_INTERVAL, List, Service, Sink};
use crate::task::stages::Stages;
use crate::task::writers::Writers;
use crate::telemetry::Metrics;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

const TOPIC: &str = "t";
const KIB: usize = 1024;
const TOTAL: usize = 64 * KIB;
/// A letter has headers beside the record's bytes, of so many bytes at most.
const WITH_HEADERS: usize = 4 * KIB;

/// A connector's pipelines, without a connector.
struct Rig {
    list: Arc<List>,
    budget: ByteBudget,
    shared: Arc<Shared>,
    reports: mpsc::Receiver<Report>,
    pipelines: JoinSet<Exit>,
    modes: Vec<watch::Sender<Mode>>,
    /// The last progress of each partition.
    progress: BTreeMap<i32, i64>,
}

impl Rig {
    fn new(service: Service) -> Self {
        let config = fixtures::sink_of_texts(&[
            ("topics", TOPIC),
            ("errors.tolerance", "all"),
            ("errors.deadletterqueue.topic.name", "letters"),
            ("errors.deadletterqueue.context.headers.enable", "true"),
        ]);
        let budget = ByteBudget::new(TOTAL as u64);
        let list = Arc::new(List {
            gauge: Arc::default(),
            service: watch::Sender::new(service),
            written: Mutex::default(),
            letters: Mutex::default(),
        });
        let (sender, reports) = mpsc::channel(16);
        let shared = Shared {
            stages: Stages::new(&config, false).unwrap(),
            bad_records: BadRecords::with_letters(&config, Box::new(DeadLetters(Arc::clone(&list)))),
            setting_names: Sink(Arc::clone(&list)).setting_names(),
            budget: budget.connector(),
            reports: sender,
        };
        Self {
            list,
            budget,
            shared: Arc::new(shared),
            reports,
            pipelines: JoinSet::new(),
            modes: Vec::new(),
            progress: BTreeMap::new(),
        }
    }

    /// Starts the pipeline of the next partition.
    fn start(&mut self) -> MadeQueue {
        let partition = TopicPartition::new(TOPIC, i32::try_from(self.modes.len()).unwrap());
        let task = ConnectorTaskId { connector: "sink".into(), task: 0 };
        let counts = Metrics::default().task(&task).errors();
        let sink: Arc<dyn SinkTask> = Arc::new(Sink(Arc::clone(&self.list)));
        let writers = Writers::new(sink, partition.clone(), true, false).unwrap();
        let queue = MadeQueue::new(partition);
        let pipeline = Pipeline::new((task, counts), queue.clone(), writers, Arc::clone(&self.shared));
        let (mode, orders) = watch::channel(Mode::Run);
        self.modes.push(mode);
        self.pipelines.spawn(pipeline.run(orders));
        queue
    }

    fn take(&mut self, report: Report) {
        if let Report::Progress(partition, offset) = report {
            self.progress.insert(partition.partition, offset);
        }
    }

    /// Takes reports until `is_done`.
    async fn until(&mut self, is_done: impl Fn(&Self) -> bool) {
        while !is_done(self) {
            let report = self.reports.recv().await.unwrap();
            self.take(report);
        }
    }

    /// Takes reports for so long.
    async fn pass(&mut self, time: Duration) {
        let end = tokio::time::Instant::now() + time;
        while let Ok(report) = tokio::time::timeout_at(end, self.reports.recv()).await {
            self.take(report.unwrap());
        }
    }

    /// Drains all pipelines.
    async fn drain(&mut self) -> Vec<Exit> {
        for mode in &self.modes {
            mode.send_replace(Mode::Drain);
        }
        let mut exits = Vec::new();
        loop {
            tokio::select! {
                biased;
                Some(report) = self.reports.recv() => self.take(report),
                ended = self.pipelines.join_next() => match ended {
                    Some(exit) => exits.push(exit.unwrap()),
                    None => return exits,
                },
            }
        }
    }

    fn written(&self) -> Vec<(i32, i64)> {
        let mut written = self.list.written.lock().unwrap().clone();
        written.sort_unstable();
        written
    }
}

fn record(offset: i64, len: usize) -> MadeRecord {
    MadeRecord { offset, value: Some(vec![b'x'; len]) }
}

fn bad(offset: i64, len: usize) -> MadeRecord {
    MadeRecord { offset, value: Some(vec![BAD as u8; len]) }
}

/// Invariant 4, counted at the sink and not in the budget's own books.
async fn within_bounds(partitions: Vec<Vec<(usize, bool)>>, took: Duration) -> Result<(), TestCaseError> {
    let mut rig = Rig::new(Service::Takes(took));
    let largest = partitions.iter().flatten().map(|(len, _)| len + WITH_HEADERS).max().unwrap_or(0);
    for lens in &partitions {
        let queue = rig.start();
        let records = (0..).zip(lens);
        queue.push(records.map(|(offset, (len, is_bad))| (if *is_bad { bad } else { record })(offset, *len)));
    }
    let ends: BTreeMap<i32, i64> = (0..)
        .zip(&partitions)
        .map(|(partition, lens)| (partition, i64::try_from(lens.len()).unwrap()))
        .collect();
    rig.until(|rig| rig.progress == ends).await;
    let most = rig.list.gauge.most.load(Ordering::SeqCst);
    // It is one connector, so one record goes beyond it at a time.
    prop_assert!(most <= TOTAL + largest, "{most} bytes held, the largest record has {largest}");
    let these = |bad: bool| -> Vec<(i32, i64)> {
        let all = (0..).zip(&partitions);
        let all = all.flat_map(|(partition, lens)| {
            (0..).zip(lens).map(move |(offset, len)| (partition, offset, len.1))
        });
        all.filter(|(.., is_bad)| *is_bad == bad).map(|(partition, offset, _)| (partition, offset)).collect()
    };
    prop_assert_eq!(rig.written(), these(false), "each record once");
    let mut letters = rig.list.letters.lock().unwrap().clone();
    letters.sort_unstable();
    prop_assert_eq!(letters, these(true), "each bad one has a letter");
    let exits = rig.drain().await;
    prop_assert!(exits.iter().all(|exit| exit.error.is_none()));
    prop_assert_eq!((rig.budget.held(), rig.list.gauge.now.load(Ordering::SeqCst)), ((0, 0), 0));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_more_is_held_than_the_budget_and_a_record(
        partitions in proptest::collection::vec(
            proptest::collection::vec(
                (prop_oneof![8 => 1..4 * KIB, 2 => TOTAL / 4..TOTAL, 1 => TOTAL..2 * TOTAL], prop::bool::weighted(0.3)),
                1..40), 1..6),
        took in 0_u64..1500
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(within_bounds(partitions, Duration::from_millis(took)))?;
    }
}

/// Invariant 2: the fence is to drop the pipeline, as the connector's loop does at the deadline of a drain.
#[tokio::test(start_paused = true)]
async fn what_is_given_up_writes_nothing_any_more_and_gives_its_memory_back() {
    let mut rig = Rig::new(Service::Away);
    let queue = rig.start();
    queue.push((0..20).map(|offset| record(offset, 4 * KIB)));
    rig.pass(Duration::from_secs(1)).await;
    rig.modes[0].send_replace(Mode::Drain);
    rig.pass(Duration::from_mins(1)).await;
    assert!(rig.list.gauge.now.load(Ordering::SeqCst) > 2 * FLUSH, "uploads are on their way");
    rig.pipelines.abort_all();
    assert!(rig.pipelines.join_next().await.unwrap().unwrap_err().is_cancelled());
    rig.list.service.send_replace(Service::Takes(Duration::ZERO));
    rig.pass(Duration::from_hours(1)).await;
    assert_eq!((rig.written(), rig.progress.clone()), (Vec::new(), BTreeMap::new()));
    assert_eq!((rig.budget.held(), rig.list.gauge.now.load(Ordering::SeqCst)), ((0, 0), 0));
}

/// A pause hands over what was read and waits; it holds no place in the line meanwhile.
#[tokio::test(start_paused = true)]
async fn a_hold_hands_over_what_was_read_and_gives_its_memory_back() {
    let mut rig = Rig::new(Service::Takes(Duration::from_secs(1)));
    let queue = rig.start();
    queue.push([record(0, 10), record(1, 2 * TOTAL), record(2, 3 * TOTAL)]);
    rig.pass(Duration::from_millis(500)).await;
    rig.modes[0].send_replace(Mode::Hold);
    rig.pass(Duration::from_mins(10)).await;
    assert_eq!(rig.budget.held(), (0, 0));
    assert!(rig.progress[&0] < 3);
    rig.modes[0].send_replace(Mode::Run);
    rig.until(|rig| rig.progress.get(&0) == Some(&3)).await;
    assert_eq!(rig.written(), [(0, 0), (0, 1), (0, 2)]);
}

/// Kafka sends a stretch again, or the topic was made anew: what comes then counts, and holds the line of offsets.
#[tokio::test(start_paused = true)]
async fn offsets_that_come_again_are_written_again_and_committed_only_then() {
    let mut rig = Rig::new(Service::Takes(Duration::from_millis(10)));
    let queue = rig.start();
    queue.push((0..10).map(|offset| record(offset, 100)));
    rig.until(|rig| rig.progress.get(&0) == Some(&10)).await;
    rig.list.service.send_replace(Service::Away);
    queue.push((4..8).map(|offset| record(offset, 100)));
    rig.pass(2 * FLUSH_INTERVAL).await;
    assert_eq!(rig.progress[&0], 10, "no progress is told of what is not handed over again");
    rig.list.service.send_replace(Service::Takes(Duration::ZERO));
    rig.until(|rig| rig.progress.get(&0) == Some(&8)).await;
    let twice: Vec<i64> =
        rig.written().windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0].1).collect();
    assert_eq!(twice, [4, 5, 6, 7]);
}

/// A defect in one upload ends the pipeline where its line of offsets stands: nothing is passed over.
#[tokio::test(start_paused = true)]
async fn a_pipeline_that_panics_starts_again_at_what_was_not_handed_over() {
    let mut rig = Rig::new(Service::Takes(Duration::from_millis(10)));
    let queue = rig.start();
    queue.push((0..10).map(|offset| record(offset, 100)));
    rig.until(|rig| rig.progress.get(&0) == Some(&10)).await;
    rig.list.service.send_replace(Service::Panics);
    queue.push((10..20).map(|offset| record(offset, 100)));
    let exit = rig.pipelines.join_next().await.unwrap().unwrap();
    assert_eq!(exit.resume_at, Some(10));
    assert!(exit.error.unwrap().to_string().contains("on purpose"));
    assert_eq!(rig.budget.held(), (0, 0));
}
