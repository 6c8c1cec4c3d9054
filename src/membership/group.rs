//! The loop of a worker's membership: joins the group, leads it or follows, and makes the view known.
//!
//! It owns the Kafka client of the membership and the view. While Kafka is away it goes on with the view it has: who
//! reads which partition is decided by each connector's own group, so an old view loses and doubles nothing.

use super::asked::{answer, join, millis, millis_now, rekeyed, say, wait};
use super::proof::{self, Lead, Members};
use super::role::{End, Role};
use super::settling::Settling;
use super::view::{self, ClusterView, NoView, Now};
use super::{Joining, Leadership, MemberState, Request};
use crate::config::WorkerConfig;
use crate::kafka::cluster::{ClusterMember, MemberEvent, Published};
use crate::retry::Backoff;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;
use uuid::Uuid;

/// How often a follower looks for a new view: one small request.
const FOLLOW: Duration = Duration::from_millis(500);
/// How often a leader looks at its members although Kafka told of no change.
const LEAD: Duration = Duration::from_secs(10);
/// How often a worker looks at the members while something is wrong with them.
const TROUBLED: Duration = Duration::from_secs(1);
/// Between two tries when Kafka did not answer or the group has just changed.
const AGAIN: Duration = Duration::from_millis(250);
/// So long a leader may prove itself by a key that was not read yet: workers that start at the same moment each write one.
const KEY_PATIENCE: Duration = Duration::from_secs(3);
/// Between two tries to join.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Runs until it is asked to leave, or nobody can ask any more.
pub(super) async fn run(
    mut joining: Joining,
    newest: i64,
    mut requests: mpsc::Receiver<Request>,
    state: watch::Sender<MemberState>,
) {
    let config = joining.config.clone();
    let mut backoff = Backoff::new(AGAIN, LONGEST_PAUSE, u64::from(std::process::id()));
    let life = Uuid::new_v4().simple().to_string();
    let mut known = None;
    loop {
        let settling = Settling::begin(&joining.metrics);
        let reason = match join(&mut joining, &life) {
            Ok((member, client_id)) => {
                let mut group = Group {
                    delay: millis(config.scheduled_rebalance_max_delay),
                    config: &config,
                    url: joining.url.clone(),
                    joining: &mut joining,
                    client_id,
                    member,
                    settling,
                    state: &state,
                    role: Role::Unsettled,
                    caught_up: false,
                    known: known.take(),
                    newest,
                    look_at: Instant::now() + LEAD,
                    waiting: Vec::new(),
                    examined: false,
                    strange_since: None,
                    unled_since: None,
                    trouble: None,
                    ignored: None,
                };
                let end = group.work(&mut requests, &mut backoff).await;
                known = group.known.take();
                group.member.leave().await;
                match end {
                    End::Left(done) => return done.into_iter().for_each(|done| answer(done, ())),
                    End::Rekeyed => continue,
                    End::Refused(reason) => reason,
                }
            }
            Err(reason) => reason,
        };
        let pause = backoff.next_pause();
        tracing::error!(
            group = config.group_id,
            reason,
            pause_ms = pause.as_millis(),
            "cannot join the cluster"
        );
        let words = format!("waiting to join the cluster (group.id={}): {reason}", config.group_id);
        say(&state, Some(words));
        if let Some(done) = wait(pause, &mut requests).await {
            return done.into_iter().for_each(|done| answer(done, ()));
        }
    }
}

