//! Bearer tokens for the cluster (`kusto-protocol.md` §§1.2, 1.3, 1.5).
//!
//! [`Auth`] asks the cluster for its cloud, checks that the two belong together, and keeps a credential of
//! `azure_identity`, which caches the token and renews it in time. Before a token (or the key behind it) leaves, the
//! place is checked by `trust`. Owner of the tokens; prints none.

use super::endpoint::Endpoint;
use super::error::chain;
use super::expiry::{self, Credential};
use super::http::Http;
use super::trust::{Objection, TrustPolicy, objection};
use super::url::redacted;
use super::{Error, SasUrl};
use crate::config::{Custody, files, is_loopback};
use crate::kusto::signin::{Issuer, Login, Proof, SignIn};
use crate::metrics::SinkCounts;
use crate::secret::Secret;
use azure_core::credentials::TokenCredential;
use azure_core::error::ErrorKind;
use serde_json::Value;
use std::fmt;
use std::sync::Arc;
use tokio::sync::Mutex;
use url::Url;

/// The login server of the default cloud.
const DEFAULT_LOGIN: &str = "https://login.microsoftonline.com";
/// The resource of the default cloud.
const DEFAULT_RESOURCE: &str = "https://kusto.kusto.windows.net";

/// Who we are for one cluster, and the token that proves it.
pub struct Auth {
    sign_in: Arc<dyn SignIn>,
    http: Http,
    /// For the machine's metadata service, which is never behind a proxy.
    direct: Http,
    cluster: Endpoint,
    allowed: Allowed,
    /// Held while a token is fetched, so that one request serves all who wait.
    session: Mutex<Option<Arc<Session>>>,
    counts: SinkCounts,
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth").field("sign_in", &self.sign_in).finish_non_exhaustive()
    }
}

/// What the worker's operator allows.
#[derive(Debug, Clone, Default)]
pub struct Allowed {
    /// `worker.allow.insecure.http`.
    pub insecure: bool,
    /// Where the worker's own identity may go.
    pub custody: Custody,
}

/// What the cluster says about its cloud.
#[derive(Debug, Clone, PartialEq)]
struct Cloud {
    login: Url,
    scope: String,
}

impl Cloud {
    /// What its tokens are for.
    fn resource(&self) -> &str {
        self.scope.strip_suffix("/.default").unwrap_or(&self.scope)
    }
}

/// A credential for one cloud.
struct Session {
    cloud: Cloud,
    /// None: a cluster on loopback without a login server, such as an emulator; it gets no token.
    credential: Option<Arc<dyn TokenCredential>>,
}

impl Auth {
    /// Credentials for the cluster whose data management endpoint is `cluster`. No I/O.
    pub fn new(
        sign_in: Arc<dyn SignIn>,
        http: Http,
        direct: Http,
        cluster: Endpoint,
        allowed: Allowed,
    ) -> Self {
        let counts = SinkCounts::default();
        Self { sign_in, http, direct, cluster, allowed, session: Mutex::new(None), counts }
    }

    /// The same, which shows in `counts` when tokens end.
    pub fn counting(self, counts: SinkCounts) -> Self {
        Self { counts, ..self }
    }

    /// The token to send to `endpoint`; none when it needs none.
    pub async fn token(&self, endpoint: &Endpoint) -> Result<Option<Secret>, Error> {
        match Arc::clone(&self.sign_in).proof() {
            Proof::Nothing => Ok(None),
            Proof::Token(token) => {
                self.check(endpoint, None)?;
                expiry::tell(&self.counts, Credential::FixedToken, expiry::of_token(token.expose()));
                Ok(Some(token))
            }
            Proof::Issued(issuer) => self.session_token(issuer, endpoint).await,
        }
    }

    /// Drops the credential and with it the cached token, after the service refused it.
    pub async fn forget(&self) {
        *self.session.lock().await = None;
        expiry::tell(&self.counts, Credential::Token, None);
    }

