//! Kusto's operators as SQLite functions, where SQLite's own would answer otherwise.
//!
//! Each takes its operands once, so that SQL text never doubles with nesting. Null in, null out, unless said otherwise.
//! Reals that are not a number are the text `NaN` (see `value`). An overflow is an error, not another number.

use std::cmp::Ordering;

use rusqlite::functions::{Aggregate, Context, FunctionFlags};
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, Error, Result};
use serde_json::value::RawValue;

use crate::value::{Cell, KustoType, NAN, to_json};
use crate::{datetime, decimal, plain};

const FLAGS: FunctionFlags = FunctionFlags::SQLITE_UTF8.union(FunctionFlags::SQLITE_DETERMINISTIC);

/// What errors of these functions begin with.
pub(crate) const ERROR_PREFIX: &str = "kusto: ";

fn failure(message: &str) -> Error {
    Error::UserFunctionError(format!("{ERROR_PREFIX}{message}").into())
}

/// Makes the functions known to a connection.
pub(crate) fn register(connection: &Connection) -> Result<()> {
    register_texts(connection)?;
    register_numbers(connection)?;
    register_comparisons(connection)?;
    register_conversions(connection)?;
    connection.create_aggregate_function("k_sum_real", 1, FLAGS, RealSum { average: false })?;
    connection.create_aggregate_function("k_avg", 1, FLAGS, RealSum { average: true })
}

/// A text operand; null counts as empty, as everywhere in Kusto.
fn text<'a>(context: &'a Context<'_>, position: usize) -> &'a str {
    match context.get_raw(position) {
        ValueRef::Text(bytes) => std::str::from_utf8(bytes).unwrap_or(""),
        _ => "",
    }
}

type TextTest = fn(&str, &str) -> bool;

fn register_texts(connection: &Connection) -> Result<()> {
    let tests: [(&str, bool, TextTest); 9] = [
        ("k_equal_fold", true, |text, wanted| text == wanted),
        ("k_has", true, has_term),
        ("k_has_cs", false, has_term),
        ("k_contains", true, |text, part| text.contains(part)),
        ("k_contains_cs", false, |text, part| text.contains(part)),
        ("k_startswith", true, |text, part| text.starts_with(part)),
        ("k_startswith_cs", false, |text, part| text.starts_with(part)),
        ("k_endswith", true, |text, part| text.ends_with(part)),
        ("k_endswith_cs", false, |text, part| text.ends_with(part)),
    ];
    for (name, fold, test) in tests {
        connection.create_scalar_function(name, 2, FLAGS, move |context| {
            let (left, right) = (text(context, 0), text(context, 1));
            Ok(if fold { test(&left.to_lowercase(), &right.to_lowercase()) } else { test(left, right) })
        })?;
    }
    connection.create_scalar_function("k_lower", 1, FLAGS, |context| Ok(text(context, 0).to_lowercase()))?;
    connection.create_scalar_function("k_upper", 1, FLAGS, |context| Ok(text(context, 0).to_uppercase()))?;
    connection.create_scalar_function("k_strlen", 1, FLAGS, |context| {
        Ok(i64::try_from(text(context, 0).chars().count()).unwrap_or(i64::MAX))
    })?;
    connection.create_scalar_function("k_strcat", -1, FLAGS, |context| {
        Ok((0..context.len()).map(|position| text(context, position)).collect::<String>())
    })?;
    connection.create_scalar_function("k_substring", 3, FLAGS, |context| {
        let skip = usize::try_from(context.get::<Option<i64>>(1)?.unwrap_or(0)).unwrap_or(0);
        let take =
            context.get::<Option<i64>>(2)?.map_or(usize::MAX, |take| usize::try_from(take).unwrap_or(0));
        Ok(text(context, 0).chars().skip(skip).take(take).collect::<String>())
    })
}

