//! `proxy.host` and `proxy.port`: the HTTP proxy of a connector's calls to Azure (`kusto-sink-connector.md` §2.4).
//!
//! No I/O: whether the proxy is there shows when it is used.

use url::{Host, Url};

use crate::config::is_loopback;
use crate::configdef::{Problems, Values};

const HOST: &str = "proxy.host";
const PORT: &str = "proxy.port";

/// The proxy, if one is named. `plain`: a URL of the cluster is plain http, which is for this machine only, so that its tokens
/// must not go to a proxy elsewhere. A port alone means nothing, as with the JVM connector; a host alone is an error, where
/// that one goes without the proxy.
pub(super) fn read(values: &Values<'_>, plain: bool, problems: &mut Problems) -> Option<Url> {
    let host = values.filled(HOST).map(str::trim).filter(|host| !host.is_empty())?;
    let invalid = |key: &str, reason: &str| format!("Invalid value for configuration {key}: {reason}");
    let port = values.number(PORT)?;
    let Some(port) = u16::try_from(port).ok().filter(|port| *port > 0) else {
        problems.add(PORT, invalid(PORT, "proxy.host needs it; it must be a port, 1 to 65535"));
        return None;
    };
    let Some(url) = url(host, port) else {
        problems.add(
            HOST,
            invalid(HOST, "it must be a host's name or address alone, without http://, port and path"),
        );
        return None;
    };
    if plain && !is_loopback(&url) {
        problems.add(
            HOST,
            invalid(HOST, "a proxy elsewhere would see the tokens of kusto.ingestion.url or kusto.query.url, which is plain http"),
        );
    }
    Some(url)
}

fn url(host: &str, port: u16) -> Option<Url> {
    // An IPv6 address needs its brackets in a URL, and people write it without.
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let host = if bare.contains(':') { format!("[{bare}]") } else { host.to_owned() };
    let parsed = Host::parse(&host).ok()?;
    Url::parse(&format!("http://{parsed}:{port}")).ok()
}

#[cfg(test)]
mod tests {
    use crate::kusto::config::proxy::url;

    #[test]
    fn a_host_is_a_name_or_an_address() {
        for (host, expected) in [
            ("proxy.corp", "http://proxy.corp:3128/"),
            ("10.0.0.1", "http://10.0.0.1:3128/"),
            ("::1", "http://[::1]:3128/"),
            ("[::1]", "http://[::1]:3128/"),
        ] {
            assert_eq!(url(host, 3128).unwrap().as_str(), expected);
        }
        for host in ["http://proxy", "proxy:3128", "user@proxy", "proxy/path", "a b", ""] {
            assert_eq!(url(host, 3128), None, "{host}");
        }
    }
}
