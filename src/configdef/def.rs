//! Connect's `ConfigDef`: a table of keys and all that is known of each.
//!
//! One table serves reading, validation, `/validate` and the documentation. Nothing here knows what a key means;
//! reading and checking by the table is `check`'s.

use std::borrow::Cow;

use super::PluginKind;
use super::value::ConfigValue;

/// The type of a key's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyType {
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
    Class(PluginKind),
    /// Text that is never shown.
    Password,
}

impl KeyType {
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
#[derive(Debug, Clone, Copy)]
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
    /// A regular expression of Java's syntax.
    JavaRegex,
    /// The same, and not empty.
    FilledJavaRegex,
    /// Anything but null.
    NonNull,
    /// A list that is not empty.
    NonEmptyList,
    /// What a class asks of its own key: the whole message about a value that is wrong.
    Custom(fn(&str, &ConfigValue) -> Option<String>),
    /// A list without empty and equal items.
    Distinct,
    /// The same, and not empty.
    DistinctFilled,
    /// A list of aliases without equal ones.
    Aliases,
}

/// One row of a table of keys known at compile time: name, type, default, check, importance, (group, order), width,
/// display name, documentation.
#[derive(Debug)]
pub struct Row(
    pub &'static str,
    pub KeyType,
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
#[derive(Debug, Clone)]
pub struct ConfigKey {
    /// The key.
    pub name: Cow<'static, str>,
    /// The type of its value.
    pub kind: KeyType,
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

/// A key, its value and what is wrong with it.
#[derive(Debug, Clone)]
pub struct Checked {
    /// The key.
    pub key: ConfigKey,
    /// Its value; `Null` when it could not be read.
    pub value: ConfigValue,
    /// What is wrong, in Connect's words.
    pub errors: Vec<String>,
    /// Whether a form shows the key.
    pub visible: bool,
}

/// A key made while settings are read, for things that have an alias.
pub fn dynamic_key(name: String, kind: KeyType, default: DefaultValue, display_name: String) -> ConfigKey {
    ConfigKey {
        name: Cow::Owned(name),
        kind,
        default,
        check: Check::Any,
        importance: Importance::High,
        group: None,
        order: -1,
        width: Width::Long,
        display_name: Cow::Owned(display_name),
        documentation: Cow::Borrowed(""),
        dependents: Vec::new(),
        recommended: Vec::new(),
    }
}
