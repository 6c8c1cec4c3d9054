//! Printing of settings maps without their secrets.

use std::collections::BTreeMap;
use std::fmt;

/// Words that mark a key as secret: Kafka's PASSWORD keys, our own, and those of schema registries.
const SECRET_WORDS: [&str; 9] = [
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

impl<V: fmt::Debug> fmt::Debug for Redacted<'_, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        for (key, value) in self.0 {
            if is_secret(key) {
                map.entry(key, &"[hidden]");
            } else {
                map.entry(key, value);
            }
        }
        map.finish()
    }
}
