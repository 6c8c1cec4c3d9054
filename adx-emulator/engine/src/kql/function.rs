//! The scalar functions of queries: SQL from the SQL of their arguments.

use super::ast::Arithmetic;
use super::scope::{Compiled, Function, Scalar, Scope};
use crate::datetime;
use crate::error::KustoError;
use crate::value::KustoType;

/// The function `name` for `count` arguments.
pub(crate) fn find(scope: &Scope<'_>, name: &str, count: usize) -> Result<Function, KustoError> {
    use KustoType::{Bool, DateTime, Decimal, Dynamic, Guid, Int, Long, Real, String, TimeSpan};
    Ok(match (name, count) {
        ("not", 1) => {
            |scope, arguments| Ok(Scalar::new(format!("(NOT {})", scope.predicate(&arguments[0])?), Bool))
        }
        ("isnull", 1) => |_, arguments| Ok(null_test(&arguments[0], true)),
        ("isnotnull" | "notnull", 1) => |_, arguments| Ok(null_test(&arguments[0], false)),
        ("isempty", 1) => |_, arguments| Ok(empty_test(&arguments[0], true)),
        ("isnotempty" | "notempty", 1) => |_, arguments| Ok(empty_test(&arguments[0], false)),
        ("tostring", 1) => |scope, arguments| to_string(scope, &arguments[0]),
        ("toint", 1) => |scope, arguments| convert(scope, &arguments[0], Int),
        ("tolong", 1) => |scope, arguments| convert(scope, &arguments[0], Long),
        ("todouble" | "toreal", 1) => |scope, arguments| convert(scope, &arguments[0], Real),
        ("todecimal", 1) => |scope, arguments| convert(scope, &arguments[0], Decimal),
        ("tobool" | "toboolean", 1) => |scope, arguments| convert(scope, &arguments[0], Bool),
        ("todatetime", 1) => |scope, arguments| convert(scope, &arguments[0], DateTime),
        ("totimespan", 1) => |scope, arguments| convert(scope, &arguments[0], TimeSpan),
        ("toguid", 1) => |scope, arguments| convert(scope, &arguments[0], Guid),
        ("parse_json" | "todynamic", 1) => |scope, arguments| convert(scope, &arguments[0], Dynamic),
        ("strlen", 1) => |scope, arguments| of_text(scope, "k_strlen", &arguments[0], Long),
        ("tolower", 1) => |scope, arguments| of_text(scope, "k_lower", &arguments[0], String),
        ("toupper", 1) => |scope, arguments| of_text(scope, "k_upper", &arguments[0], String),
        // SQLite functions take at most 127 arguments.
        ("strcat", 1..=64) => strcat,
        ("strcat", 65..) => return Err(scope.fail("strcat() takes at most 64 arguments")),
        ("substring", 2 | 3) => substring,
        ("iff" | "iif", 3) => choose,
        ("now", 0) => |scope, _| Ok(Scalar::new(scope.shared.now.to_string(), DateTime)),
        ("now", 1) => |scope, arguments| from_now(scope, Arithmetic::Add, &arguments[0]),
        ("ago", 1) => |scope, arguments| from_now(scope, Arithmetic::Subtract, &arguments[0]),
        ("bin" | "floor", 2) => |scope, arguments| bin(scope, &arguments[0], &arguments[1]),
        ("startofday", 1) => {
            |scope, arguments| bin(scope, &arguments[0], &Scalar::new(datetime::DAY.to_string(), TimeSpan))
        }
        ("ingestion_time", 0) => |scope, _| ingestion_time(scope),
        ("current_cursor" | "cursor_current", 0) => {
            |scope, _| Ok(Scalar::new(format!("'{}'", scope.shared.cursor), String))
        }
        ("cursor_after", 1) => |scope, arguments| by_cursor(scope, ">", &arguments[0]),
        ("cursor_before_or_at", 1) => |scope, arguments| by_cursor(scope, "<=", &arguments[0]),
        _ => {
            return Err(scope.fail(format!(
                "Unknown function '{name}' with {count} arguments (or not supported by this emulator)"
            )));
        }
    })
}

/// When the row came into its table; null where rows are no table's any more.
fn ingestion_time(scope: &Scope<'_>) -> Compiled {
    if scope.grouped {
        return Err(scope.fail("ingestion_time() is used outside an aggregate function"));
    }
    Ok(Scalar::new(if scope.timed { "x" } else { "NULL" }, KustoType::DateTime))
}

