//! Keys and certificates of REST: those below the listener's own prefix, or the worker's plain `ssl.*`.

use std::fmt;

use openssl::ssl::SslVersion;
use openssl::x509::X509;

use crate::config::tls::{self, Error, Identity, Settings};
use crate::configdef::{Problems, Properties, with_prefix};

/// Whether clients must show a certificate (`ssl.client.auth`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientAuth {
    /// They are not asked.
    None,
    /// They are asked; one that is shown must be right.
    Requested,
    /// Without one there is no connection.
    Required,
}

/// TLS of REST, as server and as client of other workers.
#[derive(Clone)]
pub struct ServerTls {
    /// The server's key and certificates.
    pub identity: Identity,
    /// Who signs the certificates of clients and of other workers; none means the system's authorities.
    pub trust: Option<Vec<X509>>,
    /// Whether clients must show a certificate.
    pub client_auth: ClientAuth,
    /// The oldest and newest version.
    pub protocols: (SslVersion, SslVersion),
    /// False when names in other workers' certificates are not checked.
    pub checks_host_name: bool,
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerTls")
            .field("identity", &self.identity)
            .field("client_auth", &self.client_auth)
            .finish_non_exhaustive()
    }
}

/// TLS of the listeners with `prefix`. If one key has the prefix, only keys with it count (`connect-runtime.md` §1.18).
pub(super) fn read(all: &Properties, prefix: &'static str, problems: &mut Problems) -> Option<ServerTls> {
    let own = with_prefix(all, prefix);
    let mut settings = Settings::default();
    if own.is_empty() {
        settings.add("", all);
    } else {
        settings.add(prefix, &own);
    }
    let tls = build(&settings, prefix);
    tls.map_err(|error| problems.add(error.key, error.reason)).ok()
}

fn build(settings: &Settings<'_>, prefix: &str) -> Result<ServerTls, Error> {
    let missing = || Error {
        key: format!("{prefix}ssl.keystore.location"),
        reason: "a listener with https needs a key store, here or in ssl.keystore.location".to_owned(),
    };
    let client_auth = match settings.get("ssl.client.auth").map(str::trim) {
        None | Some("none") => ClientAuth::None,
        Some("requested") => ClientAuth::Requested,
        Some("required") => ClientAuth::Required,
        Some(_) => return Err(settings.error("ssl.client.auth", "must be none, requested or required")),
    };
    Ok(ServerTls {
        identity: tls::identity(settings)?.ok_or_else(missing)?,
        trust: tls::trust(settings)?,
        client_auth,
        protocols: tls::protocols(settings)?,
        checks_host_name: tls::checks_host_name(settings)?,
    })
}
