//! One Java client setting after the other, as librdkafka's.
//!
//! Pure. Keys that have a room of their own (`sasl`, `ssl`) are only checked for their types here. No error repeats a
//! value: it may be a secret.

use rdkafka::ClientConfig;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaConfRes;

use super::assembled::{Assembled, Note, NoteKind, PROTOCOL, setting};
use super::table::{Treatment, treatment};
use super::{sasl, ssl};
use crate::config::tls::{Setting, Settings};
use crate::config::{ClientKind, JavaType, broker_addresses, java_key, java_keys};
use crate::configdef::did_you_mean;
use crate::kafka::Error;

/// So many surprises are told.
const MOST_NOTES: usize = 100;

/// A setting on its way.
struct One<'a> {
    kind: ClientKind,
    /// The key as the user wrote it.
    full: String,
    key: &'a str,
    /// Without blanks around it.
    value: &'a str,
    all: &'a Settings<'a>,
}

/// What becomes of a setting.
enum Becomes {
    /// This key and value.
    Set(String, String),
    /// The same, which is not what it says.
    Adjusted(String, String, String),
    /// Nothing, for this reason.
    Nothing(&'static str),
    /// Nothing: it is as if it were not written.
    Default,
}

/// Translates all settings.
pub(super) fn all(kind: ClientKind, settings: &Settings<'_>, assembled: &mut Assembled) {
    for (key, Setting { value, prefix }) in settings.iter() {
        let one = One { kind, full: format!("{prefix}{key}"), key, value: value.trim(), all: settings };
        let has_room = key == PROTOCOL || sasl::is_own(key) || ssl::is_own(key);
        // What is wrong with the protocol is said where it is read.
        let objection =
            java_key(kind, key).filter(|_| key != PROTOCOL).and_then(|java| java.objection(value));
        if let Some(reason) = objection {
            assembled.errors.push(setting(&one.full, &reason));
        } else if !has_room {
            one.translate_into(assembled);
        }
    }
}

impl One<'_> {
    fn translate_into(self, assembled: &mut Assembled) {
        let is_of = |kind| java_key(kind, self.key).is_some();
        // The worker's own clients of all kinds have one set of settings.
        let is_alone = self.kind != ClientKind::Admin;
        if is_alone && !is_of(self.kind) && ClientKind::PREFIXES.iter().any(|(kind, ..)| is_of(*kind)) {
            let text = format!("{} has no effect: a {} does not have it", self.full, word(self.kind));
            return assembled.notes.push(self.note(text, NoteKind::Unknown));
        }
        let (name, value, adjusted) = match self.becomes() {
            Ok(Becomes::Set(name, value)) => (name, value, None),
            Ok(Becomes::Adjusted(name, value, text)) => (name, value, Some(text)),
            Ok(Becomes::Nothing(reason)) => {
                let text = format!("{} has no effect here: {reason}", self.full);
                return assembled.notes.push(self.note(text, NoteKind::WithoutEffect));
            }
            Ok(Becomes::Default) => return,
            Err(error) => return assembled.errors.push(error),
        };
        match known(&self.full, &name, &value) {
            Ok(true) => {
                assembled.config.set(name, value);
                assembled.notes.extend(adjusted.map(|text| self.note(text, NoteKind::Adjusted)));
            }
            // Nobody reads more, and each is compared with all that there are.
            Ok(false) if assembled.notes.len() >= MOST_NOTES => {}
            Ok(false) => {
                let meant = did_you_mean(self.key, java_keys(self.kind).map(|java| java.0));
                let text = format!("{} is no setting of Kafka clients, and is not used{meant}", self.full);
                assembled.notes.push(self.note(text, NoteKind::Unknown));
            }
            Err(error) => assembled.errors.push(error),
        }
    }

    fn note(&self, text: String, kind: NoteKind) -> Note {
        Note { key: self.full.clone(), text, kind }
    }

    /// The librdkafka setting that means what this means to a Java client.
    fn becomes(&self) -> Result<Becomes, Error> {
        let set = |key: &str, value: String| Ok(Becomes::Set(key.to_owned(), value));
        match treatment(self.key) {
            Some(Treatment::Number(to, bounds, unlimited)) => self.number(to, bounds, unlimited),
            Some(Treatment::Kibibytes(to)) => {
                set(to, (self.integer()? / 1024).clamp(1, i64::from(i32::MAX)).to_string())
            }
            Some(Treatment::Level(codec, least)) => self.level(codec, least),
            Some(Treatment::Renamed(to)) => set(to, self.value.to_owned()),
            Some(Treatment::Ignored(reason)) => Ok(Becomes::Nothing(reason)),
            Some(Treatment::Refused(reason)) if !self.value.is_empty() => Err(setting(&self.full, reason)),
            Some(Treatment::Refused(_)) => Ok(Becomes::Default),
            None => match self.key {
                "auto.offset.reset" => set(self.key, offset_reset(&self.full, self.value)?.to_owned()),
                "bootstrap.servers" => {
                    let addresses = broker_addresses(self.value);
                    set(self.key, addresses.map_err(|reason| setting(&self.full, &reason))?)
                }
                "group.id" if self.value.is_empty() => Err(setting(&self.full, "must not be empty")),
                _ if self.value.is_empty() => Ok(Becomes::Default),
                "partition.assignment.strategy" => set(self.key, assignors(&self.full, self.value)?),
                _ => set(self.key, self.plain()),
            },
        }
    }

