//! A member of a connector's consumer group, as events.
//!
//! librdkafka's callbacks run inside [`GroupConsumer::next_event`] and become [`ConsumerEvent`]s; nothing is decided in
//! a callback. A rebalance is answered later, by [`GroupConsumer::assign`] or [`GroupConsumer::unassign`], when the
//! owner of the partitions has drained them: until then librdkafka keeps the membership alive in the background.
//! It never commits by itself: offsets come from the caller.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer, RebalanceProtocol};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;

use super::Error;
use super::consumer_events::{Context, leave};
use super::create::create;
use super::ends;
use super::error::advice;
use super::matching::{Found, Matching};
use super::native::{PartitionQueue, brokers, commit};
use super::oauth::{self, Keeper};
use super::offsets::OffsetWatch;
use super::outage::Outage;
use super::pace::Pace;
use super::reach::{News, Reach};
use super::refusal::Refusal;
use crate::data::java_regex::JavaRegex;
use crate::id::TopicPartition;

pub use super::consumer_events::ConsumerEvent;

/// One poll serves at most one event, so a few places are plenty; a full channel would be a bug and is logged.
const EVENT_PLACES: usize = 64;
/// librdkafka wants to be polled well within `max.poll.interval.ms`, also when nothing happens.
const IDLE_POLL: Duration = Duration::from_secs(5);
/// So many polls in a row that bring nothing mean that the queue is empty; some events are served without a word.
const POLLS_PER_WAKE: usize = 8;
/// One poll serves one callback.
const POLLS_BEFORE_OTHERS: u32 = 64;
/// How long a seek may take to be accepted by the client's own thread (no broker is asked).
const SEEK_TIMEOUT: Duration = Duration::from_secs(10);
/// Between two tries of a commit that the group was too busy for.
const COMMIT_PAUSE: Duration = Duration::from_millis(25);

/// Topics that are named in one line of the log; a cluster may have thousands.
const MOST_SHOWN: usize = 20;

/// What a consumer reads.
#[derive(Debug, Clone)]
pub enum Subscription {
    /// These topics.
    Topics(Vec<String>),
    /// All topics whose whole names match, those to come too.
    Pattern {
        /// The expression.
        expression: Box<JavaRegex>,
        /// These are left out though they match.
        never: Vec<String>,
    },
}

/// Tells the callbacks, when it is dropped, that nobody answers events any more. A consumer that ends polls until its
/// last revocation is answered, so one that is dropped in the middle of its work would never end.
struct Answering(Arc<AtomicBool>);

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// A member of one consumer group.
pub struct GroupConsumer {
    /// Before the consumer, because fields are dropped in this order.
    answering: Answering,
    _tokens: Keeper,
    group: String,
    consumer: Arc<BaseConsumer<Context>>,
    events: mpsc::Receiver<ConsumerEvent>,
    wake: Arc<Notify>,
    pace: Pace,
    offsets: OffsetWatch,
    matching: Option<Matching>,
}

impl GroupConsumer {
    /// Creates the client and asks to join the group. Nothing is awaited: brokers may be down.
    pub fn join(config: &ClientConfig, subscription: &Subscription) -> Result<Self, Error> {
        let group = config.get("group.id").unwrap_or_default().to_owned();
        let bootstrap = config.get("bootstrap.servers").unwrap_or_default().to_owned();
        let (sender, events) = mpsc::channel(EVENT_PLACES);
        let closing = Arc::new(AtomicBool::new(false));
        let outage = Outage::new(config);
        let called = AtomicBool::new(false);
        let context = Context {
            group: group.clone(),
            called,
            outage,
            reach: Reach::default(),
            events: sender,
            closing: closing.clone(),
        };
        let mut config = config.clone();
        let source = oauth::take(&mut config);
        let mut consumer: BaseConsumer<Context> =
            create(&config, context).map_err(|source| Error::Client { bootstrap, source })?;
        let wake = Arc::new(Notify::new());
        let waker = Arc::clone(&wake);
        consumer.set_nonempty_callback(move || waker.notify_one());
        let consumer = Arc::new(consumer);
        let tokens = Keeper::start(source, &consumer);
        let answering = Answering(closing);
        let pace = Pace::new(&config, Arc::clone(&wake));
        let offsets = OffsetWatch::new(Instant::now());
        let mut this =
            Self { answering, _tokens: tokens, group, consumer, events, wake, pace, offsets, matching: None };
        match subscription {
            Subscription::Topics(topics) => this.subscribe(topics)?,
            Subscription::Pattern { expression, never } => {
                this.matching = Some(Matching::new((**expression).clone(), never.clone(), &config));
            }
        }
        Ok(this)
    }

