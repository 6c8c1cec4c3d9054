//! The settings of REST, typed: where it listens, how it is protected, by which address others reach it
//! (`connect-runtime.md` §1.18).
//!
//! Files that these settings name (key stores, users) are read here, once, at the start.

mod basic_auth;
mod cors;
mod headers;
mod listener;
mod metrics;
mod tls;

use std::collections::BTreeMap;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;

use crate::configdef::{Problems, Properties, Values};
pub use basic_auth::Users;
pub use cors::Cors;
pub use headers::{HeaderAction, HeaderRule};
pub use listener::{Listener, Scheme};
pub use metrics::{METRIC_NAMES, MetricsConfig};
pub use tls::{ClientAuth, ServerTls};

/// Where the resources for administration (loggers) are served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdminListeners {
    /// With everything else.
    WithOthers,
    /// Nowhere: they are not found.
    Off,
    /// Only there.
    Separate(Vec<Listener>),
}

/// The settings of REST.
#[derive(Debug, Clone)]
pub struct RestConfig {
    /// Where REST listens, at least one.
    pub listeners: Vec<Listener>,
    /// For the listeners with https; there when one has it.
    pub tls: Option<Arc<ServerTls>>,
    /// Where the resources for administration are served.
    pub admin: AdminListeners,
    /// For separate admin listeners with https.
    pub admin_tls: Option<Arc<ServerTls>>,
    /// `rest.advertised.listener`, else http when there is one.
    pub advertised_scheme: Scheme,
    /// `rest.advertised.host.name`.
    pub advertised_host: Option<String>,
    /// `rest.advertised.port`.
    pub advertised_port: Option<u16>,
    /// Who may call; none when anyone may.
    pub users: Option<Arc<Users>>,
    /// What pages of other origins may do; none when nothing.
    pub cors: Option<Cors>,
    /// Whether the page `/ui` is served.
    pub page: bool,
    /// Headers that go into every answer.
    pub response_headers: Vec<HeaderRule>,
}

impl RestConfig {
    /// Reads the settings; none when one of them is wrong.
    pub(super) fn read(
        values: &Values<'_>,
        all: &Properties,
        env: &BTreeMap<String, String>,
        problems: &mut Problems,
    ) -> Option<Self> {
        let listeners = listener::read("listeners", values, problems);
        let admin = admin(values, problems);
        let tls_of = |listeners: &[Listener], prefix: &'static str, problems: &mut Problems| {
            let any_https = listeners.iter().any(|listener| listener.scheme == Scheme::Https);
            if any_https {
                tls::read(all, prefix, problems).map(|tls| Some(Arc::new(tls)))
            } else {
                Some(None)
            }
        };
        let tls = tls_of(listeners.as_deref().unwrap_or_default(), "listeners.https.", problems);
        let admin_tls = match &admin {
            Some(AdminListeners::Separate(listeners)) => {
                tls_of(listeners, "admin.listeners.https.", problems)
            }
            _ => Some(None),
        };
        let users = basic_auth::read(values, env, problems);
        let response_headers = headers::read(values, problems);
        let listeners = listeners?;
        let any_http = listeners.iter().any(|listener| listener.scheme == Scheme::Http);
        let advertised_scheme = match values.filled("rest.advertised.listener").map(str::to_ascii_lowercase) {
            Some(text) if text == "https" => Scheme::Https,
            None if !any_http => Scheme::Https,
            _ => Scheme::Http,
        };
        if !listeners.iter().any(|listener| listener.scheme == advertised_scheme) {
            let detail = "no entry of listeners has this scheme";
            problems.invalid("rest.advertised.listener", advertised_scheme.as_str(), detail);
        }
        Some(Self {
            listeners,
            tls: tls?,
            admin: admin?,
            admin_tls: admin_tls?,
            advertised_scheme,
            advertised_host: values.filled("rest.advertised.host.name").map(str::to_owned),
            advertised_port: values.number("rest.advertised.port").and_then(|port| u16::try_from(port).ok()),
            users,
            cors: Cors::read(values),
            page: values.flag("ui.enable").unwrap_or(true),
            response_headers: response_headers?,
        })
    }

    /// The URL by which other workers and clients reach this one, `http://host:port/`; `bound` is what the listeners
    /// got, in their order, and gives the port unless `rest.advertised.port` does.
    pub fn advertised_url(&self, bound: &[SocketAddr]) -> String {
        format!("{}://{}/", self.advertised_scheme.as_str(), self.advertised_address(bound))
    }

    /// The same without scheme and slash, which is the worker's id.
    pub fn advertised_address(&self, bound: &[SocketAddr]) -> String {
        let at = self.listeners.iter().position(|listener| listener.scheme == self.advertised_scheme);
        let at = at.unwrap_or_default();
        // Connect would advertise 0.0.0.0 as it is, which nobody can reach.
        let is_one = |host: &String| !["", "0.0.0.0", "::"].contains(&host.as_str());
        let listened = self.listeners.get(at).map(|listener| listener.host.clone()).filter(is_one);
        let host = self.advertised_host.clone().or(listened).unwrap_or_else(machine_address);
        // An IPv6 address needs brackets in front of a port.
        let host = if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host };
        let port = self.advertised_port.or_else(|| bound.get(at).map(SocketAddr::port));
        format!("{host}:{}", port.unwrap_or_default())
    }
}

/// Not set, empty, or a list.
fn admin(values: &Values<'_>, problems: &mut Problems) -> Option<AdminListeners> {
    let key = "admin.listeners";
    if !values.is_written(key) {
        return Some(AdminListeners::WithOthers);
    }
    if values.list(key).iter().all(String::is_empty) {
        return Some(AdminListeners::Off);
    }
    listener::read(key, values, problems).map(AdminListeners::Separate)
}

/// The address that the machine's packets leave from, else its name. Nothing is sent: connecting a UDP socket only
/// chooses a route (to an address that is reserved for documentation).
fn machine_address() -> String {
    let routed = UdpSocket::bind("0.0.0.0:0").and_then(|socket| {
        socket.connect("192.0.2.1:9")?;
        socket.local_addr()
    });
    if let Ok(address) = routed {
        return address.ip().to_string();
    }
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    if name.is_empty() { "localhost".to_owned() } else { name.to_owned() }
}
