//! The rules between settings: librdkafka's own, which it tells only when a client is made
//! (`rd_kafka_conf_finalize`), and those of Java's clients (`KafkaConsumer`, `ProducerConfig.postProcess…`).
//!
//! What Java takes is made to fit, with a note; what Java refuses too is an error of the key that was written. A test
//! makes clients of many combinations and finds what is missing here. Pure.

use rdkafka::ClientConfig;

use super::assembled::{Assembled, Note, NoteKind, setting};
use super::table::{Treatment, treatment};
use crate::config::ClientKind;
use crate::config::tls::Settings;

const SESSION: &str = "session.timeout.ms";
const HEARTBEAT: &str = "heartbeat.interval.ms";
const POLL: &str = "max.poll.interval.ms";
const FETCH: &str = "fetch.max.bytes";
const MESSAGE: &str = "message.max.bytes";
const RECEIVE: &str = "receive.message.max.bytes";
const QUEUED: &str = "queued.max.messages.kbytes";
const PROTOCOL: &str = "group.protocol";
const BACKOFF: &str = "reconnect.backoff.ms";
const LONGEST_BACKOFF: &str = "reconnect.backoff.max.ms";
const IDEMPOTENCE: &str = "enable.idempotence";
const IN_FLIGHT: &str = "max.in.flight.requests.per.connection";
const DELIVERY: &str = "delivery.timeout.ms";
const LINGER: &str = "linger.ms";

/// librdkafka's defaults of those that are numbers; for the timeout of deliveries and the like it has no use here.
const DEFAULTS: [(&str, i64); 8] = [
    (SESSION, 45_000),
    (HEARTBEAT, 3_000),
    (POLL, 300_000),
    (FETCH, 52_428_800),
    (MESSAGE, 1_000_000),
    (QUEUED, 65_536),
    (BACKOFF, 100),
    (LONGEST_BACKOFF, 10_000),
];

/// What librdkafka's answers have around the records.
const FRAME: i64 = 512;

/// Makes the whole keep the rules.
pub(super) fn apply(kind: ClientKind, written: &Settings<'_>, assembled: &mut Assembled) {
    let mut fit = Fit { written, assembled };
    fit.backoff();
    match kind {
        ClientKind::Consumer => {
            fit.group();
            fit.sizes();
        }
        ClientKind::Producer => {
            fit.idempotence();
            fit.delivery();
        }
        ClientKind::Admin => {}
    }
}

struct Fit<'a> {
    written: &'a Settings<'a>,
    assembled: &'a mut Assembled,
}

