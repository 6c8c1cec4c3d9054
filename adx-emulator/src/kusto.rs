//! The Kusto endpoints for metadata, management commands and queries.
//!
//! Plays the ingestion service (resources, identity token) itself and hands everything else to the engine.

use std::sync::Arc;

use axum::response::Response;
use serde_json::json;

use adx_engine::{Answer, KustoError, KustoType, Table};

use crate::app::App;
use crate::http_request::HttpRequest;
use crate::kusto_http::{Reply, refuse_without_token};
use crate::operation::Operation;
use crate::queue_messages::identity_token;
use crate::statement::Statement;

/// Kusto's resource id, as the public cloud states it.
const RESOURCE_ID: &str = "https://kusto.kusto.windows.net";

/// `GET /v1/rest/auth/metadata`.
pub(crate) fn metadata(app: &App, request: &HttpRequest) -> Response {
    let base = request.base_url();
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
    Reply::of(request).success(&body)
}

/// A command of the ingestion service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Command {
    Resources,
    IdentityToken,
    Version,
    QueuedOperations,
    Engine,
}

/// What the management command `csl` is, whatever its case and spaces.
fn command(csl: &str) -> Command {
    // A list may touch the word before it.
    let text = csl.trim().trim_end_matches(';').replace('(', " ( ");
    let words: Vec<_> = text.split_whitespace().map(str::to_ascii_lowercase).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [".get" | ".show", "ingestion", "resources"] => Command::Resources,
        [".get", "kusto", "identity", "token"] => Command::IdentityToken,
        [".show", "version"] => Command::Version,
        [".show", "queued", "ingestion", "operations", ..] if !csl.contains('|') => Command::QueuedOperations,
        _ => Command::Engine,
    }
}

/// `POST /v1/rest/mgmt`.
pub(crate) async fn mgmt(app: Arc<App>, mut request: HttpRequest) -> Response {
    let reply = Reply::of(&request);
    let statement = Statement::read(&mut request).await;
    request.about = statement.as_ref().ok().map(|statement| statement.text.clone());
    let command = statement.as_ref().map_or(Command::Engine, |statement| command(&statement.text));
    let operation = match command {
        Command::Resources => Operation::IngestionResources,
        Command::IdentityToken => Operation::IdentityToken,
        Command::Version | Command::QueuedOperations | Command::Engine => Operation::Mgmt,
    };
    let inner = Arc::clone(&app);
    app.guard(operation, request, |request, expired| async move {
        if let Some(response) = refuse_without_token(&inner.auth, &reply, &request) {
            return response;
        }
        let statement = match statement {
            Ok(statement) => statement,
            Err(error) => return reply.error(&error),
        };
        match command {
            Command::Resources => reply.success(&resources(&inner, &request, expired).to_v1()),
            Command::IdentityToken => reply.success(&identity().to_v1()),
            Command::QueuedOperations => reply.success(&operations(&inner, &statement.text).to_v1()),
            Command::Version if ingestion_host(&request) => reply.success(&version().to_v1()),
            Command::Version | Command::Engine => match execute(&inner, statement).await {
                Ok(answer) => reply.success(&answer.to_v1()),
                Err(error) => reply.error(&error),
            },
        }
    })
    .await
}

/// `/v1/rest/query` and `/v2/rest/query`.
pub(crate) async fn query(app: Arc<App>, mut request: HttpRequest) -> Response {
    let reply = Reply::of(&request);
    let statement = Statement::read(&mut request).await;
    request.about = statement.as_ref().ok().map(|statement| statement.text.clone());
    let inner = Arc::clone(&app);
    app.guard(Operation::Query, request, |request, _| async move {
        if let Some(response) = refuse_without_token(&inner.auth, &reply, &request) {
            return response;
        }
        let statement = match statement {
            Ok(statement) => statement,
            Err(error) => return reply.error(&error),
        };
        let frames = statement.frames;
        match execute(&inner, statement).await {
            Ok(answer) if request.path.starts_with("/v2/") => reply.success_text(answer.to_v2_text(frames)),
            Ok(answer) => reply.success(&answer.to_v1()),
            Err(error) => reply.error(&error),
        }
    })
    .await
}

async fn execute(app: &App, statement: Statement) -> Result<Answer, KustoError> {
    let Statement { database, text, options, .. } = statement;
    app.with_engine(move |engine| engine.execute(database.as_deref(), &text, &options)).await?
}

fn resources(app: &App, request: &HttpRequest, expired: bool) -> Answer {
    let rows = app.resources(request, expired);
    let columns = [("ResourceTypeName", KustoType::String), ("StorageRoot", KustoType::String)];
    Answer::table(Table::new(
        &columns,
        rows.into_iter().map(|(kind, url)| vec![json!(kind.as_str()), json!(url)]).collect(),
    ))
}

fn identity() -> Answer {
    let token = json!(identity_token());
    Answer::table(Table::new(&[("AuthorizationContext", KustoType::String)], vec![vec![token]]))
}

/// The operations whose ids stand in quotes in the command `csl`; those that are not known are left out.
fn operations(app: &App, csl: &str) -> Answer {
    let columns = [
        ("IngestionOperationId", KustoType::String),
        ("StartedOn", KustoType::DateTime),
        ("LastUpdatedOn", KustoType::DateTime),
        ("State", KustoType::String),
        ("Discovered", KustoType::Long),
        ("Pending", KustoType::Long),
        ("Canceled", KustoType::Long),
        ("Ingested", KustoType::Long),
        ("Failed", KustoType::Long),
        ("SampleFailedReasons", KustoType::String),
        ("Database", KustoType::String),
        ("Table", KustoType::String),
    ];
    let mut rows = Vec::new();
    for id in csl.split(['"', '\'']).skip(1).step_by(2) {
        let Some(found) = app.operations.summary(id) else { continue };
        let state = match (found.pending, found.failed) {
            (0, 0) => "Completed",
            (0, _) => "Failed",
            _ => "InProgress",
        };
        rows.push(vec![
            json!(id),
            json!(found.started),
            json!(found.updated),
            json!(state),
            json!(found.pending + found.succeeded + found.failed),
            json!(found.pending),
            json!(0),
            json!(found.succeeded),
            json!(found.failed),
            json!(found.reason),
            json!(found.database),
            json!(found.table),
        ]);
    }
    Answer::table(Table::new(&columns, rows))
}

/// The host name says which of the two services the client believes to talk to.
fn ingestion_host(request: &HttpRequest) -> bool {
    request.header("host").is_some_and(|host| host.starts_with("ingest-"))
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

#[cfg(test)]
mod tests {
    use super::{Command, command};

    #[test]
    fn commands_are_recognised_in_any_case_and_spacing() {
        assert_eq!(command(".show ingestion resources"), Command::Resources);
        assert_eq!(command("  .GET\n ingestion\tResources ;"), Command::Resources);
        assert_eq!(command(".get kusto identity token"), Command::IdentityToken);
        assert_eq!(command(".show version"), Command::Version);
        assert_eq!(command(".show ingestion failures"), Command::Engine);
        assert_eq!(command(".show queued ingestion operations(\"a;b\", \"c\")"), Command::QueuedOperations);
        assert_eq!(command(".show queued ingestion operations 'a'"), Command::QueuedOperations);
        assert_eq!(command(".show queued ingestion operations 'a' | count"), Command::Engine);
    }
}
