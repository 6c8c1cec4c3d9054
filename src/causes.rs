//! Why something went wrong, down to the innermost cause: the words of an error and of all that it was caused by.
//!
//! Some errors repeat their cause, some say nothing without it ("serialization error: "). Whoever shows an error to a person
//! shows it by this. Pure.

use std::error::Error;

/// The words of `error` and of its causes, outermost first; what was said already is not said again.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let words = error.to_string();
        let words = words.trim().trim_end_matches(':');
        if !text.contains(words) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(words);
        }
        next = error.source();
    }
    text
}

/// The words of its innermost cause that says anything: what is left where there is no room for all.
pub fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        let words = error.to_string();
        if !words.trim().is_empty() {
            text = words;
        }
        next = error.source();
    }
    text.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::{chain, innermost};
    use std::error::Error;
    use std::fmt;

    #[derive(Debug)]
    struct Layer(&'static str, Option<Box<Layer>>);

    impl fmt::Display for Layer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Layer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|inner| inner as _)
        }
    }

    fn layers(words: &[&'static str]) -> Layer {
        let (first, rest) = words.split_first().unwrap();
        Layer(first, (!rest.is_empty()).then(|| Box::new(layers(rest))))
    }

    #[test]
    fn all_causes_are_said_once() {
        for (words, text) in [
            (&["cannot read"][..], "cannot read"),
            (&["serialization error: ", "", "no UTF-8"], "serialization error: no UTF-8"),
            (&["a", "b: c", "c", "d"], "a: b: c: d"),
            (&["outer: inner", "inner"], "outer: inner"),
            (&["outer", "inner", " "], "outer: inner"),
        ] {
            assert_eq!(chain(&layers(words)), text);
            assert!(text.ends_with(&innermost(&layers(words))), "{text}");
        }
    }
}
