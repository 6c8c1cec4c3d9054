//! `/connectors/X/health` (ours): what each partition does, since when and why, put together from all workers; and the
//! same in short for `/connectors?expand=health`.
//!
//! Connect's `status` says RUNNING while a service is away; this says what RUNNING means. Each worker tells of what it
//! reads; `forward=false` asks this one alone.

use super::Rest;
use super::dto_health::{
    ConnectorHealthDto, HealthCountsDto, HealthSummaryDto, MinuteDto, MissingTopicDto, PartitionHealthDto,
    SinkCountDto, TaskHealthDto,
};
use super::error::Error;
use super::moment::moment;
use super::openapi::{AnyTime, Named};
use super::others;
use super::path::{self, Name};
use super::query::Query;
use crate::metrics::{
    ConnectorSnapshot, FatesReading, MinuteReading, PartitionReading, SinkReading, SinkValue, StateReading,
    TaskReading,
};
use axum::Json;
use axum::extract::State;
use std::collections::BTreeMap;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

#[utoipa::path(get, path = "/connectors/{name}/health",
    params(Name, ("forward" = Option<String>, Query, description = "`false`: only what this worker reads.")),
    responses((status = 200, description = "What it does.", body = ConnectorHealthDto), AnyTime, Named))]
pub(super) async fn read(
    State(rest): State<Rest>,
    Name(name): Name,
    query: Query,
) -> Result<Json<ConnectorHealthDto>, Error> {
    let name = rest.herder.connector(&name).await?.name;
    let mut health = part(&rest, &name);
    if !others::is_for_this_worker(&query) {
        let path = format!("/connectors/{}/health", path::encode(&name));
        let (parts, unheard) = others::ask::<ConnectorHealthDto>(&rest, &path).await;
        for part in parts {
            health.add(part);
        }
        if !unheard.is_empty() {
            health.summary.valid_through = None;
        }
        health.unheard = unheard;
    }
    health.settle(rest.herder.status(&name).await.ok().as_deref());
    Ok(Json(health))
}

/// How all connectors are, in short: what this worker reads, and unless it alone is asked, what others do.
pub(super) async fn summaries(
    rest: &Rest,
    query: &Query,
) -> Result<BTreeMap<String, HealthSummaryDto>, Error> {
    let mut all: BTreeMap<String, HealthSummaryDto> = rest
        .metrics
        .metrics
        .read_connectors()
        .connectors
        .iter()
        .map(|connector| (connector.name.to_string(), summary(connector)))
        .collect();
    let is_whole = !others::is_for_this_worker(query);
    if is_whole {
        let (parts, unheard) = others::ask::<BTreeMap<String, Part>>(rest, "/connectors?expand=health").await;
        for (name, part) in parts.into_iter().flatten() {
            all.entry(name).or_insert_with(HealthSummaryDto::idle).add(part.health);
        }
        if !unheard.is_empty() {
            for summary in all.values_mut() {
                summary.valid_through = None;
            }
        }
        for one in unheard {
            tracing::debug!(
                worker = one.worker,
                reason = one.reason,
                "a worker did not tell of its partitions"
            );
        }
    }
    for (name, (_, status)) in rest.herder.expanded().await? {
        let summary = all.entry(name.to_string()).or_insert_with(HealthSummaryDto::idle);
        if is_whole {
            summary.settle(status.as_deref());
        }
    }
    Ok(all)
}

/// What another worker tells of a connector.
#[derive(serde::Deserialize)]
struct Part {
    health: HealthSummaryDto,
}

/// What this worker reads of a connector.
fn part(rest: &Rest, name: &str) -> ConnectorHealthDto {
    let (snapshot, minutes) = rest.metrics.metrics.read_connector(name);
    let connector = snapshot.connectors.first();
    let tasks = connector.into_iter().flat_map(|connector| &connector.tasks);
    let now = OffsetDateTime::now_utc();
    ConnectorHealthDto {
        name: name.to_owned(),
        summary: connector.map_or_else(HealthSummaryDto::idle, summary),
        tasks: tasks
            .filter_map(|task| Some((task.id, task.reading.as_ref()?)))
            .map(|(id, reading)| TaskHealthDto {
                id,
                partitions: reading.partitions.iter().map(|one| partition(one, now)).collect(),
                ..TaskHealthDto::default()
            })
            .collect(),
        sink: snapshot.sinks.iter().filter_map(sink_count).collect(),
        minutes: minutes.into_iter().map(minute).collect(),
        unheard: Vec::new(),
    }
}

