//! The columns of one ORC stripe as trees, one per row.
//!
//! Pure. A column's values are there only for the rows that its `PRESENT` stream says; all other rows are null.

use serde_json::{Map, Value};

use super::runs;
use super::tail::{Encoding, Stream, Type};
use crate::ingest::tree;

/// Seconds from 1970 to 2015, where ORC's moments are counted from.
const EPOCH: i64 = 1_420_070_400;

/// The parts of one stripe.
pub(crate) struct Stripe<'a> {
    pub types: &'a [Type],
    pub streams: &'a [Stream],
    pub encodings: &'a [Encoding],
}

impl Stripe<'_> {
    /// The values of `column` in `rows` rows; none when they are damaged or of a type that has no reader.
    pub(crate) fn column(&self, column: usize, rows: usize) -> Option<Vec<Value>> {
        let Some(present) = self.stream(column, 0) else { return self.present(column, rows) };
        let present = runs::bits(present, rows)?;
        let count = present.iter().filter(|present| **present).count();
        let mut values = self.present(column, count)?.into_iter();
        present.iter().map(|present| if *present { values.next() } else { Some(Value::Null) }).collect()
    }

    fn stream(&self, column: usize, kind: u64) -> Option<&[u8]> {
        let found = self.streams.iter().find(|stream| stream.column == column && stream.kind == kind);
        found.map(|stream| stream.data.as_slice())
    }

    /// The stream, empty when it was left out because nothing is in it.
    fn data(&self, column: usize, kind: u64) -> &[u8] {
        self.stream(column, kind).unwrap_or_default()
    }

    fn numbers(&self, column: usize, kind: u64, count: usize, signed: bool) -> Option<Vec<i64>> {
        runs::numbers(self.data(column, kind), count, self.encodings.get(column)?.code, signed)
    }

    fn lengths(&self, column: usize, count: usize) -> Option<Vec<usize>> {
        let lengths = self.numbers(column, 2, count, false)?;
        lengths.into_iter().map(|length| usize::try_from(length).ok()).collect()
    }

    /// The `count` values of a column that are there.
    fn present(&self, column: usize, count: usize) -> Option<Vec<Value>> {
        let data = self.data(column, 1);
        match self.types.get(column)?.kind {
            0 => Some(runs::bits(data, count)?.into_iter().map(Value::from).collect()),
            1 => {
                let bytes = runs::bytes(data, count)?;
                Some(bytes.into_iter().map(|byte| Value::from(byte.cast_signed())).collect())
            }
            2..=4 => Some(self.numbers(column, 1, count, true)?.into_iter().map(Value::from).collect()),
            5 => floats(data, count, |bytes| f64::from(f32::from_le_bytes(bytes))),
            6 => floats(data, count, f64::from_le_bytes),
            7 | 8 | 16 | 17 => self.texts(column, count),
            9 | 18 => self.moments(column, count),
            10 => self.lists(column, count),
            11 => self.maps(column, count),
            12 => self.structs(column, count),
            14 => self.decimals(column, count),
            15 => {
                let days = self.numbers(column, 1, count, true)?;
                Some(
                    days.into_iter().map(|days| i32::try_from(days).map_or(Value::Null, tree::day)).collect(),
                )
            }
            _ => None,
        }
    }

    fn texts(&self, column: usize, count: usize) -> Option<Vec<Value>> {
        let encoding = self.encodings.get(column)?;
        if !encoding.dictionary {
            return split(self.data(column, 1), &self.lengths(column, count)?);
        }
        let size = Some(encoding.dictionary_size).filter(|size| *size <= self.data(column, 2).len() * 512)?;
        let dictionary = split(self.data(column, 3), &self.lengths(column, size)?)?;
        let places = self.numbers(column, 1, count, false)?;
        places.into_iter().map(|place| dictionary.get(usize::try_from(place).ok()?).cloned()).collect()
    }

    fn moments(&self, column: usize, count: usize) -> Option<Vec<Value>> {
        let seconds = self.numbers(column, 1, count, true)?;
        let fractions = self.numbers(column, 5, count, false)?;
        let moment = |(seconds, fraction): (i64, i64)| {
            // The last three bits count the zeros that were cut off, less one.
            let zeros = u32::try_from(fraction & 7).ok()?;
            let nanos = (fraction >> 3).checked_mul(10_i64.pow(if zeros == 0 { 0 } else { zeros + 1 }))?;
            let seconds = seconds.checked_add(EPOCH)?;
            // Before 1970 the writers round the seconds towards it.
            let seconds = if seconds < 0 && nanos > 999_999 { seconds - 1 } else { seconds };
            Some(tree::moment(i128::from(seconds) * 10_000_000 + i128::from(nanos / 100)))
        };
        seconds.into_iter().zip(fractions).map(moment).collect()
    }

    fn decimals(&self, column: usize, count: usize) -> Option<Vec<Value>> {
        let scales = self.numbers(column, 5, count, true)?;
        let mut data = self.data(column, 1);
        let next = |scale: i64| {
            let number = wide_varint(&mut data)?;
            Some(
                usize::try_from(scale)
                    .map_or(Value::Null, |scale| tree::decimal(&number.to_be_bytes(), scale)),
            )
        };
        scales.into_iter().map(next).collect()
    }

    fn lists(&self, column: usize, count: usize) -> Option<Vec<Value>> {
        let lengths = self.lengths(column, count)?;
        let mut items = self.below(column, 0, &lengths)?.into_iter();
        Some(lengths.into_iter().map(|length| items.by_ref().take(length).collect()).collect())
    }

    fn maps(&self, column: usize, count: usize) -> Option<Vec<Value>> {
        let lengths = self.lengths(column, count)?;
        let keys = self.below(column, 0, &lengths)?;
        let mut members = keys
            .into_iter()
            .zip(self.below(column, 1, &lengths)?)
            .map(|(key, value)| (key.as_str().map_or_else(|| key.to_string(), str::to_owned), value));
        let map = |length| Value::Object(members.by_ref().take(length).collect::<Map<_, _>>());
        Some(lengths.into_iter().map(map).collect())
    }

    /// The values of a list's or map's child, all rows together.
    fn below(&self, column: usize, child: usize, lengths: &[usize]) -> Option<Vec<Value>> {
        let total = lengths.iter().try_fold(0_usize, |sum, length| sum.checked_add(*length))?;
        let total = Some(total).filter(|total| *total <= 1 << 26)?;
        self.column(*self.types.get(column)?.children.get(child)?, total)
    }

    fn structs(&self, column: usize, count: usize) -> Option<Vec<Value>> {
        let kind = self.types.get(column)?;
        let mut rows = vec![Map::new(); count];
        for (child, name) in kind.children.iter().zip(&kind.names) {
            for (row, value) in rows.iter_mut().zip(self.column(*child, count)?) {
                row.insert(name.clone(), value);
            }
        }
        Some(rows.into_iter().map(Value::Object).collect())
    }
}

fn floats<const N: usize>(data: &[u8], count: usize, read: fn([u8; N]) -> f64) -> Option<Vec<Value>> {
    let (numbers, _) = data.as_chunks::<N>();
    Some(numbers.get(..count)?.iter().map(|bytes| tree::real(read(*bytes))).collect())
}

/// Texts of these lengths, back to back.
fn split(mut data: &[u8], lengths: &[usize]) -> Option<Vec<Value>> {
    let next = |length: &usize| {
        let (text, rest) = data.split_at_checked(*length)?;
        data = rest;
        Some(Value::from(String::from_utf8_lossy(text)))
    };
    lengths.iter().map(next).collect()
}

/// A signed varint of up to 128 bits.
fn wide_varint(data: &mut &[u8]) -> Option<i128> {
    let mut number = 0_u128;
    for shift in (0..128).step_by(7) {
        let (byte, rest) = data.split_first()?;
        *data = rest;
        number |= u128::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some((number >> 1).cast_signed() ^ -(number & 1).cast_signed());
        }
    }
    None
}
