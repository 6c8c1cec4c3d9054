//! Outages: ADX, its storage or Kafka fail for a while; tasks stay RUNNING, nothing is lost. What cannot heal by itself
//! fails the task with a reason, and a restart brings it back.

use std::slice;
use std::time::Duration;

use adx_emulator::Operation;
use adx_emulator::faults::{Effect, Moment, Rule};

use crate::support::sentences::{MISSING_TABLE, REFUSED};
use crate::support::{Front, Kafka, Random, Stage, Verdict, Worker, wait_for};

/// Records a second.
const RATE: u32 = 1_000;

fn status(status: u16) -> Effect {
    Effect::Status { status, code: None, retry_after: None }
}

/// Runs a load while `faults` are in force and until all rules with a count are used up; the verdict at the end.
async fn through(faults: impl IntoIterator<Item = Rule>) -> (Stage, Verdict) {
    let kafka = Kafka::shared().await;
    let stage = Stage::running(kafka, 2).await;
    let load = stage.load(kafka, RATE);
    for rule in faults {
        stage.adx.faults().add(rule);
    }
    wait_for("the faults to be used up", Duration::from_secs(90), async || {
        stage.adx.faults_are_used_up().then_some(())
    })
    .await;
    stage.adx.faults().clear();
    let sent = load.stop().await;
    let verdict = stage.adx.wait_for_all(&sent, Duration::from_secs(90)).await;
    println!("{verdict:?}");
    stage.assert_running().await;
    assert_eq!((verdict.missing, verdict.strange), (0, 0), "{verdict:?}");
    (stage, verdict)
}

