//! Tokens by OAuth's client credentials, kept until shortly before they end.

use super::credentials::OAuth;
use super::http::{broken, chain};
use super::{Error, may_pass};
use crate::client_credentials::{ClientCredentials, Grant, TokenFailure};
use crate::secret::Secret;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// How long before its end a token is not used any more.
const EARLY: Duration = Duration::from_secs(30);
/// How long a token is used that does not say when it ends.
const USUAL: Duration = Duration::from_mins(5);
/// The longest a token is kept, whatever its provider says.
const LONGEST: Duration = Duration::from_hours(24);

/// The token of one client.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    /// Held while a token is fetched, so that one is fetched for all who wait.
    kept: Mutex<Option<(Secret, Instant)>>,
}

impl Tokens {
    /// A token that is good now.
    pub(super) async fn get(&self, http: &reqwest::Client, oauth: &OAuth) -> Result<Secret, Error> {
        let mut kept = self.kept.lock().await;
        if let Some((token, until)) = kept.as_ref()
            && Instant::now() < *until
        {
            return Ok(token.clone());
        }
        let Grant { token, expires_in } = ask(http, oauth).await?;
        // A provider may say any number; no token is kept longer than a day.
        let life = expires_in.map_or(USUAL, Duration::from_secs).min(LONGEST);
        *kept = Some((token.clone(), Instant::now() + life.saturating_sub(EARLY)));
        Ok(token)
    }

    /// Forgets the token, which a registry did not take.
    pub(super) async fn forget(&self) {
        *self.kept.lock().await = None;
    }
}

async fn ask(http: &reqwest::Client, oauth: &OAuth) -> Result<Grant, Error> {
    let credentials = ClientCredentials {
        endpoint: oauth.endpoint.as_str(),
        id: &oauth.client,
        secret: oauth.secret.expose(),
        scope: oauth.scope.as_deref(),
    };
    let (reason, retriable) = match credentials.ask(http).await {
        Ok(grant) => return Ok(grant),
        Err(TokenFailure::NoAnswer(error)) => (chain(&error), true),
        Err(TokenFailure::Broken(error)) => (broken(error), true),
        Err(TokenFailure::Refused { status: 200, .. }) => {
            ("the answer has no access_token".to_owned(), false)
        }
        Err(TokenFailure::Refused { status, .. }) => (format!("status {status}"), may_pass(status)),
    };
    Err(Error::NoToken { url: credentials.place(), reason, key: oauth.key.clone(), retriable })
}
