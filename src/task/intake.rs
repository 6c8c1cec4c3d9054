//! The reading half of a pipeline: from a take of records into batches, or to what is done about bad ones.
//!
//! It works on the pipeline's own state. Sending, waiting and telling are the other half's (`partition`).

use super::bad_records;
use super::kept::Original;
use super::partition::{Failed, Lack, MAX_IN_FLIGHT, Pipeline, Starved};
use super::passed_over::Dropped;
use super::schemas::Needed;
use super::stages::{Fault, SINK_TASK, Stage, Staged, Stuck};
use super::trouble::Waiter;
use super::{Error, Reservation, writers};
use crate::kafka::native::MAX_RECORDS;
use crate::kafka::{self, Records};
use crate::sink;
use futures::FutureExt;
use std::sync::Arc;

/// What became of a record.
enum Put {
    More,
    /// Its batch is full.
    Full,
    /// There is no memory for the batch of that topic: this much is needed.
    Starved(Arc<str>, usize),
}

/// Why a record is in no batch: its own fault, a schema that is not known yet, or the sink's fault.
enum Stop {
    Fault(Fault),
    Needs(Needed),
    Sink(sink::Error),
}

impl From<Stuck> for Stop {
    fn from(stuck: Stuck) -> Self {
        match stuck {
            Stuck::Fault(fault) => Self::Fault(fault),
            Stuck::Needs(needed) => Self::Needs(needed),
        }
    }
}

impl Stop {
    fn of_put(error: sink::Error) -> Self {
        match error {
            sink::Error::Record(source) => {
                Self::Fault(Fault { stage: Stage::TaskPut, class: SINK_TASK.into(), source })
            }
            other => Self::Sink(other),
        }
    }
}

/// What remains of a take.
enum Next {
    Done,
    Later,
}

impl Pipeline {
    /// Reads one take of records, or what is left of the last.
    pub(super) fn read(&mut self) -> Result<(), Error> {
        let mut records = if let Some(records) = self.pending.take() {
            records
        } else {
            let records = self.queue.take();
            self.more = records.len() == MAX_RECORDS;
            records
        };
        let read = self.read_all(&mut records);
        if let Ok(Next::Later) = read {
            self.pending = Some(records);
        }
        // Also what was reported just before a failure is part of the line.
        self.send_letters();
        if self.writers.first().is_none() {
            // Granted for a record that was a bad one, or nothing to write.
            self.writers.release();
        }
        read.map(drop)
    }

    fn read_all(&mut self, records: &mut Records) -> Result<Next, Error> {
        while let Some(record) = records.next_record() {
            let record = record.map_err(|(code, text)| Error::Fetch {
                at: self.at().into(),
                reason: format!("{code}: {text}"),
                advice: kafka::fetch_advice(Some(code)).unwrap_or("check consumer.override.*"),
            })?;
            let offset = record.offset;
            if self.line.is_behind(offset) {
                self.rewind(offset)?;
            }
            self.line.taken(offset);
            self.has_read = true;
            match self.put(&record) {
                Ok(Put::More) => self.line.read(offset),
                Ok(Put::Full) => {
                    self.line.read(offset);
                    let sealed = self.writers.seal_full();
                    self.send_all(sealed)?;
                    if self.uploads.len() >= MAX_IN_FLIGHT {
                        return Ok(Next::Later);
                    }
                }
                Ok(Put::Starved(topic, needed)) => {
                    records.put_back();
                    if !self.starve(Lack::Batch(topic), needed, offset)? {
                        return Ok(Next::Later);
                    }
                }
                Err(Stop::Fault(fault)) => {
                    if let Some(needed) = self.lacks_for_letter(&record, &fault) {
                        records.put_back();
                        if self.starve(Lack::Letter, needed, offset)? {
                            continue;
                        }
                        return Ok(Next::Later);
                    }
                    self.report_bad(&record, fault)?;
                    self.line.read(offset);
                }
                Err(Stop::Needs(needed)) => {
                    records.put_back();
                    let fetching = needed.fetch(self.at(), offset, self.teller(Waiter::Schema));
                    self.fetching = Some(fetching.boxed());
                    return Ok(Next::Later);
                }
                Err(Stop::Sink(source)) => return Err(self.sink_error(source)),
            }
        }
        Ok(Next::Done)
    }

