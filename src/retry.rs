//! Waiting times between tries: exponential with full jitter, bounded.
//!
//! Pure arithmetic; who waits and what may be tried again is decided by the caller (retries live in one layer).

use std::time::Duration;

/// Numbers for jitter and for choosing among equals: they need spread, not quality (xorshift64).
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// The same numbers for the same `seed`.
    pub fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below `count`; 0 when that is 0.
    pub fn below(&mut self, count: usize) -> usize {
        usize::try_from(self.number() >> 33).unwrap_or(0) % count.max(1)
    }
}

/// A growing pause: the n-th is random in `[min, base·2ⁿ]`, never above `cap`.
#[derive(Debug, Clone)]
pub struct Backoff {
    base: Duration,
    cap: Duration,
    attempt: u32,
    random: Random,
}

impl Backoff {
    /// Pauses from about `base` up to `cap`. `seed` makes the jitter repeatable in tests.
    pub fn new(base: Duration, cap: Duration, seed: u64) -> Self {
        Self { base, cap, attempt: 0, random: Random::new(seed) }
    }

    /// How many pauses were handed out since the last reset.
    pub fn attempts(&self) -> u32 {
        self.attempt
    }

    /// Starts again from the shortest pause, after a success.
    pub fn reset(&mut self) {
        self.attempt = 0;
    }

    /// The next pause: at least half of the exponential step, at most the whole of it.
    pub fn next_pause(&mut self) -> Duration {
        let step = self.base.saturating_mul(1_u32.checked_shl(self.attempt.min(20)).unwrap_or(u32::MAX));
        let step = step.min(self.cap);
        self.attempt = self.attempt.saturating_add(1);
        let share = u32::try_from(self.random.number() % 1000).unwrap_or(0);
        step / 2 + (step / 2).saturating_mul(share) / 1000
    }
}

#[cfg(test)]
mod tests {
    use super::Backoff;
    use std::time::Duration;

    #[test]
    fn grows_to_the_cap_and_starts_again() {
        let cap = Duration::from_secs(5);
        let mut backoff = Backoff::new(Duration::from_millis(100), cap, 7);
        let pauses: Vec<_> = (0..40).map(|_| backoff.next_pause()).collect();
        assert!(pauses[0] >= Duration::from_millis(50) && pauses[0] <= Duration::from_millis(100));
        assert!(pauses.iter().all(|p| *p <= cap));
        assert!(pauses[39] >= cap / 2);
        backoff.reset();
        assert!(backoff.next_pause() <= Duration::from_millis(100));
    }
}
