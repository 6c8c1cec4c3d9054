//! Brokers that do not let a client in: which of librdkafka's many words mean that waiting will not help.
//!
//! Pure. A handshake that was cut is not among them: brokers that start or stop do that.

use rdkafka::error::RDKafkaErrorCode;

/// Why a client is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// User, password or mechanism.
    Password,
    /// No ticket of Kerberos, or none for this broker.
    Ticket,
    /// A certificate, theirs or ours.
    Certificate,
}

impl Refusal {
    /// From an error of the client and its words.
    pub(super) fn of(code: Option<RDKafkaErrorCode>, reason: &str) -> Option<Self> {
        match code? {
            RDKafkaErrorCode::Authentication
                if reason.contains("GSSAPI") || reason.contains("worthy mechs") =>
            {
                Some(Self::Ticket)
            }
            RDKafkaErrorCode::SaslAuthenticationFailed
            | RDKafkaErrorCode::Authentication
            | RDKafkaErrorCode::UnsupportedSASLMechanism => Some(Self::Password),
            RDKafkaErrorCode::SSL => is_about_certificates(reason).then_some(Self::Certificate),
            _ => None,
        }
    }

    /// What to look at in the settings of the worker's own clients.
    pub(super) fn advice(self) -> &'static str {
        match self {
            Self::Password => "check sasl.jaas.config, sasl.mechanism and security.protocol",
            Self::Ticket => {
                "check keyTab and principal in sasl.jaas.config, and sasl.kerberos.service.name; the words of kinit stand \
                 in the log (it must be installed, and libsasl2-modules-gssapi-mit)"
            }
            Self::Certificate => "check ssl.truststore.* and ssl.keystore.*",
        }
    }

    /// The same for the consumers of tasks.
    pub(super) fn consumer_advice(self) -> &'static str {
        match self {
            Self::Password => {
                "check consumer.sasl.jaas.config, consumer.sasl.mechanism and consumer.security.protocol, or \
                 consumer.override.* (consumers do not inherit the worker's)"
            }
            Self::Ticket => {
                "check keyTab and principal in consumer.sasl.jaas.config, and consumer.sasl.kerberos.service.name; the \
                 words of kinit stand in the log (it must be installed, and libsasl2-modules-gssapi-mit)"
            }
            Self::Certificate => {
                "check consumer.ssl.truststore.* and consumer.ssl.keystore.*, or consumer.override.* (consumers do not \
                 inherit the worker's)"
            }
        }
    }
}

/// An alert is how the other side says that it does not like a certificate.
fn is_about_certificates(reason: &str) -> bool {
    reason.contains("certificate") || reason.contains("alert")
}

#[cfg(test)]
mod tests {
    use super::Refusal;
    use rdkafka::error::RDKafkaErrorCode as Code;

    #[test]
    fn only_what_does_not_pass_is_a_refusal() {
        let verify =
            "ssl://h:1/1: SSL handshake failed: error:0A000086:SSL routines::certificate verify failed";
        assert_eq!(Refusal::of(Some(Code::SSL), verify), Some(Refusal::Certificate));
        let cut =
            "ssl://h:1/1: SSL handshake failed: Disconnected: connecting to a PLAINTEXT broker listener?";
        assert_eq!(Refusal::of(Some(Code::SSL), cut), None);
        assert_eq!(Refusal::of(Some(Code::Authentication), "x"), Some(Refusal::Password));
        let ticket =
            "SASL handshake failed (start (-1)): SASL(-1): generic failure: GSSAPI Error: No credentials";
        assert_eq!(Refusal::of(Some(Code::Authentication), ticket), Some(Refusal::Ticket));
        assert_eq!(Refusal::of(Some(Code::AllBrokersDown), "certificate"), None);
        assert_eq!(Refusal::of(None, "certificate"), None);
    }
}
