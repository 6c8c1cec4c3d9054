//! What is the worker's own, and where a connector may take it: only where the worker's operator said.
//!
//! Who may create connectors does not own the worker. What is the worker's is the identity that its machine or pod has in
//! Azure, whoever is signed in to the Azure CLI there, the files of the machine, and the login of its own Kafka clients. A
//! connector may name the host that such a thing would be shown to, so each has its hosts: Azure's own with the scope that
//! belongs to them, the worker's own brokers, and what `worker.allow.identity.hosts` names. What a connector brings itself is
//! its own business. Pure: nothing is sent, read or resolved here. The same rules are asked when a connector is validated and
//! whenever a client is made, so that a value of a config provider that has changed is judged too.

mod kafka;
mod letters;
#[cfg(test)]
mod matrix_more_tests;
#[cfg(test)]
mod matrix_tests;

pub use kafka::check as check_kafka;
pub use kafka::{Layers, check_client};
pub use letters::check as check_letters;

use url::Url;

use super::allowed_paths::AllowedPaths;
use super::clouds::is_trusted;
use crate::configdef::{Problems, Values};

/// The worker's setting that names further hosts.
pub const HOSTS: &str = "worker.allow.identity.hosts";
/// The worker's setting that names folders.
pub const PATHS: &str = "worker.allow.paths";

/// What the operator of a worker lets connectors do with what is the worker's. By default: nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Custody {
    hosts: Vec<Grant>,
    paths: AllowedPaths,
}

/// One entry of `worker.allow.identity.hosts`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Grant {
    host: String,
    /// None: all of them.
    port: Option<u16>,
    /// Tokens of Azure for this scope; none: the worker's Kafka login, and tokens that are for ADX by themselves.
    scope: Option<String>,
}

impl Custody {
    /// From the worker's settings; none when one is wrong.
    pub(super) fn read(values: &Values<'_>, problems: &mut Problems) -> Option<Self> {
        let before = problems.0.len();
        let mut hosts = Vec::new();
        for entry in values.list(HOSTS).iter().filter(|entry| !entry.is_empty()) {
            match Grant::parse(entry) {
                Some(grant) => hosts.push(grant),
                None => problems.invalid(HOSTS, entry, "it must be host, host:port or host:port=scope"),
            }
        }
        let paths = AllowedPaths::parse(Some(&values.list(PATHS).join(",")));
        let paths = paths.map_err(|reason| problems.add(PATHS, format!("{PATHS}: {reason}"))).ok()?;
        (problems.0.len() == before).then_some(Self { hosts, paths })
    }

    /// For tests: these hosts, and no limit for files.
    #[cfg(test)]
    pub fn naming(entries: &[&str]) -> Self {
        let hosts = entries.iter().filter_map(|entry| Grant::parse(entry)).collect();
        Self { hosts, paths: AllowedPaths::default() }
    }

    fn of(&self, host: &str, port: u16) -> impl Iterator<Item = &Grant> {
        let host = host.trim_matches(['[', ']']).to_ascii_lowercase();
        self.hosts.iter().filter(move |grant| grant.host == host && grant.port.is_none_or(|own| own == port))
    }

    /// True when the operator lets the worker's Kafka login, its token files, and its tokens for ADX go to this host.
    pub fn lets_to(&self, host: &str, port: u16) -> bool {
        self.of(host, port).any(|grant| grant.scope.is_none())
    }

    /// True when the operator lets tokens of the worker's identity for `scope` go to this host.
    pub fn lets_token_to(&self, host: &str, port: u16, scope: &str) -> bool {
        let scope = resource(scope);
        self.of(host, port).any(|grant| grant.scope.as_deref().is_some_and(|own| resource(own) == scope))
    }

    /// Why a cluster at `url` may not have a token of the worker's identity for `resource`.
    pub fn objection_to_cluster(&self, url: &Url, resource: Option<&str>) -> Option<String> {
        (!self.lets_cluster(url, resource)).then(objection)
    }

    /// True when a cluster at `url` may have a token of the worker's identity: ADX itself, or a host that the operator named,
    /// for tokens that are for ADX by themselves or for `resource`.
    pub fn lets_cluster(&self, url: &Url, resource: Option<&str>) -> bool {
        let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else { return false };
        let is_adx = url.scheme() == "https" && is_trusted(host, None);
        is_adx
            || self.lets_to(host, port)
            || resource.is_some_and(|resource| self.lets_token_to(host, port, resource))
    }

    /// Why a connector may not name the file `path`.
    pub fn objection_to_file(&self, path: &str) -> Option<String> {
        let admitted = self.paths.admit(path.trim()).is_some();
        (!admitted).then(|| format!("the worker's operator lets connectors read files only below {PATHS}"))
    }

