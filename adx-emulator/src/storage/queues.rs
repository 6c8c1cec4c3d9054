//! Queues of the emulator's own storage.
//!
//! Owns every message. A message that was read is hidden: it becomes visible again unless it is deleted in time,
//! with the receipt of its last reading. Speaks no HTTP.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};
use tokio::sync::Notify;
use uuid::Uuid;

use super::disk::Disk;
use super::error::StorageError;
use super::names::QueueName;

/// The service's limit for a message's text, in bytes.
pub(crate) const MESSAGE_LIMIT: usize = 65_536;
/// Life of a message whose sender asked for nothing else.
pub(crate) const DEFAULT_LIFE: Duration = Duration::days(7);

/// A message in a queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Message {
    /// Given by the service.
    pub id: Uuid,
    /// As the sender gave it.
    pub text: String,
    /// In seconds since 1970.
    pub inserted: i64,
    /// In seconds since 1970.
    pub expires: i64,
    /// Not handed out before this time, as milliseconds since 1970.
    pub visible: i64,
    /// The receipt of the last reading.
    pub receipt: Uuid,
    /// How often it was read.
    pub reads: u32,
}

#[derive(Debug, Default)]
struct Queue {
    next: u64,
    messages: BTreeMap<u64, Message>,
    numbers: HashMap<Uuid, u64>,
}

/// All queues of all accounts.
#[derive(Debug)]
pub(crate) struct Queues {
    all: Mutex<HashMap<QueueName, Queue>>,
    disk: Option<Disk>,
    posted: Notify,
}

impl Queues {
    /// Empty queues of these names, filled with what `disk` kept of them.
    pub(crate) fn open(names: &[QueueName], disk: Option<Disk>) -> std::io::Result<Self> {
        let mut queues: HashMap<_, _> = names.iter().map(|name| (name.clone(), Queue::default())).collect();
        for (file, text) in disk.as_ref().map_or_else(|| Ok(Vec::new()), Disk::texts)? {
            let mut parts = file.split(',');
            let (Some(account), Some(queue)) = (parts.next(), parts.next()) else { continue };
            let name = QueueName { account: account.to_owned(), queue: queue.to_owned() };
            // Whoever read it died with the last run, so it is visible again.
            if let (Ok(message), Some(queue)) =
                (serde_json::from_str::<Message>(&text), queues.get_mut(&name))
            {
                queue.insert(Message { visible: 0, ..message });
            }
        }
        Ok(Self { all: Mutex::new(queues), disk, posted: Notify::new() })
    }

    /// Put Message. `life` none: without an end.
    pub(crate) fn put(
        &self,
        name: &QueueName,
        text: String,
        life: Option<Duration>,
        hidden: Duration,
    ) -> Result<Message, StorageError> {
        check_length(&text)?;
        let now = OffsetDateTime::now_utc();
        let message = Message {
            id: Uuid::new_v4(),
            text,
            inserted: now.unix_timestamp(),
            expires: life.map_or(253_402_300_799, |life| (now + life).unix_timestamp()),
            visible: if hidden.is_positive() { milliseconds(now + hidden) } else { 0 },
            receipt: Uuid::new_v4(),
            reads: 0,
        };
        let mut queues = self.lock();
        let queue = queues.get_mut(name).ok_or_else(missing)?;
        if let Some(disk) = &self.disk {
            let text = serde_json::to_vec(&message).map_err(|error| StorageError::internal(&error))?;
            disk.put(&file(name, &message.id), &text).map_err(|error| StorageError::internal(&error))?;
        }
        queue.insert(message.clone());
        drop(queues);
        self.posted.notify_one();
        Ok(message)
    }

    /// Get Messages: at most `count` visible ones, hidden from now on for `hidden`.
    pub(crate) fn get(
        &self,
        name: &QueueName,
        count: usize,
        hidden: Duration,
    ) -> Result<Vec<Message>, StorageError> {
        let now = OffsetDateTime::now_utc();
        let until = milliseconds(now + hidden);
        let mut queues = self.lock();
        let queue = queues.get_mut(name).ok_or_else(missing)?;
        self.drop_expired(name, queue, now.unix_timestamp());
        let mut found = Vec::new();
        for message in queue.messages.values_mut().filter(|message| message.visible <= milliseconds(now)) {
            if found.len() == count {
                break;
            }
            message.visible = until;
            message.receipt = Uuid::new_v4();
            message.reads += 1;
            found.push(message.clone());
        }
        Ok(found)
    }

