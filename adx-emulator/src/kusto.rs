//! The Kusto endpoints: metadata, management, query, streaming ingestion.
//!
//! Plays the ingestion service (resources, identity token) itself and hands everything else to the engine. Owns the
//! form of answers (request ids, gzip, error bodies).

use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::App;
use crate::engine::{Answer, KustoError, KustoType, Table};
use crate::operation::Operation;
use crate::request::{Request, bad_request};
use crate::wire::{self, Asked};

/// Kusto's resource id, as the public cloud states it.
const RESOURCE_ID: &str = "https://kusto.kusto.windows.net";

/// The ids of one request and how its answer must look.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    client_request: String,
    activity: Uuid,
    gzip: bool,
}

impl Head {
    /// The head for a request.
    pub(crate) fn of(asked: &Asked) -> Self {
        let activity = Uuid::new_v4();
        let client_request = asked
            .header("x-ms-client-request-id")
            .map_or_else(|| format!("unspecified;{activity}"), str::to_owned);
        let gzip = asked.header("accept-encoding").is_some_and(|text| text.contains("gzip"));
        Self { client_request, activity, gzip }
    }

    /// A success.
    pub(crate) fn answer(&self, body: &Value) -> Response {
        self.answer_text(body.to_string())
    }

    /// A success whose body is this JSON.
    fn answer_text(&self, body: String) -> Response {
        self.finish(200, body)
    }

    /// A refusal.
    pub(crate) fn error(&self, error: &KustoError) -> Response {
        tracing::debug!(%error, "request refused");
        self.finish(error.status, error.body(&self.client_request, self.activity).to_string())
    }

    fn finish(&self, status: u16, text: String) -> Response {
        let zipped = if self.gzip { zip(text.as_bytes()) } else { None };
        let coded = zipped.is_some();
        let body = zipped.map_or_else(|| Body::from(text), Body::from);
        let mut response = wire::answer(status, "application/json", body);
        if coded {
            wire::set(&mut response, "content-encoding", "gzip");
        }
        wire::set(&mut response, "x-ms-client-request-id", &self.client_request);
        wire::set(&mut response, "x-ms-activity-id", &self.activity.to_string());
        response
    }
}

fn zip(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok()
}

/// The whole of gzip data, all its members, when it is not longer than `limit`.
pub(crate) fn unzip(bytes: &[u8], limit: u64) -> Result<Vec<u8>, String> {
    let mut raw = Vec::new();
    let read = MultiGzDecoder::new(bytes)
        .take(limit + 1)
        .read_to_end(&mut raw)
        .map_err(|error| error.to_string())?;
    if read as u64 > limit { Err(format!("more than {limit} bytes uncompressed")) } else { Ok(raw) }
}

/// `GET /v1/rest/auth/metadata`.
pub(crate) fn metadata(app: &App, asked: &Asked) -> Response {
    let base = asked.base_url();
    // Sign-in libraries ask for https; the host is the one the client knows us by.
    let login = match (app.tls_port, url::Url::parse(&base)) {
        (Some(port), Ok(url)) => format!("https://{}:{port}", url.host_str().unwrap_or("localhost")),
        _ => base,
    };
    let body = json!({"AzureAD": {
        "LoginEndpoint": login,
        "LoginMfaRequired": false,
        "KustoClientAppId": "db662dc1-0cfe-4e1c-a843-19a68e65be58",
        "KustoClientRedirectUri": "https://microsoft/kustoclient",
        "KustoServiceResourceId": RESOURCE_ID,
        "FirstPartyAuthorityUrl": format!("{login}/f8cdef31-a31e-4b4a-93e4-5f571e91255a"),
    }});
    Head::of(asked).answer(&body)
}

pub(crate) fn unauthorized() -> KustoError {
    KustoError {
        status: 401,
        code: "Unauthorized",
        summary: "Authentication failed.",
        kusto_type: "Kusto.DataNode.Exceptions.KustoUnauthorizedException",
        message: "The request has no bearer token, or one that was not issued here or has expired."
            .to_owned(),
        permanent: true,
    }
}

/// The refusal of a request without a token that counts.
pub(crate) fn check(app: &App, head: &Head, asked: &Asked) -> Option<Response> {
    if app.auth.admits(asked.header("authorization")) {
        return None;
    }
    let mut response = head.error(&unauthorized());
    let challenge = format!("Bearer authorization_uri=\"{}/common\"", asked.base_url());
    wire::set(&mut response, "www-authenticate", &challenge);
    Some(response)
}

/// A command of the ingestion service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Command {
    Resources,
    IdentityToken,
    Version,
    Engine,
}

/// What the management command `csl` is, whatever its case and spaces.
fn command(csl: &str) -> Command {
    let words: Vec<_> =
        csl.trim().trim_end_matches(';').split_whitespace().map(str::to_ascii_lowercase).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [".get" | ".show", "ingestion", "resources"] => Command::Resources,
        [".get", "kusto", "identity", "token"] => Command::IdentityToken,
        [".show", "version"] => Command::Version,
        _ => Command::Engine,
    }
}

/// `POST /v1/rest/mgmt`.
pub(crate) async fn mgmt(app: Arc<App>, mut asked: Asked) -> Response {
    let head = Head::of(&asked);
    let request = Request::read(&mut asked).await;
    let command = request.as_ref().map_or(Command::Engine, |request| command(&request.csl));
    let operation = match command {
        Command::Resources => Operation::IngestionResources,
        Command::IdentityToken => Operation::IdentityToken,
        Command::Version | Command::Engine => Operation::Mgmt,
    };
    let inner = Arc::clone(&app);
    app.guard(operation, asked, |asked, expired| async move {
        if let Some(response) = check(&inner, &head, &asked) {
            return response;
        }
        let request = match request {
            Ok(request) => request,
            Err(error) => return head.error(&error),
        };
        match command {
            Command::Resources => head.answer(&resources(&inner, &asked, expired).to_v1()),
            Command::IdentityToken => head.answer(&identity().to_v1()),
            Command::Version if ingestion_host(&asked) => head.answer(&version().to_v1()),
            Command::Version | Command::Engine => match execute(&inner, request).await {
                Ok(answer) => head.answer(&answer.to_v1()),
                Err(error) => head.error(&error),
            },
        }
    })
    .await
}

