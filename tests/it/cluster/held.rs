//! The work of a worker that is gone, while `scheduled.rebalance.max.delay.ms` runs: it waits, and who comes back has just
//! what the assignor gives it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use kusto_connect::id::ConnectorTaskId;
use kusto_connect::membership::{ClusterView, assign_view};

use crate::support::{Cluster, Kafka, Owners, unique, wait_for, within};

/// What is to be dealt out, by the rule that each worker computes for itself.
struct Dealt {
    connectors: BTreeMap<Arc<str>, u32>,
}

impl Dealt {
    /// Who has what when these are there, and the work of `gone` waits for it as it was dealt to the first three.
    fn of(&self, cluster: &Cluster, there: &[usize], gone: Option<usize>) -> Owners {
        let urls = |indices: &[usize]| -> BTreeSet<Arc<str>> {
            indices.iter().map(|index| format!("http://{}/", cluster.id(*index)).into()).collect()
        };
        let members = urls(there);
        let leader = members.first().expect("a member").clone();
        let held = urls(gone.as_slice()).into_iter().map(|url| (url, i64::MAX)).collect();
        let view = ClusterView { generation: 1, leader, members, held, base: urls(&[0, 1, 2]) };
        let assignment = assign_view(&view, &self.connectors);
        let ids = self.connectors.iter().flat_map(|(name, count)| {
            (0..*count).map(|task| ConnectorTaskId { connector: Arc::clone(name), task })
        });
        let host = |url: &str| url.trim_start_matches("http://").trim_end_matches('/').to_owned();
        ids.map(|id| {
            let owner = assignment.task_owner(&id).expect("an owner");
            ((id.connector.to_string(), id.task.into()), host(owner))
        })
        .collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_work_of_a_worker_that_is_gone_waits_for_it_and_returns_to_it() {
    let kafka = Kafka::shared().await;
    let mut cluster = Cluster::of(kafka, 3, &[("scheduled.rebalance.max.delay.ms", "600000")]).await;
    let topic = unique("t");
    kafka.create_topic(&topic, 3).await;
    for name in ["a", "b", "c", "d"] {
        assert_eq!(cluster.rest(0).create(name, &Cluster::idle_connector(&topic, 3)).await.status, 201);
    }
    let tasks = Dealt { connectors: ["a", "b", "c", "d"].map(|name| (name.into(), 3)).into() };
    let before = cluster.balanced(0, 12, &[0, 1, 2]).await;
    assert_eq!(before, tasks.of(&cluster, &[0, 1, 2], None));
    let gone = (cluster.leader() + 1) % 3;
    let witness = (gone + 1) % 3;
    // Twice: it comes back alone, then after a worker more has come.
    for with_newcomer in [false, true] {
        cluster.workers[gone].kill();
        // Held back: the view says so, and what was last known of its tasks stays as it was.
        let held = format!("held=[\"http://{}/\"]", cluster.id(gone));
        wait_for("the cluster to notice", Duration::from_secs(30), async || {
            cluster.last_view(witness).is_some_and(|line| line.contains(&held)).then_some(())
        })
        .await;
        assert_eq!(cluster.owners(witness).await.as_ref(), Some(&before));
        if with_newcomer {
            // It does not get the work of who is gone either.
            cluster.add().await;
            let meanwhile = tasks.of(&cluster, &[(gone + 1) % 3, (gone + 2) % 3, 3], Some(gone));
            let mut owners = None;
            let shared = within(Duration::from_secs(30), async || {
                owners = cluster.owners(witness).await;
                (owners.as_ref()? == &meanwhile).then_some(())
            });
            assert!(shared.await.is_some(), "the newcomer's share: {owners:?} instead of {meanwhile:?}");
            let id = cluster.id(gone);
            let waits = |(task, owner): (_, &String)| *owner != id || before[task] == id;
            assert!(meanwhile.iter().all(waits), "nothing new is given to who is gone: {meanwhile:?}");
        }
        cluster.workers[gone].start_again().await;
        wait_for("nobody to be held back", Duration::from_secs(30), async || {
            cluster.last_view(witness).is_some_and(|line| line.contains("held=[]")).then_some(())
        })
        .await;
        // How many move for the newcomer depends on the names (ports), which are no test's to choose: all of it is computed.
        // The tests of `membership::assignor` bound it.
        let expected = if with_newcomer { tasks.of(&cluster, &[0, 1, 2, 3], None) } else { before.clone() };
        wait_for(format!("{expected:?}"), Duration::from_mins(1), async || {
            (cluster.owners(gone).await? == expected).then_some(())
        })
        .await;
    }
}
