//! The worker's numbers for a collector of OpenTelemetry: sent by OTLP over HTTP (protobuf) as often as its variables say.
//!
//! It owns the loop and nothing else: what is told is a snapshot that the caller makes, as for a page. What a collector does not take
//! is not kept: sums go on, so the next request tells it. An outage is said once when it begins and once when it ends. Behind the
//! cargo feature `otlp`.

mod message;
mod names;
mod request;

use crate::causes;
use crate::config::OtlpConfig;
use crate::metrics::Snapshot;
use prost::Message;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};
use tokio_util::sync::CancellationToken;

/// How long the last request may take: who ends a worker waits for it.
const LAST: Duration = Duration::from_secs(2);

/// Where the numbers come from.
pub type ReadSnapshot = Arc<dyn Fn() -> Snapshot + Send + Sync>;

/// Sends numbers to a collector.
pub struct Exporter {
    config: OtlpConfig,
    client: reqwest::Client,
    read: ReadSnapshot,
    /// Since when the collector takes nothing.
    failing: Option<Instant>,
}

impl Exporter {
    /// One that sends what `read` gives.
    pub fn new(config: OtlpConfig, read: ReadSnapshot) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder().timeout(config.timeout).build()?;
        Ok(Self { config, client, read, failing: None })
    }

    /// Sends until `stop`, and once more then.
    pub async fn run(mut self, stop: CancellationToken) {
        let period = self.config.interval;
        let mut turns = interval_at(Instant::now() + period, period);
        turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
        tracing::info!(endpoint = %self.config.endpoint, period_ms = period.as_millis(), "metrics go to a collector (OTLP)");
        loop {
            let is_last = tokio::select! {
                () = stop.cancelled() => true,
                _ = turns.tick() => false,
            };
            let patience = if is_last { LAST } else { self.config.timeout };
            let sent = timeout(patience, self.send()).await;
            self.tell(sent.unwrap_or_else(|_| Err(format!("no answer within {patience:?}"))));
            if is_last {
                return;
            }
        }
    }

    async fn send(&self) -> Result<(), String> {
        let (read, resource) = (Arc::clone(&self.read), self.config.resource.clone());
        // Thousands of partitions take some milliseconds, in which others want their turn.
        let body = tokio::task::spawn_blocking(move || {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let now = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
            request::request(&read(), now, &resource).encode_to_vec()
        });
        let body = body.await.map_err(|error| error.to_string())?;
        let request = self
            .client
            .post(self.config.endpoint.clone())
            .headers(self.config.headers.clone())
            .header(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"))
            .body(body);
        let answer = request.send().await.map_err(|error| causes::chain(&error.without_url()))?;
        let status = answer.status();
        if status.is_success() { Ok(()) } else { Err(format!("it answered {status}")) }
    }

    fn tell(&mut self, sent: Result<(), String>) {
        match (sent, self.failing) {
            (Ok(()), None) | (Err(_), Some(_)) => {}
            (Ok(()), Some(since)) => {
                self.failing = None;
                tracing::info!(
                    endpoint = %self.config.endpoint,
                    after_ms = since.elapsed().as_millis(),
                    "the collector takes metrics again (OTLP)"
                );
            }
            (Err(reason), None) => {
                self.failing = Some(Instant::now());
                tracing::warn!(
                    endpoint = %self.config.endpoint,
                    reason,
                    "metrics cannot be sent to the collector (OTLP); trying again, check OTEL_EXPORTER_OTLP_ENDPOINT"
                );
            }
        }
    }
}
