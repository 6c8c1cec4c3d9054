//! Commands on ingestion mappings.

use serde_json::Value;

use super::context::{Command, text};
use crate::answer::Table;
use crate::datetime;
use crate::error::KustoError;
use crate::ingest::mapping::{self, Kind};
use crate::store::{StoredMapping, TableSchema};
use crate::value::KustoType;

const MAPPING: [(&str, KustoType); 6] = [
    ("Name", KustoType::String),
    ("Kind", KustoType::String),
    ("Mapping", KustoType::String),
    ("LastUpdatedOn", KustoType::DateTime),
    ("Database", KustoType::String),
    ("Table", KustoType::String),
];

impl Command<'_> {
    /// `.create[-or-alter] table T ingestion csv mapping 'm' '[…]'`, `.alter table T ingestion …`.
    pub(super) fn change_mapping(&mut self, verb: &str, table: &str) -> Result<Table, KustoError> {
        let kind = self.mapping_kind()?;
        self.cursor.expect_word("mapping")?;
        // Two literals follow each other, so the name is one literal and the rest is the mapping.
        let name = self.one_string("the mapping's name")?;
        let elements = self.cursor.string("the mapping as a JSON text")?;
        self.end()?;
        let table = self.store.table(&self.current()?, table)?;
        let known = self.store.mapping(&table, kind.as_str(), &name)?.is_some();
        match (verb, known) {
            ("create", true) => return Err(KustoError::exists("Mapping", &name)),
            ("alter", false) => return Err(mapping_not_found(&name)),
            ("create" | "create-or-alter" | "alter", _) => {}
            _ => return Err(self.unknown(&format!(".{verb} table ingestion mapping"))),
        }
        let elements = mapping::parse(kind, &elements).map_err(|error| {
            KustoError::invalid("BadRequest_InvalidMapping", format!("Mapping '{name}': {error}"))
        })?;
        self.store.put_mapping(&table, kind.as_str(), &name, &mapping::render(kind, &elements))?;
        let stored = self.store.mapping(&table, kind.as_str(), &name)?;
        Ok(mapping_table(&table, stored.as_slice()))
    }

    /// `.drop table T ingestion csv mapping 'm'`.
    pub(super) fn drop_mapping(&mut self, table: &str) -> Result<Table, KustoError> {
        let kind = self.mapping_kind()?;
        self.cursor.expect_word("mapping")?;
        let name = self.cursor.string("the mapping's name")?;
        self.end()?;
        let table = self.store.table(&self.current()?, table)?;
        if !self.store.drop_mapping(&table, kind.as_str(), &name)? {
            return Err(mapping_not_found(&name));
        }
        Ok(mapping_table(&table, &self.store.mappings(&table, Some(kind.as_str()))?))
    }

    /// `.show table T ingestion [csv] mappings`, `.show table T ingestion csv mapping 'm'`.
    pub(super) fn show_mappings(&mut self, table: &TableSchema) -> Result<Table, KustoError> {
        if self.cursor.eat_word("mappings") {
            self.end()?;
            return Ok(mapping_table(table, &self.store.mappings(table, None)?));
        }
        let kind = self.cursor.name("a mapping's kind")?.to_ascii_lowercase();
        if Kind::parse(&kind).is_none() {
            return Err(KustoError::syntax(format!("'{kind}' is not a kind of ingestion mapping")));
        }
        if self.cursor.eat_word("mappings") {
            self.end()?;
            return Ok(mapping_table(table, &self.store.mappings(table, Some(&kind))?));
        }
        self.cursor.expect_word("mapping")?;
        let name = self.cursor.string("the mapping's name")?;
        self.end()?;
        let stored = self.store.mapping(table, &kind, &name)?.ok_or_else(|| mapping_not_found(&name))?;
        Ok(mapping_table(table, &[stored]))
    }

    fn mapping_kind(&mut self) -> Result<Kind, KustoError> {
        let name = self.cursor.name("a mapping's kind")?.to_ascii_lowercase();
        let unknown = || KustoError::syntax(format!("'{name}' is not a kind of ingestion mapping"));
        Kind::parse(&name).ok_or_else(unknown)
    }

    /// Exactly one string literal, although another one follows.
    fn one_string(&mut self, what: &str) -> Result<String, KustoError> {
        let name = match self.cursor.peek() {
            Some(crate::lexer::TokenKind::Text(text)) => text.clone(),
            _ => return Err(self.cursor.unexpected(what)),
        };
        self.cursor.advance();
        Ok(name)
    }
}

