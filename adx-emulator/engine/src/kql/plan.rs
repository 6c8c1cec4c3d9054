//! The pipeline to one SQL statement.
//!
//! A [`Relation`] is a SELECT that is being built: operators change it while they can and make it a subquery when they
//! cannot. Order keys travel as columns of their own, so that the order of rows never depends on SQLite's plan.

use super::ast::{Expr, ExprKind, Named, Operator, SortKey};
use super::compile::{compile, predicate};
use super::scope::{Bound, Scalar, Scope, Shared};
use super::{aggregate, ast};
use crate::answer::Column;
use crate::error::KustoError;
use crate::value::KustoType;

/// A SELECT that is being built.
#[derive(Debug, Clone)]
pub(crate) struct Relation {
    from: String,
    columns: Vec<Bound>,
    filters: Vec<String>,
    order: Vec<OrderKey>,
    limit: Option<i64>,
    /// True while every column is a plain reference, so that expressions over it stay small.
    plain: bool,
    /// True while each row is one of a table, whose ingestion time travels as `x`.
    timed: bool,
}

#[derive(Debug, Clone)]
struct OrderKey {
    sql: String,
    suffix: &'static str,
}

impl Relation {
    /// All rows of a SQL table whose columns are `c0`, `c1`…
    pub(crate) fn table(from: String, columns: &[Column]) -> Self {
        let bound = |(position, column): (usize, &Column)| Bound {
            name: column.name.clone(),
            scalar: Scalar::new(format!("c{position}"), column.kind),
        };
        let columns = columns.iter().enumerate().map(bound).collect();
        let (filters, order) = (Vec::new(), Vec::new());
        Self { from, columns, filters, order, limit: None, plain: true, timed: false }
    }

    /// The same for rows that know when they came.
    pub(crate) fn timed_table(from: String, columns: &[Column]) -> Self {
        Self { timed: true, ..Self::table(from, columns) }
    }

    /// One row of expressions.
    pub(crate) fn print(items: &[Named], shared: &mut Shared) -> Result<Self, KustoError> {
        let one_row = Self::table("(SELECT 1 AS c0)".to_owned(), &[]);
        let mut columns = Columns::default();
        for (position, item) in items.iter().enumerate() {
            let scalar = compile(&mut one_row.scope(shared, "print"), &item.value)?;
            let name = item.name.clone().unwrap_or_else(|| format!("print_{position}"));
            columns.add(name, scalar);
        }
        Ok(Self { columns: columns.list, plain: false, ..one_row })
    }

    /// The columns of the result.
    pub(crate) fn result_columns(&self) -> Vec<Column> {
        self.columns.iter().map(|column| Column::new(column.name.clone(), column.scalar.kind)).collect()
    }

    /// The statement, with its rows in order.
    pub(crate) fn to_sql(&self) -> String {
        self.render(true)
    }

    /// The statement that deletes the rows, which are a table's with conditions and nothing else.
    pub(crate) fn to_deletion(&self) -> String {
        let conditions = if self.filters.is_empty() { "0".to_owned() } else { self.filters.join(" AND ") };
        format!("DELETE FROM {} WHERE {conditions}", self.from)
    }

    fn render(&self, outermost: bool) -> String {
        let columns =
            self.columns.iter().enumerate().map(|(n, column)| format!("{} AS c{n}", column.scalar.sql));
        let keys = self.order.iter().enumerate().map(|(n, key)| format!("{} AS k{n}", key.sql));
        let hidden = (!outermost).then_some(keys).into_iter().flatten();
        let time = (self.timed && !outermost).then(|| "x AS x".to_owned());
        let parts: Vec<String> = columns.chain(hidden).chain(time).collect();
        let parts = if parts.is_empty() { "1".to_owned() } else { parts.join(", ") };
        let mut sql = format!("SELECT {parts} FROM {}", self.from);
        if !self.filters.is_empty() {
            sql = format!("{sql} WHERE {}", self.filters.join(" AND "));
        }
        // In a subquery the order only matters to a limit; the keys go up either way.
        if !self.order.is_empty() && (outermost || self.limit.is_some()) {
            // A bare name would be taken for that of a result column; an expression is one of the source's columns.
            let keys: Vec<String> =
                self.order.iter().map(|key| format!("+({}) {}", key.sql, key.suffix)).collect();
            sql = format!("{sql} ORDER BY {}", keys.join(", "));
        }
        match self.limit {
            Some(limit) => format!("{sql} LIMIT {limit}"),
            None => sql,
        }
    }

    /// The same rows as a subquery.
    fn wrap(&mut self) {
        let from = format!("({})", self.render(false));
        for (position, column) in self.columns.iter_mut().enumerate() {
            column.scalar.sql = format!("c{position}");
        }
        for (position, key) in self.order.iter_mut().enumerate() {
            key.sql = format!("k{position}");
        }
        self.from = from;
        self.filters.clear();
        self.limit = None;
        self.plain = true;
    }

    fn wrap_unless(&mut self, fine: bool) {
        if !fine {
            self.wrap();
        }
    }

