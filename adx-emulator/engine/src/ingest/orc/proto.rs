//! Protobuf messages, as much as an ORC file's tail needs: fields by number, varints and bytes.
//!
//! Pure; damaged input gives none.

/// The value of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    /// A varint.
    Number(u64),
    /// A text, bytes, a message, or packed numbers.
    Bytes(&'a [u8]),
    /// A field of a fixed width, which nothing here reads.
    Fixed,
}

/// A message, field by field.
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
}

/// The fields of `message`; none as a whole when it is damaged.
pub(crate) fn fields(message: &[u8]) -> Option<Vec<(u64, Value<'_>)>> {
    let mut reader = Fields { rest: message };
    let mut all = Vec::new();
    while !reader.rest.is_empty() {
        all.push(reader.next_field()?);
    }
    Some(all)
}

impl<'a> Fields<'a> {
    fn next_field(&mut self) -> Option<(u64, Value<'a>)> {
        let tag = varint(&mut self.rest)?;
        let value = match tag & 7 {
            0 => Value::Number(varint(&mut self.rest)?),
            1 => self.skip(8)?,
            2 => {
                let length = usize::try_from(varint(&mut self.rest)?).ok()?;
                let (bytes, rest) = self.rest.split_at_checked(length)?;
                self.rest = rest;
                Value::Bytes(bytes)
            }
            5 => self.skip(4)?,
            _ => return None,
        };
        Some((tag >> 3, value))
    }

    fn skip(&mut self, length: usize) -> Option<Value<'a>> {
        self.rest = self.rest.get(length..)?;
        Some(Value::Fixed)
    }
}

/// Takes a varint of up to 64 bits.
pub(crate) fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

/// The last number of field `wanted`, 0 when it is not there.
pub(crate) fn number(fields: &[(u64, Value<'_>)], wanted: u64) -> u64 {
    let found = fields.iter().rev().find_map(|(field, value)| match value {
        Value::Number(number) if *field == wanted => Some(*number),
        _ => None,
    });
    found.unwrap_or(0)
}

/// The bytes of each field `wanted`.
pub(crate) fn all_bytes<'f, 'a>(
    fields: &'f [(u64, Value<'a>)],
    wanted: u64,
) -> impl Iterator<Item = &'a [u8]> + use<'f, 'a> {
    fields.iter().filter_map(move |(field, value)| match value {
        Value::Bytes(bytes) if *field == wanted => Some(*bytes),
        _ => None,
    })
}

/// The numbers of field `wanted`, packed or one by one.
pub(crate) fn all_numbers(fields: &[(u64, Value<'_>)], wanted: u64) -> Option<Vec<u64>> {
    let mut numbers = Vec::new();
    for (_, value) in fields.iter().filter(|(field, _)| *field == wanted) {
        match value {
            Value::Number(number) => numbers.push(*number),
            Value::Bytes(packed) => {
                let mut rest = *packed;
                while !rest.is_empty() {
                    numbers.push(varint(&mut rest)?);
                }
            }
            Value::Fixed => return None,
        }
    }
    Some(numbers)
}