    /// Peek Messages: at most `count` visible ones, unchanged.
    pub(crate) fn peek(&self, name: &QueueName, count: usize) -> Result<Vec<Message>, StorageError> {
        let now = OffsetDateTime::now_utc();
        let mut queues = self.lock();
        let queue = queues.get_mut(name).ok_or_else(missing)?;
        self.drop_expired(name, queue, now.unix_timestamp());
        let visible = queue.messages.values().filter(|message| message.visible <= milliseconds(now));
        Ok(visible.take(count).cloned().collect())
    }

    /// Update Message with the receipt of its last reading: hidden from now on for `hidden`, with another text if one is
    /// given.
    pub(crate) fn update(
        &self,
        name: &QueueName,
        (id, receipt): (Uuid, Uuid),
        text: Option<String>,
        hidden: Duration,
    ) -> Result<Message, StorageError> {
        text.as_deref().map_or(Ok(()), check_length)?;
        let now = OffsetDateTime::now_utc();
        let mut queues = self.lock();
        let queue = queues.get_mut(name).ok_or_else(missing)?;
        let number = queue.claimed(id, receipt)?;
        let message = queue.messages.get_mut(&number).ok_or_else(missing)?;
        message.visible = milliseconds(now + hidden);
        message.receipt = Uuid::new_v4();
        message.text = text.unwrap_or_else(|| message.text.clone());
        let updated = message.clone();
        if let Some(disk) = &self.disk {
            let text = serde_json::to_vec(&updated).map_err(|error| StorageError::internal(&error))?;
            disk.put(&file(name, &id), &text).map_err(|error| StorageError::internal(&error))?;
        }
        drop(queues);
        self.posted.notify_one();
        Ok(updated)
    }

    /// Delete Message with the receipt of its last reading.
    pub(crate) fn delete(&self, name: &QueueName, id: Uuid, receipt: Uuid) -> Result<(), StorageError> {
        let mut queues = self.lock();
        let queue = queues.get_mut(name).ok_or_else(missing)?;
        let number = queue.claimed(id, receipt)?;
        queue.remove(number);
        if let Some(disk) = &self.disk {
            disk.delete(&file(name, &id));
        }
        Ok(())
    }

    /// The texts of the messages in the queue, hidden ones too, oldest first.
    pub(crate) fn texts(&self, name: &QueueName) -> Vec<String> {
        let queues = self.lock();
        let messages = queues.get(name).into_iter().flat_map(|queue| queue.messages.values());
        messages.map(|message| message.text.clone()).collect()
    }

    /// Messages in the queue, hidden ones too.
    pub(crate) fn length(&self, name: &QueueName) -> Result<usize, StorageError> {
        self.lock().get(name).map(|queue| queue.messages.len()).ok_or_else(missing)
    }

    /// Waits for a Put Message into any queue since the last wait. For one waiter: the data-management loop.
    pub(crate) async fn posted(&self) {
        self.posted.notified().await;
    }

