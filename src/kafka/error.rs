//! What can go wrong between us and Kafka, in words that name the setting to change.

use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use crate::brief::Brief;
use crate::id::TopicPartition;

/// An error of the Kafka floor.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A client property has a value the client cannot use.
    #[error("Kafka client setting {key}: {reason}")]
    Setting {
        /// The key as the user wrote it, prefix included.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Several client properties are wrong; each is a [`Self::Setting`].
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Settings(Vec<Error>),
    /// The client could not be made.
    #[error("cannot create a Kafka client for {bootstrap}: {source}")]
    Client {
        /// The value of `bootstrap.servers`.
        bootstrap: String,
        /// The library's reason.
        source: KafkaError,
    },
    /// A consumer operation failed.
    #[error("Kafka consumer of group {group}: {operation}: {source}")]
    Consumer {
        /// The consumer group.
        group: String,
        /// What was tried.
        operation: &'static str,
        /// The library's reason.
        source: KafkaError,
    },
    /// A partition's queue could not be had.
    #[error("no queue for partition {0}")]
    Queue(TopicPartition),
    /// A storage topic could not be made, looked up, read or written.
    #[error("topic {topic}: {operation}: {source}{} (bootstrap.servers={bootstrap})", too_large(source))]
    Topic {
        /// The topic.
        topic: String,
        /// What was tried.
        operation: &'static str,
        /// The value of `bootstrap.servers`.
        bootstrap: String,
        /// The library's reason.
        source: Box<KafkaError>,
    },
    /// A storage topic cannot be made with so many copies.
    #[error(
        "topic {topic} cannot be made with {key}={factor}: there are fewer brokers than copies; start the others, or set \
         {key} to how many there are (bootstrap.servers={bootstrap})"
    )]
    Replication {
        /// The topic.
        topic: String,
        /// The setting that says how many.
        key: String,
        /// How many.
        factor: i16,
        /// The value of `bootstrap.servers`.
        bootstrap: String,
    },
    /// A record could not be written to a dead-letter topic.
    #[error("dead-letter topic {topic}: {source}; check {settings}")]
    DeadLetter {
        /// The topic.
        topic: String,
        /// The library's reason.
        source: Box<KafkaError>,
        /// The settings to look at.
        settings: String,
    },
    /// A consumer group could not be read or changed from outside.
    #[error("consumer group {group}: {operation}{}: {source}", partition.as_ref().map(|id| format!(" for {id}")).unwrap_or_default())]
    Group {
        /// The group.
        group: String,
        /// What was tried.
        operation: &'static str,
        /// The partition that was refused; none when it was all of them.
        partition: Option<TopicPartition>,
        /// The library's reason.
        source: Box<KafkaError>,
    },
    /// A storage topic is not as it has to be; only its owner can change that.
    #[error("{0}")]
    StorageTopic(String),
    /// The brokers do not let the worker's own clients in. It may pass: a user or a certificate can be put right there.
    #[error("Kafka refuses the worker's clients: {reason}; {advice} (bootstrap.servers={bootstrap})")]
    Denied {
        /// The value of `bootstrap.servers`.
        bootstrap: String,
        /// What the client says.
        reason: String,
        /// Which settings to look at.
        advice: &'static str,
    },
    /// No broker answers the worker's own clients.
    #[error("Kafka does not answer: {reason}; {advice} (bootstrap.servers={bootstrap})")]
    Unreachable {
        /// The value of `bootstrap.servers`.
        bootstrap: String,
        /// What the client says.
        reason: String,
        /// What to look at.
        advice: &'static str,
    },
    /// The broker refuses us, and will go on refusing until something is changed.
    #[error("Kafka refuses the consumer of group {group}: {reason}; {advice}")]
    Refused {
        /// The consumer group.
        group: String,
        /// What the broker said.
        reason: String,
        /// Which setting or permission to look at.
        advice: &'static str,
    },
}

