//! Tokens and TLS: who is admitted, and what the others are answered.

use adx_emulator::Options;
use adx_emulator::options::AuthOptions;
use serde_json::{Value, json};

use crate::support::Rig;

fn strict() -> Options {
    Options {
        tls_listen: Some(([127, 0, 0, 1], 0).into()),
        auth: AuthOptions {
            require: true,
            client_id: Some("app".to_owned()),
            client_secret: Some("right".to_owned()),
            dev_token: Some("developer".to_owned()),
            token_lifetime: None,
        },
        ..Options::default()
    }
}

async fn token(rig: &Rig, secret: &str) -> (u16, Value) {
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", "app"),
        ("client_secret", secret),
        ("scope", "https://kusto.kusto.windows.net/.default"),
    ];
    let answer = rig.post("/tenant/oauth2/v2.0/token").form(&form).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test]
async fn only_tokens_issued_here_open_the_endpoints() {
    let rig = Rig::with(strict()).await;
    let ask = async |bearer: &str| {
        let request = rig.post("/v1/rest/mgmt").body(r#"{"csl":".get kusto identity token"}"#);
        request.bearer_auth(bearer).send().await.unwrap().status().as_u16()
    };
    let refused = rig.ask(".get ingestion resources").await;
    assert_eq!(refused.status(), 401);
    assert!(refused.headers()["www-authenticate"].to_str().unwrap().starts_with("Bearer"));
    assert_eq!(rig.ask("T | count").await.status(), 401);
    let streaming = rig.post("/v1/rest/ingest/lab/T").body("x").send().await.unwrap();
    assert_eq!(streaming.status(), 401);
    assert_eq!(ask("made up").await, 401);
    assert_eq!(ask("developer").await, 200);
    let (status, body) = token(&rig, "wrong").await;
    assert_eq!(
        (status, &body["error"], &body["error_codes"]),
        (401, &json!("invalid_client"), &json!([7_000_215]))
    );
    assert!(body["error_description"].as_str().unwrap().starts_with("AADSTS7000215: "));
    let (status, body) = token(&rig, "right").await;
    assert_eq!((status, &body["token_type"]), (200, &json!("Bearer")));
    assert_eq!(ask(body["access_token"].as_str().unwrap()).await, 200);
}

#[tokio::test]
async fn managed_identities_get_tokens_in_their_own_form() {
    let rig = Rig::with(strict()).await;
    let base = rig.emulator.http_url();
    let query = "?api-version=2018-02-01&resource=https://kusto.kusto.windows.net";
    let imds = format!("{base}/metadata/identity/oauth2/token{query}");
    assert_eq!(rig.http.get(&imds).send().await.unwrap().status(), 400);
    let answer: Value =
        rig.http.get(&imds).header("Metadata", "true").send().await.unwrap().json().await.unwrap();
    assert!(answer["expires_on"].as_str().unwrap().parse::<i64>().is_ok());
    let service = format!("{base}/msi/token{query}&client_id=app");
    let answer = rig.http.get(&service).header("x-identity-header", "x").send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let stranger = service.replace("client_id=app", "client_id=stranger");
    let answer = rig.http.get(&stranger).header("x-identity-header", "x").send().await.unwrap();
    assert_eq!(answer.status(), 400);
}

#[tokio::test]
async fn tls_is_trusted_with_the_written_authority_only() {
    let rig = Rig::with(strict()).await;
    let url = rig.emulator.https_url().unwrap();
    let port = url.rsplit(':').next().unwrap();
    let authority = std::fs::read(rig.emulator.ca_file().unwrap()).unwrap();
    let authority = reqwest::Certificate::from_pem(&authority).unwrap();
    let client = reqwest::Client::builder().no_proxy().add_root_certificate(authority).build().unwrap();
    for host in ["localhost", "127.0.0.1"] {
        let base = format!("https://{host}:{port}");
        let metadata: Value =
            client.get(format!("{base}/v1/rest/auth/metadata")).send().await.unwrap().json().await.unwrap();
        assert_eq!(metadata["AzureAD"]["LoginEndpoint"], base);
        let resources = client.post(format!("{base}/v1/rest/mgmt")).bearer_auth("developer");
        let resources = resources.body(r#"{"csl":".get ingestion resources"}"#).send().await.unwrap();
        assert!(resources.text().await.unwrap().contains(&format!("\"{base}/acct1/")));
        let document = format!("{base}/tenant/v2.0/.well-known/openid-configuration");
        let document: Value = client.get(document).send().await.unwrap().json().await.unwrap();
        assert_eq!(document["token_endpoint"], format!("{base}/tenant/oauth2/v2.0/token"));
    }
    rig.http.get(&url).send().await.unwrap_err();
}
