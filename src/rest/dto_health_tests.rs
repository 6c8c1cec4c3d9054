//! How the parts of several workers become one answer.

use super::{
    ConnectorHealthDto, HealthCountsDto, HealthSummaryDto, MinuteDto, MissingTopicDto, PartitionHealthDto,
    SinkCountDto, TaskHealthDto,
};
use crate::herder::{ConnectorState, ConnectorStatus, TaskState};
use crate::status::State;

fn summary(state: &str, since: Option<&str>) -> HealthSummaryDto {
    HealthSummaryDto {
        state: state.to_owned(),
        since: since.map(str::to_owned),
        ..HealthSummaryDto::default()
    }
}

fn part(task: u32, partition: i32, lag: u64) -> ConnectorHealthDto {
    let of = PartitionHealthDto { topic: "t".to_owned(), partition, ..PartitionHealthDto::default() };
    let oldest_seconds = Some(f64::from(partition));
    let counts = HealthCountsDto { partitions: 1, lag, oldest_seconds, ..HealthCountsDto::default() };
    let minute = MinuteDto { minute: 7, records: lag, raw_bytes: 0, lag, late_batches: 1, late_ms: 9 };
    let labels = [("table".to_owned(), "T".to_owned())].into();
    ConnectorHealthDto {
        name: "c".to_owned(),
        summary: HealthSummaryDto { counts, topics: ["t".to_owned()].into(), ..summary("in_step", None) },
        tasks: vec![TaskHealthDto { id: task, partitions: vec![of], ..TaskHealthDto::default() }],
        sink: vec![SinkCountDto { name: "rows".to_owned(), labels, count: 3 }],
        minutes: vec![minute],
        unheard: Vec::new(),
    }
}

fn status(connector: State, tasks: &[State]) -> ConnectorStatus {
    let of = |state: State| ConnectorState {
        state,
        worker_id: "w".into(),
        version: None,
        trace: (state == State::Failed).then(|| "it failed\nat length".to_owned()),
    };
    let tasks = (0..).zip(tasks).map(|(id, state)| TaskState { id, state: of(*state) });
    ConnectorStatus { name: "c".into(), connector: of(connector), tasks: tasks.collect(), kind: "sink" }
}

#[test]
fn parts_of_workers_become_one() {
    let mut whole = part(1, 4, 10);
    whole.add(part(0, 2, 5));
    whole.add(part(1, 3, 1));
    whole.settle(Some(&status(State::Running, &[State::Running, State::Running, State::Running])));
    let ids: Vec<_> = whole.tasks.iter().map(|task| (task.id, task.partitions.len())).collect();
    assert_eq!(ids, [(0, 1), (1, 2), (2, 0)]);
    assert_eq!(whole.tasks[1].partitions.iter().map(|one| one.partition).collect::<Vec<_>>(), [3, 4]);
    let counts = whole.summary.counts;
    assert_eq!((counts.partitions, counts.lag, counts.oldest_seconds), (3, 16, Some(4.0)));
    assert_eq!((whole.sink.len(), whole.sink[0].count), (1, 9));
    assert_eq!((whole.minutes.len(), whole.minutes[0].records, whole.minutes[0].late_ms), (1, 16, 27));
    assert_eq!(whole.summary.state, "in_step");
    let text = serde_json::to_string(&whole).unwrap();
    let again: ConnectorHealthDto = serde_json::from_str(&text).unwrap();
    assert_eq!(serde_json::to_string(&again).unwrap(), text, "what one worker writes another one reads");
}

#[test]
fn the_worst_is_told_and_of_equals_the_oldest() {
    let mut all = HealthSummaryDto::idle();
    for part in [
        summary("in_step", None),
        summary("waiting_for_sink", Some("2026-01-01T00:00:09Z")),
        summary("waiting_for_sink", Some("2026-01-01T00:00:03Z")),
        summary("catching_up", None),
    ] {
        all.add(part);
    }
    assert_eq!(
        (all.state.as_str(), all.since.as_deref()),
        ("waiting_for_sink", Some("2026-01-01T00:00:03Z"))
    );
    all.settle(Some(&status(State::Running, &[State::Running, State::Failed])));
    assert_eq!((all.state.as_str(), all.sentence.as_deref()), ("failed", Some("it failed")));
    for (state, said) in [
        (State::Stopped, "stopped"),
        (State::Unassigned, "unassigned"),
        (State::Paused, "paused"),
        (State::Running, "no_partitions"),
    ] {
        let mut idle = HealthSummaryDto::idle();
        idle.settle(Some(&status(state, &[])));
        assert_eq!(idle.state, said);
    }
}

#[test]
fn what_failed_is_summed_and_the_least_time_counts_of_all_that_are_followed() {
    let followed = |followed, failed_batches, through: Option<&str>| HealthSummaryDto {
        counts: HealthCountsDto { followed, failed_batches, ..HealthCountsDto::default() },
        failed_sentence: (failed_batches > 0).then(|| "it failed".to_owned()),
        valid_through: through.map(str::to_owned),
        ..HealthSummaryDto::idle()
    };
    let (early, late) = ("2026-01-01T00:00:09.500Z", "2026-01-01T00:00:10.000Z");
    let mut all = followed(0, 0, None);
    all.add(followed(2, 1, Some(late)));
    all.add(followed(1, 2, Some(early)));
    all.add(followed(0, 0, None));
    assert_eq!(
        (all.valid_through.as_deref(), all.failed_sentence.as_deref()),
        (Some(early), Some("it failed"))
    );
    assert_eq!((all.counts.followed, all.counts.failed_batches), (3, 3));
    all.add(followed(1, 0, None));
    assert_eq!(all.valid_through, None, "one of them is not known");
}

#[test]
fn a_topic_is_missing_unless_somebody_reads_it() {
    let missing = MissingTopicDto { topic: "t".to_owned(), sentence: "no t".to_owned() };
    let mut alone = HealthSummaryDto { missing_topics: [missing.clone()].into(), ..HealthSummaryDto::idle() };
    let mut together = alone.clone();
    together.add(part(0, 0, 0).summary);
    together.settle(None);
    assert_eq!((together.state.as_str(), together.missing_topics.len()), ("in_step", 0));
    alone.settle(None);
    assert_eq!((alone.state.as_str(), alone.sentence.as_deref()), ("waiting_for_topic", Some("no t")));
}
