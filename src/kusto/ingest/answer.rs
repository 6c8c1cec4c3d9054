//! What Kusto's answers say: their first table, and the errors that stand in them. Pure.
//!
//! Texts of the service are redacted on their way out of here.

use super::url::redacted;
use serde_json::Value;

/// The first table of an answer.
#[derive(Debug, Default, PartialEq)]
pub struct Table {
    columns: Vec<String>,
    rows: Vec<Vec<Value>>,
}

impl Table {
    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// True without a row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The texts of two columns in all rows, by name or, when the names are strange, by place. Rows without them are
    /// left out.
    pub fn texts<'a>(
        &'a self,
        first: (&str, usize),
        second: (&str, usize),
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        let place = |(name, place)| self.columns.iter().position(|column| *column == name).unwrap_or(place);
        let (first, second) = (place(first), place(second));
        self.rows.iter().filter_map(move |row| Some((row.get(first)?.as_str()?, row.get(second)?.as_str()?)))
    }

    /// All rows.
    pub fn into_rows(self) -> Vec<Vec<Value>> {
        self.rows
    }

    /// The cell of the first row at `place`.
    pub fn at(&self, place: usize) -> Option<&Value> {
        self.rows.first()?.get(place)
    }

    /// The text in the first row's `column`.
    pub fn text(&self, column: &str) -> Option<&str> {
        let place = self.columns.iter().position(|name| name == column)?;
        self.rows.first()?.get(place)?.as_str()
    }

    /// All rows, to be read by the names of columns.
    pub fn rows(&self) -> impl Iterator<Item = TableRow<'_>> {
        self.rows.iter().map(|cells| TableRow { columns: &self.columns, cells })
    }

    /// The text in the first cell.
    pub fn cell(&self) -> Option<&str> {
        self.rows.first()?.first()?.as_str()
    }
}

/// A row of an answer's table.
#[derive(Debug, Clone, Copy)]
pub struct TableRow<'t> {
    columns: &'t [String],
    cells: &'t [Value],
}

impl<'t> TableRow<'t> {
    /// The cell of `column`, in any case; none when there is no such column, the row is too short, or the cell is null.
    pub fn cell(&self, column: &str) -> Option<&'t Value> {
        let place = self.columns.iter().position(|name| name.eq_ignore_ascii_case(column))?;
        self.cells.get(place).filter(|cell| !cell.is_null())
    }
}

/// An error found in an answer.
#[derive(Debug, Default, PartialEq)]
pub struct Found {
    /// The service's code.
    pub code: Option<String>,
    /// Its words, redacted.
    pub text: String,
    /// Whether it says that the error comes again.
    pub permanent: Option<bool>,
}

impl Found {
    /// The error of a body that came with an error status: Kusto's shape, a plain `message`, or any text.
    pub fn in_body(body: &[u8]) -> Self {
        let Ok(value) = serde_json::from_slice::<Value>(body) else {
            return Self { text: redacted(&String::from_utf8_lossy(body)), ..Self::default() };
        };
        match value.get("error") {
            Some(error) => Self::one(error),
            None => Self::one(&value),
        }
    }

    /// The error hidden in a 200 answer: at the top, or in place of a row (`kusto-protocol.md` §2.2).
    pub fn in_answer(value: &Value) -> Option<Self> {
        if let Some(error) = value.get("error") {
            return Some(Self::one(error));
        }
        let tables = value.get("Tables").and_then(Value::as_array).into_iter().flatten();
        let rows = tables.filter_map(|table| table.get("Rows")?.as_array()).flatten();
        std::iter::once(value).chain(rows.filter(|row| row.is_object())).find_map(|holder| {
            if let Some(first) = holder.get("OneApiErrors").and_then(|errors| errors.get(0)) {
                return Some(Self::one(first.get("error").unwrap_or(first)));
            }
            let first = holder.get("Exceptions")?.get(0)?;
            let text = first.as_str().map_or_else(|| first.to_string(), str::to_owned);
            Some(Self { text: redacted(&text), ..Self::default() })
        })
    }

