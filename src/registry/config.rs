//! Settings of a schema registry, below `key.converter.` and the like, typed (`connect-runtime.md` §6.4).
//!
//! Read twice by the same code: when a connector is validated, for its errors, and when its converters are made. Key
//! stores are only named here; their files are read when the client is made.

use super::credentials::{self, Credentials};
use super::settings::Reader;
use crate::configdef::{Problems, Properties, Values};
use crate::secret::Secret;
use std::time::Duration;
use url::Url;

/// Whose registry a converter asks, and how it may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegistryKind {
    /// Confluent's.
    Confluent,
    /// Apicurio's, by the id that the settings choose.
    Apicurio,
    /// Apicurio's, by global id whatever the settings say.
    ApicurioGlobalId,
}

/// Which registry's protocol is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// Confluent's, which Karapace and Apicurio (`/apis/ccompat/v7`) offer too.
    Confluent,
    /// Apicurio's own, asked by global id.
    ApicurioGlobalId,
    /// The same by content id.
    ApicurioContentId,
}

/// Where a schema registry is and how it is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryConfig {
    /// What it speaks.
    pub protocol: Protocol,
    /// Its addresses, at least one, without user and password: the next is asked when one does not answer.
    pub urls: Vec<Url>,
    /// The setting that names them, prefix included.
    pub urls_key: String,
    /// Who asks.
    pub credentials: Credentials,
    /// `request.header.*`; values may be secrets and are never printed.
    pub headers: Vec<(String, Secret)>,
    /// `proxy.host` and `proxy.port`.
    pub proxy: Option<String>,
    /// For connecting.
    pub connect_timeout: Duration,
    /// For an answer.
    pub read_timeout: Duration,
    /// How often all addresses are asked once more.
    pub retries: u32,
    /// The first and the longest pause before that.
    pub pauses: (Duration, Duration),
    /// `ssl.*`, without prefix.
    pub tls: Properties,
    /// What stands before `ssl.` in the settings.
    pub tls_prefix: String,
}

impl RegistryConfig {
    /// Reads the settings of a converter that asks a registry of this kind; none when something is wrong, which is then
    /// among `problems`.
    pub fn read(kind: RegistryKind, values: &Values<'_>, problems: &mut Problems) -> Option<Self> {
        let before = problems.0.len();
        let mut reader = Reader::new(values, problems);
        let apicurio = kind != RegistryKind::Confluent;
        let urls_key = if apicurio { "apicurio.registry.url" } else { "schema.registry.url" };
        let (urls, user) = reader.urls(urls_key);
        let credentials = if apicurio {
            credentials::of_apicurio(&mut reader)
        } else {
            credentials::of_confluent(&mut reader, user)
        };
        let millis = |reader: &Reader<'_>, key| Duration::from_millis(reader.number(key));
        let proxy = proxy(&mut reader);
        let config = Self {
            protocol: protocol(kind, &reader),
            urls_key: values.full_key(urls_key),
            credentials: credentials?,
            headers: headers(&reader),
            proxy,
            connect_timeout: millis(&reader, "http.connect.timeout.ms"),
            read_timeout: millis(&reader, "http.read.timeout.ms"),
            retries: u32::try_from(reader.number("max.retries")).unwrap_or(u32::MAX),
            pauses: (millis(&reader, "retries.wait.ms"), millis(&reader, "retries.max.wait.ms")),
            tls: tls(&reader),
            tls_prefix: values.full_key("schema.registry."),
            urls,
        };
        (!config.urls.is_empty() && problems.0.len() == before).then_some(config)
    }

    /// The files that it names, with the settings that name them.
    pub fn files(&self) -> impl Iterator<Item = (String, &str)> {
        let named = ["ssl.keystore.location", "ssl.truststore.location"].into_iter();
        named.filter_map(|key| {
            let path = self.tls.get(key).filter(|path| !path.trim().is_empty())?;
            Some((format!("{}{key}", self.tls_prefix), path.as_str()))
        })
    }
}

fn protocol(kind: RegistryKind, reader: &Reader<'_>) -> Protocol {
    let by_content =
        || reader.text("apicurio.registry.use-id").is_some_and(|id| id.eq_ignore_ascii_case("contentId"));
    match kind {
        RegistryKind::Confluent => Protocol::Confluent,
        RegistryKind::Apicurio if by_content() => Protocol::ApicurioContentId,
        RegistryKind::Apicurio | RegistryKind::ApicurioGlobalId => Protocol::ApicurioGlobalId,
    }
}

fn headers(reader: &Reader<'_>) -> Vec<(String, Secret)> {
    let own = |(key, value): (&String, &String)| {
        let key = key.strip_prefix("schema.registry.").unwrap_or(key);
        let name = key.strip_prefix("request.header.").filter(|name| !name.is_empty())?;
        Some((name.to_owned(), Secret::new(value.trim())))
    };
    reader.written.iter().filter_map(own).collect()
}

fn proxy(reader: &mut Reader<'_>) -> Option<String> {
    let host = reader.text("proxy.host")?;
    let port = reader.text("proxy.port").and_then(|port| port.parse::<u16>().ok()).filter(|port| *port > 0);
    let Some(port) = port else {
        reader.wrong("proxy.port", "must be the port of proxy.host");
        return None;
    };
    let proxy = format!("http://{host}:{port}");
    if Url::parse(&proxy).is_err() {
        reader.wrong("proxy.host", "must be a host name");
        return None;
    }
    Some(proxy)
}

fn tls(reader: &Reader<'_>) -> Properties {
    let own = |(key, value): (&String, &String)| {
        let key = key.strip_prefix("schema.registry.")?;
        key.starts_with("ssl.").then(|| (key.to_owned(), value.clone()))
    };
    reader.written.iter().filter_map(own).collect()
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
