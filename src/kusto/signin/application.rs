//! `APPLICATION`: a service principal with a client secret. With a certificate instead it is `certificate`'s, and an emulator
//! needs neither.

use super::certificate::Certificate;
use super::nobody::Nobody;
use super::principal::{self, Principal, STRATEGY};
use super::{
    APP_ID, AUTHORITY, CONNECTION, Issuer, Login, Proof, Reading, SignIn, SignInRow, certificate,
    note_missing,
};
use crate::configdef::Problems;
use crate::configdef::def::Check::Any;
use crate::configdef::def::Importance::{High, Low};
use crate::configdef::def::KeyType::{Password, String as Text};
use crate::configdef::def::Row;
use crate::configdef::def::RowDefault::Null;
use crate::configdef::def::Width::Medium;
use crate::secret::Secret;
use azure_core::credentials::TokenCredential;
use azure_identity::{ClientSecretCredential, ClientSecretCredentialOptions};
use std::sync::Arc;

const APP_KEY: &str = "aad.auth.appkey";

/// The way.
pub static ROW: SignInRow = SignInRow {
    names: [STRATEGY, "application"],
    summary: "a service principal with aad.auth.appkey or a certificate",
    keys: &KEYS,
    read,
};

#[rustfmt::skip] // a table: one row is one key
static KEYS: [Row; 3] = [
    Row(APP_KEY, Password, Null, Any, High, (CONNECTION, 2), Medium, "Kusto Auth AppKey",
        "The client secret of the service principal."),
    Row(certificate::PATH, Text, Null, Any, Low, (CONNECTION, 10), Medium, "Kusto Auth Certificate",
        "A file with the certificate of the service principal, who vouches for it, and its RSA key: PEM, PKCS12 or JKS. Instead of \
         aad.auth.appkey. It is read again for each sign-in."),
    Row(certificate::PASSWORD, Password, Null, Any, Low, (CONNECTION, 11), Medium, "Kusto Auth Certificate Password",
        "The password of that file, if it has one."),
];

/// A service principal with a client secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// Who it is.
    pub principal: Principal,
    /// `aad.auth.appkey`.
    pub key: Secret,
}

fn read(reading: &Reading<'_>, problems: &mut Problems) -> Option<Arc<dyn SignIn>> {
    let key = reading.values.secret(APP_KEY);
    let path = reading.values.filled(certificate::PATH);
    let (app_id, tenant) = (reading.text(APP_ID), reading.text(AUTHORITY));
    if reading.emulator && app_id.is_none() && key.is_none() && tenant.is_none() && path.is_none() {
        return Some(Arc::new(Nobody));
    }
    if key.is_none() && path.is_none() {
        note_missing(APP_KEY, STRATEGY, problems);
    }
    if app_id.is_none() {
        note_missing(APP_ID, STRATEGY, problems);
    }
    let principal = app_id.map(|app_id| Principal::new(app_id, tenant));
    let Some(path) = path else { return Some(Arc::new(Application { principal: principal?, key: key? })) };
    if key.is_some() {
        let both = format!(
            "Invalid value for configuration {}: set either this or {APP_KEY}, not both",
            certificate::PATH
        );
        problems.add(certificate::PATH, both);
    }
    let file = certificate::File::read_from(path, reading, problems);
    Some(Arc::new(Certificate { principal: principal?, file }))
}

impl SignIn for Application {
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

impl Issuer for Application {
    fn credential(&self, login: &Login) -> azure_core::Result<Arc<dyn TokenCredential>> {
        let Principal { app_id, tenant } = &self.principal;
        let key = azure_core::credentials::Secret::new(self.key.expose().to_owned());
        let options = ClientSecretCredentialOptions { client_options: login.options() };
        Ok(ClientSecretCredential::new(tenant, app_id.clone(), key, Some(options))?)
    }

    fn settings_behind(&self, refusal: &str) -> &'static str {
        if principal::has(refusal, &["AADSTS7000215", "AADSTS7000222", "AADSTS7000216"]) {
            return APP_KEY;
        }
        principal::setting_behind(refusal).unwrap_or("aad.auth.appid, aad.auth.appkey and aad.auth.authority")
    }
}

#[cfg(test)]
mod tests {
    use super::{Application, Issuer as _, Principal};
    use crate::secret::Secret;

    #[test]
    fn names_the_setting_behind_an_entra_error() {
        let principal = Principal::new("a".to_owned(), Some("t".to_owned()));
        let application = Application { principal, key: Secret::new("k") };
        for (text, name) in [
            ("AADSTS7000215: Invalid client secret provided.", "aad.auth.appkey"),
            ("AADSTS7000222: expired", "aad.auth.appkey"),
            ("AADSTS700016: Application not found", "aad.auth.appid"),
            ("AADSTS90002: Tenant not found", "aad.auth.authority"),
        ] {
            assert_eq!(application.settings_behind(text), name, "{text}");
        }
    }
}
