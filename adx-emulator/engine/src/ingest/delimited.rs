//! The text formats made of records and fields: csv and its family, tsve, txt, raw.
//!
//! Pure: bytes in, records out one by one, in order; only the current record is kept. Quoting follows RFC 4180
//! (`csv-core`); empty lines are not records; all records have as many fields as the first (`kusto-protocol.md` §6.2).

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

use crate::error::IngestFailure;

/// A record above this size fails the blob (`kusto-protocol.md` §6.4).
const MAX_RECORD_BYTES: usize = 64 << 20;

/// The fields of one record.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields<'a> {
    text: &'a str,
    ends: &'a [usize],
}

impl<'a> Fields<'a> {
    /// The number of fields.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The field at `position`, from 0.
    pub(crate) fn get(&self, position: usize) -> Option<&'a str> {
        let end = *self.ends.get(position)?;
        let start = if position == 0 { 0 } else { self.ends[position - 1] };
        self.text.get(start..end)
    }
}

/// What is done with each record.
pub(crate) type Each<'a> = dyn FnMut(Fields<'_>) -> Result<(), IngestFailure> + 'a;

/// Reads fields separated by `separator`, quoted as in RFC 4180.
pub(crate) fn read_quoted(data: &[u8], separator: u8, each: &mut Each<'_>) -> Result<(), IngestFailure> {
    let mut reader = Assembler::new(separator);
    reader.feed(data, each)?;
    // A file need not end with a line end; a second one is an empty line, which is no record.
    reader.feed(b"\n", each)?;
    if reader.is_inside_quotes() {
        let record = reader.records + 1;
        return Err(malformed(
            "Stream_ClosingQuoteMissing",
            &format!("record {record} has no closing quote"),
        ));
    }
    Ok(())
}

fn malformed(code: &'static str, details: &str) -> IngestFailure {
    IngestFailure::permanent(code, format!("Stream has a malformed CSV format: {details}"))
}

/// `csv-core` with its buffers: takes input in pieces, gives whole records.
struct Assembler {
    reader: Reader,
    output: Vec<u8>,
    used: usize,
    ends: Vec<usize>,
    fields: usize,
    records: u64,
}

impl Assembler {
    fn new(separator: u8) -> Self {
        let reader = ReaderBuilder::new().delimiter(separator).build();
        Self { reader, output: vec![0; 4096], used: 0, ends: vec![0; 64], fields: 0, records: 0 }
    }

