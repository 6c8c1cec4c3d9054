//! What a client tells of its connections and its group, when it was asked to (`metrics.clients.interval.ms`). Pure.
//!
//! librdkafka writes a text about everything it has, partitions too (its manual's chapter on statistics); of that only a few sums are read.

use crate::metrics::{ClientReading, GroupReading, NodeReading, Traffic};
use rdkafka::ClientConfig;
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

const INTERVAL: &str = "statistics.interval.ms";

/// Makes a client tell so often; never, when that is no time, and as often as the user says who said it.
pub fn ask(config: &mut ClientConfig, interval: Duration) {
    if !interval.is_zero() && config.get(INTERVAL).is_none() {
        config.set(INTERVAL, interval.as_millis().to_string());
    }
}

#[derive(Deserialize)]
struct Statistics {
    tx: i64,
    tx_bytes: i64,
    rx: i64,
    rx_bytes: i64,
    #[serde(default)]
    txmsgs: i64,
    brokers: HashMap<String, Broker>,
    #[serde(default)]
    cgrp: Option<Cgrp>,
}

/// A broker; or what stands for one that is not known by number yet (a bootstrap server, a group's coordinator).
#[derive(Deserialize)]
#[serde(default)]
struct Broker {
    state: String,
    nodeid: i32,
    tx: i64,
    txbytes: i64,
    rx: i64,
    rxbytes: i64,
    connects: i64,
    disconnects: i64,
    rtt: Rtt,
    req: HashMap<String, i64>,
}

impl Default for Broker {
    fn default() -> Self {
        Self {
            state: String::new(),
            nodeid: -1,
            tx: 0,
            txbytes: 0,
            rx: 0,
            rxbytes: 0,
            connects: 0,
            disconnects: 0,
            rtt: Rtt::default(),
            req: HashMap::new(),
        }
    }
}

/// In microseconds, since the last text.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Rtt {
    avg: i64,
    cnt: i64,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Cgrp {
    rebalance_age: i64,
    rebalance_cnt: i64,
}

fn number(sum: i64) -> u64 {
    u64::try_from(sum).unwrap_or(0)
}

/// The sums in `text`; none when it is no such text.
pub(super) fn read(text: &[u8]) -> Option<ClientReading> {
    let found: Statistics = serde_json::from_slice(text).ok()?;
    let all = || found.brokers.values();
    let requests = |name: &str| number(all().filter_map(|broker| broker.req.get(name)).sum());
    let group = found.cgrp.as_ref().map(|group| GroupReading {
        heartbeats: requests("Heartbeat"),
        joins: requests("JoinGroup"),
        syncs: requests("SyncGroup"),
        rebalances: number(group.rebalance_cnt),
        since_rebalance: (group.rebalance_cnt > 0).then(|| number(group.rebalance_age)),
    });
    Some(ClientReading {
        connections: all().filter(|broker| broker.state == "UP").count() as u64,
        turnover: (
            number(all().map(|broker| broker.connects).sum()),
            number(all().map(|broker| broker.disconnects).sum()),
        ),
        traffic: Traffic {
            requests: number(found.tx),
            bytes_out: number(found.tx_bytes),
            responses: number(found.rx),
            bytes_in: number(found.rx_bytes),
        },
        fetches: requests("Fetch"),
        sent: number(found.txmsgs),
        nodes: nodes(all()),
        group,
    })
}

/// What went to each broker that has a number: a group's coordinator has that of the broker, and a connection of its own.
fn nodes<'a>(brokers: impl Iterator<Item = &'a Broker>) -> BTreeMap<i32, NodeReading> {
    let mut nodes: BTreeMap<i32, (Traffic, i64, i64)> = BTreeMap::new();
    for broker in brokers.filter(|broker| broker.nodeid >= 0) {
        let (traffic, time, count) = nodes.entry(broker.nodeid).or_default();
        traffic.requests += number(broker.tx);
        traffic.bytes_out += number(broker.txbytes);
        traffic.responses += number(broker.rx);
        traffic.bytes_in += number(broker.rxbytes);
        *time = time.saturating_add(broker.rtt.avg.saturating_mul(broker.rtt.cnt));
        *count = count.saturating_add(broker.rtt.cnt);
    }
    let node = |(traffic, time, count): (Traffic, i64, i64)| {
        let mean = Duration::from_micros(number(time.checked_div(count).unwrap_or(0)));
        NodeReading { traffic, latency: (count > 0).then_some(mean.as_secs_f64() * 1000.0) }
    };
    nodes.into_iter().map(|(id, sums)| (id, node(sums))).collect()
}

#[cfg(test)]
mod tests {
    use super::{ask, read};
    use crate::metrics::{ClientReading, GroupReading, NodeReading, Traffic};
    use rdkafka::ClientConfig;
    use std::time::Duration;

    #[test]
    fn sums_of_all_of_each_broker_and_of_the_group_are_read() {
        let text = r#"{"name":"c","tx":3,"tx_bytes":40,"rx":2,"rx_bytes":50,"txmsgs":6,"topics":{"t":{"partitions":{}}},
            "brokers":{
                "a:1/1":{"state":"UP","nodeid":1,"tx":2,"txbytes":30,"rx":1,"rxbytes":40,"connects":2,"disconnects":1,
                    "rtt":{"avg":1000,"cnt":3},"req":{"Fetch":4,"Metadata":1}},
                "b:1/bootstrap":{"state":"TRY_CONNECT","nodeid":-1,"tx":9,"connects":1},
                "GroupCoordinator":{"state":"UP","nodeid":1,"tx":1,"txbytes":10,"rx":1,"rxbytes":10,"connects":1,
                    "rtt":{"avg":3000,"cnt":1},"req":{"Heartbeat":5,"JoinGroup":2,"SyncGroup":1}}},
            "cgrp":{"state":"up","rebalance_age":1500,"rebalance_cnt":2}}"#;
        let node = Traffic { requests: 3, bytes_out: 40, responses: 2, bytes_in: 50 };
        let group =
            GroupReading { heartbeats: 5, joins: 2, syncs: 1, rebalances: 2, since_rebalance: Some(1500) };
        let wanted = ClientReading {
            connections: 2,
            turnover: (4, 1),
            traffic: node,
            fetches: 4,
            sent: 6,
            nodes: [(1, NodeReading { traffic: node, latency: Some(1.5) })].into(),
            group: Some(group),
        };
        assert_eq!(read(text.as_bytes()), Some(wanted));
        let idle =
            r#"{"tx":0,"tx_bytes":0,"rx":0,"rx_bytes":0,"brokers":{"a:1/1":{"state":"INIT","nodeid":1}}}"#;
        let idle = read(idle.as_bytes()).unwrap();
        assert_eq!((idle.group, idle.nodes[&1]), (None, NodeReading::default()));
        for text in ["", "{}", "[1]", "\u{0}"] {
            assert_eq!(read(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn the_users_own_interval_is_kept_and_none_asks_for_nothing() {
        let mut config = ClientConfig::new();
        ask(&mut config, Duration::ZERO);
        assert_eq!(config.get("statistics.interval.ms"), None);
        ask(&mut config, Duration::from_secs(3));
        ask(&mut config, Duration::from_secs(4));
        assert_eq!(config.get("statistics.interval.ms"), Some("3000"));
    }
}
