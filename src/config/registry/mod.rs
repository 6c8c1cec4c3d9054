//! Settings of a schema registry, below `key.converter.` and the like, typed (`connect-runtime.md` §6.4).
//!
//! Read twice by the same code: when a connector is validated, for its errors, and when its converters are made. Key
//! stores are only named here; their files are read when the client is made.

mod credentials;
mod rows;

use super::errors::Problems;
use super::{Properties, plugins};
pub use credentials::{Credentials, OAuth};
pub(super) use rows::rows;
use std::collections::BTreeMap;
use std::time::Duration;
use url::Url;

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
    pub headers: Vec<(String, crate::secret::Secret)>,
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
    /// Reads the settings of a converter of `class`; none when the class needs no registry, or when something is wrong,
    /// which is then among `problems`. `prefix` is what stands before the keys: `value.converter.`.
    pub(super) fn read(
        class: &str,
        settings: &Properties,
        prefix: &str,
        problems: &mut Problems,
    ) -> Option<Self> {
        if !plugins::needs_registry(class) {
            return None;
        }
        let before = problems.0.len();
        let mut reader = Reader { settings, prefix, problems };
        let apicurio = plugins::is_apicurio(class);
        let urls_key = if apicurio { "apicurio.registry.url" } else { "schema.registry.url" };
        let (urls, user) = reader.urls(urls_key);
        let credentials = reader.credentials(apicurio, user);
        let proxy = reader.proxy();
        let millis = |reader: &Reader<'_>, key, default| Duration::from_millis(reader.number(key, default));
        let config = Self {
            protocol: reader.protocol(class),
            urls_key: format!("{prefix}{urls_key}"),
            credentials: credentials?,
            headers: reader.headers(),
            proxy,
            connect_timeout: millis(&reader, "http.connect.timeout.ms", 60_000),
            read_timeout: millis(&reader, "http.read.timeout.ms", 60_000),
            retries: u32::try_from(reader.number("max.retries", 3)).unwrap_or(u32::MAX),
            pauses: (
                millis(&reader, "retries.wait.ms", 1000),
                millis(&reader, "retries.max.wait.ms", 20_000),
            ),
            tls: reader.tls(),
            tls_prefix: format!("{prefix}schema.registry."),
            urls,
        };
        (!config.urls.is_empty() && problems.0.len() == before).then_some(config)
    }

    /// The files that it names, with the settings that name them.
    pub(super) fn files(&self) -> impl Iterator<Item = (String, &str)> {
        let named = ["ssl.keystore.location", "ssl.truststore.location"].into_iter();
        named.filter_map(|key| {
            let path = self.tls.get(key).filter(|path| !path.trim().is_empty())?;
            Some((format!("{}{key}", self.tls_prefix), path.as_str()))
        })
    }

    /// The same for a converter that is about to be made: what is wrong as one text.
    pub fn required(class: &str, settings: &Properties, prefix: &str) -> Result<Self, String> {
        let mut problems = Problems::default();
        Self::read(class, settings, prefix, &mut problems).ok_or_else(|| {
            let texts: Vec<_> = problems.0.into_iter().map(|problem| problem.message).collect();
            if texts.is_empty() { "the registry's address is missing".to_owned() } else { texts.join("\n") }
        })
    }
}

/// The settings of one converter, while they are read.
struct Reader<'a> {
    settings: &'a Properties,
    prefix: &'a str,
    problems: &'a mut Problems,
}

impl<'a> Reader<'a> {
    /// A setting that is not blank; the registry's own clients take most keys with `schema.registry.` before them too.
    fn text(&self, key: &str) -> Option<&'a str> {
        let long = format!("schema.registry.{key}");
        let found = self.settings.get(key).or_else(|| self.settings.get(&long));
        found.map(|text| text.trim()).filter(|text| !text.is_empty())
    }

    fn number(&self, key: &str, default: u64) -> u64 {
        self.text(key).and_then(|text| text.parse().ok()).unwrap_or(default)
    }

    /// The value is not repeated: it may hold a password.
    fn wrong(&mut self, key: &str, reason: &str) {
        let key = format!("{}{key}", self.prefix);
        self.problems.add(key.clone(), format!("Invalid value for configuration {key}: {reason}"));
    }

    /// The addresses, and the user and password of the first that has them.
    fn urls(&mut self, key: &str) -> (Vec<Url>, Option<(String, String)>) {
        let (mut urls, mut user) = (Vec::new(), None);
        let texts = self.settings.get(key).map_or("", String::as_str);
        for text in texts.split(',').map(str::trim).filter(|text| !text.is_empty()) {
            let parsed = Url::parse(text).ok();
            match parsed.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host()) {
                Some(mut url) => {
                    if let (name, Some(password)) = (decoded(url.username()), url.password()) {
                        user.get_or_insert((name, decoded(password)));
                    }
                    // Neither can fail on a URL with a host.
                    let cleaned = url.set_username("").and_then(|()| url.set_password(None));
                    url.set_query(None);
                    url.set_fragment(None);
                    if cleaned.is_ok() {
                        urls.push(url);
                    }
                }
                None => self.wrong(key, "must be a list of http:// or https:// addresses"),
            }
        }
        // That the key is missing is said by the table of keys.
        let is_blank =
            self.settings.contains_key(key) && texts.chars().all(|c| c == ',' || c.is_whitespace());
        if is_blank {
            self.wrong(key, "must name the registry's address");
        }
        (urls, user)
    }

    fn protocol(&self, class: &str) -> Protocol {
        // Apicurio's JSON converter has its own mind about the id.
        let may_choose = class != plugins::APICURIO_JSON_CONVERTER;
        let id = self.text("apicurio.registry.use-id").filter(|_| may_choose);
        if !plugins::is_apicurio(class) {
            Protocol::Confluent
        } else if id.is_some_and(|id| id.eq_ignore_ascii_case("contentId")) {
            Protocol::ApicurioContentId
        } else {
            Protocol::ApicurioGlobalId
        }
    }

    fn headers(&self) -> Vec<(String, crate::secret::Secret)> {
        let own = |(key, value): (&String, &String)| {
            let key = key.strip_prefix("schema.registry.").unwrap_or(key);
            let name = key.strip_prefix("request.header.").filter(|name| !name.is_empty())?;
            Some((name.to_owned(), crate::secret::Secret::new(value.trim())))
        };
        self.settings.iter().filter_map(own).collect()
    }

    fn proxy(&mut self) -> Option<String> {
        let host = self.text("proxy.host")?;
        let port = self.text("proxy.port").and_then(|port| port.parse::<u16>().ok()).filter(|port| *port > 0);
        let Some(port) = port else {
            self.wrong("proxy.port", "must be the port of proxy.host");
            return None;
        };
        let proxy = format!("http://{host}:{port}");
        if Url::parse(&proxy).is_err() {
            self.wrong("proxy.host", "must be a host name");
            return None;
        }
        Some(proxy)
    }

    fn tls(&self) -> Properties {
        let own = |(key, value): (&String, &String)| {
            let key = key.strip_prefix("schema.registry.")?;
            key.starts_with("ssl.").then(|| (key.to_owned(), value.clone()))
        };
        self.settings.iter().filter_map(own).collect::<BTreeMap<_, _>>()
    }
}

fn decoded(text: &str) -> String {
    // A URL's user part is escaped like a form's value, but for the plus sign.
    let query = format!("a={}", text.replace('+', "%2B"));
    url::form_urlencoded::parse(query.as_bytes()).map(|(_, value)| value.into_owned()).collect()
}

#[cfg(test)]
mod tests;
