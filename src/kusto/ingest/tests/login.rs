//! How tokens are had, used, renewed and refused.

use super::super::IngestClient as _;
use super::super::auth::Allowed;
use super::super::http::Http;
use super::super::managed::ManagedIngestClient;
use super::entra::Entra;
use super::fake::{Fake, Fault, Op, Seen};
use super::secrets::Log;
use super::{Settings, http, own_identity, places, request, series, settings, target, timings};
use crate::kusto::ingest::Error;
use crate::kusto::signin::Principal;
use crate::kusto::signin::SignIn;
use crate::kusto::signin::application::Application;
use crate::kusto::signin::azure_cli::AzureCli;
use crate::kusto::signin::dev_token::DevToken;
use crate::kusto::signin::managed_identity::ManagedIdentity;
use crate::kusto::signin::workload_identity::WorkloadIdentity;
use crate::metrics::Metrics;
use crate::own_process;
use crate::secret::Secret;
use std::sync::Arc;
use std::time::Duration;
use time::OffsetDateTime;
use url::Url;

const KEY: &str = "APP-KEY-TEXT";

fn application() -> Arc<dyn SignIn> {
    let principal = Principal::new("app-1".to_owned(), Some("tenant-1".to_owned()));
    Arc::new(Application { principal, key: Secret::new(KEY) })
}

/// A client that trusts the login server and does not wait long.
pub fn client(settings: Settings, entra: &Entra) -> ManagedIngestClient {
    let http = http(vec![entra.root()], settings.timings.clone());
    ManagedIngestClient::assemble(settings, http.clone(), http)
}

fn bearers(seen: &[Seen]) -> Vec<String> {
    seen.iter()
        .map(|seen| {
            seen.headers.get("authorization").map(|v| v.to_str().unwrap().to_owned()).unwrap_or_default()
        })
        .collect()
}

/// A cluster and its login server.
pub async fn start() -> (Fake, Entra) {
    let (fake, entra) = (Fake::start().await, Entra::start());
    fake.login(&entra.url());
    (fake, entra)
}

#[tokio::test]
async fn a_service_principal_gets_one_token_for_all_commands() {
    let (fake, entra) = start().await;
    fake.require("ACCESS-1");
    let client = client(Settings { sign_in: application(), ..settings(&fake.url) }, &entra);
    client.ingest(&request(1)).await.unwrap();
    client.ingest(&request(2)).await.unwrap();
    assert_eq!(bearers(&fake.seen(Op::Command)), ["Bearer ACCESS-1", "Bearer ACCESS-1"]);
    let [(line, body)] = <[_; 1]>::try_from(entra.requests()).unwrap();
    assert_eq!(line, "POST /tenant-1/oauth2/v2.0/token HTTP/1.1");
    let form: Vec<_> = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    for (name, value) in [
        ("client_id", "app-1"),
        ("client_secret", KEY),
        ("grant_type", "client_credentials"),
        ("scope", "https://kusto.kusto.windows.net/.default"),
    ] {
        assert!(form.contains(&(name.to_owned(), value.to_owned())), "{name}");
    }
    // Blobs and messages carry a signature, never the token.
    assert!(bearers(&fake.seen(Op::Blob)).iter().all(String::is_empty));
    assert!(bearers(&fake.seen(Op::Message)).iter().all(String::is_empty));
}

#[tokio::test]
async fn a_wrong_key_is_final_and_names_the_setting() {
    let (log, _guard) = Log::capture("trace");
    let (fake, entra) = start().await;
    entra.answer(
        401,
        r#"{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided. Trace ID: 1","error_codes":[7000215]}"#,
    );
    let metrics = Metrics::default();
    let counts = metrics.sink(&"storm".into());
    let client = client(Settings { sign_in: application(), counts, ..settings(&fake.url) }, &entra);
    let error = client.ingest(&request(1)).await.unwrap_err();
    assert!(matches!(error, Error::Credentials { retriable: false, .. }), "{error}");
    let counted = series(&metrics, "request_failures_total");
    assert_eq!(counted, [(["sign in", "401", "false"].map(str::to_owned).to_vec(), 1.0)]);
    assert!(series(&metrics, "credentials_expiry_timestamp_seconds").is_empty());
    for part in ["AADSTS7000215", "check aad.auth.appkey)"] {
        assert!(error.to_string().contains(part), "{part} in {error}");
    }
    assert_eq!(entra.requests().len(), 1);
    assert!(fake.seen(Op::Command).is_empty());
    let text = format!("{error} {error:?} {client:?} {}", log.text());
    assert!(!text.contains(KEY), "{text}");
}

