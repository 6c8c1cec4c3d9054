//! Standalone mode: connectors from files, everything but offsets in memory, answers that come when the work is done.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{DATABASE, Kafka, Stage, Worker, wait_for};

/// A standalone worker that was not started, and all around it.
async fn stage(kafka: &Kafka) -> Stage {
    Stage::around(kafka, 2, Worker::standalone(kafka.bootstrap())).await
}

/// A connector's settings as lines of a properties file.
fn properties(name: &str, config: &Value) -> String {
    let config = config.as_object().expect("an object");
    let lines = config.iter().map(|(key, value)| format!("{key}={}\n", value.as_str().expect("a text")));
    lines.fold(format!("name={name}\n"), |text, line| text + &line)
}

async fn wait_until_healthy(stage: &Stage) {
    wait_for("the worker to be healthy", Duration::from_mins(1), async || {
        let health = stage.worker.rest().try_send("GET", "/health", None).await.ok()?;
        (health.status == 200).then_some(())
    })
    .await;
}

async fn state(stage: &Stage, name: &str) -> String {
    let status = stage.worker.rest().get(&format!("/connectors/{name}/status")).await.body;
    let tasks = status["tasks"].as_array().expect("tasks");
    let tasks: Vec<_> = tasks.iter().filter_map(|task| task["state"].as_str()).collect();
    format!("{} [{}]", status["connector"]["state"].as_str().unwrap_or_default(), tasks.join(" "))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connectors_come_from_files_and_go_on_where_they_ended_while_changes_by_rest_are_forgotten() {
    let kafka = Kafka::shared().await;
    let mut stage = stage(kafka).await;
    let name = stage.connector.clone();
    let (paused, plain) = (format!("{name}-paused"), format!("{name}-properties"));
    let config = stage.config();
    let mut flat = config.clone();
    flat["name"] = name.as_str().into();
    // Whatever the files are called: what is in them counts.
    stage.worker.connector_file("flat.properties", &flat.to_string());
    let request =
        json!({ "name": paused, "config": config, "initial_state": "paused", "note": "not for us" });
    stage.worker.connector_file("request.json", &request.to_string());
    // A topic of its own: what it reads must not be among the rows that are counted.
    let elsewhere = config.to_string().replace(&stage.topic, &format!("{}-other", stage.topic));
    let elsewhere = serde_json::from_str(&elsewhere).expect("JSON");
    stage.worker.connector_file("plain.conf", &properties(&plain, &elsewhere));
    stage.worker.start_again().await;
    wait_until_healthy(&stage).await;

    // All files were processed: nothing is to be waited for.
    let rest = stage.worker.rest().clone();
    assert_eq!(rest.get("/connectors").await.body, json!([name, paused, plain]));
    assert_eq!(state(&stage, &name).await, "RUNNING [RUNNING RUNNING]");
    assert_eq!(state(&stage, &paused).await, "PAUSED []");
    assert_eq!(state(&stage, &plain).await, "RUNNING [RUNNING RUNNING]");
    assert!(rest.get("/").await.body["kafka_cluster_id"].is_string());
    let first = stage.send(kafka, 200).await.total();
    wait_for("the first rows", Duration::from_mins(1), async || {
        (stage.adx.count("Numbers").await == first).then_some(())
    })
    .await;
    let by_rest = format!("{name}-by-rest");
    let created = rest.create(&by_rest, &elsewhere).await;
    assert_eq!((created.status, created.body["tasks"].as_array().map(Vec::len)), (201, Some(2)));
    assert_eq!(rest.put(&format!("/connectors/{name}/pause")).await.status, 202);
    assert_eq!(state(&stage, &name).await, "PAUSED [PAUSED PAUSED]");

    assert!(stage.worker.terminate().await.success());
    stage.worker.start_again().await;
    wait_until_healthy(&stage).await;
    assert_eq!(rest.get("/connectors").await.body, json!([name, paused, plain]));
    assert_eq!(state(&stage, &name).await, "RUNNING [RUNNING RUNNING]", "the pause is forgotten");
    let all = first + stage.send(kafka, 100).await.total();
    wait_for("the rows of the second life", Duration::from_mins(1), async || {
        let rows = stage.adx.count("Numbers").await;
        assert!(rows <= all, "{rows} rows, {all} were sent: it did not go on where it ended");
        (rows == all).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn restarts_are_done_before_they_are_answered_and_what_is_unknown_is_named_in_its_words() {
    let kafka = Kafka::shared().await;
    let mut stage = stage(kafka).await;
    let (name, mut config) = (stage.connector.clone(), stage.config());
    config["kusto.tables.topics.mapping"] =
        json!([{ "topic": stage.topic, "db": DATABASE, "table": "Later", "format": "csv" }])
            .to_string()
            .into();
    stage.worker.connector_file("sink.properties", &properties(&name, &config));
    stage.worker.start_again().await;
    wait_until_healthy(&stage).await;
    assert_eq!(state(&stage, &name).await, "RUNNING [FAILED FAILED]", "no table, no tasks");
    stage.adx.command(".create table Later (Id: long)").await;
    let rest = stage.worker.rest().clone();
    let answer = rest.post(&format!("/connectors/{name}/tasks/0/restart")).await;
    assert_eq!(answer.status, 204, "{}", answer.body);
    assert_eq!(state(&stage, &name).await, "RUNNING [RUNNING RUNNING]");
    let answer = rest.post(&format!("/connectors/{name}/restart?includeTasks=true")).await;
    assert_eq!((answer.status, &answer.body["connector"]["state"]), (202, &"RESTARTING".into()));
    assert_eq!(state(&stage, &name).await, "RUNNING [RUNNING RUNNING]");

    for (path, message) in [
        ("/connectors/nope/restart".to_owned(), "Connector nope not found".to_owned()),
        ("/connectors/nope/restart?onlyFailed=true".to_owned(), "Unknown connector: nope".to_owned()),
        ("/connectors/nope/tasks/0/restart".to_owned(), "Connector nope not found".to_owned()),
        (format!("/connectors/{name}/tasks/7/restart"), format!("Task {name}-7 not found")),
    ] {
        let answer = rest.post(&path).await;
        assert_eq!((answer.status, answer.message()), (404, message.as_str()), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_that_cannot_succeed_ends_with_the_code_and_the_words_of_connect() {
    let kafka = Kafka::shared().await;
    let refused = json!({ "name": "x", "connector.class": "org.example.Nope", "topics": "t" }).to_string();
    let cases = [
        ("topics=t", 3, "is missing the mandatory 'name' configuration"),
        (
            refused.as_str(),
            3,
            "Failed to find any class that implements Connector and which name matches org.example.Nope",
        ),
        (r#"{"name": "x", "config": {"name": "y"}}"#, 3, "doesn't match the one specified in 'name'"),
    ];
    for (text, code, words) in cases {
        let mut worker = Worker::standalone(kafka.bootstrap());
        worker.connector_file("sink", text);
        worker.spawn();
        let status = worker.ended(Duration::from_mins(1)).await;
        assert_eq!(status.code(), Some(code), "{text}:\n{}", worker.log());
        assert!(worker.log().contains(words), "{text}:\n{}", worker.log());
    }
}

#[test]
fn a_wrong_command_line_and_wrong_settings_have_codes_of_their_own() {
    let program = env!("CARGO_BIN_EXE_kusto-connect");
    let run = |arguments: &[&str]| {
        let output = std::process::Command::new(program).args(arguments).output().expect("it runs");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, usage) = run(&["standalone"]);
    assert!(code == Some(1) && usage.contains("Usage: kusto-connect standalone"), "{code:?}: {usage}");
    let file = tempfile::NamedTempFile::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a file");
    let path = file.path().to_str().expect("text");
    assert_eq!(run(&["standalone", path]).0, Some(2), "nothing that is required is there");
    assert_eq!(run(&["standalone", "/nowhere/worker.properties"]).0, Some(2));
}
