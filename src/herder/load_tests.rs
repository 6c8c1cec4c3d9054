//! What must not hold up the herder: poison in the topics, heavy configs, many changes at once.

use super::test_rig::{rig, sink};
use super::{Error, Health};
use crate::status::{MAX_GENERATION, State};
use crate::storage::MemoryStores;

#[tokio::test]
async fn poison_in_the_topics_keeps_no_worker_from_starting() {
    for generation in [i64::MAX, i64::MIN, MAX_GENERATION, MAX_GENERATION + 1, 7] {
        let stores = MemoryStores::default();
        let first = rig(&stores);
        first.herder.create("a", sink("2"), None).await.unwrap();
        first.wait_state("a", State::Running, 2).await;
        assert!(first.stop().await);
        for key in
            ["status-connector-a", "status-task-a-0", "status-task-a-4294967295", "status-connector-gone"]
        {
            let value =
                format!(r#"{{"state":"RUNNING","trace":null,"worker_id":"x:1","generation":{generation}}}"#);
            stores.status.append(key, Some(value));
        }
        for (key, value) in [
            ("commit-a", r#"{"tasks":2147483648}"#),
            ("commit-a", r#"{"tasks":-1}"#),
            ("task-a-4294967295", r#"{"properties":{}}"#),
            ("session-key", r#"{"key":"","algorithm":"x","creation-timestamp":9223372036854775807}"#),
        ] {
            stores.config.append(key, Some(value.to_owned()));
        }
        let second = rig(&stores);
        second.wait("a", |status| status.tasks.iter().all(|task| &*task.state.worker_id == "w:8083")).await;
        second.wait_state("a", State::Running, 2).await;
        assert_eq!(second.herder.health(), Health::Healthy, "{generation}");
        second.herder.create("b", sink("1"), None).await.unwrap();
        second.wait_state("b", State::Running, 1).await;
        assert!(second.stop().await);
    }
}

/// Of the size that a body may have, with an expression as long as one may be.
fn large() -> crate::configdef::ConnectorProperties {
    let mut config = sink("1");
    config.remove("topics");
    let alternatives: Vec<String> = (0..9_000).map(|number| format!("t{number:05}")).collect();
    config.insert("topics.regex".to_owned(), Some(alternatives.join("|")));
    config.insert("unused".to_owned(), Some("x".repeat(1 << 20)));
    config
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_of_a_large_config_leave_the_loop_free_and_none_is_lost() {
    let rig = rig(&MemoryStores::default());
    rig.herder.create("a", large(), None).await.unwrap();
    let mut changes = tokio::task::JoinSet::new();
    for number in 0..8 {
        let herder = rig.herder.clone();
        let patch = [(format!("unused.{number}"), Some("1".to_owned()))].into();
        changes.spawn(async move { herder.patch_config("a", patch).await });
    }
    let mut done = 0;
    while !changes.is_empty() {
        tokio::select! {
            Some(answer) = changes.join_next() => match answer.unwrap() {
                Ok(_) => done += 1,
                // Many at once: the client is told to try again.
                Err(error) => assert_eq!(error, Error::Changed),
            },
            // The loop answers others meanwhile.
            refreshed = rig.herder.refresh() => refreshed.unwrap(),
        }
        assert_eq!(rig.herder.health(), Health::Healthy);
    }
    let config = rig.herder.connector("a").await.unwrap().config;
    let kept = config.keys().filter(|key| key.starts_with("unused.")).count();
    assert_eq!(kept, done, "each change that was answered is in it");
    assert!(done >= 5, "{done}");
    assert!(rig.stop().await);
}

#[tokio::test]
async fn an_expression_beyond_all_measure_is_refused_in_words() {
    let rig = rig(&MemoryStores::default());
    let mut config = large();
    let text = config["topics.regex"].clone().unwrap();
    config.insert("topics.regex".to_owned(), Some(format!("{text}|{text}")));
    let error = rig.herder.create("a", config, None).await.unwrap_err().to_string();
    assert!(error.contains("longer than 65536 bytes"), "{}", &error[error.len().saturating_sub(300)..]);
    assert!(rig.stop().await);
}

#[tokio::test]
async fn a_name_that_nobody_could_ask_for_is_refused() {
    let rig = rig(&MemoryStores::default());
    for name in [".", "..", "a\0b", "\0a", "a\n", "\u{7f}", "\u{85}x"] {
        let created = rig.herder.put_config(name, sink("1")).await;
        assert!(matches!(created, Err(Error::BadRequest(_))), "{name:?}: {created:?}");
    }
    for name in ["...", ".a", "a..", "%2E", "a b"] {
        assert!(rig.herder.put_config(name, sink("1")).await.is_ok(), "{name:?}");
    }
    assert!(rig.stop().await);
}
