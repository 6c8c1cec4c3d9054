//! What a request asks for in addition to its text.

use std::collections::BTreeMap;

/// What a request's `properties.Options` ask for, as far as the engine cares.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestOptions {
    /// Check names and permissions only and answer one cell `OK`.
    pub validate_permissions: bool,
    /// The values of query parameters, each the text of a literal.
    pub parameters: BTreeMap<String, String>,
}
