//! The scalar functions of queries.

use super::ast::{Arithmetic, Expr};
use super::scalar::{Scalar, Scope};
use crate::engine::datetime;
use crate::engine::error::KustoError;
use crate::engine::value::KustoType;

type Compiled = Result<Scalar, KustoError>;

/// Compiles a call.
pub fn compile(scope: &mut Scope<'_>, name: &str, arguments: &[Expr]) -> Compiled {
    use KustoType::{Bool, DateTime, Decimal, Dynamic, Guid, Int, Long, Real, String, TimeSpan};
    match (name, arguments) {
        ("not", [value]) => Ok(Scalar::new(format!("(NOT {})", scope.predicate(value)?), Bool)),
        ("isnull", [value]) => null_test(scope, value, true),
        ("isnotnull" | "notnull", [value]) => null_test(scope, value, false),
        ("isempty", [value]) => empty_test(scope, value, true),
        ("isnotempty" | "notempty", [value]) => empty_test(scope, value, false),
        ("tostring", [value]) => to_string(scope, value),
        ("toint", [value]) => convert(scope, value, Int),
        ("tolong", [value]) => convert(scope, value, Long),
        ("todouble" | "toreal", [value]) => convert(scope, value, Real),
        ("todecimal", [value]) => convert(scope, value, Decimal),
        ("tobool" | "toboolean", [value]) => convert(scope, value, Bool),
        ("todatetime", [value]) => convert(scope, value, DateTime),
        ("totimespan", [value]) => convert(scope, value, TimeSpan),
        ("toguid", [value]) => convert(scope, value, Guid),
        ("parse_json" | "todynamic", [value]) => convert(scope, value, Dynamic),
        ("strlen", [value]) => Ok(Scalar::new(format!("k_strlen({})", scope.text(value)?), Long)),
        ("tolower", [value]) => Ok(Scalar::new(format!("k_lower({})", scope.text(value)?), String)),
        ("toupper", [value]) => Ok(Scalar::new(format!("k_upper({})", scope.text(value)?), String)),
        ("strcat", [_, ..]) => strcat(scope, arguments),
        ("substring", [text, start]) => substring(scope, text, start, None),
        ("substring", [text, start, length]) => substring(scope, text, start, Some(length)),
        ("iff" | "iif", [condition, yes, no]) => choose(scope, condition, yes, no),
        ("now", []) => Ok(Scalar::new(scope.shared.now.to_string(), DateTime)),
        ("now", [offset]) => from_now(scope, Arithmetic::Add, offset),
        ("ago", [offset]) => from_now(scope, Arithmetic::Subtract, offset),
        ("bin" | "floor", [value, size]) => bin(scope, value, size),
        ("startofday", [value]) => {
            let value = scope.compile(value)?;
            bin_of(scope, &value, &Scalar::new(datetime::DAY.to_string(), TimeSpan))
        }
        _ => Err(unknown(scope, name, arguments.len())),
    }
}

fn unknown(scope: &Scope<'_>, name: &str, count: usize) -> KustoError {
    scope
        .fail(format!("Unknown function '{name}' with {count} arguments (or not supported by this emulator)"))
}

fn null_test(scope: &mut Scope<'_>, value: &Expr, wanted: bool) -> Compiled {
    let value = scope.compile(value)?;
    let not = if wanted { "" } else { "NOT " };
    // A string is never null in Kusto.
    let sql = match value.kind {
        KustoType::String => format!("(ifnull({}, '') IS {}NULL)", value.sql, not),
        _ => format!("({} IS {not}NULL)", value.sql),
    };
    Ok(Scalar::new(sql, KustoType::Bool))
}

fn empty_test(scope: &mut Scope<'_>, value: &Expr, wanted: bool) -> Compiled {
    let value = scope.compile(value)?;
    let sql = match (value.kind, wanted) {
        (KustoType::String, true) => format!("(ifnull({}, '') = '')", value.sql),
        (KustoType::String, false) => format!("(ifnull({}, '') <> '')", value.sql),
        (_, true) => format!("({} IS NULL)", value.sql),
        (_, false) => format!("({} IS NOT NULL)", value.sql),
    };
    Ok(Scalar::new(sql, KustoType::Bool))
}

fn to_string(scope: &mut Scope<'_>, value: &Expr) -> Compiled {
    let value = scope.compile(value)?;
    let sql = match value.kind {
        KustoType::String => value.sql,
        KustoType::Real => return Err(scope.fail("tostring() of a real is not supported by this emulator")),
        kind => format!("k_show('{}', {})", kind.as_str(), value.sql),
    };
    Ok(Scalar::new(sql, KustoType::String))
}

