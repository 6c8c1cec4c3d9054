//! What is common to service principals: their tenant, their name in Kusto, and Entra's codes about them.

use super::{APP_ID, AUTHORITY};

/// The way of all of them, whatever proves who they are.
pub const STRATEGY: &str = "APPLICATION";

/// The tenant of a service principal that names none, as the JVM connector has it.
const ANY_TENANT: &str = "organizations";

/// A service principal: an application in a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// `aad.auth.appid`.
    pub app_id: String,
    /// `aad.auth.authority`; `organizations` when not set.
    pub tenant: String,
}

impl Principal {
    /// The application in that tenant, or in any.
    pub fn new(app_id: String, tenant: Option<String>) -> Self {
        Self { app_id, tenant: tenant.unwrap_or_else(|| ANY_TENANT.to_owned()) }
    }

    /// Its name in Kusto.
    pub fn in_kusto(&self) -> String {
        // Which of all tenants it is only the service knows.
        match &*self.tenant {
            ANY_TENANT => format!("aadapp={}", self.app_id),
            tenant => format!("aadapp={};{tenant}", self.app_id),
        }
    }
}

/// The setting behind a refusal that is not about the proof itself.
pub fn setting_behind(refusal: &str) -> Option<&'static str> {
    if has(refusal, &["AADSTS700016", "AADSTS700038", "AADSTS7000112"]) {
        Some(APP_ID)
    } else if has(refusal, &["AADSTS90002", "AADSTS900023", "AADSTS50059", "AADSTS900021", "tenant"]) {
        Some(AUTHORITY)
    } else {
        None
    }
}

/// True when a refusal has one of these codes.
pub fn has(refusal: &str, codes: &[&str]) -> bool {
    codes.iter().any(|code| refusal.contains(code))
}
