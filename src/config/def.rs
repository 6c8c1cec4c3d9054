//! Connect's `ConfigDef`: a table of keys, and the reading and checking of texts by it.
//!
//! One table serves reading, validation, `/validate` and the documentation. Messages are Connect's own
//! (`connect-runtime.md` §1.15), since clients show and match them. Nothing here knows what a key means.

use std::borrow::Cow;
use std::collections::HashSet;

use super::plugins;
use crate::secret::Secret;

/// The type of a key's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false` in any letter case.
    Boolean,
    /// Text.
    String,
    /// 32-bit integer.
    Int,
    /// 16-bit integer.
    Short,
    /// 64-bit integer.
    Long,
    /// Texts with commas between.
    List,
    /// The name or alias of a known class.
    Class(plugins::ClassKind),
    /// Text that is never shown.
    Password,
}

impl Kind {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Boolean => "BOOLEAN",
            Self::String => "STRING",
            Self::Int => "INT",
            Self::Short => "SHORT",
            Self::Long => "LONG",
            Self::List => "LIST",
            Self::Class(_) => "CLASS",
            Self::Password => "PASSWORD",
        }
    }
}

/// What a key is when it is not written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DefaultValue {
    /// It must be written.
    Required,
    /// Nothing.
    Null,
    /// This text.
    Is(Cow<'static, str>),
}

/// How much a key matters to a reader of the documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Importance {
    /// Look at it.
    High,
    /// May need a change.
    Medium,
    /// Rarely touched.
    Low,
}

impl Importance {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::High => "HIGH",
            Self::Medium => "MEDIUM",
            Self::Low => "LOW",
        }
    }
}

/// How wide a form shows a key's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Width {
    /// No hint.
    None,
    /// A number or a word.
    Short,
    /// A name or a URL.
    Medium,
    /// A list or a class name.
    Long,
}

impl Width {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Short => "SHORT",
            Self::Medium => "MEDIUM",
            Self::Long => "LONG",
        }
    }
}

/// What a value must be besides of its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// Anything.
    Any,
    /// A number of at least this.
    AtLeast(i64),
    /// A number inside these bounds.
    Between(i64, i64),
    /// A port number, or nothing.
    Port,
    /// A number of at least 1, or -1 for the broker's default.
    BrokerDefaultOrPositive,
    /// One of these texts, exactly.
    OneOf(&'static [&'static str]),
    /// One of these texts, in any letter case.
    OneOfAnyCase(&'static [&'static str]),
    /// A text that is not empty and has no control characters.
    Name,
    /// A text that is not empty.
    NonEmpty,
    /// A regular expression.
    Regex,
    /// A list without empty and equal items.
    Distinct,
    /// A list of aliases without equal ones.
    Aliases,
}

/// One row of a table of keys known at compile time: name, type, default, check, importance, (group, order), width,
/// display name, documentation.
pub struct Row(
    pub &'static str,
    pub Kind,
    pub RowDefault,
    pub Check,
    pub Importance,
    pub (&'static str, i32),
    pub Width,
    pub &'static str,
    pub &'static str,
);

/// A row's default.
#[derive(Debug, Clone, Copy)]
pub enum RowDefault {
    /// It must be written.
    Required,
    /// Nothing.
    Null,
    /// This text.
    Is(&'static str),
}

/// All that is known of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigKey {
    /// The key.
    pub name: Cow<'static, str>,
    /// The type of its value.
    pub kind: Kind,
    /// Its value when it is not written.
    pub default: DefaultValue,
    /// What its value must be.
    pub check: Check,
    /// How much it matters.
    pub importance: Importance,
    /// The group that it is shown in.
    pub group: Option<Cow<'static, str>>,
    /// Its place in the group, -1 for none.
    pub order: i32,
    /// How wide it is shown.
    pub width: Width,
    /// Its name for people.
    pub display_name: Cow<'static, str>,
    /// What it does.
    pub documentation: Cow<'static, str>,
    /// Keys whose recommended values depend on it.
    pub dependents: Vec<String>,
    /// Values to choose from; not a restriction.
    pub recommended: Vec<String>,
}

impl ConfigKey {
    /// True when the key must be written.
    pub fn is_required(&self) -> bool {
        self.default == DefaultValue::Required
    }

    /// The default as text.
    pub fn default_text(&self) -> Option<&str> {
        match &self.default {
            DefaultValue::Is(text) => Some(text),
            DefaultValue::Required | DefaultValue::Null => None,
        }
    }
}

impl From<&Row> for ConfigKey {
    fn from(row: &Row) -> Self {
        let Row(name, kind, default, check, importance, (group, order), width, display_name, documentation) =
            row;
        Self {
            name: Cow::Borrowed(name),
            kind: *kind,
            default: match default {
                RowDefault::Required => DefaultValue::Required,
                RowDefault::Null => DefaultValue::Null,
                RowDefault::Is(text) => DefaultValue::Is(Cow::Borrowed(text)),
            },
            check: *check,
            importance: *importance,
            group: (!group.is_empty()).then_some(Cow::Borrowed(*group)),
            order: *order,
            width: *width,
            display_name: Cow::Borrowed(display_name),
            documentation: Cow::Borrowed(documentation),
            dependents: Vec::new(),
            recommended: Vec::new(),
        }
    }
}

/// A value of its key's type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Not written, and no default; or wrong.
    Null,
    /// Of the types STRING and CLASS (then the full class name).
    Text(String),
    /// Of the types INT, SHORT and LONG.
    Number(i64),
    /// Of the type BOOLEAN.
    Flag(bool),
    /// Of the type LIST.
    List(Vec<String>),
    /// Of the type PASSWORD.
    Password(Secret),
}

