//! Reservations in any order: never more than the budget and one record a connector, and everybody gets on.

use super::{ByteBudget, CALL_AFTER, ConnectorBudget, PATIENCE, Reservation};
use proptest::prelude::*;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

const KIB: usize = 1024;
const TOTAL: usize = 64 * KIB;
const FLUSH: usize = 24 * KIB;
const IN_FLIGHT: usize = 4;
/// How old an open batch may become when nothing else seals it.
const AGE: Duration = Duration::from_mins(10);
const SLOWEST: Duration = Duration::from_secs(2);

/// What a connector's partitions have to carry.
#[derive(Debug, Clone)]
struct Load {
    /// Its service is away until all others are done.
    is_away: bool,
    /// The records of each partition, and how long the uploads of the partition take.
    partitions: Vec<(Vec<usize>, Duration)>,
}

fn loads() -> impl Strategy<Value = Vec<Load>> {
    // Small ones, some near the budget, some far above.
    let record = prop_oneof![
        8 => 1..8 * KIB,
        2 => TOTAL / 2..TOTAL,
        1 => TOTAL + 1..3 * TOTAL,
    ];
    let partition = (proptest::collection::vec(record, 1..20), (0_u64..2000).prop_map(Duration::from_millis));
    let load = (any::<bool>(), proptest::collection::vec(partition, 1..6))
        .prop_map(|(is_away, partitions)| Load { is_away, partitions });
    proptest::collection::vec(load, 1..5)
}

/// A pipeline, as far as memory goes.
struct Partition {
    budget: ConnectorBudget,
    uploads: JoinSet<()>,
    open: Reservation,
    used: usize,
    took: Duration,
    /// Closed while the service is away.
    service: Arc<Semaphore>,
}

impl Partition {
    fn seal(&mut self) {
        if self.used > 0 {
            let sealed = self.open.keep_only(self.used / 2);
            let (took, service) = (self.took, Arc::clone(&self.service));
            self.uploads.spawn(async move {
                let _answers = service.acquire().await;
                sleep(took).await;
                drop(sealed);
            });
        }
        self.used = 0;
        self.open = Reservation::default();
    }

    async fn run(mut self, records: Vec<usize>) {
        let mut calls = self.budget.calls();
        for record in records {
            loop {
                if self.uploads.len() == IN_FLIGHT {
                    self.uploads.join_next().await;
                } else if self.budget.try_grow(&mut self.open, self.used + record) {
                    self.used += record;
                    break;
                } else if self.used > 0 {
                    self.seal();
                } else {
                    let mut place = self.budget.queue(record);
                    // Given up at times, as a pipeline does whenever something else happens; the place stays.
                    while timeout(Duration::from_millis(70), place.granted()).await.is_err() {}
                    self.open = place.take();
                }
            }
            if self.used > FLUSH {
                self.seal();
            }
            tokio::task::yield_now().await;
        }
        tokio::select! {
            _ = calls.changed() => {}
            () = sleep(AGE) => {}
        }
        self.seal();
        while self.uploads.join_next().await.is_some() {}
    }
}

