//! Values written as plain text: what `InsertHeader` and the simple header converter make of it (`connect-runtime.md`
//! §6.3).
//!
//! Reading never fails: a text that looks like nothing else is a string. Non-ASCII digits are no digits here.

mod align;
mod tokens;
mod write;

use super::java_number::Numeral;
use super::java_time::{DateFormat, ISO_DATE, ISO_TIME, ISO_TIMESTAMP};
use super::{Kind, Schema, SchemaAndValue, Value, json_text, schema};
use align::{Malformed, align, merged};
use bigdecimal::BigDecimal;
use bigdecimal::num_bigint::BigInt;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use tokens::{Tokens, trim};
pub use write::write;

/// How deep arrays and maps may lie in each other; a deeper text is a string, because Java would run out of stack.
const MAX_DEPTH: usize = json_text::MOST_DEPTH;
/// The longest number; a longer one is a string.
const MOST_DIGITS: usize = 10_000;

/// Nothing stands for null.
type Parsed = Option<(Arc<Schema>, Value)>;

/// Reads a text; `null` and nothing but blanks around it make null without a schema.
pub fn parse(text: &str) -> SchemaAndValue {
    if text.is_empty() {
        return SchemaAndValue { schema: Some(Parser::new(text).strings), value: text.into() };
    }
    let mut parser = Parser::new(text);
    let parsed = parser.value(None).unwrap_or_else(|Malformed| Some(parser.original()));
    parsed.map_or(SchemaAndValue::NULL, |(schema, value)| SchemaAndValue { schema: Some(schema), value })
}

struct Parser<'a> {
    tokens: Tokens<'a>,
    strings: Arc<Schema>,
    booleans: Arc<Schema>,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            tokens: Tokens::new(text),
            strings: Arc::new(Schema::new(Kind::String)),
            booleans: Arc::new(Schema::new(Kind::Boolean)),
        }
    }

    fn original(&self) -> (Arc<Schema>, Value) {
        self.string(self.tokens.original())
    }

    fn string(&self, text: &str) -> (Arc<Schema>, Value) {
        (self.strings.clone(), text.into())
    }

    /// A value; inside of arrays and maps it lies at some depth.
    fn value(&mut self, depth: Option<usize>) -> Result<Parsed, Malformed> {
        let is_embedded = depth.is_some();
        if !self.tokens.has_next() {
            return Ok(None);
        }
        if is_embedded && self.tokens.take("\"") {
            return Ok(Some(self.quoted()));
        }
        if self.word("null", is_embedded) {
            return Ok(None);
        }
        for truth in [true, false] {
            if self.word(if truth { "true" } else { "false" }, is_embedded) {
                return Ok(Some((self.booleans.clone(), Value::Boolean(truth))));
            }
        }
        let start = self.tokens.mark();
        let deeper = depth.map_or(0, |depth| depth + 1);
        let nested = if self.tokens.take("[") {
            self.array(deeper)
        } else if self.tokens.take("{") {
            self.map(deeper)
        } else {
            // Blanks that were skipped stay so.
            return self.token(is_embedded);
        };
        if nested.is_ok() {
            return nested;
        }
        self.tokens.rewind(start);
        self.token(is_embedded)
    }

    /// True when this word stands here, outside of arrays and maps as the last one.
    fn word(&mut self, word: &str, is_embedded: bool) -> bool {
        let start = self.tokens.mark();
        if self.tokens.take(word) && (is_embedded || !self.tokens.has_next()) {
            return true;
        }
        self.tokens.rewind(start);
        false
    }

    fn token(&mut self, is_embedded: bool) -> Result<Parsed, Malformed> {
        let token = self.tokens.next();
        let trimmed = trim(token);
        let Some(first) = trimmed.chars().next() else { return Ok(Some(self.string(token))) };
        if first.is_ascii_digit()
            && let Some(temporal) = self.temporal_of_tokens(trimmed)
        {
            return Ok(Some(temporal));
        }
        if (first.is_ascii_digit() || matches!(first, '+' | '-'))
            && let Some(number) = number(trimmed)
        {
            return Ok(Some(number));
        }
        if is_embedded { Err(Malformed) } else { Ok(Some(self.original())) }
    }

    /// A time may go over five tokens: the colons part them.
    fn temporal_of_tokens(&mut self, token: &str) -> Parsed {
        let start = self.tokens.mark();
        if let Some(more) = self.tokens.next_many(4)
            && let Some(found) = temporal(&format!("{token}{more}"))
        {
            return Some(found);
        }
        self.tokens.rewind(start);
        temporal(token)
    }

    fn quoted(&mut self) -> (Arc<Schema>, Value) {
        let mut text = String::new();
        while self.tokens.has_next() && !self.tokens.take("\"") {
            text.push_str(self.tokens.next());
        }
        temporal(&text).unwrap_or_else(|| self.string(&text))
    }

    fn array(&mut self, depth: usize) -> Result<Parsed, Malformed> {
        let mut values = Vec::new();
        let mut common = Common::default();
        while depth < MAX_DEPTH && self.tokens.has_next() {
            if self.tokens.take("]") {
                if let Some(of) = &common.schema {
                    values = values.into_iter().map(|value| align(of, value)).collect::<Result<_, _>>()?;
                }
                let schema = Schema::new(Kind::Array(common.schema));
                return Ok(Some((Arc::new(schema), Value::Array(values))));
            }
            if self.tokens.take(",") {
                return Err(Malformed);
            }
            let element = self.value(Some(depth))?;
            common.merge(element.as_ref());
            values.push(element.map_or(Value::Null, |(_, value)| value));
            let start = self.tokens.mark();
            if self.tokens.take("]") {
                self.tokens.rewind(start);
            } else if !self.tokens.take(",") {
                return Err(Malformed);
            }
        }
        Err(Malformed)
    }

    fn map(&mut self, depth: usize) -> Result<Parsed, Malformed> {
        let mut entries = Entries::default();
        let (mut keys, mut values) = (Common::default(), Common::default());
        while depth < MAX_DEPTH && self.tokens.has_next() {
            if self.tokens.take("}") {
                return finish_map(entries, keys.schema, values.schema).map(Some);
            }
            if self.tokens.take(",") {
                return Err(Malformed);
            }
            let Some(key) = self.value(Some(depth))? else { return Err(Malformed) };
            if !self.tokens.take(":") {
                return Err(Malformed);
            }
            let value = self.value(Some(depth))?;
            keys.merge(Some(&key));
            values.merge(value.as_ref());
            entries.put(key.1, value.map_or(Value::Null, |(_, value)| value));
            self.tokens.take(",");
        }
        Err(Malformed)
    }
}

