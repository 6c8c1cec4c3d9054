//! The status topic as the herder uses it: Connect's rules of writing, and the picture folded from what was read.
//!
//! Writing never waits: a state is in the picture at once, and on its way to the topic behind the others. What other
//! workers write comes as changes. As long as a record of ours is on its way, or not read back, an older one of its key
//! changes nothing; a newer one counts. Nothing here decides what a state should be (`connect-runtime.md` §2.5).

use super::Error;
use super::status::{
    Status, StatusBackingStore, StatusEntry, StatusId, StatusNews, StatusRecord, TopicStatus,
};
use super::status_cache::StatusCache;
use crate::id::ConnectorTaskId;
use crate::status::State;
use futures::FutureExt;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Before a write that failed is sent again. The client itself has tried for half a minute by then.
const RESEND_PAUSE: Duration = Duration::from_secs(1);
/// News taken in one turn, so that a wave of them is published once.
const NEWS_PER_TURN: usize = 256;

/// A record of ours that was not read back yet.
struct Own {
    ticket: u64,
    record: StatusRecord,
    /// Where it stands, when it is stored.
    offset: Option<i64>,
    /// The last record of the same key that was read while ours was on its way.
    read: Option<(i64, StatusRecord)>,
}

/// The status topic and what it says.
pub struct StatusTopic {
    store: Box<dyn StatusBackingStore>,
    worker_id: Arc<str>,
    cache: StatusCache,
    own: HashMap<String, Own>,
    /// Keys of the records on their way, or waiting to be sent again, by ticket.
    sent: HashMap<u64, String>,
    next_ticket: u64,
    resends: VecDeque<(Instant, u64)>,
    /// The last write failed: the log has that once, not with every state.
    failing: bool,
}

impl StatusTopic {
    /// Reads the whole topic. `worker_id` is the `host:port` that this worker writes.
    pub async fn open(mut store: Box<dyn StatusBackingStore>, worker_id: Arc<str>) -> Result<Self, Error> {
        let entries = store.read_to_end().await?;
        let mut cache = StatusCache::default();
        for record in entries.into_iter().filter_map(|entry| entry.record) {
            cache.apply(record);
        }
        let (own, sent, resends) = (HashMap::new(), HashMap::new(), VecDeque::new());
        Ok(Self { store, worker_id, cache, own, sent, next_ticket: 0, resends, failing: false })
    }

    /// Goes on with a topic that was made anew, which then says again what this worker has to say; all that is known, if it
    /// `leads`. Gives the connectors of which something is known.
    pub async fn reopen(
        &mut self,
        mut store: Box<dyn StatusBackingStore>,
        leads: bool,
    ) -> Result<Vec<Arc<str>>, Error> {
        let entries = store.read_to_end().await?;
        self.store = store;
        let known = std::mem::take(&mut self.cache).records();
        for record in entries.into_iter().filter_map(|entry| entry.record) {
            self.cache.apply(record);
        }
        // What was on its way to the old one is among what is known.
        self.own.clear();
        self.sent.clear();
        self.resends.clear();
        for record in known {
            let is_own = matches!(&record, StatusRecord::State { status: Some(status), .. } if status.worker_id == self.worker_id);
            if self.cache.has(&record, !is_own) {
                continue;
            }
            if is_own || leads {
                self.write(record);
            } else {
                // Shown until the leader has written it.
                self.cache.set(record);
            }
        }
        Ok(self.names())
    }

    /// Waits until something is known that was not, and gives the connectors it is about. Safe to drop while it waits.
    pub async fn next_changes(&mut self) -> Result<Vec<Arc<str>>, Error> {
        loop {
            let mut changed: Vec<_> = self.next_change().await?.into_iter().collect();
            for _ in 1..NEWS_PER_TURN {
                let Some(news) = self.store.next().now_or_never() else { break };
                changed.extend(self.take_in(news?));
            }
            if !changed.is_empty() {
                return Ok(changed);
            }
        }
    }

    /// Waits until everything written is stored, or given up.
    pub async fn flush(&mut self) -> Result<(), Error> {
        while !self.sent.is_empty() {
            self.next_change().await?;
        }
        Ok(())
    }

