//! What a command or query answers, and the two JSON shapes of the wire (V1 tables, V2 frames).
//!
//! Values are kept as the JSON that goes out; field order is the service's, because one client's parser depends on it.

use serde_json::{Map, Value, json};

use crate::value::KustoType;

/// One column of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name; case counts.
    pub name: String,
    /// Its type.
    pub kind: KustoType,
}

impl Column {
    /// A column called `name`.
    pub(crate) fn new(name: impl Into<String>, kind: KustoType) -> Self {
        Self { name: name.into(), kind }
    }
}

/// One result table. Each row has one value per column.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// The name on the wire: `Table_0` for commands, `PrimaryResult` for queries in V2.
    pub name: String,
    /// The columns in order.
    pub columns: Vec<Column>,
    /// The rows in order.
    pub rows: Vec<Vec<Value>>,
}

impl Table {
    /// A table called `Table_0`, the name of every first result.
    pub fn new(columns: &[(&str, KustoType)], rows: Vec<Vec<Value>>) -> Self {
        let columns = columns.iter().map(|(name, kind)| Column::new(*name, *kind)).collect();
        Self { name: "Table_0".to_owned(), columns, rows }
    }

    /// The value of column `name` in row `row`.
    #[cfg(test)]
    pub(crate) fn cell(&self, row: usize, name: &str) -> Option<&Value> {
        let position = self.columns.iter().position(|column| column.name == name)?;
        self.rows.get(row)?.get(position)
    }
}

/// Rows in one fragment of a table.
const FRAGMENT_ROWS: usize = 1000;

/// How a client wants the frames of V2.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Frames {
    /// A line for each frame (`results_v2_newlines_between_frames`).
    pub newlines: bool,
    /// Result tables in pieces (`results_v2_fragment_primary_tables`).
    pub fragmented: bool,
    /// Where errors would stand (`results_error_reporting_placement`). There are none in the middle of results here.
    pub errors: ErrorPlacement,
}

/// Where V2 reports errors that are met while rows are sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ErrorPlacement {
    /// Among the rows.
    #[default]
    InData,
    /// After a table's rows.
    EndOfTable,
    /// After all tables.
    EndOfDataSet,
}

impl ErrorPlacement {
    /// What the option's value means; none for an unknown one.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "in_data" => Self::InData,
            "end_of_table" => Self::EndOfTable,
            "end_of_dataset" => Self::EndOfDataSet,
            _ => return None,
        })
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::InData => "InData",
            Self::EndOfTable => "EndOfTable",
            Self::EndOfDataSet => "EndOfDataSet",
        }
    }
}

/// The answer to one request.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The result tables; the first is the primary one.
    pub tables: Vec<Table>,
    /// The kind of chart a query asked for with `render`; it changes nothing in the data.
    pub visualization: Option<String>,
}

impl Answer {
    /// An answer of one table.
    pub fn table(table: Table) -> Self {
        Self { tables: vec![table], visualization: None }
    }

    /// The V1 shape: `{"Tables":[{"TableName","Columns","Rows"}]}`.
    pub fn to_v1(&self) -> Value {
        let tables: Vec<Value> = self.tables.iter().map(v1_table).collect();
        json!({ "Tables": tables })
    }

    /// The V2 shape of `/v2/rest/query`: header, query properties, results, completion information, completion.
    pub(crate) fn to_v2(&self, form: Frames) -> Vec<Value> {
        let mut frames = vec![
            json!({"FrameType": "DataSetHeader", "IsProgressive": false, "Version": "v2.0",
                "IsFragmented": form.fragmented, "ErrorReportingPlacement": form.errors.as_str()}),
            self.properties_frame(),
        ];
        for (position, table) in self.tables.iter().enumerate() {
            let columns: Vec<Value> = table
                .columns
                .iter()
                .map(|column| json!({"ColumnName": column.name, "ColumnType": column.kind.as_str()}))
                .collect();
            let id = position + 1;
            if form.fragmented {
                frames.push(json!({"FrameType": "TableHeader", "TableId": id, "TableKind": "PrimaryResult",
                    "TableName": "PrimaryResult", "Columns": columns}));
                frames.extend(table.rows.chunks(FRAGMENT_ROWS).map(|rows| {
                    json!({"FrameType": "TableFragment", "TableFragmentType": "DataAppend", "TableId": id,
                        "Rows": rows})
                }));
                let rows = table.rows.len();
                frames.push(json!({"FrameType": "TableCompletion", "TableId": id, "RowCount": rows}));
            } else {
                frames.push(json!({"FrameType": "DataTable", "TableId": id, "TableKind": "PrimaryResult",
                    "TableName": "PrimaryResult", "Columns": columns, "Rows": table.rows}));
            }
        }
        frames.push(self.completion_frame());
        frames.push(json!({"FrameType": "DataSetCompletion", "HasErrors": false, "Cancelled": false}));
        frames
    }

