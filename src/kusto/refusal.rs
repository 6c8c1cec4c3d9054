//! The Kusto sink's errors and its settings about refusals, in the words that tasks know.

use crate::batch;
use crate::config::SINK_DEAD_LETTERS;
use crate::kusto::config::{BehaviorOnError, KustoSinkConfig, SinkDeadLetters};
use crate::kusto::ingest;
use crate::sink::{Cause, Error, OnRefusal, OwnDeadLetterTopic, RefusalPolicy};

impl From<ingest::Error> for Cause {
    fn from(error: ingest::Error) -> Self {
        Self::new(error.brief(), error)
    }
}

impl From<ingest::Error> for Error {
    fn from(error: ingest::Error) -> Self {
        let (is_of_batch, cause) = (error.is_of_batch(), Cause::from(error));
        if is_of_batch { Self::Batch(cause) } else { Self::Failed(cause) }
    }
}

impl From<batch::Error> for Error {
    fn from(error: batch::Error) -> Self {
        Self::Failed(error.to_string().into())
    }
}

/// `behavior.on.error` and `misc.deadletterqueue.*`.
pub(super) fn policy(config: &KustoSinkConfig) -> RefusalPolicy {
    RefusalPolicy {
        on_refusal: match config.behavior_on_error {
            BehaviorOnError::Fail => OnRefusal::Fail,
            BehaviorOnError::Log => OnRefusal::SkipAndLog,
            BehaviorOnError::Ignore => OnRefusal::SkipQuietly,
        },
        setting: Some("behavior.on.error"),
        dead_letters: config.dead_letters.clone().map(|SinkDeadLetters { topic, client }| {
            OwnDeadLetterTopic { topic, prefix: SINK_DEAD_LETTERS, client }
        }),
        connector_topic_first: config.reporter_first,
    }
}

#[cfg(test)]
#[path = "refusal_tests.rs"]
mod tests;
