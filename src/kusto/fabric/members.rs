//! The members of a JSON object, each as the text it was, in the order in which they came; a name is there once.

use crate::data::Error;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// Up to so many members are searched; for more there is a table.
const FEW: usize = 8;

/// An object.
#[derive(Debug, Clone, Default)]
pub(super) struct Members {
    all: Vec<(Arc<str>, Box<RawValue>)>,
    /// The places of all names, if there are more than a few.
    places: HashMap<Arc<str>, usize>,
}

impl Members {
    /// An object with one member.
    pub(super) fn of(name: &str, json: Box<RawValue>) -> Self {
        Self { all: vec![(name.into(), json)], places: HashMap::new() }
    }

    /// Reads one object.
    pub(super) fn parse(json: &[u8]) -> Result<Self, Error> {
        serde_json::from_slice(json).map_err(|error| Error::new(format!("no JSON object: {error}")))
    }

    /// Adds a member, or gives it another value in its old place.
    pub(super) fn put(&mut self, name: &str, json: Box<RawValue>) {
        match self.place(name).and_then(|place| self.all.get_mut(place)) {
            Some((_, value)) => *value = json,
            None => self.add(name.into(), json),
        }
    }

    fn place(&self, name: &str) -> Option<usize> {
        if self.all.len() > FEW {
            return self.places.get(name).copied();
        }
        self.all.iter().position(|(known, _)| **known == *name)
    }

    fn add(&mut self, name: Arc<str>, json: Box<RawValue>) {
        self.all.push((name, json));
        let known = self.places.len();
        if self.all.len() > FEW {
            let new = self.all.iter().enumerate().skip(known);
            self.places.extend(new.map(|(place, (name, _))| (Arc::clone(name), place)));
        }
    }

    pub(super) fn put_all(&mut self, others: &Self) {
        for (name, json) in &others.all {
            self.put(name, json.clone());
        }
    }

    /// The member of this name, if it is the only one.
    pub(super) fn only(&self, name: &str) -> Option<&RawValue> {
        match self.all.as_slice() {
            [(known, json)] if **known == *name => Some(json),
            _ => None,
        }
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) -> Result<(), Error> {
        out.push(b'{');
        for (index, (name, json)) in self.all.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            serde_json::to_writer(&mut *out, &**name).map_err(|error| Error::new(error.to_string()))?;
            out.push(b':');
            // Line breaks between tokens would end the row.
            let is_one_line = memchr::memchr2(b'\n', b'\r', json.get().as_bytes()).is_none();
            if is_one_line {
                out.extend_from_slice(json.get().as_bytes());
            } else {
                out.extend(json.get().bytes().filter(|byte| !matches!(byte, b'\n' | b'\r')));
            }
        }
        out.push(b'}');
        Ok(())
    }

    pub(super) fn to_json(&self) -> Result<Box<RawValue>, Error> {
        let mut out = Vec::new();
        self.write(&mut out)?;
        let text = String::from_utf8(out).map_err(|error| Error::new(error.to_string()))?;
        RawValue::from_string(text).map_err(|error| Error::new(error.to_string()))
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Members::default();
                while let Some((name, json)) = map.next_entry::<String, Box<RawValue>>()? {
                    members.put(&name, json);
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

/// A JSON document as a key or value.
pub(super) enum Member {
    /// An object, or an array of objects only.
    Objects(Vec<Members>),
    /// Anything else.
    Other(Box<RawValue>),
}

impl Member {
    /// Reads exactly one document; none when it is no JSON.
    pub(super) fn parse(json: &[u8]) -> Option<Self> {
        let whole: Box<RawValue> = serde_json::from_slice(json).ok()?;
        let objects = match whole.get().as_bytes().first() {
            Some(b'{') => Members::parse(json).ok().map(|one| vec![one]),
            Some(b'[') => serde_json::from_slice(json).ok(),
            _ => None,
        };
        Some(match objects {
            // An empty array is no row, but every record is one.
            Some(objects) if !objects.is_empty() => Self::Objects(objects),
            _ => Self::Other(whole),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{FEW, Members};
    use proptest::prelude::*;
    use serde_json::value::to_raw_value;

    proptest! {
        #[test]
        fn of_equal_names_the_last_counts_at_the_place_of_the_first(
            all in prop::collection::vec(("[a-d]{0,2}", any::<u8>()), 0..40)
        ) {
            let mut members = Members::default();
            let mut wanted: Vec<(String, u8)> = Vec::new();
            for (name, number) in all {
                members.put(&name, to_raw_value(&number).unwrap());
                match wanted.iter_mut().find(|(known, _)| *known == name) {
                    Some((_, old)) => *old = number,
                    None => wanted.push((name, number)),
                }
                // Where there are many none is searched.
                let known = if members.all.len() > FEW { members.all.len() } else { 0 };
                prop_assert_eq!(members.places.len(), known);
            }
            let found = members.all.iter().map(|(name, json)| (name.to_string(), json.get().parse().unwrap()));
            prop_assert_eq!(found.collect::<Vec<(String, u8)>>(), wanted);
        }
    }
}