    fn subscribe(&self, topics: &[String]) -> Result<(), Error> {
        let names: Vec<&str> = topics.iter().map(String::as_str).collect();
        self.checked("subscribe", self.consumer.subscribe(&names))
    }

    /// Follows what an expression matches now.
    fn found(&self, found: Found) -> Option<ConsumerEvent> {
        match found {
            Found::Same => None,
            Found::Failed(reason) => Some(ConsumerEvent::Trouble(reason)),
            Found::Changed(topics) if topics.is_empty() => {
                self.consumer.unsubscribe();
                Some(ConsumerEvent::Trouble("`topics.regex` matches no topic (yet)".to_owned()))
            }
            Found::Changed(topics) => {
                let first: Vec<_> = topics.iter().take(MOST_SHOWN).collect();
                tracing::info!(
                    group = self.group,
                    matched = topics.len(),
                    ?first,
                    "topics that match topics.regex"
                );
                self.subscribe(&topics).err().map(|error| ConsumerEvent::Trouble(error.to_string()))
            }
        }
    }

    /// The consumer group's name.
    pub fn group(&self) -> &str {
        &self.group
    }

    /// The client, for questions that are no business of a connector's consumer.
    pub(super) fn client(&self) -> Arc<BaseConsumer<Context>> {
        Arc::clone(&self.consumer)
    }

    /// The next event. Cancel-safe; must be awaited again and again, for it is what serves the client's callbacks.
    pub async fn next_event(&mut self) -> ConsumerEvent {
        loop {
            let (mut polls, mut served) = (0, 0_u32);
            while polls < POLLS_PER_WAKE {
                if let Ok(event) = self.events.try_recv() {
                    return event;
                }
                match self.consumer.poll(Duration::ZERO) {
                    None if self.consumer.context().called.swap(false, Ordering::Relaxed) => {
                        // Thousands of lines come with `debug`: others on this thread want their turn.
                        served += 1;
                        if served % POLLS_BEFORE_OTHERS == 0 {
                            tokio::task::yield_now().await;
                        }
                    }
                    None => polls += 1,
                    Some(Ok(message)) => {
                        let id = TopicPartition::new(message.topic(), message.partition());
                        return ConsumerEvent::Stray(id, message.offset());
                    }
                    Some(Err(error)) => {
                        if let Some(refused) = self.refusal(&error) {
                            return refused;
                        }
                        // An outage leaves hundreds of them, and what ends it stands behind them.
                        polls = 0;
                    }
                }
            }
            let (context, client, now) = (self.consumer.context(), self.consumer.client(), Instant::now());
            let is_joining =
                !context.reach.is_member() && !self.matching.as_ref().is_some_and(Matching::has_none);
            if context.outage.reconnect(client) && is_joining {
                brokers::look_at_topics(client);
                // This question may be lost as the one before it was.
                context.outage.goes_on();
            }
            let is_any_up = || !is_joining && brokers::is_any_up(client);
            match context.reach.news(now, is_any_up) {
                Some(News::Gone(cause)) => return ConsumerEvent::Unreachable(Some(cause)),
                Some(News::Back) => return ConsumerEvent::Unreachable(None),
                None => {}
            }
            if let Some(offsets) = self.offsets.look(&self.consumer, now) {
                return ConsumerEvent::Offsets(offsets);
            }
            let patience = self.pace.adjust(client, now).into_iter().chain(context.reach.patience()).min();
            let patience = patience.unwrap_or(IDLE_POLL).min(self.offsets.patience(now));
            let found = tokio::select! {
                () = self.wake.notified() => None,
                () = tokio::time::sleep(patience) => None,
                found = next_match(&mut self.matching, &self.consumer) => Some(found),
            };
            if let Some(event) = found.and_then(|found| self.found(found)) {
                return event;
            }
        }
    }

