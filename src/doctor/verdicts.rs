//! What an error of the Kafka floor means to who looks before a start.

use crate::checkup::Finding;
use crate::kafka::Error;

/// A check that ended with this error. `acl` is the right that it needs.
pub(super) fn failed(error: &Error, acl: &str) -> Finding {
    match error {
        Error::Denied { reason, advice, .. } => {
            Finding::failed(format!("Kafka does not let us in: {reason}"), *advice)
        }
        Error::Unreachable { reason, advice, .. } => {
            Finding::failed(format!("Kafka does not answer: {reason}"), *advice)
        }
        Error::Refused { reason, advice, .. } => {
            Finding::failed(format!("Kafka refuses it: {reason}"), *advice)
        }
        Error::Setting { .. } | Error::Settings(_) => {
            Finding::failed(error.to_string(), "correct this setting")
        }
        Error::Replication { topic, key, factor, .. } => Finding::failed(
            format!("topic {topic} cannot be made with {key}={factor}: there are fewer brokers"),
            format!("start the other brokers, or set {key} to how many there are"),
        ),
        other => {
            let text = other.to_string();
            let is_right = text.to_lowercase().contains("authorization");
            let advice = if is_right {
                format!("give the right: {acl}")
            } else {
                "see the log of the brokers".to_owned()
            };
            Finding::failed(text, advice)
        }
    }
}

/// The command that gives a right on something.
pub(super) fn grant(operation: &str, on: &str) -> String {
    format!(
        "kafka-acls.sh --bootstrap-server <broker> --add --allow-principal User:<user> --operation {operation} {on}"
    )
}
