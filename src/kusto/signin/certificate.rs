//! A service principal with a certificate, where `APPLICATION` has one. Its file is read when the settings are, to see that it
//! can be, and again for each sign-in; nothing of it is kept.

use super::principal::{self, Principal, STRATEGY};
use super::signed_assertion::SignedAssertion;
use super::{Issuer, Login, Proof, Reading, SignIn};
use crate::config::tls::{self, Identity};
use crate::configdef::Problems;
use crate::secret::Secret;
use azure_core::credentials::TokenCredential;
use azure_core::error::ErrorKind;
use azure_identity::{ClientAssertionCredential, ClientAssertionCredentialOptions};
use openssl::asn1::Asn1Time;
use openssl::pkey::Id;
use std::sync::Arc;
use time::{Duration, OffsetDateTime};

/// Where the file is.
pub const PATH: &str = "aad.auth.certificate.path";
/// Its password.
pub const PASSWORD: &str = "aad.auth.certificate.password";

/// A service principal with a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Who it is.
    pub principal: Principal,
    /// Where its certificate is.
    pub file: File,
}

/// A file with a private key and its certificates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// `aad.auth.certificate.path`.
    pub path: Arc<str>,
    /// `aad.auth.certificate.password`.
    pub password: Option<Secret>,
}

impl File {
    /// The file of that path with the password of the settings. Notes why it cannot be read.
    pub fn read_from(path: &str, reading: &Reading<'_>, problems: &mut Problems) -> Self {
        let file = Self { path: path.into(), password: reading.values.secret(PASSWORD) };
        let read = match reading.custody.objection_to_file(path) {
            Some(reason) => Err(reason),
            None => file.identity().map(drop),
        };
        if let Err(reason) = read {
            problems.add(PATH, format!("Invalid value for configuration {PATH}: {reason}"));
        }
        file
    }

    /// Reads it. The error is a whole clause with the path.
    fn identity(&self) -> Result<Identity, String> {
        let password = self.password.as_ref().map(Secret::expose);
        let identity = tls::identity_in(&self.path, password, PASSWORD)?;
        if identity.key.id() != Id::RSA {
            return Err(format!("{}: the private key is no RSA key, and Entra takes no other", self.path));
        }
        Ok(identity)
    }
}

impl SignIn for Certificate {
    fn strategy(&self) -> &'static str {
        STRATEGY
    }

    fn principal(&self) -> Option<String> {
        Some(self.principal.in_kusto())
    }

    fn proof(self: Arc<Self>) -> Proof {
        Proof::Issued(self)
    }
}

impl Issuer for Certificate {
    fn credential(&self, login: &Login) -> azure_core::Result<Arc<dyn TokenCredential>> {
        let Principal { app_id, tenant } = &self.principal;
        let endpoint = format!("{}/{tenant}/oauth2/v2.0/token", login.authority());
        let assertion = self.file.identity().and_then(|identity| {
            SignedAssertion::new(identity, app_id, &endpoint)
                .map_err(|reason| format!("{}: {reason}", self.file.path))
        });
        let assertion =
            assertion.map_err(|reason| azure_core::Error::with_message(ErrorKind::Credential, reason))?;
        let options = ClientAssertionCredentialOptions { client_options: login.options() };
        Ok(ClientAssertionCredential::new(tenant.clone(), app_id.clone(), assertion, Some(options))?)
    }

    fn ends(&self) -> Option<OffsetDateTime> {
        let identity = self.file.identity().ok()?;
        let since = Asn1Time::from_unix(0).ok()?.diff(identity.chain.first()?.not_after()).ok()?;
        let since = Duration::days(since.days.into()).checked_add(Duration::seconds(since.secs.into()))?;
        OffsetDateTime::UNIX_EPOCH.checked_add(since)
    }

    fn settings_behind(&self, refusal: &str) -> &'static str {
        if principal::has(refusal, &["AADSTS700027", "AADSTS7000214", "AADSTS700030"]) {
            return PATH;
        }
        principal::setting_behind(refusal)
            .unwrap_or("aad.auth.appid, aad.auth.certificate.path and aad.auth.authority")
    }
}
