//! Who asks a schema registry: no one, a user with a password, or a bearer of a token.
//!
//! Confluent's keys and Apicurio's. Messages never repeat a value.

use super::settings::Reader;
use crate::config::jaas;
use crate::secret::Secret;
use url::Url;

/// What goes along with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    /// Nothing.
    None,
    /// HTTP Basic.
    Basic {
        /// The user.
        user: String,
        /// The password.
        password: Secret,
        /// The setting that they come from.
        key: String,
    },
    /// A token that does not change.
    Token {
        /// The token.
        token: Secret,
        /// The setting that it comes from.
        key: String,
    },
    /// Tokens by OAuth's client credentials.
    OAuth(OAuth),
}

impl Credentials {
    /// The setting to look at when a registry refuses them.
    pub fn key(&self) -> Option<&str> {
        match self {
            Self::None => None,
            Self::Basic { key, .. } | Self::Token { key, .. } => Some(key),
            Self::OAuth(oauth) => Some(&oauth.key),
        }
    }
}

/// An OAuth client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OAuth {
    /// Where tokens are given out.
    pub endpoint: Url,
    /// Who asks for them.
    pub client: String,
    /// The client's secret.
    pub secret: Secret,
    /// What they should be good for.
    pub scope: Option<String>,
    /// Headers that go with each request: Confluent Cloud's cluster and identity pool.
    pub headers: Vec<(&'static str, String)>,
    /// The setting to look at when the client is refused.
    pub key: String,
}

const BASIC: &str = "basic.auth.credentials.source";
const USER_INFO: &str = "basic.auth.user.info";
const BEARER: &str = "bearer.auth.credentials.source";
const TOKEN: &str = "bearer.auth.token";

/// By Confluent's keys; none when something is wrong. `in_url` is what the address holds.
pub(super) fn of_confluent(reader: &mut Reader<'_>, in_url: Option<(String, String)>) -> Option<Credentials> {
    match (reader.text(BASIC), reader.text(BEARER)) {
        (Some(_), Some(_)) => {
            reader.wrong(BASIC, &format!("only one of it and {BEARER} may be set"));
            None
        }
        (Some(source), None) => basic(reader, &source.to_ascii_uppercase(), in_url),
        (None, Some(source)) => bearer(reader, &source.to_ascii_uppercase()),
        (None, None) if reader.text(USER_INFO).is_some() => basic(reader, "USER_INFO", in_url),
        (None, None) if reader.text(TOKEN).is_some() => bearer(reader, "STATIC_TOKEN"),
        (None, None) => basic(reader, "URL", in_url),
    }
}

fn basic(reader: &mut Reader<'_>, source: &str, in_url: Option<(String, String)>) -> Option<Credentials> {
    match source {
        "URL" => Some(in_url.map_or(Credentials::None, |(user, password)| Credentials::Basic {
            user,
            password: Secret::new(password),
            key: reader.full_key("schema.registry.url"),
        })),
        "USER_INFO" => {
            let text = reader.text(USER_INFO);
            let Some((user, password)) = text.as_deref().and_then(|text| text.split_once(':')) else {
                reader.wrong(USER_INFO, "must be user:password");
                return None;
            };
            let key = reader.full_key(USER_INFO);
            Some(Credentials::Basic { user: user.to_owned(), password: Secret::new(password), key })
        }
        "SASL_INHERIT" => {
            let key = "sasl.jaas.config";
            let entry = reader.text(key).map(|text| jaas::login_entry(&text));
            let Some(Ok(entry)) = entry else {
                reader
                    .wrong(key, "must be a login entry with username and password, which SASL_INHERIT takes");
                return None;
            };
            let (Some(user), Some(password)) = (entry.option("username"), entry.option("password")) else {
                reader.wrong(key, "has no username and password");
                return None;
            };
            let key = reader.full_key(key);
            Some(Credentials::Basic { user: user.to_owned(), password: Secret::new(password), key })
        }
        _ => {
            reader.wrong(BASIC, "must be URL, USER_INFO or SASL_INHERIT");
            None
        }
    }
}

fn bearer(reader: &mut Reader<'_>, source: &str) -> Option<Credentials> {
    match source {
        "STATIC_TOKEN" => {
            let Some(token) = reader.text(TOKEN) else {
                reader.wrong(TOKEN, "must be the token");
                return None;
            };
            let key = reader.full_key(TOKEN);
            Some(Credentials::Token { token: Secret::new(token), key })
        }
        "OAUTHBEARER" => {
            let cloud = [
                ("bearer.auth.logical.cluster", "target-sr-cluster"),
                ("bearer.auth.identity.pool.id", "Confluent-Identity-Pool-Id"),
            ];
            let headers = cloud.map(|(key, name)| Some((name, reader.text(key)?)));
            let scope = reader.text("bearer.auth.scope");
            let keys =
                ["bearer.auth.issuer.endpoint.url", "bearer.auth.client.id", "bearer.auth.client.secret"];
            oauth(reader, keys, scope, headers.into_iter().flatten().collect())
        }
        _ => {
            reader.wrong(BEARER, "must be STATIC_TOKEN or OAUTHBEARER; Java classes are not loaded");
            None
        }
    }
}

fn oauth(
    reader: &mut Reader<'_>,
    [endpoint, client, secret]: [&str; 3],
    scope: Option<String>,
    headers: Vec<(&'static str, String)>,
) -> Option<Credentials> {
    let url = reader.text(endpoint).and_then(|text| Url::parse(&text).ok());
    let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let found = (url, reader.text(client), reader.text(secret));
    if let (Some(url), Some(client), Some(text)) = &found {
        return Some(Credentials::OAuth(OAuth {
            endpoint: url.clone(),
            client: client.clone(),
            secret: Secret::new(text),
            scope,
            headers,
            key: reader.full_key(secret),
        }));
    }
    let missing = [
        (found.0.is_none(), endpoint, "must be the http(s) address that gives out tokens"),
        (found.1.is_none(), client, "must be the OAuth client's id"),
        (found.2.is_none(), secret, "must be the OAuth client's secret"),
    ];
    for (_, key, reason) in missing.into_iter().filter(|(is_missing, ..)| *is_missing) {
        reader.wrong(key, reason);
    }
    None
}

/// By Apicurio's keys; none when something is wrong.
pub(super) fn of_apicurio(reader: &mut Reader<'_>) -> Option<Credentials> {
    const USER: &str = "apicurio.auth.username";
    const PASSWORD: &str = "apicurio.auth.password";
    const ENDPOINT: &str = "apicurio.auth.service.token.endpoint";
    if reader.text(ENDPOINT).is_some() {
        let scope = reader.text("apicurio.auth.client.scope");
        let keys = [ENDPOINT, "apicurio.auth.client.id", "apicurio.auth.client.secret"];
        return oauth(reader, keys, scope, Vec::new());
    }
    match (reader.text(USER), reader.text(PASSWORD)) {
        (None, None) => Some(Credentials::None),
        (Some(user), Some(password)) => {
            Some(Credentials::Basic { user, password: Secret::new(password), key: reader.full_key(PASSWORD) })
        }
        (Some(_), None) => {
            reader.wrong(PASSWORD, &format!("must be set together with {USER}"));
            None
        }
        (None, Some(_)) => {
            reader.wrong(USER, &format!("must be set together with {PASSWORD}"));
            None
        }
    }
}