    /// What an error means that is for good. All others the client's error callback has told already, in better words;
    /// so it has a password or a certificate that is refused.
    fn refusal(&self, error: &KafkaError) -> Option<ConsumerEvent> {
        let code = error.rdkafka_error_code();
        let advice = advice(code).filter(|_| Refusal::of(code, "").is_none())?;
        let (group, reason) = (self.group.clone(), error.to_string());
        Some(ConsumerEvent::Refused(Error::Refused { group, reason, advice }))
    }

    /// Accepts an assignment: each partition's queue is split off first, then fetching starts at the committed offset.
    pub fn assign(&mut self, partitions: &[TopicPartition]) -> Result<Vec<PartitionQueue>, Error> {
        let queues: Result<Vec<_>, _> = partitions.iter().map(|id| self.queue(id)).collect();
        let queues = queues?;
        let list = list_of(partitions);
        let answer = match self.consumer.rebalance_protocol() {
            RebalanceProtocol::Cooperative => self.consumer.incremental_assign(&list),
            _ => self.consumer.assign(&list),
        };
        self.checked("assign", answer)?;
        self.pace.assigned(Instant::now());
        Ok(queues)
    }

    /// The queue of a partition that is about to be assigned, or of one whose queue was dropped.
    pub fn queue(&self, partition: &TopicPartition) -> Result<PartitionQueue, Error> {
        PartitionQueue::split(&self.consumer, partition, self.pace.flow())
    }

    /// Gives partitions back to the group.
    pub fn unassign(&self, partitions: &[TopicPartition]) -> Result<(), Error> {
        self.checked("unassign", leave(&self.consumer, &list_of(partitions)))
    }

    /// True when the group has already given our partitions to others (a commit would be refused).
    pub fn assignment_lost(&self) -> bool {
        self.consumer.assignment_lost()
    }

    /// Where these partitions end, as their brokers say within a few seconds; those of which none does are missing.
    pub fn ends(&self, partitions: &[TopicPartition]) -> JoinHandle<BTreeMap<TopicPartition, i64>> {
        ends::ask(self.client(), partitions)
    }

    /// Stops fetching these partitions; what was fetched and not taken is dropped and fetched again on resume.
    pub fn pause(&self, partitions: &[TopicPartition]) -> Result<(), Error> {
        self.checked("pause", self.consumer.pause(&list_of(partitions)))
    }

    /// Fetches these partitions again.
    pub fn resume(&self, partitions: &[TopicPartition]) -> Result<(), Error> {
        self.checked("resume", self.consumer.resume(&list_of(partitions)))
    }

    /// Moves the read position of one partition. Its queue must be read by nobody meanwhile.
    pub async fn seek(&self, id: &TopicPartition, offset: i64) -> Result<(), Error> {
        let (consumer, target) = (Arc::clone(&self.consumer), id.clone());
        let answer = tokio::task::spawn_blocking(move || {
            consumer.seek(&target.topic, target.partition, Offset::Offset(offset), SEEK_TIMEOUT)
        });
        match answer.await {
            Ok(answer) => self.checked("seek", answer),
            Err(_) => self.checked("seek", Err(KafkaError::Canceled)),
        }
    }

