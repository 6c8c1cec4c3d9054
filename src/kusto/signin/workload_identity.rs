//! `WORKLOAD_IDENTITY`: the identity of the worker's pod, by the federated token file that the `AZURE_*` variables name.

use super::{Issuer, Login, Proof, SignIn, SignInRow};
use azure_core::credentials::TokenCredential;
use azure_identity::{
    ClientAssertionCredentialOptions, WorkloadIdentityCredential, WorkloadIdentityCredentialOptions,
};
use std::sync::Arc;

const STRATEGY: &str = "WORKLOAD_IDENTITY";

/// The way.
pub static ROW: SignInRow = SignInRow {
    names: [STRATEGY, "workload_identity"],
    summary: "the federated token of the worker's pod",
    keys: &[],
    read: |_, _| Some(Arc::new(WorkloadIdentity)),
};

/// The pod's identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkloadIdentity;

impl SignIn for WorkloadIdentity {
    fn strategy(&self) -> &'static str {
        STRATEGY
    }

    fn is_of_worker(&self) -> bool {
        true
    }

    fn proof(self: Arc<Self>) -> Proof {
        Proof::Issued(self)
    }
}

impl Issuer for WorkloadIdentity {
    fn credential(&self, login: &Login) -> azure_core::Result<Arc<dyn TokenCredential>> {
        Ok(WorkloadIdentityCredential::new(Some(WorkloadIdentityCredentialOptions {
            credential_options: ClientAssertionCredentialOptions { client_options: login.options() },
            ..Default::default()
        }))?)
    }

    fn settings_behind(&self, _: &str) -> &'static str {
        "aad.auth.strategy, AZURE_CLIENT_ID, AZURE_TENANT_ID and AZURE_FEDERATED_TOKEN_FILE"
    }
}