    /// Why a connector may not send what is in the file `path`: of files that leave the machine only those may be named whose
    /// folder the operator has given away.
    pub fn objection_to_token_file(&self, path: &str) -> Option<String> {
        if self.paths.is_limited() {
            return self.objection_to_file(path);
        }
        Some(format!(
            "a token in a file of the worker's machine is the worker's: its operator must name the folder in {PATHS}"
        ))
    }
}

/// Why a host gets no token of the worker's identity.
fn objection() -> String {
    format!(
        "aad.auth.strategy asks for a token of the worker's own identity, which goes to known Kusto hosts by https, and to \
         others only if the worker's operator names them in {HOSTS}"
    )
}

impl Grant {
    fn parse(entry: &str) -> Option<Self> {
        let (place, scope) = match entry.split_once('=') {
            Some((place, scope)) => {
                (place, Some(scope.trim().to_owned()).filter(|scope| !scope.is_empty())?.into())
            }
            None => (entry, None),
        };
        let (host, port) = host_and_port(place.trim())?;
        Some(Self { host, port, scope })
    }
}

/// Host (lower case, without brackets) and port of `host:port`, `[address]:port`, or either without port; none when it is
/// anything else, so that what one reader takes for the host is never another's path or user.
pub(super) fn host_and_port(text: &str) -> Option<(String, Option<u16>)> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let is_address = |c: char| c.is_ascii_hexdigit() || ":.".contains(c);
    let (host, rest, fits) = if let Some(behind) = text.strip_prefix('[') {
        let (host, rest) = behind.split_once(']')?;
        (host, rest, host.chars().all(is_address))
    } else {
        let (host, rest) = text.split_at(text.find(':').unwrap_or(text.len()));
        (host, rest, host.chars().all(is_name))
    };
    let port = match rest.strip_prefix(':') {
        Some(port) => Some(port.parse().ok().filter(|_| port.bytes().all(|b| b.is_ascii_digit()))?),
        None if rest.is_empty() => None,
        None => return None,
    };
    (fits && !host.is_empty()).then(|| (host.to_ascii_lowercase(), port))
}

/// A scope without what says that all of the resource is meant.
pub(super) fn resource(scope: &str) -> &str {
    let scope = scope.trim();
    scope.strip_suffix("/.default").unwrap_or(scope).trim_end_matches('/')
}

#[cfg(test)]
mod tests {
    use super::{Custody, Grant, host_and_port, resource};
    use url::Url;

    #[test]
    fn a_place_is_a_host_and_a_port_and_nothing_else() {
        for (text, host, port) in [
            ("Kafka.Example:9093", "kafka.example", Some(9093)),
            ("localhost", "localhost", None),
            ("[::1]:8080", "::1", Some(8080)),
            ("10.0.0.1:1", "10.0.0.1", Some(1)),
        ] {
            assert_eq!(host_and_port(text), Some((host.to_owned(), port)), "{text}");
        }
        for text in [
            "",
            ":1",
            "a:b",
            "a:70000",
            "a:+1",
            "SSL://a:1",
            "u@a:1",
            "a/b:1",
            "a:1 b:1",
            "[::1",
            "[::1]x",
            "a b",
            "é",
        ] {
            assert_eq!(host_and_port(text), None, "{text}");
        }
    }

    #[test]
    fn a_scope_is_for_its_host_alone_and_no_scope_for_no_token() {
        let custody =
            Custody::naming(&["kafka.corp:9093=api://kafka/.default", "kafka.corp:9092", "localhost"]);
        assert!(custody.lets_token_to("KAFKA.corp", 9093, "api://kafka"));
        assert!(!custody.lets_token_to("kafka.corp", 9093, "https://management.azure.com/.default"));
        assert!(!custody.lets_token_to("kafka.corp", 9092, "api://kafka"));
        assert!(custody.lets_to("kafka.corp", 9092) && !custody.lets_to("kafka.corp", 9093));
        assert!(custody.lets_to("localhost", 1) && !custody.lets_to("127.0.0.1", 1));
        assert_eq!(
            resource("https://ns.servicebus.windows.net/.default"),
            "https://ns.servicebus.windows.net"
        );
        assert_eq!(Grant::parse("a:1="), None);
    }

    #[test]
    fn clusters_are_adx_or_named_by_the_operator() {
        let custody = Custody::naming(&["localhost:8080", "adx.corp=https://kusto.corp"]);
        let lets = |url: &str, resource| custody.lets_cluster(&Url::parse(url).unwrap(), resource);
        assert!(lets("https://ingest-c.westeurope.kusto.windows.net", None));
        assert!(lets("http://localhost:8080", None));
        assert!(
            lets("https://adx.corp", Some("https://kusto.corp/.default")) && !lets("https://adx.corp", None)
        );
        for url in [
            "http://c.kusto.windows.net",
            "http://localhost:8081",
            "http://127.0.0.1:8080",
            "https://evil.example",
        ] {
            assert!(!lets(url, None), "{url}");
        }
    }
}