    fn drop_expired(&self, name: &QueueName, queue: &mut Queue, now: i64) {
        let expired: Vec<_> = queue.messages.iter().filter(|(_, message)| message.expires <= now).collect();
        let expired: Vec<_> = expired.into_iter().map(|(number, message)| (*number, message.id)).collect();
        for (number, id) in expired {
            queue.remove(number);
            if let Some(disk) = &self.disk {
                disk.delete(&file(name, &id));
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<QueueName, Queue>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    /// The number of the message `id`, when `receipt` is that of its last reading.
    fn claimed(&self, id: Uuid, receipt: Uuid) -> Result<u64, StorageError> {
        let gone = || StorageError::new(404, "MessageNotFound", "The specified message does not exist.");
        let number = *self.numbers.get(&id).ok_or_else(gone)?;
        if self.messages.get(&number).is_none_or(|message| message.receipt != receipt) {
            let text = "The specified pop receipt did not match the pop receipt for a dequeued message.";
            return Err(StorageError::new(400, "PopReceiptMismatch", text));
        }
        Ok(number)
    }

    fn insert(&mut self, message: Message) {
        self.numbers.insert(message.id, self.next);
        self.messages.insert(self.next, message);
        self.next += 1;
    }

    fn remove(&mut self, number: u64) {
        if let Some(message) = self.messages.remove(&number) {
            self.numbers.remove(&message.id);
        }
    }
}

fn check_length(text: &str) -> Result<(), StorageError> {
    if text.len() <= MESSAGE_LIMIT {
        return Ok(());
    }
    let message = "The request body is too large and exceeds the maximum permissible limit.";
    Err(StorageError::new(413, "RequestBodyTooLarge", message))
}

fn file(name: &QueueName, id: &Uuid) -> String {
    format!("{},{},{id}", name.account, name.queue)
}

fn milliseconds(time: OffsetDateTime) -> i64 {
    i64::try_from(time.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)
}

fn missing() -> StorageError {
    StorageError::new(404, "QueueNotFound", "The specified queue does not exist.")
}

#[cfg(test)]
mod tests {
    use super::{DEFAULT_LIFE, Disk, MESSAGE_LIMIT, QueueName, Queues};
    use time::Duration;

    fn name() -> QueueName {
        QueueName { account: "acct1".to_owned(), queue: "q".to_owned() }
    }

    fn put(queues: &Queues, text: &str) -> super::Message {
        queues.put(&name(), text.to_owned(), Some(DEFAULT_LIFE), Duration::ZERO).unwrap()
    }

    #[test]
    fn a_read_message_is_hidden_and_deleted_with_its_last_receipt() {
        let queues = Queues::open(&[name()], None).unwrap();
        let sent = put(&queues, "one");
        assert_eq!(queues.peek(&name(), 32).unwrap().len(), 1);
        let first = queues.get(&name(), 32, Duration::ZERO).unwrap().remove(0);
        let second = queues.get(&name(), 32, Duration::HOUR).unwrap().remove(0);
        assert_eq!((first.id, first.reads, second.reads), (sent.id, 1, 2));
        assert_eq!(queues.get(&name(), 32, Duration::HOUR).unwrap(), []);
        assert_eq!(queues.delete(&name(), sent.id, first.receipt).unwrap_err().code, "PopReceiptMismatch");
        queues.delete(&name(), sent.id, second.receipt).unwrap();
        assert_eq!(queues.delete(&name(), sent.id, second.receipt).unwrap_err().code, "MessageNotFound");
        assert_eq!(queues.length(&name()).unwrap(), 0);
    }

    #[test]
    fn a_message_that_was_read_can_be_given_back_at_once() {
        let queues = Queues::open(&[name()], None).unwrap();
        let sent = put(&queues, "one");
        let read = queues.get(&name(), 1, Duration::HOUR).unwrap().remove(0);
        let claim = (sent.id, sent.receipt);
        assert_eq!(
            queues.update(&name(), claim, None, Duration::ZERO).unwrap_err().code,
            "PopReceiptMismatch"
        );
        let given = queues.update(&name(), (read.id, read.receipt), None, Duration::ZERO).unwrap();
        assert_ne!(given.receipt, read.receipt);
        assert_eq!(queues.peek(&name(), 1).unwrap()[0].text, "one");
        let changed = (given.id, given.receipt);
        queues.update(&name(), changed, Some("two".to_owned()), Duration::ZERO).unwrap();
        assert_eq!(queues.texts(&name()), ["two"]);
    }

    #[test]
    fn order_count_limit_and_life_hold() {
        let queues = Queues::open(&[name()], None).unwrap();
        for text in ["a", "b", "c"] {
            put(&queues, text);
        }
        let texts: Vec<_> =
            queues.get(&name(), 2, Duration::HOUR).unwrap().into_iter().map(|m| m.text).collect();
        assert_eq!(texts, ["a", "b"]);
        let long = "x".repeat(MESSAGE_LIMIT + 1);
        let refused = queues.put(&name(), long, None, Duration::ZERO).unwrap_err();
        assert_eq!((refused.status, refused.code.as_str()), (413, "RequestBodyTooLarge"));
        queues.put(&name(), "short".to_owned(), Some(Duration::ZERO), Duration::ZERO).unwrap();
        assert_eq!(queues.peek(&name(), 32).unwrap().len(), 1);
    }

    #[test]
    fn a_restart_brings_back_what_was_not_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Queues::open(&[name()], Some(Disk::open(folder.path(), "queues").unwrap())).unwrap();
        let queues = open();
        put(&queues, "done");
        put(&queues, "read");
        let read = queues.get(&name(), 2, Duration::HOUR).unwrap();
        let done = read.iter().find(|message| message.text == "done").unwrap();
        queues.delete(&name(), done.id, done.receipt).unwrap();
        let again = open().get(&name(), 32, Duration::HOUR).unwrap();
        assert_eq!(again.iter().map(|message| message.text.as_str()).collect::<Vec<_>>(), ["read"]);
    }
}
