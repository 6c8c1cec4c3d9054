//! What becomes of records in a sink, in words, for who reads a connector's settings.

/// What a sink does with the records of one topic.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Description {
    /// Where they go, e.g. `table d.T, as csv`; none when the settings name no place for that topic.
    pub target: Option<String>,
    /// What happens on the way, in order: a word for the step, and a clause.
    pub steps: Vec<(&'static str, String)>,
}

/// A setting that is used with another value than the settings hold under its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Supplied {
    /// The key.
    pub key: &'static str,
    /// What is used; never a secret.
    pub value: String,
    /// Where it comes from, in a word or two.
    pub origin: &'static str,
}
