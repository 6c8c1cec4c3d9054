//! Brokers that want a password or a certificate: storage topics, consumers and a connector work through each way in,
//! with the settings that Java's clients have; who is not let in says so, where its users look, without a secret.

use std::time::Duration;

use crate::support::sentences::KAFKA_REFUSES;
use crate::support::{Authority, Secured, Stage, Worker, wait_for};

/// The password of every store here.
const STORE: &str = "s3cret-of-stores";

/// Settings for the worker's own clients, and the same for the consumers of tasks.
fn for_all(settings: &[(String, String)]) -> Vec<(String, String)> {
    let consumers = settings.iter().map(|(key, value)| (format!("consumer.{key}"), value.clone()));
    settings.iter().cloned().chain(consumers).collect()
}

fn pairs(settings: &[(String, String)]) -> Vec<(&str, &str)> {
    settings.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect()
}

fn own(settings: &[(&str, &str)]) -> Vec<(String, String)> {
    settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// A worker that may only use the broker's port `bootstrap`, logging everything, moves records to ADX.
async fn delivers(broker: &Secured, bootstrap: &str, settings: Vec<(String, String)>, what: &str) {
    println!("--- {what}");
    let worker = logging_worker(bootstrap, &for_all(&settings)).await;
    let stage = Stage::around(&broker.kafka, 2, worker).await;
    stage.create().await;
    let sent = stage.send(&broker.kafka, 200).await;
    stage.adx.wait_for_all(&sent, Duration::from_mins(1)).await;
    assert_silent(&stage.worker, "");
}

/// A worker that logs everything.
async fn logging_worker(bootstrap: &str, settings: &[(String, String)]) -> Worker {
    let mut worker = Worker::stopped(bootstrap, &pairs(settings));
    worker.environment("LOG_LEVEL", "DEBUG");
    worker.start_again().await;
    worker
}

fn assert_silent(worker: &Worker, more: &str) {
    for line in worker.log().lines().chain(more.lines()) {
        for secret in [Secured::PASSWORD, STORE, WRONG, "PRIVATE KEY"] {
            assert!(!line.contains(secret), "a secret in: {line}");
        }
    }
}

const WRONG: &str = "wr0ng-password";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn passwords_and_certificates_of_every_kind_open_the_broker() {
    let broker = Secured::start().await;
    let authority = &broker.authority;
    let (pem, jks) = (authority.pem_file(), authority.java_trust_store("JKS", STORE));
    let pkcs12 = authority.java_trust_store("PKCS12", STORE);
    for (mechanism, trust) in [
        ("PLAIN", own(&[("ssl.truststore.type", "PEM"), ("ssl.truststore.location", &pem)])),
        ("SCRAM-SHA-256", own(&[("ssl.truststore.location", &jks), ("ssl.truststore.password", STORE)])),
        (
            "SCRAM-SHA-512",
            own(&[
                ("ssl.truststore.type", "PKCS12"),
                ("ssl.truststore.location", &pkcs12),
                ("ssl.truststore.password", STORE),
            ]),
        ),
    ] {
        let settings = [Secured::sign_in(mechanism, Secured::PASSWORD), trust].concat();
        delivers(&broker, &broker.sasl(), settings, mechanism).await;
    }

    let keys = authority.keys("client");
    let key_store = authority.put("client.p12", &keys.pkcs12_bytes(STORE));
    let (key, chain) = keys.pem();
    // As they stand in a properties file: line breaks are escapes.
    let line = |text: &str| text.replace('\n', "\\n");
    let ssl = ("security.protocol", "SSL");
    for (what, settings) in [
        (
            "a key store in PKCS12",
            own(&[
                ssl,
                ("ssl.keystore.type", "PKCS12"),
                ("ssl.keystore.location", &key_store),
                ("ssl.keystore.password", STORE),
                ("ssl.truststore.location", &pem),
            ]),
        ),
        (
            "keys in the settings",
            own(&[
                ssl,
                ("ssl.keystore.type", "PEM"),
                ("ssl.keystore.key", &line(&key)),
                ("ssl.keystore.certificate.chain", &line(&chain)),
                ("ssl.truststore.certificates", &line(&authority.pem())),
            ]),
        ),
    ] {
        delivers(&broker, &broker.mutual(), settings, what).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_not_let_in_says_why_and_keeps_the_secret() {
    let broker = Secured::start().await;
    let pem = broker.authority.pem_file();
    let trust = own(&[("ssl.truststore.location", &pem)]);
    let stranger_folder = tempfile::tempdir().unwrap();
    let stranger = Authority::new(stranger_folder.path()).pem_file();
    let wrong_password = [Secured::sign_in("SCRAM-SHA-512", WRONG), trust.clone()].concat();
    let right = [Secured::sign_in("PLAIN", Secured::PASSWORD), trust].concat();
    let mut wrong_authority = right.clone();
    wrong_authority.last_mut().unwrap().1.clone_from(&stranger);
    for (settings, expected, advice) in [
        (&wrong_password, "uthentication", "sasl.jaas.config"),
        (&wrong_authority, "certificate verify failed", "ssl.truststore"),
    ] {
        // The worker itself cannot reach its topics: it waits, and says what for.
        let mut worker = Worker::stopped(&broker.sasl(), &pairs(settings));
        worker.spawn();
        let rest = worker.rest().clone();
        let health = wait_for("the reason in /health", Duration::from_mins(1), async || {
            let answer = rest.try_send("GET", "/health", None).await.ok()?;
            let message = answer.message().to_owned();
            (answer.status == 503 && message.contains(expected)).then_some(message)
        })
        .await;
        assert!(health.contains(advice), "{health}");
        assert!(worker.log().contains(expected), "{}", worker.log());
        assert_silent(&worker, &health);
        worker.kill();

        // Only its consumers are refused: the task fails with the reason.
        let consumers = settings.iter().map(|(key, value)| (format!("consumer.{key}"), value.clone()));
        let all: Vec<_> = right.iter().cloned().chain(consumers).collect();
        let worker = logging_worker(&broker.sasl(), &all).await;
        let stage = Stage::around(&broker.kafka, 1, worker).await;
        let answer = stage.worker.rest().create(&stage.connector, &stage.config()).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        let (group, advice) = (format!("(group {})", stage.group()), format!("check consumer.{advice}"));
        let places = [expected, &group, &advice];
        let trace = KAFKA_REFUSES.fails(&stage.worker, &stage.connector, &places).await;
        assert_silent(&stage.worker, &trace);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connector_brings_its_own_password_and_its_mistakes_are_refused() {
    let broker = Secured::start().await;
    let trust = own(&[("ssl.truststore.location", &broker.authority.pem_file())]);
    let settings = [Secured::sign_in("PLAIN", Secured::PASSWORD), trust].concat();
    let worker = logging_worker(&broker.sasl(), &settings).await;
    let stage = Stage::around(&broker.kafka, 1, worker).await;
    let mut config = stage.config();
    for (key, value) in &settings {
        config[format!("consumer.override.{key}")] = value.clone().into();
    }
    stage.worker.rest().create_running(&stage.connector, &config).await;
    let sent = stage.send(&broker.kafka, 50).await;
    stage.adx.wait_for_all(&sent, Duration::from_mins(1)).await;

    for (key, value, expected) in [
        ("sasl.mechanism", "AWS_MSK_IAM", "set sasl.mechanism=SCRAM-SHA-512"),
        ("sasl.jaas.config", WRONG, "control flag not specified"),
        ("ssl.truststore.location", "/no/such/file", "cannot be read"),
        ("fetch.min.bytes", "many", "must be a whole number"),
    ] {
        let mut wrong = config.clone();
        wrong[format!("consumer.override.{key}")] = value.into();
        let answer = stage.worker.rest().create("wrong", &wrong).await;
        assert_eq!(answer.status, 400, "{key}: {}", answer.body);
        let message = answer.message();
        assert!(
            message.contains(&format!("consumer.override.{key}")) && message.contains(expected),
            "{message}"
        );
        assert_silent(&stage.worker, message);
    }
}
