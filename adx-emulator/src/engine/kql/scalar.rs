//! Expressions to SQL, with types. What Kusto refuses is refused here; what it would answer otherwise than SQLite goes
//! through a function of `sqlite`.
//!
//! Every operand's SQL is used once in the result, so its size grows with the query's and not faster.

use rusqlite::types::Value;

use super::ast::{Arithmetic, Compare, Expr, ExprKind, Literal, Membership, Rows, TextTest};
use super::parameters::Parameters;
use super::{aggregate, function};
use crate::engine::error::KustoError;
use crate::engine::value::{KustoType, NAN};

/// SQLite takes 32 766 parameters in a statement.
const MAX_PARAMETERS: usize = 30_000;

/// A typed piece of SQL.
#[derive(Debug, Clone, PartialEq)]
pub struct Scalar {
    /// The SQL expression.
    pub sql: String,
    /// Its type.
    pub kind: KustoType,
}

impl Scalar {
    /// A piece of SQL of this type.
    pub fn new(sql: impl Into<String>, kind: KustoType) -> Self {
        Self { sql: sql.into(), kind }
    }
}

/// A column of the rows at hand.
#[derive(Debug, Clone, PartialEq)]
pub struct Bound {
    /// Its name in Kusto.
    pub name: String,
    /// Its value.
    pub scalar: Scalar,
}

/// What a whole query shares: parameters and the moment it started.
#[derive(Debug, Default)]
pub struct Shared {
    /// The values of `?1`, `?2`…
    pub parameters: Vec<Value>,
    /// `now()` in ticks.
    pub now: i64,
    /// What names mean that are no column.
    pub declared: Parameters,
}

impl Shared {
    /// The number that `rows` stands for.
    pub fn rows(&self, rows: &Rows) -> Result<i64, KustoError> {
        let name = match rows {
            Rows::Number(number) => return Ok(*number),
            Rows::Parameter(name) => name,
        };
        match self.declared.get(name) {
            Some(Literal::Integer(KustoType::Int | KustoType::Long, number)) if *number >= 0 => Ok(*number),
            Some(_) => {
                Err(KustoError::semantic(format!("the query parameter '{name}' is no number of rows")))
            }
            None => Err(KustoError::semantic(format!("Failed to resolve scalar expression named '{name}'"))),
        }
    }
}

/// What names mean at one place of the query.
pub struct Scope<'a> {
    /// The columns in reach.
    pub columns: &'a [Bound],
    /// The query's shared parts.
    pub shared: &'a mut Shared,
    /// The operator's name, for messages.
    pub operator: &'static str,
    /// True in `summarize`, outside aggregates: columns only inside an aggregate.
    pub grouped: bool,
}

type Compiled = Result<Scalar, KustoError>;

