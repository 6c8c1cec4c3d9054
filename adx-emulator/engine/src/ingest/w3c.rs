//! Extended log files of the W3C (`w3clogfile`): lines of fields, named by the directive `#Fields:` above them.
//!
//! Pure: bytes in, trees of texts out, record by record. `-` is a field without a value; a text in quotes may hold
//! blanks and, doubled, quotes. Other directives (`#Version:`, `#Date:`…) are skipped.

use serde_json::{Map, Value};

use super::tree::Each;
use crate::error::IngestFailure;

/// Reads a log, line by line.
pub(crate) fn read(data: &[u8], each: &mut Each<'_>) -> Result<(), IngestFailure> {
    let mut names: Vec<String> = Vec::new();
    for (number, line) in (1_u64..).zip(data.split(|byte| *byte == b'\n')) {
        let line = String::from_utf8_lossy(line);
        let line = line.trim();
        if let Some(directive) = line.strip_prefix('#') {
            if let Some((keyword, value)) = directive.split_once(':')
                && keyword.trim().eq_ignore_ascii_case("fields")
            {
                names = value.split_whitespace().map(str::to_owned).collect();
            }
        } else if !line.is_empty() {
            each(&record(line, number, &names)?)?;
        }
    }
    Ok(())
}

fn record(line: &str, number: u64, names: &[String]) -> Result<Value, IngestFailure> {
    if names.is_empty() {
        let details = format!("W3C log: line {number} comes before any #Fields directive");
        return Err(IngestFailure::permanent("BadRequest_NoRecordsOrWrongFormat", details));
    }
    let values = fields(line).ok_or_else(|| {
        let details = format!("W3C log: line {number} has no closing quote");
        IngestFailure::permanent("Stream_ClosingQuoteMissing", details)
    })?;
    if values.len() != names.len() {
        let (found, wanted) = (values.len(), names.len());
        let details =
            format!("W3C log: wrong number of fields: line {number} has {found}, #Fields names {wanted}");
        return Err(IngestFailure::permanent("Stream_WrongNumberOfFields", details));
    }
    let members = names.iter().cloned().zip(values);
    Ok(Value::Object(members.collect::<Map<_, _>>()))
}

/// The fields of one line; none when a quote is not closed.
fn fields(line: &str) -> Option<Vec<Value>> {
    let mut fields = Vec::new();
    let mut rest = line.trim_start();
    while !rest.is_empty() {
        if let Some(quoted) = rest.strip_prefix('"') {
            let (text, after) = unquote(quoted)?;
            fields.push(Value::from(text));
            rest = after.trim_start();
        } else {
            let (text, after) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
            fields.push(if text == "-" { Value::Null } else { Value::from(text) });
            rest = after.trim_start();
        }
    }
    Some(fields)
}

/// The text up to the closing quote, and what follows it.
fn unquote(quoted: &str) -> Option<(String, &str)> {
    let (mut text, mut rest) = (String::new(), quoted);
    loop {
        let (part, after) = rest.split_once('"')?;
        text.push_str(part);
        match after.strip_prefix('"') {
            Some(more) => {
                text.push('"');
                rest = more;
            }
            None => return Some((text, after)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn collect(text: &[u8]) -> Result<Vec<Value>, &'static str> {
        let mut records = Vec::new();
        let result = read(text, &mut |record| {
            records.push(record.clone());
            Ok(())
        });
        result.map(|()| records).map_err(|failure| failure.code)
    }

    #[test]
    fn fields_are_named_by_the_directive_above_them() {
        let log =
            b"#Version: 1.0\r\n#Date: 2026-01-01 00:00:00\r\n#Fields: time cs-method cs(User-Agent)\r\n\
            00:34:23 GET \"Mozilla/5.0 (\"\"X\"\")\"\r\n00:34:24 - -\n#fields: time\n\n00:35:00";
        let expected = [
            json!({"time": "00:34:23", "cs-method": "GET", "cs(User-Agent)": "Mozilla/5.0 (\"X\")"}),
            json!({"time": "00:34:24", "cs-method": null, "cs(User-Agent)": null}),
            json!({"time": "00:35:00"}),
        ];
        assert_eq!(collect(log).unwrap(), expected);
    }

    #[test]
    fn damaged_logs_are_refused_by_the_services_codes() {
        assert_eq!(collect(b"a b\n"), Err("BadRequest_NoRecordsOrWrongFormat"));
        assert_eq!(collect(b"#Fields: a b\nx\n"), Err("Stream_WrongNumberOfFields"));
        assert_eq!(collect(b"#Fields: a b\nx \"y\n"), Err("Stream_ClosingQuoteMissing"));
        assert_eq!(collect(b"#Fields: a b\n"), Ok(vec![]));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(data in proptest::collection::vec(any::<u8>(), 0..200)) {
            drop(collect(&data));
            let mut log = b"#Fields: a b\n".to_vec();
            log.extend(data);
            drop(collect(&log));
        }

        #[test]
        fn quoted_texts_come_back(text in "[^\n\r]{1,30}") {
            let log = format!("#Fields: a\n\"{}\"", text.replace('"', "\"\""));
            prop_assert_eq!(collect(log.as_bytes()).unwrap(), [json!({"a": text})]);
        }
    }
}