async fn simulate(loads: Vec<Load>) -> Result<(), TestCaseError> {
    let budget = ByteBudget::new(TOTAL as u64);
    let (mut healthy, mut away) = (JoinSet::new(), JoinSet::new());
    let service = Arc::new(Semaphore::new(0));
    let (connectors, largest) = (loads.len(), 3 * TOTAL);
    let late = Arc::new(AtomicUsize::new(0));
    for Load { is_away, partitions } in loads {
        let connector = budget.connector();
        let records: usize = partitions.iter().map(|(records, _)| records.len()).sum();
        // At worst each record of a connector gets on by patience alone.
        let each = PATIENCE + CALL_AFTER + SLOWEST;
        let bound = each * u32::try_from(records).unwrap() + AGE;
        for (records, took) in partitions {
            let service = if is_away { Arc::clone(&service) } else { Arc::new(Semaphore::new(64)) };
            let partition = Partition {
                budget: connector.clone(),
                uploads: JoinSet::new(),
                open: Reservation::default(),
                used: 0,
                took,
                service,
            };
            if is_away {
                away.spawn(partition.run(records));
            } else {
                let late = Arc::clone(&late);
                healthy.spawn(async move {
                    if timeout(bound, partition.run(records)).await.is_err() {
                        late.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        }
    }
    let check = || {
        let (within, beyond) = budget.held();
        within <= TOTAL && beyond <= connectors * largest
    };
    while healthy.join_next().await.is_some() {
        prop_assert!(check(), "{:?}", budget.held());
    }
    prop_assert_eq!(late.load(Ordering::Relaxed), 0, "starved");
    service.add_permits(64);
    while away.join_next().await.is_some() {
        prop_assert!(check(), "{:?}", budget.held());
    }
    prop_assert_eq!(budget.held(), (0, 0), "all of it comes back");
    Ok(())
}

proptest! {
    #[test]
    fn everybody_gets_on_and_no_more_is_held_than_may_be(loads in loads()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(simulate(loads))?;
    }

    /// The same decisions one by one, looked at after each.
    #[test]
    fn the_bound_holds_after_every_step(
        steps in proptest::collection::vec((0_u8..4, 0_usize..6, 1_usize..100 * KIB), 1..200)
    ) {
        let budget = ByteBudget::new(TOTAL as u64);
        let connectors = [budget.connector(), budget.connector(), budget.connector()];
        let mut held: [Vec<Reservation>; 6] = Default::default();
        let mut places: VecDeque<super::PlaceInLine> = VecDeque::new();
        for (step, partition, bytes) in steps {
            let connector = &connectors[partition % connectors.len()];
            match step {
                0 => {
                    let mut more = Reservation::default();
                    if connector.try_grow(&mut more, bytes) {
                        prop_assert_eq!(more.bytes(), bytes);
                        held[partition].push(more);
                    }
                }
                1 => drop(held[partition].pop()),
                2 => places.push_back(connector.queue(bytes)),
                _ => drop(places.pop_front()),
            }
            let (within, _) = budget.held();
            prop_assert!(within <= TOTAL);
            // Without patience only one goes beyond, which is larger than all of the budget.
            let state = budget.0.lock();
            prop_assert!(state.beyond.len() <= 1 && state.beyond.values().all(|bytes| *bytes > TOTAL));
        }
        drop(places);
        drop(held);
        prop_assert_eq!(budget.held(), (0, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_record_larger_than_everything_goes_through_while_others_go_on() {
    let budget = ByteBudget::new(TOTAL as u64);
    let (giants, small) = (budget.connector(), budget.connector());
    let mut first = giants.queue(2 * TOTAL);
    first.granted().await;
    let first = first.take();
    assert_eq!(budget.held(), (0, 2 * TOTAL));
    assert_eq!(giants.says_too_small(2 * TOTAL), Some(TOTAL));
    assert_eq!(giants.says_too_small(2 * TOTAL), None, "said once");
    let mut second = giants.queue(3 * TOTAL);
    let mut open = Reservation::default();
    assert!(small.try_grow(&mut open, FLUSH) && giants.try_grow(&mut Reservation::default(), FLUSH));
    assert!(timeout(PATIENCE / 2, second.granted()).await.is_err(), "one at a time");
    drop(first);
    second.granted().await;
    assert_eq!(second.take().bytes(), 3 * TOTAL);
}

#[tokio::test(start_paused = true)]
async fn a_connector_whose_service_is_away_leaves_room_for_the_others() {
    let budget = ByteBudget::new(TOTAL as u64);
    let (away, other) = (budget.connector(), budget.connector());
    let mut held = Vec::new();
    loop {
        let mut more = Reservation::default();
        if !away.try_grow(&mut more, KIB) {
            break;
        }
        held.push(more);
    }
    assert!(held.len() * KIB * 5 <= TOTAL * 4, "{} KiB", held.len());
    let mut waits = away.queue(KIB);
    assert!(timeout(2 * PATIENCE, waits.granted()).await.is_err(), "its own memory has to come back first");
    let mut open = Reservation::default();
    assert!(other.try_grow(&mut open, 4 * KIB), "nobody waits for it");
}

#[tokio::test(start_paused = true)]
async fn who_waits_calls_for_what_is_open_and_nobody_passes() {
    let budget = ByteBudget::new(TOTAL as u64);
    let (one, two) = (budget.connector(), budget.connector());
    let mut calls = one.calls();
    let mut open = Reservation::default();
    assert!(one.try_grow(&mut open, TOTAL / 2));
    let mut place = two.queue(TOTAL - KIB);
    assert!(!one.try_grow(&mut open, TOTAL / 2 + KIB), "somebody waits who holds nothing");
    assert!(timeout(CALL_AFTER * 2, place.granted()).await.is_err());
    assert!(calls.has_changed().unwrap());
    calls.mark_unchanged();
    drop(open);
    place.granted().await;
    assert_eq!(place.take().bytes(), TOTAL - KIB);
    let sealed = {
        let mut open = Reservation::default();
        assert!(one.try_grow(&mut open, KIB));
        open.keep_only(100)
    };
    assert_eq!((sealed.bytes(), budget.held()), (100, (100, 0)));
}
