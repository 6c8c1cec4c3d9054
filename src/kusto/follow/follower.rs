//! Follows the batches that one worker handed over to one ADX cluster: one task, which owns the ledger.
//!
//! It takes orders at all times, also while it looks or waits for a slow listener: only what it learns waits then. What it asks goes by its pace.

use super::batching_times::{BatchingTimes, TableName};
use super::command_pace::CommandPace;
use super::looks::{INTERVAL, Looks};
use super::member::{FollowOrder, Member, RunNews};
use super::members::{self, Members};
use super::parted::{PartNews, PartedBatches, whole_news};
use super::source::{FoundFailures, LookError, LookSource};
use super::taken::TakenBatch;
use crate::id::BatchId;
use crate::kusto::ingest::{self, PostedEnd};
use crate::kusto::metrics;
use crate::kusto::outcome::failures::IngestionFailure;
use crate::kusto::outcome::matching::{self, Matcher, RoutedNews};
use crate::kusto::outcome::{HandedOver, LEDGER_ROOM, Ledger};
use crate::sink::{Fate, Unfollowed};
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};
use std::sync::Arc;
use std::time::Duration;
use time::OffsetDateTime;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Batches that leave the ledger in one step.
const STEP: usize = 1024;
/// Orders that are taken in one step.
const ORDERS: usize = 64;
/// Commands that reading a policy may take: of the table, and of its database.
const OF_A_POLICY: usize = 2;
/// How often it is seen whether anybody is left.
const HOUSEKEEPING: Duration = Duration::from_mins(5);

/// An answer of the service.
enum Answer {
    Looked(Box<dyn LookSource>, Arc<Member>, Result<FoundFailures, LookError>),
    Batching(TableName, Result<Duration, ingest::Error>),
    /// What was claimed is deleted, as far as that could be done.
    Claimed(Box<dyn LookSource>),
}

/// What leaves the ledger, step by step.
#[derive(Clone, Copy)]
enum Leaving {
    /// Those whose time had ended then.
    Unreported(Instant),
    /// All.
    Unknown(Unfollowed),
}

/// One follower.
pub(super) struct Follower {
    orders: mpsc::Receiver<FollowOrder>,
    is_drained: bool,
    ledger: Ledger,
    matcher: Matcher,
    parted: PartedBatches,
    members: Members,
    times: BatchingTimes,
    pace: CommandPace,
    looks: Looks,
    asking: FuturesUnordered<BoxFuture<'static, Answer>>,
    is_reading: bool,
    leaving: Option<Leaving>,
}

impl Follower {
    pub(super) fn new(
        orders: mpsc::Receiver<FollowOrder>,
        source: Box<dyn LookSource>,
        now: Instant,
    ) -> Self {
        Self {
            orders,
            is_drained: false,
            ledger: Ledger::new(LEDGER_ROOM, now),
            matcher: Matcher::default(),
            parted: PartedBatches::default(),
            members: Members::default(),
            times: BatchingTimes::default(),
            pace: CommandPace::default(),
            looks: Looks::new(source),
            asking: FuturesUnordered::new(),
            is_reading: false,
            leaving: None,
        }
    }

    /// Follows until nobody is left and nothing is open.
    pub(super) async fn run(mut self) {
        let mut orders = Vec::with_capacity(ORDERS);
        loop {
            self.leave_step();
            self.members.hand_out();
            self.begin_what_is_due(Instant::now());
            if self.is_over() {
                return;
            }
            let due = self.due(Instant::now());
            tokio::select! {
                taken = self.orders.recv_many(&mut orders, ORDERS), if !self.is_drained => {
                    self.is_drained = taken == 0;
                    for order in orders.drain(..) {
                        self.carry_out(order);
                    }
                }
                Some(answer) = self.asking.next(), if !self.asking.is_empty() => self.answered(answer),
                () = tokio::time::sleep_until(due) => {}
                () = self.members.room() => {}
            }
        }
    }

    fn interval(&self) -> Duration {
        self.members.interval().unwrap_or(INTERVAL)
    }

    fn carry_out(&mut self, order: FollowOrder) {
        let FollowOrder { member, what, at } = order;
        match what {
            RunNews::Listens => self.members.heard(&member),
            RunNews::Ended(id, end) => self.ended_alone(id, end),
            RunNews::Took(batch) => {
                self.members.heard(&member);
                self.take(&member, &batch, at);
            }
        }
    }

