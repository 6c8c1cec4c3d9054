//! What is bad in itself, and registries that are down or do not know us.

use super::*;
use crate::support::sentences::{NO_REGISTRY, REGISTRY_REFUSES};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_read_is_a_dead_letter_and_its_neighbours_are_rows() {
    let kafka = Kafka::shared().await;
    let (stage, registry) = (set(kafka).await, Registry::start().await);
    let sent = write(kafka, &registry, &stage.topic, "avro_and_bad").await;
    let dlq = unique("dead");
    let tolerant = json!({
        "errors.tolerance": "all",
        "errors.deadletterqueue.topic.name": dlq,
        "errors.deadletterqueue.topic.replication.factor": "1",
        "errors.deadletterqueue.context.headers.enable": "true",
    });
    let config = config(&stage, &registry, AVRO, tolerant);
    stage.worker.rest().create_running(&stage.connector, &config).await;
    wait_committed(kafka, &stage, sent).await;
    assert_eq!(docs(&stage, 20).await, (0..20).map(storm).collect::<Vec<_>>());
    let (letters, records) = (read_raw(kafka, &dlq).await, read_raw(kafka, &stage.topic).await);
    let bad: Vec<_> = records.iter().skip(1).step_by(2).collect();
    assert_eq!(
        letters.iter().map(|letter| &letter.value).collect::<Vec<_>>(),
        bad.iter().map(|raw| &raw.value).collect::<Vec<_>>()
    );
    for (letter, words) in letters
        .iter()
        .zip(["Unknown magic byte!", "40403", "it ends early", "Unknown magic byte!"].iter().cycle())
    {
        let header = |name: &str| letter.header_text(&format!("__connect.errors.{name}")).unwrap_or_default();
        assert_eq!((header("stage"), header("class.name")), ("VALUE_CONVERTER", AVRO));
        assert_eq!(header("exception.class.name"), "org.apache.kafka.connect.errors.DataException");
        assert!(header("exception.message").contains(&stage.topic), "{}", header("exception.message"));
        assert!(
            header("exception.stacktrace").contains(words),
            "{words}: {}",
            header("exception.stacktrace")
        );
    }
    stage.assert_running().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registry_that_is_down_is_waited_for() {
    let kafka = Kafka::shared().await;
    let (stage, mut registry) = (set(kafka).await, Registry::start().await);
    let sent = write(kafka, &registry, &stage.topic, "avro").await;
    registry.down().await;
    let patient = json!({ "errors.retry.timeout": "-1", "errors.retry.delay.max.ms": "500" });
    let config = config(&stage, &registry, AVRO, patient);
    let rest = stage.worker.rest();
    rest.create_running(&stage.connector, &config).await;
    let path = format!("/connectors/{}/status", stage.connector);
    let trace = async || {
        let status = rest.get(&path).await.body;
        assert_eq!(status["tasks"][0]["state"], "RUNNING", "{status}");
        status["tasks"][0]["trace"].as_str().map(str::to_owned)
    };
    let place = format!("{}-0, offsets ", stage.topic);
    let told = NO_REGISTRY.waits(&stage.worker, &stage.connector, &[&place, &registry.url()]).await;
    assert!(told.contains("errors.retry.timeout"), "{told}");
    let log = stage.worker.log();
    let lines = log.lines().filter(|line| line.contains("wait for a schema"));
    assert_eq!(lines.count(), 1, "{log}");
    // While it waits it can be paused and resumed, and nothing is committed.
    for (order, state) in [("pause", "PAUSED"), ("resume", "RUNNING")] {
        assert_eq!(
            rest.send("PUT", &format!("/connectors/{}/{order}", stage.connector), None).await.status,
            202
        );
        wait_for(state, Duration::from_mins(1), async || {
            let status = rest.get(&format!("/connectors/{}/status", stage.connector)).await.body;
            (status["tasks"][0]["state"] == state).then_some(())
        })
        .await;
    }
    assert_eq!(stage.adx.count("Docs").await, 0);
    registry.up().await;
    wait_committed(kafka, &stage, sent).await;
    assert_eq!(docs(&stage, 60).await.len(), 60);
    wait_for("the task to say that it goes on", Duration::from_mins(1), async || {
        trace().await.is_none().then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waited_long_enough_for_a_registry_is_a_dead_letter() {
    let kafka = Kafka::shared().await;
    let (stage, mut registry) = (set(kafka).await, Registry::start().await);
    let sent = write(kafka, &registry, &stage.topic, "avro").await;
    registry.down().await;
    let dlq = unique("dead");
    let impatient = json!({
        "errors.retry.timeout": "1000",
        "errors.tolerance": "all",
        "errors.deadletterqueue.topic.name": dlq,
        "errors.deadletterqueue.topic.replication.factor": "1",
        "errors.deadletterqueue.context.headers.enable": "true",
    });
    let config = config(&stage, &registry, AVRO, impatient);
    stage.worker.rest().create_running(&stage.connector, &config).await;
    wait_committed(kafka, &stage, sent).await;
    let letters = read_raw(kafka, &dlq).await;
    assert_eq!(
        i64::try_from(letters.len()).unwrap(),
        sent - 1,
        "all but the tombstone, which needs no schema"
    );
    for letter in letters {
        let header = |name: &str| letter.header_text(&format!("__connect.errors.{name}")).unwrap_or_default();
        assert_eq!(header("exception.class.name"), "org.apache.kafka.common.errors.NetworkException");
        assert!(
            header("exception.stacktrace").contains(&registry.url()),
            "{}",
            header("exception.stacktrace")
        );
    }
    assert_eq!(stage.adx.count("Docs").await, 0);
    stage.assert_running().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_fails_the_task_with_the_setting_and_without_the_password() {
    let kafka = Kafka::shared().await;
    let (stage, open) = (set(kafka).await, Registry::start().await);
    write(kafka, &open, &stage.topic, "avro").await;
    let guarded = Registry::guarded(Some("Basic YW5uOnJpZ2h0")).await;
    let user = json!({
        "value.converter.basic.auth.credentials.source": "USER_INFO",
        "value.converter.basic.auth.user.info": "ann:s3cret",
    });
    let config = config(&stage, &guarded, AVRO, user);
    let rest = stage.worker.rest();
    let body = json!({ "name": stage.connector, "config": config }).to_string();
    assert_eq!(rest.send("POST", "/connectors", Some(body)).await.status, 201);
    let place = format!("{}-0, offset 0", stage.topic);
    let places = [&*place, "check value.converter.basic.auth.user.info"];
    let trace = REGISTRY_REFUSES.fails(&stage.worker, &stage.connector, &places).await;
    for part in
        [&guarded.url(), "401", "value.converter.basic.auth.user.info", "offset 0", &stage.topic, "id 3"]
    {
        assert!(trace.contains(part), "{part} in {trace}");
    }
    assert!(!trace.contains("s3cret") && !stage.worker.log().contains("s3cret"), "{trace}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schema_that_failed_is_not_asked_for_again_with_each_record() {
    let kafka = Kafka::shared().await;
    let (stage, registry) = (set(kafka).await, Registry::start().await);
    let http = reqwest::Client::new();
    let register = async |schema: Value| {
        let url = format!("{}/subjects/{}-value/versions", registry.url(), stage.topic);
        let answer = http.post(url).json(&schema).send().await.expect("an answer");
        let id = answer.json::<Value>().await.expect("JSON")["id"].as_u64().expect("an id");
        u32::try_from(id).expect("a small number")
    };
    let gone = json!([{ "name": "g", "subject": "gone", "version": 1 }]);
    let ids = [
        99_999,
        register(json!({ "schema": "{\"type\":\"nothing\"}" })).await,
        register(json!({ "schema": "\"int\"", "references": gone })).await,
    ];
    let records: Vec<_> = (0..600)
        .map(|number| Raw {
            value: Some([&[0][..], &ids[number % 3].to_be_bytes(), &[2]].concat()),
            ..Raw::default()
        })
        .collect();
    send_raw(kafka, &stage.topic, &records).await;
    let before = registry.asked();
    let tolerant = json!({ "errors.tolerance": "all" });
    let config = config(&stage, &registry, AVRO, tolerant);
    stage.worker.rest().create_running(&stage.connector, &config).await;
    wait_committed(kafka, &stage, 600).await;
    // Each once, and one its reference too; again only after a while, and less and less often.
    let asked = registry.asked() - before;
    assert!((4..60).contains(&asked), "{asked} questions for 600 records");
    stage.assert_running().await;
}
