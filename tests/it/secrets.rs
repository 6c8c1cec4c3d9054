//! Secrets: the key of the application, tokens and signatures are in no log line and in no error, at any log level.
//! (The config endpoints show what was posted, as Connect's do.)

use std::time::Duration;

use adx_emulator::Options;
use adx_emulator::options::AuthOptions;
use serde_json::{Value, json};

use crate::support::sentences::{WRONG_SECRET, WRONG_SETTING, assert_logged};
use crate::support::{Adx, DATABASE, Kafka, Sent, Worker, unique, wait_for};

const KEY: &str = "s3cr3t-key-of-the-application";
const WRONG_KEY: &str = "wr0ng-key-of-the-application";
const DEV_TOKEN: &str = "t0ken-given-by-hand";
const CLIENT: &str = "11111111-2222-3333-4444-555555555555";
const TENANT: &str = "99999999-8888-7777-6666-555555555555";

/// A worker that logs everything, an emulator with TLS that wants a token, a topic and a table.
struct Guarded {
    adx: Adx,
    worker: Worker,
    topic: String,
}

impl Guarded {
    async fn set(kafka: &Kafka) -> Self {
        Self::with(kafka, &[]).await
    }

    /// The same with further settings of the worker.
    async fn with(kafka: &Kafka, settings: &[(&str, &str)]) -> Self {
        let auth = AuthOptions {
            require: true,
            client_id: Some(CLIENT.to_owned()),
            client_secret: Some(KEY.to_owned()),
            dev_token: Some(DEV_TOKEN.to_owned()),
            token_lifetime: None,
        };
        let tls_listen = Some(([127, 0, 0, 1], 0).into());
        let adx = Adx::with(Options { auth, tls_listen, ..Options::default() }).await.authorized(DEV_TOKEN);
        adx.create_numbers().await;
        let topic = unique("guarded");
        kafka.create_topic(&topic, 1).await;
        let mut worker = Worker::stopped(kafka.bootstrap(), settings);
        worker.environment("SSL_CERT_FILE", adx.ca_file().to_str().expect("a path"));
        worker.environment("LOG_LEVEL", "TRACE");
        worker.start_again().await;
        Self { adx, worker, topic }
    }

    fn config(&self, authentication: &Value) -> Value {
        let mut config = json!({
            "connector.class": "com.microsoft.azure.kusto.kafka.connect.sink.KustoSinkConnector",
            "topics": self.topic,
            "tasks.max": "1",
            "flush.interval.ms": "300",
            "kusto.ingestion.url": self.adx.https_url(),
            "kusto.query.url": self.adx.https_url(),
            "kusto.tables.topics.mapping":
                format!("[{{'topic': '{}', 'db': '{DATABASE}', 'table': 'Numbers', 'format': 'csv'}}]", self.topic),
        });
        let more = authentication.as_object().expect("an object").clone();
        config.as_object_mut().expect("an object").extend(more);
        config
    }

    async fn send(&self, kafka: &Kafka) -> Sent {
        crate::support::Numbers::send(kafka, &self.topic, 1, 100).await
    }

    /// No line of the log holds a secret of ours, a signature or a token.
    fn assert_silent(&self, more: &str) {
        let log = self.worker.log();
        assert!(log.contains("DEBUG"), "the log says too little to prove anything");
        for line in log.lines().chain(more.lines()) {
            for secret in [KEY, WRONG_KEY, DEV_TOKEN, "Bearer e"] {
                assert!(!line.contains(secret), "a secret in: {line}");
            }
            for (at, _) in line.match_indices("sig=") {
                let rest = &line[at + 4..];
                let hidden =
                    rest.starts_with("[hidden]") || rest.starts_with("***") || rest.starts_with("REDACTED");
                assert!(hidden, "a signature in: {line}");
            }
        }
    }
}

