//! What is in the tables, for who compares them with Kafka: questions to the engine by the client that ingestion has, as a
//! viewer of the database. They change nothing.
//!
//! An answer is never larger than a listing of the window that was asked for; what may pass is tried again a few times.

mod columns;
mod counting;

use super::error::Error;
use super::kusto::KustoClient;
use super::managed::ManagedIngestClient;
use super::target::{Question, TargetChecker, TargetFound, quoted_name, quoted_text};
use super::{HttpPools, Target};
use crate::id::OffsetRange;
use crate::kusto::config::{KustoSinkConfig, RowLayout, TopicMapping};
use crate::metrics::SinkCounts;
use crate::ranges::OffsetRanges;
use crate::retry::Backoff;
use crate::sink::{
    self, AuditColumns, AuditSubject, AuditWindow, AuditedTopic, KnownRows, OffsetRows, RowSum, RowsFound,
    SummedRows, TargetAuditor, Topics,
};
use async_trait::async_trait;
use columns::{Columns, Coordinates, text_of};
use counting::{BIN, Bin, judge, parts, take};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// The name of these questions in errors.
const OPERATION: &str = "audit";
/// Offsets that one answer of counts is about: ten thousand bins.
const MOST_OFFSETS: i64 = 10_000_000;
/// Bins that are listed at once: as many rows as a window of a hundred thousand offsets has, well below what an answer may hold.
const MOST_BINS: usize = 100;
/// Tries of one question.
const TRIES: u32 = 6;
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(20);

/// Looks into the tables of one connector.
#[derive(Debug)]
pub struct Auditor {
    client: ManagedIngestClient,
    config: KustoSinkConfig,
    columns: AuditColumns,
    /// Topics whose rows may share a table.
    topics: Vec<String>,
    by_expression: bool,
}

/// Rows of a topic in a table, as KQL.
struct Rows {
    engine: Arc<KustoClient>,
    database: Arc<str>,
    /// The table, and what makes rows those of the topic.
    source: String,
}

struct ByOffset {
    rows: Rows,
    partition: Option<String>,
    offset: String,
}

struct Summed {
    rows: Rows,
    columns: Columns,
}

impl Auditor {
    /// For the connector of `subject`, over the connections of `pools`. No I/O.
    pub fn new(
        config: &KustoSinkConfig,
        subject: &AuditSubject<'_>,
        pools: &HttpPools,
    ) -> Result<Self, Error> {
        let client = ManagedIngestClient::new(config, subject.connector, pools, SinkCounts::default())?;
        let (topics, by_expression) = match subject.topics {
            Topics::List(topics) => (topics.clone(), false),
            Topics::Regex(_) => (Vec::new(), true),
        };
        Ok(Self { client, config: config.clone(), columns: subject.columns.clone(), topics, by_expression })
    }

    /// What the table and its ingestion mapping look like.
    async fn look(&self, target: &TopicMapping) -> Result<(Columns, Option<String>), Error> {
        let TopicMapping { database, table, format, mapping, streaming, .. } = target.clone();
        let target = Target { database, table, format, mapping, streaming };
        let checker = TargetChecker {
            engine: &self.client.engine,
            principal: self.client.principal.as_deref(),
            thorough: true,
        };
        let ask = async |question: &Question| match checker.look(&target.database, question).await? {
            TargetFound::There(answer) => Ok(answer),
            TargetFound::Missing(error) => Err(error),
        };
        let schema = ask(&Question::of_table(&target)).await?;
        let columns = Columns::parse(schema.text("Schema").unwrap_or_default());
        let mapping = match Question::of_mapping(&target) {
            Some(question) => ask(&question).await?.text("Mapping").map(str::to_owned),
            None => None,
        };
        Ok((columns, mapping))
    }

    /// Another topic whose rows are in the table of `topic`.
    fn sibling(&self, topic: &str, target: &TopicMapping) -> Option<&String> {
        self.topics.iter().filter(|other| *other != topic).find(|other| {
            let found = self.config.mapping.get(other);
            found.is_some_and(|found| found.database == target.database && found.table == target.table)
        })
    }

    /// Why rows cannot be told by their offsets.
    fn hindrance(
        &self,
        (topic, partitions): (&str, usize),
        target: &TopicMapping,
        found: &Coordinates,
    ) -> Option<String> {
        let lacks = |what: &str, setting: &str| {
            format!(
                "table {}.{} has no column for the {what} that the settings tell of ('columns' of \
                 kusto.tables.topics.mapping), and none was named ({setting})",
                target.database, target.table
            )
        };
        if found.offset.is_none() {
            return Some(lacks("offset", "--offset-column"));
        }
        if found.partition.is_none() && partitions > 1 {
            return Some(lacks("partition", "--partition-column"));
        }
        let sibling = if found.topic.is_none() { self.sibling(topic, target) } else { None };
        sibling
            .map(|other| format!("{}; the rows of {other} are in it too", lacks("topic", "--topic-column")))
    }

    fn notes(&self, topic: &str, target: &TopicMapping, found: &Coordinates) -> Vec<String> {
        if found.topic.is_some() {
            return Vec::new();
        }
        let table = format!("{}.{}", target.database, target.table);
        if let Some(other) = self.sibling(topic, target) {
            return vec![format!("the rows of {other} are in {table} too, and cannot be told apart")];
        }
        let others = if self.by_expression { ", and of no other topic that the connector reads" } else { "" };
        vec![format!("no column has the topic: all rows of {table} are taken to be of {topic}{others}")]
    }
}

