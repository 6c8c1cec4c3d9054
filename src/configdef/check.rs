//! Reading and checking of texts by a table of keys.
//!
//! Messages are Connect's own (`connect-runtime.md` §1.15), since clients show and match them.

use std::collections::HashSet;

use super::Classes;
use super::def::{Check, Checked, ConfigKey, DefaultValue, KeyType};
use super::value::ConfigValue;
use crate::data::java_regex::JavaRegex;
use crate::secret::Secret;

/// Java's `trim`: everything up to the blank goes.
pub fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c <= ' ')
}

/// What stands in the settings for a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written<'a> {
    /// The key is not there.
    Missing,
    /// A JSON null.
    Null,
    /// A text.
    Text(&'a str),
}

impl<'a> From<Option<&'a Option<String>>> for Written<'a> {
    fn from(entry: Option<&'a Option<String>>) -> Self {
        entry.map_or(Self::Missing, |value| value.as_deref().map_or(Self::Null, Self::Text))
    }
}

impl<'a> From<Option<&'a String>> for Written<'a> {
    fn from(entry: Option<&'a String>) -> Self {
        entry.map_or(Self::Missing, |text| Self::Text(text))
    }
}

/// Reads and checks one key.
pub fn check_key(key: ConfigKey, written: Written<'_>, classes: &dyn Classes) -> Checked {
    let mut errors = Vec::new();
    let read = match (written, &key.default) {
        (Written::Text(text), _) => parse(&key, text, classes),
        (Written::Null, _) | (Written::Missing, DefaultValue::Null) => Ok(ConfigValue::Null),
        (Written::Missing, DefaultValue::Is(text)) => parse(&key, text, classes),
        (Written::Missing, DefaultValue::Required) => {
            Err(format!("Missing required configuration \"{}\" which has no default value.", key.name))
        }
    };
    let value = read.unwrap_or_else(|message| {
        errors.push(message);
        ConfigValue::Null
    });
    errors.extend(violation(&key, &value));
    if written == Written::Null {
        errors.push("Null value can not be supplied as the configuration value.".to_owned());
    }
    Checked { key, value, errors, visible: true }
}

fn invalid(name: &str, value: &str, detail: &str) -> String {
    format!("Invalid value {value} for configuration {name}: {detail}")
}

fn parse(key: &ConfigKey, text: &str, classes: &dyn Classes) -> Result<ConfigValue, String> {
    let trimmed = trim(text);
    let number = |found: Option<i64>| {
        let detail = format!("Not a number of type {}", key.kind.as_str());
        found.map(ConfigValue::Number).ok_or_else(|| invalid(&key.name, text, &detail))
    };
    match key.kind {
        KeyType::Boolean if trimmed.eq_ignore_ascii_case("true") => Ok(ConfigValue::Flag(true)),
        KeyType::Boolean if trimmed.eq_ignore_ascii_case("false") => Ok(ConfigValue::Flag(false)),
        KeyType::Boolean => Err(invalid(&key.name, text, "Expected value to be either true or false")),
        KeyType::String => Ok(ConfigValue::Text(trimmed.to_owned())),
        KeyType::Int => number(trimmed.parse::<i32>().ok().map(i64::from)),
        KeyType::Short => number(trimmed.parse::<i16>().ok().map(i64::from)),
        KeyType::Long => number(trimmed.parse().ok()),
        KeyType::List if trimmed.is_empty() => Ok(ConfigValue::List(Vec::new())),
        KeyType::List => {
            Ok(ConfigValue::List(trimmed.split(',').map(|item| item.trim().to_owned()).collect()))
        }
        KeyType::Class(kind) => {
            classes.resolve(kind, trimmed).map(|class| ConfigValue::Text(class.to_owned())).ok_or_else(|| {
                let hint = classes.hint(trimmed).map(|text| format!(" {text}")).unwrap_or_default();
                invalid(&key.name, text, &format!("Class {text} could not be found.{hint}"))
            })
        }
        KeyType::Password => Ok(ConfigValue::Password(Secret::new(trimmed))),
    }
}

