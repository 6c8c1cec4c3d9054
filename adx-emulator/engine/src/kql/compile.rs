//! Expressions to SQL, with types.
//!
//! Every operand's SQL is used once in the result, so its size grows with the query's and not faster.

use rusqlite::types::Value;

use super::ast::{Arithmetic, Expr, ExprKind, Membership, TextTest};
use super::scope::{Compiled, Scalar, Scope};
use super::{aggregate, function};
use crate::error::KustoError;
use crate::value::KustoType;

/// Compiles an expression.
pub(crate) fn compile(scope: &mut Scope<'_>, expr: &Expr) -> Compiled {
    match &expr.kind {
        ExprKind::Literal(literal) => scope.literal(literal),
        ExprKind::Column(name) => scope.column(name),
        ExprKind::Call(name, arguments) => call(scope, name, arguments),
        ExprKind::Negate(value) => {
            let value = compile(scope, value)?;
            scope.negate(&value)
        }
        ExprKind::Arithmetic(operation, left, right) => {
            let (left, right) = (compile(scope, left)?, compile(scope, right)?);
            scope.arithmetic(*operation, &left, &right)
        }
        ExprKind::Compare(comparison, left, right) => {
            let (left, right) = (compile(scope, left)?, compile(scope, right)?);
            scope.compare(*comparison, left, right)
        }
        ExprKind::TextTest(test, left, right) => text_test(scope, *test, left, right),
        ExprKind::In(membership, value, list) => is_in(scope, *membership, value, list),
        ExprKind::Between(negated, parts) => between(scope, *negated, parts),
        ExprKind::Logic(conjunction, terms) => logic(scope, *conjunction, terms),
        ExprKind::Member(value, name) => {
            let value = compile(scope, value)?;
            let name = scope.parameter(Value::Text(name.clone()))?;
            scope.member(&value, &name)
        }
        ExprKind::Index(value, index) => {
            let (value, index) = (compile(scope, value)?, compile(scope, index)?);
            match index.kind {
                KustoType::String | KustoType::Int | KustoType::Long => scope.member(&value, &index.sql),
                other => Err(scope.fail(format!("a value of type {} is not an index", other.as_str()))),
            }
        }
    }
}

/// Compiles an expression that must be a bool.
pub(crate) fn predicate(scope: &mut Scope<'_>, expr: &Expr) -> Result<String, KustoError> {
    let value = compile(scope, expr)?;
    scope.predicate(&value)
}

fn all(scope: &mut Scope<'_>, expressions: &[Expr]) -> Result<Vec<Scalar>, KustoError> {
    expressions.iter().map(|expression| compile(scope, expression)).collect()
}

/// The function is looked up first, so that an unknown one is what the message names.
fn call(scope: &mut Scope<'_>, name: &str, arguments: &[Expr]) -> Compiled {
    if !aggregate::is_aggregate(name) {
        let function = function::find(scope, name, arguments.len())?;
        let arguments = all(scope, arguments)?;
        return function(scope, &arguments);
    }
    if !scope.grouped {
        return Err(scope.fail(format!("the aggregate function '{name}' is not expected here")));
    }
    let function = aggregate::find(scope, name, arguments.len())?;
    // Inside the aggregate columns are in reach again, and aggregates are not.
    scope.grouped = false;
    let arguments = all(scope, arguments);
    scope.grouped = true;
    function(scope, &arguments?)
}

fn text_test(scope: &mut Scope<'_>, test: TextTest, left: &Expr, right: &Expr) -> Compiled {
    let (left, right) = (compile(scope, left)?, compile(scope, right)?);
    let (left, right) = (scope.text(&left)?, scope.text(&right)?);
    let not = if test.negated { "NOT " } else { "" };
    Ok(Scalar::new(format!("({not}{}({left}, {right}))", test.function), KustoType::Bool))
}

fn is_in(scope: &mut Scope<'_>, how: Membership, value: &Expr, list: &[Expr]) -> Compiled {
    let value = compile(scope, value)?;
    let mut items = Vec::new();
    for item in list {
        let item = compile(scope, item)?;
        let (_, item, kind) = scope.unify(value.clone(), item)?;
        if kind == KustoType::Dynamic || value.kind == KustoType::Dynamic || value.kind == KustoType::Real {
            return Err(
                scope.fail(format!("'in' on values of type {} is not supported", value.kind.as_str()))
            );
        }
        items.push(if how.fold_case { format!("k_lower({})", item.sql) } else { item.sql });
    }
    let value = match (how.fold_case, value.kind) {
        (false, _) => value.sql,
        (true, KustoType::String) => format!("k_lower({})", value.sql),
        (true, other) => return Err(scope.fail(format!("'in~' needs strings, not {}", other.as_str()))),
    };
    let not = if how.negated { "NOT " } else { "" };
    // A null is in no list.
    let sql = format!("({not}ifnull({value} IN ({}), 0))", items.join(", "));
    Ok(Scalar::new(sql, KustoType::Bool))
}

fn between(scope: &mut Scope<'_>, negated: bool, parts: &[Expr; 3]) -> Compiled {
    let [value, low, high] = parts;
    let (value, low, mut high) = (compile(scope, value)?, compile(scope, low)?, compile(scope, high)?);
    // `datetime .. timespan`: the end is counted from the beginning.
    if low.kind == KustoType::DateTime && high.kind == KustoType::TimeSpan {
        high = scope.arithmetic(Arithmetic::Add, &low, &high)?;
    }
    let ordered =
        [KustoType::Int, KustoType::Long, KustoType::Real, KustoType::DateTime, KustoType::TimeSpan];
    if !ordered.contains(&value.kind) {
        return Err(
            scope.fail(format!("'between' on values of type {} is not supported", value.kind.as_str()))
        );
    }
    let (_, low, _) = scope.unify(value.clone(), low)?;
    let (value, high, _) = scope.unify(value, high)?;
    let not = if negated { "NOT " } else { "" };
    Ok(Scalar::new(format!("({} {not}BETWEEN {} AND {})", value.sql, low.sql, high.sql), KustoType::Bool))
}

fn logic(scope: &mut Scope<'_>, conjunction: bool, terms: &[Expr]) -> Compiled {
    let terms: Vec<String> = terms.iter().map(|term| predicate(scope, term)).collect::<Result<_, _>>()?;
    let word = if conjunction { " AND " } else { " OR " };
    Ok(Scalar::new(format!("({})", terms.join(word)), KustoType::Bool))
}