    /// The V2 shape as the text of an answer, a line for each frame where that was asked for.
    pub fn to_v2_text(&self, form: Frames) -> String {
        let frames: Vec<String> = self.to_v2(form).iter().map(ToString::to_string).collect();
        if form.newlines {
            format!("[{}\n]\n", frames.join("\n,"))
        } else {
            format!("[{}]", frames.join(","))
        }
    }

    fn properties_frame(&self) -> Value {
        let chart = Value::from(self.visualization.clone());
        let visualization = json!({ "Visualization": chart }).to_string();
        json!({"FrameType": "DataTable", "TableId": 0, "TableKind": "QueryProperties",
            "TableName": "@ExtendedProperties",
            "Columns": [{"ColumnName": "TableId", "ColumnType": "int"},
                {"ColumnName": "Key", "ColumnType": "string"},
                {"ColumnName": "Value", "ColumnType": "dynamic"}],
            "Rows": [[1, "Visualization", visualization]]})
    }

    fn completion_frame(&self) -> Value {
        json!({"FrameType": "DataTable", "TableId": self.tables.len() + 1,
            "TableKind": "QueryCompletionInformation", "TableName": "QueryCompletionInformation",
            "Columns": [{"ColumnName": "Level", "ColumnType": "int"},
                {"ColumnName": "StatusCode", "ColumnType": "int"},
                {"ColumnName": "StatusCodeName", "ColumnType": "string"},
                {"ColumnName": "StatusDescription", "ColumnType": "string"}],
            "Rows": [[4, 0, "S_OK (0)", "Query completed successfully"]]})
    }
}

fn v1_table(table: &Table) -> Value {
    let columns: Vec<Value> = table
        .columns
        .iter()
        .map(|column| {
            json!({"ColumnName": column.name, "DataType": column.kind.dotnet(), "ColumnType": column.kind.as_str()})
        })
        .collect();
    // A map and not a struct: `TableName`, `Columns`, `Rows` must leave in this order (serde_json keeps insertion order).
    let mut object = Map::new();
    object.insert("TableName".to_owned(), Value::from(table.name.clone()));
    object.insert("Columns".to_owned(), Value::Array(columns));
    object.insert("Rows".to_owned(), table.rows.iter().cloned().map(Value::Array).collect());
    Value::Object(object)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer() -> Answer {
        Answer::table(Table::new(
            &[("A", KustoType::String), ("N", KustoType::Long)],
            vec![vec![json!("x"), json!(5)]],
        ))
    }

    #[test]
    fn v1_has_the_order_that_parsers_depend_on() {
        assert_eq!(
            answer().to_v1().to_string(),
            r#"{"Tables":[{"TableName":"Table_0","Columns":[{"ColumnName":"A","DataType":"String","ColumnType":"string"},{"ColumnName":"N","DataType":"Int64","ColumnType":"long"}],"Rows":[["x",5]]}]}"#
        );
    }

    #[test]
    fn v2_has_the_frames_in_order() {
        let frames = answer().to_v2(Frames::default());
        let kinds: Vec<&str> = frames.iter().map(|f| f["FrameType"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["DataSetHeader", "DataTable", "DataTable", "DataTable", "DataSetCompletion"]);
        assert_eq!(frames[2]["TableKind"], "PrimaryResult");
        assert_eq!(frames[2]["Rows"], json!([["x", 5]]));
        assert_eq!(frames[4]["HasErrors"], false);
    }

    #[test]
    fn fragments_carry_all_rows_a_line_for_each_frame() {
        let rows = (0..2500).map(|n| vec![json!("x\ny"), json!(n)]).collect();
        let columns = [("A", KustoType::String), ("N", KustoType::Long)];
        let answer = Answer::table(Table::new(&columns, rows));
        let form = Frames { newlines: true, fragmented: true, errors: ErrorPlacement::EndOfTable };
        let text = answer.to_v2_text(form);
        let whole: Vec<Value> = serde_json::from_str(&text).unwrap();
        let mut lines = text.lines();
        for frame in &whole {
            // Clients pass the bracket or comma and read the rest of the line by itself.
            assert_eq!(&serde_json::from_str::<Value>(&lines.next().unwrap()[1..]).unwrap(), frame);
        }
        assert_eq!(lines.next(), Some("]"));
        assert_eq!(whole[0]["IsFragmented"], true);
        assert_eq!(whole[0]["ErrorReportingPlacement"], "EndOfTable");
        let found = whole.iter().filter(|frame| frame["FrameType"] == "TableFragment");
        let numbers: Vec<Value> =
            found.flat_map(|f| f["Rows"].as_array().unwrap()).map(|r| r[1].clone()).collect();
        assert_eq!(numbers, (0..2500).map(Value::from).collect::<Vec<_>>());
        let end = whole.iter().find(|frame| frame["FrameType"] == "TableCompletion").unwrap();
        assert_eq!(end["RowCount"], 2500);
        // Without rows there is no fragment, but header and completion.
        let none = Answer::table(Table::new(&columns, Vec::new())).to_v2(form);
        assert!(none.iter().all(|frame| frame["FrameType"] != "TableFragment"));
        assert!(none.iter().any(|frame| frame["FrameType"] == "TableHeader"));
    }
}
