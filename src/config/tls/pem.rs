//! PEM as it stands in settings and files: several blocks in one text, line breaks kept or lost.
//!
//! Java reads a block whose line breaks have become blanks (a properties file of one line), OpenSSL does not: so blocks
//! are written anew before OpenSSL sees them. Pure.

use openssl::pkey::{PKey, Private};
use openssl::x509::X509;

/// How long a line of base64 is in PEM.
const WIDTH: usize = 64;

/// The blocks of `text`: label and block, ready for OpenSSL.
fn blocks(text: &str) -> Vec<(&str, String)> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((_, behind)) = rest.split_once("-----BEGIN ") {
        let Some((label, behind)) = behind.split_once("-----") else { break };
        let end = format!("-----END {label}-----");
        let Some((body, behind)) = behind.split_once(end.as_str()) else { break };
        // A colon means header lines (an old encrypted key), where lines matter.
        let body = if body.contains(':') { body.trim().to_owned() } else { wrapped(body) };
        found.push((label, format!("-----BEGIN {label}-----\n{body}\n{end}\n")));
        rest = behind;
    }
    found
}

fn wrapped(body: &str) -> String {
    let mut out = String::new();
    for (index, c) in body.chars().filter(|c| !c.is_whitespace()).enumerate() {
        if index > 0 && index % WIDTH == 0 {
            out.push('\n');
        }
        out.push(c);
    }
    out
}

/// True when there is a block in it.
pub(super) fn is_pem(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| text.contains("-----BEGIN "))
}

/// All certificates of `text`, in order.
pub(super) fn certificates(text: &str) -> Result<Vec<X509>, String> {
    let mut found = Vec::new();
    for (label, block) in blocks(text) {
        if label.ends_with("CERTIFICATE") {
            let certificate = X509::from_pem(block.as_bytes());
            found.push(
                certificate.map_err(|_| {
                    format!("certificate {} cannot be read: not in PEM format", found.len() + 1)
                })?,
            );
        }
    }
    if found.is_empty() {
        return Err("there is no certificate in PEM format in it".to_owned());
    }
    Ok(found)
}

/// The first private key of `text`.
pub(super) fn key(text: &str, password: Option<&str>) -> Result<PKey<Private>, String> {
    let blocks = blocks(text);
    let found = blocks.iter().find(|(label, _)| label.ends_with("PRIVATE KEY"));
    let Some((label, block)) = found else {
        return Err("there is no private key in PEM format in it".to_owned());
    };
    let is_encrypted = label.starts_with("ENCRYPTED") || block.contains("ENCRYPTED\n");
    // Without a callback OpenSSL would ask on the terminal.
    let read = PKey::private_key_from_pem_callback(block.as_bytes(), |space| {
        let password = password.unwrap_or_default().as_bytes();
        let Some(place) = space.get_mut(..password.len()) else { return Ok(0) };
        place.copy_from_slice(password);
        Ok(password.len())
    });
    read.map_err(|_| match (is_encrypted, password) {
        (true, None) => "the private key is encrypted: set ssl.key.password".to_owned(),
        (true, Some(_)) => "the private key cannot be decrypted: check ssl.key.password".to_owned(),
        (false, _) => "the private key cannot be read: not in PEM format".to_owned(),
    })
}
