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

/// How records stand in a blob of a format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Lines, each of which is a row.
    Lines {
        /// What stands between the fields of a line; none when it has none.
        separator: Option<char>,
    },
    /// JSON values.
    Documents,
    /// Lines that are read by the directives before them.
    Log,
    /// One file, for another cannot stand behind it.
    File {
        /// What it begins with.
        begin: &'static [u8],
        /// What it ends with.
        end: &'static [u8],
    },
}

/// What is known of a format.
struct FormatRow {
    format: DataFormat,
    /// The value of the queue message's `format`, which is a name in topic mappings too.
    wire: &'static str,
    /// Other names in topic mappings.
    names: &'static [&'static str],
    /// The kind of mapping that goes with it. Unlike the JVM connector, which says Csv for the column formats and so makes
    /// the service refuse every blob.
    mapping: MappingKind,
    shape: Shape,
}

const fn row(
    format: DataFormat,
    wire: &'static str,
    names: &'static [&'static str],
    mapping: MappingKind,
    shape: Shape,
) -> FormatRow {
    FormatRow { format, wire, names, mapping, shape }
}

const fn fields(separator: char) -> Shape {
    Shape::Lines { separator: Some(separator) }
}

const TEXT: Shape = Shape::Lines { separator: None };
const AVRO: Shape = Shape::File { begin: b"Obj\x01", end: b"" };

/// Each format, in the order of [`DataFormat`].
#[rustfmt::skip] // a table: one row is one format
static FORMATS: [FormatRow; 15] = [
    row(DataFormat::Csv, "csv", &[], MappingKind::Csv, fields(',')),
    row(DataFormat::Tsv, "tsv", &[], MappingKind::Csv, fields('\t')),
    row(DataFormat::Scsv, "scsv", &[], MappingKind::Csv, fields(';')),
    row(DataFormat::Sohsv, "sohsv", &[], MappingKind::Csv, fields('\u{1}')),
    row(DataFormat::Psv, "psv", &[], MappingKind::Csv, fields('|')),
    row(DataFormat::Txt, "txt", &[], MappingKind::Csv, TEXT),
    row(DataFormat::Tsve, "tsve", &[], MappingKind::Csv, fields('\t')),
    row(DataFormat::Raw, "raw", &[], MappingKind::Csv, TEXT),
    row(DataFormat::MultiJson, "multijson", &["json", "singlejson"], MappingKind::Json, Shape::Documents),
    row(DataFormat::Avro, "avro", &[], MappingKind::Avro, AVRO),
    row(DataFormat::ApacheAvro, "apacheavro", &[], MappingKind::ApacheAvro, AVRO),
    row(DataFormat::Parquet, "parquet", &[], MappingKind::Parquet, Shape::File { begin: b"PAR1", end: b"PAR1" }),
    row(DataFormat::Orc, "orc", &[], MappingKind::Orc, Shape::File { begin: b"ORC", end: b"" }),
    row(DataFormat::SStream, "sstream", &[], MappingKind::SStream, Shape::File { begin: b"", end: b"" }),
    row(DataFormat::W3cLogFile, "w3clogfile", &[], MappingKind::W3cLogFile, Shape::Log),
];

impl DataFormat {
    fn row(self) -> &'static FormatRow {
        &FORMATS[self as usize]
    }

    /// Names accepted in a topic mapping, for messages.
    pub fn names() -> String {
        let of = |row: &FormatRow| row.names.iter().chain([&row.wire]).copied().collect::<Vec<_>>();
        FORMATS.iter().flat_map(of).collect::<Vec<_>>().join(", ")
    }

    /// The format called `name` in any letter case; an empty name is csv.
    pub fn from_name(name: &str) -> Option<Self> {
        let is_named = |row: &&FormatRow| {
            row.names.iter().chain([&row.wire]).any(|known| known.eq_ignore_ascii_case(name))
        };
        if name.is_empty() {
            return Some(Self::default());
        }
        FORMATS.iter().find(is_named).map(|row| row.format)
    }

    /// The value of the queue message's `format`.
    pub fn wire(self) -> &'static str {
        self.row().wire
    }

    /// The kind of mapping that goes with this format.
    pub fn mapping_kind(self) -> MappingKind {
        self.row().mapping
    }

    /// How records stand in a blob.
    pub fn shape(self) -> Shape {
        self.row().shape
    }

    /// True for the formats whose files cannot stand one behind the other in a blob.
    pub fn is_binary(self) -> bool {
        matches!(self.shape(), Shape::File { .. })
    }

    /// True for both readers of Avro.
    pub fn is_avro(self) -> bool {
        matches!(self, Self::Avro | Self::ApacheAvro)
    }

    /// What stands between the fields of a line; none for formats without fields.
    pub fn field_separator(self) -> Option<char> {
        if let Shape::Lines { separator } = self.shape() { separator } else { None }
    }
}

impl fmt::Display for DataFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.wire())
    }
}

#[cfg(test)]
mod tests {
    use super::{DataFormat, FORMATS, MappingKind};

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
        let names = "csv, tsv, scsv, sohsv, psv, txt, tsve, raw, json, singlejson, multijson, avro, apacheavro, parquet, orc, \
                     sstream, w3clogfile";
        assert_eq!(DataFormat::names(), names);
        assert!(names.split(", ").all(|name| DataFormat::from_name(name).is_some()));
        assert!(FORMATS.iter().enumerate().all(|(place, row)| row.format as usize == place));
    }
}
