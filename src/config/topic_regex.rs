//! `topics.regex`: from Java's syntax, matched against whole names, to what librdkafka subscribes to.
//!
//! librdkafka compiles a subscription that starts with `^` as a POSIX extended expression of the C library and searches
//! with it. What cannot be said there is refused here, so that an expression never silently matches other topics.

use std::iter::Peekable;
use std::str::Chars;

/// The subscription for `java`, anchored on both ends.
pub fn to_subscription(java: &str) -> Result<String, String> {
    let mut out = String::from("^(");
    let mut chars = java.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.push_str(&escaped(chars.next(), false)?),
            '[' => class(&mut chars, &mut out)?,
            '(' => {
                out.push('(');
                if chars.next_if_eq(&'?').is_some() {
                    // A group that does not capture is a group; nothing here looks at captures.
                    chars
                        .next_if_eq(&':')
                        .ok_or("groups starting with (? other than (?: are not supported")?;
                }
            }
            '*' | '+' | '?' | '}' => {
                out.push(c);
                if chars.peek().is_some_and(|next| matches!(next, '?' | '+')) {
                    return Err("reluctant and possessive quantifiers are not supported".to_owned());
                }
            }
            other => out.push(other),
        }
    }
    out.push_str(")$");
    Ok(out)
}

/// A bracket expression, where POSIX knows no backslash.
fn class(chars: &mut Peekable<Chars<'_>>, out: &mut String) -> Result<(), String> {
    out.push('[');
    if chars.next_if_eq(&'^').is_some() {
        out.push('^');
    }
    loop {
        match chars.next() {
            Some(']') => break,
            Some('[' | '&') => return Err("[ and & inside brackets are not supported".to_owned()),
            Some('\\') => out.push_str(&escaped(chars.next(), true)?),
            Some(c) => out.push(c),
            None => return Err("a bracket is not closed".to_owned()),
        }
    }
    out.push(']');
    Ok(())
}

fn escaped(c: Option<char>, in_class: bool) -> Result<String, String> {
    let class = match c {
        Some('d') => "0-9",
        Some('w') => "a-zA-Z0-9_",
        Some('D' | 'W') if !in_class => {
            return Ok(if c == Some('D') { "[^0-9]".to_owned() } else { "[^a-zA-Z0-9_]".to_owned() });
        }
        // Where they stand, these would mean something else to POSIX.
        Some(plain @ ('.' | '_' | '*' | '+' | '?' | '$' | '(' | ')' | '{' | '}' | '|')) if in_class => {
            return Ok(plain.to_string());
        }
        Some(special) if !in_class && ".[]\\()*+?{}|^$".contains(special) => {
            return Ok(format!("\\{special}"));
        }
        // The C library gives some escapes of ordinary characters a meaning (\< is the start of a word).
        Some(plain) if !in_class && plain.is_ascii_punctuation() => return Ok(plain.to_string()),
        other => {
            let shown = other.map(String::from).unwrap_or_default();
            return Err(format!(
                "\\{shown} {}is not supported",
                if in_class { "inside brackets " } else { "" }
            ));
        }
    };
    Ok(if in_class { class.to_owned() } else { format!("[{class}]") })
}

#[cfg(test)]
mod tests {
    use super::to_subscription;

    #[test]
    fn common_expressions_are_translated() {
        for (java, posix) in [
            ("storm-.*", "^(storm-.*)$"),
            ("a|b", "^(a|b)$"),
            (r"(?:x\.y)-\d{2,3}", r"^((x\.y)-[0-9]{2,3})$"),
            (r"[\w.-]+\D", "^([a-zA-Z0-9_.-]+[^0-9])$"),
            (r"[^\.]x", "^([^.]x)$"),
            (r"a\-b\<", "^(a-b<)$"),
        ] {
            assert_eq!(to_subscription(java).as_deref(), Ok(posix), "{java}");
        }
    }

    #[test]
    fn what_posix_lacks_is_refused() {
        for java in [r"a(?=b)", "a*?", "a++", r"\bx", r"\1", "[a&&b]", r"[a\]]", "[a", r"x\s", "a{2}?"] {
            assert!(to_subscription(java).is_err(), "{java}");
        }
    }
}
