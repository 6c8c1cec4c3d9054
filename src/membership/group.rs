//! The loop of a worker's membership: joins the group, leads it or follows, and makes the view known.
//!
//! It owns the Kafka client of the membership and the view. While Kafka is away it goes on with the view it has: who
//! reads which partition is decided by each connector's own group, so an old view loses and doubles nothing.

use super::view::{self, ClusterView, Now};
use super::{Leadership, Request, State};
use crate::config::WorkerConfig;
use crate::kafka::cluster::{ClusterMember, MemberEvent, Published, urls};
use crate::retry::Backoff;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use time::OffsetDateTime;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

/// How often a follower looks for a new view: one small request.
const FOLLOW: Duration = Duration::from_millis(500);
/// How often a leader looks at its members although Kafka told of no change.
const LEAD: Duration = Duration::from_secs(10);
/// Between two tries when Kafka did not answer or the group has just changed.
const AGAIN: Duration = Duration::from_millis(250);
/// Between two tries to join.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Runs until it is asked to leave, or nobody can ask any more.
pub(super) async fn run(
    config: Arc<WorkerConfig>,
    url: Arc<str>,
    newest: i64,
    mut requests: mpsc::Receiver<Request>,
    state: watch::Sender<State>,
) {
    let mut backoff = Backoff::new(AGAIN, LONGEST_PAUSE, u64::from(std::process::id()));
    let mut known = None;
    loop {
        let reason = match ClusterMember::join(&config, &url) {
            Ok(member) => {
                let mut group = Group {
                    delay: millis(config.scheduled_rebalance_max_delay),
                    config: &config,
                    url: &url,
                    member,
                    state: &state,
                    role: Role::Unsettled,
                    caught_up: false,
                    known: known.take(),
                    newest,
                    look_at: Instant::now() + LEAD,
                    waiting: Vec::new(),
                };
                let end = group.work(&mut requests, &mut backoff).await;
                known = group.known.take();
                group.member.leave().await;
                match end {
                    End::Left(done) => {
                        if let Some(done) = done {
                            answer(done, ());
                        }
                        return;
                    }
                    End::Refused(reason) => reason,
                }
            }
            Err(error) => error.to_string(),
        };
        let pause = backoff.next_pause();
        tracing::error!(
            group = config.group_id,
            reason,
            pause_ms = pause.as_millis(),
            "cannot join the cluster"
        );
        say_joining(&state, format!("waiting to join the cluster (group.id={}): {reason}", config.group_id));
        if let Some(done) = wait(pause, &mut requests).await {
            if let Some(done) = done {
                answer(done, ());
            }
            return;
        }
    }
}

/// Waits without a group: nobody leads meanwhile. Some when it is to end.
async fn wait(
    pause: Duration,
    requests: &mut mpsc::Receiver<Request>,
) -> Option<Option<oneshot::Sender<()>>> {
    let end = Instant::now() + pause;
    loop {
        tokio::select! {
            () = tokio::time::sleep_until(end) => return None,
            request = requests.recv() => match request {
                None => return Some(None),
                Some(Request::Leave(done)) => return Some(Some(done)),
                Some(Request::Confirm(reply)) => answer(reply, Leadership::Lost),
            },
        }
    }
}

/// A worker that is in keeps its view through trouble.
fn say_joining(state: &watch::Sender<State>, words: String) {
    state.send_if_modified(|state| match state {
        State::Joining(_) => {
            *state = State::Joining(words);
            true
        }
        State::In(_) => false,
    });
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Leader,
    Follower,
    Unsettled,
}

enum End {
    Left(Option<oneshot::Sender<()>>),
    Refused(String),
}