impl Value {
    /// As `/validate` shows it.
    pub fn render(&self) -> Option<String> {
        match self {
            Self::Null => None,
            Self::Text(text) => Some(text.clone()),
            Self::Number(number) => Some(number.to_string()),
            Self::Flag(flag) => Some(flag.to_string()),
            Self::List(items) => Some(items.join(",")),
            Self::Password(secret) => Some(secret.to_string()),
        }
    }

    /// As Java prints it inside a message.
    fn in_message(&self) -> String {
        match self {
            Self::List(items) => format!("[{}]", items.join(", ")),
            other => other.render().unwrap_or_else(|| "null".to_owned()),
        }
    }
}

/// A key, its value and what is wrong with it.
#[derive(Debug, Clone)]
pub struct Checked {
    /// The key.
    pub key: ConfigKey,
    /// Its value; `Null` when it could not be read.
    pub value: Value,
    /// What is wrong, in Connect's words.
    pub errors: Vec<String>,
    /// Whether a form shows the key.
    pub visible: bool,
}

/// Java's `trim`: everything up to the blank goes.
pub fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c <= ' ')
}

/// Reads and checks one key. `written` is what stands in the settings: not there, null, or a text.
pub fn check_key(key: ConfigKey, written: Option<Option<&str>>) -> Checked {
    let mut errors = Vec::new();
    let read = match (written, &key.default) {
        (Some(Some(text)), _) => parse(&key, text),
        (Some(None), _) | (None, DefaultValue::Null) => Ok(Value::Null),
        (None, DefaultValue::Is(text)) => parse(&key, text),
        (None, DefaultValue::Required) => {
            Err(format!("Missing required configuration \"{}\" which has no default value.", key.name))
        }
    };
    let value = read.unwrap_or_else(|message| {
        errors.push(message);
        Value::Null
    });
    errors.extend(violation(&key, &value));
    if written == Some(None) {
        errors.push("Null value can not be supplied as the configuration value.".to_owned());
    }
    Checked { key, value, errors, visible: true }
}

fn invalid(name: &str, value: &str, detail: &str) -> String {
    format!("Invalid value {value} for configuration {name}: {detail}")
}

fn parse(key: &ConfigKey, text: &str) -> Result<Value, String> {
    let trimmed = trim(text);
    let number = |found: Option<i64>| {
        let detail = format!("Not a number of type {}", key.kind.as_str());
        found.map(Value::Number).ok_or_else(|| invalid(&key.name, text, &detail))
    };
    match key.kind {
        Kind::Boolean if trimmed.eq_ignore_ascii_case("true") => Ok(Value::Flag(true)),
        Kind::Boolean if trimmed.eq_ignore_ascii_case("false") => Ok(Value::Flag(false)),
        Kind::Boolean => Err(invalid(&key.name, text, "Expected value to be either true or false")),
        Kind::String => Ok(Value::Text(trimmed.to_owned())),
        Kind::Int => number(trimmed.parse::<i32>().ok().map(i64::from)),
        Kind::Short => number(trimmed.parse::<i16>().ok().map(i64::from)),
        Kind::Long => number(trimmed.parse().ok()),
        Kind::List if trimmed.is_empty() => Ok(Value::List(Vec::new())),
        Kind::List => Ok(Value::List(trimmed.split(',').map(|item| item.trim().to_owned()).collect())),
        Kind::Class(kind) => plugins::resolve(kind, trimmed)
            .map(|class| Value::Text(class.into_owned()))
            .ok_or_else(|| invalid(&key.name, text, &format!("Class {text} could not be found."))),
        Kind::Password => Ok(Value::Password(Secret::new(trimmed))),
    }
}