fn summary(connector: &ConnectorSnapshot) -> HealthSummaryDto {
    let (mut summary, now) = (HealthSummaryDto::idle(), OffsetDateTime::now_utc());
    let tasks: Vec<_> = connector.tasks.iter().filter_map(|task| task.reading.as_ref()).collect();
    for partition in tasks.iter().flat_map(|task| &task.partitions) {
        let StateReading { state, lasts, sentence } = &partition.state;
        summary.note(state.as_str(), lasts.map(|ago| clock(now, ago)).as_deref(), sentence.as_deref());
        if !summary.topics.contains(&*partition.topic) {
            summary.topics.insert(partition.topic.to_string());
        }
    }
    let missing = connector.reading.iter().flat_map(|reading| &reading.missing);
    let missing = missing
        .map(|(topic, words)| MissingTopicDto { topic: topic.to_string(), sentence: words.to_string() });
    summary.missing_topics = missing.collect();
    let fates = connector.reading.as_ref().and_then(|reading| reading.fates.as_deref());
    summary.failed_sentence = fates.and_then(|fates| Some(fates.last_failure()?.sentence.clone()));
    summary.valid_through = fates.and_then(|fates| moment(fates.valid_through()?));
    summary.counts = counts(connector, &tasks);
    summary
}

fn counts(connector: &ConnectorSnapshot, tasks: &[&TaskReading]) -> HealthCountsDto {
    let partitions = || tasks.iter().flat_map(|task| &task.partitions);
    let sum = |of: fn(&PartitionReading) -> u64| partitions().map(of).sum::<u64>();
    let errors = |of: fn(&TaskReading) -> u64| tasks.iter().map(|task| of(task)).sum::<u64>();
    let rate = |place: usize| {
        tasks.iter().filter_map(|task| task.rates.get(place)).filter(|one| one.is_finite()).sum()
    };
    let done = connector.reading.as_ref();
    let fates = done.and_then(|done| done.fates.as_deref());
    HealthCountsDto {
        partitions: sum(|_| 1),
        lag: sum(|one| one.offsets.behind().unwrap_or(0)),
        oldest_seconds: partitions().filter_map(|one| one.oldest).max().map(|age| age.as_secs_f64()),
        records_per_second: rate(0),
        bytes_per_second: rate(1),
        open_records: sum(|one| one.active),
        in_flight: sum(|one| one.in_flight),
        records: done.map_or(0, |done| done.records),
        raw_bytes: done.map_or(0, |done| done.raw_bytes),
        sent_bytes: done.map_or(0, |done| done.body_bytes),
        batches: done.and_then(|done| done.deliver.counts.last().copied()).unwrap_or(0),
        dead_letters: errors(|task| task.errors.letters),
        dropped: errors(|task| task.errors.dropped),
        failed_records: errors(|task| task.errors.errors),
        retries: errors(|task| task.errors.retries),
        followed: fates.map_or(0, |fates| fates.partitions.len() as u64),
        failed_batches: fates.map_or(0, FatesReading::failed_batches),
    }
}

fn partition(of: &PartitionReading, now: OffsetDateTime) -> PartitionHealthDto {
    PartitionHealthDto {
        topic: of.topic.to_string(),
        partition: of.partition,
        state: of.state.state.as_str().to_owned(),
        since: of.state.lasts.map(|ago| clock(now, ago)),
        sentence: of.state.sentence.as_deref().map(str::to_owned),
        position: of.offsets.position,
        first: of.offsets.low,
        end: of.offsets.high,
        lag: of.offsets.behind(),
        oldest_seconds: of.oldest.map(|age| age.as_secs_f64()),
        open_records: of.active,
        in_flight: of.in_flight,
    }
}

fn sink_count(reading: &SinkReading) -> Option<SinkCountDto> {
    // Counters that may begin at zero are for those who watch them grow.
    let SinkValue::Count(count @ 1..) = reading.value else { return None };
    let labels = reading.metric.labels.iter().zip(&reading.labels);
    let labels = labels.map(|(label, value)| ((*label).to_owned(), value.to_string())).collect();
    Some(SinkCountDto { name: reading.metric.name.to_owned(), labels, count })
}

fn minute(of: MinuteReading) -> MinuteDto {
    let MinuteReading { minute, records, raw_bytes, lag, late_batches, late_ms } = of;
    MinuteDto { minute, records, raw_bytes, lag, late_batches, late_ms }
}

/// The time of day so long ago.
fn clock(now: OffsetDateTime, ago: std::time::Duration) -> String {
    let then = now.checked_sub(Duration::try_from(ago).unwrap_or_default());
    let then = then.and_then(|then| then.replace_nanosecond(0).ok());
    then.and_then(|then| then.format(&Rfc3339).ok()).unwrap_or_default()
}