    async fn next_change(&mut self) -> Result<Option<Arc<str>>, Error> {
        let Some((at, _)) = self.resends.front().copied() else {
            let news = self.store.next().await?;
            return Ok(self.take_in(news));
        };
        tokio::select! {
            news = self.store.next() => Ok(self.take_in(news?)),
            () = tokio::time::sleep_until(at) => Ok(self.resend()),
        }
    }

    /// A connector's state.
    pub fn connector(&self, name: &str) -> Option<&Status> {
        self.cache.connector(name)
    }

    /// One state.
    pub fn state(&self, id: &StatusId) -> Option<&Status> {
        self.cache.get(id)
    }

    /// The states of a connector's tasks, in order.
    pub fn tasks(&self, name: &str) -> Vec<(u32, &Status)> {
        self.cache.tasks(name).collect()
    }

    /// The topics that a connector has read from since its list was last emptied, in order.
    pub fn topics(&self, name: &str) -> Vec<&TopicStatus> {
        self.cache.topics(name).collect()
    }

    /// Everything that has a state.
    pub fn ids(&self) -> Vec<StatusId> {
        self.cache.ids().collect()
    }

    /// All connectors of which a state or a topic is known.
    pub fn names(&self) -> Vec<Arc<str>> {
        self.cache.names().cloned().collect()
    }

    /// The highest generation among the states; none without any.
    pub fn max_generation(&self) -> Option<i64> {
        self.cache.max_generation()
    }

    /// Sets a state. FAILED and UNASSIGNED give way to what a worker of a later generation wrote (§2.5).
    pub fn put(&mut self, id: StatusId, status: Status) {
        let safe = matches!(status.state, State::Failed | State::Unassigned);
        if safe && self.cache.get(&id).is_some_and(|known| !may_replace(&status, known)) {
            tracing::info!(?id, state = %status.state, "not written: another worker has this by now");
            return;
        }
        self.write(StatusRecord::State { id, status: Some(status) });
    }

    /// Forgets a state; a connector's with those of its tasks, and the topics it has read.
    pub fn forget(&mut self, id: &StatusId) {
        if let StatusId::Connector(name) = id {
            let tasks: Vec<u32> = self.cache.tasks(name).map(|(task, _)| task).collect();
            for task in tasks {
                self.forget_state(&StatusId::Task(ConnectorTaskId { connector: name.clone(), task }));
            }
            self.forget_topics(name);
        }
        self.forget_state(id);
    }

    fn forget_state(&mut self, id: &StatusId) {
        if self.cache.get(id).is_some() {
            self.write(StatusRecord::State { id: id.clone(), status: None });
        }
    }

    /// Notes that a topic is read, unless that is known; true when it was not.
    pub fn put_topic(&mut self, status: TopicStatus) -> bool {
        let connector = status.task.connector.clone();
        let topic = status.topic.clone();
        if self.cache.topics(&connector).any(|known| known.topic == topic) {
            return false;
        }
        self.write(StatusRecord::Topic { connector, topic, status: Some(status) });
        true
    }

    /// Empties the list of topics that a connector has read.
    pub fn forget_topics(&mut self, connector: &Arc<str>) {
        let topics: Vec<_> = self.cache.topics(connector).map(|known| known.topic.clone()).collect();
        for topic in topics {
            self.write(StatusRecord::Topic { connector: connector.clone(), topic, status: None });
        }
    }

    fn write(&mut self, record: StatusRecord) {
        let (key, ticket) = (record.key(), self.next_ticket);
        self.next_ticket += 1;
        self.cache.set(record.clone());
        self.store.send(ticket, &record);
        self.sent.insert(ticket, key.clone());
        // What was read before is older than this, unless this one never gets there.
        let read = self.own.remove(&key).and_then(|own| own.read);
        self.own.insert(key, Own { ticket, record, offset: None, read });
    }

    /// Takes in news; the connector about which something has changed.
    fn take_in(&mut self, news: StatusNews) -> Option<Arc<str>> {
        match news {
            StatusNews::Read(entry) => self.take_read(entry),
            StatusNews::Written { ticket, offset } => self.take_written(ticket, offset),
            StatusNews::Failed { ticket, error } => self.take_failed(ticket, &error),
        }
    }

