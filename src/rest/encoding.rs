//! The encoding of a JSON text: UTF-8, UTF-16 or UTF-32, with or without a byte order mark, as Jackson takes them.
//!
//! Without a mark the zeros among the first bytes tell: a JSON text begins with two characters of ASCII (RFC 4627, 3).

use std::borrow::Cow;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Utf8,
    Utf16 { big: bool },
    Utf32 { big: bool },
}

/// The text as UTF-8, without its mark; none when it is not in the encoding that it begins with. UTF-8 itself is not
/// checked here.
pub(super) fn utf8(text: &[u8]) -> Option<Cow<'_, [u8]>> {
    let (encoding, mark) = encoding(text);
    let text = text.get(mark..)?;
    let decoded: String = match encoding {
        Encoding::Utf8 => return Some(Cow::Borrowed(text)),
        Encoding::Utf16 { big } => {
            let (units, rest) = text.as_chunks();
            let unit =
                |bytes: &[u8; 2]| if big { u16::from_be_bytes(*bytes) } else { u16::from_le_bytes(*bytes) };
            let decoded: Result<_, _> = char::decode_utf16(units.iter().map(unit)).collect();
            decoded.ok().filter(|_| rest.is_empty())?
        }
        Encoding::Utf32 { big } => {
            let (units, rest) = text.as_chunks();
            let unit =
                |bytes: &[u8; 4]| if big { u32::from_be_bytes(*bytes) } else { u32::from_le_bytes(*bytes) };
            let decoded: Option<_> = units.iter().map(|bytes| char::from_u32(unit(bytes))).collect();
            decoded.filter(|_: &String| rest.is_empty())?
        }
    };
    Some(Cow::Owned(decoded.into_bytes()))
}

/// The encoding, and the length of the mark.
fn encoding(text: &[u8]) -> (Encoding, usize) {
    match text {
        [0, 0, 0xFE, 0xFF, ..] => (Encoding::Utf32 { big: true }, 4),
        [0xFF, 0xFE, 0, 0, ..] => (Encoding::Utf32 { big: false }, 4),
        [0xEF, 0xBB, 0xBF, ..] => (Encoding::Utf8, 3),
        [0xFE, 0xFF, ..] => (Encoding::Utf16 { big: true }, 2),
        [0xFF, 0xFE, ..] => (Encoding::Utf16 { big: false }, 2),
        [0, 0, 0, 1..=0xFF, ..] => (Encoding::Utf32 { big: true }, 0),
        [1..=0xFF, 0, 0, 0, ..] => (Encoding::Utf32 { big: false }, 0),
        [0, 1..=0xFF, 0, 1..=0xFF, ..] => (Encoding::Utf16 { big: true }, 0),
        [1..=0xFF, 0, 1..=0xFF, 0, ..] => (Encoding::Utf16 { big: false }, 0),
        _ => (Encoding::Utf8, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::utf8;
    use proptest::prelude::*;

    fn encoded(text: &str, width: usize, big: bool) -> Vec<u8> {
        let ordered = |mut bytes: Vec<u8>| {
            if !big {
                bytes.reverse();
            }
            bytes
        };
        match width {
            2 => text.encode_utf16().flat_map(|unit| ordered(unit.to_be_bytes().to_vec())).collect(),
            4 => text.chars().flat_map(|c| ordered(u32::from(c).to_be_bytes().to_vec())).collect(),
            _ => text.as_bytes().to_vec(),
        }
    }

    proptest! {
        #[test]
        fn every_encoding_gives_the_same_text(inner in any::<String>()) {
            let text = format!("{{\"{inner}\"}}");
            for width in [1, 2, 4] {
                for big in [false, true] {
                    for mark in ["", "\u{feff}"] {
                        let bytes = encoded(&format!("{mark}{text}"), width, big);
                        let read = utf8(&bytes);
                        prop_assert_eq!(read.as_deref(), Some(text.as_bytes()), "{} {} {:?}", width, big, mark);
                    }
                }
            }
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let _text_or_none = utf8(&bytes);
        }
    }

    #[test]
    fn what_is_cut_is_refused() {
        for bytes in [&b"{\0}\0\x01"[..], b"{\0\0\0}", b"\xFE\xFF\xD8\0", b"{\0\0\0\0\0\x11\0"] {
            assert_eq!(utf8(bytes), None, "{bytes:?}");
        }
        assert_eq!(utf8(b"").as_deref(), Some(&b""[..]));
        assert_eq!(utf8(b"7").as_deref(), Some(&b"7"[..]));
    }
}
