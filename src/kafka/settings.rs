//! Connect's Java client properties, as the settings of librdkafka.
//!
//! Properties come in layers (worker defaults, `consumer.*`, `consumer.override.*`), later ones win. Keys that only
//! mean something to a JVM are left out; unknown ones are named in the log and left out, as Java clients do; a value
//! that cannot be used is an error that names the key as the user wrote it.

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaConfRes;

use super::Error;
use crate::config::Properties;

/// Properties and where they stand in the user's configuration (`consumer.override.`), for messages.
#[derive(Debug, Clone, Copy)]
pub struct Layer<'a> {
    /// What the user writes before these keys; may be empty.
    pub prefix: &'a str,
    /// The keys without that prefix.
    pub properties: &'a Properties,
}

/// Keys of Java clients that have no meaning here.
const JVM_ONLY: [&str; 13] = [
    "auto.include.jmx.reporter",
    "default.api.timeout.ms",
    "exclude.internal.topics",
    "interceptor.classes",
    "key.deserializer",
    "key.serializer",
    "max.poll.records",
    "metadata.recovery.strategy",
    "metric.reporters",
    "metrics.num.samples",
    "metrics.recording.level",
    "metrics.sample.window.ms",
    "value.deserializer",
];

/// Java name and librdkafka's name of the same thing.
const RENAMED: [(&str, &str); 4] = [
    ("fetch.max.wait.ms", "fetch.wait.max.ms"),
    ("receive.buffer.bytes", "socket.receive.buffer.bytes"),
    ("request.timeout.ms", "socket.timeout.ms"),
    ("send.buffer.bytes", "socket.send.buffer.bytes"),
];

/// Merges `layers` over `defaults` into one client configuration.
pub fn client_config(defaults: &[(&str, &str)], layers: &[Layer<'_>]) -> Result<ClientConfig, Error> {
    let mut config = ClientConfig::new();
    // Client telemetry costs 0.35 MiB a consumer and tells only the broker.
    config.set("enable.metrics.push", "false").set_log_level(RDKafkaLogLevel::Warning);
    for (key, value) in defaults {
        config.set(*key, *value);
    }
    for layer in layers {
        for (key, value) in layer.properties {
            let full = format!("{}{key}", layer.prefix);
            for (key, value) in translate(&full, key, value)? {
                if known(&full, &key, &value)? {
                    config.set(key, value);
                }
            }
        }
    }
    Ok(config)
}

/// The librdkafka settings that mean what `key=value` means to a Java client.
fn translate(full: &str, key: &str, value: &str) -> Result<Vec<(String, String)>, Error> {
    if JVM_ONLY.contains(&key) {
        return Ok(Vec::new());
    }
    if let Some((_, ours)) = RENAMED.iter().find(|(java, _)| *java == key) {
        return Ok(vec![((*ours).to_owned(), value.to_owned())]);
    }
    let one = |key: &str, value: &str| Ok(vec![(key.to_owned(), value.to_owned())]);
    match key {
        "security.protocol" => one(key, &value.trim().to_ascii_lowercase()),
        "auto.offset.reset" if value == "none" => one(key, "error"),
        "ssl.endpoint.identification.algorithm" if value.trim().is_empty() => one(key, "none"),
        "partition.assignment.strategy" => one(key, &assignors(full, value)?),
        "sasl.jaas.config" => jaas(full, value),
        "ssl.truststore.location" | "ssl.keystore.location"
            if value.to_ascii_lowercase().ends_with(".jks") =>
        {
            Err(setting(full, "Java key stores cannot be read; convert it to PKCS12 or PEM"))
        }
        "ssl.truststore.location" => one("ssl.ca.location", value),
        "ssl.truststore.certificates" => one("ssl.ca.pem", value),
        "ssl.truststore.password" | "ssl.truststore.type" | "ssl.keystore.type" => Ok(Vec::new()),
        "ssl.keystore.certificate.chain" => one("ssl.certificate.pem", value),
        "ssl.keystore.key" => one("ssl.key.pem", value),
        _ => one(key, value),
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

/// User and password of a JAAS line such as `…PlainLoginModule required username="u" password="p";`.
fn jaas(full: &str, value: &str) -> Result<Vec<(String, String)>, Error> {
    let option = |name: &str| {
        let start = value.find(&format!("{name}=\""))? + name.len() + 2;
        let mut text = String::new();
        let mut escaped = false;
        for c in value[start..].chars() {
            match c {
                '\\' if !escaped => escaped = true,
                '"' if !escaped => return Some(text),
                c => {
                    text.push(c);
                    escaped = false;
                }
            }
        }
        None
    };
    match (option("username"), option("password")) {
        (Some(user), Some(password)) => {
            Ok(vec![("sasl.username".to_owned(), user), ("sasl.password".to_owned(), password)])
        }
        _ => Err(setting(full, "only login modules with username=\"…\" password=\"…\" are understood")),
    }
}

fn setting(key: &str, reason: &str) -> Error {
    Error::Setting { key: key.to_owned(), reason: reason.to_owned() }
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

#[cfg(test)]
mod tests {
    use super::{Layer, client_config};
    use crate::config::Properties;

    fn properties(pairs: &[(&str, &str)]) -> Properties {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn later_layers_win_and_java_names_are_understood() {
        let worker =
            properties(&[("fetch.max.wait.ms", "100"), ("max.poll.records", "9"), ("client.id", "a")]);
        let connector = properties(&[
            ("client.id", "b"),
            ("security.protocol", "SASL_SSL"),
            ("partition.assignment.strategy", "org.apache.kafka.clients.consumer.RangeAssignor"),
            ("sasl.jaas.config", r#"x.PlainLoginModule required username="u" password="p\"q";"#),
            ("no.such.key", "1"),
        ]);
        let layers = [
            Layer { prefix: "consumer.", properties: &worker },
            Layer { prefix: "consumer.override.", properties: &connector },
        ];
        let config = client_config(&[("group.id", "connect-x")], &layers).unwrap();
        assert_eq!(config.get("fetch.wait.max.ms"), Some("100"));
        assert_eq!(config.get("client.id"), Some("b"));
        assert_eq!(config.get("security.protocol"), Some("sasl_ssl"));
        assert_eq!(config.get("partition.assignment.strategy"), Some("range"));
        assert_eq!(config.get("sasl.password"), Some("p\"q"));
        assert_eq!(config.get("max.poll.records"), None);
        assert_eq!(config.get("no.such.key"), None);
        assert_eq!(config.get("group.id"), Some("connect-x"));
    }

    #[test]
    fn a_bad_value_names_the_key_as_written_and_not_the_value() {
        let bad = properties(&[("fetch.min.bytes", "s3cret")]);
        let error =
            client_config(&[], &[Layer { prefix: "consumer.override.", properties: &bad }]).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("consumer.override.fetch.min.bytes"), "{text}");
        assert!(!text.contains("s3cret"), "{text}");
    }
}
