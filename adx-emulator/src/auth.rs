//! The sign-in services: a stand-in for Entra's token endpoint and for the managed identity endpoints.
//!
//! Tokens are signed with a fixed public key and contain their expiry, so they stay valid over a restart. Owns the rules
//! of who gets one and what it admits to. Protects nothing: it exists so that the sign-in of clients can be tested.

use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::macros::format_description;
use uuid::Uuid;

use crate::http_request::{self, HttpRequest};
use crate::http_response;
use crate::options::AuthOptions;
use crate::signature;
use crate::stats::Stats;

/// The largest form taken.
const FORM_LIMIT: usize = 64 * 1024;
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Issues and checks tokens.
#[derive(Debug)]
pub(crate) struct Auth {
    options: AuthOptions,
    stats: Stats,
}

/// A refusal of the token endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Refusal {
    status: u16,
    error: &'static str,
    number: u32,
    text: String,
}

impl Refusal {
    fn new(status: u16, error: &'static str, number: u32, text: impl Into<String>) -> Self {
        Self { status, error, number, text: text.into() }
    }
}

impl Auth {
    /// The rules of `options`.
    pub(crate) fn new(options: AuthOptions, stats: Stats) -> Self {
        Self { options, stats }
    }

    /// True when a request with these headers may use the management, query and streaming endpoints.
    pub(crate) fn admits(&self, authorization: Option<&str>) -> bool {
        if !self.options.require {
            return true;
        }
        let token = authorization.and_then(|text| text.split_once(' '));
        let Some((scheme, token)) = token else { return false };
        let known = self.options.dev_token.as_deref() == Some(token);
        scheme.eq_ignore_ascii_case("bearer") && (known || is_valid(token, OffsetDateTime::now_utc()))
    }

    /// `POST /{tenant}/oauth2/v2.0/token`.
    pub(crate) async fn token(&self, tenant: &str, request: HttpRequest) -> Response {
        let issuer = format!("{}/{tenant}/v2.0", request.base_url());
        let Ok(body) = http_request::read_body(request.body, FORM_LIMIT).await else {
            return http_response::empty(400);
        };
        let form = http_request::pairs(&String::from_utf8_lossy(&body));
        let field = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        match self.grant(&field) {
            Ok((client, audience)) => match self.issue(&issuer, tenant, client, audience) {
                Some((token, life)) => http_response::json(
                    200,
                    &json!({"token_type": "Bearer", "expires_in": life,
                    "ext_expires_in": life, "access_token": token}),
                ),
                None => http_response::empty(500),
            },
            Err(refusal) => refused(&refusal),
        }
    }

