//! How requests leave this machine: straight, by the proxy of the settings, or by one of the environment, as the HTTP client reads
//! that.

use crate::checkup::{Place, Proxy};
use crate::config::is_loopback;
use crate::kusto::config::KustoSinkConfig;
use crate::secret::Secret;
use hyper_util::client::proxy::matcher::Matcher;
use url::Url;

/// The variables that name a proxy, those that count first, for `https` and for `http`.
const OF_HTTPS: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
const OF_HTTP: [&str; 4] = ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];

/// Of one connector.
pub(super) enum Way {
    /// No proxy is asked.
    Straight,
    /// By `proxy.host`, whatever the place.
    Named(Url),
    /// By the environment's, for places that it names one for.
    Environment(Box<Matcher>),
}

impl Way {
    /// By the rule that the client has.
    pub(super) fn of(config: &KustoSinkConfig) -> Self {
        match &config.proxy {
            Some(proxy) => Self::Named(proxy.clone()),
            None if is_loopback(&config.ingestion_url) || is_loopback(&config.query_url) => Self::Straight,
            None => Self::Environment(Box::new(Matcher::from_env())),
        }
    }

    /// The proxy on the way to `url`, if there is one.
    pub(super) fn proxy_to(&self, url: &Url) -> Option<Proxy> {
        let target = target(url)?;
        match self {
            Self::Straight => None,
            Self::Named(proxy) => Some(Proxy {
                place: place(proxy.host_str()?, proxy.port_or_known_default()?, "proxy.host"),
                login: None,
                to_sign_in:
                    "proxy.host takes no user and password: name the proxy in HTTPS_PROXY instead, as \
                             http://<user>:<password>@<host>:<port>"
                        .to_owned(),
                to_pass: format!("let the proxy's administrator open {target}, or correct proxy.host"),
            }),
            Self::Environment(matcher) => {
                let found = matcher.intercept(&url.as_str().parse().ok()?)?;
                let uri = found.uri();
                let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
                let setting = setting(url);
                Some(Proxy {
                    place: place(uri.host()?, port, setting),
                    login: found.basic_auth().and_then(|login| login.to_str().ok()).map(Secret::new),
                    to_sign_in: format!(
                        "write user and password into {setting}: http://<user>:<password>@<host>:<port>"
                    ),
                    to_pass: format!(
                        "let the proxy's administrator open {target}, or name {} in NO_PROXY if no proxy is needed there",
                        url.host_str().unwrap_or_default()
                    ),
                })
            }
        }
    }
}

/// `host:port` of `url`.
pub(super) fn target(url: &Url) -> Option<String> {
    Some(format!("{}:{}", url.host_str()?, url.port_or_known_default()?))
}

fn place(host: &str, port: u16, setting: &str) -> Place {
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    Place { host, port, setting: setting.to_owned() }
}

/// The variable that names the proxy to `url`.
fn setting(url: &Url) -> &'static str {
    let names = if url.scheme() == "https" { OF_HTTPS } else { OF_HTTP };
    let is_set = |name: &&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    names.into_iter().find(is_set).unwrap_or(names[0])
}
