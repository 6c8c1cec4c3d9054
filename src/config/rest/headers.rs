//! `response.http.headers.config`: headers that go into every answer. Texts of errors are Connect's.

use crate::configdef::{Problems, Values};

const KEY: &str = "response.http.headers.config";

/// What is done with a header of the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderAction {
    /// This text, in place of what is there.
    Set(String),
    /// This text, beside what is there.
    Add(String),
    /// The date so many milliseconds from now, in place of what is there.
    SetDate(i64),
    /// The same, beside what is there.
    AddDate(i64),
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderRule {
    /// The header's name, without blanks.
    pub name: String,
    /// What is done with it.
    pub action: HeaderAction,
}

/// All rules, in order; none when one is wrong.
pub(super) fn read(values: &Values<'_>, problems: &mut Problems) -> Option<Vec<HeaderRule>> {
    match parse(values.filled(KEY).unwrap_or_default()) {
        Ok(rules) => Some(rules),
        Err(message) => {
            problems.add(KEY, message);
            None
        }
    }
}

/// `action name:value, …`; a rule with a comma inside stands in quotes.
fn parse(text: &str) -> Result<Vec<HeaderRule>, String> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    split(text).iter().map(|config| rule(config)).collect()
}

fn rule(config: &str) -> Result<HeaderRule, String> {
    let trimmed = config.trim();
    let Some((action, header)) = trimmed.split_once(char::is_whitespace) else {
        return Err(format!(
            "Invalid format of header config '{config}'. Expected: '[action] [header name]:[header value]'"
        ));
    };
    let kind = action.to_ascii_lowercase();
    if !["set", "add", "setdate", "adddate"].contains(&kind.as_str()) {
        return Err(format!(
            "Invalid header config action: '{action}'. Expected one of [set, add, setDate, addDate]"
        ));
    }
    let header = header.trim_start();
    let pair =
        header.trim_end().split_once(':').filter(|(_, value)| !value.is_empty() && !value.contains(':'));
    let Some((name, value)) = pair else {
        return Err(format!(
            "Invalid format of header name and header value pair '{header}'. Expected: '[header name]:[header value]'"
        ));
    };
    let (name, value) = (name.trim(), value.trim());
    // What HTTP does not allow in a header cannot be sent, whatever Connect says of it.
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if name.is_empty() || !name.chars().all(is_token) {
        return Err(format!("Invalid header name '{name}'. The '[header name]' cannot contain whitespace"));
    }
    if value.chars().any(|c| c.is_control() && c != '\t') {
        return Err(format!("Invalid header value of '{name}': it has control characters"));
    }
    let date = || {
        value.parse::<i64>().map_err(|_| {
            format!("Invalid header value '{value}' of '{name}': {action} takes milliseconds from now")
        })
    };
    let action = match kind.as_str() {
        "set" => HeaderAction::Set(value.to_owned()),
        "add" => HeaderAction::Add(value.to_owned()),
        "setdate" => HeaderAction::SetDate(date()?),
        _ => HeaderAction::AddDate(date()?),
    };
    Ok(HeaderRule { name: name.to_owned(), action })
}

/// The items of a list, without the quotes around them.
fn split(text: &str) -> Vec<String> {
    let mut items = vec![String::new()];
    let mut quoted = false;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let last = items.len() - 1;
        match c {
            '"' => quoted = !quoted,
            '\\' if quoted => items[last].extend(chars.next()),
            ',' if !quoted => items.push(String::new()),
            c => items[last].push(c),
        }
    }
    items
}

#[cfg(test)]
mod tests {
    use super::{HeaderAction as A, HeaderRule, parse};
    use proptest::prelude::*;

    #[test]
    fn rules_are_read() {
        let rule = |name: &str, action| HeaderRule { name: name.to_owned(), action };
        assert_eq!(
            parse(
                r#"add Cache-Control: no-cache, "SET X-Y:a, b;c",setDate Expires: 31540000000 ,addDate Last-Modified:0"#
            ),
            Ok(vec![
                rule("Cache-Control", A::Add("no-cache".to_owned())),
                rule("X-Y", A::Set("a, b;c".to_owned())),
                rule("Expires", A::SetDate(31_540_000_000)),
                rule("Last-Modified", A::AddDate(0)),
            ])
        );
        assert_eq!(parse("  "), Ok(vec![]));
    }

    #[test]
    fn errors_are_connects() {
        for (text, expected) in [
            (
                "set",
                "Invalid format of header config 'set'. Expected: '[action] [header name]:[header value]'",
            ),
            ("add X:1,", "Invalid format of header config ''."),
            ("put X:1", "Invalid header config action: 'put'. Expected one of [set, add, setDate, addDate]"),
            ("set X", "Invalid format of header name and header value pair 'X'."),
            ("set X:", "Invalid format of header name and header value pair 'X:'."),
            ("set X:a:b", "Invalid format of header name and header value pair 'X:a:b'."),
            ("set :a", "Invalid header name ''. The '[header name]' cannot contain whitespace"),
            ("set X Y:a", "Invalid header name 'X Y'."),
            ("setDate X:soon", "Invalid header value 'soon' of 'X'"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.starts_with(expected), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "[a-cX:, \"\\\\\t\n]{0,30}") {
            let _rules_or_error = parse(&text);
        }
    }
}
