//! Which storage account to try first.
//!
//! Kusto hands out containers and queues on several accounts and expects clients to spread the load and to leave an
//! account that fails (`kusto-protocol.md` §3.1). Pure: time and chance are passed in. An account's score is a
//! weighted success rate over the last minute, in six buckets of ten seconds; accounts fall into tiers by it, are
//! shuffled inside a tier, and their resources are dealt out in turn.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// Length of one bucket.
const BUCKET: Duration = Duration::from_secs(10);
/// How many buckets count.
const BUCKETS: usize = 6;
/// Weight of a bucket by its age, the newest first.
const WEIGHTS: [f64; BUCKETS] = [6.0, 5.0, 4.0, 3.0, 2.0, 1.0];
/// Lower bounds of the tiers, in per cent of success, best first.
const TIERS: [f64; 4] = [90.0, 70.0, 30.0, 0.0];

/// Outcomes inside one bucket of time.
#[derive(Debug, Clone, Copy, Default)]
struct Bucket {
    slot: u64,
    good: u32,
    total: u32,
}

/// The recent outcomes of all accounts.
#[derive(Debug, Default)]
pub struct Ranking {
    accounts: HashMap<Arc<str>, [Bucket; BUCKETS]>,
}

fn slot(now: Duration) -> u64 {
    now.as_secs() / BUCKET.as_secs()
}

impl Ranking {
    /// Notes the outcome of one upload or message. `now` counts from any fixed moment.
    pub fn record(&mut self, account: &Arc<str>, success: bool, now: Duration) {
        let slot = slot(now);
        let buckets = self.accounts.entry(Arc::clone(account)).or_default();
        let place = usize::try_from(slot).unwrap_or(0) % BUCKETS;
        let bucket = &mut buckets[place];
        if bucket.slot != slot {
            *bucket = Bucket { slot, good: 0, total: 0 };
        }
        bucket.total = bucket.total.saturating_add(1);
        bucket.good = bucket.good.saturating_add(u32::from(success));
    }

    /// Share of successes from 0 to 1, the newest bucket weighing most; 1 without any recent outcome.
    pub fn rank(&self, account: &str, now: Duration) -> f64 {
        let newest = slot(now);
        let (mut weights, mut score) = (0.0, 0.0);
        for bucket in self.accounts.get(account).into_iter().flatten() {
            let age = newest.checked_sub(bucket.slot).and_then(|age| WEIGHTS.get(usize::try_from(age).ok()?));
            let Some(weight) = age.filter(|_| bucket.total > 0) else { continue };
            weights += weight;
            score += weight * f64::from(bucket.good) / f64::from(bucket.total);
        }
        if weights > 0.0 { score / weights } else { 1.0 }
    }

    /// Forgets accounts that are no longer handed out.
    pub fn retain(&mut self, known: impl Fn(&str) -> bool) {
        self.accounts.retain(|account, _| known(account));
    }

    /// The order in which to try resources, as indices into `accounts` (the account of each resource). `dice(n)`
    /// gives a number below n.
    pub fn order(
        &self,
        accounts: &[Arc<str>],
        now: Duration,
        mut dice: impl FnMut(usize) -> usize,
    ) -> Vec<usize> {
        let mut groups: Vec<(&str, Vec<usize>)> = Vec::new();
        for (index, account) in accounts.iter().enumerate() {
            match groups.iter_mut().find(|(name, _)| *name == &**account) {
                Some((_, members)) => members.push(index),
                None => groups.push((account, vec![index])),
            }
        }
        for last in (1..groups.len()).rev() {
            groups.swap(last, dice(last + 1).min(last));
        }
        groups.sort_by_key(|(account, _)| tier(self.rank(account, now)));
        let longest = groups.iter().map(|(_, members)| members.len()).max().unwrap_or(0);
        (0..longest).flat_map(|turn| groups.iter().filter_map(move |(_, m)| m.get(turn)).copied()).collect()
    }
}

/// Number of the tier, 0 the best.
fn tier(rank: f64) -> usize {
    TIERS.iter().position(|bound| rank * 100.0 >= *bound).unwrap_or(TIERS.len())
}