    fn take(&mut self, member: &Member, batch: &TakenBatch, at: OffsetDateTime) {
        if batch.queued.is_empty() {
            self.members.tell(&member.connector, whole_news(batch, Fate::Confirmed));
            return;
        }
        let is_one = batch.queued.iter().all(|part| part.id == batch.id);
        let was_open =
            if is_one { self.ledger.get(batch.id).is_some() } else { self.parted.is_open(batch.id) };
        if !is_one && !self.parted.enter(batch) {
            let fate = Fate::Unknown(Unfollowed::NoRoom);
            self.members.tell(&member.connector, whole_news(batch, fate));
            return;
        }
        if !was_open {
            self.members.opened(&member.connector);
        }
        self.enter(batch, at, member.settings.margin);
    }

    /// Enters the blobs of `batch`.
    fn enter(&mut self, batch: &TakenBatch, at: OffsetDateTime, margin: Duration) {
        let (now, interval) = (Instant::now(), self.interval());
        self.looks.begin(now, interval);
        // Nobody needs to know it before the first look.
        let hold = self.times.time(&batch.route, now + interval) + margin;
        for part in &batch.queued {
            let blob = HandedOver {
                id: part.id,
                route: Arc::clone(&batch.route),
                offsets: part.offsets,
                records: u32::try_from(part.records).unwrap_or(u32::MAX),
                raw_bytes: part.raw_bytes,
                at,
                hold,
            };
            let left = self.ledger.enter(&blob, now);
            self.all_ended(matching::unfollowed(left, Unfollowed::NoRoom));
        }
    }

    /// What the service tells of one batch alone needs no look.
    fn ended_alone(&mut self, id: BatchId, end: PostedEnd) {
        let told = match end {
            PostedEnd::Succeeded => matching::confirmed(&mut self.ledger, [id]),
            PostedEnd::Failed { code, details } => {
                let now = OffsetDateTime::now_utc();
                let failure = IngestionFailure::told_alone(id, (&code, &details), now);
                self.matcher.failed(&mut self.ledger, [&failure]).news
            }
        };
        self.all_ended(told);
    }

    fn all_ended(&mut self, told: Vec<RoutedNews>) {
        for told in told {
            let connector = Arc::clone(&told.batch.route.connector);
            let (news, others) = match self.parted.ended(told) {
                PartNews::OfWhole(news) => (news, Vec::new()),
                PartNews::Ended(news, others) => (news, others),
                PartNews::Open => continue,
            };
            for other in others {
                drop(self.ledger.leave(other));
            }
            self.members.closed(&connector);
            self.members.tell(&connector, news);
        }
    }

    /// Some of what leaves the ledger, unless a listener is slow.
    fn leave_step(&mut self) {
        let Some(leaving) = self.leaving.filter(|_| !self.members.is_slow()) else { return };
        let told = match leaving {
            Leaving::Unreported(covered) => matching::unreported(&mut self.ledger, covered, STEP),
            Leaving::Unknown(why) => matching::unfollowed(self.ledger.release_all(STEP), why),
        };
        if told.len() < STEP {
            self.leaving = None;
        }
        self.all_ended(told);
    }

    /// Nothing is learned while this holds.
    fn is_held_up(&self) -> bool {
        self.leaving.is_some() || self.members.is_slow()
    }

    fn begin_what_is_due(&mut self, now: Instant) {
        if self.is_held_up() {
            return;
        }
        if self.looks.due().is_some_and(|due| due.max(self.pace.next(1, now)) <= now) {
            if self.ledger.is_empty() {
                self.looks.rest();
                self.times.forget(now);
            } else {
                self.begin_look(now);
            }
        }
        if self.policy_due(now).is_some_and(|due| due <= now) {
            self.begin_reading(now);
        }
    }

    fn begin_look(&mut self, now: Instant) {
        let Some(asker) = self.members.asker() else { return };
        let Some(mut source) = self.looks.take() else { return };
        self.pace.sent(1, now);
        let (databases, queue) = (self.times.databases(), self.members.queue());
        let look = async move {
            let found = source.look(&*asker.cluster, &databases, queue).await;
            Answer::Looked(source, asker, found)
        };
        self.asking.push(look.boxed());
    }

    /// When the next policy may be read.
    fn policy_due(&self, now: Instant) -> Option<Instant> {
        if self.is_reading || !self.looks.are_on() {
            return None;
        }
        let (_, at) = self.times.next()?;
        // One command is left for a look.
        Some(at.max(self.pace.next(OF_A_POLICY + 1, now)))
    }

