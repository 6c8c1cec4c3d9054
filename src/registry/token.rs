//! Tokens by OAuth's client credentials, kept until shortly before they end.

use super::http::{body, chain};
use super::{Error, may_pass};
use crate::config::OAuth;
use crate::secret::Secret;
use serde::Deserialize;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

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

#[derive(Deserialize)]
struct Answer {
    access_token: String,
    expires_in: Option<u64>,
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
        let Answer { access_token, expires_in } = ask(http, oauth).await?;
        // A provider may say any number; no token is kept longer than a day.
        let life = expires_in.map_or(USUAL, Duration::from_secs).min(LONGEST);
        let token = Secret::new(access_token);
        *kept = Some((token.clone(), Instant::now() + life.saturating_sub(EARLY)));
        Ok(token)
    }

    /// Forgets the token, which a registry did not take.
    pub(super) async fn forget(&self) {
        *self.kept.lock().await = None;
    }
}

/// An address without what may be secret in it.
fn place(url: &Url) -> String {
    format!("{}{}", url.origin().ascii_serialization(), url.path())
}

async fn ask(http: &reqwest::Client, oauth: &OAuth) -> Result<Answer, Error> {
    let failed = |reason: String, retriable| Error::NoToken {
        url: place(&oauth.endpoint),
        reason,
        key: oauth.key.clone(),
        retriable,
    };
    let mut form = vec![("grant_type", "client_credentials")];
    form.extend(oauth.scope.as_deref().map(|scope| ("scope", scope)));
    let request = http
        .post(oauth.endpoint.clone())
        .basic_auth(&oauth.client, Some(oauth.secret.expose()))
        .header("accept", "application/json")
        .form(&form);
    let response = request.send().await.map_err(|error| failed(chain(&error), true))?;
    let status = response.status().as_u16();
    if status != 200 {
        return Err(failed(format!("status {status}"), may_pass(status)));
    }
    let body = body(response).await.map_err(|reason| failed(reason, true))?;
    // The answer itself is not repeated: it may hold a token.
    serde_json::from_slice(&body).map_err(|_| failed("the answer has no access_token".to_owned(), false))
}
