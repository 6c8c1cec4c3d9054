//! The HTTP clients of a worker, their time limits, and how Azure's own crates are made to use them.
//!
//! [`HttpPools`] owns the connections of all connectors: each pool reads the system's TLS trust (`SSL_CERT_FILE` counts),
//! which takes a tenth of a second of CPU and a megabyte, so there are two, and one for each proxy that connectors name. Retries of the Azure
//! crates are off: they live in `managed`. A request without an answer ends at a deadline, so a hang never blocks for
//! ever.

use super::{Error, SasUrl};
use crate::limits::{ConnectorUploads, Uploads};
use crate::{bounded, words};
use azure_core::http::{ClientOptions, RetryOptions};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use url::Url;

/// Answers of the service are tables of resources, schemas or mappings; what is larger is none of these.
const MOST_OF_SERVICE: usize = 16 * 1024 * 1024;
/// Answers of storage accounts and sign-in services are a few lines.
const MOST_OF_STORAGE: usize = 1024 * 1024;
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
    /// Wait before the service is asked what became of a batch posted by REST; doubles each time.
    pub follow_first: Duration,
    /// The longest wait between two such questions.
    pub follow_longest: Duration,
    /// A batch is not followed longer than this: the service retries for 48 hours.
    pub follow_limit: Duration,
    /// Age at which resources and the identity token are renewed.
    pub refresh: Duration,
    /// Wait after a renewal that failed.
    pub refresh_again: Duration,
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
            follow_first: Duration::from_mins(1),
            follow_longest: Duration::from_mins(10),
            follow_limit: Duration::from_hours(49),
            refresh: Duration::from_hours(1),
            refresh_again: Duration::from_mins(1),
        }
    }

    /// The deadline for sending `bytes`.
    pub fn upload(&self, bytes: usize) -> Duration {
        let seconds = bytes / usize::try_from(self.slowest_upload.max(1)).unwrap_or(1);
        self.call + Duration::from_secs(u64::try_from(seconds).unwrap_or(u64::MAX / 4))
    }
}

/// How the calls of a pool leave this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route<'a> {
    /// By the proxies of the environment, if it names any.
    Environment,
    /// Straight: for loopback, where a proxy makes no sense and must not see plain-text tokens.
    Direct,
    /// All by the proxy at this URL, loopback too.
    Proxy(&'a Url),
}

/// Proxies whose connections are kept for connectors to come.
const MOST_PROXIES: usize = 16;

/// The connections of all connectors of a worker; made when they are first needed.
#[derive(Debug, Default)]
pub struct HttpPools {
    environment: OnceLock<Result<reqwest::Client, Error>>,
    direct: OnceLock<Result<reqwest::Client, Error>>,
    proxies: Mutex<HashMap<Url, reqwest::Client>>,
    /// How many of them may be busy at once.
    uploads: Uploads,
}

impl HttpPools {
    /// The pool of `route`. An error means that the TLS of this machine cannot be set up.
    pub fn get(&self, route: Route<'_>) -> Result<reqwest::Client, Error> {
        let proxy = match route {
            Route::Environment => return self.environment.get_or_init(|| self.make(route)).clone(),
            Route::Direct => return self.direct.get_or_init(|| self.make(route)).clone(),
            Route::Proxy(proxy) => proxy,
        };
        // Nothing panics while the lock is held; if it did, what is in the map would still be good.
        let mut proxies = self.proxies.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = proxies.get(proxy) {
            return Ok(known.clone());
        }
        let made = self.make(route)?;
        if proxies.len() >= MOST_PROXIES {
            // Whoever uses one keeps it; those of connectors that are gone go.
            proxies.clear();
        }
        proxies.insert(proxy.clone(), made.clone());
        Ok(made)
    }

    /// The uploads that one connector may have at once.
    pub fn uploads(&self) -> ConnectorUploads {
        self.uploads.connector()
    }

    fn make(&self, route: Route<'_>) -> Result<reqwest::Client, Error> {
        pool(route, Vec::new(), self.uploads.idle_per_host())
    }
}

