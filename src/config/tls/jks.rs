//! Java's own key store format, which `keytool` wrote until Java 8 and still writes when asked to.
//!
//! A list of entries (a key with its chain, or a trusted certificate), then a SHA-1 over it and the password. Keys are
//! encrypted by xor with a chain of SHA-1 values, the format's own way. Written by hand because no kept library reads
//! it. Pure; a broken file is an error, never a panic.

use openssl::pkey::PKey;
use openssl::sha::Sha1;
use openssl::x509::X509;

use super::identity::{Contents, identity};

/// The words that the format mixes into its checksum.
const SALT: &[u8] = b"Mighty Aphrodite";
/// Bytes of a SHA-1.
const DIGEST: usize = 20;
/// The tag of a key with its chain.
const KEY: u32 = 1;
/// The tag of a trusted certificate.
const TRUSTED: u32 = 2;

/// Reads a whole file. Without a password the checksum is not checked, as in Java; a key then cannot be read.
pub(super) fn read(
    bytes: &[u8],
    password: Option<&str>,
    key_password: Option<&str>,
) -> Result<Contents, String> {
    let broken = || "the JKS file is broken".to_owned();
    let (content, checksum) =
        bytes.split_at_checked(bytes.len().saturating_sub(DIGEST)).ok_or_else(broken)?;
    if password.is_some_and(|password| sha1(&[&utf16(password), SALT, content]) != checksum) {
        return Err("it cannot be opened: the password is wrong, or the file is damaged".to_owned());
    }
    let mut input = Input(content);
    let store = entries(&mut input).ok_or_else(broken)?;
    let certificate = |der: &[u8]| X509::from_der(der).map_err(|_| broken());
    let trusted: Result<Vec<X509>, String> = store.trusted.iter().map(|der| certificate(der)).collect();
    let identity = store.key.map(|(sealed, chain)| {
        let password = key_password.or(password).ok_or("a JKS key store needs a password")?;
        let key = PKey::private_key_from_pkcs8(&open(sealed, password)?).map_err(|_| broken())?;
        let chain: Result<Vec<X509>, String> = chain.iter().map(|der| certificate(der)).collect();
        identity(key, &chain?)
    });
    Ok(Contents { identity, certificates: trusted? })
}

/// The entries that count: the first key, and all trusted certificates.
#[derive(Default)]
struct Entries<'a> {
    key: Option<(&'a [u8], Vec<&'a [u8]>)>,
    trusted: Vec<&'a [u8]>,
}

fn entries<'a>(input: &mut Input<'a>) -> Option<Entries<'a>> {
    let _magic = input.number()?;
    let version = input.number()?;
    let mut found = Entries::default();
    for _ in 0..input.number()? {
        let tag = input.number()?;
        let _alias = input.text()?;
        let _date = input.take(8)?;
        match tag {
            KEY => {
                let sealed = input.bytes()?;
                let mut chain = Vec::new();
                for _ in 0..input.number()? {
                    chain.push(certificate(input, version)?);
                }
                found.key.get_or_insert((sealed, chain));
            }
            TRUSTED => found.trusted.push(certificate(input, version)?),
            _ => return None,
        }
    }
    Some(found)
}

fn certificate<'a>(input: &mut Input<'a>, version: u32) -> Option<&'a [u8]> {
    if version > 1 {
        let _type = input.text()?;
    }
    input.bytes()
}

/// The PKCS#8 bytes of a sealed key.
fn open(sealed: &[u8], password: &str) -> Result<Vec<u8>, String> {
    let wrong = || "the private key cannot be decrypted: check ssl.key.password".to_owned();
    let protected = protected(sealed).ok_or_else(wrong)?;
    let (salt, rest) = protected.split_at_checked(DIGEST).ok_or_else(wrong)?;
    let (body, check) = rest
        .split_at_checked(rest.len().saturating_sub(DIGEST))
        .filter(|(_, c)| c.len() == DIGEST)
        .ok_or_else(wrong)?;
    let password = utf16(password);
    let mut plain = Vec::with_capacity(body.len());
    let mut digest: Vec<u8> = salt.to_vec();
    for block in body.chunks(DIGEST) {
        digest = sha1(&[&password, &digest]).to_vec();
        plain.extend(block.iter().zip(&digest).map(|(byte, mask)| byte ^ mask));
    }
    if sha1(&[&password, &plain]) == check { Ok(plain) } else { Err(wrong()) }
}

/// The octets of `SEQUENCE { SEQUENCE algorithm, OCTET STRING }`.
fn protected(sealed: &[u8]) -> Option<&[u8]> {
    let (0x30, inner, _) = der(sealed)? else { return None };
    let (0x30, _, rest) = der(inner)? else { return None };
    let (0x04, octets, _) = der(rest)? else { return None };
    Some(octets)
}

/// Tag, content and what follows of one DER value.
fn der(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, mut rest) = rest.split_first()?;
    let mut length = usize::from(first);
    if first & 0x80 != 0 {
        let (digits, behind) =
            rest.split_at_checked(usize::from(first & 0x7F)).filter(|(d, _)| d.len() <= 4)?;
        length = digits.iter().fold(0, |sum, digit| sum << 8 | usize::from(*digit));
        rest = behind;
    }
    let (content, behind) = rest.split_at_checked(length)?;
    Some((tag, content, behind))
}

fn sha1(parts: &[&[u8]]) -> [u8; DIGEST] {
    let mut hash = Sha1::new();
    for part in parts {
        hash.update(part);
    }
    hash.finish()
}

/// Java's characters, high byte first.
fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

/// What is left to read.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<u32> {
        Some(u32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }

    /// Bytes with their length before them.
    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.number()?;
        self.take(usize::try_from(length).ok()?)
    }

    /// Java's text: a length of two bytes, then that many.
    fn text(&mut self) -> Option<&'a [u8]> {
        let length = u16::from_be_bytes(self.take(2)?.try_into().ok()?);
        self.take(usize::from(length))
    }
}

#[cfg(test)]
mod tests {
    use super::read;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn broken_files_are_errors(tail in prop::collection::vec(any::<u8>(), 0..80), with: bool) {
            let mut bytes = vec![0xFE, 0xED, 0xFE, 0xED, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1];
            bytes.extend(tail);
            let _read_or_refused = read(&bytes, with.then_some("x"), None);
        }
    }
}