impl Scope<'_> {
    /// A refusal that names the operator.
    pub fn fail(&self, message: impl std::fmt::Display) -> KustoError {
        KustoError::semantic(format!("'{}' operator: {message}", self.operator))
    }

    /// A parameter with this value.
    pub fn parameter(&mut self, value: Value) -> Result<String, KustoError> {
        if self.shared.parameters.len() >= MAX_PARAMETERS {
            return Err(KustoError::unsupported(format!("a query with more than {MAX_PARAMETERS} values")));
        }
        self.shared.parameters.push(value);
        Ok(format!("?{}", self.shared.parameters.len()))
    }

    /// Compiles an expression.
    pub fn compile(&mut self, expr: &Expr) -> Compiled {
        match &expr.kind {
            ExprKind::Literal(literal) => self.literal(literal),
            ExprKind::Column(name) => self.column(name),
            ExprKind::Call(name, arguments) => match aggregate::compile(self, name, arguments)? {
                Some(scalar) => Ok(scalar),
                None => function::compile(self, name, arguments),
            },
            ExprKind::Negate(value) => self.negate(value),
            ExprKind::Arithmetic(operation, left, right) => {
                let (left, right) = (self.compile(left)?, self.compile(right)?);
                self.arithmetic(*operation, &left, &right)
            }
            ExprKind::Compare(comparison, left, right) => {
                let (left, right) = (self.compile(left)?, self.compile(right)?);
                self.compare(*comparison, left, right)
            }
            ExprKind::TextTest(test, left, right) => self.text_test(*test, left, right),
            ExprKind::In(membership, value, list) => self.membership(*membership, value, list),
            ExprKind::Between(negated, parts) => self.between(*negated, parts),
            ExprKind::Logic(conjunction, terms) => self.logic(*conjunction, terms),
            ExprKind::Member(value, name) => {
                let value = self.compile(value)?;
                let name = self.parameter(Value::Text(name.clone()))?;
                self.member(&value, &name)
            }
            ExprKind::Index(value, index) => {
                let (value, index) = (self.compile(value)?, self.compile(index)?);
                match index.kind {
                    KustoType::String | KustoType::Int | KustoType::Long => self.member(&value, &index.sql),
                    other => Err(self.fail(format!("a value of type {} is no index", other.as_str()))),
                }
            }
        }
    }

    fn literal(&mut self, literal: &Literal) -> Compiled {
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

    fn column(&mut self, name: &str) -> Compiled {
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

    fn member(&self, value: &Scalar, key: &str) -> Compiled {
        if value.kind != KustoType::Dynamic {
            return Err(self.fail(format!("a value of type {} has no members", value.kind.as_str())));
        }
        Ok(Scalar::new(format!("k_member({}, {key})", value.sql), KustoType::Dynamic))
    }

    /// Compiles an expression that must be a bool.
    pub fn predicate(&mut self, expr: &Expr) -> Result<String, KustoError> {
        let scalar = self.compile(expr)?;
        match scalar.kind {
            KustoType::Bool => Ok(scalar.sql),
            KustoType::Dynamic => Ok(format!("k_cast('bool', {})", scalar.sql)),
            other => Err(self.fail(format!("expected a bool and found a value of type {}", other.as_str()))),
        }
    }

    /// Compiles an expression that must be text (or a dynamic, whose text is taken).
    pub fn text(&mut self, expr: &Expr) -> Result<String, KustoError> {
        let scalar = self.compile(expr)?;
        match scalar.kind {
            KustoType::String => Ok(scalar.sql),
            KustoType::Dynamic => Ok(format!("k_show('dynamic', {})", scalar.sql)),
            other => {
                Err(self.fail(format!("expected a string and found a value of type {}", other.as_str())))
            }
        }
    }

    fn negate(&mut self, value: &Expr) -> Compiled {
        let value = self.compile(value)?;
        let function = match value.kind {
            KustoType::Int | KustoType::Long | KustoType::TimeSpan => "k_subtract",
            KustoType::Real => "k_subtract_real",
            other => return Err(self.fail(format!("a value of type {} cannot be negated", other.as_str()))),
        };
        let kind = if value.kind == KustoType::Int { KustoType::Long } else { value.kind };
        Ok(Scalar::new(format!("{function}(0, {})", value.sql), kind))
    }

    /// `left operation right` by Kusto's rules of types.
    pub fn arithmetic(&self, operation: Arithmetic, left: &Scalar, right: &Scalar) -> Compiled {
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
    fn unify(&self, left: Scalar, right: Scalar) -> Result<(Scalar, Scalar, KustoType), KustoError> {
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
    fn compare(&self, comparison: Compare, left: Scalar, right: Scalar) -> Compiled {
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

    fn text_test(&mut self, test: TextTest, left: &Expr, right: &Expr) -> Compiled {
        let (left, right) = (self.text(left)?, self.text(right)?);
        let not = if test.negated { "NOT " } else { "" };
        Ok(Scalar::new(format!("({not}{}({left}, {right}))", test.function), KustoType::Bool))
    }

    fn membership(&mut self, how: Membership, value: &Expr, list: &[Expr]) -> Compiled {
        let value = self.compile(value)?;
        let mut items = Vec::new();
        for item in list {
            let item = self.compile(item)?;
            let (_, item, kind) = self.unify(value.clone(), item)?;
            if kind == KustoType::Dynamic || value.kind == KustoType::Dynamic || value.kind == KustoType::Real
            {
                return Err(
                    self.fail(format!("'in' on values of type {} is not supported", value.kind.as_str()))
                );
            }
            items.push(if how.fold_case { format!("k_lower({})", item.sql) } else { item.sql });
        }
        let value = match (how.fold_case, value.kind) {
            (false, _) => value.sql,
            (true, KustoType::String) => format!("k_lower({})", value.sql),
            (true, other) => return Err(self.fail(format!("'in~' needs strings, not {}", other.as_str()))),
        };
        let not = if how.negated { "NOT " } else { "" };
        // A null is in no list.
        let sql = format!("({not}ifnull({value} IN ({}), 0))", items.join(", "));
        Ok(Scalar::new(sql, KustoType::Bool))
    }

    fn between(&mut self, negated: bool, parts: &[Expr; 3]) -> Compiled {
        let [value, low, high] = parts;
        let (value, low, mut high) = (self.compile(value)?, self.compile(low)?, self.compile(high)?);
        // `datetime .. timespan`: the end is counted from the beginning.
        if low.kind == KustoType::DateTime && high.kind == KustoType::TimeSpan {
            high = self.arithmetic(Arithmetic::Add, &low, &high)?;
        }
        let ordered =
            [KustoType::Int, KustoType::Long, KustoType::Real, KustoType::DateTime, KustoType::TimeSpan];
        if !ordered.contains(&value.kind) {
            return Err(
                self.fail(format!("'between' on values of type {} is not supported", value.kind.as_str()))
            );
        }
        let (_, low, _) = self.unify(value.clone(), low)?;
        let (value, high, _) = self.unify(value, high)?;
        let not = if negated { "NOT " } else { "" };
        Ok(Scalar::new(format!("({} {not}BETWEEN {} AND {})", value.sql, low.sql, high.sql), KustoType::Bool))
    }

    fn logic(&mut self, conjunction: bool, terms: &[Expr]) -> Compiled {
        let terms: Vec<String> = terms.iter().map(|term| self.predicate(term)).collect::<Result<_, _>>()?;
        let word = if conjunction { " AND " } else { " OR " };
        Ok(Scalar::new(format!("({})", terms.join(word)), KustoType::Bool))
    }
}