#[cfg(test)]
mod tests {
    use super::Ranking;
    use proptest::prelude::*;
    use std::sync::Arc;
    use std::time::Duration;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn names(list: &[&str]) -> Vec<Arc<str>> {
        list.iter().map(|name| Arc::from(*name)).collect()
    }

    #[test]
    fn unknown_is_best_and_the_newest_bucket_weighs_most() {
        let account: Arc<str> = Arc::from("a");
        let mut ranking = Ranking::default();
        assert!((ranking.rank("a", at(5)) - 1.0).abs() < 1e-9);
        ranking.record(&account, false, at(5));
        assert!(ranking.rank("a", at(5)) < 1e-9);
        // Weights 5 for the failure one bucket ago and 6 for the success now.
        ranking.record(&account, true, at(15));
        assert!((ranking.rank("a", at(15)) - 6.0 / 11.0).abs() < 1e-9);
    }

    #[test]
    fn forgets_after_a_minute_even_when_idle() {
        let account: Arc<str> = Arc::from("a");
        let mut ranking = Ranking::default();
        ranking.record(&account, false, at(100));
        assert!(ranking.rank("a", at(159)) < 1e-9);
        assert!((ranking.rank("a", at(160)) - 1.0).abs() < 1e-9);
        // The same place in the ring, six buckets later, starts clean.
        ranking.record(&account, true, at(160));
        assert!((ranking.rank("a", at(160)) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_failing_account_goes_to_the_back() {
        let accounts = names(&["bad", "bad", "good", "good"]);
        let mut ranking = Ranking::default();
        ranking.record(&accounts[0], false, at(1));
        ranking.record(&accounts[2], true, at(1));
        assert_eq!(ranking.order(&accounts, at(1), |_| 0), vec![2, 0, 3, 1]);
        ranking.retain(|name| name != "bad");
        assert!((ranking.rank("bad", at(1)) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn chance_decides_inside_a_tier() {
        let accounts = names(&["a", "b"]);
        let ranking = Ranking::default();
        assert_eq!(ranking.order(&accounts, at(1), |_| 1), vec![0, 1]);
        assert_eq!(ranking.order(&accounts, at(1), |_| 0), vec![1, 0]);
    }

    proptest! {
        #[test]
        fn order_names_each_once_and_every_account_in_the_first_round(
            list in prop::collection::vec("[a-d]", 0..20),
            outcomes in prop::collection::vec(("[a-d]", any::<bool>(), 0_u64..200), 0..60),
            rolls in prop::collection::vec(any::<usize>(), 8),
        ) {
            let accounts: Vec<Arc<str>> = list.iter().map(|n| Arc::from(n.as_str())).collect();
            let mut ranking = Ranking::default();
            for (name, success, seconds) in &outcomes {
                ranking.record(&Arc::from(name.as_str()), *success, at(*seconds));
            }
            let mut rolls = rolls.into_iter().cycle();
            let order = ranking.order(&accounts, at(200), |n| rolls.next().unwrap() % n);
            let mut sorted = order.clone();
            sorted.sort_unstable();
            prop_assert_eq!(sorted, (0..accounts.len()).collect::<Vec<_>>());
            let mut distinct = list.clone();
            distinct.sort();
            distinct.dedup();
            let mut first: Vec<&str> = order.iter().take(distinct.len()).map(|i| &*accounts[*i]).collect();
            // Worse accounts never stand before better ones in a round.
            let tiers: Vec<usize> = first.iter().map(|name| super::tier(ranking.rank(name, at(200)))).collect();
            prop_assert!(tiers.is_sorted());
            first.sort_unstable();
            prop_assert_eq!(first, distinct.iter().map(String::as_str).collect::<Vec<_>>());
        }

        #[test]
        fn rank_stays_between_zero_and_one(outcomes in prop::collection::vec((any::<bool>(), 0_u64..300), 0..60), now in 0_u64..400) {
            let account: Arc<str> = Arc::from("a");
            let mut ranking = Ranking::default();
            for (success, seconds) in outcomes {
                ranking.record(&account, success, at(seconds));
            }
            let rank = ranking.rank("a", at(now));
            prop_assert!((0.0..=1.0).contains(&rank));
        }
    }
}
