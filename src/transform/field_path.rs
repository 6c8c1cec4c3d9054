//! The path to a field: one name, or names with dots between (`field.syntax.version`).

use super::operand::{look_up, no_map, no_struct, read};
use crate::data::{Error, Field, Schema, Struct, Value, entry};

const PURPOSE: &str = "nested field access";

/// A path of at least one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FieldPath {
    parents: Vec<String>,
    last: String,
}

impl FieldPath {
    /// A field of the top level, whatever its name.
    pub(super) fn single(name: &str) -> Self {
        Self { parents: Vec::new(), last: name.to_owned() }
    }

    /// Names with dots between; one that has dots itself stands in backticks, and a backtick before a dot in it behind
    /// a backslash.
    ///
    /// # Errors
    /// Java's words for a path that ends inside of backticks, or is empty.
    pub(super) fn nested(path: &str) -> Result<Self, String> {
        let mut steps = Vec::new();
        let mut at = 0;
        while let Some(rest) = path.get(at..).filter(|rest| !rest.is_empty()) {
            if let Some(quoted) = rest.strip_prefix('`') {
                let (step, length) = quoted_step(quoted).ok_or_else(|| {
                    let place = path.get(..at).unwrap_or_default().encode_utf16().count();
                    format!(
                        "Incomplete backtick pair in path: [{path}], consider adding a backslash before backtick at \
                         position {place} to escape it"
                    )
                })?;
                steps.push(step);
                at += 1 + length;
            } else {
                let length = rest.find('.').unwrap_or(rest.len());
                steps.push(rest.get(..length).unwrap_or_default().to_owned());
                at += length + 1;
            }
        }
        if path.ends_with('.') {
            steps.push(String::new());
        }
        let last = steps.pop().ok_or("fromIndex(0) > toIndex(-1)")?;
        Ok(Self { parents: steps, last })
    }

    /// The field's schema; none when there is no such field.
    pub(super) fn schema<'a>(&self, of: &'a Schema) -> Result<Option<&'a Field>, Error> {
        let mut schema = of;
        for step in &self.parents {
            let Some(field) = look_up(schema, step)? else { return Ok(None) };
            schema = &field.schema;
        }
        look_up(schema, &self.last)
    }

    /// The value in a map; null when one of the steps is not there.
    pub(super) fn in_map(&self, entries: &[(Value, Value)]) -> Result<Value, Error> {
        let mut entries = entries;
        for step in &self.parents {
            entries = match entry(entries, step) {
                None | Some(Value::Null) => return Ok(Value::Null),
                Some(Value::Map(nested)) => nested,
                Some(other) => return Err(no_map(other, PURPOSE)),
            };
        }
        Ok(entry(entries, &self.last).cloned().unwrap_or(Value::Null))
    }

    /// The value in a struct whose schema has the path.
    pub(super) fn in_struct(&self, of: &Struct, replace_null: bool) -> Result<Value, Error> {
        let mut current = of;
        for step in &self.parents {
            current =
                match current.get_or_default(step).filter(|_| replace_null).or_else(|| current.get(step)) {
                    None | Some(Value::Null) => return Ok(Value::Null),
                    Some(Value::Struct(nested)) => nested,
                    Some(other) => return Err(no_struct(other, PURPOSE)),
                };
        }
        let Some((_, field)) = current.schema.field(&self.last) else { return Ok(Value::Null) };
        Ok(read(current.get(&self.last).cloned().unwrap_or(Value::Null), &field.schema, replace_null))
    }
}

/// The name that starts behind a backtick, and how much of the text it takes, closing backtick and dot included.
fn quoted_step(text: &str) -> Option<(String, usize)> {
    let mut name = String::new();
    let mut start = 0;
    for (at, _) in text.match_indices('`') {
        let is_escaped = text.get(..at)?.ends_with('\\');
        let after = text.get(at + 1..)?;
        if !after.is_empty() && !after.starts_with('.') {
            continue;
        }
        if !is_escaped {
            name.push_str(text.get(start..at)?);
            return Some((name, at + 1 + usize::from(!after.is_empty())));
        }
        if after.is_empty() {
            return None;
        }
        name.push_str(text.get(start..at - 1)?);
        name.push('`');
        start = at + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::FieldPath;

    fn steps(path: &str) -> Result<Vec<String>, String> {
        let FieldPath { mut parents, last } = FieldPath::nested(path)?;
        parents.push(last);
        Ok(parents)
    }

    #[test]
    fn paths_are_split_as_connect_splits_them() {
        for (path, expected) in [
            ("a", vec!["a"]),
            ("a.b.c", vec!["a", "b", "c"]),
            ("a.", vec!["a", ""]),
            (".a", vec!["", "a"]),
            ("`a.b`.c", vec!["a.b", "c"]),
            ("c.`a.b`", vec!["c", "a.b"]),
            ("`a`b`", vec!["a`b"]),
            (r"`a\`.b`", vec!["a`.b"]),
            ("a`b.c", vec!["a`b", "c"]),
        ] {
            assert_eq!(steps(path).unwrap(), expected, "{path}");
        }
    }

    #[test]
    fn an_open_backtick_is_named_with_its_place() {
        for (path, place) in [("`a", 0), ("a.`b", 2), ("a.`b`c", 2), (r"`a\`", 0)] {
            let message = format!(
                "Incomplete backtick pair in path: [{path}], consider adding a backslash before backtick at position \
                 {place} to escape it"
            );
            assert_eq!(steps(path).unwrap_err(), message);
        }
        assert_eq!(steps("").unwrap_err(), "fromIndex(0) > toIndex(-1)");
    }
}