struct Group<'a> {
    config: &'a WorkerConfig,
    url: &'a Arc<str>,
    delay: i64,
    member: ClusterMember,
    state: &'a watch::Sender<State>,
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
                        self.look_at = Instant::now();
                    }
                    MemberEvent::Unsettled => self.role = Role::Unsettled,
                    MemberEvent::Trouble(reason) => tracing::warn!(reason, group = self.config.group_id, "the cluster's group"),
                    MemberEvent::Refused(error) => return End::Refused(error.to_string()),
                },
                request = requests.recv() => match request {
                    None => return End::Left(None),
                    Some(Request::Leave(done)) => return End::Left(Some(done)),
                    Some(Request::Confirm(reply)) => self.confirm(reply).await,
                },
                () = tokio::time::sleep_until(self.look_at), if self.role != Role::Unsettled => self.look().await,
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
            for reply in std::mem::take(&mut self.waiting) {
                self.confirm(reply).await;
            }
        }
    }

    /// True when the view that is known names the leader that Kafka named, as far as this worker can tell.
    fn is_current(&self) -> bool {
        let leads = self.known.as_ref().is_some_and(|view| view.leader == *self.url);
        match self.role {
            Role::Leader => leads && self.caught_up,
            Role::Follower => !leads && self.known.is_some(),
            Role::Unsettled => false,
        }
    }

    /// Publishes a new view when there is something new. Returns when to look again.
    async fn lead(&mut self) -> Result<Duration, crate::kafka::Error> {
        if !self.caught_up {
            self.catch_up().await?;
        }
        let live = self.members().await?;
        let time = millis_now();
        let now = Now { me: self.url, live: &live, time, delay: self.delay, newest: self.newest };
        if let Some(view) = view::next(self.known.as_ref(), now) {
            self.member.publish(&Published { number: view.generation, text: view.to_text() }).await?;
            self.adopt(view);
        }
        let end = self.known.as_ref().and_then(ClusterView::next_end);
        let left = end.map(|end| Duration::from_millis(u64::try_from(end - time).unwrap_or(0) + 1));
        Ok(left.unwrap_or(LEAD).min(LEAD))
    }

    /// A leader that was away (frozen, cut off) goes on from what was published meanwhile. One that has just started
    /// takes the number alone: of what was before it, nothing counts as lost.
    async fn catch_up(&mut self) -> Result<(), crate::kafka::Error> {
        let Published { number, text } = self.member.published().await?;
        self.newest = self.newest.max(number);
        if self.known.as_ref().is_some_and(|view| view.generation < number)
            && let Some(view) = ClusterView::from_text(number, &text)
        {
            if view.members.contains(self.url) {
                self.adopt(view);
            } else {
                self.known = Some(view);
            }
        }
        self.caught_up = true;
        Ok(())
    }

    /// All members; only this worker where the broker cannot list them (librdkafka's mock cluster).
    async fn members(&mut self) -> Result<BTreeSet<Arc<str>>, crate::kafka::Error> {
        let ids = match self.member.members().await {
            Ok(ids) => ids,
            Err(error) if self.known.as_ref().is_none_or(|view| view.members.len() == 1) => {
                tracing::debug!(%error, "the members of the group cannot be listed; going on alone");
                Vec::new()
            }
            Err(error) => return Err(error),
        };
        let mut live = urls(&ids);
        if ids.iter().filter(|id| **id == **self.url).count() > 1 {
            tracing::error!(url = %self.url, "two workers advertise the same URL and take themselves for one: set rest.advertised.host.name or rest.advertised.port of one of them");
        }
        live.insert(self.url.clone());
        Ok(live)
    }

    /// Takes the view that the leader has published, if this worker is in it.
    async fn follow(&mut self) -> Result<Duration, crate::kafka::Error> {
        let Published { number, text } = self.member.published().await?;
        let newer = self.known.as_ref().is_none_or(|view| view.generation < number);
        if newer && let Some(view) = ClusterView::from_text(number, &text) {
            if view.members.contains(self.url) {
                self.adopt(view);
            } else {
                self.newest = self.newest.max(number);
            }
        }
        Ok(FOLLOW)
    }

    fn adopt(&mut self, view: ClusterView) {
        let leads = view.leader == *self.url;
        tracing::info!(generation = view.generation, leader = %view.leader, leads, members = ?view.members, held = ?view.held.keys(), "the cluster");
        self.newest = self.newest.max(view.generation);
        self.known = Some(view.clone());
        self.state.send_replace(State::In(Arc::new(view)));
    }

    /// Asks Kafka by publishing the same view again: it refuses that from anybody but a present member.
    async fn confirm(&mut self, reply: oneshot::Sender<Leadership>) {
        let leadership = match (&self.known, self.role) {
            (Some(view), Role::Leader) if self.is_current() => {
                let published = Published { number: view.generation, text: view.to_text() };
                match self.member.publish(&published).await {
                    Ok(()) => Leadership::Confirmed,
                    Err(error) => {
                        tracing::warn!(%error, "Kafka does not take this worker for the leader of its cluster now");
                        Leadership::Lost
                    }
                }
            }
            (Some(_), Role::Follower) if self.is_current() => Leadership::Lost,
            _ => {
                self.waiting.push(reply);
                return;
            }
        };
        answer(reply, leadership);
    }
}

fn answer<T>(reply: oneshot::Sender<T>, value: T) {
    if reply.send(value).is_err() {
        tracing::debug!("who asked the membership did not wait for its answer");
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

fn millis_now() -> i64 {
    i64::try_from(OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)
}