/// True when `term` stands in `text` with no letter or digit touching it.
fn has_term(text: &str, term: &str) -> bool {
    if term.is_empty() {
        return true;
    }
    let mut start = 0;
    while let Some(found) = text[start..].find(term) {
        let (begin, end) = (start + found, start + found + term.len());
        let before = text[..begin].chars().next_back();
        let after = text[end..].chars().next();
        // A term that begins or ends with a separator has its border there already.
        let touches = |outside: Option<char>, inside: Option<char>| {
            outside.is_some_and(char::is_alphanumeric) && inside.is_some_and(char::is_alphanumeric)
        };
        if !touches(before, term.chars().next()) && !touches(after, term.chars().next_back()) {
            return true;
        }
        start = begin + text[begin..].chars().next().map_or(1, char::len_utf8);
    }
    false
}

type IntegerOperation = fn(i64, i64) -> Option<i64>;
type RealOperation = fn(f64, f64) -> f64;

fn register_numbers(connection: &Connection) -> Result<()> {
    let integers: [(&str, IntegerOperation); 4] = [
        ("k_add", i64::checked_add),
        ("k_subtract", i64::checked_sub),
        ("k_multiply", i64::checked_mul),
        ("k_bin", bin),
    ];
    for (name, operation) in integers {
        connection.create_scalar_function(name, 2, FLAGS, move |context| {
            let (Some(left), Some(right)) = (context.get::<Option<i64>>(0)?, context.get::<Option<i64>>(1)?)
            else {
                return Ok(None);
            };
            operation(left, right)
                .map(Some)
                .ok_or_else(|| failure("a whole number is too large, or a bin is not above 0"))
        })?;
    }
    // A division by zero gives null.
    let divisions: [(&str, IntegerOperation); 2] =
        [("k_divide", i64::checked_div), ("k_modulo", i64::checked_rem_euclid)];
    for (name, operation) in divisions {
        connection.create_scalar_function(name, 2, FLAGS, move |context| {
            let (left, right) = (context.get::<Option<i64>>(0)?, context.get::<Option<i64>>(1)?);
            Ok(left.zip(right).and_then(|(left, right)| operation(left, right)))
        })?;
    }
    let reals: [(&str, RealOperation); 6] = [
        ("k_add_real", |left, right| left + right),
        ("k_subtract_real", |left, right| left - right),
        ("k_multiply_real", |left, right| left * right),
        ("k_divide_real", |left, right| left / right),
        ("k_modulo_real", f64::rem_euclid),
        ("k_bin_real", |value, size| (value / size).floor() * size),
    ];
    for (name, operation) in reals {
        connection.create_scalar_function(name, 2, FLAGS, move |context| {
            let (left, right) = (real(context.get_raw(0)), real(context.get_raw(1)));
            Ok(left.zip(right).map_or(Value::Null, |(left, right)| from_real(operation(left, right))))
        })?;
    }
    connection.create_scalar_function("k_moment", 1, FLAGS, |context| {
        let ticks = context.get::<Option<i64>>(0)?;
        let valid = ticks.is_none_or(|ticks| datetime::in_range(ticks).is_some());
        if valid { Ok(ticks) } else { Err(failure("a datetime outside the years 1 to 9999")) }
    })
}

/// The next lower multiple of `size`.
fn bin(value: i64, size: i64) -> Option<i64> {
    (size > 0).then(|| value.checked_sub(value.rem_euclid(size)))?
}

/// A number as a real.
#[expect(clippy::cast_precision_loss, reason = "that is what a real is")]
fn real(value: ValueRef<'_>) -> Option<f64> {
    match value {
        ValueRef::Integer(number) => Some(number as f64),
        ValueRef::Real(number) => Some(number),
        ValueRef::Text(_) => Some(f64::NAN),
        ValueRef::Null | ValueRef::Blob(_) => None,
    }
}

fn from_real(value: f64) -> Value {
    if value.is_nan() { Value::Text(NAN.to_owned()) } else { Value::Real(value) }
}

/// The order of two stored values of one type; none with a null or a real that is not a number.
fn order(left: ValueRef<'_>, right: ValueRef<'_>, is_real: bool) -> Option<Ordering> {
    match (left, right) {
        (ValueRef::Integer(left), ValueRef::Integer(right)) => Some(left.cmp(&right)),
        (ValueRef::Text(left), ValueRef::Text(right)) if !is_real => Some(left.cmp(right)),
        _ => real(left)?.partial_cmp(&real(right)?),
    }
}

type OrderTest = fn(Ordering) -> bool;

