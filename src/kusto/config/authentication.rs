//! Who we are for Azure: `aad.auth.*` (`kusto-sink-connector.md` §2.3, and ways in of our own).
//!
//! Checks that each strategy has what it needs, all at once. A certificate's file is read here to see that it can be, and
//! again for each sign-in; nothing of it is kept.

use std::sync::Arc;

use openssl::pkey::Id;

use crate::config::Custody;
use crate::config::tls::{self, Identity};
use crate::configdef::{Problems, Values};
use crate::secret::Secret;

const APP_ID: &str = "aad.auth.appid";
const APP_KEY: &str = "aad.auth.appkey";
const CERTIFICATE: &str = "aad.auth.certificate.path";
const PASSWORD: &str = "aad.auth.certificate.password";

/// The tenant of a service principal that names none, as the JVM connector has it.
const ANY_TENANT: &str = "organizations";

/// Who we are for the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authentication {
    /// A service principal with a client secret.
    Application {
        /// `aad.auth.appid`.
        app_id: String,
        /// `aad.auth.appkey`.
        key: Secret,
        /// `aad.auth.authority`; `organizations` when not set, as the JVM connector does.
        tenant: String,
    },
    /// A service principal with a certificate.
    Certificate {
        /// `aad.auth.appid`.
        app_id: String,
        /// Where its certificate is.
        file: CertificateFile,
        /// `aad.auth.authority`; `organizations` when not set.
        tenant: String,
    },
    /// The machine's identity.
    ManagedIdentity {
        /// `aad.auth.appid` of a user-assigned identity; none means the system-assigned one.
        client_id: Option<String>,
    },
    /// A federated token file named by the `AZURE_*` variables.
    WorkloadIdentity,
    /// Whoever is signed in to the Azure CLI; for development.
    AzureCli {
        /// `aad.auth.authority`; the CLI's own tenant when not set.
        tenant: Option<String>,
    },
    /// A fixed bearer token, for development.
    DevToken(Secret),
    /// No credentials; only with loopback URLs, or plain http where the worker allows it.
    None,
}

impl Authentication {
    /// True for who the worker is, not the connector: its machine's or pod's identity, whoever is signed in to the CLI there.
    pub fn is_of_worker(&self) -> bool {
        matches!(self, Self::ManagedIdentity { .. } | Self::WorkloadIdentity | Self::AzureCli { .. })
    }
}

/// A file with a private key and its certificates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFile {
    /// `aad.auth.certificate.path`.
    pub path: Arc<str>,
    /// `aad.auth.certificate.password`.
    pub password: Option<Secret>,
}

impl CertificateFile {
    /// Reads it. The error is a whole clause with the path.
    pub fn read(&self) -> Result<Identity, String> {
        let password = self.password.as_ref().map(Secret::expose);
        let identity = tls::identity_in(&self.path, password, PASSWORD)?;
        if identity.key.id() != Id::RSA {
            return Err(format!("{}: the private key is no RSA key, and Entra takes no other", self.path));
        }
        Ok(identity)
    }
}

/// Reads the strategy and what it needs. `emulator`: neither URL can be a real cluster's.
pub(super) fn read(
    values: &Values<'_>,
    emulator: bool,
    custody: &Custody,
    problems: &mut Problems,
) -> Option<Authentication> {
    let strategy = values.text("aad.auth.strategy")?.to_ascii_uppercase();
    let app_id = values.filled(APP_ID).map(str::to_owned);
    let tenant = values.filled("aad.auth.authority").map(str::to_owned);
    match strategy.as_str() {
        "MANAGED_IDENTITY" => Some(Authentication::ManagedIdentity { client_id: app_id }),
        "WORKLOAD_IDENTITY" => Some(Authentication::WorkloadIdentity),
        "AZ_CLI" => Some(Authentication::AzureCli { tenant }),
        "AZ_DEV_TOKEN" => {
            let token = values.secret("aad.auth.accesstoken");
            if token.is_none() {
                problems.add("aad.auth.accesstoken", missing("aad.auth.accesstoken", &strategy));
            }
            token.map(Authentication::DevToken)
        }
        // The table let no other strategy than APPLICATION through to here.
        _ => application(values, (app_id, tenant), emulator, custody, problems),
    }
}

/// A service principal: with a certificate, a key, or on an emulator nothing.
fn application(
    values: &Values<'_>,
    (app_id, tenant): (Option<String>, Option<String>),
    emulator: bool,
    custody: &Custody,
    problems: &mut Problems,
) -> Option<Authentication> {
    let key = values.secret(APP_KEY);
    let path = values.filled(CERTIFICATE);
    if emulator && app_id.is_none() && key.is_none() && tenant.is_none() && path.is_none() {
        return Some(Authentication::None);
    }
    if key.is_none() && path.is_none() {
        problems.add(APP_KEY, missing(APP_KEY, "APPLICATION"));
    }
    if app_id.is_none() {
        problems.add(APP_ID, missing(APP_ID, "APPLICATION"));
    }
    let tenant = tenant.unwrap_or_else(|| ANY_TENANT.to_owned());
    let Some(path) = path else {
        return Some(Authentication::Application { app_id: app_id?, key: key?, tenant });
    };
    if key.is_some() {
        problems.add(
            CERTIFICATE,
            format!("Invalid value for configuration {CERTIFICATE}: set either this or {APP_KEY}, not both"),
        );
    }
    let file = CertificateFile { path: path.into(), password: values.secret(PASSWORD) };
    let read = match custody.objection_to_file(path) {
        Some(reason) => Err(reason),
        None => file.read().map(drop),
    };
    if let Err(reason) = read {
        problems.add(CERTIFICATE, format!("Invalid value for configuration {CERTIFICATE}: {reason}"));
    }
    Some(Authentication::Certificate { app_id: app_id?, file, tenant })
}

fn missing(key: &str, strategy: &str) -> String {
    format!("Missing configuration \"{key}\", which aad.auth.strategy={strategy} needs.")
}