/// A rule that fires with probability 0.3, `times` times.
fn sometimes(operation: Operation, effect: Effect, times: u64) -> Rule {
    Rule { probability: Some(0.3), seed: 7, ..Rule::new(operation, effect).times(times) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expired_sas_is_replaced() {
    let (stage, verdict) = through([
        Rule::new(Operation::PutBlob, Effect::ExpiredSas).times(10),
        Rule::new(Operation::PutMessage, Effect::ExpiredSas).times(10),
    ])
    .await;
    assert_eq!(verdict.duplicates, 0);
    assert!(stage.adx.requests(Operation::IngestionResources) >= 2, "fresh resources were asked for");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vanished_container_or_queue_is_left_for_another() {
    let (_, verdict) = through([
        Rule::new(Operation::PutBlob, Effect::ContainerNotFound).times(10),
        Rule::new(Operation::PutMessage, Effect::ContainerNotFound).times(10),
    ])
    .await;
    assert_eq!(verdict.duplicates, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cut_connections_lose_nothing() {
    let (_, verdict) = through([
        sometimes(Operation::PutBlob, Effect::Reset { when: Moment::Before }, 5),
        sometimes(Operation::PutBlob, Effect::Reset { when: Moment::After }, 5),
        sometimes(Operation::PutMessage, Effect::Reset { when: Moment::Before }, 5),
    ])
    .await;
    // The message of a blob written twice goes out once: the retry wrote the same blob.
    assert_eq!(verdict.duplicates, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_whose_answer_is_cut_off_may_be_repeated_under_its_own_id() {
    let (stage, verdict) =
        through([sometimes(Operation::PutMessage, Effect::Reset { when: Moment::After }, 5)]).await;
    let messages = stage.adx.counts().messages;
    let mut ids = std::collections::BTreeMap::<_, Vec<_>>::new();
    for message in &messages {
        ids.entry(&message.id).or_default().push(&message.blob);
    }
    assert!(
        ids.len() < messages.len(),
        "no message was repeated: the fault did not do what this test is about"
    );
    // So that whoever reads them can tell: the same blob under the same id.
    assert!(ids.values().all(|blobs| blobs.iter().all(|blob| *blob == blobs[0])), "{ids:?}");
    println!("{} of {} rows twice", verdict.duplicates, verdict.sent);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn busy_and_throttled_services_are_waited_for() {
    let (_, verdict) = through([
        sometimes(Operation::PutBlob, status(503), 8),
        sometimes(Operation::PutBlob, status(500), 4),
        sometimes(Operation::PutMessage, status(503), 8),
        sometimes(Operation::PutMessage, Effect::Status { status: 429, code: None, retry_after: Some(1) }, 2),
        sometimes(Operation::PutBlob, Effect::Delay { milliseconds: 1_500 }, 3),
        sometimes(Operation::PutBlob, Effect::Truncate, 3),
    ])
    .await;
    assert_eq!(verdict.duplicates, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_of_everything_is_waited_out() {
    let kafka = Kafka::shared().await;
    let stage = Stage::running(kafka, 2).await;
    let load = stage.load(kafka, RATE);
    wait_for("rows before the outage", Duration::from_secs(30), async || {
        (stage.adx.count("Numbers").await > 1_000).then_some(())
    })
    .await;
    for operation in [
        Operation::Metadata,
        Operation::Mgmt,
        Operation::IngestionResources,
        Operation::IdentityToken,
        Operation::PutBlob,
        Operation::PutMessage,
    ] {
        stage.adx.faults().add(Rule::new(operation, status(500)));
    }
    // Long enough for every batch on its way to have been refused again and again.
    let before = stage.adx.requests(Operation::PutBlob);
    wait_for("four hundred refused blobs", Duration::from_mins(1), async || {
        (stage.adx.requests(Operation::PutBlob) >= before + 400).then_some(())
    })
    .await;
    stage.assert_running().await;
    stage.adx.faults().clear();
    let sent = load.stop().await;
    let verdict = stage.adx.wait_for_all(&sent, Duration::from_secs(90)).await;
    assert_eq!((verdict.missing, verdict.duplicates, verdict.strange), (0, 0, 0), "{verdict:?}");
    stage.assert_running().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kafka_restarts_under_the_worker() {
    let mut kafka = Kafka::own().await;
    let stage = Stage::running(&kafka, 2).await;
    let load = stage.load(&kafka, RATE);
    let mut random = Random::new(7);
    for round in 0..2 {
        let before = stage.adx.count("Numbers").await;
        wait_for("rows between the restarts", Duration::from_mins(1), async || {
            (stage.adx.count("Numbers").await > before + random.between(500, 2_000)).then_some(())
        })
        .await;
        if round == 0 {
            kafka.stop().await;
        } else {
            kafka.kill().await;
        }
        kafka.start().await;
    }
    let sent = load.stop().await;
    let verdict = stage.adx.wait_for_all(&sent, Duration::from_mins(2)).await;
    println!("{verdict:?}: duplicates after a broker's restart");
    assert_eq!((verdict.missing, verdict.strange), (0, 0), "{verdict:?}");
    stage.assert_running().await;
}

/// What a broker that goes down may say last: the library then forgets all brokers, and whether it asks again is a matter
/// of a race in it. So there are many clients.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_are_told_of_no_brokers_come_back() {
    let (kafka, front, stage) = behind_a_front().await;
    let rest = stage.worker.rest();
    let names: Vec<_> = (0..12).map(|number| format!("{}-{number}", stage.connector)).collect();
    for name in &names {
        rest.create_running(name, &stage.config()).await;
    }
    tell_of_no_brokers(&front, &names).await;
    front.say_there_are_none(false);

    stage.send(&kafka, 1_000).await;
    wait_until_all_is_read(&kafka, &stage, &names, Duration::from_mins(1)).await;
    // Who leads, and who writes and reads configurations, are other clients.
    wait_for("a write", Duration::from_mins(1), async || {
        let (path, config) = (format!("/connectors/{}/config", names[0]), stage.config().to_string());
        (rest.send("PUT", &path, Some(config)).await.status < 300).then_some(())
    })
    .await;
}

/// A member that is not in its group yet asks of its topics where it first got a connection. When others tell of brokers
/// meanwhile, the library forgets that one, and the question with it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_whose_question_was_lost_joins() {
    let (kafka, front, stage) = behind_a_front().await;
    stage.send(&kafka, 1_000).await;
    // It runs before it has joined, so the cut finds it on its way.
    stage.worker.rest().create_running(&stage.connector, &stage.config()).await;
    tell_of_no_brokers(&front, slice::from_ref(&stage.connector)).await;
    front.be_silent_where_it_lied_first();
    front.say_there_are_none(false);
    // Where the silent connection is the only one that it has, its requests have to time out first, after a minute. By itself
    // the library would ask again after five.
    wait_until_all_is_read(&kafka, &stage, slice::from_ref(&stage.connector), Duration::from_mins(2)).await;
}

/// A worker that knows its Kafka by a front.
async fn behind_a_front() -> (Kafka, Front, Stage) {
    let (kafka, front) = Front::of_a_broker().await;
    let mut worker = Worker::stopped(&front.address(), &[]);
    worker.start_again().await;
    let stage = Stage::around(&kafka, 2, worker).await;
    (kafka, front, stage)
}

/// Cuts all connections; returns when the consumers of these connectors have heard that there are no brokers.
async fn tell_of_no_brokers(front: &Front, names: &[String]) {
    front.say_there_are_none(true);
    front.cut();
    wait_for("consumers that were told so", Duration::from_mins(1), async || {
        let hears = |name| front.has_lied_to(&format!("connector-consumer-{name}"));
        names.iter().all(hears).then_some(())
    })
    .await;
}

async fn wait_until_all_is_read(kafka: &Kafka, stage: &Stage, names: &[String], deadline: Duration) {
    let ends = kafka.end_offsets(&stage.topic, stage.partitions).await;
    for name in names {
        wait_for(format!("{name} to read all"), deadline, async || {
            let committed = kafka.committed(&format!("connect-{name}"), &stage.topic, stage.partitions).await;
            (committed == ends).then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_heal_fails_the_task_with_its_reason_and_a_restart_helps() {
    let kafka = Kafka::shared().await;
    let stage = Stage::set(kafka, 2).await;
    stage.adx.command(".drop table Numbers").await;
    let answer = stage.worker.rest().create(&stage.connector, &stage.config()).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    MISSING_TABLE.fails(&stage.worker, &stage.connector, &["table Numbers in database lab"]).await;

    stage.adx.create_numbers().await;
    let sent = stage.send(kafka, 500).await;
    let path = format!("/connectors/{}/restart?includeTasks=true", stage.connector);
    let answer = stage.worker.rest().post(&path).await;
    assert_eq!(answer.status, 202, "{}", answer.body);
    stage.worker.rest().wait_for_states(&stage.connector, "RUNNING", &["RUNNING"]).await;
    let verdict = stage.adx.wait_for_all(&sent, Duration::from_mins(1)).await;
    assert_eq!((verdict.missing, verdict.duplicates), (0, 0), "{verdict:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_upload_fails_the_task_and_keeps_its_place() {
    let kafka = Kafka::shared().await;
    let stage = Stage::running(kafka, 1).await;
    // Storage says that the request itself is wrong: trying again cannot help.
    let refused =
        Effect::Status { status: 400, code: Some("InvalidHeaderValue".to_owned()), retry_after: None };
    stage.adx.faults().add(Rule::new(Operation::PutBlob, refused));
    let sent = stage.send(kafka, 500).await;
    let place = format!("{}-0, offsets ", stage.topic);
    let places = [&*place, "InvalidHeaderValue", "(table lab.Numbers)"];
    let trace = REFUSED.fails(&stage.worker, &stage.connector, &places).await;
    assert!(!trace.contains("sig="), "{trace}");

    stage.adx.faults().clear();
    let path = format!("/connectors/{}/restart?includeTasks=true&onlyFailed=true", stage.connector);
    assert_eq!(stage.worker.rest().post(&path).await.status, 202);
    let verdict = stage.adx.wait_for_all(&sent, Duration::from_mins(1)).await;
    assert_eq!((verdict.missing, verdict.duplicates), (0, 0), "{verdict:?}");
    stage.assert_running().await;
}
