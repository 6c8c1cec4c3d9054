//! REST answers what a real worker answered: the whole recording is sent, in order, to a worker of ours that really runs
//! its connectors on a real broker, and each answer is compared.
//!
//! What is decided to differ is one row of [`DECIDED`]; the table in `docs/differences.md` is made from it.

use std::fmt::Write;
use std::time::Duration;

use reqwest::header;
use serde_json::{Value, json};

use crate::support::{Kafka, TestWorker, generated, unique, wait_for};

const RECORDED: &str = include_str!("../fixtures/golden/connect-rest.jsonl");
/// What stands for the address of Kusto; nobody listens there.
const KUSTO: &str = "https://localhost:8443";

/// A decided difference to the recorded worker.
struct Decided {
    /// The cases that it concerns; one that ends with `*` is the beginning of several.
    cases: &'static [&'static str],
    theirs: &'static str,
    ours: &'static str,
    why: &'static str,
    /// Makes the recorded answer ours, or the answers alike; what differs then is an error.
    settle: fn(&mut Answer, &mut Answer),
}

/// What is compared.
#[derive(Debug, Clone, PartialEq)]
struct Answer {
    status: u16,
    location: Option<String>,
    content_type: Option<String>,
    body: Value,
}

const DECIDED: &[Decided] = &[
    Decided {
        cases: &["create malformed", "create empty body", "create empty object", "create unknown field"],
        theirs: "500 with the text of a Java exception",
        ours: "400 with a text that says what is wrong",
        why: "the mistake is the client's, and it should see which",
        settle: is_bad_request,
    },
    Decided {
        cases: &["validate unknown plugin"],
        theirs: "500, `org.apache.kafka.connect.runtime.rest.errors.BadRequestException: Failed to find any class …`",
        ours: "400, `Failed to find any class …`, as for a request to create such a connector",
        why: "the mistake is the client's",
        settle: is_bad_request,
    },
    Decided {
        cases: &["unknown path", "put list", "create form"],
        theirs: "no `Content-Type`",
        ours: "`Content-Type: application/json`",
        why: "the body is JSON there, too",
        settle: |recorded, _| recorded.content_type = Some("application/json".to_owned()),
    },
    Decided {
        cases: &["create no class"],
        theirs: "the message shows the whole config, secrets too",
        ours: "secrets are `[hidden]`; keys are sorted",
        why: "secrets belong in no message",
        settle: |recorded, ours| {
            let shown = message(ours);
            let hidden =
                shown.contains("aad.auth.accesstoken=[hidden]") && shown.contains("topics=conf-topic");
            if hidden
                && shown.starts_with("Connector config {")
                && shown.ends_with("} contains no connector type")
            {
                recorded.body = ours.body.clone();
            }
        },
    },
    Decided {
        cases: &["create unknown class"],
        theirs: "the message lists the plugins of the recorded worker",
        ours: "the message lists ours",
        why: "we have other plugins",
        settle: |recorded, ours| {
            let (head, _) = message(recorded).split_once("version=").unwrap();
            if message(ours).starts_with(head) {
                recorded.body = ours.body.clone();
            }
        },
    },
    Decided {
        cases: &["plugins"],
        theirs: "`FileStreamSinkConnector` and `FileStreamSourceConnector` are listed",
        ours: "what is built in is listed: no file connectors, but the Fabric one",
        why: "classes that do not work are not shown as if they did",
        settle: |recorded, _| {
            let plugins = recorded.body.as_array_mut().unwrap();
            plugins.retain(|plugin| !plugin["class"].as_str().unwrap().contains(".file."));
            let fabric = "com.microsoft.fabric.connect.eventhouse.sink.FabricSinkConnector";
            plugins.insert(1, json!({ "class": fabric, "type": "sink", "version": "1.3.1" }));
        },
    },
    Decided {
        cases: &["plugin config", "validate good", "validate no name", "validate bad*"],
        theirs: "the keys of the sink 5.3.1",
        ours: "the same, and behind them keys of our own",
        why: "what that sink cannot do needs a setting",
        settle: |_, ours| {
            let body = &mut ours.body;
            if let Some(keys) = body.as_array_mut() {
                keys.retain(|key| !is_own(key));
            } else if let Some(keys) = body["configs"].as_array_mut() {
                keys.retain(|key| !is_own(&key["definition"]));
            }
        },
    },
    Decided {
        cases: &["create bad: bad strategy", "validate bad: bad strategy"],
        theirs: "the message lists the names of `aad.auth.strategy`",
        ours: "it lists `AZ_CLI` too",
        why: "one more way in",
        settle: |recorded, _| {
            let text =
                recorded.body.to_string().replace("workload_identity", "workload_identity, AZ_CLI, az_cli");
            recorded.body = serde_json::from_str(&text).unwrap();
        },
    },
    Decided {
        cases: &["logger set"],
        theirs: "only the logger that was named: the recorded worker had no log library whose loggers it could list",
        ours: "it and all known loggers below it whose level became another one, as a worker with Log4j answers",
        why: "tools look for these names",
        settle: |recorded, ours| {
            let namespace = recorded.body[0].as_str().unwrap().to_owned();
            let is_below = |name: &Value| name.as_str().is_some_and(|name| name.starts_with(&namespace));
            let all = ours.body.as_array().unwrap();
            if all.contains(&recorded.body[0]) && all.iter().all(is_below) {
                recorded.body = ours.body.clone();
            }
        },
    },
    Decided {
        cases: &["validate*"],
        theirs: "the converters of the recorded worker are recommended, which had none for schema registries",
        ours: "Confluent's and Apicurio's are recommended too",
        why: "they are built in",
        settle: |_, ours| {
            let configs = ours.body.get_mut("configs").and_then(Value::as_array_mut);
            for config in configs.into_iter().flatten() {
                let name = config["value"]["name"].as_str().unwrap_or_default();
                if matches!(name, "key.converter" | "value.converter") {
                    let values = config["value"]["recommended_values"].as_array_mut().unwrap();
                    let before = values.len();
                    values.retain(|class| class.as_str().unwrap().starts_with("org.apache.kafka."));
                    assert_eq!(before - values.len(), 6);
                }
            }
        },
    },
];

