//! The signals of the process: none ends a worker before its tasks are drained.

use std::time::Duration;

use crate::support::{Kafka, Stage, Worker, signal, wait_for};

const SOON: Duration = Duration::from_secs(30);
/// What means nothing to a worker, and would kill another process.
const NOTHING: [&str; 7] = ["USR1", "USR2", "ALRM", "VTALRM", "PROF", "XCPU", "XFSZ"];

async fn wait_for_line(worker: &Worker, line: &str) {
    wait_for(format!("the line {line}"), SOON, async || worker.log().contains(line).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_signal_ends_a_worker_undrained_in_any_mode_or_stage() {
    let kafka = Kafka::shared().await;
    // The third has no Kafka: it never gets beyond its start.
    let away = Worker::stopped("127.0.0.1:9", &[]);
    for mut worker in [Worker::stopped(kafka.bootstrap(), &[]), Worker::standalone(kafka.bootstrap()), away] {
        worker.spawn();
        wait_for_line(&worker, "starting the worker").await;
        for name in NOTHING.iter().chain(&["HUP", "PIPE"]) {
            signal(worker.pid(), name);
        }
        for name in NOTHING {
            wait_for_line(&worker, &format!("SIG{name}: it means nothing")).await;
        }
        wait_for("its REST", SOON, async || worker.rest().try_send("GET", "/health", None).await.ok()).await;
        signal(worker.pid(), "HUP");
        wait_for_line(&worker, "SIGHUP: the levels of loggers are those of the settings again").await;
        assert!(worker.runs());
        signal(worker.pid(), "QUIT");
        assert!(worker.ended(SOON).await.success());
        assert!(worker.log().contains("SIGQUIT: stopping"), "{}", worker.log());
        assert!(worker.log().contains("all tasks were drained"), "{}", worker.log());
        // It waits for nobody who is not asked for anything any more.
        assert!(!worker.log().contains("connections were cut"), "{}", worker.log());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigquit_drains_and_commits() {
    let kafka = Kafka::shared().await;
    let mut stage = Stage::set(kafka, 2).await;
    let mut config = stage.config();
    // A batch that would wait for minutes: only the drain can bring these rows.
    config["flush.interval.ms"] = "600000".into();
    config["flush.size.bytes"] = "100000000".into();
    let rest = stage.worker.rest().clone();
    rest.create_running(&stage.connector, &config).await;
    let sent = stage.send(kafka, 300).await;
    for name in NOTHING.iter().chain(&["HUP"]) {
        signal(stage.worker.pid(), name);
    }
    wait_for_line(&stage.worker, "SIGHUP: the levels").await;
    signal(stage.worker.pid(), "QUIT");
    assert!(stage.worker.ended(SOON).await.success());
    stage.worker.start_again().await;
    let verdict = stage.adx.wait_for_all(&sent, SOON).await;
    assert_eq!((verdict.missing, verdict.duplicates), (0, 0), "{verdict:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sighup_reads_the_level_of_log_lines_again() {
    let kafka = Kafka::shared().await;
    let worker = Worker::start(kafka).await;
    let level = async |name: &str| {
        let answer = worker.rest().get(&format!("/admin/loggers/{name}")).await;
        answer.body["level"].as_str().unwrap_or_default().to_owned()
    };
    let body = Some(r#"{"level": "WARN"}"#.to_owned());
    let rest = "org.apache.kafka.connect.runtime.rest";
    assert_eq!(worker.rest().send("PUT", &format!("/admin/loggers/{rest}"), body).await.status, 200);
    assert_eq!((level("root").await, level(rest).await), ("INFO".to_owned(), "WARN".to_owned()));
    let settings = std::fs::read_to_string(worker.settings_file()).expect("settings");
    std::fs::write(worker.settings_file(), format!("{settings}log.level=debug\n")).expect("a file");
    signal(worker.pid(), "HUP");
    wait_for("the new level", SOON, async || (level(rest).await == "DEBUG").then_some(())).await;
    assert_eq!(level("root").await, "DEBUG");
    worker.rest().get("/connectors/asked-at-debug").await;
    wait_for_line(&worker, "/connectors/asked-at-debug").await;
    // Settings that cannot be read change nothing.
    std::fs::write(worker.settings_file(), "log.level=loud\n").expect("a file");
    signal(worker.pid(), "HUP");
    wait_for_line(&worker, "SIGHUP: the levels of loggers stay").await;
    assert_eq!(level("root").await, "DEBUG");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_nobody_hears_goes_on() {
    let kafka = Kafka::shared().await;
    let mut worker = Worker::stopped(kafka.bootstrap(), &[]).unheard();
    worker.start_again().await;
    let body = Some(r#"{"level": "TRACE"}"#.to_owned());
    assert_eq!(worker.rest().send("PUT", "/admin/loggers/root", body).await.status, 200);
    signal(worker.pid(), "USR1");
    signal(worker.pid(), "HUP");
    for _ in 0..10 {
        assert_eq!(worker.rest().get("/connectors").await.status, 200);
    }
    assert!(worker.runs());
    assert!(worker.terminate().await.success());
}
