//! Who asks a schema registry: no one, a user with a password, or a bearer of a token.
//!
//! Confluent's keys and Apicurio's. Messages never repeat a value.

use super::Reader;
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

impl Reader<'_> {
    /// None when something is wrong. `in_url` is what the address holds.
    pub(super) fn credentials(
        &mut self,
        apicurio: bool,
        in_url: Option<(String, String)>,
    ) -> Option<Credentials> {
        if apicurio {
            return self.apicurio();
        }
        let (basic, bearer) = (self.text(BASIC), self.text(BEARER));
        match (basic, bearer) {
            (Some(_), Some(_)) => {
                self.wrong(BASIC, &format!("only one of it and {BEARER} may be set"));
                None
            }
            (Some(source), None) => self.basic(&source.to_ascii_uppercase(), in_url),
            (None, Some(source)) => self.bearer(&source.to_ascii_uppercase()),
            (None, None) if self.text(USER_INFO).is_some() => self.basic("USER_INFO", in_url),
            (None, None) if self.text(TOKEN).is_some() => self.bearer("STATIC_TOKEN"),
            (None, None) => self.basic("URL", in_url),
        }
    }

    fn basic(&mut self, source: &str, in_url: Option<(String, String)>) -> Option<Credentials> {
        let full = |key: &str, prefix: &str| format!("{prefix}{key}");
        match source {
            "URL" => Some(in_url.map_or(Credentials::None, |(user, password)| Credentials::Basic {
                user,
                password: Secret::new(password),
                key: full("schema.registry.url", self.prefix),
            })),
            "USER_INFO" => {
                let Some((user, password)) = self.text(USER_INFO).and_then(|text| text.split_once(':'))
                else {
                    self.wrong(USER_INFO, "must be user:password");
                    return None;
                };
                let key = full(USER_INFO, self.prefix);
                Some(Credentials::Basic { user: user.to_owned(), password: Secret::new(password), key })
            }
            "SASL_INHERIT" => {
                let key = "sasl.jaas.config";
                let entry = self.text(key).map(jaas::login_entry);
                let Some(Ok(entry)) = entry else {
                    self.wrong(
                        key,
                        "must be a login entry with username and password, which SASL_INHERIT takes",
                    );
                    return None;
                };
                let (Some(user), Some(password)) = (entry.option("username"), entry.option("password"))
                else {
                    self.wrong(key, "has no username and password");
                    return None;
                };
                let key = full(key, self.prefix);
                Some(Credentials::Basic { user: user.to_owned(), password: Secret::new(password), key })
            }
            _ => {
                self.wrong(BASIC, "must be URL, USER_INFO or SASL_INHERIT");
                None
            }
        }
    }

    fn bearer(&mut self, source: &str) -> Option<Credentials> {
        match source {
            "STATIC_TOKEN" => {
                let Some(token) = self.text(TOKEN) else {
                    self.wrong(TOKEN, "must be the token");
                    return None;
                };
                let key = format!("{}{TOKEN}", self.prefix);
                Some(Credentials::Token { token: Secret::new(token), key })
            }
            "OAUTHBEARER" => {
                let cloud = [
                    ("bearer.auth.logical.cluster", "target-sr-cluster"),
                    ("bearer.auth.identity.pool.id", "Confluent-Identity-Pool-Id"),
                ];
                let headers = cloud.map(|(key, name)| Some((name, self.text(key)?.to_owned())));
                let scope = self.text("bearer.auth.scope").map(str::to_owned);
                let keys =
                    ["bearer.auth.issuer.endpoint.url", "bearer.auth.client.id", "bearer.auth.client.secret"];
                self.oauth(keys, scope, headers.into_iter().flatten().collect())
            }
            _ => {
                self.wrong(BEARER, "must be STATIC_TOKEN or OAUTHBEARER; Java classes are not loaded");
                None
            }
        }
    }

    fn oauth(
        &mut self,
        [endpoint, client, secret]: [&str; 3],
        scope: Option<String>,
        headers: Vec<(&'static str, String)>,
    ) -> Option<Credentials> {
        let url = self.text(endpoint).and_then(|text| Url::parse(text).ok());
        let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let found = (url, self.text(client), self.text(secret));
        if let (Some(url), Some(client), Some(text)) = &found {
            return Some(Credentials::OAuth(OAuth {
                endpoint: url.clone(),
                client: (*client).to_owned(),
                secret: Secret::new(*text),
                scope,
                headers,
                key: format!("{}{secret}", self.prefix),
            }));
        }
        let missing = [
            (found.0.is_none(), endpoint, "must be the http(s) address that gives out tokens"),
            (found.1.is_none(), client, "must be the OAuth client's id"),
            (found.2.is_none(), secret, "must be the OAuth client's secret"),
        ];
        for (_, key, reason) in missing.into_iter().filter(|(is_missing, ..)| *is_missing) {
            self.wrong(key, reason);
        }
        None
    }

    fn apicurio(&mut self) -> Option<Credentials> {
        const USER: &str = "apicurio.auth.username";
        const PASSWORD: &str = "apicurio.auth.password";
        const ENDPOINT: &str = "apicurio.auth.service.token.endpoint";
        if self.text(ENDPOINT).is_some() {
            let scope = self.text("apicurio.auth.client.scope").map(str::to_owned);
            let keys = [ENDPOINT, "apicurio.auth.client.id", "apicurio.auth.client.secret"];
            return self.oauth(keys, scope, Vec::new());
        }
        match (self.text(USER), self.text(PASSWORD)) {
            (None, None) => Some(Credentials::None),
            (Some(user), Some(password)) => Some(Credentials::Basic {
                user: user.to_owned(),
                password: Secret::new(password),
                key: format!("{}{PASSWORD}", self.prefix),
            }),
            (Some(_), None) => {
                self.wrong(PASSWORD, &format!("must be set together with {USER}"));
                None
            }
            (None, Some(_)) => {
                self.wrong(USER, &format!("must be set together with {PASSWORD}"));
                None
            }
        }
    }
}
