//! What a client tells of its connections, when it was asked to (`metrics.clients.interval.ms`). Pure.
//!
//! librdkafka writes a text about everything it has, partitions too; of that only a few sums are read.

use crate::metrics::ClientReading;
use serde::Deserialize;
use std::collections::HashMap;

#[derive(Deserialize)]
struct Statistics {
    tx: i64,
    tx_bytes: i64,
    rx: i64,
    rx_bytes: i64,
    brokers: HashMap<String, Broker>,
}

#[derive(Deserialize)]
struct Broker {
    state: String,
}

/// The sums in `text`; none when it is no such text.
pub(super) fn read(text: &[u8]) -> Option<ClientReading> {
    let found: Statistics = serde_json::from_slice(text).ok()?;
    let number = |sum: i64| u64::try_from(sum).unwrap_or(0);
    Some(ClientReading {
        connections: found.brokers.values().filter(|broker| broker.state == "UP").count() as u64,
        requests: number(found.tx),
        bytes_out: number(found.tx_bytes),
        responses: number(found.rx),
        bytes_in: number(found.rx_bytes),
    })
}

#[cfg(test)]
mod tests {
    use super::read;
    use crate::metrics::ClientReading;

    #[test]
    fn sums_and_open_connections_are_read() {
        let text = r#"{"name":"c","tx":3,"tx_bytes":40,"rx":2,"rx_bytes":50,"topics":{"t":{"partitions":{}}},
            "brokers":{"a:1/1":{"state":"UP","nodeid":1},"b:1/2":{"state":"TRY_CONNECT"},"GroupCoordinator":{"state":"UP"}}}"#;
        let wanted = ClientReading { connections: 2, requests: 3, bytes_out: 40, responses: 2, bytes_in: 50 };
        assert_eq!(read(text.as_bytes()), Some(wanted));
        for text in ["", "{}", "[1]", "\u{0}"] {
            assert_eq!(read(text.as_bytes()), None, "{text}");
        }
    }
}
