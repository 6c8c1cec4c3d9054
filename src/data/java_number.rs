//! Numbers as Java writes, reads and narrows them: `Double.toString`, `BigDecimal.toString`, `Double.parseDouble`,
//! `Number.intValue`.
//!
//! Floating numbers are written with the fewest digits that read back as the same number, which is what Java does from
//! release 19 on; older ones write a digit more for some.

use super::{Error, Value};
use bigdecimal::BigDecimal;
use bigdecimal::num_bigint::{BigInt, Sign};

/// The longest decimal, in bytes of its unscaled number. No table has longer ones, and to write one as text takes the
/// square of its length. (Numbers in texts are bounded where they are read.)
const MOST_BYTES: usize = 16 * 1024;

/// The decimal of an unscaled number, big-endian two's complement.
pub fn decimal_of_bytes(unscaled: &[u8], scale: i64) -> Result<BigDecimal, Error> {
    if unscaled.len() > MOST_BYTES {
        let len = unscaled.len();
        return Err(Error::new(format!("a decimal of {len} bytes is too long: {MOST_BYTES} may be")));
    }
    Ok(BigDecimal::new(BigInt::from_signed_bytes_be(unscaled), scale))
}

/// `Double.toString`.
pub fn double(number: f64) -> String {
    if is_plain(number) {
        return format!("{number:?}");
    }
    special(number).unwrap_or_else(|| in_javas_form(&fewest(format!("{number:e}"), format!("{number:.1e}"))))
}

/// `Float.toString`.
pub fn float(number: f32) -> String {
    if is_plain(number.into()) {
        return format!("{number:?}");
    }
    let digits = || fewest(format!("{number:e}"), format!("{number:.1e}"));
    special(f64::from(number)).unwrap_or_else(|| in_javas_form(&digits()))
}

/// Neither small nor great: then Rust's form, which is quicker to have, is Java's.
fn is_plain(number: f64) -> bool {
    number == 0.0 || (1e-3..1e7).contains(&number.abs())
}

/// The shortest form, but of two digits at least, and then the two that are nearest: `4.9E-324`, not `5.0E-324`.
fn fewest(shortest: String, of_two_digits: String) -> String {
    if shortest.contains('.') || of_two_digits.contains(".0e") { shortest } else { of_two_digits }
}

fn special(number: f64) -> Option<String> {
    if number.is_nan() {
        Some("NaN".to_owned())
    } else if number.is_infinite() {
        Some(if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned())
    } else {
        None
    }
}

