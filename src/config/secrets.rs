//! The secrets among settings, and the forms in which others repeat them: a registry that echoes a password may echo it in
//! base64, in the code of URLs, or with the quotes of JSON.
//!
//! Pure. What is found goes to [`Hidden`], which takes it out of every text that leaves.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::jaas;
use crate::configdef::tells_secrets;
use crate::secret::{Hidden, SHOWN};

/// A host that people write a login before, without a scheme.
const HOST: &str = "proxy.host";
/// More pairs of a user and a password are not tried: nobody has them, and each costs memory.
const MOST_PAIRS: usize = 256;

/// What must not be shown of `settings`, whose variables are replaced.
pub fn of<'a>(settings: impl IntoIterator<Item = (&'a str, &'a str)>) -> Hidden {
    let mut found = Found::default();
    for (key, value) in settings {
        found.read(key, value);
    }
    let mut hidden = Hidden::default();
    hidden.extend(found.forms().into_iter().map(|form| (form, SHOWN.to_owned())));
    hidden
}

/// What must not be shown of the proxies that the environment names: the HTTP clients read them there.
pub(super) fn of_environment(env: &BTreeMap<String, String>) -> Hidden {
    let is_proxy = |key: &str| ["http_proxy", "https_proxy", "all_proxy"].contains(&key);
    let proxies = env.iter().filter(|(key, _)| is_proxy(&key.to_ascii_lowercase()));
    let hidden = of(proxies.map(|(_, at)| (HOST, at.as_str())));
    #[cfg(feature = "otlp")]
    let hidden = {
        let mut hidden = hidden;
        hidden.extend(super::otlp::secrets(env));
        hidden
    };
    hidden
}

#[derive(Default)]
struct Found {
    users: Vec<String>,
    secrets: Vec<String>,
}

impl Found {
    fn read(&mut self, key: &str, value: &str) {
        let lower = key.to_ascii_lowercase();
        if tells_secrets(key) {
            self.secret(&lower, value);
        } else if names_a_user(&lower) {
            self.users.push(value.to_owned());
        }
        for item in value.split(',') {
            self.address(item);
        }
        if lower.ends_with(HOST) && !value.contains("://") {
            self.address(&format!("http://{value}"));
        }
    }

    /// A secret, or several of them in a form that has parts.
    fn secret(&mut self, key: &str, value: &str) {
        if key.ends_with("jaas.config") {
            match jaas::login_entry(value) {
                Ok(entry) => entry.options.iter().for_each(|(name, option)| self.part(name, option.expose())),
                Err(_) => self.broken(value),
            }
            return;
        }
        if key.ends_with("user.info") {
            let (user, password) = value.split_once(':').unwrap_or(("", value));
            self.users.push(user.to_owned());
            self.secrets.push(password.to_owned());
        }
        if key.ends_with("connection.string") {
            for (name, part) in value.split(';').filter_map(|part| part.split_once('=')) {
                self.part(&name.replace(' ', ""), part);
            }
            return;
        }
        self.secrets.push(value.to_owned());
    }

    /// A login entry that cannot be read: any of its quotes and values may be the secret.
    fn broken(&mut self, entry: &str) {
        let quotes = entry.split('"').skip(1).step_by(2);
        let words = entry.split('=').skip(1).filter_map(|rest| rest.split([';', ' ', '"']).next());
        self.secrets.extend(quotes.chain(words).map(str::to_owned));
    }

    /// A part that has a name of its own.
    fn part(&mut self, name: &str, value: &str) {
        let lower = name.to_ascii_lowercase();
        let is_key = ["key", "accesskey", "sharedaccesskey"].contains(&lower.as_str());
        if (tells_secrets(&lower) || is_key) && !value.contains("://") {
            self.secrets.push(value.to_owned());
        } else if names_a_user(&lower) {
            self.users.push(value.to_owned());
        }
    }