    fn scope<'a>(&'a self, shared: &'a mut Shared, operator: &'static str) -> Scope<'a> {
        Scope { columns: &self.columns, shared, operator, grouped: false, timed: self.timed }
    }

    /// Adds one operator.
    pub(crate) fn apply(&mut self, operator: &Operator, shared: &mut Shared) -> Result<(), KustoError> {
        match operator {
            Operator::Count => self.count(),
            Operator::Take(rows) => {
                self.wrap_unless(self.limit.is_none());
                self.limit = Some(shared.rows(rows)?);
            }
            Operator::Where(condition) => {
                self.wrap_unless(self.plain && self.limit.is_none());
                let filter = predicate(&mut self.scope(shared, "where"), condition)?;
                self.filters.push(filter);
            }
            Operator::Project(items) => self.project(items, shared)?,
            Operator::Extend(items) => self.extend(items, shared)?,
            Operator::ProjectAway(names) => {
                self.require(names, "project-away")?;
                self.columns.retain(|column| !names.contains(&column.name));
            }
            Operator::ProjectKeep(names) => {
                self.require(names, "project-keep")?;
                self.columns.retain(|column| names.contains(&column.name));
            }
            Operator::ProjectRename(pairs) => self.rename(pairs)?,
            Operator::Summarize { aggregates, by } => self.summarize(aggregates, by, shared)?,
            Operator::Sort(keys) => self.sort(keys, "sort", shared)?,
            Operator::Top(rows, keys) => {
                self.sort(keys, "top", shared)?;
                self.limit = Some(shared.rows(rows)?);
            }
            Operator::Distinct(names) => self.distinct(names)?,
            Operator::Render(_) => {}
        }
        Ok(())
    }

    /// From here on the rows are those of `sql`, in no order.
    fn replace(&mut self, sql: &str, columns: Vec<Bound>) {
        let columns = columns.into_iter().enumerate().map(|(position, mut column)| {
            column.scalar.sql = format!("c{position}");
            column
        });
        *self = Self {
            from: format!("({sql})"),
            columns: columns.collect(),
            filters: Vec::new(),
            order: Vec::new(),
            limit: None,
            plain: true,
            timed: false,
        };
    }

    fn count(&mut self) {
        let sql = format!("SELECT count(*) AS c0 FROM ({})", self.render(false));
        let count = Bound { name: "Count".to_owned(), scalar: Scalar::new("c0", KustoType::Long) };
        self.replace(&sql, vec![count]);
    }

    fn project(&mut self, items: &[Named], shared: &mut Shared) -> Result<(), KustoError> {
        self.wrap_unless(self.plain);
        let mut columns = Columns::default();
        for item in items {
            let scalar = compile(&mut self.scope(shared, "project"), &item.value)?;
            let name = item.name.clone().or_else(|| expression_name(&item.value));
            let name = name.unwrap_or_else(|| columns.free("Column"));
            columns.add(name, scalar);
        }
        self.columns = columns.list;
        self.plain = items.iter().all(|item| matches!(item.value.kind, ExprKind::Column(_)));
        Ok(())
    }

    fn extend(&mut self, items: &[Named], shared: &mut Shared) -> Result<(), KustoError> {
        self.wrap_unless(self.plain);
        let mut columns = Columns { list: self.columns.clone() };
        for item in items {
            let scalar = compile(&mut self.scope(shared, "extend"), &item.value)?;
            if let Some(name) = &item.name {
                columns.put(name, scalar);
            } else {
                let name = expression_name(&item.value).unwrap_or_else(|| columns.free("Column"));
                columns.add(name, scalar);
            }
        }
        self.columns = columns.list;
        self.plain = false;
        Ok(())
    }

    fn require(&self, names: &[String], operator: &str) -> Result<(), KustoError> {
        match names.iter().find(|name| self.columns.iter().all(|column| column.name != **name)) {
            None => Ok(()),
            Some(name) => Err(unresolved(operator, name)),
        }
    }

    fn rename(&mut self, pairs: &[(String, String)]) -> Result<(), KustoError> {
        for (new, old) in pairs {
            if self.columns.iter().any(|column| column.name == *new) {
                let message = format!("'project-rename' operator: the column '{new}' exists already");
                return Err(KustoError::semantic(message));
            }
            let column = self.columns.iter_mut().find(|column| column.name == *old);
            column.ok_or_else(|| unresolved("project-rename", old))?.name.clone_from(new);
        }
        Ok(())
    }

    fn summarize(
        &mut self,
        aggregates: &[Named],
        by: &[Named],
        shared: &mut Shared,
    ) -> Result<(), KustoError> {
        self.wrap();
        let mut columns = Columns::default();
        for key in by {
            let scalar = compile(&mut self.scope(shared, "summarize"), &key.value)?;
            if scalar.kind == KustoType::Dynamic {
                let message =
                    "'summarize' operator: a group key of type dynamic: convert it, as with tostring()";
                return Err(KustoError::semantic(message));
            }
            let name = key.name.clone().or_else(|| expression_name(&key.value));
            let name = name.unwrap_or_else(|| columns.free("Column"));
            columns.add(name, scalar);
        }
        for item in aggregates {
            let mut scope = self.scope(shared, "summarize");
            scope.grouped = true;
            let scalar = compile(&mut scope, &item.value)?;
            let name = item.name.clone().or_else(|| aggregate::default_name(&item.value));
            let name = name.unwrap_or_else(|| columns.free("Column"));
            columns.add(name, scalar);
        }
        let list =
            columns.list.iter().enumerate().map(|(n, column)| format!("{} AS c{n}", column.scalar.sql));
        let list: Vec<String> = list.collect();
        let groups: Vec<String> = (1..=by.len()).map(|n| n.to_string()).collect();
        let grouping = if by.is_empty() { String::new() } else { format!(" GROUP BY {}", groups.join(", ")) };
        // `summarize` with neither part cannot be parsed, so the list is never empty.
        let sql = format!("SELECT {} FROM {}{grouping}", list.join(", "), self.from);
        self.replace(&sql, columns.list);
        Ok(())
    }

    fn sort(
        &mut self,
        keys: &[SortKey],
        operator: &'static str,
        shared: &mut Shared,
    ) -> Result<(), KustoError> {
        self.wrap_unless(self.plain && self.limit.is_none());
        let mut order = Vec::new();
        for key in keys {
            let scalar = compile(&mut self.scope(shared, operator), &key.value)?;
            let suffix = match (key.descending, key.nulls_first) {
                (true, true) => "DESC NULLS FIRST",
                (true, false) => "DESC NULLS LAST",
                (false, true) => "ASC NULLS FIRST",
                (false, false) => "ASC NULLS LAST",
            };
            match scalar.kind {
                KustoType::Dynamic | KustoType::Decimal => {
                    let message = format!(
                        "'{operator}' operator: an order by type {} is not supported",
                        scalar.kind.as_str()
                    );
                    return Err(KustoError::semantic(message));
                }
                KustoType::Real => {
                    // Nulls and NaN stand together at one end, nulls outermost.
                    let rank = format!(
                        "(CASE typeof({}) WHEN 'null' THEN 2 WHEN 'text' THEN 1 ELSE 0 END)",
                        scalar.sql
                    );
                    order.push(OrderKey { sql: rank, suffix: if key.nulls_first { "DESC" } else { "ASC" } });
                }
                _ => {}
            }
            order.push(OrderKey { sql: scalar.sql, suffix });
        }
        self.order = order;
        Ok(())
    }

    fn distinct(&mut self, names: &[String]) -> Result<(), KustoError> {
        self.wrap();
        let mut columns = Vec::new();
        for name in names {
            let column = self.columns.iter().find(|column| column.name == *name);
            columns.push(column.ok_or_else(|| unresolved("distinct", name))?.clone());
        }
        if names.is_empty() {
            columns.clone_from(&self.columns);
        }
        if let Some(column) = columns.iter().find(|column| column.scalar.kind == KustoType::Dynamic) {
            let message = format!("'distinct' operator: the column '{}' is of type dynamic", column.name);
            return Err(KustoError::semantic(message));
        }
        let list = columns.iter().enumerate().map(|(n, column)| format!("{} AS c{n}", column.scalar.sql));
        let list: Vec<String> = list.collect();
        let sql = format!("SELECT DISTINCT {} FROM {}", list.join(", "), self.from);
        self.replace(&sql, columns);
        Ok(())
    }
}