    /// A token, or why there is none. A session whose credential is refused is dropped: the next try reads files anew.
    async fn session_token(
        &self,
        issuer: Arc<dyn Issuer>,
        endpoint: &Endpoint,
    ) -> Result<Option<Secret>, Error> {
        let session = {
            let mut slot = self.session.lock().await;
            match &*slot {
                Some(session) => Arc::clone(session),
                None => Arc::clone(slot.insert(Arc::new(self.open(&issuer).await?))),
            }
        };
        let Some(credential) = &session.credential else { return Ok(None) };
        self.check(endpoint, Some(&session.cloud))?;
        let token = credential.get_token(&[&session.cloud.scope], None).await;
        let token = match token {
            Ok(token) => token,
            Err(error) => {
                let error = self.no_token(&*issuer, &error, true);
                if !error.is_retriable() {
                    self.forget().await;
                }
                return Err(error);
            }
        };
        expiry::tell(&self.counts, Credential::Token, Some(token.expires_on));
        Ok(Some(Secret::new(token.token.secret())))
    }

    /// Refuses to send a token where it does not belong.
    fn check(&self, endpoint: &Endpoint, cloud: Option<&Cloud>) -> Result<(), Error> {
        let Allowed { insecure, custody } = &self.allowed;
        let policy = TrustPolicy { of_worker: self.sign_in.is_of_worker(), insecure: *insecure, custody };
        let named = cloud.map(|cloud| (&cloud.login, cloud.resource()));
        let Some(objection) = objection(&endpoint.url, named, policy) else { return Ok(()) };
        let url = SasUrl::new(endpoint.url.clone());
        Err(match objection {
            Objection::PlainHttp => Error::Untrusted {
                url,
                text:
                    "plain http is for loopback only; use https, or open it with worker.allow.insecure.http \
                       in a closed network"
                        .to_owned(),
                setting: endpoint.setting,
            },
            Objection::OfWorker(text) => Error::Untrusted { url, text, setting: endpoint.setting },
            Objection::Audience(resource) => Error::Untrusted {
                url,
                text: format!("it asks for a token for {}, which is not ADX", brief(&resource)),
                setting: endpoint.setting,
            },
            Objection::Stranger(login) => Error::Untrusted {
                url,
                text: match login {
                    Some(login) => format!("the host is not known to belong to the cloud of {login}"),
                    None => "the host is not known to belong to any Azure cloud".to_owned(),
                },
                setting: endpoint.setting,
            },
        })
    }

    async fn open(&self, issuer: &Arc<dyn Issuer>) -> Result<Session, Error> {
        let mut url = self.cluster.url.clone();
        url.set_query(None);
        url.set_path("/v1/rest/auth/metadata");
        let call = self.http.call("get auth metadata", SasUrl::new(url.clone()), self.cluster.setting);
        let response = self.http.client.get(url).header("Accept", "application/json").send().await;
        let response = response.map_err(|e| call.unreachable(chain(&e)))?;
        let status = response.status().as_u16();
        let body = call.body(response).await?;
        let named = match status {
            200 => parse_cloud(&body).map_err(|text| call.malformed(text))?,
            404 => None,
            _ => return Err(call.unreachable(format!("status {status}"))),
        };
        let own = named.as_ref().is_some_and(|cloud| cloud.login.scheme() == "https");
        let cloud = named.map_or_else(default_cloud, Ok).map_err(|text| call.malformed(text))?;
        // An emulator that names no login server we could use wants no token (`kusto-protocol.md` §10.3).
        let is_plain = self.allowed.insecure && self.cluster.url.scheme() == "http";
        let local = is_loopback(&self.cluster.url) || is_plain;
        if local && !own {
            tracing::info!(url = %call.url, "the cluster names no https login server: it gets no token");
            return Ok(Session { cloud, credential: None });
        }
        // Before the key goes to the login server that this cluster named.
        self.check(&self.cluster, Some(&cloud))?;
        // Made from settings, environment and files alone: what is wrong there stays wrong.
        let login = Login {
            url: cloud.login.clone(),
            options: self.http.azure_options(),
            direct: self.direct.azure_options(),
        };
        let maker = Arc::clone(issuer);
        let made =
            files::beside(move || maker.credential(&login).map(|credential| (credential, maker.ends())));
        let made = made.await;
        let (credential, ends) = made.map_err(|error| self.no_token(&**issuer, &error, false))?;
        expiry::tell(&self.counts, Credential::Certificate, ends);
        Ok(Session { cloud, credential: Some(credential) })
    }

