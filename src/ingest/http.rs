//! The HTTP clients of a worker, their time limits, and how Azure's own crates are made to use them.
//!
//! [`HttpPools`] owns the connections of all connectors: each pool reads the system's TLS trust (`SSL_CERT_FILE` counts),
//! which takes a tenth of a second of CPU and a megabyte, so there are two and not two for each connector. Retries of the Azure
//! crates are off: they live in `managed`. A request without an answer ends at a deadline, so a hang never blocks for
//! ever.

use super::{Error, SasUrl};
use azure_core::http::{ClientOptions, RetryOptions, Transport};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// For one TCP and TLS connect.
const CONNECT: Duration = Duration::from_secs(10);

/// All time limits and pauses, so that tests can shorten them.
#[derive(Debug, Clone)]
pub struct Timings {
    /// For a small request and its answer: a command, a token, a queue message.
    pub call: Duration,
    /// For an upload, on top of `call`: the slowest link we wait for, in bytes per second.
    pub slowest_upload: u32,
    /// About the first pause between two tries.
    pub first_pause: Duration,
    /// About the first pause between two tries of streaming ingestion.
    pub streaming_pause: Duration,
    /// How long a table's batches are queued after the engine was throttled or did not answer.
    pub streaming_busy: Duration,
    /// How long a table's batches are queued after the engine said that it takes none of them.
    pub streaming_off: Duration,
    /// The longest pause between two tries.
    pub longest_pause: Duration,
    /// Age at which resources and the identity token are renewed.
    pub refresh: Duration,
    /// Wait after a renewal that failed.
    pub refresh_again: Duration,
    /// Silence after the first warning about a batch that fails; doubles each time.
    pub warn_again: Duration,
}

impl Timings {
    /// Pauses grow from 250 ms to `backoff` (`errors.retry.backoff.time.ms`), but never above 30 s: the service's SDKs
    /// stop there too, and a longer one would only delay the recovery.
    pub fn new(backoff: Duration) -> Self {
        let longest_pause = backoff.clamp(Duration::from_millis(1), Duration::from_secs(30));
        Self {
            call: Duration::from_mins(1),
            slowest_upload: 128 * 1024,
            first_pause: Duration::from_millis(250).min(longest_pause),
            streaming_pause: Duration::from_secs(1).min(longest_pause),
            streaming_busy: Duration::from_secs(10),
            streaming_off: Duration::from_mins(15),
            longest_pause,
            refresh: Duration::from_hours(1),
            refresh_again: Duration::from_mins(1),
            warn_again: Duration::from_secs(10),
        }
    }

    /// The deadline for sending `bytes`.
    pub fn upload(&self, bytes: usize) -> Duration {
        let seconds = bytes / usize::try_from(self.slowest_upload.max(1)).unwrap_or(1);
        self.call + Duration::from_secs(u64::try_from(seconds).unwrap_or(u64::MAX / 4))
    }
}

/// The connections of all connectors of a worker; made when they are first needed.
#[derive(Debug, Default)]
pub struct HttpPools {
    proxied: OnceLock<Result<reqwest::Client, Error>>,
    direct: OnceLock<Result<reqwest::Client, Error>>,
}

impl HttpPools {
    /// The pool that uses the proxies of the environment, or the `direct` one: for loopback, where a proxy makes no
    /// sense and must not see plain-text tokens. An error means that the TLS of this machine cannot be set up.
    pub fn get(&self, direct: bool) -> Result<reqwest::Client, Error> {
        let made = if direct { &self.direct } else { &self.proxied };
        made.get_or_init(|| pool(direct, Vec::new())).clone()
    }
}

/// `roots` are trusted beside the system's.
pub(super) fn pool(direct: bool, roots: Vec<reqwest::Certificate>) -> Result<reqwest::Client, Error> {
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("kusto-connect/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT)
        .tcp_keepalive(Duration::from_mins(1))
        // A redirect would carry a token or a signature to a place nobody checked.
        .redirect(reqwest::redirect::Policy::none());
    if direct {
        builder = builder.no_proxy();
    }
    for root in roots {
        builder = builder.add_root_certificate(root);
    }
    builder.build().map_err(|e| Error::Setup(super::error::chain(&e)))
}

/// A connection pool and how long to wait on it.
#[derive(Debug, Clone)]
pub struct Http {
    /// The pool.
    pub client: reqwest::Client,
    /// The limits.
    pub timings: Arc<Timings>,
}

impl Http {
    /// A view of the pool `client` with limits of its own.
    pub fn new(client: reqwest::Client, timings: Timings) -> Self {
        Self { client, timings: Arc::new(timings) }
    }

    /// Options that make an Azure crate use this pool, and try once.
    pub fn azure_options(&self) -> ClientOptions {
        ClientOptions {
            retry: RetryOptions::none(),
            transport: Some(Transport::new(Arc::new(self.client.clone()))),
            ..ClientOptions::default()
        }
    }
}

/// Which request, for errors.
#[derive(Debug, Clone)]
pub struct Call {
    /// E.g. `put blob`.
    pub operation: &'static str,
    /// Where.
    pub url: SasUrl,
    /// The setting that names the place.
    pub setting: &'static str,
}

impl Call {
    /// The error for a request without an answer.
    pub fn unreachable(&self, text: impl Into<String>) -> Error {
        Error::Unreachable {
            operation: self.operation,
            url: self.url.clone(),
            text: text.into(),
            setting: self.setting,
        }
    }

    /// The error for an answer that makes no sense.
    pub fn malformed(&self, text: impl Into<String>) -> Error {
        Error::Malformed {
            operation: self.operation,
            url: self.url.clone(),
            text: text.into(),
            setting: self.setting,
        }
    }

    /// Awaits `work`, but not longer than `limit`.
    pub async fn within<T>(
        &self,
        limit: Duration,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        match tokio::time::timeout(limit, work).await {
            Ok(result) => result,
            Err(_) => Err(self.unreachable(format!("none within {} ms", limit.as_millis()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{HttpPools, Timings};
    use std::time::Duration;

    #[test]
    fn connectors_share_their_connections_but_not_with_a_proxy() {
        let pools = HttpPools::default();
        pools.get(true).unwrap();
        assert!(pools.direct.get().is_some() && pools.proxied.get().is_none(), "made when needed");
        pools.get(false).unwrap();
        assert!(pools.proxied.get().is_some());
    }

    #[test]
    fn pauses_stay_under_the_setting_and_half_a_minute() {
        assert_eq!(Timings::new(Duration::from_secs(10)).longest_pause, Duration::from_secs(10));
        assert_eq!(Timings::new(Duration::from_hours(1)).longest_pause, Duration::from_secs(30));
        let short = Timings::new(Duration::from_millis(1));
        assert_eq!(
            (short.first_pause, short.longest_pause),
            (Duration::from_millis(1), Duration::from_millis(1))
        );
    }

    #[test]
    fn big_uploads_get_more_time() {
        let timings = Timings::new(Duration::from_secs(10));
        assert_eq!(timings.upload(100), timings.call);
        assert_eq!(timings.upload(32 * 1024 * 1024), timings.call + Duration::from_secs(256));
    }
}