/// True for the rows that came after a cursor, or not after it.
fn by_cursor(scope: &Scope<'_>, comparison: &str, cursor: &Scalar) -> Compiled {
    if scope.grouped || !scope.timed {
        return Err(scope.fail("the functions of cursors need the rows of a table"));
    }
    let cursor = scope.text(cursor)?;
    Ok(Scalar::new(format!("(ifnull(x {comparison} k_cursor({cursor}), 0))"), KustoType::Bool))
}

fn of_text(scope: &Scope<'_>, function: &str, text: &Scalar, kind: KustoType) -> Compiled {
    Ok(Scalar::new(format!("{function}({})", scope.text(text)?), kind))
}

fn null_test(value: &Scalar, wanted: bool) -> Scalar {
    let not = if wanted { "" } else { "NOT " };
    // A string is never null in Kusto.
    let sql = match value.kind {
        KustoType::String => format!("(ifnull({}, '') IS {}NULL)", value.sql, not),
        _ => format!("({} IS {not}NULL)", value.sql),
    };
    Scalar::new(sql, KustoType::Bool)
}

fn empty_test(value: &Scalar, wanted: bool) -> Scalar {
    let sql = match (value.kind, wanted) {
        (KustoType::String, true) => format!("(ifnull({}, '') = '')", value.sql),
        (KustoType::String, false) => format!("(ifnull({}, '') <> '')", value.sql),
        (_, true) => format!("({} IS NULL)", value.sql),
        (_, false) => format!("({} IS NOT NULL)", value.sql),
    };
    Scalar::new(sql, KustoType::Bool)
}

fn to_string(scope: &Scope<'_>, value: &Scalar) -> Compiled {
    let sql = match value.kind {
        KustoType::String => value.sql.clone(),
        KustoType::Real => return Err(scope.fail("tostring() of a real is not supported by this emulator")),
        kind => format!("k_show('{}', {})", kind.as_str(), value.sql),
    };
    Ok(Scalar::new(sql, KustoType::String))
}

/// `toX(value)`: what does not fit is null.
fn convert(scope: &Scope<'_>, value: &Scalar, wanted: KustoType) -> Compiled {
    use KustoType::{Bool, DateTime, Decimal, Dynamic, Guid, Int, Long, Real, String, TimeSpan};
    let sql = value.sql.clone();
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

fn strcat(scope: &Scope<'_>, arguments: &[Scalar]) -> Compiled {
    let parts: Vec<String> =
        arguments.iter().map(|part| Ok(to_string(scope, part)?.sql)).collect::<Result<_, KustoError>>()?;
    Ok(Scalar::new(format!("k_strcat({})", parts.join(", ")), KustoType::String))
}

/// `substring(text, start[, length])`.
fn substring(scope: &Scope<'_>, arguments: &[Scalar]) -> Compiled {
    let number = |value: &Scalar| match value.kind {
        KustoType::Int | KustoType::Long => Ok(value.sql.clone()),
        other => Err(scope.fail(format!("substring() needs whole numbers, not {}", other.as_str()))),
    };
    let text = scope.text(&arguments[0])?;
    let start = number(&arguments[1])?;
    let length = arguments.get(2).map_or_else(|| Ok("NULL".to_owned()), number)?;
    Ok(Scalar::new(format!("k_substring({text}, {start}, {length})"), KustoType::String))
}

/// `iff(condition, yes, no)`.
fn choose(scope: &Scope<'_>, arguments: &[Scalar]) -> Compiled {
    let condition = scope.predicate(&arguments[0])?;
    let (yes, no) = (&arguments[1], &arguments[2]);
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

fn from_now(scope: &Scope<'_>, operation: Arithmetic, offset: &Scalar) -> Compiled {
    if offset.kind != KustoType::TimeSpan {
        return Err(
            scope.fail(format!("expected a timespan and found a value of type {}", offset.kind.as_str()))
        );
    }
    let now = Scalar::new(scope.shared.now.to_string(), KustoType::DateTime);
    scope.arithmetic(operation, &now, offset)
}

fn bin(scope: &Scope<'_>, value: &Scalar, size: &Scalar) -> Compiled {
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
