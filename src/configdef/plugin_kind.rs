//! The kinds of classes that settings name.

/// What a class is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PluginKind {
    /// A connector that takes records out of Kafka.
    Sink,
    /// Changes records.
    Transformation,
    /// Chooses records for a transformation.
    Predicate,
    /// Reads keys and values.
    Converter,
    /// Reads headers.
    HeaderConverter,
}

impl PluginKind {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sink => "sink",
            Self::Transformation => "transformation",
            Self::Predicate => "predicate",
            Self::Converter => "converter",
            Self::HeaderConverter => "header_converter",
        }
    }

    /// The word that an alias leaves out.
    pub fn word(self) -> &'static str {
        match self {
            Self::Sink => "Connector",
            Self::Transformation => "Transformation",
            Self::Predicate => "Predicate",
            Self::Converter => "Converter",
            Self::HeaderConverter => "HeaderConverter",
        }
    }
}
