//! The ways in beside a key: a certificate, the identity of an App Service, the Azure CLI.

use super::super::IngestClient as _;
use super::entra::Entra;
use super::fake::{Fake, Op};
use super::login::{client, start};
use super::{Settings, own_identity, request, series, settings};
use crate::kusto::ingest::Error;
use crate::kusto::signin::Principal;
use crate::kusto::signin::SignIn;
use crate::kusto::signin::azure_cli::AzureCli;
use crate::kusto::signin::certificate::{Certificate, File};
use crate::kusto::signin::managed_identity::ManagedIdentity;
use crate::metrics::Metrics;
use crate::own_process;
use crate::secret::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::hash::MessageDigest;
use openssl::pkcs12::Pkcs12;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::sign::Verifier;
use openssl::stack::Stack;
use openssl::symm::Cipher;
use openssl::x509::{X509, X509Builder, X509NameBuilder};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use time::OffsetDateTime;

const PASSWORD: &str = "PASSWORD-OF-THE-FILE";

fn new_key() -> PKey<Private> {
    PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap()
}

/// A certificate of `subject`, signed by `issuer` or by itself.
fn certificate(subject: &str, key: &PKey<Private>, issuer: Option<(&X509, &PKey<Private>)>) -> X509 {
    let mut name = X509NameBuilder::new().unwrap();
    name.append_entry_by_text("CN", subject).unwrap();
    let name = name.build();
    let mut builder = X509Builder::new().unwrap();
    builder.set_version(2).unwrap();
    builder.set_serial_number(&BigNum::from_u32(7).unwrap().to_asn1_integer().unwrap()).unwrap();
    builder.set_subject_name(&name).unwrap();
    builder.set_issuer_name(issuer.map_or(&name, |(certificate, _)| certificate.subject_name())).unwrap();
    builder.set_pubkey(key).unwrap();
    builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::days_from_now(1).unwrap()).unwrap();
    builder.sign(issuer.map_or(key, |(_, key)| key), MessageDigest::sha256()).unwrap();
    builder.build()
}

fn principal(path: &Path, password: Option<&str>) -> Arc<dyn SignIn> {
    let principal = Principal::new("app-1".to_owned(), Some("tenant-1".to_owned()));
    let file = File { path: path.to_str().unwrap().into(), password: password.map(Secret::new) };
    Arc::new(Certificate { principal, file })
}