    fn begin_reading(&mut self, now: Instant) {
        let (Some((table, _)), Some(asker)) = (self.times.next(), self.members.asker()) else { return };
        self.pace.sent(OF_A_POLICY, now);
        self.is_reading = true;
        let read = async move {
            let time = asker.cluster.batching_time(&table.0, &table.1).await;
            Answer::Batching(table, time)
        };
        self.asking.push(read.boxed());
    }

    /// The next moment at which something is to be done, if nothing happens.
    fn due(&self, now: Instant) -> Instant {
        let idle = now + HOUSEKEEPING;
        if self.members.is_slow() {
            return idle;
        }
        if self.leaving.is_some() {
            return now;
        }
        let look = self.looks.due().map(|due| due.max(self.pace.next(1, now)));
        [look, self.policy_due(now)].into_iter().flatten().fold(idle, Instant::min)
    }

    fn answered(&mut self, answer: Answer) {
        match answer {
            Answer::Looked(source, asker, found) => self.looked(source, &asker, found),
            Answer::Batching(table, time) => self.read(&table, time),
            Answer::Claimed(source) => self.looks.put(source),
        }
    }

    fn read(&mut self, table: &TableName, time: Result<Duration, ingest::Error>) {
        self.is_reading = false;
        if let Err(error) = &time {
            let (database, table) = table;
            tracing::debug!(%error, "the batching policy of {database}.{table} cannot be read; its batches are held for longest");
        }
        self.times.read(table, time.ok(), Instant::now());
        let (members, (database, name)) = (&self.members, table);
        if let Some(time) = self.times.known(table) {
            self.ledger.hold_anew(|route| {
                let is_meant = route.database == *database && route.table == *name;
                is_meant.then(|| time + members.margin(&route.connector))
            });
        }
    }

    fn looked(
        &mut self,
        source: Box<dyn LookSource>,
        asker: &Arc<Member>,
        found: Result<FoundFailures, LookError>,
    ) {
        let interval = self.interval();
        match found {
            Ok(found) => {
                metrics::count_look(&asker.counts, if found.is_part { "part" } else { "whole" });
                self.looks.succeeded(if found.is_part { Duration::ZERO } else { interval });
                self.members.looked(self.ledger.memory());
                let claimed = self.match_up(&found);
                self.claim(source, asker, claimed);
            }
            Err(LookError::Failed(error)) => {
                metrics::count_look(&asker.counts, "failed");
                self.looks.failed(source, &error, interval);
            }
            Err(LookError::Denied { said, advice }) => {
                metrics::count_look(&asker.counts, "denied");
                self.looks.denied(source);
                self.members.denied(&said, &advice);
                self.leaving = Some(Leaving::Unknown(Unfollowed::NotAllowed));
            }
        }
    }

    /// Lets messages of ours be deleted before the source looks again.
    fn claim(&mut self, mut source: Box<dyn LookSource>, asker: &Arc<Member>, claimed: Vec<BatchId>) {
        if claimed.is_empty() || self.members.queue().is_none() {
            self.looks.put(source);
            return;
        }
        let asker = Arc::clone(asker);
        let claim = async move {
            source.claimed(&*asker.cluster, &claimed).await;
            Answer::Claimed(source)
        };
        self.asking.push(claim.boxed());
    }

    /// The batches of which something new was found.
    fn match_up(&mut self, found: &FoundFailures) -> Vec<BatchId> {
        let matches = self.matcher.failed(&mut self.ledger, &found.failures);
        tracing::debug!(
            failed = matches.news.len(),
            known = matches.known,
            foreign = matches.foreign,
            unnamed = matches.unnamed,
            open = self.ledger.len(),
            "looked at what failed"
        );
        matches.troubled.iter().for_each(members::say_trouble);
        let claimed = matches.news.iter().map(|told| told.batch.id).collect();
        self.all_ended(matches.news);
        self.leaving = if found.is_gap {
            Some(Leaving::Unknown(Unfollowed::TooLate))
        } else {
            found.covered.map(Leaving::Unreported)
        };
        claimed
    }

    /// Nobody is left and nothing is open.
    fn is_over(&mut self) -> bool {
        let is_new = self.members.is_empty() && !self.orders.is_closed();
        let is_at_work = !self.ledger.is_empty() || !self.asking.is_empty() || self.members.let_wait();
        if is_new || is_at_work {
            return false;
        }
        if self.members.prune() {
            // What comes before it is closed is still taken.
            self.orders.close();
        }
        self.orders.is_closed() && self.is_drained
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        if !self.ledger.is_empty() {
            tracing::info!(
                "{} batches were handed over and what becomes of them is not known yet; .show ingestion failures has those that fail",
                self.ledger.len()
            );
        }
    }
}
