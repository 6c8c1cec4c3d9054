//! HMAC signatures with a fixed and public key: nothing is protected by them, but they can be checked.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer;

const KEY: &[u8] = b"adx-emulator: a public key that protects nothing";

/// The HMAC-SHA256 of `parts`, one per line, in base64.
pub(crate) fn sign(parts: &[&str]) -> Option<String> {
    hmac(KEY, parts.join("\n").as_bytes())
}

/// HMAC-SHA256 in base64. None only when OpenSSL fails.
pub(crate) fn hmac(key: &[u8], text: &[u8]) -> Option<String> {
    let key = PKey::hmac(key).ok()?;
    let mut signer = Signer::new(MessageDigest::sha256(), &key).ok()?;
    signer.update(text).ok()?;
    Some(STANDARD.encode(signer.sign_to_vec().ok()?))
}
