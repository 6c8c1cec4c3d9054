//! Where tokens come from: the token endpoint of an identity provider, a file, or the identity that Azure gives to the
//! machine.
//!
//! The endpoint is asked as Kafka's Java client asks it (OAuth's client credentials, id and secret in a Basic header), so
//! Entra, Confluent's and other providers work with the settings that users have. Blocks; made for a thread of its own.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use azure_core::credentials::TokenCredential;
use azure_core::http::ClientOptions;
use azure_identity::{
    ClientAssertionCredentialOptions, ManagedIdentityCredential, ManagedIdentityCredentialOptions,
    UserAssignedId, WorkloadIdentityCredential, WorkloadIdentityCredentialOptions,
};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::Token;
use crate::bounded;
use crate::client_credentials::{ClientCredentials, TokenFailure};
use crate::config::files;

/// For one question, connecting included.
const LIMIT: Duration = Duration::from_secs(30);

/// A token and a few words around it.
const MOST_BYTES: usize = 1024 * 1024;

/// What to ask for tokens. It holds a secret in the clear while it is inside of a client's settings, and is never printed.
#[derive(Clone, Serialize, Deserialize)]
pub struct Source {
    /// Who is asked.
    pub kind: ProviderKind,
    /// The claim that says whose a token is.
    pub subject: String,
    /// SASL extensions that go with each token.
    pub extensions: BTreeMap<String, String>,
}

/// Who is asked.
#[derive(Clone, Serialize, Deserialize)]
pub enum ProviderKind {
    /// A token endpoint.
    Endpoint {
        /// Its URL, http or https.
        url: String,
        /// The client.
        id: String,
        /// Its secret.
        secret: String,
        /// What the token is for.
        scope: Option<String>,
        /// Id and secret are URL-encoded in the header, as the RFC has it and Java by default does not.
        encode: bool,
    },
    /// A file that somebody keeps fresh.
    File(String),
    /// The machine's identity in Azure.
    ManagedIdentity {
        /// Of a user-assigned one.
        client_id: Option<String>,
        /// E.g. `https://<namespace>.servicebus.windows.net/.default`.
        scope: String,
    },
    /// The federated token named by the `AZURE_*` variables.
    WorkloadIdentity {
        /// As above.
        scope: String,
    },
}

impl Source {
    /// A fresh token, or why there is none, without a secret.
    pub fn fetch(&self) -> Result<Token, String> {
        let text = if let ProviderKind::File(path) = &self.kind {
            files::read_text(Path::new(path)).map_err(|reason| format!("{path} cannot be read: {reason}"))?
        } else {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.map_err(|error| error.to_string())?;
            let asked = async { tokio::time::timeout(LIMIT, self.ask()).await };
            runtime.block_on(asked).map_err(|_| format!("no answer within {} s", LIMIT.as_secs()))??
        };
        let now = OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000;
        Token::read(&text, &self.subject, &self.extensions, i64::try_from(now).unwrap_or(i64::MAX))
    }

    async fn ask(&self) -> Result<String, String> {
        match &self.kind {
            ProviderKind::Endpoint { url, id, secret, scope, encode } => {
                let coded = |text: &str| {
                    if *encode {
                        url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
                    } else {
                        text.to_owned()
                    }
                };
                endpoint(url, (&coded(id), &coded(secret)), scope.as_deref()).await
            }
            ProviderKind::File(_) => Err("a file is read, not asked".to_owned()),
            ProviderKind::ManagedIdentity { client_id, scope } => {
                // The machine's own service is never behind a proxy.
                let options = ManagedIdentityCredentialOptions {
                    user_assigned_id: client_id.clone().map(UserAssignedId::ClientId),
                    client_options: client_options(reqwest::Client::builder().no_proxy())?,
                };
                let credential = ManagedIdentityCredential::new(Some(options));
                azure(credential.map_err(|error| error.to_string())?.as_ref(), scope).await
            }
            ProviderKind::WorkloadIdentity { scope } => {
                let client_options = client_options(reqwest::Client::builder())?;
                let credential = WorkloadIdentityCredential::new(Some(WorkloadIdentityCredentialOptions {
                    credential_options: ClientAssertionCredentialOptions { client_options },
                    ..Default::default()
                }));
                azure(credential.map_err(|error| error.to_string())?.as_ref(), scope).await
            }
        }
    }
}

/// A redirect would carry a token to a place that nobody named.
fn client_options(builder: reqwest::ClientBuilder) -> Result<ClientOptions, String> {
    let client =
        builder.redirect(reqwest::redirect::Policy::none()).build().map_err(|error| cause(&error))?;
    Ok(ClientOptions { transport: Some(bounded::transport(client, MOST_BYTES)), ..Default::default() })
}

async fn azure(credential: &dyn TokenCredential, scope: &str) -> Result<String, String> {
    let token = credential.get_token(&[scope], None).await.map_err(|error| error.to_string())?;
    Ok(token.token.secret().to_owned())
}

async fn endpoint(url: &str, (id, secret): (&str, &str), scope: Option<&str>) -> Result<String, String> {
    // A redirect would carry the secret to a place that the user did not name.
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build();
    let client = client.map_err(|error| cause(&error))?;
    let credentials = ClientCredentials { endpoint: url, id, secret, scope };
    let reason = match credentials.ask(&client).await {
        Ok(grant) => return Ok(grant.token.expose().to_owned()),
        Err(TokenFailure::NoAnswer(error)) => cause(&error),
        Err(TokenFailure::Broken(error)) => cause(&error),
        Err(TokenFailure::Refused { status, words }) => {
            format!("status {status} {words}").trim_end().to_owned()
        }
    };
    Err(format!("{}: {reason}", credentials.place()))
}

/// The innermost cause: the outer ones name the URL over again.
fn cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut deepest = error;
    while let Some(next) = deepest.source() {
        deepest = next;
    }
    deepest.to_string()
}
