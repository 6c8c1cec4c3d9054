//! A record with bytes of its own: read by a [`super::visitor::Visitor`], or written by hand.

use super::native::ConsumedRecord;

/// A record that is in no fetch buffer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GivenRecord {
    /// Its offset.
    pub offset: i64,
    /// The key's bytes.
    pub key: Option<Vec<u8>>,
    /// The value's bytes; none is a tombstone.
    pub value: Option<Vec<u8>>,
    /// The headers, in order.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
    /// When it was made, in ms since the epoch.
    pub timestamp: Option<i64>,
}

impl GivenRecord {
    /// The same as the pipelines see records.
    pub fn as_record(&self) -> ConsumedRecord<'_> {
        ConsumedRecord::given(
            (self.offset, self.key.as_deref(), self.value.as_deref()),
            (&self.headers, self.timestamp),
        )
    }
}
