//! What is told of an outage, and how often.

use super::{
    AGAIN, LogLine, PATIENCE, PAUSE, Wait, WaitKind, WaitNews, WaitSubject, WaitSummary, WaitingWork,
};
use crate::brief::Brief;
use crate::id::TopicPartition;
use crate::metrics::PartitionState;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::time::Instant;

fn partition(number: i32) -> TopicPartition {
    TopicPartition::new("t", number)
}

/// Partition n belongs to task n modulo 3.
fn owner(partitions: i32) -> BTreeMap<TopicPartition, u32> {
    (0..partitions).map(|number| (partition(number), u32::try_from(number % 3).unwrap())).collect()
}

/// One more than have partitions.
const ALL: [u32; 4] = [0, 1, 2, 3];

fn wait(since: Instant) -> Wait {
    Wait { since, cause: "upload: 503".to_owned(), brief: Brief::new("upload: 503") }
}

/// What the state of `task` shows.
fn shown(
    work: &WaitingWork,
    task: u32,
    owner: &BTreeMap<TopicPartition, u32>,
    now: Instant,
) -> Option<String> {
    let texts: Vec<_> = work.shown(task, owner, now).iter().map(|waits| waits.text(str::to_owned)).collect();
    (!texts.is_empty()).then(|| texts.join("\n"))
}

fn is_begin(news: &WaitNews) -> bool {
    matches!(news.line, Some(LogLine::Waits(_)))
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_many_partitions_is_one_line_and_one_word_for_each_task_and_so_is_its_end() {
    let (mut work, owner, began) = (WaitingWork::default(), owner(24), Instant::now());
    for number in 0..24 {
        for ticket in 0..4 {
            work.add(partition(number), WaitSubject::Batch(ticket), wait(began));
        }
    }
    assert_eq!(work.due(), Some(began + PATIENCE), "what passes in a moment is told to nobody");
    assert_eq!(work.look(&owner, &ALL.into(), began), WaitNews::default());
    let news = work.look(&owner, &ALL.into(), began + PATIENCE);
    assert_eq!(news.tasks, [0, 1, 2].into());
    let Some(LogLine::Waits(sums)) = &news.line else { panic!("{news:?}") };
    let text = sums.iter().map(|waits| waits.brief().to_string()).collect::<Vec<_>>().join("; ");
    assert!(text.starts_with("96 batch(es) wait") && text.ends_with(": upload: 503"), "{text}");
    let trace = shown(&work, 1, &owner, began + PATIENCE).unwrap();
    assert!(trace.starts_with("32 batch(es) wait since 20"), "{trace}");

    // It goes on failing: nothing more is told.
    for number in 0..24 {
        let again = Wait { cause: "upload: 500".to_owned(), ..wait(began) };
        work.add(partition(number), WaitSubject::Batch(0), again);
        assert_eq!(work.look(&owner, &ALL.into(), began + PATIENCE * 2), WaitNews::default());
    }
    assert!(
        is_begin(&work.look(&owner, &ALL.into(), began + PATIENCE + AGAIN)),
        "an hour of it is not forgotten"
    );

    let end = began + AGAIN * 2;
    for number in 0..24 {
        work.forget(&partition(number));
    }
    assert!(work.due().is_some());
    let news = work.look(&owner, &ALL.into(), end);
    assert_eq!((news.tasks, news.line), ([0, 1, 2].into(), Some(LogLine::GoesOn(end - began))));
    assert_eq!((shown(&work, 1, &owner, end), work.due()), (None, None));

    // A new one is not told at once.
    let again = end + Duration::from_millis(1);
    work.add(partition(0), WaitSubject::Batch(9), wait(again - PATIENCE));
    assert_eq!(work.due(), Some(end + PAUSE));
}

#[tokio::test(start_paused = true)]
async fn a_task_is_told_of_what_its_own_partitions_wait_for_and_all_of_commits() {
    let (mut work, owner, now) = (WaitingWork::default(), owner(3), Instant::now());
    let later = now + PATIENCE;
    work.add(partition(1), WaitSubject::Schema, wait(now));
    work.add(partition(1), WaitSubject::Letters(3), wait(now));
    assert_eq!(work.look(&owner, &ALL.into(), later).tasks, [1].into());
    let trace = shown(&work, 1, &owner, later).unwrap();
    assert!(trace.contains("1 record(s) wait for a schema") && trace.contains("dead letters"), "{trace}");
    assert_eq!(shown(&work, 0, &owner, later), None);

    assert!(work.set(WaitKind::Commits, Some("coordinator not available"), now));
    assert!(work.set(WaitKind::Commits, Some("timed out"), later));
    let news = work.look(&owner, &ALL.into(), later);
    assert_eq!((news.tasks, news.line), ([0, 2].into(), None), "who was told before is not told again");
    assert!(shown(&work, 2, &owner, later).unwrap().ends_with("timed out"));
    assert!(work.set(WaitKind::Commits, None, later));
    work.remove(&partition(1), WaitSubject::Schema);
    assert_eq!(work.look(&owner, &ALL.into(), later).tasks, [0, 2].into());
    work.remove(&partition(1), WaitSubject::Letters(3));
    assert!(matches!(work.look(&owner, &ALL.into(), later).line, Some(LogLine::GoesOn(_))));
}

#[tokio::test(start_paused = true)]
async fn brokers_that_cannot_be_reached_are_told_to_tasks_without_partitions_too() {
    let (mut work, owner, now) = (WaitingWork::default(), owner(2), Instant::now());
    assert!(work.set(WaitKind::Brokers, Some("refused"), now));
    assert!(work.set(WaitKind::Brokers, None, now + PATIENCE / 2));
    assert_eq!(work.look(&owner, &ALL.into(), now + PATIENCE), WaitNews::default(), "a moment is no trouble");
    let now = now + PATIENCE;
    assert!(work.set(WaitKind::Brokers, Some("refused"), now));
    assert_eq!(work.due(), Some(now + PATIENCE));
    let later = now + PATIENCE;
    let news = work.look(&owner, &ALL.into(), later);
    assert_eq!((news.tasks.clone(), is_begin(&news)), (ALL.into(), true));
    let trace = shown(&work, 3, &owner, later).unwrap();
    assert!(trace.starts_with("no Kafka broker can be reached since 20"), "{trace}");
    assert!(trace.contains("bootstrap.servers") && trace.ends_with("refused"), "{trace}");
    assert!(work.set(WaitKind::Brokers, None, later));
    let news = work.look(&owner, &ALL.into(), later);
    assert_eq!((news.tasks, news.line), (ALL.into(), Some(LogLine::GoesOn(PATIENCE))));
    assert_eq!(shown(&work, 3, &owner, later), None);
}

#[derive(Debug, Clone)]
enum Step {
    Add(i32, u64),
    Remove(i32, u64),
    Forget(i32),
    Commits(bool),
    Brokers(bool),
    Pass(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (0..4i32, 0..3u64).prop_map(|(partition, ticket)| Step::Add(partition, ticket)),
        (0..4i32, 0..3u64).prop_map(|(partition, ticket)| Step::Remove(partition, ticket)),
        (0..4i32).prop_map(Step::Forget),
        any::<bool>().prop_map(Step::Commits),
        any::<bool>().prop_map(Step::Brokers),
        (1..8_000u64).prop_map(Step::Pass),
    ];
    prop::collection::vec(step, 0..80)
}

proptest! {
    /// Whoever looks when it is due has told what there is: a task's word is there when something of it has waited long
    /// enough, and begins and ends of the log take turns.
    #[test]
    fn what_is_told_is_what_waits(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let (mut work, owner) = (WaitingWork::default(), owner(4));
            let (mut told, mut lasts) = (BTreeSet::new(), false);
            for step in steps {
                match step {
                    Step::Add(number, ticket) => {
                        work.add(partition(number), WaitSubject::Batch(ticket), wait(Instant::now()));
                    }
                    Step::Remove(number, ticket) => work.remove(&partition(number), WaitSubject::Batch(ticket)),
                    Step::Forget(number) => work.forget(&partition(number)),
                    Step::Commits(fail) => {
                        let _is_news = work.set(WaitKind::Commits, fail.then_some("no"), Instant::now());
                    }
                    Step::Brokers(fail) => {
                        let _is_news = work.set(WaitKind::Brokers, fail.then_some("no"), Instant::now());
                    }
                    Step::Pass(ms) => tokio::time::advance(Duration::from_millis(ms)).await,
                }
                let mut looks = 0;
                while work.due().is_some_and(|due| due <= Instant::now()) {
                    let news = work.look(&owner, &ALL.into(), Instant::now());
                    for task in news.tasks {
                        if !told.remove(&task) {
                            told.insert(task);
                        }
                    }
                    match news.line {
                        Some(LogLine::Waits(_)) => lasts = true,
                        Some(LogLine::GoesOn(_)) => {
                            assert!(lasts, "an end without a begin");
                            lasts = false;
                        }
                        None => {}
                    }
                    looks += 1;
                    assert!(looks < 3, "looking again brings nothing");
                }
                assert_eq!(lasts, !told.is_empty());
                for task in ALL {
                    let has_trace = shown(&work, task, &owner, Instant::now()).is_some();
                    assert_eq!(has_trace, told.contains(&task), "task {task}");
                }
            }
        });
    }
}

