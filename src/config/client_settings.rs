//! What a connector says of its Kafka clients, for who can judge it.

use super::Hidden;
use crate::configdef::{Properties, Redacted};
use std::fmt;

/// What stands before the settings of a sink's own dead letters: the topic, and what its producer takes.
pub const SINK_DEAD_LETTERS: &str = "misc.deadletterqueue.";

/// What a connector says of its Kafka clients, without prefixes, and with its variables resolved: nothing to be shown.
#[derive(Clone)]
pub struct ClientSettings {
    /// The connector's name.
    pub name: String,
    /// `consumer.override.*`.
    pub consumer: Properties,
    /// `producer.override.*`.
    pub producer: Properties,
    /// `admin.override.*`.
    pub admin: Properties,
    /// Whether there is a dead-letter topic of Connect's, and so a producer.
    pub writes_dead_letters: bool,
    /// The prefix and the settings of the sink's own dead letters, if it has some.
    pub own_dead_letters: Option<(&'static str, Properties)>,
    /// Values that must not be shown.
    pub hidden: Hidden,
}

impl fmt::Debug for ClientSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientSettings")
            .field("name", &self.name)
            .field("consumer", &Redacted(&self.consumer))
            .field("producer", &Redacted(&self.producer))
            .field("admin", &Redacted(&self.admin))
            .finish_non_exhaustive()
    }
}
