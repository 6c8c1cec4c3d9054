//! Boards and alerts in a real Prometheus: each question finds numbers in what a worker at work serves, and rules fire when they
//! must. Needs `prometheus` and `promtool`; `scripts/test` says so and leaves these tests out where they are not.

use std::path::Path;
use std::time::Duration;

use adx_emulator::Operation;
use adx_emulator::faults::{Effect, Rule};
use regex::Regex;
use serde_json::{Value, json};

use super::alerts::{OF_PERSONS, WAITING};
use super::names::selectors;
use super::{PAGE, RULES, Target, alerts, boards, targets};
use crate::support::{
    DATABASE, Kafka, Numbers, Prometheus, Raw, Sample, Stage, Worker, free_port, promtool, root, send_raw,
    unique, wait_for, within,
};

const MINUTE: Duration = Duration::from_mins(1);
/// Records a second of each topic.
const RATE: u32 = 200;
/// The job of the documentation's configuration.
const JOB: &str = "kusto-connect";

/// What no worker serves that is well, and why it is asked for all the same.
const WITH_A_FAULT: [(&str, &str); 3] = [
    (
        "kafka_connect_connector_status{status=\"failed\"}",
        "states are labels of one series, and one that works has another",
    ),
    (WAITING, "the same of partitions"),
    (OF_PERSONS, "a connector without a certificate has nothing that a person must renew"),
];

/// The configuration of the documentation.
fn documented() -> String {
    let page = std::fs::read_to_string(root().join(PAGE)).expect("the page");
    let (_, rest) = page.split_once("```yaml\n").expect("a configuration");
    let (block, _) = rest.split_once("```").expect("its end");
    block.lines().map(|line| line.strip_prefix("   ").unwrap_or(line).to_owned() + "\n").collect()
}

/// The same for a worker at `address`, in the time of a test.
fn configuration(address: &str) -> String {
    let mut text = documented();
    let rules = root().join(RULES).display().to_string();
    for (from, to) in [
        ("15s", "500ms\n  evaluation_interval: 500ms"),
        ("alerts.yaml", &rules),
        ("\"worker-1:9404\", \"worker-2:9404\"", &format!("\"{address}\"")),
    ] {
        assert!(text.contains(from), "{text}");
        text = text.replace(from, to);
    }
    text
}

#[test]
fn rules_are_right_and_fire_when_they_must() {
    let folder = root().join(Path::new(RULES).parent().expect("a folder"));
    let said = promtool(&folder, &["check", "rules", "alerts.yaml"]);
    assert!(said.contains(&format!("{} rules found", alerts().len())), "{said}");
    promtool(&folder, &["test", "rules", "alerts_test.yaml"]);
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    std::fs::write(dir.path().join("prometheus.yaml"), documented()).expect("written");
    std::fs::copy(folder.join("alerts.yaml"), dir.path().join("alerts.yaml")).expect("copied");
    promtool(dir.path(), &["check", "config", "prometheus.yaml"]);
}

/// A connector that queues one topic, streams another, and has dead letters.
fn config(stage: &Stage, streamed: &str, dlq: &str) -> Value {
    let mut config = stage.config();
    let mapping = |topic: &str, is_streaming: bool| {
        format!(
            "{{'topic':'{topic}','db':'{DATABASE}','table':'Numbers','format':'csv','streaming':{is_streaming}}}"
        )
    };
    let more = json!({
        "topics": format!("{},{streamed}", stage.topic),
        "kusto.tables.topics.mapping": format!("[{},{}]", mapping(&stage.topic, false), mapping(streamed, true)),
        "errors.tolerance": "all",
        "errors.deadletterqueue.topic.name": dlq,
        "errors.deadletterqueue.topic.replication.factor": "1",
        "transforms": "route",
        "transforms.route.type": "org.apache.kafka.connect.transforms.RegexRouter",
        "transforms.route.regex": ".*",
        "transforms.route.replacement": "nowhere",
        "transforms.route.predicate": "elsewhere",
        "predicates": "elsewhere",
        "predicates.elsewhere.type": "org.apache.kafka.connect.transforms.predicates.HasHeaderKey",
        "predicates.elsewhere.name": "elsewhere",
    });
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    config
}

/// What Grafana makes of an expression when this connector is chosen.
fn filled(expression: &str, connector: &str) -> String {
    let values = [
        ("${connector:regex}", connector),
        ("$connector", connector),
        ("$instance", ".+"),
        ("$job", JOB),
        ("$__rate_interval", "10s"),
        ("$__range", "1m"),
    ];
    values.iter().fold(expression.to_owned(), |text, (name, value)| text.replace(name, value))
}