    /// The client and the audience that a form may have a token for.
    fn grant<'f>(&self, field: &dyn Fn(&str) -> Option<&'f str>) -> Result<(&'f str, &'f str), Refusal> {
        let needed = |name: &str| {
            let text = format!("The request body must contain the following parameter: '{name}'.");
            field(name).filter(|text| !text.is_empty()).ok_or(Refusal::new(
                400,
                "invalid_request",
                900_144,
                text,
            ))
        };
        let grant = needed("grant_type")?;
        if grant != "client_credentials" {
            let text = format!("The app requested an unsupported grant type '{grant}'.");
            return Err(Refusal::new(400, "unsupported_grant_type", 70_003, text));
        }
        let client = needed("client_id")?;
        let audience = match field("scope") {
            Some(scope) => scope.strip_suffix("/.default").ok_or_else(|| {
                let text =
                    format!("The provided value for the input parameter 'scope' ({scope}) is not valid.");
                Refusal::new(400, "invalid_scope", 70_011, text)
            })?,
            None => needed("resource").map_err(|_| {
                let text = "The request body must contain the following parameter: 'scope'.";
                Refusal::new(400, "invalid_request", 900_144, text)
            })?,
        };
        if self.options.client_id.as_deref().is_some_and(|right| right != client) {
            let text = format!("Application with identifier '{client}' was not found in the directory.");
            return Err(Refusal::new(400, "unauthorized_client", 700_016, text));
        }
        self.check_credential(client, field)?;
        Ok((client, audience))
    }

    fn check_credential<'f>(
        &self,
        client: &str,
        field: &dyn Fn(&str) -> Option<&'f str>,
    ) -> Result<(), Refusal> {
        if let Some(secret) = field("client_secret") {
            if self.options.client_secret.as_deref().is_some_and(|right| right != secret) {
                let text = format!(
                    "Invalid client secret provided. Ensure the secret being sent in the request \
                    is the client secret value, not the client secret ID, for a secret added to app '{client}'."
                );
                return Err(Refusal::new(401, "invalid_client", 7_000_215, text));
            }
            return Ok(());
        }
        let assertion =
            field("client_assertion").filter(|_| field("client_assertion_type") == Some(ASSERTION_TYPE));
        // The signature is not checked: the emulator has no federation partner to ask for keys.
        if assertion.is_some_and(|text| text.split('.').count() == 3) {
            return Ok(());
        }
        let text =
            "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.";
        Err(Refusal::new(401, "invalid_client", 7_000_218, text))
    }

    /// The instance metadata service (`Metadata: true`) and App Service's endpoint (`x-identity-header`).
    pub(crate) fn managed_identity(&self, request: &HttpRequest) -> Response {
        let imds = request.path.starts_with("/metadata/");
        let header = if imds {
            request.header("metadata") == Some("true")
        } else {
            request.headers.contains_key("x-identity-header")
        };
        if !header {
            return http_response::json(
                400,
                &json!({"error": "invalid_request",
                "error_description": "Required metadata header not specified"}),
            );
        }
        let Some(resource) = request.query("resource").filter(|text| !text.is_empty()) else {
            return http_response::json(
                400,
                &json!({"error": "invalid_request",
                "error_description": "Required query variable 'resource' is missing"}),
            );
        };
        let client = ["client_id", "object_id", "principal_id", "msi_res_id", "mi_res_id"];
        let client = client.iter().find_map(|name| request.query(name)).unwrap_or("system-assigned");
        if self
            .options
            .client_id
            .as_deref()
            .is_some_and(|right| right != client && client != "system-assigned")
        {
            return http_response::json(
                400,
                &json!({"error": "invalid_request",
                "error_description": "Identity not found"}),
            );
        }
        let issuer = format!("{}/managed-identity/", request.base_url());
        let Some((token, life)) = self.issue(&issuer, "managed-identity", client, resource) else {
            return http_response::empty(500);
        };
        let now = OffsetDateTime::now_utc().unix_timestamp();
        // Numbers are texts here, as the real services send them.
        http_response::json(
            200,
            &json!({"access_token": token, "client_id": client, "expires_in": life.to_string(),
            "expires_on": (now + life).to_string(), "ext_expires_in": life.to_string(),
            "not_before": now.to_string(), "resource": resource, "token_type": "Bearer"}),
        )
    }

    fn issue(&self, issuer: &str, tenant: &str, client: &str, audience: &str) -> Option<(String, i64)> {
        let life =
            self.options.token_lifetime.map_or(3600, |life| i64::try_from(life.as_secs()).unwrap_or(3600));
        let now = OffsetDateTime::now_utc().unix_timestamp();
        let claims = json!({"aud": audience, "iss": issuer, "iat": now, "nbf": now, "exp": now + life,
            "appid": client, "sub": client, "tid": tenant, "jti": Uuid::new_v4().to_string(), "ver": "2.0"});
        let head = URL_SAFE_NO_PAD.encode(r#"{"typ":"JWT","alg":"HS256"}"#);
        let body = URL_SAFE_NO_PAD.encode(claims.to_string());
        let signature = URL_SAFE_NO_PAD.encode(signature::sign(&["token", &head, &body])?);
        self.stats.token();
        tracing::info!(client, tenant, "token issued");
        Some((format!("{head}.{body}.{signature}"), life))
    }
}

