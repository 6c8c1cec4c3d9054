//! What a token says of itself: whose it is and how long it is good. Pure.
//!
//! As Kafka's Java client reads it: the claims of a JWT, without checking its signature, which is the broker's business.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::kafka::native::tokens::Given;
use crate::secret::Secret;

/// A token for brokers.
#[derive(Clone)]
pub struct Token {
    /// Its text.
    pub text: Secret,
    /// Whose it is.
    pub principal: String,
    /// When it ends, in milliseconds since the epoch.
    pub ends_at: i64,
    /// SASL extensions that go with it.
    pub extensions: BTreeMap<String, String>,
    /// Now, when it was read.
    now: i64,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Token");
        shown.field("principal", &self.principal).field("ends_at", &self.ends_at).finish_non_exhaustive()
    }
}

impl Token {
    /// Reads `text`, a JWT; `subject` is the name of the claim that says whose it is. `now` in milliseconds.
    pub fn read(
        text: &str,
        subject: &str,
        extensions: &BTreeMap<String, String>,
        now: i64,
    ) -> Result<Self, String> {
        let text = text.trim();
        let claims = text.split('.').nth(1).ok_or("the token is no JWT")?;
        let claims =
            URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).map_err(|_| "the token is no JWT")?;
        let claims: Value = serde_json::from_slice(&claims).map_err(|_| "the token is no JWT")?;
        let principal = claims.get(subject).and_then(Value::as_str).filter(|name| !name.is_empty());
        let principal = principal.ok_or_else(|| format!("the token has no claim {subject}"))?.to_owned();
        let seconds = claims.get("exp").and_then(Value::as_f64).ok_or("the token has no claim exp")?;
        #[expect(clippy::cast_possible_truncation, reason = "a float beyond the range becomes its bound")]
        let ends_at = (seconds * 1000.0) as i64;
        if ends_at <= now {
            return Err("the token has ended already".to_owned());
        }
        Ok(Self { text: Secret::new(text), principal, ends_at, extensions: extensions.clone(), now })
    }

    /// As a client takes it.
    pub fn given(&self) -> Given<'_> {
        let Self { text, principal, ends_at, extensions, .. } = self;
        Given { text: text.expose(), principal, ends_at: *ends_at, extensions }
    }

    /// When the next one should be fetched: at four fifths of its life.
    pub fn renew_in(&self) -> Duration {
        let life = u64::try_from(self.ends_at.saturating_sub(self.now)).unwrap_or(0);
        Duration::from_millis(life / 5 * 4)
    }
}

#[cfg(test)]
mod tests {
    use super::Token;
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use proptest::prelude::*;
    use std::collections::BTreeMap;
    use std::time::Duration;

    fn jwt(claims: &str) -> String {
        format!("{}.{}.s", URL_SAFE_NO_PAD.encode("{}"), URL_SAFE_NO_PAD.encode(claims))
    }

    fn read(text: &str, subject: &str) -> Result<Token, String> {
        Token::read(text, subject, &BTreeMap::new(), 1_000_000)
    }

    #[test]
    fn claims_say_whose_it_is_and_how_long() {
        let token = read(&jwt(r#"{"sub":"alice","azp":"app","exp":2000}"#), "sub").unwrap();
        assert_eq!((token.principal.as_str(), token.ends_at), ("alice", 2_000_000));
        assert_eq!(token.renew_in(), Duration::from_secs(800));
        assert_eq!(read(&jwt(r#"{"azp":"app","exp":2000.5}"#), "azp").unwrap().ends_at, 2_000_500);
        assert!(!format!("{token:?}").contains(token.text.expose()));
        for (text, words) in [
            (jwt(r#"{"exp":2000}"#), "no claim sub"),
            (jwt(r#"{"sub":"a"}"#), "no claim exp"),
            (jwt(r#"{"sub":"a","exp":999}"#), "ended already"),
            ("opaque".to_owned(), "no JWT"),
        ] {
            assert!(read(&text, "sub").unwrap_err().contains(words), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[A-Za-z0-9._=-]{0,80}", claims in "\\PC{0,60}") {
            let _read_or_refused = (read(&text, "sub"), read(&jwt(&claims), "sub"));
        }
    }
}
