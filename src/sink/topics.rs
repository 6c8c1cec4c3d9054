//! What a sink connector reads.

use crate::data::java_regex::JavaRegex;

/// What a connector reads.
#[derive(Debug, Clone)]
pub enum Topics {
    /// These topics.
    List(Vec<String>),
    /// Every topic whose whole name matches.
    Regex(JavaRegex),
}
