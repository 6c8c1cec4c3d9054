//! Takes values that came from a provider out of messages again.

use std::fmt;

use crate::secret::Secret;

/// Shorter values are replaced only where they stand as a word: a `1` is in too many others.
const SHORT: usize = 4;
/// Words of Connect's own messages; nobody's secret.
const PLAIN: [&str; 2] = ["true", "false"];

/// Values that must not be shown, each with the variable that stands for it.
#[derive(Clone, Default)]
pub struct Hidden(Vec<(Secret, String)>);

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(_, variable)| variable)).finish()
    }
}

impl Hidden {
    /// Adds values with their variables.
    pub(super) fn extend(&mut self, values: impl IntoIterator<Item = (String, String)>) {
        for (value, variable) in values {
            // A message may hold a value trimmed, or the items of a list one by one.
            let items = value.split([',', '\n']).map(str::trim);
            for form in [value.as_str(), value.trim()].into_iter().chain(items) {
                let tells = !form.is_empty() && !PLAIN.contains(&form);
                if tells && !self.0.iter().any(|(known, _)| known.expose() == form) {
                    self.0.push((Secret::new(form), variable.clone()));
                }
            }
        }
        // The longest first, so that a value inside another one does not leave the rest of it behind.
        self.0.sort_by_key(|(value, _)| std::cmp::Reverse(value.expose().len()));
    }

    /// True when nothing is hidden.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `text` with each hidden value replaced by its variable.
    pub fn redact(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let before = out.chars().next_back();
            let found = self.0.iter().find(|(value, _)| {
                let value = value.expose();
                rest.starts_with(value)
                    && (value.len() >= SHORT || is_word(before, rest[value.len()..].chars().next()))
            });
            if let Some((value, variable)) = found {
                out.push_str(variable);
                rest = &rest[value.expose().len()..];
            } else {
                out.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
        out
    }
}

fn is_word(before: Option<char>, after: Option<char>) -> bool {
    [before, after].into_iter().flatten().all(|c| !c.is_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::Hidden;
    use proptest::prelude::*;

    #[test]
    fn values_give_way_to_their_variables() {
        let mut hidden = Hidden::default();
        hidden
            .extend([("s3cret".to_owned(), "${f:/x:k}".to_owned()), ("1".to_owned(), "${env:N}".to_owned())]);
        hidden.extend([("a1, s3cret-long\n".to_owned(), "${d:/x:l}".to_owned())]);
        assert_eq!(
            hidden.redact("value s3cret, or s3cret-long of 1 in 10: [a1]"),
            "value ${f:/x:k}, or ${d:/x:l} of ${env:N} in 10: [${d:/x:l}]"
        );
        assert!(!format!("{hidden:?}").contains("s3cret"));
        assert_eq!(Hidden::default().redact("as it is"), "as it is");
    }

    proptest! {
        #[test]
        fn a_long_value_is_never_left(value in "[a-c]{4,6}", before in "[a-d ]{0,8}", after in "[a-d ]{0,8}") {
            let mut hidden = Hidden::default();
            hidden.extend([(value.clone(), "${}".to_owned())]);
            let shown = hidden.redact(&(before + &value + &after));
            prop_assert!(!shown.contains(&value));
        }
    }
}