    fn one(error: &Value) -> Self {
        let text = |name: &str| error.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        Self {
            code: text("code").map(redacted),
            text: redacted(text("@message").or_else(|| text("message")).unwrap_or_default()),
            permanent: error.get("@permanent").and_then(Value::as_bool),
        }
    }
}

/// The result of a V1 answer: its first table (further ones are the table of contents' business).
pub fn parse_table(value: &Value) -> Option<Table> {
    let table = value.get("Tables")?.get(0)?;
    let columns = table.get("Columns")?.as_array()?.iter();
    let columns = columns.map(|c| c.get("ColumnName").and_then(Value::as_str).unwrap_or_default().to_owned());
    let rows = table.get("Rows").and_then(Value::as_array).into_iter().flatten();
    let rows = rows.filter_map(|row| row.as_array().cloned()).collect();
    Some(Table { columns: columns.collect(), rows })
}

#[cfg(test)]
mod tests {
    use super::{Found, parse_table};
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn reads_a_table_by_name_and_by_place() {
        let table = parse_table(&json!({"Tables": [{"TableName": "Table_0",
            "Columns": [{"ColumnName": "StorageRoot"}, {"ColumnName": "ResourceTypeName"}],
            "Rows": [["u", "TempStorage"], ["short"], [1, "x"]]}]}))
        .unwrap();
        let texts: Vec<_> = table.texts(("ResourceTypeName", 0), ("StorageRoot", 1)).collect();
        assert_eq!(texts, [("TempStorage", "u")]);
        assert_eq!((table.len(), table.cell()), (3, Some("u")));
        let kinds: Vec<_> = table.rows().map(|row| row.cell("resourcetypename").cloned()).collect();
        assert_eq!(kinds, [Some(json!("TempStorage")), None, Some(json!("x"))]);
        assert!(table.rows().all(|row| row.cell("Other").is_none()));
    }

    #[test]
    fn finds_errors_wherever_they_are() {
        let body = json!({"error": {"code": "General_BadRequest", "message": "m", "@message": "long",
            "@permanent": true}});
        let found = Found::in_body(body.to_string().as_bytes());
        assert_eq!((found.code.as_deref(), found.text.as_str()), (Some("General_BadRequest"), "long"));
        assert_eq!(found.permanent, Some(true));
        assert_eq!(Found::in_body(b"<html>proxy").text, "<html>proxy");
        assert_eq!(Found::in_body(b""), Found::default());

        let hidden = json!({"Tables": [{"Columns": [], "Rows": [[1], {"OneApiErrors": [{"error":
            {"code": "LimitsExceeded", "@message": "too much", "@permanent": false}}]}]}]});
        let found = Found::in_answer(&hidden).unwrap();
        assert_eq!((found.code.as_deref(), found.permanent), (Some("LimitsExceeded"), Some(false)));
        let hidden = json!({"Tables": [{"Rows": [{"Exceptions": ["Query execution lacks memory"]}]}]});
        assert_eq!(Found::in_answer(&hidden).unwrap().text, "Query execution lacks memory");
        let top = json!({"Tables": [], "Exceptions": ["x"]});
        assert_eq!(Found::in_answer(&top).unwrap().text, "x");
        assert_eq!(Found::in_answer(&json!({"Tables": [{"Rows": [["Exceptions"]]}]})), None);
    }

    proptest! {
        #[test]
        fn no_body_panics(body in prop::collection::vec(any::<u8>(), 0..200), text in "[\\[\\]{}\":,a-zE@]{0,80}") {
            let _found = Found::in_body(&body);
            if let Ok(value) = serde_json::from_str(&text) {
                let _found = Found::in_answer(&value);
                let _table = parse_table(&value);
            }
        }
    }
}
