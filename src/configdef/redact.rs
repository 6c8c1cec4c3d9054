//! Printing of settings maps without their secrets.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use crate::secret::SHOWN;

/// Words that mark a key as secret: Kafka's PASSWORD keys, our own, those of schema registries, librdkafka's, and a text
/// in which a sink takes a service principal.
const SECRET_WORDS: [&str; 11] = [
    "connection.string",
    "password",
    "passphrase",
    "secret",
    "jaas.config",
    "token",
    "appkey",
    "user.info",
    "credential",
    "keystore.key",
    "key.pem",
];
/// Nothing to hide, but of the type PASSWORD to Kafka, which shows them nowhere.
const CERTIFICATES: [&str; 2] = ["keystore.certificate.chain", "truststore.certificates"];
/// Any header of a request may be one.
const HEADER: &str = "request.header.";
/// How keys end whose names speak of secrets and whose values are none: where one is, whose it is, of what kind.
const ABOUT_SECRETS: [&str; 14] = [
    ".url",
    ".endpoint",
    ".source",
    ".id",
    ".enable",
    ".enabled",
    ".location",
    ".path",
    ".file",
    ".provider",
    ".class",
    ".type",
    ".ms",
    ".name",
];

/// Words in the names of keys whose values must not be printed, unless the rest of the name says otherwise.
pub fn secret_words() -> impl Iterator<Item = &'static str> {
    SECRET_WORDS.into_iter().chain(CERTIFICATES).chain([HEADER])
}

/// True when the value of `key` must not be printed.
pub fn is_secret(key: &str) -> bool {
    tells_secrets(key) || CERTIFICATES.iter().any(|end| key.to_ascii_lowercase().ends_with(end))
}

/// True when the value of `key` must be in no text at all.
pub fn tells_secrets(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    let own = without_alias(&key);
    let says = SECRET_WORDS.iter().any(|word| own.contains(word));
    own.contains(HEADER) || (says && !ABOUT_SECRETS.iter().any(|end| own.ends_with(end)))
}

/// A key without the name that its user gave to a transformation, a predicate or a provider: `transforms.token.field` is about
/// no token.
fn without_alias(key: &str) -> &str {
    let named = ["transforms.", "predicates.", "config.providers."];
    match named.iter().find_map(|prefix| key.strip_prefix(prefix)) {
        Some(rest) => rest.split_once('.').map_or("", |(_, own)| own),
        None => key,
    }
}

/// `value` of `key` as it may be shown.
pub fn shown(key: &str, value: &str) -> String {
    if is_secret(key) && !value.is_empty() {
        return SHOWN.to_owned();
    }
    if key.ends_with("proxy.host")
        && let Some((_, host)) = value.rsplit_once('@')
    {
        return format!("{SHOWN}@{host}");
    }
    value.split(',').map(plain_address).collect::<Vec<_>>().join(",")
}

/// A map whose `Debug` shows `[hidden]` for secret keys.
pub struct Redacted<'a, V>(pub &'a BTreeMap<String, V>);

/// An address without the user and the password that it may hold, and without its query, where tokens stand. Any other text as
/// it is.
pub fn plain_address(text: &str) -> Cow<'_, str> {
    let Some((scheme, rest)) = text.split_once("://") else { return text.into() };
    if !scheme.trim_start().chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c)) {
        return text.into();
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let host = rest[..end].rfind('@');
    let query = rest.find('?').filter(|at| rest[*at..].contains('='));
    if host.is_none() && query.is_none() {
        return text.into();
    }
    let user = if host.is_some() { SHOWN } else { "" };
    let (place, query) = rest.split_at(query.unwrap_or(rest.len()));
    let query = if query.is_empty() { String::new() } else { format!("?{SHOWN}") };
    format!("{scheme}://{user}{}{query}", &place[host.unwrap_or(0)..]).into()
}

impl<V: fmt::Debug> fmt::Debug for Redacted<'_, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        for (key, value) in self.0 {
            // An address may hold a password before its host, and a token in its query.
            if is_secret(key) || format!("{value:?}").contains(['@', '?']) {
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
    use super::{Redacted, is_secret, plain_address};
    use crate::config::{ClientKind, JavaType, java_keys, worker_reference};
    use crate::configdef::def::KeyType;
    use crate::plugins::BUILT_IN;
    use std::collections::BTreeMap;

    #[test]
    fn addresses_lose_what_is_secret_in_them() {
        for (text, shown) in [
            ("https://ann:s3cret@one:8081/a@b", "https://[hidden]@one:8081/a@b"),
            ("https://one/token?code=s3cret", "https://one/token?[hidden]"),
            ("https://ann:s3cret@one?code=s3cret#x", "https://[hidden]@one?[hidden]"),
        ] {
            assert_eq!(plain_address(text), shown);
        }
        for plain in ["https://one:8081/a@b", "a@b", "topic", "a?b=c", "https://one/a?", "x y://a@b"] {
            assert_eq!(plain_address(plain), plain);
        }
        let map = BTreeMap::from([
            ("schema.registry.url", "http://ann:s3cret@one"),
            ("sasl.oauthbearer.token.endpoint.url", "http://one?code=s3cret"),
            ("a", "b"),
        ]);
        let map: BTreeMap<String, &str> =
            map.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        let shown = format!("{:?}", Redacted(&map));
        assert!(!shown.contains("s3cret") && shown.contains(r#""a": "b""#), "{shown}");
    }

    /// All keys of all tables with whether their type says that they are secret.
    fn all_keys() -> Vec<(String, bool)> {
        let of_plugins =
            BUILT_IN.all().into_iter().flat_map(|plugin| BUILT_IN.keys_of(plugin.class).expect("its keys"));
        let own = worker_reference().into_iter().chain(of_plugins);
        let own = own.map(|key| (key.name.to_string(), key.kind == KeyType::Password));
        let of_clients = ClientKind::PREFIXES.into_iter().flat_map(|(kind, ..)| {
            java_keys(kind).flat_map(|key| {
                let prefixes = ["", "consumer.override.", "misc.deadletterqueue."];
                prefixes.map(|prefix| (format!("{prefix}{}", key.0), key.2 == JavaType::Password))
            })
        });
        own.chain(of_clients).collect()
    }

    #[test]
    fn exactly_the_keys_of_passwords_count_as_secret() {
        let all = all_keys();
        assert!(all.len() > 500 && all.iter().filter(|(_, secret)| *secret).count() > 60, "{}", all.len());
        for (key, secret) in all {
            // A STRING to its own class, with a key or a token in it.
            let expected = secret || key == "connection.string";
            assert_eq!(is_secret(&key), expected, "{key}");
        }
    }

    #[test]
    fn what_no_table_has_is_judged_by_its_words() {
        for key in [
            "value.converter.request.header.X-Tenant.id",
            "consumer.override.ssl.key.pem",
            "consumer.override.sasl.password",
            "consumer.override.sasl.oauthbearer.client.secret",
            "transforms.encrypt.password",
            "config.providers.vault.param.token",
            "AAD.AUTH.APPKEY",
        ] {
            assert!(is_secret(key), "{key}");
        }
        for key in [
            "transforms.token.field",
            "transforms.password.type",
            "predicates.isSecret.pattern",
            "config.providers.secrets.param.allowed.paths",
            "consumer.override.sasl.username",
            "consumer.override.ssl.ca.location",
        ] {
            assert!(!is_secret(key), "{key}");
        }
    }
}
