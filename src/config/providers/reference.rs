//! The syntax of variables: `${provider:key}` or `${provider:path:key}`, several in one text, never nested.
//!
//! Pure. The rule is that of Java's expression `\$\{([^}]*?):(([^}]*?):)?([^}]*?)\}`: the provider ends at the first
//! colon, the path at the second, and the key may hold further ones.

/// One variable in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reference<'a> {
    /// The alias of a provider.
    pub(super) provider: &'a str,
    /// Where the provider should look; may be empty.
    pub(super) path: &'a str,
    /// What it should look for.
    pub(super) key: &'a str,
    /// The whole variable as written.
    pub(super) text: &'a str,
}

/// The first variable at or behind `from`, and where it starts.
fn next(text: &str, from: usize) -> Option<(usize, Reference<'_>)> {
    let mut at = from;
    loop {
        let start = at + text[at..].find("${")?;
        let inner = &text[start + 2..];
        let end = inner.find('}')?;
        if let Some((provider, rest)) = inner[..end].split_once(':') {
            let (path, key) = rest.split_once(':').unwrap_or(("", rest));
            let text = &text[start..=start + 2 + end];
            return Some((start, Reference { provider, path, key, text }));
        }
        // No colon before the brace: not a variable, and none starts inside it either.
        at = start + 2;
    }
}

/// `text` with each variable replaced by what `value` gives for it, and kept where it gives nothing. None when nothing
/// was replaced.
pub(super) fn replace<'a, E>(
    text: &'a str,
    mut value: impl FnMut(Reference<'a>) -> Result<Option<String>, E>,
) -> Result<Option<String>, E> {
    let mut out = String::new();
    let (mut done, mut changed) = (0, false);
    while let Some((start, reference)) = next(text, done) {
        out.push_str(&text[done..start]);
        done = start + reference.text.len();
        match value(reference)? {
            Some(value) => {
                changed = true;
                out.push_str(&value);
            }
            None => out.push_str(reference.text),
        }
    }
    out.push_str(&text[done..]);
    Ok(changed.then_some(out))
}

#[cfg(test)]
mod tests {
    use super::{Reference, next, replace};
    use proptest::prelude::*;

    fn parts(text: &str) -> Vec<(&str, &str, &str)> {
        let mut found = Vec::new();
        let mut from = 0;
        while let Some((start, Reference { provider, path, key, text })) = next(text, from) {
            found.push((provider, path, key));
            from = start + text.len();
        }
        found
    }

    #[test]
    fn providers_paths_and_keys() {
        assert_eq!(parts("${file:/a/b:k}"), [("file", "/a/b", "k")]);
        assert_eq!(
            parts("x${env:A}y${env::B}${d:/p:k:l}z"),
            [("env", "", "A"), ("env", "", "B"), ("d", "/p", "k:l")]
        );
        assert_eq!(parts("${a} $ {b:c} ${d:e"), []);
        // As the expression reads it: the first `${` counts.
        assert_eq!(parts("${${env:X}}"), [("${env", "", "X")]);
    }

    /// Java's own expression, which the regex crate reads the same way.
    const JAVA: &str = r"\$\{([^}]*?):(([^}]*?):)?([^}]*?)\}";

    proptest! {
        #[test]
        fn the_scanner_finds_what_the_expression_finds(text in "[$\\{\\}:ab/]{0,24}") {
            let expected: Vec<_> = regex::Regex::new(JAVA).unwrap().captures_iter(&text).map(|found| {
                let group = |index| found.get(index).map_or("", |part| part.as_str()).to_owned();
                (group(1), group(3), group(4))
            }).collect();
            let found: Vec<_> = parts(&text).into_iter()
                .map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned())).collect();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn nothing_known_means_nothing_changed(text in "[$\\{\\}:ab/]{0,24}") {
            prop_assert_eq!(replace::<()>(&text, |_| Ok(None)), Ok(None));
            let kept = replace::<()>(&text, |found| Ok(Some(found.text.to_owned()))).unwrap();
            prop_assert!(kept.is_none_or(|kept| kept == text));
        }
    }
}