impl Error {
    /// It in one line.
    pub fn brief(&self) -> Brief {
        match self {
            Self::Setting { key, .. } => Brief::new(self.to_string()).mended_by(format!("correct {key}")),
            Self::Settings(errors) => errors.first().map_or_else(Brief::default, |first| {
                first.brief().led_by(format!("{} settings are wrong, the first", errors.len()))
            }),
            Self::Client { bootstrap, source } => {
                Brief::new(format!("no Kafka client can be made: {source}"))
                    .about(bootstrap)
                    .mended_by("check bootstrap.servers and the other settings of the client")
            }
            Self::Consumer { group, operation, source } => {
                let advice = advice(source.rdkafka_error_code()).unwrap_or("see the log of the brokers");
                Brief::new(format!("Kafka consumer: {operation}: {source}"))
                    .about(format!("group {group}"))
                    .mended_by(advice)
            }
            Self::DeadLetter { topic, source, settings } => {
                Brief::new(format!("a dead letter is not taken: {source}"))
                    .about(format!("topic {topic}"))
                    .mended_by(format!("check {settings}"))
            }
            Self::Denied { bootstrap, reason, advice } => {
                Brief::new(format!("Kafka refuses the worker's clients: {}", plain(reason)))
                    .about(bootstrap)
                    .mended_by(*advice)
            }
            Self::Unreachable { bootstrap, reason, advice } => {
                Brief::new(format!("Kafka does not answer: {}", plain(reason)))
                    .about(bootstrap)
                    .mended_by(*advice)
            }
            Self::Refused { group, reason, advice } => {
                Brief::new(format!("Kafka refuses the consumer: {}", plain(reason)))
                    .about(format!("group {group}"))
                    .mended_by(*advice)
            }
            Self::Topic { .. }
            | Self::Replication { .. }
            | Self::Queue(_)
            | Self::Group { .. }
            | Self::StorageTopic(_) => Brief::of(&self.to_string()).or_mended_by("check bootstrap.servers"),
        }
    }

    /// Of errors of settings: one for each key, since what comes of a wrong value need not be said too.
    pub(super) fn of_settings(errors: Vec<Self>) -> Self {
        let mut kept: Vec<Self> = Vec::new();
        for error in errors {
            let key = |error: &Self| match error {
                Self::Setting { key, .. } => Some(key.clone()),
                _ => None,
            };
            if kept.iter().all(|known| key(known) != key(&error)) {
                kept.push(error);
            }
        }
        match kept.pop() {
            Some(only) if kept.is_empty() => only,
            last => {
                kept.extend(last);
                Self::Settings(kept)
            }
        }
    }

    /// The keys of settings that are wrong and what is wrong with them; nothing for other errors.
    pub fn wrong_settings(&self) -> Vec<(&str, &str)> {
        match self {
            Self::Setting { key, reason } => vec![(key, reason)],
            Self::Settings(errors) => errors.iter().flat_map(Self::wrong_settings).collect(),
            _ => Vec::new(),
        }
    }

    /// True when the same call may succeed later without anyone changing anything.
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::Setting { .. }
            | Self::Settings(_)
            | Self::Client { .. }
            | Self::Queue(_)
            | Self::StorageTopic(_)
            | Self::Refused { .. } => false,
            Self::Denied { .. } | Self::Replication { .. } | Self::Unreachable { .. } => true,
            // Brokers that are down, being set up, or not yet as many as the replication factor: all pass.
            Self::DeadLetter { source, .. } | Self::Topic { source, .. } => !is_too_large(source),
            Self::Group { source, .. } => {
                matches!(
                    code(source),
                    Some(
                        RDKafkaErrorCode::OperationTimedOut
                            | RDKafkaErrorCode::RequestTimedOut
                            | RDKafkaErrorCode::CoordinatorNotAvailable
                            | RDKafkaErrorCode::CoordinatorLoadInProgress
                            | RDKafkaErrorCode::NotCoordinator
                            | RDKafkaErrorCode::BrokerTransportFailure
                            | RDKafkaErrorCode::AllBrokersDown
                    )
                ) || self.is_group_in_use()
            }
            Self::Consumer { source, .. } => advice(source.rdkafka_error_code()).is_none(),
        }
    }
}

impl Error {
    /// The broker says that we have no right to it.
    pub fn is_about_rights(&self) -> bool {
        let (Self::Topic { source, .. } | Self::Group { source, .. } | Self::DeadLetter { source, .. }) =
            self
        else {
            return false;
        };
        matches!(
            code(source),
            Some(
                RDKafkaErrorCode::TopicAuthorizationFailed
                    | RDKafkaErrorCode::GroupAuthorizationFailed
                    | RDKafkaErrorCode::ClusterAuthorizationFailed
            )
        )
    }

    /// The group has members, or its members subscribe to the topic: it cannot be changed from outside now.
    pub fn is_group_in_use(&self) -> bool {
        let Self::Group { source, .. } = self else { return false };
        matches!(
            code(source),
            Some(
                RDKafkaErrorCode::UnknownMemberId
                    | RDKafkaErrorCode::NonEmptyGroup
                    | RDKafkaErrorCode::GroupSubscribedToTopic
                    | RDKafkaErrorCode::RebalanceInProgress
            )
        )
    }

    /// The broker knows no such partition.
    pub fn is_unknown_partition(&self) -> bool {
        let Self::Group { source, .. } = self else { return false };
        matches!(
            code(source),
            Some(RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic)
        )
    }
}

/// The broker's code in an error, also of an administrative request (the library's own look-up leaves those out).
fn code(error: &KafkaError) -> Option<RDKafkaErrorCode> {
    if let KafkaError::AdminOp(code) = error { Some(*code) } else { error.rdkafka_error_code() }
}