    /// Why there is no token. `asked`: a server was, so that it may go well later.
    fn no_token(&self, issuer: &dyn Issuer, error: &azure_core::Error, asked: bool) -> Error {
        let whole = chain(error);
        let text = brief(&whole);
        let setting = issuer.settings_behind(&text);
        let status = refusal(error);
        let retriable = asked && issuer.may_pass(status, &whole);
        Error::Credentials { url: SasUrl::new(self.cluster.url.clone()), text, setting, status, retriable }
    }
}

/// What strangers say of themselves is quoted no longer than that.
const QUOTED: usize = 400;

fn brief(text: &str) -> String {
    let text: String = redacted(text).chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    match text.char_indices().nth(QUOTED) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// The innermost error of the Azure crates.
fn root(error: &azure_core::Error) -> &azure_core::Error {
    let mut deepest = error;
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        if let Some(inner) = cause.downcast_ref::<azure_core::Error>() {
            deepest = inner;
        }
        next = cause.source();
    }
    deepest
}

/// The status of the login server's answer.
fn refusal(error: &azure_core::Error) -> Option<u16> {
    match root(error).kind() {
        ErrorKind::HttpResponse { status, .. } => Some(u16::from(*status)),
        _ => None,
    }
}

fn default_cloud() -> Result<Cloud, String> {
    Ok(Cloud {
        login: Url::parse(DEFAULT_LOGIN).map_err(|e| e.to_string())?,
        scope: format!("{DEFAULT_RESOURCE}/.default"),
    })
}

/// The cloud in an auth metadata answer; none when it says nothing (`kusto-protocol.md` §1.2).
fn parse_cloud(body: &[u8]) -> Result<Option<Cloud>, String> {
    let value: Value = serde_json::from_slice(body).map_err(|e| crate::words::json(&e))?;
    let Some(cloud) = value.get("AzureAD") else { return Err("AzureAD is missing".to_owned()) };
    let text = |name: &str| cloud.get(name).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
    let Some(login) = text("LoginEndpoint") else { return Ok(None) };
    let login = Url::parse(login).map_err(|e| format!("LoginEndpoint {}: {e}", brief(login)))?;
    let resource = text("KustoServiceResourceId").unwrap_or(DEFAULT_RESOURCE).trim_end_matches('/');
    let mfa = cloud.get("LoginMfaRequired").and_then(Value::as_bool).unwrap_or(false);
    let resource = if mfa { resource.replace(".kusto.", ".kustomfa.") } else { resource.to_owned() };
    Ok(Some(Cloud { login, scope: format!("{resource}/.default") }))
}

#[cfg(test)]
mod tests {
    use super::parse_cloud;
    use serde_json::json;

    #[test]
    fn reads_the_cloud() {
        let body = json!({"AzureAD": {"LoginEndpoint": "https://login.microsoftonline.us",
            "LoginMfaRequired": true, "KustoServiceResourceId": "https://kusto.kusto.usgovcloudapi.net"}});
        let cloud = parse_cloud(body.to_string().as_bytes()).unwrap().unwrap();
        assert_eq!(cloud.login.as_str(), "https://login.microsoftonline.us/");
        assert_eq!(cloud.scope, "https://kusto.kustomfa.usgovcloudapi.net/.default");
        assert_eq!(parse_cloud(br#"{"AzureAD":null}"#), Ok(None));
        assert!(parse_cloud(b"{}").is_err());
        assert!(parse_cloud(b"").is_err());
        assert!(parse_cloud(br#"{"AzureAD":{"LoginEndpoint":"no url"}}"#).is_err());
    }
}
