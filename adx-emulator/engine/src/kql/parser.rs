//! The parser of queries: source, then operators between pipes. Expressions: see `expression`.
//!
//! Total: any text gives a query or Kusto's syntax error.

use std::collections::BTreeMap;

use super::ast::{Named, Operator, Parameters, Query, Rows, SortKey, Source};
use super::expression::{expression, list};
use super::parameters;
use crate::cursor::Cursor;
use crate::error::KustoError;
use crate::lexer::{Mode, TokenKind};

/// Longer pipelines are refused: each operator nests the SQL once more.
const MAX_OPERATORS: usize = 50;

/// Reads a query whose parameters have the values `given`.
pub(crate) fn parse(text: &str, given: &BTreeMap<String, String>) -> Result<Query, KustoError> {
    let mut cursor = Cursor::new(text, Mode::Query)?;
    let declared = parameters::declarations(&mut cursor, given)?;
    let source = source(&mut cursor)?;
    let operators = if cursor.eat_mark("|") { operators(&mut cursor)? } else { Vec::new() };
    end(&mut cursor)?;
    Ok(Query { declared, source, operators })
}

/// Reads operators that follow a command's pipe.
pub(crate) fn parse_pipeline(text: &str) -> Result<Query, KustoError> {
    let mut cursor = Cursor::new(text, Mode::Query)?;
    let operators = operators(&mut cursor)?;
    end(&mut cursor)?;
    Ok(Query { declared: Parameters::new(), source: Source::Given, operators })
}

fn end(cursor: &mut Cursor<'_>) -> Result<(), KustoError> {
    while cursor.eat_mark(";") {}
    match cursor.peek() {
        Some(TokenKind::Word(word)) => Err(KustoError::syntax(format!(
            "'{word}' is not expected here, or not supported by this emulator"
        ))),
        _ => cursor.end(),
    }
}

fn source(cursor: &mut Cursor<'_>) -> Result<Source, KustoError> {
    if !cursor.is_name() {
        return Err(cursor.unexpected("a table's name"));
    }
    if cursor.eat_word("print") {
        return Ok(Source::Print(named_list(cursor)?));
    }
    let opens = matches!(cursor.peek_at(1), Some(TokenKind::Mark("(")));
    if opens && cursor.eat_word("database") {
        cursor.expect_mark("(")?;
        let database = cursor.string("a database's name")?;
        cursor.expect_mark(")")?;
        cursor.expect_mark(".")?;
        return Ok(Source::Table { database: Some(database), name: cursor.name("a table's name")? });
    }
    let name = cursor.name("a table's name")?;
    if opens {
        return Err(KustoError::unsupported(format!("the function '{name}()' as a source of rows")));
    }
    let alone = cursor.is_done() || cursor.is_mark("|") || cursor.is_mark(";");
    if alone { Ok(Source::Table { database: None, name }) } else { Err(not_a_table(&name, cursor)) }
}

fn not_a_table(name: &str, cursor: &Cursor<'_>) -> KustoError {
    let statements =
        ["let", "set", "union", "datatable", "range", "find", "search", "externaldata", "evaluate"];
    if statements.contains(&name) {
        return KustoError::unsupported(format!("'{name}'"));
    }
    cursor.unexpected("'|' or the end")
}

fn operators(cursor: &mut Cursor<'_>) -> Result<Vec<Operator>, KustoError> {
    let mut operators = Vec::new();
    loop {
        if operators.len() == MAX_OPERATORS {
            return Err(KustoError::unsupported(format!("a query of more than {MAX_OPERATORS} operators")));
        }
        operators.push(operator(cursor)?);
        if !cursor.is_mark("|") {
            return Ok(operators);
        }
        if let Some(Operator::Render(_)) = operators.last() {
            return Err(KustoError::syntax("'render' must be the last operator"));
        }
        cursor.advance();
    }
}