/// `roots` are trusted beside the system's; of connections without work, `idle_per_host` stay open.
pub(super) fn pool(
    route: Route<'_>,
    roots: Vec<reqwest::Certificate>,
    idle_per_host: usize,
) -> Result<reqwest::Client, Error> {
    let setup = |error: reqwest::Error| Error::Setup(super::error::chain(&error));
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("kusto-connect/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT)
        .tcp_keepalive(Duration::from_mins(1))
        .pool_max_idle_per_host(idle_per_host)
        // A redirect would carry a token or a signature to a place nobody checked.
        .redirect(reqwest::redirect::Policy::none());
    builder = match route {
        Route::Environment => builder,
        Route::Direct => builder.no_proxy(),
        Route::Proxy(proxy) => builder.proxy(reqwest::Proxy::all(proxy.as_str()).map_err(setup)?),
    };
    for root in roots {
        builder = builder.add_root_certificate(root);
    }
    builder.build().map_err(setup)
}

/// A connection pool and how long to wait on it.
#[derive(Debug, Clone)]
pub struct Http {
    /// The pool.
    pub client: reqwest::Client,
    /// The limits.
    pub timings: Arc<Timings>,
    /// The calls go by the proxy of `proxy.host`, which errors must mention.
    pub proxied: bool,
    /// Places for tries of uploads.
    pub uploads: ConnectorUploads,
}

impl Http {
    /// A view of the pool `client` with limits of its own.
    pub fn new(client: reqwest::Client, timings: Timings, uploads: ConnectorUploads) -> Self {
        Self { client, timings: Arc::new(timings), proxied: false, uploads }
    }

    /// The call `operation` of this pool, for errors.
    pub fn call(&self, operation: &'static str, url: SasUrl, setting: &'static str) -> Call {
        Call { operation, url, setting, proxied: self.proxied }
    }

    /// Options that make an Azure crate use this pool, and try once.
    pub fn azure_options(&self) -> ClientOptions {
        ClientOptions {
            retry: RetryOptions::none(),
            transport: Some(bounded::transport(self.client.clone(), MOST_OF_STORAGE)),
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
    /// It goes by the proxy of `proxy.host`.
    pub proxied: bool,
}

impl Call {
    /// The error for a request without an answer.
    pub fn unreachable(&self, text: impl Into<String>) -> Error {
        let mut text = text.into();
        if words::is_about_trust(&text) {
            text.push_str(
                "; put the authority that signed it into the system's, or into the file of SSL_CERT_FILE",
            );
        }
        if self.proxied {
            text.push_str(", by the proxy of proxy.host and proxy.port");
        }
        Error::Unreachable { operation: self.operation, url: self.url.clone(), text, setting: self.setting }
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

    /// The body of an answer of the service.
    pub async fn body(&self, response: reqwest::Response) -> Result<Vec<u8>, Error> {
        bounded::body(response, MOST_OF_SERVICE).await.map_err(|error| match error {
            bounded::Error::TooLong(_) => self.malformed(error.to_string()),
            bounded::Error::Broken(error) => self.unreachable(super::error::chain(&error)),
        })
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
    use super::{HttpPools, Route, Timings};
    use std::time::Duration;
    use url::Url;

    #[test]
    fn connectors_share_their_connections_but_not_with_a_proxy() {
        let pools = HttpPools::default();
        pools.get(Route::Direct).unwrap();
        assert!(pools.direct.get().is_some() && pools.environment.get().is_none(), "made when needed");
        pools.get(Route::Environment).unwrap();
        assert!(pools.environment.get().is_some());
        let (one, two) = (Url::parse("http://one:1").unwrap(), Url::parse("http://two:1").unwrap());
        for proxy in [&one, &two, &one] {
            pools.get(Route::Proxy(proxy)).unwrap();
        }
        assert_eq!(pools.proxies.lock().unwrap().len(), 2);
        for port in 1..100 {
            pools.get(Route::Proxy(&Url::parse(&format!("http://gone:{port}")).unwrap())).unwrap();
        }
        assert!(
            pools.proxies.lock().unwrap().len() <= 16,
            "those of deleted connectors are not kept for ever"
        );
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
