//! Commands on tables: create, change, drop, clear, show.

use serde_json::{Value, json};

use super::context::{Command, text};
use crate::answer::{Column, Table};
use crate::error::KustoError;
use crate::store::{Scope, TableSchema};
use crate::value::KustoType;

const SCHEMA: [(&str, KustoType); 5] = [
    ("TableName", KustoType::String),
    ("Schema", KustoType::String),
    ("DatabaseName", KustoType::String),
    ("Folder", KustoType::String),
    ("DocString", KustoType::String),
];

const LIST: [(&str, KustoType); 4] = [
    ("TableName", KustoType::String),
    ("DatabaseName", KustoType::String),
    ("Folder", KustoType::String),
    ("DocString", KustoType::String),
];

const DETAILS: [(&str, KustoType); 8] = [
    ("TableName", KustoType::String),
    ("DatabaseName", KustoType::String),
    ("Folder", KustoType::String),
    ("DocString", KustoType::String),
    ("TotalExtents", KustoType::Long),
    ("TotalExtentSize", KustoType::Real),
    ("TotalOriginalSize", KustoType::Real),
    ("TotalRowCount", KustoType::Long),
];

impl Command<'_> {
    /// `.create table …`, `.create-merge table …`, `.alter table …` and the like: schema, mapping or policy.
    pub(super) fn change_table(&mut self, verb: &str) -> Result<Table, KustoError> {
        let name = self.cursor.name("a table's name")?;
        if self.cursor.is_mark("(") {
            return self.change_schema(verb, &name);
        }
        if self.cursor.eat_word("ingestion") {
            return self.change_mapping(verb, &name);
        }
        if matches!(verb, "alter" | "alter-merge") && self.cursor.is_word("policy") {
            let table = self.store.table(&self.current()?, &name)?;
            return self.change_policy(verb, &Scope::Table(table));
        }
        Err(self.cursor.unexpected("'(' or 'ingestion' or 'policy'"))
    }

    fn change_schema(&mut self, verb: &str, name: &str) -> Result<Table, KustoError> {
        if !matches!(verb, "create" | "create-merge" | "alter-merge") {
            return Err(self.unknown(&format!(".{verb} table")));
        }
        let columns = self.columns()?;
        let (mut folder, mut doc) = (None, None);
        for property in self.properties()? {
            match property.name.to_ascii_lowercase().as_str() {
                "folder" => folder = Some(property.value),
                "docstring" => doc = Some(property.value),
                other => return Err(KustoError::unsupported(format!("the table property '{other}'"))),
            }
        }
        self.end()?;
        let mut table = self.ensure_table(verb, name, &columns)?;
        if folder.is_some() || doc.is_some() {
            table.folder = folder.unwrap_or(table.folder);
            table.doc = doc.unwrap_or(table.doc);
            self.store.describe_table(&table, &table.folder, &table.doc)?;
        }
        Ok(schema_table(&table, &json_schema(&table)))
    }

    /// Makes the table, or (with a merge) adds the columns it lacks. `.create` leaves a table that exists as it is.
    fn ensure_table(
        &mut self,
        verb: &str,
        name: &str,
        columns: &[Column],
    ) -> Result<TableSchema, KustoError> {
        if verb != "alter-merge" {
            self.store.create_database(self.database)?;
        }
        let database = self.current()?;
        let Some(mut table) = self.store.find_table(&database, name)? else {
            if verb == "alter-merge" {
                return Err(KustoError::not_found("BadRequest_EntityNotFound", "Table", name));
            }
            return self.store.create_table(&database, name, columns);
        };
        if verb == "create" {
            return Ok(table);
        }
        for column in columns {
            match table.columns.iter().find(|known| known.name == column.name) {
                Some(known) if known.kind != column.kind => {
                    let (from, to) = (known.kind.as_str(), column.kind.as_str());
                    let message =
                        format!("Column '{}' is of type {from}, a merge cannot make it {to}.", column.name);
                    return Err(KustoError::invalid("BadRequest_ColumnTypeMismatch", message));
                }
                Some(_) => {}
                None => self.store.add_column(&mut table, column)?,
            }
        }
        Ok(table)
    }

    /// `(a: string, ['b c']: long)`.
    fn columns(&mut self) -> Result<Vec<Column>, KustoError> {
        let mut columns: Vec<Column> = Vec::new();
        self.cursor.expect_mark("(")?;
        loop {
            let name = self.cursor.name("a column's name")?;
            self.cursor.expect_mark(":")?;
            let kind = self.cursor.name("a column's type")?;
            let kind = KustoType::parse(&kind).ok_or_else(|| {
                KustoError::syntax(format!("Column '{name}': '{kind}' is not a type of Kusto"))
            })?;
            if columns.iter().any(|column| column.name == name) {
                return Err(KustoError::semantic(format!("The column '{name}' is given twice")));
            }
            columns.push(Column::new(name, kind));
            if self.cursor.eat_mark(")") {
                return Ok(columns);
            }
            self.cursor.expect_mark(",")?;
        }
    }

    /// `.drop table T [ifexists]`, `.drop table T ingestion … mapping 'm'`, `.drop table T admins (…)`.
    pub(super) fn drop_something_of_table(&mut self) -> Result<Table, KustoError> {
        let name = self.cursor.name("a table's name")?;
        if self.cursor.eat_word("ingestion") {
            return self.drop_mapping(&name);
        }
        if self.cursor.is_name() && !self.cursor.is_word("ifexists") {
            return self.change_table_principals("drop", &name);
        }
        let lenient = self.cursor.eat_word("ifexists");
        self.end()?;
        self.drop_table(&name, lenient)?;
        self.list_tables()
    }

    /// `.drop tables (A, B) [ifexists]`.
    pub(super) fn drop_tables(&mut self) -> Result<Table, KustoError> {
        let names = self.table_list()?;
        let lenient = self.cursor.eat_word("ifexists");
        self.end()?;
        for name in names {
            self.drop_table(&name, lenient)?;
        }
        self.list_tables()
    }

    fn drop_table(&mut self, name: &str, lenient: bool) -> Result<(), KustoError> {
        match self.store.find_table(&self.current()?, name)? {
            Some(table) => Ok(self.store.drop_table(&table)?),
            None if lenient => Ok(()),
            None => Err(KustoError::not_found("BadRequest_EntityNotFound", "Table", name)),
        }
    }

    /// `(A, B)`.
    fn table_list(&mut self) -> Result<Vec<String>, KustoError> {
        self.cursor.expect_mark("(")?;
        let mut names = vec![self.cursor.name("a table's name")?];
        while self.cursor.eat_mark(",") {
            names.push(self.cursor.name("a table's name")?);
        }
        self.cursor.expect_mark(")")?;
        Ok(names)
    }

    /// `.clear table T data`, `.clear table T cache streamingingestion schema`.
    pub(super) fn clear_table(&mut self) -> Result<Table, KustoError> {
        let table = self.table_name()?;
        if self.cursor.is_word("cache") {
            return self.clear_database_cache();
        }
        self.cursor.expect_word("data")?;
        self.end()?;
        self.store.clear_table(&table)?;
        let columns = [("TableName", KustoType::String), ("Status", KustoType::String)];
        Ok(Table::new(&columns, vec![vec![text(&table.name), text("Succeeded")]]))
    }

    /// `.clear database cache streamingingestion schema`: there is no cache, so there is nothing to do.
    pub(super) fn clear_database_cache(&mut self) -> Result<Table, KustoError> {
        for word in ["cache", "streamingingestion", "schema"] {
            self.cursor.expect_word(word)?;
        }
        self.end()?;
        let columns = [("NodeId", KustoType::String), ("Status", KustoType::String)];
        Ok(Table::new(&columns, vec![vec![text("Engine000000000"), text("Succeeded")]]))
    }

    /// `.show tables [(A, B)] [details]`.
    pub(super) fn show_tables(&mut self) -> Result<Table, KustoError> {
        let names = if self.cursor.is_mark("(") { Some(self.table_list()?) } else { None };
        let details = self.cursor.eat_word("details");
        self.end()?;
        let mut tables = self.store.tables(&self.current()?)?;
        if let Some(names) = names {
            tables.retain(|table| names.contains(&table.name));
        }
        if details { self.details(&tables) } else { Ok(list(&tables)) }
    }

    fn list_tables(&self) -> Result<Table, KustoError> {
        Ok(list(&self.store.tables(&self.current()?)?))
    }

    /// `.show table T` followed by what to show.
    pub(super) fn show_table(&mut self) -> Result<Table, KustoError> {
        let table = self.table_name()?;
        match self.cursor.keyword().as_str() {
            "cslschema" => {
                self.end()?;
                Ok(schema_table(&table, &table.cslschema()))
            }
            "schema" => {
                self.cursor.expect_word("as")?;
                let json = self.cursor.eat_word("json");
                if !json {
                    self.cursor.expect_word("csl")?;
                }
                self.end()?;
                Ok(schema_table(&table, &if json { json_schema(&table) } else { table.cslschema() }))
            }
            "details" => {
                self.end()?;
                self.details(&[table])
            }
            "ingestion" => self.show_mappings(&table),
            "policy" => self.show_policy(&Scope::Table(table)),
            "principals" => self.show_principals(&Scope::Table(table)),
            "extents" => self.show_extents(&table),
            other => Err(self.unknown(&format!(".show table {} {other}", table.name))),
        }
    }

    fn details(&self, tables: &[TableSchema]) -> Result<Table, KustoError> {
        let mut rows = Vec::new();
        for table in tables {
            let size = self.store.size(table)?;
            #[expect(clippy::cast_precision_loss, reason = "sizes are shown as real numbers")]
            let bytes = json!(size.bytes as f64);
            let mut row = list_row(table);
            row.extend([json!(size.extents), bytes.clone(), bytes, json!(size.rows)]);
            rows.push(row);
        }
        Ok(Table::new(&DETAILS, rows))
    }
}

