//! One gzip stream into memory.
//!
//! Records are collected into chunks before they meet the encoder: one encoder call per record costs a third of the
//! throughput. The encoder, a quarter of a MiB of state, is made when the first chunk is full and dropped with the
//! stream, so a partition with little traffic holds only what it has read.

use bytes::Bytes;
use flate2::{Compress, Compression, FlushCompress, Status};

use super::error::Error;

/// Raw bytes that are handed to the encoder at once.
const CHUNK: usize = 64 * 1024;
/// Output space that is added when there is none left; an eighth of the output, when that is more.
const GROWTH: usize = 32 * 1024;
/// Input that the encoder may hold back and give later, at most.
const HELD_BACK: usize = 128 * 1024;
/// Estimates grow in such steps, so that they need not be reserved record by record.
const STEP: usize = 64 * 1024;
/// Level 1: a seventh to a tenth of the CPU of the JVM's level 6, for blobs about twice the size.
const LEVEL: u32 = 1;
/// What zlib's state takes at 15 bits of window (measured 268 KiB with zlib-rs).
const ENCODER_MEMORY: usize = 272 * 1024;

/// The stream: raw bytes waiting, the encoder, the compressed bytes.
pub(super) struct GzipStream {
    waiting: Vec<u8>,
    encoder: Option<Compress>,
    compressed: Vec<u8>,
    raw_bytes: u64,
}

impl GzipStream {
    pub(super) fn new() -> Self {
        Self { waiting: Vec::new(), encoder: None, compressed: Vec::new(), raw_bytes: 0 }
    }

    pub(super) fn raw_bytes(&self) -> u64 {
        self.raw_bytes
    }

    pub(super) fn memory(&self) -> usize {
        self.waiting.capacity()
            + self.compressed.capacity()
            + self.encoder.as_ref().map_or(0, |_| ENCODER_MEMORY)
    }

    pub(super) fn memory_with(&self, len: usize) -> usize {
        let wanted = self.waiting.len() + len;
        // It doubles when it has to, and bytes may come in pieces.
        let capacity = self.waiting.capacity();
        let waiting = if wanted > capacity { capacity.max(2 * wanted.min(CHUNK)).max(16) } else { capacity };
        if self.encoder.is_none() && wanted <= CHUNK {
            return self.compressed.capacity() + waiting.max(longest(wanted));
        }
        // The encoder runs: its state, and what the input may become, to the stream's end.
        let output = self.compressed.len() + longest(wanted + HELD_BACK);
        let output = self.compressed.capacity().max(output + growth(output));
        (waiting + ENCODER_MEMORY + output).next_multiple_of(STEP)
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.raw_bytes += bytes.len() as u64;
        if self.waiting.len() + bytes.len() > CHUNK {
            self.compress_waiting(FlushCompress::None)?;
        }
        if bytes.len() > CHUNK {
            return self.compress(bytes, FlushCompress::None);
        }
        self.waiting.extend_from_slice(bytes);
        Ok(())
    }

    /// Ends the stream: the compressed bytes and the CRC-32 of the raw ones. The stream is empty afterwards.
    pub(super) fn finish(&mut self) -> Result<(Bytes, u32), Error> {
        self.compress_waiting(FlushCompress::Finish)?;
        let mut compressed = std::mem::take(&mut self.compressed);
        *self = Self::new();
        // Else the place that was not needed would stay with the bytes, uncounted.
        compressed.shrink_to_fit();
        // A gzip member ends with the CRC-32 and the length of its content, four bytes each.
        let crc = compressed.len().checked_sub(8).and_then(|at| compressed.get(at..at + 4));
        let crc = crc.and_then(|crc| crc.try_into().ok()).map(u32::from_le_bytes);
        let crc = crc.ok_or_else(|| Error("the stream has no trailer".to_owned()))?;
        Ok((Bytes::from(compressed), crc))
    }

    fn compress_waiting(&mut self, flush: FlushCompress) -> Result<(), Error> {
        let mut waiting = std::mem::take(&mut self.waiting);
        self.compress(&waiting, flush)?;
        waiting.clear();
        self.waiting = waiting;
        Ok(())
    }

    fn compress(&mut self, mut bytes: &[u8], flush: FlushCompress) -> Result<(), Error> {
        // 15 bits of window is what every reader understands; `gzip` adds header and trailer.
        let encoder = self.encoder.get_or_insert_with(|| Compress::new_gzip(Compression::new(LEVEL), 15));
        loop {
            if self.compressed.len() == self.compressed.capacity() {
                self.compressed.reserve_exact(growth(self.compressed.len()));
            }
            let before = encoder.total_in();
            let status = encoder
                .compress_vec(bytes, &mut self.compressed, flush)
                .map_err(|error| Error(error.to_string()))?;
            let taken = usize::try_from(encoder.total_in() - before).unwrap_or(bytes.len());
            bytes = &bytes[taken..];
            match (flush, status) {
                (FlushCompress::Finish, Status::StreamEnd) => return Ok(()),
                (FlushCompress::None, _) if bytes.is_empty() => return Ok(()),
                _ => {}
            }
        }
    }
}

/// The most output that `len` bytes of input become, with the stream's frame. Level 1 writes with fixed codes, which
/// give half of all bytes nine bits, and does not fall back to storing what grows so.
fn longest(len: usize) -> usize {
    len + len / 8 + 64
}

/// The space added to `len` bytes of output.
fn growth(len: usize) -> usize {
    GROWTH.max(len / 8)
}