fn finish_map(
    entries: Entries,
    keys: Option<Arc<Schema>>,
    values: Option<Arc<Schema>>,
) -> Result<(Arc<Schema>, Value), Malformed> {
    let Some(of_keys) = &keys else {
        return Ok((Arc::new(Schema::new(Kind::Map(None, None))), Value::Map(entries.all)));
    };
    let mut aligned = Entries::default();
    for (key, value) in entries.all {
        let value = match &values {
            Some(of) => align(of, value)?,
            None => value,
        };
        aligned.put(align(of_keys, key)?, value);
    }
    Ok((Arc::new(Schema::new(Kind::Map(keys, values))), Value::Map(aligned.all)))
}

/// The entries of a map, each key once.
#[derive(Default)]
struct Entries {
    all: Vec<(Value, Value)>,
    /// Their places by the hash of their keys.
    places: HashMap<u64, Vec<usize>>,
}

impl Entries {
    fn put(&mut self, key: Value, value: Value) {
        let mut hasher = DefaultHasher::new();
        hash(&key, &mut hasher, &mut MOST_HASHED.clone());
        let places = self.places.entry(hasher.finish()).or_default();
        let known =
            places.iter().copied().find(|place| self.all.get(*place).is_some_and(|(of, _)| *of == key));
        if let Some((_, old)) = known.and_then(|place| self.all.get_mut(place)) {
            *old = value;
        } else {
            places.push(self.all.len());
            self.all.push((key, value));
        }
    }
}

/// How much of a key is hashed: a key of many parts may be a key's part again, and so on.
const MOST_HASHED: usize = 64;

