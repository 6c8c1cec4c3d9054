//! Brokers that do not answer: what librdkafka's words about a lost connection mean to who wrote `bootstrap.servers`.
//!
//! Pure. All of it may pass: brokers that start or stop look like this too.

use rdkafka::error::RDKafkaErrorCode;

/// What to look at, from an error of the client and its words; none for errors that are not about a connection.
pub(super) fn advice(code: RDKafkaErrorCode, reason: &str) -> Option<&'static str> {
    match code {
        RDKafkaErrorCode::Resolve => Some("the host does not resolve here: check it"),
        RDKafkaErrorCode::BadMessage => Some("there is no broker of Kafka: check the port"),
        RDKafkaErrorCode::SSL => {
            Some("the port does not speak TLS as brokers do: check it, and security.protocol")
        }
        RDKafkaErrorCode::BrokerTransportFailure if reason.contains("Connection refused") => Some(
            "the connection is refused: nothing listens there, or a firewall is between; check host and port",
        ),
        // What is no broker closes a connection on which it hears what it does not understand.
        RDKafkaErrorCode::BrokerTransportFailure if reason.contains("APIVERSION_QUERY") => {
            Some("there is no broker of Kafka, or one that speaks TLS: check the port, and security.protocol")
        }
        RDKafkaErrorCode::BrokerTransportFailure => Some("check host and port, and the network"),
        _ => None,
    }
}

/// The advice when nothing at all was heard.
pub(super) const SILENT: &str = "the port does not answer as a broker does: check it, and the network";

#[cfg(test)]
mod tests {
    use super::advice;
    use rdkafka::error::RDKafkaErrorCode as Code;

    #[test]
    fn each_cause_has_its_advice() {
        let refused = "127.0.0.1:9/bootstrap: Connect to ipv4#127.0.0.1:9 failed: Connection refused (after 0ms in state CONNECT)";
        let closed = "h:80/bootstrap: Disconnected while requesting ApiVersion: might be caused by incorrect security.protocol \
                      configuration (after 3ms in state APIVERSION_QUERY)";
        for (code, reason, words) in [
            (Code::Resolve, "h:1/bootstrap: Failed to resolve 'h:1'", "resolve"),
            (Code::BrokerTransportFailure, refused, "refused"),
            (Code::BrokerTransportFailure, closed, "no broker of Kafka"),
            (Code::BadMessage, "Receive failed: Invalid response size 1213486160", "no broker of Kafka"),
        ] {
            assert!(advice(code, reason).is_some_and(|advice| advice.contains(words)), "{reason}");
        }
        assert_eq!(advice(Code::AllBrokersDown, "1/1 brokers are down"), None);
    }
}
