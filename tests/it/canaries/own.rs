//! Secrets of a worker itself, which is not let in by Kafka or does not start.

use std::time::Duration;

use super::places;
use super::services::{Lent, Manner, Parrots};
use super::{assert_silent, canary, in_properties, in_url};
use crate::support::{Authority, Kafka, Worker, signal, wait_for};

/// A worker that never gets to Kafka, with users, a login, a token endpoint and key stores of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_is_not_let_in_keeps_its_own_secrets() {
    let kafka = Kafka::shared().await;
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let authority = Authority::new(folder.path());
    let lent = Lent { signature: String::new(), identity: String::new() };
    let parrots = Parrots::start(Manner::Status(401), &authority, &lent).await;
    let users = authority.put("users", format!("alice={}\n", canary(0)).as_bytes());
    let store = authority.put("worker.p12", &authority.keys("worker").pkcs12_bytes(&canary(1)));
    let extension = "org.apache.kafka.connect.rest.basic.auth.extension.BasicAuthSecurityRestExtension";
    let oauth = format!(
        "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required clientId=\"id\" \
         clientSecret=\"{}\";",
        canary(2).replace('"', "\\\"")
    );
    let endpoint = format!("{}/token?code={}", parrots.url(), in_url(&canary(3)));
    let login = places::login(&canary(4));
    let [oauth, login] = [oauth, login].map(|entry| in_properties(&entry));
    let common = [
        ("security.protocol", "SASL_PLAINTEXT"),
        ("rest.extension.classes", extension),
        ("rest.basic.auth.users.file", &users),
        ("admin.listeners", "https://127.0.0.1:0"),
        ("admin.listeners.https.ssl.keystore.location", &store),
    ];
    let right = ("admin.listeners.https.ssl.keystore.password", canary(1));
    let wrong = ("admin.listeners.https.ssl.keystore.password", canary(5));
    let by_password = [("sasl.mechanism", "PLAIN"), ("sasl.jaas.config", &login)];
    let by_token = [
        ("sasl.mechanism", "OAUTHBEARER"),
        ("sasl.jaas.config", &oauth),
        ("sasl.oauthbearer.token.endpoint.url", &endpoint),
    ];
    for (way, (key, password), level, format) in [
        (&by_password[..], &right, "trace", "json"),
        (&by_token[..], &right, "debug", "text"),
        (&by_password[..], &wrong, "trace", "text"),
    ] {
        let settings = [&common[..], way, &[(key, password.as_str())]].concat();
        let mut worker = Worker::stopped(kafka.bootstrap(), &settings);
        worker.environment("RUST_LOG", level);
        worker.environment("LOG_FORMAT", format);
        worker.spawn();
        let mut said = String::new();
        if password == &wrong.1 {
            assert!(!worker.ended(Duration::from_mins(1)).await.success());
            assert!(worker.log().contains("the password is wrong or missing"), "{}", worker.log());
        } else {
            said = health(&worker).await;
            signal(worker.pid(), "HUP");
            worker.terminate().await;
        }
        assert_silent(&said, 6);
        assert_silent(&worker.log(), 6);
    }
    assert!(parrots.heard(&canary(2)) && parrots.heard(&canary(3)), "no token was asked for");
}

/// What a worker says that is not let in, to those who know a password and those who do not.
async fn health(worker: &Worker) -> String {
    let client = reqwest::Client::new();
    let ask = async |path: &str, password: &str| {
        let request = client.get(worker.rest().url(path)).basic_auth("alice", Some(password));
        let answer = request.send().await.ok()?;
        Some((answer.status().as_u16(), answer.text().await.ok()?))
    };
    let refused =
        wait_for("an answer", Duration::from_mins(1), async || ask("/connectors", "another").await).await;
    assert_eq!(refused.0, 401, "{}", refused.1);
    let health = wait_for("the reason in /health", Duration::from_mins(1), async || {
        let (status, text) = ask("/health", &canary(0)).await?;
        assert_ne!(status, 401, "{text}");
        text.contains("waiting for Kafka").then_some(text)
    })
    .await;
    wait_for("the reason in the log", Duration::from_mins(1), async || {
        let log = worker.log();
        ["handshake failed", "no token for a Kafka client"].iter().any(|why| log.contains(why)).then_some(())
    })
    .await;
    format!("{}\n{health}\n", refused.1)
}
