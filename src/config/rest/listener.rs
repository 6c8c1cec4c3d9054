//! `scheme://host:port` of `listeners` and `admin.listeners`.

use crate::configdef::{Problems, Values};

/// How a listener talks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// In clear.
    Http,
    /// By TLS.
    Https,
}

impl Scheme {
    /// As in a URL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// Where REST listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// With or without TLS.
    pub scheme: Scheme,
    /// Host name or address without brackets; empty means all interfaces.
    pub host: String,
    /// The port; 0 means any free one.
    pub port: u16,
}

impl Listener {
    /// Host and port to bind: all interfaces when no host was given.
    pub fn bind_address(&self) -> (&str, u16) {
        (if self.host.is_empty() { "0.0.0.0" } else { &self.host }, self.port)
    }
}

/// The entries of `key`, at least one.
pub(super) fn read(key: &str, values: &Values<'_>, problems: &mut Problems) -> Option<Vec<Listener>> {
    let before = problems.0.len();
    let texts: Vec<_> = values.list(key).iter().filter(|text| !text.is_empty()).collect();
    if texts.is_empty() {
        problems.add(key, format!(
            "Invalid value for {key}, at least one URL is expected, ex: http://localhost:8080,https://localhost:8443."
        ));
    }
    let mut found = Vec::new();
    for text in texts {
        match listener(text) {
            Ok(listener) => found.push(listener),
            Err(detail) => problems.invalid(key, text, detail),
        }
    }
    (problems.0.len() == before).then_some(found)
}

/// The host may be missing, and an IPv6 address stands in brackets.
fn listener(text: &str) -> Result<Listener, &'static str> {
    let form = "must be http://host:port or https://host:port, where host may be left out";
    let (scheme, rest) = text.split_once("://").ok_or(form)?;
    let scheme = match scheme.to_ascii_lowercase().as_str() {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        _ => return Err("the scheme must be http or https"),
    };
    let (host, port) = rest.rsplit_once(':').ok_or(form)?;
    let host = host.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(host);
    if !host.chars().all(|c| c.is_ascii_alphanumeric() || "-%._:".contains(c)) {
        return Err(form);
    }
    let port = port.parse().map_err(|_| "the port must be a number from 0 to 65535")?;
    Ok(Listener { scheme, host: host.to_owned(), port })
}

#[cfg(test)]
mod tests {
    use super::{Listener, Scheme, listener};

    #[test]
    fn schemes_hosts_and_ports() {
        let good = |text| listener(text).map(|l: Listener| (l.scheme, l.host, l.port)).unwrap();
        assert_eq!(good("http://:8083"), (Scheme::Http, String::new(), 8083));
        assert_eq!(good("HTTPS://[::1]:0"), (Scheme::Https, "::1".to_owned(), 0));
        for text in ["ftp", "ftp://x:1", "http://x", "http://x:-1", "http://a b:1", "https://x:70000"] {
            assert!(listener(text).is_err(), "{text}");
        }
    }
}