fn operator(cursor: &mut Cursor<'_>) -> Result<Operator, KustoError> {
    if !matches!(cursor.peek(), Some(TokenKind::Word(_))) {
        return Err(cursor.unexpected("an operator"));
    }
    match cursor.keyword().as_str() {
        "count" => Ok(Operator::Count),
        "take" | "limit" => Ok(Operator::Take(count(cursor)?)),
        "where" | "filter" => Ok(Operator::Where(expression(cursor)?)),
        "project" => Ok(Operator::Project(named_list(cursor)?)),
        "project-away" => Ok(Operator::ProjectAway(names(cursor)?)),
        "project-keep" => Ok(Operator::ProjectKeep(names(cursor)?)),
        "project-rename" => Ok(Operator::ProjectRename(list(cursor, rename)?)),
        "extend" => Ok(Operator::Extend(named_list(cursor)?)),
        "summarize" => summarize(cursor),
        "sort" | "order" => {
            cursor.expect_word("by")?;
            Ok(Operator::Sort(list(cursor, sort_key)?))
        }
        "top" => {
            let rows = count(cursor)?;
            cursor.expect_word("by")?;
            Ok(Operator::Top(rows, list(cursor, sort_key)?))
        }
        "distinct" if cursor.eat_mark("*") => Ok(Operator::Distinct(Vec::new())),
        "distinct" => Ok(Operator::Distinct(names(cursor)?)),
        "render" => render(cursor),
        other => Err(KustoError::unsupported(format!("the operator '{other}'"))),
    }
}

fn count(cursor: &mut Cursor<'_>) -> Result<Rows, KustoError> {
    let rows = match cursor.peek() {
        Some(TokenKind::Long(count)) => Rows::Number(*count),
        Some(TokenKind::Word(name)) => Rows::Parameter(name.clone()),
        _ => return Err(cursor.unexpected("a number of rows")),
    };
    cursor.advance();
    Ok(rows)
}

fn names(cursor: &mut Cursor<'_>) -> Result<Vec<String>, KustoError> {
    let names = list(cursor, |cursor| cursor.name("a column's name"))?;
    if cursor.is_mark("*") {
        return Err(KustoError::unsupported("a pattern of column names with '*'"));
    }
    Ok(names)
}

fn rename(cursor: &mut Cursor<'_>) -> Result<(String, String), KustoError> {
    let new = cursor.name("a column's new name")?;
    cursor.expect_mark("=")?;
    Ok((new, cursor.name("a column's name")?))
}

fn named_list(cursor: &mut Cursor<'_>) -> Result<Vec<Named>, KustoError> {
    list(cursor, named)
}

fn named(cursor: &mut Cursor<'_>) -> Result<Named, KustoError> {
    // `name = …`, where a quoted name is three tokens.
    let width = if cursor.is_mark("[") { 3 } else { 1 };
    let assigned = matches!(cursor.peek_at(width), Some(TokenKind::Mark("=")));
    let name = if cursor.is_name() && assigned { Some(cursor.name("a column's name")?) } else { None };
    if name.is_some() {
        cursor.expect_mark("=")?;
    }
    Ok(Named { name, value: expression(cursor)? })
}

fn summarize(cursor: &mut Cursor<'_>) -> Result<Operator, KustoError> {
    let aggregates = if cursor.is_word("by") { Vec::new() } else { named_list(cursor)? };
    let by = if cursor.eat_word("by") { named_list(cursor)? } else { Vec::new() };
    Ok(Operator::Summarize { aggregates, by })
}

fn sort_key(cursor: &mut Cursor<'_>) -> Result<SortKey, KustoError> {
    let value = expression(cursor)?;
    let ascending = cursor.eat_word("asc");
    let descending = !ascending;
    if descending {
        cursor.eat_word("desc");
    }
    let mut nulls_first = ascending;
    if cursor.eat_word("nulls") {
        nulls_first = cursor.eat_word("first");
        if !nulls_first {
            cursor.expect_word("last")?;
        }
    }
    Ok(SortKey { value, descending, nulls_first })
}

