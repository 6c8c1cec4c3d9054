//! Connect's Java client properties, as the settings of librdkafka.
//!
//! Properties come in layers (worker defaults, `consumer.*`, `consumer.override.*`), later ones win, and only then are
//! they translated. Each is the same in both worlds, translated (`translate`, `sasl`, `ssl`), named in a note because it
//! has no effect or another one than it says, or an error that names the key as the user wrote it. Last of all the whole
//! is made to keep the rules that librdkafka has between settings (`fit`). Which layers a client has is decided in
//! `clients` alone; `check` says without making a client what making it would say.

mod assembled;
mod check;
mod clients;
mod fit;
mod kerberos;
#[cfg(test)]
mod kerberos_tests;
#[cfg(test)]
mod matrix_tests;
mod module;
mod sasl;
mod ssl;
mod table;
#[cfg(test)]
mod tests;
mod translate;

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;

use super::Error;
use crate::config::ClientKind;
use crate::config::tls::{self, Settings};
use crate::configdef::Properties;
use assembled::{Assembled, PROTOCOL, setting};
pub use assembled::{Note, NoteKind};
pub use check::{CheckedClient, CheckedWorker, connector as check_connector, worker as check_worker};
pub use clients::{
    admin, consumer, limit_by_the_broker, own, producer, same_group, session_timeout, storage,
};

/// Properties and where they stand in the user's configuration (`consumer.override.`), for messages.
#[derive(Debug, Clone, Copy)]
pub struct Layer<'a> {
    /// What the user writes before these keys; may be empty.
    pub prefix: &'a str,
    /// The keys without that prefix.
    pub properties: &'a Properties,
}

const RECEIVE: &str = "receive.message.max.bytes";
/// What a broker may send at once, and what a batch may be when it is decompressed. Not more: larger numbers are what the
/// first bytes of a TLS alert (352,518,912) and of an HTTP answer read as, when a port is not Kafka's.
const MOST_RECEIVED: i64 = 350_000_000;
/// What an answer may be larger than what was asked for.
const FRAME: i64 = 512;

/// Merges `layers` over `defaults` into one configuration for a client of this kind.
pub fn client_config(
    kind: ClientKind,
    defaults: &[(&str, &str)],
    layers: &[Layer<'_>],
) -> Result<ClientConfig, Error> {
    assemble(kind, defaults, layers).finish()
}

fn assemble(kind: ClientKind, defaults: &[(&str, &str)], layers: &[Layer<'_>]) -> Assembled {
    let settings = merged(layers);
    let mut config = ClientConfig::new();
    // Client telemetry costs 0.35 MiB a consumer and tells only the broker.
    config.set("enable.metrics.push", "false").set_log_level(RDKafkaLogLevel::Warning);
    for (key, value) in defaults {
        config.set(*key, *value);
    }
    let mut assembled = Assembled { config, errors: Vec::new(), notes: Vec::new() };
    translate::all(kind, &settings, &mut assembled);
    match protocol(&settings) {
        Ok(protocol) => {
            assembled.config.set(PROTOCOL, &protocol);
            if protocol.contains("ssl") {
                assembled.errors.extend(ssl::apply(&settings, &mut assembled.config).err());
            }
            if protocol.contains("sasl") {
                assembled.errors.extend(sasl::apply(&settings, &mut assembled.config).err());
            }
        }
        Err(error) => assembled.errors.push(error),
    }
    receive_all(&mut assembled.config);
    fit::apply(kind, &settings, &mut assembled);
    if assembled.errors.is_empty() {
        assembled.errors.extend(translate::refusal(&settings, &assembled.config));
    }
    assembled
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
