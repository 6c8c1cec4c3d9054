//! Tokens for SASL OAUTHBEARER: fetched from an identity provider and given to a Kafka client in time.
//!
//! librdkafka asks for tokens where a client is polled, and some of ours never are; so a thread for each client fetches them
//! unasked (only where a provider is configured), and ends with the client. What to ask stands in the client's settings
//! under [`KEY`], from which it is taken before librdkafka sees it. No token and no secret is printed.

mod provider;
#[cfg(test)]
mod tests;
mod token;

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Weak};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::admin::AdminClient;
use rdkafka::client::ClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::producer::{BaseProducer, Producer, ProducerContext};

use super::native::tokens::{self, Given};
pub(super) use provider::{ProviderKind, Source};
use token::Token;

/// librdkafka's key for what its callbacks are to know; here it carries a [`Source`].
pub(super) const KEY: &str = "sasl.oauthbearer.config";
/// What the source under [`KEY`] begins with: other texts there are librdkafka's own.
const MARK: &str = "kusto-connect:";
/// Between two tries after a failure.
const AGAIN: Duration = Duration::from_secs(5);
/// No token is renewed more often.
const SHORTEST: Duration = Duration::from_secs(1);

/// Puts `source` into the settings of a client.
pub(super) fn configure(config: &mut ClientConfig, source: &Source) {
    if let Ok(text) = serde_json::to_string(source) {
        config.set(KEY, format!("{MARK}{text}"));
    }
}

/// Takes the source out again: `None` for clients that get their tokens otherwise, or need none.
pub(super) fn take(config: &mut ClientConfig) -> Option<Source> {
    let text = config.get(KEY)?.strip_prefix(MARK)?.to_owned();
    config.remove(KEY);
    serde_json::from_str(&text).ok()
}

/// A client that can be given a token.
pub(super) trait Holder: Send + Sync + 'static {
    /// Gives it `token`, or says why there is none.
    fn give(&self, token: Result<Given<'_>, &str>) -> Result<(), String>;
}

impl<C: ConsumerContext + 'static> Holder for BaseConsumer<C> {
    fn give(&self, token: Result<Given<'_>, &str>) -> Result<(), String> {
        tokens::give(self.client(), token)
    }
}

impl<C: ProducerContext + 'static> Holder for BaseProducer<C> {
    fn give(&self, token: Result<Given<'_>, &str>) -> Result<(), String> {
        tokens::give(self.client(), token)
    }
}

impl<C: ClientContext + 'static> Holder for AdminClient<C> {
    fn give(&self, token: Result<Given<'_>, &str>) -> Result<(), String> {
        tokens::give(self.inner(), token)
    }
}

/// Keeps a client supplied until it is dropped.
pub(super) struct Keeper {
    _ends_with_us: Option<SyncSender<()>>,
}

impl Keeper {
    /// Supplies `client` with tokens of `source`; does nothing without one. The first comes as soon as it can be had.
    pub(super) fn start<H: Holder>(source: Option<Source>, client: &Arc<H>) -> Self {
        let Some(source) = source else { return Self { _ends_with_us: None } };
        let (sender, ended) = sync_channel(1);
        let client = Arc::downgrade(client);
        let thread = std::thread::Builder::new().name("kafka-tokens".to_owned());
        if let Err(error) = thread.spawn(move || supply(&source, &client, &ended)) {
            tracing::error!(%error, "no thread for the tokens of a Kafka client: it cannot sign in");
        }
        Self { _ends_with_us: Some(sender) }
    }
}

fn supply<H: Holder>(source: &Source, client: &Weak<H>, ended: &Receiver<()>) {
    loop {
        let fetched = source.fetch();
        let Some(holder) = client.upgrade() else { return };
        let given = match &fetched {
            Ok(token) => holder.give(Ok(token.given())).map(|()| token.renew_in().max(SHORTEST)),
            Err(reason) => holder.give(Err(reason)).and(Err(reason.clone())),
        };
        // Before the wait: the client must be able to end.
        drop(holder);
        let wait = given.unwrap_or_else(|reason| {
            tracing::warn!(
                reason,
                "no token for a Kafka client; check sasl.oauthbearer.token.endpoint.url and sasl.jaas.config"
            );
            AGAIN
        });
        if ended.recv_timeout(wait) != Err(RecvTimeoutError::Timeout) {
            return;
        }
    }
}
