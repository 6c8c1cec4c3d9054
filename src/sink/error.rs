//! What can be wrong with a record, with a batch, or with the sink, as far as tasks treat it differently.

use crate::brief::Brief;
use crate::causes::chain;
use crate::data;
use crate::id::OffsetRange;
use std::fmt;

/// What the sink says of it, in one line and as a whole, with the place and the setting to change.
#[derive(Debug)]
pub struct Cause(Box<Said>);

#[derive(Debug)]
struct Said {
    brief: Brief,
    source: Box<dyn std::error::Error + Send + Sync>,
}

impl Cause {
    /// An error, with its line.
    pub fn new(brief: Brief, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(Box::new(Said { brief, source: source.into() }))
    }

    /// The same, and what it was about: a table, a file.
    #[must_use]
    pub fn about(self, subject: &str) -> Self {
        let Said { brief, source } = *self.0;
        Self::new(brief.about(subject), source)
    }
}

impl From<String> for Cause {
    fn from(message: String) -> Self {
        Self::new(Brief::of(&message), message)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.source.fmt(f)
    }
}

impl std::error::Error for Cause {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.source()
    }
}

/// Ranges of records that a message names.
const MOST_NAMED: usize = 5;

/// Why a record or a batch cannot be handed over.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// This record cannot be written; others can.
    #[error("{}", chain(.0))]
    Record(#[from] data::Error),
    /// The service refused what is in the batch, and would take another.
    #[error(transparent)]
    Batch(Cause),
    /// The service took the batch but for some records, which it refused for what is in them.
    #[error("{refused}: {cause}")]
    Records {
        /// Which.
        refused: RefusedRecords,
        /// What was said of one of them.
        cause: Cause,
    },
    /// Anything else (the settings, the sign-in, the network, a defect): it would meet whatever comes next too.
    #[error(transparent)]
    Failed(Cause),
}

impl Error {
    /// True when the service refused what is in a batch, and would take another.
    pub fn is_of_batch(&self) -> bool {
        matches!(self, Self::Batch(_) | Self::Records { .. })
    }

    /// It in one line.
    pub fn brief(&self) -> Brief {
        match self {
            Self::Record(error) => Brief::of(&chain(error)),
            Self::Batch(cause) | Self::Failed(cause) => cause.0.brief.clone(),
            Self::Records { refused, cause } => cause.0.brief.clone().led_by(refused.to_string()),
        }
    }

    /// The same error of a batch for `subject`: a table, a file.
    #[must_use]
    pub fn about(self, subject: &str) -> Self {
        match self {
            Self::Record(error) => Self::Record(error),
            Self::Batch(cause) => Self::Batch(cause.about(subject)),
            Self::Records { refused, cause } => Self::Records { refused, cause: cause.about(subject) },
            Self::Failed(cause) => Self::Failed(cause.about(subject)),
        }
    }

    /// The records that it is about; none when it is all of the batch.
    pub fn records(&self) -> Option<&RefusedRecords> {
        if let Self::Records { refused, .. } = self { Some(refused) } else { None }
    }
}

/// Records of a batch that the service refused; it took all others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RefusedRecords {
    count: u64,
    /// In the order of their offsets.
    ranges: Vec<OffsetRange>,
}

impl RefusedRecords {
    /// How many.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// True for a record of the batch that is among them.
    pub fn contain(&self, offset: i64) -> bool {
        self.ranges.iter().any(|range| (range.first..=range.last).contains(&offset))
    }

    /// These `count` records too: all of the batch between the ends of `range`.
    pub fn add(&mut self, count: u64, range: OffsetRange) {
        self.count += count;
        let place = self.ranges.partition_point(|known| known.first < range.first);
        self.ranges.insert(place, range);
    }
}

impl fmt::Display for RefusedRecords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} record(s) of the batch were refused, offsets", self.count)?;
        for (number, range) in self.ranges.iter().take(MOST_NAMED).enumerate() {
            write!(f, "{} {range}", if number == 0 { "" } else { "," })?;
        }
        if self.ranges.len() > MOST_NAMED { f.write_str(", …") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::{OffsetRange, RefusedRecords};

    #[test]
    fn an_error_names_some_of_many_places() {
        let mut refused = RefusedRecords::default();
        for number in [0, 3, 1, 2, 8, 7, 6, 5, 4] {
            refused.add(1, OffsetRange { first: 10 * number, last: 10 * number });
        }
        assert_eq!(
            refused.to_string(),
            "9 record(s) of the batch were refused, offsets 0-0, 10-10, 20-20, 30-30, 40-40, …"
        );
    }
}
