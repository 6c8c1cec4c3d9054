//! Keys and certificates as Kafka's `ssl.*` settings name them, for Kafka clients and for REST alike.
//!
//! Reads key stores and trust stores (PEM, PKCS12, JKS; what the file is decides, not what `ssl.*.type` says, as Java
//! reads both of its formats under either name) and gives OpenSSL's own types. It keeps nothing and opens no
//! connection; errors name the setting as the user wrote it and never hold a password or a key.

mod identity;
mod jks;
mod pem;
mod store;

use std::collections::BTreeMap;
use std::fmt;

use openssl::ssl::SslVersion;
use openssl::x509::X509;

use identity::Contents;
pub use identity::{Identity, certificates_pem};

/// A key or certificate that cannot be used. Trying again does not help until the setting or its file changes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {reason}")]
pub struct Error {
    /// The setting as the user wrote it, prefix included.
    pub key: String,
    /// What is wrong.
    pub reason: String,
}

/// A setting and what the user writes before its name (`consumer.override.`).
#[derive(Clone, Copy)]
pub struct Setting<'a> {
    /// The text; maybe a secret.
    pub value: &'a str,
    /// What stands before the key; may be empty.
    pub prefix: &'a str,
}

/// Settings by their keys without prefix.
#[derive(Clone, Default)]
pub struct Settings<'a>(BTreeMap<&'a str, Setting<'a>>);

impl fmt::Debug for Settings<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl<'a> Settings<'a> {
    /// Puts `properties`, written with `prefix`, over what is there.
    pub fn add(&mut self, prefix: &'a str, properties: &'a BTreeMap<String, String>) {
        let entries = properties.iter().map(|(key, value)| (key.as_str(), Setting { value, prefix }));
        self.0.extend(entries);
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, Setting<'a>)> + '_ {
        self.0.iter().map(|(key, setting)| (*key, *setting))
    }

    /// The text of a key that is set and not blank.
    pub fn get(&self, key: &str) -> Option<&'a str> {
        self.0.get(key).map(|setting| setting.value).filter(|value| !value.trim().is_empty())
    }

    /// The text of a key that is set, be it empty.
    pub fn written(&self, key: &str) -> Option<&'a str> {
        self.0.get(key).map(|setting| setting.value)
    }

    /// The key as the user wrote it; without a prefix when it is not set.
    pub fn name(&self, key: &str) -> String {
        format!("{}{key}", self.0.get(key).map_or("", |setting| setting.prefix))
    }

    /// An error of `key`.
    pub fn error(&self, key: &str, reason: impl Into<String>) -> Error {
        Error { key: self.name(key), reason: reason.into() }
    }
}

/// The identity of `ssl.keystore.*`; none when nothing names one.
pub fn identity(settings: &Settings<'_>) -> Result<Option<Identity>, Error> {
    const LOCATION: &str = "ssl.keystore.location";
    const KEY: &str = "ssl.keystore.key";
    const CHAIN: &str = "ssl.keystore.certificate.chain";
    let key_password = settings.get("ssl.key.password");
    let store_password = settings.get("ssl.keystore.password");
    match (settings.get(LOCATION), settings.get(KEY), settings.get(CHAIN)) {
        (None, None, None) => Ok(None),
        (None, Some(key), Some(chain)) => {
            let key = pem::key(key, key_password).map_err(|reason| settings.error(KEY, reason))?;
            let chain = pem::certificates(chain).map_err(|reason| settings.error(CHAIN, reason))?;
            let identity = identity::identity(key, &chain).map_err(|reason| settings.error(CHAIN, reason))?;
            Ok(Some(identity))
        }
        (Some(location), None, None) => {
            let contents = store::read(location, store_password, key_password);
            let contents = contents.map_err(|reason| settings.error(LOCATION, reason))?;
            let missing = || settings.error(LOCATION, format!("there is no private key in {location}"));
            let identity = contents.identity.ok_or_else(missing)?;
            identity.map(Some).map_err(|reason| settings.error(LOCATION, format!("{location}: {reason}")))
        }
        (None, Some(_), None) => Err(settings.error(KEY, format!("{CHAIN} must be set too"))),
        (None, None, Some(_)) => Err(settings.error(CHAIN, format!("{KEY} must be set too"))),
        (Some(_), ..) => {
            Err(settings.error(LOCATION, format!("set either this or {KEY} and {CHAIN}, not both")))
        }
    }
}

