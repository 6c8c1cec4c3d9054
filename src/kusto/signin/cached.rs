//! A credential whose tokens are kept until shortly before they end, for those of `azure_identity` that keep none.

use async_trait::async_trait;
use azure_core::credentials::{AccessToken, TokenCredential, TokenRequestOptions};
use std::sync::Arc;
use time::{Duration, OffsetDateTime};
use tokio::sync::Mutex;

/// A token with less life than this is replaced.
const SPARE: Duration = Duration::minutes(5);

/// A credential and its last token.
#[derive(Debug)]
pub struct Cached<C> {
    inner: Arc<C>,
    token: Mutex<Option<AccessToken>>,
}

impl<C> Cached<C> {
    /// Without a token yet.
    pub fn new(inner: Arc<C>) -> Self {
        Self { inner, token: Mutex::new(None) }
    }
}

#[async_trait]
impl<C: TokenCredential> TokenCredential for Cached<C> {
    async fn get_token(
        &self,
        scopes: &[&str],
        options: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        // One session has one scope, so one place is enough.
        let mut slot = self.token.lock().await;
        if let Some(token) =
            slot.as_ref().filter(|token| token.expires_on > OffsetDateTime::now_utc() + SPARE)
        {
            return Ok(token.clone());
        }
        let token = self.inner.get_token(scopes, options).await?;
        Ok(slot.insert(token).clone())
    }
}