    /// The password of an address, and what its query holds.
    fn address(&mut self, text: &str) {
        let Some((_, rest)) = text.split_once("://") else { return };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        if let Some((login, _)) = rest[..end].rsplit_once('@') {
            let (user, password) = login.split_once(':').unwrap_or(("", login));
            for (list, part) in [(&mut self.users, user), (&mut self.secrets, password)] {
                list.push(part.to_owned());
                list.push(decoded(part));
            }
        }
        let query = rest.split_once('?').map_or("", |(_, query)| query.split('#').next().unwrap_or_default());
        for (_, part) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            self.secrets.push(part.to_owned());
            self.secrets.push(decoded(part));
        }
    }

    fn forms(mut self) -> Vec<String> {
        self.secrets.retain(|secret| !secret.trim().is_empty() && !secret.starts_with("${"));
        self.secrets.sort_unstable();
        self.secrets.dedup();
        self.users.sort_unstable();
        self.users.dedup();
        let mut forms = Vec::new();
        for secret in &self.secrets {
            let coded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
            let quoted = serde_json::Value::from(secret.as_str()).to_string();
            forms.extend([coded.replace('+', "%20"), coded, quoted.trim_matches('"').to_owned()]);
            forms.push(in_base64(secret));
            forms.push(secret.clone());
        }
        let pairs = self.users.iter().flat_map(|user| self.secrets.iter().map(move |secret| (user, secret)));
        forms.extend(pairs.take(MOST_PAIRS).map(|(user, secret)| in_base64(&format!("{user}:{secret}"))));
        forms
    }
}

fn names_a_user(key: &str) -> bool {
    ["user", "client.id", "clientid", "appid"].iter().any(|word| key.contains(word))
}

fn in_base64(text: &str) -> String {
    STANDARD.encode(text).trim_end_matches('=').to_owned()
}

/// A part of an address without its percent codes.
fn decoded(part: &str) -> String {
    let pair = format!("={}", part.replace('+', "%2B"));
    url::form_urlencoded::parse(pair.as_bytes()).map(|(_, value)| value.into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::{in_base64, of, of_environment};

    #[test]
    fn secrets_are_found_wherever_settings_hold_them() {
        let jaas = "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"u1\" password=\"canary-j\";";
        let settings = [
            ("aad.auth.appid", "the-app"),
            ("aad.auth.appkey", "canary-k\"ey/+"),
            ("consumer.override.sasl.jaas.config", jaas),
            ("value.converter.basic.auth.user.info", "u2:canary-i"),
            ("value.converter.schema.registry.url", "http://u3:canary%40u@h:1,https://h/?token=canary-q"),
            ("connection.string", "Data Source=https://x.kusto.windows.net;AppKey=canary-c;AppClientId=i"),
            ("value.converter.request.header.X-Key", "canary-h"),
        ];
        let hidden = of(settings);
        for text in [
            "canary-k\"ey/+".to_owned(),
            "canary-k%22ey%2F%2B".to_owned(),
            "canary-k\\\"ey/+".to_owned(),
            "canary-j".to_owned(),
            "canary-i".to_owned(),
            "canary%40u".to_owned(),
            "canary@u".to_owned(),
            "canary-q".to_owned(),
            "canary-c".to_owned(),
            "canary-h".to_owned(),
            in_base64("u1:canary-j"),
            in_base64("u2:canary-i"),
            in_base64("u3:canary@u"),
            in_base64("the-app:canary-k\"ey/+"),
        ] {
            assert_eq!(hidden.redact(&format!("before {text} after")), "before [hidden] after", "{text}");
        }
    }

    #[test]
    fn a_login_that_cannot_be_read_keeps_its_secret() {
        for jaas in [
            "a.Module required username=\"u1\" password=\"canary-1",
            "a.Module required password=canary-1; another",
            "a.Module password=\"canary-1\" required",
        ] {
            let hidden = of([("sasl.jaas.config", jaas)]);
            assert_eq!(hidden.redact("a.Module required canary-1"), "a.Module required [hidden]", "{jaas}");
        }
    }

    #[test]
    fn logins_of_proxies_are_secrets_with_and_without_a_scheme() {
        let env = [
            ("HTTP_PROXY", "http://ann:canary-1@proxy:1"),
            ("https_proxy", "ann:canary-2@proxy:1"),
            ("NO_PROXY", "ann:canary-3@proxy"),
        ];
        let env = env.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        let shown = of_environment(&env).redact("canary-1 canary-2 canary-3 proxy").into_owned();
        assert_eq!(shown, "[hidden] [hidden] canary-3 proxy");
        let shown = of([("value.converter.proxy.host", "ann:canary-4@proxy")]);
        assert_eq!(shown.redact(&in_base64("ann:canary-4")), "[hidden]");
    }

    #[test]
    fn what_is_no_secret_stays() {
        let settings = [
            ("sasl.oauthbearer.token.endpoint.url", "https://login.example/token"),
            ("value.converter.basic.auth.credentials.source", "USER_INFO"),
            ("ssl.keystore.location", "/etc/keys"),
            ("aad.auth.appkey", ""),
            ("topics", "storm"),
        ];
        assert!(of(settings).is_empty());
    }
}