/// The first private key in the file `location` (PEM, PKCS12 or JKS) with its certificates. The error is a whole clause; it
/// names `setting` where the password is missing or wrong.
pub fn identity_in(location: &str, password: Option<&str>, setting: &str) -> Result<Identity, String> {
    let named = |reason: String| reason.replace("ssl.key.password", setting);
    let contents = store::read(location, password, None).map_err(named)?;
    let identity = contents.identity.ok_or_else(|| format!("there is no private key in {location}"))?;
    identity.map_err(|reason| format!("{location}: {}", named(reason)))
}

/// The certificates of `ssl.truststore.*`, none of them meaning the system's own.
pub fn trust(settings: &Settings<'_>) -> Result<Option<Vec<X509>>, Error> {
    const LOCATION: &str = "ssl.truststore.location";
    const INLINE: &str = "ssl.truststore.certificates";
    let (key, found) = match (settings.get(LOCATION), settings.get(INLINE)) {
        (None, None) => return Ok(None),
        (Some(_), Some(_)) => {
            return Err(settings.error(LOCATION, format!("set either this or {INLINE}, not both")));
        }
        (None, Some(text)) => (INLINE, pem::certificates(text)),
        (Some(location), None) => {
            let contents = store::read(location, settings.get("ssl.truststore.password"), None);
            (LOCATION, contents.map(|Contents { certificates, .. }| certificates))
        }
    };
    let certificates = found.map_err(|reason| settings.error(key, reason))?;
    if certificates.is_empty() {
        return Err(settings.error(key, "there is no certificate in it"));
    }
    Ok(Some(certificates))
}

/// False when `ssl.endpoint.identification.algorithm` is empty: the peer's name is not compared with its certificate.
pub fn checks_host_name(settings: &Settings<'_>) -> Result<bool, Error> {
    const KEY: &str = "ssl.endpoint.identification.algorithm";
    match settings.written(KEY).map(|text| text.trim().to_ascii_lowercase()).as_deref() {
        None | Some("https") => Ok(true),
        Some("" | "none") => Ok(false),
        Some(_) => Err(settings.error(KEY, "must be https, or empty to turn the check off")),
    }
}

/// The oldest and newest version of TLS in `ssl.enabled.protocols`; TLS 1.2 and 1.3 unless it is set.
pub fn protocols(settings: &Settings<'_>) -> Result<(SslVersion, SslVersion), Error> {
    const KEY: &str = "ssl.enabled.protocols";
    let Some(list) = settings.get(KEY) else { return Ok((SslVersion::TLS1_2, SslVersion::TLS1_3)) };
    let (mut has_2, mut has_3) = (false, false);
    for name in list.split(',').map(str::trim) {
        match name {
            "TLSv1.2" => has_2 = true,
            "TLSv1.3" => has_3 = true,
            // Broken long ago; Java refuses them too unless its security policy is changed.
            "SSLv3" | "TLSv1" | "TLSv1.1" => {}
            _ => return Err(settings.error(KEY, "must be a list of TLSv1.2 and TLSv1.3")),
        }
    }
    match (has_2, has_3) {
        (true, true) => Ok((SslVersion::TLS1_2, SslVersion::TLS1_3)),
        (true, false) => Ok((SslVersion::TLS1_2, SslVersion::TLS1_2)),
        (false, true) => Ok((SslVersion::TLS1_3, SslVersion::TLS1_3)),
        (false, false) => Err(settings.error(KEY, "must hold TLSv1.2 or TLSv1.3")),
    }
}

#[cfg(test)]
mod tests;
