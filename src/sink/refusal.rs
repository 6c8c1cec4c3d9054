//! What a connector does with records that its sink cannot write, and with batches that the service refuses for good.
//!
//! The sink says it from its own settings; the tasks do it.

use super::Error;
use std::collections::BTreeMap;

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnRefusal {
    /// The task fails.
    #[default]
    Fail,
    /// They are skipped and logged as errors.
    SkipAndLog,
    /// They are skipped and logged for debugging only.
    SkipQuietly,
}

/// A dead-letter topic of the sink, beside the one that every connector may have.
#[derive(Clone, PartialEq, Eq)]
pub struct OwnDeadLetterTopic {
    /// The topic.
    pub topic: String,
    /// What stands before the settings of its producer, and before `topic.name`.
    pub prefix: &'static str,
    /// What its producer takes, `bootstrap.servers` among it, without the prefix.
    pub client: BTreeMap<String, String>,
}

/// What happens to what is refused. Whatever it is, an offset moves past a record only when it was handed over, is in a
/// dead-letter topic, or was counted as dropped.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct RefusalPolicy {
    /// What is done.
    pub on_refusal: OnRefusal,
    /// The setting that says so; none when the sink has no such setting.
    pub setting: Option<&'static str>,
    /// The sink's own topic; used only when refused records are skipped.
    pub dead_letters: Option<OwnDeadLetterTopic>,
    /// If there are both topics, what the sink refuses goes to the connector's rather than to the sink's own.
    pub connector_topic_first: bool,
}

impl RefusalPolicy {
    /// True when what is refused is skipped.
    pub fn skips(&self) -> bool {
        self.on_refusal != OnRefusal::Fail
    }

    /// The sink's own dead-letter topic, if it is used.
    pub fn own_topic(&self) -> Option<&OwnDeadLetterTopic> {
        self.dead_letters.as_ref().filter(|_| self.skips())
    }

    /// True when the task goes on after `error` of a batch. Without a topic of the sink's own, only after a definite refusal
    /// of the records themselves: whatever else fails would cost all that comes behind too.
    pub fn may_skip(&self, error: &Error) -> bool {
        self.skips() && (self.dead_letters.is_some() || error.is_of_batch())
    }
}
