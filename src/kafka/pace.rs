//! How long brokers may hold a fetch back: long while little comes, short as long as a partition has a backlog.
//!
//! librdkafka has one fetch under way at a broker, for all partitions whose queues have room. A partition with a backlog
//! fills its queue with each answer, and for that instant it is not asked for; a fetch for its idle siblings alone then
//! waits at the broker for as long as the client allows (500 ms), and the partition with it. With a short wait the queues can stay
//! small. Partitions that were just assigned may have one, so a client asks often for a moment then, too. It costs requests
//! only while there is a backlog; a client that idles asks twice a second, as ever.
//!
//! Readers of partitions tell what they take; the owner of the client changes its wait. A wait that the user wrote stays.

use super::native::fetch_wait;
use rdkafka::ClientConfig;
use rdkafka::client::{Client, ClientContext};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// librdkafka's own.
const USUAL_MS: u32 = 500;
/// While there is a backlog: with 5 ms one partition of 64 came to 85 MB/s, with 1 ms to 120, as it does alone.
const SHORT_MS: u32 = 1;
/// After an assignment, until it is known whether there is one: all clients of a worker may be at this point together, and
/// with 500 the first megabyte of one of four partitions took a second.
const START_MS: u32 = 50;
/// A partition that gives half a queue within this time may have filled it.
const WINDOW: Duration = Duration::from_secs(1);
/// The wait stays short for so long after the last time a queue may have been full, and after an assignment.
const CALM_AFTER: Duration = Duration::from_secs(2);

/// When a queue was last seen to be as good as full; shared by a client's owner and its readers.
#[derive(Debug)]
pub(super) struct Backlog {
    began: Instant,
    /// Milliseconds since the beginning, plus one; zero is never.
    seen: AtomicU64,
    /// What is taken from one queue within [`WINDOW`] when it may have been full.
    enough: u64,
    wake: Arc<Notify>,
}

impl Backlog {
    fn see(&self, now: Instant) {
        let before = self.seen.swap(self.at(now), Ordering::Relaxed);
        if !is_recent(before, self.at(now)) {
            self.wake.notify_one();
        }
    }

    fn at(&self, now: Instant) -> u64 {
        u64::try_from(now.duration_since(self.began).as_millis()).unwrap_or(u64::MAX - 1) + 1
    }

    fn is_there(&self, now: Instant) -> bool {
        is_recent(self.seen.load(Ordering::Relaxed), self.at(now))
    }
}

fn is_recent(seen: u64, now: u64) -> bool {
    seen > 0 && u128::from(now.saturating_sub(seen)) < CALM_AFTER.as_millis()
}

/// What is taken from one partition's queue.
#[derive(Debug)]
pub(super) struct Flow {
    backlog: Arc<Backlog>,
    since: Instant,
    bytes: u64,
}

impl Flow {
    pub(super) fn new(backlog: Arc<Backlog>) -> Self {
        let since = backlog.began;
        Self { backlog, since, bytes: 0 }
    }

    /// So many bytes were taken now.
    pub(super) fn taken(&mut self, bytes: u64, now: Instant) {
        if now.duration_since(self.since) > WINDOW {
            (self.since, self.bytes) = (now, 0);
        }
        self.bytes += bytes;
        if self.bytes >= self.backlog.enough {
            self.bytes = 0;
            self.backlog.see(now);
        }
    }
}

/// The wait of one client.
#[derive(Debug)]
pub(super) struct Pace {
    backlog: Arc<Backlog>,
    /// The wait is ours to change.
    ours: bool,
    assigned: Option<Instant>,
    /// What it is.
    ms: u32,
}

impl Pace {
    /// For a client with these settings; `wake` is notified when it is time for [`Self::adjust`].
    pub(super) fn new(config: &ClientConfig, wake: Arc<Notify>) -> Self {
        let number = |key: &str, usual: u64| config.get(key).and_then(|n| n.parse().ok()).unwrap_or(usual);
        let queue = number("queued.max.messages.kbytes", 65_536) * 1024;
        // At most one answer's worth comes between two looks at a full queue.
        let fetch =
            number("max.partition.fetch.bytes", 1 << 20).min(number("fetch.message.max.bytes", 1 << 20));
        let enough = queue.min(fetch).div_ceil(2);
        let backlog = Arc::new(Backlog { began: Instant::now(), seen: AtomicU64::new(0), enough, wake });
        Self { backlog, ours: config.get("fetch.wait.max.ms").is_none(), assigned: None, ms: USUAL_MS }
    }

    /// Partitions were assigned now: [`Self::adjust`] is to come.
    pub(super) fn assigned(&mut self, now: Instant) {
        self.assigned = Some(now);
    }

    /// For a reader of one of its partitions.
    pub(super) fn flow(&self) -> Flow {
        Flow::new(Arc::clone(&self.backlog))
    }

    /// Makes the wait right for now. Gives the time until it may have to change without anybody waking us.
    pub(super) fn adjust<C: ClientContext>(&mut self, client: &Client<C>, now: Instant) -> Option<Duration> {
        if !self.ours {
            return None;
        }
        let has_begun = |at: Instant| now.duration_since(at) < CALM_AFTER;
        let ms = if self.backlog.is_there(now) {
            SHORT_MS
        } else if self.assigned.is_some_and(has_begun) {
            START_MS
        } else {
            USUAL_MS
        };
        if ms != self.ms {
            self.ours = fetch_wait::set(client, ms);
            self.ms = ms;
        }
        (ms < USUAL_MS).then_some(CALM_AFTER)
    }
}

