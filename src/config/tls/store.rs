//! Key store and trust store files of any format that Kafka's Java clients read.

use std::path::Path;

use openssl::pkcs12::Pkcs12;
use openssl::x509::X509;

use super::identity::{Contents, identity};
use super::{jks, pem};
use crate::config::{files, properties};

/// What Java's own format begins with.
const JKS: [u8; 4] = [0xFE, 0xED, 0xFE, 0xED];
/// What its stronger sibling begins with.
const JCEKS: [u8; 4] = [0xCE, 0xCE, 0xCE, 0xCE];
/// An ASN.1 sequence, which a PKCS12 file is.
const SEQUENCE: u8 = 0x30;
/// What to do about a file that we cannot read and Java can.
const CONVERT: &str = "write it anew as PKCS12: keytool -importkeystore -srckeystore OLD -destkeystore NEW.p12 \
                       -deststoretype PKCS12";

/// Reads the file `location`.
pub(super) fn read(
    location: &str,
    password: Option<&str>,
    key_password: Option<&str>,
) -> Result<Contents, String> {
    let bytes = files::read(Path::new(location.trim()));
    let bytes = bytes.map_err(|reason| format!("{location} cannot be read: {reason}"))?;
    let bytes = properties::without_mark(bytes);
    let read = if bytes.starts_with(&JKS) {
        jks::read(&bytes, password, key_password)
    } else if bytes.starts_with(&JCEKS) {
        Err(format!("JCEKS is not supported; {CONVERT}"))
    } else if pem::is_pem(&bytes) {
        from_pem(&String::from_utf8_lossy(&bytes), key_password.or(password))
    } else if bytes.first() == Some(&SEQUENCE) {
        from_pkcs12(&bytes, password.unwrap_or_default())
    } else {
        Err("it is neither PEM, PKCS12 nor JKS".to_owned())
    };
    read.map_err(|reason| format!("{location}: {reason}"))
}

fn from_pem(text: &str, password: Option<&str>) -> Result<Contents, String> {
    let certificates = pem::certificates(text)?;
    let identity = text
        .contains("PRIVATE KEY-----")
        .then(|| pem::key(text, password).and_then(|key| identity(key, &certificates)));
    Ok(Contents { identity, certificates })
}

fn from_pkcs12(bytes: &[u8], password: &str) -> Result<Contents, String> {
    let store = Pkcs12::from_der(bytes).map_err(|_| "it is not a PKCS12 file".to_owned())?;
    let parsed = store.parse2(password).map_err(|error| {
        let unsupported = error
            .errors()
            .iter()
            .any(|error| error.reason().is_some_and(|reason| reason.contains("unsupported")));
        if unsupported {
            format!("it is encrypted in a way that OpenSSL does not read any more; {CONVERT}")
        } else {
            "it cannot be opened: the password is wrong or missing".to_owned()
        }
    })?;
    let others: Vec<X509> = parsed.ca.map(|stack| stack.into_iter().collect()).unwrap_or_default();
    let identity = match (parsed.pkey, parsed.cert) {
        (Some(key), Some(own)) => {
            let certificates: Vec<X509> = std::iter::once(own).chain(others.iter().cloned()).collect();
            Some(identity(key, &certificates))
        }
        _ => None,
    };
    Ok(Contents { identity, certificates: others })
}