/// From `-1.5e-7` to `-1.5E-7`, and to plain digits for what is neither small nor great.
fn in_javas_form(scientific: &str) -> String {
    let (sign, unsigned) = scientific.strip_prefix('-').map_or(("", scientific), |rest| ("-", rest));
    let (mantissa, exponent) = unsigned.split_once('e').unwrap_or((unsigned, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if !(-3..7).contains(&exponent) {
        let fraction = if fraction.is_empty() { "0" } else { fraction };
        return format!("{sign}{whole}.{fraction}E{exponent}");
    }
    let digits = format!("{whole}{fraction}");
    let places = usize::try_from(exponent.unsigned_abs()).unwrap_or(0);
    if exponent < 0 {
        return format!("{sign}0.{}{digits}", "0".repeat(places - 1));
    }
    let digits = format!("{digits:0<width$}", width = places + 2);
    let (whole, fraction) = digits.split_at(places + 1);
    format!("{sign}{whole}.{fraction}")
}

/// `BigDecimal.toString`: plain unless the scale is negative or there would be many leading zeros.
pub fn decimal(number: &BigDecimal) -> String {
    let (unscaled, scale) = number.as_bigint_and_exponent();
    let sign = if unscaled.sign() == Sign::Minus { "-" } else { "" };
    let digits = unscaled.magnitude().to_string();
    if scale == 0 {
        return format!("{sign}{digits}");
    }
    let count = i64::try_from(digits.len()).unwrap_or(i64::MAX);
    let adjusted = (count - 1).saturating_sub(scale);
    if scale > 0 && adjusted >= -6 {
        let places = usize::try_from(scale).unwrap_or(0);
        let digits = format!("{digits:0>width$}", width = places + 1);
        let (whole, fraction) = digits.split_at(digits.len() - places);
        return format!("{sign}{whole}.{fraction}");
    }
    let (first, rest) = digits.split_at(1);
    let point = if rest.is_empty() { "" } else { "." };
    let exponent = if adjusted == 0 { String::new() } else { format!("E{adjusted:+}") };
    format!("{sign}{first}{point}{rest}{exponent}")
}

/// The number that a text is, if it is a whole one of at most 64 bits, also written with a point or an exponent.
pub fn whole(text: &str) -> Option<i64> {
    let plain = text.parse::<i64>().ok().filter(|_| !text.starts_with('+'));
    plain.or_else(|| Numeral::of(text)?.whole())
}

/// A number's text, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Numeral<'a> {
    /// A minus or nothing.
    pub(super) sign: &'a str,
    /// Those of the mantissa, without leading zeros.
    pub(super) digits: String,
    /// How many of them stand behind the point.
    pub(super) scale: i64,
}

impl<'a> Numeral<'a> {
    /// None for what is no number, or one with an exponent that no number has.
    pub(super) fn of(text: &'a str) -> Option<Self> {
        let (sign, unsigned) = match text.strip_prefix(['+', '-']) {
            Some(rest) => (text.get(..1).filter(|sign| *sign == "-").unwrap_or_default(), rest),
            None => ("", text),
        };
        let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{fraction}");
        if digits.is_empty() || !digits.bytes().all(|c| c.is_ascii_digit()) {
            return None;
        }
        let exponent: i32 = exponent.parse().ok()?;
        let scale = i64::try_from(fraction.len()).ok()? - i64::from(exponent);
        i32::try_from(scale).ok()?;
        Some(Self { sign, digits: digits.trim_start_matches('0').to_owned(), scale })
    }

    /// The number, if it is a whole one of at most 64 bits.
    pub(super) fn whole(&self) -> Option<i64> {
        if self.digits.is_empty() {
            return Some(0);
        }
        let whole_digits = i64::try_from(self.digits.len()).ok()? - self.scale;
        // Longer ones do not fit; the test also keeps powers of ten small.
        let whole_digits = usize::try_from(whole_digits).ok().filter(|count| (1..=20).contains(count))?;
        let (whole, fraction) = self.digits.split_at_checked(whole_digits).unwrap_or((&self.digits, ""));
        if fraction.bytes().any(|digit| digit != b'0') {
            return None;
        }
        format!("{}{whole:0<whole_digits$}", self.sign).parse().ok()
    }
}

/// `Double.parseDouble`: blanks around, a suffix of type and `Infinity` are allowed. Hexadecimal forms are not read.
pub fn parse_double(text: &str) -> Option<f64> {
    floating(text)?.parse().ok()
}

/// `Float.parseFloat`.
pub fn parse_float(text: &str) -> Option<f32> {
    floating(text)?.parse().ok()
}

/// The text without what Rust would not read; none for what Rust reads and Java does not.
fn floating(text: &str) -> Option<&str> {
    let text = text.trim_matches(|c: char| c <= ' ');
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if matches!(unsigned, "NaN" | "Infinity") {
        return Some(text);
    }
    let number = text.strip_suffix(['f', 'F', 'd', 'D']).unwrap_or(text);
    let is_plain = |c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-');
    (number.starts_with(is_plain) && number.chars().all(is_plain)).then_some(number)
}

/// `toString` of numbers and truth values, and `null` for null; none for all other values.
pub fn scalar(value: &Value) -> Option<String> {
    Some(match value {
        Value::Null => "null".to_owned(),
        Value::Boolean(truth) => truth.to_string(),
        Value::Int8(number) => number.to_string(),
        Value::Int16(number) => number.to_string(),
        Value::Int32(number) => number.to_string(),
        Value::Int64(number) => number.to_string(),
        Value::Float32(number) => float(*number),
        Value::Float64(number) => double(*number),
        Value::Decimal(number) => decimal(number),
        _ => return None,
    })
}

/// `Number.longValue`; none for what is no number. Integers keep their low bits, floating numbers the nearest bound.
pub fn long_value(value: &Value) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "Java's rules for narrowing are those of `as`")]
    Some(match value {
        Value::Int8(number) => i64::from(*number),
        Value::Int16(number) => i64::from(*number),
        Value::Int32(number) => i64::from(*number),
        Value::Int64(number) => *number,
        Value::Float32(number) => *number as i64,
        Value::Float64(number) => *number as i64,
        Value::Decimal(number) => low_bits(number),
        _ => return None,
    })
}

/// `Number.intValue`.
pub fn int_value(value: &Value) -> Option<i32> {
    #[expect(clippy::cast_possible_truncation, reason = "Java's rules for narrowing are those of `as`")]
    Some(match value {
        Value::Float32(number) => *number as i32,
        Value::Float64(number) => *number as i32,
        other => long_value(other)? as i32,
    })
}

/// `Number.doubleValue`.
pub fn double_value(value: &Value) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "Java rounds a long to the nearest double, too")]
    Some(match value {
        Value::Float32(number) => f64::from(*number),
        Value::Float64(number) => *number,
        Value::Decimal(number) => parse_double(&decimal(number)).unwrap_or(f64::NAN),
        other => long_value(other)? as f64,
    })
}