/// What the key's check says against `value`.
fn violation(key: &ConfigKey, value: &ConfigValue) -> Option<String> {
    let say = |detail: &str| Some(invalid(&key.name, &value.in_message(), detail));
    match (key.check, value) {
        (Check::AtLeast(_) | Check::Between(..) | Check::BrokerDefaultOrPositive, ConfigValue::Null) => {
            say("Value must be non-null")
        }
        (Check::AtLeast(least) | Check::Between(least, _), ConfigValue::Number(number))
            if *number < least =>
        {
            say(&format!("Value must be at least {least}"))
        }
        (Check::Between(_, most), ConfigValue::Number(number)) if *number > most => {
            say(&format!("Value must be no more than {most}"))
        }
        (Check::Port, ConfigValue::Number(number)) if u16::try_from(*number).is_err() => {
            say("Value must be a port number")
        }
        (Check::BrokerDefaultOrPositive, ConfigValue::Number(number)) if *number != -1 && *number < 1 => {
            say("Value must be -1 for the broker's default, or at least 1")
        }
        (Check::OneOf(names), ConfigValue::Text(text)) if !names.contains(&text.as_str()) => {
            say(&format!("String must be one of: {}", names.join(", ")))
        }
        (Check::OneOfAnyCase(names), ConfigValue::Text(text))
            if !names.iter().any(|n| n.eq_ignore_ascii_case(text)) =>
        {
            say(&format!("String must be one of (case insensitive): {}", names.join(", ")))
        }
        (Check::Name | Check::NonEmpty, ConfigValue::Text(text)) if text.is_empty() => {
            say(if matches!(key.check, Check::Name) {
                "String may not be empty"
            } else {
                "String must be non-empty"
            })
        }
        (Check::Name, ConfigValue::Text(text)) => control_characters(text).and_then(|found| say(&found)),
        (Check::Aliases, ConfigValue::List(items)) if has_equal(items) => say("Duplicate alias provided."),
        _ => violation_of_parts(key, value),
    }
}

/// The same for the checks of lists and of the keys of transformations.
fn violation_of_parts(key: &ConfigKey, value: &ConfigValue) -> Option<String> {
    let say = |detail: &str| Some(invalid(&key.name, &value.in_message(), detail));
    match (key.check, value) {
        (Check::Distinct | Check::DistinctFilled, ConfigValue::List(items)) if !items.is_empty() => {
            distinct(&key.name, items)
        }
        (Check::DistinctFilled, ConfigValue::List(_)) => Some(format!(
            "Configuration '{}' must not be empty. Valid values include: any non-empty value",
            key.name
        )),
        (Check::DistinctFilled, ConfigValue::Null) => {
            Some(format!("Configuration '{}' values must not be null.", key.name))
        }
        (Check::NonEmptyList, ConfigValue::Null) => say("Empty list"),
        (Check::NonEmptyList, ConfigValue::List(items)) if items.is_empty() => say("Empty list"),
        (Check::NonNull, ConfigValue::Null) => say("entry must be non null"),
        (Check::OneOf(names), ConfigValue::Null) if key.is_required() => {
            say(&format!("String must be one of: {}", names.join(", ")))
        }
        (Check::FilledJavaRegex, ConfigValue::Text(text)) if text.is_empty() => {
            say("String must be non-empty")
        }
        (Check::JavaRegex | Check::FilledJavaRegex, ConfigValue::Text(text)) => {
            JavaRegex::new(text).err().and_then(|detail| say(&format!("Invalid regex: {detail}")))
        }
        (Check::Custom(test), value) => test(&key.name, value),
        _ => None,
    }
}

fn control_characters(text: &str) -> Option<String> {
    let found: Vec<_> = text.chars().filter(|c| c.is_control()).map(|c| u32::from(c).to_string()).collect();
    (!found.is_empty()).then(|| {
        format!(
            "String may not contain control sequences but had the following ASCII chars: {}",
            found.join(", ")
        )
    })
}

