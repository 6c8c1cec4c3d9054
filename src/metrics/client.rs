//! What the worker's Kafka clients tell of their connections and of their group, when they are asked to
//! (`metrics.clients.interval.ms`), and what that makes in the last moments.
//!
//! A client tells sums since it was made; rates are of what was added between two tellings.

use super::number::float;
use super::window::{Sampling, Window};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::time::Instant;

/// What a client is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ClientRole {
    /// The worker's membership of its cluster.
    Worker,
    /// Reads.
    Consumer,
    /// Writes.
    Producer,
}

impl ClientRole {
    /// As families say it that have a label for that; the worker's own client is no type of client to them.
    pub(super) fn as_type(self) -> Option<&'static str> {
        match self {
            Self::Worker => None,
            Self::Consumer => Some("consumer"),
            Self::Producer => Some("producer"),
        }
    }
}

/// What went over connections, as sums since the client was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Traffic {
    /// Requests sent.
    pub requests: u64,
    /// Bytes sent.
    pub bytes_out: u64,
    /// Responses received.
    pub responses: u64,
    /// Bytes received.
    pub bytes_in: u64,
}

/// What a client tells of one broker.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct NodeReading {
    /// What went over connections to it.
    pub traffic: Traffic,
    /// Milliseconds from a request to its response, on average since the client told last; none when there was none.
    pub latency: Option<f64>,
}

/// What a client tells of its group, as sums since it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GroupReading {
    /// Heartbeats sent.
    pub heartbeats: u64,
    /// Requests to join.
    pub joins: u64,
    /// Requests for its part.
    pub syncs: u64,
    /// How often it was given partitions anew.
    pub rebalances: u64,
    /// Milliseconds since the last time; none before the first.
    pub since_rebalance: Option<u64>,
}

/// What a client told.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ClientReading {
    /// Connections that are open.
    pub connections: u64,
    /// Connections that were opened, and that were closed, since it was made.
    pub turnover: (u64, u64),
    /// What went over all of them.
    pub traffic: Traffic,
    /// Requests for records.
    pub fetches: u64,
    /// Records that it has written.
    pub sent: u64,
    /// Of each broker, by its id.
    pub nodes: BTreeMap<i32, NodeReading>,
    /// Of its group; none when it has none.
    pub group: Option<GroupReading>,
}

/// What is known of a client at one moment.
#[derive(Debug, Clone)]
pub struct ClientView {
    /// What it is for.
    pub kind: ClientRole,
    /// Its id.
    pub id: Arc<str>,
    /// What it told last.
    pub reading: ClientReading,
    /// Bytes of a request, on average; not a number while there is none.
    pub request_size: f64,
    /// Milliseconds from a request to its response, on average over brokers; not a number while there is none.
    pub latency: f64,
    /// Of each broker.
    pub nodes: Vec<NodeView>,
}

/// What is known of a client's connections to one broker.
#[derive(Debug, Clone)]
pub struct NodeView {
    /// The broker, as Kafka's clients call it.
    pub node: String,
    /// What went over them.
    pub traffic: Traffic,
    /// Requests and bytes sent, responses and bytes received, in a second.
    pub rates: [f64; 4],
    /// Bytes of a request, on average; not a number while there is none.
    pub request_size: f64,
    /// Milliseconds from a request to its response, on average; not a number while there is none.
    pub latency: f64,
}

/// What went over connections in the last moments.
#[derive(Debug)]
struct Flow {
    last: Traffic,
    windows: [Window; 4],
}

#[derive(Debug)]
struct Node {
    flow: Flow,
    latency: Window,
}

#[derive(Debug)]
struct Told {
    reading: Option<ClientReading>,
    flow: Flow,
    latency: Window,
    nodes: BTreeMap<i32, Node>,
}

/// Of one client.
#[derive(Debug)]
pub(super) struct ClientNumbers {
    kind: ClientRole,
    id: Arc<str>,
    sampling: Sampling,
    told: Mutex<Told>,
}

impl Traffic {
    fn sums(self) -> [u64; 4] {
        [self.requests, self.bytes_out, self.responses, self.bytes_in]
    }
}

impl Flow {
    fn new(sampling: Sampling) -> Self {
        let window = || Window::new(sampling);
        Self { last: Traffic::default(), windows: [window(), window(), window(), window()] }
    }

    fn take(&mut self, traffic: Traffic, now: Instant) {
        let before = std::mem::replace(&mut self.last, traffic).sums();
        for ((window, sum), before) in self.windows.iter_mut().zip(traffic.sums()).zip(before) {
            window.record(float(sum.saturating_sub(before)), now);
        }
    }

    fn rates(&self, now: Instant) -> [f64; 4] {
        self.windows.each_ref().map(|window| window.rate(now))
    }

    fn request_size(&self, now: Instant) -> f64 {
        let [requests, bytes, ..] = self.rates(now);
        if requests > 0.0 { bytes / requests } else { f64::NAN }
    }
}

