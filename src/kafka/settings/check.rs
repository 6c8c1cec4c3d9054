//! What making clients would say of their settings, without making one.

use super::{Assembled, Note, NoteKind, clients};
use crate::config::{ClientSettings, WorkerConfig};
use crate::configdef::Properties;
use crate::kafka::Error;

/// What is wrong with the settings of clients, and what their user may not expect.
#[derive(Debug, Default)]
pub struct CheckedClient {
    /// What is wrong: the key as the user wrote it, and the reason.
    pub errors: Vec<(String, String)>,
    /// What is not wrong.
    pub notes: Vec<Note>,
}

impl CheckedClient {
    /// Takes in what is said of keys below `prefixes`.
    fn add(&mut self, assembled: Assembled, prefixes: &[&str]) {
        let is_meant = |key: &str| prefixes.iter().any(|prefix| key.starts_with(prefix));
        if !assembled.errors.is_empty() {
            let error = Error::of_settings(assembled.errors);
            for (key, reason) in error.wrong_settings() {
                if is_meant(key) && self.errors.iter().all(|(known, _)| known != key) {
                    self.errors.push((key.to_owned(), reason.to_owned()));
                }
            }
        }
        for note in assembled.notes {
            if is_meant(&note.key) && !self.notes.contains(&note) {
                self.notes.push(note);
            }
        }
    }
}

/// What is wrong with keys that are not the connector's.
fn errors_above(assembled: &Assembled, prefix: &str) -> Vec<(String, String)> {
    let all = assembled.errors.iter().flat_map(Error::wrong_settings);
    let above = all.filter(|(key, _)| !key.starts_with(prefix));
    above.map(|(key, reason)| (key.to_owned(), reason.to_owned())).collect()
}

type Assemble = fn(&WorkerConfig, &str, &Properties) -> Assembled;

/// Of all clients that a connector with these settings has. The worker's own mistakes are not the connector's: they are
/// told when it starts.
pub fn connector(worker: &WorkerConfig, settings: &ClientSettings) -> CheckedClient {
    let mut checked = CheckedClient::default();
    let ClientSettings { name, consumer, producer, admin, .. } = settings;
    let mut check = |assemble: Assemble, overrides: &Properties, prefix: &str| {
        let assembled = assemble(worker, name, overrides);
        let of_worker = errors_above(&assembled, prefix);
        checked.add(assembled, &[prefix]);
        if !of_worker.is_empty() {
            let alone = errors_above(&assemble(worker, name, &Properties::new()), prefix);
            let caused = of_worker.into_iter().filter(|error| !alone.contains(error));
            checked.errors.extend(caused.map(|(key, reason)| {
                (
                    key,
                    format!(
                        "{reason}; it is the worker's, and does not go with what the connector overrides"
                    ),
                )
            }));
        }
    };
    check(clients::assembled_consumer, consumer, "consumer.override.");
    check(clients::assembled_admin, admin, "admin.override.");
    // Without dead letters there is no producer, and what is written for one is for later.
    if settings.writes_dead_letters {
        check(clients::assembled_producer, producer, "producer.override.");
    }
    if let Some((prefix, own)) = &settings.own_dead_letters {
        checked.add(clients::assembled_own(worker, name, prefix, own), &[prefix]);
    }
    checked
}

/// What is said of a worker's settings for clients.
#[derive(Debug)]
pub struct CheckedWorker {
    own: CheckedClient,
    /// Of the clients of connectors that override nothing.
    connectors: CheckedClient,
}

impl CheckedWorker {
    /// What is wrong with the worker's own clients, a line for each key.
    pub fn own_errors(&self) -> Option<String> {
        let line = |(key, reason): &(String, String)| format!("Kafka client setting {key}: {reason}");
        let lines: Vec<_> = self.own.errors.iter().map(line).collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    }

    /// Whatever else should be known: what is wrong for connectors may be put right by what they override.
    pub fn warnings(&self) -> Vec<String> {
        let wrong = self.connectors.errors.iter().map(|(key, reason)| {
            format!("Kafka client setting {key}: {reason}; connectors that do not override it cannot start")
        });
        let notes = self.own.notes.iter().chain(&self.connectors.notes);
        let meant = notes.filter(|note| note.kind != NoteKind::WithoutEffect);
        wrong.chain(meant.map(|note| note.text.clone())).collect()
    }
}

/// Of the worker's own clients, and of its settings for those of connectors.
pub fn worker(worker: &WorkerConfig) -> CheckedWorker {
    let (mut own, mut connectors, none) =
        (CheckedClient::default(), CheckedClient::default(), Properties::new());
    own.add(clients::assembled_storage(worker, "check"), &[""]);
    connectors.add(clients::assembled_consumer(worker, "x", &none), &["consumer."]);
    connectors.add(clients::assembled_admin(worker, "x", &none), &["admin."]);
    connectors.add(clients::assembled_producer(worker, "x", &none), &["producer."]);
    CheckedWorker { own, connectors }
}
