//! Which of a schema's messages a record holds. Pure.

use super::error::bad_message;
use crate::convert::wire::Framed;
use crate::data::Error;
use prost_reflect::{FileDescriptor, MessageDescriptor};

/// More levels of messages in messages no schema has.
const MOST_LEVELS: u64 = 64;

/// A message of a schema.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Which {
    /// The place of a message in the file, then of one inside it, and so on.
    Path(Vec<usize>),
    /// A message of this name.
    Named(String),
}

impl Which {
    /// Finds it.
    pub(super) fn find(&self, file: &FileDescriptor) -> Option<MessageDescriptor> {
        match self {
            Self::Path(path) => {
                let (first, inner) = path.split_first()?;
                let mut message = file.messages().nth(*first)?;
                for place in inner {
                    let child = message.child_messages().nth(*place)?;
                    message = child;
                }
                Some(message)
            }
            Self::Named(name) => {
                let mut open: Vec<_> = file.messages().collect();
                while let Some(message) = open.pop() {
                    if message.name() == name || message.full_name() == name {
                        return Some(message);
                    }
                    open.extend(message.child_messages());
                }
                None
            }
        }
    }
}

/// Reads what stands before a message, and gives the message's bytes.
pub(super) fn read<'a>(indexes: bool, framed: &Framed<'a>) -> Result<(Which, &'a [u8]), Error> {
    match (indexes, framed.in_header) {
        (true, Some(mut header)) => Ok((path(&mut header)?, framed.payload)),
        (true, None) => {
            let mut payload = framed.payload;
            Ok((path(&mut payload)?, payload))
        }
        (false, Some(_)) => {
            let name = framed.detail.map(|name| Which::Named(String::from_utf8_lossy(name).into_owned()));
            Ok((name.unwrap_or_else(|| Which::Path(vec![0])), framed.payload))
        }
        (false, None) => named(framed.payload),
    }
}

/// Confluent's list of indexes; an empty one stands for the first message.
fn path(bytes: &mut &[u8]) -> Result<Which, Error> {
    let count = zig_zag(bytes)?;
    if count == 0 {
        return Ok(Which::Path(vec![0]));
    }
    if count > MOST_LEVELS {
        return Err(bad_message("the list of message indexes is too long"));
    }
    let index = |_| {
        let index = usize::try_from(zig_zag(bytes)?);
        index.map_err(|_| bad_message("a message index is too great"))
    };
    Ok(Which::Path((0..count).map(index).collect::<Result<_, _>>()?))
}

/// Apicurio's, where no header has the name: a message of its own, with the name in its field 1, behind its length.
fn named(payload: &[u8]) -> Result<(Which, &[u8]), Error> {
    let mut rest = payload;
    let length = usize::try_from(varint(&mut rest)?).map_err(|_| short())?;
    let (mut reference, message) = rest.split_at_checked(length).ok_or_else(short)?;
    if reference.is_empty() {
        return Ok((Which::Path(vec![0]), message));
    }
    if varint(&mut reference)? != 0x0a {
        return Err(bad_message("the name of the message is missing"));
    }
    let length = usize::try_from(varint(&mut reference)?).map_err(|_| short())?;
    let name = reference.get(..length).ok_or_else(short)?;
    Ok((Which::Named(String::from_utf8_lossy(name).into_owned()), message))
}

/// A number that cannot be negative, in the form of those that can.
fn zig_zag(bytes: &mut &[u8]) -> Result<u64, Error> {
    let number = varint(bytes)?;
    if number & 1 == 1 {
        return Err(bad_message("a message index is negative"));
    }
    Ok(number >> 1)
}

fn varint(bytes: &mut &[u8]) -> Result<u64, Error> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first().ok_or_else(short)?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if *byte < 0x80 {
            return Ok(number);
        }
    }
    Err(bad_message("a number is too long"))
}

fn short() -> Error {
    bad_message("it ends before its message")
}