/// The chart's kind, and properties that only a client's drawing would use.
fn render(cursor: &mut Cursor<'_>) -> Result<Operator, KustoError> {
    let kind = cursor.name("a kind of chart")?;
    if cursor.eat_word("with") {
        cursor.expect_mark("(")?;
        while !cursor.eat_mark(")") {
            if cursor.is_done() {
                return Err(cursor.unexpected("')'"));
            }
            cursor.advance();
        }
    }
    Ok(Operator::Render(kind))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Result<Query, KustoError> {
        super::parse(text, &BTreeMap::new())
    }

    fn operator_count(text: &str) -> usize {
        parse(text).unwrap().operators.len()
    }

    #[test]
    fn the_labs_queries_are_read() {
        assert_eq!(operator_count("Storms | count"), 1);
        assert_eq!(operator_count("Storms | take 10"), 1);
        assert_eq!(
            operator_count(
                "Storms | where EventType == 'Drought' and State == 'TEXAS' | project StartTime, EndTime, Source, EventId"
            ),
            2
        );
        assert_eq!(
            operator_count(
                "Storms | summarize event_count=count() by State | where event_count > 10 | project State, event_count | render columnchart"
            ),
            4
        );
    }

    #[test]
    fn sources_have_many_forms() {
        let table = |database: Option<&str>, name: &str| Source::Table {
            database: database.map(str::to_owned),
            name: name.to_owned(),
        };
        assert_eq!(parse("T").unwrap().source, table(None, "T"));
        assert_eq!(parse("['a b'];").unwrap().source, table(None, "a b"));
        assert_eq!(parse("database('D').T | count").unwrap().source, table(Some("D"), "T"));
        assert_eq!(parse("database(\"D\").['T']").unwrap().source, table(Some("D"), "T"));
        assert!(matches!(parse("print 1, x = 'a'").unwrap().source, Source::Print(list) if list.len() == 2));
    }

    #[test]
    fn sort_keys_have_kustos_defaults() {
        let Operator::Sort(keys) =
            parse("T | sort by a, b asc, c asc nulls last").unwrap().operators.remove(0)
        else {
            panic!("no sort")
        };
        let flags: Vec<_> = keys.iter().map(|key| (key.descending, key.nulls_first)).collect();
        assert_eq!(flags, [(true, false), (false, true), (false, false)]);
    }

    #[test]
    fn what_is_not_known_is_refused_by_name() {
        for (text, name) in [
            ("T | join (U) on a", "join"),
            ("T | mv-expand a", "mv-expand"),
            ("let x = 1; T", "let"),
            ("union A, B", "union"),
            ("T | where a matches regex 'x'", "matches"),
            ("range x from 1 to 3 step 1", "range"),
            ("cluster('c').database('d').T", "cluster"),
            ("T | take -1", "-"),
            ("T | take", "the text ends"),
            ("T | where", "the text ends"),
            ("T | project-away a*", "*"),
            ("T | render piechart | count", "render"),
            ("T | count by a", "by"),
            ("T |", "an operator"),
            ("", "a table's name"),
            ("T U", "U"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.message.contains(name), "{text}: {}", error.message);
            assert_eq!((error.status, error.permanent), (400, true));
        }
    }

    #[test]
    fn depth_and_length_are_bounded() {
        for text in [
            format!("T | where {}1{} == 1", "(".repeat(50_000), ")".repeat(50_000)),
            format!("T | where 1{} == 1", " + 1".repeat(50_000)),
            format!("T | where {}1 == 1", "- ".repeat(50_000)),
            format!("T | where {}1{}", "not(".repeat(50_000), ")".repeat(50_000)),
            format!("T | where a{}", "[0]".repeat(50_000)),
            format!("T{}", " | count".repeat(500)),
        ] {
            assert!(parse(&text).unwrap_err().message.contains("not supported"), "{}", &text[..40]);
        }
    }

    proptest! {
        #[test]
        fn no_text_is_fatal(text in "\\PC{0,80}") {
            if let Err(error) = parse(&text) {
                prop_assert_eq!(error.status, 400);
            }
        }

        #[test]
        fn no_mixture_of_words_is_fatal(words in prop::collection::vec(prop::sample::select(vec![
            "T", "|", "where", "project", "summarize", "by", "extend", "a", "b", "(", ")", ",", "==", "=", "1", "1d",
            "'x'", "count()", "in", "!in", "between", "..", "has", "and", "or", "not", "[", "]", ".", "-", "!", "~",
            "sort", "top", "asc", "nulls", "first", "datetime(2007-01-01)", "dynamic([1])", "render", "print", ";",
        ]), 0..25)) {
            let text = words.join(" ");
            if let Err(error) = parse(&text) {
                prop_assert_eq!(error.status, 400);
            }
        }
    }
}
