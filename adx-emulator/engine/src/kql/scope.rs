//! Typed pieces of SQL, what names mean at one place of a query, and Kusto's rules of types for operators.
//!
//! What Kusto refuses is refused here; what it would answer otherwise than SQLite goes through a function of `sqlite`.

use rusqlite::types::Value;

use super::ast::{Arithmetic, Compare, Literal, Parameters, Rows};
use crate::error::KustoError;
use crate::value::{KustoType, NAN};

/// SQLite takes 32 766 parameters in a statement.
const MAX_PARAMETERS: usize = 30_000;

/// A typed piece of SQL.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Scalar {
    pub sql: String,
    pub kind: KustoType,
}

impl Scalar {
    /// A piece of SQL of this type.
    pub(crate) fn new(sql: impl Into<String>, kind: KustoType) -> Self {
        Self { sql: sql.into(), kind }
    }
}

/// A column of the current rows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Bound {
    /// Its name in Kusto.
    pub name: String,
    pub scalar: Scalar,
}

/// What a whole query shares: parameters and the moment it started.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    /// The values of `?1`, `?2`…
    pub parameters: Vec<Value>,
    /// `now()` in ticks.
    pub now: i64,
    /// The database cursor: the moment of the latest ingestion.
    pub cursor: i64,
    /// The query parameters: names that are not columns.
    pub declared: Parameters,
}

impl Shared {
    /// The number that `rows` stands for.
    pub(crate) fn rows(&self, rows: &Rows) -> Result<i64, KustoError> {
        let name = match rows {
            Rows::Number(number) => return Ok(*number),
            Rows::Parameter(name) => name,
        };
        match self.declared.get(name) {
            Some(Literal::Integer(KustoType::Int | KustoType::Long, number)) if *number >= 0 => Ok(*number),
            Some(_) => {
                Err(KustoError::semantic(format!("the query parameter '{name}' is not a number of rows")))
            }
            None => Err(KustoError::semantic(format!("Failed to resolve scalar expression named '{name}'"))),
        }
    }
}

/// What names mean at one place of the query.
pub(crate) struct Scope<'a> {
    pub columns: &'a [Bound],
    pub shared: &'a mut Shared,
    /// The operator's name, for messages.
    pub operator: &'static str,
    /// True in `summarize`, outside aggregates: columns only inside an aggregate.
    pub grouped: bool,
    /// True when the rows are those of a table and `x` is their ingestion time.
    pub timed: bool,
}

/// The SQL of an expression, or why there is none.
pub(crate) type Compiled = Result<Scalar, KustoError>;

