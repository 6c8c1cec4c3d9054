//! The secrets among settings, and the forms in which others repeat them: a registry that echoes a password may echo it in
//! base64, in the code of URLs, or with the quotes of JSON.
//!
//! Pure. What is found goes to [`Hidden`], which takes it out of every text that leaves.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::jaas;
use super::redact::is_secret;
use crate::secret::{Hidden, SHOWN};

/// Keys whose names speak of secrets and whose values are none: where one is, whose it is, of what kind.
const ABOUT_SECRETS: [&str; 13] = [
    ".url",
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
/// More pairs of a user and a password are not tried: nobody has them, and each costs memory.
const MOST_PAIRS: usize = 256;

/// What must not be shown of `settings`, whose variables are replaced.
pub(super) fn of<'a>(settings: impl IntoIterator<Item = (&'a str, &'a str)>) -> Hidden {
    let mut found = Found::default();
    for (key, value) in settings {
        found.read(key, value);
    }
    let mut hidden = Hidden::default();
    hidden.extend(found.forms().into_iter().map(|form| (form, SHOWN.to_owned())));
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
        if is_secret(key) && !ABOUT_SECRETS.iter().any(|end| lower.ends_with(end)) {
            self.secret(&lower, value);
        } else if names_a_user(&lower) {
            self.users.push(value.to_owned());
        }
        for item in value.split(',') {
            self.address(item);
        }
    }

    /// A secret, or several of them in a form that has parts.
    fn secret(&mut self, key: &str, value: &str) {
        if key.ends_with("jaas.config") {
            for (name, option) in jaas::login_entry(value).map(|entry| entry.options).unwrap_or_default() {
                self.part(&name, option.expose());
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

    /// A part that has a name of its own.
    fn part(&mut self, name: &str, value: &str) {
        let lower = name.to_ascii_lowercase();
        let is_key = ["key", "accesskey", "sharedaccesskey"].contains(&lower.as_str());
        if (is_secret(&lower) || is_key) && !value.contains("://") {
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
    use super::{in_base64, of};

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
