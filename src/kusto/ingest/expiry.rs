//! When what a connector was given or lent ends, as far as it says so itself, and the series that tell of it.
//!
//! Looks only for the end: no part of a credential becomes a label. What says nothing of its end, as an application's key, has
//! no series.

use super::SasUrl;
use crate::kusto::metrics::CREDENTIALS_EXPIRY;
use crate::metrics::SinkCounts;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, OffsetDateTime, PrimitiveDateTime};

/// What may end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credential {
    /// The token of a login server.
    Token,
    /// A token of the settings, which nobody renews.
    FixedToken,
    /// The certificate that signs in.
    Certificate,
    /// What stands for us in queue messages.
    Identity,
    /// The signatures of containers.
    Containers,
    /// The signatures of queues.
    Queues,
}

impl Credential {
    /// What it is called, and whether it is renewed without a person.
    fn labels(self) -> [&'static str; 2] {
        match self {
            Self::Token => ["token", "true"],
            Self::FixedToken => ["token", "false"],
            Self::Certificate => ["certificate", "false"],
            Self::Identity => ["identity", "true"],
            Self::Containers => ["containers", "true"],
            Self::Queues => ["queues", "true"],
        }
    }
}

/// Shows the end of a credential; nothing when it is not known.
pub fn tell(counts: &SinkCounts, credential: Credential, ends: Option<OffsetDateTime>) {
    match ends {
        Some(ends) => counts.set(&CREDENTIALS_EXPIRY, &credential.labels(), seconds(ends)),
        None => counts.unset(&CREDENTIALS_EXPIRY, &credential.labels()),
    }
}

/// Seconds since 1970.
pub fn seconds(moment: OffsetDateTime) -> f64 {
    (moment - OffsetDateTime::UNIX_EPOCH).as_seconds_f64()
}

/// The end of a token that is a JWT (RFC 7519 §4.1.4). Its signature is for others to check.
pub fn of_token(text: &str) -> Option<OffsetDateTime> {
    let claims = URL_SAFE_NO_PAD.decode(text.split('.').nth(1)?).ok()?;
    let claims: Value = serde_json::from_slice(&claims).ok()?;
    OffsetDateTime::from_unix_timestamp(claims.get("exp")?.as_i64()?).ok()
}

/// The end of the signature in an address (`se`).
pub fn of_signature(url: &SasUrl) -> Option<OffsetDateTime> {
    let (_, text) = url.expose().query_pairs().find(|(name, _)| name == "se")?;
    moment(&text)
}

/// The three ways in which storage takes a time of UTC.
fn moment(text: &str) -> Option<OffsetDateTime> {
    let of_minute = || {
        let format = format_description!("[year]-[month]-[day]T[hour]:[minute]Z");
        PrimitiveDateTime::parse(text, format).ok().map(PrimitiveDateTime::assume_utc)
    };
    let of_day = || {
        let day = Date::parse(text, format_description!("[year]-[month]-[day]")).ok()?;
        Some(day.midnight().assume_utc())
    };
    OffsetDateTime::parse(text, &Rfc3339).ok().or_else(of_minute).or_else(of_day)
}

#[cfg(test)]
mod tests {
    use super::{Credential, of_signature, of_token, seconds, tell};
    use crate::kusto::ingest::SasUrl;
    use crate::metrics::{Metrics, SinkValue};
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use url::Url;

    #[test]
    fn a_signature_says_its_end_in_three_ways() {
        for (end, wanted) in [
            ("2030-03-17T17%3A46%3A40Z", Some(1.9e9)),
            ("2030-03-17T17:46Z", Some(1_899_999_960.0)),
            ("2030-03-17", Some(1_899_936_000.0)),
            ("soon", None),
            ("", None),
        ] {
            let url = Url::parse(&format!("https://a.blob.core.windows.net/c?sv=1&se={end}&sig=x")).unwrap();
            assert_eq!(of_signature(&SasUrl::new(url)).map(seconds), wanted, "{end}");
        }
        let bare = Url::parse("https://a.blob.core.windows.net/c").unwrap();
        assert_eq!(of_signature(&SasUrl::new(bare)), None);
    }

    #[test]
    fn a_token_says_its_end_when_it_is_a_jwt() {
        let jwt = |claims: &str| format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims));
        assert_eq!(of_token(&jwt(r#"{"exp":1900000000}"#)).map(seconds), Some(1.9e9));
        let others = [r#"{"exp":"x"}"#, r#"{"exp":9223372036854775807}"#, "{}", "[]", "{"];
        for text in others.map(jwt).iter().map(String::as_str).chain(["", ".", "a.!.c", "opaque"]) {
            assert_eq!(of_token(text), None, "{text}");
        }
    }

    #[test]
    fn what_ends_has_a_series_as_long_as_its_end_is_known() {
        let metrics = Metrics::default();
        let counts = metrics.sink(&"c".into());
        tell(&counts, Credential::Queues, time::OffsetDateTime::from_unix_timestamp(7).ok());
        let [series] = <[_; 1]>::try_from(metrics.read().sinks).unwrap();
        assert_eq!((&*series.labels[0], &*series.labels[1]), ("queues", "true"));
        assert_eq!(series.value, SinkValue::Now(7.0));
        tell(&counts, Credential::Queues, None);
        assert!(metrics.read().sinks.is_empty());
    }
}