impl ClientNumbers {
    pub(super) fn new(kind: ClientRole, id: &str, sampling: Sampling) -> Self {
        let (flow, latency) = (Flow::new(sampling), Window::new(sampling));
        let told = Told { reading: None, flow, latency, nodes: BTreeMap::new() };
        Self { kind, id: id.into(), sampling, told: Mutex::new(told) }
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        // Numbers are whole between any two statements that may panic.
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, reading: ClientReading, now: Instant) {
        let mut guard = self.told();
        let told = &mut *guard;
        told.flow.take(reading.traffic, now);
        told.nodes.retain(|node, _| reading.nodes.contains_key(node));
        for (id, read) in &reading.nodes {
            let node = told.nodes.entry(*id).or_insert_with(|| Node {
                flow: Flow::new(self.sampling),
                latency: Window::new(self.sampling),
            });
            node.flow.take(read.traffic, now);
            if let Some(latency) = read.latency {
                node.latency.record(latency, now);
            }
        }
        for latency in reading.nodes.values().filter_map(|node| node.latency) {
            told.latency.record(latency, now);
        }
        told.reading = Some(reading);
    }

    /// None before it has told anything.
    pub(super) fn read(&self, now: Instant) -> Option<ClientView> {
        let told = self.told();
        let reading = told.reading.clone()?;
        let nodes = told.nodes.iter().map(|(id, node)| NodeView {
            node: format!("node-{id}"),
            traffic: node.flow.last,
            rates: node.flow.rates(now),
            request_size: node.flow.request_size(now),
            latency: node.latency.average(now),
        });
        Some(ClientView {
            kind: self.kind,
            id: Arc::clone(&self.id),
            request_size: told.flow.request_size(now),
            latency: told.latency.average(now),
            nodes: nodes.collect(),
            reading,
        })
    }
}

type ById = BTreeMap<(ClientRole, Arc<str>), Arc<ClientNumbers>>;

/// The clients that there are.
#[derive(Debug, Clone, Default)]
pub(super) struct Clients(Arc<Mutex<ById>>);

impl Clients {
    fn all(&self) -> MutexGuard<'_, ById> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// For a client that was made; one of the same name that still ends is told of no more.
    pub(super) fn add(&self, kind: ClientRole, id: &str, sampling: Sampling) -> ClientCounts {
        let numbers = Arc::new(ClientNumbers::new(kind, id, sampling));
        self.all().insert((kind, Arc::clone(&numbers.id)), Arc::clone(&numbers));
        ClientCounts { numbers, clients: self.clone() }
    }

    pub(super) fn read(&self, now: Instant) -> Vec<ClientView> {
        self.all().values().filter_map(|client| client.read(now)).collect()
    }
}

/// Takes what a client tells. Its series are there until this is dropped.
#[derive(Debug)]
pub struct ClientCounts {
    numbers: Arc<ClientNumbers>,
    clients: Clients,
}

impl ClientCounts {
    /// The client told this.
    pub fn take(&self, reading: ClientReading) {
        self.numbers.take(reading, Instant::now());
    }
}

impl Drop for ClientCounts {
    fn drop(&mut self) {
        let mut all = self.clients.all();
        let key = (self.numbers.kind, Arc::clone(&self.numbers.id));
        if all.get(&key).is_some_and(|known| Arc::ptr_eq(known, &self.numbers)) {
            all.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ClientReading, ClientRole, Clients, NodeReading, Traffic};
    use crate::metrics::Sampling;
    use std::time::Duration;
    use tokio::time::{Instant, advance};

    fn told(requests: u64, latency: Option<f64>) -> ClientReading {
        let traffic =
            Traffic { requests, bytes_out: 50 * requests, responses: requests, bytes_in: 200 * requests };
        let nodes = [(1, NodeReading { traffic, latency })].into();
        ClientReading { connections: 1, traffic, nodes, ..ClientReading::default() }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_added_between_two_tellings_makes_rates_and_averages() {
        let clients = Clients::default();
        let client = clients.add(ClientRole::Producer, "p", Sampling::default());
        assert!(clients.read(Instant::now()).is_empty(), "nothing was told yet");
        client.take(told(30, Some(4.0)));
        advance(Duration::from_secs(30)).await;
        client.take(told(60, None));
        let view = clients.read(Instant::now()).remove(0);
        let node = &view.nodes[0];
        assert_eq!((node.node.as_str(), node.traffic.requests, view.reading.connections), ("node-1", 60, 1));
        for (found, wanted) in node.rates.into_iter().zip([2.0, 100.0, 2.0, 400.0]) {
            assert!((found - wanted).abs() < 1e-9, "{found}, not {wanted}");
        }
        assert!((view.request_size - 50.0).abs() < 1e-9 && (node.request_size - 50.0).abs() < 1e-9);
        assert!((node.latency - 4.0).abs() < 1e-9 && (view.latency - 4.0).abs() < 1e-9);
        advance(Duration::from_mins(2)).await;
        let view = clients.read(Instant::now()).remove(0);
        assert!(view.request_size.is_nan() && view.nodes[0].latency.is_nan());
    }

    #[test]
    fn a_client_that_follows_another_of_its_name_keeps_its_place() {
        let clients = Clients::default();
        let first = clients.add(ClientRole::Consumer, "c", Sampling::default());
        let second = clients.add(ClientRole::Consumer, "c", Sampling::default());
        first.take(told(9, None));
        second.take(told(1, None));
        drop(first);
        let all = clients.read(Instant::now());
        assert_eq!((all.len(), all[0].reading.traffic.requests), (1, 1));
        drop(second);
        assert!(clients.read(Instant::now()).is_empty());
    }
}