    /// Starts a commit of these offsets (each: the next one to read); its end comes as [`ConsumerEvent::Committed`].
    pub fn commit_async(&self, offsets: &[(TopicPartition, i64)]) -> Result<(), Error> {
        let answer = commit::start(&self.consumer, &offset_list(offsets));
        self.checked("commit", answer.map_err(KafkaError::ConsumerCommit))
    }

    /// Commits these offsets and waits for the broker's answer. A group that is just giving out its partitions anew takes no
    /// commit, also none of who still owns them: it is tried again until `patience` ends.
    pub async fn commit(
        &self,
        mut offsets: Vec<(TopicPartition, i64)>,
        patience: Duration,
    ) -> Result<(), Error> {
        let deadline = Instant::now() + patience;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let (consumer, list) = (Arc::clone(&self.consumer), offset_list(&offsets));
            let answer = tokio::task::spawn_blocking(move || commit::within(&consumer, &list, left)).await;
            let (code, refused) = match answer {
                Ok(Ok(refused)) => match refused.first() {
                    None => return Ok(()),
                    Some((_, code)) => (*code, Some(refused)),
                },
                Ok(Err(code)) => (code, None),
                Err(_) => return self.checked("commit", Err(KafkaError::Canceled)),
            };
            let codes = refused.iter().flatten().map(|(_, code)| *code);
            let passes = passes(code) && codes.into_iter().all(passes);
            if !passes || Instant::now() + COMMIT_PAUSE > deadline || self.assignment_lost() {
                return self.checked("commit", Err(KafkaError::ConsumerCommit(code)));
            }
            if let Some(refused) = refused {
                offsets.retain(|(partition, _)| refused.iter().any(|(id, _)| id == partition));
            }
            tracing::debug!(group = self.group, %code, "the group is busy; committing again");
            tokio::time::sleep(COMMIT_PAUSE).await;
        }
    }

    /// Leaves the group and ends the client. All partition queues must have been dropped.
    pub async fn close(self) {
        let Self { answering, consumer, events, matching, .. } = self;
        drop(answering);
        if let Some(matching) = matching {
            matching.close().await;
        }
        // Dropping blocks until the broker knows that we left.
        if tokio::task::spawn_blocking(move || drop(consumer)).await.is_err() {
            tracing::error!("closing a Kafka consumer panicked");
        }
        drop(events);
    }

    fn checked(&self, operation: &'static str, answer: KafkaResult<()>) -> Result<(), Error> {
        answer.map_err(|source| Error::Consumer { group: self.group.clone(), operation, source })
    }
}

/// What an expression matches, when it is time to look; never for a list of topics.
async fn next_match(matching: &mut Option<Matching>, consumer: &Arc<BaseConsumer<Context>>) -> Found {
    match matching {
        Some(matching) => matching.next(consumer).await,
        None => std::future::pending().await,
    }
}

/// True when the same commit may be taken a moment later, from the same member. A generation is unknown for the moment in
/// which the group has begun a new one and we have not heard of it.
fn passes(code: RDKafkaErrorCode) -> bool {
    matches!(
        code,
        RDKafkaErrorCode::RebalanceInProgress
            | RDKafkaErrorCode::IllegalGeneration
            | RDKafkaErrorCode::CoordinatorLoadInProgress
            | RDKafkaErrorCode::CoordinatorNotAvailable
            | RDKafkaErrorCode::NotCoordinator
            | RDKafkaErrorCode::WaitingForCoordinator
    )
}

fn list_of(partitions: &[TopicPartition]) -> TopicPartitionList {
    let mut list = TopicPartitionList::with_capacity(partitions.len());
    for id in partitions {
        list.add_partition(&id.topic, id.partition);
    }
    list
}

fn offset_list(offsets: &[(TopicPartition, i64)]) -> TopicPartitionList {
    let mut list = TopicPartitionList::with_capacity(offsets.len());
    for (id, offset) in offsets {
        if let Err(error) = list.add_partition_offset(&id.topic, id.partition, Offset::Offset(*offset)) {
            tracing::error!(partition = %id, offset, %error, "an offset cannot be committed");
        }
    }
    list
}
