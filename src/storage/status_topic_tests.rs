//! The rules of writing states, against a topic whose every step the test decides.

use super::StatusTopic;
use crate::id::ConnectorTaskId;
use crate::status::State;
use crate::storage::{
    Error, Status, StatusBackingStore, StatusEntry, StatusId, StatusNews, StatusRecord, TopicStatus,
};
use async_trait::async_trait;
use proptest::prelude::*;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;

/// A log that moves only when told to.
#[derive(Default)]
struct Inner {
    sent: VecDeque<(u64, StatusRecord)>,
    news: VecDeque<StatusNews>,
    history: Vec<StatusRecord>,
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Inner>>, Arc<Notify>);

impl Log {
    fn sent(&self) -> Vec<StatusRecord> {
        self.0.lock().unwrap().sent.iter().map(|(_, record)| record.clone()).collect()
    }

    fn next_sent(&self) -> Option<(u64, StatusRecord)> {
        self.0.lock().unwrap().sent.pop_front()
    }

    fn tell(&self, news: StatusNews) {
        self.0.lock().unwrap().news.push_back(news);
        self.1.notify_one();
    }

    fn read(&self, offset: i64, record: &StatusRecord) {
        self.tell(StatusNews::Read(StatusEntry { offset, record: Some(record.clone()) }));
    }
}

#[async_trait]
impl StatusBackingStore for Log {
    fn send(&mut self, ticket: u64, record: &StatusRecord) {
        self.0.lock().unwrap().sent.push_back((ticket, record.clone()));
    }

    async fn next(&mut self) -> Result<StatusNews, Error> {
        loop {
            if let Some(news) = self.0.lock().unwrap().news.pop_front() {
                return Ok(news);
            }
            self.1.notified().await;
        }
    }

    async fn read_to_end(&mut self) -> Result<Vec<StatusEntry>, Error> {
        let history = std::mem::take(&mut self.0.lock().unwrap().history);
        Ok((0..).zip(history).map(|(offset, record)| StatusEntry { offset, record: Some(record) }).collect())
    }
}

const US: &str = "us:8083";
const THEM: &str = "them:8083";

fn connector() -> StatusId {
    StatusId::Connector("a".into())
}

fn task(task: u32) -> StatusId {
    StatusId::Task(ConnectorTaskId { connector: "a".into(), task })
}

fn status(state: State, worker: &str, generation: i64) -> Status {
    Status { state, trace: None, worker_id: worker.into(), generation, version: None }
}

fn record(id: &StatusId, status: Status) -> StatusRecord {
    StatusRecord::State { id: id.clone(), status: Some(status) }
}

async fn open(history: Vec<StatusRecord>) -> (StatusTopic, Log) {
    let log = Log::default();
    log.0.lock().unwrap().history = history;
    (StatusTopic::open(Box::new(log.clone()), US.into()).await.unwrap(), log)
}

fn state(topic: &StatusTopic) -> Option<State> {
    topic.connector("a").map(|status| status.state)
}

/// Lets the topic take in all news; true when something changed.
fn settle(topic: &mut StatusTopic) -> bool {
    use futures::FutureExt;
    topic.next_changes().now_or_never().is_some()
}

#[tokio::test]
async fn a_state_is_seen_at_once_and_its_return_changes_nothing() {
    let (mut topic, log) = open(Vec::new()).await;
    topic.put(connector(), status(State::Running, US, 1));
    assert_eq!(state(&topic), Some(State::Running));
    let (ticket, sent) = log.next_sent().unwrap();
    // An older word of another worker, read while ours is on its way.
    log.read(6, &record(&connector(), status(State::Paused, THEM, 1)));
    log.tell(StatusNews::Written { ticket, offset: 7 });
    log.read(7, &sent);
    assert!(!settle(&mut topic));
    assert_eq!(state(&topic), Some(State::Running));
    log.read(8, &record(&connector(), status(State::Paused, THEM, 2)));
    assert!(settle(&mut topic));
    assert_eq!(state(&topic), Some(State::Paused));
}

#[tokio::test]
async fn a_newer_word_read_before_our_own_is_acknowledged_counts() {
    let (mut topic, log) = open(Vec::new()).await;
    topic.put(connector(), status(State::Running, US, 1));
    let (ticket, _) = log.next_sent().unwrap();
    log.read(8, &record(&connector(), status(State::Paused, THEM, 1)));
    assert!(!settle(&mut topic));
    log.tell(StatusNews::Written { ticket, offset: 7 });
    assert!(settle(&mut topic));
    assert_eq!(state(&topic), Some(State::Paused));
}