/// `/v1/rest/query` and `/v2/rest/query`.
pub(crate) async fn query(app: Arc<App>, mut asked: Asked) -> Response {
    let head = Head::of(&asked);
    let request = Request::read(&mut asked).await;
    let inner = Arc::clone(&app);
    app.guard(Operation::Query, asked, |asked, _| async move {
        if let Some(response) = check(&inner, &head, &asked) {
            return response;
        }
        let request = match request {
            Ok(request) => request,
            Err(error) => return head.error(&error),
        };
        let frames = request.frames;
        match execute(&inner, request).await {
            Ok(answer) if asked.path.starts_with("/v2/") => head.answer_text(answer.to_v2_text(frames)),
            Ok(answer) => head.answer(&answer.to_v1()),
            Err(error) => head.error(&error),
        }
    })
    .await
}

async fn execute(app: &App, request: Request) -> Result<Answer, KustoError> {
    let engine = app.engine.clone();
    let work = move || engine.execute(request.database.as_deref(), &request.csl, &request.options);
    blocking(work).await?
}

/// Runs a call of the engine, which blocks, beside the async threads.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, KustoError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| KustoError {
        status: 500,
        code: "Internal service error",
        summary: "Request aborted due to an internal service error.",
        kusto_type: "Kusto.Data.Exceptions.KustoServiceException",
        message: format!("the emulator's engine failed: {error}"),
        permanent: false,
    })
}

/// Type and URL of each ingestion resource, as the asking client reaches them.
pub(crate) fn resource_rows(app: &App, asked: &Asked, expired: bool) -> Vec<(&'static str, String)> {
    let base = app.options.public_url.as_ref().map_or_else(|| asked.base_url(), ToString::to_string);
    let lifetime: Option<Duration> = (!expired).then_some(app.options.sas_lifetime);
    app.backend.resources(&base, lifetime)
}

fn resources(app: &App, asked: &Asked, expired: bool) -> Answer {
    let rows = resource_rows(app, asked, expired);
    let columns = [("ResourceTypeName", KustoType::String), ("StorageRoot", KustoType::String)];
    Answer::table(Table::new(
        &columns,
        rows.into_iter().map(|(kind, url)| vec![json!(kind), json!(url)]).collect(),
    ))
}

fn identity() -> Answer {
    let token = json!(crate::mail::identity_token());
    Answer::table(Table::new(&[("AuthorizationContext", KustoType::String)], vec![vec![token]]))
}

/// The host name says which of the two services the client believes to talk to.
fn ingestion_host(asked: &Asked) -> bool {
    asked.header("host").is_some_and(|host| host.starts_with("ingest-"))
}

fn version() -> Answer {
    let columns = ["BuildVersion", "BuildTime", "ServiceType", "ProductVersion", "ServiceOffering"];
    let columns =
        columns.map(|name| (name, if name == "BuildTime" { KustoType::DateTime } else { KustoType::String }));
    let version = env!("CARGO_PKG_VERSION");
    let row = vec![
        json!(version),
        json!("2026-01-01T00:00:00.0000000Z"),
        json!("DataManagement"),
        json!(version),
        json!("{\"Type\":\"adx-emulator\"}"),
    ];
    Answer::table(Table::new(&columns, vec![row]))
}

/// The body of a request, uncompressed when it says `Content-Encoding: gzip`.
pub(crate) async fn uncompressed(asked: &mut Asked, limit: usize) -> Result<Bytes, KustoError> {
    let gzip = asked.header("content-encoding").is_some_and(|text| text.eq_ignore_ascii_case("gzip"));
    let body = std::mem::replace(&mut asked.body, Body::empty());
    let body = wire::whole(body, limit).await.map_err(|status| KustoError {
        status: status.as_u16(),
        code: "Request is too large",
        summary: "Request payload is too large or incomplete.",
        kusto_type: "Kusto.DataNode.Exceptions.KustoRequestPayloadTooLargeException",
        message: format!("The body broke off or is larger than the maximum allowed size of {limit} bytes."),
        permanent: true,
    })?;
    if !gzip {
        return Ok(body);
    }
    // Raw data of streaming ingestion is small; the factor only stops a bomb.
    let raw =
        unzip(&body, 64 * limit as u64).map_err(|error| bad_request(&format!("the gzip body: {error}")))?;
    Ok(raw.into())
}

#[cfg(test)]
mod tests {
    use super::{Command, command, unzip, zip};

    #[test]
    fn commands_are_known_in_any_dress() {
        assert_eq!(command(".show ingestion resources"), Command::Resources);
        assert_eq!(command("  .GET\n ingestion\tResources ;"), Command::Resources);
        assert_eq!(command(".get kusto identity token"), Command::IdentityToken);
        assert_eq!(command(".show version"), Command::Version);
        assert_eq!(command(".show ingestion failures"), Command::Engine);
    }

    #[test]
    fn all_members_of_a_gzip_are_read_up_to_the_limit() {
        let mut two = zip(b"one").unwrap();
        two.extend(zip(b"two").unwrap());
        assert_eq!(unzip(&two, 6).unwrap(), b"onetwo");
        assert!(unzip(&two, 5).is_err());
        assert!(unzip(&two[..two.len() - 4], 6).is_err());
    }
}
