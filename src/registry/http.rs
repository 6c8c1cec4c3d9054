//! The HTTP client of a registry, with its certificates, its proxy and its limits.

use super::Error;
use super::config::RegistryConfig;
use crate::bounded;
use crate::config::is_loopback;
use crate::config::tls::{self, Settings};
use reqwest::{Certificate, Client, Identity, Proxy};

/// No schema is larger; what is cannot be one.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// Makes the client; reads the files of key stores.
pub(super) fn client(config: &RegistryConfig) -> Result<Client, Error> {
    let mut builder = Client::builder()
        .user_agent(concat!("kusto-connect/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(config.connect_timeout)
        .timeout(config.read_timeout.saturating_add(config.connect_timeout))
        // A redirect would carry a password to a place nobody checked.
        .redirect(reqwest::redirect::Policy::none());
    let mut settings = Settings::default();
    settings.add(&config.tls_prefix, &config.tls);
    let setup = |key: &str| {
        let key = settings.name(key);
        move |reason: String| Error::Setup { key: key.clone(), reason }
    };
    let of_tls = |error: tls::Error| Error::Setup { key: error.key, reason: error.reason };
    if let Some(certificates) = tls::trust(&settings).map_err(of_tls)? {
        let wrong = setup("ssl.truststore.location");
        let of = |certificate: openssl::x509::X509| {
            let der = certificate.to_der().map_err(|error| wrong(error.to_string()))?;
            Certificate::from_der(&der).map_err(|error| wrong(chain(&error)))
        };
        // As in Java, a trust store stands for the system's.
        builder = builder.tls_certs_only(certificates.into_iter().map(of).collect::<Result<Vec<_>, _>>()?);
    }
    if let Some(identity) = tls::identity(&settings).map_err(of_tls)? {
        let wrong = setup("ssl.keystore.location");
        let chain_pem = identity.chain_pem().map_err(|error| wrong(error.to_string()))?;
        let key_pem = identity.key_pem().map_err(|error| wrong(error.to_string()))?;
        let identity = Identity::from_pkcs8_pem(chain_pem.as_bytes(), key_pem.expose().as_bytes());
        builder = builder.identity(identity.map_err(|error| wrong(chain(&error)))?);
    }
    if !tls::checks_host_name(&settings).map_err(of_tls)? {
        builder = builder.tls_danger_accept_invalid_hostnames(true);
    }
    if let Some(proxy) = &config.proxy {
        let wrong = |error: reqwest::Error| Error::Setup {
            key: format!("{}proxy.host", config.tls_prefix),
            reason: chain(&error),
        };
        builder = builder.no_proxy().proxy(Proxy::all(proxy).map_err(wrong)?);
    } else if config.urls.iter().all(is_loopback) {
        builder = builder.no_proxy();
    }
    builder.build().map_err(|error| Error::Setup { key: config.urls_key.clone(), reason: chain(&error) })
}

/// The body, as long as it is no larger than a schema can be.
pub(super) async fn body(response: reqwest::Response) -> Result<Vec<u8>, String> {
    bounded::body(response, MOST_BYTES).await.map_err(broken)
}

/// Why a body was not read to its end.
pub(super) fn broken(error: bounded::Error) -> String {
    match error {
        bounded::Error::TooLong(_) => error.to_string(),
        bounded::Error::Broken(error) => chain(&error),
    }
}

/// An error with its causes, without the address, which may hold a password.
pub(super) fn chain(error: &reqwest::Error) -> String {
    let mut text = if error.is_timeout() { "none in time".to_owned() } else { String::new() };
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&error.to_string());
        cause = error.source();
    }
    if text.is_empty() { "the request could not be made".to_owned() } else { text }
}
