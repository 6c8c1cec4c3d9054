//! What commands that check end with, beside 0 for nothing wrong.

/// Something is wrong with what was checked.
pub(super) const WRONG: u8 = 1;
/// Nothing was checked.
pub(super) const UNCHECKED: u8 = 2;
