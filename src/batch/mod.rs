//! A batch: the records of one partition as one gzip stream, with its size, its offsets and its age.
//!
//! Pure: no I/O and no clock; time comes from outside. A batch belongs to one partition task and is never shared;
//! sealed, it is `Bytes` that nobody copies again.

mod error;
mod gzip;

use std::io::Read;

use bytes::Bytes;
use flate2::read::GzDecoder;

use crate::id::OffsetRange;
pub use error::Error;
use gzip::GzipStream;

/// Records in the making.
pub struct Batch {
    stream: GzipStream,
    offsets: Option<OffsetRange>,
    records: u64,
}

/// A finished batch.
#[derive(Debug, Clone)]
pub struct Sealed {
    /// The gzip stream.
    pub body: Bytes,
    /// Bytes before compression, exact.
    pub raw_bytes: u64,
    /// CRC-32 of those bytes, as in the gzip trailer.
    pub crc32: u32,
    /// Records written (tombstones do not count).
    pub records: u64,
    /// First and last offset written.
    pub offsets: OffsetRange,
}

impl Sealed {
    /// The bytes before compression.
    pub fn raw(&self) -> Result<Vec<u8>, Error> {
        let mut raw = Vec::with_capacity(usize::try_from(self.raw_bytes).unwrap_or(0));
        GzDecoder::new(self.body.as_ref()).read_to_end(&mut raw).map_err(|error| Error(error.to_string()))?;
        Ok(raw)
    }
}

impl Batch {
    /// An empty batch. It takes memory from its first record on.
    pub fn new() -> Self {
        Self { stream: GzipStream::new(), offsets: None, records: 0 }
    }

    /// Appends one record and `separator`.
    pub fn push(&mut self, offset: i64, bytes: &[u8], separator: &[u8]) -> Result<(), Error> {
        self.write(bytes)?;
        self.write(separator)?;
        self.count(offset);
        Ok(())
    }

    /// Appends bytes that are no record: a container's frame around them.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.stream.write(bytes)
    }

    /// Counts a record whose bytes come with a [`Self::write`] before the batch is sealed.
    pub fn count(&mut self, offset: i64) {
        self.records += 1;
        self.offsets = Some(match self.offsets {
            None => OffsetRange { first: offset, last: offset },
            Some(range) => OffsetRange { last: offset, ..range },
        });
    }

    /// Bytes before compression so far.
    pub fn raw_bytes(&self) -> u64 {
        self.stream.raw_bytes()
    }

    /// Bytes of memory held now.
    pub fn memory(&self) -> usize {
        self.stream.memory()
    }

    /// Bytes of memory it may hold after a record of `len` bytes more: an upper estimate, cheap to ask.
    pub fn memory_with(&self, len: usize) -> usize {
        self.stream.memory_with(len)
    }

    /// True until the first record.
    pub fn is_empty(&self) -> bool {
        self.offsets.is_none()
    }

    /// Finishes the stream and starts an empty batch in its place; none when there is no record.
    pub fn seal(&mut self) -> Result<Option<Sealed>, Error> {
        let Some(offsets) = self.offsets.take() else { return Ok(None) };
        let records = std::mem::take(&mut self.records);
        let raw_bytes = self.stream.raw_bytes();
        let (body, crc32) = self.stream.finish()?;
        Ok(Some(Sealed { body, raw_bytes, crc32, records, offsets }))
    }
}

impl Default for Batch {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::Batch;
    use crate::id::OffsetRange;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_goes_in_comes_out(
            batches in proptest::collection::vec(
                proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..60_000), 1..8), 1..4)
        ) {
            let mut batch = Batch::new();
            let mut offset = 0;
            for records in batches {
                let first = offset;
                let mut wanted = Vec::new();
                for record in &records {
                    batch.push(offset, record, b"\n").unwrap();
                    wanted.extend_from_slice(record);
                    wanted.push(b'\n');
                    offset += 1;
                }
                let sealed = batch.seal().unwrap().unwrap();
                let raw = sealed.raw().unwrap();
                prop_assert_eq!(sealed.raw_bytes, wanted.len() as u64);
                prop_assert_eq!(sealed.records, records.len() as u64);
                prop_assert_eq!(sealed.offsets, OffsetRange { first, last: offset - 1 });
                let trailer = &sealed.body[sealed.body.len() - 8..];
                prop_assert_eq!(&sealed.crc32.to_le_bytes()[..], &trailer[..4]);
                prop_assert!(raw == wanted);
                prop_assert!(batch.is_empty() && batch.seal().unwrap().is_none());
            }
        }
    }

    proptest! {
        /// Whatever comes, compressible or not: what was asked for before a record covers what is held after it, and the
        /// sealed bytes too.
        #[test]
        fn no_more_memory_than_was_asked_for(
            records in proptest::collection::vec((0_usize..400_000, any::<bool>(), any::<u32>()), 1..12)
        ) {
            asks_for_enough(records);
        }
    }

    /// Pushes records of these lengths: all alike, or noise that grows when it is "compressed".
    fn asks_for_enough(records: Vec<(usize, bool, u32)>) {
        let mut batch = Batch::new();
        let mut asked = 0;
        for (offset, (len, is_noise, seed)) in (0..).zip(records) {
            let mut state = u64::from(seed) | 1;
            let mut noise = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                state.to_be_bytes()[0]
            };
            let record: Vec<u8> = (0..len).map(|_| if is_noise { noise() } else { b'a' }).collect();
            asked = asked.max(batch.memory_with(record.len() + 1));
            batch.push(offset, &record, b"\n").unwrap();
            assert!(batch.memory() <= asked, "{} of {}", batch.memory(), asked);
        }
        let sealed = batch.seal().unwrap().unwrap();
        assert!(sealed.body.len() <= asked, "{} of {}", sealed.body.len(), asked);
    }

    #[test]
    fn noise_that_never_met_the_encoder_is_asked_for_too() {
        asks_for_enough(vec![(26_819, true, 0), (24_105, true, 1_847_816)]);
    }

    #[test]
    fn bytes_that_all_take_nine_bits_are_asked_for() {
        for len in [60_000, 400_000, 3_000_000] {
            let record: Vec<u8> =
                (0_u32..len).map(|at| 144 + (at.wrapping_mul(2_654_435_761) >> 24) as u8 % 112).collect();
            let mut batch = Batch::new();
            let asked = batch.memory_with(record.len());
            batch.push(0, &record, b"").unwrap();
            let held = batch.memory();
            let sealed = batch.seal().unwrap().unwrap().body.len();
            assert!(held <= asked && sealed <= asked, "{len}: {held} held, {sealed} sealed, {asked} asked");
        }
    }

    #[test]
    fn an_empty_batch_holds_no_memory() {
        let mut batch = Batch::new();
        assert_eq!(batch.memory(), 0);
        batch.push(5, b"x", b"").unwrap();
        assert!(batch.memory() > 0 && batch.memory() < 4096, "small records do not cost an encoder");
        assert_eq!(batch.raw_bytes(), 1);
        batch.seal().unwrap();
        assert_eq!(batch.memory(), 0);
    }
}
