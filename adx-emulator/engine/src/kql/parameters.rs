//! Query parameters: `declare query_parameters(name: type = default, …);` before a query, and the values that came
//! with it.
//!
//! Pure. A value is the text of a literal of the declared type, or what would stand inside one; it is never read as KQL
//! of another kind, which is what parameters are for.

use std::collections::BTreeMap;

use super::ast::{Expr, ExprKind, Literal, Parameters};
use super::expression::{expression, list, typed_literal};
use crate::cursor::Cursor;
use crate::error::KustoError;
use crate::lexer::{Mode, TokenKind, tokens};
use crate::value::KustoType;

/// Reads all declarations at the cursor, each with its `;`, and gives each parameter its value from `given`.
pub(crate) fn declarations(
    cursor: &mut Cursor<'_>,
    given: &BTreeMap<String, String>,
) -> Result<Parameters, KustoError> {
    let mut parameters = Parameters::new();
    while cursor.is_word("declare") && matches!(cursor.peek_at(1), Some(TokenKind::Word(_))) {
        cursor.advance();
        cursor.expect_word("query_parameters")?;
        cursor.expect_mark("(")?;
        if !cursor.eat_mark(")") {
            parameters.extend(list(cursor, |cursor| declaration(cursor, given))?);
            cursor.expect_mark(")")?;
        }
        cursor.expect_mark(";")?;
    }
    Ok(parameters)
}

fn declaration(
    cursor: &mut Cursor<'_>,
    given: &BTreeMap<String, String>,
) -> Result<(String, Literal), KustoError> {
    let name = cursor.name("a parameter's name")?;
    cursor.expect_mark(":")?;
    let type_name = cursor.name("a parameter's type")?;
    let kind = KustoType::parse(&type_name)
        .ok_or_else(|| KustoError::syntax(format!("'{type_name}' is not a type of a query parameter")))?;
    let default = if cursor.eat_mark("=") { Some(default_of(kind, &expression(cursor)?)?) } else { None };
    let value = match given.get(&name) {
        Some(text) => Some(given_value(kind, text)?),
        None => default,
    };
    let value = value.ok_or_else(|| {
        KustoError::semantic(format!("the query parameter '{name}' has neither a value nor a default"))
    })?;
    Ok((name, value))
}

/// The value of a literal, where it is one of type `kind`.
fn default_of(kind: KustoType, expr: &Expr) -> Result<Literal, KustoError> {
    let no_literal = || {
        KustoError::syntax(format!(
            "the default of a query parameter is not a literal of type {}",
            kind.as_str()
        ))
    };
    match &expr.kind {
        ExprKind::Negate(inner) => match &inner.kind {
            ExprKind::Literal(Literal::Integer(KustoType::Long, number)) => {
                typed_literal(kind, &format!("-{number}"))
            }
            ExprKind::Literal(Literal::Real(number)) => typed_literal(kind, &format!("-{number}")),
            _ => Err(no_literal()),
        },
        ExprKind::Literal(literal) => match literal {
            Literal::Text(_) if kind == KustoType::String => Ok(literal.clone()),
            Literal::Text(text) => typed_literal(kind, text),
            Literal::Integer(found, _) | Literal::Stored(found, _) if *found == kind => Ok(literal.clone()),
            Literal::Integer(KustoType::Long, number) => typed_literal(kind, &number.to_string()),
            Literal::Real(number) => typed_literal(kind, &number.to_string()),
            Literal::Null(_) => Ok(Literal::Null(kind)),
            Literal::Integer(..) | Literal::Stored(..) => Err(no_literal()),
        },
        _ => Err(no_literal()),
    }
}

/// The value that came with the query: `type(…)`, a quoted text, or the bare value.
fn given_value(kind: KustoType, text: &str) -> Result<Literal, KustoError> {
    let found = tokens(text, Mode::Query).unwrap_or_default();
    match found.as_slice() {
        [token] => match &token.kind {
            TokenKind::Text(inside) if kind == KustoType::String => Ok(Literal::Text(inside.clone())),
            TokenKind::Text(inside) => typed_literal(kind, inside),
            TokenKind::Literal(named, inside) if *named == kind => typed_literal(kind, inside),
            TokenKind::TimeSpan(ticks) if kind == KustoType::TimeSpan => Ok(Literal::Integer(kind, *ticks)),
            _ => bare_value(kind, text),
        },
        _ => bare_value(kind, text),
    }
}

fn bare_value(kind: KustoType, text: &str) -> Result<Literal, KustoError> {
    if kind == KustoType::String { Ok(Literal::Text(text.to_owned())) } else { typed_literal(kind, text) }
}