/// Keys of the sink that the recorded one does not have.
const OWN_KEYS: [&str; 9] = [
    "aad.auth.certificate.path",
    "aad.auth.certificate.password",
    "kusto.ingestion.protocol",
    "kusto.validation.records.enable",
    "kusto.outcome.enable",
    "kusto.outcome.interval.ms",
    "kusto.outcome.margin.ms",
    "kusto.outcome.queue",
    "kusto.outcome.on.failure",
];

fn is_own(key: &Value) -> bool {
    OWN_KEYS.iter().any(|name| key["name"] == *name)
}

fn is_bad_request(recorded: &mut Answer, ours: &mut Answer) {
    assert_eq!(recorded.status, 500);
    if ours.status == 400 && ours.body["error_code"] == 400 && message(ours).len() > 10 {
        *recorded = ours.clone();
    }
}

fn message(answer: &Answer) -> &str {
    answer.body["message"].as_str().unwrap_or_default()
}

impl Decided {
    fn concerns(&self, case: &str) -> bool {
        self.cases.iter().any(|name| match name.strip_suffix('*') {
            Some(start) => case.starts_with(start),
            None => case == *name,
        })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_recorded_answers_of_a_real_worker_are_ours() {
    let kafka = Kafka::shared().await;
    let topic = unique("conf-topic");
    kafka.create_topic(&topic, 2).await;
    let settings = [
        ("CONNECT_KEY_CONVERTER", "org.apache.kafka.connect.storage.StringConverter"),
        ("CONNECT_VALUE_CONVERTER", "org.apache.kafka.connect.storage.StringConverter"),
        ("CONNECT_LOG4J_ROOT_LOGLEVEL", "ERROR"),
        // How long the broker believes in a member that was stopped while it joined.
        ("CONNECT_CONSUMER_SESSION_TIMEOUT_MS", "6000"),
        ("CONNECT_CONSUMER_HEARTBEAT_INTERVAL_MS", "1000"),
    ];
    let worker = TestWorker::start(kafka.bootstrap(), &unique("golden"), &settings).await;
    let replay = Replay { worker: &worker, topic: &topic };
    let mut replayed = 0;
    for case in RECORDED.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        replay.case(&case).await;
        replayed += 1;
    }
    assert_eq!(replayed, 110);
    assert!(worker.stop().await);
}

#[test]
fn the_page_of_differences_is_made_from_the_decided_ones() {
    let names: Vec<String> = RECORDED
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["case"].as_str().unwrap().to_owned())
        .collect();
    let mut table = String::from(
        "| recorded requests | Kafka Connect 4.3.0 | kusto-connect | why |\n|---|---|---|---|\n",
    );
    for decided in DECIDED {
        assert!(names.iter().any(|name| decided.concerns(name)), "{:?} concern no case", decided.cases);
        let Decided { cases, theirs, ours, why, .. } = decided;
        writeln!(table, "| {} | {theirs} | {ours} | {why} |", cases.join(", ")).unwrap();
    }
    generated::check("docs/differences.md", "recorded", &table);
}

struct Replay<'a> {
    worker: &'a TestWorker,
    topic: &'a str,
}

