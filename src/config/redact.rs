//! Printing of settings maps without their secrets.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

/// Words that mark a key as secret: Kafka's PASSWORD keys, our own, those of schema registries, and the text in
/// which the Fabric class takes a service principal.
const SECRET_WORDS: [&str; 10] = [
    "connection.string",
    "password",
    "secret",
    "jaas.config",
    "token",
    "appkey",
    "user.info",
    "credential",
    "keystore.key",
    "request.header.",
];

/// True when the value of `key` must not be printed.
pub fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    SECRET_WORDS.iter().any(|word| key.contains(word))
}

/// A map whose `Debug` shows `[hidden]` for secret keys.
pub(super) struct Redacted<'a, V>(pub(super) &'a BTreeMap<String, V>);

/// An address without the user and password that it may hold.
pub(super) fn without_user(text: &str) -> Cow<'_, str> {
    let Some((scheme, rest)) = text.split_once("://") else { return text.into() };
    let end = rest.find(['/', '?', '#', ',']).unwrap_or(rest.len());
    match rest[..end].rfind('@') {
        Some(at) => format!("{scheme}://[hidden]{}", &rest[at..]).into(),
        None => text.into(),
    }
}

impl<V: fmt::Debug> fmt::Debug for Redacted<'_, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        for (key, value) in self.0 {
            if is_secret(key) || format!("{value:?}").contains('@') {
                map.entry(key, &"[hidden]");
            } else {
                map.entry(key, value);
            }
        }
        map.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::{Redacted, without_user};
    use std::collections::BTreeMap;

    #[test]
    fn addresses_lose_user_and_password() {
        assert_eq!(without_user("https://ann:s3cret@one:8081/a@b"), "https://[hidden]@one:8081/a@b");
        for plain in ["https://one:8081/a@b", "a@b", "topic"] {
            assert_eq!(without_user(plain), plain);
        }
        let map = BTreeMap::from([("schema.registry.url", "http://ann:s3cret@one"), ("a", "b")]);
        let map: BTreeMap<String, &str> =
            map.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        assert_eq!(format!("{:?}", Redacted(&map)), r#"{"a": "b", "schema.registry.url": "[hidden]"}"#);
    }
}
