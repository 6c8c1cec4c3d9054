//! The XML that the storage services need: find elements by name, escape text.
//!
//! Reads documents of known shape without attributes that matter; it does not validate.

/// The text inside the elements called one of `names`, in document order, unescaped, with the name. Elements of
/// these names must not nest.
pub(crate) fn elements<'n>(document: &str, names: &[&'n str]) -> Vec<(&'n str, String)> {
    let mut found = Vec::new();
    let mut rest = document;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        let name_end = rest.find(['>', ' ', '/', '\t', '\r', '\n']).unwrap_or(rest.len());
        let Some(name) = names.iter().find(|name| **name == &rest[..name_end]) else { continue };
        let Some(tag_end) = rest.find('>') else { break };
        if rest[..tag_end].ends_with('/') {
            found.push((*name, String::new()));
            continue;
        }
        let body = &rest[tag_end + 1..];
        let Some(length) = body.find(&format!("</{name}>")) else { break };
        found.push((*name, unescape(&body[..length])));
        rest = &body[length..];
    }
    found
}

/// The text of the first element called `name`.
pub(crate) fn element(document: &str, name: &str) -> Option<String> {
    elements(document, &[name]).into_iter().next().map(|(_, text)| text)
}

/// `text` as the content of an element.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('&') {
        out.push_str(&rest[..start]);
        rest = &rest[start..];
        let Some(end) = rest.find(';') else { break };
        match character(&rest[1..end]) {
            Some(character) => out.push(character),
            None => out.push_str(&rest[..=end]),
        }
        rest = &rest[end + 1..];
    }
    out.push_str(rest);
    out
}

fn character(entity: &str) -> Option<char> {
    match entity {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = entity.strip_prefix('#')?;
            let code = match number.strip_prefix('x') {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{element, elements, escape};
    use proptest::prelude::*;

    #[test]
    fn a_block_list_keeps_its_order() {
        let text = "<?xml version=\"1.0\"?><BlockList><Latest>QQ==</Latest>\n<Committed>Qg==</Committed><Latest>Qw==\
            </Latest></BlockList>";
        let found = elements(text, &["Latest", "Committed", "Uncommitted"]);
        assert_eq!(
            found,
            [("Latest", "QQ==".to_owned()), ("Committed", "Qg==".to_owned()), ("Latest", "Qw==".to_owned())]
        );
        assert_eq!(element("<a x='1'>&#65;&amp;&unknown;</a>", "a").unwrap(), "A&&unknown;");
        assert_eq!(element("<ab>1</ab>", "a"), None);
        assert_eq!(element("<a/>", "a").unwrap(), "");
    }

    proptest! {
        #[test]
        fn any_text_survives(text in ".*") {
            let document = format!("<Q><T>{}</T></Q>", escape(&text));
            prop_assert_eq!(element(&document, "T").unwrap(), text);
        }

        #[test]
        fn any_input_is_answered(text in ".*") {
            let _ = elements(&text, &["T"]);
        }
    }
}
