//! Restarts and the life of a connector: what was asked for is kept in Kafka, and every orderly end drains and commits.

use std::time::Duration;

use crate::support::{Kafka, Stage, wait_for};

/// Waits until the group committed all `partitions` up to the topic's ends.
async fn wait_for_commit(stage: &Stage, kafka: &Kafka) {
    let ends = kafka.end_offsets(&stage.topic, stage.partitions).await;
    wait_for(format!("offsets {ends:?} to be committed"), Duration::from_secs(30), async || {
        (stage.committed(kafka).await == ends).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restarted_worker_resumes_its_connectors_as_they_were() {
    let kafka = Kafka::shared().await;
    let mut stage = Stage::running(kafka, 2).await;
    let (paused, stopped) = (format!("{}-paused", stage.connector), format!("{}-stopped", stage.connector));
    let rest = stage.worker.rest().clone();
    for name in [&paused, &stopped] {
        rest.create_running(name, &stage.config()).await;
    }
    assert_eq!(rest.put(&format!("/connectors/{paused}/pause")).await.status, 202);
    assert_eq!(rest.put(&format!("/connectors/{stopped}/stop")).await.status, 204);
    rest.wait_for_states(&paused, "PAUSED", &["PAUSED"]).await;
    rest.wait_for_states(&stopped, "STOPPED", &[]).await;
    let config = rest.get(&format!("/connectors/{}/config", stage.connector)).await.body;

    for graceful in [true, false] {
        if graceful {
            assert!(stage.worker.terminate().await.success());
        } else {
            stage.worker.kill();
        }
        stage.worker.start_again().await;
        rest.wait_for_states(&stage.connector, "RUNNING", &["RUNNING"]).await;
        rest.wait_for_states(&paused, "PAUSED", &["PAUSED"]).await;
        rest.wait_for_states(&stopped, "STOPPED", &[]).await;
        assert_eq!(rest.get(&format!("/connectors/{}/config", stage.connector)).await.body, config);
    }
    rest.delete(&format!("/connectors/{paused}")).await;
    rest.delete(&format!("/connectors/{stopped}")).await;
    let sent = stage.send(kafka, 300).await;
    let verdict = stage.adx.wait_for_all(&sent, Duration::from_mins(1)).await;
    assert_eq!((verdict.missing, verdict.duplicates), (0, 0), "{verdict:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pause_stop_and_delete_drain_and_commit_at_once() {
    let kafka = Kafka::shared().await;
    let stage = Stage::set(kafka, 2).await;
    let rest = stage.worker.rest().clone();
    let mut config = stage.config();
    // A batch that would wait for minutes: only the drain can bring these rows.
    config["flush.interval.ms"] = "600000".into();
    config["flush.size.bytes"] = "100000000".into();
    rest.create_running(&stage.connector, &config).await;
    let mut total = 0;
    for (verb, back) in [("pause", Some("resume")), ("stop", Some("resume")), ("", None)] {
        total += stage.send(kafka, 100).await.total();
        // Nothing tells from outside that the records are in the open batch, so the drain is asked for until it had them.
        wait_for("the records to be drained", Duration::from_mins(1), async || {
            let path = format!("/connectors/{}/{verb}", stage.connector);
            let answer = if verb.is_empty() {
                rest.delete(&format!("/connectors/{}", stage.connector)).await
            } else {
                rest.put(&path).await
            };
            assert!([202, 204].contains(&answer.status), "{verb}: {} {}", answer.status, answer.body);
            match verb {
                "pause" => drop(rest.wait_for_states(&stage.connector, "PAUSED", &["PAUSED"]).await),
                "stop" => drop(rest.wait_for_states(&stage.connector, "STOPPED", &[]).await),
                _ => return Some(()),
            }
            let committed: i64 = stage.committed(kafka).await.iter().map(|offset| (*offset).max(0)).sum();
            if i64::try_from(total) == Ok(committed) {
                return Some(());
            }
            assert_eq!(rest.put(&format!("/connectors/{}/resume", stage.connector)).await.status, 202);
            rest.wait_for_states(&stage.connector, "RUNNING", &["RUNNING"]).await;
            None
        })
        .await;
        if let Some(back) = back {
            wait_for_commit(&stage, kafka).await;
            assert_eq!(rest.put(&format!("/connectors/{}/{back}", stage.connector)).await.status, 202);
            rest.wait_for_states(&stage.connector, "RUNNING", &["RUNNING"]).await;
        }
    }
    assert_eq!(rest.get(&format!("/connectors/{}", stage.connector)).await.status, 404);
    // What was sent before the delete and not drained by it is still in Kafka: a connector of the same name goes on.
    rest.create_running(&stage.connector, &stage.config()).await;
    wait_for("all rows, once", Duration::from_mins(1), async || {
        (stage.adx.count("Numbers").await == total).then_some(())
    })
    .await;
    wait_for_commit(&stage, kafka).await;
}
