//! What a command or query answers, and the two JSON shapes of the wire (V1 tables, V2 frames).
//!
//! Values are kept as the JSON that goes out; field order is the service's, because one client's parser depends on it.

use serde_json::{Map, Value, json};

use super::value::KustoType;

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
    pub fn new(name: impl Into<String>, kind: KustoType) -> Self {
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

    /// The position of the column `name`.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// The value of column `name` in row `row`.
    pub fn cell(&self, row: usize, name: &str) -> Option<&Value> {
        self.rows.get(row)?.get(self.column(name)?)
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
    pub fn to_v2(&self) -> Value {
        let mut frames = vec![
            json!({"FrameType": "DataSetHeader", "IsProgressive": false, "Version": "v2.0",
                "IsFragmented": false, "ErrorReportingPlacement": "InData"}),
            self.properties_frame(),
        ];
        for (position, table) in self.tables.iter().enumerate() {
            let columns: Vec<Value> = table
                .columns
                .iter()
                .map(|column| json!({"ColumnName": column.name, "ColumnType": column.kind.as_str()}))
                .collect();
            frames.push(
                json!({"FrameType": "DataTable", "TableId": position + 1, "TableKind": "PrimaryResult",
                "TableName": "PrimaryResult", "Columns": columns, "Rows": table.rows}),
            );
        }
        frames.push(self.completion_frame());
        frames.push(json!({"FrameType": "DataSetCompletion", "HasErrors": false, "Cancelled": false}));
        Value::Array(frames)
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
        let frames = answer().to_v2();
        let kinds: Vec<&str> =
            frames.as_array().unwrap().iter().map(|f| f["FrameType"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["DataSetHeader", "DataTable", "DataTable", "DataTable", "DataSetCompletion"]);
        assert_eq!(frames[2]["TableKind"], "PrimaryResult");
        assert_eq!(frames[2]["Rows"], json!([["x", 5]]));
        assert_eq!(frames[4]["HasErrors"], false);
    }
}
