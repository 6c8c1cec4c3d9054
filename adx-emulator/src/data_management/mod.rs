//! The data-management service: reads the secured queues, batches, ingests, reports.
//!
//! One loop owns the open batches; each sealed batch is one task. A message is deleted only when its source was
//! ingested, skipped, or failed for good, so a crash loses nothing and may repeat (at-least-once, as the service).

mod batching;
mod failure;
mod foreign;
mod message;
mod report;
mod source;
mod steps;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::batching::{Batcher, Reason};
use self::failure::Failure;
pub(crate) use self::foreign::{Outcome, all as all_reports, post as post_foreign};
use self::message::{IngestionMessage, Properties};
use self::source::{Source, Worker};
use self::steps::{Acceptance, acceptance};
use crate::app::App;
use crate::queue_messages::{MessageHandle, ReceivedMessage, identity_token};
use crate::stats::SeenMessage;

/// Sources ingested at once. The engine takes one blob at a time, so more would only wait there.
const AT_ONCE: usize = 4;
/// Sealed batches in progress. When something is broken, most of them wait for their next try.
const MAX_SEALED_BATCHES: usize = 64;
/// The longest wait before the queues are looked at again.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// The path of the blob that a message's text is about, if it can be read.
pub(crate) fn blob_of(text: &str) -> Option<String> {
    IngestionMessage::parse(text).ok().map(|(message, _)| message.blob.path().to_owned())
}

/// Runs the service until `stop`. Batches that wait then are not ingested: their messages are still in the queue.
pub(crate) async fn run(app: Arc<App>, stop: CancellationToken) {
    let slots = Arc::new(Semaphore::new(AT_ONCE));
    let late = TaskTracker::new();
    let worker = Worker { app: Arc::clone(&app), slots, late: late.clone(), stop: stop.clone() };
    let batcher = Batcher::new(app.options.max_batching_time);
    let mut service = Service { worker, app, batcher, held: Vec::new(), tasks: JoinSet::new() };
    let work = async {
        loop {
            service.turn().await;
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = work => {}
    }
    // Sources being ingested now end before the engine is closed.
    while service.tasks.join_next().await.is_some() {}
    late.close();
    late.wait().await;
}

struct Service {
    app: Arc<App>,
    batcher: Batcher<Properties, Source>,
    /// Accepted sources that a rule holds back, and until when. Their messages are still in the queue.
    held: Vec<(Instant, Source)>,
    tasks: JoinSet<()>,
    worker: Worker,
}

impl Service {
    /// Reads what is there, ingests what is due, and waits for more.
    async fn turn(&mut self) {
        let received = match self.app.backend.receive().await {
            Ok(received) => received,
            Err(error) => {
                tracing::warn!(%error, "the ingestion queues cannot be read; trying again");
                tokio::time::sleep(POLL_INTERVAL).await;
                Vec::new()
            }
        };
        let idle = received.is_empty();
        for message in received {
            self.accept(message).await;
        }
        let now = Instant::now();
        for source in self.released(now) {
            self.batch(source).await;
        }
        for batch in self.batcher.due(now) {
            self.seal(Reason::Time, batch).await;
        }
        while self.tasks.try_join_next().is_some() {}
        if idle {
            let held = self.held.iter().map(|(at, _)| *at).min();
            let next = self.batcher.next_deadline().into_iter().chain(held).min();
            let next = next.map_or(POLL_INTERVAL, |at| at.saturating_duration_since(now));
            self.app.backend.wait_for_messages(next.min(POLL_INTERVAL)).await;
        }
    }

    /// Takes the sources that have been held back long enough, the first due first.
    fn released(&mut self, now: Instant) -> Vec<Source> {
        let mut due: Vec<_> = self.held.extract_if(.., |(at, _)| *at <= now).collect();
        due.sort_by_key(|(at, _)| *at);
        due.into_iter().map(|(_, source)| source).collect()
    }

    async fn accept(&mut self, received: ReceivedMessage) {
        let (message, mut failure) = match IngestionMessage::parse(&received.text) {
            Ok(parsed) => parsed,
            Err(reason) => {
                tracing::warn!(reason, "BadRequest_CorruptedMessage: a queue message is dropped");
                self.app.stats.corrupted();
                if let Err(error) = self.app.backend.delete_message(&received.handle).await {
                    tracing::warn!(%error, "a corrupted message cannot be deleted");
                }
                return;
            }
        };
        self.app.stats.read(SeenMessage {
            id: message.id.clone(),
            database: message.properties.database.clone(),
            table: message.properties.table.clone(),
            blob: message.blob.path().to_owned(),
            raw_data_size: message.raw_size,
        });
        if failure.is_none() && message.identity.as_deref() != Some(identity_token().as_str()) {
            let details = "The authorizationContext of the message is not the Kusto identity token.";
            failure = Some(Failure::permanent("BadRequest_InvalidKustoIdentityToken", details));
        }
        let mut hold = None;
        match acceptance(&self.app, &message) {
            Some(Acceptance::Lost) => return self.lose(&message, &received.handle).await,
            Some(Acceptance::Refused(refusal)) => failure = failure.or(Some(refusal)),
            Some(Acceptance::After(delay)) => hold = Some(delay),
            None => {}
        }
        let source = Source { message, failure, handle: received.handle };
        match hold {
            Some(delay) => self.held.push((Instant::now() + delay, source)),
            None => self.batch(source).await,
        }
    }

    /// Forgets a message as if it had never come, because a rule says so.
    async fn lose(&self, message: &IngestionMessage, handle: &MessageHandle) {
        self.app.stats.lost();
        tracing::info!(source = message.id, "source lost on demand");
        if let Err(error) = self.app.backend.delete_message(handle).await {
            tracing::warn!(source = message.id, %error, "a message that is to be lost cannot be deleted");
        }
    }

    /// Puts a source into its batch, or ingests it alone.
    async fn batch(&mut self, source: Source) {
        let alone = self.reason_to_stand_alone(&source.message, source.failure.is_some());
        let raw_size = source.message.raw_size.unwrap_or(0);
        let properties = source.message.properties.clone();
        if let Some(reason) = alone {
            return self.seal(reason, vec![source]).await;
        }
        let (database, table) = (properties.database.clone(), properties.table.clone());
        let policy = self.app.with_engine(move |engine| engine.batching_policy(&database, &table)).await;
        let policy = policy.unwrap_or_default();
        if let Some((reason, batch)) =
            self.batcher.add(&properties, (source, raw_size), &policy, Instant::now())
        {
            self.seal(reason, batch).await;
        }
    }

    /// Why the message's source is not batched with others.
    fn reason_to_stand_alone(&self, message: &IngestionMessage, failed: bool) -> Option<Reason> {
        if self.app.options.discard {
            Some(Reason::Discard)
        } else if message.flush_immediately || failed {
            Some(Reason::FlushImmediately)
        } else if !message.properties.if_not_exists.is_empty() {
            Some(Reason::IngestIfNotExists)
        } else if message.properties.tags.iter().any(|tag| tag.starts_with("ingest-by:")) {
            Some(Reason::IngestByTag)
        } else if message.raw_size.is_none() {
            Some(Reason::SizeUnknown)
        } else {
            None
        }
    }

    async fn seal(&mut self, reason: Reason, batch: Vec<Source>) {
        self.app.stats.sealed(reason.as_str());
        tracing::debug!(reason = reason.as_str(), sources = batch.len(), "batch sealed");
        while self.tasks.len() >= MAX_SEALED_BATCHES {
            self.tasks.join_next().await;
        }
        self.tasks.spawn(self.worker.clone().ingest_all(batch));
    }
}