impl Replay<'_> {
    /// The sender waited for states between requests; so reads are tried until they are as recorded.
    async fn case(&self, case: &Value) {
        let name = case["case"].as_str().unwrap();
        self.unrecorded(name).await;
        let mut wrong = None;
        // A change of offsets may be sent again while the broker still believes in a member of the group.
        let again = case["request"]["path"].as_str().unwrap().ends_with("/offsets");
        if case["request"]["method"] != "GET" && !again {
            wrong = self.difference(case).await;
            assert!(wrong.is_none(), "{name}: {}", wrong.unwrap_or_default());
            return;
        }
        let right = wait_for(format!("{name} as recorded"), Duration::from_mins(1), async || {
            let found = self.difference(case).await;
            if found != wrong {
                println!("{name}: {}", found.as_deref().unwrap_or("as recorded"));
                wrong.clone_from(&found);
            }
            found.is_none().then_some(())
        });
        right.await;
    }

    /// What the sender did besides, before the case `next`.
    async fn unrecorded(&self, next: &str) {
        let sent: Vec<(&str, &str, Value, u16)> = match next {
            "read patched" => {
                let removed = json!({"kusto.validation.table.enable": null});
                vec![("PATCH", "/connectors/s2/config", removed, 200)]
            }
            "offsets read" => {
                let two = |partition| {
                    json!({
                        "partition": {"kafka_topic": self.topic, "kafka_partition": partition}, "offset": {"kafka_offset": 2},
                    })
                };
                vec![("PATCH", "/connectors/s1/offsets", json!({"offsets": [two(0), two(1)]}), 200)]
            }
            "list at end" => {
                ["/connectors/s2", "/connectors/s3"].map(|path| ("DELETE", path, Value::Null, 204)).into()
            }
            _ => Vec::new(),
        };
        for (method, path, body, expected) in sent {
            let (status, answer) = self.worker.send(method, path, Some(&body)).await;
            assert_eq!(status, expected, "{method} {path}: {answer}");
        }
    }

    /// A recorded text with our names for its placeholders.
    fn given(&self, text: &str) -> String {
        let text = text.replace("WORKER", &self.worker.address()).replace("KURL", KUSTO);
        text.replace("conf-topic", self.topic).replace("TMPDIR", "/tmp")
    }

    /// Sends a case and says what is not as recorded.
    async fn difference(&self, case: &Value) -> Option<String> {
        let name = case["case"].as_str().unwrap();
        let mut ours = self.ask(&case["request"]).await;
        let text = |value: &Value| value.as_str().map(|text| self.given(text));
        let mut recorded = Answer {
            status: u16::try_from(case["status"].as_u64().unwrap()).unwrap(),
            location: text(&case["location"]),
            content_type: text(&case["content_type"]),
            body: serde_json::from_str(&self.given(&case["answer"].to_string())).unwrap(),
        };
        if name == "root" {
            // Each worker has a commit and each cluster an id of its own.
            for field in
                ["commit", "kafka_cluster_id"].into_iter().filter(|field| ours.body[field].is_string())
            {
                recorded.body[field] = ours.body[field].clone();
            }
        }
        // The recording leaves texts for people out.
        without_documentation(&mut ours.body);
        for decided in DECIDED.iter().filter(|decided| decided.concerns(name)) {
            (decided.settle)(&mut recorded, &mut ours);
        }
        sort_offsets(&mut recorded.body);
        sort_offsets(&mut ours.body);
        (ours != recorded).then(|| format!("{ours:?}\n is not\n{recorded:?}"))
    }

    async fn ask(&self, recorded: &Value) -> Answer {
        let path = self.given(recorded["path"].as_str().unwrap());
        let mut request = self.worker.request(recorded["method"].as_str().unwrap(), &path);
        let kind = recorded["headers"]["Content-Type"].as_str().unwrap_or("application/json");
        request = request.header(header::CONTENT_TYPE, kind);
        if let Some(raw) = recorded["raw"].as_str() {
            request = request.body(raw.to_owned());
        } else if !recorded["body"].is_null() {
            request = request.body(self.given(&recorded["body"].to_string()));
        }
        let answer = request.send().await.unwrap();
        let text = |name| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let (location, content_type) = (text(header::LOCATION), text(header::CONTENT_TYPE));
        let status = answer.status().as_u16();
        let body = serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default();
        Answer { status, location, content_type, body }
    }
}

fn without_documentation(body: &mut Value) {
    let keys = body.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut);
    keys.for_each(|key| drop(key.shift_remove("documentation")));
    for info in body.get_mut("configs").and_then(Value::as_array_mut).into_iter().flatten() {
        info["definition"].as_object_mut().and_then(|key| key.shift_remove("documentation"));
    }
}

/// Offsets have no order.
fn sort_offsets(body: &mut Value) {
    if let Some(offsets) = body.get_mut("offsets").and_then(Value::as_array_mut) {
        offsets.sort_by_key(|entry| entry["partition"]["kafka_partition"].as_i64());
    }
}
