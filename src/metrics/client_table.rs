//! The measures of the worker's Kafka clients: rows as those of `table`, the same for each kind of client.
//!
//! All of them are there only with `metrics.clients.interval.ms`, as each client tells them.

use super::bean::Bean;
use super::client::{ClientView, NodeView};
use super::number::float;
use super::table::SeriesType::{Counter, Gauge};
use super::table::{Measure, MeasuredValue, measure as row};

type OfClient = fn(&ClientView) -> Option<f64>;
type OfNode = fn(&NodeView) -> Option<f64>;

const fn client(read: OfClient) -> MeasuredValue {
    MeasuredValue::KafkaClient(read)
}

const fn node(read: OfNode) -> MeasuredValue {
    MeasuredValue::Node(read)
}

#[rustfmt::skip] // a table: one row is one measure
const fn connections(bean: Bean) -> [Measure; 9] {
    [
        row((bean, "connection-count"), Gauge, client(|one| Some(float(one.reading.connections))),
            "Connections of the client that are open (metrics.clients.interval.ms)"),
        row((bean, "connection-creation-total"), Counter, client(|one| Some(float(one.reading.turnover.0))),
            "Connections that it has opened (metrics.clients.interval.ms)"),
        row((bean, "connection-close-total"), Counter, client(|one| Some(float(one.reading.turnover.1))),
            "Connections that were closed (metrics.clients.interval.ms)"),
        row((bean, "incoming-byte-total"), Counter, client(|one| Some(float(one.reading.traffic.bytes_in))),
            "Bytes that it has received (metrics.clients.interval.ms)"),
        row((bean, "outgoing-byte-total"), Counter, client(|one| Some(float(one.reading.traffic.bytes_out))),
            "Bytes that it has sent (metrics.clients.interval.ms)"),
        row((bean, "request-total"), Counter, client(|one| Some(float(one.reading.traffic.requests))),
            "Requests that it has sent (metrics.clients.interval.ms)"),
        row((bean, "response-total"), Counter, client(|one| Some(float(one.reading.traffic.responses))),
            "Responses that it has received (metrics.clients.interval.ms)"),
        row((bean, "network-io-total"), Counter, client(|one| Some(float(one.reading.traffic.requests + one.reading.traffic.responses))),
            "Requests and responses together (metrics.clients.interval.ms)"),
        row((bean, "request-size-avg"), Gauge, client(|one| Some(one.request_size)),
            "Bytes of a request, on average (metrics.clients.interval.ms)"),
    ]
}

#[rustfmt::skip] // a table: one row is one measure
const fn nodes(bean: Bean) -> [Measure; 10] {
    [
        row((bean, "incoming-byte-total"), Counter, node(|one| Some(float(one.traffic.bytes_in))),
            "Bytes that the client has received from the broker (metrics.clients.interval.ms)"),
        row((bean, "incoming-byte-rate"), Gauge, node(|one| Some(one.rates[3])),
            "The same in a second"),
        row((bean, "outgoing-byte-total"), Counter, node(|one| Some(float(one.traffic.bytes_out))),
            "Bytes that the client has sent to the broker (metrics.clients.interval.ms)"),
        row((bean, "outgoing-byte-rate"), Gauge, node(|one| Some(one.rates[1])),
            "The same in a second"),
        row((bean, "request-total"), Counter, node(|one| Some(float(one.traffic.requests))),
            "Requests to the broker (metrics.clients.interval.ms)"),
        row((bean, "request-rate"), Gauge, node(|one| Some(one.rates[0])),
            "The same in a second"),
        row((bean, "response-total"), Counter, node(|one| Some(float(one.traffic.responses))),
            "Responses of the broker (metrics.clients.interval.ms)"),
        row((bean, "response-rate"), Gauge, node(|one| Some(one.rates[2])),
            "The same in a second"),
        row((bean, "request-size-avg"), Gauge, node(|one| Some(one.request_size)),
            "Bytes of a request to the broker, on average (metrics.clients.interval.ms)"),
        row((bean, "request-latency-avg"), Gauge, node(|one| Some(one.latency)),
            "Milliseconds from a request to its response, on average (metrics.clients.interval.ms)"),
    ]
}

#[rustfmt::skip] // a table: one row is one measure
const fn group(bean: Bean) -> [Measure; 5] {
    [
        row((bean, "heartbeat-total"), Counter, client(|one| Some(float(one.reading.group?.heartbeats))),
            "Heartbeats that the client has sent to its group (metrics.clients.interval.ms)"),
        row((bean, "join-total"), Counter, client(|one| Some(float(one.reading.group?.joins))),
            "Requests to join the group (metrics.clients.interval.ms)"),
        row((bean, "sync-total"), Counter, client(|one| Some(float(one.reading.group?.syncs))),
            "Requests for its part of the group's work (metrics.clients.interval.ms)"),
        row((bean, "rebalance-total"), Counter, client(|one| Some(float(one.reading.group?.rebalances))),
            "How often the group gave out its work anew (metrics.clients.interval.ms)"),
        row((bean, "last-rebalance-seconds-ago"), Gauge, client(|one| Some(float(one.reading.group?.since_rebalance? / 1000))),
            "Seconds since the last time (metrics.clients.interval.ms)"),
    ]
}

static OF_WORKER: [Measure; 9] = connections(Bean::Client);
static NODES_OF_WORKER: [Measure; 10] = nodes(Bean::ClientNode);
static GROUP_OF_WORKER: [Measure; 5] = group(Bean::Coordinator);
static OF_CONSUMERS: [Measure; 9] = connections(Bean::Consumer);
static NODES_OF_CONSUMERS: [Measure; 10] = nodes(Bean::ConsumerNode);
static GROUPS_OF_CONSUMERS: [Measure; 5] = group(Bean::ConsumerCoordinator);
static FETCHES: [Measure; 1] = [row(
    (Bean::Fetch, "fetch-total"),
    Counter,
    client(|one| Some(float(one.reading.fetches))),
    "Requests for records (metrics.clients.interval.ms)",
)];
static OF_PRODUCERS: [Measure; 9] = connections(Bean::Producer);
static OF_PRODUCERS_ALONE: [Measure; 2] = [
    row(
        (Bean::Producer, "record-send-total"),
        Counter,
        client(|one| Some(float(one.reading.sent))),
        "Records that it has written (metrics.clients.interval.ms)",
    ),
    row(
        (Bean::Producer, "request-latency-avg"),
        Gauge,
        client(|one| Some(one.latency)),
        "Milliseconds from a request to its response, on average (metrics.clients.interval.ms)",
    ),
];
static NODES_OF_PRODUCERS: [Measure; 10] = nodes(Bean::ProducerNode);

/// All of them, in the order of pages.
pub(super) fn of_clients() -> impl Iterator<Item = &'static Measure> {
    let worker = OF_WORKER.iter().chain(&NODES_OF_WORKER).chain(&GROUP_OF_WORKER);
    let consumers =
        OF_CONSUMERS.iter().chain(&NODES_OF_CONSUMERS).chain(&GROUPS_OF_CONSUMERS).chain(&FETCHES);
    worker.chain(consumers).chain(&OF_PRODUCERS).chain(&OF_PRODUCERS_ALONE).chain(&NODES_OF_PRODUCERS)
}
