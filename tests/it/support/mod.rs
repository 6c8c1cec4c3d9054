//! The real parts the tests talk to, and ways to wait for what they do.
//!
//! Nothing here sleeps blindly: [`wait_for`] asks for a state until it is there or the deadline says what is missing.

mod adx;
mod apicurio;
mod authority;
mod azurite;
mod cluster;
mod front;
pub mod generated;
mod jvm;
mod kafka;
#[cfg(feature = "gssapi")]
mod kerberos;
pub mod made;
mod numbers;
mod process;
mod prometheus;
mod proxy;
mod raw;
pub mod reference;
mod registry;
mod rest;
mod scrape;
mod secured;
pub mod sentences;
mod stage;
mod tls;
mod worker;
mod worker_process;

pub use adx::{Adx, DATABASE};
pub use apicurio::Apicurio;
pub use authority::Authority;
pub use azurite::Azurite;
pub use cluster::{Cluster, Owners};
pub use front::Front;
pub use jvm::JvmWorker;
pub use kafka::{Kafka, RawRecord};
#[cfg(feature = "gssapi")]
pub use kerberos::Kerberos;
pub use numbers::{Numbers, Sent, Verdict};
pub use process::{free_port, free_user, rigs, root, signal};
pub use prometheus::{Prometheus, Sample, promtool};
pub use proxy::Proxy;
pub use raw::{Raw, read_raw, send_raw};
pub use registry::Registry;
pub use rest::Rest;
pub use scrape::Scrape;
pub use secured::Secured;
pub use stage::Stage;
pub use tls::Tls;
pub use worker::{TestWorker, worker_config};
pub use worker_process::Worker;

use std::fmt;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};

/// Calls `state` until it gives something, every 20 ms; fails the test after `deadline`.
pub async fn wait_for<T>(
    what: impl fmt::Display,
    deadline: Duration,
    state: impl AsyncFnMut() -> Option<T>,
) -> T {
    let Some(found) = within(deadline, state).await else { panic!("waited {deadline:?} for {what}") };
    found
}

/// The same for who has more to say than what was waited for: nothing after `deadline`.
pub async fn within<T>(deadline: Duration, mut state: impl AsyncFnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + deadline;
    let mut looks = interval(Duration::from_millis(20));
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while Instant::now() < end {
        looks.tick().await;
        if let Some(found) = state().await {
            return Some(found);
        }
    }
    None
}

/// A name no other test uses: `prefix` and a random tail. Topics, groups and connectors of one broker need it.
pub fn unique(prefix: &str) -> String {
    let tail = uuid::Uuid::new_v4().simple().to_string();
    format!("{prefix}-{}", &tail[..8])
}

/// A repeatable random sequence (splitmix64): a test prints its seed, the seed repeats the test.
pub struct Random(u64);

impl Random {
    /// The sequence of `seed`.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number in `low..high`.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        low + (z ^ (z >> 31)) % (high - low)
    }

    /// One of `choices`.
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        let count = u64::try_from(choices.len()).expect("a short list");
        &choices[usize::try_from(self.between(0, count)).expect("an index")]
    }
}
