//! Sends letters to one topic, and of a letter that is larger than the topic takes, what it takes.
//!
//! Only the broker knows how large a record may be (`max.message.bytes`), and it refuses a batch as a whole. So a letter that
//! was refused for its size goes once more alone, then without what was added to it, then without its value, at last
//! without anything of its own. What was left out stands in a header of ours, with the place where the record is.
//! A letter is held a second time only when it was refused.

use super::letter::DeadLetter;
use crate::id::TopicPartition;
use crate::kafka::Error;
use crate::kafka::error::is_too_large;
use crate::kafka::writer::{Outgoing, Undelivered, Writer};
use crate::metrics::ClientCounts;
use rdkafka::ClientConfig;
use rdkafka::error::KafkaError;
use rdkafka::message::{Header, Headers, Message, OwnedHeaders, OwnedMessage};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::OnceCell;

/// Says in a letter what of the record is not in it.
const LEFT_OUT: &str = "__kusto_connect.left_out";

/// The producers of one topic.
pub(super) struct Post {
    writer: Writer,
    /// Sends each record in a batch of its own; made when a batch is refused for the first time.
    alone: OnceCell<Writer>,
    config: ClientConfig,
    topic: String,
    /// The settings to look at, for messages.
    settings: String,
    told: AtomicBool,
}

/// What is left out of a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Without {
    Nothing,
    Context,
    Value,
    ValueAndContext,
    All,
}

/// In this order, until the topic takes it.
const LESS_AND_LESS: [Without; 5] =
    [Without::Nothing, Without::Context, Without::Value, Without::ValueAndContext, Without::All];

impl Without {
    fn value(self) -> bool {
        matches!(self, Self::Value | Self::ValueAndContext | Self::All)
    }

    fn context(self) -> bool {
        matches!(self, Self::Context | Self::ValueAndContext | Self::All)
    }

    fn rest(self) -> bool {
        self == Self::All
    }
}

/// A letter that was refused for its size.
struct Refused {
    record: Box<OwnedMessage>,
    /// How many of its headers are the record's own; context stands behind them.
    own_headers: usize,
    partition: TopicPartition,
    offset: i64,
}

impl Post {
    /// `counts` takes what the producer tells of its connections.
    pub(super) fn open(
        config: ClientConfig,
        topic: &str,
        settings: String,
        counts: Option<ClientCounts>,
    ) -> Result<Self, Error> {
        let writer = Writer::new(&config, counts).map_err(|source| client_error(&config, source))?;
        let (alone, told) = (OnceCell::new(), AtomicBool::new(false));
        Ok(Self { writer, alone, config, topic: topic.to_owned(), settings, told })
    }

    /// Sends a letter on its way; what comes back ends when the topic has it.
    pub(super) fn send(
        self: Arc<Self>,
        letter: DeadLetter<'_>,
    ) -> impl Future<Output = Result<(), Error>> + Send + use<> {
        let headers = letter.headers.iter().chain(letter.context);
        let headers =
            headers.fold(OwnedHeaders::new(), |all, (key, value)| all.insert(Header { key, value: *value }));
        let sent = self.writer.send(Outgoing {
            topic: &self.topic,
            key: letter.key,
            value: letter.value,
            headers: Some(headers),
            timestamp: letter.timestamp,
            partition: None,
        });
        let own_headers = letter.headers.len();
        let (partition, offset) = (letter.origin.0.clone(), letter.origin.1);
        async move {
            match sent.await {
                Ok(_) => Ok(()),
                Err(Undelivered { error, record: None }) => Err(self.error(error)),
                Err(Undelivered { error, record: Some(record) }) => {
                    self.send_less(error, Refused { record, own_headers, partition, offset }).await
                }
            }
        }
    }

    async fn send_less(&self, mut error: KafkaError, refused: Refused) -> Result<(), Error> {
        let open = async || {
            let mut config = self.config.clone();
            config.set("batch.num.messages", "1");
            Writer::new(&config, None).map_err(|source| client_error(&config, source))
        };
        let alone = self.alone.get_or_try_init(open).await?;
        for without in LESS_AND_LESS.into_iter().filter(|without| refused.has(*without)) {
            let left_out = refused.left_out(without, &self.topic);
            let headers = refused.headers(without, left_out.as_deref());
            let sent = alone.send(Outgoing {
                topic: &self.topic,
                key: refused.record.key().filter(|_| !without.rest()),
                value: refused.record.payload().filter(|_| !without.value()),
                headers: Some(headers),
                timestamp: refused.record.timestamp().to_millis(),
                partition: None,
            });
            match sent.await {
                Ok(_) => {
                    self.tell(&refused, without);
                    return Ok(());
                }
                Err(undelivered) if is_too_large(&undelivered.error) => error = undelivered.error,
                Err(undelivered) => return Err(self.error(undelivered.error)),
            }
        }
        Err(self.error(error))
    }

    /// Says that letters are cut: once loudly, for there may be one of them for each record.
    fn tell(&self, refused: &Refused, without: Without) {
        let Refused { partition, offset, .. } = refused;
        let topic = &self.topic;
        if without != Without::Nothing && !self.told.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                topic, %partition, offset, ?without,
                "a dead letter is larger than its topic takes (max.message.bytes) and goes in part; further ones are \
                 told at level debug"
            );
        } else {
            tracing::debug!(topic, %partition, offset, ?without, "a dead letter was refused for its size and went again");
        }
    }

    fn error(&self, source: KafkaError) -> Error {
        let too_large = is_too_large(&source);
        let limit = if too_large { "max.message.bytes of the topic, " } else { "" };
        let settings = format!("{limit}{}", self.settings);
        Error::DeadLetter { topic: self.topic.clone(), source: Box::new(source), settings }
    }
}

impl Refused {
    /// True when there is something that would be left out.
    fn has(&self, without: Without) -> bool {
        let has_context = self.record.headers().map_or(0, Headers::count) > self.own_headers;
        let has_value = self.record.payload().is_some_and(|value| !value.is_empty());
        match without {
            Without::Nothing | Without::All => true,
            Without::Context => has_context,
            Without::Value => has_value,
            Without::ValueAndContext => has_value && has_context,
        }
    }

    /// What the letter says of it; none when all of the record is there.
    fn left_out(&self, without: Without, topic: &str) -> Option<String> {
        if !without.value() {
            return None;
        }
        let value = self.record.payload().map_or(0, <[u8]>::len);
        let rest = if without.rest() { ", key and headers" } else { "" };
        let Self { partition, offset, .. } = self;
        Some(format!(
            "value of {value} bytes{rest}: topic {topic} takes no record as large (max.message.bytes); it is {partition} \
             offset {offset}"
        ))
    }

    fn headers(&self, without: Without, left_out: Option<&str>) -> OwnedHeaders {
        let shown = match without {
            without if without.rest() => 0,
            without if without.context() => self.own_headers,
            _ => usize::MAX,
        };
        let note = left_out.map(|text| Header { key: LEFT_OUT, value: Some(text.as_bytes()) });
        let kept = self.record.headers().into_iter().flat_map(Headers::iter).take(shown);
        kept.chain(note).fold(OwnedHeaders::new(), OwnedHeaders::insert)
    }
}

fn client_error(config: &ClientConfig, source: KafkaError) -> Error {
    Error::Client { bootstrap: config.get("bootstrap.servers").unwrap_or_default().to_owned(), source }
}
