//! Lists that a transformation reads as pairs.

use crate::configdef::ConfigValue;
use crate::data::Kind;

const SUPPORTED: &str = "[INT8, INT16, INT32, INT64, FLOAT32, FLOAT64, BOOLEAN, STRING]";

/// What is wrong with a value of `Cast.spec`, whatever key it stands at.
pub(super) fn wrong_spec(_: &str, value: &ConfigValue) -> Option<String> {
    match value {
        ConfigValue::Null => parse_casts(&[]).err(),
        ConfigValue::List(items) => parse_casts(items).err(),
        _ => None,
    }
}

/// The same of `ReplaceField.renames`.
pub(super) fn wrong_renames(_: &str, value: &ConfigValue) -> Option<String> {
    if let ConfigValue::List(items) = value { parse_renames(items).err() } else { None }
}

/// The casts of `Cast.spec`: fields and types, or one type for the whole.
///
/// # Errors
/// Connect's own words, which name a Java error and, for a pair of three parts, the key of another class.
pub(super) fn parse_casts(spec: &[String]) -> Result<Vec<(Option<String>, Kind)>, String> {
    if spec.is_empty() {
        return Err("Must specify at least one field to cast.".to_owned());
    }
    let mut casts = Vec::with_capacity(spec.len());
    for item in spec {
        let (field, kind) = match parts(item).as_slice() {
            [] => (None, ""),
            [kind] => (None, kind.trim()),
            [field, kind] => (Some(field.trim().to_owned()), kind.trim()),
            _ => return Err(invalid_rename(spec, item)),
        };
        casts.push((field, cast_type(kind)?));
    }
    if spec.len() > 1 && casts.iter().any(|(field, _)| field.is_none()) {
        return Err(
            "Cast transformations that specify a type to cast the entire value to may only specify a single \
                    cast in their spec"
                .to_owned(),
        );
    }
    Ok(casts)
}

/// The old and new names of `ReplaceField.renames`.
///
/// # Errors
/// Connect's own words.
pub(super) fn parse_renames(renames: &[String]) -> Result<Vec<(String, String)>, String> {
    // Blanks around the colon are part of the names.
    let pair = |item: &String| match parts(item).as_slice() {
        [old, new] => Ok(((*old).to_owned(), (*new).to_owned())),
        _ => Err(invalid_rename(renames, item)),
    };
    renames.iter().map(pair).collect()
}

/// Java's `split`: parts at the end that are empty are not there.
fn parts(item: &str) -> Vec<&str> {
    let mut parts: Vec<_> = item.split(':').collect();
    while parts.len() > 1 && parts.last().is_some_and(|part| part.is_empty()) {
        parts.pop();
    }
    parts
}

fn invalid_rename(list: &[String], item: &str) -> String {
    format!("Invalid value [{}] for configuration renames: Invalid rename mapping: {item}", list.join(", "))
}

fn cast_type(text: &str) -> Result<Kind, String> {
    let name = text.to_uppercase();
    Ok(match name.as_str() {
        "INT8" => Kind::Int8,
        "INT16" => Kind::Int16,
        "INT32" => Kind::Int32,
        "INT64" => Kind::Int64,
        "FLOAT32" => Kind::Float32,
        "FLOAT64" => Kind::Float64,
        "BOOLEAN" => Kind::Boolean,
        "STRING" => Kind::String,
        "BYTES" | "ARRAY" | "MAP" | "STRUCT" => {
            return Err(format!(
                "Cast transformation does not support casting to {name}; supported types are {SUPPORTED}"
            ));
        }
        _ => {
            return Err(format!(
                "Invalid value java.lang.IllegalArgumentException: No enum constant \
                 org.apache.kafka.connect.data.Schema.Type.{name} for configuration Invalid type found in casting spec: {text}"
            ));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::{parse_casts, parse_renames};
    use crate::data::Kind;

    fn list(items: &[&str]) -> Vec<String> {
        items.iter().map(|item| (*item).to_owned()).collect()
    }

    #[test]
    fn casts_are_read() {
        let casts = parse_casts(&list(&["a : INT8", "b:string"])).unwrap();
        assert_eq!(casts, [(Some("a".to_owned()), Kind::Int8), (Some("b".to_owned()), Kind::String)]);
        assert_eq!(parse_casts(&list(&["int8:"])).unwrap(), [(None, Kind::Int8)]);
        for (spec, message) in [
            (vec![], "at least one field"),
            (vec!["foo"], "Schema.Type.FOO for configuration Invalid type found in casting spec: foo"),
            (vec!["int8", "int16"], "may only specify a single cast"),
            (vec!["a:b:c"], "Invalid value [a:b:c] for configuration renames: Invalid rename mapping: a:b:c"),
            (vec!["a:bytes"], "does not support casting to BYTES; supported types are [INT8, "),
            (vec![":"], "casting spec: "),
        ] {
            let error = parse_casts(&list(&spec)).unwrap_err();
            assert!(error.contains(message), "{spec:?}: {error}");
        }
    }

    #[test]
    fn renames_are_read() {
        assert_eq!(parse_renames(&list(&["a :b"])).unwrap(), [("a ".to_owned(), "b".to_owned())]);
        for wrong in ["a", "a:", "a:b:c"] {
            let message =
                format!("Invalid value [{wrong}] for configuration renames: Invalid rename mapping: {wrong}");
            assert_eq!(parse_renames(&list(&[wrong])).unwrap_err(), message);
        }
    }
}
