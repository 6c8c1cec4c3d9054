//! A broker that allows nobody anything: each right that a worker or its connector lacks is named with the line that gives it, and
//! whoever runs these lines has all that is needed.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::json;

use super::demo::{Demo, Report};
use crate::support::{Secured, root};

/// So many looks are enough: what is behind a missing right is seen once that is there.
const MOST_LOOKS: usize = 8;

/// The `kafka-acls.sh` line in what is to be done about each check that failed.
fn lines(report: &Report) -> BTreeSet<String> {
    let line = |name: &str| {
        let to_do = report.check(name)["to_do"].as_str().expect("a sentence").to_owned();
        let at = to_do.find("kafka-acls.sh").unwrap_or_else(|| panic!("no command for {name}: {to_do}"));
        to_do[at..].to_owned()
    };
    report.names("failed").into_iter().map(line).collect()
}

/// Runs such a line as the operator of the broker.
async fn run(secured: &Secured, line: &str) {
    let words = line.replace("<broker>", secured.kafka.bootstrap()).replace("<user>", "alice");
    let mut command = Command::new(root().join("scripts/kafka"));
    command.args(["tool", "org.apache.kafka.tools.AclCommand"]).args(words.split(' ').skip(1));
    let output = tokio::task::spawn_blocking(move || command.output().expect("the tool runs")).await;
    let output = output.expect("its end");
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
}

/// What a line gives: operations, and on what.
fn given(line: &str) -> String {
    line.split("User:<user> ").nth(1).expect("what is given").to_owned()
}

/// Everything is there, by the operator's hand, but for one topic; and nobody may do anything. The demo with its topics of dead
/// letters: Connect's, which is not there, and the sink's own.
async fn set(secured: &Secured) -> (Demo, String, String) {
    let mut demo = Demo::set().await;
    let (letters, own_letters) = (format!("{}-dead", demo.topic), format!("{}-own-dead", demo.topic));
    for topic in [&demo.topic, &own_letters] {
        secured.kafka.create_topic(topic, 1).await;
    }
    for kind in ["config", "offset", "status"] {
        let topic = format!("{}-{kind}", demo.cluster);
        secured.kafka.create_topic_with(&topic, 1, &[("cleanup.policy", "compact")]).await;
    }
    let mut login = Secured::sign_in("PLAIN", Secured::PASSWORD);
    login.push(("ssl.truststore.location".to_owned(), secured.authority.pem_file()));
    login.push(("ssl.truststore.type".to_owned(), "PEM".to_owned()));
    demo.worker_with("bootstrap.servers", &secured.sasl());
    demo.connector_with(json!({
        "errors.tolerance": "all",
        "errors.deadletterqueue.topic.name": letters,
        "errors.deadletterqueue.topic.replication.factor": "1",
        "behavior.on.error": "LOG",
        "misc.deadletterqueue.bootstrap.servers": secured.sasl(),
        "misc.deadletterqueue.topic.name": own_letters,
    }));
    for (key, value) in &login {
        for prefix in ["", "consumer.", "producer.", "admin."] {
            demo.worker_with(&format!("{prefix}{key}"), value);
        }
        demo.connector_with(json!({ format!("misc.deadletterqueue.{key}"): value }));
    }
    (demo, letters, own_letters)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_right_that_is_missing_is_named_with_the_line_that_gives_it() {
    let secured = Secured::strict().await;
    let (demo, letters, own_letters) = set(&secured).await;
    // Of one topic a right is there already: only the others are named.
    let status = format!("--topic {}-status", demo.cluster);
    let begin = "kafka-acls.sh --bootstrap-server <broker> --add --allow-principal User:<user>";
    run(&secured, &format!("{begin} --operation Read {status}")).await;

    let mut all = BTreeSet::new();
    let mut report = demo.examine().await;
    assert!(
        report.names("failed").len() >= 5,
        "what needs no other right is named at once: {:#}",
        report.json
    );
    for _ in 0..MOST_LOOKS {
        for line in lines(&report) {
            assert!(all.insert(given(&line)), "{line} was run already, and {:#}", report.json);
            run(&secured, &line).await;
        }
        report = demo.examine().await;
        if report.names("failed").is_empty() {
            break;
        }
    }
    report.assert_good();
    let (cluster, topic) = (&demo.cluster, &demo.topic);
    for right in [
        format!("--operation All --topic {cluster}-config"),
        format!("--operation All --topic {cluster}-offset"),
        format!("--operation Write --topic {cluster}-status"),
        format!("--operation Read --group {cluster}"),
        format!("--operation Read --topic {topic}"),
        format!("--operation Create --topic {letters}"),
        format!("--operation Write --topic {own_letters}"),
    ] {
        assert!(all.contains(&right), "{right} is not in {all:?}");
    }
    let groups = all.iter().filter(|right| right.ends_with("--group connect-examined"));
    assert!(groups.count() >= 1, "{all:?}");
}
