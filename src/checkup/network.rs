//! Is a host known, and does its port answer?

use super::check::{Finding, Inspection};
use std::io::ErrorKind;
use std::net::IpAddr;
use tokio::net::{TcpStream, lookup_host};

/// Addresses that are named.
const MOST_SHOWN: usize = 3;

/// A port of a host, and where the settings name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// A name or an address; of IPv6 without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The setting to look at.
    pub setting: String,
}

impl Place {
    /// From `host:port`, an address of IPv6 in brackets; none when it is not that.
    pub fn parse(text: &str, setting: &str) -> Option<Self> {
        let (host, port) = text.trim().rsplit_once(':')?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        Some(Self { host, port: port.parse().ok()?, setting: setting.to_owned() })
    }

    /// `host:port`.
    pub fn address(&self) -> String {
        let Self { host, port, .. } = self;
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }

    /// What lets this machine reach it.
    fn to_open(&self) -> String {
        let (address, setting) = (self.address(), &self.setting);
        format!("open {address} in the firewall or network security group, or correct {setting}")
    }

    /// The name of the check of its host.
    pub fn dns_name(&self) -> String {
        format!("DNS {}", self.host)
    }

    /// The name of the check of its port.
    pub fn tcp_name(&self) -> String {
        format!("TCP {}", self.address())
    }

    /// The name of the check of its certificate.
    pub fn tls_name(&self) -> String {
        format!("TLS {}", self.address())
    }
}

/// Does the name have an address? None for an address.
pub fn dns(place: &Place) -> Option<Inspection> {
    if place.host.parse::<IpAddr>().is_ok() {
        return None;
    }
    let Place { host, port, setting } = place.clone();
    let advice =
        format!("correct the host in {setting}, or let this machine's DNS know it (getent hosts {host})");
    let late =
        format!("the DNS server of this machine does not answer: see /etc/resolv.conf; or correct {setting}");
    let work = async move {
        match lookup_host((host.as_str(), port)).await.map(Iterator::collect::<Vec<_>>) {
            Ok(found) if found.is_empty() => Finding::failed(format!("{host} has no address"), advice),
            Ok(found) => {
                let shown: Vec<_> = found.iter().take(MOST_SHOWN).map(|at| at.ip().to_string()).collect();
                Finding::good(shown.join(", "))
            }
            Err(error) => Finding::failed(format!("{host} is not known here: {error}"), advice),
        }
    };
    Some(Inspection::new(place.dns_name(), work).or_late(late))
}

/// Does the port take connections?
pub fn tcp(place: &Place) -> Inspection {
    let of_work = place.clone();
    let late = format!("something drops the packets: {}", place.to_open());
    let work = async move {
        match connect(&of_work).await {
            Ok(()) => Finding::good("the port is open"),
            Err((said, to_do)) => Finding::failed(said, to_do),
        }
    };
    Inspection::new(place.tcp_name(), work).after([place.dns_name()]).or_late(late)
}

/// Connects once, and lets go. An error says why that cannot be done, and what to do.
pub async fn connect(place: &Place) -> Result<(), (String, String)> {
    let Place { host, port, setting } = place;
    let Err(error) = TcpStream::connect((host.as_str(), *port)).await else { return Ok(()) };
    Err(match error.kind() {
        ErrorKind::ConnectionRefused => (
            "the connection is refused".to_owned(),
            format!(
                "nothing listens there, or a firewall refuses: start it, or correct host and port in {setting}"
            ),
        ),
        _ => (format!("no connection: {error}"), place.to_open()),
    })
}

#[cfg(test)]
mod tests {
    use super::Place;

    #[test]
    fn a_place_is_a_host_and_a_port() {
        let six = Place::parse("[::1]:9092", "k").unwrap();
        assert_eq!((six.host.as_str(), six.address().as_str()), ("::1", "[::1]:9092"));
        assert!(super::dns(&six).is_none());
        let named = Place::parse(" kafka:9092 ", "k").unwrap();
        assert_eq!((named.address().as_str(), named.tcp_name().as_str()), ("kafka:9092", "TCP kafka:9092"));
        assert_eq!(Place::parse("kafka", "k"), None);
    }
}