/// The documents that sign-in libraries read before they ask for a token; none for another path.
pub(crate) fn discovery(request: &HttpRequest) -> Option<Value> {
    let base = request.base_url();
    if request.path == "/common/discovery/instance" {
        let host = base.split_once("://").map_or("", |(_, host)| host);
        return Some(json!({
            "tenant_discovery_endpoint": format!("{base}/common/v2.0/.well-known/openid-configuration"),
            "api-version": "1.1",
            "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
        }));
    }
    let tenant = request.path.strip_suffix("/v2.0/.well-known/openid-configuration")?;
    Some(json!({
        "issuer": format!("{base}{tenant}/v2.0"),
        "authorization_endpoint": format!("{base}{tenant}/oauth2/v2.0/authorize"),
        "token_endpoint": format!("{base}{tenant}/oauth2/v2.0/token"),
        "device_authorization_endpoint": format!("{base}{tenant}/oauth2/v2.0/devicecode"),
        "jwks_uri": format!("{base}{tenant}/discovery/v2.0/keys"),
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
        "response_types_supported": ["code", "token"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
    }))
}

/// The tenant of a token endpoint's path.
pub(crate) fn token_path(path: &str) -> Option<&str> {
    let rest = path.strip_prefix('/')?;
    let tenant = rest.strip_suffix("/oauth2/v2.0/token").or_else(|| rest.strip_suffix("/oauth2/token"))?;
    (!tenant.is_empty() && !tenant.contains('/')).then_some(tenant)
}

fn is_valid(token: &str, now: OffsetDateTime) -> bool {
    let parts: Vec<_> = token.split('.').collect();
    let [head, body, signature] = parts.as_slice() else { return false };
    let right = signature::sign(&["token", head, body]).map(|right| URL_SAFE_NO_PAD.encode(right));
    if right.as_deref() != Some(*signature) {
        return false;
    }
    let claims =
        URL_SAFE_NO_PAD.decode(body).ok().and_then(|text| serde_json::from_slice::<Value>(&text).ok());
    claims.and_then(|claims| claims.get("exp")?.as_i64()).is_some_and(|end| end > now.unix_timestamp())
}

fn refused(refusal: &Refusal) -> Response {
    error_answer(refusal.status, refusal.error, refusal.number, &refusal.text)
}

/// An error as Entra answers it.
pub(crate) fn error_answer(status: u16, error: &str, number: u32, text: &str) -> Response {
    let (trace, correlation) = (Uuid::new_v4().to_string(), Uuid::new_v4().to_string());
    let format = format_description!("[year]-[month]-[day] [hour]:[minute]:[second]Z");
    let timestamp = OffsetDateTime::now_utc().format(format).unwrap_or_default();
    let description = format!(
        "AADSTS{number}: {text} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {timestamp}"
    );
    http_response::json(
        status,
        &json!({"error": error, "error_description": description, "error_codes": [number],
        "timestamp": timestamp, "trace_id": trace, "correlation_id": correlation,
        "error_uri": format!("https://login.microsoftonline.com/error?code={number}")}),
    )
}

#[cfg(test)]
mod tests {
    use super::{Auth, is_valid, token_path};
    use crate::options::AuthOptions;
    use crate::stats::Stats;
    use time::{Duration, OffsetDateTime};

    fn auth() -> Auth {
        let options = AuthOptions {
            require: true,
            client_id: Some("app".to_owned()),
            client_secret: Some("right".to_owned()),
            dev_token: Some("dev".to_owned()),
            token_lifetime: None,
        };
        Auth::new(options, Stats::default())
    }

    fn refusal(form: &[(&'static str, &'static str)]) -> (u16, u32) {
        let find = |name: &str| form.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
        match auth().grant(&find) {
            Ok(_) => (200, 0),
            Err(refusal) => (refusal.status, refusal.number),
        }
    }

    #[test]
    fn only_the_right_client_gets_a_token() {
        let form = |client, secret| {
            [
                ("grant_type", "client_credentials"),
                ("client_id", client),
                ("scope", "https://x/.default"),
                ("client_secret", secret),
            ]
        };
        assert_eq!(refusal(&form("app", "right")), (200, 0));
        assert_eq!(refusal(&form("app", "wrong")), (401, 7_000_215));
        assert_eq!(refusal(&form("other", "right")), (400, 700_016));
        assert_eq!(refusal(&form("app", "right")[..3]), (401, 7_000_218));
        assert_eq!(refusal(&form("app", "right")[..2]), (400, 900_144));
        assert_eq!(refusal(&[("grant_type", "password")]), (400, 70_003));
    }

    #[test]
    fn a_token_opens_until_its_end_and_only_unchanged() {
        let auth = auth();
        let (token, life) = auth.issue("iss", "t", "app", "aud").unwrap();
        assert_eq!(life, 3600);
        assert!(auth.admits(Some(&format!("Bearer {token}"))));
        assert!(auth.admits(Some("bearer dev")));
        assert!(!auth.admits(Some(&format!("Basic {token}"))));
        assert!(!auth.admits(None));
        assert!(!auth.admits(Some("Bearer x.y.z")));
        assert!(!is_valid(&token, OffsetDateTime::now_utc() + Duration::hours(2)));
    }

    #[test]
    fn token_paths_name_the_tenant() {
        assert_eq!(token_path("/t/oauth2/v2.0/token"), Some("t"));
        assert_eq!(token_path("/t/oauth2/token"), Some("t"));
        assert_eq!(token_path("/oauth2/v2.0/token"), None);
        assert_eq!(token_path("/a/b/oauth2/v2.0/token"), None);
    }
}
