//! `MANAGED_IDENTITY`: the identity of the machine that the worker runs on, from the machine's own service.

use super::{APP_ID, Issuer, Login, Proof, SignIn, SignInRow};
use azure_core::credentials::TokenCredential;
use azure_identity::{ManagedIdentityCredential, ManagedIdentityCredentialOptions, UserAssignedId};
use std::sync::Arc;

const STRATEGY: &str = "MANAGED_IDENTITY";

/// The way.
pub static ROW: SignInRow = SignInRow {
    names: [STRATEGY, "managed_identity"],
    summary: "the identity of the worker's machine",
    keys: &[],
    read: |reading, _| Some(Arc::new(ManagedIdentity { client_id: reading.text(APP_ID) })),
};

/// The machine's identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagedIdentity {
    /// `aad.auth.appid` of a user-assigned identity; none means the system-assigned one.
    pub client_id: Option<String>,
}

impl SignIn for ManagedIdentity {
    fn strategy(&self) -> &'static str {
        STRATEGY
    }

    fn is_of_worker(&self) -> bool {
        true
    }

    fn principal(&self) -> Option<String> {
        self.client_id.as_ref().map(|client_id| format!("aadapp={client_id}"))
    }

    fn proof(self: Arc<Self>) -> Proof {
        Proof::Issued(self)
    }
}

impl Issuer for ManagedIdentity {
    fn credential(&self, login: &Login) -> azure_core::Result<Arc<dyn TokenCredential>> {
        // The crate tries the machine's service several times itself; our deadline ends that.
        Ok(ManagedIdentityCredential::new(Some(ManagedIdentityCredentialOptions {
            user_assigned_id: self.client_id.clone().map(UserAssignedId::ClientId),
            client_options: login.direct.clone(),
        }))?)
    }

    fn settings_behind(&self, _: &str) -> &'static str {
        "aad.auth.strategy and aad.auth.appid, and the identity assigned to this machine"
    }

    fn may_pass(&self, status: Option<u16>, text: &str) -> bool {
        // The machine's own service says 404 while it starts.
        status.is_none_or(|status| !matches!(status, 400 | 401 | 403) || text.contains("AADSTS90033"))
    }
}