fn distinct(name: &str, items: &[String]) -> Option<String> {
    if has_equal(items) {
        return Some(format!("Configuration '{name}' values must not be duplicated."));
    }
    let is_empty = items.iter().any(String::is_empty);
    is_empty.then(|| format!("Configuration '{name}' values must not be empty."))
}

fn has_equal(items: &[String]) -> bool {
    items.iter().collect::<HashSet<_>>().len() < items.len()
}

#[cfg(test)]
mod tests {
    use crate::configdef::def::{Check, ConfigKey, Importance, KeyType, Row, RowDefault, Width};
    use crate::configdef::{ConfigValue, Written, check_key};
    use crate::plugins::BUILT_IN;

    fn key(kind: KeyType, check: Check) -> ConfigKey {
        let row =
            Row("k", kind, RowDefault::Required, check, Importance::High, ("G", 1), Width::None, "K", "doc");
        ConfigKey::from(&row)
    }

    fn errors(kind: KeyType, check: Check, text: &str) -> Vec<String> {
        check_key(key(kind, check), Written::Text(text), &BUILT_IN).errors
    }

    #[test]
    fn messages_are_connects() {
        let both = ["Invalid value x for configuration k: Not a number of type SHORT".to_owned(), {
            "Invalid value null for configuration k: Value must be non-null".to_owned()
        }];
        assert_eq!(errors(KeyType::Short, Check::AtLeast(1), "x"), both);
        for (kind, check, text, detail) in [
            (KeyType::Boolean, Check::Any, "yes", "Expected value to be either true or false"),
            (KeyType::Int, Check::Any, "2147483648", "Not a number of type INT"),
            (KeyType::Long, Check::Between(1, 5), "6", "Value must be no more than 5"),
            (KeyType::String, Check::OneOf(&["a", "b"]), "A", "String must be one of: a, b"),
            (
                KeyType::String,
                Check::OneOfAnyCase(&["A"]),
                "b",
                "String must be one of (case insensitive): A",
            ),
            (KeyType::String, Check::NonEmpty, "", "String must be non-empty"),
        ] {
            assert_eq!(
                errors(kind, check, text),
                [format!("Invalid value {text} for configuration k: {detail}")]
            );
        }
        assert_eq!(
            errors(KeyType::String, Check::Name, "a\nb\tc"),
            [
                "Invalid value a\nb\tc for configuration k: String may not contain control sequences but had the \
              following ASCII chars: 10, 9"
            ]
        );
        assert_eq!(
            errors(KeyType::List, Check::Aliases, "a, b,a"),
            ["Invalid value [a, b, a] for configuration k: Duplicate alias provided."]
        );
        assert_eq!(
            errors(KeyType::List, Check::Distinct, "a,,b"),
            ["Configuration 'k' values must not be empty."]
        );
        assert_eq!(
            errors(KeyType::List, Check::Distinct, "a, a"),
            ["Configuration 'k' values must not be duplicated."]
        );
        assert!(
            errors(KeyType::String, Check::JavaRegex, "a(")
                .concat()
                .contains("configuration k: Invalid regex: ")
        );
    }

    #[test]
    fn values_are_trimmed_and_typed() {
        let value = |kind, text| check_key(key(kind, Check::Any), Written::Text(text), &BUILT_IN).value;
        assert_eq!(value(KeyType::Boolean, " TRUE "), ConfigValue::Flag(true));
        assert_eq!(value(KeyType::Long, " 12\n"), ConfigValue::Number(12));
        assert_eq!(value(KeyType::List, " a , b "), ConfigValue::List(vec!["a".into(), "b".into()]));
        assert_eq!(value(KeyType::Password, "p").render().unwrap(), "[hidden]");
    }

    #[test]
    fn null_and_missing_differ() {
        let missing = "Missing required configuration \"k\" which has no default value.";
        assert_eq!(
            check_key(key(KeyType::String, Check::Name), Written::Missing, &BUILT_IN).errors,
            [missing]
        );
        let null = "Null value can not be supplied as the configuration value.";
        assert_eq!(check_key(key(KeyType::String, Check::Name), Written::Null, &BUILT_IN).errors, [null]);
    }
}