struct Group<'a> {
    config: &'a WorkerConfig,
    url: Arc<str>,
    joining: &'a mut Joining,
    /// By which this worker proves itself.
    client_id: String,
    delay: i64,
    member: ClusterMember,
    settling: Settling,
    state: &'a watch::Sender<MemberState>,
    role: Role,
    /// The view that was published last was read since the group settled: others may have led meanwhile.
    caught_up: bool,
    known: Option<ClusterView>,
    /// The greatest number of a view that is known to have existed.
    newest: i64,
    /// When to look at Kafka again.
    look_at: Instant,
    /// Who waits for the group to settle.
    waiting: Vec<oneshot::Sender<Leadership>>,
    /// A follower has seen, since the group settled, that a worker leads.
    examined: bool,
    /// Since when the lead is held by who does not prove to be a worker.
    strange_since: Option<Instant>,
    /// Since when nobody leads, as far as this follower can see.
    unled_since: Option<Instant>,
    /// What is wrong with the members.
    trouble: Option<String>,
    /// The number under which something was published that is no view, which was said.
    ignored: Option<i64>,
}

impl Group<'_> {
    async fn work(&mut self, requests: &mut mpsc::Receiver<Request>, backoff: &mut Backoff) -> End {
        loop {
            tokio::select! {
                event = self.member.next_event() => match event {
                    MemberEvent::Settled(leads) => {
                        backoff.reset();
                        self.role = if leads { Role::Leader } else { Role::Follower };
                        self.caught_up = false;
                        self.examined = false;
                        self.unled_since = None;
                        // It is in again, if it was refused before.
                        if self.trouble.is_none() {
                            say(self.state, self.still_joining());
                        }
                        self.look_at = Instant::now();
                    }
                    MemberEvent::Unsettled => {
                        self.role = Role::Unsettled;
                        self.settling.again();
                    }
                    MemberEvent::Client(reading) => self.settling.client_told(reading),
                    MemberEvent::Trouble(reason) => tracing::warn!(reason, group = self.config.group_id, "the cluster's group"),
                    MemberEvent::Refused(error) => return End::Refused(error.to_string()),
                },
                request = requests.recv() => match request {
                    None => return End::Left(None),
                    Some(Request::Leave(done)) => return End::Left(Some(done)),
                    Some(Request::Confirm(reply)) => self.confirm(reply).await,
                },
                () = tokio::time::sleep_until(self.look_at), if self.role != Role::Unsettled => self.look().await,
                () = rekeyed(&mut self.joining.keys) => return End::Rekeyed,
            }
        }
    }

    async fn look(&mut self) {
        let looked = if self.role == Role::Leader { self.lead().await } else { self.follow().await };
        let pause = match looked {
            Ok(pause) => pause,
            Err(error) => {
                tracing::warn!(%error, group = self.config.group_id, "the view of the cluster could not be renewed; trying again");
                AGAIN
            }
        };
        self.look_at = Instant::now() + pause;
        if self.is_current() {
            self.settling.is_over();
            for reply in std::mem::take(&mut self.waiting) {
                self.confirm(reply).await;
            }
        }
    }

    /// True when the view that is known names the leader that Kafka named, as far as this worker can tell.
    fn is_current(&self) -> bool {
        let leads = self.known.as_ref().is_some_and(|view| view.leader == self.url);
        match self.role {
            Role::Leader => leads && self.caught_up,
            Role::Follower => !leads && self.known.is_some(),
            Role::Unsettled => false,
        }
    }

    /// Publishes a new view when there is something new. Returns when to look again.
    async fn lead(&mut self) -> Result<Duration, crate::kafka::Error> {
        let live = self.live().await?;
        if !self.caught_up {
            self.catch_up(&live).await?;
        }
        let time = millis_now();
        let now = Now { me: &self.url, live: &live, time, delay: self.delay, newest: self.newest };
        if let Some(view) = view::next(self.known.as_ref(), now) {
            self.publish(&view).await?;
            self.adopt(view);
        } else if let Some(view) = self.known.clone() {
            // Gone with its topic, or written over by somebody else.
            let there = self.member.published().await?;
            if there.number != view.generation || self.read(&there).as_ref() != Some(&view) {
                tracing::warn!(
                    found = there.number,
                    generation = view.generation,
                    "what is published is not this leader's view; publishing it again"
                );
                self.publish(&view).await?;
            }
        }
        let end = self.known.as_ref().and_then(ClusterView::next_end);
        let left = end.map(|end| Duration::from_millis(u64::try_from(end - time).unwrap_or(0) + 1));
        let longest = if self.trouble.is_some() { TROUBLED } else { LEAD };
        Ok(left.unwrap_or(longest).min(longest))
    }

    async fn publish(&mut self, view: &ClusterView) -> Result<(), crate::kafka::Error> {
        let text = view.to_text(&self.joining.keys.borrow(), &self.config.group_id);
        // Who is in the group had a key, and keys do not go away.
        self.member.publish(&Published { number: view.generation, text: text.unwrap_or_default() }).await
    }

    /// The view that was published; what no worker published is ignored, and said once.
    fn read(&mut self, published: &Published) -> Option<ClusterView> {
        let Published { number, text } = published;
        let view = ClusterView::from_text(*number, text, &self.joining.keys.borrow(), &self.config.group_id);
        match view {
            Ok(view) => Some(view),
            Err(NoView::Nothing) => None,
            Err(reason) => {
                if self.ignored.replace(*number) != Some(*number) {
                    tracing::warn!(number, %reason, group = self.config.group_id, "ignored what is published as the view of the cluster");
                }
                None
            }
        }
    }

    /// A leader that was away (frozen, cut off) goes on from what was published meanwhile, and one that has just started
    /// from what was published in a cluster that goes on. Else it takes the number alone: of what was before it, nothing
    /// counts as lost.
    async fn catch_up(&mut self, live: &BTreeSet<Arc<str>>) -> Result<(), crate::kafka::Error> {
        let published = self.member.published().await?;
        if let Some(view) = self.read(&published) {
            self.newest = self.newest.max(view.generation);
            match &self.known {
                Some(known) if known.generation >= view.generation => {}
                Some(_) if view.members.contains(&self.url) => self.adopt(view),
                None if !view.goes_on(&self.url, live) => {}
                None => {
                    // Not even a view that says the same may pass for one of this worker's life before.
                    self.newest += 1;
                    self.known = Some(view);
                }
                Some(_) => self.known = Some(view),
            }
        }
        self.caught_up = true;
        Ok(())
    }

    /// The workers in the group; only this one where the broker cannot list them (librdkafka's mock cluster).
    async fn live(&mut self) -> Result<BTreeSet<Arc<str>>, crate::kafka::Error> {
        let mut live = match self.examine().await {
            Ok(found) => found.workers,
            Err(error) if self.known.as_ref().is_none_or(|view| view.members.len() == 1) => {
                tracing::debug!(%error, "the members of the group cannot be listed; going on alone");
                BTreeSet::new()
            }
            Err(error) => return Err(error),
        };
        live.insert(self.url.clone());
        Ok(live)
    }

    /// Looks who is in the group, and says what is wrong with that.
    async fn examine(&mut self) -> Result<Members, crate::kafka::Error> {
        let members = self.member.members().await?;
        let group = &self.config.group_id;
        let own = (self.client_id.as_str(), self.role == Role::Leader);
        let found = proof::look(&self.joining.keys.borrow(), group, own, &members);
        if found.at_our_url > 1 {
            tracing::error!(url = %self.url, "two workers advertise the same URL and take themselves for one, unless one of them was killed and is back: set rest.advertised.host.name or rest.advertised.port of one of them");
        }
        let stranger = if let Lead::Stranger(who) = &found.lead {
            let since = *self.strange_since.get_or_insert_with(Instant::now);
            (since.elapsed() > KEY_PATIENCE).then(|| format!(
                "The lead of the cluster (group.id={group}) is held by who is no worker of it: {who}. Nothing can be \
                 configured until it is gone; connectors go on. Allow the group to the workers alone (ACLs in docs/security.md)."
            ))
        } else {
            self.strange_since = None;
            None
        };
        let nobody = || {
            let since = self.unled_since?;
            (since.elapsed() > self.config.session_timeout).then(|| format!(
                "Nobody leads the cluster (group.id={group}): no member was given the partition of {}. Nothing can be \
                 configured; connectors go on.",
                self.config.config_topic.name
            ))
        };
        let copies = || {
            let who = found.copies.first()?;
            Some(format!(
                "More than one member of the group {group} shows the proof of one worker: {who}. One of them copied it. \
                 Allow the group to the workers alone (ACLs in docs/security.md)."
            ))
        };
        let trouble = stranger.or_else(copies).or_else(nobody);
        if trouble.is_none() && !found.strangers.is_empty() && !self.examined {
            tracing::warn!(group, strangers = ?found.strangers, "members of the cluster's group that are no workers get nothing to do");
        }
        self.tell(trouble);
        self.examined = true;
        Ok(found)
    }

    /// Tells what is wrong, once, and its end.
    fn tell(&mut self, trouble: Option<String>) {
        match (&self.trouble, &trouble) {
            (before, Some(now)) if before.as_ref() != Some(now) => tracing::error!("{now}"),
            (Some(_), None) => {
                tracing::info!(group = self.config.group_id, "the cluster's group is in order again");
            }
            _ => {}
        }
        say(self.state, trouble.clone().or_else(|| self.still_joining()));
        self.trouble = trouble;
    }

    /// What a worker waits for that is in the group and not in a view.
    fn still_joining(&self) -> Option<String> {
        let is_in = matches!(*self.state.borrow(), MemberState::In { .. });
        (!is_in).then(|| format!("joining the cluster (group.id={})", self.config.group_id))
    }

    /// Takes the view that the leader has published, if this worker is in it.
    async fn follow(&mut self) -> Result<Duration, crate::kafka::Error> {
        let published = self.member.published().await?;
        let newer = self.known.as_ref().is_none_or(|view| view.generation < published.number);
        if newer && let Some(view) = self.read(&published) {
            if view.members.contains(&self.url) {
                self.adopt(view);
            } else {
                self.newest = self.newest.max(view.generation);
            }
        }
        let is_settled = self.trouble.is_none() && self.unled_since.is_none() && self.strange_since.is_none();
        if !self.examined || !is_settled {
            match self.examine().await {
                Ok(found) if found.lead == Lead::Nobody => {
                    self.unled_since.get_or_insert_with(Instant::now);
                }
                Ok(_) => self.unled_since = None,
                Err(error) => tracing::debug!(%error, "the members of the group cannot be listed"),
            }
        }
        Ok(if self.trouble.is_some() { TROUBLED } else { FOLLOW })
    }

    fn adopt(&mut self, view: ClusterView) {
        let leads = view.leader == self.url;
        tracing::info!(generation = view.generation, leader = %view.leader, leads, members = ?view.members, held = ?view.held.keys(), "the cluster");
        self.newest = self.newest.max(view.generation);
        self.known = Some(view.clone());
        let trouble = self.trouble.as_deref().map(Arc::from);
        self.state.send_replace(MemberState::In { view: Arc::new(view), trouble });
    }

    /// Asks Kafka by publishing the same view again: it refuses that from anybody but a present member.
    async fn confirm(&mut self, reply: oneshot::Sender<Leadership>) {
        let leadership = match (self.known.clone(), self.role) {
            (Some(view), Role::Leader) if self.is_current() => match self.publish(&view).await {
                Ok(()) => Leadership::Confirmed,
                Err(error) => {
                    tracing::warn!(%error, "Kafka does not take this worker for the leader of its cluster now");
                    Leadership::Lost
                }
            },
            // Who leads is none of us: no use in waiting.
            (_, Role::Follower) if self.trouble.is_some() || self.is_current() => Leadership::Lost,
            _ => {
                self.waiting.push(reply);
                return;
            }
        };
        answer(reply, leadership);
    }
}
