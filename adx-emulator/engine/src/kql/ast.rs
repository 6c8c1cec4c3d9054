//! What a query says, before names and types are looked at.

use std::collections::HashMap;

use crate::error::KustoError;
use crate::value::KustoType;

/// Deeper expressions are refused: they would exhaust the stack, ours or SQLite's.
const MAX_DEPTH: u16 = 100;

/// The values of query parameters by name.
pub(crate) type Parameters = HashMap<String, Literal>;

/// A whole query.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Query {
    /// The values of its parameters.
    pub declared: Parameters,
    pub source: Source,
    pub operators: Vec<Operator>,
}

/// Where rows come from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Source {
    /// A table, of the current database or of another.
    Table {
        /// The database, when named.
        database: Option<String>,
        name: String,
    },
    /// One row of expressions.
    Print(Vec<Named>),
    /// The result of a command.
    Given,
}

/// An expression with the name of the column it makes, if given.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Named {
    pub name: Option<String>,
    pub value: Expr,
}

/// One operator of the pipeline.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Operator {
    /// The number of rows.
    Count,
    /// At most so many rows.
    Take(Rows),
    /// The rows for which it is true.
    Where(Expr),
    /// Exactly these columns.
    Project(Vec<Named>),
    /// All columns but these.
    ProjectAway(Vec<String>),
    /// Only these columns, in their old order.
    ProjectKeep(Vec<String>),
    /// All columns, some with another name: (new, old).
    ProjectRename(Vec<(String, String)>),
    /// All columns and these.
    Extend(Vec<Named>),
    /// Groups and aggregates.
    Summarize {
        aggregates: Vec<Named>,
        /// The keys of the groups.
        by: Vec<Named>,
    },
    /// The rows in order.
    Sort(Vec<SortKey>),
    /// The first rows in order.
    Top(Rows, Vec<SortKey>),
    /// The distinct combinations; of all columns when empty.
    Distinct(Vec<String>),
    /// A kind of chart: for people, not for data.
    Render(String),
}

/// A number of rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Rows {
    /// As it stands in the query.
    Number(i64),
    /// The value of this query parameter.
    Parameter(String),
}

/// One key of an order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SortKey {
    pub value: Expr,
    pub descending: bool,
    pub nulls_first: bool,
}

/// An expression; made by [`Expr::new`], which bounds its depth.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Expr {
    pub kind: ExprKind,
    depth: u16,
}

/// The kinds of expression.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ExprKind {
    /// A value.
    Literal(Literal),
    /// A column.
    Column(String),
    /// A function.
    Call(String, Vec<Expr>),
    /// `-x`.
    Negate(Box<Expr>),
    /// `+ - * / %`.
    Arithmetic(Arithmetic, Box<Expr>, Box<Expr>),
    /// `== != < <= > >=`.
    Compare(Compare, Box<Expr>, Box<Expr>),
    /// `has`, `contains` and the like.
    TextTest(TextTest, Box<Expr>, Box<Expr>),
    /// `in (…)`.
    In(Membership, Box<Expr>, Vec<Expr>),
    /// `between (a .. b)`; true when negated.
    Between(bool, Box<[Expr; 3]>),
    /// `and` (true) or `or` (false) of two or more.
    Logic(bool, Vec<Expr>),
    /// `x.name` of a dynamic.
    Member(Box<Expr>, String),
    /// `x[y]` of a dynamic.
    Index(Box<Expr>, Box<Expr>),
}

/// A value in the query's text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Literal {
    /// Text.
    Text(String),
    /// Whole number, or ticks, or 0 and 1, by the type.
    Integer(KustoType, i64),
    /// real.
    Real(f64),
    /// guid, decimal, dynamic in the store's form.
    Stored(KustoType, String),
    /// The null of a type.
    Null(KustoType),
}

/// Arithmetic operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Modulo,
}

/// Comparison operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compare {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

/// A test on text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TextTest {
    /// The SQL function that does it; see `sqlite`.
    pub function: &'static str,
    /// True for the opposite.
    pub negated: bool,
}

/// How `in` compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Membership {
    /// `!in`.
    pub negated: bool,
    /// `in~`.
    pub fold_case: bool,
}

impl Expr {
    /// An expression over parts that exist; refused when it becomes too deep.
    pub(crate) fn new(kind: ExprKind) -> Result<Self, KustoError> {
        let deepest = |parts: &[Expr]| parts.iter().map(|part| part.depth).max().unwrap_or(0);
        let below = match &kind {
            ExprKind::Literal(_) | ExprKind::Column(_) => 0,
            ExprKind::Call(_, parts) | ExprKind::Logic(_, parts) => deepest(parts),
            ExprKind::Negate(part) | ExprKind::Member(part, _) => part.depth,
            ExprKind::Arithmetic(_, left, right)
            | ExprKind::Compare(_, left, right)
            | ExprKind::TextTest(_, left, right)
            | ExprKind::Index(left, right) => left.depth.max(right.depth),
            ExprKind::In(_, value, list) => value.depth.max(deepest(list)),
            ExprKind::Between(_, parts) => deepest(parts.as_slice()),
        };
        if below >= MAX_DEPTH {
            return Err(KustoError::unsupported(format!("an expression more than {MAX_DEPTH} levels deep")));
        }
        Ok(Self { kind, depth: below + 1 })
    }
}
