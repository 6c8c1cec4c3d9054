//! ORC files, read stripe by stripe.
//!
//! Pure: bytes in, trees out, one stripe in memory at a time. Compression: none, zlib, snappy. Unions are not read. Own
//! code, because the library for it brings all of Arrow and costs minutes of build: only the emulator reads ORC.

mod columns;
mod proto;
mod runs;
mod tail;

use super::tree::{self, Each};
use crate::error::IngestFailure;
use columns::Stripe;
use tail::Tail;

/// Reads a file, row by row.
pub(crate) fn read(data: &[u8], each: &mut Each<'_>) -> Result<(), IngestFailure> {
    let invalid = |text: tail::Refusal| tree::invalid("orc", text);
    let tail = Tail::read(data).map_err(invalid)?;
    for stripe in &tail.stripes {
        let (streams, encodings) = stripe.parts(data, tail.compression).map_err(invalid)?;
        let parts = Stripe { types: &tail.types, streams: &streams, encodings: &encodings };
        let rows = parts.column(0, stripe.rows).ok_or_else(|| {
            tree::invalid("orc", "a stripe is damaged or has a column of a type that is not read")
        })?;
        for row in &rows {
            if !row.is_object() {
                return Err(tree::invalid("orc", "its rows are not structs"));
            }
            each(row)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
