//! No credentials: only for loopback, or plain http where the worker allows it.

use super::{Proof, SignIn};
use std::sync::Arc;

/// Nobody in particular.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nobody;

impl SignIn for Nobody {
    fn strategy(&self) -> &'static str {
        "NONE"
    }

    fn identity(&self) -> Option<String> {
        Some(self.strategy().to_owned())
    }

    fn proof(self: Arc<Self>) -> Proof {
        Proof::Nothing
    }
}