/// A question, and the labels that its answer must have.
struct Question {
    place: String,
    expression: String,
    labels: Vec<String>,
}

/// All that boards ask, that their variables list, and the series that alerts watch.
fn questions(connector: &str) -> Vec<Question> {
    let in_legend = Regex::new(r"\{\{([a-z_]+)\}\}").unwrap();
    let mut all = Vec::new();
    for board in boards() {
        let scoped = targets(&board.json());
        all.extend(scoped.into_iter().map(|Target { place, expression, legend }| Question {
            place,
            expression: filled(&expression, connector),
            labels: in_legend.captures_iter(&legend).map(|found| found[1].to_owned()).collect(),
        }));
        all.extend(board.variables.iter().map(|variable| Question {
            place: format!("{}: the variable {}", board.title, variable.name),
            expression: format!("count by ({}) ({})", variable.name, filled(variable.series, connector)),
            labels: vec![variable.name.to_owned()],
        }));
    }
    // What is added to another, or an "or" hides, is asked for by itself too.
    let parts = all
        .iter()
        .flat_map(|one| selectors(&one.expression).into_iter().map(|part| (one.place.clone(), part)));
    let mut parts: Vec<_> = parts.collect();
    for alert in alerts() {
        parts.extend(selectors(&alert.expression).into_iter().map(|part| (alert.name.to_owned(), part)));
    }
    parts.sort_by(|(_, a), (_, b)| a.cmp(b));
    parts.dedup_by(|(_, a), (_, b)| a == b);
    let alone = parts.into_iter().filter(|(_, part)| WITH_A_FAULT.iter().all(|(text, _)| *text != part.text));
    all.extend(alone.map(|(place, part)| Question { place, expression: part.text, labels: Vec::new() }));
    all
}

/// It has a number, and its series the labels by which they are told apart.
fn is_answered(question: &Question, samples: &[Sample]) -> bool {
    let has_labels = |sample: &Sample| question.labels.iter().all(|label| sample.labels.contains_key(label));
    samples.iter().any(|sample| sample.value.is_finite()) && samples.iter().all(has_labels)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_question_is_answered_by_a_worker_at_work() {
    let kafka = Kafka::shared().await;
    let address = format!("127.0.0.1:{}", free_port());
    let worker = Worker::with(kafka, &[("metrics.listeners", &format!("http://{address}"))]).await;
    let stage = Stage::around(kafka, 2, worker).await;
    let (streamed, dlq) = (unique("streamed"), unique("dead"));
    kafka.create_topic(&streamed, 1).await;
    stage.adx.command(".alter table Numbers policy streamingingestion enable").await;
    // Of a try that is repeated.
    stage.adx.faults().add(Rule::new(Operation::PutBlob, Effect::ExpiredSas).times(1));
    let (scrapes, sink) = (configuration(&address), config(&stage, &streamed, &dlq));
    let (prometheus, ()) = tokio::join!(
        Prometheus::start(&scrapes),
        stage.worker.rest().create_running(&stage.connector, &sink),
    );
    let letters = "kafka_connect_task_error_deadletterqueue_produce_requests";
    wait_for("a scrape before the first letter", MINUTE, async || {
        (prometheus.query(letters).await.len() == 2).then_some(())
    })
    .await;
    let loads = [stage.load(kafka, RATE), Numbers::start(kafka, &streamed, 1, RATE)];
    send_raw(kafka, &stage.topic, &[Raw::text("k", "0,0,bad").header("elsewhere", b"1")]).await;
    let mut open = questions(&stage.connector);
    let asked = open.len();
    let answered = within(MINUTE, async || {
        let mut unanswered = Vec::new();
        for question in open.drain(..) {
            let samples = prometheus.query(&question.expression).await;
            if !is_answered(&question, &samples) {
                unanswered.push(question);
            }
        }
        open = unanswered;
        open.is_empty().then_some(())
    });
    let answered = answered.await;
    let open: Vec<_> = open.iter().map(|one| format!("{}: {}", one.place, one.expression)).collect();
    assert!(answered.is_some(), "{} of {asked} questions are not answered:\n{}", open.len(), open.join("\n"));
    let alert = wait_for("the alert about a dead letter", MINUTE, async || {
        let fires = |alert: &Value| {
            alert["state"] == "firing" && alert["labels"]["alertname"] == "KustoConnectDeadLetters"
        };
        prometheus.alerts().await.into_iter().find(fires)
    })
    .await;
    let summary = alert["annotations"]["summary"].as_str().expect("a summary");
    assert!(summary.contains(&stage.connector) && summary.contains(JOB), "{summary}");
    for load in loads {
        load.stop().await;
    }
}
