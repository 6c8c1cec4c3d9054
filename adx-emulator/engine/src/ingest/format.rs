//! The names of the formats, and which kind of mapping goes with which.
//!
//! Pure. `sstream` (its form is not public) and `azmonstream` are refused by name, as anything unknown is.

use super::avro::Dialect;
use super::mapping::Kind;
use crate::error::IngestFailure;

/// The formats the emulator reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// Fields with this separator, quoted.
    Quoted(u8),
    /// Tabs with backslash escapes.
    Escaped,
    /// One field per line.
    Lines,
    /// One field in all.
    Whole,
    /// One JSON record per line.
    JsonLines,
    /// JSON records back to back.
    JsonStream,
    /// One JSON record in all.
    JsonSingle,
    /// An Avro container file.
    Avro(Dialect),
    /// A Parquet file.
    Parquet,
    /// An ORC file.
    Orc,
    /// A W3C extended log.
    W3cLog,
}

impl Format {
    /// The format called `name` on the wire, in any case; none given means csv.
    pub(crate) fn parse(name: &str) -> Result<Self, IngestFailure> {
        Ok(match name.to_ascii_lowercase().as_str() {
            "" | "csv" => Self::Quoted(b','),
            "tsv" => Self::Quoted(b'\t'),
            "scsv" => Self::Quoted(b';'),
            "sohsv" => Self::Quoted(1),
            "psv" => Self::Quoted(b'|'),
            "tsve" => Self::Escaped,
            "txt" => Self::Lines,
            "raw" => Self::Whole,
            "json" => Self::JsonLines,
            "multijson" => Self::JsonStream,
            "singlejson" => Self::JsonSingle,
            "avro" => Self::Avro(Dialect::Plain),
            "apacheavro" => Self::Avro(Dialect::Logical),
            "parquet" => Self::Parquet,
            "orc" => Self::Orc,
            "w3clogfile" => Self::W3cLog,
            _ => {
                let details = format!("Format '{name}' is not supported by this emulator.");
                return Err(IngestFailure::permanent("BadRequest_FormatNotSupported", details));
            }
        })
    }

    /// The kind of the mappings that go with it.
    pub(crate) fn mapping_kind(self) -> Kind {
        match self {
            Self::JsonLines | Self::JsonStream | Self::JsonSingle => Kind::Json,
            Self::Quoted(_) | Self::Escaped | Self::Lines | Self::Whole => Kind::Csv,
            Self::Avro(_) => Kind::Avro,
            Self::Parquet => Kind::Parquet,
            Self::Orc => Kind::Orc,
            Self::W3cLog => Kind::W3cLogFile,
        }
    }
}
