//! What a service principal with a certificate sends in place of a secret: a statement signed with its key
//! (`kusto-protocol.md` §1.3).
//!
//! Holds the key for one session; never prints it. The chain goes with each statement, so that applications which trust a
//! certificate by its subject and issuer accept a renewed one.

use crate::config::tls::Identity;
use azure_core::error::ErrorKind;
use azure_core::http::ClientMethodOptions;
use azure_identity::ClientAssertion;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::sign::Signer;
use serde_json::json;
use std::fmt;
use time::OffsetDateTime;
use uuid::Uuid;

/// How long a statement is good, in seconds.
const LIFE: i64 = 300;

/// Signs statements for one application at one token endpoint.
pub struct SignedAssertion {
    key: PKey<Private>,
    /// The JWT's first part, encoded.
    header: String,
    app_id: String,
    endpoint: String,
}

impl fmt::Debug for SignedAssertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedAssertion").field("app_id", &self.app_id).finish_non_exhaustive()
    }
}

impl SignedAssertion {
    /// Signs with `identity` for the application `app_id`. The error is a clause.
    pub fn new(identity: Identity, app_id: &str, endpoint: &str) -> Result<Self, String> {
        let broken = |error: ErrorStack| error.to_string();
        let own = identity.chain.first().ok_or("there is no certificate in it")?;
        let thumbprint = own.digest(MessageDigest::sha1()).map_err(broken)?;
        let chain = identity.chain.iter().map(|one| Ok(STANDARD.encode(one.to_der()?)));
        let chain: Vec<String> = chain.collect::<Result<_, ErrorStack>>().map_err(broken)?;
        let header =
            json!({"alg": "RS256", "typ": "JWT", "x5t": URL_SAFE_NO_PAD.encode(thumbprint), "x5c": chain});
        Ok(Self {
            key: identity.key,
            header: URL_SAFE_NO_PAD.encode(header.to_string()),
            app_id: app_id.to_owned(),
            endpoint: endpoint.to_owned(),
        })
    }

    fn sign(&self, now: OffsetDateTime) -> Result<String, ErrorStack> {
        let now = now.unix_timestamp();
        let claims = json!({"aud": self.endpoint, "iss": self.app_id, "sub": self.app_id,
            "jti": Uuid::new_v4().to_string(), "nbf": now, "iat": now, "exp": now + LIFE});
        let text = format!("{}.{}", self.header, URL_SAFE_NO_PAD.encode(claims.to_string()));
        let mut signer = Signer::new(MessageDigest::sha256(), &self.key)?;
        let signature = signer.sign_oneshot_to_vec(text.as_bytes())?;
        Ok(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

#[async_trait::async_trait]
impl ClientAssertion for SignedAssertion {
    async fn secret(&self, _: Option<ClientMethodOptions<'_>>) -> azure_core::Result<String> {
        self.sign(OffsetDateTime::now_utc()).map_err(|error| {
            azure_core::Error::with_message(ErrorKind::Credential, format!("signing failed: {error}"))
        })
    }
}
