//! `kusto-connect audit`: compares the offsets that Kafka has with the rows that are in the target, window by window, and tells
//! which records are missing, doubled or dead-lettered.
//!
//! It reads and asks; nothing is written, committed or made. What Kafka no longer has is said, and not guessed: compacted
//! offsets, control records and what retention has deleted are no records. `finding` and `ranges` are the arithmetic, the rest
//! asks Kafka (`by_offset`, `by_sum`, `letters`), the sink ([`crate::sink::TargetAuditor`]) and the connector's own
//! steps (`reasons`).

mod by_offset;
mod by_sum;
mod finding;
mod letters;
mod moment;
mod part;
mod reasons;
mod stored;
mod subject;
mod told;

pub use moment::moment;
pub use stored::settings;
pub use subject::{Audit, Error, Span, Teller};
pub use told::{Told, Totals};

use crate::config;
use crate::id::{OffsetRange, TopicPartition};
use crate::kafka::visitor::Visitor;
use crate::sink::{AuditSubject, KnownRows, OffsetRows, SinkContext, TargetAuditor, Topics};
use by_offset::ByOffset;
use by_sum::BySum;
use letters::Letters;
use reasons::Why;
use std::sync::Arc;
use told::PartitionTotals;

/// Compares all that is asked for; what is found is told while it goes on.
pub async fn run(audit: &Audit, told: &mut Teller<'_>) -> Result<Totals, Error> {
    let mut totals = Totals::default();
    let mut told = |news: Told| {
        totals.count(&news);
        told(news);
    };
    let (own, worker) = (audit.config.clone(), Arc::clone(&audit.worker));
    let visitor = move || Visitor::new(&worker, &own.name, &own.consumer_overrides);
    let visitor = config::files::beside(visitor).await?;
    visitor.reach().await?;
    let topics = topics(audit, &visitor).await?;
    let subject =
        AuditSubject { connector: &audit.config.name, topics: &audit.config.topics, columns: &audit.columns };
    let auditor = audit.config.sink.auditor(&subject, &SinkContext::default())?;
    let auditor = auditor.ok_or(Error::NoAuditor(audit.config.class.class))?;
    let letters = Letters::read(&audit.config, &audit.worker).await?;
    for text in &letters.notes {
        told(Told::Note { about: String::new(), text: text.clone() });
    }
    let mut comparison = Comparison { audit, visitor, auditor, letters, why: Why::default() };
    for topic in &topics {
        comparison.topic(topic, &mut told).await?;
    }
    Ok(totals)
}

/// The topics to be compared.
async fn topics(audit: &Audit, visitor: &Visitor) -> Result<Vec<String>, Error> {
    let all = match &audit.config.topics {
        Topics::List(topics) => topics.clone(),
        Topics::Regex(expression) => {
            let never = audit.worker.storage_topics().into_iter().map(str::to_owned).collect();
            visitor.matching(expression, never).await.map_err(Error::Topics)?
        }
    };
    if audit.topics.is_empty() {
        return Ok(all);
    }
    match audit.topics.iter().find(|topic| !all.contains(topic)) {
        Some(other) => Err(Error::OtherTopic(other.clone())),
        None => Ok(audit.topics.clone()),
    }
}

/// Who is asked.
struct Comparison<'a> {
    audit: &'a Audit,
    visitor: Visitor,
    auditor: Box<dyn TargetAuditor>,
    letters: Letters,
    why: Why,
}

impl Comparison<'_> {
    async fn topic(&mut self, topic: &str, told: &mut Teller<'_>) -> Result<(), Error> {
        let note = |about: &str, text: String| Told::Note { about: about.to_owned(), text };
        let Some(partitions) = self.visitor.partitions(topic).await? else {
            told(Told::NoTopic(topic.to_owned()));
            return Ok(());
        };
        let (parts, notes) = self.parts(topic, partitions).await?;
        let name = self.name(topic, &parts).await?;
        let found = self.auditor.of_topic(&name, partitions).await?;
        let by_offset = matches!(found.rows, KnownRows::ByOffset(_));
        told(Told::Topic { topic: topic.to_owned(), target: found.target.clone(), by_offset });
        for (about, text) in &notes {
            told(note(about, text.clone()));
        }
        if *name != *topic {
            told(note(
                topic,
                format!("transformations make it {name}, and rows are looked for as those of {name}"),
            ));
        }
        for text in found.notes {
            told(note(topic, text));
        }
        match found.rows {
            KnownRows::ByOffset(rows) => {
                self.by_offset(&name, (found.tombstones_are_rows, &*rows), parts, told).await
            }
            KnownRows::BySum { reason, rows } => {
                told(note(topic, format!("only sums can be compared: {reason}")));
                if self.audit.span != Span::default() {
                    let text = "records of the time that was asked for are compared with all rows".to_owned();
                    told(note(topic, text));
                }
                let parts: Vec<_> =
                    parts.into_iter().filter_map(|(partition, range)| Some((partition, range?))).collect();
                let sum = BySum {
                    audit: self.audit,
                    visitor: &self.visitor,
                    topic,
                    tombstones_are_rows: found.tombstones_are_rows,
                    rows: &*rows,
                    letters: &self.letters,
                };
                sum.run(&parts, told).await
            }
        }
    }

    async fn by_offset(
        &mut self,
        topic: &str,
        (tombstones_are_rows, rows): (bool, &dyn OffsetRows),
        parts: Parts,
        told: &mut Teller<'_>,
    ) -> Result<(), Error> {
        for (partition, range) in parts {
            let Some(range) = range else {
                told(Told::Partition(partition, PartitionTotals::default()));
                continue;
            };
            let one = ByOffset {
                audit: self.audit,
                visitor: &self.visitor,
                partition: &partition,
                topic,
                tombstones_are_rows,
                rows,
                letters: self.letters.of(&partition),
            };
            one.run(range, &mut self.why, told).await?;
        }
        Ok(())
    }

    /// What is compared of each partition, and notes with what they are about.
    async fn parts(&self, topic: &str, partitions: usize) -> Result<(Parts, Vec<(String, String)>), Error> {
        let (mut parts, mut notes) = (Vec::new(), Vec::new());
        for partition in 0..i32::try_from(partitions).unwrap_or(i32::MAX) {
            let partition = TopicPartition::new(topic, partition);
            let part = part::of(&self.visitor, &partition, self.audit.span).await?;
            notes.extend(part.notes.into_iter().map(|text| (partition.to_string(), text)));
            parts.push((partition, part.range));
        }
        Ok((parts, notes))
    }

    /// What the sink knows the records of `topic` by: transformations may name it anew.
    async fn name(&mut self, topic: &str, parts: &Parts) -> Result<Arc<str>, Error> {
        if !self.audit.config.transforms.transformations.is_empty() {
            for (partition, range) in parts {
                let Some(range) = *range else { continue };
                if let Some(name) = self.why.name(self.audit, partition, range).await? {
                    return Ok(name);
                }
            }
        }
        Ok(topic.into())
    }
}

/// Partitions, each with what is compared of it.
type Parts = Vec<(TopicPartition, Option<OffsetRange>)>;
