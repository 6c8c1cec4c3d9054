//! TLS to the brokers: `ssl.*` of a Java client, as librdkafka's settings.
//!
//! Key stores and trust stores are read when the client is made and handed over as PEM, whatever their format.

use std::path::Path;

use openssl::ssl::{SslContextBuilder, SslMethod};
use rdkafka::ClientConfig;

use super::assembled::{PROTOCOL, setting};
use crate::config::files;
use crate::config::tls::{self, Settings};
use crate::kafka::Error;

/// Settings of Java's own TLS library without a meaning here.
const JVM_ONLY: [&str; 5] = [
    "ssl.keymanager.algorithm",
    "ssl.protocol",
    "ssl.provider",
    "ssl.secure.random.implementation",
    "ssl.trustmanager.algorithm",
];
/// These are about servers.
const SERVER_ONLY: [&str; 3] = ["ssl.client.auth", "ssl.principal.mapping.rules", "ssl.allow.dn.changes"];
const CIPHERS: &str = "ssl.cipher.suites";
const PROTOCOLS: &str = "ssl.enabled.protocols";
const ENGINE: &str = "ssl.engine.factory.class";

/// True for the keys that this room answers for; librdkafka's own names (`ssl.ca.location`) are not among them.
pub(super) fn is_own(key: &str) -> bool {
    JVM_ONLY.contains(&key)
        || SERVER_ONLY.contains(&key)
        || [CIPHERS, PROTOCOLS, ENGINE, "ssl.endpoint.identification.algorithm", "ssl.key.password"]
            .contains(&key)
        || key.starts_with("ssl.keystore.")
        || key.starts_with("ssl.truststore.")
}

/// Refuses what librdkafka would be given to read under its own names, and is no file to be read.
fn check_files(settings: &Settings<'_>) -> Result<(), Error> {
    const FILES: [&str; 5] = [
        "ssl.ca.location",
        "ssl.certificate.location",
        "ssl.crl.location",
        "ssl.key.location",
        "https.ca.location",
    ];
    for key in FILES {
        let Some(path) = settings.get(key).map(str::trim) else { continue };
        // Authorities may also be in a folder, or in the usual places.
        let is_place = key.ends_with(".ca.location") && (path == "probe" || Path::new(path).is_dir());
        if let Some(reason) = files::check(Path::new(path)).err().filter(|_| !is_place) {
            return Err(setting(&settings.name(key), &format!("{path} cannot be read: {reason}")));
        }
    }
    Ok(())
}

/// Sets keys, certificates and checks; called only when `security.protocol` is one of TLS.
pub(super) fn apply(settings: &Settings<'_>, config: &mut ClientConfig) -> Result<(), Error> {
    if settings.get(ENGINE).is_some() {
        return Err(setting(
            &settings.name(ENGINE),
            "Java classes are not loaded; use ssl.keystore.* and ssl.truststore.*",
        ));
    }
    let openssl = |key: &str| {
        let name = settings.name(key);
        move |error: openssl::error::ErrorStack| setting(&name, &error.to_string())
    };
    if let Some(certificates) = tls::trust(settings)? {
        let pem = tls::certificates_pem(&certificates).map_err(openssl("ssl.truststore.location"))?;
        config.set("ssl.ca.pem", pem);
    }
    if let Some(identity) = tls::identity(settings)? {
        config.set("ssl.certificate.pem", identity.chain_pem().map_err(openssl("ssl.keystore.location"))?);
        let key = identity.key_pem().map_err(openssl("ssl.keystore.location"))?;
        config.set("ssl.key.pem", key.expose());
    } else if let (Some(_), Some(password)) =
        (settings.get("ssl.key.location"), settings.get("ssl.key.password"))
    {
        // librdkafka's own names may be used too; this one is the same in both worlds.
        config.set("ssl.key.password", password);
    }
    let check = if tls::checks_host_name(settings)? { "https" } else { "none" };
    config.set("ssl.endpoint.identification.algorithm", check);
    if settings.get(PROTOCOLS).is_some() && tls::protocols(settings)? != tls::protocols(&Settings::default())?
    {
        tracing::warn!(
            key = settings.name(PROTOCOLS),
            "Kafka clients negotiate the best version from TLS 1.2 on; limit it at the broker"
        );
    }
    if let Some(list) = settings.get(CIPHERS)
        && let Some(ciphers) = ciphers(list).map_err(|reason| setting(&settings.name(CIPHERS), &reason))?
    {
        config.set(CIPHERS, ciphers);
    }
    lists(settings, config)?;
    check_files(settings)
}

/// Asks OpenSSL what librdkafka would ask it when the client is made.
fn lists(settings: &Settings<'_>, config: &ClientConfig) -> Result<(), Error> {
    type Set = fn(&mut SslContextBuilder, &str) -> Result<(), openssl::error::ErrorStack>;
    let failed = |key: &str| setting(&settings.name(key), "OpenSSL knows none of this list");
    let mut context = SslContextBuilder::new(SslMethod::tls_client()).map_err(|_| failed(PROTOCOL))?;
    let lists: [(&str, Set); 3] = [
        (CIPHERS, SslContextBuilder::set_cipher_list),
        ("ssl.curves.list", SslContextBuilder::set_groups_list),
        ("ssl.sigalgs.list", SslContextBuilder::set_sigalgs_list),
    ];
    for (key, set) in lists {
        if let Some(list) = config.get(key) {
            set(&mut context, list).map_err(|_| failed(key))?;
        }
    }
    Ok(())
}

/// OpenSSL's names of Java's cipher suites. Those of TLS 1.3 are always on; none when nothing else is in the list.
fn ciphers(list: &str) -> Result<Option<String>, String> {
    let mut names = Vec::new();
    for suite in list.split(',').map(str::trim).filter(|suite| !suite.is_empty()) {
        if ["TLS_AES_", "TLS_CHACHA20_"].iter().any(|new| suite.starts_with(new)) {
            continue;
        }
        match openssl::ssl::cipher_name(suite) {
            "(NONE)" if suite.starts_with("TLS_") => {
                return Err(format!("the cipher suite {suite} is not known to OpenSSL"));
            }
            "(NONE)" => names.push(suite),
            name => names.push(name),
        }
    }
    Ok((!names.is_empty()).then(|| names.join(":")))
}

#[cfg(test)]
mod tests {
    use super::ciphers;

    #[test]
    fn cipher_suites_get_openssls_names() {
        assert_eq!(
            ciphers("TLS_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
            Ok(Some("ECDHE-RSA-AES128-GCM-SHA256".to_owned()))
        );
        assert_eq!(ciphers("TLS_AES_128_GCM_SHA256"), Ok(None));
        assert!(ciphers("TLS_NO_SUCH_SUITE").unwrap_err().contains("TLS_NO_SUCH_SUITE"));
    }
}