    /// Takes a record through its stages into a batch.
    fn put(&mut self, record: &kafka::Record<'_>) -> Result<Put, Stop> {
        let staged = self.shared.stages.run(record, self.queue.id())?;
        let Staged::Record(staged) = staged else { return Ok(Put::More) };
        let Some(encoded) = self.writers.encode(&staged).map_err(Stop::of_put)? else {
            tracing::debug!(task = %self.task, partition = %self.queue.id(), offset = record.offset, "tombstone passed over");
            return Ok(Put::More);
        };
        let put = self.writers.put(&staged.topic, &encoded, record, &self.shared.budget);
        Ok(match put.map_err(Stop::of_put)? {
            writers::Put::More => Put::More,
            writers::Put::Full => Put::Full,
            writers::Put::Starved(needed) => Put::Starved(Arc::clone(&staged.topic), needed),
        })
    }

    /// A record that got no further: an error unless that is tolerated.
    fn report_bad(&mut self, record: &kafka::Record<'_>, fault: Fault) -> Result<(), Error> {
        let from = bad_records::From { task: &self.task, partition: self.queue.id(), counts: &self.counts };
        self.counts.failed(1);
        let delivered = self.shared.bad_records.report(from, &Original::of(record), &fault);
        let is_kept = delivered.is_some();
        if let Some(delivered) = delivered {
            self.letters.push(record.offset, delivered);
        }
        if !self.shared.bad_records.tolerates(fault.stage) {
            return Err(Error::BadRecord {
                at: self.at().into(),
                offset: record.offset,
                setting: fault.stage.setting(self.shared.setting_names.target),
                fault: fault.into(),
            });
        }
        self.counts.skipped(1);
        let reason = self.letters.passed_over(record.offset, &fault);
        if !is_kept {
            self.counts.dropped(1);
            let last = format!("{} offset {}: {reason}", self.queue.id(), record.offset);
            Dropped::add(&mut self.dropped, Dropped { records: 1, last });
        }
        Ok(())
    }

    /// The memory that the letter about a record needs and does not get now.
    fn lacks_for_letter(&mut self, record: &kafka::Record<'_>, fault: &Fault) -> Option<usize> {
        let size = self.shared.bad_records.letter_size(&Original::of(record), fault)?;
        let needed = self.letters.size + size;
        if !self.shared.budget.try_grow(&mut self.letters.memory, needed) {
            return Some(size);
        }
        self.letters.size = needed;
        None
    }

    /// Waits for the letters of one take beside the batches; the line of offsets waits with them.
    fn send_letters(&mut self) {
        let Some(sent) =
            self.letters.take((&self.task, self.queue.id()), self.shared.bad_records.sink_setting())
        else {
            return;
        };
        let ticket = self.line.sent(sent.offsets.first);
        self.in_flight.insert(ticket, sent.offsets);
        let teller = self.teller(Waiter::Letters(ticket));
        self.uploads.spawn(async move {
            let delivered = teller.letters(sent.delivered).await.map_err(Failed::Letter);
            drop(sent.memory);
            (ticket, delivered.map(|()| None))
        });
    }

    /// Kafka went back: what was read before stays a batch of its own, and the line of offsets starts again here.
    fn rewind(&mut self, offset: i64) -> Result<(), Error> {
        tracing::warn!(task = %self.task, partition = %self.queue.id(), offset, "Kafka sends earlier offsets again");
        let sealed = self.writers.seal_all();
        self.send_all(sealed)?;
        self.send_letters();
        self.line.rewind(offset);
        Ok(())
    }

    /// No memory for the record at `offset`: what is open goes out, so that memory comes back without waiting for its age,
    /// and the record is tried again at once (true). Only a partition that has nothing open waits.
    fn starve(&mut self, lack: Lack, needed: usize, offset: i64) -> Result<bool, Error> {
        if self.writers.first().is_some() || self.letters.are_any() {
            let sealed = self.writers.seal_all();
            self.send_all(sealed)?;
            self.send_letters();
            return Ok(self.uploads.len() < MAX_IN_FLIGHT);
        }
        self.writers.release();
        self.letters.memory = Reservation::default();
        if let Some(budget) = self.shared.budget.says_too_small(needed) {
            tracing::warn!(
                task = %self.task, partition = %self.queue.id(), offset, needed, budget,
                "a record needs more memory than worker.buffer.bytes gives to all: it goes through alone, and so do others of \
                 its size; set worker.buffer.bytes to several times the largest record"
            );
        }
        self.starved = Some(Starved { lack, place: self.shared.budget.queue(needed) });
        Ok(false)
    }
}
