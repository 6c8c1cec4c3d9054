//! The aggregate functions of `summarize`: SQL from the SQL of their arguments.

use super::ast::{Expr, ExprKind};
use super::scope::{Compiled, Function, Scalar, Scope};
use crate::error::KustoError;
use crate::value::KustoType;

const NAMES: [&str; 9] =
    ["count", "countif", "sum", "sumif", "min", "max", "avg", "dcount", "count_distinct"];

/// True when `name` is an aggregate function.
pub(crate) fn is_aggregate(name: &str) -> bool {
    NAMES.contains(&name)
}

/// The aggregate `name` for `count` arguments.
pub(crate) fn find(scope: &Scope<'_>, name: &str, count: usize) -> Result<Function, KustoError> {
    Ok(match (name, count) {
        ("count", 0) => |_, _| Ok(Scalar::new("count(*)", KustoType::Long)),
        ("countif", 1) => |scope, arguments| {
            let condition = scope.predicate(&arguments[0])?;
            Ok(Scalar::new(format!("count(CASE WHEN {condition} THEN 1 END)"), KustoType::Long))
        },
        ("sum", 1) => |scope, arguments| sum(scope, &arguments[0].sql, arguments[0].kind),
        ("sumif", 2) => |scope, arguments| {
            let condition = scope.predicate(&arguments[1])?;
            let value = &arguments[0];
            sum(scope, &format!("CASE WHEN {condition} THEN {} END", value.sql), value.kind)
        },
        ("min", 1) => |scope, arguments| extreme(scope, "min", &arguments[0]),
        ("max", 1) => |scope, arguments| extreme(scope, "max", &arguments[0]),
        ("avg", 1) => |scope, arguments| average(scope, &arguments[0]),
        ("dcount" | "count_distinct", 1) => |scope, arguments| {
            let value = &arguments[0];
            if value.kind == KustoType::Dynamic {
                return Err(scope.fail("a count of distinct dynamics is not supported by this emulator"));
            }
            Ok(Scalar::new(format!("count(DISTINCT {})", value.sql), KustoType::Long))
        },
        _ => return Err(scope.fail(format!("{name}() does not take {count} arguments here"))),
    })
}

/// The sum of nothing is 0.
fn sum(scope: &Scope<'_>, sql: &str, kind: KustoType) -> Compiled {
    match kind {
        KustoType::Int | KustoType::Long => {
            Ok(Scalar::new(format!("ifnull(sum({sql}), 0)"), KustoType::Long))
        }
        KustoType::TimeSpan => Ok(Scalar::new(format!("ifnull(sum({sql}), 0)"), kind)),
        KustoType::Real => Ok(Scalar::new(format!("k_sum_real({sql})"), kind)),
        other => Err(scope.fail(format!("sum() of a value of type {} is not supported", other.as_str()))),
    }
}

fn extreme(scope: &Scope<'_>, name: &str, value: &Scalar) -> Compiled {
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

fn average(scope: &Scope<'_>, value: &Scalar) -> Compiled {
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
pub(crate) fn default_name(expr: &Expr) -> Option<String> {
    match &expr.kind {
        ExprKind::Call(name, arguments) if is_aggregate(name) => {
            let column = match arguments.first().map(|first| &first.kind) {
                Some(ExprKind::Column(column)) => column,
                _ => "",
            };
            Some(format!("{name}_{column}"))
        }
        _ => None,
    }
}
