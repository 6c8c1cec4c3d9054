//! What libraries say is wrong, in words for who writes settings: nobody should have to know how a parser or an operating
//! system calls things. Pure.

use std::io;

/// How messages of the JSON parser begin, and what they mean.
const JSON: [(&str, &str); 20] = [
    ("EOF while parsing a string", "a text is not closed by a double quote"),
    ("EOF while parsing", "it ends too early: a brace, a bracket or a value is missing"),
    ("expected `:`", "a colon is missing behind a name"),
    ("expected `,` or `]`", "a comma or the closing bracket is missing"),
    ("expected `,` or `}`", "a comma or the closing brace is missing"),
    ("expected value", "a value is missing, or a text stands without its quotes"),
    ("expected ident", "a word stands without its quotes"),
    ("key must be a string", "a name stands without its quotes"),
    ("trailing comma", "a comma stands before the closing bracket or brace"),
    ("trailing characters", "something follows behind its end"),
    (
        "control character",
        "a text holds a line break or another control character, which is written as \\n and the like",
    ),
    ("invalid escape", "a backslash in a text is written twice, \\\\"),
    ("lone leading surrogate", "a \\u in a text is half a character"),
    ("unexpected end of hex escape", "a \\u in a text is half a character"),
    ("invalid unicode code point", "a text is not UTF-8"),
    ("invalid number", "a number is not written as one"),
    ("number out of range", "a number is too large"),
    ("recursion limit exceeded", "it is nested too deep"),
    ("duplicate field", "a name is there twice"),
    ("missing field", "a name is missing"),
];

/// Kinds of values as the parser calls them, and as people do.
const KINDS: [(&str, &str); 6] = [
    ("expected a map", "an object is expected"),
    ("expected struct", "an object is expected"),
    ("expected a sequence", "an array is expected"),
    ("expected a string", "a text is expected"),
    ("expected a boolean", "true or false is expected"),
    ("expected any valid JSON", "a value is expected"),
];

/// What is wrong with a JSON text, and where.
pub fn json(error: &serde_json::Error) -> String {
    let text = error.to_string();
    if (error.line(), error.column()) == (1, 0) && error.is_eof() {
        return "it is empty".to_owned();
    }
    let begins = JSON.iter().find(|(begin, _)| text.starts_with(begin));
    let contains = || KINDS.iter().find(|(part, _)| text.contains(part));
    let said = begins.or_else(contains).map_or("it is not as expected", |(_, said)| said);
    match error.line() {
        0 => said.to_owned(),
        line => format!("{said} (line {line}, character {})", error.column()),
    }
}

/// Why a file cannot be used, as a clause behind its name.
pub fn file(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "the worker's user may not read it".to_owned(),
        io::ErrorKind::IsADirectory => "it is a folder".to_owned(),
        io::ErrorKind::NotADirectory => "a part of its path is no folder".to_owned(),
        _ => {
            let text = error.to_string();
            text.split_once(" (os error").map_or(text.as_str(), |(said, _)| said).to_lowercase()
        }
    }
}

/// What is wrong with a URL.
pub fn url(error: url::ParseError) -> &'static str {
    match error {
        url::ParseError::EmptyHost => "it has no host",
        url::ParseError::InvalidPort => "its port is no number from 1 to 65535",
        url::ParseError::InvalidIpv4Address | url::ParseError::InvalidIpv6Address => "its address is not one",
        url::ParseError::RelativeUrlWithoutBase => "it does not begin with https://",
        _ => "its host is no name of a host",
    }
}

/// True when the words of a TLS library are about an authority that is not trusted.
pub fn is_about_trust(text: &str) -> bool {
    text.contains("certificate verify failed") || text.contains("unable to get local issuer certificate")
}

#[cfg(test)]
mod tests {
    use super::{file, json, url};
    use proptest::prelude::*;

    fn said(text: &str) -> String {
        json(&serde_json::from_str::<std::collections::BTreeMap<String, String>>(text).unwrap_err())
    }

    #[test]
    fn each_mistake_has_its_words() {
        for (text, expected) in [
            ("", "it is empty"),
            ("{", "it ends too early: a brace, a bracket or a value is missing (line 1, character 1)"),
            ("{\"a\": b}", "a value is missing, or a text stands without its quotes (line 1, character 7)"),
            ("{a: 1}", "a name stands without its quotes (line 1, character 2)"),
            ("{\"a\": \"b\",}", "a comma stands before the closing bracket or brace (line 1, character 11)"),
            ("{\"a\": \"b\" \"c\"}", "a comma or the closing brace is missing (line 1, character 11)"),
            ("{\"a\" \"b\"}", "a colon is missing behind a name (line 1, character 6)"),
            ("{\"a\": \"b\"} x", "something follows behind its end (line 1, character 12)"),
            ("{\"a\": \"b", "a text is not closed by a double quote (line 1, character 8)"),
            ("{\"a\": \"C:\\x\"}", "a backslash in a text is written twice, \\\\ (line 1, character 11)"),
            ("[]", "an object is expected (line 1, character 0)"),
            ("{\"a\": 1}", "a text is expected (line 1, character 7)"),
        ] {
            assert_eq!(said(text), expected, "{text}");
        }
        let missing = std::fs::read("/no/such").unwrap_err();
        assert_eq!(file(&missing), "there is no such file");
        assert_eq!(file(&std::fs::read("/").unwrap_err()), "it is a folder");
        assert_eq!(url(url::Url::parse("https://").unwrap_err()), "it has no host");
    }

    proptest! {
        #[test]
        fn no_word_of_the_parser_is_left(text in r#"[\[\]{}":,=a0 nult\\\n-]{0,12}"#) {
            if let Err(error) = serde_json::from_str::<std::collections::BTreeMap<String, String>>(&text) {
                let said = json(&error);
                for word in ["expected value", "expected ident", "EOF", "`", "column", "trailing", "ident", "invalid type"] {
                    prop_assert!(!said.contains(word), "{}: {}", text, said);
                }
                prop_assert!(!said.contains("not as expected"), "{}: {}", text, error);
            }
        }
    }
}