impl Fit<'_> {
    fn config(&self) -> &ClientConfig {
        &self.assembled.config
    }

    fn is_set(&self, key: &str) -> bool {
        self.config().get(key).is_some()
    }

    fn is(&self, key: &str, value: &str) -> bool {
        self.config().get(key).is_some_and(|set| set.eq_ignore_ascii_case(value))
    }

    fn number(&self, key: &str) -> i64 {
        let set = self.config().get(key).and_then(|text| text.trim().parse().ok());
        let default = || DEFAULTS.iter().find(|(name, _)| *name == key).map(|(_, value)| *value);
        set.or_else(default).unwrap_or(0)
    }

    /// The key as the user wrote it, be it by another name.
    fn name(&self, key: &'static str) -> String {
        let other =
            || self.written.iter().find(|(other, _)| treatment(other) == Some(Treatment::Renamed(key)));
        match self.written.written(key) {
            Some(_) => self.written.name(key),
            None => other().map_or_else(|| key.to_owned(), |(other, _)| self.written.name(other)),
        }
    }

    fn wrong(&mut self, key: &'static str, reason: &str) {
        let name = self.name(key);
        self.assembled.errors.push(setting(&name, reason));
    }

    /// Uses another value; says so when the user wrote one, or `cause`.
    fn adjust(&mut self, key: &str, value: i64, cause: &str) {
        self.assembled.config.set(key, value.to_string());
        if let Some(said) = [key, cause].into_iter().find(|key| self.written.written(key).is_some()) {
            let name = self.written.name(said);
            let text = format!("{name}: {key}={value} is used, which goes with {cause}");
            if self.assembled.notes.iter().all(|note| note.key != name) {
                self.assembled.notes.push(Note { key: name, text, kind: NoteKind::Adjusted });
            }
        }
    }

    /// As Java, whose pauses do not shrink either.
    fn backoff(&mut self) {
        let first = self.number(BACKOFF);
        if self.number(LONGEST_BACKOFF) < first {
            self.adjust(LONGEST_BACKOFF, first, BACKOFF);
        }
    }

    fn group(&mut self) {
        if self.is(PROTOCOL, "consumer") {
            for key in [SESSION, HEARTBEAT, "partition.assignment.strategy"] {
                self.left_to_brokers(key);
            }
            return;
        }
        let session = self.number(SESSION);
        if self.number(HEARTBEAT) >= session {
            let key = if self.written.get(HEARTBEAT).is_some() { HEARTBEAT } else { SESSION };
            self.wrong(key, &format!("{HEARTBEAT} must be less than {SESSION}"));
        }
        // The worker polls whatever this is: a longer time only means that the group waits longer for it.
        if self.number(POLL) < session {
            self.adjust(POLL, session, SESSION);
        }
    }

    /// With the newer protocol of groups Java takes no such key beside it; one of an earlier layer gives way.
    fn left_to_brokers(&mut self, key: &'static str) {
        self.assembled.config.remove(key);
        if self.written.get(key).is_none() {
            return;
        }
        let (name, by) = (self.name(key), self.name(PROTOCOL));
        if name.strip_suffix(key) == by.strip_suffix(PROTOCOL) {
            return self.wrong(key, "cannot be set with group.protocol=consumer: the brokers decide it");
        }
        let text = format!("{name} is not used with {by}=consumer: the brokers decide it");
        self.assembled.notes.push(Note { key: by, text, kind: NoteKind::Adjusted });
    }

    /// What one message may have is no limit for a consumer, but must not be more than what an answer may have.
    fn sizes(&mut self) {
        if self.is_set(FETCH) && self.number(FETCH) < self.number(MESSAGE) {
            let size = self.number(FETCH);
            self.adjust(MESSAGE, size, FETCH);
        }
        if self.is_set(RECEIVE) {
            let most = if self.is_set(FETCH) {
                self.number(FETCH)
            } else {
                self.number(FETCH).min(self.number(QUEUED) * 1024).max(self.number(MESSAGE))
            };
            if self.number(RECEIVE) < most + FRAME {
                self.adjust(RECEIVE, most + FRAME, FETCH);
            }
        }
    }

    fn idempotence(&mut self) {
        let on = ["true", "t", "1"].iter().any(|on| self.is(IDEMPOTENCE, on));
        if !on {
            return;
        }
        if self.is_set(IN_FLIGHT) && self.number(IN_FLIGHT) > 5 {
            self.wrong(IN_FLIGHT, "must be at most 5 with enable.idempotence=true");
        }
        if self.is_set("retries") && self.number("retries") < 1 {
            self.wrong("retries", "must be at least 1 with enable.idempotence=true");
        }
        if self.is_set("acks") && !["all", "-1"].iter().any(|all| self.is("acks", all)) {
            self.wrong("acks", "must be all with enable.idempotence=true");
        }
        if self.is_set("queuing.strategy") && !self.is("queuing.strategy", "fifo") {
            self.wrong("queuing.strategy", "must be fifo with enable.idempotence=true");
        }
        let threshold = "queue.buffering.backpressure.threshold";
        if self.number(threshold) > 1 {
            self.wrong(threshold, "must be 1 with enable.idempotence=true");
        }
    }

    /// A time of 0 is no limit to librdkafka.
    fn delivery(&mut self) {
        let limit = self.number(DELIVERY);
        if limit != 0 && self.is_set(LINGER) && limit <= self.linger() {
            self.adjust(LINGER, limit - 1, DELIVERY);
        }
    }

    /// A floating number to librdkafka, which Java does not take.
    fn linger(&self) -> i64 {
        let linger =
            self.config().get(LINGER).and_then(|text| text.trim().parse::<f64>().ok()).unwrap_or(0.0);
        #[expect(clippy::cast_possible_truncation, reason = "librdkafka takes no more than 900000")]
        let whole = linger.ceil() as i64;
        whole
    }
}