fn unresolved(operator: &str, name: &str) -> KustoError {
    KustoError::semantic(format!("'{operator}' operator: Failed to resolve column named '{name}'"))
}

/// Columns with different names.
#[derive(Default)]
struct Columns {
    list: Vec<Bound>,
}

impl Columns {
    fn has(&self, name: &str) -> bool {
        self.list.iter().any(|column| column.name == name)
    }

    /// Adds a column; a name that is taken gets a number.
    fn add(&mut self, name: String, scalar: Scalar) {
        let name = if self.has(&name) { self.free(&name) } else { name };
        self.list.push(Bound { name, scalar });
    }

    /// Replaces the column of this name, or adds it.
    fn put(&mut self, name: &str, scalar: Scalar) {
        match self.list.iter_mut().find(|column| column.name == name) {
            Some(column) => column.scalar = scalar,
            None => self.list.push(Bound { name: name.to_owned(), scalar }),
        }
    }

    /// The first free one of `stem1`, `stem2`…
    fn free(&self, stem: &str) -> String {
        let mut number = 1;
        while self.has(&format!("{stem}{number}")) {
            number += 1;
        }
        format!("{stem}{number}")
    }
}

/// The name of an expression's column that was given none: a column keeps its own, also through a conversion or bin.
fn expression_name(expr: &Expr) -> Option<String> {
    let keeps =
        |name: &str| (name.starts_with("to") && name != "tolower" && name != "toupper") || name == "bin";
    match &expr.kind {
        ast::ExprKind::Column(name) => Some(name.clone()),
        ast::ExprKind::Call(name, arguments) if keeps(name) => expression_name(arguments.first()?),
        ast::ExprKind::Member(value, name) => Some(format!("{}_{name}", expression_name(value)?)),
        _ => None,
    }
}