fn list(tables: &[TableSchema]) -> Table {
    Table::new(&LIST, tables.iter().map(list_row).collect())
}

fn list_row(table: &TableSchema) -> Vec<Value> {
    vec![text(&table.name), text(&table.database.name), text(&table.folder), text(&table.doc)]
}

fn schema_table(table: &TableSchema, schema: &str) -> Table {
    let row = vec![
        text(&table.name),
        text(schema),
        text(&table.database.name),
        text(&table.folder),
        text(&table.doc),
    ];
    Table::new(&SCHEMA, vec![row])
}

fn json_schema(table: &TableSchema) -> String {
    let column = |column: &Column| json!({"Name": column.name, "Type": column.kind.dotnet_full(), "CslType": column.kind.as_str()});
    let columns: Vec<Value> = table.columns.iter().map(column).collect();
    json!({"Name": table.name, "OrderedColumns": columns}).to_string()
}

#[cfg(test)]
mod tests {
    use super::super::run;
    use super::*;
    use crate::store::Store;

    fn commands(texts: &[&str]) -> Vec<Result<Table, KustoError>> {
        let mut store = Store::open(None).unwrap();
        texts.iter().map(|text| run(&mut store, "lab", text).map(|outcome| outcome.table)).collect()
    }

    fn last(texts: &[&str]) -> Result<Table, KustoError> {
        commands(texts).pop().unwrap()
    }

