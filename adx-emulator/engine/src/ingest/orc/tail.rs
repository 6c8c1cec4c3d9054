//! The tail of an ORC file and of its stripes: what is where, how it is compressed, which types there are.
//!
//! Pure; damaged input is an error with a message.

use std::borrow::Cow;
use std::io::Read as _;

use flate2::read::DeflateDecoder;

use super::proto::{self, Value};
use super::runs::Code;

/// The most that one compressed chunk may become.
const CHUNK_LIMIT: u64 = 64 << 20;
/// The most rows in one stripe: a column without streams would say any number.
const ROW_LIMIT: u64 = 5_000_000;

/// Why a file cannot be read.
pub(crate) type Refusal = Cow<'static, str>;

/// What the file's bytes are compressed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compression {
    None,
    Zlib,
    Snappy,
}

/// One type of the schema's tree.
#[derive(Debug, Clone)]
pub(crate) struct Type {
    /// ORC's number of it.
    pub kind: u64,
    /// The types below it.
    pub children: Vec<usize>,
    /// Names of a struct's fields.
    pub names: Vec<String>,
}

/// A part of the file with whole rows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stripe {
    offset: u64,
    index: u64,
    data: u64,
    footer: u64,
    pub rows: usize,
}

/// What the end of a file says.
#[derive(Debug)]
pub(crate) struct Tail {
    /// Of all parts but the last.
    pub compression: Compression,
    pub stripes: Vec<Stripe>,
    /// All types; the first is the row.
    pub types: Vec<Type>,
}

/// One stream of a stripe, uncompressed.
#[derive(Debug)]
pub(crate) struct Stream {
    /// ORC's number of it.
    pub kind: u64,
    pub column: usize,
    pub data: Vec<u8>,
}

/// How a column is written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Encoding {
    /// Texts are numbers of a dictionary.
    pub dictionary: bool,
    /// How numbers are coded.
    pub code: Code,
    /// Texts in the dictionary.
    pub dictionary_size: usize,
}

fn damaged(part: &'static str) -> Refusal {
    Cow::Owned(format!("{part} is damaged"))
}

impl Tail {
    /// Reads the end of `file`.
    pub(crate) fn read(file: &[u8]) -> Result<Self, Refusal> {
        let bad = || damaged("its end");
        let (length, before) = file.split_last().ok_or_else(bad)?;
        let start = before.len().checked_sub(usize::from(*length)).ok_or_else(bad)?;
        let postscript = before.get(start..).and_then(proto::fields).ok_or_else(bad)?;
        if proto::all_bytes(&postscript, 8000).next() != Some(b"ORC".as_slice()) {
            return Err(Cow::Borrowed("it does not end as an ORC file"));
        }
        let compression = match proto::number(&postscript, 2) {
            0 => Compression::None,
            1 => Compression::Zlib,
            2 => Compression::Snappy,
            _ => return Err(Cow::Borrowed("its compression is none of none, zlib and snappy")),
        };
        let length = usize::try_from(proto::number(&postscript, 1)).map_err(|_| bad())?;
        let footer = start.checked_sub(length).and_then(|from| before.get(from..start)).ok_or_else(bad)?;
        let footer = uncompressed(footer, compression)?;
        let footer = proto::fields(&footer).ok_or_else(bad)?;
        let stripes = proto::all_bytes(&footer, 3).map(Stripe::read).collect::<Option<_>>();
        let types = proto::all_bytes(&footer, 4).map(Type::read).collect::<Option<Vec<_>>>();
        let (stripes, types) = stripes.zip(types).ok_or_else(bad)?;
        // A child comes after its parent, so that no type contains itself.
        let ordered = |(at, kind): (usize, &Type)| {
            kind.children.iter().all(|child| *child > at && *child < types.len())
        };
        if types.is_empty() || !types.iter().enumerate().all(ordered) {
            return Err(damaged("its schema"));
        }
        Ok(Self { compression, stripes, types })
    }
}

