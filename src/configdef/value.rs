//! A value of its key's type.

use super::plain_address;
use crate::secret::Secret;

/// A value of its key's type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigValue {
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

impl ConfigValue {
    /// As `/validate` shows it.
    pub fn render(&self) -> Option<String> {
        match self {
            Self::Null => None,
            Self::Text(text) => Some(text.clone()),
            Self::Number(number) => Some(number.to_string()),
            Self::Flag(flag) => Some(flag.to_string()),
            Self::List(items) => {
                Some(items.iter().map(|item| plain_address(item)).collect::<Vec<_>>().join(","))
            }
            Self::Password(secret) => Some(secret.to_string()),
        }
    }

    /// As Java prints it inside a message.
    pub(super) fn in_message(&self) -> String {
        match self {
            Self::List(items) => format!("[{}]", items.join(", ")),
            other => other.render().unwrap_or_else(|| "null".to_owned()),
        }
    }
}
