//! Decimal numbers as canonical text: exact, equal when the text is equal, ordered by [`compare`].
//!
//! No arithmetic: what is not exact here is not offered.

use std::cmp::Ordering;

/// Kusto's decimals have at most this many significant digits.
const MAX_DIGITS: usize = 34;

/// The canonical text of a plain decimal number (`-12.50` → `-12.5`); none when it is not one or is too long.
pub(crate) fn parse(text: &str) -> Option<String> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (digits, exponent) = match digits.split_once(['e', 'E']) {
        Some((digits, exponent)) => (digits, exponent.parse::<i32>().ok().filter(|e| e.abs() <= 64)?),
        None => (digits, 0),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let valid = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    (valid(whole) && valid(fraction) && !(whole.is_empty() && fraction.is_empty())).then_some(())?;
    let (whole, fraction) = shift(whole, fraction, exponent);
    let whole = whole.trim_start_matches('0');
    let fraction = fraction.trim_end_matches('0');
    (whole.len() + fraction.len() <= MAX_DIGITS).then_some(())?;
    let sign = if negative && !(whole.is_empty() && fraction.is_empty()) { "-" } else { "" };
    let whole = if whole.is_empty() { "0" } else { whole };
    let point = if fraction.is_empty() { "" } else { "." };
    Some(format!("{sign}{whole}{point}{fraction}"))
}

/// Moves the decimal point by `exponent` places to the right.
fn shift(whole: &str, fraction: &str, exponent: i32) -> (String, String) {
    let size = usize::try_from(exponent.unsigned_abs()).unwrap_or(0);
    if exponent >= 0 {
        let padded = format!("{fraction:0<size$}");
        let (moved, rest) = padded.split_at(size);
        (format!("{whole}{moved}"), rest.to_owned())
    } else {
        let padded = format!("{whole:0>size$}");
        let (rest, moved) = padded.split_at(padded.len() - size);
        (rest.to_owned(), format!("{moved}{fraction}"))
    }
}

/// The order of two canonical texts.
pub(crate) fn compare(left: &str, right: &str) -> Ordering {
    match (left.strip_prefix('-'), right.strip_prefix('-')) {
        (None, None) => compare_sizes(left, right),
        (Some(left), Some(right)) => compare_sizes(right, left),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
    }
}

fn compare_sizes(left: &str, right: &str) -> Ordering {
    let (left_whole, left_fraction) = left.split_once('.').unwrap_or((left, ""));
    let (right_whole, right_fraction) = right.split_once('.').unwrap_or((right, ""));
    // Without leading zeros the longer whole part is larger; without trailing zeros fractions compare as text.
    left_whole
        .len()
        .cmp(&right_whole.len())
        .then_with(|| left_whole.cmp(right_whole))
        .then_with(|| left_fraction.cmp(right_fraction))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn has_one_text_for_one_number() {
        for (text, expected) in [
            ("1", "1"),
            ("001.50", "1.5"),
            ("-0.0", "0"),
            (".5", "0.5"),
            ("5.", "5"),
            ("1.5e2", "150"),
            ("1.5E-3", "0.0015"),
            ("+7", "7"),
        ] {
            assert_eq!(parse(text).as_deref(), Some(expected), "{text}");
        }
        for text in ["", "-", ".", "1,5", "x", "1e", "1e999", "12345678901234567890123456789012345"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn orders_as_numbers_do(left in -1_000_000_i64..1_000_000, right in -1_000_000_i64..1_000_000) {
            let text = |n: i64| parse(&format!("{n}e-3")).unwrap();
            prop_assert_eq!(compare(&text(left), &text(right)), left.cmp(&right));
        }
    }
}