/// Makes the SQL of a call from its compiled arguments, of which there are as many as the function takes.
pub(crate) type Function = fn(&Scope<'_>, &[Scalar]) -> Compiled;

impl Scope<'_> {
    /// A refusal that names the operator.
    pub(crate) fn fail(&self, message: impl std::fmt::Display) -> KustoError {
        KustoError::semantic(format!("'{}' operator: {message}", self.operator))
    }

    /// A parameter of the statement with this value.
    pub(crate) fn parameter(&mut self, value: Value) -> Result<String, KustoError> {
        if self.shared.parameters.len() >= MAX_PARAMETERS {
            return Err(KustoError::unsupported(format!("a query with more than {MAX_PARAMETERS} values")));
        }
        self.shared.parameters.push(value);
        Ok(format!("?{}", self.shared.parameters.len()))
    }

    /// A value as a parameter of the statement.
    pub(crate) fn literal(&mut self, literal: &Literal) -> Compiled {
        let (value, kind) = match literal {
            Literal::Text(text) => (Value::Text(text.clone()), KustoType::String),
            Literal::Integer(kind, value) => (Value::Integer(*value), *kind),
            Literal::Real(value) if value.is_nan() => (Value::Text(NAN.to_owned()), KustoType::Real),
            Literal::Real(value) => (Value::Real(*value), KustoType::Real),
            Literal::Stored(kind, text) => (Value::Text(text.clone()), *kind),
            Literal::Null(kind) => (Value::Null, *kind),
        };
        Ok(Scalar::new(self.parameter(value)?, kind))
    }

    /// The column called `name`, or the query parameter of that name.
    pub(crate) fn column(&mut self, name: &str) -> Compiled {
        let found = self.columns.iter().find(|column| column.name == name);
        match found {
            Some(_) if self.grouped => {
                Err(self.fail(format!("the column '{name}' is used outside an aggregate function")))
            }
            Some(column) => Ok(column.scalar.clone()),
            None if self.shared.declared.contains_key(name) => {
                let literal = self.shared.declared[name].clone();
                self.literal(&literal)
            }
            None => Err(self.fail(format!("Failed to resolve scalar expression named '{name}'"))),
        }
    }

    /// The member `key` (SQL) of a dynamic.
    pub(crate) fn member(&self, value: &Scalar, key: &str) -> Compiled {
        if value.kind != KustoType::Dynamic {
            return Err(self.fail(format!("a value of type {} has no members", value.kind.as_str())));
        }
        Ok(Scalar::new(format!("k_member({}, {key})", value.sql), KustoType::Dynamic))
    }

    /// The SQL of a value that must be a bool.
    pub(crate) fn predicate(&self, value: &Scalar) -> Result<String, KustoError> {
        match value.kind {
            KustoType::Bool => Ok(value.sql.clone()),
            KustoType::Dynamic => Ok(format!("k_cast('bool', {})", value.sql)),
            other => Err(self.fail(format!("expected a bool and found a value of type {}", other.as_str()))),
        }
    }

    /// The SQL of a value that must be text (or a dynamic, whose text is taken).
    pub(crate) fn text(&self, value: &Scalar) -> Result<String, KustoError> {
        match value.kind {
            KustoType::String => Ok(value.sql.clone()),
            KustoType::Dynamic => Ok(format!("k_show('dynamic', {})", value.sql)),
            other => {
                Err(self.fail(format!("expected a string and found a value of type {}", other.as_str())))
            }
        }
    }

    /// `-value`.
    pub(crate) fn negate(&self, value: &Scalar) -> Compiled {
        let function = match value.kind {
            KustoType::Int | KustoType::Long | KustoType::TimeSpan => "k_subtract",
            KustoType::Real => "k_subtract_real",
            other => return Err(self.fail(format!("a value of type {} cannot be negated", other.as_str()))),
        };
        let kind = if value.kind == KustoType::Int { KustoType::Long } else { value.kind };
        Ok(Scalar::new(format!("{function}(0, {})", value.sql), kind))
    }

    /// `left operation right` by Kusto's rules of types.
    pub(crate) fn arithmetic(&self, operation: Arithmetic, left: &Scalar, right: &Scalar) -> Compiled {
        use KustoType::{DateTime, Int, Long, Real, TimeSpan};
        let name = match operation {
            Arithmetic::Add => "k_add",
            Arithmetic::Subtract => "k_subtract",
            Arithmetic::Multiply => "k_multiply",
            Arithmetic::Divide => "k_divide",
            Arithmetic::Modulo => "k_modulo",
        };
        let whole = format!("{name}({}, {})", left.sql, right.sql);
        let real = format!("{name}_real({}, {})", left.sql, right.sql);
        let (sql, kind) = match (left.kind, operation, right.kind) {
            (Int | Long, _, Int | Long) => (whole, Long),
            (Real, _, Int | Long | Real)
            | (Int | Long, _, Real)
            | (TimeSpan, Arithmetic::Divide, TimeSpan) => (real, Real),
            (DateTime, Arithmetic::Add | Arithmetic::Subtract, TimeSpan)
            | (TimeSpan, Arithmetic::Add, DateTime) => (format!("k_moment({whole})"), DateTime),
            (DateTime, Arithmetic::Subtract, DateTime)
            | (TimeSpan, Arithmetic::Add | Arithmetic::Subtract | Arithmetic::Modulo, TimeSpan)
            | (TimeSpan, Arithmetic::Multiply | Arithmetic::Divide, Int | Long)
            | (Int | Long, Arithmetic::Multiply, TimeSpan) => (whole, TimeSpan),
            (TimeSpan, Arithmetic::Multiply | Arithmetic::Divide, Real)
            | (Real, Arithmetic::Multiply, TimeSpan) => (format!("k_truncate({real})"), TimeSpan),
            (left, _, right) => {
                let types = format!("the types {} and {}", left.as_str(), right.as_str());
                return Err(
                    self.fail(format!("this arithmetic on {types} is not known, or not to this emulator"))
                );
            }
        };
        Ok(Scalar::new(sql, kind))
    }

    /// Brings two operands of a comparison to one type.
    pub(crate) fn unify(
        &self,
        left: Scalar,
        right: Scalar,
    ) -> Result<(Scalar, Scalar, KustoType), KustoError> {
        use KustoType::{Bool, Decimal, Dynamic, Guid, Int, Long, Real, String};
        let cast = |value: &Scalar, kind: KustoType| {
            let wanted = if kind == Int { Long } else { kind };
            Scalar::new(format!("k_cast('{}', {})", wanted.as_str(), value.sql), wanted)
        };
        let text = |value: &Scalar| Scalar::new(format!("CAST({} AS TEXT)", value.sql), Decimal);
        let kinds = (left.kind, right.kind);
        Ok(match kinds {
            (Dynamic, Dynamic) => {
                return Err(self.fail("two dynamic values cannot be compared by this emulator"));
            }
            (Dynamic, String | Bool | Int | Long | Real) => {
                (cast(&left, right.kind), right.clone(), right.kind)
            }
            (String | Bool | Int | Long | Real, Dynamic) => {
                (left.clone(), cast(&right, left.kind), left.kind)
            }
            (a, b) if a == b => (left, right, a),
            (Int | Long, Int | Long) => (left, right, Long),
            (Real, Int | Long) | (Int | Long, Real) => (left, right, Real),
            (Decimal, Int | Long) => (left, text(&right), Decimal),
            (Int | Long, Decimal) => (text(&left), right, Decimal),
            (Guid, String) => {
                let right = Scalar::new(format!("k_parse('guid', {})", right.sql), Guid);
                (left, right, Guid)
            }
            (a, b) => {
                let types = format!("{} and {}", a.as_str(), b.as_str());
                return Err(
                    self.fail(format!("Cannot compare values of types {types}. Try adding explicit casts"))
                );
            }
        })
    }

    /// `left comparison right`: a bool, or null.
    pub(crate) fn compare(&self, comparison: Compare, left: Scalar, right: Scalar) -> Compiled {
        let (left, right, kind) = self.unify(left, right)?;
        let (name, operator) = match comparison {
            Compare::Equal => ("equal", ""),
            Compare::NotEqual => ("not_equal", ""),
            Compare::Less => ("less", "<"),
            Compare::LessOrEqual => ("less_or_equal", "<="),
            Compare::Greater => ("greater", ">"),
            Compare::GreaterOrEqual => ("greater_or_equal", ">="),
        };
        let (left, right) = (left.sql, right.sql);
        let sql = match (kind, operator) {
            (KustoType::Real, _) => format!("k_{name}_real({left}, {right})"),
            (_, "") => format!("k_{name}({left}, {right})"),
            (KustoType::Decimal, _) => format!("k_{name}_decimal({left}, {right})"),
            (KustoType::Bool | KustoType::Guid, _) => {
                return Err(self.fail(format!("values of type {} have no order", kind.as_str())));
            }
            _ => format!("({left} {operator} {right})"),
        };
        Ok(Scalar::new(sql, KustoType::Bool))
    }
}