fn application(key: &str) -> Value {
    json!({ "aad.auth.appid": CLIENT, "aad.auth.appkey": key, "aad.auth.authority": TENANT })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_right_key_opens_and_stays_hidden() {
    let kafka = Kafka::shared().await;
    let stage = Guarded::set(kafka).await;
    stage.worker.rest().create_running("keyed", &stage.config(&application(KEY))).await;
    let sent = stage.send(kafka).await;
    stage.adx.wait_for_all(&sent, Duration::from_mins(1)).await;
    stage.assert_silent("");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_key_fails_the_task_names_the_setting_and_stays_hidden() {
    let kafka = Kafka::shared().await;
    let stage = Guarded::set(kafka).await;
    let rest = stage.worker.rest();
    let answer = rest.create("keyed", &stage.config(&application(WRONG_KEY))).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    let sent = stage.send(kafka).await;
    let trace = WRONG_SECRET.fails(&stage.worker, "keyed", &["AADSTS7000215", "check aad.auth.appkey"]).await;
    // A mistake elsewhere in a config with a secret: the error must not repeat the secret.
    let mut broken = stage.config(&application(KEY));
    broken["flush.size.bytes"] = "many".into();
    let answer = rest.create("broken", &broken).await;
    assert_eq!(answer.status, 400);
    broken.as_object_mut().expect("an object").remove("connector.class");
    let without_class = rest.create("broken", &broken).await;
    stage.assert_silent(&format!("{trace}\n{}\n{}", answer.body, without_class.body));

    let body = stage.config(&application(KEY)).to_string();
    assert_eq!(rest.send("PUT", "/connectors/keyed/config", Some(body)).await.status, 200);
    stage.adx.wait_for_all(&sent, Duration::from_mins(1)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_from_a_config_provider_opens_and_is_shown_nowhere() {
    let kafka = Kafka::shared().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secrets.properties");
    let write = |key: &str| std::fs::write(&file, format!("appkey={key}\n")).unwrap();
    write(KEY);
    let class = "org.apache.kafka.common.config.provider.FileConfigProvider";
    let settings = [
        ("config.providers", "vault"),
        ("config.providers.vault.class", class),
        ("config.providers.vault.param.allowed.paths", folder.path().to_str().unwrap()),
    ];
    let stage = Guarded::with(kafka, &settings).await;
    let rest = stage.worker.rest();
    let variable = format!("${{vault:{}:appkey}}", file.display());
    let config = stage.config(&application(&variable));
    rest.create_running("provided", &config).await;
    let sent = stage.send(kafka).await;
    stage.adx.wait_for_all(&sent, Duration::from_mins(1)).await;

    // Wherever the settings are shown or kept, the variable stands; a validation shows it in no form.
    let shown = rest.get("/connectors/provided/config").await.body;
    assert_eq!(shown["aad.auth.appkey"], variable.as_str());
    let body = config.to_string();
    let path = "/connector-plugins/KustoSinkConnector/config/validate";
    let validated = rest.send("PUT", path, Some(body)).await;
    assert_eq!(validated.status, 200, "{}", validated.body);

    // A restart reads the file anew: a wrong key fails the task, a missing file the connector.
    write(WRONG_KEY);
    let restart = "/connectors/provided/restart?includeTasks=true";
    assert_eq!(rest.post(restart).await.status, 202);
    stage.send(kafka).await;
    let trace = rest.wait_for_trace("provided").await;
    WRONG_SECRET.assert_said(&trace, &["check aad.auth.appkey"]);
    std::fs::remove_file(&file).unwrap();
    assert_eq!(rest.post(restart).await.status, 202);
    let reason = format!("Could not read properties from file {}", file.display());
    let missing = wait_for("the missing file in the trace", Duration::from_mins(1), async || {
        let status = rest.get("/connectors/provided/status").await.body;
        let trace = status["connector"]["trace"].as_str()?.to_owned();
        (status["connector"]["state"] == "FAILED" && trace.contains(&reason)).then_some(trace)
    })
    .await;
    WRONG_SETTING.assert_said(&missing, &[&reason, "correct aad.auth.appkey"]);
    assert_logged(&stage.worker, &missing);
    let refused = rest.create("again", &config).await;
    assert_eq!(refused.status, 400);
    assert!(refused.message().contains(&reason), "{}", refused.body);
    stage.assert_silent(&format!("{shown}\n{}\n{trace}\n{missing}\n{}", validated.body, refused.body));
    for (key, value) in kafka.records(&stage.worker.config_topic()).await {
        assert!(!value.unwrap_or_default().contains(KEY), "a secret in {key:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_given_by_hand_stays_hidden() {
    let kafka = Kafka::shared().await;
    let stage = Guarded::set(kafka).await;
    let token = json!({ "aad.auth.strategy": "AZ_DEV_TOKEN", "aad.auth.accesstoken": DEV_TOKEN });
    stage.worker.rest().create_running("tokened", &stage.config(&token)).await;
    let sent = stage.send(kafka).await;
    stage.adx.wait_for_all(&sent, Duration::from_mins(1)).await;
    stage.assert_silent("");
}