impl Type {
    fn read(message: &[u8]) -> Option<Self> {
        let fields = proto::fields(message)?;
        let children = proto::all_numbers(&fields, 2)?;
        let names = proto::all_bytes(&fields, 3).map(|name| String::from_utf8_lossy(name).into_owned());
        Some(Self {
            kind: proto::number(&fields, 1),
            children: children.into_iter().map(|child| usize::try_from(child).ok()).collect::<Option<_>>()?,
            names: names.collect(),
        })
    }
}

impl Stripe {
    fn read(message: &[u8]) -> Option<Self> {
        let fields = proto::fields(message)?;
        let number = |wanted| proto::number(&fields, wanted);
        let rows = Some(number(5)).filter(|rows| *rows <= ROW_LIMIT)?;
        Some(Self {
            offset: number(1),
            index: number(2),
            data: number(3),
            footer: number(4),
            rows: usize::try_from(rows).ok()?,
        })
    }

    /// The stripe's streams of data and the encodings of its columns.
    pub(crate) fn parts(
        &self,
        file: &[u8],
        compression: Compression,
    ) -> Result<(Vec<Stream>, Vec<Encoding>), Refusal> {
        let bad = || damaged("a stripe");
        let part = |from: Option<u64>, length: u64| -> Option<&[u8]> {
            let from = usize::try_from(from?).ok()?;
            file.get(from..from.checked_add(usize::try_from(length).ok()?)?)
        };
        let data_end = self.offset.checked_add(self.index).and_then(|end| end.checked_add(self.data));
        let footer = uncompressed(part(data_end, self.footer).ok_or_else(bad)?, compression)?;
        let footer = proto::fields(&footer).ok_or_else(bad)?;
        let encodings = proto::all_bytes(&footer, 2).map(Encoding::read).collect::<Option<_>>();
        let (mut streams, mut at) = (Vec::new(), Some(self.offset));
        for stream in proto::all_bytes(&footer, 1) {
            let stream: Vec<(u64, Value<'_>)> = proto::fields(stream).ok_or_else(bad)?;
            let (kind, length) = (proto::number(&stream, 1), proto::number(&stream, 3));
            // What comes after these kinds are indexes and filters.
            if kind <= 5 && kind != 4 {
                let column = usize::try_from(proto::number(&stream, 2)).map_err(|_| bad())?;
                let data = uncompressed(part(at, length).ok_or_else(bad)?, compression)?;
                streams.push(Stream { kind, column, data });
            }
            at = at.and_then(|at| at.checked_add(length));
        }
        Ok((streams, encodings.ok_or_else(bad)?))
    }
}

impl Encoding {
    fn read(message: &[u8]) -> Option<Self> {
        let fields = proto::fields(message)?;
        let kind = proto::number(&fields, 1);
        Some(Self {
            dictionary: matches!(kind, 1 | 3),
            code: if kind < 2 { Code::One } else { Code::Two },
            dictionary_size: usize::try_from(proto::number(&fields, 2)).ok()?,
        })
    }
}

/// `data` without their compression, which comes in chunks of a header of three bytes and what it says.
fn uncompressed(mut data: &[u8], compression: Compression) -> Result<Vec<u8>, Refusal> {
    if compression == Compression::None {
        return Ok(data.to_vec());
    }
    let bad = || damaged("a compressed chunk");
    let mut all = Vec::new();
    while let Some(([one, two, three], rest)) = data.split_first_chunk::<3>() {
        let header = u32::from_le_bytes([*one, *two, *three, 0]);
        let length = usize::try_from(header >> 1).map_err(|_| bad())?;
        let (chunk, rest) = rest.split_at_checked(length).ok_or_else(bad)?;
        data = rest;
        if header & 1 == 1 {
            all.extend_from_slice(chunk);
        } else if compression == Compression::Zlib {
            let read = DeflateDecoder::new(chunk).take(CHUNK_LIMIT).read_to_end(&mut all);
            read.map_err(|_| bad())?;
        } else {
            let length = snap::raw::decompress_len(chunk).map_err(|_| bad())?;
            if length as u64 > CHUNK_LIMIT {
                return Err(bad());
            }
            all.extend(snap::raw::Decoder::new().decompress_vec(chunk).map_err(|_| bad())?);
        }
    }
    if data.is_empty() { Ok(all) } else { Err(bad()) }
}