fn mapping_not_found(name: &str) -> KustoError {
    KustoError::not_found("BadRequest_MappingReferenceWasNotFound", "MappingPersistent", name)
}

fn mapping_table(table: &TableSchema, mappings: &[StoredMapping]) -> Table {
    let row = |mapping: &StoredMapping| -> Vec<Value> {
        vec![
            text(&mapping.name),
            text(&mapping.kind),
            text(&mapping.elements),
            text(&datetime::format(mapping.updated)),
            text(&table.database.name),
            text(&table.name),
        ]
    };
    Table::new(&MAPPING, mappings.iter().map(row).collect())
}

#[cfg(test)]
mod tests {
    use super::super::run;
    use crate::answer::Table;
    use crate::error::KustoError;
    use crate::store::Store;

    const LAB: &str = r#".create table Storms ingestion csv mapping 'Storms_CSV_Mapping' '[{"Name":"StartTime","datatype":"datetime","Ordinal":0}, {"Name":"EndTime","datatype":"datetime","Ordinal":1},{"Name":"EventId","datatype":"int","Ordinal":2},{"Name":"State","datatype":"string","Ordinal":3},{"Name":"EventType","datatype":"string","Ordinal":4},{"Name":"Source","datatype":"string","Ordinal":5}]'"#;

    fn store() -> Store {
        let mut store = Store::open(None).unwrap();
        run(&mut store, "lab", ".create table Storms (a:int)").unwrap();
        store
    }

    fn command(store: &mut Store, text: &str) -> Result<Table, KustoError> {
        run(store, "lab", text).map(|outcome| outcome.table)
    }

    #[test]
    fn the_labs_mapping_is_made_shown_and_dropped() {
        let mut store = store();
        let made = command(&mut store, LAB).unwrap();
        assert_eq!(made.cell(0, "Name").unwrap(), "Storms_CSV_Mapping");
        assert_eq!(command(&mut store, LAB).unwrap_err().code, "BadRequest_EntityAlreadyExists");
        let shown =
            command(&mut store, ".show table Storms ingestion csv mapping 'Storms_CSV_Mapping'").unwrap();
        assert_eq!(shown, made);
        assert_eq!(command(&mut store, ".show table Storms ingestion mappings").unwrap(), made);
        assert_eq!(command(&mut store, ".show table Storms ingestion csv mappings").unwrap(), made);
        assert!(command(&mut store, ".show table Storms ingestion json mappings").unwrap().rows.is_empty());
        command(&mut store, ".drop table Storms ingestion csv mapping 'Storms_CSV_Mapping'").unwrap();
        let gone =
            command(&mut store, ".show table Storms ingestion csv mapping 'Storms_CSV_Mapping'").unwrap_err();
        assert_eq!(gone.code, "BadRequest_MappingReferenceWasNotFound");
    }

    #[test]
    fn create_or_alter_replaces() {
        let mut store = store();
        for path in ["$.x", "$.y"] {
            let text = format!(
                r#".create-or-alter table Storms ingestion json mapping "m" '[' '{{"column":"a","Properties":{{"Path":"{path}"}}}}' ']'"#
            );
            command(&mut store, &text).unwrap();
        }
        let shown = command(&mut store, ".show table Storms ingestion JSON mapping 'm'").unwrap();
        let mapping = shown.cell(0, "Mapping").unwrap();
        assert_eq!(mapping, r#"[{"column":"a","datatype":"","Properties":{"Path":"$.y"}}]"#);
    }

    #[test]
    fn bad_mappings_are_refused() {
        let mut store = store();
        for (text, code) in [
            (".create table Storms ingestion csv mapping 'm' 'nonsense'", "BadRequest_InvalidMapping"),
            (".create table Nope ingestion csv mapping 'm' '[]'", "BadRequest_EntityNotFound"),
            (".create table Storms ingestion sstream mapping 'm' '[]'", "BadRequest_SyntaxError"),
            (".create table Storms ingestion avro mapping 'm' '[]'", "BadRequest_InvalidMapping"),
            (".create table Storms ingestion colour mapping 'm' '[]'", "BadRequest_SyntaxError"),
            (".create table Storms ingestion csv mapping 'm'", "BadRequest_SyntaxError"),
            (".alter table Storms ingestion csv mapping 'm' '[]'", "BadRequest_MappingReferenceWasNotFound"),
        ] {
            assert_eq!(command(&mut store, text).unwrap_err().code, code, "{text}");
        }
    }
}
