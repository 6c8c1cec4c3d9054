//! The data formats of ADX: their wire names, kinds of mapping, and how records are joined in them.
//!
//! Source: `kusto-sink-connector.md` §1.2 and `kusto-protocol.md` §6.1.

use std::fmt;

/// A format that a topic mapping may name. Letter case does not matter when read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum DataFormat {
    /// Comma separated, RFC 4180; also when no format is given.
    #[default]
    Csv,
    /// Tab separated.
    Tsv,
    /// Semicolon separated.
    Scsv,
    /// Separated by U+0001.
    Sohsv,
    /// Separated by `|`.
    Psv,
    /// One text column per line.
    Txt,
    /// Tab separated with backslash escapes.
    Tsve,
    /// The whole blob is one value.
    Raw,
    /// `json`, `singlejson` and `multijson`: JSON values back to back, always ingested as `multijson`.
    MultiJson,
    /// Avro object container files, the service's older reader.
    Avro,
    /// Avro object container files, the reader with logical types.
    ApacheAvro,
    /// Apache Parquet files.
    Parquet,
    /// Apache ORC files.
    Orc,
    /// Microsoft's internal stream format.
    SStream,
    /// W3C extended log files.
    W3cLogFile,
}

/// The kind of a pre-created ingestion mapping, as `ingestionMappingType` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MappingKind {
    /// Text by column position.
    Csv,
    /// JSON by path.
    Json,
    /// Avro by field.
    Avro,
    /// Avro by field, for the `apacheavro` reader.
    ApacheAvro,
    /// Parquet by column.
    Parquet,
    /// ORC by column.
    Orc,
    /// `SStream` by column.
    SStream,
    /// W3C log by field.
    W3cLogFile,
}

impl MappingKind {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "Csv",
            Self::Json => "Json",
            Self::Avro => "Avro",
            Self::ApacheAvro => "ApacheAvro",
            Self::Parquet => "Parquet",
            Self::Orc => "Orc",
            Self::SStream => "SStream",
            Self::W3cLogFile => "W3CLogFile",
        }
    }

    /// The name in commands, where one kind serves both readers of Avro (`kusto-protocol.md` §6.1).
    pub fn in_commands(self) -> String {
        let kind = if self == Self::ApacheAvro { Self::Avro } else { self };
        kind.as_str().to_ascii_lowercase()
    }
}

impl fmt::Display for MappingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl DataFormat {
    /// Names accepted in a topic mapping, for messages.
    pub const NAMES: &'static str = "csv, tsv, scsv, sohsv, psv, txt, tsve, raw, json, singlejson, multijson, avro, \
                                     apacheavro, parquet, orc, sstream, w3clogfile";

    /// The format called `name` in any letter case; an empty name is csv.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "" | "csv" => Self::Csv,
            "tsv" => Self::Tsv,
            "scsv" => Self::Scsv,
            "sohsv" => Self::Sohsv,
            "psv" => Self::Psv,
            "txt" => Self::Txt,
            "tsve" => Self::Tsve,
            "raw" => Self::Raw,
            "json" | "singlejson" | "multijson" => Self::MultiJson,
            "avro" => Self::Avro,
            "apacheavro" => Self::ApacheAvro,
            "parquet" => Self::Parquet,
            "orc" => Self::Orc,
            "sstream" => Self::SStream,
            "w3clogfile" => Self::W3cLogFile,
            _ => return None,
        })
    }

    /// The value of the queue message's `format`.
    pub fn wire(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Tsv => "tsv",
            Self::Scsv => "scsv",
            Self::Sohsv => "sohsv",
            Self::Psv => "psv",
            Self::Txt => "txt",
            Self::Tsve => "tsve",
            Self::Raw => "raw",
            Self::MultiJson => "multijson",
            Self::Avro => "avro",
            Self::ApacheAvro => "apacheavro",
            Self::Parquet => "parquet",
            Self::Orc => "orc",
            Self::SStream => "sstream",
            Self::W3cLogFile => "w3clogfile",
        }
    }

    /// The file name extension of a blob of this format, without the compression's.
    pub fn extension(self) -> &'static str {
        self.wire()
    }

    /// The kind of mapping that goes with this format. Unlike the JVM connector, which says Csv for the column
    /// formats and so makes the service refuse every blob.
    pub fn mapping_kind(self) -> MappingKind {
        match self {
            Self::Csv
            | Self::Tsv
            | Self::Scsv
            | Self::Sohsv
            | Self::Psv
            | Self::Txt
            | Self::Tsve
            | Self::Raw => MappingKind::Csv,
            Self::MultiJson => MappingKind::Json,
            Self::Avro => MappingKind::Avro,
            Self::ApacheAvro => MappingKind::ApacheAvro,
            Self::Parquet => MappingKind::Parquet,
            Self::Orc => MappingKind::Orc,
            Self::SStream => MappingKind::SStream,
            Self::W3cLogFile => MappingKind::W3cLogFile,
        }
    }

    /// True for the formats whose files cannot stand one behind the other in a blob.
    pub fn is_binary(self) -> bool {
        self.is_avro() || matches!(self, Self::Parquet | Self::Orc | Self::SStream)
    }

    /// True for both readers of Avro.
    pub fn is_avro(self) -> bool {
        matches!(self, Self::Avro | Self::ApacheAvro)
    }

    /// What stands between the fields of a line; none for formats without fields.
    pub fn field_separator(self) -> Option<char> {
        match self {
            Self::Csv => Some(','),
            Self::Tsv | Self::Tsve => Some('\t'),
            Self::Scsv => Some(';'),
            Self::Sohsv => Some('\u{1}'),
            Self::Psv => Some('|'),
            _ => None,
        }
    }
}

impl fmt::Display for DataFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.wire())
    }
}

#[cfg(test)]
mod tests {
    use crate::kusto::config::format::{DataFormat, MappingKind};

    #[test]
    fn names_and_wire_values_follow_the_table() {
        for (name, wire, kind) in [
            ("", "csv", MappingKind::Csv),
            ("CSV", "csv", MappingKind::Csv),
            ("json", "multijson", MappingKind::Json),
            ("singleJson", "multijson", MappingKind::Json),
            ("multijson", "multijson", MappingKind::Json),
            ("raw", "raw", MappingKind::Csv),
            ("apacheavro", "apacheavro", MappingKind::ApacheAvro),
            ("w3clogfile", "w3clogfile", MappingKind::W3cLogFile),
        ] {
            let format = DataFormat::from_name(name).unwrap();
            assert_eq!((format.wire(), format.mapping_kind()), (wire, kind), "{name}");
        }
        assert_eq!(DataFormat::from_name("cvs"), None);
        assert!(DataFormat::NAMES.split(", ").all(|name| DataFormat::from_name(name).is_some()));
    }
}