/// Equal values have equal hashes. `left` parts are looked at.
fn hash(value: &Value, hasher: &mut DefaultHasher, left: &mut usize) {
    let Some(fewer) = left.checked_sub(1) else { return };
    *left = fewer;
    std::mem::discriminant(value).hash(hasher);
    match value {
        Value::Int8(number) => number.hash(hasher),
        Value::Int16(number) => number.hash(hasher),
        Value::Int32(number) => number.hash(hasher),
        Value::Int64(number) | Value::Date(number) => number.hash(hasher),
        // 0 and -0 are equal.
        Value::Float32(number) => (number + 0.0).to_bits().hash(hasher),
        Value::Float64(number) => (number + 0.0).to_bits().hash(hasher),
        Value::Boolean(truth) => truth.hash(hasher),
        Value::String(text) => text.hash(hasher),
        Value::Bytes(bytes) => bytes.hash(hasher),
        Value::Array(values) => values.iter().for_each(|value| hash(value, hasher, left)),
        Value::Map(entries) => {
            entries.iter().flat_map(|(key, value)| [key, value]).for_each(|part| hash(part, hasher, left));
        }
        Value::Null | Value::Decimal(_) | Value::Struct(_) => {}
    }
}

/// The schema that all elements so far have in common.
#[derive(Default)]
struct Common {
    schema: Option<Arc<Schema>>,
    is_lost: bool,
}

impl Common {
    fn merge(&mut self, element: Option<&(Arc<Schema>, Value)>) {
        let Some((schema, _)) = element.filter(|_| !self.is_lost) else { return };
        self.schema = match &self.schema {
            None => Some(schema.clone()),
            Some(common) => merged(common, schema),
        };
        self.is_lost = self.schema.is_none();
    }
}

/// A date, time or timestamp, chosen by the length of the text.
fn temporal(text: &str) -> Parsed {
    let text = text.replace("\\:", ":");
    let (pattern, kind, name) = match text.encode_utf16().count() {
        10 => (ISO_DATE, Kind::Int32, schema::DATE),
        13 => (ISO_TIME, Kind::Int32, schema::TIME),
        24 => (ISO_TIMESTAMP, Kind::Int64, schema::TIMESTAMP),
        _ => return None,
    };
    let ms = DateFormat::new(pattern, 0).ok()?.parse(&text)?;
    Some((Arc::new(Schema::logical(kind, name)), Value::Date(ms)))
}

fn number(text: &str) -> Parsed {
    // Making a number of digits takes time with the square of their count.
    let found = Numeral::of(text).filter(|_| text.len() <= MOST_DIGITS)?;
    if let Some(integer) = found.whole() {
        return Some(smallest(integer));
    }
    let Numeral { sign, digits, scale } = found;
    let plain = format!("{sign}0{digits}e{}", -scale);
    let float = plain.parse::<f32>().ok().filter(|number| number.is_finite() && scale != 0);
    let double = plain.parse::<f64>().ok().filter(|number| number.is_finite() && scale != 0);
    Some(match (float, double) {
        (Some(number), _) => (Arc::new(Schema::new(Kind::Float32)), Value::Float32(number)),
        (None, Some(number)) => (Arc::new(Schema::new(Kind::Float64)), Value::Float64(number)),
        (None, None) => {
            let unscaled: BigInt = format!("{sign}0{digits}").parse().ok()?;
            let decimal = BigDecimal::new(unscaled, scale);
            (Arc::new(Schema::decimal(i32::try_from(scale).ok()?)), Value::Decimal(decimal))
        }
    })
}

/// The number in the narrowest type that holds it.
fn smallest(number: i64) -> (Arc<Schema>, Value) {
    let (kind, value) = if let Ok(number) = i8::try_from(number) {
        (Kind::Int8, Value::Int8(number))
    } else if let Ok(number) = i16::try_from(number) {
        (Kind::Int16, Value::Int16(number))
    } else if let Ok(number) = i32::try_from(number) {
        (Kind::Int32, Value::Int32(number))
    } else {
        (Kind::Int64, Value::Int64(number))
    };
    (Arc::new(Schema::new(kind)), value)
}

#[cfg(test)]
mod tests;
