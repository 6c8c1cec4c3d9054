//! Avro's bytes, read from their beginning.
//!
//! Bytes may be anything: lengths are checked against what is left before anything is allocated, and depth and number of
//! values are bounded, for there are values that take no bytes. Pure.

use super::error::bad_value;
use crate::data::room::Room;
use crate::data::{self, Error, json_text};
use std::sync::Arc;

/// A record inside itself may be nested without end.
const MOST_DEPTH: usize = json_text::MOST_DEPTH;

/// What is left to be read.
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    depth: usize,
    pub(super) room: Room,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self::within(bytes, Room::for_avro(bytes.len()))
    }

    /// With the room that others left.
    pub(super) fn within(bytes: &'a [u8], room: Room) -> Self {
        Self { bytes, depth: 0, room }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Into another value, until [`Self::leave`].
    pub(super) fn enter(&mut self) -> Result<(), Error> {
        self.room.take(1)?;
        if self.depth >= MOST_DEPTH {
            return Err(bad_value(format!("it is nested deeper than {MOST_DEPTH} levels")));
        }
        self.depth += 1;
        Ok(())
    }

    pub(super) fn leave(&mut self) {
        self.depth -= 1;
    }

    /// True when an item of an array or a map follows. They come in blocks; `left` of them belong to the one that is being
    /// read.
    pub(super) fn is_item(&mut self, left: &mut i64) -> Result<bool, Error> {
        if *left == 0 {
            *left = self.long()?;
            if *left < 0 {
                // The block's size in bytes follows, for who wants to skip it.
                self.long()?;
                *left = left.checked_neg().ok_or_else(|| bad_value("a block has too many items"))?;
            }
            if *left == 0 {
                return Ok(false);
            }
        }
        // Items take bytes or are counted: this ends whatever the number is.
        *left -= 1;
        Ok(true)
    }

    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], Error> {
        let (taken, rest) = self.bytes.split_at_checked(count).ok_or_else(|| {
            bad_value(format!("it ends early: {count} bytes are wanted, {} are left", self.bytes.len()))
        })?;
        self.bytes = rest;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        self.take(N)?.try_into().map_err(|_| bad_value("it ends early"))
    }

    /// As many bytes as the number before them says.
    pub(super) fn counted(&mut self) -> Result<&'a [u8], Error> {
        let count = usize::try_from(self.long()?);
        self.take(count.map_err(|_| bad_value("a length is negative"))?)
    }

    pub(super) fn text(&mut self) -> Result<Arc<str>, Error> {
        // As in Java, what is no UTF-8 is replaced.
        Ok(data::utf8(self.counted()?).into())
    }

    pub(super) fn boolean(&mut self) -> Result<bool, Error> {
        match self.take(1)? {
            [0] => Ok(false),
            [1] => Ok(true),
            _ => Err(bad_value("a boolean is neither 0 nor 1")),
        }
    }

    pub(super) fn int(&mut self) -> Result<i32, Error> {
        i32::try_from(self.long()?).map_err(|_| bad_value("Invalid int encoding"))
    }

    /// A variable-length zig-zag number.
    pub(super) fn long(&mut self) -> Result<i64, Error> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let [byte] = self.array()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok((number >> 1).cast_signed() ^ -((number & 1).cast_signed()));
            }
        }
        Err(bad_value("Invalid long encoding"))
    }

    /// The place of one of so many: a branch of a union, a symbol of an enum.
    pub(super) fn place<'p, T>(&mut self, all: &'p [T], what: &str) -> Result<&'p T, Error> {
        let place = usize::try_from(self.long()?).ok();
        place.and_then(|place| all.get(place)).ok_or_else(|| bad_value(format!("{what} is not there")))
    }
}