/// Header and claims of the statement in the login server's last request, after checking who signed it.
fn statement(entra: &Entra, own: &X509) -> (Value, Value) {
    let (line, body) = entra.requests().pop().unwrap();
    assert_eq!(line, "POST /tenant-1/oauth2/v2.0/token HTTP/1.1");
    let form: std::collections::BTreeMap<String, String> =
        url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    assert_eq!(form["client_assertion_type"], "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    assert_eq!((&*form["client_id"], &*form["grant_type"]), ("app-1", "client_credentials"));
    assert!(!form.contains_key("client_secret"));
    let (signed, signature) = form["client_assertion"].rsplit_once('.').unwrap();
    let key = own.public_key().unwrap();
    let mut verifier = Verifier::new(MessageDigest::sha256(), &key).unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    assert!(verifier.verify_oneshot(&signature, signed.as_bytes()).unwrap(), "the signature is wrong");
    let (header, claims) = signed.split_once('.').unwrap();
    let part = |text: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap();
    (part(header), part(claims))
}

#[tokio::test]
async fn a_certificate_signs_for_the_principal_and_sends_its_chain() {
    let (root_key, key) = (new_key(), new_key());
    let root = certificate("root", &root_key, None);
    let own = certificate("app", &key, Some((&root, &root_key)));
    let folder = tempfile::tempdir().unwrap();
    let pem = folder.path().join("app.pem");
    let locked = key.private_key_to_pem_pkcs8_passphrase(Cipher::aes_256_cbc(), PASSWORD.as_bytes()).unwrap();
    std::fs::write(&pem, [root.to_pem().unwrap(), own.to_pem().unwrap(), locked].concat()).unwrap();
    let pfx = folder.path().join("app.pfx");
    let mut authorities = Stack::new().unwrap();
    authorities.push(root.clone()).unwrap();
    let store = Pkcs12::builder().name("app").pkey(&key).cert(&own).ca(authorities).build2(PASSWORD).unwrap();
    std::fs::write(&pfx, store.to_der().unwrap()).unwrap();

    for path in [&pem, &pfx] {
        let (fake, entra) = start().await;
        fake.require("ACCESS-1");
        let sign_in = principal(path, Some(PASSWORD));
        let metrics = Metrics::default();
        let counts = metrics.sink(&"storm".into());
        client(Settings { sign_in, counts: counts.clone(), ..settings(&fake.url) }, &entra)
            .ingest(&request(1))
            .await
            .unwrap();
        let ends = series(&metrics, "credentials_expiry_timestamp_seconds");
        assert_eq!(ends.len(), 2, "{ends:?}");
        let [(labels, end), (token, _)] = <[_; 2]>::try_from(ends).unwrap();
        assert_eq!(
            (labels, token[0].as_str()),
            (vec!["certificate".to_owned(), "false".to_owned()], "token")
        );
        // A day after it was made.
        let left = end - crate::kusto::ingest::expiry::seconds(OffsetDateTime::now_utc());
        assert!((86_000.0..=86_400.0).contains(&left), "{left}");
        let (header, claims) = statement(&entra, &own);
        assert_eq!((&header["alg"], &header["typ"]), (&"RS256".into(), &"JWT".into()));
        let thumbprint = URL_SAFE_NO_PAD.encode(own.digest(MessageDigest::sha1()).unwrap());
        assert_eq!(header["x5t"], thumbprint);
        let chain: Vec<_> = [&own, &root].iter().map(|one| STANDARD.encode(one.to_der().unwrap())).collect();
        assert_eq!(header["x5c"], serde_json::json!(chain));
        assert_eq!((&claims["iss"], &claims["sub"]), (&"app-1".into(), &"app-1".into()));
        assert_eq!(claims["aud"], format!("{}/tenant-1/oauth2/v2.0/token", entra.url()));
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["nbf"].as_i64().unwrap(), 300);
    }
}

#[tokio::test]
async fn a_certificate_that_is_refused_is_read_again_for_the_next_try() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.pem");
    let write = |name: &str| {
        let key = new_key();
        let own = certificate(name, &key, None);
        std::fs::write(&path, [own.to_pem().unwrap(), key.private_key_to_pem_pkcs8().unwrap()].concat())
            .unwrap();
        own
    };
    let old = write("old");
    let (fake, entra) = start().await;
    let refused = r#"{"error":"invalid_client","error_description":"AADSTS700027: The certificate is expired","error_codes":[700027]}"#;
    entra.answer(401, refused);
    let client = client(Settings { sign_in: principal(&path, None), ..settings(&fake.url) }, &entra);
    let error = client.ingest(&request(1)).await.unwrap_err();
    assert!(error.to_string().contains("check aad.auth.certificate.path"), "{error}");
    statement(&entra, &old);
    let new = write("new");
    client.ingest(&request(1)).await.unwrap();
    statement(&entra, &new);

    std::fs::remove_file(&path).unwrap();
    entra.answer(401, refused);
    let (fake, entra) = start().await;
    let sign_in = principal(&path, None);
    let error =
        super::login::client(Settings { sign_in, ..settings(&fake.url) }, &entra).ingest(&request(1)).await;
    let error = error.unwrap_err();
    assert!(!error.is_retriable() && error.to_string().contains("app.pem cannot be read"), "{error}");
}