#[cfg(test)]
mod tests {
    use super::{CALM_AFTER, Pace, SHORT_MS, START_MS, USUAL_MS, WINDOW};
    use crate::kafka::native::fetch_wait;
    use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
    use rdkafka::mocking::MockCluster;
    use rdkafka::{ClientConfig, ClientContext, Offset, Statistics, TopicPartitionList};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};
    use std::time::{Duration, Instant};
    use tokio::sync::Notify;

    fn client(settings: &[(&str, &str)]) -> (BaseConsumer, Pace) {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", "127.0.0.1:1").set("group.id", "g");
        for (key, value) in settings {
            config.set(*key, *value);
        }
        let pace = Pace::new(&config, Arc::new(Notify::new()));
        (config.create().unwrap(), pace)
    }

    #[test]
    fn the_wait_is_short_while_a_queue_fills_and_usual_again_afterwards() {
        let (consumer, mut pace) = client(&[("queued.max.messages.kbytes", "1024")]);
        let wait = |consumer: &BaseConsumer| fetch_wait::get(consumer.client());
        let mut flow = pace.flow();
        let mut now = Instant::now() + WINDOW * 2;
        flow.taken(500_000, now);
        now += WINDOW + Duration::from_millis(1);
        flow.taken(500_000, now);
        assert_eq!(pace.adjust(consumer.client(), now), None);
        assert_eq!(wait(&consumer), Some(USUAL_MS), "half a queue in two seconds is no backlog");
        flow.taken(30_000, now);
        assert_eq!(pace.adjust(consumer.client(), now), Some(CALM_AFTER));
        assert_eq!(wait(&consumer), Some(SHORT_MS));
        pace.adjust(consumer.client(), now + CALM_AFTER / 2);
        assert_eq!(wait(&consumer), Some(SHORT_MS), "a pause between two takes is not the end");
        pace.adjust(consumer.client(), now + CALM_AFTER);
        assert_eq!(wait(&consumer), Some(USUAL_MS));
    }

    #[test]
    fn the_wait_is_shorter_for_a_moment_after_an_assignment() {
        let (consumer, mut pace) = client(&[]);
        let now = Instant::now();
        pace.assigned(now);
        assert_eq!(pace.adjust(consumer.client(), now), Some(CALM_AFTER));
        assert_eq!(fetch_wait::get(consumer.client()), Some(START_MS));
        pace.flow().taken(1 << 20, now + CALM_AFTER);
        assert_eq!(pace.adjust(consumer.client(), now + CALM_AFTER), Some(CALM_AFTER));
        assert_eq!(fetch_wait::get(consumer.client()), Some(SHORT_MS), "there is a backlog");
        assert_eq!(pace.adjust(consumer.client(), now + 2 * CALM_AFTER), None);
        assert_eq!(fetch_wait::get(consumer.client()), Some(USUAL_MS));
    }

    /// Counts the fetches that a client has sent.
    #[derive(Default)]
    struct Fetches(AtomicI64);

    impl ClientContext for Fetches {
        fn stats(&self, statistics: Statistics) {
            let sent = statistics.brokers.values().filter_map(|broker| broker.req.get("Fetch")).sum();
            self.0.store(sent, Ordering::Relaxed);
        }
    }

    impl ConsumerContext for Fetches {}

    #[test]
    fn brokers_are_asked_with_the_wait_that_was_set_last() {
        let cluster = MockCluster::new(1).unwrap();
        cluster.create_topic("t", 1, 1).unwrap();
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", cluster.bootstrap_servers()).set("group.id", "g");
        // With this one the first fetch of an empty partition would not come back within this test.
        config.set("fetch.wait.max.ms", "300000").set("statistics.interval.ms", "50");
        let consumer: BaseConsumer<Fetches> = config.create_with_context(Fetches::default()).unwrap();
        assert!(fetch_wait::set(consumer.client(), SHORT_MS));
        let mut list = TopicPartitionList::new();
        list.add_partition_offset("t", 0, Offset::Beginning).unwrap();
        consumer.assign(&list).unwrap();
        let deadline = Instant::now() + Duration::from_mins(1);
        while consumer.context().0.load(Ordering::Relaxed) < 5 {
            assert!(Instant::now() < deadline, "no further fetch");
            assert!(consumer.poll(Duration::from_millis(50)).is_none());
        }
    }

    #[test]
    fn a_wait_that_the_user_wrote_stays() {
        let (consumer, mut pace) = client(&[("fetch.wait.max.ms", "300")]);
        let now = Instant::now();
        pace.flow().taken(1 << 30, now);
        assert_eq!(pace.adjust(consumer.client(), now), None);
        assert_eq!(fetch_wait::get(consumer.client()), Some(300));
    }

    #[test]
    fn small_queues_and_small_fetches_are_full_with_little() {
        for settings in [("queued.max.messages.kbytes", "64"), ("max.partition.fetch.bytes", "65536")] {
            let (consumer, mut pace) = client(&[settings]);
            let now = Instant::now();
            pace.flow().taken(32_768, now);
            assert!(pace.adjust(consumer.client(), now).is_some(), "{settings:?}");
        }
    }
}
