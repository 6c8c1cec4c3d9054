//! How often clients came with wrong credentials, by their address: who does so again and again is told so ever later.
//!
//! Only the answer to wrong credentials waits: behind an address there may be others, whose right ones are taken at once.
//! The table has a fixed size; addresses that meet in one of its places share a pause.

use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

const PLACES: usize = 256;
/// The count of a place: its lower bits. The others are the second of the last failure.
const COUNT_BITS: u32 = 24;
const MOST: u64 = (1 << COUNT_BITS) - 1;
/// After so long without a failure all is forgotten.
const FORGOTTEN: Duration = Duration::from_mins(5);
/// Who mistypes has so many tries.
const FREE: u64 = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// The table.
pub(super) struct FailedLogins {
    places: [AtomicU64; PLACES],
    hasher: RandomState,
    start: Instant,
}

impl Default for FailedLogins {
    fn default() -> Self {
        let places = std::array::from_fn(|_| AtomicU64::new(0));
        Self { places, hasher: RandomState::new(), start: Instant::now() }
    }
}

impl FailedLogins {
    /// Counts one, and gives how many there were without a long break.
    pub(super) fn count(&self, peer: IpAddr) -> u64 {
        let place = usize::try_from(self.hasher.hash_one(network(peer))).unwrap_or_default() % PLACES;
        let second = self.start.elapsed().as_secs();
        let next = |place: u64| {
            let (last, count) = (place >> COUNT_BITS, place & MOST);
            let count = if second.saturating_sub(last) > FORGOTTEN.as_secs() { 0 } else { count };
            (count + 1).min(MOST)
        };
        let packed = |place| Some(second << COUNT_BITS | next(place));
        let before = self.places[place].fetch_update(Ordering::Relaxed, Ordering::Relaxed, packed);
        before.map_or(1, next)
    }
}

/// How long the answer to the so-manieth failure waits.
pub(super) fn pause(count: u64) -> Duration {
    let Some(doublings) = count.checked_sub(FREE + 1) else { return Duration::ZERO };
    let factor = 1 << doublings.min(16);
    FIRST_PAUSE.saturating_mul(factor).min(LONGEST_PAUSE)
}

/// The log tells the first, the second, the fourth, …
pub(super) fn is_told(count: u64) -> bool {
    count.is_power_of_two()
}

/// An IPv6 client has a whole network of addresses.
fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        four @ IpAddr::V4(_) => four,
    }
}

#[cfg(test)]
mod tests {
    use super::{FORGOTTEN, FailedLogins, LONGEST_PAUSE, MOST, is_told, pause};
    use std::net::IpAddr;
    use std::time::Duration;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn failures_are_counted_by_network_and_forgotten() {
        let failed = FailedLogins::default();
        assert_eq!(failed.count(address("10.0.0.1")), 1);
        assert_eq!(failed.count(address("::ffff:10.0.0.1")), 2);
        tokio::time::advance(FORGOTTEN).await;
        assert_eq!(failed.count(address("10.0.0.1")), 3);
        tokio::time::advance(FORGOTTEN + Duration::from_secs(2)).await;
        assert_eq!(failed.count(address("10.0.0.1")), 1);
        assert_eq!(failed.count(address("2001:db8::1")), 1);
        assert_eq!(failed.count(address("2001:db8::ffff:1")), 2);
    }

    #[test]
    fn pauses_grow_to_a_bound_and_the_log_is_not_flooded() {
        let pauses: Vec<_> = (1..10).map(|count| pause(count).as_millis()).collect();
        assert_eq!(pauses, [0, 0, 0, 100, 200, 400, 800, 1600, 2000]);
        assert_eq!(pause(MOST), LONGEST_PAUSE);
        assert_eq!((1..=MOST).filter(|count| is_told(*count)).count(), 24);
    }
}