#[tokio::test]
async fn failed_and_unassigned_give_way_to_a_later_generation() {
    // Within one generation a part moves only away from the worker that lets it go, which is not us here.
    for (gives_way, enough) in [(State::Failed, 5), (State::Unassigned, 6)] {
        let (mut topic, log) = open(vec![record(&connector(), status(State::Running, THEM, 5))]).await;
        assert_eq!(topic.max_generation(), Some(5));
        topic.put(connector(), status(gives_way, US, enough - 1));
        assert_eq!((state(&topic), log.sent().len()), (Some(State::Running), 0));
        topic.put(connector(), status(gives_way, US, enough));
        assert_eq!((state(&topic), log.sent().len()), (Some(gives_way), 1));
        // Our own earlier word never stands in the way.
        topic.put(connector(), status(gives_way, US, 3));
        assert_eq!(log.sent().len(), 2);
    }
    let (mut topic, log) = open(vec![record(&connector(), status(State::Running, THEM, 5))]).await;
    topic.put(connector(), status(State::Running, US, 4));
    assert_eq!(log.sent().len(), 1, "all other states are written whatever was there");
}

#[tokio::test]
async fn a_late_unassigned_of_another_worker_does_not_hide_who_runs_a_task() {
    let running = record(&task(0), status(State::Running, US, 5));
    let late = record(&task(0), status(State::Unassigned, THEM, 5));
    let newer = record(&task(0), status(State::Unassigned, THEM, 6));
    let own = record(&task(0), status(State::Unassigned, US, 5));
    for (history, expected) in [
        (vec![running.clone(), late], State::Running),
        (vec![running.clone(), newer], State::Unassigned),
        (vec![running, own], State::Unassigned),
    ] {
        let (topic, _) = open(history).await;
        assert_eq!(topic.tasks("a")[0].1.state, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_write_is_sent_again_until_it_is_stored() {
    let (mut topic, log) = open(Vec::new()).await;
    topic.put(connector(), status(State::Running, US, 1));
    for _ in 0..3 {
        let (ticket, sent) = log.next_sent().expect("sent (again)");
        assert_eq!(sent, record(&connector(), status(State::Running, US, 1)));
        log.tell(StatusNews::Failed { ticket, error: Error::Timeout { seconds: 30 } });
        let waited = tokio::time::timeout(super::RESEND_PAUSE * 2, topic.next_changes()).await;
        assert!(waited.is_err(), "nothing has changed");
    }
    let (ticket, _) = log.next_sent().expect("sent again");
    log.tell(StatusNews::Written { ticket, offset: 0 });
    topic.flush().await.unwrap();
    assert_eq!(state(&topic), Some(State::Running));
}

#[tokio::test(start_paused = true)]
async fn a_failed_write_is_given_up_for_a_newer_one() {
    let (mut topic, log) = open(Vec::new()).await;
    topic.put(connector(), status(State::Running, US, 1));
    topic.put(connector(), status(State::Paused, US, 1));
    let (first, _) = log.next_sent().unwrap();
    let (second, _) = log.next_sent().unwrap();
    log.tell(StatusNews::Failed { ticket: first, error: Error::Timeout { seconds: 30 } });
    log.tell(StatusNews::Written { ticket: second, offset: 1 });
    topic.flush().await.unwrap();
    assert!(log.sent().is_empty());
    assert_eq!(state(&topic), Some(State::Paused));

    // Another worker has taken over meanwhile: its word is shown, ours is not sent again.
    topic.put(connector(), status(State::Running, US, 1));
    let (ticket, _) = log.next_sent().unwrap();
    log.tell(StatusNews::Failed { ticket, error: Error::Timeout { seconds: 30 } });
    log.read(2, &record(&connector(), status(State::Stopped, THEM, 2)));
    topic.flush().await.unwrap();
    assert!(log.sent().is_empty());
    assert_eq!(state(&topic), Some(State::Stopped));
}

#[tokio::test]
async fn a_write_that_can_never_succeed_is_not_tried_again() {
    let (mut topic, log) = open(Vec::new()).await;
    topic.put(connector(), status(State::Running, US, 1));
    let (ticket, _) = log.next_sent().unwrap();
    log.tell(StatusNews::Failed { ticket, error: Error::ReaderEnded });
    topic.flush().await.unwrap();
    assert_eq!((log.sent().len(), state(&topic)), (0, Some(State::Running)));
}

#[tokio::test]
async fn a_forgotten_connector_leaves_tombstones_for_all_it_had() {
    let (mut topic, log) = open(Vec::new()).await;
    topic.put(connector(), status(State::Running, US, 1));
    topic.put(task(0), status(State::Running, US, 1));
    topic.put(task(1), status(State::Failed, US, 1));
    let seen = TopicStatus {
        topic: "t".into(),
        task: ConnectorTaskId { connector: "a".into(), task: 1 },
        discovered: 9,
    };
    assert!(topic.put_topic(seen.clone()));
    assert!(!topic.put_topic(TopicStatus { discovered: 10, ..seen }), "it is known already");
    assert_eq!(log.sent().len(), 4);
    topic.forget(&connector());
    let gone: Vec<_> = log.sent()[4..].iter().map(|record| (record.key(), record.value())).collect();
    let keys = ["status-task-a-0", "status-task-a-1", "status-topic-t:connector-a", "status-connector-a"];
    assert_eq!(gone, keys.map(|key| (key.to_owned(), None)));
    assert_eq!((state(&topic), topic.tasks("a").len(), topic.names().len()), (None, 0, 0));
    topic.forget(&connector());
    assert_eq!(log.sent().len(), 8, "what is not there needs no tombstone");
}

/// What may happen on the way between two workers and their topic.
#[derive(Debug, Clone)]
enum Step {
    Put(usize, u32, State),
    Forget(usize, u32),
    /// The oldest record on its way is stored, or lost.
    Store(usize, bool),
    /// The oldest acknowledgement arrives.
    Acknowledge(usize),
    /// The next record is read.
    Read(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let who = 0..2_usize;
    let states = prop::sample::select(vec![State::Running, State::Paused, State::Restarting]);
    prop_oneof![
        (who.clone(), 0..2_u32, states).prop_map(|(who, task, state)| Step::Put(who, task, state)),
        (who.clone(), 0..2_u32).prop_map(|(who, task)| Step::Forget(who, task)),
        (who.clone(), prop::bool::weighted(0.8)).prop_map(|(who, stored)| Step::Store(who, stored)),
        who.clone().prop_map(Step::Acknowledge),
        who.prop_map(Step::Read),
    ]
}

#[derive(Default)]
struct World {
    stored: Vec<StatusRecord>,
    answers: [VecDeque<StatusNews>; 2],
    positions: [usize; 2],
}

impl World {
    fn store(&mut self, who: usize, log: &Log, stored: bool) -> bool {
        let Some((ticket, record)) = log.next_sent() else { return false };
        let news = if stored {
            self.stored.push(record);
            StatusNews::Written { ticket, offset: i64::try_from(self.stored.len() - 1).unwrap() }
        } else {
            StatusNews::Failed { ticket, error: Error::Timeout { seconds: 30 } }
        };
        self.answers[who].push_back(news);
        true
    }

    fn acknowledge(&mut self, who: usize, log: &Log) -> bool {
        let Some(news) = self.answers[who].pop_front() else { return false };
        log.tell(news);
        true
    }

    fn read(&mut self, who: usize, log: &Log) -> bool {
        let Some(record) = self.stored.get(self.positions[who]) else { return false };
        log.read(i64::try_from(self.positions[who]).unwrap(), record);
        self.positions[who] += 1;
        true
    }
}

async fn converge(steps: Vec<Step>) {
    let mut world = World::default();
    let (first, second) = (open(Vec::new()).await, open(Vec::new()).await);
    let mut workers = [first, second];
    for step in steps {
        match step {
            Step::Put(who, n, state) => {
                workers[who].0.put(task(n), status(state, if who == 0 { US } else { THEM }, 1));
            }
            Step::Forget(who, n) => workers[who].0.forget(&task(n)),
            Step::Store(who, stored) => drop(world.store(who, &workers[who].1, stored)),
            Step::Acknowledge(who) => drop(world.acknowledge(who, &workers[who].1)),
            Step::Read(who) => drop(world.read(who, &workers[who].1)),
        }
        for (topic, _) in &mut workers {
            settle(topic);
        }
    }
    // From now on all goes well; whatever waits to be sent again is.
    loop {
        let mut moved = false;
        for (who, (topic, log)) in workers.iter_mut().enumerate() {
            moved |= world.store(who, log, true) | world.acknowledge(who, log) | world.read(who, log);
            settle(topic);
            moved |= !topic.sent.is_empty();
        }
        if !moved {
            break;
        }
        tokio::time::advance(super::RESEND_PAUSE).await;
    }
    let (whole, _) = open(world.stored.clone()).await;
    for (topic, _) in &workers {
        assert_eq!(topic.cache, whole.cache, "{:?}", world.stored);
        assert!(topic.own.is_empty(), "nothing is remembered for ever");
    }
}

proptest! {
    #[test]
    fn in_the_end_all_workers_see_what_the_topic_says(steps in prop::collection::vec(step(), 0..40)) {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_time().start_paused(true).build().unwrap().block_on(converge(steps));
    }
}