/// What the key's check says against `value`.
fn violation(key: &ConfigKey, value: &Value) -> Option<String> {
    let say = |detail: &str| Some(invalid(&key.name, &value.in_message(), detail));
    match (key.check, value) {
        (Check::AtLeast(_) | Check::Between(..) | Check::BrokerDefaultOrPositive, Value::Null) => {
            say("Value must be non-null")
        }
        (Check::AtLeast(least) | Check::Between(least, _), Value::Number(number)) if *number < least => {
            say(&format!("Value must be at least {least}"))
        }
        (Check::Between(_, most), Value::Number(number)) if *number > most => {
            say(&format!("Value must be no more than {most}"))
        }
        (Check::Port, Value::Number(number)) if u16::try_from(*number).is_err() => {
            say("Value must be a port number")
        }
        (Check::BrokerDefaultOrPositive, Value::Number(number)) if *number != -1 && *number < 1 => {
            say("Value must be -1 for the broker's default, or at least 1")
        }
        (Check::OneOf(names), Value::Text(text)) if !names.contains(&text.as_str()) => {
            say(&format!("String must be one of: {}", names.join(", ")))
        }
        (Check::OneOfAnyCase(names), Value::Text(text))
            if !names.iter().any(|n| n.eq_ignore_ascii_case(text)) =>
        {
            say(&format!("String must be one of (case insensitive): {}", names.join(", ")))
        }
        (Check::Name | Check::NonEmpty, Value::Text(text)) if text.is_empty() => {
            say(if key.check == Check::Name { "String may not be empty" } else { "String must be non-empty" })
        }
        (Check::Name, Value::Text(text)) => control_characters(text).and_then(|found| say(&found)),
        (Check::Regex, Value::Text(text)) => {
            regex::Regex::new(text).err().and_then(|error| say(&format!("Invalid regex: {error}")))
        }
        (Check::Distinct, Value::List(items)) => distinct(&key.name, items),
        (Check::Aliases, Value::List(items)) if has_equal(items) => say("Duplicate alias provided."),
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
    if items.iter().any(String::is_empty) {
        return Some(format!("Configuration '{name}' values must not be empty."));
    }
    has_equal(items).then(|| format!("Configuration '{name}' values must not be duplicated."))
}

fn has_equal(items: &[String]) -> bool {
    items.iter().collect::<HashSet<_>>().len() < items.len()
}

#[cfg(test)]
mod tests {
    use super::{Check, ConfigKey, Importance, Kind, Row, RowDefault, Value, Width, check_key};

    fn key(kind: Kind, check: Check) -> ConfigKey {
        let row =
            Row("k", kind, RowDefault::Required, check, Importance::High, ("G", 1), Width::None, "K", "doc");
        ConfigKey::from(&row)
    }

    fn errors(kind: Kind, check: Check, text: &str) -> Vec<String> {
        check_key(key(kind, check), Some(Some(text))).errors
    }

    #[test]
    fn messages_are_connects() {
        let both = ["Invalid value x for configuration k: Not a number of type SHORT".to_owned(), {
            "Invalid value null for configuration k: Value must be non-null".to_owned()
        }];
        assert_eq!(errors(Kind::Short, Check::AtLeast(1), "x"), both);
        for (kind, check, text, detail) in [
            (Kind::Boolean, Check::Any, "yes", "Expected value to be either true or false"),
            (Kind::Int, Check::Any, "2147483648", "Not a number of type INT"),
            (Kind::Long, Check::Between(1, 5), "6", "Value must be no more than 5"),
            (Kind::String, Check::OneOf(&["a", "b"]), "A", "String must be one of: a, b"),
            (Kind::String, Check::OneOfAnyCase(&["A"]), "b", "String must be one of (case insensitive): A"),
            (Kind::String, Check::NonEmpty, "", "String must be non-empty"),
        ] {
            assert_eq!(
                errors(kind, check, text),
                [format!("Invalid value {text} for configuration k: {detail}")]
            );
        }
        assert_eq!(
            errors(Kind::String, Check::Name, "a\nb\tc"),
            [
                "Invalid value a\nb\tc for configuration k: String may not contain control sequences but had the \
              following ASCII chars: 10, 9"
            ]
        );
        assert_eq!(
            errors(Kind::List, Check::Aliases, "a, b,a"),
            ["Invalid value [a, b, a] for configuration k: Duplicate alias provided."]
        );
        assert_eq!(
            errors(Kind::List, Check::Distinct, "a,,b"),
            ["Configuration 'k' values must not be empty."]
        );
        assert_eq!(
            errors(Kind::List, Check::Distinct, "a, a"),
            ["Configuration 'k' values must not be duplicated."]
        );
        assert!(
            errors(Kind::String, Check::Regex, "a(").concat().contains("configuration k: Invalid regex: ")
        );
    }

    #[test]
    fn values_are_trimmed_and_typed() {
        let value = |kind, text| check_key(key(kind, Check::Any), Some(Some(text))).value;
        assert_eq!(value(Kind::Boolean, " TRUE "), Value::Flag(true));
        assert_eq!(value(Kind::Long, " 12\n"), Value::Number(12));
        assert_eq!(value(Kind::List, " a , b "), Value::List(vec!["a".into(), "b".into()]));
        assert_eq!(value(Kind::Password, "p").render().unwrap(), "[hidden]");
    }

    #[test]
    fn null_and_missing_differ() {
        let missing = "Missing required configuration \"k\" which has no default value.";
        assert_eq!(check_key(key(Kind::String, Check::Name), None).errors, [missing]);
        let null = "Null value can not be supplied as the configuration value.";
        assert_eq!(check_key(key(Kind::String, Check::Name), Some(None)).errors, [null]);
    }
}