    /// The same value, in librdkafka's letters where Java has others.
    fn plain(&self) -> String {
        match java_key(self.kind, self.key).map(|java| java.2) {
            Some(JavaType::Flag | JavaType::OneOf(_)) => self.value.to_ascii_lowercase(),
            // `010` is ten to Java and eight to librdkafka.
            Some(JavaType::Short(..) | JavaType::Int(..) | JavaType::Long(..)) => {
                self.value.parse::<i64>().map_or_else(|_| self.value.to_owned(), |number| number.to_string())
            }
            _ => self.value.to_owned(),
        }
    }

    fn integer(&self) -> Result<i64, Error> {
        self.value.parse::<i64>().map_err(|_| setting(&self.full, "must be a whole number"))
    }

    fn number(&self, to: &str, (least, most): (i64, i64), unlimited: i64) -> Result<Becomes, Error> {
        let written = self.integer()?;
        let used = if written == -1 { unlimited } else { written.clamp(least, most) };
        if used == written || written == -1 {
            return Ok(Becomes::Set(to.to_owned(), used.to_string()));
        }
        let text = format!("{}: {used} is used, the nearest that can be used here", self.full);
        Ok(Becomes::Adjusted(to.to_owned(), used.to_string(), text))
    }

    /// A level of compression counts for its codec alone; librdkafka has one scale for all, which ends at 12.
    fn level(&self, codec: &str, least: i64) -> Result<Becomes, Error> {
        let level = self.integer()?;
        let used = self.all.get("compression.type").unwrap_or("none").trim();
        if !used.eq_ignore_ascii_case(codec) {
            return Ok(Becomes::Nothing("compression.type is another one"));
        }
        Ok(Becomes::Set("compression.level".to_owned(), level.clamp(least, 12).to_string()))
    }
}

fn word(kind: ClientKind) -> &'static str {
    match kind {
        ClientKind::Consumer => "consumer",
        ClientKind::Producer => "producer",
        ClientKind::Admin => "client for administration",
    }
}

/// Where to start without a committed offset.
fn offset_reset(full: &str, value: &str) -> Result<&'static str, Error> {
    match value.to_ascii_lowercase().as_str() {
        "earliest" => Ok("earliest"),
        "latest" => Ok("latest"),
        "none" | "error" => Ok("error"),
        _ => Err(setting(
            full,
            "must be earliest, latest or none (by_duration is not supported by librdkafka)",
        )),
    }
}

/// True when librdkafka knows `key` and takes `value`.
fn known(full: &str, key: &str, value: &str) -> Result<bool, Error> {
    match ClientConfig::new().set(key, value).create_native_config() {
        Ok(_) => Ok(true),
        Err(KafkaError::ClientConfig(RDKafkaConfRes::RD_KAFKA_CONF_UNKNOWN, ..)) => Ok(false),
        Err(error) => Err(setting(full, &reason(&error))),
    }
}

/// What is wrong with a value, of librdkafka's words only those that do not repeat it.
fn reason(error: &KafkaError) -> String {
    let KafkaError::ClientConfig(_, text, ..) = error else { return "the value cannot be used".to_owned() };
    if text.contains("not supported in this build") {
        return "is not built in".to_owned();
    }
    match text.split_once("outside allowed range ") {
        Some((_, range)) => format!("must be a number in the range {}", range.trim()),
        None => "the value cannot be used".to_owned(),
    }
}

/// What librdkafka says against the whole, which it has not said against its parts.
pub(super) fn refusal(settings: &Settings<'_>, config: &ClientConfig) -> Option<Error> {
    let error = config.create_native_config().err()?;
    let key = match &error {
        KafkaError::ClientConfig(_, _, key, _) => settings.name(key),
        _ => settings.name(PROTOCOL),
    };
    Some(setting(&key, &reason(&error)))
}

fn assignors(full: &str, value: &str) -> Result<String, Error> {
    let names: Result<Vec<&str>, Error> = value
        .split(',')
        .map(|class| match class.trim().rsplit('.').next().unwrap_or_default() {
            "RangeAssignor" | "range" => Ok("range"),
            "RoundRobinAssignor" | "roundrobin" => Ok("roundrobin"),
            // Eager stickiness does not exist in librdkafka; the cooperative one keeps the same promise and more.
            "CooperativeStickyAssignor" | "cooperative-sticky" | "StickyAssignor" => Ok("cooperative-sticky"),
            other => Err(setting(full, &format!("unknown assignor {other}"))),
        })
        .collect();
    let names = names?;
    // librdkafka cannot offer eager and cooperative assignors together; the cooperative one is the better of the two.
    let cooperative = names.contains(&"cooperative-sticky");
    Ok(if cooperative { "cooperative-sticky".to_owned() } else { names.join(",") })
}
