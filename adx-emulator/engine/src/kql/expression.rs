//! The parser of expressions, by recursive descent; the loosest operator first.

use super::ast::{Arithmetic, Compare, Expr, ExprKind, Literal, Membership, TextTest};
use crate::cursor::Cursor;
use crate::datetime;
use crate::error::KustoError;
use crate::lexer::TokenKind;
use crate::value::{Cell, KustoType};

/// Deeper nesting of brackets is refused before it exhausts the stack.
const MAX_NESTING: usize = 40;

/// Reads one expression.
pub(crate) fn expression(cursor: &mut Cursor<'_>) -> Result<Expr, KustoError> {
    Reader { cursor, nesting: 0 }.disjunction()
}

/// Reads items between commas.
pub(crate) fn list<T>(
    cursor: &mut Cursor<'_>,
    item: impl Fn(&mut Cursor<'_>) -> Result<T, KustoError>,
) -> Result<Vec<T>, KustoError> {
    let mut items = vec![item(cursor)?];
    while cursor.eat_mark(",") {
        items.push(item(cursor)?);
    }
    Ok(items)
}

struct Reader<'c, 't> {
    cursor: &'c mut Cursor<'t>,
    nesting: usize,
}

type Parsed = Result<Expr, KustoError>;

impl Reader<'_, '_> {
    fn disjunction(&mut self) -> Parsed {
        self.logic("or", Self::conjunction)
    }

    fn conjunction(&mut self) -> Parsed {
        self.logic("and", Self::comparison)
    }

    /// One term, or several with `word` between them as one flat expression.
    fn logic(&mut self, word: &str, term: fn(&mut Self) -> Parsed) -> Parsed {
        let first = term(self)?;
        if !self.cursor.is_word(word) {
            return Ok(first);
        }
        let mut terms = vec![first];
        while self.cursor.eat_word(word) {
            terms.push(term(self)?);
        }
        Expr::new(ExprKind::Logic(word == "and", terms))
    }

    fn comparison(&mut self) -> Parsed {
        let left = self.sum()?;
        let comparison = match self.cursor.peek() {
            Some(TokenKind::Mark("==")) => Compare::Equal,
            Some(TokenKind::Mark("!=")) => Compare::NotEqual,
            Some(TokenKind::Mark("<")) => Compare::Less,
            Some(TokenKind::Mark("<=")) => Compare::LessOrEqual,
            Some(TokenKind::Mark(">")) => Compare::Greater,
            Some(TokenKind::Mark(">=")) => Compare::GreaterOrEqual,
            Some(TokenKind::Mark("=~")) => return self.text_test(left, "k_equal_fold", false),
            Some(TokenKind::Mark("!~")) => return self.text_test(left, "k_equal_fold", true),
            _ => return self.word_test(left),
        };
        self.cursor.advance();
        let right = self.sum()?;
        Expr::new(ExprKind::Compare(comparison, Box::new(left), Box::new(right)))
    }

    fn text_test(&mut self, left: Expr, function: &'static str, negated: bool) -> Parsed {
        self.cursor.advance();
        let right = self.sum()?;
        Expr::new(ExprKind::TextTest(TextTest { function, negated }, Box::new(left), Box::new(right)))
    }

    /// `has`, `!has`, `in`, `between`… or nothing.
    fn word_test(&mut self, left: Expr) -> Parsed {
        let negated = self.cursor.is_mark("!") && matches!(self.cursor.peek_at(1), Some(TokenKind::Word(_)));
        let Some(TokenKind::Word(word)) = self.cursor.peek_at(usize::from(negated)) else { return Ok(left) };
        let word = word.clone();
        let function = match word.as_str() {
            "has" => "k_has",
            "has_cs" => "k_has_cs",
            "contains" => "k_contains",
            "contains_cs" => "k_contains_cs",
            "startswith" => "k_startswith",
            "startswith_cs" => "k_startswith_cs",
            "endswith" => "k_endswith",
            "endswith_cs" => "k_endswith_cs",
            "in" | "between" => "",
            _ if negated => return Err(KustoError::unsupported(format!("the operator '!{word}'"))),
            "matches" | "has_any" | "has_all" | "hasprefix" | "hassuffix" | "hasprefix_cs"
            | "hassuffix_cs" | "like" => {
                return Err(KustoError::unsupported(format!("the operator '{word}'")));
            }
            _ => return Ok(left),
        };
        if negated {
            self.cursor.advance();
        }
        match word.as_str() {
            "in" => self.membership(left, negated),
            "between" => self.between(left, negated),
            _ => self.text_test(left, function, negated),
        }
    }

    fn membership(&mut self, left: Expr, negated: bool) -> Parsed {
        self.cursor.advance();
        let fold_case = self.cursor.eat_mark("~");
        self.cursor.expect_mark("(")?;
        let list = self.arguments()?;
        if list.is_empty() {
            return Err(KustoError::syntax("the list after 'in' is empty"));
        }
        Expr::new(ExprKind::In(Membership { negated, fold_case }, Box::new(left), list))
    }

    fn between(&mut self, left: Expr, negated: bool) -> Parsed {
        self.cursor.advance();
        self.cursor.expect_mark("(")?;
        let low = self.sum()?;
        self.cursor.expect_mark("..")?;
        let high = self.sum()?;
        self.cursor.expect_mark(")")?;
        Expr::new(ExprKind::Between(negated, Box::new([left, low, high])))
    }

    fn sum(&mut self) -> Parsed {
        let mut left = self.product()?;
        loop {
            let operation = match self.cursor.peek() {
                Some(TokenKind::Mark("+")) => Arithmetic::Add,
                Some(TokenKind::Mark("-")) => Arithmetic::Subtract,
                _ => return Ok(left),
            };
            self.cursor.advance();
            let right = self.product()?;
            left = Expr::new(ExprKind::Arithmetic(operation, Box::new(left), Box::new(right)))?;
        }
    }

    fn product(&mut self) -> Parsed {
        let mut left = self.unary()?;
        loop {
            let operation = match self.cursor.peek() {
                Some(TokenKind::Mark("*")) => Arithmetic::Multiply,
                Some(TokenKind::Mark("/")) => Arithmetic::Divide,
                Some(TokenKind::Mark("%")) => Arithmetic::Modulo,
                _ => return Ok(left),
            };
            self.cursor.advance();
            let right = self.unary()?;
            left = Expr::new(ExprKind::Arithmetic(operation, Box::new(left), Box::new(right)))?;
        }
    }

    fn unary(&mut self) -> Parsed {
        let mut signs = 0_usize;
        while self.cursor.is_mark("-") || self.cursor.is_mark("+") {
            signs += usize::from(self.cursor.is_mark("-"));
            self.cursor.advance();
        }
        let mut value = self.postfix()?;
        for _ in 0..signs {
            value = Expr::new(ExprKind::Negate(Box::new(value)))?;
        }
        Ok(value)
    }

    fn postfix(&mut self) -> Parsed {
        let mut value = self.primary()?;
        loop {
            if self.cursor.eat_mark(".") {
                let name = self.cursor.name("a member's name")?;
                value = Expr::new(ExprKind::Member(Box::new(value), name))?;
            } else if self.cursor.eat_mark("[") {
                let index = self.nested(Self::disjunction)?;
                self.cursor.expect_mark("]")?;
                value = Expr::new(ExprKind::Index(Box::new(value), Box::new(index)))?;
            } else {
                return Ok(value);
            }
        }
    }

    fn primary(&mut self) -> Parsed {
        let Some(token) = self.cursor.peek().cloned() else {
            return Err(self.cursor.unexpected("an expression"));
        };
        let literal = match token {
            TokenKind::Text(_) => Literal::Text(self.cursor.string("text")?),
            TokenKind::Mark("(") => {
                self.cursor.advance();
                let inside = self.nested(Self::disjunction)?;
                self.cursor.expect_mark(")")?;
                return Ok(inside);
            }
            TokenKind::Mark(_) if self.cursor.is_name() => {
                return Expr::new(ExprKind::Column(self.cursor.name("a column's name")?));
            }
            TokenKind::Mark(_) => return Err(self.cursor.unexpected("an expression")),
            TokenKind::Word(word) => return self.word(&word),
            TokenKind::Long(number) => self.passed(Literal::Integer(KustoType::Long, number)),
            TokenKind::Real(number) => self.passed(Literal::Real(number)),
            TokenKind::TimeSpan(ticks) => self.passed(Literal::Integer(KustoType::TimeSpan, ticks)),
            TokenKind::Literal(kind, text) => {
                let literal = typed_literal(kind, &text)?;
                self.passed(literal)
            }
        };
        Expr::new(ExprKind::Literal(literal))
    }

    fn passed(&mut self, literal: Literal) -> Literal {
        self.cursor.advance();
        literal
    }

    /// A name, a call, `true` or `false`.
    fn word(&mut self, word: &str) -> Parsed {
        self.cursor.advance();
        if self.cursor.eat_mark("(") {
            let arguments = self.arguments()?;
            return Expr::new(ExprKind::Call(word.to_owned(), arguments));
        }
        match word {
            "true" => Expr::new(ExprKind::Literal(Literal::Integer(KustoType::Bool, 1))),
            "false" => Expr::new(ExprKind::Literal(Literal::Integer(KustoType::Bool, 0))),
            _ => Expr::new(ExprKind::Column(word.to_owned())),
        }
    }

    /// Expressions up to the closing bracket, which is passed.
    fn arguments(&mut self) -> Result<Vec<Expr>, KustoError> {
        let mut arguments = Vec::new();
        while !self.cursor.eat_mark(")") {
            if !arguments.is_empty() {
                self.cursor.expect_mark(",")?;
            }
            arguments.push(self.nested(Self::disjunction)?);
        }
        Ok(arguments)
    }

    fn nested(&mut self, inside: fn(&mut Self) -> Parsed) -> Parsed {
        if self.nesting == MAX_NESTING {
            return Err(KustoError::unsupported(format!(
                "an expression nested more than {MAX_NESTING} levels deep"
            )));
        }
        self.nesting += 1;
        let value = inside(self);
        self.nesting -= 1;
        value
    }
}

/// The value of `type(text)`.
pub(crate) fn typed_literal(kind: KustoType, text: &str) -> Result<Literal, KustoError> {
    let text = text.trim();
    if text == "null" {
        return Ok(Literal::Null(kind));
    }
    let bad = || KustoError::syntax(format!("'{text}' is not a value of the type {}", kind.as_str()));
    let bare = text.trim_matches(['\'', '"']);
    match kind {
        KustoType::Dynamic => {
            let valid = serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
            return if valid { Ok(Literal::Stored(kind, text.to_owned())) } else { Err(bad()) };
        }
        // A bare number of days.
        KustoType::TimeSpan => {
            let days = bare.parse::<i64>().ok().and_then(|days| days.checked_mul(datetime::DAY));
            let ticks = days.or_else(|| datetime::parse_timespan(bare)).ok_or_else(bad)?;
            return Ok(Literal::Integer(kind, ticks));
        }
        _ => {}
    }
    match Cell::from_text(kind, bare) {
        Cell::Null => Err(bad()),
        Cell::Integer(value) => Ok(Literal::Integer(kind, value)),
        Cell::Real(value) => Ok(Literal::Real(value)),
        Cell::Text(stored) => Ok(Literal::Stored(kind, stored.into_owned())),
    }
}