    fn feed(&mut self, mut input: &[u8], each: &mut Each<'_>) -> Result<(), IngestFailure> {
        while !input.is_empty() {
            match self.step(&mut input) {
                ReadRecordResult::OutputFull if self.output.len() >= MAX_RECORD_BYTES => {
                    let details =
                        format!("record {} is larger than {MAX_RECORD_BYTES} bytes", self.records + 1);
                    return Err(malformed("Stream_InputStreamTooLarge", &details));
                }
                ReadRecordResult::OutputFull => self.output.resize(self.output.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                ReadRecordResult::Record => {
                    self.records += 1;
                    emit(&self.output[..self.used], &self.ends[..self.fields], each)?;
                    (self.used, self.fields) = (0, 0);
                }
                ReadRecordResult::InputEmpty | ReadRecordResult::End => {}
            }
        }
        Ok(())
    }

    fn step(&mut self, input: &mut &[u8]) -> ReadRecordResult {
        let (result, read, written, ended) =
            self.reader.read_record(input, &mut self.output[self.used..], &mut self.ends[self.fields..]);
        *input = &input[read..];
        self.used += written;
        self.fields += ended;
        result
    }

    /// After a line end the reader is between records or inside quotes; only a record's end tells which.
    fn is_inside_quotes(&mut self) -> bool {
        let mut probe: &[u8] = b"x\n";
        while !probe.is_empty() {
            match self.step(&mut probe) {
                ReadRecordResult::Record => return false,
                ReadRecordResult::OutputFull => self.output.resize(self.output.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                ReadRecordResult::InputEmpty | ReadRecordResult::End => {}
            }
        }
        true
    }
}

/// Gives one record out as text; bytes that are not UTF-8 become U+FFFD, field by field.
fn emit(bytes: &[u8], ends: &[usize], each: &mut Each<'_>) -> Result<(), IngestFailure> {
    if let Ok(text) = std::str::from_utf8(bytes)
        && ends.iter().all(|end| text.is_char_boundary(*end))
    {
        return each(Fields { text, ends });
    }
    let (mut text, mut start) = (String::new(), 0);
    let mut fixed = Vec::with_capacity(ends.len());
    for end in ends {
        text.push_str(&String::from_utf8_lossy(&bytes[start..*end]));
        fixed.push(text.len());
        start = *end;
    }
    each(Fields { text: &text, ends: &fixed })
}

/// Reads tab-separated fields with backslash escapes (`\t`, `\n`, `\r`, `\\`); quotes mean nothing.
pub(crate) fn read_escaped(data: &[u8], each: &mut Each<'_>) -> Result<(), IngestFailure> {
    let (mut output, mut ends) = (Vec::new(), Vec::new());
    let mut bytes = data.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => output.push(match bytes.next() {
                Some(b't') => b'\t',
                Some(b'n') => b'\n',
                Some(b'r') => b'\r',
                Some(other) => other,
                None => b'\\',
            }),
            b'\t' => ends.push(output.len()),
            b'\r' if bytes.peek() == Some(&b'\n') => {}
            b'\n' => end_record(&mut output, &mut ends, each)?,
            other => output.push(other),
        }
    }
    end_record(&mut output, &mut ends, each)
}

fn end_record(output: &mut Vec<u8>, ends: &mut Vec<usize>, each: &mut Each<'_>) -> Result<(), IngestFailure> {
    if !(output.is_empty() && ends.is_empty()) {
        ends.push(output.len());
        emit(output, ends, each)?;
    }
    output.clear();
    ends.clear();
    Ok(())
}

/// Reads one field per line; empty lines are not records.
pub(crate) fn read_lines(data: &[u8], each: &mut Each<'_>) -> Result<(), IngestFailure> {
    for line in data.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if !line.is_empty() {
            emit(line, &[line.len()], each)?;
        }
    }
    Ok(())
}

/// Gives the whole content as one record of one field.
pub(crate) fn read_whole(data: &[u8], each: &mut Each<'_>) -> Result<(), IngestFailure> {
    emit(data, &[data.len()], each)
}

/// Refuses a record whose number of fields differs from the first one's.
#[derive(Debug, Default)]
pub(crate) struct ConstantWidth {
    width: Option<usize>,
    records: u64,
}

