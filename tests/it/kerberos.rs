//! Brokers that want Kerberos: a worker and its connectors sign in with a key table or with tickets that are there, go on
//! signing in, and say where to look when they cannot. Only in builds with the feature `gssapi` (`make gssapi`).

use std::time::Duration;

use crate::support::{Kerberos, Stage, Worker, wait_for};

/// Settings for the worker's own clients, and the same for the consumers of tasks.
fn for_all(settings: &[(String, String)]) -> Vec<(String, String)> {
    let consumers = settings.iter().map(|(key, value)| (format!("consumer.{key}"), value.clone()));
    settings.iter().cloned().chain(consumers).collect()
}

fn stopped(broker: &Kerberos, settings: &[(String, String)]) -> Worker {
    let pairs: Vec<_> = settings.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    Worker::stopped(&broker.sasl(), &pairs)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_table_opens_the_broker_and_keeps_it_open() {
    let broker = Kerberos::start().await;
    let settings = Kerberos::sign_in_with(&broker.key_table("connect"), "connect");
    let mut worker = stopped(&broker, &for_all(&settings));
    broker.equip(&mut worker);
    worker.start_again().await;
    let stage = Stage::around(&broker.kafka, 2, worker).await;
    // The login that the worker has may be said again, and no other.
    let mut config = stage.config();
    for (key, value) in &settings {
        config[format!("consumer.override.{key}")] = value.clone().into();
    }
    stage.worker.rest().create_running(&stage.connector, &config).await;
    let sent = stage.send(&broker.kafka, 200).await;
    stage.adx.wait_for_all(&sent, Duration::from_mins(1)).await;

    let counts =
        || (broker.granted("connect", "krbtgt/EXAMPLE.TEST"), broker.granted("connect", "kafka/localhost"));
    let (logins, visits) = counts();
    assert!(logins > 0 && visits > 0, "{logins} logins, {visits} visits");
    assert!(!Kerberos::was_told_to_a_shell());
    wait_for("a new ticket, and the broker's with it", Duration::from_mins(1), async || {
        let (later, again) = counts();
        (later > logins && again > visits).then_some(())
    })
    .await;
    let sent = stage.send(&broker.kafka, 200).await;
    stage.adx.wait_for_all(&sent, Duration::from_mins(1)).await;

    for (key, value, expected) in [
        ("sasl.jaas.config", settings[2].1.replace("\"connect\"", "\"other\""), "one Kerberos login"),
        ("sasl.jaas.config", settings[2].1.replace("\"connect\"", "\"c' || id '\""), "single quote"),
        ("sasl.kerberos.kinit.cmd", "/tmp/program".to_owned(), "one Kerberos login"),
    ] {
        let mut wrong = config.clone();
        wrong[format!("consumer.override.{key}")] = value.into();
        let answer = stage.worker.rest().create("wrong", &wrong).await;
        assert_eq!(answer.status, 400, "{key}: {}", answer.body);
        assert!(answer.message().contains(expected), "{}", answer.message());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tickets_that_somebody_else_got_are_used_and_renewed() {
    let broker = Kerberos::start().await;
    let mut worker = stopped(&broker, &for_all(&Kerberos::sign_in("useTicketCache=true")));
    let cache = broker.equip(&mut worker);
    broker.put_tickets("operator", &cache);
    worker.start_again().await;
    let stage = Stage::around(&broker.kafka, 1, worker).await;
    stage.create().await;
    let sent = stage.send(&broker.kafka, 100).await;
    stage.adx.wait_for_all(&sent, Duration::from_mins(1)).await;
    let renewed = broker.granted("operator", "krbtgt/EXAMPLE.TEST");
    wait_for("a renewal", Duration::from_mins(1), async || {
        (broker.granted("operator", "krbtgt/EXAMPLE.TEST") > renewed).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_that_are_worth_nothing_are_told_with_the_setting_that_names_them() {
    let broker = Kerberos::start().await;
    let old = Kerberos::sign_in_with(&broker.key_table("connect"), "connect");
    let right = Kerberos::sign_in_with(&broker.key_table("connect"), "connect");
    let strange = Kerberos::sign_in_with(&broker.key_table("stranger"), "connect");
    for (settings, words) in [(&old, "kinit: "), (&strange, "kinit: Keytab contains no suitable keys")] {
        let mut worker = stopped(&broker, &for_all(settings));
        broker.equip(&mut worker);
        worker.spawn();
        let rest = worker.rest().clone();
        let health = wait_for("the reason in /health", Duration::from_mins(1), async || {
            let answer = rest.try_send("GET", "/health", None).await.ok()?;
            let message = answer.message().to_owned();
            (answer.status == 503 && message.contains("No Kerberos credentials available")).then_some(message)
        })
        .await;
        assert!(health.contains("check keyTab and principal in sasl.jaas.config"), "{health}");
        assert!(worker.log().contains(words), "{}", worker.log());
        worker.kill();
    }

    // Only its consumers sign in, and cannot.
    let consumers = old.iter().map(|(key, value)| (format!("consumer.{key}"), value.clone()));
    let address = ("consumer.bootstrap.servers".to_owned(), broker.sasl());
    let all: Vec<_> = consumers.chain([address]).collect();
    let pairs: Vec<_> = all.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let mut worker = Worker::stopped(broker.kafka.bootstrap(), &pairs);
    broker.equip(&mut worker);
    worker.start_again().await;
    let stage = Stage::around(&broker.kafka, 1, worker).await;
    let answer = stage.worker.rest().create(&stage.connector, &stage.config()).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    let trace = stage.worker.rest().wait_for_trace(&stage.connector).await;
    assert!(trace.contains("check keyTab and principal in consumer.sasl.jaas.config"), "{trace}");

    // A connector whose login is the right one still cannot bring it: it is not the worker's.
    let mut config = stage.config();
    for (key, value) in &right {
        config[format!("consumer.override.{key}")] = value.clone().into();
    }
    let answer = stage.worker.rest().create("other", &config).await;
    assert_eq!(answer.status, 400, "{}", answer.body);
    assert!(answer.message().contains("consumer.override.sasl.jaas.config"), "{}", answer.message());
}