#[tokio::test]
async fn a_login_server_in_trouble_is_waited_for() {
    let (fake, entra) = start().await;
    entra.answer(503, "<html>busy</html>");
    entra.answer(429, r#"{"error":"too_many","error_description":"slow down","error_codes":[1]}"#);
    entra.answer(400, r#"{"error":"temporarily_unavailable","error_description":"AADSTS90033: A transient error has occurred.","error_codes":[90033]}"#);
    let metrics = Metrics::default();
    let counts = metrics.sink(&"storm".into());
    let client = client(Settings { sign_in: application(), counts, ..settings(&fake.url) }, &entra);
    client.ingest(&request(1)).await.unwrap();
    assert_eq!(entra.requests().len(), 4);
    let counted = series(&metrics, "request_failures_total");
    // The page of 503 is not in the words of a login server: something stood in its place.
    let wanted =
        ["400", "429", "none"].map(|status| (["sign in", status, "true"].map(str::to_owned).to_vec(), 1.0));
    assert_eq!(counted, wanted);
}

#[tokio::test]
async fn a_login_server_that_is_not_there_is_waited_for() {
    let (fake, entra) = start().await;
    fake.login("https://localhost:9");
    let limit = Some(Duration::from_millis(100));
    let metrics = Metrics::default();
    let counts = metrics.sink(&"storm".into());
    let settings = Settings { sign_in: application(), retry_max_time: limit, counts, ..settings(&fake.url) };
    let client = client(settings, &entra);
    let error = client.ingest(&request(1)).await.unwrap_err();
    assert!(matches!(&error, Error::Exhausted { tries, .. } if *tries > 1), "{error}");
    let counted = series(&metrics, "request_failures_total");
    let is_unanswered = |labels: &[String]| labels[..2] == ["sign in", "none"];
    assert!(counted.iter().all(|(labels, _)| is_unanswered(labels)) && !counted.is_empty(), "{counted:?}");
    assert!(error.to_string().contains("cannot connect"), "{error}");
}

#[tokio::test]
async fn the_end_of_a_token_is_shown_until_it_is_refused_and_that_of_a_key_never() {
    let (fake, entra) = start().await;
    let metrics = Metrics::default();
    let counts = metrics.sink(&"storm".into());
    let client = client(Settings { sign_in: application(), counts, ..settings(&fake.url) }, &entra);
    let before = OffsetDateTime::now_utc().unix_timestamp();
    client.ingest(&request(1)).await.unwrap();
    let after = OffsetDateTime::now_utc().unix_timestamp();
    let hour = |at: i64| f64::from(u32::try_from(at + 3600).unwrap());
    let ends = series(&metrics, "credentials_expiry_timestamp_seconds");
    let [(labels, end)] = <[_; 1]>::try_from(ends).unwrap();
    assert_eq!(labels, ["token", "true"]);
    assert!(end >= hour(before) - 1.0 && end <= hour(after) + 1.0, "{end}");
    let refreshed = series(&metrics, "resources_refreshed_timestamp_seconds");
    let [(_, moment)] = <[_; 1]>::try_from(refreshed).unwrap();
    assert!(moment >= hour(before) - 3600.0 && moment <= hour(after) - 3599.0, "{moment}");
    fake.require("NEVER");
    entra.answer(
        401,
        r#"{"error":"invalid_client","error_description":"AADSTS7000222: expired","error_codes":[7000222]}"#,
    );
    client.check_targets(&[target("Samples", "Storms", None)], false).await.unwrap_err();
    assert_eq!(series(&metrics, "credentials_expiry_timestamp_seconds"), []);
    drop(client);
    assert!(metrics.read().sinks.is_empty());
}

#[tokio::test]
async fn a_token_of_the_settings_is_renewed_by_nobody() {
    let fake = Fake::start().await;
    let claims = r#"{"exp":1900000000}"#;
    let token =
        format!("e30.{}.c2ln", base64::Engine::encode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, claims));
    let metrics = Metrics::default();
    let counts = metrics.sink(&"storm".into());
    let sign_in = Arc::new(DevToken(Secret::new(token)));
    let client = client(Settings { sign_in, counts, ..settings(&fake.url) }, &Entra::start());
    client.ingest(&request(1)).await.unwrap();
    let ends = series(&metrics, "credentials_expiry_timestamp_seconds");
    assert_eq!(ends, [(["token", "false"].map(str::to_owned).to_vec(), 1.9e9)]);
}

#[tokio::test]
async fn a_refused_token_is_replaced_once() {
    let (fake, entra) = start().await;
    fake.require("ACCESS-2");
    let client = client(Settings { sign_in: application(), ..settings(&fake.url) }, &entra);
    client.ingest(&request(1)).await.unwrap();
    assert_eq!(bearers(&fake.seen(Op::Command))[..2], ["Bearer ACCESS-1", "Bearer ACCESS-2"]);

    let (fake, entra) = start().await;
    fake.require("NEVER");
    let client = self::client(Settings { sign_in: application(), ..settings(&fake.url) }, &entra);
    let error = client.ingest(&request(1)).await.unwrap_err();
    assert!(!error.is_retriable() && error.to_string().contains("status 401"), "{error}");
    assert_eq!(fake.seen(Op::Command).len(), 2);
}

#[tokio::test]
async fn an_emulator_without_a_login_server_gets_no_token() {
    let entra = Entra::start();
    for login in [None, Some("http://localhost:1")] {
        let fake = Fake::start().await;
        if let Some(login) = login {
            fake.login(login);
        }
        let client = client(Settings { sign_in: application(), ..settings(&fake.url) }, &entra);
        client.ingest(&request(1)).await.unwrap();
        assert_eq!(bearers(&fake.seen(Op::Command)), ["", ""]);
    }
    let fake = Fake::start().await;
    fake.fail(Op::Metadata, &[Fault::Answer(200, r#"{"AzureAD":null}"#)]);
    let client = client(Settings { sign_in: application(), ..settings(&fake.url) }, &entra);
    client.ingest(&request(1)).await.unwrap();
    assert!(entra.requests().is_empty());
}

/// A stranger in the cluster's place must not learn the key, neither itself nor by its login server.
#[tokio::test]
async fn the_key_is_not_sent_to_a_login_server_named_by_a_stranger() {
    let (fake, entra) = start().await;
    // All plain http goes to the fake: so it answers for any name.
    let proxy = reqwest::Proxy::http(fake.url.as_str()).unwrap();
    let pool = reqwest::Client::builder().proxy(proxy).add_root_certificate(entra.root()).build().unwrap();
    let cluster = Url::parse("http://cluster.example").unwrap();
    // The engine on loopback may have tokens of any login server: the check must be of the cluster that named it.
    let settings = Settings { sign_in: application(), query_url: fake.url.clone(), ..settings(&cluster) };
    let http = Http::new(pool, timings(), places());
    let client = ManagedIngestClient::assemble(settings, http.clone(), http);
    let error = client.ingest(&request(1)).await.unwrap_err();
    assert!(matches!(error, Error::Untrusted { .. }), "{error}");
    let error = client.check_targets(&[target("Samples", "Storms", None)], false).await.unwrap_err();
    assert!(matches!(error, Error::Untrusted { .. }), "{error}");
    assert_eq!(fake.seen(Op::Metadata).len(), 2);
    assert!(entra.requests().is_empty());
    assert!(fake.seen(Op::Command).is_empty());
}

/// The metadata service of the machine has one fixed address; a proxy for it leads to the fake.
#[tokio::test]
async fn a_managed_identity_asks_the_machine() {
    for (client_id, query) in [(None, None), (Some("user-1"), Some("client_id=user-1"))] {
        let (fake, entra) = start().await;
        fake.require("MACHINE-TOKEN");
        let proxy = reqwest::Proxy::http(fake.url.as_str()).unwrap();
        let proxied = reqwest::Client::builder().proxy(proxy).build().unwrap();
        let direct = Http::new(proxied, timings(), places());
        let sign_in = Arc::new(ManagedIdentity { client_id: client_id.map(str::to_owned) });
        let settings = Settings { sign_in, allowed: own_identity(), ..settings(&fake.url) };
        let http = http(vec![entra.root()], timings());
        ManagedIngestClient::assemble(settings, http, direct).ingest(&request(1)).await.unwrap();
        let [imds] = <[_; 1]>::try_from(fake.seen(Op::Imds)).unwrap();
        assert_eq!(imds.headers["metadata"], "true");
        assert!(imds.query.contains("resource=https%3A%2F%2Fkusto.kusto.windows.net"), "{}", imds.query);
        assert_eq!(query.is_some_and(|query| imds.query.contains(query)), client_id.is_some());
    }
}

/// The federated token and the tenant come from the environment.
#[tokio::test]
async fn a_workload_identity_trades_its_file_for_a_token() {
    if own_process::is_this() {
        return with_the_environment_of_a_pod().await;
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "FEDERATED-TEXT").unwrap();
    own_process::run(
        concat!(module_path!(), "::a_workload_identity_trades_its_file_for_a_token"),
        &[
            ("AZURE_CLIENT_ID", "app-2"),
            ("AZURE_TENANT_ID", "tenant-2"),
            ("AZURE_FEDERATED_TOKEN_FILE", file.path().to_str().unwrap()),
        ],
    );
}

async fn with_the_environment_of_a_pod() {
    let (fake, entra) = start().await;
    fake.require("ACCESS-1");
    let client = client(
        Settings { sign_in: Arc::new(WorkloadIdentity), allowed: own_identity(), ..settings(&fake.url) },
        &entra,
    );
    client.ingest(&request(1)).await.unwrap();
    let [(line, body)] = <[_; 1]>::try_from(entra.requests()).unwrap();
    assert_eq!(line, "POST /tenant-2/oauth2/v2.0/token HTTP/1.1");
    let form: Vec<_> = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    assert!(form.contains(&("client_id".to_owned(), "app-2".to_owned())));
    assert!(form.contains(&("client_assertion".to_owned(), "FEDERATED-TEXT".to_owned())));
}

#[tokio::test]
async fn a_workload_identity_without_its_environment_says_what_is_missing() {
    let (fake, entra) = start().await;
    let client = client(
        Settings { sign_in: Arc::new(WorkloadIdentity), allowed: own_identity(), ..settings(&fake.url) },
        &entra,
    );
    let error = client.ingest(&request(1)).await.unwrap_err();
    assert!(!error.is_retriable());
    assert!(error.to_string().contains("AZURE_FEDERATED_TOKEN_FILE"), "{error}");
}

/// What a process on loopback says of its cloud: its own login server, and a token for `resource`.
fn cloud_of(login: &str, resource: &str) -> &'static str {
    let cloud = serde_json::json!({"LoginEndpoint": login, "KustoServiceResourceId": resource});
    serde_json::json!({"AzureAD": cloud}).to_string().leak()
}

#[tokio::test]
async fn whoever_listens_on_loopback_chooses_no_audience() {
    let of_worker: Arc<dyn SignIn> = Arc::new(ManagedIdentity { client_id: None });
    for sign_in in [application(), of_worker] {
        for resource in [
            "https://management.azure.com",
            "https://vault.azure.net/",
            "https://evil\n\u{1b}[2J",
            &"x".repeat(90_000),
        ] {
            let (fake, entra) = start().await;
            fake.fail(Op::Metadata, &[Fault::Answer(200, cloud_of(&entra.url(), resource))]);
            let settings =
                Settings { sign_in: Arc::clone(&sign_in), allowed: own_identity(), ..settings(&fake.url) };
            let error = client(settings, &entra).ingest(&request(1)).await.unwrap_err();
            assert!(matches!(error, Error::Untrusted { .. }), "{error}");
            let text = error.to_string();
            assert!(text.len() < 1000 && !text.contains(char::is_control), "{text}");
            assert!(text.contains("which is not ADX") && text.contains("kusto.ingestion.url"), "{text}");
            assert!(entra.requests().is_empty() && fake.seen(Op::Imds).is_empty());
            assert!(fake.seen(Op::Command).is_empty());
        }
    }
}

#[tokio::test]
async fn loopback_gets_no_identity_of_the_workers_without_the_operators_word() {
    let of_worker: [Arc<dyn SignIn>; 3] = [
        Arc::new(ManagedIdentity { client_id: None }),
        Arc::new(WorkloadIdentity),
        Arc::new(AzureCli { tenant: None }),
    ];
    for sign_in in of_worker {
        let (fake, entra) = start().await;
        let insecure = Allowed { insecure: true, ..Allowed::default() };
        for allowed in [Allowed::default(), insecure] {
            let settings = Settings { sign_in: Arc::clone(&sign_in), allowed, ..settings(&fake.url) };
            let error = client(settings, &entra).ingest(&request(1)).await.unwrap_err();
            assert!(matches!(error, Error::Untrusted { .. }), "{error}");
            assert!(error.to_string().contains("worker.allow.identity.hosts"), "{error}");
        }
        assert!(entra.requests().is_empty() && fake.seen(Op::Imds).is_empty());
        assert!(fake.seen(Op::Command).is_empty());
    }
}

/// The key of an application, and a pod's token, go to no login server that a process on loopback makes up.
#[tokio::test]
async fn whoever_listens_on_loopback_names_no_login_server_elsewhere() {
    for sign_in in [application(), Arc::new(WorkloadIdentity)] {
        let (fake, entra) = start().await;
        fake.login("https://login.evil.example");
        let settings = Settings { sign_in, allowed: own_identity(), ..settings(&fake.url) };
        let error = client(settings, &entra).ingest(&request(1)).await.unwrap_err();
        assert!(matches!(error, Error::Untrusted { .. }), "{error}");
        assert!(fake.seen(Op::Command).is_empty());
    }
}

#[tokio::test]
async fn what_a_login_server_says_is_quoted_briefly() {
    let (fake, entra) = start().await;
    let long = "no ".repeat(30_000);
    let body = format!(r#"{{"error":"invalid_client","error_description":"{long}","error_codes":[1]}}"#);
    entra.answer(401, &body);
    let client = client(Settings { sign_in: application(), ..settings(&fake.url) }, &entra);
    let text = client.ingest(&request(1)).await.unwrap_err().to_string();
    assert!(text.len() < 1000, "{} letters", text.len());
}
