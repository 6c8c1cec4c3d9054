//! `AZ_DEV_TOKEN`: a fixed bearer token; for development.

use super::{CONNECTION, Proof, Reading, SignIn, SignInRow, note_missing};
use crate::configdef::Problems;
use crate::configdef::def::{Check, Importance, KeyType, Row, RowDefault, Width};
use crate::secret::Secret;
use std::sync::Arc;

const STRATEGY: &str = "AZ_DEV_TOKEN";
const ACCESS_TOKEN: &str = "aad.auth.accesstoken";

/// The way.
pub static ROW: SignInRow = SignInRow {
    names: [STRATEGY, "az_dev_token"],
    summary: "a fixed token (for development)",
    keys: &KEYS,
    read,
};

#[rustfmt::skip] // a table: one row is one key
static KEYS: [Row; 1] = [
    Row(ACCESS_TOKEN, KeyType::Password, RowDefault::Null, Check::Any, Importance::Low, (CONNECTION, 3), Width::Medium, "Kusto Auth AccessToken",
        "A bearer token for the strategy AZ_DEV_TOKEN; it is never renewed, so it is for development only."),
];

/// A fixed bearer token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DevToken(pub Secret);

fn read(reading: &Reading<'_>, problems: &mut Problems) -> Option<Arc<dyn SignIn>> {
    let token = reading.values.secret(ACCESS_TOKEN);
    if token.is_none() {
        note_missing(ACCESS_TOKEN, STRATEGY, problems);
    }
    Some(Arc::new(DevToken(token?)))
}

impl SignIn for DevToken {
    fn strategy(&self) -> &'static str {
        STRATEGY
    }

    fn proof(self: Arc<Self>) -> Proof {
        Proof::Token(self.0.clone())
    }
}
