//! What a client hears of an outage of all its brokers: said once, not many times a second, and
//! ended where the library does not end it.
//!
//! A broker that goes down may answer that its cluster has no brokers. librdkafka (since 2.10) then forgets all it knew, and
//! may end with nobody to ask for others: a client that stays offline for ever, without a word (its issue 5301). Nothing
//! shows that from outside. So a client that has heard of an outage, and then of nothing for longer than the library waits
//! between two tries, is told its bootstrap servers again: one that is well forgets them at the next look at the cluster.
//!
//! Each client owns its outage, as part of its context; whoever polls the client calls [`Outage::reconnect`].

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::client::{Client, ClientContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::native::brokers;

/// librdkafka's `reconnect.backoff.max.ms`.
const DEFAULT_BACKOFF: Duration = Duration::from_secs(10);
/// An outage that goes on is said again after this.
const SAY_AGAIN: Duration = Duration::from_mins(1);
const NEVER: u64 = u64::MAX;

/// What one client knows of an outage.
#[derive(Debug)]
pub(super) struct Outage {
    servers: String,
    /// No word for so long after an outage: the library should have tried again, and failed or succeeded.
    quiet: Duration,
    began: Instant,
    /// When all brokers were last said to be down, in milliseconds since `began`.
    heard: AtomicU64,
    /// When an outage was last said, likewise.
    said: AtomicU64,
}

impl Outage {
    /// None so far, of a client with these settings.
    pub(super) fn new(config: &ClientConfig) -> Self {
        let backoff = config.get("reconnect.backoff.max.ms").and_then(|value| value.parse().ok());
        Self {
            servers: config.get("bootstrap.servers").unwrap_or_default().to_owned(),
            // The library adds up to half of it.
            quiet: 2 * backoff.map_or(DEFAULT_BACKOFF, Duration::from_millis),
            began: Instant::now(),
            heard: AtomicU64::new(NEVER),
            said: AtomicU64::new(NEVER),
        }
    }

    /// Takes note of an error of the client. True when it is news: each broker and each try tells of an outage anew.
    pub(super) fn record_error(&self, error: &KafkaError) -> bool {
        self.record_error_at(error, self.now())
    }

    fn record_error_at(&self, error: &KafkaError, now: u64) -> bool {
        use RDKafkaErrorCode::{AllBrokersDown, BrokerTransportFailure, Resolve};
        match error.rdkafka_error_code() {
            Some(AllBrokersDown) => self.heard.store(now, Ordering::Relaxed),
            Some(BrokerTransportFailure | Resolve) => {}
            _ => return true,
        }
        let said = self.said.load(Ordering::Relaxed);
        let is_news = said == NEVER || now.saturating_sub(said) >= millis(SAY_AGAIN);
        if is_news {
            self.said.store(now, Ordering::Relaxed);
        }
        is_news
    }

    /// Tells `client` its bootstrap servers again, when it is time to: then it is true. To be called every few seconds.
    pub(super) fn reconnect<C: ClientContext>(&self, client: &Client<C>) -> bool {
        let is_due = self.is_due(self.now());
        if is_due {
            let added = brokers::add(client, &self.servers);
            tracing::info!(
                bootstrap = self.servers,
                added,
                "all brokers were gone; the client was told its bootstrap.servers again"
            );
        }
        is_due
    }

    /// It may need another reconnect, as long after this as after the outage.
    pub(super) fn goes_on(&self) {
        self.heard.store(self.now(), Ordering::Relaxed);
    }

    /// True once after each outage that went quiet.
    fn is_due(&self, now: u64) -> bool {
        let heard = self.heard.load(Ordering::Relaxed);
        let is_due = heard != NEVER && now.saturating_sub(heard) >= millis(self.quiet);
        if is_due {
            self.heard.store(NEVER, Ordering::Relaxed);
        }
        is_due
    }

    fn now(&self) -> u64 {
        millis(self.began.elapsed())
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(NEVER)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outage() -> Outage {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", "a:1").set("reconnect.backoff.max.ms", "1000");
        Outage::new(&config)
    }

    fn error(code: RDKafkaErrorCode) -> KafkaError {
        KafkaError::Global(code)
    }

    #[test]
    fn a_client_is_told_once_when_an_outage_went_quiet() {
        let outage = outage();
        assert!(!outage.is_due(1_000_000), "there was no outage");
        outage.record_error_at(&error(RDKafkaErrorCode::AllBrokersDown), 5_000);
        outage.record_error_at(&error(RDKafkaErrorCode::AllBrokersDown), 6_000);
        assert!(!outage.is_due(7_999), "the library may still wait to try again");
        assert!(outage.is_due(8_000));
        assert!(!outage.is_due(1_000_000), "it was told");
    }

    #[test]
    fn a_connection_that_was_lost_is_no_outage_of_all() {
        let outage = outage();
        outage.record_error_at(&error(RDKafkaErrorCode::BrokerTransportFailure), 0);
        assert!(!outage.is_due(1_000_000));
    }

    #[test]
    fn an_outage_is_said_once_a_minute_and_all_else_always() {
        let outage = outage();
        assert!(outage.record_error_at(&error(RDKafkaErrorCode::BrokerTransportFailure), 0));
        assert!(!outage.record_error_at(&error(RDKafkaErrorCode::AllBrokersDown), 10));
        assert!(outage.record_error_at(&error(RDKafkaErrorCode::UnknownTopic), 20));
        assert!(!outage.record_error_at(&error(RDKafkaErrorCode::Resolve), 59_999));
        assert!(outage.record_error_at(&error(RDKafkaErrorCode::AllBrokersDown), 60_000));
    }
}
