//! A batch that the service refused for its content, taken apart until what it refuses stands alone: streaming ingestion
//! takes a request as a whole or not at all, and one bad record must not cost its neighbours.
//!
//! Only for connectors that go on after a refusal (`behavior.on.error`): where the task fails, all of the batch is read
//! again. Each part is a batch of its own, with its own id. It never decides what becomes of the bad records.

use std::ops::Range;

use crate::batch::{Batch, Sealed};
use crate::id::{BatchId, OffsetRange};
use crate::kusto::follow::{QueuedPart, TakenParts};
use crate::kusto::ingest::{self, IngestClient, IngestRequest, TakenBy, WaitingTeller};
use crate::sink::{Error, RefusedRecords};

/// Requests for the parts of one batch: some ten bad records among thousands are found. If there are more, then rather all
/// are bad (a mapping that does not fit), and what was not looked into counts as refused.
const MOST_PARTS: usize = 256;

/// Where each record of a batch ends, if that is to be remembered.
#[derive(Debug, Default)]
pub(super) struct Ends {
    are_kept: bool,
    /// Offset, and the bytes before compression up to the record's end.
    of: Vec<(i64, usize)>,
}

impl Ends {
    /// Of no record yet.
    pub(super) fn new(are_kept: bool) -> Self {
        Self { are_kept, of: Vec::new() }
    }

    /// A record was appended, which ends after `end` bytes.
    pub(super) fn push(&mut self, offset: i64, end: u64) {
        if self.are_kept {
            self.of.push((offset, usize::try_from(end).unwrap_or(usize::MAX)));
        }
    }

    /// Memory held now, in bytes.
    pub(super) fn memory(&self) -> usize {
        self.of.capacity() * size_of::<(i64, usize)>()
    }

    /// Memory that may be held after one record more.
    pub(super) fn memory_with_one(&self) -> usize {
        let grows = self.are_kept && self.of.len() == self.of.capacity();
        if grows { 2 * self.memory().max(64) } else { self.memory() }
    }

    /// Those of the batch, which is sealed.
    pub(super) fn take(&mut self) -> Self {
        std::mem::replace(self, Self::new(self.are_kept))
    }

    /// True when nothing is known of the records.
    pub(super) fn are_unknown(&self) -> bool {
        self.of.is_empty()
    }
}

/// Counts the records of `part`, which the service refused.
fn refuse(refused: &mut RefusedRecords, part: &[(i64, usize)]) {
    if let ([(first, _), ..], [.., (last, _)]) = (part, part) {
        refused.add(part.len() as u64, OffsetRange { first: *first, last: *last });
    }
}

/// Hands over what the service takes of `whole`, which it has refused for `reason`. `Ok` when it takes all of it, part by
/// part; [`Error::Records`] names what it does not take. `request` makes a part's request; what of it is queued is noted in `taken`.
pub(super) async fn bisect_batch(
    (client, waits): (&dyn IngestClient, &WaitingTeller),
    (whole, ends): (&Sealed, &Ends),
    request: impl Fn(&Sealed) -> IngestRequest + Send,
    mut reason: ingest::Error,
    taken: &mut TakenParts,
) -> Result<(), Error> {
    let raw = whole.raw()?;
    let mut bad = RefusedRecords::default();
    let mut left = MOST_PARTS;
    // Known to be refused.
    let mut refused: Vec<Range<usize>> = std::iter::once(0..ends.of.len()).collect();
    while let Some(part) = refused.pop() {
        if part.len() == 1 || left < 2 {
            refuse(&mut bad, &ends.of[part]);
            continue;
        }
        let middle = part.start + part.len() / 2;
        for half in [part.start..middle, middle..part.end] {
            left -= 1;
            let Some(sealed) = cut(&raw, ends, half.clone())? else { continue };
            let request = request(&sealed);
            match client.ingest_telling(&request, waits).await {
                Ok(by) => note(taken, &request, &sealed, by),
                Err(error) if error.is_of_content() => {
                    reason = error;
                    refused.push(half);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
    if bad.count() == 0 { Ok(()) } else { Err(Error::Records { refused: bad, cause: reason.into() }) }
}

/// Notes by which way `request` with the records of `sealed` was taken.
pub(super) fn note(taken: &mut TakenParts, request: &IngestRequest, sealed: &Sealed, by: TakenBy) {
    let Sealed { offsets, records, raw_bytes, .. } = *sealed;
    taken.note(QueuedPart { id: BatchId(request.id), offsets, records, raw_bytes }, by);
}

/// Some neighbouring records of a batch, as one of their own.
fn cut(raw: &[u8], ends: &Ends, part: Range<usize>) -> Result<Option<Sealed>, Error> {
    let mut batch = Batch::new();
    let mut start = part.start.checked_sub(1).map_or(0, |before| ends.of[before].1);
    for (offset, end) in &ends.of[part] {
        batch.push(*offset, &raw[start..*end], b"")?;
        start = *end;
    }
    Ok(batch.seal()?)
}

#[cfg(test)]
#[path = "bisect_tests.rs"]
mod tests;