#[async_trait]
impl TargetAuditor for Auditor {
    async fn of_topic(&self, topic: &str, partitions: usize) -> Result<AuditedTopic, sink::Error> {
        let Some(target) = self.config.mapping.get(topic) else {
            let reason = format!("the topic {topic} has no table in kusto.tables.topics.mapping");
            return Err(sink::Error::Failed(reason.into()));
        };
        let (columns, mapping) = self.look(&target).await?;
        let found = Coordinates::find(&target, &columns, mapping.as_deref(), &self.columns);
        let hindrance = self.hindrance((topic, partitions), &target, &found);
        let notes = self.notes(topic, &target, &found);
        let mut source = quoted_name(&target.table);
        if let Some(column) = &found.topic {
            source = format!("{source} | where {column} == {}", quoted_text(topic));
        }
        let engine = Arc::clone(&self.client.engine);
        let rows = Rows { engine, database: Arc::clone(&target.database), source };
        let by = [&found.topic, &found.partition, &found.offset].into_iter().flatten().map(String::as_str);
        let by = by.collect::<Vec<_>>().join(", ");
        let table = format!("table {}.{}", target.database, target.table);
        let (target_words, known) = match (hindrance, found.offset) {
            (None, Some(offset)) => {
                let rows = ByOffset { rows, partition: found.partition, offset };
                (format!("{table}, by {by}"), KnownRows::ByOffset(Box::new(rows)))
            }
            (reason, _) => {
                let rows = Box::new(Summed { rows, columns });
                (table, KnownRows::BySum { reason: reason.unwrap_or_default(), rows })
            }
        };
        Ok(AuditedTopic {
            target: target_words,
            tombstones_are_rows: target.layout != RowLayout::Value,
            notes,
            rows: known,
        })
    }
}

impl Rows {
    /// The rows of the answer to a query about them.
    async fn ask(&self, operators: &str) -> Result<Vec<Vec<Value>>, Error> {
        let csl = format!("{} | {operators}", self.source);
        let mut pauses = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE, 11);
        loop {
            match self.engine.query(OPERATION, &self.database, &csl).await {
                Ok(table) => return Ok(table.into_rows()),
                Err(error) if error.is_retriable() && pauses.attempts() + 1 < TRIES => {
                    tokio::time::sleep(pauses.next_pause()).await;
                }
                Err(error) => return Err(error),
            }
        }
    }
}

impl ByOffset {
    fn filter(&self, partition: i32, range: OffsetRange) -> String {
        let Self { offset, partition: column, .. } = self;
        let of_partition =
            column.as_ref().map(|column| format!("{column} == {partition} and ")).unwrap_or_default();
        format!("where {of_partition}{offset} between ({} .. {})", range.first, range.last)
    }

    async fn bins(&self, filter: &str) -> Result<Vec<Bin>, Error> {
        let offset = &self.offset;
        let query = format!(
            "{filter} | summarize n = count(), d = count_distinct({offset}) by b = bin({offset}, {BIN}) | \
             project b, n, d | sort by b asc"
        );
        let rows = self.rows.ask(&query).await?;
        let bin = |row: &Vec<Value>| {
            let [first, rows, offsets] = numbers(row)?;
            Some(Bin { first, rows: rows.try_into().ok()?, offsets: offsets.try_into().ok()? })
        };
        rows.iter().map(|row| bin(row).ok_or_else(|| self.strange(row))).collect()
    }

    /// Takes the rows of the bins at `open` one by one.
    async fn list(
        &self,
        filter: &str,
        open: &[i64],
        expected: &OffsetRanges,
        found: &mut RowsFound,
    ) -> Result<(), Error> {
        let offset = &self.offset;
        let bins = open.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let query = format!(
            "{filter} | where bin({offset}, {BIN}) in ({bins}) | summarize n = count() by o = {offset} | \
             project o, n | sort by o asc"
        );
        for row in &self.rows.ask(&query).await? {
            let [offset, rows] = numbers(row).ok_or_else(|| self.strange(row))?;
            take((offset, rows.unsigned_abs()), expected, found);
        }
        Ok(())
    }

    fn strange(&self, row: &[Value]) -> Error {
        Error::Malformed {
            operation: OPERATION,
            url: self.rows.engine.url(),
            text: format!("a row of numbers was expected, not {}", Value::from(row.to_vec())),
            setting: "kusto.query.url",
        }
    }
}

#[async_trait]
impl OffsetRows for ByOffset {
    async fn rows(&self, window: &AuditWindow<'_>) -> Result<RowsFound, sink::Error> {
        let mut found = RowsFound::default();
        for part in parts(window.range, MOST_OFFSETS) {
            let filter = self.filter(window.partition.partition, part);
            let bins = self.bins(&filter).await?;
            let open = judge(&bins, part, window.expected, &mut found);
            for open in open.chunks(MOST_BINS) {
                self.list(&filter, open, window.expected, &mut found).await?;
            }
        }
        Ok(found)
    }
}

#[async_trait]
impl SummedRows for Summed {
    async fn sum(&self, key: Option<&str>) -> Result<RowSum, sink::Error> {
        let query = match key {
            None => "summarize n = count()".to_owned(),
            Some(key) => format!(
                "extend k = {} | summarize n = count(), d = count_distinct(k), l = sum(strlen(k))",
                text_of(key, &self.columns)
            ),
        };
        let rows = self.rows.ask(&query).await?;
        let number = |place: usize| rows.first().and_then(|row| row.get(place)?.as_u64()).unwrap_or(0);
        Ok(RowSum { rows: number(0), keys: key.map(|_| (number(1), number(2))) })
    }
}

fn numbers<const N: usize>(row: &[Value]) -> Option<[i64; N]> {
    let numbers: Option<Vec<i64>> = row.iter().map(Value::as_i64).collect();
    numbers?.try_into().ok()
}