/// `toX(value)`: what does not fit is null.
fn convert(scope: &mut Scope<'_>, value: &Expr, wanted: KustoType) -> Compiled {
    use KustoType::{Bool, DateTime, Decimal, Dynamic, Guid, Int, Long, Real, String, TimeSpan};
    let value = scope.compile(value)?;
    let sql = value.sql;
    let converted = match (value.kind, wanted) {
        (from, to) if from == to => sql,
        // The value of a dynamic is converted as its text would be.
        (Dynamic, _) => format!("k_parse('{}', k_show('dynamic', {sql}))", wanted.as_str()),
        (String, _) => format!("k_parse('{}', {sql})", wanted.as_str()),
        (Int | Bool | DateTime | TimeSpan, Long) | (Int | Long, Real) | (Bool, Int) => sql,
        (Long, Int) => format!("k_int({sql})"),
        (Real, Long) => format!("k_truncate({sql})"),
        (Real, Int) => format!("k_int(k_truncate({sql}))"),
        (Int | Long, Decimal) => format!("CAST({sql} AS TEXT)"),
        (Int | Long, Bool) => format!("({sql} <> 0)"),
        (Guid, Dynamic) => return Err(scope.fail("todynamic() of a guid is not supported by this emulator")),
        (from, to) => {
            let types = format!("{} to {}", from.as_str(), to.as_str());
            return Err(scope.fail(format!("a conversion from {types} is not supported by this emulator")));
        }
    };
    // SQLite must see a real where Kusto does.
    let sql = if wanted == Real && matches!(value.kind, Int | Long) {
        format!("CAST({converted} AS REAL)")
    } else {
        converted
    };
    Ok(Scalar::new(sql, wanted))
}

fn strcat(scope: &mut Scope<'_>, arguments: &[Expr]) -> Compiled {
    // SQLite functions take at most 127 arguments.
    if arguments.len() > 64 {
        return Err(scope.fail("strcat() takes at most 64 arguments"));
    }
    let parts: Vec<String> =
        arguments.iter().map(|part| Ok(to_string(scope, part)?.sql)).collect::<Result<_, KustoError>>()?;
    Ok(Scalar::new(format!("k_strcat({})", parts.join(", ")), KustoType::String))
}

fn substring(scope: &mut Scope<'_>, text: &Expr, start: &Expr, length: Option<&Expr>) -> Compiled {
    let text = scope.text(text)?;
    let mut number = |expr: &Expr| {
        let value = scope.compile(expr)?;
        match value.kind {
            KustoType::Int | KustoType::Long => Ok(value.sql),
            other => Err(scope.fail(format!("substring() needs whole numbers, not {}", other.as_str()))),
        }
    };
    let start = number(start)?;
    let length = length.map_or_else(|| Ok("NULL".to_owned()), number)?;
    Ok(Scalar::new(format!("k_substring({text}, {start}, {length})"), KustoType::String))
}

fn choose(scope: &mut Scope<'_>, condition: &Expr, yes: &Expr, no: &Expr) -> Compiled {
    let condition = scope.predicate(condition)?;
    let (yes, no) = (scope.compile(yes)?, scope.compile(no)?);
    let kind = match (yes.kind, no.kind) {
        (a, b) if a == b => a,
        (KustoType::Int | KustoType::Long, KustoType::Int | KustoType::Long) => KustoType::Long,
        (a, b) => {
            let types = format!("{} and {}", a.as_str(), b.as_str());
            return Err(scope.fail(format!("iff() needs two values of one type, not {types}")));
        }
    };
    Ok(Scalar::new(format!("CASE WHEN {condition} THEN {} ELSE {} END", yes.sql, no.sql), kind))
}

fn from_now(scope: &mut Scope<'_>, operation: Arithmetic, offset: &Expr) -> Compiled {
    let offset = scope.compile(offset)?;
    if offset.kind != KustoType::TimeSpan {
        return Err(
            scope.fail(format!("expected a timespan and found a value of type {}", offset.kind.as_str()))
        );
    }
    let now = Scalar::new(scope.shared.now.to_string(), KustoType::DateTime);
    scope.arithmetic(operation, &now, &offset)
}

fn bin(scope: &mut Scope<'_>, value: &Expr, size: &Expr) -> Compiled {
    let (value, size) = (scope.compile(value)?, scope.compile(size)?);
    bin_of(scope, &value, &size)
}

fn bin_of(scope: &Scope<'_>, value: &Scalar, size: &Scalar) -> Compiled {
    use KustoType::{DateTime, Int, Long, Real, TimeSpan};
    let (function, kind) = match (value.kind, size.kind) {
        (Int | Long, Int | Long) => ("k_bin", Long),
        (DateTime | TimeSpan, TimeSpan) => ("k_bin", value.kind),
        (Real, Int | Long | Real) | (Int | Long, Real) => ("k_bin_real", Real),
        (a, b) => {
            let types = format!("{} by {}", a.as_str(), b.as_str());
            return Err(scope.fail(format!("bin() cannot round {types}")));
        }
    };
    Ok(Scalar::new(format!("{function}({}, {})", value.sql, size.sql), kind))
}
