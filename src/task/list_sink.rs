//! For tests of pipelines: a sink and a dead-letter topic that are lists, and count the bytes that are held.

use crate::data::{self, Converted, SinkRecord};
use crate::id::{BatchId, OffsetRange, TopicPartition};
use crate::kafka::{self, DeadLetter, DeadLetterQueue};
use crate::sink::{
    self, BatchNews, Delivery, Encoded, FateTeller, Fill, OnFailedBatch, PartitionWriter, RefusalPolicy,
    SettingNames, SinkTask,
};
use async_trait::async_trait;
use futures::FutureExt;
use futures::future::BoxFuture;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;
use uuid::Uuid;

pub(super) const FLUSH: usize = 16 * 1024;
/// Begins a value that cannot be written.
pub(super) const BAD: char = '!';
/// Begins a value at which the sink has a defect.
pub(super) const PANICS: char = '?';
pub(super) const FLUSH_INTERVAL: Duration = Duration::from_secs(30);
pub(super) const AT_ONCE: Answers = Answers::Takes(Duration::ZERO);

/// Bytes that are held now, and at most until now.
#[derive(Default)]
pub(super) struct Gauge {
    now: AtomicUsize,
    most: AtomicUsize,
}

/// Some of them.
struct Weight(Arc<Gauge>, usize);

impl Weight {
    fn new(gauge: &Arc<Gauge>, bytes: usize) -> Self {
        let now = gauge.now.fetch_add(bytes, Ordering::SeqCst) + bytes;
        gauge.most.fetch_max(now, Ordering::SeqCst);
        Self(Arc::clone(gauge), bytes)
    }
}

impl Drop for Weight {
    fn drop(&mut self) {
        self.0.now.fetch_sub(self.1, Ordering::SeqCst);
    }
}

/// What an upload, or a letter, meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answers {
    Takes(Duration),
    /// It takes what comes next, and then nothing.
    TakesOne,
    /// No answer.
    Away,
    /// It refuses what is in a batch.
    Refuses,
    Panics,
}

/// What is where, each by partition and offset, in the order in which it came.
pub(super) struct List {
    gauge: Arc<Gauge>,
    service: watch::Sender<Answers>,
    letter_service: watch::Sender<Answers>,
    written: Mutex<Vec<(i32, i64)>>,
    letters: Mutex<Vec<(i32, i64)>>,
    /// Batches that were sealed.
    sealed: AtomicUsize,
    /// What is learned of batches later, until somebody listens.
    news: Mutex<Option<mpsc::Receiver<Vec<BatchNews>>>>,
}

/// What a batch of `partition` is called whose first record is at `offset`.
pub(super) fn batch_id(partition: i32, offset: i64) -> BatchId {
    BatchId(Uuid::from_u64_pair(partition.unsigned_abs().into(), offset.unsigned_abs()))
}

struct ListTeller(mpsc::Receiver<Vec<BatchNews>>);

#[async_trait]
impl FateTeller for ListTeller {
    async fn news(&mut self) -> Vec<BatchNews> {
        match self.0.recv().await {
            Some(news) => news,
            None => std::future::pending().await,
        }
    }
}

impl List {
    pub(super) fn new(service: Answers) -> Arc<Self> {
        Arc::new(Self {
            gauge: Arc::default(),
            service: watch::Sender::new(service),
            letter_service: watch::Sender::new(service),
            written: Mutex::default(),
            letters: Mutex::default(),
            sealed: AtomicUsize::default(),
            news: Mutex::default(),
        })
    }

    /// Makes it a list that learns what is sent here, as soon as somebody asks it to.
    pub(super) fn learns(&self) -> mpsc::Sender<Vec<BatchNews>> {
        let (sender, news) = mpsc::channel(1);
        *self.news.lock().unwrap() = Some(news);
        sender
    }

    /// What batches meet from now on, those on their way too; and letters.
    pub(super) fn set(&self, service: Answers) {
        self.service.send_replace(service);
        self.letter_service.send_replace(service);
    }

    /// The same for letters alone.
    pub(super) fn set_letters(&self, service: Answers) {
        self.letter_service.send_replace(service);
    }

    pub(super) fn bytes_now(&self) -> usize {
        self.gauge.now.load(Ordering::SeqCst)
    }

    pub(super) fn bytes_at_most(&self) -> usize {
        self.gauge.most.load(Ordering::SeqCst)
    }

    pub(super) fn sealed(&self) -> usize {
        self.sealed.load(Ordering::SeqCst)
    }

    pub(super) fn written(&self) -> Vec<(i32, i64)> {
        self.written.lock().unwrap().clone()
    }

    pub(super) fn letters(&self) -> Vec<(i32, i64)> {
        self.letters.lock().unwrap().clone()
    }

    async fn answer(service: &watch::Sender<Answers>) -> Result<(), sink::Error> {
        let mut seen = service.subscribe();
        loop {
            let now = *seen.borrow_and_update();
            match now {
                Answers::Takes(long) => {
                    sleep(long).await;
                    return Ok(());
                }
                Answers::TakesOne => {
                    let is_first = service.send_if_modified(|service| {
                        let is_first = *service == Answers::TakesOne;
                        *service = if is_first { Answers::Away } else { *service };
                        is_first
                    });
                    if is_first {
                        return Ok(());
                    }
                }
                Answers::Refuses => return Err(sink::Error::Batch("refused on purpose".to_owned().into())),
                Answers::Panics => panic!("on purpose"),
                Answers::Away => drop(seen.changed().await),
            }
        }
    }
}

