//! OAuth's client credentials (RFC 6749 §4.4): one request to a token endpoint, id and secret in a Basic header as Java
//! clients send them.
//!
//! One try; whoever asks brings the HTTP client, which must follow no redirect: it would carry the secret to a place that
//! nobody named. Keeps no token, prints none.

use crate::bounded;
use crate::secret::{Secret, foreign};
use serde_json::Value;
use url::Url;

/// A token and a few words around it.
const MOST_BYTES: usize = 1024 * 1024;

/// Who asks for a token, and where.
#[derive(Clone, Copy)]
pub struct ClientCredentials<'a> {
    /// The token endpoint.
    pub endpoint: &'a str,
    /// The client.
    pub id: &'a str,
    /// Its secret.
    pub secret: &'a str,
    /// What the token is for.
    pub scope: Option<&'a str>,
}

/// What the endpoint gave.
pub struct Grant {
    /// The token.
    pub token: Secret,
    /// Seconds that it is good for, when the endpoint says so.
    pub expires_in: Option<u64>,
}

/// Why there is no token.
pub enum TokenFailure {
    /// The request was not answered.
    NoAnswer(reqwest::Error),
    /// The answer was not read to its end.
    Broken(bounded::Error),
    /// An answer without a token.
    Refused {
        /// The HTTP status.
        status: u16,
        /// What the provider says is wrong; may be empty.
        words: String,
    },
}

impl ClientCredentials<'_> {
    /// Asks for a token.
    pub async fn ask(&self, http: &reqwest::Client) -> Result<Grant, TokenFailure> {
        let mut form = vec![("grant_type", "client_credentials")];
        form.extend(self.scope.map(|scope| ("scope", scope)));
        let request = http
            .post(self.endpoint)
            .basic_auth(self.id, Some(self.secret))
            .header("accept", "application/json")
            .form(&form);
        let response = request.send().await.map_err(TokenFailure::NoAnswer)?;
        let status = response.status().as_u16();
        let body = bounded::body(response, MOST_BYTES).await.map_err(TokenFailure::Broken)?;
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        let text = |name: &str| body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        match text("access_token") {
            Some(token) if status == 200 => Ok(Grant {
                token: Secret::new(token.to_owned()),
                expires_in: body.get("expires_in").and_then(Value::as_u64),
            }),
            _ => {
                // Providers say here what is wrong, in one line. The answer itself is not repeated: it may hold a token.
                let words = [text("error"), text("error_description")].into_iter().flatten();
                let words: Vec<_> =
                    words.map(|text| foreign(text.lines().next().unwrap_or_default())).collect();
                Err(TokenFailure::Refused { status, words: words.join(": ") })
            }
        }
    }

    /// The endpoint's address without what may be a secret in it.
    pub fn place(&self) -> String {
        let Ok(url) = Url::parse(self.endpoint) else { return "the token endpoint".to_owned() };
        format!("{}{}", url.origin().ascii_serialization(), url.path())
    }
}
