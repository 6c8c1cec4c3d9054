//! ORC's run-length codes: bytes, bits, and whole numbers in both versions.
//!
//! Pure. Each function gives exactly as many values as asked for, or none when the data are damaged or too short.

use super::proto::varint;

/// How whole numbers are coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    /// Version 1.
    One,
    /// Version 2.
    Two,
}

/// Bytes.
pub(crate) fn bytes(mut data: &[u8], count: usize) -> Option<Vec<u8>> {
    let mut all = Vec::new();
    while all.len() < count {
        let control = take(&mut data)?;
        if control < 0x80 {
            let byte = take(&mut data)?;
            all.resize(all.len() + usize::from(control) + 3, byte);
        } else {
            let (literals, rest) = data.split_at_checked(256 - usize::from(control))?;
            all.extend_from_slice(literals);
            data = rest;
        }
    }
    all.truncate(count);
    Some(all)
}

/// Bits, the highest of each byte first.
pub(crate) fn bits(data: &[u8], count: usize) -> Option<Vec<bool>> {
    let packed = bytes(data, count.div_ceil(8))?;
    let bit = |position: usize| packed.get(position / 8).map(|byte| byte >> (7 - position % 8) & 1 == 1);
    (0..count).map(bit).collect()
}

/// Whole numbers; lengths and nanoseconds are not signed.
pub(crate) fn numbers(data: &[u8], count: usize, code: Code, signed: bool) -> Option<Vec<i64>> {
    let mut reader = Reader { data, signed, all: Vec::new() };
    while reader.all.len() < count {
        match code {
            Code::One => reader.run_of_version_1()?,
            Code::Two => reader.run_of_version_2()?,
        }
    }
    reader.all.truncate(count);
    Some(reader.all)
}

fn take(data: &mut &[u8]) -> Option<u8> {
    let (byte, rest) = data.split_first()?;
    *data = rest;
    Some(*byte)
}

/// A signed number from its zigzag form.
pub(crate) fn unzigzag(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}

struct Reader<'a> {
    data: &'a [u8],
    signed: bool,
    all: Vec<i64>,
}