impl ConstantWidth {
    /// Looks at the next record.
    pub(crate) fn check(&mut self, fields: &Fields<'_>) -> Result<(), IngestFailure> {
        self.records += 1;
        let width = *self.width.get_or_insert(fields.len());
        if width == fields.len() {
            return Ok(());
        }
        let details = format!(
            "wrong number of fields: record {} has {}, the records before it have {width}",
            self.records,
            fields.len()
        );
        Err(malformed("Stream_WrongNumberOfFields", &details))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Reading = Result<Vec<Vec<String>>, &'static str>;

    fn collect(read: impl FnOnce(&mut Each<'_>) -> Result<(), IngestFailure>) -> Reading {
        let mut records = Vec::new();
        let result = read(&mut |fields| {
            records.push((0..fields.len()).map(|n| fields.get(n).unwrap().to_owned()).collect());
            Ok(())
        });
        result.map(|()| records).map_err(|failure| failure.code)
    }

    fn csv(text: &[u8]) -> Reading {
        collect(|each| read_quoted(text, b',', each))
    }

    #[expect(clippy::unnecessary_wraps, reason = "it stands where a reading is expected")]
    fn rows(rows: &[&[&str]]) -> Reading {
        Ok(rows.iter().map(|row| row.iter().map(|field| (*field).to_owned()).collect()).collect())
    }

    #[test]
    fn csv_follows_the_rfc() {
        assert_eq!(csv(b"a,b\nc,d\n"), rows(&[&["a", "b"], &["c", "d"]]));
        assert_eq!(csv(b"a,b\r\nc,d"), rows(&[&["a", "b"], &["c", "d"]]));
        assert_eq!(csv(b"\"a,b\",\"say \"\"hi\"\"\"\n"), rows(&[&["a,b", "say \"hi\""]]));
        assert_eq!(csv(b"\"two\nlines\",x"), rows(&[&["two\nlines", "x"]]));
        assert_eq!(csv(b"\"\"\n"), rows(&[&[""]]));
        assert_eq!(csv(b",\n"), rows(&[&["", ""]]));
        assert_eq!(csv(b"a\n\n\r\nb\n"), rows(&[&["a"], &["b"]]));
        assert_eq!(csv(b""), rows(&[]));
        assert_eq!(csv("é,ü".as_bytes()), rows(&[&["é", "ü"]]));
        assert_eq!(csv(b"\xff,b"), rows(&[&["\u{fffd}", "b"]]));
        assert_eq!(csv(b"\xc3,\xa9"), rows(&[&["\u{fffd}", "\u{fffd}"]]));
    }

    #[test]
    fn a_missing_closing_quote_is_an_error() {
        for text in [&b"a,\"b"[..], b"a,\"b\n", b"\"", b"a,b\nc,\"d\ne,f\n", b"a,\"\"\""] {
            assert_eq!(csv(text), Err("Stream_ClosingQuoteMissing"), "{text:?}");
        }
    }

    #[test]
    fn other_separators_work_alike() {
        let read = |separator| collect(move |each| read_quoted(b"a\tb|c;d\x01e\n", separator, each));
        assert_eq!(read(b'\t'), rows(&[&["a", "b|c;d\x01e"]]));
        assert_eq!(read(b'|'), rows(&[&["a\tb", "c;d\x01e"]]));
        assert_eq!(read(b';'), rows(&[&["a\tb|c", "d\x01e"]]));
        assert_eq!(read(1), rows(&[&["a\tb|c;d", "e"]]));
    }

    #[test]
    fn escapes_lines_and_whole_files() {
        let escaped = collect(|each| read_escaped(b"a\\tb\t\"c\\n\r\n\nd\te\\\\", each));
        assert_eq!(escaped, rows(&[&["a\tb", "\"c\n"], &["d", "e\\"]]));
        assert_eq!(collect(|each| read_lines(b"a,b\r\n\nc", each)), rows(&[&["a,b"], &["c"]]));
        assert_eq!(collect(|each| read_whole(b"a\nb\n", each)), rows(&[&["a\nb\n"]]));
    }

    #[test]
    fn widths_must_be_equal() {
        let mut width = ConstantWidth::default();
        let result = read_quoted(b"a,b\nc\n", b',', &mut |fields| width.check(&fields));
        let failure = result.unwrap_err();
        assert_eq!(failure.code, "Stream_WrongNumberOfFields");
        assert!(failure.details.contains("record 2 has 1"), "{}", failure.details);
    }

    proptest! {
        #[test]
        fn quoted_fields_come_back_equal(
            records in prop::collection::vec(prop::collection::vec("\\PC*|[\",\r\n a]{0,12}", 1..6), 0..12)
        ) {
            let line = |fields: &Vec<String>| {
                let fields: Vec<String> = fields.iter().map(|f| format!("\"{}\"", f.replace('"', "\"\""))).collect();
                fields.join(",") + "\r\n"
            };
            let text: String = records.iter().map(line).collect();
            prop_assert_eq!(csv(text.as_bytes()), Ok(records));
        }

        #[test]
        fn no_bytes_are_fatal(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Err(code) = csv(&bytes) {
                prop_assert_eq!(code, "Stream_ClosingQuoteMissing");
            }
            prop_assert!(collect(|each| read_escaped(&bytes, each)).is_ok());
            prop_assert!(collect(|each| read_lines(&bytes, each)).is_ok());
        }
    }
}
