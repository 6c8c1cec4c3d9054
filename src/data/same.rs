//! Whether two schemas are the same, or two structs with the schemas in them.
//!
//! A schema is a tree whose branches may be shared: that of thirty records, each with two fields of the next one's type, has
//! a billion leaves. What was compared once is not compared again, so it takes as long as there are different parts. Pure.

use super::{Field, Kind, Schema, Struct, Value};
use std::collections::HashSet;
use std::mem;
use std::ptr;
use std::sync::Arc;

/// Pairs that are remembered; what has more counts as different.
const MOST_PAIRS: usize = 1_000_000;

impl PartialEq for Schema {
    fn eq(&self, other: &Self) -> bool {
        Same::default().schemas(self, other)
    }
}

impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        Same::default().kinds(self, other)
    }
}

impl PartialEq for Struct {
    fn eq(&self, other: &Self) -> bool {
        Same::default().structs(self, other)
    }
}

/// One comparison.
#[derive(Default)]
struct Same {
    /// Parts that are the same, or are being compared: the first that is not ends everything. By their places in memory,
    /// which they keep meanwhile.
    seen: HashSet<(usize, usize)>,
}

impl Same {
    fn schemas(&mut self, one: &Schema, other: &Schema) -> bool {
        ptr::eq(one, other)
            || (one.optional == other.optional
                && one.version == other.version
                && one.name == other.name
                && one.doc == other.doc
                && one.parameters == other.parameters
                && self.kinds(&one.kind, &other.kind)
                && self.defaults(one.default.as_ref(), other.default.as_ref()))
    }

    fn kinds(&mut self, one: &Kind, other: &Kind) -> bool {
        match (one, other) {
            (Kind::Array(one), Kind::Array(other)) => self.parts(one.as_ref(), other.as_ref()),
            (Kind::Map(keys, values), Kind::Map(other_keys, other_values)) => {
                self.parts(keys.as_ref(), other_keys.as_ref())
                    && self.parts(values.as_ref(), other_values.as_ref())
            }
            (Kind::Struct(one), Kind::Struct(other)) => self.fields(one, other),
            _ => mem::discriminant(one) == mem::discriminant(other),
        }
    }

    fn parts(&mut self, one: Option<&Arc<Schema>>, other: Option<&Arc<Schema>>) -> bool {
        match (one, other) {
            (Some(one), Some(other)) => self.part(one, other),
            (one, other) => one.is_none() && other.is_none(),
        }
    }

    fn part(&mut self, one: &Arc<Schema>, other: &Arc<Schema>) -> bool {
        // What holds nothing is compared more quickly than it is remembered.
        let is_seen = |same: &mut Self| {
            let holds = matches!(one.kind, Kind::Array(_) | Kind::Map(..));
            holds && same.is_seen(Arc::as_ptr(one).addr(), Arc::as_ptr(other).addr())
        };
        Arc::ptr_eq(one, other) || is_seen(self) || self.schemas(one, other)
    }

    fn fields(&mut self, one: &Arc<[Field]>, other: &Arc<[Field]>) -> bool {
        if Arc::ptr_eq(one, other) {
            return true;
        }
        if one.len() != other.len() || self.seen.len() > MOST_PAIRS {
            return false;
        }
        let mut pairs = one.iter().zip(other.iter());
        self.is_seen(one.as_ptr().addr(), other.as_ptr().addr())
            || pairs.all(|(one, other)| one.name == other.name && self.part(&one.schema, &other.schema))
    }

    /// True when the two were compared before; from now on they were.
    fn is_seen(&mut self, one: usize, other: usize) -> bool {
        !self.seen.insert((one, other))
    }

    fn defaults(&mut self, one: Option<&Value>, other: Option<&Value>) -> bool {
        match (one, other) {
            (Some(one), Some(other)) => self.values(one, other),
            (one, other) => one.is_none() && other.is_none(),
        }
    }

    fn values(&mut self, one: &Value, other: &Value) -> bool {
        match (one, other) {
            (Value::Array(one), Value::Array(other)) => self.lists(one, other),
            (Value::Map(one), Value::Map(other)) => {
                one.len() == other.len()
                    && one.iter().zip(other).all(|((key, value), (other_key, other_value))| {
                        self.values(key, other_key) && self.values(value, other_value)
                    })
            }
            (Value::Struct(one), Value::Struct(other)) => self.structs(one, other),
            (one, other) => one == other,
        }
    }

    fn lists(&mut self, one: &[Value], other: &[Value]) -> bool {
        one.len() == other.len() && one.iter().zip(other).all(|(one, other)| self.values(one, other))
    }

    fn structs(&mut self, one: &Struct, other: &Struct) -> bool {
        self.part(&one.schema, &other.schema) && self.lists(&one.values, &other.values)
    }
}

#[cfg(test)]
mod tests {
    use crate::data::{Kind, Schema, Struct, Value};
    use proptest::prelude::*;
    use std::sync::Arc;

    /// Structs in structs, each with two fields of the next one's type: as a tree it has 2^depth leaves. The leaf is
    /// `kind`; each use of a type is a schema of its own, as the converters make them.
    fn doubling(depth: usize, kind: Kind) -> Schema {
        (0..depth).fold(Schema::new(kind), |of, _| {
            let parts = [of.clone(), of.clone().with_optional(true)].map(Arc::new);
            let [one, two] = parts;
            Schema::of_fields([("a", one), ("b", Arc::new(Schema::new(Kind::Array(Some(two)))))])
        })
    }

    #[test]
    fn schemas_that_share_their_parts_are_compared_by_parts() {
        let one = doubling(60, Kind::Int8);
        assert_eq!(one, doubling(60, Kind::Int8));
        assert!(one != doubling(60, Kind::Int16));
        let of = |schema: Schema| {
            Value::Struct(Struct { schema: Arc::new(schema), values: vec![Value::Null, Value::Null] })
        };
        assert_eq!(of(one), of(doubling(60, Kind::Int8)));
    }

    fn schemas() -> impl Strategy<Value = Schema> {
        let leaf = prop::sample::select(vec![Kind::Int8, Kind::String, Kind::Array(None)]);
        let leaf =
            (leaf, any::<bool>()).prop_map(|(kind, optional)| Schema::new(kind).with_optional(optional));
        leaf.prop_recursive(3, 12, 3, |inner| {
            let inner = inner.prop_map(Arc::new);
            let array = inner.clone().prop_map(|of| Schema::new(Kind::Array(Some(of))));
            let map =
                (inner.clone(), inner.clone()).prop_map(|(k, v)| Schema::new(Kind::Map(Some(k), Some(v))));
            let fields = prop::collection::vec(("[ab]", inner), 0..3);
            prop_oneof![array, map, fields.prop_map(Schema::of_fields)]
        })
    }

    proptest! {
        #[test]
        fn two_are_the_same_when_they_are_written_the_same(one in schemas(), other in schemas()) {
            prop_assert_eq!(one == other, format!("{one:?}") == format!("{other:?}"));
            let text = format!("{one:?}");
            let again = one.clone();
            let again_text = format!("{again:?}");
            prop_assert!(one == again && text == again_text);
        }
    }
}
