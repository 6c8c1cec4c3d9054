//! A topic that was made anew under a running worker: what is known is written again, and nothing about it has changed.

use super::{
    Change, ConfigTopic, MemoryConfigBackingStore, MemoryStatusBackingStore, MemoryTopic, Status, StatusId,
    StatusTopic,
};
use crate::cluster_key::ClusterKey;
use crate::configdef::ConnectorProperties;
use crate::id::ConnectorTaskId;
use crate::status::{State, TargetState};
use std::sync::Arc;

fn config(text: &str) -> ConnectorProperties {
    [("k".to_owned(), Some(text.to_owned()))].into()
}

async fn open(topic: &MemoryTopic) -> ConfigTopic {
    ConfigTopic::open(Box::new(MemoryConfigBackingStore::new(topic))).await.unwrap()
}

#[tokio::test]
async fn a_config_topic_made_anew_says_again_what_is_known_and_restarts_nothing() {
    let (old, new) = (MemoryTopic::default(), MemoryTopic::default());
    let mut topic = open(&old).await;
    topic.put_key(ClusterKey::generate().unwrap()).await.unwrap();
    let names: [Arc<str>; 3] = ["a", "b", "gone"].map(Arc::from);
    for name in &names {
        topic.put_connector(name, config("1"), None).await.unwrap();
        topic.put_tasks(name, vec![config("1"), config("1")]).await.unwrap();
    }
    topic.put_target_state(&names[1], TargetState::Paused).await.unwrap();
    topic.delete_connector(&names[2]).await.unwrap();
    let before = topic.state().clone();
    let revision = |topic: &ConfigTopic| names.clone().map(|name| topic.state().revision(&name));
    let revisions = revision(&topic);

    // Another worker was faster with one of them, and wrote something else.
    let mut other = open(&new).await;
    other.put_connector(&names[1], config("2"), None).await.unwrap();
    let changes = topic.reopen(Box::new(MemoryConfigBackingStore::new(&new))).await.unwrap();
    assert_eq!(changes, [Change::Connector(names[1].clone())]);
    assert!(topic.state().has_unwritten());
    assert_eq!(topic.state().config("b"), Some(&Arc::new(config("2"))));
    topic.write_again().await.unwrap();
    assert!(!topic.state().has_unwritten());
    let after = revision(&topic);
    assert_eq!((after[0], after[2]), (revisions[0], None));
    assert_eq!(topic.write_again().await.unwrap(), []);

    let fresh = open(&new).await;
    assert_eq!(fresh.state().keys(), before.keys());
    assert_eq!(fresh.state().connectors().collect::<Vec<_>>(), [&names[0], &names[1]]);
    assert_eq!(fresh.state().tasks("a"), before.tasks("a"));
    assert_eq!(fresh.state().config("a"), before.config("a"));
    assert!(!fresh.state().contains("gone"));
}

#[tokio::test]
async fn a_status_topic_made_anew_says_again_what_each_worker_has_to_say() {
    let (old, new) = (MemoryTopic::compacted(), MemoryTopic::compacted());
    let open = |topic: &MemoryTopic, worker: &'static str| {
        StatusTopic::open(Box::new(MemoryStatusBackingStore::new(topic)), worker.into())
    };
    let status = |worker: &str, state| Status {
        state,
        trace: None,
        worker_id: worker.into(),
        generation: 3,
        version: None,
    };
    let task = |task| StatusId::Task(ConnectorTaskId { connector: "a".into(), task });
    let mut one = open(&old, "w1").await.unwrap();
    one.put(StatusId::Connector("a".into()), status("w1", State::Running));
    one.put(task(0), status("w1", State::Running));
    one.put(task(1), status("w2", State::Running));
    // Meanwhile the other worker said something newer about its own.
    let mut two = open(&new, "w2").await.unwrap();
    two.put(task(1), status("w2", State::Paused));
    two.flush().await.unwrap();
    for (leads, keys) in [(false, 3), (true, 3)] {
        let names = one.reopen(Box::new(MemoryStatusBackingStore::new(&new)), leads).await.unwrap();
        assert_eq!(names, [Arc::from("a")]);
        assert_eq!(one.state(&task(1)).map(|status| status.state), Some(State::Paused));
        one.flush().await.unwrap();
        assert_eq!(new.records().len(), keys, "leads: {leads}");
    }
    let empty = MemoryTopic::compacted();
    for (leads, keys) in [(false, 2), (true, 3)] {
        one.reopen(Box::new(MemoryStatusBackingStore::new(&empty)), leads).await.unwrap();
        one.flush().await.unwrap();
        assert_eq!((empty.records().len(), one.ids().len()), (keys, 3), "leads: {leads}");
    }
}