#[tokio::test(start_paused = true)]
async fn the_numbers_of_a_partition_show_the_worst_of_what_keeps_it() {
    let (mut work, now) = (WaitingWork::default(), Instant::now());
    assert_eq!(work.of_partition(&partition(1), now), None);
    work.add(partition(1), WaitSubject::Memory, wait(now));
    work.add(partition(2), WaitSubject::Batch(1), wait(now));
    let shown = |sum: WaitSummary| sum.shown(|text| text.replace("503", "***"));
    let memory = shown(work.of_partition(&partition(1), now).unwrap());
    assert_eq!(memory.state, PartitionState::OutOfMemory);
    assert!(memory.sentence.starts_with("1 record(s) wait for memory since 20"), "{}", memory.sentence);
    work.add(partition(1), WaitSubject::Batch(7), wait(now));
    work.add(partition(1), WaitSubject::Batch(u64::MAX), wait(now));
    let sink = shown(work.of_partition(&partition(1), now).unwrap());
    assert_eq!(sink.state, PartitionState::WaitingForSink);
    assert!(sink.sentence.starts_with("2 batch(es) wait"), "{}", sink.sentence);
    assert!(sink.sentence.ends_with("upload: ***"), "secrets are taken out: {}", sink.sentence);
    work.forget(&partition(1));
    assert_eq!(work.of_partition(&partition(1), now), None);
    assert_eq!(work.of_all(WaitKind::Brokers, now), None);
    assert!(work.set(WaitKind::Brokers, Some("refused"), now));
    assert!(!work.set(WaitKind::Brokers, Some("refused"), now), "that is no news");
    assert_eq!(shown(work.of_all(WaitKind::Brokers, now).unwrap()).state, PartitionState::WaitingForKafka);
}