    fn take_read(&mut self, entry: StatusEntry) -> Option<Arc<str>> {
        let record = entry.record?;
        let key = record.key();
        let Some(own) = self.own.get_mut(&key) else { return self.apply(record) };
        let Some(offset) = own.offset else {
            own.read = Some((entry.offset, record));
            return None;
        };
        if entry.offset < offset {
            return None;
        }
        self.own.remove(&key);
        (entry.offset > offset).then(|| self.apply(record)).flatten()
    }

    fn take_written(&mut self, ticket: u64, offset: i64) -> Option<Arc<str>> {
        self.failing = false;
        let key = self.sent.remove(&ticket)?;
        let own = self.own.get_mut(&key).filter(|own| own.ticket == ticket)?;
        own.offset = Some(offset);
        let (read, record) = own.read.take()?;
        if read < offset {
            return None;
        }
        self.own.remove(&key);
        (read > offset).then(|| self.apply(record)).flatten()
    }

    fn take_failed(&mut self, ticket: u64, error: &Error) -> Option<Arc<str>> {
        let key = self.sent.remove(&ticket)?;
        // A newer one of ours is on its way.
        self.own.get(&key).filter(|own| own.ticket == ticket)?;
        if error.is_retriable() {
            if !std::mem::replace(&mut self.failing, true) {
                tracing::warn!(key, %error, "a state was not written; it will be sent again, with those that follow");
            }
            self.sent.insert(ticket, key);
            self.resends.push_back((Instant::now() + RESEND_PAUSE, ticket));
            return None;
        }
        tracing::error!(key, %error, "a state could not be written (status.storage.topic); only this worker shows it");
        let own = self.own.remove(&key)?;
        own.read.filter(|(_, read)| self.overrules(read, &own.record)).and_then(|(_, read)| self.apply(read))
    }

    /// Sends the next record that is due again, unless it is outdated.
    fn resend(&mut self) -> Option<Arc<str>> {
        let (_, ticket) = self.resends.pop_front()?;
        let key = self.sent.remove(&ticket)?;
        let own = self.own.get(&key).filter(|own| own.ticket == ticket)?;
        if !own.read.as_ref().is_some_and(|(_, read)| self.overrules(read, &own.record)) {
            self.store.send(ticket, &own.record);
            self.sent.insert(ticket, key);
            return None;
        }
        let (_, read) = self.own.remove(&key)?.read?;
        self.apply(read)
    }

    /// Has another worker said something by now that counts more than our word?
    fn overrules(&self, read: &StatusRecord, own: &StatusRecord) -> bool {
        let (StatusRecord::State { status: Some(read), .. }, StatusRecord::State { status: own, .. }) =
            (read, own)
        else {
            return false;
        };
        read.worker_id != self.worker_id && own.as_ref().is_some_and(|own| read.generation >= own.generation)
    }

    fn apply(&mut self, record: StatusRecord) -> Option<Arc<str>> {
        let (StatusRecord::Topic { connector, .. }
        | StatusRecord::State {
            id: StatusId::Connector(connector) | StatusId::Task(ConnectorTaskId { connector, .. }),
            ..
        }) = &record;
        let connector = connector.clone();
        if let Some(own) = self.contradicted(&record) {
            self.write(own);
            return None;
        }
        self.cache.apply(record).then_some(connector)
    }

    /// Our own word about a part that moved here, when the worker it came from says only now that it let it go: the last
    /// record of a key is what other workers will find.
    fn contradicted(&self, record: &StatusRecord) -> Option<StatusRecord> {
        let StatusRecord::State { id, status: Some(read) } = record else { return None };
        let known = self.cache.get(id)?;
        let is_ours = known.worker_id == self.worker_id && known.state != State::Unassigned;
        let lets_go = read.state == State::Unassigned && read.worker_id != self.worker_id;
        let is_late = is_ours && lets_go && read.generation <= known.generation;
        is_late.then(|| StatusRecord::State { id: id.clone(), status: Some(known.clone()) })
    }
}

/// The condition of a safe write. Within one generation a part may move here only from a worker that lets it go.
fn may_replace(status: &Status, known: &Status) -> bool {
    let is_older = match status.state {
        State::Unassigned => known.generation < status.generation,
        _ => known.generation <= status.generation,
    };
    known.worker_id == status.worker_id || is_older
}

#[cfg(test)]
#[path = "status_topic_tests.rs"]
mod tests;
