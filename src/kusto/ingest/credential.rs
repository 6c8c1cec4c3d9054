//! The credentials of `azure_identity` behind each way of proving who we are (`kusto-protocol.md` §1.3).
//!
//! Made from settings, environment and files alone, without I/O to the network. The crate caches tokens and renews them in
//! time, but not those of the Azure CLI: those are cached here.

use super::certificate::SignedAssertion;
use super::http::Http;
use crate::kusto::config::Authentication;
use async_trait::async_trait;
use azure_core::cloud::{CloudConfiguration, CustomConfiguration};
use azure_core::credentials::{AccessToken, Secret, TokenCredential, TokenRequestOptions};
use azure_core::error::ErrorKind;
use azure_core::http::ClientOptions;
use azure_identity::{
    AzureCliCredential, AzureCliCredentialOptions, ClientAssertionCredential,
    ClientAssertionCredentialOptions, ClientSecretCredential, ClientSecretCredentialOptions,
    ManagedIdentityCredential, ManagedIdentityCredentialOptions, UserAssignedId, WorkloadIdentityCredential,
    WorkloadIdentityCredentialOptions,
};
use std::sync::Arc;
use time::{Duration, OffsetDateTime};
use tokio::sync::Mutex;
use url::Url;

/// The credential of `config` at the login server `login`. `direct` is for the machine's own service. An error stays until a
/// setting, the environment or a file changes.
pub fn of(
    config: &Authentication,
    login: &Url,
    http: &Http,
    direct: &Http,
) -> azure_core::Result<Arc<dyn TokenCredential>> {
    let authority = login.as_str().trim_end_matches('/');
    let client_options = at(authority, http);
    Ok(match config {
        Authentication::Application { app_id, key, tenant } => ClientSecretCredential::new(
            tenant,
            app_id.clone(),
            Secret::new(key.expose().to_owned()),
            Some(ClientSecretCredentialOptions { client_options }),
        )?,
        Authentication::Certificate { app_id, file, tenant } => {
            let assertion =
                SignedAssertion::new(file, app_id, &format!("{authority}/{tenant}/oauth2/v2.0/token"));
            let assertion =
                assertion.map_err(|reason| azure_core::Error::with_message(ErrorKind::Credential, reason))?;
            let options = Some(ClientAssertionCredentialOptions { client_options });
            ClientAssertionCredential::new(tenant.clone(), app_id.clone(), assertion, options)?
        }
        Authentication::ManagedIdentity { client_id } => {
            // The crate tries the machine's metadata service several times itself; our deadline ends that.
            ManagedIdentityCredential::new(Some(ManagedIdentityCredentialOptions {
                user_assigned_id: client_id.clone().map(UserAssignedId::ClientId),
                client_options: direct.azure_options(),
            }))?
        }
        Authentication::AzureCli { tenant } => {
            let options = AzureCliCredentialOptions { tenant_id: tenant.clone(), ..Default::default() };
            Arc::new(Cached { inner: AzureCliCredential::new(Some(options))?, token: Mutex::new(None) })
        }
        // The other two never come here: they need no login server.
        Authentication::WorkloadIdentity | Authentication::DevToken(_) | Authentication::None => {
            WorkloadIdentityCredential::new(Some(WorkloadIdentityCredentialOptions {
                credential_options: ClientAssertionCredentialOptions { client_options },
                ..Default::default()
            }))?
        }
    })
}

fn at(authority: &str, http: &Http) -> ClientOptions {
    let mut custom = CustomConfiguration::default();
    authority.clone_into(&mut custom.authority_host);
    ClientOptions { cloud: Some(Arc::new(CloudConfiguration::from(custom))), ..http.azure_options() }
}

/// A credential whose tokens are kept until shortly before they end.
#[derive(Debug)]
struct Cached<C> {
    inner: Arc<C>,
    token: Mutex<Option<AccessToken>>,
}

/// A token with less life than this is replaced.
const SPARE: Duration = Duration::minutes(5);

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
