//! The answer of `migrate --check`: for people, and as JSON for programs.

use crate::id::TopicPartition;
use crate::kafka::groups::GroupDescription;
use crate::status::{State, TargetState};
use serde_json::{Value, json};
use std::sync::Arc;

/// One of the three storage topics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// How many partitions it has; none when it does not exist.
    pub partitions: Option<usize>,
    /// Why a worker would not start on it.
    pub problem: Option<String>,
}

/// The cluster's own group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClusterGroup {
    /// Nobody is there.
    Empty,
    /// Workers of the JVM, by host.
    Jvm(Vec<String>),
    /// Workers of ours, by host.
    Ours(Vec<String>),
}

/// A worker's client id is its URL with a proof behind it.
fn without_proof(client_id: &str) -> &str {
    client_id.split_once('#').map_or(client_id, |(url, _)| url)
}

impl From<GroupDescription> for ClusterGroup {
    fn from(group: GroupDescription) -> Self {
        let members: Vec<_> = group
            .members
            .iter()
            .map(|member| format!("{} {}", without_proof(&member.client_id), member.host))
            .collect();
        match group.protocol_type.as_str() {
            _ if members.is_empty() => Self::Empty,
            "connect" => Self::Jvm(members),
            _ => Self::Ours(members),
        }
    }
}

/// What would become of a connector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It runs here as it is.
    Runs,
    /// It is refused here: why.
    Blocked(Vec<String>),
    /// Its class is not ours: it is shown as FAILED and its records stay.
    Foreign,
}

/// One connector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectorReport {
    /// Its name.
    pub name: Arc<str>,
    /// `connector.class` as written.
    pub class: String,
    /// What the user wants it to do.
    pub target: TargetState,
    /// How many tasks are committed.
    pub tasks: u32,
    /// Its task configs do not belong to its config: the next leader writes them again.
    pub tasks_to_write: bool,
    /// Its last state, and who said so.
    pub state: Option<(State, Arc<str>)>,
    /// What would become of it.
    pub verdict: Verdict,
    /// What is done otherwise here, in sentences.
    pub differences: Vec<String>,
    /// Its consumer group.
    pub group: String,
    /// What that group has committed, or why that is not known.
    pub offsets: Result<Vec<(TopicPartition, i64)>, String>,
}

/// The whole answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// `group.id`.
    pub group_id: String,
    /// `bootstrap.servers`.
    pub bootstrap: String,
    /// Who is in that group, or why that is not known.
    pub group: Result<ClusterGroup, String>,
    /// Config, status and offset topic.
    pub topics: [Topic; 3],
    /// All connectors.
    pub connectors: Vec<ConnectorReport>,
}

impl Report {
    /// True when something has to be changed before this worker can take over.
    pub fn is_blocked(&self) -> bool {
        self.topics.iter().any(|topic| topic.problem.is_some())
            || self.connectors.iter().any(|connector| matches!(connector.verdict, Verdict::Blocked(_)))
    }

    /// For programs.
    pub fn to_json(&self) -> Value {
        let topics = self.topics.iter().map(
            |topic| json!({ "name": topic.name, "partitions": topic.partitions, "problem": topic.problem }),
        );
        let (state, members) = match &self.group {
            Ok(ClusterGroup::Empty) => ("empty", Vec::new()),
            Ok(ClusterGroup::Jvm(members)) => ("jvm", members.clone()),
            Ok(ClusterGroup::Ours(members)) => ("kusto-connect", members.clone()),
            Err(reason) => ("unknown", vec![reason.clone()]),
        };
        json!({
            "group_id": self.group_id,
            "bootstrap_servers": self.bootstrap,
            "blocked": self.is_blocked(),
            "group": { "state": state, "members": members },
            "topics": topics.collect::<Vec<_>>(),
            "connectors": self.connectors.iter().map(ConnectorReport::to_json).collect::<Vec<_>>(),
        })
    }