impl Reader<'_> {
    fn value(&self, number: u64) -> i64 {
        if self.signed { unzigzag(number) } else { number.cast_signed() }
    }

    fn run_of_version_1(&mut self) -> Option<()> {
        let control = take(&mut self.data)?;
        if control < 0x80 {
            let delta = i64::from(take(&mut self.data)?.cast_signed());
            let mut value = varint(&mut self.data).map(|number| self.value(number))?;
            for _ in 0..usize::from(control) + 3 {
                self.all.push(value);
                value = value.wrapping_add(delta);
            }
        } else {
            for _ in 0..256 - usize::from(control) {
                let number = varint(&mut self.data)?;
                self.all.push(self.value(number));
            }
        }
        Some(())
    }

    fn run_of_version_2(&mut self) -> Option<()> {
        let first = take(&mut self.data)?;
        if first >> 6 == 0 {
            let value = self.big_endian(usize::from(first >> 3 & 7) + 1)?;
            let value = self.value(value);
            self.all.resize(self.all.len() + usize::from(first & 7) + 3, value);
            return Some(());
        }
        let length = (usize::from(first & 1) << 8 | usize::from(take(&mut self.data)?)) + 1;
        let code = first >> 1 & 0x1f;
        match first >> 6 {
            1 => {
                let packed = self.packed(width(code), length)?;
                let values: Vec<_> = packed.into_iter().map(|number| self.value(number)).collect();
                self.all.extend(values);
                Some(())
            }
            2 => self.patched(width(code), length),
            _ => self.delta(if code == 0 { 0 } else { width(code) }, length),
        }
    }

    fn patched(&mut self, width_of_value: u32, length: usize) -> Option<()> {
        let (third, fourth) = (take(&mut self.data)?, take(&mut self.data)?);
        let base_bytes = u32::from(third >> 5) + 1;
        let (patch_width, gap_width) = (width(third & 0x1f), u32::from(fourth >> 5) + 1);
        let base = self.big_endian(usize::try_from(base_bytes).ok()?)?;
        // The highest bit of the base is its sign.
        let sign = 1_u64 << (base_bytes * 8 - 1);
        let magnitude = (base & (sign - 1)).cast_signed();
        let base = if base & sign == 0 { magnitude } else { magnitude.wrapping_neg() };
        let mut values = self.packed(width_of_value, length)?;
        let patches = self.packed(closest(gap_width + patch_width), usize::from(fourth & 0x1f))?;
        let mut at = 0;
        for patch in patches {
            at += usize::try_from(patch >> patch_width.min(63)).ok()?;
            let bits = patch & mask(patch_width);
            if bits != 0 {
                *values.get_mut(at)? |= bits.checked_shl(width_of_value)?;
            }
        }
        self.all.extend(values.into_iter().map(|value| base.wrapping_add(value.cast_signed())));
        Some(())
    }

    fn delta(&mut self, width: u32, length: usize) -> Option<()> {
        let mut value = varint(&mut self.data).map(|number| self.value(number))?;
        let step = unzigzag(varint(&mut self.data)?);
        self.all.push(value);
        if length > 1 {
            value = value.wrapping_add(step);
            self.all.push(value);
        }
        let more = length.saturating_sub(2);
        let deltas = if width == 0 { vec![step.unsigned_abs(); more] } else { self.packed(width, more)? };
        for delta in deltas {
            let delta = delta.cast_signed();
            value = if step < 0 { value.wrapping_sub(delta) } else { value.wrapping_add(delta) };
            self.all.push(value);
        }
        Some(())
    }

    fn big_endian(&mut self, length: usize) -> Option<u64> {
        let (bytes, rest) = self.data.split_at_checked(length)?;
        self.data = rest;
        Some(bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// `count` numbers of `width` bits, back to back, filled up to a whole byte.
    fn packed(&mut self, width: u32, count: usize) -> Option<Vec<u64>> {
        let width = usize::try_from(width).ok()?;
        let (bytes, rest) = self.data.split_at_checked((width * count).div_ceil(8))?;
        self.data = rest;
        let bit = |at: usize| bytes.get(at / 8).map_or(0, |byte| u64::from(byte >> (7 - at % 8) & 1));
        let number = |at: usize| (at * width..(at + 1) * width).fold(0, |number, at| number << 1 | bit(at));
        Some((0..count).map(number).collect())
    }
}

fn mask(width: u32) -> u64 {
    if width >= 64 { u64::MAX } else { (1 << width) - 1 }
}

/// The width that a code stands for.
fn width(code: u8) -> u32 {
    match code {
        0..=23 => u32::from(code) + 1,
        24..=27 => u32::from(code - 24) * 2 + 26,
        _ => u32::from(code.min(31) - 28) * 8 + 40,
    }
}

/// The narrowest width of a code that holds `width` bits.
fn closest(wanted: u32) -> u32 {
    (0..=31).map(width).find(|width| *width >= wanted).unwrap_or(64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The examples of the format's specification.
    #[test]
    fn the_examples_of_the_specification_are_read() {
        let two = |data: &[u8], count, signed| numbers(data, count, Code::Two, signed).unwrap();
        assert_eq!(two(&[0x0a, 0x27, 0x10], 5, false), [10_000; 5]);
        let direct = [0x5e, 0x03, 0x5c, 0xa1, 0xab, 0x1e, 0xde, 0xad, 0xbe, 0xef];
        assert_eq!(two(&direct, 4, false), [23_713, 43_806, 57_005, 48_879]);
        let delta = [0xc6, 0x09, 0x02, 0x02, 0x22, 0x42, 0x42, 0x46];
        assert_eq!(two(&delta, 10, false), [2, 3, 5, 7, 11, 13, 17, 19, 23, 29]);
        let patched = [
            0x8e, 0x13, 0x2b, 0x21, 0x07, 0xd0, 0x1e, 0x00, 0x14, 0x70, 0x28, 0x32, 0x3c, 0x46, 0x50, 0x5a,
            0x64, 0x6e, 0x78, 0x82, 0x8c, 0x96, 0xa0, 0xaa, 0xb4, 0xbe, 0xfc, 0xe8,
        ];
        let expected = [
            2030, 2000, 2020, 1_000_000, 2040, 2050, 2060, 2070, 2080, 2090, 2100, 2110, 2120, 2130, 2140,
            2150, 2160, 2170, 2180, 2190,
        ];
        assert_eq!(two(&patched, 20, false), expected);
        assert_eq!(numbers(&[0x61, 0x00, 0x07], 100, Code::One, false).unwrap(), [7; 100]);
        assert_eq!(numbers(&[0xfb, 2, 3, 6, 7, 0xb], 5, Code::One, false).unwrap(), [2, 3, 6, 7, 11]);
        assert_eq!(bytes(&[0x61, 0x00], 100).unwrap(), [0; 100]);
        assert_eq!(bytes(&[0xfe, 0x44, 0x45], 2).unwrap(), [0x44, 0x45]);
        assert_eq!(bits(&[0xff, 0x80], 8).unwrap()[..2], [true, false]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(
            data in proptest::collection::vec(any::<u8>(), 0..60), count in 0_usize..2000, signed in any::<bool>(),
        ) {
            for code in [Code::One, Code::Two] {
                if let Some(numbers) = numbers(&data, count, code, signed) {
                    prop_assert_eq!(numbers.len(), count);
                }
            }
            drop(bits(&data, count));
        }
    }
}
