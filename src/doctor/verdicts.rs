//! What an error of the Kafka floor means to who looks before a start.

use crate::checkup::Finding;
use crate::kafka::Error;
use crate::kafka::rights::Right;

/// A check that ended with this error. `acl` is the right that it needs.
pub(super) fn failed(error: &Error, acl: &str) -> Finding {
    match error {
        Error::Denied { reason, advice, .. } => {
            Finding::failed(format!("Kafka does not let us in: {reason}"), *advice)
        }
        Error::Unreachable { reason, advice, .. } => {
            Finding::failed(format!("Kafka does not answer: {reason}"), *advice)
        }
        Error::Refused { reason, advice, .. } if advice.starts_with("grant ") => {
            Finding::failed(format!("Kafka refuses it: {reason}"), format!("give the right: {acl}"))
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

/// A check that found that these rights are missing on something (`--topic NAME`).
pub(super) fn lacking(missing: &[Right], on: &str) -> Finding {
    let rights: Vec<String> = missing.iter().map(Right::to_string).collect();
    Finding::failed(
        format!("we have no right to {}", rights.join(", ")),
        format!("give the right: {}", grant(&rights.join(" --operation "), on)),
    )
}

/// The command that gives a right on something.
pub(super) fn grant(operation: &str, on: &str) -> String {
    format!(
        "kafka-acls.sh --bootstrap-server <broker> --add --allow-principal User:<user> --operation {operation} {on}"
    )
}
