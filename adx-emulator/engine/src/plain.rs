//! JSON texts to values, whatever their members are called.
//!
//! Pure. With the feature `raw_value`, `serde_json::Value` takes an object whose first member has one private name for
//! something else; a user's object may have a member of that name, and it must come out as it went in.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// The value of the JSON `text`.
pub(crate) fn from_slice(text: &[u8]) -> serde_json::Result<Value> {
    serde_json::from_slice::<Plain>(text).map(|plain| plain.0)
}

struct Plain(Value);

impl<'de> Deserialize<'de> for Plain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PlainVisitor).map(Self)
    }
}

struct PlainVisitor;

impl<'de> Visitor<'de> for PlainVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Plain(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some((name, Plain(value))) = members.next_entry::<String, _>()? {
            map.insert(name, value);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::from_slice;
    use proptest::prelude::*;
    use serde_json::Value;

    #[test]
    fn a_member_with_a_private_name_is_a_member() {
        for text in [
            r#"{"$serde_json::private::RawValue":"5"}"#,
            r#"{"$serde_json::private::RawValue":"{\"a\":","b":1}"#,
            r#"[{"a":{"$serde_json::private::RawValue":1}}]"#,
            r#"{"$serde_json::private::Number":"1"}"#,
        ] {
            assert_eq!(from_slice(text.as_bytes()).unwrap().to_string(), text);
        }
    }

    proptest! {
        #[test]
        fn all_else_is_read_as_ever(text in r#"[\[\]{}:, "a0-9.e-]{0,30}"#) {
            let usual = serde_json::from_str::<Value>(&text).ok();
            prop_assert_eq!(from_slice(text.as_bytes()).ok(), usual);
        }
    }
}