/// The library's words without what is for its own people: numbers of OpenSSL, which thread it was, and how long it took.
fn plain(reason: &str) -> String {
    const NO_TOKEN: &str = "Failed to acquire SASL OAUTHBEARER token: ";
    let mut text = reason.split(" (after ").next().unwrap_or(reason).replace("/bootstrap: ", ": ");
    for scheme in ["sasl_ssl://", "ssl://", "sasl_plaintext://"] {
        if let Some(rest) = text.strip_prefix(scheme) {
            text = rest.to_owned();
        }
    }
    if let Some(token) = text.strip_prefix(NO_TOKEN) {
        // Of an address, the host alone.
        text = match token.split_once(": ").filter(|(url, _)| url.starts_with("http")) {
            Some((url, words)) => format!("no token from {}: {words}", url.split('/').nth(2).unwrap_or(url)),
            None => format!("no token: {token}"),
        };
    }
    if let Some((before, (_, words))) =
        text.split_once("error:0").and_then(|(before, rest)| Some((before, rest.split_once("::")?)))
    {
        text = format!("{before}{words}");
    }
    text
}

/// True when a record, or the batch that it was in, is larger than the client or the broker takes.
pub(super) fn is_too_large(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(
            RDKafkaErrorCode::MessageSizeTooLarge
                | RDKafkaErrorCode::InvalidMessageSize
                | RDKafkaErrorCode::MessageBatchTooLarge
        )
    )
}

/// Which setting a record was too large for.
fn too_large(source: &KafkaError) -> &'static str {
    if is_too_large(source) { "; raise max.message.bytes of the topic" } else { "" }
}

/// What to look at when records cannot be fetched for good; none for errors that pass.
pub fn fetch_advice(code: Option<RDKafkaErrorCode>) -> Option<&'static str> {
    match code? {
        RDKafkaErrorCode::BadCompression => Some(
            "a batch is damaged, or it is larger than receive.message.max.bytes when it is decompressed: raise that \
             (consumer.override.receive.message.max.bytes), or lower batch.size of its producer",
        ),
        RDKafkaErrorCode::MessageSizeTooLarge => Some("raise consumer.override.max.partition.fetch.bytes"),
        _ => None,
    }
}

/// What to look at when `code` means that waiting will not help; none for errors that pass by themselves.
pub(super) fn advice(code: Option<RDKafkaErrorCode>) -> Option<&'static str> {
    Some(match code? {
        RDKafkaErrorCode::TopicAuthorizationFailed => "grant READ on the topics of `topics`",
        RDKafkaErrorCode::GroupAuthorizationFailed => "grant READ on the consumer group",
        RDKafkaErrorCode::ClusterAuthorizationFailed => "grant the cluster permission named by the broker",
        RDKafkaErrorCode::SaslAuthenticationFailed
        | RDKafkaErrorCode::Authentication
        | RDKafkaErrorCode::UnsupportedSASLMechanism => {
            "check consumer.sasl.* and consumer.security.protocol (consumers do not inherit the worker's)"
        }
        RDKafkaErrorCode::InconsistentGroupProtocol => {
            "another kind of client is in the group: a running JVM Connect cluster when it is `group.id` (stop it first, \
             or choose another name), else check partition.assignment.strategy"
        }
        RDKafkaErrorCode::InvalidGroupId => "check consumer.override.group.id",
        RDKafkaErrorCode::InvalidSessionTimeout => {
            "check session.timeout.ms: brokers take what lies between their group.min.session.timeout.ms (6000) and \
             group.max.session.timeout.ms (1800000)"
        }
        RDKafkaErrorCode::AutoOffsetReset => {
            "no valid committed offset and auto.offset.reset=none: set the offsets or the key"
        }
        RDKafkaErrorCode::Fatal
        | RDKafkaErrorCode::FencedInstanceId
        | RDKafkaErrorCode::UnsupportedVersion => "restart the connector",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{Error, plain};

    #[test]
    fn a_line_has_no_room_for_what_is_only_for_the_library() {
        let reason = "sasl_ssl://127.0.0.1:1/bootstrap: SSL handshake failed: error:0A000086:SSL routines::certificate \
                      verify failed (after 4ms in state SSL_HANDSHAKE)";
        assert_eq!(plain(reason), "127.0.0.1:1: SSL handshake failed: certificate verify failed");
        assert_eq!(plain("an error: of ours"), "an error: of ours");
        let token = "Failed to acquire SASL OAUTHBEARER token: http://login.test:1/a/token: status 401 invalid_client";
        assert_eq!(plain(token), "no token from login.test:1: status 401 invalid_client");
        let refused = Error::Refused { group: "g".to_owned(), reason: reason.to_owned(), advice: "check x" };
        assert_eq!(
            refused.brief().to_string(),
            "Kafka refuses the consumer: 127.0.0.1:1: SSL handshake failed: certificate verify failed (group g); check x"
        );
    }
}