    #[test]
    fn the_labs_table_is_made_as_typed() {
        let create = ".create table Storms (StartTime: datetime, EndTime: datetime, EventId: int, State: string, EventType: string, Source: string)";
        let created = last(&[create]).unwrap();
        assert_eq!(created.cell(0, "DatabaseName").unwrap(), "lab");
        assert!(created.cell(0, "Schema").unwrap().as_str().unwrap().contains("\"CslType\":\"datetime\""));
        let shown = last(&[create, ".show table Storms cslschema"]).unwrap();
        assert_eq!(
            shown.cell(0, "Schema").unwrap(),
            "StartTime:datetime,EndTime:datetime,EventId:int,State:string,EventType:string,Source:string"
        );
        let again = last(&[create, create, ".show tables"]).unwrap();
        assert_eq!(again.rows.len(), 1);
    }

    #[test]
    fn a_merge_adds_columns_and_refuses_other_types() {
        let results = commands(&[
            ".create-merge table T (a:string) with (folder='f', docstring=\"d\")",
            ".create-merge table T (b:long, a:string)",
            ".alter-merge table T (['c d']:real)",
            ".create-merge table T (a:long)",
            ".alter-merge table Nope (a:long)",
            ".show table T schema as json",
            ".show table T cslschema",
        ]);
        assert_eq!(results[3].as_ref().unwrap_err().code, "BadRequest_ColumnTypeMismatch");
        assert_eq!(results[4].as_ref().unwrap_err().code, "BadRequest_EntityNotFound");
        let json = results[5].as_ref().unwrap();
        assert_eq!(json.cell(0, "Folder").unwrap(), "f");
        assert_eq!(json.cell(0, "DocString").unwrap(), "d");
        assert_eq!(results[6].as_ref().unwrap().cell(0, "Schema").unwrap(), "a:string,b:long,['c d']:real");
    }

    #[test]
    fn tables_are_dropped_cleared_and_listed() {
        let results = commands(&[
            ".create table A (x:int)",
            ".create table ['B b'] (x:int)",
            ".ingest inline into table A <| 1",
            ".show table A details",
            ".clear table A data",
            ".show tables (A) details",
            ".drop table A",
            ".drop table A",
            ".drop table A ifexists",
            ".drop tables (A, ['B b']) ifexists",
        ]);
        assert_eq!(results[3].as_ref().unwrap().cell(0, "TotalRowCount").unwrap(), 1);
        assert_eq!(results[5].as_ref().unwrap().cell(0, "TotalRowCount").unwrap(), 0);
        assert_eq!(results[6].as_ref().unwrap().rows.len(), 1);
        assert_eq!(results[7].as_ref().unwrap_err().code, "BadRequest_EntityNotFound");
        assert!(results[8].is_ok());
        assert!(results[9].as_ref().unwrap().rows.is_empty());
    }
}
