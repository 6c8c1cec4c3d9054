//! Kusto's language over HTTP: commands and queries, answers as tables.
//!
//! The lab types what its reader would type into the web UI. Owns an HTTP client; knows nothing of ingestion.

use std::{fmt, time::Duration};

use serde::Deserialize;
use serde_json::{Value, json};

/// Why a command or query gave no table.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The service could not be reached or broke off.
    #[error("ADX at {url}: {source}")]
    Http {
        /// The address asked.
        url: String,
        /// What the HTTP client said.
        source: reqwest::Error,
    },
    /// The service refused.
    #[error("ADX refused `{command}` with {status}: {message}")]
    Refused {
        /// The text sent, shortened.
        command: String,
        /// The HTTP status.
        status: u16,
        /// Its own words.
        message: String,
    },
}

/// A column's name and Kusto type (`string`, `datetime`, …).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Column {
    /// The name.
    pub column_name: String,
    /// The Kusto type; some tables of the first protocol version leave it out.
    #[serde(default)]
    pub column_type: Option<String>,
}

/// One table of an answer.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Table {
    /// The columns in order.
    pub columns: Vec<Column>,
    /// The rows, each with one value per column.
    pub rows: Vec<Vec<Value>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    tables: Vec<Table>,
}

/// A service and a database.
#[derive(Debug, Clone)]
pub struct Kusto {
    http: reqwest::Client,
    url: String,
    database: String,
}

impl Kusto {
    /// A client of the service at `url` (no trailing slash).
    pub fn new(http: reqwest::Client, url: &str, database: &str) -> Self {
        Self { http, url: url.to_owned(), database: database.to_owned() }
    }

    /// Runs a command (it starts with a dot) or a query and gives its first table.
    pub async fn run(&self, text: &str) -> Result<Table, Error> {
        let kind = if text.trim_start().starts_with('.') { "mgmt" } else { "query" };
        let url = format!("{}/v1/rest/{kind}", self.url);
        let http_error = |source| Error::Http { url: self.url.clone(), source };
        let body = json!({"db": self.database, "csl": text});
        let response = self.http.post(&url).json(&body).send().await.map_err(http_error)?;
        let status = response.status();
        let bytes = response.bytes().await.map_err(http_error)?;
        let refused =
            |message: String| Error::Refused { command: shorten(text), status: status.as_u16(), message };
        if !status.is_success() {
            return Err(refused(error_text(&bytes)));
        }
        let answer: Answer =
            serde_json::from_slice(&bytes).map_err(|error| refused(format!("not a table: {error}")))?;
        answer.tables.into_iter().next().ok_or_else(|| refused("an answer without a table".to_owned()))
    }

    /// The number in the one cell of an answer such as `T | count`.
    pub async fn count(&self, table: &str) -> Result<u64, Error> {
        let answer = self.run(&format!("{table} | count")).await?;
        Ok(answer.rows.first().and_then(|row| row.first()).and_then(Value::as_u64).unwrap_or(0))
    }
}

/// An HTTP client for loopback services: no proxy of the environment may stand in between.
pub fn loopback_client() -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder().no_proxy().timeout(Duration::from_mins(1)).build()
}

fn shorten(text: &str) -> String {
    let first: String = text.chars().take(80).collect();
    if first.len() < text.len() { format!("{first}…") } else { first }
}

/// Kusto's own words from an error body: `error.@message`, else `error.message`, else the body.
fn error_text(body: &[u8]) -> String {
    let parsed: Option<Value> = serde_json::from_slice(body).ok();
    let error = parsed.as_ref().and_then(|value| value.get("error"));
    let text = error
        .and_then(|error| error.get("@message").or_else(|| error.get("message")))
        .and_then(Value::as_str);
    text.map_or_else(|| String::from_utf8_lossy(body).into_owned(), str::to_owned)
}

/// Longest cell shown; longer ones end in an ellipsis.
const CELL: usize = 48;

impl fmt::Display for Table {
    /// A table for people: columns aligned, numbers to the right.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let header: Vec<String> = self.columns.iter().map(|column| column.column_name.clone()).collect();
        let rows: Vec<Vec<String>> = self.rows.iter().map(|row| row.iter().map(cell).collect()).collect();
        let width = |index: usize| {
            let cells = rows.iter().filter_map(|row| row.get(index)).chain(header.get(index));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..header.len()).map(width).collect();
        write_row(f, &header, &widths, None)?;
        let rule: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
        write_row(f, &rule, &widths, None)?;
        for (texts, values) in rows.iter().zip(&self.rows) {
            write_row(f, texts, &widths, Some(values))?;
        }
        write!(f, "({} row{})", rows.len(), if rows.len() == 1 { "" } else { "s" })
    }
}

fn write_row(
    f: &mut fmt::Formatter<'_>,
    texts: &[String],
    widths: &[usize],
    values: Option<&[Value]>,
) -> fmt::Result {
    let mut line = String::new();
    for (index, (text, width)) in texts.iter().zip(widths).enumerate() {
        let padding = " ".repeat(width.saturating_sub(text.chars().count()));
        let number = values.and_then(|values| values.get(index)).is_some_and(Value::is_number);
        let (left, right) = if number { (padding.as_str(), "") } else { ("", padding.as_str()) };
        line.push_str(if index == 0 { "" } else { "  " });
        line.push_str(left);
        line.push_str(text);
        line.push_str(right);
    }
    writeln!(f, "{}", line.trim_end())
}

fn cell(value: &Value) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::String(text) => text.escape_debug().to_string().replace("\\\"", "\"").replace("\\'", "'"),
        other => other.to_string(),
    };
    if text.chars().count() <= CELL { text } else { text.chars().take(CELL - 1).chain(['…']).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(columns: &[&str], rows: Value) -> Table {
        let columns = columns
            .iter()
            .map(|name| Column { column_name: (*name).to_owned(), column_type: None })
            .collect();
        Table { columns, rows: serde_json::from_value(rows).unwrap() }
    }

    #[test]
    fn tables_are_aligned() {
        let text = table(&["State", "event_count"], json!([["TEXAS", 41], ["a \"b\"\nc", 7]])).to_string();
        assert_eq!(
            text,
            "State     event_count\n--------  -----------\nTEXAS              41\na \"b\"\\nc            7\n(2 rows)"
        );
    }

    #[test]
    fn empty_tables_and_long_cells_are_shown() {
        assert_eq!(table(&["A"], json!([])).to_string(), "A\n-\n(0 rows)");
        let text = table(&["A"], json!([["x".repeat(200)]])).to_string();
        assert!(text.contains('…') && text.ends_with("(1 row)"), "{text}");
    }

    #[test]
    fn the_services_own_words_come_first() {
        assert_eq!(error_text(br#"{"error":{"message":"m","@message":"more"}}"#), "more");
        assert_eq!(error_text(br#"{"error":{"message":"m"}}"#), "m");
        assert_eq!(error_text(b"plain"), "plain");
    }
}
