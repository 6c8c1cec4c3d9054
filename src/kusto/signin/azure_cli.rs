//! `AZ_CLI`: whoever is signed in to the Azure CLI on the worker's machine; for development.

use super::cached::Cached;
use super::{AUTHORITY, Issuer, Login, Proof, SignIn, SignInRow};
use azure_core::credentials::TokenCredential;
use azure_identity::{AzureCliCredential, AzureCliCredentialOptions};
use std::sync::Arc;

const STRATEGY: &str = "AZ_CLI";

/// The way.
pub static ROW: SignInRow = SignInRow {
    names: [STRATEGY, "az_cli"],
    summary: "whoever is signed in to the Azure CLI (for development)",
    keys: &[],
    read: |reading, _| Some(Arc::new(AzureCli { tenant: reading.text(AUTHORITY) })),
};

/// Whoever is signed in to the Azure CLI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AzureCli {
    /// `aad.auth.authority`; the CLI's own tenant when not set.
    pub tenant: Option<String>,
}

impl SignIn for AzureCli {
    fn strategy(&self) -> &'static str {
        STRATEGY
    }

    fn is_of_worker(&self) -> bool {
        true
    }

    fn identity(&self) -> Option<String> {
        Some(format!("{STRATEGY} {}", self.tenant.as_deref().unwrap_or_default()))
    }

    fn proof(self: Arc<Self>) -> Proof {
        Proof::Issued(self)
    }
}

impl Issuer for AzureCli {
    fn credential(&self, _: &Login) -> azure_core::Result<Arc<dyn TokenCredential>> {
        let options = AzureCliCredentialOptions { tenant_id: self.tenant.clone(), ..Default::default() };
        Ok(Arc::new(Cached::new(AzureCliCredential::new(Some(options))?)))
    }

    fn settings_behind(&self, _: &str) -> &'static str {
        "aad.auth.strategy and aad.auth.authority, and sign in by az login"
    }

    /// What the CLI says is for a person to read.
    fn may_pass(&self, _: Option<u16>, _: &str) -> bool {
        false
    }
}