fn register_comparisons(connection: &Connection) -> Result<()> {
    // Two nulls: null. One null: not equal.
    for (name, is_real, wanted) in [
        ("k_equal", false, true),
        ("k_not_equal", false, false),
        ("k_equal_real", true, true),
        ("k_not_equal_real", true, false),
    ] {
        connection.create_scalar_function(name, 2, FLAGS, move |context| {
            let (left, right) = (context.get_raw(0), context.get_raw(1));
            let nulls = [left, right].iter().filter(|value| **value == ValueRef::Null).count();
            let equal = order(left, right, is_real) == Some(Ordering::Equal);
            Ok(if nulls == 2 { None } else { Some(equal == wanted) })
        })?;
    }
    let tests: [(&str, OrderTest); 4] = [
        ("less", Ordering::is_lt),
        ("less_or_equal", Ordering::is_le),
        ("greater", Ordering::is_gt),
        ("greater_or_equal", Ordering::is_ge),
    ];
    for (name, test) in tests {
        connection.create_scalar_function(format!("k_{name}_real").as_str(), 2, FLAGS, move |context| {
            let (left, right) = (context.get_raw(0), context.get_raw(1));
            let null = left == ValueRef::Null || right == ValueRef::Null;
            Ok(if null { None } else { Some(order(left, right, true).is_some_and(test)) })
        })?;
        connection.create_scalar_function(
            format!("k_{name}_decimal").as_str(),
            2,
            FLAGS,
            move |context| {
                let null = context.get_raw(0) == ValueRef::Null || context.get_raw(1) == ValueRef::Null;
                let order = decimal::compare(text(context, 0), text(context, 1));
                Ok(if null { None } else { Some(test(order)) })
            },
        )?;
    }
    Ok(())
}

fn register_conversions(connection: &Connection) -> Result<()> {
    // A text to a type, by the rules of ingestion: what does not fit is null.
    connection.create_scalar_function("k_parse", 2, FLAGS, |context| {
        let kind = KustoType::parse(text(context, 0)).unwrap_or(KustoType::String);
        Ok(stored(Cell::from_text(kind, text(context, 1))))
    })?;
    connection.create_scalar_function("k_show", 2, FLAGS, |context| {
        let kind = KustoType::parse(text(context, 0)).unwrap_or(KustoType::String);
        Ok(shown(&to_json(kind, context.get_raw(1))))
    })?;
    connection.create_scalar_function("k_truncate", 1, FLAGS, |context| {
        #[expect(clippy::cast_possible_truncation, reason = "the value was checked to be inside i64")]
        let whole = real(context.get_raw(0)).filter(|value| value.abs() < 9.2e18).map(|value| value as i64);
        Ok(whole)
    })?;
    connection.create_scalar_function("k_int", 1, FLAGS, |context| {
        Ok(context.get::<Option<i64>>(0)?.filter(|value| i32::try_from(*value).is_ok()))
    })?;
    // A member or element of a dynamic, as JSON; null when there is none.
    connection.create_scalar_function("k_member", 2, FLAGS, |context| {
        let value = plain::from_slice(text(context, 0).as_bytes()).ok();
        let found = value.as_ref().and_then(|value| match context.get_raw(1) {
            ValueRef::Integer(position) => value.get(usize::try_from(position).ok()?),
            ValueRef::Text(name) => value.get(std::str::from_utf8(name).ok()?),
            _ => None,
        });
        Ok(found.filter(|found| !found.is_null()).map(ToString::to_string))
    })?;
    // A database cursor as a moment; the empty one is before all rows.
    connection.create_scalar_function("k_cursor", 1, FLAGS, |context| match text(context, 0) {
        "" => Ok(0_i64),
        cursor => cursor.parse().map_err(|_| failure("a text that is no database cursor")),
    })?;
    // A dynamic as another type, when it is of that type; null otherwise.
    connection.create_scalar_function("k_cast", 2, FLAGS, |context| {
        let kind = KustoType::parse(text(context, 0)).unwrap_or(KustoType::String);
        Ok(cast_dynamic(kind, text(context, 1)).unwrap_or(Value::Null))
    })
}

