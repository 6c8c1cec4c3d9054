//! Connect's Java client properties, as the settings of librdkafka.
//!
//! Properties come in layers (worker defaults, `consumer.*`, `consumer.override.*`), later ones win, and only then are
//! they translated. Each is the same in both worlds, translated (`table`, `sasl`, `ssl`), named in the log because it
//! has no effect, or an error that names the key as the user wrote it; keys that nobody knows are named in the log, as
//! Java clients do. Which layers a client has is decided in `clients` alone.

mod clients;
mod kerberos;
#[cfg(test)]
mod kerberos_tests;
mod sasl;
mod ssl;
mod table;
#[cfg(test)]
mod tests;

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaConfRes;

use super::Error;
use crate::config::Properties;
use crate::config::tls::{self, Setting, Settings};
pub use clients::{
    admin, consumer, limit_by_the_broker, own, producer, same_group, session_timeout, storage,
};
use table::{Treatment, treatment};

/// Properties and where they stand in the user's configuration (`consumer.override.`), for messages.
#[derive(Debug, Clone, Copy)]
pub struct Layer<'a> {
    /// What the user writes before these keys; may be empty.
    pub prefix: &'a str,
    /// The keys without that prefix.
    pub properties: &'a Properties,
}

const PROTOCOL: &str = "security.protocol";
const RECEIVE: &str = "receive.message.max.bytes";
/// What a broker may send at once, and what a batch may be when it is decompressed. Not more: larger numbers are what the
/// first bytes of a TLS alert (352,518,912) and of an HTTP answer read as, when a port is not Kafka's.
const MOST_RECEIVED: i64 = 350_000_000;
/// What an answer may be larger than what was asked for.
const FRAME: i64 = 512;

/// Merges `layers` over `defaults` into one client configuration.
pub fn client_config(defaults: &[(&str, &str)], layers: &[Layer<'_>]) -> Result<ClientConfig, Error> {
    let settings = merged(layers);
    let mut config = ClientConfig::new();
    // Client telemetry costs 0.35 MiB a consumer and tells only the broker.
    config.set("enable.metrics.push", "false").set_log_level(RDKafkaLogLevel::Warning);
    for (key, value) in defaults {
        config.set(*key, *value);
    }
    let has_room = |key: &str| key == PROTOCOL || sasl::is_own(key) || ssl::is_own(key);
    for (key, written) in settings.iter().filter(|(key, _)| !has_room(key)) {
        let full = format!("{}{key}", written.prefix);
        if let Some((key, value)) = translate(&full, key, written)?
            && known(&full, &key, &value)?
        {
            config.set(key, value);
        }
    }
    receive_all(&mut config);
    let protocol = protocol(&settings)?;
    config.set(PROTOCOL, &protocol);
    if protocol.contains("ssl") {
        ssl::apply(&settings, &mut config)?;
    }
    if protocol.contains("sasl") {
        sasl::apply(&settings, &mut config)?;
    }
    Ok(config)
}

/// Lets the client receive all that it may ask for, unless the user said how much that is.
fn receive_all(config: &mut ClientConfig) {
    let number = |key| config.get(key).and_then(|bytes| bytes.trim().parse::<i64>().ok()).unwrap_or(0);
    let fetched = number("fetch.max.bytes").max(number("message.max.bytes"));
    if config.get(RECEIVE).is_none() {
        config.set(RECEIVE, MOST_RECEIVED.max(fetched + FRAME).to_string());
    }
}

fn merged<'a>(layers: &[Layer<'a>]) -> Settings<'a> {
    let mut settings = Settings::default();
    for layer in layers {
        settings.add(layer.prefix, layer.properties);
    }
    settings
}

/// `security.protocol` in librdkafka's letters.
fn protocol(settings: &Settings<'_>) -> Result<String, Error> {
    let protocol = settings.get(PROTOCOL).unwrap_or("PLAINTEXT").trim().to_ascii_lowercase();
    if ["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"].contains(&protocol.as_str()) {
        Ok(protocol)
    } else {
        Err(setting(&settings.name(PROTOCOL), "must be PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL"))
    }
}

/// The librdkafka setting that means what `key` means to a Java client; none when it has no effect here.
fn translate(full: &str, key: &str, written: Setting<'_>) -> Result<Option<(String, String)>, Error> {
    let value = written.value.trim();
    let number = || value.parse::<i64>().map_err(|_| setting(full, "must be a whole number"));
    let one = |key: &str, value: String| Ok(Some((key.to_owned(), value)));
    match treatment(key) {
        Some(Treatment::Number(to, (least, most), unlimited)) => {
            let found = number()?;
            one(to, if found == -1 { unlimited } else { found.clamp(least, most) }.to_string())
        }
        Some(Treatment::Kibibytes(to)) => {
            one(to, (number()? / 1024).clamp(1, i64::from(i32::MAX)).to_string())
        }
        Some(Treatment::Renamed(to)) => one(to, value.to_owned()),
        Some(Treatment::Ignored(reason)) => {
            tracing::debug!(key = full, reason, "this Kafka client setting has no effect here");
            Ok(None)
        }
        Some(Treatment::Refused(reason)) if !value.is_empty() => Err(setting(full, reason)),
        Some(Treatment::Refused(_)) => Ok(None),
        None => match key {
            "auto.offset.reset" => one(key, offset_reset(full, value)?.to_owned()),
            "isolation.level" | "acks" | "compression.type" | "client.dns.lookup" | "group.protocol" => {
                one(key, value.to_ascii_lowercase())
            }
            "partition.assignment.strategy" => one(key, assignors(full, value)?),
            _ => one(key, written.value.to_owned()),
        },
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

/// True when librdkafka knows `key` and takes `value`; unknown keys are logged.
fn known(full: &str, key: &str, value: &str) -> Result<bool, Error> {
    match ClientConfig::new().set(key, value).create_native_config() {
        Ok(_) => Ok(true),
        Err(KafkaError::ClientConfig(RDKafkaConfRes::RD_KAFKA_CONF_UNKNOWN, ..)) => {
            tracing::warn!(key = full, "this Kafka client setting is not known here and is ignored");
            Ok(false)
        }
        // librdkafka's own text may repeat the value, which may be a secret.
        Err(_) => Err(setting(full, "the value cannot be used")),
    }
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

fn setting(key: &str, reason: &str) -> Error {
    Error::Setting { key: key.to_owned(), reason: reason.to_owned() }
}

impl From<tls::Error> for Error {
    fn from(error: tls::Error) -> Self {
        Self::Setting { key: error.key, reason: error.reason }
    }
}

/// librdkafka's own log lines, into ours.
pub fn log(level: RDKafkaLogLevel, facility: &str, message: &str) {
    use RDKafkaLogLevel as Level;
    match level {
        Level::Emerg | Level::Alert | Level::Critical | Level::Error => {
            tracing::error!(target: "librdkafka", facility, "{message}");
        }
        Level::Warning => tracing::warn!(target: "librdkafka", facility, "{message}"),
        Level::Notice | Level::Info => tracing::info!(target: "librdkafka", facility, "{message}"),
        Level::Debug => tracing::debug!(target: "librdkafka", facility, "{message}"),
    }
}
