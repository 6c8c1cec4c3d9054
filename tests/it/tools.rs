//! Commands that start nothing: `validate`, `explain`, `completions`, `man`.

use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kusto-connect")).args(arguments).env_clear().output().expect("it runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

/// A folder with files.
fn files(all: &[(&str, &str)]) -> (TempDir, impl Fn(&str) -> String + use<>) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    for (name, text) in all {
        std::fs::write(folder.path().join(name), text).expect("a file");
    }
    let root: PathBuf = folder.path().to_owned();
    (folder, move |name: &str| root.join(name).to_str().expect("a path").to_owned())
}

fn good() -> Value {
    json!({
        "name": "storms", "connector.class": "KustoSinkConnector", "topics": "storms",
        "kusto.ingestion.url": "https://ingest-c.kusto.windows.net", "kusto.query.url": "https://c.kusto.windows.net",
        "aad.auth.appid": "a", "aad.auth.appkey": "s3cret-key", "aad.auth.authority": "t",
        "kusto.tables.topics.mapping": "[{'topic':'storms','db':'d','table':'T','format':'csv'}]",
    })
}

#[test]
fn a_good_file_is_good_in_all_forms() {
    let request = json!({ "name": "storms", "config": good() }).to_string();
    let object = good();
    let lines = object.as_object().unwrap().iter();
    let properties =
        lines.map(|(key, value)| format!("{key}={}", value.as_str().unwrap())).collect::<Vec<_>>().join("\n");
    let (_folder, path) = files(&[
        ("flat.json", &object.to_string()),
        ("request.json", &request),
        ("c.properties", &properties),
    ]);
    for name in ["flat.json", "request.json", "c.properties"] {
        let output = run(&["validate", &path(name)]);
        let said = text(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{said}{}", text(&output.stderr));
        assert!(said.trim_end().ends_with(&format!("{name}: nothing is wrong")), "{said}");
    }
}

#[test]
fn all_errors_are_told_at_once_a_line_each_and_no_secret() {
    let mut bad = good();
    bad.as_object_mut().unwrap().remove("name");
    bad["tasks.max"] = "many".into();
    bad["kusto.query.url"] = "https://example.com".into();
    bad["flush.intervall.ms"] = "1".into();
    bad["consumer.override.max.poll.records"] = "x".into();
    let (_folder, path) = files(&[("c.json", &bad.to_string())]);
    let output = run(&["validate", &path("c.json")]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for begin in [
        "name: Missing required configuration",
        "tasks.max: Invalid value many",
        "kusto.query.url: Invalid URL",
        "consumer.override.max.poll.records: Kafka client setting",
        "warning: flush.intervall.ms is no setting of this connector",
    ] {
        assert_eq!(said.lines().filter(|line| line.starts_with(begin)).count(), 1, "{begin}\n{said}");
    }
    assert!(said.trim_end().ends_with("5 errors, 1 warning"), "{said}");
    assert!(!said.contains("s3cret-key"), "{said}");
    let output = run(&["validate", &path("c.json"), "--json"]);
    let answer: Value = serde_json::from_slice(&output.stdout).expect("JSON and nothing else");
    assert_eq!((output.status.code(), &answer["error_count"]), (Some(1), &json!(5)));
    let of = |key: &str| {
        let all = answer["configs"].as_array().unwrap().iter();
        all.map(|config| &config["value"]).find(|value| value["name"] == key).unwrap().clone()
    };
    assert_eq!(of("aad.auth.appkey")["value"], "[hidden]");
    assert_eq!(of("tasks.max")["errors"].as_array().unwrap().len(), 2);
}

#[test]
fn the_worker_counts_and_what_cannot_be_checked_is_another_code() {
    let mut config = good();
    config["topics"] = "storms,a".into();
    config["flush.interval.ms"] = "${env:PAUSE}".into();
    let providers = "bootstrap.servers=none:1\ngroup.id=g\nconfig.storage.topic=a\noffset.storage.topic=b\n\
        status.storage.topic=c\nkey.converter=org.apache.kafka.connect.storage.StringConverter\n\
        value.converter=org.apache.kafka.connect.storage.StringConverter\nconfig.providers=env\n\
        config.providers.env.class=org.apache.kafka.common.config.provider.EnvVarConfigProvider\n";
    let (_folder, path) = files(&[
        ("c.json", &config.to_string()),
        ("w.properties", providers),
        ("bad.properties", "group.id=\n"),
        ("no.json", "{"),
    ]);
    let output = run(&["validate", &path("c.json"), "--worker", &path("w.properties")]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("topics: The topic 'a' belongs to the worker itself"), "{said}");
    assert!(said.contains("flush.interval.ms: ${env:PAUSE} stays as it is, since"), "{said}");
    for (arguments, code, words) in [
        (vec!["validate", "--worker"], 2, "--worker"),
        (vec!["validate"], 2, "CONNECTOR"),
        (vec!["validate", "/nowhere/c.json"], 2, "there is no such file"),
        (vec!["validate", &path("no.json")], 1, "no JSON object of settings"),
        (
            vec!["validate", &path("c.json"), "--worker", &path("bad.properties")],
            2,
            "the worker's settings are wrong",
        ),
        (vec!["migrate"], 1, "--check"),
    ] {
        let output = run(&arguments);
        let complaint = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {complaint}");
        assert!(complaint.contains(words), "{arguments:?}: {complaint}");
    }
}

#[test]
fn completions_and_pages_know_all_commands() {
    for shell in ["bash", "zsh", "fish"] {
        let said = text(&run(&["completions", shell]).stdout);
        for word in ["kusto-connect", "distributed", "validate", "doctor", "dry-run", "audit"] {
            assert!(said.contains(word), "{shell}: {word}");
        }
    }
    let page = text(&run(&["man"]).stdout);
    assert!(
        page.contains(".TH kusto") && page.contains("doctor") && page.contains("CONNECT_LISTENERS"),
        "{page}"
    );
    let page = text(&run(&["man", "doctor"]).stdout);
    assert!(page.contains("ingest") && page.contains("DB.TABLE"), "{page}");
    let output = run(&["man", "nothing"]);
    assert!(output.status.code() == Some(2) && text(&output.stderr).contains("there are distributed"));
}

#[test]
fn a_record_is_followed_and_settings_say_where_they_are_from() {
    let mut config = good();
    for (key, value) in [
        ("flush.interval.ms", "5000"),
        ("errors.tolerance", "all"),
        ("errors.deadletterqueue.topic.name", "letters"),
        ("transforms", "route"),
        ("transforms.route.type", "org.apache.kafka.connect.transforms.RegexRouter"),
        ("transforms.route.regex", ".*"),
        ("transforms.route.replacement", "storms"),
        ("transforms.route.predicate", "odd"),
        ("transforms.route.negate", "true"),
        ("predicates", "odd"),
        ("predicates.odd.type", "org.apache.kafka.connect.transforms.predicates.RecordIsTombstone"),
        ("kusto.query.url", "https://ingest-c.kusto.windows.net"),
    ] {
        config[key] = value.into();
    }
    let (_folder, path) = files(&[("c.json", &config.to_string())]);
    let output = run(&["explain", &path("c.json")]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}{}", text(&output.stderr));
    for words in [
        "topic storms\n  │  key: JsonConverter (worker or default)",
        "transformations, in this order\n  │  1 RegexRouter, only where odd (RecordIsTombstone) says no",
        "  │  way: a blob in the storage that https://ingest-c.kusto.windows.net/ lends, and a message in its queue",
        "  │  signs in: by APPLICATION as aadapp=a;t",
        "or its first is 5000 ms old",
        "  ▼\ntable d.T, as csv",
        "  goes to the topic letters, without headers",
        "  does not stop the others (errors.tolerance=all)",
        "  flush.interval.ms = 5000 (written)\n",
        "  flush.size.bytes = 1048576 (default)\n",
        "  value.converter = org.apache.kafka.connect.json.JsonConverter (worker)\n",
        "  aad.auth.appkey = [hidden] (written)\n",
        "  kusto.query.url = https://c.kusto.windows.net (written as https://ingest-c.kusto.windows.net)\n",
    ] {
        assert!(said.contains(words), "{words}\nis not in\n{said}");
    }
    assert!(!said.contains("s3cret-key"), "{said}");
    config["tasks.max"] = "many".into();
    let (_folder, path) = files(&[("c.json", &config.to_string())]);
    let output = run(&["explain", &path("c.json")]);
    assert!(
        output.status.code() == Some(1) && text(&output.stderr).contains("tasks.max: Invalid value many")
    );
}

#[test]
fn what_a_connection_string_gives_is_said_and_topics_of_an_expression_are_followed() {
    let fabric = json!({
        "name": "f", "connector.class": "com.microsoft.fabric.connect.eventhouse.sink.FabricSinkConnector", "topics.regex": "st.*",
        "connection.string": "Data Source=https://c.kusto.windows.net;AppClientId=a;AppKey=s3cret-key;Authority Id=t",
        "kusto.tables.topics.mapping": "[{'topic':'storms','db':'d','table':'T','format':'json'}]",
    });
    let (_folder, path) = files(&[("f.json", &fabric.to_string())]);
    let said = text(&run(&["explain", &path("f.json"), "--topic", "storms", "--topic", "stray"]).stdout);
    for words in [
        "It reads every topic whose whole name matches st.*",
        "table d.T, as multijson",
        "topic stray",
        "nowhere: the sink has no place",
        "  kusto.ingestion.url = https://ingest-c.kusto.windows.net (connection.string",
    ] {
        assert!(said.contains(words), "{words}\nis not in\n{said}");
    }
    assert!(!said.contains("s3cret-key"), "{said}");
}
