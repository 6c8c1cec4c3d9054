//! A worker that runs nothing: it keeps the orders it was given and reports what a real one would.

use super::runner::Runner;
use crate::id::TaskAssignment;
use crate::status::{State, StatusEvent, WorkerEvent};
use crate::worker::ConnectorSpec;
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tokio::sync::{Semaphore, mpsc};

/// See the module's words.
pub(crate) struct FakeRunner {
    events: mpsc::Sender<WorkerEvent>,
    running: Mutex<BTreeMap<Arc<str>, ConnectorSpec>>,
    orders: Mutex<Vec<String>>,
    /// How many stops may end; a test takes permits away to make drains long.
    pub(crate) drains: Semaphore,
}

impl FakeRunner {
    /// The worker and its reports.
    pub(crate) fn new() -> (Arc<Self>, mpsc::Receiver<WorkerEvent>) {
        let (events, reports) = mpsc::channel(16);
        let drains = Semaphore::new(1000);
        let (running, orders) = (Mutex::default(), Mutex::default());
        (Arc::new(Self { events, running, orders, drains }), reports)
    }

    /// The orders so far, in words.
    pub(crate) fn orders(&self) -> Vec<String> {
        self.orders.lock().unwrap().clone()
    }

    /// Reports a state as a task or connector would.
    pub(crate) async fn report(&self, connector: &str, task: Option<u32>, state: State, trace: Option<&str>) {
        let event = StatusEvent { connector: connector.into(), task, state, trace: trace.map(str::to_owned) };
        self.events.send(WorkerEvent::Status(event)).await.unwrap();
    }

    /// Reports that a task reads a topic.
    pub(crate) async fn report_read(&self, connector: &str, task: u32, topic: &str) {
        let event = WorkerEvent::TopicRead { connector: connector.into(), task, topic: topic.into() };
        self.events.send(event).await.unwrap();
    }

    fn order(&self, words: String) {
        self.orders.lock().unwrap().push(words);
    }

    async fn report_all(&self, spec: &ConnectorSpec, state: State) {
        if spec.assignment.instance {
            self.report(&spec.name, None, state, None).await;
        }
        for task in &spec.assignment.tasks {
            self.report(&spec.name, Some(*task), state, None).await;
        }
    }
}

#[async_trait]
impl Runner for FakeRunner {
    async fn start(&self, spec: ConnectorSpec) {
        self.order(format!(
            "start {} tasks={} paused={}",
            spec.name,
            spec.assignment.tasks.len(),
            spec.paused
        ));
        let state = if spec.paused { State::Paused } else { State::Running };
        self.running.lock().unwrap().insert(spec.name.clone(), spec.clone());
        self.report_all(&spec, state).await;
    }

    async fn stop(&self, name: Arc<str>, end: State) {
        self.order(format!("stop {name} {end}"));
        drop(self.drains.acquire().await.unwrap());
        let spec = self.running.lock().unwrap().remove(&name);
        for task in spec.iter().flat_map(|spec| &spec.assignment.tasks) {
            self.report(&name, Some(*task), State::Unassigned, None).await;
        }
        self.report(&name, None, end, None).await;
    }

    async fn set_paused(&self, name: Arc<str>, paused: bool) {
        self.order(format!("pause {name} {paused}"));
        let spec = self.running.lock().unwrap().get_mut(&name).map(|spec| {
            spec.paused = paused;
            spec.clone()
        });
        if let Some(spec) = spec {
            self.report_all(&spec, if paused { State::Paused } else { State::Running }).await;
        }
    }

    async fn restart_task(&self, name: Arc<str>, task: u32) {
        self.order(format!("restart {name}-{task}"));
        self.report(&name, Some(task), State::Running, None).await;
    }

    async fn set_assignment(&self, name: Arc<str>, assigned: TaskAssignment) {
        self.order(format!("assigned {name} instance={} tasks={:?}", assigned.instance, assigned.tasks));
        let (gone, spec) = {
            let mut running = self.running.lock().unwrap();
            let Some(spec) = running.get_mut(&name) else { return };
            let gone: Vec<u32> = spec.assignment.tasks.difference(&assigned.tasks).copied().collect();
            spec.assignment = assigned;
            (gone, spec.clone())
        };
        for task in gone {
            self.report(&name, Some(task), State::Unassigned, None).await;
        }
        self.report_all(&spec, if spec.paused { State::Paused } else { State::Running }).await;
    }

    async fn shutdown(&self) -> bool {
        self.order("shutdown".to_owned());
        let running = std::mem::take(&mut *self.running.lock().unwrap());
        for spec in running.into_values() {
            self.report_all(&spec, State::Unassigned).await;
        }
        true
    }
}
