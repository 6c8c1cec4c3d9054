//! A cursor over a short text, for the date and number forms that are read by hand.
//!
//! Works on ASCII; other text never matches and so ends the reading. Never allocates.

/// A position in a text.
pub(crate) struct Scan<'a> {
    rest: &'a str,
}

impl<'a> Scan<'a> {
    /// Starts at the beginning of `text`.
    pub(crate) fn new(text: &'a str) -> Self {
        Self { rest: text }
    }

    /// What is left.
    pub(crate) fn rest(&self) -> &'a str {
        self.rest
    }

    /// True at the end.
    pub(crate) fn is_done(&self) -> bool {
        self.rest.is_empty()
    }

    /// Passes `wanted` when it is next.
    pub(crate) fn eat(&mut self, wanted: char) -> bool {
        self.rest.strip_prefix(wanted).map(|rest| self.rest = rest).is_some()
    }

    /// Passes spaces; false when there is none.
    pub(crate) fn spaces(&mut self) -> bool {
        !self.take(|c| c == ' ').is_empty()
    }

    /// The next digits as a number and their count; none without digits or above 9 of them.
    pub(crate) fn number(&mut self) -> Option<(i64, usize)> {
        let digits = self.take(|c| c.is_ascii_digit());
        (digits.len() <= 9).then_some(())?;
        Some((digits.parse().ok()?, digits.len()))
    }

    /// The digits after a decimal point, as ticks of 100 ns (more digits than seven are cut off).
    pub(crate) fn fraction(&mut self) -> Option<i64> {
        let digits = self.take(|c| c.is_ascii_digit());
        let kept = digits.get(..digits.len().min(7)).filter(|kept| !kept.is_empty())?;
        let value: i64 = kept.parse().ok()?;
        let missing = 7 - u32::try_from(kept.len()).ok()?;
        Some(value * 10_i64.pow(missing))
    }

    /// The next letters, if any.
    pub(crate) fn word(&mut self) -> Option<&'a str> {
        Some(self.take(|c| c.is_ascii_alphabetic())).filter(|word| !word.is_empty())
    }

    fn take(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !belongs(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }
}