fn cast_dynamic(kind: KustoType, json: &str) -> Option<Value> {
    let fits = match json.as_bytes().first()? {
        b'"' => kind == KustoType::String,
        b't' | b'f' => kind == KustoType::Bool,
        b'-' | b'0'..=b'9' => kind.is_number(),
        _ => false,
    };
    let raw: &RawValue = serde_json::from_str(json).ok().filter(|_| fits)?;
    Some(stored(Cell::from_json(kind, raw)))
}

fn stored(cell: Cell<'_>) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Integer(value) => Value::Integer(value),
        Cell::Real(value) => Value::Real(value),
        Cell::Text(text) => Value::Text(text.into_owned()),
    }
}

/// A value as `tostring` writes it; the null is the empty text.
fn shown(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Null => String::new(),
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Sum or average of reals; the average of nothing is not a number.
struct RealSum {
    average: bool,
}

impl Aggregate<(f64, u64), Value> for RealSum {
    fn init(&self, _: &mut Context<'_>) -> Result<(f64, u64)> {
        Ok((0.0, 0))
    }

    fn step(&self, context: &mut Context<'_>, (sum, count): &mut (f64, u64)) -> Result<()> {
        if let Some(value) = real(context.get_raw(0)) {
            *sum += value;
            *count += 1;
        }
        Ok(())
    }

    fn finalize(&self, _: &mut Context<'_>, state: Option<(f64, u64)>) -> Result<Value> {
        let (sum, count) = state.unwrap_or_default();
        #[expect(clippy::cast_precision_loss, reason = "no table here has 2^52 rows")]
        Ok(from_real(if self.average { sum / count as f64 } else { sum }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_have_borders() {
        assert!(has_term("north carolina", "carolina"));
        assert!(has_term("a-b_c", "b"));
        assert!(has_term("carolina carolinas", "carolinas"));
        assert!(!has_term("carolinas", "carolina"));
        assert!(!has_term("north", "nort"));
        assert!(has_term("x north carolina y", "north carolina"));
        assert!(has_term("a/b", "/"));
        assert!(has_term("ééa é", "é"));
    }

    #[test]
    fn bins_go_down() {
        assert_eq!(bin(7, 5), Some(5));
        assert_eq!(bin(-1, 5), Some(-5));
        assert_eq!(bin(7, 0), None);
        assert_eq!(bin(i64::MIN, 3), None);
    }

    #[test]
    fn functions_answer_in_sql() {
        let connection = Connection::open_in_memory().unwrap();
        register(&connection).unwrap();
        let ask =
            |sql: &str| connection.query_row(&format!("SELECT {sql}"), [], |row| row.get::<_, Value>(0));
        assert_eq!(ask("k_add(1, 2)").unwrap(), Value::Integer(3));
        assert_eq!(ask("k_add(NULL, 2)").unwrap(), Value::Null);
        assert!(ask("k_add(9223372036854775807, 1)").unwrap_err().to_string().contains(ERROR_PREFIX));
        assert_eq!(ask("k_divide(7, 0)").unwrap(), Value::Null);
        assert_eq!(ask("k_divide_real(0.0, 0.0)").unwrap(), Value::Text(NAN.to_owned()));
        assert_eq!(ask("k_equal(NULL, NULL)").unwrap(), Value::Null);
        assert_eq!(ask("k_equal(NULL, 1)").unwrap(), Value::Integer(0));
        assert_eq!(ask("k_not_equal(NULL, 1)").unwrap(), Value::Integer(1));
        assert_eq!(ask("k_equal_real('NaN', 'NaN')").unwrap(), Value::Integer(0));
        assert_eq!(ask("k_greater_real('NaN', 1)").unwrap(), Value::Integer(0));
        assert_eq!(ask("k_less_decimal('9', '10')").unwrap(), Value::Integer(1));
        assert_eq!(ask("k_member('{\"a\":[1,2]}', 'a')").unwrap(), Value::Text("[1,2]".to_owned()));
        assert_eq!(ask("k_cast('string', '\"x\"')").unwrap(), Value::Text("x".to_owned()));
        assert_eq!(ask("k_cast('long', '\"5\"')").unwrap(), Value::Null);
    }
}