    /// For people.
    pub fn to_text(&self) -> String {
        let mut text = format!("Connect cluster {} on {}\n", self.group_id, self.bootstrap);
        for (what, topic) in ["config", "status", "offset"].iter().zip(&self.topics) {
            line(&mut text, 1, &format!("{what} topic {}: {}", topic.name, topic.words()));
        }
        line(&mut text, 1, &format!("group {}: {}", self.group_id, self.group_words()));
        for connector in &self.connectors {
            connector.write(&mut text);
        }
        let count = |wanted: fn(&Verdict) -> bool| {
            self.connectors.iter().filter(|connector| wanted(&connector.verdict)).count()
        };
        let runs = count(|verdict| *verdict == Verdict::Runs);
        let blocked = count(|verdict| matches!(verdict, Verdict::Blocked(_)));
        let foreign = count(|verdict| *verdict == Verdict::Foreign);
        let end = if self.is_blocked() { "The takeover is blocked." } else { "Nothing blocks the takeover." };
        text.push('\n');
        line(
            &mut text,
            0,
            &format!("{runs} connectors run here, {blocked} are blocked, {foreign} are left alone. {end}"),
        );
        text
    }

    fn group_words(&self) -> String {
        match &self.group {
            Ok(ClusterGroup::Empty) => "no worker is running".to_owned(),
            Ok(ClusterGroup::Jvm(members)) => format!(
                "{} JVM workers are running ({}); stop them before kusto-connect is started, Kafka refuses both at once",
                members.len(),
                members.join(", ")
            ),
            Ok(ClusterGroup::Ours(members)) => {
                format!("{} workers of kusto-connect are running ({})", members.len(), members.join(", "))
            }
            Err(reason) => format!("not known: {reason}"),
        }
    }
}

impl Topic {
    fn words(&self) -> String {
        match (self.partitions, &self.problem) {
            (_, Some(problem)) => format!("BLOCKED: {problem}"),
            (Some(partitions), None) => format!("{partitions} partitions"),
            (None, None) => "missing; it is created when a worker starts".to_owned(),
        }
    }
}

impl ConnectorReport {
    fn to_json(&self) -> Value {
        let (verdict, blockers) = match &self.verdict {
            Verdict::Runs => ("runs", &[][..]),
            Verdict::Blocked(blockers) => ("blocked", blockers.as_slice()),
            Verdict::Foreign => ("foreign", &[][..]),
        };
        let offsets = self.offsets.as_ref().map(|offsets| {
            let offset = |(id, offset): &(TopicPartition, i64)| {
                json!({ "topic": &*id.topic, "partition": id.partition, "offset": offset })
            };
            offsets.iter().map(offset).collect::<Vec<_>>()
        });
        json!({
            "name": &*self.name,
            "class": self.class,
            "verdict": verdict,
            "blockers": blockers,
            "differences": self.differences,
            "target_state": self.target.as_str(),
            "tasks": self.tasks,
            "tasks_to_write": self.tasks_to_write,
            "state": self.state.as_ref().map(|(state, _)| state.as_str()),
            "worker_id": self.state.as_ref().map(|(_, worker)| &**worker),
            "group": self.group,
            "offsets": offsets.as_ref().ok(),
            "offsets_error": self.offsets.as_ref().err(),
        })
    }

    fn write(&self, text: &mut String) {
        let state =
            self.state.as_ref().map_or_else(String::new, |(state, worker)| format!(", {state} on {worker}"));
        text.push('\n');
        let (target, tasks) = (self.target.as_str(), self.tasks);
        line(text, 0, &format!("{}: {target}, {tasks} tasks{state}", self.name));
        match &self.verdict {
            Verdict::Runs => line(text, 1, "runs here"),
            Verdict::Blocked(blockers) => {
                for blocker in blockers {
                    line(text, 1, &format!("BLOCKED: {blocker}"));
                }
            }
            Verdict::Foreign => {
                line(
                    text,
                    1,
                    &format!(
                        "left alone: {} is not a class of this worker; it is shown as FAILED",
                        self.class
                    ),
                );
            }
        }
        if self.tasks_to_write {
            line(text, 1, "its task configs are not those of its config and will be written again");
        }
        match &self.offsets {
            Ok(offsets) if offsets.is_empty() => {
                line(text, 1, &format!("{} has committed nothing", self.group));
            }
            Ok(offsets) => {
                line(
                    text,
                    1,
                    &format!("{} has committed {} partitions, it goes on there", self.group, offsets.len()),
                );
            }
            Err(reason) => line(text, 1, &format!("its offsets are not known: {reason}")),
        }
        for difference in &self.differences {
            line(text, 1, &format!("differs: {difference}"));
        }
    }
}

fn line(text: &mut String, depth: usize, words: &str) {
    for _ in 0..depth {
        text.push_str("  ");
    }
    text.push_str(words);
    text.push('\n');
}