pub(super) struct ListOfLetters(pub(super) Arc<List>);

impl DeadLetterQueue for ListOfLetters {
    fn send(&self, letter: DeadLetter<'_>) -> BoxFuture<'static, Result<(), kafka::Error>> {
        let len = |bytes: Option<&[u8]>| bytes.map_or(0, <[u8]>::len);
        let headers = letter.headers.iter().chain(letter.context);
        let headers: usize = headers.map(|(name, value)| name.len() + len(*value)).sum();
        let held = Weight::new(&self.0.gauge, len(letter.key) + len(letter.value) + headers);
        let (list, id) = (Arc::clone(&self.0), (letter.origin.0.partition, letter.origin.1));
        async move {
            List::answer(&list.letter_service).await.unwrap();
            list.letters.lock().unwrap().push(id);
            drop(held);
            Ok(())
        }
        .boxed()
    }
}

struct ListWriter {
    list: Arc<List>,
    partition: i32,
    offsets: Vec<i64>,
    held: Vec<Weight>,
}

impl ListWriter {
    fn bytes(&self) -> usize {
        self.held.iter().map(|weight| weight.1).sum()
    }
}

pub(super) struct ListSink {
    pub(super) list: Arc<List>,
    pub(super) policy: RefusalPolicy,
    pub(super) on_failed: OnFailedBatch,
}

impl ListSink {
    pub(super) fn new(list: &Arc<List>) -> Self {
        Self { list: Arc::clone(list), policy: RefusalPolicy::default(), on_failed: OnFailedBatch::default() }
    }
}

#[async_trait]
impl SinkTask for ListSink {
    async fn start(&self) -> Result<(), sink::Error> {
        Ok(())
    }

    fn open(&self, origin: &TopicPartition, _: &Arc<str>) -> Result<Box<dyn PartitionWriter>, sink::Error> {
        let (list, partition) = (Arc::clone(&self.list), origin.partition);
        Ok(Box::new(ListWriter { list, partition, offsets: Vec::new(), held: Vec::new() }))
    }

    fn needs_key_and_headers(&self) -> bool {
        false
    }

    fn flush_interval(&self) -> Duration {
        FLUSH_INTERVAL
    }

    fn refusal_policy(&self) -> RefusalPolicy {
        self.policy.clone()
    }

    fn setting_names(&self) -> SettingNames {
        SettingNames { target: "list.target", service: "list.service" }
    }

    fn fates(&self) -> Option<Box<dyn FateTeller>> {
        let news = self.list.news.lock().unwrap().take()?;
        Some(Box::new(ListTeller(news)))
    }

    fn on_failed_batch(&self) -> OnFailedBatch {
        self.on_failed
    }
}

impl PartitionWriter for ListWriter {
    fn encode<'v>(&self, record: &'v SinkRecord<'_>) -> Result<Option<Encoded<'v>>, sink::Error> {
        Ok(match &record.value {
            Converted::Text(text) if text.starts_with(BAD) => {
                return Err(data::Error::new("a bad record").into());
            }
            Converted::Text(text) if text.starts_with(PANICS) => panic!("on purpose"),
            Converted::Text(text) => Some(Encoded { bytes: text.as_bytes().into(), schema: None }),
            _ => None,
        })
    }

    fn put(&mut self, offset: i64, record: &Encoded<'_>) -> Result<Fill, sink::Error> {
        self.offsets.push(offset);
        self.held.push(Weight::new(&self.list.gauge, record.bytes.len()));
        Ok(if self.bytes() > FLUSH { Fill::Full } else { Fill::More })
    }

    fn memory(&self) -> usize {
        self.bytes()
    }

    fn memory_with(&self, len: usize) -> usize {
        self.bytes() + len
    }

    fn is_empty(&self) -> bool {
        self.offsets.is_empty()
    }

    fn seal(&mut self) -> Result<Option<Delivery>, sink::Error> {
        let (offsets, held) = (std::mem::take(&mut self.offsets), std::mem::take(&mut self.held));
        let (Some(first), Some(last)) = (offsets.first().copied(), offsets.last().copied()) else {
            return Ok(None);
        };
        let memory: usize = held.iter().map(|weight| weight.1).sum();
        let (taker, partition) = (Arc::clone(&self.list), self.partition);
        taker.sealed.fetch_add(1, Ordering::SeqCst);
        Ok(Some(Delivery {
            id: Some(batch_id(partition, first)),
            offsets: OffsetRange { first, last },
            records: offsets.len() as u64,
            raw_bytes: memory as u64,
            body_bytes: memory as u64,
            memory,
            waiting: watch::channel(None).1,
            work: async move {
                List::answer(&taker.service).await?;
                taker.written.lock().unwrap().extend(offsets.into_iter().map(|offset| (partition, offset)));
                drop(held);
                Ok(())
            }
            .boxed(),
        }))
    }
}