/// `Number.floatValue`.
pub fn float_value(value: &Value) -> Option<f32> {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "Java rounds to the nearest float, too"
    )]
    Some(match value {
        Value::Float32(number) => *number,
        Value::Float64(number) => *number as f32,
        Value::Decimal(number) => parse_float(&decimal(number)).unwrap_or(f32::NAN),
        other => long_value(other)? as f32,
    })
}

/// The low 64 bits of the integer part.
fn low_bits(number: &BigDecimal) -> i64 {
    let (unscaled, scale) = number.as_bigint_and_exponent();
    let digits = unscaled.magnitude().to_string().len();
    // Above 10^64 all low bits are zero, and below 1 so is the integer part: neither needs the power of ten.
    let is_zero = scale < -64 || usize::try_from(scale).is_ok_and(|scale| scale >= digits);
    let Ok(scale) = i32::try_from(scale) else { return 0 };
    if is_zero {
        return 0;
    }
    let power = BigInt::from(10).pow(scale.unsigned_abs());
    let integer = if scale > 0 { unscaled / power } else { unscaled * power };
    let low = integer.iter_u64_digits().next().unwrap_or(0).cast_signed();
    if integer.sign() == Sign::Minus { low.wrapping_neg() } else { low }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::str::FromStr;

    #[test]
    fn floating_numbers_are_written_as_java_does() {
        for (number, text) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (100.0, "100.0"),
            (1.5, "1.5"),
            (0.001, "0.001"),
            (0.000_1, "1.0E-4"),
            (0.012_345, "0.012345"),
            (9_999_999.0, "9999999.0"),
            (1e7, "1.0E7"),
            (-1.234e21, "-1.234E21"),
            (123_456.789, "123456.789"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Infinity"),
            (f64::MAX, "1.7976931348623157E308"),
        ] {
            assert_eq!(double(number), text);
        }
        assert_eq!(float(0.1), "0.1");
        assert_eq!(float(1.234_567_9e8), "1.23456792E8".replace("92", "9"));
    }

    proptest! {
        #[test]
        fn the_quick_way_writes_what_the_long_way_does(
            double in -1e7..1e7_f64,
            short in -99_999_999..99_999_999_i32,
            places in 0..11,
            float in -1e7..1e7_f32,
        ) {
            let short = f64::from(short) / 10_f64.powi(places);
            for number in [double, short] {
                let long = in_javas_form(&fewest(format!("{number:e}"), format!("{number:.1e}")));
                prop_assert_eq!(super::double(number), long);
            }
            let long = in_javas_form(&fewest(format!("{float:e}"), format!("{float:.1e}")));
            prop_assert_eq!(super::float(float), long);
        }
    }

    #[test]
    fn decimals_are_written_as_java_does() {
        let of = |unscaled: i64, scale| decimal(&BigDecimal::new(unscaled.into(), scale));
        for (unscaled, scale, text) in [
            (12_345, 2, "123.45"),
            (-5, 3, "-0.005"),
            (0, 2, "0.00"),
            (1, 7, "1E-7"),
            (12, 8, "1.2E-7"),
            (123, -2, "1.23E+4"),
            (1, -400, "1E+400"),
            (0, -1, "0E+1"),
            (7, 0, "7"),
        ] {
            assert_eq!(of(unscaled, scale), text);
        }
    }

    #[test]
    fn texts_are_read_as_java_does() {
        for (text, number) in [
            (" 1.5 ", Some(1.5)),
            ("1d", Some(1.0)),
            ("1e3f", Some(1000.0)),
            ("+.5", Some(0.5)),
            ("5.", Some(5.0)),
            ("-Infinity", Some(f64::NEG_INFINITY)),
            ("inf", None),
            ("nan", None),
            ("", None),
            ("d", None),
            ("1_0", None),
        ] {
            assert_eq!(parse_double(text), number, "{text}");
        }
        assert!(parse_double("NaN").is_some_and(f64::is_nan));
    }

    #[test]
    fn narrowing_keeps_low_bits_or_the_nearest_bound() {
        let decimal = |text: &str| Value::Decimal(BigDecimal::from_str(text).unwrap());
        assert_eq!(int_value(&Value::Int64(0x1_0000_0005)), Some(5));
        assert_eq!(int_value(&Value::Float64(1e10)), Some(i32::MAX));
        assert_eq!(long_value(&decimal("18446744073709551617.9")), Some(1));
        assert_eq!(long_value(&decimal("-18446744073709551617.9")), Some(-1));
        assert_eq!(long_value(&decimal("1e2000000000")), Some(0));
        assert_eq!(long_value(&decimal("1e-2000000000")), Some(0));
        assert_eq!(long_value(&decimal("12.5e1")), Some(125));
        assert_eq!(double_value(&decimal("1e400")), Some(f64::INFINITY));
        assert_eq!(long_value(&Value::Null), None);
    }
}
