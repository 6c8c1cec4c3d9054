//! Settings as users write them: what Java's clients take runs or is refused at create by its key, what nothing reads is
//! named, mistakes at the start end it with words for people.

use kusto_connect::plugins::BUILT_IN;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use kusto_connect::config::WorkerConfig;
use kusto_connect::configdef::ConnectorProperties;
use serde_json::{Value, json};

use crate::support::{Kafka, Stage, wait_for};

fn with(stage: &Stage, settings: &[(&str, &str)]) -> Value {
    let mut config = stage.config();
    for (key, value) in settings {
        config[*key] = (*value).into();
    }
    config
}

/// Each of them is right to Java's clients, and broke a rule that librdkafka has between its settings, or a range.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_javas_clients_take_moves_records() {
    let kafka = Kafka::shared().await;
    let stage = Stage::set(kafka, 1).await;
    let rest = stage.worker.rest();
    for (number, settings) in [
        &[
            ("consumer.override.max.poll.interval.ms", "30000"),
            ("consumer.override.session.timeout.ms", "45000"),
        ][..],
        &[
            ("consumer.override.fetch.max.bytes", "100000"),
            ("consumer.override.max.partition.fetch.bytes", "0"),
            ("consumer.override.reconnect.backoff.ms", "20000"),
            ("consumer.override.session.timeout.ms", "20000"),
            ("consumer.override.max.poll.records", "010"),
        ],
        &[("consumer.override.group.protocol", "CONSUMER")],
        &[("consumer.override.debug", "all"), ("consumer.override.statistics.interval.ms", "100")],
        &[
            ("errors.deadletterqueue.topic.name", "dlq-of-settings"),
            ("errors.deadletterqueue.topic.replication.factor", "1"),
            ("producer.override.linger.ms", "2000000"),
            ("producer.override.delivery.timeout.ms", "30000"),
            ("producer.override.compression.type", "zstd"),
            ("producer.override.compression.zstd.level", "22"),
            ("admin.override.request.timeout.ms", "2147483647"),
            ("admin.override.reconnect.backoff.ms", "20000"),
        ],
    ]
    .iter()
    .enumerate()
    {
        let name = format!("{}-{number}", stage.connector);
        let before = stage.adx.count("Numbers").await;
        rest.create_running(&name, &with(&stage, settings)).await;
        stage.send(kafka, 20).await;
        wait_for("rows", Duration::from_mins(1), async || {
            (stage.adx.count("Numbers").await > before).then_some(())
        })
        .await;
        assert_eq!(rest.delete(&format!("/connectors/{name}")).await.status, 204);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_settings_of_clients_are_refused_at_once_by_their_keys() {
    let kafka = Kafka::shared().await;
    let stage = Stage::set(kafka, 1).await;
    let wrong = [
        ("consumer.override.max.poll.records", "many"),
        ("consumer.override.heartbeat.interval.ms", "60000"),
        ("consumer.override.test.mock.num.brokers", "3"),
        ("consumer.override.bootstrap.servers", "kafka"),
        ("admin.override.retries", "-1"),
        ("errors.deadletterqueue.topic.name", "d"),
        ("producer.override.enable.idempotence", "true"),
        ("producer.override.acks", "1"),
        ("producer.override.transactional.id", "t"),
        ("flush.size.bytes", "1"),
    ];
    let answer = stage.worker.rest().create(&stage.connector, &with(&stage, &wrong)).await;
    assert_eq!(answer.status, 400, "{}", answer.body);
    for (key, value) in wrong {
        let is_wrong = !matches!(key, "errors.deadletterqueue.topic.name") && value != "true";
        assert_eq!(answer.message().contains(key), is_wrong, "{key}: {}", answer.message());
    }
    assert!(
        answer.message().contains("9 error(s)") || answer.message().contains("8 error(s)"),
        "{}",
        answer.message()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nothing_reads_is_named_in_the_validation_and_in_the_log() {
    let kafka = Kafka::shared().await;
    let stage = Stage::set(kafka, 1).await;
    let odd = [
        ("flush.size.byte", "1000000", "did you mean flush.size.bytes?"),
        ("max.poll.records", "5", "is written as consumer.override.max.poll.records"),
        ("consumer.override.max.pol.records", "5", "did you mean max.poll.records?"),
        ("consumer.override.fetch.max.bytes", "10", "1000 is used, the nearest"),
        ("key.converter.schemas.enable", "false", "key.converter is not set"),
        ("transforms.ghost.type", "Filter", "ghost is not in transforms"),
        ("offset.flush.interval.ms", "5", "is a setting of the worker"),
        ("topic.creation.default.partitions", "5", "source connectors"),
        ("tempdir.path", "${env:NOBODY}", "config.providers names no provider env"),
    ];
    let mut config = stage.config();
    for (key, value, _) in odd {
        config[key] = value.into();
    }
    config["name"] = stage.connector.as_str().into();
    let path = "/connector-plugins/KustoSinkConnector/config/validate";
    let answer = stage.worker.rest().send("PUT", path, Some(config.to_string())).await;
    assert_eq!((answer.status, answer.body["error_count"].clone()), (200, json!(0)), "{}", answer.body);
    let warnings: Vec<&str> =
        answer.body["warnings"].as_array().expect("warnings").iter().filter_map(Value::as_str).collect();
    for (key, _, words) in odd {
        let found = warnings.iter().filter(|warning| warning.starts_with(key)).collect::<Vec<_>>();
        assert!(found.len() == 1 && found[0].contains(words), "{key}: {warnings:#?}");
    }
    let plain = stage.worker.rest().send(
        "PUT",
        path,
        Some({
            let mut config = stage.config();
            config["name"] = stage.connector.as_str().into();
            config.to_string()
        }),
    );
    let plain = plain.await.body;
    assert!(plain.get("warnings").is_none(), "Connect's answer has no such field: {}", plain["warnings"]);
    stage.worker.rest().create_running(&stage.connector, &config).await;
    let log = stage.worker.log();
    assert!(
        log.lines().any(|line| line.contains("WARN") && line.contains("did you mean flush.size.bytes?")),
        "{log}"
    );
}

/// Words of parsers, of Rust and of its libraries.
const FOREIGN: [&str; 16] = [
    "expected value",
    "expected ident",
    "at line",
    "column",
    "invalid digit",
    "ParseIntError",
    "os error",
    "EOF while",
    "relative URL",
    "unwrap",
    "panicked",
    "Err(",
    "Some(",
    "unrecognized subcommand",
    "invalid type",
    "UTF-8 sequence",
];

fn run(folder: &Path, arguments: &[&str], env: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kusto-connect"));
    command.env_clear().envs(env.iter().copied()).args(arguments).current_dir(folder);
    command.output().expect("it runs")
}

const WORKER: &str = "bootstrap.servers=127.0.0.1:1\ngroup.id=g\nconfig.storage.topic=c\noffset.storage.topic=o\n\
                      status.storage.topic=s\nkey.converter=Json\nvalue.converter=Json\nlisteners=http://127.0.0.1:0\n";

/// A mistake at the start: what stands in `w`, the arguments, the environment, and what is said.
type Mistake<'a> = (&'a str, &'a [&'a str], &'a [(&'a str, &'a str)], &'a str);

#[test]
fn mistakes_at_the_start_end_it_with_one_sentence_for_people() {
    let folder = tempfile::tempdir().expect("a folder");
    let more = |line: &str| format!("{WORKER}{line}\n");
    let (no_port, no_host) = (more("bootstrap.servers=kafka"), more("bootstrap.servers=:9092"));
    let beats = more("session.timeout.ms=3000");
    let unresolved = more("offset.flush.interval.ms=${env:INTERVAL}");
    let client = more("metadata.recovery.strategy=x");
    let mistakes: [Mistake<'_>; 13] = [
        ("", &["w"], &[], "w is a file, and a command stands before it: `kusto-connect distributed w`"),
        ("", &["worker.properties"], &[], "worker.properties is a file, and a command stands before it"),
        ("", &["distributed", "none"], &[], "file none cannot be read: there is no such file"),
        ("", &["distributed", "."], &[], "file . cannot be read: it is a folder"),
        (
            "{\"name\": \"x\"}",
            &["distributed", "w"],
            &[],
            "file w is JSON, but a worker's settings are lines of key=value",
        ),
        ("\u{feff}{}", &["distributed", "w"], &[], "file w is JSON"),
        (&no_port, &["distributed", "w"], &[], "bootstrap.servers: kafka has no port: write kafka:9092"),
        (&no_host, &["distributed", "w"], &[], "bootstrap.servers: :9092 has no host"),
        (&beats, &["distributed", "w"], &[], "heartbeat.interval.ms must be less than session.timeout.ms"),
        (
            &unresolved,
            &["distributed", "w"],
            &[],
            "${env:INTERVAL} stays as it is, since config.providers names no provider env",
        ),
        (&client, &["distributed", "w"], &[], "metadata.recovery.strategy: must be one of rebootstrap, none"),
        (
            "key=\\u12",
            &["distributed", "w"],
            &[],
            "file w, line 1: \\u must be followed by four hexadecimal digits",
        ),
        (WORKER, &["distributed", "w"], &[("RUST_LOG", "=,=")], "RUST_LOG==,= cannot be read: it is a level"),
    ];
    for (text, arguments, env, expected) in mistakes {
        std::fs::write(folder.path().join("w"), text).expect("the file is written");
        let output = run(folder.path(), arguments, env);
        let said =
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(!output.status.success() && said.contains(expected), "{arguments:?} {text}: {said}");
        for word in FOREIGN {
            assert!(!said.contains(word), "{word}: {said}");
        }
        let lines = said.lines().filter(|line| !line.contains("settings are wrong:"));
        assert_eq!(lines.count(), 1, "one error for a mistake: {said}");
    }
}

/// A connector's mistakes, one at a time: each has one error, by its key, in words for people.
#[test]
fn mistakes_of_a_connector_have_one_error_for_people_each() {
    let env = [("CONFIG_STORAGE_TOPIC", "c"), ("OFFSET_STORAGE_TOPIC", "o"), ("GROUP_ID", "g")];
    let env = env.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let worker = WorkerConfig::load(&BUILT_IN, None, env).expect("a worker");
    let good: ConnectorProperties = [
        ("name", "x"),
        ("connector.class", "KustoSinkConnector"),
        ("topics", "t"),
        ("kusto.ingestion.url", "https://ingest-c.westeurope.kusto.windows.net"),
        ("kusto.query.url", "https://c.westeurope.kusto.windows.net"),
        ("kusto.tables.topics.mapping", "[{'topic': 't', 'db': 'd', 'table': 'T', 'format': 'csv'}]"),
        ("aad.auth.strategy", "MANAGED_IDENTITY"),
    ]
    .map(|(key, value)| (key.to_owned(), Some(value.to_owned())))
    .into();
    assert_eq!(BUILT_IN.validate(&good, &worker).messages().collect::<Vec<_>>(), Vec::<&str>::new());
    for (key, value) in [
        ("kusto.ingestion.url", "not a url"),
        ("kusto.ingestion.url", "https://"),
        ("kusto.query.url", "https://c.kusto.windows.net:port"),
        ("kusto.query.url", "ftp://c.kusto.windows.net"),
        ("kusto.ingestion.url", "${env:URL}"),
        ("kusto.tables.topics.mapping", ""),
        ("kusto.tables.topics.mapping", "["),
        ("kusto.tables.topics.mapping", "{}"),
        ("kusto.tables.topics.mapping", "[{'topic': 't', 'db': 'd' 'table': 'T'}]"),
        ("kusto.tables.topics.mapping", "[{'topic': 't', 'db': d}]"),
        ("kusto.tables.topics.mapping", "[1]"),
        ("kusto.tables.topics.mapping", "[{'topic': 't', 'db': 'd', 'table': 'T', 'format': 'docx'}]"),
        ("kusto.tables.topics.mapping", "[{'topic': 't', 'db': 'd', 'table': 'T', 'streaming': 'soon'}]"),
        ("flush.size.bytes", "many"),
        ("flush.interval.ms", "1s"),
        ("tasks.max", "0"),
        ("errors.tolerance", "some"),
        ("aad.auth.strategy", "magic"),
        ("proxy.port", "x"),
        ("value.converter", "Jsom"),
        ("topics.regex", "a("),
    ] {
        let mut wrong = good.clone();
        wrong.insert(key.to_owned(), Some(value.to_owned()));
        if key == "topics.regex" {
            wrong.remove("topics");
        }
        let infos = BUILT_IN.validate(&wrong, &worker);
        let messages: Vec<&str> = infos.messages().collect();
        // Connect itself says of what is no number that it is null besides.
        let own = messages.iter().filter(|message| !message.contains("Value must be non-null")).count();
        assert_eq!(own, 1, "{key}={value}: {messages:#?}");
        assert!(messages[0].contains(key), "{key}={value}: {messages:?}");
        assert!(FOREIGN.iter().all(|word| !messages[0].contains(word)), "{key}={value}: {messages:?}");
    }
    let mut swapped = good.clone();
    for (key, other) in
        [("kusto.ingestion.url", "kusto.query.url"), ("kusto.query.url", "kusto.ingestion.url")]
    {
        swapped.insert(key.to_owned(), good[other].clone());
    }
    let warnings = BUILT_IN.validate(&swapped, &worker).warnings;
    assert!(warnings.len() == 1 && warnings[0].contains("look swapped"), "{warnings:?}");
}

/// The same for connectors of the command line, in a standalone worker that needs no Kafka to read them.
#[test]
fn mistakes_in_connector_files_are_said_for_people() {
    let folder = tempfile::tempdir().expect("a folder");
    let worker = format!("{WORKER}offset.storage.file.filename=o\n");
    std::fs::write(folder.path().join("w"), worker).expect("the file is written");
    for (text, expected) in [
        ("{\"name\": \"x\", \"config\": {", "it ends too early"),
        (
            "{\"name\": \"x\" \"config\": {}}",
            "a comma or the closing brace is missing (line 1, character 14)",
        ),
        ("{'name': 'x'}", "a name stands without its quotes"),
        ("{\"name\": x}", "a value is missing, or a text stands without its quotes"),
        ("[]", "an object is expected"),
        ("topics=t", "is missing the mandatory 'name' configuration"),
        ("", "is missing the mandatory 'name' configuration"),
    ] {
        for mark in ["", "\u{feff}"] {
            std::fs::write(folder.path().join("c"), format!("{mark}{text}")).expect("the file is written");
            let output = run(folder.path(), &["standalone", "w", "c"], &[]);
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(!output.status.success() && said.contains(expected), "{text}: {said}");
            assert!(FOREIGN.iter().all(|word| !said.contains(word)), "{said}");
        }
    }
}