/// Other threads answer for the machine while this one waits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_identity_of_an_app_service_is_asked_for_at_its_endpoint() {
    if own_process::is_this() {
        return with_the_environment_of_an_app_service().await;
    }
    let machine = Fake::start().await;
    let endpoint = format!("{}msi/token", machine.url);
    let environment = [("IDENTITY_ENDPOINT", endpoint.as_str()), ("IDENTITY_HEADER", "header-1")];
    own_process::run(
        concat!(module_path!(), "::the_identity_of_an_app_service_is_asked_for_at_its_endpoint"),
        &environment,
    );
    let [seen] = <[_; 1]>::try_from(machine.seen(Op::Imds)).unwrap();
    assert_eq!(seen.headers["x-identity-header"], "header-1");
    for part in
        ["api-version=2019-08-01", "client_id=user-1", "resource=https%3A%2F%2Fkusto.kusto.windows.net"]
    {
        assert!(seen.query.contains(part), "{part} in {}", seen.query);
    }
}

async fn with_the_environment_of_an_app_service() {
    let (fake, entra) = start().await;
    fake.require("MACHINE-TOKEN");
    let sign_in = Arc::new(ManagedIdentity { client_id: Some("user-1".to_owned()) });
    client(Settings { sign_in, allowed: own_identity(), ..settings(&fake.url) }, &entra)
        .ingest(&request(1))
        .await
        .unwrap();
    assert!(entra.requests().is_empty());
}

/// An `az` that notes how it was called.
fn install_az(folder: &Path, script: &str) {
    let az = folder.join("az");
    std::fs::write(&az, format!("#!/bin/sh\necho \"$@\" >> '{}/calls'\n{script}\n", folder.display()))
        .unwrap();
    std::fs::set_permissions(&az, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[tokio::test]
async fn the_azure_cli_is_asked_once_for_a_token() {
    if own_process::is_this() {
        return with_an_azure_cli().await;
    }
    let folder = tempfile::tempdir().unwrap();
    install_az(
        folder.path(),
        r#"echo '{"accessToken":"CLI-TOKEN","expiresOn":"2100-01-01 00:00:00.000000","expires_on":4102444800,"tokenType":"Bearer"}'"#,
    );
    let path = format!("{}:/usr/bin:/bin", folder.path().display());
    own_process::run(
        concat!(module_path!(), "::the_azure_cli_is_asked_once_for_a_token"),
        &[("PATH", &path)],
    );
    let calls = std::fs::read_to_string(folder.path().join("calls")).unwrap();
    let expected = "account get-access-token -o json --scope https://kusto.kusto.windows.net/.default --tenant tenant-1\n";
    assert_eq!(calls, expected);
}

async fn with_an_azure_cli() {
    let (fake, entra) = start().await;
    fake.require("CLI-TOKEN");
    let sign_in = Arc::new(AzureCli { tenant: Some("tenant-1".to_owned()) });
    let client = client(Settings { sign_in, allowed: own_identity(), ..settings(&fake.url) }, &entra);
    client.ingest(&request(1)).await.unwrap();
    client.ingest(&request(2)).await.unwrap();
}

#[tokio::test]
async fn an_azure_cli_without_a_sign_in_fails_with_its_words() {
    if own_process::is_this() {
        return with_an_azure_cli_that_is_signed_out().await;
    }
    let folder = tempfile::tempdir().unwrap();
    install_az(folder.path(), "echo \"Please run 'az login' to setup account.\" >&2; exit 1");
    let path = format!("{}:/usr/bin:/bin", folder.path().display());
    own_process::run(
        concat!(module_path!(), "::an_azure_cli_without_a_sign_in_fails_with_its_words"),
        &[("PATH", &path)],
    );
}

async fn with_an_azure_cli_that_is_signed_out() {
    let (fake, entra) = start().await;
    let sign_in = Arc::new(AzureCli { tenant: None });
    let error = client(Settings { sign_in, allowed: own_identity(), ..settings(&fake.url) }, &entra)
        .ingest(&request(1))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Credentials { retriable: false, .. }), "{error}");
    assert!(error.to_string().contains("az login"), "{error}");
}
