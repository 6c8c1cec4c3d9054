//! For tests of pipelines: a sink and a dead-letter topic that are lists, and count the bytes that are held.

use crate::data::{self, Converted, SinkRecord};
use crate::id::{OffsetRange, TopicPartition};
use crate::kafka::{self, Letter, LetterBox};
use crate::sink::{self, Delivery, Encoded, Fill, PartitionWriter, RefusalPolicy, SettingNames, SinkTask};
use async_trait::async_trait;
use futures::FutureExt;
use futures::future::BoxFuture;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::sleep;

pub(super) const FLUSH: usize = 16 * 1024;
/// Begins a value that cannot be written.
pub(super) const BAD: char = '!';
pub(super) const FLUSH_INTERVAL: Duration = Duration::from_secs(30);

/// Bytes that are held now, and at most until now.
#[derive(Default)]
pub(super) struct Gauge {
    pub(super) now: AtomicUsize,
    pub(super) most: AtomicUsize,
}

/// Some of them.
pub(super) struct Weight(Arc<Gauge>, usize);

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

/// What an upload does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Service {
    Takes(Duration),
    Away,
    Panics,
}

/// A sink and a dead-letter topic that are lists.
pub(super) struct List {
    pub(super) gauge: Arc<Gauge>,
    pub(super) service: watch::Sender<Service>,
    pub(super) written: Mutex<Vec<(i32, i64)>>,
    pub(super) letters: Mutex<Vec<(i32, i64)>>,
}

impl List {
    async fn answer(mut service: watch::Receiver<Service>) {
        loop {
            let now = *service.borrow_and_update();
            match now {
                Service::Takes(long) => return sleep(long).await,
                Service::Panics => panic!("on purpose"),
                Service::Away => drop(service.changed().await),
            }
        }
    }
}

pub(super) struct DeadLetters(pub(super) Arc<List>);

impl LetterBox for DeadLetters {
    fn send(&self, letter: Letter<'_>) -> BoxFuture<'static, Result<(), kafka::Error>> {
        let len = |bytes: Option<&[u8]>| bytes.map_or(0, <[u8]>::len);
        let headers = letter.headers.iter().chain(letter.context);
        let headers: usize = headers.map(|(name, value)| name.len() + len(*value)).sum();
        let held = Weight::new(&self.0.gauge, len(letter.key) + len(letter.value) + headers);
        let (list, id) = (Arc::clone(&self.0), (letter.origin.0.partition, letter.origin.1));
        async move {
            List::answer(list.service.subscribe()).await;
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

pub(super) struct Sink(pub(super) Arc<List>);

#[async_trait]
impl SinkTask for Sink {
    async fn start(&self) -> Result<(), sink::Error> {
        Ok(())
    }

    fn open(&self, origin: &TopicPartition, _: &Arc<str>) -> Result<Box<dyn PartitionWriter>, sink::Error> {
        let (list, partition) = (Arc::clone(&self.0), origin.partition);
        Ok(Box::new(ListWriter { list, partition, offsets: Vec::new(), held: Vec::new() }))
    }

    fn needs_key_and_headers(&self) -> bool {
        false
    }

    fn flush_interval(&self) -> Duration {
        FLUSH_INTERVAL
    }

    fn refusal_policy(&self) -> RefusalPolicy {
        RefusalPolicy::default()
    }

    fn setting_names(&self) -> SettingNames {
        SettingNames { target: "list", service: "list" }
    }
}

impl PartitionWriter for ListWriter {
    fn encode<'v>(&self, record: &'v SinkRecord<'_>) -> Result<Option<Encoded<'v>>, sink::Error> {
        Ok(match &record.value {
            Converted::Text(text) if text.starts_with(BAD) => {
                return Err(data::Error::new("a bad record").into());
            }
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
        Ok(Some(Delivery {
            offsets: OffsetRange { first, last },
            records: offsets.len() as u64,
            raw_bytes: memory as u64,
            memory,
            waiting: watch::channel(None).1,
            work: async move {
                List::answer(taker.service.subscribe()).await;
                taker.written.lock().unwrap().extend(offsets.into_iter().map(|offset| (partition, offset)));
                drop(held);
                Ok(())
            }
            .boxed(),
        }))
    }
}
