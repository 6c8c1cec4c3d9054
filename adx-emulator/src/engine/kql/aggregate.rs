//! The aggregate functions of `summarize`.

use super::ast::{Expr, ExprKind};
use super::scalar::{Scalar, Scope};
use crate::engine::error::KustoError;
use crate::engine::value::KustoType;

const NAMES: [&str; 8] = ["count", "countif", "sum", "sumif", "min", "max", "avg", "dcount"];

/// Compiles the call when its function is an aggregate; none when it is another function.
pub fn compile(scope: &mut Scope<'_>, name: &str, arguments: &[Expr]) -> Result<Option<Scalar>, KustoError> {
    if !NAMES.contains(&name) {
        return Ok(None);
    }
    if !scope.grouped {
        return Err(scope.fail(format!("the aggregate function '{name}' is not expected here")));
    }
    // Inside the aggregate columns are in reach again, and aggregates are not.
    scope.grouped = false;
    let compiled = aggregate(scope, name, arguments);
    scope.grouped = true;
    compiled.map(Some)
}

fn aggregate(scope: &mut Scope<'_>, name: &str, arguments: &[Expr]) -> Result<Scalar, KustoError> {
    match (name, arguments) {
        ("count", []) => Ok(Scalar::new("count(*)", KustoType::Long)),
        ("countif", [condition]) => {
            let condition = scope.predicate(condition)?;
            Ok(Scalar::new(format!("count(CASE WHEN {condition} THEN 1 END)"), KustoType::Long))
        }
        ("sum", [value]) => {
            let value = scope.compile(value)?;
            sum(scope, &value.sql, value.kind)
        }
        ("sumif", [value, condition]) => {
            let value = scope.compile(value)?;
            let condition = scope.predicate(condition)?;
            sum(scope, &format!("CASE WHEN {condition} THEN {} END", value.sql), value.kind)
        }
        ("min" | "max", [value]) => extreme(scope, name, value),
        ("avg", [value]) => average(scope, value),
        ("dcount", [value]) => {
            let value = scope.compile(value)?;
            if value.kind == KustoType::Dynamic {
                return Err(scope.fail("dcount() of a dynamic is not supported by this emulator"));
            }
            Ok(Scalar::new(format!("count(DISTINCT {})", value.sql), KustoType::Long))
        }
        _ => Err(scope.fail(format!("{name}() does not take {} arguments here", arguments.len()))),
    }
}

/// The sum of nothing is 0.
fn sum(scope: &Scope<'_>, sql: &str, kind: KustoType) -> Result<Scalar, KustoError> {
    match kind {
        KustoType::Int | KustoType::Long => {
            Ok(Scalar::new(format!("ifnull(sum({sql}), 0)"), KustoType::Long))
        }
        KustoType::TimeSpan => Ok(Scalar::new(format!("ifnull(sum({sql}), 0)"), kind)),
        KustoType::Real => Ok(Scalar::new(format!("k_sum_real({sql})"), kind)),
        other => Err(scope.fail(format!("sum() of a value of type {} is not supported", other.as_str()))),
    }
}

fn extreme(scope: &mut Scope<'_>, name: &str, value: &Expr) -> Result<Scalar, KustoError> {
    let value = scope.compile(value)?;
    let sql = match value.kind {
        KustoType::Int | KustoType::Long | KustoType::Real | KustoType::DateTime | KustoType::TimeSpan => {
            format!("{name}({})", value.sql)
        }
        KustoType::String => format!("ifnull({name}({}), '')", value.sql),
        other => {
            return Err(
                scope.fail(format!("{name}() of a value of type {} is not supported", other.as_str()))
            );
        }
    };
    Ok(Scalar::new(sql, value.kind))
}

fn average(scope: &mut Scope<'_>, value: &Expr) -> Result<Scalar, KustoError> {
    let value = scope.compile(value)?;
    match value.kind {
        KustoType::Int | KustoType::Long | KustoType::Real => {
            Ok(Scalar::new(format!("k_avg({})", value.sql), KustoType::Real))
        }
        KustoType::TimeSpan => {
            Ok(Scalar::new(format!("k_truncate(avg({}))", value.sql), KustoType::TimeSpan))
        }
        other => Err(scope.fail(format!("avg() of a value of type {} is not supported", other.as_str()))),
    }
}

/// The name of an aggregate's column that was given none: `count_`, `sum_x`.
pub fn default_name(expr: &Expr) -> Option<String> {
    match &expr.kind {
        ExprKind::Call(name, arguments) if NAMES.contains(&name.as_str()) => {
            let column = match arguments.first().map(|first| &first.kind) {
                Some(ExprKind::Column(column)) => column,
                _ => "",
            };
            Some(format!("{name}_{column}"))
        }
        _ => None,
    }
}
