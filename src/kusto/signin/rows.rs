//! The catalogue of ways to sign in, and the keys that several of them share.

use super::{
    APP_ID, AUTHORITY, CONNECTION, Reading, SignIn, SignInRow, application, azure_cli, dev_token,
    managed_identity, workload_identity,
};
use crate::configdef::Problems;
use crate::configdef::def::Check::{Any, OneOf};
use crate::configdef::def::Importance::High;
use crate::configdef::def::KeyType::String as Text;
use crate::configdef::def::RowDefault::{Is, Null};
use crate::configdef::def::Width::Medium;
use crate::configdef::def::{ConfigKey, Row};
use std::borrow::Cow;
use std::sync::Arc;

/// All ways, in the order in which their names are shown.
const ROWS: [&SignInRow; 5] =
    [&application::ROW, &managed_identity::ROW, &dev_token::ROW, &workload_identity::ROW, &azure_cli::ROW];

const STRATEGY: &str = "aad.auth.strategy";

/// What `aad.auth.strategy` may be.
const NAMES: [&str; 2 * ROWS.len()] = {
    let mut names = [""; 2 * ROWS.len()];
    let mut at = 0;
    while at < names.len() {
        names[at] = ROWS[at / 2].names[at % 2];
        at += 1;
    }
    names
};

#[rustfmt::skip] // a table: one row is one key
static SHARED: [Row; 3] = [
    Row(APP_ID, Text, Null, Any, High, (CONNECTION, 4), Medium, "Kusto Auth AppID",
        "The client id of the service principal, or of a user-assigned managed identity."),
    Row(AUTHORITY, Text, Null, Any, High, (CONNECTION, 5), Medium, "Kusto Auth Authority",
        "The tenant of the service principal; organizations when not set."),
    Row(STRATEGY, Text, Is("APPLICATION"), OneOf(&NAMES), High, (CONNECTION, 7), Medium, "Kusto Auth Strategy",
        "How the worker proves who it is"),
];

/// The keys of all ways.
pub fn keys() -> impl Iterator<Item = ConfigKey> {
    let own = ROWS.into_iter().flat_map(|row| row.keys);
    SHARED.iter().chain(own).map(|row| {
        let mut key = ConfigKey::from(row);
        if key.name == STRATEGY {
            let ways = ROWS.map(|row| format!("{}, {}", row.names[0], row.summary)).join("; ");
            let text = format!(
                "{}: {ways}. An endpoint on this machine, or one of plain http, needs none.",
                key.documentation
            );
            key.documentation = Cow::Owned(text);
        }
        key
    })
}

/// Who we are by the settings; what is wrong goes to `problems`, and the result is none.
pub fn read(reading: &Reading<'_>, problems: &mut Problems) -> Option<Arc<dyn SignIn>> {
    // The table let no other strategy through to here.
    let strategy = reading.values.text(STRATEGY)?;
    let row = ROWS.into_iter().find(|row| row.names.contains(&strategy))?;
    (row.read)(reading, problems)
}
