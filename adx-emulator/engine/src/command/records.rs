//! `.delete table T records <| T | where …`: soft deletion of rows, and the other deletions of a table's things.

use super::context::Command;
use crate::answer::Table;
use crate::error::KustoError;
use crate::kql;
use crate::store::Scope;
use crate::value::KustoType;

impl Command<'_> {
    /// `.delete table T policy P` or `.delete table T records <| query`.
    pub(super) fn delete_of_table(&mut self) -> Result<Table, KustoError> {
        let table = self.table_name()?;
        if !self.cursor.eat_word("records") {
            return self.change_policy("delete", &Scope::Table(table));
        }
        self.cursor.expect_mark("<|")?;
        kql::delete_rows(self.store, &table, self.cursor.rest_of_text())?;
        // The service lists the extents that it replaces; here none is.
        let columns = [
            ("OriginalExtentId", KustoType::String),
            ("ResultExtentId", KustoType::String),
            ("Details", KustoType::String),
        ];
        Ok(Table::new(&columns, Vec::new()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::run;
    use super::*;
    use crate::store::Store;

    #[test]
    fn rows_are_deleted_by_conditions_and_by_nothing_else() {
        let mut store = Store::open(None).unwrap();
        kql::prepare(&store.connection).unwrap();
        let mut command = |text: &str| run(&mut store, "lab", text).map(|outcome| outcome.table);
        command(".create table T (a:string, n:long)").unwrap();
        command(".ingest inline into table T <|\nx,1\ny,2\nx,3\nx,4").unwrap();
        let left = |table: &Table| table.cell(0, "TotalRowCount").unwrap().as_i64().unwrap();
        let deleted = command(".delete table T records <| T | where a == 'x' | where n between (2 .. 3)");
        assert!(deleted.unwrap().rows.is_empty());
        assert_eq!(left(&command(".show table T details").unwrap()), 3);
        for text in [
            ".delete table T records <| T",
            ".delete table T records <| T | take 1",
            ".delete table T records <| T | where n > 1 | project a",
            ".delete table T records <| U | where n > 1",
            ".delete table T records <| T | where m > 1",
            ".delete table T records",
            ".delete table U records <| U | where n > 1",
        ] {
            assert_eq!(command(text).unwrap_err().status, 400, "{text}");
        }
        assert_eq!(left(&command(".show table T details").unwrap()), 3);
        command(".delete table T records <| T | where n > 0").unwrap();
        assert_eq!(left(&command(".show table T details").unwrap()), 0);
        command(".delete table T policy ingestionbatching").unwrap();
    }
}
